//===- MatMulNBits.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MatMulNBits as DequantizeLinear of a constant K x N matrix in blocks along K,
// and MatMul. Without zero points, or if all are the middle of the range, the
// numbers are signed and need none.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Linear.h"
#include "dialects/onnx/Shape.h"
#include "passes/graph/TensorData.h"
#include "passes/graph/Weights.h"
#include "passes/tensor/lower/Microsoft.h"

using namespace mlir;
using namespace ingot;
using graph::TensorData;

namespace {
/// The constant operands of a MatMulNBits.
class BlockedMatrix {
public:
  explicit BlockedMatrix(onnx::MatMulNBitsOp op)
      : op(op), bits(op.getBits()), depth(op.getK()), columns(op.getN()),
        block(op.getBlockSize()), blocks(llvm::divideCeil(depth, block)) {}

  /// False with a reason if this form has no rewrite.
  bool read(StringRef &why);
  /// The matrix as a float tensor, dequantized by an op if possible.
  Value build(OnnxMaker &make);

private:
  bool readGroups(StringRef &why);
  bool readZeroPoints();
  bool needsZeroPoints() const;
  Value buildDequantized(OnnxMaker &make);
  Value buildFloats(OnnxMaker &make);

  /// The number packed at place `at` of a run of bytes.
  unsigned unpack(const uint8_t *bytes, int64_t at) const {
    return bytes[at * bits / 8] >> (at * bits % 8) & ((1u << bits) - 1);
  }
  /// The packed numbers of a column.
  const uint8_t *column(int64_t n) const {
    return packed->elements<uint8_t>() + n * blocks * (block / 8 * bits);
  }
  /// The block that row k takes its scale from.
  int64_t groupOf(int64_t k) const {
    return groups.empty() ? k / block : groups[k];
  }

  onnx::MatMulNBitsOp op;
  int64_t bits, depth, columns, block, blocks;
  std::optional<TensorData> packed, scales;
  /// One per column and block, in this order.
  SmallVector<float> zeroPoints;
  bool areZerosIntegers = true;
  /// Empty where rows are grouped in their order.
  SmallVector<int64_t> groups;
};
} // namespace

/// The elements of a constant, none of another value or of a splat.
static std::optional<TensorData> constantElements(Value value) {
  std::optional<TensorData> data = TensorData::of(graph::constantOf(value));
  if (!data || !data->isSplat())
    return data;
  TensorData all = TensorData::zeros(data->type());
  for (int64_t i = 0; i < all.size(); ++i)
    all.store(i, data->load(0));
  return all;
}

bool BlockedMatrix::readGroups(StringRef &why) {
  if (onnx::isNone(op.getGIdx()))
    return true;
  auto given = onnx::constantIntegers(op.getGIdx(), INT64_MAX);
  why = "g_idx is not constant";
  if (!given)
    return false;
  why = "g_idx has fewer than K elements";
  if (int64_t(given->size()) < depth)
    return false;
  why = "g_idx names a block that does not exist";
  bool inOrder = true;
  for (int64_t k = 0; k < depth; ++k) {
    if ((*given)[k] < 0 || (*given)[k] >= blocks)
      return false;
    inOrder &= (*given)[k] == k / block;
  }
  if (!inOrder)
    groups = std::move(*given);
  return true;
}

bool BlockedMatrix::readZeroPoints() {
  Value operand = op.getZeroPoints();
  zeroPoints.assign(columns * blocks, float(1 << (bits - 1)));
  if (onnx::isNone(operand))
    return true;
  std::optional<TensorData> data = constantElements(operand);
  if (!data)
    return false;
  bool isPacked = isa<IntegerType>(data->type().getElementType());
  int64_t bytesPerColumn = llvm::divideCeil(blocks * bits, 8);
  for (int64_t n = 0; n < columns; ++n)
    for (int64_t j = 0; j < blocks; ++j) {
      float &zero = zeroPoints[n * blocks + j];
      if (isPacked)
        zero = unpack(data->elements<uint8_t>() + n * bytesPerColumn, j);
      else
        zero = data->loadDouble(n * blocks + j);
      areZerosIntegers &=
          zero >= 0 && zero < float(1 << bits) && zero == std::floor(zero);
    }
  return true;
}

