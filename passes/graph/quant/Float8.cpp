//===- Float8.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of 8-bit floats between DequantizeLinear, on machines that multiply
// such: scales, which have no zero points, are factors of the sums.
//
//===----------------------------------------------------------------------===//
#include "dialects/ingot/Ingot.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Quant.h"
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/TypeChecks.h"
#include "dialects/onnx/Window.h"
#include "dialects/onnx/WindowShape.h"
#include "passes/graph/SelectHeavy.h"
#include "passes/graph/quant/SelectProduct.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::quant;

namespace {
/// 8-bit floats that stand for real numbers: value * scale.
struct Scaled {
  Value value;
  /// One, or one per channel.
  SmallVector<double> scale;

  RankedTensorType type() const { return onnx::rankedType(value); }
};
} // namespace

/// True for the types that tensor cores multiply.
static bool isFactor(Type type) {
  return isa<Float8E4M3FNType, Float8E5M2Type>(getElementTypeOrSelf(type));
}

/// The DequantizeLinear that makes the value of floats of 8 bits, to single or
/// half precision (in which the product is more exact than what it replaces);
/// null for others.
static onnx::DequantizeLinearOp dequantizedFloats(Value value) {
  auto op = value.getDefiningOp<onnx::DequantizeLinearOp>();
  if (!op || !isFactor(op.getX().getType()) || op.getBlockSize() ||
      !isa<Float32Type, Float16Type, BFloat16Type>(
          getElementTypeOrSelf(value.getType())) ||
      !isa<RankedTensorType>(op.getX().getType()))
    return {};
  return op;
}

/// The left factor, with one scale. Nothing is said of what is none of 8-bit
/// floats.
static std::optional<Scaled> leftFactor(Value value, std::string &why) {
  onnx::DequantizeLinearOp op = dequantizedFloats(value);
  if (!op)
    return std::nullopt;
  std::optional<SmallVector<double>> scale = channelNumbers(op.getXScale(), 1);
  if (!scale) {
    why = "the left operand has not one constant scale";
    return std::nullopt;
  }
  return Scaled{op.getX(), *scale};
}

/// Constant weights whose channels run along `axis`.
static std::optional<Scaled> weightsOfFloats(Value value, int64_t axis,
                                             std::string &why) {
  onnx::DequantizeLinearOp op = dequantizedFloats(value);
  if (!op || !graph::constantOf(op.getX())) {
    why = "the weights are no constant 8-bit floats with a scale for each "
          "channel";
    return std::nullopt;
  }
  auto type = onnx::rankedType(op.getX());
  auto scaleType = dyn_cast<RankedTensorType>(op.getXScale().getType());
  int64_t along = op.getAxis();
  along = along < 0 ? along + type.getRank() : along;
  bool single = scaleType && scaleType.hasStaticShape() &&
                scaleType.getNumElements() == 1;
  std::optional<SmallVector<double>> scale =
      channelNumbers(op.getXScale(), type.getDimSize(axis));
  if (!scale || (!single && along != axis)) {
    why = "scales of weights are not finite constants, one for all or one per "
          "channel of the result";
    return std::nullopt;
  }
  return Scaled{op.getX(), *scale};
}

/// sums * scale, along the last dimension; null if a scale is none of single
/// precision.
static Value scaled(OpBuilder &b, Location loc, Value sums,
                    ArrayRef<float> scale) {
  auto type = cast<RankedTensorType>(sums.getType());
  int64_t rank = type.getRank();
  auto list = RankedTensorType::get({int64_t(scale.size())}, b.getF32Type());
  Value factors =
      onnx::ConstantOp::create(b, loc, DenseElementsAttr::get(list, scale));
  AffineExpr last = scale.size() == 1 ? b.getAffineConstantExpr(0)
                                      : b.getAffineDimExpr(rank - 1);
  return compute(b, loc, type, ValueRange{sums, factors},
                 {b.getMultiDimIdentityMap(rank),
                  AffineMap::get(rank, 0, last, b.getContext())},
                 [](Body &body) -> Value {
                   return arith::MulFOp::create(body.b, body.loc, body.args[0],
                                                body.args[1]);
                 });
}

/// The scales of the sums; fails if they leave single precision.
static LogicalResult scalesOf(const Scaled &left, const Scaled &right,
                              SmallVectorImpl<float> &scale, std::string &why) {
  for (double own : right.scale) {
    scale.push_back(float(left.scale.front() * own));
    bool vanishes = own != 0 && left.scale.front() != 0 &&
                    std::abs(scale.back()) < std::numeric_limits<float>::min();
    if (!std::isfinite(scale.back()) || vanishes)
      return say(why, "the product of the scales leaves single precision");
  }
  return success();
}

namespace {
/// The two factors of a matrix product.
struct MatrixFactors {
  Scaled left, right;
  /// The right matrix is [N, K].
  bool transposed = false;
  SmallVector<float> scale;
};
} // namespace

/// Reads the factors of a product of result type `result`.
static LogicalResult readFactors(Value a, Value b, bool transposedB,
                                 RankedTensorType result, MatrixFactors &to,
                                 std::string &why) {
  std::optional<Scaled> left = leftFactor(a, why);
  if (!left)
    return failure();
  if (!result || left->type().getRank() < 2 || !onnx::rankedType(b) ||
      onnx::rankedType(b).getRank() != 2)
    return say(why, "an operand is a vector, or the right one no matrix");
  // Channels of the result in the tensor that is dequantized.
  bool swapped = transposedB;
  while (auto transpose = b.getDefiningOp<onnx::TransposeOp>()) {
    auto perm = transpose.getPerm();
    if (perm && (*perm)[0] == 0)
      break;
    swapped = !swapped;
    b = transpose.getData();
  }
  std::optional<Scaled> right = weightsOfFloats(b, swapped ? 0 : 1, why);
  if (!right)
    return failure();
  if (llvm::is_contained(right->type().getShape(), 0))
    return say(why, "a matrix is empty");
  to = {*left, *right, swapped, {}};
  return scalesOf(to.left, to.right, to.scale, why);
}

