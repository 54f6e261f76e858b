//===- TileKernel.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/TileKernel.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ingot;

TileShape ingot::chooseTile(kernel::MachineAttr machine, int64_t bits) {
  int64_t width = machine.lanes(bits);
  // With factors from lanes, A takes a register per row; with broadcasts from
  // memory only one in all.
  if (machine.getLaneBroadcast())
    return {6, 4, width};
  if (machine.getVectorRegisters() >= 32)
    return {14, 2, width};
  return {6, 2, width};
}

TileShape ingot::chooseTile(kernel::MachineAttr machine, Type factors) {
  if (!isa<IntegerType>(factors))
    return chooseTile(machine, sumType(factors).getIntOrFloatBitWidth());
  int64_t width = machine.lanes(32);
  switch (machine.getDot()) {
  case kernel::DotForm::lanes:
  case kernel::DotForm::words:
    return {4, 4, width};
  case kernel::DotForm::sdot:
    return {6, 4, width};
  case kernel::DotForm::smmla:
    return {4, 6, width};
  case kernel::DotForm::pairs:
    // Products need registers of their own before they are added.
    return {machine.getVectorRegisters() >= 32 ? 10 : 4, 2, width};
  case kernel::DotForm::bytes:
    return {machine.getVectorRegisters() >= 32 ? 12 : 5, 2, width};
  case kernel::DotForm::vnni:
    return {machine.getVectorRegisters() >= 32 ? 14 : 6, 2, width};
  }
  llvm_unreachable("unknown dot form");
}

Type ingot::factorType(Type stored, bool pairs) {
  if (pairs || !(stored.isF16() || stored.isBF16()))
    return stored;
  return Float32Type::get(stored.getContext());
}

Type ingot::sumType(Type factors) {
  if (isa<IntegerType>(factors))
    return IntegerType::get(factors.getContext(), 32);
  return factorType(factors);
}

int64_t ingot::depthGroup(kernel::MachineAttr machine, Type factors) {
  if (factors.isBF16())
    return 2;
  return isa<IntegerType>(factors) ? machine.dotDepth() : 1;
}

/// Integer accumulators hold 2 x 2 results of two rows each.
static bool isSquare(kernel::MachineAttr machine, Type factors) {
  return isa<IntegerType>(factors) &&
         machine.getDot() == kernel::DotForm::smmla;
}

SmallVector<Value> ingot::zeroTile(OpBuilder &b, Location loc,
                                   kernel::MachineAttr machine,
                                   const TileShape &shape, Type factors) {
  auto type = VectorType::get({shape.width}, sumType(factors));
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  int64_t rows = shape.rows;
  if (isSquare(machine, factors))
    rows = llvm::alignTo(rows, 2);
  return SmallVector<Value>(rows * shape.vectors, zero);
}

SmallVector<Value> ingot::finishTile(OpBuilder &b, Location loc,
                                     kernel::MachineAttr machine,
                                     const TileShape &shape, Type factors,
                                     ArrayRef<Value> accumulators) {
  if (!isSquare(machine, factors))
    return SmallVector<Value>(accumulators);
  // Of each pair of rows: (r0c0 r0c1 r1c0 r1c1) (r0c2 r0c3 r1c2 r1c3) ...
  auto words = VectorType::get({shape.width / 2}, b.getI64Type());
  auto sums = VectorType::get({shape.width}, b.getI32Type());
  SmallVector<Value> result(shape.rows * shape.vectors);
  for (int64_t r = 0; r < shape.rows; ++r)
    for (int64_t v = 0; v < shape.vectors; ++v) {
      int64_t at = (r / 2 * shape.vectors + v) * 2;
      Value left = vector::BitCastOp::create(b, loc, words, accumulators[at]);
      Value right =
          vector::BitCastOp::create(b, loc, words, accumulators[at + 1]);
      SmallVector<int64_t> half{r % 2, 2 + r % 2};
      result[r * shape.vectors + v] = vector::BitCastOp::create(
          b, loc, sums,
          vector::ShuffleOp::create(b, loc, left, right, half).getResult());
    }
  return result;
}

Value ingot::constantMask(OpBuilder &b, Location loc, int64_t lanes,
                          int64_t width) {
  if (lanes == 0 || lanes == width)
    return {};
  SmallVector<bool> bits(width, false);
  std::fill_n(bits.begin(), lanes, true);
  auto type = VectorType::get({width}, b.getI1Type());
  return arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(type, ArrayRef<bool>(bits)));
}

