//===- Regions.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Pooling of regions whose place and size come from data: loops with bounds
// from data, one point of the result at a time.
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/lower/Regions.h"
#include "dialects/onnx/Sample.h"
#include "dialects/onnx/TypeChecks.h"
#include "passes/tensor/lower/Scalars.h"

using namespace mlir;
using namespace ingot;

/// INGOT_FAULT_INDEX and INGOT_FAULT_ARGUMENT of lib/Runtime/ModelAbi.h.
static constexpr int64_t indexFault = 1, argumentFault = 4;

/// An element in its compute type.
static Value loadAt(const Scalars &s, Value tensor, ValueRange indices) {
  return toCompute(s.b, s.loc,
                   tensor::ExtractOp::create(s.b, s.loc, tensor, indices));
}

static void faultUnless(const Scalars &s, Value condition, int64_t code) {
  Value wrong = arith::XOrIOp::create(
      s.b, s.loc, condition, constantLike(s.b, s.loc, s.b.getI1Type(), 1));
  kernel::FaultOp::create(s.b, s.loc, wrong, s.b.getI64IntegerAttr(code));
}

/// The image a region lies in, as an index in bounds.
static Value checkedBatch(const Scalars &s, Value batch, Value image) {
  Value count = extent(s.b, s.loc, image, 0);
  Value isIn = s.isIn(batch, count);
  faultUnless(s, isIn, indexFault);
  return s.select(isIn, batch, s.index(0));
}

//===----------------------------------------------------------------------===//
// RoiAlign
//===----------------------------------------------------------------------===//

namespace {
/// The bins of one region along one axis, in floats of the element's compute
/// type.
struct BinAxis {
  Value start, binSize;
  /// Samples per bin: an index, and the same as a float.
  Value samples, samplesFloat;
  /// The image's size along the axis.
  Value size;
};

/// Two neighbours of a sample along an axis and their weights.
struct SampleAxis {
  Value low, high, lowWeight, highWeight, isInside;
};

/// Emits RoiAlign for one point of the result.
struct RoiAlignPoint {
  onnx::RoiAlignOp op;
  Type type;

  /// The bins along x (axis 0) or y (axis 1) of a region.
  BinAxis bins(const Scalars &s, Value region, int64_t axis, int64_t binCount);
  SampleAxis sample(const Scalars &s, const BinAxis &bins, Value bin,
                    Value index);
  /// What a sample adds to its bin.
  Value value(const Scalars &s, Value batch, Value channel, const SampleAxis &y,
              const SampleAxis &x);
  Value emit(const Scalars &s, ValueRange point);
};
} // namespace

BinAxis RoiAlignPoint::bins(const Scalars &s, Value region, int64_t axis,
                            int64_t binCount) {
  bool halfPixel = op.getCoordinateTransformationMode() == "half_pixel";
  Value scale = s.constant(type, op.getSpatialScale().convertToDouble());
  Value offset = s.constant(type, halfPixel ? 0.5 : 0);
  auto border = [&](int64_t column) {
    Value v = loadAt(s, op.getRois(), {region, s.index(column)});
    return s.sub(s.mul(v, scale), offset);
  };
  BinAxis bins;
  bins.size = extent(s.b, s.loc, op.getX(), 3 - axis);
  bins.start = border(axis);
  Value length = s.sub(border(axis + 2), bins.start);
  if (!halfPixel)
    length = s.max(length, s.constant(type, 1));
  bins.binSize = s.div(length, s.constant(type, double(binCount)));
  if (int64_t ratio = op.getSamplingRatio()) {
    bins.samples = s.index(ratio);
    bins.samplesFloat = s.constant(type, double(ratio));
    return bins;
  }
  // As many samples as a bin has elements. A region many times larger than
  // the image is refused: the loops over it would hardly end.
  Value zero = s.constant(type, 0);
  Value count = s.sub(zero, s.floor(s.sub(zero, bins.binSize)));
  Value limit =
      s.toFloat(s.add(s.mul(bins.size, s.index(16)), s.index(1024)), type);
  faultUnless(s, s.lessOrEqual(count, limit), argumentFault);
  bins.samplesFloat = s.clamp(count, zero, limit);
  bins.samples = s.toIndex(bins.samplesFloat);
  return bins;
}

