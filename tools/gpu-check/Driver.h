//===- Driver.h - libcuda.so.1 for gpu-check --------------------*- C -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_GPU_CHECK_DRIVER_H
#define INGOT_TOOLS_GPU_CHECK_DRIVER_H

#include "tools/gpu-check/Bundle.h"

#include <dlfcn.h>

/// The driver's library and its first device.
typedef struct Driver {
  void *library, *context;
  char name[128];
  int device, capability, version;
  int kilohertz, multiprocessors; // the highest clock
} Driver;

/// Loads the driver and takes the first device's primary context; returns what
/// is wrong, or null.
const char *openDriver(Driver *driver);
void closeDriver(Driver *driver);

/// Calls an entry of the driver: 1, or 0 with a message.
#define CALL(name, types, ...)                                                 \
  driverCall(driver, name,                                                     \
             dlsym(driver->library, name)                                      \
                 ? ((int(*) types)dlsym(driver->library, name))(__VA_ARGS__)   \
                 : -1)

int driverCall(const Driver *driver, const char *name, int status);
/// Of the last call that failed.
const char *driverMessage(void);

/// Runs a kernel whose parameters are the addresses of the case's buffers, in
/// order; outputs into `made`. Returns what is wrong, or null.
const char *launchKernel(Driver *driver, const Case *c, void **made);

/// Measures copies on the device, in bytes read and written each second; 0 and
/// a line in the report if that fails.
double measureCopies(const Driver *driver, FILE *report);

/// Times an artifact on data made here, and compares what it computes with
/// what the artifact's code for another target does, if it has any that runs
/// here. Writes a line; returns 0 if anything is wrong.
int runBenchmark(const Driver *driver, const Case *c, double copies,
                 FILE *report);

#endif // INGOT_TOOLS_GPU_CHECK_DRIVER_H
