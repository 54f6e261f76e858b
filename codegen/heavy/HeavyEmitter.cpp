//===- HeavyEmitter.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/HeavyEmitter.h"
#include "codegen/heavy/Contraction.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ingot;

bool ingot::isHeavy(Operation *op) {
  return isa<heavy::ConcatOp, heavy::ConvOp, heavy::MatmulOp,
             heavy::MatmulNBitsOp>(op);
}

TilePlan ingot::planRows(AffineExpr rows, TileShape shape) {
  TilePlan plan{shape, rows.ceilDiv(shape.rows), 1};
  if (std::optional<int64_t> count = onnx::constantValue(rows)) {
    int64_t tiles = std::max<int64_t>(1, llvm::divideCeil(*count, shape.rows));
    // High tiles feed the multipliers even when a few rows lower: then a tile
    // more may compute fewer rows twice, as of 49 rows 5 x 10 after 4 x 13.
    constexpr int64_t highTile = 12, lowestOfHigh = 10;
    auto computed = [&](int64_t t) { return t * llvm::divideCeil(*count, t); };
    if (shape.rows >= highTile &&
        llvm::divideCeil(*count, tiles + 1) >= uint64_t(lowestOfHigh) &&
        computed(tiles + 1) * 103 <= computed(tiles) * 100)
      ++tiles;
    plan.shape.rows = std::max<int64_t>(1, llvm::divideCeil(*count, tiles));
    plan.tiles = onnx::constantDim(*count == 0 ? 0 : tiles, rows.getContext());
  }
  return plan;
}

Value ingot::paddingRow(OpBuilder &b, Operation *op, Type elementType,
                        int64_t length, int64_t value) {
  Location loc = op->getLoc();
  ModuleOp module = op->getParentOfType<ModuleOp>();
  int64_t byte = value & 0xff;
  std::string name = "ingot_padding_" + std::to_string(byte) + "_" +
                     std::to_string(length) + "_" +
                     std::to_string(storageBytes(elementType));
  if (!module.lookupSymbol(name)) {
    OpBuilder top = OpBuilder::atBlockBegin(module.getBody());
    Type element = storageType(elementType);
    auto type = LLVM::LLVMArrayType::get(element, length);
    Attribute initial;
    if (byte != 0)
      initial = DenseElementsAttr::get(
          RankedTensorType::get({length}, b.getI8Type()), APInt(8, byte));
    auto global =
        LLVM::GlobalOp::create(top, loc, type, /*isConstant=*/true,
                               LLVM::Linkage::LinkonceODR, name, initial);
    global.setVisibility_(LLVM::Visibility::Hidden);
    if (!initial) {
      Block *block = top.createBlock(&global.getInitializerRegion());
      OpBuilder init = OpBuilder::atBlockEnd(block);
      LLVM::ReturnOp::create(init, loc,
                             LLVM::ZeroOp::create(init, loc, type).getResult());
    }
  }
  return LLVM::AddressOfOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext()), name);
}

void ingot::emitRowTile(OpBuilder &b, Location loc, KernelContext &context,
                        const TilePlan &plan, AffineExpr count, Value start,
                        function_ref<void(OpBuilder &, int64_t, Value)> body) {
  int64_t rows = plan.shape.rows;
  auto constant = [&](OpBuilder &at, int64_t v) -> Value {
    return arith::ConstantIndexOp::create(at, loc, v);
  };
  Value all = context.expand(b, loc, count);
  Value lastStart = arith::SubIOp::create(b, loc, all, constant(b, rows));
  if (onnx::constantValue(count))
    return body(b, rows, arith::MinSIOp::create(b, loc, start, lastStart));
  Value enough = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge,
                                       lastStart, constant(b, 0));
  emitIf(
      b, loc, enough,
      [&](OpBuilder &nested) {
        body(nested, rows,
             arith::MinSIOp::create(nested, loc, start, lastStart));
      },
      [&](OpBuilder &nested) {
        auto each =
            scf::ForOp::create(nested, loc, start, all, constant(nested, 1));
        OpBuilder single(each.getBody()->getTerminator());
        body(single, 1, each.getInductionVar());
      });
}

void ingot::emitIf(OpBuilder &b, Location loc, Value condition,
                   function_ref<void(OpBuilder &)> thenBody,
                   function_ref<void(OpBuilder &)> elseBody) {
  auto branch = scf::IfOp::create(b, loc, condition, /*withElse=*/true);
  OpBuilder first(branch.thenBlock()->getTerminator());
  thenBody(first);
  OpBuilder second(branch.elseBlock()->getTerminator());
  elseBody(second);
}

static bool usesBytePairs(Operation *root) {
  if (auto conv = dyn_cast<heavy::ConvOp>(root))
    return conv.getBytePairs();
  auto matmul = dyn_cast<heavy::MatmulOp>(root);
  return matmul && matmul.getBytePairs();
}

LogicalResult ingot::emitHeavy(OpBuilder &b, KernelContext &context,
                               ArrayRef<Operation *> ops, Value lo, Value hi,
                               AffineExpr &work) {
  Operation *root = ops.front();
  if (auto concat = dyn_cast<heavy::ConcatOp>(root))
    return emitConcat(b, context, concat, lo, hi, work);
  linalg::GenericOp tail;
  if (ops.size() == 2)
    tail = dyn_cast<linalg::GenericOp>(ops[1]);
  if (ops.size() > 2 || (ops.size() == 2 && !tail))
    return root->emitError("[IG4002] no emitter for this kernel");
  if (usesBytePairs(root)) {
    context.machine = context.machine.forBytePairs();
    if (!context.machine)
      return root->emitError("[IG4002] this machine multiplies no pairs of "
                             "bytes");
  }
  Epilogue epilogue(context, root->getResult(0), tail);
  if (auto matmul = dyn_cast<heavy::MatmulOp>(root))
    return emitMatmul(b, context, matmul, epilogue, lo, hi, work);
  if (auto matmul = dyn_cast<heavy::MatmulNBitsOp>(root))
    return emitMatmulNBits(b, context, matmul, epilogue, lo, hi, work);
  auto conv = cast<heavy::ConvOp>(root);
  if (conv.isDepthwise())
    return emitDepthwise(b, context, conv, epilogue, lo, hi, work);
  return emitConv(b, context, conv, epilogue, lo, hi, work);
}
