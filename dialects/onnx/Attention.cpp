//===- Attention.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Attention.h"
#include "dialects/onnx/Infer.h"
#include "dialects/onnx/RegisterOps.h"

#define GET_OP_CLASSES
#include "dialects/onnx/Attention.cpp.inc"

using namespace mlir;
using namespace ingot::onnx;

/// [batch, heads, length, size] of an operand of either form.
static FailureOr<Dims> headsOf(std::optional<Location> loc, Value v,
                               StringRef name, std::optional<int64_t> heads) {
  RankedTensorType type = rankedType(v);
  Dims dims = getDims(type);
  if (dims.size() == 4)
    return dims;
  MLIRContext *ctx = type.getContext();
  if (!heads || *heads < 1)
    return emitOptionalError(loc, name,
                             " has 3 dimensions, so q_num_heads and "
                             "kv_num_heads must be given");
  if (std::optional<int64_t> size = constantValue(dims[2]);
      size && *size % *heads)
    return emitOptionalError(loc, *heads, " heads do not divide the ", *size,
                             " elements of ", name);
  return Dims{dims[0], constantDim(*heads, ctx), dims[1],
              dims[2].floorDiv(*heads)};
}

LogicalResult AttentionOp::inferReturnTypes(MLIRContext *ctx,
                                            std::optional<Location> loc,
                                            Adaptor op,
                                            SmallVectorImpl<Type> &types) {
  Type element = elementTypeOf(op.getQ()), elementV = elementTypeOf(op.getV());
  if (op.getQkMatmulOutputMode() > 3)
    return emitOptionalError(loc, "qk_matmul_output_mode must be 0 to 3, got ",
                             op.getQkMatmulOutputMode());
  if (int64_t(op.getLeftWindowSize()) < -1 ||
      int64_t(op.getRightWindowSize()) < -1)
    return emitOptionalError(loc, "a window size is less than -1");
  if (!isNone(op.getPastKey()) != !isNone(op.getPastValue()))
    return emitOptionalError(loc,
                             "past_key and past_value must be given together");
  if (!isNone(op.getPastKey()) && !isNone(op.getNonpadKvSeqlen()))
    return emitOptionalError(
        loc, "nonpad_kv_seqlen cannot be given together with past_key");
  RankedTensorType q = rankedType(op.getQ()), k = rankedType(op.getK()),
                   v = rankedType(op.getV());
  if (!q || !k || !v) {
    types.append({unrankedOf(element), unrankedOf(element),
                  unrankedOf(elementV), unrankedOf(element)});
    return success();
  }
  if ((q.getRank() != 3 && q.getRank() != 4) || k.getRank() != q.getRank() ||
      v.getRank() != q.getRank())
    return emitOptionalError(loc,
                             "Q, K and V must have 3 or 4 dimensions all, "
                             "got ",
                             q, ", ", k, " and ", v);
  auto queries = headsOf(loc, op.getQ(), "Q", op.getQNumHeads());
  if (failed(queries))
    return failure();
  auto keys = headsOf(loc, op.getK(), "K", op.getKvNumHeads());
  if (failed(keys))
    return failure();
  auto values = headsOf(loc, op.getV(), "V", op.getKvNumHeads());
  if (failed(values))
    return failure();
  if (failed(checkSameSize(loc, "the size of a head of Q", (*queries)[3],
                           "that of K", (*keys)[3])) ||
      failed(checkSameSize(loc, "the length of K", (*keys)[2], "that of V",
                           (*values)[2])) ||
      failed(checkSameSize(loc, "the number of heads of K", (*keys)[1],
                           "that of V", (*values)[1])))
    return failure();
  std::optional<int64_t> heads = constantValue((*queries)[1]),
                         shared = constantValue((*keys)[1]);
  if (heads && shared && (*shared == 0 || *heads % *shared))
    return emitOptionalError(loc, *heads, " heads of Q are no multiple of ",
                             *shared, " heads of K");
  AffineExpr length = (*keys)[2];
  if (!isNone(op.getPastKey())) {
    RankedTensorType past = rankedType(op.getPastKey());
    if (past && past.getRank() != 4)
      return emitOptionalError(loc, "past_key must have 4 dimensions, got ",
                               past);
    length = length + (past ? getDims(past)[2] : freshDim(ctx));
  }
  Dims all{(*keys)[0], (*keys)[1], length, (*keys)[3]}, allValues = all;
  allValues[3] = (*values)[3];
  Dims y{(*queries)[0], (*queries)[1], (*queries)[2], (*values)[3]};
  if (q.getRank() == 3)
    y = {y[0], y[2], y[1] * y[3]};
  Dims scores{(*queries)[0], (*queries)[1], (*queries)[2], length};
  return success(succeeded(addResult(loc, y, element, types)) &&
                 succeeded(addResult(loc, all, element, types)) &&
                 succeeded(addResult(loc, allValues, elementV, types)) &&
                 succeeded(addResult(loc, scores, element, types)));
}

namespace ingot::onnx {
void registerAttentionOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Attention.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
