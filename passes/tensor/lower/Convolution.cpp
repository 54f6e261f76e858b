//===- Convolution.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Convolutions of every type and form as reductions. Loops are the result's
// (batch, output channel, spatial), then the input channel within its group,
// then the points of the kernel.
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/lower/Convolution.h"
#include "dialects/onnx/TypeChecks.h"
#include "dialects/onnx/Window.h"
#include "passes/tensor/lower/Interpolation.h"
#include "passes/tensor/lower/Products.h"
#include "passes/tensor/lower/Scalars.h"
#include "passes/tensor/lower/WindowAccess.h"

using namespace mlir;
using namespace ingot;

//===----------------------------------------------------------------------===//
// Conv, ConvInteger, QLinearConv
//===----------------------------------------------------------------------===//

namespace {
/// The loops and channels of a convolution.
struct ConvLoops {
  unsigned spatialRank, outRank, channelLoop, pointLoop, loops;
  /// Sizes per group.
  AffineExpr inputChannels, outputChannels;
  int64_t group;

  ConvLoops(RankedTensorType weight, int64_t group)
      : spatialRank(weight.getRank() - 2), outRank(weight.getRank()),
        channelLoop(outRank), pointLoop(outRank + 1),
        loops(outRank + 1 + spatialRank),
        inputChannels(onnx::getDims(weight)[1]),
        outputChannels(onnx::getDims(weight)[0].floorDiv(group)), group(group) {
  }

  /// The input channel as an expression over the loops; only of groups of
  /// known size.
  AffineExpr channel(MLIRContext *context) const {
    AffineExpr within = getAffineDimExpr(channelLoop, context);
    if (group == 1)
      return within;
    AffineExpr out = getAffineDimExpr(1, context);
    return out.floorDiv(outputChannels) * inputChannels + within;
  }
  /// The same as a value.
  Value channel(Body &body) const {
    Scalars s{body.b, body.loc};
    Value within = body.index(channelLoop);
    if (group == 1)
      return within;
    Value number = s.quotient(body.index(1), s.size(outputChannels));
    return s.add(s.mul(number, s.size(inputChannels)), within);
  }
  bool isAffine() const {
    return group == 1 || (onnx::constantValue(inputChannels) &&
                          onnx::constantValue(outputChannels));
  }
  /// The map that reads the weights.
  AffineMap weightMap(MLIRContext *context) const {
    SmallVector<AffineExpr> place = {getAffineDimExpr(1, context)};
    for (unsigned i = channelLoop; i < loops; ++i)
      place.push_back(getAffineDimExpr(i, context));
    return AffineMap::get(loops, 0, place, context);
  }
  /// The map that reads what is given per output channel, or once for all.
  AffineMap channelMap(Value list, unsigned dims) const {
    RankedTensorType type = onnx::rankedType(list);
    if (type.getRank() == 0 || onnx::constantValue(onnx::getDims(type)[0]) == 1)
      return singleElementMap(list, dims);
    return AffineMap::get(dims, 0, getAffineDimExpr(1, type.getContext()),
                          type.getContext());
  }
};
} // namespace

/// The sum of `term(x, w, parameters)` over input channels and the window, in
/// `sums`' type. Terms of padding are 0.
static Value convolve(
    OpBuilder &b, Location loc, Value x, Value w,
    const onnx::WindowParams &window, RankedTensorType sums,
    ArrayRef<MappedOperand> parameters,
    function_ref<Value(const Scalars &, Value, Value, ArrayRef<Value>)> term) {
  MLIRContext *context = b.getContext();
  ConvLoops loops(onnx::rankedType(w), window.group);
  WindowAccess access{x, window, 2, loops.pointLoop};
  bool isMapped = access.isAffine() && loops.isAffine();
  SmallVector<Value> ins = {w};
  SmallVector<AffineMap> maps = {loops.weightMap(context)};
  for (const MappedOperand &parameter : parameters) {
    ins.push_back(parameter.tensor);
    maps.push_back(parameter.map);
  }
  if (isMapped) {
    ins.push_back(x);
    maps.push_back(access.map(loops.loops, getAffineDimExpr(0, context),
                              loops.channel(context)));
  }
  onnx::Dims reduced = {loops.inputChannels};
  reduced.append(window.kernelDims(context));
  Value zero = constantLike(b, loc, computeType(sums.getElementType()), 0);
  return reduce(
      b, loc, sums, reduced, ins, maps, zero, [&](Body &body, Value sum) {
        Scalars s{body.b, body.loc};
        WindowAccess::Element element;
        if (isMapped)
          element.value = body.args.back();
        else
          element = access.load(body, body.index(0), loops.channel(body));
        ArrayRef<Value> args(body.args);
        Value value =
            term(s, element.value, args[0], args.slice(1, parameters.size()));
        if (element.inside)
          value =
              s.select(element.inside, value, s.constant(value.getType(), 0));
        return s.add(sum, value);
      });
}

