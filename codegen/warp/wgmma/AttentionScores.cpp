//===- AttentionScores.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/wgmma/AttentionScores.h"
#include "codegen/warp/Warp.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

/// Exponents up to which a rounded reference is as good as an exact one: an
/// error of 2^-11 of an exponent, less than half a unit of a half.
constexpr double mostRounded = 8192;

/// Which of the two rows a number of a product belongs to.
static int64_t rowOfNumber(size_t i) { return i % 4 / 2; }

static SmallVector<Value> numbersOfRow(ArrayRef<Value> values, int64_t r) {
  SmallVector<Value> result;
  for (auto [i, v] : llvm::enumerate(values))
    if (rowOfNumber(i) == r)
      result.push_back(v);
  return result;
}

bool AttentionScores::isPlain() {
  // A factor above 0 can be applied after the greatest was found.
  double scale = op.getScale().convertToDouble();
  return inTwos && !op.getMask() && scale > 0 &&
         std::isnormal(float(scale * M_LOG2E));
}

double AttentionScores::factor() {
  if (isPlain())
    return op.getScale().convertToDouble() * M_LOG2E;
  return inTwos ? 1 : M_LOG2E;
}

void AttentionScores::setRows(Words &w, Value head, Value query) {
  Value last = w.sub(queryCount, w.number(1));
  for (int64_t r = 0; r < 2; ++r) {
    Value at = w.add(query, w.add(w.div(lane, 4), r * 8));
    Value exists = w.less(at, queryCount);
    rowsOfThread[r] = rowOf(w, head, w.select(exists, at, last), exists);
  }
}

AttentionScores::Values AttentionScores::limitsOf(Words &w, Value firstKey,
                                                  bool byRule, bool byLength) {
  Values limits;
  for (const Row &row : rowsOfThread) {
    Value limit = byLength ? keyCount : row.hidden;
    if (byRule && byLength && row.hidden)
      limit = arith::MinSIOp::create(w.b, loc, limit, row.hidden);
    limits.push_back(w.sub(limit, firstKey));
  }
  return limits;
}

Value AttentionScores::isBefore(Words &w, ArrayRef<Value> limits, size_t i) {
  return arith::CmpIOp::create(w.b, loc, arith::CmpIPredicate::sgt,
                               limits[rowOfNumber(i)],
                               w.number(i / 4 * 8 + i % 2));
}

/// Elements of a row of bias or mask for a key and the next, numbers or i1. If
/// `isChecked` there may be no such keys: then some other element.
AttentionScores::Values AttentionScores::loadPair(Words &w, const Operand &from,
                                                  Value rowOffset,
                                                  Value firstKey, int64_t key,
                                                  bool isChecked) {
  Type stored = storageType(from.buffer.elementType);
  int64_t bytes = storageBytes(stored);
  Value stride = w.wideFromIndex(context.expand(w.b, loc, from.strides[3]));
  auto addressOf = [&](Value base, Value index) -> Value {
    return LLVM::GEPOp::create(
        w.b, loc, from.buffer.pointer.getType(), stored, base,
        ArrayRef<LLVM::GEPArg>{w.mul(w.wide(index), stride)});
  };
  Value row = LLVM::GEPOp::create(w.b, loc, from.buffer.pointer.getType(),
                                  stored, from.buffer.pointer,
                                  ArrayRef<LLVM::GEPArg>{rowOffset});
  Values two;
  if (isChecked) {
    Value last = w.sub(keyCount, w.number(1));
    for (int64_t i = 0; i < 2; ++i) {
      Value at =
          arith::MinUIOp::create(w.b, loc, w.add(firstKey, key + i), last);
      two.push_back(
          LLVM::LoadOp::create(w.b, loc, stored, addressOf(row, at), bytes));
    }
  } else if (from.granule > 1) {
    Value at = addressOf(addressOf(row, firstKey), w.number(key));
    Value both = LLVM::LoadOp::create(w.b, loc, VectorType::get({2}, stored),
                                      at, 2 * bytes);
    for (int64_t i = 0; i < 2; ++i)
      two.push_back(vector::ExtractOp::create(w.b, loc, both, i));
  } else {
    Value first = addressOf(row, firstKey);
    for (int64_t i = 0; i < 2; ++i)
      two.push_back(LLVM::LoadOp::create(
          w.b, loc, stored, addressOf(first, w.number(key + i)), bytes));
  }
  for (Value &x : two) {
    if (from.buffer.elementType.isInteger(1)) {
      Value zero = arith::ConstantOp::create(w.b, loc, w.b.getZeroAttr(stored));
      x = arith::CmpIOp::create(w.b, loc, arith::CmpIPredicate::ne, x, zero);
      continue;
    }
    if (from.buffer.elementType.isBF16())
      x = arith::BitcastOp::create(w.b, loc, from.buffer.elementType, x);
    x = convert(w, x, w.b.getF32Type());
  }
  return two;
}

