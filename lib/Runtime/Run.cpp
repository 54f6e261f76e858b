//===- Run.cpp ------------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Preparing and running, and the launches that generated code asks for.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/GpuBackend.h"
#include "lib/Runtime/System.h"

#include <unistd.h>

using namespace ingot::rt;

namespace {

/// Holds a context for one call. The owner is a process, so that a child that
/// was forked while another thread was inside a call can still use its copy.
class Claim {
public:
  explicit Claim(ingot_context &context) : context(context), self(getpid()) {
    int32_t owner = 0;
    while (!(held = context.busy.compareExchange(owner, self)))
      if (owner == self)
        return;
  }
  ~Claim() {
    if (held)
      context.busy.store(0);
  }
  Claim(const Claim &) = delete;
  Claim &operator=(const Claim &) = delete;

  /// Why the context cannot be used. Its error text is the owner's.
  ingot_status check() const {
    if (!held)
      return Failure(INGOT_ERROR_BUSY)
             << "the context is in use by another call; make one context per "
                "caller";
    return INGOT_OK;
  }

  int32_t process() const { return self; }

private:
  ingot_context &context;
  int32_t self;
  bool held = false;
};

} // namespace

/// Binds input shapes; only new ones cost more than the checks.
static ingot_status bindInputs(ingot_context &context,
                               const ingot_tensor *inputs, int32_t count) {
  ingot_status status = bindShapes(context, inputs, count);
  if (status != INGOT_OK)
    return status;
  size_t bytes = size_t(context.desc->num_symbols) * sizeof(int64_t);
  if (context.prepared &&
      (!bytes || memcmp(context.symbols, context.candidates, bytes) == 0))
    return INGOT_OK;
  return adoptSymbols(context);
}

ingot_status ingot::rt::contextPrepare(ingot_context *context,
                                       const ingot_tensor *inputs,
                                       int32_t count) {
  Claim claim(*context);
  ingot_status status = claim.check();
  return status == INGOT_OK ? bindInputs(*context, inputs, count) : status;
}

static const char *faultText(int64_t fault) {
  switch (fault) {
  case INGOT_FAULT_INDEX:
    return "an index lies outside the tensor it selects from";
  case INGOT_FAULT_DIVIDE:
    return "an integer is divided by zero";
  case INGOT_FAULT_SHAPE:
    return "data that stands for a shape contradicts the compiled shape";
  case INGOT_FAULT_ARGUMENT:
    return "an operand has a value that the operator forbids";
  default:
    return "the data has a value that the model forbids";
  }
}

static ingot_status reportStop(ingot_context &context,
                               const IngotRunFrame &frame, int64_t status) {
  if (status == cancelledStatus)
    return Failure(INGOT_ERROR_CANCELLED, &context.error)
           << "the run was cancelled";
  Failure failure(INGOT_ERROR_DATA, &context.error);
  failure << faultText(status);
  int64_t launch = frame.fault_launch;
  if (launch >= 0 && launch < context.desc->num_launches)
    failure << ", at ONNX node " << Quoted{context.desc->launches[launch].nodes}
            << " (launch " << launch << ")";
  return failure;
}

/// Runs the generated code on bound buffers.
static ingot_status execute(ingot_context &context, int32_t process) {
  IngotRunFrame frame = {};
  frame.inputs = context.inputs;
  frame.outputs = context.outputs;
  frame.symbols = context.symbols;
  frame.arena = context.arena.data();
  frame.weights = context.desc->weights;
  frame.fault_launch = -1;
  frame.runtime = &context;
  int64_t status = 0;
  ingot_status failed = INGOT_OK;
  {
    FpScope standardEnvironment;
    if (context.gpu) {
      failed = context.desc->gpu->backend->run(context, frame);
    } else {
      context.pool.beginRun(process);
      status = context.desc->run(&frame);
      context.pool.endRun();
    }
  }
  if (failed != INGOT_OK)
    return failed;
  if (frame.status)
    status = frame.status;
  return status ? reportStop(context, frame, status) : INGOT_OK;
}

ingot_status ingot::rt::contextRun(ingot_context *context,
                                   const ingot_tensor *inputs,
                                   int32_t numInputs,
                                   const ingot_tensor *outputs,
                                   int32_t numOutputs) {
  Claim claim(*context);
  ingot_status status = claim.check();
  if (status != INGOT_OK)
    return status;
  context->cancelled.store(0);
  status = bindInputs(*context, inputs, numInputs);
  if (status == INGOT_OK)
    status = bindBuffers(*context, inputs, outputs, numOutputs);
  if (status != INGOT_OK)
    return status;
  int32_t launches = context->desc->num_launches;
  if (context->profiling.loadRelaxed() && launches)
    memset(context->launchTimes, 0, size_t(launches) * sizeof(uint64_t));
  return execute(*context, claim.process());
}

extern "C" void ingot_rt_launch(IngotRunFrame *frame, int64_t index,
                                IngotKernelFn kernel, void *const *args,
                                int64_t n) {
  auto &context = *static_cast<ingot_context *>(frame->runtime);
  // After a fault the results are void: skip the rest.
  if (frame->status != 0 || n <= 0)
    return;
  if (context.cancelled.loadRelaxed()) {
    frame->status = cancelledStatus;
    return;
  }
  if (context.gpu) {
    // Generated code for GPUs passes this in place of a function.
    auto *launched = reinterpret_cast<const IngotGpuKernel *>(kernel);
    context.desc->gpu->backend->launch(context, *frame, index, *launched, args,
                                       n);
    return;
  }
  bool timed = context.profiling.loadRelaxed() && index >= 0 &&
               index < context.desc->num_launches;
  uint64_t start = timed ? nanoseconds() : 0;
  context.pool.run(kernel, args, n);
  if (timed)
    context.launchTimes[index] += nanoseconds() - start;
  if (frame->status != 0 && frame->fault_launch < 0)
    frame->fault_launch = index;
}
