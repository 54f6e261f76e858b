//===- Mean.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Means of integers: the sum is exact, and the division is part of the change
// of scale.
//
//===----------------------------------------------------------------------===//
#include "dialects/ingot/Ingot.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Quant.h"
#include "dialects/onnx/Reduce.h"
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/Window.h"
#include "dialects/onnx/WindowShape.h"
#include "passes/graph/SelectHeavy.h"
#include "passes/graph/quant/SelectQuantized.h"
#include "passes/tensor/lower/Scalars.h"

#include <numeric>

using namespace mlir;
using namespace ingot;
using namespace ingot::quant;

namespace {
/// What sums of `count` elements, whose zero points count in full, are means
/// of.
struct Counts {
  int64_t count;
  /// Where fewer count at a border: by spatial axis the numbers that count of a
  /// window at each index, and a multiple of all of them; empty for those of
  /// `count`.
  struct Axis {
    SmallVector<int32_t> counts;
    int64_t multiple = 1;
  };
  SmallVector<Axis> axes;

  /// What sums are divided by once they are multiplied with what their own
  /// count is of it.
  int64_t divisor() const {
    int64_t product = 1;
    for (const Axis &axis : axes)
      product *= axis.multiple;
    return axes.empty() ? count : product;
  }
};
} // namespace

/// The sums as the result of a mean; spatial axes follow the first one.
static Value meanOf(OpBuilder &b, Location loc, Value sums, const Quantized &x,
                    const Counts &counts, const QuantizedResult &to,
                    RankedTensorType type) {
  Requantization how;
  double divisor = double(counts.divisor());
  how.ratio = {x.step.scale / (to.scale * divisor)};
  how.bound = {std::min(x.bound() * divisor, 0x1p31)};
  how.range = to.range;
  int64_t zeros = x.step.zeroPoint * counts.count, rank = type.getRank();
  SmallVector<Value> ins{sums};
  SmallVector<AffineMap> maps{b.getMultiDimIdentityMap(rank)};
  for (auto [i, axis] : llvm::enumerate(counts.axes)) {
    SmallVector<int32_t> factors;
    for (int32_t count : axis.counts)
      factors.push_back(int32_t(axis.multiple / count));
    auto list = RankedTensorType::get(int64_t(factors.size()), b.getI32Type());
    ins.push_back(onnx::ConstantOp::create(
        b, loc, list, DenseElementsAttr::get(list, ArrayRef(factors))));
    maps.push_back(
        AffineMap::get(rank, 0, b.getAffineDimExpr(1 + i), b.getContext()));
  }
  return requantize(b, loc, type, ins, maps, -1, how, [&](Body &body) {
    Scalars s{body.b, body.loc};
    Value sum = s.sub(body.args[0],
                      integerConstant(s.b, s.loc, s.b.getI32Type(), zeros));
    for (Value factor : ArrayRef(body.args).slice(1, counts.axes.size()))
      sum = s.mul(sum, factor);
    return sum;
  });
}

/// Elements of x summed along axes that stay with size 1.
static Value sumAlong(OpBuilder &b, Location loc, const Quantized &x,
                      ArrayRef<int64_t> axes) {
  RankedTensorType type = x.type();
  onnx::Dims dims = onnx::getDims(type), kept, reduced;
  int64_t rank = type.getRank();
  SmallVector<AffineExpr> read(rank);
  for (int64_t d = 0; d < rank; ++d) {
    if (llvm::is_contained(axes, d))
      continue;
    read[d] = getAffineDimExpr(kept.size(), b.getContext());
    kept.push_back(dims[d]);
  }
  for (int64_t axis : axes) {
    read[axis] = getAffineDimExpr(kept.size() + reduced.size(), b.getContext());
    reduced.push_back(dims[axis]);
    dims[axis] = onnx::constantDim(1, b.getContext());
  }
  Type i32 = b.getI32Type();
  Value sums =
      reduce(b, loc, onnx::tensorOf(kept, i32), reduced, x.value,
             AffineMap::get(rank, 0, read, b.getContext()),
             integerConstant(b, loc, i32, 0), [&](Body &body, Value sum) {
               Scalars s{body.b, body.loc};
               return s.add(sum, s.widen(body.args[0], x.isUnsigned(), i32));
             });
  return reshape(b, loc, sums, onnx::tensorOf(dims, i32));
}

