//===- Binding.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checking what a caller hands to a run against the model. The sentences name
// the tensor, what was expected and what came.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/GpuBackend.h"

using namespace ingot::rt;

/// Starts a sentence about an input or output.
static Failure failAt(ingot_status status, ingot_context &context,
                      const IngotTensorDesc *list, int32_t index) {
  Failure failure(status, &context.error);
  failure << (list == context.desc->inputs ? "input " : "output ")
          << Quoted{list[index].name} << " (number " << index << "): ";
  return failure;
}

static ingot_status checkCount(ingot_context &context, const char *what,
                               int32_t expected, const ingot_tensor *list,
                               int32_t count) {
  if (count != expected)
    return Failure(INGOT_ERROR_COUNT, &context.error)
           << "expected " << expected << " " << what << ", got " << count;
  if (count > 0 && !list)
    return Failure(INGOT_ERROR_ARGUMENT, &context.error)
           << "the array of " << what << " is null";
  return INGOT_OK;
}

/// Type, rank and the presence of `dims`.
static ingot_status checkForm(ingot_context &context,
                              const IngotTensorDesc *list, int32_t index,
                              const ingot_tensor &tensor) {
  const IngotTensorDesc &desc = list[index];
  if (tensor.dtype != desc.dtype)
    return failAt(INGOT_ERROR_DTYPE, context, list, index)
           << "expected type " << ingot_dtype_name(desc.dtype) << ", got "
           << ingot_dtype_name(tensor.dtype) << " (" << tensor.dtype << ")";
  if (tensor.rank != desc.rank)
    return failAt(INGOT_ERROR_RANK, context, list, index)
           << "expected rank " << desc.rank << ", shape "
           << Shape{desc.dims, desc.rank, context.desc->symbol_names}
           << ", got rank " << tensor.rank;
  if (tensor.rank > 0 && !tensor.dims)
    return failAt(INGOT_ERROR_ARGUMENT, context, list, index)
           << "its dims are null";
  return INGOT_OK;
}

/// The input that gives symbol `k` its value: the first that has it.
static int32_t inputOfSymbol(const IngotModelDesc &desc, int64_t k) {
  for (int32_t i = 0; i < desc.num_inputs; ++i)
    for (int32_t d = 0; d < desc.inputs[i].rank; ++d)
      if (desc.inputs[i].dims[d] == -1 - k)
        return i;
  return 0;
}

/// Matches one input's dimensions and takes the values of symbols from them.
static ingot_status bindDims(ingot_context &context, int32_t index,
                             const ingot_tensor &tensor) {
  const IngotModelDesc &desc = *context.desc;
  const IngotTensorDesc &input = desc.inputs[index];
  for (int32_t d = 0; d < input.rank; ++d) {
    int64_t want = input.dims[d], got = tensor.dims[d];
    if (want >= 0 ? got != want : got < 0)
      return failAt(INGOT_ERROR_SHAPE, context, desc.inputs, index)
             << "expected shape "
             << Shape{input.dims, input.rank, desc.symbol_names} << ", got "
             << Shape{tensor.dims, tensor.rank} << ": dimension " << d
             << (want >= 0 ? " differs" : " is negative");
    if (want >= 0)
      continue;
    int64_t &value = context.candidates[-1 - want];
    if (value >= 0 && value != got)
      return failAt(INGOT_ERROR_SHAPE, context, desc.inputs, index)
             << "dimension " << d << " is " << got << ", but "
             << Quoted{desc.symbol_names[-1 - want]} << " is already " << value
             << " by input "
             << Quoted{desc.inputs[inputOfSymbol(desc, -1 - want)].name};
    value = got;
  }
  uint64_t bytes;
  if (!ingot_tensor_bytes(input.dtype, tensor.rank, tensor.dims, &bytes))
    return failAt(INGOT_ERROR_SHAPE, context, desc.inputs, index)
           << "shape " << Shape{tensor.dims, tensor.rank} << " of "
           << ingot_dtype_name(input.dtype)
           << " has more bytes than 63 bits can count";
  context.inputSpans[index].bytes = bytes;
  return INGOT_OK;
}

ingot_status ingot::rt::bindShapes(ingot_context &context,
                                   const ingot_tensor *inputs, int32_t count) {
  const IngotModelDesc &desc = *context.desc;
  ingot_status status =
      checkCount(context, "inputs", desc.num_inputs, inputs, count);
  for (int32_t k = 0; k < desc.num_symbols; ++k)
    context.candidates[k] = -1;
  for (int32_t i = 0; i < desc.num_inputs && status == INGOT_OK; ++i) {
    status = checkForm(context, desc.inputs, i, inputs[i]);
    if (status == INGOT_OK)
      status = bindDims(context, i, inputs[i]);
  }
  return status;
}

