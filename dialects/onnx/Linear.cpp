//===- Linear.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Linear.h"
#include "dialects/onnx/Einsum.h"
#include "dialects/onnx/Infer.h"
#include "dialects/onnx/RegisterOps.h"

#define GET_OP_CLASSES
#include "dialects/onnx/Linear.cpp.inc"

using namespace mlir;
using namespace ingot::onnx;

/// Floats and 32- or 64-bit integers.
static bool isMultiplied(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  return isRealFloat(type) || (integer && integer.getWidth() >= 32);
}

/// Floats and all integers but bool.
static bool isNumber(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  return isRealFloat(type) || (integer && integer.getWidth() >= 8);
}

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

FailureOr<TensorType> ingot::onnx::matMulType(std::optional<Location> loc,
                                              RankedTensorType a,
                                              RankedTensorType b,
                                              Type element) {
  if (!a || !b)
    return unrankedOf(element);
  if (a.getRank() == 0 || b.getRank() == 0)
    return emitOptionalError(loc, "operands must not be scalars, got ", a,
                             " and ", b);
  Dims dimsA = getDims(a), dimsB = getDims(b);
  bool isRow = dimsA.size() == 1, isColumn = dimsB.size() == 1;
  AffineExpr depthB = isColumn ? dimsB[0] : dimsB[dimsB.size() - 2];
  if (failed(checkSameSize(loc, "the number of columns of A", dimsA.back(),
                           "the number of rows of B", depthB)))
    return failure();
  ArrayRef<AffineExpr> batchA(dimsA), batchB(dimsB);
  FailureOr<Dims> out = broadcast(batchA.drop_back(isRow ? 1 : 2),
                                  batchB.drop_back(isColumn ? 1 : 2));
  if (failed(out))
    return emitOptionalError(loc, "batch dimensions do not broadcast: ", a,
                             " and ", b);
  if (!isRow)
    out->push_back(dimsA[dimsA.size() - 2]);
  if (!isColumn)
    out->push_back(dimsB.back());
  return TensorType(tensorOf(*out, element));
}

/// The result type of the matrix product of two values.
static FailureOr<TensorType> inferMatMul(std::optional<Location> loc, Value a,
                                         Value b, Type element) {
  return matMulType(loc, rankedType(a), rankedType(b), element);
}

LogicalResult MatMulOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor op,
                                         SmallVectorImpl<Type> &types) {
  if (failed(checkElementType(loc, op.getA(), "A", isMultiplied)) ||
      failed(checkSameElementType(loc, op.getA(), "A", op.getB(), "B")))
    return failure();
  auto type = inferMatMul(loc, op.getA(), op.getB(),
                          getElementTypeOrSelf(op.getA().getType()));
  if (failed(type))
    return failure();
  types.push_back(*type);
  return success();
}

/// Fails unless `zeroPoint` (of an operand with those dims, whose last but
/// `fromEnd` dimension it follows) is a scalar, has one element, or one per
/// index of that dimension (and of the batch dimensions).
static LogicalResult checkZeroPoint(std::optional<Location> loc,
                                    Value zeroPoint, StringRef name,
                                    RankedTensorType operand, int64_t fromEnd) {
  RankedTensorType type = rankedType(zeroPoint);
  if (!type || !operand || type.getRank() == 0)
    return success();
  Dims dims = getDims(type), of = getDims(operand);
  int64_t followed = int64_t(of.size()) - fromEnd;
  AffineExpr size =
      followed >= 0 ? of[followed] : constantDim(1, operand.getContext());
  if (type.getRank() == 1) {
    if (constantValue(dims[0]) == 1)
      return success();
    return checkSameSize(loc, ("the number of elements of " + name).str(),
                         dims[0], "the size it is given for", size);
  }
  if (dims.size() == of.size() && succeeded(broadcast(dims, of)) &&
      *broadcast(dims, of) == of)
    return success();
  return emitOptionalError(loc, name,
                           " must be a scalar, have 1 dimension or "
                           "broadcast to the operand, got ",
                           type, " for ", operand);
}

LogicalResult MatMulIntegerOp::inferReturnTypes(MLIRContext *context,
                                                std::optional<Location> loc,
                                                Adaptor op,
                                                SmallVectorImpl<Type> &types) {
  Value a = op.getA(), b = op.getB();
  Value zeroA = op.getAZeroPoint(), zeroB = op.getBZeroPoint();
  if (failed(checkElementType(loc, a, "A", isByte)) ||
      failed(checkElementType(loc, b, "B", isByte)) ||
      failed(checkSameElementType(loc, a, "A", zeroA, "a_zero_point")) ||
      failed(checkSameElementType(loc, b, "B", zeroB, "b_zero_point")) ||
      failed(checkZeroPoint(loc, zeroA, "a_zero_point", rankedType(a), 2)) ||
      failed(checkZeroPoint(loc, zeroB, "b_zero_point", rankedType(b), 1)))
    return failure();
  auto type = inferMatMul(loc, a, b, IntegerType::get(context, 32));
  if (failed(type))
    return failure();
  types.push_back(*type);
  return success();
}

