//===- Microsoft.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Microsoft.h"
#include "dialects/onnx/Infer.h"
#include "dialects/onnx/RegisterOps.h"
#include "dialects/onnx/WindowAttributes.h"

#include <cmath>

#define GET_OP_CLASSES
#include "dialects/onnx/Microsoft.cpp.inc"

using namespace mlir;
using namespace ingot::onnx;

using Loc = std::optional<Location>;
using Types = SmallVectorImpl<Type>;

//===----------------------------------------------------------------------===//
// Scales and zero points
//===----------------------------------------------------------------------===//

static bool isSingle(Type type) { return type.isF32(); }
static bool isSingleOrHalf(Type type) { return type.isF32() || type.isF16(); }

/// Fails if a constant scale is no finite number or, being divided by, 0.
static LogicalResult checkScaleValues(Loc loc, Value scale, StringRef name,
                                      bool divides = false) {
  for (double value : constantFloats(scale).value_or(SmallVector<double>())) {
    if (!std::isfinite(value))
      return emitOptionalError(loc, name, " is not finite");
    if (divides && value == 0)
      return emitOptionalError(loc, name, " is 0");
  }
  return success();
}

/// Fails unless `value` is left out, a scalar, or has 1 dimension of size 1 or
/// of that size.
static LogicalResult checkOneOr(Loc loc, Value value, const Twine &name,
                                AffineExpr size) {
  RankedTensorType type = rankedType(value);
  if (!type || type.getRank() == 0)
    return success();
  if (type.getRank() > 1)
    return emitOptionalError(loc, name, " must have at most 1 dimension, got ",
                             type);
  AffineExpr count = getDims(type)[0];
  if (constantValue(count) == 1 || !size)
    return success();
  return checkSameSize(loc, ("the number of elements of " + name).str(), count,
                       "the number of columns", size);
}

/// Fails unless the scale `prefix`_scale and the zero point `prefix`_zero_point
/// are one of each, the zero point of the element type of x. `quantizes`: x is
/// divided by the scale.
static LogicalResult checkParameters(Loc loc, Value x, StringRef nameX,
                                     Value scale, Value zero,
                                     const Twine &prefix,
                                     bool quantizes = true) {
  std::string scaleName = (prefix + "_scale").str();
  std::string zeroName = (prefix + "_zero_point").str();
  if (failed(checkElementType(loc, scale, scaleName, isSingle)) ||
      failed(checkOneElement(loc, scaleName, scale)) ||
      failed(checkScaleValues(loc, scale, scaleName, quantizes)) ||
      failed(checkSameElementType(loc, x, nameX, zero, zeroName)))
    return failure();
  return isNone(zero) ? success() : checkOneElement(loc, zeroName, zero);
}

/// The same for x made of bytes.
static LogicalResult checkQuantized(Loc loc, Value x, StringRef nameX,
                                    Value scale, Value zero,
                                    const Twine &prefix) {
  if (failed(checkElementType(loc, x, nameX, isByte)))
    return failure();
  return checkParameters(loc, x, nameX, scale, zero, prefix,
                         /*quantizes=*/false);
}

/// Adds a type that was inferred.
static LogicalResult add(FailureOr<TensorType> type, Types &types) {
  if (failed(type))
    return failure();
  types.push_back(*type);
  return success();
}

//===----------------------------------------------------------------------===//
// Functions of quantized tensors
//===----------------------------------------------------------------------===//

template <typename Adaptor>
static LogicalResult inferBinary(Loc loc, Adaptor op, Types &types) {
  Value a = op.getA(), b = op.getB();
  if (failed(checkQuantized(loc, a, "A", op.getAScale(), op.getAZeroPoint(),
                            "A")) ||
      failed(checkSameElementType(loc, a, "A", b, "B")) ||
      failed(checkQuantized(loc, b, "B", op.getBScale(), op.getBZeroPoint(),
                            "B")) ||
      failed(checkParameters(loc, a, "A", op.getCScale(), op.getCZeroPoint(),
                             "C")))
    return failure();
  return inferElementwise(loc, {a.getType(), b.getType()}, {}, types);
}

