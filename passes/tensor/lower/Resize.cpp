//===- Resize.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Resize samples every axis on its own: a table per axis says for each result
// index which elements it reads and how it weighs them. Tables are made at
// compile time where sizes and scales are known. `nearest` reads through all
// tables at once; the others resize one axis after another.
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/lower/Resize.h"
#include "dialects/onnx/ResizeShape.h"
#include "dialects/onnx/Sample.h"
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/TypeChecks.h"
#include "passes/tensor/lower/Products.h"
#include "passes/tensor/lower/ResizeFormula.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace ingot;

/// Tables above this size are made at run time.
static constexpr int64_t largestTable = 1 << 20;

namespace {
/// The taps of one axis: for each tap (a row) and result index, the index it
/// reads (-1 at the first tap: extrapolated) and its weight (null for nearest).
struct AxisTable {
  int64_t axis, taps;
  Value indices, weights;
};

/// One axis to resize.
struct ResizeAxis {
  int64_t axis;
  onnx::ResizedDim dim;
};

/// Lowers one op.
class ResizeLowering {
public:
  ResizeLowering(onnx::ResizeOp op, PatternRewriter &rewriter)
      : op(op), b(rewriter), loc(op.getLoc()), rule(ruleOf(op)) {}

  LogicalResult run();

private:
  static ResizeRule ruleOf(onnx::ResizeOp op);
  /// True if the axis keeps every element where it is.
  bool isIdentity(const onnx::ResizedDim &dim);
  /// Number of taps and the first one's distance, for the least scale that the
  /// axis may have.
  FailureOr<std::pair<int64_t, double>> tapsOf(const ResizeAxis &axis) const;
  FailureOr<AxisTable> makeTable(const ResizeAxis &axis, Type weightType);
  std::optional<AxisTable> constantTable(const ResizeAxis &axis, int64_t taps,
                                         double firstTap, Type weightType);
  AxisTable emittedTable(const ResizeAxis &axis, int64_t taps, double firstTap,
                         Type weightType);
  /// The formula with sizes as f64 values of a body.
  ResizeFormula<EmittedArithmetic> formulaAt(Body &body, const ResizeAxis &axis,
                                             double firstTap);
  Value scaleAt(Body &body, const ResizeAxis &axis);
  std::optional<AffineExpr> nearestMap(const ResizeAxis &axis) const;
  LogicalResult lowerNearest(ArrayRef<ResizeAxis> axes);
  LogicalResult lowerWeighted(SmallVector<ResizeAxis> axes);
  Value resizeAxis(Value current, const AxisTable &table, RankedTensorType out,
                   bool isUnsigned, Type work);

  bool crops() const { return rule.coordinates == ResizeRule::CropAndResize; }

  onnx::ResizeOp op;
  PatternRewriter &b;
  Location loc;
  ResizeRule rule;
  SmallVector<onnx::ResizedDim> dims;
};
} // namespace

ResizeRule ResizeLowering::ruleOf(onnx::ResizeOp op) {
  ResizeRule rule;
  rule.mode = llvm::StringSwitch<ResizeRule::Mode>(op.getMode())
                  .Case("linear", ResizeRule::Linear)
                  .Case("cubic", ResizeRule::Cubic)
                  .Default(ResizeRule::Nearest);
  rule.coordinates =
      llvm::StringSwitch<ResizeRule::Coordinates>(
          op.getCoordinateTransformationMode())
          .Case("half_pixel_symmetric", ResizeRule::HalfPixelSymmetric)
          .Case("pytorch_half_pixel", ResizeRule::PytorchHalfPixel)
          .Case("align_corners", ResizeRule::AlignCorners)
          .Case("asymmetric", ResizeRule::Asymmetric)
          .Case("tf_crop_and_resize", ResizeRule::CropAndResize)
          .Default(ResizeRule::HalfPixel);
  rule.rounding = llvm::StringSwitch<ResizeRule::Rounding>(op.getNearestMode())
                      .Case("round_prefer_ceil", ResizeRule::PreferCeil)
                      .Case("floor", ResizeRule::Floor)
                      .Case("ceil", ResizeRule::Ceil)
                      .Default(ResizeRule::PreferFloor);
  rule.antialias = op.getAntialias() != 0 && rule.mode != ResizeRule::Nearest;
  rule.excludeOutside =
      op.getExcludeOutside() != 0 && rule.mode != ResizeRule::Nearest;
  rule.cubicA = op.getCubicCoeffA().convertToDouble();
  return rule;
}

