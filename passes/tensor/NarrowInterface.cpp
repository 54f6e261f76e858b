//===- NarrowInterface.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/NarrowInterface.h"
#include "passes/tensor/Lowering.h"
#include "passes/tensor/lower/Scalars.h"

using namespace mlir;
using namespace ingot;

namespace {
/// A tensor of narrow numbers in its two forms.
class NarrowTensor {
public:
  NarrowTensor(OpBuilder &b, Location loc, RankedTensorType type)
      : b(b), loc(loc), type(type), bits(type.getElementTypeBitWidth()),
        perByte(8 / bits),
        count(onnx::product(onnx::getDims(type), b.getContext())) {}

  Value unpack(Value packed);
  Value pack(Value numbers);

private:
  /// The numbers in one row, a byte each; codes if they are floats.
  RankedTensorType flatType() const {
    Type element = type.getElementType();
    return onnx::tensorOf({count},
                          isa<FloatType>(element) ? b.getI8Type() : element);
  }
  RankedTensorType packedType() const {
    Type byte = IntegerType::get(b.getContext(), 8, IntegerType::Unsigned);
    return onnx::tensorOf({count.ceilDiv(perByte)}, byte);
  }

  OpBuilder &b;
  Location loc;
  RankedTensorType type;
  int64_t bits, perByte;
  AffineExpr count;
};
} // namespace

Value NarrowTensor::unpack(Value packed) {
  Value bytes = reshape(b, loc, packed, packedType());
  Type narrow = b.getIntegerType(bits);
  Value flat = compute(b, loc, flatType(), [&](Body &body) -> Value {
    Scalars s{body.b, body.loc};
    Value at = body.index(0), per = s.index(perByte);
    Value byte = body.load(bytes, s.quotient(at, per));
    Value by = s.mul(s.remainder(at, per), s.index(bits));
    by = arith::IndexCastOp::create(s.b, s.loc, byte.getType(), by);
    byte = arith::ShRUIOp::create(s.b, s.loc, byte, by);
    Value number = arith::TruncIOp::create(s.b, s.loc, narrow, byte);
    if (!isa<FloatType>(type.getElementType()))
      return number;
    return arith::ExtUIOp::create(s.b, s.loc, s.b.getI8Type(), number);
  });
  return reshape(b, loc, flat, type);
}

Value NarrowTensor::pack(Value numbers) {
  Value flat = reshape(b, loc, numbers, flatType());
  Value bytes = compute(b, loc, packedType(), [&](Body &body) {
    Scalars s{body.b, body.loc};
    Type i8 = s.b.getI8Type(), narrow = s.b.getIntegerType(bits);
    Value first = s.mul(body.index(0), s.index(perByte)), size = s.size(count);
    Value last = s.sub(size, s.index(1));
    Value byte = integerConstant(s.b, s.loc, i8, 0);
    for (int64_t i = 0; i < perByte; ++i) {
      Value at = s.add(first, s.index(i));
      Value number = body.load(flat, s.min(at, last));
      if (number.getType() != narrow)
        number = arith::TruncIOp::create(s.b, s.loc, narrow, number);
      number = arith::ExtUIOp::create(s.b, s.loc, i8, number);
      number = s.select(s.less(at, size), number,
                        integerConstant(s.b, s.loc, i8, 0));
      number = arith::ShLIOp::create(s.b, s.loc, number,
                                     integerConstant(s.b, s.loc, i8, i * bits));
      byte = arith::OrIOp::create(s.b, s.loc, byte, number);
    }
    return byte;
  });
  return reshape(b, loc, bytes, type);
}

/// The type if it has several numbers in a byte.
static RankedTensorType narrowType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.getElementType().isIntOrFloat())
    return {};
  unsigned bits = tensor.getElementTypeBitWidth();
  return bits == 2 || bits == 4 ? tensor : RankedTensorType();
}

void ingot::unpackInterface(func::FuncOp main) {
  OpBuilder b = OpBuilder::atBlockBegin(&main.front());
  for (BlockArgument argument : main.getArguments()) {
    RankedTensorType type = narrowType(argument.getType());
    if (!type || argument.use_empty())
      continue;
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : argument.getUses())
      uses.push_back(&use);
    Value numbers = NarrowTensor(b, main.getLoc(), type).unpack(argument);
    for (OpOperand *use : uses)
      use->set(numbers);
  }
  Operation *end = main.back().getTerminator();
  b.setInsertionPoint(end);
  for (OpOperand &result : end->getOpOperands())
    if (RankedTensorType type = narrowType(result.get().getType()))
      result.set(NarrowTensor(b, end->getLoc(), type).pack(result.get()));
}
