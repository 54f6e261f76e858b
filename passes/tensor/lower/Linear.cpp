//===- Linear.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Linear.h"
#include "dialects/onnx/Einsum.h"
#include "dialects/onnx/TypeChecks.h"
#include "passes/tensor/lower/Products.h"
#include "passes/tensor/lower/Scalars.h"

using namespace mlir;
using namespace ingot;

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

namespace {
/// How the loops of a matrix product read its operands. Loops are the
/// result's dimensions (batch, then row and column unless A or B is a vector),
/// then the depth.
struct ProductLoops {
  int64_t batches = 0, rank = 0;
  AffineExpr row, column, depth, size;
  AffineMap a, b;

  ProductLoops(RankedTensorType typeA, RankedTensorType typeB,
               RankedTensorType out);
  /// The map that reads a zero point or scale of an operand: a single element,
  /// one per index of `along`, or broadcast to the operand that `whole` reads.
  AffineMap parameter(RankedTensorType type, AffineExpr along,
                      AffineMap whole) const;

private:
  AffineMap operand(RankedTensorType type, ArrayRef<AffineExpr> last) const;
};
} // namespace

ProductLoops::ProductLoops(RankedTensorType typeA, RankedTensorType typeB,
                           RankedTensorType out) {
  MLIRContext *context = out.getContext();
  bool isRow = typeA.getRank() == 1, isColumn = typeB.getRank() == 1;
  rank = out.getRank();
  batches = rank - !isRow - !isColumn;
  row = getAffineDimExpr(batches, context);
  column = getAffineDimExpr(rank - 1, context);
  depth = getAffineDimExpr(rank, context);
  onnx::Dims dimsA = onnx::getDims(typeA), dimsB = onnx::getDims(typeB);
  // Where only one operand knows the size, believe it.
  size = dimsA.back();
  if (!onnx::constantValue(size))
    size = isColumn ? dimsB[0] : dimsB[dimsB.size() - 2];
  a = isRow ? operand(typeA, depth) : operand(typeA, {row, depth});
  b = isColumn ? operand(typeB, depth) : operand(typeB, {depth, column});
}

AffineMap ProductLoops::operand(RankedTensorType type,
                                ArrayRef<AffineExpr> last) const {
  MLIRContext *context = type.getContext();
  onnx::Dims dims = onnx::getDims(type);
  int64_t ours = type.getRank() - int64_t(last.size());
  SmallVector<AffineExpr> results;
  for (int64_t i = 0; i < ours; ++i)
    results.push_back(onnx::constantValue(dims[i]) == 1
                          ? getAffineConstantExpr(0, context)
                          : getAffineDimExpr(batches - ours + i, context));
  llvm::append_range(results, last);
  return AffineMap::get(rank + 1, 0, results, context);
}

AffineMap ProductLoops::parameter(RankedTensorType type, AffineExpr along,
                                  AffineMap whole) const {
  MLIRContext *context = type.getContext();
  onnx::Dims dims = onnx::getDims(type);
  SmallVector<AffineExpr> results;
  for (int64_t i = 0; i < type.getRank(); ++i)
    results.push_back(onnx::constantValue(dims[i]) == 1
                          ? getAffineConstantExpr(0, context)
                      : type.getRank() == 1 ? along
                                            : whole.getResult(i));
  return AffineMap::get(rank + 1, 0, results, context);
}

/// The ranked types of a product, or failure with a reason.
static LogicalResult requireRanks(Operation *op, ArrayRef<Value> operands,
                                  PatternRewriter &rewriter) {
  for (Value operand : operands)
    if (!onnx::isNone(operand) && !onnx::rankedType(operand))
      return rewriter.notifyMatchFailure(op, "operand has no rank");
  if (!rankedResult(op))
    return rewriter.notifyMatchFailure(op, "result has no rank");
  return success();
}

/// sum over the depth of a * b, in the accumulator's type.
static Value productOf(OpBuilder &b, Location loc, Value x, Value y,
                       AffineMap mapX, AffineMap mapY, AffineExpr depth,
                       RankedTensorType out) {
  RankedTensorType sums = accumulatorType(out);
  Value zero = constantLike(b, loc, computeType(sums.getElementType()), 0);
  return reduce(b, loc, sums, depth, ValueRange{x, y}, {mapX, mapY}, zero,
                [](Body &body, Value sum) {
                  Scalars s{body.b, body.loc};
                  return s.add(sum, s.mul(body.args[0], body.args[1]));
                });
}

