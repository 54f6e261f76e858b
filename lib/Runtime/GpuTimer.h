//===- GpuTimer.h - how long a launch takes ---------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Times launches by events of the driver while profiling is on; then each
// launch is waited for.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_GPUTIMER_H
#define INGOT_LIB_RUNTIME_GPUTIMER_H

#include "lib/Runtime/GpuContext.h"

namespace ingot::rt {

/// Whether the next run of the context has to be timed and can be.
bool gpuIsTimed(const ingot_context &context);

/// Times what is put into the stream between its making and stop().
class GpuTimer {
public:
  GpuTimer(ingot_context &context, int64_t index);
  ~GpuTimer();
  GpuTimer(const GpuTimer &) = delete;
  GpuTimer &operator=(const GpuTimer &) = delete;

  /// Waits, and adds the time to that of the launch.
  cuda::Result stop();

private:
  ingot_context &context;
  int64_t index;
  cuda::Result result = cuda::success;
  cuda::Event events[2] = {};
};

} // namespace ingot::rt

#endif // INGOT_LIB_RUNTIME_GPUTIMER_H
