//===- Generator.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Generator.h"
#include "dialects/onnx/Infer.h"
#include "passes/tensor/lower/IndexMath.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace ingot;

/// The only element of an operand, in its compute type.
static Value loadScalar(Body &body, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  return body.load(tensor,
                   SmallVector<Value>(type.getRank(), body.constant(0)));
}

/// An index as a value of a compute type.
static Value indexAs(Body &body, Value index, Type type) {
  if (!isa<FloatType>(type))
    return arith::IndexCastOp::create(body.b, body.loc, type, index);
  Value integer =
      arith::IndexCastOp::create(body.b, body.loc, body.b.getI64Type(), index);
  return arith::SIToFPOp::create(body.b, body.loc, type, integer);
}

namespace {
struct LowerConstantOfShape : OpRewritePattern<onnx::ConstantOfShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::ConstantOfShapeOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    if (!out || !out.getElementType().isIntOrFloat())
      return rewriter.notifyMatchFailure(op, "result has no rank");
    Type type = movedType(out.getElementType());
    TypedAttr fill = rewriter.getZeroAttr(type);
    if (std::optional<ElementsAttr> value = op.getValue()) {
      fill = elementOf(*value, type);
      if (!fill)
        return rewriter.notifyMatchFailure(op, "value is not readable");
    }
    Value result = moveElements(
        rewriter, op.getLoc(), out, {}, {}, [&](Body &body) -> Value {
          return arith::ConstantOp::create(body.b, body.loc, fill);
        });
    rewriter.replaceOp(op, result);
    return success();
  }

  /// The one element as an attribute of its moved type; null if unreadable.
  static TypedAttr elementOf(ElementsAttr value, Type type) {
    if (auto floats = dyn_cast<DenseFPElementsAttr>(value))
      return FloatAttr::get(type, *floats.getValues<APFloat>().begin());
    if (auto integers = dyn_cast<DenseIntElementsAttr>(value))
      return IntegerAttr::get(type, *integers.getValues<APInt>().begin());
    auto resource = dyn_cast<DenseResourceElementsAttr>(value);
    AsmResourceBlob *blob =
        resource ? resource.getRawHandle().getBlob() : nullptr;
    unsigned width = type.getIntOrFloatBitWidth();
    size_t bytes = llvm::divideCeil(width, 8);
    if (!blob || blob->getData().size() != bytes)
      return {};
    uint64_t bits = 0;
    memcpy(&bits, blob->getData().data(), bytes);
    APInt number(width, bits, /*isSigned=*/false, /*implicitTrunc=*/true);
    if (auto floatType = dyn_cast<FloatType>(type))
      return FloatAttr::get(type,
                            APFloat(floatType.getFloatSemantics(), number));
    return IntegerAttr::get(type, number);
  }
};

