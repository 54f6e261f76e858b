//===- Bundle.h - cases of gpu-check ----------------------------*- C -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_GPU_CHECK_BUNDLE_H
#define INGOT_TOOLS_GPU_CHECK_BUNDLE_H

#include <ingot/ingot.h>
#include <stdio.h>

#define MAX_BUFFERS 32
#define MAX_RANK 16

/// Data of a case: what goes in, or what the interpreter got out.
typedef struct Buffer {
  int isOutput;
  int32_t dtype, rank;
  int64_t dims[MAX_RANK];
  uint64_t bytes;
  void *data;
} Buffer;

typedef struct Case {
  char name[256], file[1024];
  int isKernel;
  unsigned grid, block; // of a kernel
  double rtol, atol;    // as numpy.allclose has them; 0 and 0: equal bits
  int runs;             // to be timed
  int count;
  Buffer buffers[MAX_BUFFERS];
} Case;

typedef struct Bundle {
  char folder[768];
  FILE *cases;
  int line;
  char ahead[2048]; // the line that begins the next case
} Bundle;

/// How values compare with those expected.
typedef struct Difference {
  uint64_t count, wrong, bits; // `bits`: values whose bits differ
  uint64_t at;                 // the first wrong one, and the values there
  double expected, actual, largest;
} Difference;

/// Entries of libcuda.so.1 for single kernels.
typedef struct Driver {
  void *library, *context;
  char name[128];
  int device, capability, version;
} Driver;

/// Opens BUNDLE/cases.txt; returns what is wrong, or null.
const char *openBundle(Bundle *bundle, const char *folder);

/// Reads the next case with its buffers: 1, or 0 at the end, or -1.
int nextCase(Bundle *bundle, Case *c);
void freeCase(Case *c);

Difference differenceOf(const Buffer *expected, const void *actual, double rtol,
                        double atol);

/// Loads the driver and takes the first device's primary context; returns what
/// is wrong, or null.
const char *openDriver(Driver *driver);
void closeDriver(Driver *driver);

/// Runs a kernel whose parameters are the addresses of the case's buffers, in
/// order; outputs into `made`. Returns what is wrong, or null.
const char *launchKernel(Driver *driver, const Case *c, void **made);

#endif // INGOT_TOOLS_GPU_CHECK_BUNDLE_H
