//===- Conv.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/ingot/Ingot.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Quant.h"
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/Window.h"
#include "dialects/onnx/WindowShape.h"
#include "passes/graph/SelectHeavy.h"
#include "passes/graph/quant/SelectProduct.h"
#include "passes/graph/quant/Sums.h"
#include "passes/tensor/lower/Products.h"
#include "passes/tensor/lower/Scalars.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::quant;

namespace {
/// What all forms of a quantized convolution have.
struct QuantizedConv {
  /// The input; its zero point counts only where `runTimeZero` is null.
  Quantized input;
  Value runTimeZero;
  Weights weights;
  onnx::WindowParams window;
  SmallVector<int64_t> pads;

  int64_t filters() const { return weights.channels(); }
};
} // namespace

/// Sets window and pads, or says why they do not suit.
template <typename Op>
static LogicalResult readWindow(Op op, QuantizedConv &conv, std::string &why) {
  FailureOr<onnx::WindowParams> window = onnx::resolveWindow(op);
  if (failed(window) || window->rank() > 3 || window->rank() == 0)
    return say(why, "more than 3 spatial dimensions");
  conv.window = *window;
  auto pads = window->constantPadsBegin();
  onnx::Dims dims = onnx::getDims(conv.input.type());
  if (!pads || !onnx::constantValue(dims[1]))
    return say(why, "channels or pads are symbolic");
  conv.pads.assign(pads->begin(), pads->end());
  return success();
}

namespace {
/// Builds the integer convolution on channels-last tensors.
class ConvBuilder {
public:
  ConvBuilder(OpBuilder &b, Location loc, const QuantizedConv &conv,
              const Signs &signs)
      : b(b), loc(loc), conv(conv), signs(signs), rank(conv.window.rank()) {}

  /// The exact sums, channels last.
  Sums build();
  Value channelsFirstAgain(Value v) {
    return transposed(b, loc, v, channelsFirst(rank));
  }

private:
  Value convolution(ElementsAttr weights, int64_t filters, int64_t padValue);
  Value padded(Value input);
  Value sumWindows(Value sums, int64_t outside);
  Sums::Factor windowSums(int64_t zero);

  OpBuilder &b;
  Location loc;
  const QuantizedConv &conv;
  const Signs &signs;
  int64_t rank;
  Value input;
  SmallVector<int64_t> pads;
};
} // namespace

Value ConvBuilder::convolution(ElementsAttr weights, int64_t filters,
                               int64_t padValue) {
  onnx::Dims out{onnx::getDims(conv.input.type())[0]};
  out.append(conv.window.output.begin(), conv.window.output.end());
  out.push_back(onnx::constantDim(filters, b.getContext()));
  Value constant = onnx::ConstantOp::create(b, loc, weights);
  return heavy::ConvOp::create(
      b, loc, onnx::tensorOf(out, b.getI32Type()), input, constant,
      ArrayRef<int64_t>(conv.window.kernel),
      ArrayRef<int64_t>(conv.window.strides), ArrayRef<int64_t>(pads),
      ArrayRef<int64_t>(conv.window.dilations), conv.window.group, filters,
      /*input_channels_first=*/false, IntegerAttr(), padValue);
}

/// The input inside a border of its zero point, which comes at run time.
Value ConvBuilder::padded(Value input) {
  onnx::Dims dims = onnx::getDims(cast<RankedTensorType>(input.getType()));
  SmallVector<int64_t> begins{0, 0}, ends{0, 0};
  for (int64_t i = 0; i < rank; ++i) {
    // As much as the last window reaches over the end.
    begins.push_back(pads[i]);
    std::optional<int64_t> end = onnx::constantValue(conv.window.padsEnd[i]);
    ends.push_back(std::max<int64_t>(0, end.value_or(0)));
    dims[2 + i] = dims[2 + i] + begins.back() + ends.back();
  }
  begins.append(ends);
  auto list = RankedTensorType::get(int64_t(begins.size()), b.getI64Type());
  Value amounts =
      onnx::ConstantOp::create(b, loc, DenseIntElementsAttr::get(list, begins));
  Value none = onnx::NoneOp::create(b, loc);
  auto element = cast<RankedTensorType>(conv.runTimeZero.getType());
  Value zero = reshape(b, loc, conv.runTimeZero,
                       RankedTensorType::get({}, element.getElementType()));
  pads.assign(rank, 0);
  return onnx::PadOp::create(
      b, loc, onnx::tensorOf(dims, getElementTypeOrSelf(input.getType())),
      input, amounts, zero, none, b.getStringAttr("constant"));
}