LogicalResult QLinearAddOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op,
                                             Types &types) {
  return inferBinary(loc, op, types);
}

LogicalResult QLinearMulOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op,
                                             Types &types) {
  return inferBinary(loc, op, types);
}

/// Checks X, X_scale, X_zero_point, Y_scale and Y_zero_point, spelled with `x`
/// and `y`.
template <typename Adaptor>
static LogicalResult checkUnary(Loc loc, Adaptor op, StringRef x, StringRef y) {
  if (failed(checkQuantized(loc, op.getX(), "X", op.getXScale(),
                            op.getXZeroPoint(), x)))
    return failure();
  return checkParameters(loc, op.getX(), "X", op.getYScale(),
                         op.getYZeroPoint(), y);
}

LogicalResult QLinearSigmoidOp::inferReturnTypes(MLIRContext *, Loc loc,
                                                 Adaptor op, Types &types) {
  types.push_back(op.getX().getType());
  return checkUnary(loc, op, "X", "Y");
}

LogicalResult QLinearLeakyReluOp::inferReturnTypes(MLIRContext *, Loc loc,
                                                   Adaptor op, Types &types) {
  types.push_back(op.getX().getType());
  return checkUnary(loc, op, "X", "Y");
}

LogicalResult QLinearSoftmaxOp::inferReturnTypes(MLIRContext *, Loc loc,
                                                 Adaptor op, Types &types) {
  RankedTensorType x = rankedType(op.getX());
  if (failed(checkUnary(loc, op, "X", "y")) ||
      (x && failed(normalizeAxis(loc, op.getAxis(), x.getRank()))))
    return failure();
  if (int64_t opset = op.getOpset(); opset < 1)
    return emitOptionalError(loc, "opset ", opset, " is less than 1");
  types.push_back(op.getX().getType());
  return success();
}

LogicalResult QLinearReduceMeanOp::inferReturnTypes(MLIRContext *, Loc loc,
                                                    Adaptor op, Types &types) {
  Value data = op.getData();
  if (failed(checkQuantized(loc, data, "data", op.getDataScale(),
                            op.getDataZeroPoint(), "data")) ||
      failed(checkParameters(loc, data, "data", op.getReducedScale(),
                             op.getReducedZeroPoint(), "reduced")))
    return failure();
  RankedTensorType type = rankedType(data);
  if (!type)
    return addUnranked(elementTypeOf(data), types);
  auto axes = normalizeAxes(loc, op.getAxes(), type.getRank());
  if (failed(axes))
    return failure();
  if (axes->empty())
    axes->append(llvm::to_vector(llvm::seq<int64_t>(type.getRank())));
  return addResult(loc, reducedDims(type, *axes, op.getKeepdims() != 0),
                   type.getElementType(), types);
}

/// The type with its last dimension at place 1, or that one last again.
static RankedTensorType moveChannels(RankedTensorType type, bool toFront) {
  if (!type || type.getRank() < 2)
    return type;
  Dims dims = getDims(type);
  if (toFront)
    std::rotate(dims.begin() + 1, dims.end() - 1, dims.end());
  else
    std::rotate(dims.begin() + 1, dims.begin() + 2, dims.end());
  return tensorOf(dims, type.getElementType());
}

LogicalResult QLinearGlobalAveragePoolOp::inferReturnTypes(MLIRContext *context,
                                                           Loc loc, Adaptor op,
                                                           Types &types) {
  if (failed(checkUnary(loc, op, "x", "y")))
    return failure();
  RankedTensorType x = rankedType(op.getX());
  if (!x)
    return addUnranked(elementTypeOf(op.getX()), types);
  if (x.getRank() < 3)
    return emitOptionalError(loc, "X must have at least 3 dimensions, got ", x);
  Dims dims = getDims(x);
  MutableArrayRef<AffineExpr> spatial(dims);
  spatial = op.getChannelsLast() ? spatial.drop_front(1).drop_back(1)
                                 : spatial.drop_front(2);
  llvm::fill(spatial, constantDim(1, context));
  return addResult(loc, dims, x.getElementType(), types);
}

