//===- Instructions.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/wgmma/Instructions.h"
#include "codegen/warp/Warp.h"

#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

/// An instruction with effects; it may also read and write memory.
static LLVM::InlineAsmOp assembly(Words &w, Type result, const Twine &text,
                                  const Twine &constraints,
                                  ValueRange operands) {
  return LLVM::InlineAsmOp::create(
      w.b, w.loc, result, operands, text.str(), constraints.str(),
      /*has_side_effects=*/true, /*is_align_stack=*/false,
      LLVM::tailcallkind::TailCallKind::None,
      LLVM::AsmDialectAttr::get(w.b.getContext(), LLVM::AsmDialect::AD_ATT),
      /*operand_attrs=*/ArrayAttr());
}

static void effect(Words &w, const Twine &text, StringRef constraints,
                   ValueRange operands) {
  StringRef separator = constraints.empty() ? "" : ",";
  assembly(w, Type(), text, constraints + separator + "~{memory}", operands);
}

Value warp::dynamicShared(Words &w) {
  constexpr llvm::StringLiteral name = "ingot_dynamic_shared";
  auto module =
      w.b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol(name)) {
    OpBuilder top = OpBuilder::atBlockBegin(module.getBody());
    LLVM::GlobalOp::create(top, module.getLoc(),
                           LLVM::LLVMArrayType::get(top.getI8Type(), 0),
                           /*isConstant=*/false, LLVM::Linkage::External, name,
                           Attribute(), swizzlePeriod, sharedSpace);
  }
  auto pointer = LLVM::LLVMPointerType::get(w.b.getContext(), sharedSpace);
  return LLVM::AddressOfOp::create(w.b, w.loc, pointer, name);
}

void warp::initBarrier(Words &w, Value barrier, int64_t arrivals) {
  effect(w, "mbarrier.init.shared::cta.b64 [$0], $1;", "r,r",
         {barrier, w.number(arrivals)});
}

void warp::publishBarriers(Words &w) {
  effect(w, "fence.mbarrier_init.release.cluster;", "", {});
}

void warp::arriveExpecting(Words &w, Value barrier, int64_t bytes) {
  effect(w, "mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;", "r,r",
         {barrier, w.number(bytes)});
}

void warp::arriveIf(Words &w, Value condition, Value barrier, Value rank) {
  // A predicate, not a branch, which LLVM would peel loops for.
  Value flag = arith::ExtUIOp::create(w.b, w.loc, w.b.getI32Type(), condition);
  if (!rank) {
    effect(w,
           "{\n\t"
           ".reg .pred go;\n\t"
           "setp.ne.b32 go, $1, 0;\n\t"
           "@go mbarrier.arrive.shared::cta.b64 _, [$0];\n\t"
           "}",
           "r,r", {barrier, flag});
    return;
  }
  effect(w,
         "{\n\t"
         ".reg .pred go;\n\t"
         ".reg .b32 there;\n\t"
         "setp.ne.b32 go, $1, 0;\n\t"
         "@go mapa.shared::cluster.u32 there, $0, $2;\n\t"
         "@go mbarrier.arrive.release.cluster.shared::cluster.b64 _, "
         "[there];\n\t"
         "}",
         "r,r,r", {barrier, flag, rank});
}

void warp::waitForPhase(Words &w, Value barrier, Value parity) {
  effect(w,
         "{\n\t"
         ".reg .pred done;\n"
         "INGOT_WAIT_${:uid}:\n\t"
         "mbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1;\n\t"
         "@!done bra INGOT_WAIT_${:uid};\n\t"
         "}",
         "r,r", {barrier, parity});
}

void warp::loadBox(Words &w, Value map, ArrayRef<Value> coordinates, Value to,
                   Value barrier, int64_t blocks, ArrayRef<Value> offsets) {
  SmallVector<Value> operands{map, to, barrier};
  std::string constraints = "l,r,r";
  // Adds operands and names them.
  auto add = [&](ValueRange values, StringRef constraint) {
    std::string names;
    for (Value v : values) {
      names += (names.empty() ? "$" : ", $") + std::to_string(operands.size());
      constraints += "," + constraint.str();
      operands.push_back(v);
    }
    return names;
  };
  std::string text = " [$1], [$0, {" + add(coordinates, "r") + "}], [$2]";
  if (!offsets.empty())
    text += ", {" + add(offsets, "h") + "}";
  StringRef multicast = blocks > 1 ? ".multicast::cluster" : "";
  if (blocks > 1) {
    auto all = w.b.getI16IntegerAttr(int16_t((1 << blocks) - 1));
    Value mask = arith::ConstantOp::create(w.b, w.loc, all);
    text += ", " + add(mask, "h");
  }
  effect(w,
         "cp.async.bulk.tensor." + Twine(coordinates.size()) +
             "d.shared::cluster.global." +
             (offsets.empty() ? "tile" : "im2col") +
             ".mbarrier::complete_tx::bytes" + multicast + text + ";",
         constraints, operands);
}