/// `sums` plus a bias per output channel (which may be left out), in the type
/// `out`.
static Value addBias(OpBuilder &b, Location loc, Value sums, Value bias,
                     RankedTensorType out) {
  if (onnx::isNone(bias))
    return convertElements(b, loc, sums, out);
  int64_t rank = out.getRank();
  AffineMap channel =
      AffineMap::get(rank, 0, b.getAffineDimExpr(1), b.getContext());
  return compute(b, loc, out, ValueRange{sums, bias},
                 {b.getMultiDimIdentityMap(rank), channel}, [](Body &body) {
                   return Scalars{body.b, body.loc}.add(body.args[0],
                                                        body.args[1]);
                 });
}

/// The i32 convolution of bytes less their zero points (none: null).
static Value integerConv(OpBuilder &b, Location loc, Value x, Value w,
                         Value zeroX, Value zeroW,
                         const onnx::WindowParams &window,
                         RankedTensorType out) {
  bool unsignedX = onnx::isUnsigned(x.getType());
  bool unsignedW = onnx::isUnsigned(w.getType());
  bool hasX = !onnx::isNone(zeroX), hasW = !onnx::isNone(zeroW);
  ConvLoops loops(onnx::rankedType(w), window.group);
  SmallVector<MappedOperand> zeros;
  if (hasX)
    zeros.push_back({zeroX, singleElementMap(zeroX, loops.loops)});
  if (hasW)
    zeros.push_back({zeroW, loops.channelMap(zeroW, loops.loops)});
  RankedTensorType sums = onnx::tensorOf(onnx::getDims(out), b.getI32Type());
  return convolve(
      b, loc, x, w, window, sums, zeros,
      [&](const Scalars &s, Value vx, Value vw, ArrayRef<Value> given) {
        Value zx = hasX ? given.front() : Value();
        Value zw = hasW ? given.back() : Value();
        return s.mul(centered(s, vx, unsignedX, zx),
                     centered(s, vw, unsignedW, zw));
      });
}

/// Fails with a reason unless all operands that are given have a rank, and the
/// result does.
static LogicalResult requireRanks(Operation *op, PatternRewriter &rewriter) {
  for (Value operand : op->getOperands())
    if (!onnx::isNone(operand) && !onnx::rankedType(operand))
      return rewriter.notifyMatchFailure(op, "operand has no rank");
  if (!rankedResult(op))
    return rewriter.notifyMatchFailure(op, "result has no rank");
  return success();
}

namespace {
struct LowerConv : OpRewritePattern<onnx::ConvOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::ConvOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireRanks(op, rewriter)))
      return failure();
    auto window = onnx::resolveWindow(op);
    if (failed(window))
      return failure();
    RankedTensorType out = rankedResult(op);
    Location loc = op.getLoc();
    Value sums = convolve(rewriter, loc, op.getX(), op.getW(), *window,
                          accumulatorType(out), {},
                          [](const Scalars &s, Value x, Value w,
                             ArrayRef<Value>) { return s.mul(x, w); });
    rewriter.replaceOp(op, addBias(rewriter, loc, sums, op.getB(), out));
    return success();
  }
};

struct LowerConvInteger : OpRewritePattern<onnx::ConvIntegerOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::ConvIntegerOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireRanks(op, rewriter)))
      return failure();
    auto window = onnx::resolveWindow(op);
    if (failed(window))
      return failure();
    rewriter.replaceOp(op,
                       integerConv(rewriter, op.getLoc(), op.getX(), op.getW(),
                                   op.getXZeroPoint(), op.getWZeroPoint(),
                                   *window, rankedResult(op)));
    return success();
  }
};

