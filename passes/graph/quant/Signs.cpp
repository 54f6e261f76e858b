//===- Signs.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Whether bytes are signed is a convention: (q - z) * s is the same with q and
// z both changed by 128. Machines that multiply unsigned by signed, or signed
// by signed bytes only, get what they want where nobody else sees it.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Linear.h"
#include "dialects/onnx/Quant.h"
#include "dialects/onnx/Window.h"
#include "passes/graph/Simplify.h"
#include "passes/graph/quant/SelectQuantized.h"
#include "passes/tensor/lower/Scalars.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::quant;

static IntegerType otherSign(Type element) {
  auto type = cast<IntegerType>(element);
  return IntegerType::get(type.getContext(), 8,
                          type.isUnsigned() ? IntegerType::Signless
                                            : IntegerType::Unsigned);
}

Value quant::flipSign(OpBuilder &b, Location loc, Value bytes) {
  auto type = cast<RankedTensorType>(bytes.getType());
  auto to =
      onnx::tensorOf(onnx::getDims(type), otherSign(type.getElementType()));
  return compute(
      b, loc, to, bytes, b.getMultiDimIdentityMap(type.getRank()),
      [](Body &body) -> Value {
        Value bit = integerConstant(body.b, body.loc, body.b.getI8Type(), -128);
        return arith::XOrIOp::create(body.b, body.loc, body.args[0], bit);
      });
}

Quantized quant::flipSign(OpBuilder &b, Location loc, const Quantized &x) {
  Step step = x.step;
  step.zeroPoint += x.isUnsigned() ? -128 : 128;
  return {flipSign(b, loc, x.value), step};
}

namespace {
/// An operand or result of an op that has a scale and a zero point.
struct Place {
  Operation *op;
  unsigned scale, zeroPoint;
};
} // namespace

/// Where the maker of a quantized tensor has its parameters.
static std::optional<Place> makerOf(Value value) {
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<onnx::QuantizeLinearOp>(op))
    return Place{op, 1, 2};
  if (isa_and_nonnull<onnx::QLinearConvOp, onnx::QLinearMatMulOp>(op))
    return Place{op, 6, 7};
  return std::nullopt;
}

/// The same of a reader. `isRight`: it wants signed bytes.
static std::optional<Place> readerOf(OpOperand &use, bool &isRight) {
  Operation *op = use.getOwner();
  unsigned number = use.getOperandNumber();
  isRight = false;
  if (isa<onnx::DequantizeLinearOp>(op) && number == 0) {
    isRight = llvm::all_of(op->getUses(), [](OpOperand &inner) {
      return isa<onnx::MatMulOp>(inner.getOwner()) &&
             inner.getOperandNumber() == 1;
    });
    return Place{op, 1, 2};
  }
  if (isa<onnx::QLinearConvOp, onnx::QLinearMatMulOp>(op) && number == 0)
    return Place{op, 1, 2};
  if (isa<onnx::QLinearMatMulOp>(op) && number == 3) {
    isRight = true;
    return Place{op, 4, 5};
  }
  return std::nullopt;
}

/// All places that a tensor's sign is known at; none if it must stay.
static SmallVector<Place> placesOf(Value value, const Signs &signs) {
  std::optional<Place> maker = makerOf(value);
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!maker || value.use_empty() || !type || !isByte(type.getElementType()))
    return {};
  SmallVector<Place> places{*maker};
  bool onlyRight = true;
  for (OpOperand &use : value.getUses()) {
    bool isRight;
    std::optional<Place> reader = readerOf(use, isRight);
    if (!reader)
      return {};
    onlyRight &= isRight;
    places.push_back(*reader);
  }
  bool isUnsigned = onnx::isUnsigned(type);
  bool suits = onlyRight ? !isUnsigned : !signs.mustFlip(isUnsigned);
  for (const Place &place : places)
    suits |= !stepOf(place.op->getOperand(place.scale),
                     place.op->getOperand(place.zeroPoint));
  return suits ? SmallVector<Place>() : places;
}

void quant::chooseSigns(ModuleOp module, const Signs &signs) {
  SmallVector<Value> values;
  module.walk([&](Operation *op) {
    if (op->getNumResults() == 1)
      values.push_back(op->getResult(0));
  });
  for (Value value : values) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    SmallVector<Place> places = placesOf(value, signs);
    if (places.empty())
      continue;
    for (const Place &place : places) {
      Operation *op = place.op;
      int64_t zero =
          stepOf(op->getOperand(place.scale), op->getOperand(place.zeroPoint))
              ->zeroPoint;
      zero += onnx::isUnsigned(type) ? -128 : 128;
      OpBuilder b(op);
      op->setOperand(place.zeroPoint,
                     graph::makeScalar(b, op->getLoc(),
                                       otherSign(type.getElementType()),
                                       double(zero)));
      if (auto quantize = dyn_cast<onnx::QuantizeLinearOp>(op))
        quantize.setOutputDtype(0);
    }
    value.setType(
        onnx::tensorOf(onnx::getDims(type), otherSign(type.getElementType())));
  }
}