namespace {
struct LowerMatMul : OpRewritePattern<onnx::MatMulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::MatMulOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireRanks(op, {op.getA(), op.getB()}, rewriter)))
      return failure();
    RankedTensorType out = rankedResult(op);
    ProductLoops loops(onnx::rankedType(op.getA()), onnx::rankedType(op.getB()),
                       out);
    Value sums = productOf(rewriter, op.getLoc(), op.getA(), op.getB(), loops.a,
                           loops.b, loops.size, out);
    rewriter.replaceOp(op, convertElements(rewriter, op.getLoc(), sums, out));
    return success();
  }
};
} // namespace

/// The factor as a value of a type; nothing if an integer cannot hold it.
static std::optional<double> factorOf(APFloat factor, Type element) {
  double value = factor.convertToDouble();
  if (isa<IntegerType>(element) &&
      (value != double(int64_t(value)) || std::abs(value) > 1e9))
    return std::nullopt;
  return value;
}

namespace {
struct LowerGemm : OpRewritePattern<onnx::GemmOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::GemmOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireRanks(op, {op.getA(), op.getB(), op.getC()}, rewriter)))
      return failure();
    RankedTensorType out = rankedResult(op);
    auto alpha = factorOf(op.getAlpha(), out.getElementType());
    auto beta = factorOf(op.getBeta(), out.getElementType());
    if (!alpha || !beta)
      return rewriter.notifyMatchFailure(op, "fractional factor of an integer");
    Location loc = op.getLoc();
    AffineExpr m, n, k;
    bindDims(op.getContext(), m, n, k);
    auto map = [&](AffineExpr x, AffineExpr y, bool transposed) {
      return AffineMap::get(3, 0, transposed ? ArrayRef{y, x} : ArrayRef{x, y},
                            op.getContext());
    };
    AffineExpr depth =
        onnx::getDims(onnx::rankedType(op.getA()))[op.getTransA() ? 0 : 1];
    Value sums = productOf(rewriter, loc, op.getA(), op.getB(),
                           map(m, k, op.getTransA()), map(k, n, op.getTransB()),
                           depth, out);
    bool hasC = !onnx::isNone(op.getC()) && *beta != 0;
    if (*alpha == 1 && !hasC) {
      rewriter.replaceOp(op, convertElements(rewriter, loc, sums, out));
      return success();
    }
    SmallVector<Value> ins = {sums};
    SmallVector<AffineMap> maps = {rewriter.getMultiDimIdentityMap(2)};
    if (hasC) {
      ins.push_back(op.getC());
      maps.push_back(broadcastMap(onnx::rankedType(op.getC()), 2, 2));
    }
    auto scaled = [](const Scalars &s, Value v, double factor) {
      return factor == 1 ? v : s.mul(v, s.constant(v.getType(), factor));
    };
    rewriter.replaceOp(op,
                       compute(rewriter, loc, out, ins, maps, [&](Body &body) {
                         Scalars s{body.b, body.loc};
                         Value sum = scaled(s, body.args[0], *alpha);
                         if (!hasC)
                           return sum;
                         return s.add(sum, scaled(s, body.args[1], *beta));
                       }));
    return success();
  }
};
} // namespace

