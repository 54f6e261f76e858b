//===- Quant.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Quant.h"
#include "dialects/onnx/ElementTypes.h"
#include "dialects/onnx/RegisterOps.h"
#include "dialects/onnx/TypeChecks.h"

#define GET_OP_CLASSES
#include "dialects/onnx/Quant.cpp.inc"

using namespace mlir;
using namespace ingot::onnx;

/// The tensor type with the shape of `type` and another element type.
static TensorType withElement(Type type, Type element) {
  if (auto ranked = dyn_cast<RankedTensorType>(type))
    return tensorOf(getDims(ranked), element);
  return unrankedOf(element);
}

/// Fails unless `scale` has the shape of one of the three granularities.
static LogicalResult checkGranularity(std::optional<Location> loc,
                                      RankedTensorType x,
                                      RankedTensorType scale, int64_t axis,
                                      int64_t blockSize, StringRef name) {
  if (blockSize < 0)
    return emitOptionalError(loc, "block_size ", blockSize, " is negative");
  if (!x || !scale || scale.getRank() == 0)
    return success();
  Dims sizes = getDims(scale), dims = getDims(x);
  if (sizes.size() == 1 && constantValue(sizes[0]) == 1)
    return success();
  FailureOr<int64_t> at = normalizeAxis(loc, axis, x.getRank());
  if (failed(at))
    return failure();
  if (blockSize == 0) {
    if (sizes.size() != 1)
      return emitOptionalError(loc, name,
                               " must have at most 1 dimension "
                               "without block_size, got ",
                               scale);
    return checkSameSize(loc, ("the number of elements of " + name).str(),
                         sizes[0], "the size of the axis", dims[*at]);
  }
  if (sizes.size() != dims.size())
    return emitOptionalError(loc, name, " must have rank ", x.getRank(),
                             " with block_size, got ", scale);
  dims[*at] = dims[*at].ceilDiv(blockSize);
  for (size_t i = 0; i < dims.size(); ++i)
    if (failed(checkSameSize(
            loc, ("axis " + std::to_string(i) + " of " + name).str(), sizes[i],
            "the number of blocks", dims[i])))
      return failure();
  return success();
}

/// Fails unless the zero point, if there is one, is shaped as the scale.
static LogicalResult checkZeroPoint(std::optional<Location> loc,
                                    RankedTensorType scale, Value zeroPoint) {
  RankedTensorType type = rankedType(zeroPoint);
  if (!scale || !type)
    return success();
  bool areScalars = scale.getNumElements() == 1 && type.getNumElements() == 1;
  if (areScalars || succeeded(verifyCompatibleShape(scale, type)))
    return success();
  return emitOptionalError(loc,
                           "zero point and scale must have the same "
                           "shape, got ",
                           type, " and ", scale);
}

/// The element type that an attribute names by ONNX's number, null for 0.
static FailureOr<Type> namedType(std::optional<Location> loc,
                                 StringRef attribute, int64_t number,
                                 MLIRContext *context) {
  if (number == 0)
    return Type();
  Type type = elementTypeOf(number, context);
  if (!type || !type.isIntOrFloat())
    return emitOptionalError(loc, attribute, " ", number,
                             " is not a type the operator takes");
  return type;
}

/// Integers that numbers are quantized to, and floats of at most 8 bits.
static bool isQuantized(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.getWidth() > 1 && integer.getWidth() <= 16;
  return isa<FloatType>(type) && type.getIntOrFloatBitWidth() <= 8;
}

/// What DequantizeLinear takes: quantized numbers and int32.
static bool isDequantizable(Type type) {
  return isQuantized(type) || type.isSignlessInteger(32);
}

/// What QuantizeLinear takes: floats and int32.
static bool isQuantizable(Type type) {
  return isRealFloat(type) || type.isSignlessInteger(32);
}

LogicalResult QuantizeLinearOp::inferReturnTypes(MLIRContext *context,
                                                 std::optional<Location> loc,
                                                 Adaptor op,
                                                 SmallVectorImpl<Type> &types) {
  Value x = op.getX(), scale = op.getYScale(), zero = op.getYZeroPoint();
  if (failed(checkElementType(loc, x, "x", isQuantizable)) ||
      failed(checkGranularity(loc, rankedType(x), rankedType(scale),
                              op.getAxis(), op.getBlockSize(), "y_scale")) ||
      failed(checkZeroPoint(loc, rankedType(scale), zero)))
    return failure();
  for (double value : constantFloats(scale).value_or(SmallVector<double>()))
    if (value == 0)
      return emitOptionalError(loc, "y_scale is 0");
  auto named = namedType(loc, "output_dtype", op.getOutputDtype(), context);
  if (failed(named) ||
      failed(namedType(loc, "precision", op.getPrecision(), context)))
    return failure();
  Type element = *named;
  if (!isNone(zero)) {
    Type ofZero = getElementTypeOrSelf(zero.getType());
    if (element && element != ofZero)
      return emitOptionalError(loc, "output_dtype is ", element,
                               " but y_zero_point has element type ", ofZero);
    element = ofZero;
  }
  if (!element)
    element = IntegerType::get(context, 8, IntegerType::Unsigned);
  if (!isQuantized(element))
    return emitOptionalError(loc, "cannot quantize to ", element);
  types.push_back(withElement(x.getType(), element));
  return success();
}

LogicalResult
DequantizeLinearOp::inferReturnTypes(MLIRContext *context,
                                     std::optional<Location> loc, Adaptor op,
                                     SmallVectorImpl<Type> &types) {
  Value x = op.getX(), scale = op.getXScale(), zero = op.getXZeroPoint();
  if (failed(checkElementType(loc, x, "x", isDequantizable)) ||
      failed(checkGranularity(loc, rankedType(x), rankedType(scale),
                              op.getAxis(), op.getBlockSize(), "x_scale")) ||
      failed(checkZeroPoint(loc, rankedType(scale), zero)) ||
      failed(checkSameElementType(loc, x, "x", zero, "x_zero_point")))
    return failure();
  auto named = namedType(loc, "output_dtype", op.getOutputDtype(), context);
  if (failed(named))
    return failure();
  Type element = *named ? *named : getElementTypeOrSelf(scale.getType());
  if (!isRealFloat(element))
    return emitOptionalError(loc, "result would have element type ", element);
  types.push_back(withElement(x.getType(), element));
  return success();
}

LogicalResult DynamicQuantizeLinearOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> loc, Adaptor op,
    SmallVectorImpl<Type> &types) {
  if (failed(checkElementType(loc, op.getX(), "x",
                              [](Type type) { return type.isF32(); })))
    return failure();
  Type byte = IntegerType::get(context, 8, IntegerType::Unsigned);
  types.push_back(withElement(op.getX().getType(), byte));
  types.push_back(tensorOf({}, Float32Type::get(context)));
  types.push_back(tensorOf({}, byte));
  return success();
}

namespace ingot::onnx {
void registerQuantOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Quant.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