Sums ConvBuilder::build() {
  pads = conv.pads;
  Quantized x = conv.input;
  if (conv.runTimeZero && conv.window.isPadded())
    x.value = padded(x.value);
  // A run-time zero point is that of the unflipped bytes.
  int64_t shift = 0;
  if (signs.mustFlip(x.isUnsigned())) {
    shift = x.isUnsigned() ? -128 : 128;
    x = flipSign(b, loc, x);
  }
  input = transposed(b, loc, x.value, channelsLast(rank));
  const Weights &w = conv.weights;
  int64_t zero = conv.runTimeZero ? 0 : x.step.zeroPoint;
  Value sums = convolution(w.elements, conv.filters(), zero);
  Sums result(b, loc, sums);
  // sum (x - zx)(w - zw), zx = zero (+ run-time zero + shift).
  auto centredSum = [&](int64_t c) {
    return w.sum[c] - w.depth * w.zeroPoint[c];
  };
  SmallVector<int64_t> columns, byZero, zeros;
  for (int64_t c = 0; c < conv.filters(); ++c) {
    int64_t constantZero = conv.runTimeZero ? shift : zero;
    columns.push_back(-constantZero * centredSum(c));
    byZero.push_back(-centredSum(c));
    zeros.push_back(-w.zeroPoint[c]);
  }
  result.add(columns);
  if (conv.runTimeZero) {
    int64_t loops = rank + 2;
    result.add(byZero, Sums::Factor{conv.runTimeZero,
                                    singleElementMap(conv.runTimeZero, loops)});
  }
  if (w.isCentred())
    return result;
  result.add(zeros, windowSums(zero));
  return result;
}

/// sum of x over the channels, as i32 without the channels.
static Value channelSums(OpBuilder &b, Location loc, Value input) {
  auto type = cast<RankedTensorType>(input.getType());
  onnx::Dims dims = onnx::getDims(type);
  AffineExpr channels = dims.pop_back_val();
  bool isUnsigned = onnx::isUnsigned(type);
  Type i32 = b.getI32Type();
  return reduce(b, loc, onnx::tensorOf(dims, i32), {channels}, input,
                b.getMultiDimIdentityMap(type.getRank()),
                integerConstant(b, loc, i32, 0), [&](Body &body, Value sum) {
                  Scalars s{body.b, body.loc};
                  return s.add(sum, s.widen(body.args[0], isUnsigned, i32));
                });
}

/// The sums of x under the windows of one group, of their channel sums.
Value ConvBuilder::sumWindows(Value sums, int64_t outside) {
  const onnx::WindowParams &window = conv.window;
  onnx::Dims dims = onnx::getDims(cast<RankedTensorType>(sums.getType()));
  onnx::Dims out{dims[0]};
  out.append(window.output.begin(), window.output.end());
  Type i32 = b.getI32Type();
  return reduce(
      b, loc, onnx::tensorOf(out, i32), window.kernelDims(b.getContext()), {},
      {}, integerConstant(b, loc, i32, 0), [&](Body &body, Value sum) {
        Scalars s{body.b, body.loc};
        SmallVector<Value> place{body.index(0)};
        Value inside;
        for (int64_t i = 0; i < rank; ++i) {
          Value at = s.add(
              s.mul(body.index(1 + i), s.index(window.strides[i])),
              s.mul(body.index(1 + rank + i), s.index(window.dilations[i])));
          if (window.padded[i] || pads[i] != 0) {
            Value size = s.size(dims[1 + i]);
            at = s.sub(at, s.index(pads[i]));
            Value isIn = s.isIn(at, size);
            inside = inside ? s.both(inside, isIn) : isIn;
            at = s.clamp(at, s.index(0), s.sub(size, s.index(1)));
          }
          place.push_back(at);
        }
        Value value = body.load(sums, place);
        if (inside)
          value = s.select(inside, value,
                           integerConstant(s.b, s.loc, i32, outside));
        return s.add(sum, value);
      });
}