LogicalResult QLinearAveragePoolOp::inferReturnTypes(MLIRContext *, Loc loc,
                                                     Adaptor op, Types &types) {
  if (failed(checkUnary(loc, op, "x", "y")))
    return failure();
  WindowAttributes attributes = commonAttributes(op);
  attributes.autoPad = op.getAutoPad();
  attributes.ceilMode = op.getCeilMode() != 0;
  RankedTensorType x = rankedType(op.getX());
  if (op.getChannelsLast())
    x = moveChannels(x, /*toFront=*/true);
  auto type = poolType(loc, x, attributes, elementTypeOf(op.getX()));
  if (succeeded(type) && op.getChannelsLast())
    if (auto ranked = dyn_cast<RankedTensorType>(*type))
      *type = moveChannels(ranked, /*toFront=*/false);
  return add(type, types);
}

LogicalResult QLinearConcatOp::inferReturnTypes(MLIRContext *, Loc loc,
                                                Adaptor op, Types &types) {
  ValueRange inputs = op.getInputs();
  if (inputs.empty() || inputs.size() % 3)
    return emitOptionalError(loc,
                             "needs triples of a tensor, its scale and "
                             "its zero point, got ",
                             inputs.size(), " inputs");
  Value zero = op.getYZeroPoint();
  if (failed(checkElementType(loc, zero, "Y_zero_point", isByte)) ||
      failed(checkParameters(loc, zero, "Y", op.getYScale(), zero, "Y")))
    return failure();
  SmallVector<Value> tensors;
  for (size_t i = 0; i < inputs.size(); i += 3) {
    std::string name = "input " + std::to_string(i / 3);
    if (failed(checkQuantized(loc, inputs[i], name, inputs[i + 1],
                              inputs[i + 2], name)))
      return failure();
    tensors.push_back(inputs[i]);
  }
  return addConcatenation(loc, tensors, op.getAxis(), elementTypeOf(zero),
                          types);
}

LogicalResult QLinearWhereOp::inferReturnTypes(MLIRContext *, Loc loc,
                                               Adaptor op, Types &types) {
  Value x = op.getX(), y = op.getY();
  if (failed(checkQuantized(loc, x, "X", op.getXScale(), op.getXZeroPoint(),
                            "x")) ||
      failed(checkSameElementType(loc, x, "X", y, "Y")) ||
      failed(checkQuantized(loc, y, "Y", op.getYScale(), op.getYZeroPoint(),
                            "y")) ||
      failed(checkParameters(loc, x, "X", op.getZScale(), op.getZZeroPoint(),
                             "z")))
    return failure();
  return add(broadcastType(
                 loc, {op.getCondition().getType(), x.getType(), y.getType()},
                 elementTypeOf(x)),
             types);
}

//===----------------------------------------------------------------------===//
// Quantized matrix products
//===----------------------------------------------------------------------===//

/// The number of columns of a matrix or stack of matrices, null if unknown.
static AffineExpr columnsOf(Value matrix, bool isTransposed = false) {
  RankedTensorType type = rankedType(matrix);
  if (!type || type.getRank() < 2)
    return {};
  return getDims(type)[type.getRank() - (isTransposed ? 2 : 1)];
}

/// Fails unless b_scale and b_zero_point are one for all or one per column.
static LogicalResult checkPerColumn(Loc loc, Value b, Value scale, Value zero,
                                    AffineExpr columns) {
  if (failed(checkElementType(loc, b, "B", isByte)) ||
      failed(checkSameElementType(loc, b, "B", zero, "b_zero_point")) ||
      failed(checkOneOr(loc, scale, "b_scale", columns)) ||
      failed(checkScaleValues(loc, scale, "b_scale")))
    return failure();
  return checkOneOr(loc, zero, "b_zero_point", columns);
}

