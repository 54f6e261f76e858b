//===- ConvTranspose.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A quantized transposed convolution by stride s as one convolution with s * s
// times the filters, those of all phases (see
// passes/graph/SelectConvTranspose), whose results DepthToSpace brings into
// place. What is done to quantized convolutions and to operators that move
// elements then makes it integers.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Quant.h"
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/Window.h"
#include "dialects/onnx/WindowShape.h"
#include "passes/graph/Simplify.h"
#include "passes/graph/quant/SelectProduct.h"
#include "passes/tensor/lower/Products.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::quant;

namespace {
/// One axis of the image.
struct PhaseAxis {
  int64_t kernel, taps;
  /// Pads of the convolution, where the result begins in that of all phases,
  /// and its size.
  int64_t padBegin, padEnd, rest, size;
};

/// The integers behind a constant DequantizeLinear with their parameters.
struct Dequantized {
  graph::TensorData integers;
  onnx::DequantizeLinearOp op;
  std::optional<graph::TensorData> scale, zeroPoint;

  /// Bits of the zero point of channel c.
  uint64_t zeroOf(int64_t c) const {
    return zeroPoint ? zeroPoint->load(zeroPoint->size() == 1 ? 0 : c) : 0;
  }
};

class PhaseBuilder {
public:
  PhaseBuilder(PatternRewriter &rewriter, onnx::ConvTransposeOp op)
      : rewriter(rewriter), op(op), loc(op.getLoc()) {}

  LogicalResult prepare(std::string &why);
  Value build();

private:
  LogicalResult readAxis(const onnx::WindowParams &window, int64_t i,
                         int64_t pad, std::string &why);
  Value phaseWeights();
  Value repeated(const graph::TensorData &list);
  Value dequantize(Value integers, const Dequantized &like);
  Value phaseBias();
  Value integers(ArrayRef<int64_t> values);

  PatternRewriter &rewriter;
  onnx::ConvTransposeOp op;
  Location loc;
  std::optional<Dequantized> weights, bias;
  std::optional<graph::TensorData> realBias;
  SmallVector<PhaseAxis, 2> axes;
  int64_t stride = 1, channels = 0, filters = 0;
};
} // namespace

/// Reads a DequantizeLinear of a constant, with parameters for `count` channels
/// along the axis or for all of them.
static std::optional<Dequantized> constantBehind(Value value, int64_t axis,
                                                 int64_t count) {
  auto op = value.getDefiningOp<onnx::DequantizeLinearOp>();
  auto data = op ? graph::constantData(op.getX()) : std::nullopt;
  if (!data || op.getBlockSize())
    return std::nullopt;
  Dequantized result{*data, op, graph::constantData(op.getXScale()), {}};
  int64_t rank = data->type().getRank(), given = op.getAxis();
  auto fits = [&](const std::optional<graph::TensorData> &list) {
    bool perChannel = list && list->size() == count &&
                      (given < 0 ? given + rank : given) == axis;
    return list && (list->size() == 1 || perChannel);
  };
  if (!onnx::isNone(op.getXZeroPoint())) {
    result.zeroPoint = graph::constantData(op.getXZeroPoint());
    if (!fits(result.zeroPoint))
      return std::nullopt;
  }
  return fits(result.scale) ? std::optional(result) : std::nullopt;
}

LogicalResult PhaseBuilder::readAxis(const onnx::WindowParams &window,
                                     int64_t i, int64_t pad, std::string &why) {
  PhaseAxis axis;
  axis.kernel = window.kernel[i];
  std::optional<int64_t> in = onnx::constantValue(window.input[i]);
  std::optional<int64_t> out = onnx::constantValue(window.output[i]);
  if (!in || !out || window.dilations[i] != 1 || window.strides[i] != stride ||
      axis.kernel < stride || pad < 0)
    return say(why, "a transposed convolution that is dilated, of strides that "
                    "differ or exceed the kernel, of a symbolic size or with a "
                    "negative pad");
  axis.taps = llvm::divideCeil(axis.kernel, stride);
  // No phase may begin before its window does.
  int64_t begin = std::min(pad / stride, axis.kernel / stride - 1);
  axis.rest = pad - begin * stride;
  axis.size = *out;
  int64_t results = llvm::divideCeil(axis.rest + axis.size, stride);
  axis.padBegin = axis.taps - 1 - begin;
  axis.padEnd = results - 1 + axis.taps - *in - axis.padBegin;
  if (axis.padEnd < 0)
    return say(why, "a transposed convolution whose result is cut at its end");
  axes.push_back(axis);
  return success();
}

LogicalResult PhaseBuilder::prepare(std::string &why) {
  std::optional<Quantized> x = dequantized(op.getX());
  if (!x || !isByte(x->type().getElementType()))
    return say(why, "its input has not one constant scale and zero point of "
                    "8-bit integers");
  FailureOr<onnx::WindowParams> window = onnx::resolveWindow(op);
  if (failed(window) || window->rank() != 2 || window->group != 1)
    return say(why, "a transposed convolution of groups, or not of images");
  auto pads = window->constantPadsBegin();
  auto shape = cast<RankedTensorType>(op.getW().getType());
  if (!pads || !shape.hasStaticShape())
    return say(why, "channels or pads are symbolic");
  channels = shape.getDimSize(0);
  filters = shape.getDimSize(1);
  stride = window->strides[0];
  for (int64_t i = 0; i < 2; ++i)
    if (failed(readAxis(*window, i, (*pads)[i], why)))
      return failure();
  // Integers gain more than twice of what taps of zeros may cost.
  int64_t all = 1, needed = 1;
  for (const PhaseAxis &axis : axes) {
    all *= axis.taps * stride;
    needed *= axis.kernel;
  }
  if (all > 2 * needed)
    return say(why, "most taps of its phases would be zeros");
  weights = constantBehind(op.getW(), 1, filters);
  if (!weights || !isByte(weights->integers.type().getElementType()))
    return say(why, "weights are no constant 8-bit integers with a scale for "
                    "each filter");
  if (onnx::isNone(op.getB()))
    return success();
  bias = constantBehind(op.getB(), 0, filters);
  realBias = graph::constantData(op.getB());
  return bias || realBias ? success() : say(why, "the bias is not constant");
}

