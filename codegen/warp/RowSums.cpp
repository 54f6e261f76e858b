//===- RowSums.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/RowSums.h"
#include "codegen/loop/LoopEmitter.h"
#include "codegen/warp/Warp.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

std::optional<int64_t> warp::fewRowsOf(const MatrixProduct &product) {
  return onnx::constantValue(
      product.rows ? product.rows : product.dims[product.dims.size() - 2]);
}

Value RowSums::plus(Words &w, Value x, Value y) {
  if (isa<IntegerType>(sum))
    return arith::AddIOp::create(w.b, loc, x, y);
  return arith::AddFOp::create(w.b, loc, x, y);
}

void RowSums::begin(Words &w, AffineExpr &work, GridShape &grid) {
  SmallVector<AffineExpr> space;
  if (!product.bBatch.empty())
    space.assign(product.dims.begin(), product.dims.end() - 2);
  bool symbolic = !fewRowsOf(product);
  if (symbolic)
    space.push_back(product.rows.ceilDiv(rows));
  space.push_back(onnx::constantDim(llvm::divideCeil(product.n, lanes * width),
                                    w.b.getContext()));
  work = onnx::product(space, w.b.getContext());
  grid.block = blockThreads;
  grid.blockItems = 1;
  SmallVector<Value> at =
      delinearize(w.b, loc, context, blockInGrid(w.b, loc), space);
  batch.assign(at.begin(), at.end() - (symbolic ? 2 : 1));
  if (symbolic) {
    firstRow = w.mul(w.fromIndex(at[at.size() - 2]), rows);
    rowCount = w.fromIndex(context.expand(w.b, loc, product.rows));
  }
  thread = w.fromIndex(threadInBlock(w.b, loc));
  firstColumn = w.mul(w.fromIndex(at.back()), lanes * width);
}

void RowSums::finish(Words &w, ArrayRef<Value> ofThread, StringRef name) {
  SmallVector<Value> all(ofThread);
  // Lanes of a warp with the same columns.
  for (int64_t mask = lanes; mask < warpLanes; mask *= 2)
    for (Value &s : all)
      s = plus(w, s, shuffleXor(w.b, loc, s, mask));
  ArrayRef<Value> sums(all);
  StagedResults staged{Value(), sum, rows, lanes * width};
  staged.base = sharedMemory(w, name, staged.bytes(warps));
  Value number = w.div(thread, warpLanes), lane = w.rem(thread, warpLanes);
  auto writers = scf::IfOp::create(w.b, loc, w.less(lane, lanes), false);
  OpBuilder then(writers.thenBlock()->getTerminator());
  Words in(then, loc);
  auto type = VectorType::get({width}, sum);
  for (int64_t r = 0; r < rows; ++r) {
    Value v = vector::FromElementsOp::create(then, loc, type,
                                             sums.slice(r * width, width));
    LLVM::StoreOp::create(
        then, loc, v,
        staged.address(in, number, in.number(r), in.mul(lane, width)),
        chunkBytes);
  }
  barrier(w.b, loc);
  int64_t together = chunkBytes / (sum.getIntOrFloatBitWidth() / 8);
  if (product.n % together)
    together = 1;
  int64_t perRow = lanes * width / together;
  auto each = scf::ForOp::create(w.b, loc, thread, w.number(rows * perRow),
                                 w.number(blockThreads));
  OpBuilder body(each.getBody()->getTerminator());
  Words each32(body, loc);
  Value row = each32.div(each.getInductionVar(), perRow);
  Value at = each32.mul(each32.rem(each.getInductionVar(), perRow), together);
  Value result = each32.add(firstColumn, at);
  Value isResult = each32.less(result, product.n), resultRow = row;
  if (rowCount) {
    resultRow = each32.add(firstRow, row);
    isResult = each32.both(isResult, each32.less(resultRow, rowCount));
  }
  auto exists = scf::IfOp::create(body, loc, isResult, /*withElse=*/false);
  OpBuilder live(exists.thenBlock()->getTerminator());
  Words on(live, loc);
  Type part = together == 1 ? sum : Type(VectorType::get({together}, sum));
  Value total;
  for (int64_t i = 0; i < warps; ++i) {
    Value v = LLVM::LoadOp::create(live, loc, part,
                                   staged.address(on, on.number(i), row, at),
                                   together * sum.getIntOrFloatBitWidth() / 8);
    total = total ? plus(on, total, v) : v;
  }
  storeNeighbours(on, context, product, epilogue, batch, resultRow, result,
                  together, total);
}
