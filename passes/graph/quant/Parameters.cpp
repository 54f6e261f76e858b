//===- Parameters.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/graph/quant/Parameters.h"
#include "dialects/onnx/Elementwise.h"
#include "dialects/onnx/Quant.h"
#include "passes/graph/Simplify.h"

#include <cmath>

using namespace mlir;
using namespace ingot;
using namespace ingot::quant;

bool quant::isByte(Type elementType) {
  auto type = dyn_cast<IntegerType>(elementType);
  return type && type.getWidth() == 8;
}

bool quant::isNarrow(Type elementType) {
  auto type = dyn_cast<IntegerType>(elementType);
  return isByte(elementType) || (type && type.getWidth() == 16);
}

/// The only element of a constant.
static std::optional<double> onlyNumber(Value value) {
  std::optional<graph::TensorData> data = graph::constantData(value);
  if (!data || data->size() != 1 ||
      !data->type().getElementType().isIntOrFloat())
    return std::nullopt;
  return data->loadDouble(0);
}

std::optional<Step> quant::stepOf(Value scale, Value zeroPoint) {
  std::optional<double> factor = onlyNumber(scale), zero = 0.0;
  if (!onnx::isNone(zeroPoint))
    zero = onlyNumber(zeroPoint);
  if (!factor || !zero || !(*factor > 0) || !std::isfinite(*factor))
    return std::nullopt;
  return Step{*factor, int64_t(*zero)};
}

static bool isF32(Value value) {
  return getElementTypeOrSelf(value.getType()).isF32();
}

std::optional<Quantized> quant::dequantized(Value value) {
  auto op = value.getDefiningOp<onnx::DequantizeLinearOp>();
  if (!op || !isa<RankedTensorType>(op.getX().getType()) || !isF32(value) ||
      op.getBlockSize() || !isNarrow(getElementTypeOrSelf(op.getX().getType())))
    return std::nullopt;
  std::optional<Step> step = stepOf(op.getXScale(), op.getXZeroPoint());
  if (!step)
    return std::nullopt;
  return Quantized{op.getX(), *step};
}

std::optional<Step> quant::quantizedStep(onnx::QuantizeLinearOp op) {
  if (!rankedResult(op) || !isF32(op.getX()) ||
      !isNarrow(rankedResult(op).getElementType()) || op.getPrecision() ||
      op.getBlockSize())
    return std::nullopt;
  return stepOf(op.getYScale(), op.getYZeroPoint());
}

onnx::QuantizeLinearOp quant::onlyQuantize(Value value) {
  if (!value.hasOneUse())
    return {};
  auto op = dyn_cast<onnx::QuantizeLinearOp>(*value.user_begin());
  return op && op.getX() == value && quantizedStep(op)
             ? op
             : onnx::QuantizeLinearOp();
}

/// Narrows the range by Clips that alone read the value.
static void followClips(QuantizedResult &result) {
  while (result.last->getResult(0).hasOneUse()) {
    auto clip = dyn_cast<onnx::ClipOp>(*result.last->getResult(0).user_begin());
    if (!clip || clip.getX() != result.last->getResult(0))
      return;
    std::optional<double> low = double(result.range.low);
    std::optional<double> high = double(result.range.high);
    if (!onnx::isNone(clip.getMin()))
      low = onlyNumber(clip.getMin());
    if (!onnx::isNone(clip.getMax()))
      high = onlyNumber(clip.getMax());
    if (!low || !high || *low > *high)
      return;
    auto within = [&](double x) {
      return std::clamp(int64_t(x), result.range.low, result.range.high);
    };
    int64_t least = within(*low), most = within(*high);
    result.range.low = least;
    result.range.high = most;
    result.last = clip;
  }
}

QuantizedResult quant::quantizedResult(Operation *op, Step step) {
  QuantizedResult result;
  result.last = op;
  result.type = rankedResult(op);
  result.scale = step.scale;
  result.range =
      QuantizedRange::of(result.type.getElementType(), step.zeroPoint);
  followClips(result);
  return result;
}

