//===- Selection.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Selection.h"
#include "dialects/onnx/Infer.h"
#include "passes/tensor/lower/SelectionMath.h"

using namespace mlir;
using namespace ingot;

//===----------------------------------------------------------------------===//
// TopK
//===----------------------------------------------------------------------===//

namespace {
/// The best elements of one row in a heap whose root is the worst of them,
/// which then is emptied from its end: n log k steps, and no memory but the
/// results'.
class TopKRow {
public:
  TopKRow(onnx::TopKOp op, int64_t axis, ValueRange point, ValueRange handles)
      : op(op), loc(op.getLoc()), axis(axis), point(point), values(handles[0]),
        indices(handles[1]), type(getElementTypeOrSelf(values.getType())) {}

  void emit(OpBuilder &b);

private:
  struct Item {
    Value value; ///< in its stored type
    Value index; ///< i64
  };
  Item item(OpBuilder &b, Value at) {
    SmallVector<Value> from = insertAt(point, axis, at);
    return {kernel::LoadOp::create(b, loc, type, values, from),
            kernel::LoadOp::create(b, loc, b.getI64Type(), indices, from)};
  }
  void put(OpBuilder &b, Value at, const Item &what) {
    SmallVector<Value> to = insertAt(point, axis, at);
    kernel::StoreOp::create(b, loc, what.value, values, to);
    kernel::StoreOp::create(b, loc, what.index, indices, to);
  }
  Item input(OpBuilder &b, Value at) {
    return {
        tensor::ExtractOp::create(b, loc, op.getX(), insertAt(point, axis, at)),
        asInt64(b, loc, at)};
  }
  Value better(OpBuilder &b, const Item &x, const Item &y) {
    ElementOrder order{b, loc, onnx::isUnsigned(type)};
    Value u = toCompute(b, loc, x.value), v = toCompute(b, loc, y.value);
    Value ahead = op.getLargest() ? order.less(v, u) : order.less(u, v);
    Value earlier = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                          x.index, y.index);
    Value tie = arith::AndIOp::create(b, loc, order.equal(u, v), earlier);
    return arith::OrIOp::create(b, loc, ahead, tie);
  }
  void siftDown(OpBuilder &b, Value from, Value count);

  onnx::TopKOp op;
  Location loc;
  int64_t axis;
  ValueRange point;
  Value values, indices;
  Type type;
};
} // namespace

/// Moves the item at `from` below all items worse than it.
void TopKRow::siftDown(OpBuilder &b, Value from, Value count) {
  Item moved = item(b, from);
  Value yes = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
  auto leftOf = [&](OpBuilder &nested, Value at) -> Value {
    IndexMath math{nested, loc};
    return math.add(math.add(at, at), math.constant(1));
  };
  auto loop = scf::WhileOp::create(
      b, loc, TypeRange{b.getIndexType(), b.getI1Type()}, ValueRange{from, yes},
      [&](OpBuilder &nested, Location, ValueRange state) {
        IndexMath math{nested, loc};
        Value more = math.less(leftOf(nested, state[0]), count);
        scf::ConditionOp::create(nested, loc, math.both(more, state[1]), state);
      },
      [&](OpBuilder &nested, Location, ValueRange state) {
        IndexMath math{nested, loc};
        Value left = leftOf(nested, state[0]);
        Value right = math.add(left, math.constant(1));
        Value inside = math.min(right, math.sub(count, math.constant(1)));
        Value leftBetter =
            better(nested, item(nested, left), item(nested, inside));
        Value child = math.select(leftBetter, inside, left);
        Item worst = item(nested, child);
        Value down = better(nested, moved, worst);
        Value next = choose(nested, loc, down, state[0], [&](OpBuilder &then) {
          put(then, state[0], worst);
          return child;
        });
        scf::YieldOp::create(nested, loc, ValueRange{next, down});
      });
  put(b, loop.getResult(0), moved);
}

