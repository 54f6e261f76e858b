//===- Attention.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The shapes of ingot.attention.
//
//===----------------------------------------------------------------------===//
#include "dialects/ingot/Ingot.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::heavy;

/// The dimensions of a tensor of rank 4, two of them swapped if asked for.
static onnx::Dims dimsOf(Value v, bool swapped, int64_t first = 1,
                         int64_t second = 2) {
  onnx::Dims dims = onnx::getDims(cast<RankedTensorType>(v.getType()));
  if (swapped)
    std::swap(dims[first], dims[second]);
  return dims;
}

onnx::Dims AttentionOp::getQueryDims() {
  return dimsOf(getQ(), getQTokensFirst());
}

onnx::Dims AttentionOp::getKeyDims() {
  return getKTransposed() ? dimsOf(getK(), true, 2, 3)
                          : dimsOf(getK(), getKTokensFirst());
}

onnx::Dims AttentionOp::getValueDims() {
  return dimsOf(getV(), getVTokensFirst());
}

onnx::Dims AttentionOp::getResultDims() {
  return dimsOf(getResult(), getResultTokensFirst());
}

int64_t AttentionOp::getSize() {
  return *onnx::constantValue(getQueryDims()[3]);
}

int64_t AttentionOp::getValueSize() {
  return *onnx::constantValue(getValueDims()[3]);
}

int64_t AttentionOp::getHeadsPerKey() {
  AffineExpr heads = getQueryDims()[1], keyHeads = getKeyDims()[1];
  if (heads == keyHeads)
    return 1;
  return *onnx::constantValue(heads) / *onnx::constantValue(keyHeads);
}

/// True unless both are known and differ.
static bool mayBeEqual(AffineExpr a, AffineExpr b) {
  return a == b || !onnx::constantValue(a) || !onnx::constantValue(b);
}

/// Fails unless the operand broadcasts to the scores.
static LogicalResult verifyBroadcast(AttentionOp op, Value v, StringRef name,
                                     ArrayRef<AffineExpr> scores) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  if (!type || type.getRank() > 4)
    return op.emitOpError(name)
           << " " << v.getType() << " should have a rank of at most 4";
  onnx::Dims dims = onnx::getDims(type);
  for (auto [dim, score] : llvm::zip(dims, scores.take_back(dims.size())))
    if (onnx::constantValue(dim) != 1 && !mayBeEqual(dim, score))
      return op.emitOpError(name)
             << " " << type << " does not broadcast to scores "
             << onnx::tensorOf(scores, type.getElementType());
  return success();
}

LogicalResult AttentionOp::verify() {
  SmallVector<std::pair<StringRef, Value>> tensors{
      {"q", getQ()}, {"k", getK()}, {"v", getV()}, {"result", getResult()}};
  for (auto [name, v] : tensors) {
    auto type = dyn_cast<RankedTensorType>(v.getType());
    if (!type || type.getRank() != 4)
      return emitOpError(name) << " " << v.getType() << " should have rank 4";
    Type element = type.getElementType();
    if (!element.isF32() && !element.isF16() && !element.isBF16())
      return emitOpError(name)
             << " " << type << " should be of f32, f16 or bf16";
  }
  if (getKTransposed() && getKTokensFirst())
    return emitOpError("has k both transposed and with its tokens first");
  onnx::Dims q = getQueryDims(), k = getKeyDims(), v = getValueDims(),
             result = getResultDims();
  for (auto [name, size] : {std::pair<StringRef, AffineExpr>("q", q[3]),
                            std::pair<StringRef, AffineExpr>("v", v[3])}) {
    std::optional<int64_t> known = onnx::constantValue(size);
    if (!known || *known < 1 || *known > mostAttentionSize)
      return emitOpError("the size of a head of ")
             << name << " is " << onnx::printDim(size, getContext())
             << ", not a number from 1 to " << mostAttentionSize;
  }
  auto disagree = [&](StringRef what, AffineExpr a, AffineExpr b) {
    return emitOpError(what) << " differ: " << onnx::printDim(a, getContext())
                             << " and " << onnx::printDim(b, getContext());
  };
  if (!mayBeEqual(q[3], k[3]))
    return disagree("sizes of q and k", q[3], k[3]);
  if (!mayBeEqual(k[2], v[2]))
    return disagree("the keys of k and v", k[2], v[2]);
  if (k[1] != v[1])
    return disagree("the heads of k and v", k[1], v[1]);
  if (q[1] != k[1]) {
    std::optional<int64_t> heads = onnx::constantValue(q[1]);
    std::optional<int64_t> keyHeads = onnx::constantValue(k[1]);
    if (!heads || !keyHeads || *keyHeads < 1 || *heads % *keyHeads)
      return emitOpError() << onnx::printDim(q[1], getContext())
                           << " heads of q cannot share "
                           << onnx::printDim(k[1], getContext()) << " of k";
  }
  for (const onnx::Dims &dims : {k, v})
    if (onnx::constantValue(dims[0]) != 1 && !mayBeEqual(dims[0], q[0]))
      return disagree("batches", q[0], dims[0]);
  onnx::Dims wanted{q[0], q[1], q[2], v[3]};
  for (auto [got, want] : llvm::zip(result, wanted))
    if (!mayBeEqual(got, want))
      return emitOpError("result ")
             << getResult().getType() << " should be, as [batch, heads, "
             << "queries, size], "
             << onnx::tensorOf(wanted, getElementTypeOrSelf(getResult()));
  onnx::Dims scores{q[0], q[1], q[2], k[2]};
  if (getBias()) {
    if (!isa<FloatType>(getElementTypeOrSelf(getBias())))
      return emitOpError("bias ") << getBias().getType() << " is not of floats";
    if (failed(verifyBroadcast(*this, getBias(), "bias", scores)))
      return failure();
  }
  if (getMask()) {
    if (!getElementTypeOrSelf(getMask()).isInteger(1))
      return emitOpError("mask ") << getMask().getType() << " is not of bools";
    if (failed(verifyBroadcast(*this, getMask(), "mask", scores)))
      return failure();
  }
  if (getCausalOffset() && getCausalOffset()->getDims().size() != 1)
    return emitOpError("has ")
           << getCausalOffset()->getDims().size() << " causal offsets, not one";
  return success();
}
