//===- FoldAffine.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// y = scale[c] * x + shift[c] with constants for each channel (inference-time
// BatchNormalization, Mul, Div, Add and Sub by constants) becomes part of the
// weights and bias of the convolution or matrix product that computes x.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/Elementwise.h"
#include "dialects/onnx/Linear.h"
#include "dialects/onnx/Norm.h"
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/Window.h"
#include "passes/graph/Simplify.h"
#include "passes/graph/Weights.h"

#include <cmath>

using namespace mlir;
using namespace ingot;
using namespace ingot::graph;

namespace {
/// y = scale[c] * x + shift[c]; c counts along `axis`.
struct ChannelMap {
  Value x;
  int64_t axis = 1;
  SmallVector<double> scale, shift;

  bool scales() const {
    return llvm::any_of(scale, [](double s) { return s != 1; });
  }
  bool shifts() const {
    return llvm::any_of(shift, [](double s) { return s != 0; });
  }
};
} // namespace

/// The elements of a constant of one element, or of `count` along `axis` of a
/// tensor of that rank.
static std::optional<SmallVector<double>>
channelConstant(Value value, int64_t rank, int64_t axis, int64_t count) {
  std::optional<TensorData> data = constantData(value);
  if (!data || !isa<FloatType>(data->type().getElementType()))
    return std::nullopt;
  RankedTensorType type = data->type();
  if (type.getRank() > rank)
    return std::nullopt;
  for (auto [i, size] : llvm::enumerate(type.getShape())) {
    int64_t at = rank - type.getRank() + int64_t(i);
    if (size != 1 && (at != axis || size != count))
      return std::nullopt;
  }
  SmallVector<double> result;
  for (int64_t c = 0; c < count; ++c)
    result.push_back(data->loadDouble(data->size() == 1 ? 0 : c));
  return result;
}

/// The constant operand of x op c or c op x, with x.
template <typename Op>
static std::optional<ChannelMap> binaryMap(Op op, int64_t axis, int64_t count) {
  auto type = cast<RankedTensorType>(op.getC().getType());
  for (bool swapped : {false, true}) {
    Value x = swapped ? op.getB() : op.getA();
    Value c = swapped ? op.getA() : op.getB();
    std::optional<SmallVector<double>> values =
        channelConstant(c, type.getRank(), axis, count);
    if (!values || !haveSameShape(x, op.getC()))
      continue;
    ChannelMap map{x, axis, SmallVector<double>(count, 1),
                   SmallVector<double>(count, 0)};
    for (auto [value, scale, shift] :
         llvm::zip(*values, map.scale, map.shift)) {
      if constexpr (std::is_same_v<Op, onnx::MulOp>) {
        scale = value;
      } else if constexpr (std::is_same_v<Op, onnx::DivOp>) {
        if (swapped || value == 0)
          return std::nullopt;
        scale = 1 / value;
      } else if constexpr (std::is_same_v<Op, onnx::SubOp>) {
        scale = swapped ? -1 : 1;
        shift = swapped ? value : -value;
      } else {
        shift = value;
      }
    }
    return map;
  }
  return std::nullopt;
}

/// A BatchNormalization with constant statistics.
static std::optional<ChannelMap> batchNormMap(onnx::BatchNormalizationOp norm) {
  std::optional<TensorData> scale = constantData(norm.getScale()),
                            bias = constantData(norm.getBias()),
                            mean = constantData(norm.getInputMean()),
                            variance = constantData(norm.getInputVar());
  if (!scale || !bias || !mean || !variance)
    return std::nullopt;
  ChannelMap map{norm.getX()};
  for (int64_t c = 0; c < scale->size(); ++c) {
    double s =
        scale->loadDouble(c) / std::sqrt(variance->loadDouble(c) +
                                         norm.getEpsilon().convertToDouble());
    map.scale.push_back(s);
    map.shift.push_back(bias->loadDouble(c) - mean->loadDouble(c) * s);
  }
  return map;
}

//===----------------------------------------------------------------------===//
// Producers: what takes the map into its weights
//===----------------------------------------------------------------------===//

namespace {
/// An op that multiplies by weights and adds a bias, as far as it matters here.
struct Producer {
  Operation *op;
  OpOperand *weights;
  /// Null if the op has no bias.
  OpOperand *bias;
  /// The result's dimension that channels count along.
  int64_t axis;
  ChannelLayout layout;
  /// Factor of the bias (Gemm's beta).
  double biasFactor = 1;