SampleAxis RoiAlignPoint::sample(const Scalars &s, const BinAxis &bins,
                                 Value bin, Value index) {
  Value half = s.constant(type, 0.5), zero = s.constant(type, 0);
  Value one = s.constant(type, 1);
  Value within = s.div(s.mul(s.add(s.toFloat(index, type), half), bins.binSize),
                       bins.samplesFloat);
  Value binStart = s.add(bins.start, s.mul(s.toFloat(bin, type), bins.binSize));
  Value place = s.add(binStart, within);
  Value size = s.toFloat(bins.size, type);
  SampleAxis sample;
  sample.isInside = s.both(s.lessOrEqual(s.constant(type, -1), place),
                           s.lessOrEqual(place, size));
  // Beyond the last element its value goes on.
  Value last = s.sub(size, one);
  place = s.clamp(place, zero, last);
  Value low = s.floor(place);
  sample.highWeight = s.sub(place, low);
  sample.lowWeight = s.sub(one, sample.highWeight);
  sample.low = s.toIndex(low);
  sample.high = s.toIndex(s.min(s.add(low, one), last));
  return sample;
}

Value RoiAlignPoint::value(const Scalars &s, Value batch, Value channel,
                           const SampleAxis &y, const SampleAxis &x) {
  auto corner = [&](Value row, Value column, Value weightY, Value weightX) {
    Value v = loadAt(s, op.getX(), {batch, channel, row, column});
    return s.mul(s.mul(weightY, weightX), v);
  };
  Value corners[] = {corner(y.low, x.low, y.lowWeight, x.lowWeight),
                     corner(y.low, x.high, y.lowWeight, x.highWeight),
                     corner(y.high, x.low, y.highWeight, x.lowWeight),
                     corner(y.high, x.high, y.highWeight, x.highWeight)};
  Value joined = corners[0];
  for (Value next : ArrayRef(corners).drop_front())
    joined = op.getMode() == "max" ? s.max(joined, next) : s.add(joined, next);
  return s.select(s.both(y.isInside, x.isInside), joined, s.constant(type, 0));
}

Value RoiAlignPoint::emit(const Scalars &s, ValueRange point) {
  Value batch =
      arith::IndexCastOp::create(s.b, s.loc, s.b.getIndexType(),
                                 loadAt(s, op.getBatchIndices(), point[0]));
  batch = checkedBatch(s, batch, op.getX());
  BinAxis binsX = bins(s, point[0], 0, op.getOutputWidth());
  BinAxis binsY = bins(s, point[0], 1, op.getOutputHeight());
  bool isMax = op.getMode() == "max";
  Value start = isMax ? lowestValue(s.b, s.loc, type) : s.constant(type, 0);
  Value zero = s.index(0), one = s.index(1);
  auto rows = scf::ForOp::create(
      s.b, s.loc, zero, binsY.samples, one, start,
      [&](OpBuilder &b, Location loc, Value row, ValueRange outer) {
        Scalars t{b, loc};
        SampleAxis y = sample(t, binsY, point[2], row);
        auto columns = scf::ForOp::create(
            b, loc, zero, binsX.samples, one, outer,
            [&](OpBuilder &n, Location, Value column, ValueRange inner) {
              Scalars u{n, loc};
              SampleAxis x = sample(u, binsX, point[3], column);
              Value v = value(u, batch, point[1], y, x);
              scf::YieldOp::create(
                  n, loc, isMax ? u.max(inner[0], v) : u.add(inner[0], v));
            });
        scf::YieldOp::create(b, loc, columns.getResults());
      });
  Value total = rows.getResult(0);
  Value count = s.mul(binsX.samplesFloat, binsY.samplesFloat);
  if (!isMax)
    return s.div(total, s.max(count, s.constant(type, 1)));
  // The maximum of no samples is 0.
  return s.select(s.equal(count, s.constant(type, 0)), s.constant(type, 0),
                  total);
}

/// A tensor whose elements `body` computes from their indices, by imperative
/// code.
static Value
computeByLoops(OpBuilder &b, Location loc, RankedTensorType out,
               function_ref<Value(const Scalars &, ValueRange)> body) {
  return foreach (b, loc, emptyTensor(b, loc, out), onnx::getDims(out),
                  [&](OpBuilder &n, ValueRange point, ValueRange handles) {
                    Value v = body(Scalars{n, loc}, point);
                    kernel::StoreOp::create(
                        n, loc, fromCompute(n, loc, v, out.getElementType()),
                        handles[0], point);
                  })
      .front();
}