/// What score() does, with neighbours loaded together.
void AttentionScores::addTensors(Words &w, Value firstKey,
                                 MutableArrayRef<Value> products,
                                 bool isChecked) {
  double hidden = op.getFill() ? op.getFill()->convertToDouble() : -INFINITY;
  double cap = op.getSoftcap().convertToDouble();
  Value scale =
      real(w, op.getScale().convertToDouble() * (inTwos ? M_LOG2E : 1));
  bool hasRule = isChecked && rowsOfThread[0].hidden;
  Values byRule, byLength;
  if (hasRule)
    byRule = limitsOf(w, firstKey, true, false);
  if (isChecked)
    byLength = limitsOf(w, firstKey, false, true);
  for (size_t i = 0; i < products.size(); i += 2) {
    const Row &row = rowsOfThread[rowOfNumber(i)];
    int64_t key = i / 4 * 8;
    Values seen, added;
    if (op.getMask())
      seen = loadPair(w, mask, row.mask, firstKey, key, isChecked);
    if (op.getBias())
      added = loadPair(w, bias, row.bias, firstKey, key, isChecked);
    for (int64_t n = 0; n < 2; ++n) {
      Value &x = products[i + n];
      x = times(w, x, scale);
      if (cap != 0) {
        x = times(w, x, real(w, 1 / cap));
        x = times(w, math::TanhOp::create(w.b, loc, x), real(w, cap));
      }
      if (op.getMask())
        x = w.select(seen[n], x, real(w, hidden));
      if (hasRule)
        x = w.select(isBefore(w, byRule, i + n), x, real(w, hidden));
      if (op.getBias())
        x = plus(w, x, added[n]);
      if (isChecked)
        x = w.select(isBefore(w, byLength, i + n), x, real(w, -INFINITY));
    }
  }
}

void AttentionScores::makeScores(Words &w, Value firstKey,
                                 MutableArrayRef<Value> products,
                                 bool isChecked) {
  Value first = w.add(firstKey, w.mul(w.rem(lane, 4), 2));
  if (!isPlain())
    return addTensors(w, first, products, isChecked);
  if (!isChecked)
    return;
  Values limits = limitsOf(w, first, true, true);
  for (auto [i, x] : llvm::enumerate(products))
    x = w.select(isBefore(w, limits, i), x, real(w, -INFINITY));
}

Value AttentionScores::ofRow(Words &w, Value v, Combine combine) {
  for (int64_t mask : {1, 2})
    v = combine(v, shuffleXor(w.b, loc, v, mask));
  return v;
}

Value AttentionScores::join(ArrayRef<Value> values, Combine combine) {
  Value chains[2] = {values[0], values[1]};
  for (auto [i, v] : llvm::enumerate(values.drop_front(2)))
    chains[i % 2] = combine(chains[i % 2], v);
  return combine(chains[0], chains[1]);
}

Value AttentionScores::exp2(Words &w, Value x) {
  return LLVM::CallIntrinsicOp::create(
             w.b, loc, x.getType(),
             w.b.getStringAttr("llvm.nvvm.ex2.approx.ftz.f32"), ValueRange{x})
      .getResults();
}

