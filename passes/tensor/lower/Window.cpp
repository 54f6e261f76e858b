//===- Window.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Window.h"
#include "dialects/onnx/TypeChecks.h"
#include "passes/tensor/lower/Convolution.h"
#include "passes/tensor/lower/Products.h"
#include "passes/tensor/lower/Scalars.h"
#include "passes/tensor/lower/WindowAccess.h"

using namespace mlir;
using namespace ingot;

/// INGOT_FAULT_INDEX of lib/Runtime/ModelAbi.h.
static constexpr int64_t indexFault = 1;

//===----------------------------------------------------------------------===//
// MaxPool
//===----------------------------------------------------------------------===//

/// What the greatest of nothing is.
static Value leastOf(OpBuilder &b, Location loc, RankedTensorType type) {
  return lowestValue(b, loc, computeType(type.getElementType()),
                     onnx::isUnsigned(type));
}

/// The greater of two elements; NaN loses, as in the specification's reference.
static Value greater(const Scalars &s, Value x, Value y, bool isUnsigned) {
  if (isUnsigned)
    return arith::MaxUIOp::create(s.b, s.loc, x, y);
  return s.max(x, y);
}

/// The maxima alone. Those of halves are found in f32 and rounded, which
/// changes nothing, at the end rather than at each step.
static Value lowerMaxima(OpBuilder &b, Location loc, const WindowAccess &access,
                         RankedTensorType out) {
  bool isUnsigned = onnx::isUnsigned(out);
  Value least = leastOf(b, loc, out);
  bool isFloat = isa<FloatType>(out.getElementType());
  RankedTensorType found = isFloat ? accumulatorType(out) : out;
  Value maxima =
      reduceWindows(
          b, loc, access, found, least,
          [&](Body &body, WindowAccess::Element element, ValueRange best) {
            Scalars s{body.b, body.loc};
            Value value = element.value;
            if (element.inside)
              value = s.select(
                  element.inside, value,
                  lowestValue(body.b, body.loc, value.getType(), isUnsigned));
            return SmallVector<Value>{greater(s, best[0], value, isUnsigned)};
          })
          .front();
  if (found == out)
    return maxima;
  return compute(b, loc, out, maxima, b.getMultiDimIdentityMap(out.getRank()),
                 [](Body &body) { return body.args[0]; });
}

/// The position of the point in X flattened; `columnMajor` orders the spatial
/// dimensions, not batch and channels.
static Value flatPosition(Body &body, const WindowAccess &access,
                          bool columnMajor) {
  Scalars s{body.b, body.loc};
  const onnx::WindowParams &window = access.window;
  Value channels = extent(body.b, body.loc, access.tensor, 1);
  Value plane = s.add(s.mul(body.index(0), channels), body.index(1));
  Value within;
  for (int64_t i = 0; i < window.rank(); ++i) {
    int64_t axis = columnMajor ? window.rank() - 1 - i : i;
    Value size = s.size(window.input[axis]), place = access.place(body, axis);
    within = within ? s.add(s.mul(within, size), place) : place;
    plane = s.mul(plane, size);
  }
  return s.add(plane, within);
}

/// The maxima and where they are.
static SmallVector<Value> lowerMaximaAndIndices(OpBuilder &b, Location loc,
                                                const WindowAccess &access,
                                                RankedTensorType out,
                                                RankedTensorType indices,
                                                bool columnMajor) {
  Value least = leastOf(b, loc, out);
  Value none = integerConstant(b, loc, b.getI64Type(), -1);
  return reduceWindows(
      b, loc, access, {out, indices}, {least, none},
      [&](Body &body, WindowAccess::Element element, ValueRange best) {
        Scalars s{body.b, body.loc};
        Value value = element.value;
        // The first element of a window wins even if it is the least value.
        Value zero = integerConstant(body.b, body.loc, b.getI64Type(), 0);
        Value isFirst = s.less(best[1], zero);
        Value isGreater = onnx::isUnsigned(out)
                              ? arith::CmpIOp::create(body.b, body.loc,
                                                      arith::CmpIPredicate::ult,
                                                      best[0], value)
                                    .getResult()
                              : s.less(best[0], value);
        Value wins = s.either(isFirst, isGreater);
        if (element.inside)
          wins = s.both(wins, element.inside);
        Value place =
            arith::IndexCastOp::create(body.b, body.loc, b.getI64Type(),
                                       flatPosition(body, access, columnMajor));
        return SmallVector<Value>{s.select(wins, value, best[0]),
                                  s.select(wins, place, best[1])};
      });
}

