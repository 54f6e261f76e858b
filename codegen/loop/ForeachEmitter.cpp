//===- ForeachEmitter.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/loop/LoopEmitter.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace ingot;

/// Replaces a tensor-level op of a foreach's cloned body by memory accesses.
static void lowerForeachOp(KernelContext &context, Operation *op) {
  OpBuilder b(op);
  Location loc = op->getLoc();
  auto offsetOf = [&](const BufferRef &ref, ValueRange indices) {
    SmallVector<LaneValue> at;
    for (Value index : indices)
      at.push_back(LaneValue::uniform(index));
    return context.offset(b, loc, at, ref.strides, 1);
  };
  if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    BufferRef ref = context.lookup(b, loc, extract.getTensor());
    LaneValue v =
        context.load(b, loc, ref, offsetOf(ref, extract.getIndices()), Lanes{});
    op->getResult(0).replaceAllUsesWith(v.value);
  } else if (auto load = dyn_cast<kernel::LoadOp>(op)) {
    BufferRef ref = context.lookup(b, loc, load.getHandle());
    LaneValue v =
        context.load(b, loc, ref, offsetOf(ref, load.getIndices()), Lanes{});
    op->getResult(0).replaceAllUsesWith(v.value);
  } else if (auto store = dyn_cast<kernel::StoreOp>(op)) {
    BufferRef ref = context.lookup(b, loc, store.getHandle());
    context.store(b, loc, LaneValue::uniform(store.getValue()), ref,
                  offsetOf(ref, store.getIndices()), Lanes{});
  } else if (auto extent = dyn_cast<kernel::ExtentOp>(op)) {
    op->getResult(0).replaceAllUsesWith(
        context.expand(b, loc, extent.getDim().getDims()[0]));
  } else if (auto fault = dyn_cast<kernel::FaultOp>(op)) {
    context.fault(b, loc, LaneValue::uniform(fault.getCondition()),
                  fault.getCode(), Lanes{});
  } else if (isa<UnrealizedConversionCastOp>(op)) {
    op->getResult(0).replaceAllUsesWith(op->getOperand(0));
  } else {
    return;
  }
  op->erase();
}

void ingot::emitForeach(OpBuilder &b, KernelContext &context,
                        kernel::ForeachOp op, Value lo, Value hi) {
  Location loc = op.getLoc();
  auto item = scf::ForOp::create(b, loc, lo, hi,
                                 arith::ConstantIndexOp::create(b, loc, 1));
  OpBuilder inner(item.getBody()->getTerminator());
  SmallVector<Value> at = delinearize(
      inner, loc, context, item.getInductionVar(), op.getExtents().getDims());
  Block &body = op.getBody().front();
  IRMapping mapping;
  for (auto [arg, index] : llvm::zip(body.getArguments(), at))
    mapping.map(arg, index);
  for (auto [handle, result] :
       llvm::zip(body.getArguments().drop_front(at.size()), op.getResults()))
    context.buffers[handle] = context.lookup(inner, loc, result);
  op.getBody().walk([&](Operation *nested) {
    for (Value operand : nested->getOperands())
      if (!isa<TensorType>(operand.getType()) &&
          !op.getBody().isAncestor(operand.getParentRegion()) &&
          !mapping.contains(operand))
        mapping.map(operand, context.importScalar(inner, operand));
  });
  SmallVector<Operation *> toLower;
  for (Operation &nested : body.without_terminator())
    inner.clone(nested, mapping)->walk([&](Operation *cloned) {
      toLower.push_back(cloned);
    });
  for (Operation *cloned : toLower)
    lowerForeachOp(context, cloned);
}