/// An exponent is score * factor - greatest * factor, the latter rounded, in
/// one instruction. Where that is too large a number to be rounded, the
/// greatest score is subtracted first.
AttentionScores::Values
AttentionScores::takePowers(Words &w, State &state,
                            MutableArrayRef<Value> scores) {
  auto greatest = [&](Value x, Value y) { return greater(w, x, y); };
  auto sum = [&](Value x, Value y) { return plus(w, x, y); };
  Value scale = real(w, factor());
  Values shrinks, shifts;
  Value isLarge;
  for (int64_t r = 0; r < 2; ++r) {
    Value most = ofRow(w, join(numbersOfRow(scores, r), greatest), greatest);
    most = greater(w, state.greatest[r], most);
    Value from = shift(w, most);
    Value change = arith::SubFOp::create(w.b, loc, state.greatest[r], from);
    shrinks.push_back(exp2(w, times(w, change, scale)));
    state.greatest[r] = most;
    shifts.push_back(from);
    Value size = math::AbsFOp::create(w.b, loc, times(w, from, scale));
    Value isAbove = arith::CmpFOp::create(w.b, loc, arith::CmpFPredicate::UGT,
                                          size, real(w, mostRounded));
    isLarge =
        isLarge ? arith::OrIOp::create(w.b, loc, isLarge, isAbove) : isAbove;
  }
  // All lanes go the same way.
  isLarge = LLVM::CallIntrinsicOp::create(
                w.b, loc, w.b.getI1Type(),
                w.b.getStringAttr("llvm.nvvm.vote.any.sync"),
                ValueRange{w.number(-1), isLarge})
                .getResults();
  SmallVector<Type> types(scores.size() + 2, w.b.getF32Type());
  auto branch = scf::IfOp::create(w.b, loc, types, isLarge, /*withElse=*/true);
  {
    OpBuilder inner = branch.getThenBodyBuilder();
    Words in(inner, loc);
    Values results(2, real(in, 0));
    for (auto [i, x] : llvm::enumerate(scores))
      results.push_back(
          arith::SubFOp::create(inner, loc, x, shifts[rowOfNumber(i)]));
    scf::YieldOp::create(inner, loc, results);
  }
  {
    OpBuilder inner = branch.getElseBodyBuilder();
    Words in(inner, loc);
    Values results;
    for (Value from : shifts)
      results.push_back(times(in, from, real(in, -factor())));
    results.append(scores.begin(), scores.end());
    scf::YieldOp::create(inner, loc, results);
  }
  for (auto [i, x] : llvm::enumerate(scores))
    x = exp2(w, math::FmaOp::create(w.b, loc, branch.getResult(2 + i), scale,
                                    branch.getResult(rowOfNumber(i))));
  for (int64_t r = 0; r < 2; ++r)
    state.totals[r] = math::FmaOp::create(w.b, loc, state.totals[r], shrinks[r],
                                          join(numbersOfRow(scores, r), sum));
  return shrinks;
}

AttentionScores::Values AttentionScores::pack(Words &w,
                                              ArrayRef<Value> powers) {
  Values words;
  for (size_t i = 0; i < powers.size(); i += 2)
    words.push_back(halves(w, element, powers[i], powers[i + 1]));
  return words;
}

/// Four lanes have a word of two columns of each of four groups of eight
/// columns. They exchange them, so that each has a group of its own to store.
void AttentionScores::storeWords(Words &w, const Row &row, Value column,
                                 Values words) {
  Value inRow = w.rem(lane, 4);
  for (int64_t mask : {1, 2}) {
    Value isUpper = arith::CmpIOp::create(
        w.b, loc, arith::CmpIPredicate::ne,
        arith::AndIOp::create(w.b, loc, lane, w.number(mask)), w.number(0));
    for (int64_t i = 0; i < 4; ++i) {
      if (i & mask)
        continue;
      Value &low = words[i], &high = words[i + mask];
      Value given = shuffleXor(w.b, loc, w.select(isUpper, low, high), mask);
      low = w.select(isUpper, given, low);
      high = w.select(isUpper, high, given);
    }
  }
  auto only = scf::IfOp::create(w.b, loc, row.exists, /*withElse=*/false);
  OpBuilder then(only.thenBlock()->getTerminator());
  Words in(then, loc);
  Value offset = in.add(tokenOffset(in, result, row.head, row.query),
                        in.wide(in.add(column, in.mul(inRow, 8))));
  Value address = LLVM::GEPOp::create(
      then, loc, result.buffer.pointer.getType(),
      storageType(result.buffer.elementType), result.buffer.pointer,
      ArrayRef<LLVM::GEPArg>{offset});
  Value four = vector::FromElementsOp::create(
      then, loc, VectorType::get({4}, then.getI32Type()), words);
  LLVM::StoreOp::create(then, loc, four, address, 16);
}

void AttentionScores::storeRows(Words &w, ArrayRef<Value> totals,
                                ArrayRef<Value> sums) {
  Type type = result.buffer.elementType;
  bool isWide = (type.isF16() || type.isBF16()) && result.granule >= 8;
  int64_t groups = sums.size() / 4, wide = isWide ? groups / 4 * 4 : 0;
  for (int64_t r = 0; r < 2; ++r) {
    const Row &row = rowsOfThread[r];
    Value total =
        ofRow(w, totals[r], [&](Value x, Value y) { return plus(w, x, y); });
    Value factor = share(w, total);
    auto numbersOf = [&](int64_t group) {
      Values two;
      for (int64_t i = 0; i < 2; ++i)
        two.push_back(finish(w, sums[group * 4 + r * 2 + i], factor));
      return two;
    };
    for (int64_t group = 0; group < wide; group += 4) {
      Values words;
      for (int64_t i = 0; i < 4; ++i) {
        Values two = numbersOf(group + i);
        words.push_back(halves(w, type, two[0], two[1]));
      }
      storeWords(w, row, w.number(group * 8), words);
    }
    for (int64_t group = wide; group < groups; ++group)
      storeNeighbours(w, row, w.add(w.mul(w.rem(lane, 4), 2), group * 8),
                      numbersOf(group));
  }
}