namespace {
struct LowerMaxPool : OpRewritePattern<onnx::MaxPoolOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::MaxPoolOp op,
                                PatternRewriter &rewriter) const override {
    auto window = onnx::resolveWindow(op);
    RankedTensorType out = rankedResult(op);
    if (failed(window) || !out)
      return rewriter.notifyMatchFailure(op, "operand has no rank");
    Location loc = op.getLoc();
    WindowAccess access{op.getX(), *window, 2, unsigned(out.getRank())};
    if (op.getIndices().use_empty()) {
      Value maxima = lowerMaxima(rewriter, loc, access, out);
      rewriter.replaceAllUsesWith(op.getY(), maxima);
      rewriter.eraseOp(op);
      return success();
    }
    RankedTensorType indices = rankedResult(op, 1);
    if (!indices)
      return rewriter.notifyMatchFailure(op, "result has no rank");
    rewriter.replaceOp(op, lowerMaximaAndIndices(rewriter, loc, access, out,
                                                 indices,
                                                 op.getStorageOrder() != 0));
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// AveragePool
//===----------------------------------------------------------------------===//

/// The number of points of a window along an axis that lie in the input (or, on
/// `includePad`, in the padded input).
static Value countInside(Body &body, const onnx::WindowParams &window,
                         unsigned axis, bool includePad) {
  Scalars s{body.b, body.loc};
  Value zero = s.index(0), step = s.index(window.dilations[axis]);
  Value kernel = s.index(window.kernel[axis]);
  Value start =
      s.sub(s.mul(body.index(2 + axis), s.index(window.strides[axis])),
            s.size(window.padsBegin[axis]));
  auto divide = [&](Value x) {
    return window.dilations[axis] == 1 ? x : s.quotient(x, step);
  };
  // Points k have place start + k * step. Those before `end` are the first
  // ceil((end - start) / step), of which ceil(-start / step) are before 0.
  Value end = s.size(includePad ? window.input[axis] + window.padsEnd[axis]
                                : window.input[axis]);
  Value round = s.index(window.dilations[axis] - 1);
  Value length = s.max(s.sub(end, start), zero);
  Value before = s.min(divide(s.add(length, round)), kernel);
  if (includePad)
    return before;
  Value skipped = divide(s.add(s.max(s.sub(zero, start), zero), round));
  return s.max(s.sub(before, skipped), zero);
}

/// The number of elements under the window that a mean divides by.
static Value divisorAt(Body &body, const onnx::WindowParams &window, Type type,
                       bool includePad) {
  Scalars s{body.b, body.loc};
  int64_t constant = 1;
  Value varying;
  for (int64_t i = 0; i < window.rank(); ++i) {
    if (!window.padded[i]) {
      constant *= window.kernel[i];
      continue;
    }
    Value count = countInside(body, window, i, includePad);
    varying = varying ? s.mul(varying, count) : count;
  }
  if (!varying)
    return s.constant(type, double(constant));
  // A window that lies in the padding sums nothing: any divisor will do.
  Value count = s.max(varying, s.index(1));
  return s.mul(s.toFloat(count, type), s.constant(type, double(constant)));
}

/// The sum over the window of a function of the element, in `out`'s type.
static Value
sumOfWindows(OpBuilder &b, Location loc, const WindowAccess &access,
             RankedTensorType out,
             function_ref<Value(const Scalars &, Value)> function) {
  Value zero = constantLike(b, loc, out.getElementType(), 0);
  return reduceWindows(
             b, loc, access, out, zero,
             [&](Body &body, WindowAccess::Element element, ValueRange sum) {
               Scalars s{body.b, body.loc};
               Value value = function(s, element.value);
               if (element.inside)
                 value = s.select(element.inside, value,
                                  s.constant(value.getType(), 0));
               return SmallVector<Value>{s.add(sum[0], value)};
             })
      .front();
}

namespace {
struct LowerAveragePool : OpRewritePattern<onnx::AveragePoolOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::AveragePoolOp op,
                                PatternRewriter &rewriter) const override {
    auto window = onnx::resolveWindow(op);
    RankedTensorType out = rankedResult(op);
    if (failed(window) || !out)
      return rewriter.notifyMatchFailure(op, "operand has no rank");
    Location loc = op.getLoc();
    WindowAccess access{op.getX(), *window, 2, unsigned(out.getRank())};
    Value sums =
        sumOfWindows(rewriter, loc, access, accumulatorType(out),
                     [](const Scalars &, Value element) { return element; });
    bool includePad = op.getCountIncludePad() != 0;
    rewriter.replaceOp(
        op, compute(rewriter, loc, out, sums,
                    rewriter.getMultiDimIdentityMap(out.getRank()),
                    [&](Body &body) {
                      Value sum = body.args[0];
                      Value divisor =
                          divisorAt(body, *window, sum.getType(), includePad);
                      return Scalars{body.b, body.loc}.div(sum, divisor);
                    }));
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// LpPool
//===----------------------------------------------------------------------===//

/// |x| to the power p.
static Value powerOf(const Scalars &s, Value x, int64_t p) {
  if (p == 1)
    return s.abs(x);
  if (p == 2)
    return s.mul(x, x);
  return math::PowFOp::create(s.b, s.loc, s.abs(x),
                              s.constant(x.getType(), double(p)));
}

/// The p-th roots of sums of powers, in `out`'s type.
static Value rootsOf(OpBuilder &b, Location loc, Value sums,
                     RankedTensorType out, int64_t p) {
  if (p == 1)
    return convertElements(b, loc, sums, out);
  return compute(b, loc, out, sums, b.getMultiDimIdentityMap(out.getRank()),
                 [&](Body &body) -> Value {
                   Value sum = body.args[0];
                   if (p == 2)
                     return math::SqrtOp::create(body.b, body.loc, sum);
                   Value exponent = constantLike(
                       body.b, body.loc, sum.getType(), 1.0 / double(p));
                   return math::PowFOp::create(body.b, body.loc, sum, exponent);
                 });
}

namespace {
struct LowerLpPool : OpRewritePattern<onnx::LpPoolOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::LpPoolOp op,
                                PatternRewriter &rewriter) const override {
    auto window = onnx::resolveWindow(op);
    RankedTensorType out = rankedResult(op);
    if (failed(window) || !out)
      return rewriter.notifyMatchFailure(op, "operand has no rank");
    int64_t p = op.getP();
    WindowAccess access{op.getX(), *window, 2, unsigned(out.getRank())};
    Value sums =
        sumOfWindows(rewriter, op.getLoc(), access, accumulatorType(out),
                     [&](const Scalars &s, Value element) {
                       return powerOf(s, element, p);
                     });
    rewriter.replaceOp(op, rootsOf(rewriter, op.getLoc(), sums, out, p));
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Pooling over all spatial dimensions
//===----------------------------------------------------------------------===//

/// Folds all spatial dimensions of x into a tensor shaped as `out`.
static Value
reduceSpatial(OpBuilder &b, Location loc, Value x, RankedTensorType out,
              Value init,
              function_ref<Value(const Scalars &, Value, Value)> fold) {
  int64_t rank = out.getRank();
  MLIRContext *context = b.getContext();
  SmallVector<AffineExpr> place = {getAffineDimExpr(0, context),
                                   getAffineDimExpr(1, context)};
  for (int64_t i = 2; i < rank; ++i)
    place.push_back(getAffineDimExpr(rank + i - 2, context));
  onnx::Dims dims = onnx::getDims(onnx::rankedType(x));
  return reduce(b, loc, out, ArrayRef(dims).drop_front(2), x,
                AffineMap::get(2 * rank - 2, 0, place, context), init,
                [&](Body &body, Value accumulator) {
                  return fold(Scalars{body.b, body.loc}, accumulator,
                              body.args[0]);
                });
}

/// The number of spatial elements of x as a float.
static Value spatialCount(Body &body, RankedTensorType x, Type type) {
  Scalars s{body.b, body.loc};
  onnx::Dims dims = onnx::getDims(x);
  AffineExpr count =
      onnx::product(ArrayRef(dims).drop_front(2), x.getContext());
  if (std::optional<int64_t> constant = onnx::constantValue(count))
    return s.constant(type, double(*constant));
  return s.toFloat(s.size(count), type);
}

namespace {
struct LowerGlobalAveragePool : OpRewritePattern<onnx::GlobalAveragePoolOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::GlobalAveragePoolOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType x = onnx::rankedType(op.getX()), out = rankedResult(op);
    if (!x || !out)
      return rewriter.notifyMatchFailure(op, "operand has no rank");
    RankedTensorType sumType = accumulatorType(out);
    Location loc = op.getLoc();
    Value zero = constantLike(rewriter, loc, sumType.getElementType(), 0);
    Value sums = reduceSpatial(
        rewriter, loc, op.getX(), sumType, zero,
        [](const Scalars &s, Value sum, Value v) { return s.add(sum, v); });
    rewriter.replaceOp(op,
                       compute(rewriter, loc, out, sums,
                               rewriter.getMultiDimIdentityMap(out.getRank()),
                               [&](Body &body) {
                                 Value sum = body.args[0];
                                 return Scalars{body.b, body.loc}.div(
                                     sum, spatialCount(body, x, sum.getType()));
                               }));
    return success();
  }
};

struct LowerGlobalMaxPool : OpRewritePattern<onnx::GlobalMaxPoolOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::GlobalMaxPoolOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    if (!onnx::rankedType(op.getX()) || !out)
      return rewriter.notifyMatchFailure(op, "operand has no rank");
    rewriter.replaceOp(op,
                       reduceSpatial(rewriter, op.getLoc(), op.getX(), out,
                                     leastOf(rewriter, op.getLoc(), out),
                                     [](const Scalars &s, Value best, Value v) {
                                       return s.max(best, v);
                                     }));
    return success();
  }
};

