//===- Shared.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/Shared.h"
#include "codegen/warp/Warp.h"

#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

/// NVPTX's number of the address space of global memory.
constexpr unsigned globalSpace = 1;

Value warp::sharedMemory(Words &w, StringRef name, int64_t bytes) {
  constexpr int64_t alignment = 128;
  return namedShared(w.b, w.loc, name, bytes, alignment);
}

Value warp::bytesAfter(Words &w, Value pointer, Value bytes) {
  return LLVM::GEPOp::create(w.b, w.loc, pointer.getType(), w.b.getI8Type(),
                             pointer, ArrayRef<LLVM::GEPArg>{bytes});
}

Value SharedTile::offset(Words &w, Value row, Value chunk) const {
  int64_t chunks = rowBytes / chunkBytes, across = 128 / chunkBytes;
  // Rows shorter than the banks lie side by side in them.
  Value places = chunks >= across ? w.mul(row, step)
                                  : w.div(w.mul(row, step), across / chunks);
  places = w.rem(places, std::min(chunks, across));
  Value within = w.bitXor(chunk, places);
  return w.add(w.mul(row, rowBytes), w.mul(within, chunkBytes));
}

static LLVM::CallIntrinsicOp call(Words &w, Type result, StringRef name,
                                  ValueRange operands) {
  StringAttr full = w.b.getStringAttr("llvm.nvvm." + name.str());
  if (!result)
    return LLVM::CallIntrinsicOp::create(w.b, w.loc, full, operands);
  return LLVM::CallIntrinsicOp::create(w.b, w.loc, result, full, operands);
}

void warp::copyAsync(Words &w, Value shared, Value global, int64_t bytes,
                     Value inside) {
  auto type = LLVM::LLVMPointerType::get(w.b.getContext(), globalSpace);
  Value from = LLVM::AddrSpaceCastOp::create(w.b, w.loc, type, global);
  // Whole chunks need not stay in the first-level cache.
  std::string name = bytes == chunkBytes
                         ? "cp.async.cg.shared.global.16"
                         : "cp.async.ca.shared.global." + std::to_string(bytes);
  if (!inside) {
    call(w, {}, name, {shared, from});
    return;
  }
  Value size = w.select(inside, w.number(bytes), w.number(0));
  call(w, {}, name + ".s", {shared, from, size});
}

void warp::commitCopies(Words &w) { call(w, {}, "cp.async.commit.group", {}); }

void warp::waitForCopies(Words &w, int64_t groups) {
  call(w, {}, "cp.async.wait.group", {w.number(groups)});
}

/// The members of a struct that an intrinsic returns.
static SmallVector<Value> unpack(Words &w, LLVM::CallIntrinsicOp op,
                                 int64_t members) {
  SmallVector<Value> result;
  for (int64_t i = 0; i < members; ++i)
    result.push_back(
        LLVM::ExtractValueOp::create(w.b, w.loc, op.getResults(), i));
  return result;
}

static Type structOf(Type member, int64_t members) {
  return LLVM::LLVMStructType::getLiteral(member.getContext(),
                                          SmallVector<Type>(members, member));
}

SmallVector<Value> warp::loadMatrices(Words &w, Value address,
                                      bool transposed) {
  StringRef name = transposed ? "ldmatrix.sync.aligned.m8n8.x4.trans.b16"
                              : "ldmatrix.sync.aligned.m8n8.x4.b16";
  return unpack(w, call(w, structOf(w.b.getI32Type(), 4), name, {address}), 4);
}

Value warp::roundToTf32(Words &w, Value x) {
  return call(w, w.b.getI32Type(), "f2tf32.rna", x).getResults();
}

SmallVector<Value> warp::splitToBf16(Words &w, Value first, Value second,
                                     int64_t parts) {
  auto pair = VectorType::get({2}, w.b.getBF16Type());
  Type word = w.b.getI32Type(), single = w.b.getF32Type();
  // What the upper half of a word leaves of a number; exact.
  auto rest = [&](Value x, Value upper) -> Value {
    Value taken = LLVM::BitcastOp::create(w.b, w.loc, single, upper);
    return arith::SubFOp::create(w.b, w.loc, x, taken);
  };
  SmallVector<Value> result;
  for (int64_t part = 0; part < parts; ++part) {
    if (part > 0) {
      Value bits = result.back();
      first =
          rest(first, arith::ShLIOp::create(w.b, w.loc, bits, w.number(16)));
      second = rest(second,
                    arith::AndIOp::create(w.b, w.loc, bits, w.number(-65536)));
    }
    // The instruction puts its first operand into the upper half.
    Value both = call(w, pair, "ff2bf16x2.rn", {second, first}).getResults();
    result.push_back(LLVM::BitcastOp::create(w.b, w.loc, word, both));
  }
  return result;
}

SmallVector<Value> warp::multiplyMatrices(Words &w, Type factors,
                                          bool isUnsigned, ArrayRef<Value> left,
                                          ArrayRef<Value> right,
                                          ArrayRef<Value> sums) {
  SmallVector<Value> operands(left);
  operands.append(right.begin(), right.end());
  StringRef name;
  if (factors.isF16()) {
    name = "mma.m16n8k16.row.col.f32.f32";
    Type pair = VectorType::get({2}, factors);
    for (Value &v : operands)
      v = LLVM::BitcastOp::create(w.b, w.loc, pair, v);
  } else if (factors.isBF16()) {
    name = "mma.m16n8k16.row.col.bf16";
  } else if (factors.isF32()) {
    name = "mma.m16n8k8.row.col.tf32";
  } else {
    name =
        isUnsigned ? "mma.m16n8k32.row.col.u8.s8" : "mma.m16n8k32.row.col.s8";
  }
  operands.append(sums.begin(), sums.end());
  Type result = structOf(sums[0].getType(), 4);
  return unpack(w, call(w, result, name, operands), 4);
}

StringRef warp::float8Name(Type type) {
  return isa<Float8E5M2Type>(type) ? "e5m2" : "e4m3";
}

SmallVector<Value> warp::multiplyFloat8(Words &w, Type left, Type right,
                                        ArrayRef<Value> leftWords,
                                        ArrayRef<Value> rightWords,
                                        ArrayRef<Value> sums) {
  std::string name = ("mma.m16n8k32.row.col.f32." + float8Name(left) + "." +
                      float8Name(right) + ".f32")
                         .str();
  SmallVector<Value> operands(leftWords);
  operands.append(rightWords.begin(), rightWords.end());
  operands.append(sums.begin(), sums.end());
  Type result = structOf(w.b.getF32Type(), 4);
  return unpack(w, call(w, result, name, operands), 4);
}

Value warp::multiplyBytes(Words &w, bool isUnsigned, Value left, Value right,
                          Value sum) {
  return call(w, w.b.getI32Type(), isUnsigned ? "idp4a.u.s" : "idp4a.s.s",
              {left, right, sum})
      .getResults();
}
