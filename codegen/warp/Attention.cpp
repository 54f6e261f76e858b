//===- Attention.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/Attention.h"
#include "codegen/loop/LoopEmitter.h"
#include "codegen/warp/Shared.h"
#include "codegen/warp/Warp.h"
#include "codegen/warp/wgmma/WarpgroupAttention.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

AttentionEmitter::AttentionEmitter(KernelContext &context, StringRef name,
                                   heavy::AttentionOp op)
    : context(context), name(name), op(op), loc(op.getLoc()),
      size(op.getSize()), valueSize(op.getValueSize()),
      perKey(op.getHeadsPerKey()),
      inTwos(!op.getBias() && !op.getFill() &&
             op.getSoftcap().convertToDouble() == 0) {
  onnx::Dims query = op.getQueryDims(), key = op.getKeyDims();
  batches = query[0];
  heads = key[1];
  queries = query[2];
  keys = key[2];
  rows = queries * perKey;
}

/// `order`: which dimension of the tensor each of [batch, heads, tokens, size]
/// is; tensors of a lower rank lack leading ones.
AttentionEmitter::Operand AttentionEmitter::describe(Words &w, Value tensor,
                                                     ArrayRef<int64_t> order) {
  Operand operand;
  if (!tensor)
    return operand;
  auto type = cast<RankedTensorType>(tensor.getType());
  operand.buffer = context.lookup(w.b, loc, tensor);
  onnx::Dims dims = onnx::getDims(type);
  int64_t missing = 4 - type.getRank();
  for (auto [i, dim] : llvm::enumerate(order)) {
    AffineExpr stride = onnx::constantDim(0, type.getContext());
    if (dim >= missing && onnx::constantValue(dims[dim - missing]) != 1)
      stride = operand.buffer.strides[dim - missing];
    operand.strides.push_back(stride);
  }
  auto canRead = [&](int64_t together) {
    int64_t bytes = together * storageBytes(type.getElementType());
    return missing == 0 && operand.buffer.alignment > 0 &&
           operand.buffer.alignment % bytes == 0 &&
           onnx::constantValue(operand.strides[3]) == 1 &&
           dims[order[3]].isMultipleOf(together) &&
           llvm::all_of(ArrayRef(operand.strides).drop_back(),
                        [&](AffineExpr stride) {
                          return stride.isMultipleOf(together);
                        });
  };
  for (int64_t together : {4, 8})
    if (canRead(together))
      operand.granule = together;
  return operand;
}

void AttentionEmitter::describeOperands(Words &w) {
  auto order = [](bool tokensFirst) {
    return tokensFirst ? SmallVector<int64_t>{0, 2, 1, 3}
                       : SmallVector<int64_t>{0, 1, 2, 3};
  };
  q = describe(w, op.getQ(), order(op.getQTokensFirst()));
  k = describe(w, op.getK(),
               op.getKTransposed() ? SmallVector<int64_t>{0, 1, 3, 2}
                                   : order(op.getKTokensFirst()));
  v = describe(w, op.getV(), order(op.getVTokensFirst()));
  result = describe(w, op.getResult(), order(op.getResultTokensFirst()));
  bias = describe(w, op.getBias(), order(false));
  mask = describe(w, op.getMask(), order(false));
  auto count = [&](AffineExpr expr) {
    return w.fromIndex(context.expand(w.b, loc, expr));
  };
  queryCount = count(queries);
  keyCount = count(keys);
  rowCount = count(rows);
  thread = w.fromIndex(threadInBlock(w.b, loc));
}

void AttentionEmitter::begin(Words &w, int64_t rowsOfBlock, AffineExpr &work) {
  describeOperands(w);
  // Neighbouring blocks read the same keys.
  SmallVector<AffineExpr> space{batches, heads, rows.ceilDiv(rowsOfBlock)};
  work = onnx::product(space, w.b.getContext());
  SmallVector<Value> at =
      delinearize(w.b, loc, context, blockInGrid(w.b, loc), space);
  batch = w.fromIndex(at[0]);
  keyHead = w.fromIndex(at[1]);
  firstRow = w.mul(w.fromIndex(at[2]), rowsOfBlock);
}