struct LowerGlobalLpPool : OpRewritePattern<onnx::GlobalLpPoolOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::GlobalLpPoolOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    if (!onnx::rankedType(op.getX()) || !out)
      return rewriter.notifyMatchFailure(op, "operand has no rank");
    int64_t p = op.getP();
    Location loc = op.getLoc();
    RankedTensorType sumType = accumulatorType(out);
    Value zero = constantLike(rewriter, loc, sumType.getElementType(), 0);
    Value sums = reduceSpatial(rewriter, loc, op.getX(), sumType, zero,
                               [&](const Scalars &s, Value sum, Value v) {
                                 return s.add(sum, powerOf(s, v, p));
                               });
    rewriter.replaceOp(op, rootsOf(rewriter, loc, sums, out, p));
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// MaxUnpool
//===----------------------------------------------------------------------===//

/// The indices in a tensor of `sizes` of its flattened element `position`.
static SmallVector<Value> delinearized(const Scalars &s, Value position,
                                       ArrayRef<AffineExpr> sizes) {
  SmallVector<Value> indices(sizes.size());
  for (size_t i = sizes.size(); i-- > 0;) {
    // Sizes of 0 leave no element to delinearize, but must not trap.
    Value size = s.max(s.size(sizes[i]), s.index(1));
    indices[i] = s.remainder(position, size);
    position = s.quotient(position, size);
  }
  return indices;
}