struct LowerRange : OpRewritePattern<onnx::RangeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::RangeOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    if (!out || out.getRank() != 1)
      return rewriter.notifyMatchFailure(op, "result is no list");
    for (Value operand : op->getOperands())
      if (!onnx::rankedType(operand))
        return rewriter.notifyMatchFailure(op, "an operand has no rank");
    // Inference has counted constants.
    bool checked = llvm::all_of(op->getOperands(), [](Value operand) {
      return matchPattern(operand, m_Constant());
    });
    AffineExpr count = onnx::getDims(out).front();
    Value result = compute(rewriter, op.getLoc(), out, [&](Body &body) {
      Value start = loadScalar(body, op.getStart());
      Value delta = loadScalar(body, op.getDelta());
      if (!checked)
        checkCount(body, start, loadScalar(body, op.getLimit()), delta, count);
      Type type = start.getType();
      Value i = indexAs(body, body.index(0), type);
      if (!isa<FloatType>(type))
        return arith::AddIOp::create(
                   body.b, body.loc, start,
                   arith::MulIOp::create(body.b, body.loc, i, delta))
            .getResult();
      return arith::AddFOp::create(
                 body.b, body.loc, start,
                 arith::MulFOp::create(body.b, body.loc, i, delta))
          .getResult();
    });
    rewriter.replaceOp(op, result);
    return success();
  }

  /// Reports operands that ask for another number of elements: the last one
  /// must lie before the limit, the next one must not.
  static void checkCount(Body &body, Value start, Value limit, Value delta,
                         AffineExpr count) {
    OpBuilder &b = body.b;
    Location loc = body.loc;
    IndexMath math{b, loc};
    Type wide =
        isa<FloatType>(start.getType()) ? b.getF64Type() : Type(b.getI64Type());
    auto widen = [&](Value v) -> Value {
      if (v.getType() == wide)
        return v;
      return isa<FloatType>(wide)
                 ? arith::ExtFOp::create(b, loc, wide, v).getResult()
                 : arith::ExtSIOp::create(b, loc, wide, v);
    };
    start = widen(start), limit = widen(limit), delta = widen(delta);
    Value size = math.extent(count);
    Value n = indexAs(body, size, wide);
    Value last = indexAs(
        body, math.max(math.sub(size, body.constant(1)), body.constant(0)),
        wide);
    Value empty = math.equal(size, body.constant(0));
    Value before, enough, zero = constantLike(b, loc, wide, 0);
    if (isa<FloatType>(wide)) {
      // How often delta fits into the distance, rounded up, is the count.
      Value distance = arith::SubFOp::create(b, loc, limit, start);
      Value steps = arith::DivFOp::create(b, loc, distance, delta);
      before =
          arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, steps, last);
      enough =
          arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLE, steps, n);
    } else {
      auto reached = [&](Value i) -> Value {
        Value way = arith::MulIOp::create(b, loc, i, delta);
        return arith::AddIOp::create(b, loc, start, way);
      };
      auto beyond = [&](Value i, bool strict) {
        // Walking down, the sides change places.
        Value at = reached(i);
        Value up =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, at, limit);
        Value down =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, at, limit);
        Value forward = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt,
                                              delta, zero);
        Value inside = math.select(forward, up, down);
        Value none = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
        return strict ? inside
                      : arith::XOrIOp::create(b, loc, inside, none).getResult();
      };
      before = beyond(last, true);
      enough = beyond(n, false);
      Value moves =
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, delta, zero);
      enough = math.both(enough, moves);
    }
    Value right = math.both(math.either(before, empty), enough);
    Value yes = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
    math.fault(arith::XOrIOp::create(b, loc, right, yes), faultShape);
  }
};

struct LowerEyeLike : OpRewritePattern<onnx::EyeLikeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::EyeLikeOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    if (!out || out.getRank() != 2)
      return rewriter.notifyMatchFailure(op, "result is no matrix");
    Value result = moveElements(
        rewriter, op.getLoc(), out, {}, {}, [&](Body &body) -> Value {
          IndexMath math{body.b, body.loc};
          constexpr int64_t far = int64_t(1) << 60;
          int64_t k = std::clamp<int64_t>(op.getK(), -far, far);
          Value diagonal = math.add(body.index(0), body.constant(k));
          Type type = movedType(out.getElementType());
          return math.select(math.equal(body.index(1), diagonal),
                             constantLike(body.b, body.loc, type, 1),
                             constantLike(body.b, body.loc, type, 0));
        });
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct LowerOneHot : OpRewritePattern<onnx::OneHotOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::OneHotOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    RankedTensorType indices = onnx::rankedType(op.getIndices());
    RankedTensorType values = onnx::rankedType(op.getValues());
    if (!out || !indices || !values || values.getRank() != 1 ||
        !onnx::rankedType(op.getDepth()) ||
        indices.getRank() + 1 != out.getRank())
      return rewriter.notifyMatchFailure(op, "an operand has no rank");
    if (!isMovable(op.getValues()))
      return rewriter.notifyMatchFailure(op, "elements have no fixed size");
    FailureOr<int64_t> axis =
        onnx::normalizeAxis(std::nullopt, op.getAxis(), out.getRank());
    if (failed(axis))
      return rewriter.notifyMatchFailure(op, "axis is out of range");
    SmallVector<AffineExpr> others;
    for (int64_t d = 0; d < out.getRank(); ++d)
      if (d != *axis)
        others.push_back(rewriter.getAffineDimExpr(d));
    AffineExpr depth = onnx::getDims(out)[*axis];
    bool checked = matchPattern(op.getDepth(), m_Constant());
    Value result = moveElements(
        rewriter, op.getLoc(), out, op.getIndices(),
        AffineMap::get(out.getRank(), 0, others, rewriter.getContext()),
        [&](Body &body) -> Value {
          IndexMath math{body.b, body.loc};
          Value size = math.extent(depth);
          if (!checked)
            math.fault(
                math.compare(
                    arith::CmpIPredicate::ne, size,
                    wholeNumber(body, loadScalar(body, op.getDepth()),
                                onnx::isUnsigned(op.getDepth().getType()))),
                faultShape);
          bool isUnsigned = onnx::isUnsigned(indices);
          Value index = wholeNumber(body, body.args[0], isUnsigned);
          Value marked = math.equal(math.wrap(index, size), body.index(*axis));
          return math.select(marked,
                             body.load(op.getValues(), body.constant(1)),
                             body.load(op.getValues(), body.constant(0)));
        });
    rewriter.replaceOp(op, result);
    return success();
  }

  /// A number of any type as an index, floats rounded towards zero.
  static Value wholeNumber(Body &body, Value number, bool isUnsigned) {
    OpBuilder &b = body.b;
    Type index = b.getIndexType();
    if (isa<FloatType>(number.getType())) {
      number = arith::FPToSIOp::create(b, body.loc, b.getI64Type(), number);
      isUnsigned = false;
    }
    if (isUnsigned)
      return arith::IndexCastUIOp::create(b, body.loc, index, number);
    return arith::IndexCastOp::create(b, body.loc, index, number);
  }
};

