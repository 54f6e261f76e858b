//===- Index.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Index.h"
#include "dialects/onnx/Infer.h"
#include "passes/tensor/lower/IndexMath.h"

using namespace mlir;
using namespace ingot;

/// Fails unless all operands (but left-out ones) and the result are ranked, and
/// operand 0 is something kernels can move.
static LogicalResult checkOperands(PatternRewriter &rewriter, Operation *op) {
  if (!rankedResult(op))
    return rewriter.notifyMatchFailure(op, "result has no rank");
  for (Value operand : op->getOperands())
    if (!onnx::isNone(operand) && !onnx::rankedType(operand))
      return rewriter.notifyMatchFailure(op, "an operand has no rank");
  if (!isMovable(op->getOperand(0)))
    return rewriter.notifyMatchFailure(op, "elements have no fixed size");
  return success();
}

/// True if a tensor is known to have no elements, so that nothing may be read.
static bool isEmpty(Value tensor) {
  return llvm::is_contained(onnx::rankedType(tensor).getShape(), 0);
}

//===----------------------------------------------------------------------===//
// Gather, GatherElements, GatherND
//===----------------------------------------------------------------------===//

/// An index loaded from data for dimension `size` of the tensor it selects
/// from.
static Value loadIndex(Body &body, Value indices, ValueRange at,
                       AffineExpr size) {
  IndexMath math{body.b, body.loc};
  Value index = math.fromInteger(body.load(indices, at));
  return math.checkedIndex(index, math.extent(size));
}

namespace {
struct LowerGather : OpRewritePattern<onnx::GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::GatherOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(checkOperands(rewriter, op)))
      return failure();
    RankedTensorType out = rankedResult(op);
    RankedTensorType data = onnx::rankedType(op.getData());
    RankedTensorType indices = onnx::rankedType(op.getIndices());
    int64_t count = indices.getRank();
    FailureOr<int64_t> axis =
        onnx::normalizeAxis(std::nullopt, op.getAxis(), data.getRank());
    if (failed(axis) || out.getRank() != data.getRank() - 1 + count)
      return rewriter.notifyMatchFailure(op, "ranks do not agree");
    if (isEmpty(op.getData()) && !llvm::is_contained(out.getShape(), 0))
      return rewriter.notifyMatchFailure(op, "data has no elements");
    AffineExpr size = onnx::getDims(data)[*axis];
    Value result = moveElements(
        rewriter, op.getLoc(), out, {}, {}, [&](Body &body) -> Value {
          SmallVector<Value> point = pointOf(body, out.getRank());
          ValueRange all(point);
          SmallVector<Value> from(all.take_front(*axis));
          from.push_back(
              loadIndex(body, op.getIndices(), all.slice(*axis, count), size));
          llvm::append_range(from, all.drop_front(*axis + count));
          return body.load(op.getData(), from);
        });
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct LowerGatherElements : OpRewritePattern<onnx::GatherElementsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::GatherElementsOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(checkOperands(rewriter, op)))
      return failure();
    RankedTensorType out = rankedResult(op);
    RankedTensorType data = onnx::rankedType(op.getData());
    FailureOr<int64_t> axis =
        onnx::normalizeAxis(std::nullopt, op.getAxis(), data.getRank());
    if (failed(axis) || data.getRank() != out.getRank())
      return rewriter.notifyMatchFailure(op, "ranks do not agree");
    if (isEmpty(op.getData()) && !llvm::is_contained(out.getShape(), 0))
      return rewriter.notifyMatchFailure(op, "data has no elements");
    onnx::Dims from = onnx::getDims(data), to = onnx::getDims(out);
    AffineMap identity = rewriter.getMultiDimIdentityMap(out.getRank());
    Value result =
        moveElements(rewriter, op.getLoc(), out, op.getIndices(), identity,
                     [&](Body &body) -> Value {
                       IndexMath math{body.b, body.loc};
                       SmallVector<Value> at = pointOf(body, out.getRank());
                       for (int64_t d = 0; d < out.getRank(); ++d)
                         if (d != *axis)
                           at[d] = inside(math, at[d], to[d], from[d]);
                       at[*axis] =
                           math.checkedIndex(math.fromInteger(body.args[0]),
                                             math.extent(from[*axis]));
                       return body.load(op.getData(), at);
                     });
    rewriter.replaceOp(op, result);
    return success();
  }

  /// An index below `have` that must lie below `size` as well.
  static Value inside(IndexMath &math, Value at, AffineExpr have,
                      AffineExpr size) {
    std::optional<int64_t> room =
        onnx::constantValue(onnx::simplifySum(size - have));
    if (room.value_or(-1) >= 0)
      return at;
    math.fault(math.less(math.extent(size), math.extent(have)), faultShape);
    return math.clamp(at, math.constant(0),
                      math.sub(math.extent(size), math.constant(1)));
  }
};