bool ResizeLowering::isIdentity(const onnx::ResizedDim &dim) {
  if (!dim.position)
    return true;
  if (crops() || dim.size != dim.resultSize)
    return false;
  // Equal sizes are scale 1, unless the scale itself is an operand.
  return dim.scale ? dim.scale == 1.0
                   : !onnx::isGiven(op.getScales()) &&
                         op.getKeepAspectRatioPolicy() == "stretch";
}

LogicalResult ResizeLowering::run() {
  RankedTensorType x = onnx::rankedType(op.getX()), out = rankedResult(op);
  if (!x || !out)
    return b.notifyMatchFailure(op, "tensor has no rank");
  auto resolved = onnx::resolveResize(op);
  if (failed(resolved))
    return failure();
  dims = *resolved;
  SmallVector<ResizeAxis> axes;
  for (auto [axis, dim] : llvm::enumerate(dims))
    if (!isIdentity(dim))
      axes.push_back({int64_t(axis), dim});
  if (rule.mode == ResizeRule::Nearest || axes.empty())
    return lowerNearest(axes);
  return lowerWeighted(axes);
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

FailureOr<std::pair<int64_t, double>>
ResizeLowering::tapsOf(const ResizeAxis &axis) const {
  if (rule.mode == ResizeRule::Nearest)
    return std::make_pair(int64_t(1), 0.0);
  double reach = rule.mode == ResizeRule::Linear ? 1 : 2;
  if (!rule.antialias)
    return std::make_pair(int64_t(2 * reach), 1 - reach);
  std::optional<double> scale = axis.dim.scale;
  auto size = onnx::constantValue(axis.dim.size);
  auto resultSize = onnx::constantValue(axis.dim.resultSize);
  // An unknown scale is at least the quotient of the sizes.
  if (!scale && size && resultSize && *size > 0)
    scale = double(*resultSize) / double(*size);
  if (!scale || *scale <= 0)
    return failure();
  double first = std::floor(-reach / std::min(*scale, 1.0)) + 1;
  if (first < -double(largestTable))
    return failure();
  return std::make_pair(int64_t(2 - 2 * first), first);
}

/// A constant tensor.
static Value constantTensor(OpBuilder &b, Location loc, ShapedType type,
                            ArrayRef<Attribute> elements) {
  auto dense = DenseElementsAttr::get(type, elements);
  return onnx::ConstantOp::create(b, loc, type, dense);
}

std::optional<AxisTable> ResizeLowering::constantTable(const ResizeAxis &axis,
                                                       int64_t taps,
                                                       double firstTap,
                                                       Type weightType) {
  auto size = onnx::constantValue(axis.dim.size);
  auto count = onnx::constantValue(axis.dim.resultSize);
  if (!size || !count || !axis.dim.scale || *count * taps > largestTable)
    return std::nullopt;
  double start = 0, end = 1;
  if (crops()) {
    auto roi = onnx::constantFloats(op.getRoi());
    if (!roi)
      return std::nullopt;
    start = (*roi)[*axis.dim.position];
    end = (*roi)[roi->size() / 2 + *axis.dim.position];
  }
  bool bySize = !onnx::isGiven(op.getScales()) &&
                op.getKeepAspectRatioPolicy() == "stretch";
  double width = bySize ? double(*count) : double(*size) * *axis.dim.scale;
  ResizeFormula<HostArithmetic> formula{rule,           {},    double(*size),
                                        double(*count), width, *axis.dim.scale,
                                        start,          end,   firstTap};
  bool isNearest = rule.mode == ResizeRule::Nearest;
  SmallVector<Attribute> indices(taps * *count);
  SmallVector<Attribute> weights(isNearest ? 0 : taps * *count);
  for (int64_t x = 0; x < *count; ++x) {
    double place = formula.place(double(x));
    bool isExtrapolated = crops() && formula.isOutside(place);
    SmallVector<double> row;
    double sum = 0;
    for (int64_t k = 0; k < taps; ++k) {
      double tap = formula.tap(place, double(k));
      double index = std::min(std::max(tap, 0.0), double(*size - 1));
      if (isExtrapolated)
        index = -1;
      indices[k * *count + x] = b.getI32IntegerAttr(int32_t(index));
      if (isNearest)
        continue;
      row.push_back(formula.weight(place, tap));
      sum += row.back();
    }
    if (!rule.isNormalized() || sum == 0)
      sum = 1;
    for (auto [k, weight] : llvm::enumerate(row))
      weights[k * *count + x] = b.getFloatAttr(weightType, weight / sum);
  }
  AxisTable table{axis.axis, taps, Value(), Value()};
  table.indices = constantTensor(
      b, loc, RankedTensorType::get({taps, *count}, b.getI32Type()), indices);
  if (!isNearest)
    table.weights = constantTensor(
        b, loc, RankedTensorType::get({taps, *count}, weightType), weights);
  return table;
}

Value ResizeLowering::scaleAt(Body &body, const ResizeAxis &axis) {
  EmittedArithmetic a(Scalars{body.b, body.loc});
  Type wide = body.b.getF64Type();
  if (axis.dim.scale)
    return a.constant(*axis.dim.scale);
  if (onnx::isGiven(op.getScales()))
    return a.convertFloat(
        body.load(op.getScales(), body.constant(*axis.dim.position)), wide);
  StringRef policy = op.getKeepAspectRatioPolicy();
  if (policy == "stretch")
    return a.div(a.toFloat(a.Scalars::size(axis.dim.resultSize), wide),
                 a.toFloat(a.Scalars::size(axis.dim.size), wide));
  Value common;
  for (const onnx::ResizedDim &dim : dims) {
    if (!dim.position)
      continue;
    Value size = body.load(op.getSizes(), body.constant(*dim.position));
    Value scale = a.div(arith::SIToFPOp::create(body.b, body.loc, wide, size),
                        a.toFloat(a.Scalars::size(dim.size), wide));
    common = !common                  ? scale
             : policy == "not_larger" ? a.min(common, scale)
                                      : a.max(common, scale);
  }
  return common;
}

ResizeFormula<EmittedArithmetic>
ResizeLowering::formulaAt(Body &body, const ResizeAxis &axis, double firstTap) {
  EmittedArithmetic a(Scalars{body.b, body.loc});
  Type wide = body.b.getF64Type();
  Value size = a.toFloat(a.Scalars::size(axis.dim.size), wide);
  Value resultSize = a.toFloat(a.Scalars::size(axis.dim.resultSize), wide);
  Value scale = scaleAt(body, axis);
  bool bySize = !onnx::isGiven(op.getScales()) &&
                op.getKeepAspectRatioPolicy() == "stretch";
  Value width = bySize ? resultSize : a.mul(size, scale);
  Value start = a.constant(0), end = a.constant(1);
  if (crops()) {
    int64_t count = llvm::count_if(
        dims, [](const onnx::ResizedDim &dim) { return bool(dim.position); });
    auto load = [&](int64_t i) {
      return a.convertFloat(body.load(op.getRoi(), body.constant(i)), wide);
    };
    start = load(*axis.dim.position);
    end = load(count + *axis.dim.position);
  }
  return {rule, a, size, resultSize, width, scale, start, end, firstTap};
}

AxisTable ResizeLowering::emittedTable(const ResizeAxis &axis, int64_t taps,
                                       double firstTap, Type weightType) {
  Type wide = b.getF64Type();
  onnx::Dims shape = {b.getAffineConstantExpr(taps), axis.dim.resultSize};
  auto places = [&](Body &body, auto use) {
    auto formula = formulaAt(body, axis, firstTap);
    Value place = formula.place(formula.a.toFloat(body.index(1), wide));
    Value tap = formula.tap(place, formula.a.toFloat(body.index(0), wide));
    return use(formula, place, tap);
  };
  AxisTable table{axis.axis, taps, Value(), Value()};
  table.indices =
      compute(b, loc, onnx::tensorOf(shape, b.getI32Type()), [&](Body &body) {
        return places(body, [&](auto &formula, Value place, Value tap) {
          const EmittedArithmetic &a = formula.a;
          Value index =
              a.clamp(tap, a.constant(0), a.sub(formula.size, a.constant(1)));
          if (crops())
            index = a.select(formula.isOutside(place), a.constant(-1), index);
          return arith::FPToSIOp::create(body.b, body.loc, b.getI32Type(),
                                         index)
              .getResult();
        });
      });
  if (rule.mode == ResizeRule::Nearest)
    return table;
  auto weightAt = [&](Body &body) {
    return places(body, [](auto &formula, Value place, Value tap) {
      return formula.weight(place, tap);
    });
  };
  if (!rule.isNormalized()) {
    table.weights =
        compute(b, loc, onnx::tensorOf(shape, weightType), [&](Body &body) {
          return Scalars{body.b, body.loc}.convertFloat(weightAt(body),
                                                        weightType);
        });
    return table;
  }
  Value weights = compute(b, loc, onnx::tensorOf(shape, wide), weightAt);
  AffineMap whole = b.getMultiDimIdentityMap(2);
  // Loops of the sum: the result index, then the tap.
  AffineExpr first = b.getAffineDimExpr(0), second = b.getAffineDimExpr(1);
  AffineMap column = AffineMap::get(2, 0, {second, first}, b.getContext());
  AffineMap perResult = AffineMap::get(2, 0, second, b.getContext());
  Value sums =
      reduce(b, loc, onnx::tensorOf(shape[1], wide), shape[0], weights, column,
             constantLike(b, loc, wide, 0), [](Body &body, Value sum) {
               return Scalars{body.b, body.loc}.add(sum, body.args[0]);
             });
  table.weights =
      compute(b, loc, onnx::tensorOf(shape, weightType),
              ValueRange{weights, sums}, {whole, perResult}, [&](Body &body) {
                Scalars s{body.b, body.loc};
                Value isEmpty = s.equal(body.args[1], s.constant(wide, 0));
                Value sum =
                    s.select(isEmpty, s.constant(wide, 1), body.args[1]);
                return s.convertFloat(s.div(body.args[0], sum), weightType);
              });
  return table;
}

FailureOr<AxisTable> ResizeLowering::makeTable(const ResizeAxis &axis,
                                               Type weightType) {
  auto taps = tapsOf(axis);
  if (failed(taps))
    return b.notifyMatchFailure(op, "antialias with a scale that is unknown");
  if (auto table = constantTable(axis, taps->first, taps->second, weightType))
    return *table;
  return emittedTable(axis, taps->first, taps->second, weightType);
}

/// The map that reads row `tap` of an axis's table.
static AffineMap rowMap(int64_t rank, int64_t axis, AffineExpr tap) {
  MLIRContext *context = tap.getContext();
  return AffineMap::get(rank, 0, {tap, getAffineDimExpr(axis, context)},
                        context);
}

//===----------------------------------------------------------------------===//
// Nearest
//===----------------------------------------------------------------------===//

/// What an axis reads as an affine expression of its own index, for the common
/// whole factors: each element repeated, or every n-th taken.
std::optional<AffineExpr>
ResizeLowering::nearestMap(const ResizeAxis &axis) const {
  const onnx::ResizedDim &dim = axis.dim;
  AffineExpr index = getAffineDimExpr(axis.axis, b.getContext());
  if (!dim.scale || crops())
    return std::nullopt;
  double scale = *dim.scale;
  if (scale >= 1 && scale == std::floor(scale) &&
      dim.resultSize == dim.size * int64_t(scale)) {
    bool isFloor = rule.coordinates == ResizeRule::Asymmetric &&
                   rule.rounding == ResizeRule::Floor;
    // Half-pixel places of repeated elements are never halfway between two.
    bool isCentered = (rule.coordinates == ResizeRule::HalfPixel ||
                       rule.coordinates == ResizeRule::HalfPixelSymmetric) &&
                      (rule.rounding == ResizeRule::PreferFloor ||
                       rule.rounding == ResizeRule::PreferCeil);
    if (isFloor || isCentered)
      return index.floorDiv(int64_t(scale));
  }
  // Dividing by a power of two is exact.
  double step = 1 / scale;
  int exponent;
  if (rule.coordinates == ResizeRule::Asymmetric && step > 1 && step < 1e6 &&
      std::frexp(step, &exponent) == 0.5)
    return index * int64_t(step);
  return std::nullopt;
}

LogicalResult ResizeLowering::lowerNearest(ArrayRef<ResizeAxis> axes) {
  RankedTensorType out = rankedResult(op);
  int64_t rank = out.getRank();
  SmallVector<AffineExpr> place;
  for (int64_t i = 0; i < rank; ++i)
    place.push_back(b.getAffineDimExpr(i));
  bool isAffine = true;
  for (const ResizeAxis &axis : axes) {
    std::optional<AffineExpr> expr = nearestMap(axis);
    isAffine &= expr.has_value();
    if (expr)
      place[axis.axis] = *expr;
  }
  if (isAffine) {
    AffineMap map = AffineMap::get(rank, 0, place, b.getContext());
    b.replaceOp(op, compute(b, loc, out, op.getX(), map,
                            [](Body &body) { return body.args[0]; }));
    return success();
  }
  SmallVector<Value> ins;
  SmallVector<AffineMap> maps;
  for (const ResizeAxis &axis : axes) {
    FailureOr<AxisTable> table = makeTable(axis, Type());
    if (failed(table))
      return failure();
    ins.push_back(table->indices);
    maps.push_back(rowMap(rank, axis.axis, b.getAffineConstantExpr(0)));
  }
  double extrapolation = op.getExtrapolationValue().convertToDouble();
  b.replaceOp(op, compute(b, loc, out, ins, maps, [&](Body &body) {
                Scalars s{body.b, body.loc};
                SmallVector<Value> indices;
                for (int64_t i = 0; i < rank; ++i)
                  indices.push_back(body.index(i));
                Value isOutside;
                for (auto [axis, read] : llvm::zip(axes, body.args)) {
                  Value index = arith::IndexCastOp::create(
                      body.b, body.loc, b.getIndexType(), read);
                  Value zero = s.index(0);
                  if (crops()) {
                    Value less = s.less(index, zero);
                    isOutside = isOutside ? s.either(isOutside, less) : less;
                    index = s.max(index, zero);
                  }
                  indices[axis.axis] = index;
                }
                Value v = body.load(op.getX(), indices);
                if (!isOutside)
                  return v;
                Value fill =
                    constantLike(body.b, body.loc, v.getType(), extrapolation);
                return s.select(isOutside, fill, v);
              }));
  return success();
}

//===----------------------------------------------------------------------===//
// Linear and cubic
//===----------------------------------------------------------------------===//

Value ResizeLowering::resizeAxis(Value current, const AxisTable &table,
                                 RankedTensorType out, bool isUnsigned,
                                 Type work) {
  int64_t rank = out.getRank();
  auto read = [&](Body &body, Value entry) {
    Scalars s{body.b, body.loc};
    Value index =
        arith::IndexCastOp::create(body.b, body.loc, b.getIndexType(), entry);
    SmallVector<Value> indices;
    for (int64_t i = 0; i < rank; ++i)
      indices.push_back(body.index(i));
    indices[table.axis] = crops() ? s.max(index, s.index(0)) : index;
    return toInterpolated(s, body.load(current, indices), isUnsigned, work);
  };
  double extrapolation = op.getExtrapolationValue().convertToDouble();
  auto finish = [&](Body &body, Value sum, Value firstEntry) {
    Scalars s{body.b, body.loc};
    if (crops()) {
      Value zero = s.constant(firstEntry.getType(), 0);
      sum = s.select(s.less(firstEntry, zero), s.constant(work, extrapolation),
                     sum);
    }
    return fromInterpolated(s, sum, out.getElementType());
  };
  if (table.taps <= 4) {
    SmallVector<Value> ins;
    SmallVector<AffineMap> maps;
    for (int64_t k = 0; k < table.taps; ++k) {
      ins.append({table.indices, table.weights});
      maps.append(2, rowMap(rank, table.axis, b.getAffineConstantExpr(k)));
    }
    return compute(b, loc, out, ins, maps, [&](Body &body) {
      Scalars s{body.b, body.loc};
      Value sum;
      for (int64_t k = 0; k < table.taps; ++k) {
        Value term = s.mul(read(body, body.args[2 * k]), body.args[2 * k + 1]);
        sum = sum ? s.add(sum, term) : term;
      }
      return finish(body, sum, body.args[0]);
    });
  }
  AffineMap row = rowMap(rank + 1, table.axis, b.getAffineDimExpr(rank));
  Value sums =
      reduce(b, loc, onnx::tensorOf(onnx::getDims(out), work),
             b.getAffineConstantExpr(table.taps),
             ValueRange{table.indices, table.weights}, {row, row},
             constantLike(b, loc, work, 0), [&](Body &body, Value sum) {
               Scalars s{body.b, body.loc};
               return s.add(sum, s.mul(read(body, body.args[0]), body.args[1]));
             });
  return compute(
      b, loc, out, ValueRange{sums, table.indices},
      {b.getMultiDimIdentityMap(rank),
       rowMap(rank, table.axis, b.getAffineConstantExpr(0))},
      [&](Body &body) { return finish(body, body.args[0], body.args[1]); });
}

LogicalResult ResizeLowering::lowerWeighted(SmallVector<ResizeAxis> axes) {
  RankedTensorType x = onnx::rankedType(op.getX()), out = rankedResult(op);
  Type work = interpolationType(x.getElementType());
  if (!work)
    return b.notifyMatchFailure(op, "element type cannot be interpolated");
  SmallVector<AxisTable> tables;
  // Shrink first, outer axes before inner ones, whose elements lie scattered;
  // then grow, inner axes first, while the tensor is still small.
  auto shrinks = [](const ResizeAxis &axis) {
    auto from = onnx::constantValue(axis.dim.size);
    auto to = onnx::constantValue(axis.dim.resultSize);
    return from && to && *to < *from;
  };
  std::sort(axes.begin(), axes.end(),
            [&](const ResizeAxis &p, const ResizeAxis &q) {
              if (shrinks(p) != shrinks(q))
                return shrinks(p);
              return shrinks(p) ? p.axis < q.axis : p.axis > q.axis;
            });
  for (const ResizeAxis &axis : axes) {
    FailureOr<AxisTable> table = makeTable(axis, work);
    if (failed(table))
      return failure();
    tables.push_back(*table);
  }
  Value current = op.getX();
  bool isUnsigned = onnx::isUnsigned(x);
  onnx::Dims sizes = onnx::getDims(x);
  for (auto [i, table] : llvm::enumerate(tables)) {
    sizes[table.axis] = axes[i].dim.resultSize;
    RankedTensorType next =
        i + 1 == tables.size() ? out : onnx::tensorOf(sizes, work);
    current = resizeAxis(current, table, next, isUnsigned, work);
  }
  b.replaceOp(op, current);
  return success();
}

namespace {
struct LowerResize : OpRewritePattern<onnx::ResizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::ResizeOp op,
                                PatternRewriter &rewriter) const override {
    return ResizeLowering(op, rewriter).run();
  }
};
} // namespace

void ingot::populateResizePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerResize>(patterns.getContext());
}