struct LowerQLinearConv : OpRewritePattern<onnx::QLinearConvOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::QLinearConvOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireRanks(op, rewriter)))
      return failure();
    auto window = onnx::resolveWindow(op);
    if (failed(window))
      return failure();
    RankedTensorType out = rankedResult(op);
    Location loc = op.getLoc();
    Value sums =
        integerConv(rewriter, loc, op.getX(), op.getW(), op.getXZeroPoint(),
                    op.getWZeroPoint(), *window, out);
    sums = addBias(rewriter, loc, sums, op.getB(),
                   cast<RankedTensorType>(sums.getType()));
    ConvLoops loops(onnx::rankedType(op.getW()), window->group);
    int64_t rank = out.getRank();
    MappedOperand scaleX{op.getXScale(),
                         singleElementMap(op.getXScale(), rank)};
    MappedOperand scaleW{op.getWScale(),
                         loops.channelMap(op.getWScale(), rank)};
    rewriter.replaceOp(op, requantize(rewriter, loc, out, sums, scaleX, scaleW,
                                      op.getYScale(), op.getYZeroPoint()));
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// ConvTranspose
//===----------------------------------------------------------------------===//

namespace {
/// One axis of a transposed convolution seen from the result: the reduction
/// runs over `steps`, and each step meets a kernel point and an input, if both
/// exist.
struct TransposedAxis {
  int64_t kernel, stride, dilation;
  AffineExpr padBegin, input;

  /// With dilation 1 the kernel points that meet a result are every stride-th;
  /// otherwise all are tried.
  bool isPhased() const { return dilation == 1; }
  int64_t steps() const {
    return isPhased() ? llvm::divideCeil(kernel, stride) : kernel;
  }

  struct Meeting {
    Value point, place, exists;
  };
  /// The meeting of result index `y` at `step`; point and place are in bounds.
  Meeting at(const Scalars &s, Value y, Value step) const {
    Value zero = s.index(0), factor = s.index(stride);
    Value shifted = s.add(y, s.size(padBegin));
    Value point, place, exists;
    if (isPhased()) {
      point = s.add(s.remainder(shifted, factor), s.mul(step, factor));
      place = s.sub(s.quotient(shifted, factor), step);
      exists =
          s.both(s.isIn(place, s.size(input)), s.isIn(point, s.index(kernel)));
      point = s.min(point, s.index(kernel - 1));
    } else {
      point = step;
      Value offset = s.sub(shifted, s.mul(step, s.index(dilation)));
      Value start = s.max(offset, zero);
      place = s.quotient(start, factor);
      exists = s.both(s.lessOrEqual(zero, offset),
                      s.both(s.equal(s.mul(place, factor), start),
                             s.isIn(place, s.size(input))));
    }
    place = s.clamp(place, zero, s.sub(s.size(input), s.index(1)));
    return {point, place, exists};
  }
};

struct LowerConvTranspose : OpRewritePattern<onnx::ConvTransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::ConvTransposeOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireRanks(op, rewriter)))
      return failure();
    auto window = onnx::resolveWindow(op);
    if (failed(window))
      return failure();
    RankedTensorType out = rankedResult(op), sums = accumulatorType(out);
    onnx::Dims weight = onnx::getDims(onnx::rankedType(op.getW()));
    AffineExpr channels = weight[0].floorDiv(window->group);
    Location loc = op.getLoc();
    onnx::Dims reduced = {channels};
    SmallVector<TransposedAxis> axes;
    for (int64_t i = 0; i < window->rank(); ++i) {
      axes.push_back({window->kernel[i], window->strides[i],
                      window->dilations[i], window->padsBegin[i],
                      window->input[i]});
      reduced.push_back(rewriter.getAffineConstantExpr(axes.back().steps()));
    }
    unsigned rank = out.getRank();
    Value zero =
        constantLike(rewriter, loc, computeType(sums.getElementType()), 0);
    Value result = reduce(
        rewriter, loc, sums, reduced, ValueRange(), {}, zero,
        [&](Body &body, Value sum) {
          Scalars s{body.b, body.loc};
          // Output channel m of group g is m - g * (M / group) in W.
          Value within = body.index(1), channel = body.index(rank);
          if (window->group > 1) {
            Value perGroup = s.size(weight[1]);
            Value group = s.quotient(within, perGroup);
            within = s.remainder(within, perGroup);
            channel = s.add(s.mul(group, s.size(channels)), channel);
          }
          SmallVector<Value> place = {body.index(0), channel};
          SmallVector<Value> point = {channel, within};
          Value exists;
          for (auto [i, axis] : llvm::enumerate(axes)) {
            auto meeting =
                axis.at(s, body.index(2 + i), body.index(rank + 1 + i));
            place.push_back(meeting.place);
            point.push_back(meeting.point);
            exists = exists ? s.both(exists, meeting.exists) : meeting.exists;
          }
          Value term =
              s.mul(body.load(op.getX(), place), body.load(op.getW(), point));
          return s.add(sum,
                       s.select(exists, term, s.constant(term.getType(), 0)));
        });
    rewriter.replaceOp(op, addBias(rewriter, loc, result, op.getB(), out));
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// DeformConv
//===----------------------------------------------------------------------===//