namespace {
/// Emits the loop over depth of one tile.
class TileEmitter {
public:
  TileEmitter(KernelContext &context, Location loc, const TileShape &shape,
              const TileOperands &operands)
      : context(context), loc(loc), shape(shape), operands(operands) {}

  SmallVector<Value> emit(OpBuilder &b, Value depth,
                          std::optional<int64_t> staticDepth,
                          ArrayRef<Value> accumulators);

private:
  Type aType() {
    return operands.aType ? operands.aType : operands.elementType;
  }
  Type bType() {
    return operands.bType ? operands.bType : operands.elementType;
  }
  Value pointerAt(OpBuilder &b, Value base, Type stored, Value offset) {
    BufferRef ref{base, stored, {}};
    return context.address(b, loc, ref, offset);
  }
  Value constant(OpBuilder &b, int64_t v) {
    return arith::ConstantIndexOp::create(b, loc, v);
  }
  VectorType vectorType() {
    return VectorType::get({shape.width}, operands.elementType);
  }
  Value loadB(OpBuilder &b, Value k, int64_t v);
  /// One step of the reduction with scalars of A from memory.
  void scalarStep(OpBuilder &b, Value k, SmallVectorImpl<Value> &acc);
  /// `width` steps with A as one vector per row, factors from its lanes.
  void laneSteps(OpBuilder &b, Value k, SmallVectorImpl<Value> &acc);
  SmallVector<Value>
  loop(OpBuilder &b, Value from, Value to, int64_t step,
       ArrayRef<Value> accumulators,
       function_ref<void(OpBuilder &, Value, SmallVectorImpl<Value> &)> body);

  KernelContext &context;
  Location loc;
  const TileShape &shape;
  const TileOperands &operands;
};
} // namespace

Value TileEmitter::loadB(OpBuilder &b, Value k, int64_t v) {
  Value row = arith::MulIOp::create(b, loc, k, operands.bStride);
  Value at = arith::AddIOp::create(b, loc, row, constant(b, v * shape.width));
  Value pointer = pointerAt(b, operands.b, bType(), at);
  bool last = v + 1 == shape.vectors;
  Value mask = last && !operands.paddedB
                   ? constantMask(b, loc, operands.lastLanes, shape.width)
                   : Value();
  return context.loadFloats(b, loc, bType(), vectorType(), pointer, mask);
}

void ingot::emitPrefetch(OpBuilder &b, Location loc, KernelContext &context,
                         const TileOperands &operands, Value k, int64_t steps) {
  if (!operands.prefetch)
    return;
  constexpr unsigned intoSecondLevel = 2, isData = 1;
  BufferRef bytes{operands.prefetch, b.getI8Type(), {}};
  constexpr int64_t line = 64;
  // Shares smaller than a line are asked for once in `steps`.
  int64_t stride = std::min(line, operands.prefetchBytes * steps);
  for (int64_t i = 0; i < operands.prefetchBytes * steps; i += stride) {
    Value offset = arith::AddIOp::create(
        b, loc,
        arith::MulIOp::create(
            b, loc, k,
            arith::ConstantIndexOp::create(b, loc, operands.prefetchBytes)),
        arith::ConstantIndexOp::create(b, loc, i));
    LLVM::Prefetch::create(b, loc, context.address(b, loc, bytes, offset),
                           /*rw=*/0, intoSecondLevel, isData);
  }
}

static Value fma(OpBuilder &b, Location loc, Value x, Value y, Value acc) {
  return vector::FMAOp::create(b, loc, x, y, acc);
}

void TileEmitter::scalarStep(OpBuilder &b, Value k,
                             SmallVectorImpl<Value> &acc) {
  emitPrefetch(b, loc, context, operands, k, 1);
  SmallVector<Value> columns;
  for (int64_t v = 0; v < shape.vectors; ++v)
    columns.push_back(loadB(b, k, v));
  Value depthStride = constant(b, operands.depthStride);
  Value offset = arith::MulIOp::create(b, loc, k, depthStride);
  for (int64_t r = 0; r < shape.rows; ++r) {
    Value a = context.loadFloats(
        b, loc, aType(), operands.elementType,
        pointerAt(b, operands.rowPointers[r], aType(), offset));
    Value splat = vector::BroadcastOp::create(b, loc, vectorType(), a);
    for (int64_t v = 0; v < shape.vectors; ++v) {
      Value &sum = acc[r * shape.vectors + v];
      sum = fma(b, loc, splat, columns[v], sum);
    }
  }
}