struct LowerGatherND : OpRewritePattern<onnx::GatherNDOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::GatherNDOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(checkOperands(rewriter, op)))
      return failure();
    RankedTensorType out = rankedResult(op);
    RankedTensorType data = onnx::rankedType(op.getData());
    RankedTensorType indices = onnx::rankedType(op.getIndices());
    int64_t batch = op.getBatchDims(), tuples = indices.getRank() - 1;
    int64_t length = tuples < 0 ? 0 : indices.getDimSize(tuples);
    if (length < 1 || batch + length > data.getRank() || batch > tuples ||
        out.getRank() != tuples + data.getRank() - batch - length)
      return rewriter.notifyMatchFailure(op, "ranks do not agree");
    if (isEmpty(op.getData()) && !llvm::is_contained(out.getShape(), 0))
      return rewriter.notifyMatchFailure(op, "data has no elements");
    onnx::Dims from = onnx::getDims(data);
    for (int64_t d = 0; d < batch; ++d)
      if (from[d] != onnx::getDims(out)[d])
        return rewriter.notifyMatchFailure(op, "batches are not known to be "
                                               "equal");
    Value result = moveElements(
        rewriter, op.getLoc(), out, {}, {}, [&](Body &body) -> Value {
          SmallVector<Value> point = pointOf(body, out.getRank());
          SmallVector<Value> tuple(ValueRange(point).take_front(tuples));
          SmallVector<Value> at(ValueRange(point).take_front(batch));
          tuple.push_back({});
          for (int64_t i = 0; i < length; ++i) {
            tuple.back() = body.constant(i);
            at.push_back(
                loadIndex(body, op.getIndices(), tuple, from[batch + i]));
          }
          llvm::append_range(at, ValueRange(point).drop_front(tuples));
          return body.load(op.getData(), at);
        });
    rewriter.replaceOp(op, result);
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// ScatterElements, ScatterND, TensorScatter
//===----------------------------------------------------------------------===//

/// Nested loops over `extents`; `inner` gets the indices.
static void loopOver(OpBuilder &b, Location loc, ArrayRef<AffineExpr> extents,
                     SmallVectorImpl<Value> &indices,
                     function_ref<void(OpBuilder &)> inner) {
  if (extents.empty())
    return inner(b);
  IndexMath math{b, loc};
  scf::ForOp::create(
      b, loc, math.constant(0), math.extent(extents.front()), math.constant(1),
      ValueRange(), [&](OpBuilder &nested, Location at, Value i, ValueRange) {
        indices.push_back(i);
        loopOver(nested, at, extents.drop_front(), indices, inner);
        indices.pop_back();
        scf::YieldOp::create(nested, at);
      });
}

/// The update joined with the element already there, in its compute type.
static Value combine(OpBuilder &b, Location loc, StringRef reduction, Value old,
                     Value update, bool isUnsigned) {
  bool isFloat = isa<FloatType>(old.getType());
  bool isBool = old.getType().isInteger(1);
  auto create = [&](auto floatOp, auto intOp) -> Value {
    if (isFloat)
      return decltype(floatOp)::create(b, loc, old, update);
    return decltype(intOp)::create(b, loc, old, update);
  };
  // Sums and products of truth values are "or" and "and".
  if (reduction == "add")
    return isBool ? arith::OrIOp::create(b, loc, old, update).getResult()
                  : create(arith::AddFOp(), arith::AddIOp());
  if (reduction == "mul")
    return create(arith::MulFOp(), arith::MulIOp());
  bool plain = isUnsigned || isBool;
  if (reduction == "max")
    return plain ? create(arith::MaximumFOp(), arith::MaxUIOp())
                 : create(arith::MaximumFOp(), arith::MaxSIOp());
  return plain ? create(arith::MinimumFOp(), arith::MinUIOp())
               : create(arith::MinimumFOp(), arith::MinSIOp());
}