Value AttentionEmitter::tokenOffset(Words &w, const Operand &from, Value head,
                                    Value token) {
  Value offset, indices[] = {batch, head, token};
  for (auto [index, stride] : llvm::zip(indices, from.strides)) {
    if (onnx::constantValue(stride) == 0)
      continue;
    Value part =
        w.mul(w.wide(index), w.wideFromIndex(context.expand(w.b, loc, stride)));
    offset = offset ? w.add(offset, part) : part;
  }
  return offset ? offset : w.wideNumber(0);
}

AttentionEmitter::Row AttentionEmitter::row(Words &w, Value number) {
  Value exists = w.less(number, rowCount);
  number = w.select(exists, number, w.sub(rowCount, w.number(1)));
  if (perKey == 1)
    return rowOf(w, keyHead, number, exists);
  Value head = w.add(w.mul(keyHead, perKey), w.div(number, queryCount));
  return rowOf(w, head, w.rem(number, queryCount), exists);
}

AttentionEmitter::Row AttentionEmitter::rowOf(Words &w, Value head, Value query,
                                              Value exists) {
  Row row{head, query, exists, {}, {}, {}};
  if (op.getBias())
    row.bias = tokenOffset(w, bias, row.head, row.query);
  if (op.getMask())
    row.mask = tokenOffset(w, mask, row.head, row.query);
  if (auto offset = op.getCausalOffset())
    row.hidden = w.add(w.add(row.query, w.fromIndex(context.expand(
                                            w.b, loc, offset->getDims()[0]))),
                       1);
  return row;
}

Value AttentionEmitter::keysSeen(Words &w, int64_t rowsOfBlock) {
  Value last = w.sub(queryCount, w.number(1));
  if (perKey == 1)
    last = arith::MinUIOp::create(w.b, loc, last,
                                  w.add(firstRow, rowsOfBlock - 1));
  return keysSeenUpTo(w, last);
}

Value AttentionEmitter::keysSeenUpTo(Words &w, Value query) {
  auto offset = op.getCausalOffset();
  // Hidden keys count where their scores are numbers.
  if (!offset || op.getFill())
    return keyCount;
  Value seen = w.add(
      w.add(query, w.fromIndex(context.expand(w.b, loc, offset->getDims()[0]))),
      1);
  seen = arith::MaxSIOp::create(w.b, loc, seen, w.number(0));
  return arith::MinSIOp::create(w.b, loc, seen, keyCount);
}

Value AttentionEmitter::real(Words &w, double x) {
  return arith::ConstantOp::create(w.b, loc, w.b.getF32FloatAttr(x));
}
Value AttentionEmitter::plus(Words &w, Value x, Value y) {
  return arith::AddFOp::create(w.b, loc, x, y);
}
Value AttentionEmitter::times(Words &w, Value x, Value y) {
  return arith::MulFOp::create(w.b, loc, x, y);
}
Value AttentionEmitter::greater(Words &w, Value x, Value y) {
  // An instruction of its own, which the operation of that name is not here.
  return LLVM::CallIntrinsicOp::create(w.b, loc, x.getType(),
                                       w.b.getStringAttr("llvm.nvvm.fmax.f"),
                                       ValueRange{x, y})
      .getResults();
}
Value AttentionEmitter::halves(Words &w, Type element, Value x, Value y) {
  StringRef name =
      element.isBF16() ? "llvm.nvvm.ff2bf16x2.rn" : "llvm.nvvm.ff2f16x2.rn";
  Value pair =
      LLVM::CallIntrinsicOp::create(w.b, loc, VectorType::get({2}, element),
                                    w.b.getStringAttr(name), ValueRange{y, x})
          .getResults();
  return LLVM::BitcastOp::create(w.b, loc, w.b.getI32Type(), pair);
}