std::optional<QuantizedResult> quant::quantizedResult(Value value) {
  onnx::QuantizeLinearOp op = onlyQuantize(value);
  if (!op)
    return std::nullopt;
  return quantizedResult(op, *quantizedStep(op));
}

Location QuantizedResult::loc(Location first) const {
  return FusedLoc::get(first.getContext(), {first, last->getLoc()});
}

void quant::replaceChain(RewriterBase &rewriter, const QuantizedResult &result,
                         Value by) {
  Operation *op = result.last;
  rewriter.replaceAllUsesWith(op->getResult(0), by);
  // Clips and QuantizeLinear up to the op that is replaced.
  while (op && op->use_empty() &&
         isa<onnx::ClipOp, onnx::QuantizeLinearOp>(op)) {
    Operation *before = op->getOperand(0).getDefiningOp();
    rewriter.eraseOp(op);
    op = before;
  }
}

std::optional<SmallVector<double>> quant::channelNumbers(Value value,
                                                         int64_t count) {
  std::optional<graph::TensorData> data = graph::constantData(value);
  if (!data || (data->size() != 1 && data->size() != count) ||
      !data->type().getElementType().isIntOrFloat())
    return std::nullopt;
  SmallVector<double> numbers;
  for (int64_t i = 0; i < data->size(); ++i) {
    numbers.push_back(data->loadDouble(i));
    if (!std::isfinite(numbers.back()))
      return std::nullopt;
  }
  return numbers;
}

//===----------------------------------------------------------------------===//
// Bias
//===----------------------------------------------------------------------===//

static double pick(ArrayRef<double> list, int64_t at) {
  return list[list.size() == 1 ? 0 : at];
}