void TopKRow::emit(OpBuilder &b) {
  IndexMath math{b, loc};
  Value zero = math.constant(0), one = math.constant(1);
  Value n = extent(b, loc, op.getX(), axis);
  Value wanted = extent(b, loc, op.getValues(), axis);
  if (!onnx::constantIntegers(op.getK(), 1)) {
    int64_t rank = cast<RankedTensorType>(op.getK().getType()).getRank();
    Value asked = math.fromInteger(tensor::ExtractOp::create(
        b, loc, op.getK(), SmallVector<Value>(rank, zero)));
    math.fault(math.compare(arith::CmpIPredicate::ne, asked, wanted),
               faultShape);
  }
  math.fault(math.less(n, wanted), faultArgument);
  Value k = math.min(wanted, n);
  carry(b, loc, k, zero, [&](OpBuilder &nested, Value i, Value carried) {
    put(nested, i, input(nested, i));
    return carried;
  });
  Value half = math.div(k, math.constant(2));
  carry(b, loc, half, zero, [&](OpBuilder &nested, Value i, Value carried) {
    IndexMath inner{nested, loc};
    siftDown(nested, inner.sub(inner.sub(half, one), i), k);
    return carried;
  });
  // With none wanted there is no root to look at.
  Value rest = math.select(math.less(zero, k), math.sub(n, k), zero);
  carry(b, loc, rest, zero, [&](OpBuilder &nested, Value i, Value carried) {
    IndexMath inner{nested, loc};
    Item next = input(nested, inner.add(i, k));
    Value enters = better(nested, next, item(nested, zero));
    onlyIf(nested, loc, enters, [&](OpBuilder &then) {
      put(then, zero, next);
      siftDown(then, zero, k);
    });
    return carried;
  });
  Value swaps = math.max(math.sub(k, one), zero);
  carry(b, loc, swaps, zero, [&](OpBuilder &nested, Value i, Value carried) {
    IndexMath inner{nested, loc};
    Value last = inner.sub(swaps, i);
    Item worst = item(nested, zero), other = item(nested, last);
    put(nested, zero, other);
    put(nested, last, worst);
    siftDown(nested, zero, last);
    return carried;
  });
}

namespace {
struct LowerTopK : OpRewritePattern<onnx::TopKOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::TopKOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType values = rankedResult(op, 0),
                     indices = rankedResult(op, 1);
    RankedTensorType type = onnx::rankedType(op.getX());
    if (!values || !indices || !type || !onnx::rankedType(op.getK()))
      return rewriter.notifyMatchFailure(op, "operand or result has no rank");
    FailureOr<int64_t> axis =
        onnx::normalizeAxis(std::nullopt, op.getAxis(), type.getRank());
    onnx::Dims rows = onnx::getDims(values), all = onnx::getDims(type);
    if (failed(axis) || rows.size() != all.size())
      return rewriter.notifyMatchFailure(op, "ranks do not agree");
    for (size_t d = 0; d < rows.size(); ++d)
      if (int64_t(d) != *axis && rows[d] != all[d])
        return rewriter.notifyMatchFailure(op, "sizes are not known to be "
                                               "equal");
    rows.erase(rows.begin() + *axis);
    Location loc = op.getLoc();
    SmallVector<Value> results =
        foreach (rewriter, loc,
                 {emptyTensor(rewriter, loc, values),
                  emptyTensor(rewriter, loc, indices)},
                 rows, [&](OpBuilder &b, ValueRange point, ValueRange handles) {
                   TopKRow(op, *axis, point, handles).emit(b);
                 });
    rewriter.replaceOp(op, results);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Compress, NonZero
//===----------------------------------------------------------------------===//

/// Parallel over the dimensions but the axis; each item scans the condition.
struct LowerCompress : OpRewritePattern<onnx::CompressOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::CompressOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    RankedTensorType type = onnx::rankedType(op.getInput());
    RankedTensorType flags = onnx::rankedType(op.getCondition());
    if (!out || !type || !flags || flags.getRank() != 1)
      return rewriter.notifyMatchFailure(op, "operand or result has no rank");
    if (!isMovable(op.getInput()))
      return rewriter.notifyMatchFailure(op, "elements have no fixed size");
    Location loc = op.getLoc();
    Value data = op.getInput();
    FailureOr<int64_t> axis = 0;
    if (op.getAxis()) {
      axis = onnx::normalizeAxis(std::nullopt, *op.getAxis(), type.getRank());
      if (failed(axis))
        return rewriter.notifyMatchFailure(op, "axis is out of range");
    } else {
      AffineExpr total =
          onnx::product(onnx::getDims(type), rewriter.getContext());
      type = onnx::tensorOf(total, type.getElementType());
      data = reshape(rewriter, loc, data, type);
    }
    onnx::Dims from = onnx::getDims(type), to = onnx::getDims(out);
    if (from.size() != to.size())
      return rewriter.notifyMatchFailure(op, "ranks do not agree");
    AffineExpr entries = from[*axis], kept = to[*axis];
    from.erase(from.begin() + *axis);
    to.erase(to.begin() + *axis);
    if (from != to)
      return rewriter.notifyMatchFailure(op, "sizes are not known to be equal");
    AffineExpr given = onnx::getDims(flags).front();
    SmallVector<Value> results = foreach (
        rewriter, loc, emptyTensor(rewriter, loc, out), from,
        [&](OpBuilder &b, ValueRange point, ValueRange handles) {
          IndexMath math{b, loc};
          Value room = math.extent(kept);
          Value scanned = math.min(math.extent(entries), math.extent(given));
          Value count = carry(
              b, loc, scanned, math.constant(0),
              [&](OpBuilder &nested, Value i, Value found) {
                Value flag = tensor::ExtractOp::create(nested, loc,
                                                       op.getCondition(), i);
                return choose(nested, loc, flag, found, [&](OpBuilder &then) {
                  IndexMath inner{then, loc};
                  onlyIf(
                      then, loc, inner.less(found, room), [&](OpBuilder &fits) {
                        Value element = tensor::ExtractOp::create(
                            fits, loc, data, insertAt(point, *axis, i));
                        kernel::StoreOp::create(fits, loc, element, handles[0],
                                                insertAt(point, *axis, found));
                      });
                  return inner.add(found, inner.constant(1));
                });
              });
          math.fault(math.compare(arith::CmpIPredicate::ne, count, room),
                     faultShape);
        });
    rewriter.replaceOp(op, results);
    return success();
  }
};