void warp::prefetchMap(Words &w, Value map) {
  effect(w, "prefetch.tensormap [$0];", "l", {map});
}

Value warp::blockInCluster(Words &w) {
  return LLVM::CallIntrinsicOp::create(
             w.b, w.loc, w.b.getI32Type(),
             w.b.getStringAttr("llvm.nvvm.read.ptx.sreg.cluster.ctarank"),
             ValueRange())
      .getResults();
}

void warp::syncCluster(Words &w) {
  effect(w,
         "barrier.cluster.arrive.release;\n\t"
         "barrier.cluster.wait.acquire;",
         "", {});
}

void warp::syncThreads(Words &w, Value barrier, int64_t threads) {
  effect(w, "bar.sync $0, " + Twine(threads) + ";", "r", {barrier});
}

void warp::arriveThreads(Words &w, Value barrier, int64_t threads) {
  effect(w, "bar.arrive $0, " + Twine(threads) + ";", "r", {barrier});
}

Value warp::hideNumber(Words &w, Value number) {
  return assembly(w, number.getType(), "mov.b32 $0, $1;", "=r,r", {number})
      .getRes();
}

void warp::releaseRegisters(Words &w, int64_t count) {
  effect(w, "setmaxnreg.dec.sync.aligned.u32 " + Twine(count) + ";", "", {});
}

void warp::acquireRegisters(Words &w, int64_t count) {
  effect(w, "setmaxnreg.inc.sync.aligned.u32 " + Twine(count) + ";", "", {});
}

Value warp::describeTile(Words &w, Value address, int64_t pieceBytes,
                         int64_t rowBytes) {
  // PTX ISA, "Matrix descriptor": the address, the distances between pieces
  // (used if the rows are depths) and between groups of eight rows, all in
  // units of 16 bytes, and swizzling over 128 (1), 64 (2) or 32 (3) bytes.
  auto encode = [](int64_t bytes) { return (bytes & 0x3ffff) >> 4; };
  int64_t mode = 1 + llvm::Log2_64(swizzleBytes / rowBytes);
  int64_t rest = int64_t(uint64_t(mode) << 62) |
                 encode(swizzleRows * rowBytes) << 32 |
                 encode(pieceBytes) << 16;
  Value low = arith::AndIOp::create(w.b, w.loc, address, w.number(0x3ffff));
  low = arith::ShRUIOp::create(w.b, w.loc, low, w.number(4));
  low = arith::ExtUIOp::create(w.b, w.loc, w.b.getI64Type(), low);
  return arith::OrIOp::create(w.b, w.loc, low, w.wideNumber(rest));
}

void warp::beginProducts(Words &w) {
  effect(w, "wgmma.fence.sync.aligned;", "", {});
}

void warp::commitProducts(Words &w) {
  effect(w, "wgmma.commit_group.sync.aligned;", "", {});
}

void warp::waitForProducts(Words &w, int64_t groups) {
  effect(w, "wgmma.wait_group.sync.aligned " + Twine(groups) + ";", "", {});
}

/// Constraints of registers that an instruction reads and writes in place.
static std::string inPlace(ArrayRef<Value> values) {
  std::string outputs, ties;
  for (auto [i, v] : llvm::enumerate(values)) {
    outputs += v.getType().isF32() ? "=f," : "=r,";
    ties += std::to_string(i) + ",";
  }
  return outputs + ties;
}

static SmallVector<Value> membersOf(Words &w, LLVM::InlineAsmOp op,
                                    size_t count) {
  SmallVector<Value> members;
  for (size_t i = 0; i < count; ++i)
    members.push_back(
        LLVM::ExtractValueOp::create(w.b, w.loc, op.getRes(), int64_t(i)));
  return members;
}

static Type structLike(ArrayRef<Value> values) {
  SmallVector<Type> types;
  for (Value v : values)
    types.push_back(v.getType());
  return LLVM::LLVMStructType::getLiteral(values[0].getContext(), types);
}

/// An instruction that values pass through, so that what makes them comes
/// before and what uses them after; `read` stay in place until then.
static SmallVector<Value> passThrough(Words &w, const Twine &text,
                                      ArrayRef<Value> values,
                                      ArrayRef<Value> read = {}) {
  SmallVector<Value> operands(values);
  operands.append(read.begin(), read.end());
  std::string constraints = inPlace(values);
  for (Value v : read)
    constraints += v.getType().isF32() ? "f," : "r,";
  return membersOf(w,
                   assembly(w, structLike(values), text,
                            constraints + "~{memory}", operands),
                   values.size());
}

/// "$first, ...": so many operands of an instruction.
static std::string operandList(size_t first, size_t count) {
  std::string list;
  for (size_t i = 0; i < count; ++i)
    list += (i ? ", $" : "$") + std::to_string(first + i);
  return list;
}