/// The sum of x under the window, of each group.
Sums::Factor ConvBuilder::windowSums(int64_t zero) {
  int64_t group = conv.window.group;
  MLIRContext *context = b.getContext();
  SmallVector<AffineExpr> place;
  for (int64_t d = 0; d < rank + 1; ++d)
    place.push_back(getAffineDimExpr(d, context));
  if (group == 1) {
    int64_t channels = conv.input.type().getDimSize(1);
    Value sums = channelSums(b, loc, input);
    bool single = llvm::all_of(conv.window.kernel,
                               [](int64_t size) { return size == 1; }) &&
                  llvm::all_of(pads, [](int64_t pad) { return pad == 0; }) &&
                  !conv.window.isPadded();
    if (!single)
      sums = sumWindows(sums, channels * zero);
    for (int64_t i = 0; single && i < rank; ++i)
      place[1 + i] = place[1 + i] * conv.window.strides[i];
    return {sums, AffineMap::get(rank + 2, 0, place, context)};
  }
  // A convolution with ones.
  auto shape =
      llvm::to_vector(conv.weights.elements.getShapedType().getShape());
  shape[0] = group;
  auto onesType = RankedTensorType::get(shape, b.getI8Type());
  Value rows = convolution(
      DenseElementsAttr::get(onesType, b.getI8IntegerAttr(1)), group, zero);
  place.push_back(
      getAffineDimExpr(rank + 1, context).floorDiv(conv.filters() / group));
  return {rows, AffineMap::get(rank + 2, 0, place, context)};
}

/// Replaces `op` by integer work, and the chain behind its result that `to`
/// stands for; without one the result is float.
static void finish(Operation *op, const QuantizedConv &conv,
                   const ProductResult &product,
                   const std::optional<QuantizedResult> &to,
                   PatternRewriter &rewriter, const Signs &signs) {
  Location loc = to ? to->loc(op->getLoc()) : op->getLoc();
  ConvBuilder builder(rewriter, loc, conv, signs);
  Sums sums = builder.build();
  sums.add(product.bias.integer);
  if (!to) {
    Value result = sums.floats(product.scale, product.bias.real);
    rewriter.replaceOp(op, builder.channelsFirstAgain(result));
    return;
  }
  Value result = sums.requantized(to->type.getElementType(),
                                  requantizationOf(product, *to));
  replaceChain(rewriter, *to, builder.channelsFirstAgain(result));
  rewriter.eraseOp(op);
}

namespace {
/// Conv between DequantizeLinear and, perhaps, QuantizeLinear.
struct SelectConv : SelectProduct<onnx::ConvOp> {
  using SelectProduct::SelectProduct;

  LogicalResult select(onnx::ConvOp op, PatternRewriter &rewriter,
                       std::string &why) const override {
    QuantizedConv conv;
    std::optional<Quantized> input = dequantized(op.getX());
    if (!input || !isByte(input->type().getElementType()))
      return say(why, "its input has not one constant scale and zero point of "
                      "8-bit integers");
    conv.input = *input;
    std::optional<Weights> weights = dequantizedWeights(op.getW(), 0, why);
    if (!weights || !rankedResult(op) || failed(readWindow(op, conv, why)))
      return failure();
    conv.weights = *weights;
    ProductResult product;
    for (double scale : weights->scale)
      product.scale.push_back(scale * input->step.scale);
    std::optional<Bias> bias = biasOf(op.getB(), conv.filters(), product.scale);
    if (!bias)
      return say(why, "the bias is not constant");
    product.bias = *bias;
    product.bound = weights->bounds(input->bound());
    if (!fitsWord(product))
      return say(why, "sums of products may exceed 32 bits");
    finish(op, conv, product, quantizedResult(op.getY()), rewriter, signs);
    return success();
  }
};

struct SelectQLinearConv : SelectProduct<onnx::QLinearConvOp> {
  using SelectProduct::SelectProduct;