LogicalResult QGemmOp::inferReturnTypes(MLIRContext *context, Loc loc,
                                        Adaptor op, Types &types) {
  Value a = op.getA(), b = op.getB(), c = op.getC(), zeroY = op.getYZeroPoint();
  if (failed(checkQuantized(loc, a, "A", op.getAScale(), op.getAZeroPoint(),
                            "a")) ||
      failed(checkElementType(loc, op.getBScale(), "b_scale", isSingle)) ||
      failed(checkPerColumn(loc, b, op.getBScale(), op.getBZeroPoint(),
                            columnsOf(b, op.getTransB() != 0))) ||
      failed(checkElementType(
          loc, c, "C", [](Type type) { return type.isSignlessInteger(32); })))
    return failure();
  Type element = Float32Type::get(context);
  if (isNone(op.getYScale()) != isNone(zeroY))
    return emitOptionalError(
        loc, "y_scale and y_zero_point must be given both or neither");
  if (!isNone(zeroY)) {
    element = elementTypeOf(zeroY);
    if (failed(checkElementType(loc, zeroY, "y_zero_point", isByte)) ||
        failed(checkParameters(loc, zeroY, "Y", op.getYScale(), zeroY, "y")))
      return failure();
  }
  return add(gemmType(loc, rankedType(a), rankedType(b), rankedType(c),
                      op.getTransA() != 0, op.getTransB() != 0, element),
             types);
}

/// Fails unless `bias` is left out or a vector of that length.
static LogicalResult checkVector(Loc loc, Value bias, StringRef name,
                                 AffineExpr length) {
  RankedTensorType type = rankedType(bias);
  if (!type)
    return success();
  if (type.getRank() != 1)
    return emitOptionalError(loc, name, " must have 1 dimension, got ", type);
  if (!length)
    return success();
  return checkSameSize(loc, ("the number of elements of " + name).str(),
                       getDims(type)[0], "the number of columns", length);
}

LogicalResult MatMulIntegerToFloatOp::inferReturnTypes(MLIRContext *, Loc loc,
                                                       Adaptor op,
                                                       Types &types) {
  Value a = op.getA(), b = op.getB();
  Value scaleA = op.getAScale(), scaleB = op.getBScale();
  AffineExpr columns = columnsOf(b);
  if (failed(checkElementType(loc, a, "A", isByte)) ||
      failed(checkSameElementType(loc, a, "A", op.getAZeroPoint(),
                                  "a_zero_point")) ||
      failed(checkOneElement(loc, "a_zero_point", op.getAZeroPoint())) ||
      failed(checkElementType(loc, scaleA, "a_scale", isSingleOrHalf)) ||
      failed(checkOneElement(loc, "a_scale", scaleA)) ||
      failed(checkScaleValues(loc, scaleA, "a_scale")) ||
      failed(checkSameElementType(loc, scaleA, "a_scale", scaleB, "b_scale")) ||
      failed(
          checkSameElementType(loc, scaleA, "a_scale", op.getBias(), "bias")) ||
      failed(checkPerColumn(loc, b, scaleB, op.getBZeroPoint(), columns)) ||
      failed(checkVector(loc, op.getBias(), "bias", columns)))
    return failure();
  return add(
      matMulType(loc, rankedType(a), rankedType(b), elementTypeOf(scaleA)),
      types);
}

LogicalResult DynamicQuantizeMatMulOp::inferReturnTypes(MLIRContext *, Loc loc,
                                                        Adaptor op,
                                                        Types &types) {
  Value a = op.getA(), b = op.getB();
  AffineExpr columns = columnsOf(b);
  if (failed(checkElementType(loc, a, "A", isSingle)) ||
      failed(checkSameElementType(loc, a, "A", op.getBScale(), "b_scale")) ||
      failed(checkSameElementType(loc, a, "A", op.getBias(), "bias")) ||
      failed(checkPerColumn(loc, b, op.getBScale(), op.getBZeroPoint(),
                            columns)) ||
      failed(checkVector(loc, op.getBias(), "bias", columns)))
    return failure();
  return add(matMulType(loc, rankedType(a), rankedType(b), elementTypeOf(a)),
             types);
}