Value AttentionEmitter::score(Words &w, const Row &row, Value product,
                              Value key, bool isChecked) {
  double scale = op.getScale().convertToDouble() * (inTwos ? M_LOG2E : 1);
  Value x = times(w, product, real(w, scale));
  if (double cap = op.getSoftcap().convertToDouble(); cap != 0) {
    x = arith::DivFOp::create(w.b, loc, x, real(w, cap));
    x = times(w, math::TanhOp::create(w.b, loc, x), real(w, cap));
  }
  auto below = [&](Value limit) {
    return arith::CmpIOp::create(w.b, loc, arith::CmpIPredicate::slt, key,
                                 limit)
        .getResult();
  };
  Value inside = isChecked ? below(keyCount) : Value();
  // What lies beyond the last key is read at the first.
  Value readable = inside ? w.select(inside, key, w.number(0)) : key;
  auto offsetIn = [&](const Operand &from, Value rowOffset) {
    Value stride = w.wideFromIndex(context.expand(w.b, loc, from.strides[3]));
    return LaneValue::uniform(w.b.createOrFold<arith::IndexCastOp>(
        loc, w.b.getIndexType(),
        w.add(rowOffset, w.mul(w.wide(readable), stride))));
  };
  Value seen;
  if (op.getMask())
    seen =
        context.load(w.b, loc, mask.buffer, offsetIn(mask, row.mask), {}).value;
  if (row.hidden && isChecked)
    seen = w.both(seen, below(row.hidden));
  double hidden = op.getFill() ? op.getFill()->convertToDouble() : -INFINITY;
  if (seen)
    x = w.select(seen, x, real(w, hidden));
  if (op.getBias()) {
    Value added =
        context.load(w.b, loc, bias.buffer, offsetIn(bias, row.bias), {}).value;
    if (added.getType() != w.b.getF32Type())
      added = convert(w, added, w.b.getF32Type());
    x = plus(w, x, added);
  }
  return inside ? w.select(inside, x, real(w, -INFINITY)) : x;
}

Value AttentionEmitter::convert(Words &w, Value x, Type type) {
  unsigned from = getElementTypeOrSelf(x.getType()).getIntOrFloatBitWidth(),
           to = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  if (x.getType() == type)
    return x;
  if (from < to)
    return arith::ExtFOp::create(w.b, loc, type, x);
  return arith::TruncFOp::create(w.b, loc, type, x);
}

Value AttentionEmitter::shift(Words &w, Value greatest) {
  Value none = real(w, -INFINITY);
  Value isNone = arith::CmpFOp::create(w.b, loc, arith::CmpFPredicate::OEQ,
                                       greatest, none);
  return w.select(isNone, real(w, 0), greatest);
}

Value AttentionEmitter::power(Words &w, Value x, Value shift) {
  // Differences first: scores may be the least of numbers.
  Value exponent = arith::SubFOp::create(w.b, loc, x, shift);
  if (!inTwos)
    exponent = times(w, exponent, real(w, M_LOG2E));
  if (!isApproximate)
    return math::Exp2Op::create(w.b, loc, exponent);
  return LLVM::CallIntrinsicOp::create(
             w.b, loc, exponent.getType(),
             w.b.getStringAttr("llvm.nvvm.ex2.approx.ftz.f32"),
             ValueRange{exponent})
      .getResults();
}

Value AttentionEmitter::share(Words &w, Value total) {
  // No key at all, or minus infinity for each: the sums are zeros.
  auto empty = op.getZeroNanRows() ? arith::CmpFPredicate::UEQ
                                   : arith::CmpFPredicate::OEQ;
  Value isEmpty = arith::CmpFOp::create(w.b, loc, empty, total, real(w, 0));
  double ofEmpty =
      op.getZeroMaskedRows() ? 0 : std::numeric_limits<double>::quiet_NaN();
  Value inverse = arith::DivFOp::create(w.b, loc, real(w, 1), total);
  return w.select(isEmpty, real(w, ofEmpty), inverse);
}

Value AttentionEmitter::finish(Words &w, Value sum, Value share) {
  Value x = times(w, sum, share);
  if (!op.getZeroNanRows())
    return x;
  Value isEmpty = arith::CmpFOp::create(w.b, loc, arith::CmpFPredicate::OEQ,
                                        share, real(w, 0));
  return w.select(isEmpty, real(w, 0), x);
}

