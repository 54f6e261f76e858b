//===- Layout.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Infer.h"
#include "passes/tensor/lower/IndexMath.h"
#include "passes/tensor/lower/LayoutPatterns.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace ingot;

/// The tensor with dimension i taken from dimension perm[i].
static Value permuted(OpBuilder &b, Location loc, Value tensor,
                      ArrayRef<int64_t> perm) {
  auto type = cast<RankedTensorType>(tensor.getType());
  onnx::Dims from = onnx::getDims(type), to;
  SmallVector<AffineExpr> results(perm.size());
  for (auto [i, axis] : llvm::enumerate(perm)) {
    to.push_back(from[axis]);
    results[axis] = getAffineDimExpr(i, b.getContext());
  }
  return moveElements(b, loc, onnx::tensorOf(to, type.getElementType()), tensor,
                      AffineMap::get(perm.size(), 0, results, b.getContext()));
}

/// Fails unless operand 0 and the result are ranked tensors that kernels can
/// move.
static LogicalResult checkMovable(PatternRewriter &rewriter, Operation *op) {
  if (!rankedResult(op) || !onnx::rankedType(op->getOperand(0)))
    return rewriter.notifyMatchFailure(op, "operand or result has no rank");
  if (!isMovable(op->getOperand(0)))
    return rewriter.notifyMatchFailure(op, "elements have no fixed size");
  return success();
}

namespace {
struct LowerTranspose : OpRewritePattern<onnx::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(checkMovable(rewriter, op)))
      return failure();
    RankedTensorType type = onnx::rankedType(op.getData());
    SmallVector<int64_t> perm = op.permutation(type.getRank());
    // Where only dimensions of size 1 change places, nothing moves.
    SmallVector<int64_t> moving = perm;
    llvm::erase_if(moving, [&](int64_t d) { return type.getDimSize(d) == 1; });
    Value result = op.getData();
    if (!llvm::is_sorted(moving))
      result = permuted(rewriter, op.getLoc(), result, perm);
    rewriter.replaceOp(
        op, reshape(rewriter, op.getLoc(), result, rankedResult(op)));
    return success();
  }
};

/// Reads all inputs, each at the nearest place that it has, and chooses. Along
/// any but the last dimension the choice is the same for a whole vector.
struct LowerConcat : OpRewritePattern<onnx::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;

  /// An input and where it begins along the axis.
  struct Part {
    Value value;
    AffineExpr begin, size;
    std::optional<unsigned> arg; ///< of the body, for a part of one entry
  };

  LogicalResult matchAndRewrite(onnx::ConcatOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    if (failed(checkMovable(rewriter, op)))
      return failure();
    FailureOr<int64_t> axis =
        onnx::normalizeAxis(std::nullopt, op.getAxis(), out.getRank());
    if (failed(axis))
      return rewriter.notifyMatchFailure(op, "axis is out of range");
    onnx::Dims to = onnx::getDims(out);
    SmallVector<Part> parts;
    SmallVector<Value> mapped;
    AffineExpr begin = onnx::constantDim(0, rewriter.getContext());
    for (Value input : op.getInputs()) {
      RankedTensorType type = onnx::rankedType(input);
      if (!type || type.getRank() != out.getRank())
        return rewriter.notifyMatchFailure(op, "an operand has no rank");
      onnx::Dims from = onnx::getDims(type);
      for (auto [d, dim] : llvm::enumerate(from))
        if (int64_t(d) != *axis && dim != to[d])
          return rewriter.notifyMatchFailure(op,
                                             "sizes are not known to be equal");
      if (onnx::constantValue(from[*axis]) == 0)
        continue;
      Part part{input, begin, from[*axis], {}};
      if (onnx::constantValue(part.size) == 1) {
        part.arg = mapped.size();
        mapped.push_back(input);
      }
      parts.push_back(part);
      begin = begin + part.size;
    }
    if (onnx::constantValue(onnx::simplifySum(begin - to[*axis])) != 0)
      return rewriter.notifyMatchFailure(op, "sizes along the axis do not add "
                                             "up to the result's");
    Value result =
        parts.size() == 1
            ? reshape(rewriter, op.getLoc(), parts[0].value, out)
            : joined(rewriter, op.getLoc(), out, *axis, parts, mapped);
    rewriter.replaceOp(op, result);
    return success();
  }

  static Value joined(OpBuilder &b, Location loc, RankedTensorType out,
                      int64_t axis, ArrayRef<Part> parts,
                      ArrayRef<Value> mapped) {
    SmallVector<AffineExpr> entry;
    for (int64_t d = 0; d < out.getRank(); ++d)
      entry.push_back(d == axis ? getAffineConstantExpr(0, b.getContext())
                                : getAffineDimExpr(d, b.getContext()));
    SmallVector<AffineMap> maps(
        mapped.size(), AffineMap::get(out.getRank(), 0, entry, b.getContext()));
    return moveElements(b, loc, out, mapped, maps, [&](Body &body) -> Value {
      IndexMath math{body.b, body.loc};
      Value at = body.index(axis), chosen;
      for (auto [i, part] : llvm::enumerate(llvm::reverse(parts))) {
        Value element = elementOf(body, part, at, out.getRank(), axis,
                                  /*last=*/i == 0);
        // Beginning with the last part, whatever lies before the part that
        // was added before this one belongs to this one.
        chosen = i == 0
                     ? element
                     : math.select(
                           math.less(at, math.extent(part.begin + part.size)),
                           element, chosen);
      }
      return chosen;
    });
  }

  static Value elementOf(Body &body, const Part &part, Value at, int64_t rank,
                         int64_t axis, bool last) {
    if (part.arg)
      return body.args[*part.arg];
    IndexMath math{body.b, body.loc};
    Value own = math.sub(at, math.extent(part.begin));
    if (!last)
      own = math.min(own, math.extent(part.size - 1));
    if (onnx::constantValue(part.begin) != 0)
      own = math.max(own, body.constant(0));
    SmallVector<Value> indices = pointOf(body, rank);
    indices[axis] = own;
    return body.load(part.value, indices);
  }
};