/// a0 - a1 cos(2 pi n / N) + a2 cos(4 pi n / N)
struct WindowTerms {
  double a0, a1, a2;
};

template <typename Op> struct LowerWindow : OpRewritePattern<Op> {
  LowerWindow(MLIRContext *context, WindowTerms terms)
      : OpRewritePattern<Op>(context), terms(terms) {}

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    if (!out || out.getRank() != 1 || !isa<FloatType>(out.getElementType()) ||
        !onnx::rankedType(op.getSize()))
      return rewriter.notifyMatchFailure(op, "result is no list of floats");
    AffineExpr length = onnx::getDims(out).front();
    Value result = compute(rewriter, op.getLoc(), out, [&](Body &body) {
      OpBuilder &b = body.b;
      Location loc = body.loc;
      IndexMath math{b, loc};
      Type type = computeType(out.getElementType());
      Value size = math.extent(length);
      math.fault(math.compare(arith::CmpIPredicate::ne, size,
                              loadInteger(body, op.getSize(), 0)),
                 faultShape);
      // A window of one element has no second end.
      Value period =
          op.getPeriodic()
              ? size
              : math.max(math.sub(size, body.constant(1)), body.constant(1));
      Value n = indexAs(body, body.index(0), type);
      Value turn = constantLike(b, loc, type, 2 * llvm::numbers::pi);
      Value angle =
          arith::DivFOp::create(b, loc, arith::MulFOp::create(b, loc, n, turn),
                                indexAs(body, period, type));
      auto term = [&](double factor, Value at) -> Value {
        return arith::MulFOp::create(b, loc, constantLike(b, loc, type, factor),
                                     math::CosOp::create(b, loc, at));
      };
      Value sum = arith::SubFOp::create(
          b, loc, constantLike(b, loc, type, terms.a0), term(terms.a1, angle));
      if (terms.a2 != 0) {
        Value twice = arith::AddFOp::create(b, loc, angle, angle);
        sum = arith::AddFOp::create(b, loc, sum, term(terms.a2, twice));
      }
      return sum;
    });
    rewriter.replaceOp(op, result);
    return success();
  }

  WindowTerms terms;
};