namespace {
/// One loop over all elements of X, in order, so that of equal indices the
/// last one wins on any number of threads.
struct LowerMaxUnpool : OpRewritePattern<onnx::MaxUnpoolOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::MaxUnpoolOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType x = onnx::rankedType(op.getX()), out = rankedResult(op);
    if (!x || !out || !onnx::rankedType(op.getI()))
      return rewriter.notifyMatchFailure(op, "operand has no rank");
    Location loc = op.getLoc();
    onnx::Dims pooled = unpooledSize(op, x), dims = onnx::getDims(out);
    Value zeros = compute(rewriter, loc, out, [&](Body &body) {
      return constantLike(body.b, body.loc, computeType(out.getElementType()),
                          0);
    });
    Value flatX = flattened(rewriter, loc, op.getX());
    Value flatI = flattened(rewriter, loc, op.getI());
    auto result = foreach (
        rewriter, loc, zeros, rewriter.getAffineConstantExpr(1),
        [&](OpBuilder &b, ValueRange, ValueRange handles) {
          Scalars s{b, loc};
          scf::ForOp::create(
              b, loc, s.index(0), extent(b, loc, flatX, 0), s.index(1),
              ValueRange(), [&](OpBuilder &n, Location, Value at, ValueRange) {
                putBack(n, loc, flatX, flatI, at, pooled, dims, handles[0]);
                scf::YieldOp::create(n, loc);
              });
        });
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  /// The size that the indices speak of: what the window alone says.
  static onnx::Dims unpooledSize(onnx::MaxUnpoolOp op, RankedTensorType x) {
    onnx::Dims dims = onnx::getDims(x);
    ArrayRef<int64_t> kernel = op.getKernelShape();
    auto strides = op.getStrides(), pads = op.getPads();
    size_t rank = kernel.size();
    for (size_t i = 0; i < rank; ++i) {
      int64_t stride = strides && !strides->empty() ? (*strides)[i] : 1;
      int64_t pad = pads && !pads->empty() ? (*pads)[i] + (*pads)[rank + i] : 0;
      dims[i + 2] = (dims[i + 2] - 1) * stride + kernel[i] - pad;
    }
    return dims;
  }