/// Repetition is a broadcast: [a, b] repeated (r, s) times is [r, a, s, b] read
/// at (a, b), under another shape.
struct LowerTile : OpRewritePattern<onnx::TileOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::TileOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(checkMovable(rewriter, op)))
      return failure();
    RankedTensorType type = onnx::rankedType(op.getInput());
    RankedTensorType out = rankedResult(op);
    MLIRContext *context = rewriter.getContext();
    onnx::Dims from = onnx::getDims(type), to = onnx::getDims(out), split;
    if (from.size() != to.size())
      return rewriter.notifyMatchFailure(op, "ranks differ");
    if (llvm::is_contained(out.getShape(), 0)) {
      rewriter.replaceOp(op, emptyTensor(rewriter, op.getLoc(), out));
      return success();
    }
    SmallVector<AffineExpr> results;
    for (auto [size, tiled] : llvm::zip(from, to)) {
      FailureOr<AffineExpr> repeats = onnx::quotient(tiled, size, context);
      if (failed(repeats) || !onnx::sameProduct({*repeats, size}, tiled))
        return rewriter.notifyMatchFailure(op, "a size is no multiple");
      if (onnx::constantValue(*repeats) != 1)
        split.push_back(*repeats);
      results.push_back(onnx::constantValue(size) == 1
                            ? getAffineConstantExpr(0, context)
                            : getAffineDimExpr(split.size(), context));
      if (onnx::constantValue(size) != 1)
        split.push_back(size);
    }
    Value tiled = moveElements(
        rewriter, op.getLoc(), onnx::tensorOf(split, out.getElementType()),
        op.getInput(), AffineMap::get(split.size(), 0, results, context));
    rewriter.replaceOp(op, reshape(rewriter, op.getLoc(), tiled, out));
    return success();
  }
};

