//===- Sample.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Sample.h"
#include "dialects/onnx/TypeChecks.h"
#include "passes/tensor/lower/Interpolation.h"
#include "passes/tensor/lower/Regions.h"
#include "passes/tensor/lower/Resize.h"

using namespace mlir;
using namespace ingot;

//===----------------------------------------------------------------------===//
// GridSample
//===----------------------------------------------------------------------===//

namespace {
/// One spatial axis of X while its coordinate is worked out; floats of the
/// coordinate's type.
struct GridAxis {
  const Scalars &s;
  StringRef padding;
  bool alignCorners;
  /// The number of elements, as an index and as a float.
  Value size, length;

  GridAxis(const Scalars &s, onnx::GridSampleOp op, Value size, Type type)
      : s(s), padding(op.getPaddingMode()),
        alignCorners(op.getAlignCorners() != 0), size(size),
        length(s.toFloat(size, type)) {}

  Value constant(double v) const { return s.constant(length.getType(), v); }
  Value last() const { return s.sub(length, constant(1)); }

  /// The place that a coordinate in [-1, 1] names.
  Value place(Value coordinate) const {
    Value shifted = s.add(coordinate, constant(1));
    if (alignCorners)
      return s.mul(s.mul(shifted, constant(0.5)), last());
    return s.mul(s.sub(s.mul(shifted, length), constant(1)), constant(0.5));
  }

  /// The place mirrored at the borders as often as it takes.
  Value reflect(Value x) const {
    Value low = constant(alignCorners ? 0 : -0.5);
    Value high = s.add(last(), constant(alignCorners ? 0 : 0.5));
    Value range = s.sub(high, low);
    // One element between its own borders: everything reflects to it.
    Value isPoint = s.equal(range, constant(0));
    Value divisor = s.select(isPoint, constant(1), range);
    Value isBelow = s.less(x, low), isAbove = s.less(high, x);
    Value distance = s.select(isBelow, s.sub(low, x), s.sub(x, high));
    Value times = s.floor(s.div(distance, divisor));
    Value rest = s.sub(distance, s.mul(times, range));
    Value half = s.mul(times, constant(0.5));
    Value isEven = s.equal(s.floor(half), half);
    Value fromLow = s.add(low, rest), fromHigh = s.sub(high, rest);
    Value below = s.select(isEven, fromLow, fromHigh);
    Value above = s.select(isEven, fromHigh, fromLow);
    Value reflected = s.select(isBelow, below, s.select(isAbove, above, x));
    return s.select(isPoint, low, reflected);
  }

  /// A place outside brought inside as the padding mode says.
  Value padded(Value x) const {
    if (padding == "border")
      return s.clamp(x, constant(0), last());
    return padding == "reflection" ? reflect(x) : x;
  }

  /// The tap at a whole number that may lie outside.
  AxisTap tap(Value x) const {
    AxisTap tap = tapAt(s, padding == "reflection" ? reflect(x) : x, size);
    if (padding != "zeros")
      tap.exists = Value();
    return tap;
  }

