//===- Warp.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/Warp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace ingot;

/// A special register, as i32.
static Value special(OpBuilder &b, Location loc, StringRef name) {
  return LLVM::CallIntrinsicOp::create(
             b, loc, b.getI32Type(),
             b.getStringAttr("llvm.nvvm.read.ptx.sreg." + name.str()),
             ValueRange())
      .getResults();
}

static Value toIndex(OpBuilder &b, Location loc, Value v) {
  return arith::IndexCastUIOp::create(b, loc, b.getIndexType(), v);
}

Value warp::threadInBlock(OpBuilder &b, Location loc) {
  return toIndex(b, loc, special(b, loc, "tid.x"));
}

Value warp::blockInGrid(OpBuilder &b, Location loc) {
  return toIndex(b, loc, special(b, loc, "ctaid.x"));
}

Value warp::globalThread(OpBuilder &b, Location loc, int64_t block) {
  // In 32 bits: LLVM then divides item numbers in 32 bits too, which takes a
  // fifth of the instructions.
  auto wraps = arith::IntegerOverflowFlags::nuw;
  Value size = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(block));
  Value first =
      arith::MulIOp::create(b, loc, special(b, loc, "ctaid.x"), size, wraps);
  return toIndex(
      b, loc,
      arith::AddIOp::create(b, loc, first, special(b, loc, "tid.x"), wraps));
}

void warp::barrier(OpBuilder &b, Location loc) {
  Value all = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
  LLVM::CallIntrinsicOp::create(
      b, loc, b.getStringAttr("llvm.nvvm.barrier.cta.sync.aligned.all"),
      ValueRange{all});
}

void warp::syncWarp(OpBuilder &b, Location loc) {
  Value all = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(-1));
  LLVM::CallIntrinsicOp::create(
      b, loc, b.getStringAttr("llvm.nvvm.bar.warp.sync"), ValueRange{all});
}

Value warp::shuffleXor(OpBuilder &b, Location loc, Value v, int64_t mask) {
  Type type = v.getType(), i32 = b.getI32Type();
  unsigned width = type.getIntOrFloatBitWidth();
  Value bits = v;
  if (!type.isInteger())
    bits = arith::BitcastOp::create(b, loc, b.getIntegerType(width), v);
  auto number = [&](int64_t n) -> Value {
    return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(int32_t(n)));
  };
  auto exchange = [&](Value word) -> Value {
    return LLVM::CallIntrinsicOp::create(
               b, loc, i32, b.getStringAttr("llvm.nvvm.shfl.sync.bfly.i32"),
               ValueRange{number(-1), word, number(mask), number(31)})
        .getResults();
  };
  if (width == 64) {
    Type i64 = b.getI64Type();
    Value half = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(32));
    Value low = exchange(arith::TruncIOp::create(b, loc, i32, bits));
    Value high = exchange(arith::TruncIOp::create(
        b, loc, i32, arith::ShRUIOp::create(b, loc, bits, half)));
    bits = arith::OrIOp::create(
        b, loc, arith::ExtUIOp::create(b, loc, i64, low),
        arith::ShLIOp::create(b, loc, arith::ExtUIOp::create(b, loc, i64, high),
                              half));
  } else if (width == 32) {
    bits = exchange(bits);
  } else {
    bits = exchange(arith::ExtUIOp::create(b, loc, i32, bits));
    bits = arith::TruncIOp::create(b, loc, b.getIntegerType(width), bits);
  }
  return type.isInteger() ? bits : arith::BitcastOp::create(b, loc, type, bits);
}

Value warp::namedShared(OpBuilder &b, Location loc, const Twine &name,
                        int64_t bytes, int64_t alignment) {
  std::string symbol = name.str();
  auto module =
      b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol(symbol)) {
    OpBuilder top = OpBuilder::atBlockBegin(module.getBody());
    auto type = LLVM::LLVMArrayType::get(top.getI8Type(), bytes);
    LLVM::GlobalOp::create(top, module.getLoc(), type, /*isConstant=*/false,
                           LLVM::Linkage::Internal, symbol, Attribute(),
                           alignment, sharedSpace);
  }
  auto pointer = LLVM::LLVMPointerType::get(b.getContext(), sharedSpace);
  return LLVM::AddressOfOp::create(b, loc, pointer, symbol);
}

void warp::setBlock(LLVM::LLVMFuncOp kernel, int64_t threads,
                    int64_t resident) {
  Builder b(kernel.getContext());
  auto pair = [&](StringRef name, const std::string &value) -> Attribute {
    return b.getArrayAttr({b.getStringAttr(name), b.getStringAttr(value)});
  };
  SmallVector<Attribute> attrs{pair("nvvm.maxntid", std::to_string(threads))};
  if (resident)
    attrs.push_back(pair("nvvm.minctasm", std::to_string(resident)));
  kernel.setPassthroughAttr(b.getArrayAttr(attrs));
}