/// Fails unless a tensor of static shape has that many elements.
static LogicalResult checkCount(Loc loc, Value tensor, StringRef name,
                                int64_t expected) {
  RankedTensorType type = rankedType(tensor);
  if (!type || !type.hasStaticShape() || type.getNumElements() == expected)
    return success();
  return emitOptionalError(loc, name, " has ", type.getNumElements(),
                           " elements, expected ", expected, ", got ", type);
}

/// Fails unless the attributes of MatMulNBits describe a matrix.
static LogicalResult checkBlocks(Loc loc, MatMulNBitsOp::Adaptor op) {
  constexpr int64_t limit = int64_t(1) << 31;
  int64_t bits = op.getBits(), block = op.getBlockSize();
  if (bits != 2 && bits != 4 && bits != 8)
    return emitOptionalError(loc, "bits ", bits, " is none of 2, 4, 8");
  if (block < 16 || block > limit || !llvm::isPowerOf2_64(block))
    return emitOptionalError(loc, "block_size ", block,
                             " is not a power of 2 of at least 16");
  for (auto [name, size] :
       {std::pair("K", int64_t(op.getK())), std::pair("N", int64_t(op.getN()))})
    if (size < 1 || size > limit)
      return emitOptionalError(loc, name, " is ", size, ", not from 1 to ",
                               limit);
  return success();
}

LogicalResult MatMulNBitsOp::inferReturnTypes(MLIRContext *context, Loc loc,
                                              Adaptor op, Types &types) {
  Value a = op.getA(), zeros = op.getZeroPoints();
  Type element = elementTypeOf(a);
  auto isFloat = [](Type type) { return isRealFloat(type) && !type.isF64(); };
  auto isUInt8 = [](Type type) { return type.isUnsignedInteger(8); };
  auto isInt32 = [](Type type) { return type.isSignlessInteger(32); };
  if (failed(checkElementType(loc, a, "A", isFloat)) ||
      failed(checkElementType(loc, op.getB(), "B", isUInt8)) ||
      failed(checkSameElementType(loc, a, "A", op.getScales(), "scales")) ||
      failed(checkElementType(loc, op.getGIdx(), "g_idx", isInt32)) ||
      failed(checkSameElementType(loc, a, "A", op.getBias(), "bias")) ||
      failed(checkBlocks(loc, op)))
    return failure();
  bool packed = !isNone(zeros) && isUInt8(elementTypeOf(zeros));
  if (!packed &&
      failed(checkSameElementType(loc, a, "A", zeros, "zero_points")))
    return failure();
  int64_t k = op.getK(), n = op.getN(), block = op.getBlockSize();
  int64_t blocks = llvm::divideCeil(k, block), bits = op.getBits();
  int64_t zerosPerColumn = packed ? llvm::divideCeil(blocks * bits, 8) : blocks;
  AffineExpr columns = constantDim(n, context);
  if (failed(checkCount(loc, op.getB(), "B", n * blocks * block / 8 * bits)) ||
      failed(checkCount(loc, op.getScales(), "scales", n * blocks)) ||
      failed(checkCount(loc, zeros, "zero_points", n * zerosPerColumn)) ||
      failed(checkVector(loc, op.getBias(), "bias", columns)))
    return failure();
  RankedTensorType matrix =
      tensorOf({constantDim(k, context), columns}, element);
  return add(matMulType(loc, rankedType(a), matrix, element), types);
}

//===----------------------------------------------------------------------===//
// Fused float operators
//===----------------------------------------------------------------------===//

