//===- KernelContext.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/loop/KernelContext.h"
#include "dialects/onnx/Float8.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

#include <numeric>

using namespace mlir;
using namespace ingot;

Type ingot::storageType(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return IntegerType::get(type.getContext(),
                            std::max(integer.getWidth(), 8u));
  // LLVM moves bf16 through f32 where the processor has no bf16, with calls of
  // a library; as integers they are moved as they are.
  if (type.isBF16())
    return IntegerType::get(type.getContext(), 16);
  // LLVM has no floats of 8 bits.
  if (onnx::float8Type(type))
    return IntegerType::get(type.getContext(), 8);
  return type;
}

/// True for the 2- and 4-bit integers, which take a byte each in memory.
static bool isNarrow(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  return integer && integer.getWidth() > 1 && integer.getWidth() < 8;
}

/// That element type, or a vector of it as long as `type`, if that is one.
static Type withElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(VectorType::get(vector.getShape(), element)) : element;
}

/// The same value or vector with another type of the same width.
static Value bitcastTo(OpBuilder &b, Location loc, Value v, Type elementType) {
  return arith::BitcastOp::create(b, loc, withElement(v.getType(), elementType),
                                  v);
}

int64_t ingot::storageBytes(Type type) {
  Type stored = storageType(type);
  if (!stored.isIntOrFloat() || stored.getIntOrFloatBitWidth() % 8)
    return 0;
  return stored.getIntOrFloatBitWidth() / 8;
}

SmallVector<AffineExpr, 6> ingot::rowMajorStrides(ArrayRef<AffineExpr> dims,
                                                  MLIRContext *context) {
  SmallVector<AffineExpr, 6> strides(dims.size());
  AffineExpr stride = getAffineConstantExpr(1, context);
  for (int64_t i = int64_t(dims.size()) - 1; i >= 0; --i) {
    strides[i] = stride;
    stride = stride * dims[i];
  }
  return strides;
}

void ingot::collectSymbols(AffineExpr expr,
                           llvm::SetVector<AffineExpr> &symbols) {
  expr.walk([&](AffineExpr e) {
    if (isa<AffineSymbolExpr>(e))
      symbols.insert(e);
  });
}

int64_t ingot::estimate(AffineExpr expr, int64_t assumed) {
  llvm::SetVector<AffineExpr> symbols;
  collectSymbols(expr, symbols);
  DenseMap<AffineExpr, AffineExpr> sizes;
  for (AffineExpr symbol : symbols)
    sizes[symbol] = getAffineConstantExpr(assumed, expr.getContext());
  return onnx::constantValue(expr.replace(sizes)).value_or(assumed);
}

Value KernelContext::expand(OpBuilder &b, Location loc, AffineExpr expr) {
  if (auto constant = onnx::constantValue(expr))
    return arith::ConstantIndexOp::create(b, loc, *constant);
  if (isa<AffineSymbolExpr>(expr))
    return symbols.lookup(expr);
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Value lhs = expand(b, loc, binary.getLHS());
  Value rhs = expand(b, loc, binary.getRHS());
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return arith::AddIOp::create(b, loc, lhs, rhs);
  case AffineExprKind::Mul:
    return arith::MulIOp::create(b, loc, lhs, rhs);
  case AffineExprKind::FloorDiv:
    return arith::FloorDivSIOp::create(b, loc, lhs, rhs);
  case AffineExprKind::CeilDiv:
    return arith::CeilDivSIOp::create(b, loc, lhs, rhs);
  default:
    return arith::RemSIOp::create(b, loc, lhs, rhs);
  }
}

Value KernelContext::importScalar(OpBuilder &b, Value scalar) {
  Operation *def = scalar.getDefiningOp();
  // Unsigned constants reach their users through a cast, which memory has not.
  while (isa<UnrealizedConversionCastOp>(def))
    def = def->getOperand(0).getDefiningOp();
  if (auto extent = dyn_cast<kernel::ExtentOp>(def))
    return expand(b, def->getLoc(), extent.getDim().getDims()[0]);
  IRMapping mapping;
  for (Value operand : def->getOperands())
    mapping.map(operand, importScalar(b, operand));
  return b.clone(*def, mapping)->getResult(0);
}

BufferRef KernelContext::lookup(OpBuilder &b, Location loc, Value tensor) {
  auto it = buffers.find(tensor);
  if (it != buffers.end())
    return it->second;
  // A tensor without elements has no memory; no loop over it runs.
  if (tensor.getDefiningOp<kernel::EmptyOp>()) {
    auto type = cast<RankedTensorType>(tensor.getType());
    return {status, type.getElementType(),
            rowMajorStrides(onnx::getDims(type), type.getContext())};
  }
  auto view = tensor.getDefiningOp<kernel::ViewOp>();
  if (!view)
    return {};
  BufferRef source = lookup(b, loc, view.getSource());
  if (!source.pointer)
    return {};
  auto type = cast<RankedTensorType>(tensor.getType());
  BufferRef result = source;
  result.elementType = type.getElementType();
  result.strides = rowMajorStrides(onnx::getDims(type), type.getContext());
  if (view.getOffset()) {
    AffineExpr offset = view.getOffset()->getDims()[0];
    result.pointer = address(b, loc, source, expand(b, loc, offset));
    result.alignment =
        std::gcd(source.alignment, offset.getLargestKnownDivisor() *
                                       storageBytes(source.elementType));
  }
  return result;
}