/// DepthToSpace and SpaceToDepth: split into blocks, permuted, joined.
template <typename Op> struct LowerBlocks : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (failed(checkMovable(rewriter, op)))
      return failure();
    constexpr bool toSpace = std::is_same_v<Op, onnx::DepthToSpaceOp>;
    RankedTensorType type = onnx::rankedType(op.getInput());
    RankedTensorType out = rankedResult(op);
    if (type.getRank() != 4 || out.getRank() != 4)
      return rewriter.notifyMatchFailure(op, "rank is not 4");
    bool depthFirst = op.getMode() == "DCR";
    AffineExpr block =
        onnx::constantDim(op.getBlocksize(), rewriter.getContext());
    // The dims of the tensor with depth d and image h x w.
    onnx::Dims small = onnx::getDims(toSpace ? type : out);
    onnx::Dims large = onnx::getDims(toSpace ? out : type);
    AffineExpr n = small[0], h = small[2], w = small[3], d = large[1];
    onnx::Dims deep = depthFirst ? onnx::Dims{n, block, block, d, h, w}
                                 : onnx::Dims{n, d, block, block, h, w};
    onnx::Dims spread = {n, d, h, block, w, block};
    if (!onnx::sameProduct(small, deep) || !onnx::sameProduct(large, spread))
      return rewriter.notifyMatchFailure(op, "sizes are not known to be "
                                             "multiples of the block");
    SmallVector<int64_t> perm = depthFirst
                                    ? SmallVector<int64_t>{0, 3, 4, 1, 5, 2}
                                    : SmallVector<int64_t>{0, 1, 4, 2, 5, 3};
    if (!toSpace)
      perm = invertPermutationVector(perm);
    Value blocks =
        reshape(rewriter, op.getLoc(), op.getInput(),
                onnx::tensorOf(toSpace ? deep : spread, type.getElementType()));
    Value moved = permuted(rewriter, op.getLoc(), blocks, perm);
    rewriter.replaceOp(op, reshape(rewriter, op.getLoc(), moved, out));
    return success();
  }
};

struct LowerReverseSequence : OpRewritePattern<onnx::ReverseSequenceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::ReverseSequenceOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    if (failed(checkMovable(rewriter, op)))
      return failure();
    int64_t time = op.getTimeAxis(), batch = op.getBatchAxis();
    onnx::Dims dims = onnx::getDims(out);
    Value result = moveElements(
        rewriter, op.getLoc(), out, {}, {}, [&](Body &body) -> Value {
          IndexMath math{body.b, body.loc};
          Value length = math.fromInteger(
              body.load(op.getSequenceLens(), body.index(batch)));
          Value size = math.extent(dims[time]), at = body.index(time);
          math.fault(math.compare(arith::CmpIPredicate::ugt, length, size),
                     faultArgument);
          length = math.clamp(length, body.constant(0), size);
          SmallVector<Value> from = pointOf(body, out.getRank());
          Value mirrored = math.sub(math.sub(length, body.constant(1)), at);
          from[time] = math.select(math.less(at, length), mirrored, at);
          return body.load(op.getInput(), from);
        });
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct LowerTrilu : OpRewritePattern<onnx::TriluOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::TriluOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType out = rankedResult(op);
    if (failed(checkMovable(rewriter, op)))
      return failure();
    int64_t rank = out.getRank();
    auto diagonal = onnx::constantIntegers(op.getK(), 1);
    Value result = moveElements(
        rewriter, op.getLoc(), out, op.getInput(),
        rewriter.getMultiDimIdentityMap(rank), [&](Body &body) -> Value {
          IndexMath math{body.b, body.loc};
          Value row = body.index(rank - 2), column = body.index(rank - 1);
          Value k = onnx::isNone(op.getK()) ? body.constant(0)
                    : diagonal              ? body.constant(diagonal->front())
                                            : loadInteger(body, op.getK(), 0);
          // Far diagonals, before a sum could overflow.
          constexpr int64_t far = int64_t(1) << 60;
          k = math.clamp(k, body.constant(-far), body.constant(far));
          auto keeps = op.getUpper() ? arith::CmpIPredicate::sge
                                     : arith::CmpIPredicate::sle;
          Value kept = math.compare(keeps, column, math.add(row, k));
          Value zero = arith::ConstantOp::create(
              body.b, body.loc,
              body.b.getZeroAttr(movedType(out.getElementType())));
          return math.select(kept, body.args[0], zero);
        });
    rewriter.replaceOp(op, result);
    return success();
  }
};
} // namespace

void ingot::populateLayoutPatterns(RewritePatternSet &patterns) {
  patterns
      .add<LowerTranspose, LowerConcat, LowerTile,
           LowerBlocks<onnx::DepthToSpaceOp>, LowerBlocks<onnx::SpaceToDepthOp>,
           LowerReverseSequence, LowerTrilu>(patterns.getContext());
  populateSlicePatterns(patterns);
  populatePadPatterns(patterns);
}
