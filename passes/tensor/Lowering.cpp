//===- Lowering.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/Lowering.h"
#include "dialects/onnx/Float8.h"

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace ingot;

bool ingot::isComputable(Type elementType) {
  return onnx::isTensorOf(RankedTensorType::get({}, elementType),
                          onnx::NumberElements | onnx::BoolElements);
}

Value ingot::toCompute(OpBuilder &b, Location loc, Value v) {
  Type type = computeType(v.getType());
  if (type == v.getType())
    return v;
  if (isa<FloatType>(type))
    return arith::ExtFOp::create(b, loc, type, v);
  return UnrealizedConversionCastOp::create(b, loc, type, v).getResult(0);
}

Value ingot::fromCompute(OpBuilder &b, Location loc, Value v,
                         Type elementType) {
  if (v.getType() == elementType)
    return v;
  if (isa<FloatType>(elementType) && isa<FloatType>(v.getType()))
    return arith::TruncFOp::create(b, loc, elementType, v);
  return UnrealizedConversionCastOp::create(b, loc, elementType, v)
      .getResult(0);
}

Value ingot::indexConstant(OpBuilder &b, Location loc, int64_t v) {
  return arith::ConstantIndexOp::create(b, loc, v);
}

Value ingot::constantLike(OpBuilder &b, Location loc, Type type, double v) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, v));
  return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, int64_t(v)));
}

Value ingot::integerConstant(OpBuilder &b, Location loc, Type type, int64_t v) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return arith::ConstantOp::create(
        b, loc,
        b.getIntegerAttr(type, APInt(integer.getWidth(), uint64_t(v),
                                     /*isSigned=*/true,
                                     /*implicitTrunc=*/true)));
  return constantLike(b, loc, type, double(v));
}

static Value extremeValue(OpBuilder &b, Location loc, Type type,
                          bool isUnsigned, bool highest) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(
        b, loc,
        b.getFloatAttr(
            type, APFloat::getInf(floatType.getFloatSemantics(), !highest)));
  unsigned width = type.getIntOrFloatBitWidth();
  // A bool is ordered false < true, as an unsigned number is.
  bool plain = isUnsigned || width == 1;
  APInt value = highest ? (plain ? APInt::getMaxValue(width)
                                 : APInt::getSignedMaxValue(width))
                        : (plain ? APInt::getMinValue(width)
                                 : APInt::getSignedMinValue(width));
  return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, value));
}

Value ingot::lowestValue(OpBuilder &b, Location loc, Type type,
                         bool isUnsigned) {
  return extremeValue(b, loc, type, isUnsigned, /*highest=*/false);
}

Value ingot::highestValue(OpBuilder &b, Location loc, Type type,
                          bool isUnsigned) {
  return extremeValue(b, loc, type, isUnsigned, /*highest=*/true);
}

Value ingot::extent(OpBuilder &b, Location loc, AffineExpr dim) {
  if (std::optional<int64_t> size = onnx::constantValue(dim))
    return indexConstant(b, loc, *size);
  return kernel::ExtentOp::create(b, loc, b.getIndexType(),
                                  onnx::DimsAttr::get(b.getContext(), dim));
}

Value ingot::extent(OpBuilder &b, Location loc, Value tensor, int64_t axis) {
  auto type = cast<RankedTensorType>(tensor.getType());
  return extent(b, loc, onnx::getDims(type)[axis]);
}

Value ingot::emptyTensor(OpBuilder &b, Location loc, RankedTensorType type) {
  return kernel::EmptyOp::create(b, loc, type);
}

Value Body::index(unsigned d) { return linalg::IndexOp::create(b, loc, d); }

Type ingot::movedType(Type elementType) {
  // Floats of 4 and 8 bits are moved as the bytes that hold them.
  if (onnx::float8Type(elementType))
    return IntegerType::get(elementType.getContext(), 8);
  auto integer = dyn_cast<IntegerType>(elementType);
  return integer ? IntegerType::get(integer.getContext(), integer.getWidth())
                 : elementType;
}

/// An element as the body sees it: in its compute type, or its moved type.
static Value toBody(const Body &at, Value v) {
  if (!at.moves || isa<IntegerType>(v.getType()))
    return toCompute(at.b, at.loc, v);
  Type moved = movedType(v.getType());
  if (moved != v.getType())
    return UnrealizedConversionCastOp::create(at.b, at.loc, moved, v)
        .getResult(0);
  return v;
}