std::optional<Bias> quant::biasOf(Value value, int64_t channels,
                                  ArrayRef<double> sums) {
  Bias bias;
  bias.integer.assign(channels, 0);
  if (onnx::isNone(value))
    return bias;
  auto op = value.getDefiningOp<onnx::DequantizeLinearOp>();
  if (!op) {
    if (!isF32(value))
      return std::nullopt;
    std::optional<SmallVector<double>> real = channelNumbers(value, channels);
    if (!real)
      return std::nullopt;
    for (int64_t c = 0; c < channels; ++c)
      bias.real.push_back(pick(*real, c));
    return bias;
  }
  auto integers = channelNumbers(op.getX(), channels);
  auto scales = channelNumbers(op.getXScale(), channels);
  std::optional<SmallVector<double>> zeros = SmallVector<double>{0};
  if (!onnx::isNone(op.getXZeroPoint()))
    zeros = channelNumbers(op.getXZeroPoint(), channels);
  if (!integers || !scales || !zeros || op.getBlockSize())
    return std::nullopt;
  // A scale that is the sum's but for rounding to single precision: the bias
  // is added to the sum, and the difference as a real number.
  bias.real.assign(channels, 0);
  for (int64_t c = 0; c < channels; ++c) {
    double count = pick(*integers, c) - pick(*zeros, c);
    double scale = pick(*scales, c), unit = pick(sums, c);
    bool same = std::abs(scale / unit - 1) < 0x1p-20;
    bias.integer[c] = same ? int64_t(count) : 0;
    bias.real[c] = same ? count * (scale - unit) : count * scale;
    if (!std::isfinite(bias.real[c]))
      return std::nullopt;
  }
  return bias;
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

bool Weights::isCentred() const {
  return llvm::all_of(zeroPoint, [](int64_t zero) { return zero == 0; });
}

SmallVector<double> Weights::bounds(double most) const {
  SmallVector<double> result;
  for (int64_t total : magnitude)
    result.push_back(double(total) * most);
  return result;
}

/// How the elements of a tensor are numbered: outer x channels x inner.
static std::pair<int64_t, int64_t> channelStrides(RankedTensorType type,
                                                  int64_t axis) {
  int64_t inner = 1;
  for (int64_t size : type.getShape().drop_front(axis + 1))
    inner *= size;
  return {inner, type.getDimSize(axis)};
}

std::optional<Weights> quant::weightsOf(Value integers, Value scale,
                                        Value zeroPoint, int64_t axis,
                                        std::string &why) {
  std::optional<graph::TensorData> data = graph::constantData(integers);
  if (!data) {
    why = "weights are not constant";
    return std::nullopt;
  }
  RankedTensorType type = data->type();
  auto element = dyn_cast<IntegerType>(type.getElementType());
  if (!element || element.getWidth() > 8 || element.getWidth() < 2 ||
      data->size() == 0) {
    why = "weights are no 8-bit integers";
    return std::nullopt;
  }
  auto [inner, channels] = channelStrides(type, axis);
  Weights result;
  std::optional<SmallVector<double>> zeros = SmallVector<double>{0};
  if (!onnx::isNone(zeroPoint))
    zeros = channelNumbers(zeroPoint, channels);
  result.scale = {1};
  std::optional<SmallVector<double>> scales = result.scale;
  if (scale)
    scales = channelNumbers(scale, channels);
  if (!zeros || !scales ||
      llvm::any_of(*scales, [](double x) { return !(x > 0); })) {
    why = "scales of weights are not positive constants, one for all or one "
          "per channel of the result";
    return std::nullopt;
  }
  result.scale = *scales;
  SmallVector<int64_t> least(channels, INT64_MAX), most(channels, INT64_MIN);
  result.magnitude.assign(channels, 0);
  SmallVector<int64_t> zero(channels);
  for (int64_t c = 0; c < channels; ++c)
    zero[c] = int64_t(pick(*zeros, c));
  auto channelOf = [inner = inner, channels = channels](int64_t at) {
    return at / inner % channels;
  };
  for (int64_t at = 0, size = data->size(); at < size; ++at) {
    int64_t c = channelOf(at),
            centred = int64_t(data->loadDouble(at)) - zero[c];
    least[c] = std::min(least[c], centred);
    most[c] = std::max(most[c], centred);
    result.magnitude[c] += std::abs(centred);
  }
  // Where the difference to the zero point does not fit, only the sign is
  // moved.
  SmallVector<int64_t> moved(channels);
  for (int64_t c = 0; c < channels; ++c) {
    bool fits = least[c] >= -128 && most[c] <= 127;
    moved[c] = fits ? zero[c] : element.isUnsigned() ? 128 : 0;
    result.zeroPoint.push_back(zero[c] - moved[c]);
  }
  result.sum.assign(channels, 0);
  auto signedType = RankedTensorType::get(
      type.getShape(), IntegerType::get(type.getContext(), 8));
  graph::TensorData to = graph::TensorData::zeros(signedType);
  for (int64_t at = 0, size = data->size(); at < size; ++at) {
    int64_t c = channelOf(at), value = int64_t(data->loadDouble(at)) - moved[c];
    to.mutableElements<int8_t>()[at] = int8_t(value);
    result.sum[c] += value;
  }
  result.elements = to.toAttr();
  result.depth = data->size() / channels;
  return result;
}

std::optional<Weights> quant::dequantizedWeights(Value value, int64_t axis,
                                                 std::string &why) {
  auto op = value.getDefiningOp<onnx::DequantizeLinearOp>();
  if (!op) {
    why = "weights are not quantized";
    return std::nullopt;
  }
  auto type = dyn_cast<RankedTensorType>(op.getX().getType());
  auto scale = dyn_cast<RankedTensorType>(op.getXScale().getType());
  if (!isF32(value) || !type || !scale || op.getBlockSize()) {
    why = "weights are quantized in blocks or to another type than f32";
    return std::nullopt;
  }
  int64_t along = op.getAxis();
  along = along < 0 ? along + type.getRank() : along;
  bool single = scale.hasStaticShape() && scale.getNumElements() == 1;
  if (!single && along != axis) {
    why = "scales of weights run along another axis than the result's channels";
    return std::nullopt;
  }
  return weightsOf(op.getX(), op.getXScale(), op.getXZeroPoint(), axis, why);
}
