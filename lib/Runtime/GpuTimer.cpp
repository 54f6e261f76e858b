//===- GpuTimer.cpp -------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A pair of events for each launch that is timed.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/GpuTimer.h"

using namespace ingot::rt;

bool ingot::rt::gpuIsTimed(const ingot_context &context) {
  const GpuDriver &driver = *context.gpu->driver;
  return context.profiling.loadRelaxed() && driver.eventCreate &&
         driver.eventRecord && driver.eventSynchronize && driver.eventElapsed &&
         driver.eventDestroy;
}

GpuTimer::GpuTimer(ingot_context &context, int64_t index)
    : context(context), index(index) {
  const GpuContext &gpu = *context.gpu;
  if (!gpu.isTimed)
    return;
  for (cuda::Event &event : events)
    if (result == cuda::success)
      result = gpu.driver->eventCreate(&event, 0);
  if (result == cuda::success)
    result = gpu.driver->eventRecord(events[0], gpu.target);
}

GpuTimer::~GpuTimer() {
  for (cuda::Event event : events)
    if (event)
      context.gpu->driver->eventDestroy(event);
}

cuda::Result GpuTimer::stop() {
  if (!events[1] || result != cuda::success)
    return result;
  const GpuContext &gpu = *context.gpu;
  float milliseconds = 0;
  result = gpu.driver->eventRecord(events[1], gpu.target);
  if (result == cuda::success)
    result = gpu.driver->eventSynchronize(events[1]);
  if (result == cuda::success)
    result = gpu.driver->eventElapsed(&milliseconds, events[0], events[1]);
  if (result == cuda::success && milliseconds > 0)
    context.launchTimes[index] += uint64_t(double(milliseconds) * 1e6);
  return result;
}