  LogicalResult select(onnx::QLinearConvOp op, PatternRewriter &rewriter,
                       std::string &why) const override {
    auto x = dyn_cast<RankedTensorType>(op.getX().getType());
    std::optional<Step> in = stepOf(op.getXScale(), op.getXZeroPoint());
    std::optional<Step> out = stepOf(op.getYScale(), op.getYZeroPoint());
    if (!x || !rankedResult(op) || !in || !out || !isByte(x.getElementType()))
      return say(why, "scales or zero points are not constant");
    QuantizedConv conv;
    conv.input = {op.getX(), *in};
    std::optional<Weights> weights =
        weightsOf(op.getW(), op.getWScale(), op.getWZeroPoint(), 0, why);
    if (!weights || failed(readWindow(op, conv, why)))
      return failure();
    conv.weights = *weights;
    ProductResult product;
    for (double scale : weights->scale)
      product.scale.push_back(scale * in->scale);
    product.bound = weights->bounds(conv.input.bound());
    product.bias.integer.assign(conv.filters(), 0);
    if (!onnx::isNone(op.getB())) {
      auto integers = channelNumbers(op.getB(), conv.filters());
      if (!integers)
        return say(why, "the bias is not constant");
      for (auto [to, from] : llvm::zip(product.bias.integer, *integers))
        to = int64_t(from);
    }
    if (!fitsWord(product))
      return say(why, "sums of products may exceed 32 bits");
    finish(op, conv, product, quantizedResult(op, *out), rewriter, signs);
    return success();
  }
};

struct SelectConvInteger : SelectProduct<onnx::ConvIntegerOp> {
  using SelectProduct::SelectProduct;

  LogicalResult select(onnx::ConvIntegerOp op, PatternRewriter &rewriter,
                       std::string &why) const override {
    auto x = dyn_cast<RankedTensorType>(op.getX().getType());
    if (!x || !rankedResult(op) || !isByte(x.getElementType()))
      return say(why, "its input has no rank");
    QuantizedConv conv;
    conv.input.value = op.getX();
    Value zero = op.getXZeroPoint();
    if (!onnx::isNone(zero)) {
      auto type = dyn_cast<RankedTensorType>(zero.getType());
      std::optional<SmallVector<double>> constant = channelNumbers(zero, 1);
      if (!type || !type.hasStaticShape() || type.getNumElements() != 1)
        return say(why, "the zero point of the input is not one number");
      if (constant)
        conv.input.step.zeroPoint = int64_t((*constant)[0]);
      else
        conv.runTimeZero = zero;
    }
    std::optional<Weights> weights =
        weightsOf(op.getW(), Value(), op.getWZeroPoint(), 0, why);
    if (!weights || failed(readWindow(op, conv, why)))
      return failure();
    conv.weights = *weights;
    if (conv.runTimeZero && !conv.window.constantPadsEnd())
      return say(why, "channels or pads are symbolic");
    ConvBuilder builder(rewriter, op.getLoc(), conv, signs);
    Sums sums = builder.build();
    rewriter.replaceOp(op, builder.channelsFirstAgain(sums.integers()));
    return success();
  }
};
} // namespace

void quant::populateQuantizedConv(RewritePatternSet &patterns,
                                  const Signs &signs) {
  patterns.add<SelectConv, SelectConvInteger, SelectQLinearConv>(
      patterns.getContext(), signs);
}