LogicalResult BiasGeluOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op,
                                           Types &types) {
  return inferElementwise(loc, {op.getA().getType(), op.getB().getType()}, {},
                          types);
}

LogicalResult FastGeluOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op,
                                           Types &types) {
  return inferElementwise(loc, {op.getX().getType(), op.getBias().getType()},
                          {}, types);
}

/// The type of an operand of FusedMatMul as it is multiplied.
static FailureOr<RankedTensorType> fusedOperand(Loc loc, Value operand,
                                                StringRef name, bool transBatch,
                                                bool transposed) {
  RankedTensorType type = rankedType(operand);
  if (!type)
    return type;
  Dims dims = getDims(type);
  if (transBatch) {
    if (dims.size() < 3)
      return emitOptionalError(loc, name, " has no batch dimension, got ",
                               type);
    std::rotate(dims.begin(), dims.begin() + 1, dims.end() - 1);
  }
  if (transposed && dims.size() > 1)
    std::swap(dims.back(), dims[dims.size() - 2]);
  return tensorOf(dims, type.getElementType());
}

LogicalResult FusedMatMulOp::inferReturnTypes(MLIRContext *, Loc loc,
                                              Adaptor op, Types &types) {
  if (failed(checkSameElementType(loc, op.getA(), "A", op.getB(), "B")))
    return failure();
  auto a = fusedOperand(loc, op.getA(), "A", op.getTransBatchA() != 0,
                        op.getTransA() != 0);
  auto b = fusedOperand(loc, op.getB(), "B", op.getTransBatchB() != 0,
                        op.getTransB() != 0);
  if (failed(a) || failed(b))
    return failure();
  return add(matMulType(loc, *a, *b, elementTypeOf(op.getA())), types);
}

LogicalResult FusedConvOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op,
                                            Types &types) {
  Value x = op.getX(), z = op.getZ();
  if (failed(checkSameElementType(loc, x, "X", op.getW(), "W")) ||
      failed(checkSameElementType(loc, x, "X", op.getB(), "B")) ||
      failed(checkSameElementType(loc, x, "X", z, "Z")))
    return failure();
  auto type = convType(loc, x, op.getW(), op.getB(), convAttributes(op),
                       op.getGroup(), elementTypeOf(x));
  if (succeeded(type) && !isNone(z) &&
      failed(verifyCompatibleShape(*type, z.getType())))
    return emitOptionalError(loc, "Z must have the shape of the result, got ",
                             z.getType(), " and ", *type);
  return add(type, types);
}

LogicalResult SkipLayerNormalizationOp::inferReturnTypes(MLIRContext *context,
                                                         Loc loc, Adaptor op,
                                                         Types &types) {
  Value input = op.getInput();
  for (auto [name, operand] :
       {std::pair("skip", op.getSkip()), std::pair("gamma", op.getGamma()),
        std::pair("beta", op.getBeta()), std::pair("bias", op.getBias())})
    if (failed(checkSameElementType(loc, input, "input", operand, name)))
      return failure();
  FailureOr<TensorType> sum =
      broadcastTo(loc, input.getType(), op.getSkip().getType());
  if (failed(sum))
    return failure();
  TensorType statistics = unrankedOf(Float32Type::get(context));
  if (auto ranked = dyn_cast<RankedTensorType>(*sum)) {
    if (ranked.getRank() < 2)
      return emitOptionalError(loc,
                               "input must have at least 2 dimensions, "
                               "got ",
                               ranked);
    Dims dims = getDims(ranked);
    if (failed(checkVector(loc, op.getGamma(), "gamma", dims.back())) ||
        failed(checkVector(loc, op.getBeta(), "beta", dims.back())) ||
        failed(checkVector(loc, op.getBias(), "bias", dims.back())))
      return failure();
    dims.back() = constantDim(1, context);
    statistics = tensorOf(dims, Float32Type::get(context));
  }
  types.append({*sum, statistics, statistics, *sum});
  return success();
}

namespace ingot::onnx {
void registerMicrosoftOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Microsoft.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
