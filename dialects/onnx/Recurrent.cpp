//===- Recurrent.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Recurrent.h"
#include "dialects/onnx/Infer.h"
#include "dialects/onnx/RegisterOps.h"

#define GET_OP_CLASSES
#include "dialects/onnx/Recurrent.cpp.inc"

using namespace mlir;
using namespace ingot::onnx;

using Types = SmallVectorImpl<Type>;

/// The types of Y, then of Y_h and what else is a state, for a layer of that
/// many gates.
template <typename Adaptor>
static LogicalResult inferRecurrent(std::optional<Location> loc, Adaptor op,
                                    int64_t gates, unsigned states,
                                    Types &types) {
  if (failed(checkChoice(loc, "direction", op.getDirection(),
                         {"forward", "reverse", "bidirectional"})))
    return failure();
  if (op.getLayout() != 0 && op.getLayout() != 1)
    return emitOptionalError(loc, "layout must be 0 or 1, got ",
                             op.getLayout());
  if (failed(checkSameElementType(loc, op.getX(), "X", op.getW(), "W")) ||
      failed(checkSameElementType(loc, op.getX(), "X", op.getR(), "R")))
    return failure();
  Type element = elementTypeOf(op.getX());
  RankedTensorType x = rankedType(op.getX()), w = rankedType(op.getW()),
                   r = rankedType(op.getR());
  if (!x || !r || !w) {
    types.append(1 + states, unrankedOf(element));
    return success();
  }
  if (x.getRank() != 3 || w.getRank() != 3 || r.getRank() != 3)
    return emitOptionalError(loc, "X, W and R must have 3 dimensions, got ", x,
                             ", ", w, " and ", r);
  Dims xDims = getDims(x), wDims = getDims(w), rDims = getDims(r);
  MLIRContext *ctx = x.getContext();
  AffineExpr hidden = rDims[2];
  AffineExpr directions =
      constantDim(op.getDirection() == "bidirectional" ? 2 : 1, ctx);
  if (op.getHiddenSize() &&
      failed(checkSameSize(loc, "hidden_size",
                           constantDim(*op.getHiddenSize(), ctx),
                           "the last dimension of R", hidden)))
    return failure();
  if (failed(checkSameSize(loc, "the first dimension of W", wDims[0],
                           "the number of directions", directions)) ||
      failed(checkSameSize(loc, "the first dimension of R", rDims[0],
                           "the number of directions", directions)) ||
      failed(checkSameSize(loc, "the last dimension of X", xDims[2],
                           "that of W", wDims[2])) ||
      failed(checkSameSize(loc, "the second dimension of W", wDims[1],
                           "gates times hidden size", hidden * gates)) ||
      failed(checkSameSize(loc, "the second dimension of R", rDims[1],
                           "gates times hidden size", hidden * gates)))
    return failure();
  bool batchFirst = op.getLayout() == 1;
  AffineExpr steps = xDims[batchFirst ? 1 : 0],
             batch = xDims[batchFirst ? 0 : 1];
  SmallVector<AffineExpr> all{steps, directions, batch, hidden};
  SmallVector<AffineExpr> last{directions, batch, hidden};
  if (batchFirst) {
    all = {batch, steps, directions, hidden};
    last = {batch, directions, hidden};
  }
  if (failed(addResult(loc, all, element, types)))
    return failure();
  for (unsigned i = 0; i < states; ++i)
    if (failed(addResult(loc, last, element, types)))
      return failure();
  return success();
}

LogicalResult RNNOp::inferReturnTypes(MLIRContext *,
                                      std::optional<Location> loc, Adaptor op,
                                      Types &types) {
  return inferRecurrent(loc, op, 1, 1, types);
}

LogicalResult GRUOp::inferReturnTypes(MLIRContext *,
                                      std::optional<Location> loc, Adaptor op,
                                      Types &types) {
  return inferRecurrent(loc, op, 3, 1, types);
}

LogicalResult LSTMOp::inferReturnTypes(MLIRContext *,
                                       std::optional<Location> loc, Adaptor op,
                                       Types &types) {
  return inferRecurrent(loc, op, 4, 2, types);
}

namespace ingot::onnx {
void registerRecurrentOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Recurrent.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