struct LowerNonZero : OpRewritePattern<onnx::NonZeroOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::NonZeroOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    RankedTensorType type = onnx::rankedType(op.getX());
    if (!out || !type || !isMovable(op.getX()) || out.getRank() != 2 ||
        out.getDimSize(0) != type.getRank())
      return rewriter.notifyMatchFailure(op, "operand or result has no rank");
    Location loc = op.getLoc();
    onnx::Dims dims = onnx::getDims(type);
    AffineExpr total = onnx::product(dims, rewriter.getContext());
    AffineExpr wanted = onnx::getDims(out)[1];
    Value list = reshape(rewriter, loc, op.getX(),
                         onnx::tensorOf(total, type.getElementType()));
    SmallVector<Value> results = foreach (
        rewriter, loc, emptyTensor(rewriter, loc, out), {},
        [&](OpBuilder &b, ValueRange, ValueRange handles) {
          IndexMath math{b, loc};
          Value room = math.extent(wanted);
          Value count = carry(
              b, loc, math.extent(total), math.constant(0),
              [&](OpBuilder &nested, Value i, Value found) {
                Value hit = isNonZero(nested, loc, list, i);
                return choose(nested, loc, hit, found, [&](OpBuilder &then) {
                  IndexMath inner{then, loc};
                  onlyIf(then, loc, inner.less(found, room),
                         [&](OpBuilder &fits) {
                           storePoint(fits, loc, i, dims, handles[0], found);
                         });
                  return inner.add(found, inner.constant(1));
                });
              });
          math.fault(math.compare(arith::CmpIPredicate::ne, count, room),
                     faultShape);
        });
    rewriter.replaceOp(op, results);
    return success();
  }

  static Value isNonZero(OpBuilder &b, Location loc, Value list, Value i) {
    Value element =
        toCompute(b, loc, tensor::ExtractOp::create(b, loc, list, i));
    Value zero =
        arith::ConstantOp::create(b, loc, b.getZeroAttr(element.getType()));
    if (isa<FloatType>(element.getType()))
      return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, element,
                                   zero);
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, element,
                                 zero);
  }

  /// Stores the indices of element number `i` as a column.
  static void storePoint(OpBuilder &b, Location loc, Value i,
                         ArrayRef<AffineExpr> dims, Value handle,
                         Value column) {
    IndexMath math{b, loc};
    for (int64_t d = int64_t(dims.size()) - 1; d >= 0; --d) {
      Value size = math.extent(dims[d]);
      Value index = d == 0 ? i : math.mod(i, size);
      kernel::StoreOp::create(b, loc, asInt64(b, loc, index), handle,
                              ValueRange{math.constant(d), column});
      if (d > 0)
        i = math.div(i, size);
    }
  }
};
} // namespace

void ingot::populateSelectionPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerTopK, LowerCompress, LowerNonZero>(patterns.getContext());
  populateUniquePatterns(patterns);
}