/// A list for each filter as one for each filter of each phase; a list of one
/// stays.
Value PhaseBuilder::repeated(const graph::TensorData &list) {
  RankedTensorType type = list.type();
  int64_t count = list.size() == 1 ? 1 : filters * stride * stride;
  if (list.size() != 1)
    type = RankedTensorType::get({count}, type.getElementType());
  graph::TensorData to = graph::TensorData::zeros(type);
  for (int64_t i = 0; i < count; ++i)
    to.store(i, list.load(i % list.size()));
  return onnx::ConstantOp::create(rewriter, loc, type, to.toAttr());
}

Value PhaseBuilder::dequantize(Value integers, const Dequantized &like) {
  Value zero = like.zeroPoint ? repeated(*like.zeroPoint)
                              : Value(onnx::NoneOp::create(rewriter, loc));
  return onnx::DequantizeLinearOp::create(
      rewriter, loc, integers, repeated(*like.scale), zero,
      rewriter.getI64IntegerAttr(0), rewriter.getI64IntegerAttr(0),
      rewriter.getI64IntegerAttr(0));
}

/// [phases x filters, channels, taps...]; what lies outside of the kernel is 0,
/// the zero point.
Value PhaseBuilder::phaseWeights() {
  const PhaseAxis &y = axes[0], &x = axes[1];
  SmallVector<int64_t> shape{stride * stride * filters, channels, y.taps,
                             x.taps};
  auto type =
      RankedTensorType::get(shape, weights->integers.type().getElementType());
  graph::TensorData to = graph::TensorData::zeros(type);
  int64_t at = 0;
  for (int64_t number = 0; number < stride * stride; ++number)
    for (int64_t m = 0; m < filters; ++m)
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t tap = 0; tap < y.taps * x.taps; ++tap, ++at) {
          int64_t ky = number / stride + stride * (y.taps - 1 - tap / x.taps);
          int64_t kx = number % stride + stride * (x.taps - 1 - tap % x.taps);
          bool exists = ky < y.kernel && kx < x.kernel;
          int64_t from = ((c * filters + m) * y.kernel + ky) * x.kernel + kx;
          to.store(at,
                   exists ? weights->integers.load(from) : weights->zeroOf(m));
        }
  Value constant = onnx::ConstantOp::create(rewriter, loc, type, to.toAttr());
  return dequantize(constant, *weights);
}

Value PhaseBuilder::phaseBias() {
  if (bias)
    return dequantize(repeated(bias->integers), *bias);
  if (realBias)
    return repeated(*realBias);
  return onnx::NoneOp::create(rewriter, loc);
}

Value PhaseBuilder::integers(ArrayRef<int64_t> values) {
  auto type =
      RankedTensorType::get(int64_t(values.size()), rewriter.getI64Type());
  return onnx::ConstantOp::create(rewriter, loc,
                                  DenseIntElementsAttr::get(type, values));
}

Value PhaseBuilder::build() {
  const PhaseAxis &y = axes[0], &x = axes[1];
  auto list = [&](ArrayRef<int64_t> values) {
    return rewriter.getDenseI64ArrayAttr(values);
  };
  Value bias = phaseBias();
  Value result = onnx::ConvOp::create(
      rewriter, loc, op.getX(), phaseWeights(), bias,
      rewriter.getStringAttr("NOTSET"), list({1, 1}),
      rewriter.getI64IntegerAttr(1), list({y.taps, x.taps}),
      list({y.padBegin, x.padBegin, y.padEnd, x.padEnd}), list({1, 1}));
  if (stride > 1)
    result = onnx::DepthToSpaceOp::create(rewriter, loc, result,
                                          rewriter.getI64IntegerAttr(stride),
                                          rewriter.getStringAttr("DCR"));
  auto made = cast<RankedTensorType>(result.getType());
  if (y.rest == 0 && x.rest == 0 && made.getDimSize(2) == y.size &&
      made.getDimSize(3) == x.size)
    return result;
  return onnx::SliceOp::create(
      rewriter, loc, result, integers({y.rest, x.rest}),
      integers({y.rest + y.size, x.rest + x.size}), integers({2, 3}),
      onnx::NoneOp::create(rewriter, loc));
}

namespace {
struct SelectConvTranspose : OpRewritePattern<onnx::ConvTransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::ConvTransposeOp op,
                                PatternRewriter &rewriter) const override {
    PhaseBuilder builder(rewriter, op);
    std::string why;
    if (failed(builder.prepare(why)))
      return rewriter.notifyMatchFailure(op, why);
    Value result = builder.build();
    result.setType(op.getType());
    rewriter.replaceOp(op, result);
    return success();
  }
};
} // namespace

void quant::populateQuantizedConvTranspose(RewritePatternSet &patterns) {
  patterns.add<SelectConvTranspose>(patterns.getContext());
}