Value KernelContext::materialize(OpBuilder &b, Location loc, const LaneValue &v,
                                 int64_t width) {
  if (v.kind == LaneValue::Varying)
    return v.value;
  if (width == 1)
    return v.value;
  auto type = VectorType::get({width}, v.value.getType());
  Value splat = vector::BroadcastOp::create(b, loc, type, v.value);
  if (v.isUniform())
    return splat;
  SmallVector<Attribute> steps;
  for (int64_t i = 0; i < width; ++i)
    steps.push_back(b.getIntegerAttr(v.value.getType(), i * v.step));
  Value iota = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(cast<ShapedType>(Type(type)), steps));
  return arith::AddIOp::create(b, loc, splat, iota);
}

LaneValue KernelContext::add(OpBuilder &b, Location loc, const LaneValue &x,
                             const LaneValue &y, int64_t width) {
  if (x.kind != LaneValue::Varying && y.kind != LaneValue::Varying)
    return LaneValue::linear(arith::AddIOp::create(b, loc, x.value, y.value),
                             x.step + y.step);
  return LaneValue::varying(arith::AddIOp::create(
      b, loc, materialize(b, loc, x, width), materialize(b, loc, y, width)));
}

LaneValue KernelContext::mul(OpBuilder &b, Location loc, const LaneValue &x,
                             Value factor, std::optional<int64_t> constant,
                             int64_t width) {
  if (constant == 1)
    return x;
  if (x.isUniform() || (x.kind == LaneValue::Linear && constant))
    return LaneValue::linear(arith::MulIOp::create(b, loc, x.value, factor),
                             x.step * constant.value_or(0));
  return LaneValue::varying(arith::MulIOp::create(
      b, loc, materialize(b, loc, x, width),
      materialize(b, loc, LaneValue::uniform(factor), width)));
}

LaneValue KernelContext::offset(OpBuilder &b, Location loc,
                                ArrayRef<LaneValue> indices,
                                ArrayRef<AffineExpr> strides, int64_t width) {
  LaneValue total =
      LaneValue::uniform(arith::ConstantIndexOp::create(b, loc, 0));
  for (auto [index, stride] : llvm::zip(indices, strides)) {
    // A dimension that is not strided (size 1) adds nothing.
    if (onnx::constantValue(stride) == 0)
      continue;
    total = add(b, loc, total,
                mul(b, loc, index, expand(b, loc, stride),
                    onnx::constantValue(stride), width),
                width);
  }
  return total;
}

static Value toI64(OpBuilder &b, Location loc, Value index) {
  Type type = b.getI64Type();
  if (auto vector = dyn_cast<VectorType>(index.getType()))
    type = VectorType::get(vector.getShape(), type);
  return arith::IndexCastOp::create(b, loc, type, index);
}

Value KernelContext::address(OpBuilder &b, Location loc,
                             const BufferRef &buffer, Value offset) {
  return LLVM::GEPOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext()),
                             storageType(buffer.elementType), buffer.pointer,
                             ArrayRef<LLVM::GEPArg>{toI64(b, loc, offset)});
}

/// Vector of the addresses of gathered elements.
static Value addresses(OpBuilder &b, Location loc, const BufferRef &buffer,
                       Value offsets, int64_t width) {
  auto pointers =
      VectorType::get({width}, LLVM::LLVMPointerType::get(b.getContext()));
  return LLVM::GEPOp::create(b, loc, pointers, storageType(buffer.elementType),
                             buffer.pointer,
                             ArrayRef<LLVM::GEPArg>{toI64(b, loc, offsets)});
}

static Value allTrue(OpBuilder &b, Location loc, int64_t width) {
  auto type = VectorType::get({width}, b.getI1Type());
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, true));
}

