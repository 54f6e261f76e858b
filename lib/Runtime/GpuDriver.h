//===- GpuDriver.h - the driver of the GPUs, if there is one ----*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds libcuda.so.1 when the first model asks for it, and turns what its
// functions return into sentences.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_GPUDRIVER_H
#define INGOT_LIB_RUNTIME_GPUDRIVER_H

#include "lib/Runtime/Failure.h"
#include "lib/Runtime/GpuApi.h"

namespace ingot::rt {

/// The functions of the driver and what is known of it. There is one, and once
/// it works it stays.
struct GpuDriver : cuda::Functions {
  int version;       // as the driver says: 1000 * major + 10 * minor
  int devices;       // that the process may use
  int32_t process;   // that called cuInit(), 0 before
  ErrorText refusal; // of the last search, "" before
};

/// Drivers for older versions of CUDA are refused.
constexpr int leastDriverVersion = 11020;

/// The driver, ready to use; null with a sentence and `status` if there is
/// none, or if this process inherited it through fork(). Without `again` the
/// answer of the last search stands, which may have taken seconds.
const GpuDriver *gpuDriver(ingot_status &status, bool again = true);

/// The driver if it works and this is its process, else null; never a sentence.
const GpuDriver *workingGpuDriver();

/// Compute capability of a device, major * 10 + minor.
ingot_status gpuCapability(const GpuDriver &driver, int32_t device,
                           int32_t &capability);

/// "device 0 (NVIDIA H100)".
struct GpuName {
  const GpuDriver &driver;
  int32_t device;
};
Failure &operator<<(Failure &failure, GpuName name);

/// A version of CUDA as people write it.
struct CudaVersion {
  int version;
};
Failure &operator<<(Failure &failure, CudaVersion version);

/// Whether no call of this process can use the device's context any more.
bool isSticky(cuda::Result result);

/// Starts a sentence: "cuMemAlloc failed: CUDA_ERROR_OUT_OF_MEMORY (out of
/// memory)"; callers add what it was for.
Failure gpuFailure(const GpuDriver &driver, cuda::Result result,
                   const char *function, ErrorText *error = nullptr);

/// Makes a device's context the thread's current one while it lives, and puts
/// the caller's back.
class GpuCurrent {
public:
  GpuCurrent(const GpuDriver &driver, cuda::Context context)
      : driver(driver), result(driver.contextPush(context)) {}
  ~GpuCurrent() {
    cuda::Context ours;
    if (result == cuda::success)
      driver.contextPop(&ours);
  }
  GpuCurrent(const GpuCurrent &) = delete;
  GpuCurrent &operator=(const GpuCurrent &) = delete;

  ingot_status check(ErrorText *error = nullptr) const {
    if (result == cuda::success)
      return INGOT_OK;
    return gpuFailure(driver, result, "cuCtxPushCurrent", error);
  }

private:
  const GpuDriver &driver;
  cuda::Result result;
};

} // namespace ingot::rt

#endif // INGOT_LIB_RUNTIME_GPUDRIVER_H
