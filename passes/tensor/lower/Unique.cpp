//===- Unique.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Infer.h"
#include "dialects/onnx/Selection.h"
#include "passes/tensor/lower/SelectionMath.h"

using namespace mlir;
using namespace ingot;

namespace {
/// Keeps the distinct entries found so far, in order, in the result `Y` itself.
/// Entries are the parts of X seen as [outer, entries, inner].
class UniqueScan {
public:
  UniqueScan(onnx::UniqueOp op, Value data, RankedTensorType type, Value y,
             ArrayRef<Value> lists)
      : op(op), loc(op.getLoc()), data(data), dims(onnx::getDims(type)), y(y),
        indices(lists[0]), inverse(lists[1]), counts(lists[2]),
        element(type.getElementType()) {}

  void emit(OpBuilder &b, AffineExpr distinct);

private:
  /// Entry `entry` of X compared with entry `at` of Y: -1, 0 or 1.
  Value compare(OpBuilder &b, Value entry, Value at);
  /// The first place whose entry is not less (sorted) or is equal, and whether
  /// it is equal.
  std::pair<Value, Value> search(OpBuilder &b, Value entry, Value count);
  void insert(OpBuilder &b, Value entry, Value at, Value count);
  void moveEntry(OpBuilder &b, Value from, Value to);
  void forEachElement(OpBuilder &b,
                      function_ref<void(OpBuilder &, Value, Value)> body);
  void storeList(OpBuilder &b, Value list, Value at, Value number) {
    if (list)
      kernel::StoreOp::create(b, loc, asInt64(b, loc, number), list, at);
  }

  onnx::UniqueOp op;
  Location loc;
  Value data;
  onnx::Dims dims;
  Value y, indices, inverse, counts;
  Type element;
};
} // namespace

Value UniqueScan::compare(OpBuilder &b, Value entry, Value at) {
  IndexMath math{b, loc};
  auto perInner = [&](OpBuilder &nested, Value outer, Value result) {
    return carry(
        nested, loc, math.extent(dims[2]), result,
        [&](OpBuilder &deep, Value inner, Value known) {
          IndexMath own{deep, loc};
          ElementOrder order{deep, loc, onnx::isUnsigned(element)};
          Value x =
              toCompute(deep, loc,
                        tensor::ExtractOp::create(
                            deep, loc, data, ValueRange{outer, entry, inner}));
          Value z =
              toCompute(deep, loc,
                        kernel::LoadOp::create(deep, loc, element, y,
                                               ValueRange{outer, at, inner}));
          Value here = own.select(
              order.less(x, z), own.constant(-1),
              own.select(order.equal(x, z), own.constant(0), own.constant(1)));
          return own.select(own.equal(known, own.constant(0)), here, known);
        });
  };
  return carry(b, loc, math.extent(dims[0]), math.constant(0), perInner);
}

std::pair<Value, Value> UniqueScan::search(OpBuilder &b, Value entry,
                                           Value count) {
  IndexMath math{b, loc};
  Value zero = math.constant(0);
  // Sorted: halve [low, high). Unsorted: walk until the equal one.
  auto loop = scf::WhileOp::create(
      b, loc, TypeRange{b.getIndexType(), b.getIndexType()},
      ValueRange{zero, count},
      [&](OpBuilder &nested, Location, ValueRange state) {
        IndexMath own{nested, loc};
        scf::ConditionOp::create(nested, loc, own.less(state[0], state[1]),
                                 state);
      },
      [&](OpBuilder &nested, Location, ValueRange state) {
        IndexMath own{nested, loc};
        Value low = state[0], high = state[1], none = own.constant(0);
        Value middle =
            op.getSorted() ? own.div(own.add(low, high), own.constant(2)) : low;
        Value order = compare(nested, entry, middle);
        Value next = own.add(middle, own.constant(1));
        Value onward = op.getSorted()
                           ? own.less(none, order)
                           : own.compare(arith::CmpIPredicate::ne, order, none);
        scf::YieldOp::create(nested, loc,
                             ValueRange{own.select(onward, next, low),
                                        own.select(onward, high, middle)});
      });
  Value at = loop.getResult(0);
  Value candidate = math.less(at, count);
  Value order =
      choose(b, loc, candidate, math.constant(1),
             [&](OpBuilder &then) { return compare(then, entry, at); });
  return {at, math.equal(order, zero)};
}

void UniqueScan::forEachElement(
    OpBuilder &b, function_ref<void(OpBuilder &, Value, Value)> body) {
  IndexMath math{b, loc};
  Value zero = math.constant(0), innerSize = math.extent(dims[2]);
  carry(b, loc, math.extent(dims[0]), zero,
        [&](OpBuilder &nested, Value outer, Value carried) {
          carry(nested, loc, innerSize, zero,
                [&](OpBuilder &deep, Value inner, Value same) {
                  body(deep, outer, inner);
                  return same;
                });
          return carried;
        });
}

/// Moves an entry of the results from one place to another.
void UniqueScan::moveEntry(OpBuilder &b, Value from, Value to) {
  forEachElement(b, [&](OpBuilder &nested, Value outer, Value inner) {
    Value v = kernel::LoadOp::create(nested, loc, element, y,
                                     ValueRange{outer, from, inner});
    kernel::StoreOp::create(nested, loc, v, y, ValueRange{outer, to, inner});
  });
  for (Value list : {indices, counts}) {
    if (!list)
      continue;
    Value v = kernel::LoadOp::create(b, loc, b.getI64Type(), list, from);
    kernel::StoreOp::create(b, loc, v, list, to);
  }
}