bool BlockedMatrix::read(StringRef &why) {
  why = "the weights are packed for another device (weight_prepacked)";
  if (op.getWeightPrepacked() != 0)
    return false;
  why = "the matrix has more than 2^31 elements";
  if (columns > graph::maxWeightBytes / depth)
    return false;
  why = "B, scales and zero_points are not all constant";
  packed = constantElements(op.getB());
  scales = constantElements(op.getScales());
  if (!packed || !scales || !readZeroPoints())
    return false;
  return readGroups(why);
}

bool BlockedMatrix::needsZeroPoints() const {
  return !llvm::all_of(zeroPoints,
                       [&](float zero) { return zero == 1 << (bits - 1); });
}

static Value constant(OnnxMaker &make, const TensorData &data) {
  return onnx::ConstantOp::create(make.b, make.loc, data.toAttr());
}

Value BlockedMatrix::buildDequantized(OnnxMaker &make) {
  bool isUnsigned = needsZeroPoints();
  // 2-bit numbers are kept in 4 bits.
  Type element = IntegerType::get(op.getContext(), std::max<int64_t>(bits, 4),
                                  isUnsigned ? IntegerType::Unsigned
                                             : IntegerType::Signless);
  unsigned middle = isUnsigned ? 0 : 1u << (bits - 1);
  TensorData numbers =
      TensorData::zeros(RankedTensorType::get({depth, columns}, element));
  auto *to = numbers.mutableElements<uint8_t>();
  // Some columns at a time, so that their bytes stay in cache.
  constexpr int64_t strip = 64;
  for (int64_t first = 0; first < columns; first += strip)
    for (int64_t k = 0; k < depth; ++k)
      for (int64_t n = first; n < std::min(first + strip, columns); ++n)
        to[k * columns + n] = uint8_t(unpack(column(n), k) - middle);

  auto perBlock = [&](Type type) {
    return TensorData::zeros(RankedTensorType::get({blocks, columns}, type));
  };
  TensorData scale = perBlock(scales->type().getElementType());
  TensorData zero = perBlock(element);
  for (int64_t j = 0; j < blocks; ++j)
    for (int64_t n = 0; n < columns; ++n) {
      scale.store(j * columns + n, scales->load(n * blocks + j));
      zero.store(j * columns + n, uint64_t(zeroPoints[n * blocks + j]));
    }
  Value x = constant(make, numbers), scaleValue = constant(make, scale);
  Value zeroValue = isUnsigned ? constant(make, zero) : make.none();
  return make.dequantize(x, scaleValue, zeroValue, /*axis=*/0, block);
}

Value BlockedMatrix::buildFloats(OnnxMaker &make) {
  TensorData floats = TensorData::zeros(
      RankedTensorType::get({depth, columns}, scales->type().getElementType()));
  for (int64_t k = 0; k < depth; ++k)
    for (int64_t n = 0; n < columns; ++n) {
      int64_t at = n * blocks + groupOf(k);
      double number = float(unpack(column(n), k)) - zeroPoints[at];
      floats.storeDouble(k * columns + n, number * scales->loadDouble(at));
    }
  return constant(make, floats);
}

Value BlockedMatrix::build(OnnxMaker &make) {
  // DequantizeLinear has no zero points between integers, and no other order.
  if (!areZerosIntegers || !groups.empty())
    return buildFloats(make);
  return buildDequantized(make);
}

namespace {
struct RewriteMatMulNBits : OpRewritePattern<onnx::MatMulNBitsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::MatMulNBitsOp op,
                                PatternRewriter &rewriter) const override {
    BlockedMatrix matrix(op);
    StringRef why;
    if (!matrix.read(why))
      return rewriter.notifyMatchFailure(op, why);
    OnnxMaker make(rewriter, op.getLoc());
    Value weights = matrix.build(make);
    Value y = onnx::MatMulOp::create(rewriter, op.getLoc(), op.getA(), weights);
    if (!onnx::isNone(op.getBias()))
      y = make.add(y, op.getBias());
    replaceRefined(rewriter, op, y);
    return success();
  }
};
} // namespace

void ingot::populateMatMulNBitsPatterns(RewritePatternSet &patterns) {
  patterns.add<RewriteMatMulNBits>(patterns.getContext());
}