  int64_t channels() const { return layout.groups * layout.perGroup; }
  static std::optional<Producer> of(Operation *op);
};
} // namespace

static int64_t productOf(ArrayRef<int64_t> sizes) {
  int64_t total = 1;
  for (int64_t size : sizes)
    total *= size;
  return total;
}

static std::optional<Producer> producerOf(onnx::ConvOp conv,
                                          ArrayRef<int64_t> shape) {
  return Producer{conv,
                  &conv.getWMutable(),
                  &conv.getBMutable(),
                  1,
                  {1, shape[0], productOf(shape.drop_front())}};
}

static std::optional<Producer> producerOf(onnx::ConvTransposeOp conv,
                                          ArrayRef<int64_t> shape) {
  return Producer{
      conv,
      &conv.getWMutable(),
      &conv.getBMutable(),
      1,
      {int64_t(conv.getGroup()), shape[1], productOf(shape.drop_front(2))}};
}

static std::optional<Producer> producerOf(onnx::GemmOp gemm,
                                          ArrayRef<int64_t> shape) {
  ChannelLayout layout{1, shape[1], 1};
  if (gemm.getTransB())
    layout = {1, shape[0], shape[1]};
  return Producer{gemm,
                  &gemm.getBMutable(),
                  &gemm.getCMutable(),
                  1,
                  layout,
                  gemm.getBeta().convertToDouble()};
}

static std::optional<Producer> producerOf(onnx::MatMulOp matmul,
                                          ArrayRef<int64_t> shape) {
  auto type = dyn_cast<RankedTensorType>(matmul.getY().getType());
  if (!type || shape.size() < 2 || type.getRank() < 1)
    return std::nullopt;
  return Producer{matmul,
                  &matmul.getBMutable(),
                  nullptr,
                  type.getRank() - 1,
                  {1, shape.back(), 1}};
}

std::optional<Producer> Producer::of(Operation *op) {
  std::optional<Producer> result;
  auto visit = [&](auto producer, Value weights) {
    auto type = dyn_cast<RankedTensorType>(weights.getType());
    if (type && type.hasStaticShape() && type.getNumElements() > 0)
      result = producerOf(producer, type.getShape());
  };
  if (auto conv = dyn_cast_or_null<onnx::ConvOp>(op))
    visit(conv, conv.getW());
  else if (auto transposed = dyn_cast_or_null<onnx::ConvTransposeOp>(op))
    visit(transposed, transposed.getW());
  else if (auto gemm = dyn_cast_or_null<onnx::GemmOp>(op))
    visit(gemm, gemm.getB());
  else if (auto matmul = dyn_cast_or_null<onnx::MatMulOp>(op))
    visit(matmul, matmul.getB());
  return result;
}

/// A name for messages: "Conv".
static StringRef nameOf(Operation *op) { return op->getName().stripDialect(); }

/// Moves the map of `op` into its producer.
static LogicalResult foldInto(PatternRewriter &rewriter, Operation *op,
                              const ChannelMap &map, const Producer &into) {
  auto fail = [&](const Twine &why) {
    return rewriter.notifyMatchFailure(op, nameOf(op) +
                                               " is not made part of " +
                                               nameOf(into.op) + ": " + why);
  };
  if (!map.x.hasOneUse())
    return fail("the result of " + nameOf(into.op) + " has other users");
  if (map.shifts() && !into.bias)
    return failure(); // an epilogue of the product, which costs nothing
  std::optional<TensorData> weights = constantData(into.weights->get());
  if (!weights)
    return fail("the weights are not constant");
  bool hasBias = into.bias && !onnx::isNone(into.bias->get());
  std::optional<TensorData> bias =
      hasBias ? constantData(into.bias->get()) : std::nullopt;
  if (hasBias && !bias)
    return fail("the bias is not constant");
  if (bias && bias->size() != 1 &&
      (bias->size() != into.channels() ||
       bias->type().getShape().back() != into.channels()))
    return fail("the bias is not one number for each channel");
  Type element = weights->type().getElementType();
  std::optional<TensorData> newBias, newWeights = weights;
  if (hasBias || map.shifts()) {
    SmallVector<double> scale(map.scale);
    for (double &s : scale)
      s *= into.biasFactor;
    newBias = transformBias(bias, element, scale, map.shift);
  }
  if (map.scales())
    newWeights = scaleChannels(*weights, into.layout, map.scale);
  if (!newWeights || ((hasBias || map.shifts()) && !newBias))
    return fail("the weights would overflow their type or 2 GB");
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(into.op);
  rewriter.modifyOpInPlace(into.op, [&] {
    if (map.scales())
      into.weights->set(makeConstant(rewriter, into.weights->get().getLoc(),
                                     newWeights->toAttr()));
    if (newBias)
      into.bias->set(makeConstant(rewriter, op->getLoc(), newBias->toAttr()));
    if (auto gemm = dyn_cast<onnx::GemmOp>(into.op); gemm && newBias)
      gemm.setBeta(APFloat(1.0f));
    into.op->setLoc(rewriter.getFusedLoc({into.op->getLoc(), op->getLoc()}));
  });
  return replaceByValue(rewriter, op, map.x);
}