void UniqueScan::insert(OpBuilder &b, Value entry, Value at, Value count) {
  IndexMath math{b, loc};
  Value one = math.constant(1);
  carry(b, loc, math.sub(count, at), math.constant(0),
        [&](OpBuilder &nested, Value i, Value carried) {
          IndexMath own{nested, loc};
          Value to = own.sub(count, i);
          moveEntry(nested, own.sub(to, one), to);
          return carried;
        });
  forEachElement(b, [&](OpBuilder &nested, Value outer, Value inner) {
    Value v = tensor::ExtractOp::create(nested, loc, data,
                                        ValueRange{outer, entry, inner});
    kernel::StoreOp::create(nested, loc, v, y, ValueRange{outer, at, inner});
  });
  storeList(b, indices, at, entry);
  storeList(b, counts, at, one);
}

void UniqueScan::emit(OpBuilder &b, AffineExpr distinct) {
  IndexMath math{b, loc};
  Value entries = math.extent(dims[1]), room = math.extent(distinct);
  Value zero = math.constant(0);
  Value count = carry(
      b, loc, entries, zero, [&](OpBuilder &nested, Value i, Value found) {
        auto [at, known] = search(nested, i, found);
        Value place = at;
        onlyIf(nested, loc, known, [&](OpBuilder &then) {
          if (!counts)
            return;
          Value old = kernel::LoadOp::create(then, loc, then.getI64Type(),
                                             counts, place);
          Value one = integerConstant(then, loc, then.getI64Type(), 1);
          Value more = arith::AddIOp::create(then, loc, old, one);
          kernel::StoreOp::create(then, loc, more, counts, place);
        });
        IndexMath own{nested, loc};
        Value full = own.compare(arith::CmpIPredicate::sge, found, room);
        Value isNew = notOf(nested, loc, known);
        own.fault(own.both(isNew, full), faultShape);
        Value enters = own.both(isNew, notOf(nested, loc, full));
        return choose(nested, loc, enters, found, [&](OpBuilder &then) {
          insert(then, i, place, found);
          IndexMath inner{then, loc};
          return inner.add(found, inner.constant(1));
        });
      });
  math.fault(math.compare(arith::CmpIPredicate::ne, count, room), faultShape);
  if (!inverse)
    return;
  carry(b, loc, entries, zero, [&](OpBuilder &nested, Value i, Value carried) {
    storeList(nested, inverse, i, search(nested, i, count).first);
    return carried;
  });
}

namespace {
struct LowerUnique : OpRewritePattern<onnx::UniqueOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::UniqueOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType type = onnx::rankedType(op.getX());
    RankedTensorType out = rankedResult(op);
    if (!out || !type || !isMovable(op.getX()) || !out.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "number of distinct entries is "
                                             "not known");
    MLIRContext *context = rewriter.getContext();
    onnx::Dims dims = onnx::getDims(type), kept = onnx::getDims(out), flat;
    AffineExpr distinct = kept.back(), one = onnx::constantDim(1, context);
    if (op.getAxis()) {
      FailureOr<int64_t> axis =
          onnx::normalizeAxis(std::nullopt, *op.getAxis(), type.getRank());
      if (failed(axis) || dims.size() != kept.size())
        return rewriter.notifyMatchFailure(op, "ranks do not agree");
      ArrayRef<AffineExpr> all(dims);
      flat = {onnx::product(all.take_front(*axis), context), all[*axis],
              onnx::product(all.drop_front(*axis + 1), context)};
      distinct = kept[*axis];
    } else {
      if (kept.size() != 1)
        return rewriter.notifyMatchFailure(op, "ranks do not agree");
      flat = {one, onnx::product(dims, context), one};
    }
    onnx::Dims flatKept = {flat[0], distinct, flat[2]};
    if (!onnx::sameProduct(flatKept, kept))
      return rewriter.notifyMatchFailure(op, "sizes are not known to be equal");
    Location loc = op.getLoc();
    RankedTensorType seen = onnx::tensorOf(flat, type.getElementType());
    Value data = reshape(rewriter, loc, op.getX(), seen);

    // Lists that nobody reads are not kept.
    SmallVector<Value> inits = {emptyTensor(
        rewriter, loc, onnx::tensorOf(flatKept, type.getElementType()))};
    SmallVector<unsigned> used = {0};
    AffineExpr lengths[] = {distinct, flat[1], distinct};
    for (unsigned i = 1; i < 4; ++i) {
      if (op->getResult(i).use_empty())
        continue;
      if (!rankedResult(op, i))
        return rewriter.notifyMatchFailure(op, "a result has no rank");
      inits.push_back(
          emptyTensor(rewriter, loc,
                      onnx::tensorOf(lengths[i - 1], rewriter.getI64Type())));
      used.push_back(i);
    }
    SmallVector<Value> results = foreach (
        rewriter, loc, inits, {},
        [&](OpBuilder &b, ValueRange, ValueRange handles) {
          Value lists[3];
          for (auto [i, handle] : llvm::enumerate(handles.drop_front()))
            lists[used[i + 1] - 1] = handle;
          UniqueScan(op, data, seen, handles[0], lists).emit(b, distinct);
        });
    for (auto [i, result] : llvm::zip(used, results))
      rewriter.replaceAllUsesWith(
          op->getResult(i),
          reshape(rewriter, loc, result, rankedResult(op, i)));
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void ingot::populateUniquePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerUnique>(patterns.getContext());
}