  static Value flattened(OpBuilder &b, Location loc, Value tensor) {
    RankedTensorType type = onnx::rankedType(tensor);
    AffineExpr count = onnx::product(onnx::getDims(type), b.getContext());
    return reshape(b, loc, tensor,
                   onnx::tensorOf(count, type.getElementType()));
  }

  /// Stores element `at` of x where its index in a tensor of size `pooled`
  /// says; an index outside of that or of the result is a fault.
  static void putBack(OpBuilder &b, Location loc, Value x, Value indices,
                      Value at, ArrayRef<AffineExpr> pooled,
                      ArrayRef<AffineExpr> dims, Value handle) {
    Scalars s{b, loc};
    Value position = arith::IndexCastOp::create(
        b, loc, b.getIndexType(),
        tensor::ExtractOp::create(b, loc, indices, at));
    Value inside =
        s.isIn(position, s.size(onnx::product(pooled, b.getContext())));
    SmallVector<Value> place =
        delinearized(s, s.select(inside, position, s.index(0)), pooled);
    for (auto [index, size] : llvm::zip(place, dims))
      inside = s.both(inside, s.isIn(index, s.size(size)));
    Value outside = arith::XOrIOp::create(
        b, loc, inside, constantLike(b, loc, b.getI1Type(), 1));
    kernel::FaultOp::create(b, loc, outside, b.getI64IntegerAttr(indexFault));
    scf::IfOp::create(b, loc, inside, [&](OpBuilder &n, Location) {
      Value element = tensor::ExtractOp::create(n, loc, x, at);
      kernel::StoreOp::create(n, loc, element, handle, place);
      scf::YieldOp::create(n, loc);
    });
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Col2Im
//===----------------------------------------------------------------------===//

namespace {
/// Every element of the image gathers from the blocks that cover it. The block
/// shape may be known only at run time: the reduction runs over the flattened
/// block.
struct LowerCol2Im : OpRewritePattern<onnx::Col2ImOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::Col2ImOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType in = onnx::rankedType(op.getInput());
    RankedTensorType out = rankedResult(op);
    if (!in || !out || !onnx::rankedType(op.getBlockShape()))
      return rewriter.notifyMatchFailure(op, "operand has no rank");
    auto channels = onnx::constantValue(onnx::getDims(out)[1]);
    if (!channels || *channels < 1 ||
        !isa<FloatType, IntegerType>(out.getElementType()))
      return rewriter.notifyMatchFailure(op, "unknown number of channels");
    AffineExpr points = onnx::getDims(in)[1].floorDiv(*channels);
    Location loc = op.getLoc();
    RankedTensorType sums = accumulatorType(out);
    Value zero =
        constantLike(rewriter, loc, computeType(sums.getElementType()), 0);
    Value result = reduce(
        rewriter, loc, sums, points, ValueRange(), {}, zero,
        [&](Body &body, Value sum) {
          Scalars s{body.b, body.loc};
          Value inside;
          SmallVector<Value> indices = indicesAt(body, op, out, points, inside);
          Value value = body.load(op.getInput(), indices);
          return s.add(sum,
                       s.select(inside, value, s.constant(value.getType(), 0)));
        });
    rewriter.replaceOp(op, convertElements(rewriter, loc, result, out));
    return success();
  }

private:
  /// Where the input holds what the current block point adds to the current
  /// element of the image; sets `inside` to whether there is such a place.
  static SmallVector<Value> indicesAt(Body &body, onnx::Col2ImOp op,
                                      RankedTensorType out, AffineExpr points,
                                      Value &inside) {
    Scalars s{body.b, body.loc};
    int64_t rank = out.getRank() - 2;
    auto valueOr = [](std::optional<ArrayRef<int64_t>> list, size_t i,
                      int64_t fallback) {
      return list && i < list->size() ? (*list)[i] : fallback;
    };
    onnx::Dims dims = onnx::getDims(out);
    Value zero = s.index(0), one = s.index(1);
    Value point = body.index(out.getRank()), rest = point;
    Value column = zero, columnStride = one;
    inside = constantLike(body.b, body.loc, body.b.getI1Type(), 1);
    for (int64_t i = rank - 1; i >= 0; --i) {
      Value block = s.max(blockSize(body, op, i), one);
      Value k = s.remainder(rest, block);
      rest = s.quotient(rest, block);
      int64_t dilation = valueOr(op.getDilations(), i, 1);
      Value stride = s.index(valueOr(op.getStrides(), i, 1));
      int64_t begin = valueOr(op.getPads(), i, 0);
      int64_t end = valueOr(op.getPads(), rank + i, 0);
      // The window at `position` has its point k at this element.
      Value offset = s.sub(s.add(body.index(2 + i), s.index(begin)),
                           s.mul(k, s.index(dilation)));
      Value start = s.max(offset, zero);
      Value position = s.quotient(start, stride);
      Value span = s.add(s.mul(s.sub(block, one), s.index(dilation)), one);
      Value room =
          s.sub(s.add(s.size(dims[2 + i]), s.index(begin + end)), span);
      Value count = s.add(s.quotient(s.max(room, zero), stride), one);
      inside = s.both(inside, s.lessOrEqual(zero, offset));
      inside = s.both(inside, s.equal(s.mul(position, stride), start));
      inside = s.both(inside, s.less(position, count));
      column = s.add(column, s.mul(position, columnStride));
      columnStride = s.mul(columnStride, count);
    }
    Value columns = extent(body.b, body.loc, op.getInput(), 2);
    Value row = s.add(s.mul(body.index(1), s.size(points)), point);
    inside = s.both(inside, s.less(column, columns));
    return {body.index(0), row, s.clamp(column, zero, s.sub(columns, one))};
  }

  static Value blockSize(Body &body, onnx::Col2ImOp op, int64_t axis) {
    if (auto block = onnx::constantIntegers(op.getBlockShape()))
      return body.constant((*block)[axis]);
    Value size = body.load(op.getBlockShape(), body.constant(axis));
    return arith::IndexCastOp::create(body.b, body.loc, body.b.getIndexType(),
                                      size);
  }
};
} // namespace

void ingot::populateWindowPatterns(RewritePatternSet &patterns) {
  populateConvolutionPatterns(patterns);
  patterns.add<LowerAveragePool, LowerCol2Im, LowerGlobalAveragePool,
               LowerGlobalLpPool, LowerGlobalMaxPool, LowerLpPool, LowerMaxPool,
               LowerMaxUnpool>(patterns.getContext());
}