/// The product of the sizes along axes, if they are static and sums fit.
static std::optional<int64_t> countAlong(const Quantized &x,
                                         ArrayRef<int64_t> axes) {
  int64_t count = 1;
  for (int64_t axis : axes) {
    int64_t size = x.type().getDimSize(axis);
    if (ShapedType::isDynamic(size) || size == 0 || size > (1 << 15))
      return std::nullopt;
    count *= size;
    if (double(count) * 65535 >= 0x1p31)
      return std::nullopt;
  }
  return count;
}

/// The axes that a mean is taken along.
static std::optional<SmallVector<int64_t>> meanAxes(Operation *op) {
  if (auto pool = dyn_cast<onnx::GlobalAveragePoolOp>(op)) {
    auto type = cast<RankedTensorType>(pool.getX().getType());
    return llvm::to_vector(llvm::seq<int64_t>(2, type.getRank()));
  }
  auto mean = cast<onnx::ReduceMeanOp>(op);
  auto type = cast<RankedTensorType>(mean.getData().getType());
  auto axes = onnx::reducedAxes(std::nullopt, type.getRank(), mean.getAxes(),
                                mean.getNoopWithEmptyAxes() != 0);
  if (failed(axes) || !*axes)
    return std::nullopt;
  return **axes;
}

namespace {
/// Means along whole axes.
struct MeanAlongAxes : OpRewritePattern<onnx::QuantizeLinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::QuantizeLinearOp op,
                                PatternRewriter &rewriter) const override {
    Operation *def = op.getX().getDefiningOp();
    if (!isa_and_nonnull<onnx::GlobalAveragePoolOp, onnx::ReduceMeanOp>(def))
      return failure();
    std::optional<Step> step = quantizedStep(op);
    std::optional<Quantized> x = dequantized(def->getOperand(0));
    if (!step || !x)
      return failure();
    auto axes = meanAxes(def);
    std::optional<int64_t> count = axes ? countAlong(*x, *axes) : std::nullopt;
    if (!count || axes->empty())
      return failure();
    QuantizedResult to = quantizedResult(op, *step);
    Location loc = to.loc(def->getLoc());
    Value sums = sumAlong(rewriter, loc, *x, *axes);
    onnx::Dims dims = onnx::getDims(cast<RankedTensorType>(sums.getType()));
    Value mean = meanOf(rewriter, loc, sums, *x, Counts{*count, {}}, to,
                        onnx::tensorOf(dims, to.type.getElementType()));
    replaceChain(rewriter, to, reshape(rewriter, loc, mean, to.type));
    return success();
  }
};

/// Means of windows: a convolution of each channel with ones. Elements outside
/// of the image are zero points, which add nothing.
struct MeanOfWindows : OpRewritePattern<onnx::QuantizeLinearOp> {
  MeanOfWindows(MLIRContext *context, Signs signs)
      : OpRewritePattern(context), signs(signs) {}