/// "k16.f32.f16.f16": the depth of a product and its types.
static std::string productType(Type factors) {
  StringRef type = factors.isF32() ? "tf32" : factors.isBF16() ? "bf16" : "f16";
  return ((factors.isF32() ? "k8.f32." : "k16.f32.") + type + "." + type).str();
}

/// A product of such a type, whose sums are operands from 0 on. They are added
/// to if a predicate says so.
static std::string productText(const Twine &type, int64_t columns, size_t count,
                               bool adds, const Twine &rest) {
  return ("{\n\t.reg .pred add;\n\tsetp." + Twine(adds ? "eq" : "ne") +
          ".b32 add, 0, 0;\n\twgmma.mma_async.sync.aligned.m64n" +
          Twine(columns) + type + " {" + operandList(0, count) + "}, " + rest +
          ";\n\t}")
      .str();
}

/// One of two factors in shared memory; `rest` is what the instruction says
/// behind its predicate.
static SmallVector<Value> multiplyShared(Words &w, const Twine &type,
                                         int64_t columns, Value left,
                                         Value right, bool adds,
                                         const Twine &rest,
                                         ArrayRef<Value> sums) {
  size_t count = sums.size();
  std::string text = productText(type, columns, count, adds,
                                 operandList(2 * count, 2) + ", add" + rest);
  SmallVector<Value> operands(sums);
  operands.push_back(left);
  operands.push_back(right);
  return membersOf(w,
                   assembly(w, structLike(sums), text,
                            inPlace(sums) + "l,l,~{memory}", operands),
                   count);
}

SmallVector<Value> warp::multiplyTiles(Words &w, Type factors, int64_t columns,
                                       Value left, bool leftTransposed,
                                       Value right, bool rightTransposed,
                                       ArrayRef<Value> sums) {
  std::string rest = ", 1, 1";
  // Only of halves rows may be depths.
  if (!factors.isF32())
    rest +=
        (", " + Twine(int(leftTransposed)) + ", " + Twine(int(rightTransposed)))
            .str();
  return multiplyShared(w, productType(factors), columns, left, right,
                        /*adds=*/true, rest, sums);
}

SmallVector<Value> warp::multiplyByteTiles(Words &w, StringRef types,
                                           int64_t columns, Value left,
                                           Value right, bool adds,
                                           ArrayRef<Value> sums) {
  bool isFloat = isa<FloatType>(sums[0].getType());
  return multiplyShared(w, (isFloat ? "k32.f32." : "k32.s32.") + types, columns,
                        left, right, adds, isFloat ? ", 1, 1" : "", sums);
}

SmallVector<Value> warp::multiplyFirstTiles(Words &w, Type factors,
                                            int64_t columns, Value left,
                                            Value right, bool rightTransposed) {
  size_t count = columns / 2;
  std::string text =
      productText(productType(factors), columns, count, /*adds=*/false,
                  "$" + Twine(count) + ", $" + Twine(count + 1) +
                      ", add, 1, 1, 0, " + Twine(int(rightTransposed)));
  std::string outputs;
  for (size_t i = 0; i < count; ++i)
    outputs += "=f,";
  Type result = LLVM::LLVMStructType::getLiteral(
      w.b.getContext(), SmallVector<Type>(count, w.b.getF32Type()));
  return membersOf(w,
                   assembly(w, result, text, outputs + "l,l,~{memory}",
                            ValueRange{left, right}),
                   count);
}

SmallVector<Value> warp::multiplyRegisters(Words &w, Type factors,
                                           int64_t columns,
                                           ArrayRef<Value> left, Value right,
                                           bool rightTransposed,
                                           ArrayRef<Value> sums) {
  size_t count = sums.size(), first = 2 * count;
  std::string text =
      productText(productType(factors), columns, count, /*adds=*/true,
                  "{" + operandList(first, 4) + "}, $" + Twine(first + 4) +
                      ", add, 1, 1, " + Twine(int(rightTransposed)));
  SmallVector<Value> operands(sums);
  operands.append(left.begin(), left.end());
  operands.push_back(right);
  return membersOf(w,
                   assembly(w, structLike(sums), text,
                            inPlace(sums) + "r,r,r,r,l,~{memory}", operands),
                   count);
}

SmallVector<Value> warp::beginProducts(Words &w, ArrayRef<Value> used) {
  return passThrough(w, "wgmma.fence.sync.aligned;", used);
}

SmallVector<Value> warp::finishProducts(Words &w, ArrayRef<Value> sums) {
  return finishProducts(w, 0, sums, {});
}

SmallVector<Value> warp::finishProducts(Words &w, int64_t groups,
                                        ArrayRef<Value> values,
                                        ArrayRef<Value> left) {
  return passThrough(w, "wgmma.wait_group.sync.aligned " + Twine(groups) + ";",
                     values, left);
}