/// Triangles over the spectrum whose corners are evenly spaced in mel.
struct LowerMelWeightMatrix : OpRewritePattern<onnx::MelWeightMatrixOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::MelWeightMatrixOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    if (!out || out.getRank() != 2 || !isa<FloatType>(out.getElementType()))
      return rewriter.notifyMatchFailure(op, "result is no matrix of floats");
    for (Value operand : op->getOperands())
      if (!onnx::rankedType(operand))
        return rewriter.notifyMatchFailure(op, "an operand has no rank");
    onnx::Dims dims = onnx::getDims(out);
    Value result = compute(rewriter, op.getLoc(), out, [&](Body &body) {
      return weight(body, op, dims, computeType(out.getElementType()));
    });
    rewriter.replaceOp(op, result);
    return success();
  }

  /// 2595 log10(1 + hertz / 700)
  static Value mel(OpBuilder &b, Location loc, Value hertz) {
    Type type = hertz.getType();
    Value ratio =
        arith::DivFOp::create(b, loc, hertz, constantLike(b, loc, type, 700));
    Value shifted =
        arith::AddFOp::create(b, loc, ratio, constantLike(b, loc, type, 1));
    return arith::MulFOp::create(b, loc, math::Log10Op::create(b, loc, shifted),
                                 constantLike(b, loc, type, 2595));
  }

  /// The spectrogram bin of a mel value, as an index.
  static Value bin(OpBuilder &b, Location loc, Value mels, Value binsPerHertz) {
    Type type = mels.getType();
    auto number = [&](double v) { return constantLike(b, loc, type, v); };
    Value exponent = arith::DivFOp::create(b, loc, mels, number(2595));
    Value power = math::PowFOp::create(b, loc, number(10), exponent);
    Value hertz = arith::MulFOp::create(
        b, loc, arith::SubFOp::create(b, loc, power, number(1)), number(700));
    Value at = math::FloorOp::create(
        b, loc, arith::MulFOp::create(b, loc, hertz, binsPerHertz));
    // Operands that make no sense give bins out of sight, not traps.
    at = arith::MinNumFOp::create(b, loc, at, number(1e15));
    at = arith::MaxNumFOp::create(b, loc, at, number(-1e15));
    Value whole = arith::FPToSIOp::create(b, loc, b.getI64Type(), at);
    return arith::IndexCastOp::create(b, loc, b.getIndexType(), whole);
  }

  static Value weight(Body &body, onnx::MelWeightMatrixOp op,
                      ArrayRef<AffineExpr> dims, Type type) {
    OpBuilder &b = body.b;
    Location loc = body.loc;
    IndexMath math{b, loc};
    Type wide = b.getF64Type();
    auto hertz = [&](Value operand) -> Value {
      Value v = loadScalar(body, operand);
      return v.getType() == wide ? v : arith::ExtFOp::create(b, loc, wide, v);
    };
    Value count = math.extent(dims[1]);
    Value length = loadInteger(body, op.getDftLength(), 0);
    Value rows = math.add(math.div(length, body.constant(2)), body.constant(1));
    math.fault(
        math.either(
            math.compare(arith::CmpIPredicate::ne, count,
                         loadInteger(body, op.getNumMelBins(), 0)),
            math.compare(arith::CmpIPredicate::ne, rows, math.extent(dims[0]))),
        faultShape);
    Value low = mel(b, loc, hertz(op.getLowerEdgeHertz()));
    Value high = mel(b, loc, hertz(op.getUpperEdgeHertz()));
    Value steps = indexAs(body, math.add(count, body.constant(2)), wide);
    Value step = arith::DivFOp::create(
        b, loc, arith::SubFOp::create(b, loc, high, low), steps);
    Value perHertz = arith::DivFOp::create(
        b, loc, indexAs(body, math.add(length, body.constant(1)), wide),
        indexAs(body, loadInteger(body, op.getSampleRate(), 0), wide));
    auto corner = [&](int64_t i) {
      Value k = indexAs(body, math.add(body.index(1), body.constant(i)), wide);
      Value mels = arith::AddFOp::create(
          b, loc, arith::MulFOp::create(b, loc, k, step), low);
      return bin(b, loc, mels, perHertz);
    };
    Value first = corner(0), centre = corner(1), last = corner(2);
    Value at = body.index(0);
    auto ratio = [&](Value x, Value y) -> Value {
      return arith::DivFOp::create(b, loc, indexAs(body, x, type),
                                   indexAs(body, y, type));
    };
    auto within = [&](Value from, Value to) {
      return math.both(math.compare(arith::CmpIPredicate::sge, at, from),
                       math.less(at, to));
    };
    Value zero = constantLike(b, loc, type, 0),
          one = constantLike(b, loc, type, 1);
    Value rise = math.sub(centre, first), fall = math.sub(last, centre);
    Value point = math.select(math.equal(at, centre), one, zero);
    Value rising =
        math.select(within(first, math.add(centre, body.constant(1))),
                    ratio(math.sub(at, first), rise), zero);
    rising = math.select(math.equal(rise, body.constant(0)), point, rising);
    return math.select(within(centre, last), ratio(math.sub(last, at), fall),
                       rising);
  }
};
} // namespace

void ingot::populateGeneratorPatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LowerConstantOfShape, LowerRange, LowerEyeLike, LowerOneHot,
               LowerMelWeightMatrix>(context);
  patterns.add<LowerWindow<onnx::HannWindowOp>>(context,
                                                WindowTerms{0.5, 0.5, 0});
  patterns.add<LowerWindow<onnx::HammingWindowOp>>(
      context, WindowTerms{25.0 / 46, 21.0 / 46, 0});
  patterns.add<LowerWindow<onnx::BlackmanWindowOp>>(
      context, WindowTerms{0.42, 0.5, 0.08});
}