/// The i32 matrix product of bytes less their zero points (none: null).
static Value integerProduct(OpBuilder &b, Location loc, Value x, Value y,
                            Value zeroX, Value zeroY, RankedTensorType out) {
  RankedTensorType typeX = onnx::rankedType(x), typeY = onnx::rankedType(y);
  ProductLoops loops(typeX, typeY, out);
  SmallVector<Value> ins = {x, y};
  SmallVector<AffineMap> maps = {loops.a, loops.b};
  if (!onnx::isNone(zeroX)) {
    ins.push_back(zeroX);
    maps.push_back(
        loops.parameter(onnx::rankedType(zeroX), loops.row, loops.a));
  }
  if (!onnx::isNone(zeroY)) {
    ins.push_back(zeroY);
    maps.push_back(
        loops.parameter(onnx::rankedType(zeroY), loops.column, loops.b));
  }
  RankedTensorType sums = onnx::tensorOf(onnx::getDims(out), b.getI32Type());
  Value zero = constantLike(b, loc, b.getI32Type(), 0);
  return reduce(
      b, loc, sums, loops.size, ins, maps, zero, [&](Body &body, Value sum) {
        Scalars s{body.b, body.loc};
        size_t next = 2;
        Value zx = onnx::isNone(zeroX) ? Value() : body.args[next++];
        Value zy = onnx::isNone(zeroY) ? Value() : body.args[next];
        Value vx = centered(s, body.args[0], onnx::isUnsigned(typeX), zx);
        Value vy = centered(s, body.args[1], onnx::isUnsigned(typeY), zy);
        return s.add(sum, s.mul(vx, vy));
      });
}

namespace {
struct LowerMatMulInteger : OpRewritePattern<onnx::MatMulIntegerOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::MatMulIntegerOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireRanks(
            op, {op.getA(), op.getB(), op.getAZeroPoint(), op.getBZeroPoint()},
            rewriter)))
      return failure();
    rewriter.replaceOp(op,
                       integerProduct(rewriter, op.getLoc(), op.getA(),
                                      op.getB(), op.getAZeroPoint(),
                                      op.getBZeroPoint(), rankedResult(op)));
    return success();
  }
};

struct LowerQLinearMatMul : OpRewritePattern<onnx::QLinearMatMulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::QLinearMatMulOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireRanks(op, llvm::to_vector(op->getOperands()), rewriter)))
      return failure();
    RankedTensorType out = rankedResult(op);
    ProductLoops loops(onnx::rankedType(op.getA()), onnx::rankedType(op.getB()),
                       out);
    Value sums = integerProduct(rewriter, op.getLoc(), op.getA(), op.getB(),
                                op.getAZeroPoint(), op.getBZeroPoint(), out);
    // The scales' maps do not use the depth: drop that loop.
    auto scale = [&](Value tensor, AffineExpr along, AffineMap whole) {
      AffineMap map = loops.parameter(onnx::rankedType(tensor), along, whole);
      return MappedOperand{
          tensor,
          AffineMap::get(loops.rank, 0, map.getResults(), op.getContext())};
    };
    rewriter.replaceOp(op,
                       requantize(rewriter, op.getLoc(), out, sums,
                                  scale(op.getAScale(), loops.row, loops.a),
                                  scale(op.getBScale(), loops.column, loops.b),
                                  op.getYScale(), op.getYZeroPoint()));
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Einsum
//===----------------------------------------------------------------------===//

namespace {
/// A factor of the sum of products: a tensor and the label of each dimension.
struct Factor {
  Value tensor;
  SmallVector<unsigned, 4> labels;
};
} // namespace

/// The sum over all labels not in `kept` of the product of the factors; the
/// result has the dimensions `kept` and element type `element`.
static Value contract(OpBuilder &b, Location loc, ArrayRef<Factor> factors,
                      ArrayRef<unsigned> kept, ArrayRef<AffineExpr> sizes,
                      Type element) {
  MLIRContext *context = b.getContext();
  SmallVector<unsigned> loops(kept);
  for (const Factor &factor : factors)
    for (unsigned label : factor.labels)
      if (!llvm::is_contained(loops, label))
        loops.push_back(label);
  SmallVector<Value> ins;
  SmallVector<AffineMap> maps;
  for (const Factor &factor : factors) {
    onnx::Dims dims = onnx::getDims(onnx::rankedType(factor.tensor));
    SmallVector<AffineExpr> results;
    for (auto [label, dim] : llvm::zip(factor.labels, dims))
      results.push_back(
          onnx::constantValue(dim) == 1
              ? getAffineConstantExpr(0, context)
              : getAffineDimExpr(llvm::find(loops, label) - loops.begin(),
                                 context));
    ins.push_back(factor.tensor);
    maps.push_back(AffineMap::get(loops.size(), 0, results, context));
  }
  onnx::Dims outDims, reduced;
  for (auto [i, label] : llvm::enumerate(loops))
    (i < kept.size() ? outDims : reduced).push_back(sizes[label]);
  auto productAt = [](Body &body) {
    Scalars s{body.b, body.loc};
    Value product = body.args[0];
    for (Value factor : ArrayRef(body.args).drop_front())
      product = s.mul(product, factor);
    return product;
  };
  RankedTensorType out = onnx::tensorOf(outDims, element);
  if (reduced.empty())
    return compute(b, loc, out, ins, maps, productAt);
  Value zero = constantLike(b, loc, computeType(element), 0);
  return reduce(b, loc, out, reduced, ins, maps, zero,
                [&](Body &body, Value sum) {
                  return Scalars{body.b, body.loc}.add(sum, productAt(body));
                });
}