namespace {
template <typename Op> struct FoldBinary : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getC().getType()))
      return failure();
    for (Value x : {op.getA(), op.getB()}) {
      std::optional<Producer> producer = Producer::of(x.getDefiningOp());
      if (!producer)
        continue;
      std::optional<ChannelMap> map =
          binaryMap(op, producer->axis, producer->channels());
      if (map && map->x == x)
        return foldInto(rewriter, op, *map, *producer);
    }
    return failure();
  }
};

/// True if no result but the first is used, as at inference.
static bool isInference(onnx::BatchNormalizationOp norm) {
  return !norm.getTrainingMode() && norm.getRunningMean().use_empty() &&
         norm.getRunningVar().use_empty();
}

struct FoldBatchNorm : OpRewritePattern<onnx::BatchNormalizationOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::BatchNormalizationOp norm,
                                PatternRewriter &rewriter) const override {
    if (!isInference(norm))
      return rewriter.notifyMatchFailure(
          norm, "BatchNormalization is not simplified: it is in training mode");
    std::optional<ChannelMap> map = batchNormMap(norm);
    if (!map)
      return rewriter.notifyMatchFailure(
          norm, "BatchNormalization is not simplified: scale, bias, mean and "
                "variance are not all constant");
    std::optional<Producer> producer =
        Producer::of(norm.getX().getDefiningOp());
    if (producer && producer->axis == 1 &&
        producer->channels() == int64_t(map->scale.size()) &&
        succeeded(foldInto(rewriter, norm, *map, *producer)))
      return success();
    return makeMulAdd(rewriter, norm, *map);
  }

  /// x * scale + shift with constants of shape C x 1 x 1 ... Not for half
  /// precision, where it would round twice.
  static LogicalResult makeMulAdd(PatternRewriter &rewriter,
                                  onnx::BatchNormalizationOp norm,
                                  const ChannelMap &map) {
    auto type = dyn_cast<RankedTensorType>(norm.getY().getType());
    if (!type || type.getRank() < 2 ||
        type.getElementType().getIntOrFloatBitWidth() < 32)
      return failure();
    SmallVector<int64_t> shape(type.getRank() - 1, 1);
    shape[0] = map.scale.size();
    auto constant = [&](ArrayRef<double> values) {
      TensorData data = TensorData::zeros(
          RankedTensorType::get(shape, type.getElementType()));
      for (auto [c, value] : llvm::enumerate(values))
        data.storeDouble(c, value);
      return makeConstant(rewriter, norm.getLoc(), data.toAttr());
    };
    Value scaled = onnx::MulOp::create(rewriter, norm.getLoc(), type,
                                       norm.getX(), constant(map.scale));
    Value shifted = onnx::AddOp::create(rewriter, norm.getLoc(), type, scaled,
                                        constant(map.shift));
    rewriter.replaceAllUsesWith(norm.getY(), shifted);
    rewriter.eraseOp(norm);
    return success();
  }
};
} // namespace

void graph::populateAffinePatterns(RewritePatternSet &patterns) {
  patterns.add<FoldBinary<onnx::MulOp>, FoldBinary<onnx::DivOp>,
               FoldBinary<onnx::AddOp>, FoldBinary<onnx::SubOp>, FoldBatchNorm>(
      patterns.getContext());
}
