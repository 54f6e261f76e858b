//===- MatMul.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/ingot/Ingot.h"
#include "dialects/onnx/Elementwise.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Linear.h"
#include "dialects/onnx/Quant.h"
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/TypeChecks.h"
#include "passes/graph/SelectHeavy.h"
#include "passes/graph/quant/SelectProduct.h"
#include "passes/graph/quant/Sums.h"
#include "passes/tensor/lower/Products.h"
#include "passes/tensor/lower/Scalars.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::quant;

namespace {
/// A factor: integers with a zero point that is known or comes at run time.
struct Factor {
  Quantized integers;
  Value runTimeZero;
};

/// What all forms of a quantized matrix product have.
struct QuantizedMatMul {
  Factor left;
  /// The right factor: constant, perhaps transposed, or computed at run time.
  std::optional<Weights> weights;
  bool transposed = false;
  Factor right;
  RankedTensorType result;
  int64_t depth = 0, columns = 0;
};
} // namespace

/// Checks shapes and sets the sizes; `transposed`: the left matrix is [K, M].
static LogicalResult readSizes(QuantizedMatMul &product, Value a, Value b,
                               RankedTensorType result, std::string &why,
                               bool transposed = false) {
  auto left = dyn_cast<RankedTensorType>(a.getType());
  auto right = dyn_cast<RankedTensorType>(b.getType());
  if (!left || !right || !result || left.getRank() < 2 || right.getRank() < 2)
    return say(why, "an operand is a vector or has no rank");
  if (!isByte(left.getElementType()))
    return say(why, "the left matrix has not one constant scale and zero "
                    "point of 8-bit integers");
  product.result = result;
  onnx::Dims leftDims = onnx::getDims(left);
  std::optional<int64_t> k =
      onnx::constantValue(transposed ? leftDims.front() : leftDims.back());
  std::optional<int64_t> n = onnx::constantValue(onnx::getDims(result).back());
  if (!k || !n || *k == 0 || *n == 0)
    return say(why, "inner or last size is symbolic");
  product.depth = *k;
  product.columns = *n;
  return success();
}

static bool isSingleElement(RankedTensorType type) {
  return type.hasStaticShape() && type.getNumElements() == 1;
}

/// A constant matrix, or the one that a Transpose reads.
static Value matrixBehind(Value value, bool &transposed) {
  auto transpose = value.getDefiningOp<onnx::TransposeOp>();
  if (!transpose || !graph::constantOf(transpose.getData()) ||
      onnx::rankedType(value).getRank() != 2)
    return value;
  if (auto perm = transpose.getPerm(); perm && (*perm)[0] == 0)
    return value;
  transposed = !transposed;
  return transpose.getData();
}

namespace {
/// Builds the integer product.
class MatMulBuilder {
public:
  MatMulBuilder(OpBuilder &b, Location loc, const QuantizedMatMul &product,
                const Signs &signs)
      : b(b), loc(loc), product(product), signs(signs),
        rank(product.result.getRank()) {}

  Sums build();

private:
  Value matmul(Value left, Value right);
  Value rowSums(Value left);
  Value columnSums(Value right);
  void correct(Sums &sums, const Factor &left, int64_t shift);
  void correctRunTime(Sums &sums, const Factor &left, const Factor &right,
                      int64_t leftShift, int64_t rightShift);
  Sums::Factor broadcast(Value tensor) const {
    return {tensor, broadcastMap(cast<RankedTensorType>(tensor.getType()),
                                 product.result, rank)};
  }
  /// Zero points of run time: one number, or one for each row or column.
  Sums::Factor zerosOf(const Factor &factor, int64_t axis) const {
    Value zeros = factor.runTimeZero;
    auto type = cast<RankedTensorType>(zeros.getType());
    if (isSingleElement(type))
      return {zeros, singleElementMap(zeros, rank)};
    if (type.getRank() > 1)
      return broadcast(zeros);
    return {zeros,
            AffineMap::get(rank, 0, b.getAffineDimExpr(axis), b.getContext())};
  }
  Sums::Factor rowZeros(const Factor &left) const {
    return zerosOf(left, rank - 2);
  }
  Sums::Factor columnZeros(const Factor &right) const {
    return zerosOf(right, rank - 1);
  }