LaneValue KernelContext::load(OpBuilder &b, Location loc, const BufferRef &from,
                              const LaneValue &offset, const Lanes &lanes) {
  Type stored = storageType(from.elementType);
  unsigned align = std::max<int64_t>(1, storageBytes(from.elementType));
  Value value;
  LaneValue::Kind kind = LaneValue::Varying;
  if (offset.isUniform() || lanes.width == 1) {
    kind = LaneValue::Uniform;
    value = LLVM::LoadOp::create(b, loc, stored,
                                 address(b, loc, from, offset.value), align);
  } else {
    auto type = VectorType::get({lanes.width}, stored);
    Value zero;
    if (lanes.mask)
      zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    if (offset.kind == LaneValue::Linear && offset.step == 1) {
      Value from0 = address(b, loc, from, offset.value);
      value =
          lanes.mask
              ? LLVM::MaskedLoadOp::create(b, loc, type, from0, lanes.mask,
                                           zero, align)
                    .getResult()
              : LLVM::LoadOp::create(b, loc, type, from0, align).getResult();
    } else {
      Value offsets = materialize(b, loc, offset, lanes.width);
      Value pointers = addresses(b, loc, from, offsets, lanes.width);
      Value mask = lanes.mask ? lanes.mask : allTrue(b, loc, lanes.width);
      if (!zero)
        zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
      value = LLVM::masked_gather::create(b, loc, type, pointers, mask, zero,
                                          b.getI32IntegerAttr(align));
    }
  }
  if (from.elementType.isInteger(1)) {
    Value zero =
        arith::ConstantOp::create(b, loc, b.getZeroAttr(value.getType()));
    value =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, value, zero);
  }
  if (isNarrow(from.elementType)) {
    Type bits = b.getIntegerType(from.elementType.getIntOrFloatBitWidth());
    value = arith::TruncIOp::create(b, loc, withElement(value.getType(), bits),
                                    value);
  }
  if (from.elementType.isBF16())
    value = bitcastTo(b, loc, value, from.elementType);
  return {kind, value, 0};
}

Value KernelContext::loadFloats(OpBuilder &b, Location loc, Type stored,
                                Type type, Value pointer, Value mask) {
  Type read = storageType(stored);
  if (auto vector = dyn_cast<VectorType>(type))
    read = VectorType::get(vector.getShape(), read);
  unsigned align = storageBytes(stored);
  Value value;
  if (mask)
    value = LLVM::MaskedLoadOp::create(
        b, loc, read, pointer, mask,
        arith::ConstantOp::create(b, loc, b.getZeroAttr(read)).getResult(),
        align);
  else
    value = LLVM::LoadOp::create(b, loc, read, pointer, align);
  if (stored.isBF16())
    value = bitcastTo(b, loc, value, stored);
  if (value.getType() == type)
    return value;
  return arith::ExtFOp::create(b, loc, type, value);
}

void KernelContext::store(OpBuilder &b, Location loc, const LaneValue &value,
                          const BufferRef &to, const LaneValue &offset,
                          const Lanes &lanes) {
  Type stored = storageType(to.elementType);
  unsigned align = std::max<int64_t>(1, storageBytes(to.elementType));
  Value v = offset.isUniform() ? value.value
                               : materialize(b, loc, value, lanes.width);
  if (to.elementType.isInteger(1) ||
      (isNarrow(to.elementType) && to.elementType.isUnsignedInteger()))
    v = arith::ExtUIOp::create(b, loc, withElement(v.getType(), stored), v);
  else if (isNarrow(to.elementType))
    v = arith::ExtSIOp::create(b, loc, withElement(v.getType(), stored), v);
  if (to.elementType.isBF16())
    v = bitcastTo(b, loc, v, stored);
  if (offset.isUniform() || lanes.width == 1) {
    LLVM::StoreOp::create(b, loc, v, address(b, loc, to, offset.value), align);
    return;
  }
  if (offset.kind == LaneValue::Linear && offset.step == 1) {
    Value to0 = address(b, loc, to, offset.value);
    if (lanes.mask)
      LLVM::MaskedStoreOp::create(b, loc, v, to0, lanes.mask, align);
    else
      LLVM::StoreOp::create(b, loc, v, to0, align);
    return;
  }
  Value pointers = addresses(
      b, loc, to, materialize(b, loc, offset, lanes.width), lanes.width);
  LLVM::masked_scatter::create(b, loc, v, pointers,
                               lanes.mask ? lanes.mask
                                          : allTrue(b, loc, lanes.width),
                               b.getI32IntegerAttr(align));
}

void KernelContext::fault(OpBuilder &b, Location loc,
                          const LaneValue &condition, int64_t code,
                          const Lanes &lanes) {
  Value any = condition.value;
  if (condition.kind == LaneValue::Varying) {
    if (lanes.mask)
      any = arith::AndIOp::create(b, loc, any, lanes.mask);
    any = vector::ReductionOp::create(b, loc, vector::CombiningKind::OR, any);
  }
  scf::IfOp::create(b, loc, any, [&](OpBuilder &nested, Location at) {
    Value c =
        arith::ConstantOp::create(nested, at, nested.getI64IntegerAttr(code));
    LLVM::StoreOp::create(nested, at, c, status, 8);
    scf::YieldOp::create(nested, at);
  });
}