Value Body::load(Value tensor, ValueRange indices) {
  return toBody(*this, tensor::ExtractOp::create(b, loc, tensor, indices));
}

/// The generic of compute() and moveElements().
static Value elementwise(OpBuilder &b, Location loc, RankedTensorType out,
                         ValueRange ins, ArrayRef<AffineMap> maps, bool moves,
                         function_ref<Value(Body &)> body) {
  // Nothing to compute, and no index map could be in bounds.
  if (llvm::is_contained(out.getShape(), 0))
    return emptyTensor(b, loc, out);
  // A map from no loops to dimensions of size 1 is none that linalg takes: a
  // single element is seen as a scalar.
  SmallVector<AffineMap> allMaps(maps);
  SmallVector<Value> operands(ins);
  if (out.getRank() == 0)
    for (auto [operand, map] : llvm::zip(operands, allMaps)) {
      auto type = cast<RankedTensorType>(operand.getType());
      operand = reshape(b, loc, operand,
                        RankedTensorType::get({}, type.getElementType()));
      map = AffineMap::get(0, 0, {}, b.getContext());
    }
  ins = operands;
  allMaps.push_back(b.getMultiDimIdentityMap(out.getRank()));
  SmallVector<utils::IteratorType> loops(out.getRank(),
                                         utils::IteratorType::parallel);
  Value init = emptyTensor(b, loc, out);
  auto generic = linalg::GenericOp::create(
      b, loc, TypeRange(out), ins, init, allMaps, loops,
      [&](OpBuilder &nested, Location nestedLoc, ValueRange args) {
        Body at{nested, nestedLoc, {}, moves};
        for (Value arg : args.drop_back())
          at.args.push_back(toBody(at, arg));
        Value result = body(at);
        // An element that only moves stays as it is, which tells passes so.
        auto cast = result.getDefiningOp<UnrealizedConversionCastOp>();
        if (cast && cast.getOperand(0).getType() == out.getElementType()) {
          linalg::YieldOp::create(nested, nestedLoc, cast.getOperand(0));
          if (cast->use_empty())
            cast->erase();
          return;
        }
        linalg::YieldOp::create(
            nested, nestedLoc,
            fromCompute(nested, nestedLoc, result, out.getElementType()));
      });
  return generic.getResult(0);
}

Value ingot::compute(OpBuilder &b, Location loc, RankedTensorType out,
                     ValueRange ins, ArrayRef<AffineMap> maps,
                     function_ref<Value(Body &)> body) {
  return elementwise(b, loc, out, ins, maps, /*moves=*/false, body);
}

Value ingot::moveElements(OpBuilder &b, Location loc, RankedTensorType out,
                          ValueRange ins, ArrayRef<AffineMap> maps,
                          function_ref<Value(Body &)> body) {
  return elementwise(b, loc, out, ins, maps, /*moves=*/true, body);
}

Value ingot::moveElements(OpBuilder &b, Location loc, RankedTensorType out,
                          Value in, AffineMap map) {
  return moveElements(b, loc, out, in, map,
                      [](Body &body) { return body.args[0]; });
}

Value ingot::compute(OpBuilder &b, Location loc, RankedTensorType out,
                     function_ref<Value(Body &)> body) {
  return compute(b, loc, out, ValueRange(), {}, body);
}