/// The product with its scales.
static Value multiply(OpBuilder &b, Location loc, const MatrixFactors &factors,
                      RankedTensorType result, bool transposedA) {
  Value left = factors.left.value, right = factors.right.value;
  if (transposedA)
    left = transposed(b, loc, left, {1, 0});
  if (factors.transposed)
    right = transposed(b, loc, right, {1, 0});
  Value sums = heavy::MatmulOp::create(
      b, loc, onnx::tensorOf(onnx::getDims(result), b.getF32Type()), left,
      right, onnx::rankedType(right).getDimSize(1), /*transpose_a=*/false,
      IntegerAttr());
  return scaled(b, loc, sums, factors.scale);
}

/// Replaces the op by a result in single precision.
static void replaceBy(PatternRewriter &rewriter, Operation *op, Value result) {
  Type type = getElementTypeOrSelf(op->getResult(0).getType());
  rewriter.replaceOp(op, castTo(rewriter, op->getLoc(), result, type));
}

namespace {
struct SelectMatMul : SelectProduct<onnx::MatMulOp> {
  using SelectProduct::SelectProduct;

  LogicalResult select(onnx::MatMulOp op, PatternRewriter &rewriter,
                       std::string &why) const override {
    MatrixFactors factors;
    if (failed(readFactors(op.getA(), op.getB(), /*transposedB=*/false,
                           rankedResult(op), factors, why)))
      return failure();
    Value product = multiply(rewriter, op.getLoc(), factors, rankedResult(op),
                             /*transposedA=*/false);
    replaceBy(rewriter, op, product);
    return success();
  }
};

struct SelectGemm : SelectProduct<onnx::GemmOp> {
  using SelectProduct::SelectProduct;

  LogicalResult select(onnx::GemmOp op, PatternRewriter &rewriter,
                       std::string &why) const override {
    MatrixFactors factors;
    if (failed(readFactors(op.getA(), op.getB(), op.getTransB() != 0,
                           rankedResult(op), factors, why)))
      return failure();
    Value product = multiply(rewriter, op.getLoc(), factors, rankedResult(op),
                             op.getTransA() != 0);
    replaceBy(rewriter, op, scaleAndAdd(rewriter, op, product));
    return success();
  }
};

struct SelectConv : SelectProduct<onnx::ConvOp> {
  using SelectProduct::SelectProduct;

  LogicalResult select(onnx::ConvOp op, PatternRewriter &rewriter,
                       std::string &why) const override {
    std::optional<Scaled> input = leftFactor(op.getX(), why);
    if (!input)
      return failure();
    std::optional<Scaled> weights = weightsOfFloats(op.getW(), 0, why);
    SmallVector<float> scale;
    if (!weights || !rankedResult(op) ||
        failed(scalesOf(*input, *weights, scale, why)))
      return failure();
    FailureOr<onnx::WindowParams> window = onnx::resolveWindow(op);
    if (failed(window) || window->rank() > 3 || window->rank() == 0)
      return say(why, "more than 3 spatial dimensions");
    auto pads = window->constantPadsBegin();
    onnx::Dims dims = onnx::getDims(input->type());
    std::optional<int64_t> channels = onnx::constantValue(dims[1]);
    if (!pads || !channels ||
        llvm::any_of(*pads, [](int64_t pad) { return pad < 0; }))
      return say(why, "channels or pads are symbolic or negative");
    int64_t filters = weights->type().getDimSize(0), group = window->group;
    if (llvm::is_contained(weights->type().getShape(), 0))
      return say(why, "the weights are empty");
    if (group > 1 && group == filters && group == *channels)
      return say(why, "a depthwise convolution has no product for tensor "
                      "cores");
    Location loc = op.getLoc();
    int64_t rank = window->rank();
    onnx::Dims out{dims[0]};
    out.append(window->output.begin(), window->output.end());
    out.push_back(onnx::constantDim(filters, op.getContext()));
    Value image = transposed(rewriter, loc, input->value, channelsLast(rank));
    Value sums = heavy::ConvOp::create(
        rewriter, loc, onnx::tensorOf(out, rewriter.getF32Type()), image,
        weights->value, ArrayRef<int64_t>(window->kernel),
        ArrayRef<int64_t>(window->strides), ArrayRef<int64_t>(*pads),
        ArrayRef<int64_t>(window->dilations), window->group, filters,
        /*input_channels_first=*/false, IntegerAttr());
    Value result = scaled(rewriter, loc, sums, scale);
    if (!onnx::isNone(op.getB()))
      result = addLastBias(rewriter, loc, result, op.getB());
    replaceBy(rewriter, op,
              transposed(rewriter, loc, result, channelsFirst(rank)));
    return success();
  }
};
} // namespace

void quant::populateFloat8Products(RewritePatternSet &patterns,
                                   const Signs &signs) {
  patterns.add<SelectConv, SelectGemm, SelectMatMul>(patterns.getContext(),
                                                     signs);
}
