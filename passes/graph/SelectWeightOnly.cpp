//===- SelectWeightOnly.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Matrix products of floats with weights that the model holds quantized: the
// weights stay as they are, and the product dequantizes them in registers.
//
//===----------------------------------------------------------------------===//
#include "dialects/ingot/Ingot.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Linear.h"
#include "dialects/onnx/Quant.h"
#include "passes/Remark.h"
#include "passes/graph/SelectHeavy.h"
#include "passes/graph/TensorData.h"

using namespace mlir;
using namespace ingot;

namespace {
/// Right operands of a matrix product, as they were found.
struct QuantizedWeights {
  onnx::DequantizeLinearOp dequantize;
  /// The tensor is [N, K] rather than [K, N].
  bool transposed = false;
  int64_t k = 0, n = 0, blockSize = 0;
};
} // namespace

/// The DequantizeLinear of a constant that `v` is, perhaps transposed.
static QuantizedWeights findWeights(Value v) {
  QuantizedWeights found;
  if (auto transpose = v.getDefiningOp<onnx::TransposeOp>()) {
    auto type = dyn_cast<RankedTensorType>(transpose.getData().getType());
    if (!type || type.getRank() != 2)
      return found;
    // Without a permutation the dimensions are reversed.
    auto perm = transpose.getPerm();
    found.transposed = !perm || (*perm)[0] == 1;
    v = transpose.getData();
  }
  auto dequantize = v.getDefiningOp<onnx::DequantizeLinearOp>();
  if (dequantize && graph::constantOf(dequantize.getX()))
    found.dequantize = dequantize;
  return found;
}

static bool isHalfOrSingle(Type type) {
  return type.isF32() || type.isF16() || type.isBF16();
}

/// Why the weights are not of a form that ingot.matmul_nbits takes; empty if
/// they are, with their sizes filled in.
static StringRef whyNotTaken(QuantizedWeights &w) {
  onnx::DequantizeLinearOp op = w.dequantize;
  auto x = dyn_cast<RankedTensorType>(op.getX().getType());
  auto scale = dyn_cast<RankedTensorType>(op.getXScale().getType());
  auto codes = x ? dyn_cast<IntegerType>(x.getElementType()) : IntegerType();
  if (!codes || !llvm::is_contained({2u, 4u, 8u}, codes.getWidth()))
    return "they are not integers of 2, 4 or 8 bits";
  if (x.getRank() != 2 || !x.hasStaticShape() || x.getNumElements() == 0)
    return "they are not one matrix";
  if (!graph::constantOf(op.getXScale()) ||
      (!onnx::isNone(op.getXZeroPoint()) &&
       !graph::constantOf(op.getXZeroPoint())))
    return "their scales or zero points are not constant";
  if (!scale || !isHalfOrSingle(scale.getElementType()) ||
      !isHalfOrSingle(getElementTypeOrSelf(op.getY().getType())))
    return "their scales are neither in single nor in half precision";
  int64_t depthAxis = w.transposed ? 1 : 0;
  w.k = x.getDimSize(depthAxis);
  w.n = x.getDimSize(1 - depthAxis);
  if (scale.getNumElements() == 1)
    return "";
  int64_t axis = int64_t(op.getAxis());
  bool alongDepth = (axis < 0 ? axis + 2 : axis) == depthAxis;
  w.blockSize = op.getBlockSize();
  if (alongDepth != (w.blockSize > 0))
    return w.blockSize > 0 ? "columns share scales in blocks"
                           : "each element of the inner dimension has a scale";
  return "";
}

/// ingot.matmul_nbits of `left`.
static Value productOf(OpBuilder &b, Operation *op, Value left,
                       const QuantizedWeights &w) {
  onnx::DequantizeLinearOp dequantize = w.dequantize;
  SmallVector<Value> parameters{dequantize.getXScale()};
  if (!onnx::isNone(dequantize.getXZeroPoint()))
    parameters.push_back(dequantize.getXZeroPoint());
  unsigned bits =
      getElementTypeOrSelf(dequantize.getX().getType()).getIntOrFloatBitWidth();
  onnx::Dims dims = onnx::getDims(rankedResult(op));
  return heavy::MatmulNBitsOp::create(
      b, op->getLoc(), onnx::tensorOf(dims, b.getF32Type()), left,
      dequantize.getX(), parameters, w.k, w.n, bits, w.blockSize, w.transposed,
      /*panel=*/IntegerAttr(), /*zero_point=*/IntegerAttr(),
      /*half_scales=*/false);
}

/// Why the left operand is not of a form that ingot.matmul_nbits takes.
static StringRef whyNotTaken(Operation *op, Value left, int64_t depthAxis,
                             const QuantizedWeights &w) {
  auto type = dyn_cast<RankedTensorType>(left.getType());
  Type compute = heavyType(left);
  if (!type || !rankedResult(op) || type.getRank() < 2)
    return "the left operand is not a matrix";
  if (!compute || !compute.isF32())
    return "the product is not in single or half precision";
  if (type.getDimSize(depthAxis < 0 ? type.getRank() - 1 : depthAxis) != w.k)
    return "the inner size is symbolic";
  return "";
}

/// Replaces a product if it has quantized weights.
static void select(Operation *op, bool remarks) {
  auto gemm = dyn_cast<onnx::GemmOp>(op);
  QuantizedWeights w = findWeights(op->getOperand(1));
  if (!w.dequantize)
    return;
  w.transposed ^= gemm && gemm.getTransB();
  bool turned = gemm && gemm.getTransA();
  Value left = op->getOperand(0);
  StringRef reason = whyNotTaken(w);
  if (reason.empty())
    reason = whyNotTaken(op, left, turned ? 0 : -1, w);
  if (!reason.empty()) {
    if (remarks)
      remarkAt(op->getLoc(), "kernel",
               "quantized weights are dequantized at run time, not in the "
               "product: " +
                   reason);
    return;
  }
  if (remarks)
    remarkAt(op->getLoc(), "kernel",
             "matrix product emitter that dequantizes " +
                 Twine(getElementTypeOrSelf(w.dequantize.getX().getType())
                           .getIntOrFloatBitWidth()) +
                 "-bit weights in registers");
  OpBuilder b(op);
  Location loc = op->getLoc();
  if (turned)
    left = transposed(b, loc, left, {1, 0});
  // Weights are of the same type, so of its precision.
  Value product = productOf(b, op, left, w);
  if (gemm)
    product = scaleAndAdd(b, gemm, product);
  product = castTo(b, loc, product, rankedResult(op).getElementType());
  op->getResult(0).replaceAllUsesWith(product);
  SmallVector<Value> operands(op->getOperands());
  op->erase();
  // Nobody may need the dequantized weights now.
  for (Operation *dead = operands[1].getDefiningOp();
       dead && dead->use_empty() &&
       isa<onnx::TransposeOp, onnx::DequantizeLinearOp>(dead);) {
    Operation *next = dead->getOperand(0).getDefiningOp();
    dead->erase();
    dead = next;
  }
}

void ingot::selectWeightOnly(Operation *root, bool remarks) {
  SmallVector<Operation *> products;
  root->walk([&](Operation *op) {
    if (isa<onnx::MatMulOp, onnx::GemmOp>(op))
      products.push_back(op);
  });
  for (Operation *op : products)
    select(op, remarks);
}