/// Writes an element of `updates` to a result of the enclosing foreach.
static void writeUpdate(OpBuilder &b, Location loc, StringRef reduction,
                        Value updates, ValueRange from, Value handle,
                        ValueRange to) {
  Type element = getElementTypeOrSelf(handle.getType());
  Value update = tensor::ExtractOp::create(b, loc, updates, from);
  if (reduction != "none") {
    Value old = kernel::LoadOp::create(b, loc, element, handle, to);
    Value joined =
        combine(b, loc, reduction, toCompute(b, loc, old),
                toCompute(b, loc, update), onnx::isUnsigned(element));
    update = fromCompute(b, loc, joined, element);
  }
  kernel::StoreOp::create(b, loc, update, handle, to);
}

/// An index of a foreach's body: negative ones count from the back; reports
/// one out of range, which `inside` then does not include.
static Value scatterIndex(OpBuilder &b, Location loc, Value indices,
                          ValueRange at, AffineExpr size, Value &inside) {
  IndexMath math{b, loc};
  Value index = tensor::ExtractOp::create(b, loc, indices, at);
  Value extent = math.extent(size);
  index = math.wrap(math.fromInteger(index), extent);
  Value fits = math.compare(arith::CmpIPredicate::ult, index, extent);
  Value yes = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
  math.fault(arith::XOrIOp::create(b, loc, fits, yes), faultIndex);
  inside = inside ? math.both(inside, fits) : fits;
  return index;
}

namespace {
/// Parallel over all dimensions but the axis: writes that could meet follow
/// each other in one item.
struct LowerScatterElements : OpRewritePattern<onnx::ScatterElementsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::ScatterElementsOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(checkOperands(rewriter, op)))
      return failure();
    RankedTensorType out = rankedResult(op);
    RankedTensorType indices = onnx::rankedType(op.getIndices());
    FailureOr<int64_t> axis =
        onnx::normalizeAxis(std::nullopt, op.getAxis(), out.getRank());
    if (failed(axis) || indices.getRank() != out.getRank())
      return rewriter.notifyMatchFailure(op, "ranks do not agree");
    onnx::Dims extents = onnx::getDims(indices), to = onnx::getDims(out);
    if (extents != onnx::getDims(onnx::rankedType(op.getUpdates())))
      return rewriter.notifyMatchFailure(op, "updates and indices are not "
                                             "known to have one shape");
    AffineExpr along = extents[*axis], size = to[*axis];
    for (int64_t d = 0; d < out.getRank(); ++d) {
      std::optional<int64_t> room =
          onnx::constantValue(onnx::simplifySum(to[d] - extents[d]));
      if (d != *axis && room.value_or(-1) < 0)
        return rewriter.notifyMatchFailure(op, "indices are not known to lie "
                                               "within the data");
    }
    extents.erase(extents.begin() + *axis);
    SmallVector<Value> results = foreach (
        rewriter, op.getLoc(), op.getData(), extents,
        [&](OpBuilder &b, ValueRange point, ValueRange handles) {
          SmallVector<Value> walk;
          loopOver(b, op.getLoc(), along, walk, [&](OpBuilder &nested) {
            SmallVector<Value> at(point);
            at.insert(at.begin() + *axis, walk.front());
            Value inside;
            SmallVector<Value> target(at);
            target[*axis] = scatterIndex(nested, op.getLoc(), op.getIndices(),
                                         at, size, inside);
            scf::IfOp::create(nested, op.getLoc(), inside,
                              [&](OpBuilder &then, Location loc) {
                                writeUpdate(then, loc, op.getReduction(),
                                            op.getUpdates(), at, handles[0],
                                            target);
                                scf::YieldOp::create(then, loc);
                              });
          });
        });
    rewriter.replaceOp(op, reshape(rewriter, op.getLoc(), results[0], out));
    return success();
  }
};

