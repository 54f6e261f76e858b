//===- Driver.c - single kernels through libcuda.so.1 ---------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/gpu-check/Driver.h"

#include <stdlib.h>
#include <string.h>

/// CUdevice_attribute.
enum {
  ClockRate = 13,
  Multiprocessors = 16,
  CapabilityMajor = 75,
  CapabilityMinor = 76
};

static char message[512];

const char *driverMessage(void) { return message; }

int driverCall(const Driver *driver, const char *name, int status) {
  const char *text = "the driver has no such function";
  int (*nameOf)(int, const char **) =
      (int (*)(int, const char **))dlsym(driver->library, "cuGetErrorName");
  if (status == 0)
    return 1;
  if (status > 0 && (!nameOf || nameOf(status, &text) != 0))
    text = "unknown error";
  snprintf(message, sizeof(message), "%s: %s", name, text);
  return 0;
}

const char *openDriver(Driver *driver) {
  memset(driver, 0, sizeof(*driver));
  driver->library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!driver->library)
    return "libcuda.so.1 was not found";
  int major = 0, minor = 0;
  if (!CALL("cuInit", (unsigned), 0) ||
      !CALL("cuDriverGetVersion", (int *), &driver->version) ||
      !CALL("cuDeviceGet", (int *, int), &driver->device, 0) ||
      !CALL("cuDeviceGetName", (char *, int, int), driver->name,
            (int)sizeof(driver->name), driver->device) ||
      !CALL("cuDeviceGetAttribute", (int *, int, int), &major, CapabilityMajor,
            driver->device) ||
      !CALL("cuDeviceGetAttribute", (int *, int, int), &minor, CapabilityMinor,
            driver->device) ||
      !CALL("cuDeviceGetAttribute", (int *, int, int), &driver->kilohertz,
            ClockRate, driver->device) ||
      !CALL("cuDeviceGetAttribute", (int *, int, int), &driver->multiprocessors,
            Multiprocessors, driver->device) ||
      !CALL("cuDevicePrimaryCtxRetain", (void **, int), &driver->context,
            driver->device))
    return message;
  driver->capability = 10 * major + minor;
  return NULL;
}

void closeDriver(Driver *driver) {
  (void)CALL("cuDevicePrimaryCtxRelease_v2", (int), driver->device);
}

/// PTX as text that ends with a zero byte.
static char *readText(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file)
    return NULL;
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  char *text = size >= 0 ? calloc(1, (size_t)size + 1) : NULL;
  if (text && fread(text, 1, (size_t)size, file) != (size_t)size) {
    free(text);
    text = NULL;
  }
  fclose(file);
  return text;
}

const char *launchKernel(Driver *driver, const Case *c, void **made) {
  char *ptx = readText(c->file);
  void *module = NULL, *function = NULL;
  uint64_t memory[MAX_BUFFERS] = {0};
  void *parameters[MAX_BUFFERS];
  int good = ptx && CALL("cuCtxSetCurrent", (void *), driver->context) &&
             CALL("cuModuleLoadData", (void **, const void *), &module, ptx) &&
             CALL("cuModuleGetFunction", (void **, void *, const char *),
                  &function, module, "kernel");
  if (!ptx)
    snprintf(message, sizeof(message), "cannot read %s", c->file);
  for (int i = 0; good && i < c->count; ++i) {
    const Buffer *b = &c->buffers[i];
    parameters[i] = &memory[i];
    good =
        CALL("cuMemAlloc_v2", (uint64_t *, size_t), &memory[i],
             (size_t)b->bytes) &&
        (b->isOutput ? CALL("cuMemsetD8_v2", (uint64_t, unsigned char, size_t),
                            memory[i], 0, (size_t)b->bytes)
                     : CALL("cuMemcpyHtoD_v2", (uint64_t, const void *, size_t),
                            memory[i], b->data, (size_t)b->bytes));
  }
  good = good &&
         CALL("cuLaunchKernel",
              (void *, unsigned, unsigned, unsigned, unsigned, unsigned,
               unsigned, unsigned, void *, void **, void **),
              function, c->grid, 1, 1, c->block, 1, 1, 0, NULL, parameters,
              NULL) &&
         CALL("cuCtxSynchronize", (void));
  for (int i = 0; good && i < c->count; ++i)
    if (c->buffers[i].isOutput)
      good = CALL("cuMemcpyDtoH_v2", (void *, uint64_t, size_t), made[i],
                  memory[i], (size_t)c->buffers[i].bytes);
  // What failed before is what the message tells.
  char told[sizeof(message)];
  memcpy(told, message, sizeof(told));
  for (int i = 0; i < c->count; ++i)
    if (memory[i])
      (void)CALL("cuMemFree_v2", (uint64_t), memory[i]);
  if (module)
    (void)CALL("cuModuleUnload", (void *), module);
  memcpy(message, told, sizeof(told));
  free(ptx);
  return good ? NULL : message;
}