Value AttentionEmitter::loadFour(Words &w, const Operand &from, Value token,
                                 Value column, int64_t elements, Value inside) {
  constexpr int64_t together = 4;
  auto four = VectorType::get({together}, w.b.getF32Type());
  Type stored = storageType(from.buffer.elementType);
  auto address = [&](Value offset) {
    return LLVM::GEPOp::create(w.b, loc, from.buffer.pointer.getType(), stored,
                               from.buffer.pointer,
                               ArrayRef<LLVM::GEPArg>{offset})
        .getResult();
  };
  Value zero = w.wideNumber(0);
  if (from.granule >= together) {
    inside = w.both(inside, w.less(column, elements));
    Value offset = w.add(token, w.wide(column));
    Value at = address(w.select(inside, offset, zero));
    Type type = VectorType::get({together}, stored);
    Value v = LLVM::LoadOp::create(w.b, loc, type, at,
                                   together * storageBytes(stored));
    if (from.buffer.elementType.isBF16())
      v = arith::BitcastOp::create(
          w.b, loc, VectorType::get({together}, from.buffer.elementType), v);
    v = convert(w, v, four);
    return w.select(inside, v,
                    arith::ConstantOp::create(w.b, loc, w.b.getZeroAttr(four)));
  }
  SmallVector<Value> values;
  Value stride = w.wideFromIndex(context.expand(w.b, loc, from.strides[3]));
  for (int64_t i = 0; i < together; ++i) {
    Value at = w.add(column, i);
    Value exists = w.both(inside, w.less(at, elements));
    Value offset = w.add(token, w.mul(w.wide(at), stride));
    Value x =
        context.loadFloats(w.b, loc, from.buffer.elementType, w.b.getF32Type(),
                           address(w.select(exists, offset, zero)));
    values.push_back(w.select(exists, x, real(w, 0)));
  }
  return vector::FromElementsOp::create(w.b, loc, four, values);
}

void AttentionEmitter::storeNeighbours(Words &w, const Row &row, Value column,
                                       ArrayRef<Value> sums) {
  Type element = result.buffer.elementType;
  Type stored = storageType(element);
  Value token = tokenOffset(w, result, row.head, row.query);
  int64_t count = sums.size();
  auto branch = [&](Value condition, function_ref<void(Words &)> body) {
    auto only = scf::IfOp::create(w.b, loc, condition, /*withElse=*/false);
    OpBuilder then(only.thenBlock()->getTerminator());
    Words in(then, loc);
    body(in);
  };
  auto store = [&](Words &in, Value at, Value x, Type type, Type memory) {
    Value v = convert(in, x, type);
    if (element.isBF16())
      v = arith::BitcastOp::create(in.b, loc, memory, v);
    Value address =
        LLVM::GEPOp::create(in.b, loc, result.buffer.pointer.getType(), stored,
                            result.buffer.pointer,
                            ArrayRef<LLVM::GEPArg>{in.add(token, in.wide(at))});
    int64_t lanes = isa<VectorType>(memory) ? count : 1;
    LLVM::StoreOp::create(in.b, loc, v, address, lanes * storageBytes(stored));
  };
  if (result.granule >= count) {
    branch(w.both(row.exists, w.less(column, valueSize)), [&](Words &in) {
      Value all = vector::FromElementsOp::create(
          in.b, loc, VectorType::get({count}, in.b.getF32Type()), sums);
      store(in, column, all, VectorType::get({count}, element),
            VectorType::get({count}, stored));
    });
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    Value at = w.add(column, i);
    branch(w.both(row.exists, w.less(at, valueSize)),
           [&](Words &in) { store(in, at, sums[i], element, stored); });
  }
}

LogicalResult warp::emitAttention(OpBuilder &b, KernelContext &context,
                                  StringRef name, heavy::AttentionOp op,
                                  AffineExpr &work, GridShape &grid) {
  if (hasFewRows(op))
    emitAttentionRows(b, context, name, op, work, grid);
  else if (!emitWarpgroupAttention(b, context, name, op, work, grid) &&
           (!usesTensorCores(context.machine, op) ||
            !emitAttentionMatrix(b, context, name, op, work, grid)))
    emitAttentionTiles(b, context, name, op, work, grid);
  return success();
}