/// Parallel over the slices' dimensions: any two tuples may be equal.
struct LowerScatterND : OpRewritePattern<onnx::ScatterNDOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::ScatterNDOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(checkOperands(rewriter, op)))
      return failure();
    RankedTensorType out = rankedResult(op);
    RankedTensorType indices = onnx::rankedType(op.getIndices());
    int64_t tuples = indices.getRank() - 1;
    int64_t length = tuples < 0 ? 0 : indices.getDimSize(tuples);
    if (length < 1 || length > out.getRank())
      return rewriter.notifyMatchFailure(op, "ranks do not agree");
    onnx::Dims to = onnx::getDims(out), walked = onnx::getDims(indices);
    walked.pop_back();
    onnx::Dims slice(to.begin() + length, to.end()), expected = walked;
    llvm::append_range(expected, slice);
    if (expected != onnx::getDims(onnx::rankedType(op.getUpdates())))
      return rewriter.notifyMatchFailure(op, "updates are not known to have "
                                             "the shape that indices ask for");
    SmallVector<Value> results = foreach (
        rewriter, op.getLoc(), op.getData(), slice,
        [&](OpBuilder &b, ValueRange point, ValueRange handles) {
          SmallVector<Value> walk;
          loopOver(b, op.getLoc(), walked, walk, [&](OpBuilder &nested) {
            SmallVector<Value> tuple(walk), from(walk), target;
            llvm::append_range(from, point);
            tuple.push_back({});
            Value inside;
            for (int64_t i = 0; i < length; ++i) {
              tuple.back() = indexConstant(nested, op.getLoc(), i);
              target.push_back(scatterIndex(
                  nested, op.getLoc(), op.getIndices(), tuple, to[i], inside));
            }
            llvm::append_range(target, point);
            scf::IfOp::create(nested, op.getLoc(), inside,
                              [&](OpBuilder &then, Location loc) {
                                writeUpdate(then, loc, op.getReduction(),
                                            op.getUpdates(), from, handles[0],
                                            target);
                                scf::YieldOp::create(then, loc);
                              });
          });
        });
    rewriter.replaceOp(op, reshape(rewriter, op.getLoc(), results[0], out));
    return success();
  }
};

/// Only the update is touched: the cache may be updated in place.
struct LowerTensorScatter : OpRewritePattern<onnx::TensorScatterOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::TensorScatterOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(checkOperands(rewriter, op)))
      return failure();
    RankedTensorType out = rankedResult(op);
    RankedTensorType update = onnx::rankedType(op.getUpdate());
    FailureOr<int64_t> axis =
        onnx::normalizeAxis(std::nullopt, op.getAxis(), out.getRank());
    if (failed(axis) || update.getRank() != out.getRank())
      return rewriter.notifyMatchFailure(op, "ranks do not agree");
    onnx::Dims to = onnx::getDims(out), from = onnx::getDims(update);
    for (int64_t d = 0; d < out.getRank(); ++d)
      if (d != *axis && from[d] != to[d])
        return rewriter.notifyMatchFailure(op, "sizes are not known to be "
                                               "equal");
    bool circular = op.getMode() == "circular";
    SmallVector<Value> results = foreach (
        rewriter, op.getLoc(), op.getPastCache(), from,
        [&](OpBuilder &b, ValueRange point, ValueRange handles) {
          Location loc = op.getLoc();
          IndexMath math{b, loc};
          Value begin = math.constant(0);
          // Never 0, so that wrapping around does not divide by it.
          Value size = math.max(math.extent(to[*axis]), math.constant(1));
          if (!onnx::isNone(op.getWriteIndices()))
            begin = math.fromInteger(tensor::ExtractOp::create(
                b, loc, op.getWriteIndices(), point[0]));
          SmallVector<Value> target(point);
          // Before the sum: an index near the limit must not overflow it.
          Value place = circular ? math.floorMod(begin, size) : begin;
          place = math.add(place, point[*axis]);
          if (circular)
            place = math.floorMod(place, size);
          target[*axis] = place;
          Value inside = math.compare(arith::CmpIPredicate::ult, place,
                                      math.extent(to[*axis]));
          Value yes = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
          math.fault(arith::XOrIOp::create(b, loc, inside, yes), faultIndex);
          scf::IfOp::create(b, loc, inside, [&](OpBuilder &then, Location at) {
            writeUpdate(then, at, "none", op.getUpdate(), point, handles[0],
                        target);
            scf::YieldOp::create(then, at);
          });
        });
    rewriter.replaceOp(op, reshape(rewriter, op.getLoc(), results[0], out));
    return success();
  }
};
} // namespace

void ingot::populateIndexPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerGather, LowerGatherElements, LowerGatherND,
               LowerScatterElements, LowerScatterND, LowerTensorScatter>(
      patterns.getContext());
}