namespace {
struct LowerRoiAlign : OpRewritePattern<onnx::RoiAlignOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::RoiAlignOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    for (Value operand : op->getOperands())
      if (!onnx::rankedType(operand) || !out)
        return rewriter.notifyMatchFailure(op, "tensor has no rank");
    RoiAlignPoint at{op, computeType(out.getElementType())};
    rewriter.replaceOp(op,
                       computeByLoops(rewriter, op.getLoc(), out,
                                      [&](const Scalars &s, ValueRange point) {
                                        return at.emit(s, point);
                                      }));
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// MaxRoiPool
//===----------------------------------------------------------------------===//

namespace {
/// The elements of a bin along one axis: [begin, end).
struct BinRange {
  Value begin, end;
};

struct LowerMaxRoiPool : OpRewritePattern<onnx::MaxRoiPoolOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::MaxRoiPoolOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    if (!out || !onnx::rankedType(op.getX()) || !onnx::rankedType(op.getRois()))
      return rewriter.notifyMatchFailure(op, "tensor has no rank");
    rewriter.replaceOp(op,
                       computeByLoops(rewriter, op.getLoc(), out,
                                      [&](const Scalars &s, ValueRange point) {
                                        return maximum(s, op, point);
                                      }));
    return success();
  }

private:
  /// A rounded border of a region, limited to what fits an index.
  static Value border(const Scalars &s, onnx::MaxRoiPoolOp op, Value region,
                      int64_t column) {
    Value v = loadAt(s, op.getRois(), {region, s.index(column)});
    Type type = v.getType();
    Value scaled =
        s.mul(v, s.constant(type, op.getSpatialScale().convertToDouble()));
    // Rounds half away from zero, as the operator's origin did.
    Value rounded = math::RoundOp::create(s.b, s.loc, scaled);
    Value limit = s.constant(type, 1 << 24);
    return s.clamp(rounded, s.constant(type, -(1 << 24)), limit);
  }

  static BinRange bin(const Scalars &s, onnx::MaxRoiPoolOp op, Value region,
                      Value index, int64_t axis, int64_t binCount) {
    Value start = border(s, op, region, 1 + axis);
    Type type = start.getType();
    Value zero = s.constant(type, 0), one = s.constant(type, 1);
    Value length =
        s.max(s.add(s.sub(border(s, op, region, 3 + axis), start), one), one);
    Value binSize = s.div(length, s.constant(type, double(binCount)));
    Value number = s.toFloat(index, type);
    Value begin = s.floor(s.mul(number, binSize));
    Value ceil = s.mul(s.add(number, one), binSize);
    Value end = s.sub(zero, s.floor(s.sub(zero, ceil)));
    Value size = s.toFloat(extent(s.b, s.loc, op.getX(), 3 - axis), type);
    return {s.toIndex(s.clamp(s.add(begin, start), zero, size)),
            s.toIndex(s.clamp(s.add(end, start), zero, size))};
  }

  static Value maximum(const Scalars &s, onnx::MaxRoiPoolOp op,
                       ValueRange point) {
    ArrayRef<int64_t> shape = op.getPooledShape();
    Value number = loadAt(s, op.getRois(), {point[0], s.index(0)});
    Type type = number.getType();
    Value limit = s.constant(type, 1 << 24);
    Value batch = checkedBatch(
        s, s.toIndex(s.clamp(number, s.constant(type, -1), limit)), op.getX());
    BinRange y = bin(s, op, point[0], point[2], 1, shape[0]);
    BinRange x = bin(s, op, point[0], point[3], 0, shape[1]);
    Value one = s.index(1);
    auto rows = scf::ForOp::create(
        s.b, s.loc, y.begin, y.end, one, lowestValue(s.b, s.loc, type),
        [&](OpBuilder &b, Location loc, Value row, ValueRange outer) {
          auto columns = scf::ForOp::create(
              b, loc, x.begin, x.end, one, outer,
              [&](OpBuilder &n, Location, Value column, ValueRange inner) {
                Scalars u{n, loc};
                Value v = loadAt(u, op.getX(), {batch, point[1], row, column});
                scf::YieldOp::create(n, loc, u.max(inner[0], v));
              });
          scf::YieldOp::create(b, loc, columns.getResults());
        });
    // The maximum of no elements is 0.
    Value isEmpty =
        s.either(s.lessOrEqual(y.end, y.begin), s.lessOrEqual(x.end, x.begin));
    return s.select(isEmpty, s.constant(type, 0), rows.getResult(0));
  }
};
} // namespace

void ingot::populateRegionPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerMaxRoiPool, LowerRoiAlign>(patterns.getContext());
}