SmallVector<Value>
ingot::reduceMany(OpBuilder &b, Location loc, ArrayRef<RankedTensorType> outs,
                  ArrayRef<AffineExpr> reduced, ValueRange ins,
                  ArrayRef<AffineMap> maps, ValueRange inits,
                  function_ref<SmallVector<Value>(Body &, ValueRange)> body) {
  int64_t rank = outs.front().getRank();
  int64_t loops = rank + reduced.size();
  MLIRContext *context = b.getContext();
  SmallVector<AffineMap> allMaps(maps);
  SmallVector<Value> starts, operands(ins);
  // A generic must be able to tell the size of every loop from an operand: one
  // more operand without elements to read gives the reduced sizes.
  SmallVector<AffineExpr> reducedDims;
  for (size_t r = 0; r < reduced.size(); ++r)
    reducedDims.push_back(getAffineDimExpr(rank + r, context));
  operands.push_back(
      emptyTensor(b, loc, onnx::tensorOf(reduced, b.getI8Type())));
  allMaps.push_back(AffineMap::get(loops, 0, reducedDims, context));
  for (auto [type, init] : llvm::zip(outs, inits)) {
    Value stored = fromCompute(b, loc, init, type.getElementType());
    starts.push_back(
        linalg::FillOp::create(b, loc, stored, emptyTensor(b, loc, type))
            .getResult(0));
    SmallVector<AffineExpr> resultDims;
    for (int64_t d = 0; d < rank; ++d)
      resultDims.push_back(getAffineDimExpr(d, context));
    allMaps.push_back(AffineMap::get(loops, 0, resultDims, context));
  }
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.append(reduced.size(), utils::IteratorType::reduction);
  SmallVector<Type> types(outs.begin(), outs.end());
  auto generic = linalg::GenericOp::create(
      b, loc, types, operands, starts, allMaps, iterators,
      [&](OpBuilder &nested, Location nestedLoc, ValueRange args) {
        Body at{nested, nestedLoc, {}, /*moves=*/false};
        for (Value arg : args.take_front(ins.size()))
          at.args.push_back(toCompute(nested, nestedLoc, arg));
        SmallVector<Value> accumulators;
        for (Value arg : args.drop_front(ins.size() + 1))
          accumulators.push_back(toCompute(nested, nestedLoc, arg));
        SmallVector<Value> results = body(at, accumulators);
        for (auto [result, type] : llvm::zip(results, outs))
          result =
              fromCompute(nested, nestedLoc, result, type.getElementType());
        linalg::YieldOp::create(nested, nestedLoc, results);
      });
  return SmallVector<Value>(generic.getResults());
}

Value ingot::reduce(OpBuilder &b, Location loc, RankedTensorType out,
                    ArrayRef<AffineExpr> reduced, ValueRange ins,
                    ArrayRef<AffineMap> maps, Value init,
                    function_ref<Value(Body &, Value)> body) {
  return reduceMany(b, loc, out, reduced, ins, maps, init,
                    [&](Body &at, ValueRange accumulators) {
                      return SmallVector<Value>{body(at, accumulators[0])};
                    })
      .front();
}

SmallVector<Value>
ingot::foreach (OpBuilder &b, Location loc, ValueRange inits,
                ArrayRef<AffineExpr> extents,
                function_ref<void(OpBuilder &, ValueRange, ValueRange)> body) {
  auto op =
      kernel::ForeachOp::create(b, loc, inits.getTypes(), inits,
                                onnx::DimsAttr::get(b.getContext(), extents));
  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(&op.getBody());
  for (size_t i = 0; i < extents.size(); ++i)
    block->addArgument(b.getIndexType(), loc);
  for (Value init : inits)
    block->addArgument(init.getType(), loc);
  b.setInsertionPointToStart(block);
  ValueRange args = block->getArguments();
  body(b, args.take_front(extents.size()), args.drop_front(extents.size()));
  kernel::YieldOp::create(b, loc);
  return SmallVector<Value>(op.getResults());
}

AffineMap ingot::broadcastMap(RankedTensorType operand, int64_t rank,
                              int64_t loops) {
  MLIRContext *context = operand.getContext();
  SmallVector<AffineExpr> results;
  onnx::Dims dims = onnx::getDims(operand);
  int64_t offset = rank - operand.getRank();
  for (int64_t i = 0; i < operand.getRank(); ++i)
    results.push_back(onnx::constantValue(dims[i]) == 1
                          ? getAffineConstantExpr(0, context)
                          : getAffineDimExpr(offset + i, context));
  return AffineMap::get(loops, 0, results, context);
}

AffineMap ingot::broadcastMap(RankedTensorType operand, RankedTensorType result,
                              int64_t loops) {
  AffineMap map = broadcastMap(operand, result.getRank(), loops);
  int64_t offset = result.getRank() - operand.getRank();
  SmallVector<AffineExpr> results(map.getResults());
  for (auto [i, expr] : llvm::enumerate(results))
    if (isa<AffineConstantExpr>(expr) && result.getDimSize(offset + i) == 1)
      expr = getAffineDimExpr(offset + i, operand.getContext());
  return AffineMap::get(loops, 0, results, operand.getContext());
}

Value ingot::reshape(OpBuilder &b, Location loc, Value tensor,
                     RankedTensorType type) {
  if (tensor.getType() == type)
    return tensor;
  return kernel::ViewOp::create(b, loc, type, tensor, onnx::DimsAttr());
}

RankedTensorType ingot::rankedResult(Operation *op, unsigned i) {
  return dyn_cast<RankedTensorType>(op->getResult(i).getType());
}