LogicalResult QLinearMatMulOp::inferReturnTypes(MLIRContext *,
                                                std::optional<Location> loc,
                                                Adaptor op,
                                                SmallVectorImpl<Type> &types) {
  Value a = op.getA(), b = op.getB(), zeroY = op.getYZeroPoint();
  Value zeroA = op.getAZeroPoint(), zeroB = op.getBZeroPoint();
  RankedTensorType typeA = rankedType(a), typeB = rankedType(b);
  if (failed(checkElementType(loc, a, "a", isByte)) ||
      failed(checkElementType(loc, b, "b", isByte)) ||
      failed(checkElementType(loc, zeroY, "y_zero_point", isByte)) ||
      failed(checkSameElementType(loc, a, "a", zeroA, "a_zero_point")) ||
      failed(checkSameElementType(loc, b, "b", zeroB, "b_zero_point")) ||
      failed(checkZeroPoint(loc, zeroA, "a_zero_point", typeA, 2)) ||
      failed(checkZeroPoint(loc, op.getAScale(), "a_scale", typeA, 2)) ||
      failed(checkZeroPoint(loc, zeroB, "b_zero_point", typeB, 1)) ||
      failed(checkZeroPoint(loc, op.getBScale(), "b_scale", typeB, 1)))
    return failure();
  auto type = inferMatMul(loc, a, b, getElementTypeOrSelf(zeroY.getType()));
  if (failed(type))
    return failure();
  types.push_back(*type);
  return success();
}

FailureOr<TensorType> ingot::onnx::gemmType(std::optional<Location> loc,
                                            RankedTensorType a,
                                            RankedTensorType b,
                                            RankedTensorType c, bool transA,
                                            bool transB, Type element) {
  if (!a || !b)
    return unrankedOf(element);
  if (a.getRank() != 2 || b.getRank() != 2)
    return emitOptionalError(loc, "A and B must have 2 dimensions, got ", a,
                             " and ", b);
  Dims dimsA = getDims(a), dimsB = getDims(b);
  if (transA)
    std::swap(dimsA[0], dimsA[1]);
  if (transB)
    std::swap(dimsB[0], dimsB[1]);
  if (failed(checkSameSize(loc, "the number of columns of A'", dimsA[1],
                           "the number of rows of B'", dimsB[0])))
    return failure();
  Dims out = {dimsA[0], dimsB[1]};
  TensorType type = tensorOf(out, element);
  if (!c)
    return type;
  FailureOr<Dims> both = broadcast(out, getDims(c));
  if (failed(both) || both->size() != 2 ||
      failed(checkSameSize(std::nullopt, "", (*both)[0], "", out[0])) ||
      failed(checkSameSize(std::nullopt, "", (*both)[1], "", out[1])))
    return emitOptionalError(loc, "C does not broadcast to the result: ", c,
                             " and ", type);
  return type;
}

LogicalResult GemmOp::inferReturnTypes(MLIRContext *,
                                       std::optional<Location> loc, Adaptor op,
                                       SmallVectorImpl<Type> &types) {
  if (failed(checkElementType(loc, op.getA(), "A", isMultiplied)) ||
      failed(checkSameElementType(loc, op.getA(), "A", op.getB(), "B")) ||
      failed(checkSameElementType(loc, op.getA(), "A", op.getC(), "C")))
    return failure();
  FailureOr<TensorType> type =
      gemmType(loc, rankedType(op.getA()), rankedType(op.getB()),
               rankedType(op.getC()), op.getTransA() != 0, op.getTransB() != 0,
               getElementTypeOrSelf(op.getA().getType()));
  if (failed(type))
    return failure();
  types.push_back(*type);
  return success();
}

//===----------------------------------------------------------------------===//
// Others
//===----------------------------------------------------------------------===//

LogicalResult EinsumOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor op,
                                         SmallVectorImpl<Type> &types) {
  if (op.getInputs().empty())
    return emitOptionalError(loc, "needs at least one operand");
  if (!op.getEquationAttr())
    return failure(); // the verifier says so
  Type element = getElementTypeOrSelf(op.getInputs()[0].getType());
  SmallVector<RankedTensorType> operands;
  for (Value operand : op.getInputs()) {
    if (failed(checkElementType(loc, operand, "an operand", isNumber)) ||
        failed(checkSameElementType(loc, op.getInputs()[0], "the first operand",
                                    operand, "another")))
      return failure();
    if (RankedTensorType type = rankedType(operand))
      operands.push_back(type);
  }
  if (operands.size() != op.getInputs().size()) {
    types.push_back(unrankedOf(element));
    return success();
  }
  auto equation = parseEinsum(loc, op.getEquation(), operands);
  if (failed(equation))
    return failure();
  ArrayRef<AffineExpr> sizes(equation->sizes);
  types.push_back(tensorOf(sizes.take_front(equation->resultRank), element));
  return success();
}

LogicalResult DetOp::inferReturnTypes(MLIRContext *,
                                      std::optional<Location> loc, Adaptor op,
                                      SmallVectorImpl<Type> &types) {
  if (failed(checkElementType(loc, op.getX(), "X", isRealFloat)))
    return failure();
  RankedTensorType x = rankedType(op.getX());
  if (!x) {
    types.push_back(unrankedOf(getElementTypeOrSelf(op.getX().getType())));
    return success();
  }
  if (x.getRank() < 2)
    return emitOptionalError(loc, "X must have at least 2 dimensions, got ", x);
  Dims dims = getDims(x);
  if (failed(checkSameSize(loc, "the number of rows of X",
                           dims[dims.size() - 2], "the number of columns",
                           dims.back())))
    return failure();
  types.push_back(
      tensorOf(ArrayRef<AffineExpr>(dims).drop_back(2), x.getElementType()));
  return success();
}

namespace ingot::onnx {
void registerLinearOps(Dialect &dialect) {
  registerOps<
#define GET_OP_LIST
#include "dialects/onnx/Linear.cpp.inc"
      >(dialect);
}
} // namespace ingot::onnx
