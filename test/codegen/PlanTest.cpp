//===- PlanTest.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/Contraction.h"
#include "codegen/loop/LoopEmitter.h"
#include "test/dialects/Symbols.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace ingot;
using ingot::test::Symbols;

namespace {

struct PlanTest : testing::Test, Symbols {
  PlanTest() {
    context.loadDialect<kernel::KernelDialect, linalg::LinalgDialect,
                        arith::ArithDialect>();
  }

  kernel::MachineAttr machine(int64_t bits, int64_t registers, bool masks,
                              bool laneBroadcast) {
    return kernel::MachineAttr::get(&context, "t", "t", "", "", bits, registers,
                                    masks, laneBroadcast, 32 << 10, 1 << 20,
                                    kernel::DotForm::lanes, "", "", "", "", 0,
                                    0, false, false);
  }

  SmallVector<kernel::MachineAttr> machines() {
    return {machine(512, 32, true, false), machine(256, 16, false, false),
            machine(128, 32, false, true)};
  }
};

// Accumulators, the vectors of B and those of A that are at hand at one time
// must fit the registers.
TEST_F(PlanTest, TilesFitTheRegisters) {
  for (kernel::MachineAttr machine : machines())
    for (int64_t bits : {32, 64}) {
      TileShape tile = chooseTile(machine, bits);
      EXPECT_EQ(tile.width * bits, machine.getVectorBits());
      int64_t ofA = 1;
      EXPECT_LE(tile.rows * tile.vectors + tile.vectors + ofA,
                machine.getVectorRegisters());
      // More than half of them hold sums, or loads would be the limit.
      EXPECT_GT(2 * tile.rows * tile.vectors, machine.getVectorRegisters());
    }
}

TEST_F(PlanTest, RowsAreCoveredWithLittleWaste) {
  for (kernel::MachineAttr machine : machines()) {
    TileShape shape = chooseTile(machine, 32);
    for (int64_t rows = 1; rows < 400; ++rows) {
      TilePlan plan = planRows(onnx::constantDim(rows, &context), shape);
      std::optional<int64_t> tiles = onnx::constantValue(plan.tiles);
      ASSERT_TRUE(tiles) << rows;
      int64_t perTile = plan.shape.rows;
      // The last tile is moved back to be whole, so it must fit.
      ASSERT_LE(perTile, std::min(rows, shape.rows)) << rows;
      ASSERT_GE(*tiles * perTile, rows) << rows;
      ASSERT_LT((*tiles - 1) * perTile, rows) << rows;
      // As many tiles as the largest shape needs, or one more where that
      // computes fewer rows twice.
      int64_t least = llvm::divideCeil(rows, shape.rows);
      int64_t computed = least * int64_t(llvm::divideCeil(rows, least));
      EXPECT_TRUE(*tiles == least ||
                  (*tiles == least + 1 && *tiles * perTile < computed))
          << rows;
      EXPECT_LT(*tiles * perTile - rows, *tiles) << rows;
    }
  }
}

TEST_F(PlanTest, SymbolicRowsAreCovered) {
  TileShape shape = chooseTile(machines()[0], 32);
  TilePlan plan = planRows(symbols[0] * 3, shape);
  for (int64_t size : {1, 2, 5, 14, 100}) {
    sizes[0] = size;
    int64_t tiles = evaluate(plan.tiles);
    EXPECT_GE(tiles * plan.shape.rows, 3 * size);
    EXPECT_LT((tiles - 1) * plan.shape.rows, 3 * size);
  }
}

struct LoopTest : PlanTest {
  OwningOpRef<ModuleOp> module;

