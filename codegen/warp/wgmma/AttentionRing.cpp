//===- AttentionRing.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/wgmma/AttentionRing.h"
#include "codegen/warp/Warp.h"
#include "codegen/warp/wgmma/Factors.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

bool TokenBoxes::describe(const KernelContext &context, Value tensor,
                          ArrayRef<AffineExpr> dims,
                          ArrayRef<AffineExpr> strides, int64_t tokens) {
  if (!findMemory(context, map, tensor))
    return false;
  map.element = getElementTypeOrSelf(tensor);
  int64_t bytes = storageBytes(map.element);
  map.dims = {dims[3], dims[2]};
  // A single token has no neighbour, but the engine wants a distance.
  bool isSingle = onnx::constantValue(strides[2]) == 0;
  map.strides = {(isSingle ? dims[3] : strides[2]) * bytes};
  map.box = {AttentionShape::piece, tokens};
  auto add = [&](bool &has, int64_t dim) {
    has = onnx::constantValue(strides[dim]) != 0;
    if (!has)
      return;
    map.dims.push_back(dims[dim]);
    map.strides.push_back(strides[dim] * bytes);
    map.box.push_back(1);
  };
  add(hasHeads, 1);
  add(hasBatches, 0);
  return true;
}

void AttentionRing::begin(Words &w, LLVM::LLVMFuncOp function) {
  SmallVector<Attribute> maps;
  for (TokenBoxes *boxes : {&queries, &keys, &values}) {
    maps.push_back(boxes->map.toAttr());
    boxes->address = addMapParameter(function);
  }
  function->setAttr(tensorMapsAttrName,
                    ArrayAttr::get(function.getContext(), maps));
  shared =
      LLVM::PtrToIntOp::create(w.b, w.loc, w.b.getI32Type(), dynamicShared(w));
  barriers = w.add(shared, shape.barriersAt());
  if (shape.cluster > 1)
    rank = blockInCluster(w);
}

/// Barriers: of the queries, then two for each slot of keys, then of values. A
/// tile is full when its copies are there, and empty when all warps are done.
void AttentionRing::makeBarriers(Words &w, Value thread) {
  Value isFirst = arith::CmpIOp::create(w.b, w.loc, arith::CmpIPredicate::eq,
                                        thread, w.number(0));
  auto branch = scf::IfOp::create(w.b, w.loc, isFirst, /*withElse=*/false);
  OpBuilder then(branch.thenBlock()->getTerminator());
  Words one(then, w.loc);
  initBarrier(one, barriers, 1);
  for (Kind kind : {Keys, Values})
    for (int64_t s = 0; s < shape.stages; ++s) {
      initBarrier(one, full(one, kind, one.number(s)), 1);
      initBarrier(one, empty(one, kind, one.number(s)),
                  shape.cluster * shape.groups * groupThreads / 32);
    }
  publishBarriers(one);
  for (const TokenBoxes *boxes : {&queries, &keys, &values})
    prefetchMap(one, boxes->address);
  if (shape.cluster > 1)
    syncCluster(w);
  else
    barrier(w.b, w.loc);
}

Value AttentionRing::parity(Words &w, Value number) {
  return w.b.createOrFold<arith::AndIOp>(w.loc, w.div(number, shape.stages),
                                         w.number(1));
}

Value AttentionRing::full(Words &w, Kind kind, Value number) {
  Value first = w.add(barriers, 8 * (1 + 2 * kind * shape.stages));
  return w.add(first, w.mul(slot(w, number), 8));
}

Value AttentionRing::empty(Words &w, Kind kind, Value number) {
  return w.add(full(w, kind, number), 8 * shape.stages);
}

Value AttentionRing::at(Words &w, Kind kind, Value number) {
  int64_t first = kind == Keys ? shape.keysAt() : shape.valuesAt(),
          bytes = kind == Keys ? shape.keyBytes() : shape.valueBytes();
  return w.add(w.add(shared, first), w.mul(slot(w, number), bytes));
}

/// With several `blocks` each has as many of the tokens copied to all.
void AttentionRing::load(Words &w, const TokenBoxes &boxes, int64_t pieces,
                         int64_t pieceBytes, const Place &from, Value to,
                         Value barrier, int64_t blocks) {
  arriveExpecting(w, barrier, pieces * pieceBytes);
  Value token = from.token;
  if (blocks > 1) {
    int64_t tokens = shape.keys / blocks;
    token = w.add(token, w.mul(rank, tokens));
    to = w.add(to, w.mul(rank, tokens * swizzleBytes));
  }
  for (int64_t p = 0; p < pieces; ++p) {
    SmallVector<Value> at{w.number(p * AttentionShape::piece), token};
    if (boxes.hasHeads)
      at.push_back(from.head);
    if (boxes.hasBatches)
      at.push_back(from.batch);
    loadBox(w, boxes.address, at, w.add(to, p * pieceBytes), barrier, blocks);
  }
}

void AttentionRing::copyQueries(Words &w, const Place &from) {
  load(w, queries, shape.pieces(), queryPiece(), from, shared, barriers);
}

void AttentionRing::copy(Words &w, Kind kind, Value number, const Place &from) {
  Value other = w.bitXor(parity(w, number), w.number(1));
  waitForPhase(w, empty(w, kind, number), other);
  load(w, kind == Keys ? keys : values,
       kind == Keys ? shape.pieces() : shape.valuePieces(), tilePiece(), from,
       at(w, kind, number), full(w, kind, number), shape.cluster);
}

void AttentionRing::waitForQueries(Words &w) {
  waitForPhase(w, barriers, w.number(0));
}

void AttentionRing::wait(Words &w, Kind kind, Value number) {
  waitForPhase(w, full(w, kind, number), parity(w, number));
}

void AttentionRing::release(Words &w, Kind kind, Value number, Value lane) {
  Value peer = shape.cluster > 1 ? lane : Value();
  arriveIf(w, w.less(lane, shape.cluster), empty(w, kind, number), peer);
}

void AttentionRing::finish(Words &w) {
  if (shape.cluster > 1)
    syncCluster(w);
}
