//===- SharedSums.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/SharedSums.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

/// NVPTX's number of the address space of global memory.
constexpr unsigned globalSpace = 1;

void SharedSums::addParameters(OpBuilder &b, Location loc) {
  auto function = cast<LLVM::LLVMFuncOp>(b.getInsertionBlock()->getParentOp());
  MLIRContext *ctx = b.getContext();
  auto pointer = LLVM::LLVMPointerType::get(ctx);
  SmallVector<Type> types(function.getArgumentTypes());
  SmallVector<Attribute> attrs(types.size(), b.getDictionaryAttr({}));
  if (ArrayAttr known = function.getArgAttrsAttr())
    attrs.assign(known.begin(), known.end());
  types.append(2, pointer);
  attrs.append(2, b.getDictionaryAttr({}));
  function.setFunctionType(
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(ctx), types));
  function.setArgAttrsAttr(b.getArrayAttr(attrs));
  auto global = LLVM::LLVMPointerType::get(ctx, globalSpace);
  auto add = [&] {
    Value argument = function.front().addArgument(pointer, loc);
    return LLVM::AddrSpaceCastOp::create(b, loc, global, argument);
  };
  counters = add();
  room = add();
}

Value SharedSums::address(Words &w, Type element, Value at) const {
  // A number of elements below 2^31.
  return LLVM::GEPOp::create(w.b, w.loc, room.getType(), element, room,
                             ArrayRef<LLVM::GEPArg>{w.wide(at)});
}

/// A barrier that also tells all threads whether `flag` is true in any.
static Value barrierOr(Words &w, Value flag, int64_t barrier, int64_t threads) {
  SmallVector<Value> operands{w.number(barrier)};
  std::string name = "llvm.nvvm.barrier.cta.red.or.aligned.";
  name += threads ? "count" : "all";
  if (threads)
    operands.push_back(w.number(threads));
  operands.push_back(flag);
  return LLVM::CallIntrinsicOp::create(w.b, w.loc, w.b.getI1Type(),
                                       w.b.getStringAttr(name), operands)
      .getResults();
}

/// After the first barrier thread 0 knows, in the order of causality, of what
/// all threads of the block stored. Its atomic access releases that to the
/// device and acquires what those before it released, which the second barrier
/// hands to the other threads. One access: counting up and back to zero.
Value SharedSums::isLast(Words &w, Value thread, Value number, Value blocks,
                         int64_t barrier, int64_t threads) const {
  SmallVector<Value> operands{w.number(barrier)};
  if (threads)
    operands.push_back(w.number(threads));
  LLVM::CallIntrinsicOp::create(
      w.b, w.loc,
      w.b.getStringAttr(threads ? "llvm.nvvm.barrier.cta.sync.aligned.count"
                                : "llvm.nvvm.barrier.cta.sync.aligned.all"),
      operands);
  Value first = arith::CmpIOp::create(w.b, w.loc, arith::CmpIPredicate::eq,
                                      thread, w.number(0));
  auto branch = scf::IfOp::create(w.b, w.loc, TypeRange(w.b.getI1Type()), first,
                                  /*withElseRegion=*/true);
  {
    OpBuilder then = OpBuilder::atBlockEnd(branch.thenBlock());
    Words one(then, w.loc);
    Value counter =
        LLVM::GEPOp::create(then, w.loc, counters.getType(), then.getI32Type(),
                            counters, ArrayRef<LLVM::GEPArg>{number});
    Value most = one.add(blocks, -1);
    // LLVM would leave the order of an atomic access to PTX's default, relaxed.
    Value before =
        LLVM::InlineAsmOp::create(
            then, w.loc, then.getI32Type(), ValueRange{counter, most},
            "atom.acq_rel.gpu.global.inc.u32 $0, [$1], $2;", "=r,l,r,~{memory}",
            /*has_side_effects=*/true,
            /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None,
            LLVM::AsmDialectAttr::get(then.getContext(),
                                      LLVM::AsmDialect::AD_ATT),
            /*operand_attrs=*/ArrayAttr())
            .getResult(0);
    Value last = arith::CmpIOp::create(then, w.loc, arith::CmpIPredicate::eq,
                                       before, most);
    scf::YieldOp::create(then, w.loc, last);
    OpBuilder other = OpBuilder::atBlockEnd(branch.elseBlock());
    Value no = arith::ConstantIntOp::create(other, w.loc, 0, 1);
    scf::YieldOp::create(other, w.loc, no);
  }
  return barrierOr(w, branch.getResult(0), barrier, threads);
}