namespace {
/// Operands are contracted from left to right, two at a time, so that the work
/// is never a product over all labels of a long equation.
struct LowerEinsum : OpRewritePattern<onnx::EinsumOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::EinsumOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireRanks(op, llvm::to_vector(op->getOperands()), rewriter)))
      return failure();
    SmallVector<RankedTensorType> types;
    for (Value operand : op.getInputs())
      types.push_back(onnx::rankedType(operand));
    auto equation = onnx::parseEinsum(op.getLoc(), op.getEquation(), types);
    if (failed(equation))
      return failure();
    RankedTensorType out = rankedResult(op);
    Type element = accumulatorType(out).getElementType();
    // What inference could not know, the declared result may tell.
    llvm::copy(onnx::getDims(out), equation->sizes.begin());
    Location loc = op.getLoc();
    Factor left = {op.getInputs()[0], equation->operands[0]};
    SmallVector<unsigned> result;
    for (unsigned label = 0; label < equation->resultRank; ++label)
      result.push_back(label);
    size_t count = types.size();
    if (count == 1)
      left.tensor =
          contract(rewriter, loc, left, result, equation->sizes, element);
    for (size_t i = 1; i < count; ++i) {
      Factor right = {op.getInputs()[i], equation->operands[i]};
      SmallVector<unsigned> kept = result;
      if (i + 1 < count)
        kept = neededLater(*equation, left, right, i + 1);
      left.tensor = contract(rewriter, loc, {left, right}, kept,
                             equation->sizes, element);
      left.labels.assign(kept.begin(), kept.end());
    }
    rewriter.replaceOp(op, convertElements(rewriter, loc, left.tensor, out));
    return success();
  }

private:
  /// The labels of two factors that the result or an operand from `next` on
  /// has.
  static SmallVector<unsigned> neededLater(const onnx::EinsumEquation &equation,
                                           const Factor &left,
                                           const Factor &right, size_t next) {
    SmallVector<unsigned> kept;
    for (const Factor *factor : {&left, &right})
      for (unsigned label : factor->labels) {
        bool needed = label < equation.resultRank;
        for (auto &later : ArrayRef(equation.operands).drop_front(next))
          needed |= llvm::is_contained(later, label);
        if (needed && !llvm::is_contained(kept, label))
          kept.push_back(label);
      }
    return kept;
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Det
//===----------------------------------------------------------------------===//

/// Emits the elimination of one column of the matrix at `batch` of `matrices`:
/// brings the largest pivot up and subtracts its row from those below.
static void eliminateColumn(OpBuilder &b, Location loc, Value matrices,
                            ValueRange batch, Value column, Value size) {
  Type element = getElementTypeOrSelf(matrices.getType());
  Scalars s{b, loc};
  Value one = s.index(1), below = s.add(column, one);
  auto at = [&](Value row, Value col) {
    SmallVector<Value> indices(batch);
    indices.append({row, col});
    return indices;
  };
  auto load = [&](OpBuilder &n, Value row, Value col) -> Value {
    return kernel::LoadOp::create(n, loc, element, matrices, at(row, col));
  };
  auto store = [&](OpBuilder &n, Value v, Value row, Value col) {
    kernel::StoreOp::create(n, loc, v, matrices, at(row, col));
  };
  auto search = scf::ForOp::create(
      b, loc, below, size, one,
      ValueRange{column, s.abs(load(b, column, column))},
      [&](OpBuilder &n, Location, Value row, ValueRange best) {
        Scalars t{n, loc};
        Value candidate = t.abs(load(n, row, column));
        Value better = t.less(best[1], candidate);
        scf::YieldOp::create(n, loc,
                             ValueRange{t.select(better, row, best[0]),
                                        t.select(better, candidate, best[1])});
      });
  Value pivotRow = search.getResult(0);
  // Swapping two rows and negating one keeps the determinant.
  Value isMoved =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, pivotRow, column);
  Value sign =
      s.select(isMoved, s.constant(element, -1), s.constant(element, 1));
  scf::ForOp::create(b, loc, column, size, one, ValueRange(),
                     [&](OpBuilder &n, Location, Value col, ValueRange) {
                       Value upper = load(n, column, col);
                       Value lower = load(n, pivotRow, col);
                       store(n, Scalars{n, loc}.mul(upper, sign), pivotRow,
                             col);
                       store(n, lower, column, col);
                       scf::YieldOp::create(n, loc);
                     });
  Value pivot = load(b, column, column);
  // A zero pivot makes the determinant 0 whatever is below.
  Value isZero = s.equal(pivot, s.constant(element, 0));
  Value divisor = s.select(isZero, s.constant(element, 1), pivot);
  scf::ForOp::create(
      b, loc, below, size, one, ValueRange(),
      [&](OpBuilder &n, Location, Value row, ValueRange) {
        Scalars t{n, loc};
        Value factor = t.div(load(n, row, column), divisor);
        scf::ForOp::create(
            n, loc, below, size, one, ValueRange(),
            [&](OpBuilder &m, Location, Value col, ValueRange) {
              Scalars u{m, loc};
              Value product = u.mul(factor, load(m, column, col));
              store(m, u.sub(load(m, row, col), product), row, col);
              scf::YieldOp::create(m, loc);
            });
        scf::YieldOp::create(n, loc);
      });
}