  OpBuilder &b;
  Location loc;
  const QuantizedMatMul &product;
  const Signs &signs;
  int64_t rank;
};
} // namespace

Value MatMulBuilder::matmul(Value left, Value right) {
  return heavy::MatmulOp::create(
      b, loc, onnx::tensorOf(onnx::getDims(product.result), b.getI32Type()),
      left, right, product.columns, /*transpose_a=*/false, IntegerAttr());
}

/// The sums of integers along one of the last two axes, which becomes 1.
static Value sumAlong(OpBuilder &b, Location loc, Value matrix, bool rows) {
  auto type = cast<RankedTensorType>(matrix.getType());
  int64_t rank = type.getRank(), axis = rows ? rank - 1 : rank - 2;
  onnx::Dims dims = onnx::getDims(type), left = dims;
  left.erase(left.begin() + axis);
  Type i32 = b.getI32Type();
  SmallVector<AffineExpr> read;
  for (int64_t d = 0; d < rank; ++d)
    read.push_back(getAffineDimExpr(d == axis  ? rank - 1
                                    : d > axis ? d - 1
                                               : d,
                                    b.getContext()));
  bool isUnsigned = onnx::isUnsigned(type);
  Value sums =
      reduce(b, loc, onnx::tensorOf(left, i32), {dims[axis]}, matrix,
             AffineMap::get(rank, 0, read, b.getContext()),
             integerConstant(b, loc, i32, 0), [&](Body &body, Value sum) {
               Scalars s{body.b, body.loc};
               return s.add(sum, s.widen(body.args[0], isUnsigned, i32));
             });
  dims[axis] = onnx::constantDim(1, b.getContext());
  return reshape(b, loc, sums, onnx::tensorOf(dims, i32));
}

Value MatMulBuilder::rowSums(Value left) {
  return sumAlong(b, loc, left, /*rows=*/true);
}

Value MatMulBuilder::columnSums(Value right) {
  return sumAlong(b, loc, right, /*rows=*/false);
}

/// Subtracts what zero points add to products with constant weights. The left
/// zero point is the known one plus the one of run time plus `shift`.
void MatMulBuilder::correct(Sums &sums, const Factor &left, int64_t shift) {
  const Weights &w = *product.weights;
  SmallVector<int64_t> columns, byZero, zeros;
  int64_t zero = left.runTimeZero ? shift : left.integers.step.zeroPoint;
  for (int64_t n = 0; n < product.columns; ++n) {
    int64_t centred = w.sum[n] - w.depth * w.zeroPoint[n];
    columns.push_back(-zero * centred);
    byZero.push_back(-centred);
    zeros.push_back(-w.zeroPoint[n]);
  }
  sums.add(columns);
  if (left.runTimeZero)
    sums.add(byZero, rowZeros(left));
  if (!w.isCentred())
    sums.add(zeros, broadcast(rowSums(left.integers.value)));
}

/// The same with a right factor computed at run time.
void MatMulBuilder::correctRunTime(Sums &sums, const Factor &left,
                                   const Factor &right, int64_t leftShift,
                                   int64_t rightShift) {
  auto constantOf = [](const Factor &factor, int64_t shift) {
    return factor.runTimeZero ? shift : factor.integers.step.zeroPoint;
  };
  int64_t a = constantOf(left, leftShift), c = constantOf(right, rightShift);
  bool readsRows = c != 0 || right.runTimeZero;
  bool readsColumns = a != 0 || left.runTimeZero;
  Value rows = readsRows ? rowSums(left.integers.value) : Value();
  Value columns = readsColumns ? columnSums(right.integers.value) : Value();
  sums.add({product.depth * a * c});
  if (rows)
    sums.add({-c}, broadcast(rows));
  if (columns)
    sums.add({-a}, broadcast(columns));
  if (right.runTimeZero)
    sums.add({-1}, {broadcast(rows), columnZeros(right)});
  if (left.runTimeZero)
    sums.add({-1}, {broadcast(columns), rowZeros(left)});
  if (right.runTimeZero)
    sums.add({product.depth * a}, columnZeros(right));
  if (left.runTimeZero)
    sums.add({product.depth * c}, rowZeros(left));
  if (left.runTimeZero && right.runTimeZero)
    sums.add({product.depth}, {rowZeros(left), columnZeros(right)});
}