  /// An elementwise or reducing op over random sizes.
  linalg::GenericOp pickOp(int64_t rank, bool reduces, bool transposed) {
    std::string dims, out, outDims, iterators, loops, reversed;
    for (int64_t d = 0; d < rank; ++d) {
      std::string loop = "d" + std::to_string(d);
      std::string size = std::to_string(pick(1, 70));
      loops += (d ? ", " : "") + loop;
      reversed = loop + (d ? ", " : "") + reversed;
      dims += size + "x";
      if (reduces && d == rank - 1) {
        iterators += d ? ", \"reduction\"" : "\"reduction\"";
        continue;
      }
      iterators += d ? ", \"parallel\"" : "\"parallel\"";
      out += (d ? ", " : "") + loop;
      outDims += size + "x";
    }
    std::string in = loops, inDims = dims;
    if (transposed) {
      in = reversed;
      SmallVector<StringRef> parts;
      StringRef(dims).drop_back().split(parts, 'x');
      inDims.clear();
      for (StringRef part : llvm::reverse(parts))
        inDims += part.str() + "x";
    }
    std::string map = "affine_map<(" + loops + ") -> (";
    std::string text =
        "func.func @f(%x: tensor<" + inDims +
        "f32>) {\n"
        "%e = kernel.empty : tensor<" +
        outDims +
        "f32>\n"
        "%r = linalg.generic {indexing_maps = [" +
        map + in + ")>, " + map + out + ")>], iterator_types = [" + iterators +
        "]} ins(%x : tensor<" + inDims + "f32>) outs(%e : tensor<" + outDims +
        "f32>) {\n"
        "^bb0(%a: f32, %b: f32):\n%v = arith.addf %" +
        (reduces ? "b" : "a") +
        ", %a : f32\nlinalg.yield %v : f32\n} -> "
        "tensor<" +
        outDims + "f32>\nreturn\n}";
    module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module) << text;
    linalg::GenericOp op;
    if (module)
      module->walk([&](linalg::GenericOp found) { op = found; });
    return op;
  }
};

// Whatever is chosen, every loop is done exactly once.
TEST_F(LoopTest, PlansAreOfAllLoops) {
  for (int i = 0; i < 300; ++i) {
    linalg::GenericOp op = pickOp(pick(1, 4), pick(0, 1), pick(0, 1));
    ASSERT_TRUE(op);
    for (kernel::MachineAttr machine : machines()) {
      LoopPlan plan = planLoops(op, machine);
      SmallVector<int64_t> loops(plan.itemDims);
      loops.append(plan.innerDims);
      loops.append(plan.reducedDims);
      if (plan.vectorDim >= 0 && !plan.acrossReduction)
        loops.push_back(plan.vectorDim);
      llvm::sort(loops);
      EXPECT_EQ(loops,
                llvm::to_vector(llvm::seq<int64_t>(0, op.getNumLoops())));
      onnx::Dims extents = loopExtents(op);
      int64_t items = 1;
      for (int64_t d : plan.itemDims)
        items *= *onnx::constantValue(extents[d]);
      if (plan.chunk) {
        int64_t size = *onnx::constantValue(extents[plan.vectorDim]);
        EXPECT_LT(plan.chunk, size);
        EXPECT_EQ(plan.chunk % plan.width, 0);
        items *= (size + plan.chunk - 1) / plan.chunk;
      }
      EXPECT_EQ(onnx::constantValue(workItems(op, plan)), items);
      // A vector is no wider than the machine's, and without masks no longer
      // than the loop.
      EXPECT_LE(plan.width * 32, machine.getVectorBits());
      if (plan.vectorDim >= 0 && !machine.getMasks())
        EXPECT_LE(plan.width, *onnx::constantValue(extents[plan.vectorDim]));
    }
  }
}

TEST_F(LoopTest, TheContiguousLoopIsVectorised) {
  for (int i = 0; i < 50; ++i) {
    linalg::GenericOp op = pickOp(3, false, false);
    ASSERT_TRUE(op);
    onnx::Dims extents = loopExtents(op);
    if (*onnx::constantValue(extents[2]) < 2)
      continue;
    EXPECT_EQ(planLoops(op, machines()[0]).vectorDim, 2);
  }
}

TEST_F(LoopTest, RowSumsAreVectorisedAcrossTheRow) {
  for (int i = 0; i < 50; ++i) {
    linalg::GenericOp op = pickOp(2, true, false);
    ASSERT_TRUE(op);
    if (*onnx::constantValue(loopExtents(op)[1]) < 16)
      continue;
    LoopPlan plan = planLoops(op, machines()[0]);
    EXPECT_EQ(plan.vectorDim, 1);
    EXPECT_TRUE(plan.acrossReduction);
  }
}

} // namespace