namespace {
/// Gaussian elimination in place on a copy, then the product of the diagonal.
struct LowerDet : OpRewritePattern<onnx::DetOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::DetOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireRanks(op, op.getX(), rewriter)))
      return failure();
    RankedTensorType in = onnx::rankedType(op.getX()), out = rankedResult(op);
    RankedTensorType work = accumulatorType(in), sums = accumulatorType(out);
    int64_t batches = out.getRank();
    Location loc = op.getLoc();
    AffineMap identity = rewriter.getMultiDimIdentityMap(in.getRank());
    Value copy = compute(rewriter, loc, work, op.getX(), identity,
                         [](Body &body) { return body.args[0]; });
    onnx::Dims dims = onnx::getDims(in);
    AffineExpr size = dims.back();
    Value reducedRows =
        foreach (rewriter, loc, copy, ArrayRef(dims).drop_back(2),
                 [&](OpBuilder &b, ValueRange batch, ValueRange handles) {
                   Value rows = extent(b, loc, size);
                   Value zero = indexConstant(b, loc, 0),
                         one = indexConstant(b, loc, 1);
                   scf::ForOp::create(
                       b, loc, zero, rows, one, ValueRange(),
                       [&](OpBuilder &n, Location, Value column, ValueRange) {
                         eliminateColumn(n, loc, handles[0], batch, column,
                                         rows);
                         scf::YieldOp::create(n, loc);
                       });
                 })
            .front();
    SmallVector<AffineExpr> diagonal;
    for (int64_t i = 0; i < batches; ++i)
      diagonal.push_back(rewriter.getAffineDimExpr(i));
    diagonal.append(2, rewriter.getAffineDimExpr(batches));
    AffineMap map =
        AffineMap::get(batches + 1, 0, diagonal, rewriter.getContext());
    Value one = constantLike(rewriter, loc, sums.getElementType(), 1);
    Value product =
        reduce(rewriter, loc, sums, size, reducedRows, map, one,
               [](Body &body, Value acc) {
                 return Scalars{body.b, body.loc}.mul(acc, body.args[0]);
               });
    rewriter.replaceOp(op, convertElements(rewriter, loc, product, out));
    return success();
  }
};
} // namespace

void ingot::populateLinearPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerDet, LowerEinsum, LowerGemm, LowerMatMul,
               LowerMatMulInteger, LowerQLinearMatMul>(patterns.getContext());
}