Sums MatMulBuilder::build() {
  auto flipped = [&](Factor factor, bool flip, int64_t &shift) {
    if (!flip)
      return factor;
    shift = factor.integers.isUnsigned() ? -128 : 128;
    factor.integers = flipSign(b, loc, factor.integers);
    return factor;
  };
  int64_t leftShift = 0, rightShift = 0;
  Factor left =
      flipped(product.left, signs.mustFlip(product.left.integers.isUnsigned()),
              leftShift);
  if (product.weights) {
    Value matrix = onnx::ConstantOp::create(b, loc, product.weights->elements);
    if (product.transposed)
      matrix = transposed(b, loc, matrix, {1, 0});
    Sums sums(b, loc, matmul(left.integers.value, matrix));
    correct(sums, left, leftShift);
    return sums;
  }
  Factor right =
      flipped(product.right, product.right.integers.isUnsigned(), rightShift);
  Sums sums(b, loc, matmul(left.integers.value, right.integers.value));
  correctRunTime(sums, left, right, leftShift, rightShift);
  return sums;
}

//===----------------------------------------------------------------------===//
// Between DequantizeLinear and QuantizeLinear
//===----------------------------------------------------------------------===//

/// True if a constant has one number for all, or one per column.
static bool isPerColumn(Value value, int64_t columns) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.hasStaticShape())
    return false;
  return type.getNumElements() == 1 || (type.getNumElements() == columns &&
                                        type.getShape().back() == columns);
}

/// The Add of a constant per column that alone reads the product.
static onnx::AddOp biasAddition(Value value, int64_t columns, Value &bias) {
  if (!value.hasOneUse())
    return {};
  auto add = dyn_cast<onnx::AddOp>(*value.user_begin());
  if (!add || add.getA() == add.getB() || !rankedResult(add) ||
      onnx::getDims(rankedResult(add)) !=
          onnx::getDims(cast<RankedTensorType>(value.getType())))
    return {};
  bias = add.getA() == value ? add.getB() : add.getA();
  return isPerColumn(bias, columns) ? add : onnx::AddOp();
}

/// The right factor behind DequantizeLinear: constant weights or integers.
static LogicalResult readRight(Value value, bool transposed,
                               QuantizedMatMul &product, std::string &why) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  auto dequantize = value.getDefiningOp<onnx::DequantizeLinearOp>();
  if (!type || !dequantize)
    return say(why, "the right matrix is not quantized");
  product.transposed = transposed;
  Value matrix = matrixBehind(dequantize.getX(), product.transposed);
  if (type.getRank() == 2 && graph::constantOf(matrix)) {
    int64_t axis = transposed ? 0 : 1;
    product.weights = dequantizedWeights(value, axis, why);
    return success(product.weights.has_value());
  }
  std::optional<Quantized> integers = dequantized(value);
  if (!integers || !isByte(integers->type().getElementType()))
    return say(why, "the right matrix has not one constant scale and zero "
                    "point of 8-bit integers");
  if (transposed)
    return say(why, "the right matrix is transposed and not constant");
  product.right = {*integers, Value()};
  return success();
}

static double rightScale(const QuantizedMatMul &product, size_t column) {
  if (!product.weights)
    return product.right.integers.step.scale;
  ArrayRef<double> scale = product.weights->scale;
  return scale[scale.size() == 1 ? 0 : column];
}

/// Scales and bounds of the sums; `alpha` multiplies them.
static ProductResult describe(const QuantizedMatMul &product, double alpha) {
  ProductResult result;
  const Quantized &left = product.left.integers;
  size_t count = product.weights ? product.weights->scale.size() : 1;
  for (size_t n = 0; n < count; ++n)
    result.scale.push_back(alpha * left.step.scale * rightScale(product, n));
  if (product.weights)
    result.bound = product.weights->bounds(left.bound());
  else
    result.bound = {double(product.depth) * left.bound() *
                    product.right.integers.bound()};
  return result;
}