void TileEmitter::laneSteps(OpBuilder &b, Value k,
                            SmallVectorImpl<Value> &acc) {
  emitPrefetch(b, loc, context, operands, k, shape.width);
  SmallVector<Value> rows;
  for (int64_t r = 0; r < shape.rows; ++r)
    rows.push_back(
        context.loadFloats(b, loc, aType(), vectorType(),
                           pointerAt(b, operands.rowPointers[r], aType(), k)));
  for (int64_t lane = 0; lane < shape.width; ++lane) {
    Value at = arith::AddIOp::create(b, loc, k, constant(b, lane));
    // Column by column keeps one vector of B alive at a time.
    for (int64_t v = 0; v < shape.vectors; ++v) {
      Value column = loadB(b, at, v);
      for (int64_t r = 0; r < shape.rows; ++r) {
        Value a =
            vector::ExtractOp::create(b, loc, rows[r], ArrayRef<int64_t>{lane});
        Value splat = vector::BroadcastOp::create(b, loc, vectorType(), a);
        Value &sum = acc[r * shape.vectors + v];
        sum = fma(b, loc, splat, column, sum);
      }
    }
  }
}

SmallVector<Value> TileEmitter::loop(
    OpBuilder &b, Value from, Value to, int64_t step,
    ArrayRef<Value> accumulators,
    function_ref<void(OpBuilder &, Value, SmallVectorImpl<Value> &)> body) {
  auto op = scf::ForOp::create(b, loc, from, to, constant(b, step),
                               ValueRange(accumulators));
  OpBuilder inner = OpBuilder::atBlockEnd(op.getBody());
  SmallVector<Value> carried(op.getRegionIterArgs());
  body(inner, op.getInductionVar(), carried);
  scf::YieldOp::create(inner, loc, carried);
  return SmallVector<Value>(op.getResults());
}

SmallVector<Value> TileEmitter::emit(OpBuilder &b, Value depth,
                                     std::optional<int64_t> staticDepth,
                                     ArrayRef<Value> accumulators) {
  SmallVector<Value> acc(accumulators);
  auto scalar = [&](OpBuilder &nested, Value k, SmallVectorImpl<Value> &sums) {
    scalarStep(nested, k, sums);
  };
  Value zero = constant(b, 0);
  if (context.machine.getLaneBroadcast() && operands.depthStride == 1 &&
      (!staticDepth || *staticDepth >= shape.width)) {
    Value rest =
        arith::RemUIOp::create(b, loc, depth, constant(b, shape.width));
    Value end = arith::SubIOp::create(b, loc, depth, rest);
    acc = loop(b, zero, end, shape.width, acc,
               [&](OpBuilder &nested, Value k, SmallVectorImpl<Value> &sums) {
                 laneSteps(nested, k, sums);
               });
    if (staticDepth && *staticDepth % shape.width == 0)
      return acc;
    return loop(b, end, depth, 1, acc, scalar);
  }
  if (staticDepth && *staticDepth <= 4) {
    for (int64_t k = 0; k < *staticDepth; ++k)
      scalarStep(b, constant(b, k), acc);
    return acc;
  }
  // Two steps in one where the columns of both fit beside the accumulators;
  // else the scheduler of instructions spills one.
  bool twoFit =
      shape.vectors * (shape.rows + 2) < context.machine.getVectorRegisters();
  if (staticDepth && *staticDepth % 2 == 0 && twoFit)
    return loop(b, zero, depth, 2, acc,
                [&](OpBuilder &nested, Value k, SmallVectorImpl<Value> &sums) {
                  scalarStep(nested, k, sums);
                  Value next = arith::AddIOp::create(nested, loc, k,
                                                     constant(nested, 1));
                  scalarStep(nested, next, sums);
                });
  return loop(b, zero, depth, 1, acc, scalar);
}

SmallVector<Value> ingot::emitTile(OpBuilder &b, Location loc,
                                   KernelContext &context,
                                   const TileShape &shape,
                                   const TileOperands &operands, Value depth,
                                   std::optional<int64_t> staticDepth,
                                   ArrayRef<Value> accumulators) {
  if (isa<IntegerType>(operands.elementType))
    return emitIntegerTile(b, loc, context, shape, operands, *staticDepth,
                           accumulators);
  if (operands.elementType.isBF16())
    return emitPairTile(b, loc, context, shape, operands, depth, staticDepth,
                        accumulators);
  return TileEmitter(context, loc, shape, operands)
      .emit(b, depth, staticDepth, accumulators);
}
