//===- CollapseLoops.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/Lowering.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace ingot {
#define GEN_PASS_DEF_COLLAPSELOOPS
#include "passes/Passes.h.inc"
} // namespace ingot

using namespace mlir;
using namespace ingot;

/// The group each loop dimension belongs to; groups are runs of neighbours.
using Groups = SmallVector<SmallVector<unsigned, 4>, 4>;

/// Position of dim `d` among a map's results, -1 if it is absent, -2 if it
/// occurs other than as one plain result.
static int positionOf(AffineMap map, unsigned d) {
  int found = -1;
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    if (!expr.isFunctionOfDim(d))
      continue;
    if (!isa<AffineDimExpr>(expr) || found != -1)
      return -2;
    found = i;
  }
  return found;
}

/// Loops d and d + 1 can be one if every operand has both next to each other
/// or neither, and the body asks for neither index.
static bool canJoin(linalg::GenericOp op, unsigned d) {
  auto iterators = op.getIteratorTypesArray();
  if (iterators[d] != iterators[d + 1])
    return false;
  for (auto [operand, map] :
       llvm::zip(op->getOperands(), op.getIndexingMapsArray())) {
    int first = positionOf(map, d), second = positionOf(map, d + 1);
    if (first == -2 || second == -2)
      return false;
    if (first == -1 && second == -1)
      continue;
    if (first == -1 || second != first + 1)
      return false;
  }
  return !op.getBody()
              ->walk([&](linalg::IndexOp index) {
                return index.getDim() == d || index.getDim() == d + 1
                           ? WalkResult::interrupt()
                           : WalkResult::advance();
              })
              .wasInterrupted();
}

/// Joins loops of one op; operands are seen through kernel.view under a shape
/// with the joined dimensions.
static void collapse(linalg::GenericOp op) {
  unsigned loops = op.getNumLoops();
  Groups groups;
  for (unsigned d = 0; d < loops; ++d) {
    if (d > 0 && canJoin(op, d - 1))
      groups.back().push_back(d);
    else
      groups.push_back({d});
  }
  if (groups.size() == loops)
    return;
  MLIRContext *context = op.getContext();
  OpBuilder b(op);
  Location loc = op.getLoc();
  SmallVector<unsigned> groupOf(loops);
  for (auto [g, members] : llvm::enumerate(groups))
    for (unsigned d : members)
      groupOf[d] = g;
  auto renumber = [&](AffineExpr expr) {
    SmallVector<AffineExpr> to;
    for (unsigned d = 0; d < loops; ++d)
      to.push_back(getAffineDimExpr(groupOf[d], context));
    return expr.replaceDims(to);
  };

  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  auto seen = [&](Value v, RankedTensorType type) -> Value {
    if (v.getType() == type)
      return v;
    if (v.getDefiningOp<kernel::EmptyOp>())
      return emptyTensor(b, loc, type);
    if (auto fill = v.getDefiningOp<linalg::FillOp>())
      return linalg::FillOp::create(b, loc, fill.getInputs()[0],
                                    emptyTensor(b, loc, type))
          .getResult(0);
    return reshape(b, loc, v, type);
  };
  for (auto [operand, map] :
       llvm::zip(op->getOperands(), op.getIndexingMapsArray())) {
    auto type = cast<RankedTensorType>(operand.getType());
    onnx::Dims dims = onnx::getDims(type), joined;
    SmallVector<AffineExpr> results;
    for (auto [i, expr] : llvm::enumerate(map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      bool continues =
          dim && i > 0 && dim.getPosition() > 0 &&
          map.getResult(i - 1) ==
              getAffineDimExpr(dim.getPosition() - 1, context) &&
          groupOf[dim.getPosition()] == groupOf[dim.getPosition() - 1];
      if (continues) {
        joined.back() = joined.back() * dims[i];
        continue;
      }
      joined.push_back(dims[i]);
      results.push_back(renumber(expr));
    }
    operands.push_back(
        seen(operand, onnx::tensorOf(joined, type.getElementType())));
    maps.push_back(AffineMap::get(groups.size(), 0, results, context));
  }
  SmallVector<utils::IteratorType> iterators;
  for (auto &members : groups)
    iterators.push_back(op.getIteratorTypesArray()[members[0]]);
  unsigned ins = op.getNumDpsInputs();
  ValueRange all(operands);
  SmallVector<Type> types(all.drop_front(ins).getTypes());
  auto joined = linalg::GenericOp::create(b, loc, types, all.take_front(ins),
                                          all.drop_front(ins), maps, iterators);
  joined.getRegion().takeBody(op.getRegion());
  joined.walk(
      [&](linalg::IndexOp index) { index.setDim(groupOf[index.getDim()]); });
  for (auto [before, after] : llvm::zip(op.getResults(), joined.getResults()))
    before.replaceAllUsesWith(
        reshape(b, loc, after, cast<RankedTensorType>(before.getType())));
  op.erase();
}

namespace {
struct CollapseLoops : ingot::impl::CollapseLoopsBase<CollapseLoops> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> ops;
    // The tail of a heavy op keeps the loops of its root.
    getOperation()->walk([&](linalg::GenericOp op) {
      if (!op->hasAttr("ingot.group"))
        ops.push_back(op);
    });
    for (linalg::GenericOp op : ops)
      collapse(op);
  }
};
} // namespace