/// Replaces `op` and the chain behind its result by integer work.
static void finish(Operation *op, const QuantizedMatMul &product,
                   ProductResult &numbers, onnx::AddOp add,
                   PatternRewriter &rewriter, const Signs &signs) {
  Value value = (add ? add.getOperation() : op)->getResult(0);
  std::optional<QuantizedResult> to = quantizedResult(value);
  Location loc =
      add ? FusedLoc::get(op->getContext(), {op->getLoc(), add.getLoc()})
          : op->getLoc();
  loc = to ? to->loc(loc) : loc;
  Sums sums = MatMulBuilder(rewriter, loc, product, signs).build();
  sums.add(numbers.bias.integer);
  if (to)
    replaceChain(rewriter, *to,
                 sums.requantized(to->type.getElementType(),
                                  requantizationOf(numbers, *to)));
  else
    rewriter.replaceAllUsesWith(value,
                                sums.floats(numbers.scale, numbers.bias.real));
  if (add)
    rewriter.eraseOp(add);
  rewriter.eraseOp(op);
}

namespace {
struct SelectMatMul : SelectProduct<onnx::MatMulOp> {
  using SelectProduct::SelectProduct;

  LogicalResult select(onnx::MatMulOp op, PatternRewriter &rewriter,
                       std::string &why) const override {
    QuantizedMatMul product;
    std::optional<Quantized> left = dequantized(op.getA());
    if (!left)
      return say(why, "the left matrix has not one constant scale and zero "
                      "point of 8-bit integers");
    product.left = {*left, Value()};
    if (failed(readSizes(product, left->value, op.getB(), rankedResult(op),
                         why)) ||
        failed(readRight(op.getB(), /*transposed=*/false, product, why)))
      return failure();
    ProductResult numbers = describe(product, 1);
    numbers.bias.integer = {0};
    Value value;
    onnx::AddOp add = biasAddition(op.getY(), product.columns, value);
    if (add) {
      if (auto bias = biasOf(value, product.columns, numbers.scale))
        numbers.bias = *bias;
      else
        add = {};
    }
    if (!fitsWord(numbers))
      return say(why, "sums of products may exceed 32 bits");
    finish(op, product, numbers, add, rewriter, signs);
    return success();
  }
};

struct SelectGemm : SelectProduct<onnx::GemmOp> {
  using SelectProduct::SelectProduct;