ingot_status ingot::rt::adoptSymbols(ingot_context &context) {
  const IngotModelDesc &desc = *context.desc;
  context.prepared = false;
  if (desc.num_symbols)
    memcpy(context.symbols, context.candidates,
           size_t(desc.num_symbols) * sizeof(int64_t));
  if (desc.output_shapes(context.symbols, context.outputDims) != 0)
    return Failure(INGOT_ERROR_SHAPE, &context.error)
           << "a tensor inside the model would have a negative size for these "
              "input shapes";
  for (int32_t i = 0; i < desc.num_outputs; ++i) {
    Shape shape{context.outputShapes[i], desc.outputs[i].rank};
    if (!ingot_tensor_bytes(desc.outputs[i].dtype, shape.rank, shape.dims,
                            &context.outputSpans[i].bytes))
      return failAt(INGOT_ERROR_SHAPE, context, desc.outputs, i)
             << "these input shapes give it shape " << shape
             << ", which no memory can hold";
  }
  int64_t needed = desc.arena_bytes(context.symbols);
  if (needed < 0)
    return Failure(INGOT_ERROR_LIMIT, &context.error)
           << "no arena is large enough for these input shapes";
  ingot_status status =
      context.gpu ? desc.gpu->backend->reserve(context, uint64_t(needed))
                  : context.arena.reserve(uint64_t(needed), &context.error);
  context.prepared = status == INGOT_OK;
  return status;
}

static ingot_status checkBuffer(ingot_context &context,
                                const IngotTensorDesc *list, int32_t index,
                                const ingot_tensor &tensor, Shape shape,
                                Span &span) {
  span.data = static_cast<const uint8_t *>(tensor.data);
  if (!tensor.data && span.bytes)
    return failAt(INGOT_ERROR_BUFFER, context, list, index)
           << "its data is null";
  if (tensor.bytes < span.bytes)
    return failAt(INGOT_ERROR_BUFFER, context, list, index)
           << "shape " << shape << " of " << ingot_dtype_name(tensor.dtype)
           << " needs " << span.bytes << " bytes, the buffer has "
           << tensor.bytes;
  if (context.unused && context.unused->isDeviceMemory(tensor.data))
    return failAt(INGOT_ERROR_BUFFER, context, list, index)
           << "its buffer is memory of a GPU, but the model runs on the "
              "processor ("
           << context.desc->target << ")";
  return INGOT_OK;
}

static ingot_status checkOutput(ingot_context &context, int32_t index,
                                const ingot_tensor &tensor) {
  const IngotTensorDesc *outputs = context.desc->outputs;
  Shape shape{context.outputShapes[index], outputs[index].rank};
  ingot_tensor form = tensor;
  if (!tensor.dims) {
    form.rank = shape.rank;
    form.dims = shape.dims;
  }
  ingot_status status = checkForm(context, outputs, index, form);
  if (status != INGOT_OK)
    return status;
  for (int32_t d = 0; d < shape.rank; ++d)
    if (form.dims[d] != shape.dims[d])
      return failAt(INGOT_ERROR_SHAPE, context, outputs, index)
             << "expected shape " << shape << ", got "
             << Shape{form.dims, form.rank};
  return checkBuffer(context, outputs, index, tensor, shape,
                     context.outputSpans[index]);
}

/// Kernels write outputs while inputs are still read.
static ingot_status checkOverlap(ingot_context &context, int32_t index) {
  const IngotModelDesc &desc = *context.desc;
  Span span = context.outputSpans[index];
  for (int32_t i = 0; i < desc.num_inputs; ++i)
    if (span.overlaps(context.inputSpans[i]))
      return failAt(INGOT_ERROR_BUFFER, context, desc.outputs, index)
             << "its buffer overlaps that of input "
             << Quoted{desc.inputs[i].name};
  for (int32_t i = 0; i < index; ++i)
    if (span.overlaps(context.outputSpans[i]))
      return failAt(INGOT_ERROR_BUFFER, context, desc.outputs, index)
             << "its buffer overlaps that of output "
             << Quoted{desc.outputs[i].name};
  if (span.overlaps({context.arena.data(), context.arena.size()}))
    return failAt(INGOT_ERROR_BUFFER, context, desc.outputs, index)
           << "its buffer overlaps the arena";
  return INGOT_OK;
}

ingot_status ingot::rt::bindBuffers(ingot_context &context,
                                    const ingot_tensor *inputs,
                                    const ingot_tensor *outputs,
                                    int32_t numOutputs) {
  const IngotModelDesc &desc = *context.desc;
  Span arena{context.arena.data(), context.arena.size()};
  ingot_status status =
      checkCount(context, "outputs", desc.num_outputs, outputs, numOutputs);
  for (int32_t i = 0; i < desc.num_inputs && status == INGOT_OK; ++i) {
    context.inputs[i] = inputs[i].data;
    status =
        checkBuffer(context, desc.inputs, i, inputs[i],
                    {inputs[i].dims, inputs[i].rank}, context.inputSpans[i]);
    if (status == INGOT_OK && context.inputSpans[i].overlaps(arena))
      return failAt(INGOT_ERROR_BUFFER, context, desc.inputs, i)
             << "its buffer overlaps the arena";
  }
  for (int32_t i = 0; i < desc.num_outputs && status == INGOT_OK; ++i) {
    context.outputs[i] = outputs[i].data;
    status = checkOutput(context, i, outputs[i]);
    if (status == INGOT_OK)
      status = checkOverlap(context, i);
  }
  return status;
}