namespace {
struct LowerDeformConv : OpRewritePattern<onnx::DeformConvOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::DeformConvOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireRanks(op, rewriter)))
      return failure();
    auto window = onnx::resolveWindow(op);
    if (failed(window))
      return failure();
    if (window->rank() > 5)
      return rewriter.notifyMatchFailure(op, "too many spatial dimensions");
    RankedTensorType out = rankedResult(op), sums = accumulatorType(out);
    ConvLoops loops(onnx::rankedType(op.getW()), window->group);
    Location loc = op.getLoc();
    onnx::Dims reduced = {loops.inputChannels};
    reduced.append(window->kernelDims(op.getContext()));
    Value zero =
        constantLike(rewriter, loc, computeType(sums.getElementType()), 0);
    Value result = reduce(rewriter, loc, sums, reduced, op.getW(),
                          loops.weightMap(op.getContext()), zero,
                          [&](Body &body, Value sum) {
                            Scalars s{body.b, body.loc};
                            Value v = elementAt(body, op, *window, loops);
                            return s.add(sum, s.mul(v, body.args[0]));
                          });
    rewriter.replaceOp(op, addBias(rewriter, loc, result, op.getB(), out));
    return success();
  }

private:
  /// The element of X, interpolated at the moved place of the current kernel
  /// point, times the mask.
  static Value elementAt(Body &body, onnx::DeformConvOp op,
                         const onnx::WindowParams &window,
                         const ConvLoops &loops) {
    Scalars s{body.b, body.loc};
    Value channel = loops.channel(body);
    onnx::Dims dims = onnx::getDims(onnx::rankedType(op.getX()));
    Value perGroup = s.max(
        s.size(dims[1].floorDiv(int64_t(op.getOffsetGroup()))), s.index(1));
    Value point = s.quotient(channel, perGroup);
    for (int64_t i = 0; i < window.rank(); ++i)
      point = s.add(s.mul(point, s.index(window.kernel[i])),
                    body.index(loops.pointLoop + i));
    // Offsets and mask have one plane per kernel point of an offset group.
    SmallVector<Value> place = {body.index(0), point};
    for (int64_t i = 0; i < window.rank(); ++i)
      place.push_back(body.index(2 + i));
    Value mask;
    if (!onnx::isNone(op.getMask()))
      mask = body.load(op.getMask(), place);
    WindowAccess access{op.getX(), window, 2, loops.pointLoop};
    SmallVector<AxisTaps> axes;
    Value first = s.mul(point, s.index(window.rank()));
    for (int64_t i = 0; i < window.rank(); ++i) {
      place[1] = s.add(first, s.index(i));
      Value offset = body.load(op.getOffset(), place);
      Value at = s.toFloat(access.place(body, i), offset.getType());
      axes.push_back(linearTaps(s, s.add(at, offset), s.size(window.input[i])));
    }
    Value v =
        interpolate(s, {body.index(0), channel}, axes, [&](ValueRange indices) {
          return body.load(op.getX(), indices);
        });
    return mask ? s.mul(v, mask) : v;
  }
};
} // namespace

void ingot::populateConvolutionPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerConv, LowerConvInteger, LowerConvTranspose, LowerDeformConv,
               LowerQLinearConv>(patterns.getContext());
}