  LogicalResult select(onnx::GemmOp op, PatternRewriter &rewriter,
                       std::string &why) const override {
    QuantizedMatMul product;
    std::optional<Quantized> left = dequantized(op.getA());
    if (!left)
      return say(why, "the left matrix has not one constant scale and zero "
                      "point of 8-bit integers");
    product.left = {*left, Value()};
    if (failed(readSizes(product, left->value, op.getB(), rankedResult(op), why,
                         op.getTransA() != 0)) ||
        failed(readRight(op.getB(), op.getTransB() != 0, product, why)))
      return failure();
    double alpha = op.getAlpha().convertToFloat();
    double beta = op.getBeta().convertToFloat();
    ProductResult numbers = describe(product, alpha);
    numbers.bias.integer = {0};
    if (!onnx::isNone(op.getC()) && beta != 0) {
      auto bias = isPerColumn(op.getC(), product.columns) && alpha != 0
                      ? biasOf(op.getC(), product.columns, numbers.scale)
                      : std::nullopt;
      if (!bias)
        return say(why, "the bias is not constant");
      numbers.bias = *bias;
      for (auto [c, count] : llvm::enumerate(numbers.bias.integer)) {
        if (beta == 1)
          break;
        double unit = numbers.scale[numbers.scale.size() == 1 ? 0 : c];
        numbers.bias.real.resize(product.columns);
        numbers.bias.real[c] =
            (numbers.bias.real[c] + double(count) * unit) * beta;
        count = 0;
      }
    }
    if (!fitsWord(numbers))
      return say(why, "sums of products may exceed 32 bits");
    if (op.getTransA())
      product.left.integers.value =
          transposed(rewriter, op.getLoc(), left->value, {1, 0});
    finish(op, product, numbers, onnx::AddOp(), rewriter, signs);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Products of integers
//===----------------------------------------------------------------------===//

struct SelectQLinearMatMul : SelectProduct<onnx::QLinearMatMulOp> {
  using SelectProduct::SelectProduct;

  LogicalResult select(onnx::QLinearMatMulOp op, PatternRewriter &rewriter,
                       std::string &why) const override {
    std::optional<Step> a = stepOf(op.getAScale(), op.getAZeroPoint());
    std::optional<Step> y = stepOf(op.getYScale(), op.getYZeroPoint());
    QuantizedMatMul product;
    if (!a || !y || !isByte(getElementTypeOrSelf(op.getB().getType())))
      return say(why, "scales or zero points are not constant");
    product.left = {{op.getA(), *a}, Value()};
    if (failed(readSizes(product, op.getA(), op.getB(), rankedResult(op), why)))
      return failure();
    Value matrix = matrixBehind(op.getB(), product.transposed);
    if (onnx::rankedType(op.getB()).getRank() == 2 &&
        graph::constantOf(matrix)) {
      product.weights = weightsOf(matrix, op.getBScale(), op.getBZeroPoint(),
                                  product.transposed ? 0 : 1, why);
      if (!product.weights)
        return failure();
    } else {
      std::optional<Step> b = stepOf(op.getBScale(), op.getBZeroPoint());
      if (!b)
        return say(why, "scales or zero points are not constant");
      product.right = {{op.getB(), *b}, Value()};
    }
    ProductResult numbers = describe(product, 1);
    numbers.bias.integer = {0};
    if (!fitsWord(numbers))
      return say(why, "sums of products may exceed 32 bits");
    QuantizedResult to = quantizedResult(op, *y);
    Sums sums =
        MatMulBuilder(rewriter, to.loc(op.getLoc()), product, signs).build();
    replaceChain(rewriter, to,
                 sums.requantized(to.type.getElementType(),
                                  requantizationOf(numbers, to)));
    rewriter.eraseOp(op);
    return success();
  }
};

struct SelectMatMulInteger : SelectProduct<onnx::MatMulIntegerOp> {
  using SelectProduct::SelectProduct;

  /// Sets a zero point that is one number, constant or not, or one for each
  /// index along `axis` of the result, counted from the end.
  static LogicalResult readZero(Value zero, int64_t axis, RankedTensorType out,
                                Factor &factor, std::string &why) {
    if (onnx::isNone(zero))
      return success();
    auto type = dyn_cast<RankedTensorType>(zero.getType());
    if (!type)
      return say(why, "a zero point has no rank");
    factor.runTimeZero = zero;
    if (isSingleElement(type)) {
      if (auto constant = channelNumbers(zero, 1)) {
        factor.integers.step.zeroPoint = int64_t((*constant)[0]);
        factor.runTimeZero = {};
      }
      return success();
    }
    onnx::Dims from = onnx::getDims(type), to = onnx::getDims(out);
    if (from.size() == 1 && from[0] == to[to.size() - axis])
      return success();
    bool fits = from.size() == to.size();
    for (size_t i = 0; fits && i < from.size(); ++i)
      fits = from[i] == to[i] || onnx::constantValue(from[i]) == 1;
    return fits ? success()
                : say(why, "a zero point is neither one number nor one for "
                           "each row or column");
  }

  LogicalResult select(onnx::MatMulIntegerOp op, PatternRewriter &rewriter,
                       std::string &why) const override {
    QuantizedMatMul product;
    product.left.integers.value = op.getA();
    if (failed(
            readSizes(product, op.getA(), op.getB(), rankedResult(op), why)) ||
        failed(
            readZero(op.getAZeroPoint(), 2, product.result, product.left, why)))
      return failure();
    Value matrix = matrixBehind(op.getB(), product.transposed);
    bool isConstant =
        onnx::rankedType(op.getB()).getRank() == 2 && graph::constantOf(matrix);
    if (isConstant) {
      product.weights = weightsOf(matrix, Value(), op.getBZeroPoint(),
                                  product.transposed ? 0 : 1, why);
      if (!product.weights)
        return failure();
    } else {
      product.right.integers.value = op.getB();
      if (failed(readZero(op.getBZeroPoint(), 1, product.result, product.right,
                          why)))
        return failure();
    }
    rewriter.replaceOp(op, MatMulBuilder(rewriter, op.getLoc(), product, signs)
                               .build()
                               .integers());
    return success();
  }
};
} // namespace

void quant::populateQuantizedMatMul(RewritePatternSet &patterns,
                                    const Signs &signs) {
  patterns
      .add<SelectGemm, SelectMatMul, SelectMatMulInteger, SelectQLinearMatMul>(
          patterns.getContext(), signs);
}