  AxisTaps taps(Value coordinate, StringRef mode) const {
    Value x = place(coordinate);
    if (mode == "nearest")
      return {tap(padded(s.roundEven(x)))};
    x = padded(x);
    Value floor = s.floor(x), upper = s.sub(x, floor);
    AxisTaps taps;
    bool isLinear = mode == "linear";
    for (int64_t k = isLinear ? 0 : -1; k <= (isLinear ? 1 : 2); ++k) {
      taps.push_back(tap(s.add(floor, constant(double(k)))));
      Value distance = s.sub(constant(double(k)), upper);
      taps.back().weight = isLinear ? linearWeight(s, distance)
                                    : cubicWeight(s, distance, -0.75);
    }
    return taps;
  }
};

struct LowerGridSample : OpRewritePattern<onnx::GridSampleOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::GridSampleOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType x = onnx::rankedType(op.getX()), out = rankedResult(op);
    RankedTensorType grid = onnx::rankedType(op.getGrid());
    if (!x || !out || !grid)
      return rewriter.notifyMatchFailure(op, "tensor has no rank");
    StringRef mode = op.getMode();
    bool moves = mode == "nearest";
    Type work = interpolationType(x.getElementType());
    if (!work && !moves)
      return rewriter.notifyMatchFailure(op,
                                         "element type cannot be interpolated");
    int64_t spatial = x.getRank() - 2;
    // 3-D cubic reads 64 neighbours; more dimensions would be far too much
    // straight-line code.
    if (spatial > (mode == "cubic" ? 3 : 5))
      return rewriter.notifyMatchFailure(op, "too many spatial dimensions");
    bool isUnsigned = onnx::isUnsigned(x);
    rewriter.replaceOp(
        op, compute(rewriter, op.getLoc(), out, [&](Body &body) {
          Scalars s{body.b, body.loc};
          SmallVector<Value> point = {body.index(0)};
          for (int64_t i = 0; i < spatial; ++i)
            point.push_back(body.index(2 + i));
          SmallVector<AxisTaps> axes;
          for (int64_t i = 0; i < spatial; ++i) {
            // The innermost coordinate comes first.
            point.push_back(body.constant(spatial - 1 - i));
            Value coordinate = body.load(op.getGrid(), point);
            point.pop_back();
            Value size = extent(body.b, body.loc, op.getX(), 2 + i);
            axes.push_back(GridAxis(s, op, size, coordinate.getType())
                               .taps(coordinate, mode));
          }
          Value v = interpolate(
              s, {body.index(0), body.index(1)}, axes, [&](ValueRange indices) {
                Value element = body.load(op.getX(), indices);
                return moves ? element
                             : toInterpolated(s, element, isUnsigned, work);
              });
          return moves ? v : fromInterpolated(s, v, out.getElementType());
        }));
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// AffineGrid
//===----------------------------------------------------------------------===//

namespace {
struct LowerAffineGrid : OpRewritePattern<onnx::AffineGridOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::AffineGridOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    if (!out || !onnx::rankedType(op.getTheta()))
      return rewriter.notifyMatchFailure(op, "tensor has no rank");
    int64_t spatial = out.getRank() - 2;
    bool alignCorners = op.getAlignCorners() != 0;
    onnx::Dims dims = onnx::getDims(out);
    rewriter.replaceOp(
        op, compute(rewriter, op.getLoc(), out, [&](Body &body) {
          Scalars s{body.b, body.loc};
          Value row = body.index(out.getRank() - 1), sum;
          for (int64_t column = 0; column <= spatial; ++column) {
            Value factor = body.load(
                op.getTheta(), {body.index(0), row, body.constant(column)});
            // Columns multiply the innermost coordinate first, then 1.
            if (column < spatial)
              factor =
                  s.mul(factor, coordinate(body, dims, spatial - column,
                                           alignCorners, factor.getType()));
            sum = sum ? s.add(sum, factor) : factor;
          }
          return sum;
        }));
    return success();
  }

private:
  /// The coordinate in [-1, 1] of the index along result dimension `axis`.
  static Value coordinate(Body &body, ArrayRef<AffineExpr> dims, int64_t axis,
                          bool alignCorners, Type type) {
    Scalars s{body.b, body.loc};
    Value one = s.constant(type, 1), two = s.constant(type, 2);
    Value index = s.toFloat(body.index(axis), type);
    Value size = s.toFloat(s.size(dims[axis]), type);
    if (alignCorners) {
      Value steps = s.max(s.sub(size, one), one);
      return s.sub(s.div(s.mul(two, index), steps), one);
    }
    return s.sub(s.div(s.add(s.mul(two, index), one), size), one);
  }
};
} // namespace

void ingot::populateSamplePatterns(RewritePatternSet &patterns) {
  populateRegionPatterns(patterns);
  populateResizePatterns(patterns);
  patterns.add<LowerAffineGrid, LowerGridSample>(patterns.getContext());
}
