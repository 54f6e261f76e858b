//===- Interpret.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/graph/Interpret.h"
#include "passes/graph/ScalarProgram.h"

#include "dialects/kernel/Kernel.h"
#include "dialects/onnx/Dims.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::graph;

LogicalResult Interpreter::fail(const Twine &why) {
  if (reason.empty())
    reason = why.str();
  return failure();
}

TensorData *Interpreter::find(Value value) {
  auto it = tensors.find(value);
  if (it != tensors.end())
    return it->second.get();
  std::optional<TensorData> data;
  if (value.getDefiningOp())
    data = TensorData::of(constantOf(value));
  if (!data)
    return nullptr;
  return (tensors[value] = std::make_unique<TensorData>(*data)).get();
}

const TensorData *Interpreter::lookup(Value value) {
  const TensorData *data = find(value);
  return data && data->isKnown() ? data : nullptr;
}

bool Interpreter::fits(RankedTensorType type) {
  return type.hasStaticShape() && elementBytes(type.getElementType()) &&
         type.getNumElements() <=
             bytes / int64_t(elementBytes(type.getElementType()));
}

void Interpreter::run(Block &block) {
  for (Operation &op : block)
    (void)runOp(&op);
}

/// True for views of elements as themselves, or of 8-bit floats as bytes.
static bool isSeenAs(Type from, Type to) {
  auto isByte = [](Type type) {
    return isa<IntegerType, FloatType>(type) &&
           type.getIntOrFloatBitWidth() == 8;
  };
  return from == to || (isByte(from) && isByte(to));
}

LogicalResult Interpreter::runOp(Operation *op) {
  if (auto empty = dyn_cast<kernel::EmptyOp>(op)) {
    auto type = cast<RankedTensorType>(empty.getType());
    if (type.hasStaticShape())
      tensors[empty] = std::make_unique<TensorData>(type);
    return success();
  }
  if (auto view = dyn_cast<kernel::ViewOp>(op)) {
    TensorData *source = find(view.getSource());
    auto type = dyn_cast<RankedTensorType>(view.getType());
    std::optional<int64_t> offset = 0;
    if (view.getOffset())
      offset = onnx::constantValue(view.getOffset()->getDims().front());
    if (!source || !source->isKnown() || !type || !type.hasStaticShape() ||
        !offset || *offset + type.getNumElements() > source->size() ||
        !isSeenAs(source->type().getElementType(), type.getElementType()))
      return fail("the bytes of a view are not known");
    tensors[view] = std::make_unique<TensorData>(source->viewed(type, *offset));
    return success();
  }
  if (auto fill = dyn_cast<linalg::FillOp>(op))
    return runFill(fill);
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return runGeneric(generic);
  if (auto loop = dyn_cast<kernel::ForeachOp>(op))
    return runForeach(loop);
  return success();
}

LogicalResult Interpreter::runFill(linalg::FillOp fill) {
  auto type = dyn_cast<RankedTensorType>(fill.getResult(0).getType());
  ScalarProgram program([&](Value v) { return find(v); });
  std::optional<uint32_t> slot = program.use(fill.value());
  if (!slot || !type || !type.hasStaticShape() || !program.runOnce())
    return fail("the value of a fill is not known");
  tensors[fill.getResult(0)] = std::make_unique<TensorData>(
      TensorData::splat(type, program.slot(*slot)));
  return success();
}

/// The elements of an init, to be stored over.
static TensorData ownCopy(const TensorData &init) {
  TensorData result = TensorData::zeros(init.type());
  if (init.isKnown())
    for (int64_t at = 0, size = init.size(); at < size; ++at)
      result.store(at, init.load(at));
  return result;
}

/// Runs a body at every point of `sizes`, in row-major order.
static bool runPoints(ScalarProgram &program, ArrayRef<int64_t> sizes,
                      ArrayRef<uint32_t> indices) {
  SmallVector<int64_t> point(sizes.size(), 0);
  if (llvm::is_contained(sizes, 0))
    return true;
  while (true) {
    for (auto [index, slot] : llvm::zip(point, indices))
      program.slot(slot) = index;
    if (!program.runPoint())
      return false;
    size_t at = sizes.size();
    while (at > 0 && ++point[at - 1] == sizes[at - 1])
      point[--at] = 0;
    if (at == 0)
      return true;
  }
}

LogicalResult Interpreter::runForeach(kernel::ForeachOp loop) {
  SmallVector<int64_t> sizes;
  for (AffineExpr extent : loop.getExtents().getDims()) {
    std::optional<int64_t> size = onnx::constantValue(extent);
    if (!size || *size < 0)
      return fail("loops of symbolic size");
    sizes.push_back(*size);
  }
  Block &body = loop.getBody().front();
  ValueRange args = body.getArguments();
  for (auto [init, handle, result] : llvm::zip(
           loop.getInits(), args.drop_front(sizes.size()), loop.getResults())) {
    TensorData *data = find(init);
    if (!data || !fits(data->type()))
      return fail("an initial value is not known or too large");
    auto own = std::make_unique<TensorData>(ownCopy(*data));
    // A handle and its result are the same bytes.
    tensors[result] = std::make_unique<TensorData>(*own);
    tensors[handle] = std::move(own);
  }
  ScalarProgram program([&](Value v) { return find(v); });
  SmallVector<uint32_t> indices;
  for (Value index : args.take_front(sizes.size()))
    indices.push_back(program.bind(index));
  bool done = succeeded(program.compile(body));
  program.budget = steps;
  done = done && program.runOnce() && runPoints(program, sizes, indices);
  steps = std::max<int64_t>(program.budget, 0);
  if (done)
    return success();
  for (Value result : loop.getResults())
    tensors.erase(result);
  return fail(program.failureReason().empty()
                  ? "an element has no defined value, or takes too long"
                  : program.failureReason());
}