  LogicalResult matchAndRewrite(onnx::QuantizeLinearOp op,
                                PatternRewriter &rewriter) const override {
    auto pool = op.getX().getDefiningOp<onnx::AveragePoolOp>();
    std::optional<Step> step = quantizedStep(op);
    if (!pool || !step)
      return failure();
    std::optional<Quantized> x = dequantized(pool.getX());
    FailureOr<onnx::WindowParams> window = onnx::resolveWindow(pool);
    if (!x || !isByte(x->type().getElementType()) || failed(window) ||
        window->rank() > 3)
      return failure();
    auto pads = window->constantPadsBegin();
    int64_t channels = x->type().getDimSize(1);
    // With count_include_pad the border counts, but only up to the pads.
    bool even = !window->isPadded() ||
                (pool.getCountIncludePad() && !pool.getCeilMode());
    if (!pads || ShapedType::isDynamic(channels) ||
        (!even && pool.getCountIncludePad()) ||
        llvm::any_of(*pads, [](int64_t pad) { return pad < 0; }))
      return failure();
    Counts counts{1, {}};
    for (int64_t size : window->kernel)
      counts.count *= size;
    if (counts.count > (1 << 20))
      return failure();
    if (!even && failed(countInside(*x, *window, *pads, counts)))
      return rewriter.notifyMatchFailure(
          op, "sums of windows at the border, of which fewer elements count, "
              "may exceed 32 bits");
    QuantizedResult to = quantizedResult(op, *step);
    Location loc = to.loc(pool.getLoc());
    int64_t rank = window->rank();
    if (signs.mustFlip(x->isUnsigned()))
      x = flipSign(rewriter, loc, *x);
    onnx::Dims out{onnx::getDims(x->type())[0]};
    out.append(window->output.begin(), window->output.end());
    out.push_back(onnx::constantDim(channels, rewriter.getContext()));
    SmallVector<int64_t> shape{channels, 1};
    shape.append(window->kernel.begin(), window->kernel.end());
    auto ones = DenseElementsAttr::get(
        RankedTensorType::get(shape, rewriter.getI8Type()),
        rewriter.getI8IntegerAttr(1));
    Value sums = heavy::ConvOp::create(
        rewriter, loc, onnx::tensorOf(out, rewriter.getI32Type()),
        transposed(rewriter, loc, x->value, channelsLast(rank)),
        onnx::ConstantOp::create(rewriter, loc, ones),
        ArrayRef<int64_t>(window->kernel), ArrayRef<int64_t>(window->strides),
        ArrayRef<int64_t>(*pads), ArrayRef<int64_t>(window->dilations),
        channels, channels, /*input_channels_first=*/false, IntegerAttr(),
        x->step.zeroPoint);
    Value mean = meanOf(rewriter, loc, sums, *x, counts, to,
                        onnx::tensorOf(out, to.type.getElementType()));
    replaceChain(rewriter, to,
                 transposed(rewriter, loc, mean, channelsFirst(rank)));
    return success();
  }

private:
  /// Counts the elements of each window that lie inside of the image.
  static LogicalResult countInside(const Quantized &x,
                                   const onnx::WindowParams &window,
                                   ArrayRef<int64_t> pads, Counts &counts) {
    for (int64_t i = 0; i < window.rank(); ++i) {
      std::optional<int64_t> results = onnx::constantValue(window.output[i]);
      int64_t size = x.type().getDimSize(2 + i);
      if (!results || ShapedType::isDynamic(size))
        return failure();
      Counts::Axis &axis = counts.axes.emplace_back();
      for (int64_t o = 0; o < *results; ++o) {
        int64_t first = o * window.strides[i] - pads[i], count = 0;
        for (int64_t k = 0; k < window.kernel[i]; ++k) {
          int64_t at = first + k * window.dilations[i];
          count += at >= 0 && at < size;
        }
        if (count == 0)
          return failure();
        axis.counts.push_back(int32_t(count));
        axis.multiple = std::lcm(axis.multiple, count);
        if (axis.multiple > (1 << 20))
          return failure();
      }
    }
    return success(x.bound() * double(counts.divisor()) < 0x1p31);
  }

  Signs signs;
};
} // namespace

void quant::populateQuantizedMean(RewritePatternSet &patterns,
                                  const Signs &signs) {
  patterns.add<MeanAlongAxes>(patterns.getContext());
  patterns.add<MeanOfWindows>(patterns.getContext(), signs);
}
