//===- SelectHeavy.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/graph/SelectHeavy.h"
#include "dialects/ingot/Ingot.h"
#include "dialects/onnx/Elementwise.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Linear.h"
#include "dialects/onnx/Logic.h"
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/Window.h"
#include "dialects/onnx/WindowShape.h"
#include "passes/Remark.h"
#include "passes/tensor/Lowering.h"

#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace ingot {
#define GEN_PASS_DEF_SELECTHEAVY
#include "passes/Passes.h.inc"
} // namespace ingot

using namespace mlir;
using namespace ingot;

Type ingot::heavyType(Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  if (!type || !isa<FloatType>(type.getElementType()))
    return {};
  Type compute = computeType(type.getElementType());
  return compute.isF32() || compute.isF64() ? compute : Type();
}

static bool isHalf(Value v) {
  Type type = cast<RankedTensorType>(v.getType()).getElementType();
  return type.isF16() || type.isBF16();
}

Value ingot::asStored(Value v) {
  auto cast = v.getDefiningOp<onnx::CastOp>();
  if (!cast || !isa<RankedTensorType>(cast.getInput().getType()) ||
      !isHalf(cast.getInput()) || !getElementTypeOrSelf(v.getType()).isF32())
    return v;
  return cast.getInput();
}

Value ingot::asFactor(OpBuilder &b, Location loc, Value v, Type elementType) {
  Value stored = asStored(v);
  if (isHalf(stored) && elementType.isF32())
    return stored;
  return castTo(b, loc, v, elementType);
}

static bool isConstant(Value v) {
  return asStored(v).getDefiningOp<onnx::ConstantOp>() != nullptr;
}

Value ingot::transposed(OpBuilder &b, Location loc, Value v,
                        ArrayRef<int64_t> perm) {
  auto type = cast<RankedTensorType>(v.getType());
  onnx::Dims dims = onnx::getDims(type), permuted;
  for (int64_t axis : perm)
    permuted.push_back(dims[axis]);
  return onnx::TransposeOp::create(
      b, loc, onnx::tensorOf(permuted, type.getElementType()), v,
      b.getDenseI64ArrayAttr(perm));
}

Value ingot::castTo(OpBuilder &b, Location loc, Value v, Type elementType) {
  auto type = cast<RankedTensorType>(v.getType());
  if (type.getElementType() == elementType)
    return v;
  auto to = onnx::tensorOf(onnx::getDims(type), elementType);
  return compute(b, loc, to, v, b.getMultiDimIdentityMap(type.getRank()),
                 [&](Body &body) { return body.args[0]; });
}

Value ingot::addLastBias(OpBuilder &b, Location loc, Value v, Value bias) {
  auto type = cast<RankedTensorType>(v.getType());
  int64_t rank = type.getRank();
  AffineMap last = AffineMap::get(
      rank, 0, getAffineDimExpr(rank - 1, b.getContext()), b.getContext());
  return compute(b, loc, type, {v, bias},
                 {b.getMultiDimIdentityMap(rank), last}, [&](Body &body) {
                   return arith::AddFOp::create(body.b, body.loc, body.args[0],
                                                body.args[1])
                       .getResult();
                 });
}

Value ingot::scaleAndAdd(OpBuilder &b, onnx::GemmOp op, Value product) {
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(product.getType());
  double alpha = op.getAlpha().convertToFloat();
  double beta = op.getBeta().convertToFloat();
  SmallVector<Value> ins{product};
  SmallVector<AffineMap> maps{b.getMultiDimIdentityMap(2)};
  if (!onnx::isNone(op.getC()) && beta != 0) {
    ins.push_back(op.getC());
    maps.push_back(
        broadcastMap(cast<RankedTensorType>(op.getC().getType()), 2, 2));
  }
  if (ins.size() == 1 && alpha == 1)
    return product;
  return compute(b, loc, type, ins, maps, [&](Body &body) {
    auto scaled = [&](Value x, double factor) {
      if (factor == 1)
        return x;
      return arith::MulFOp::create(
                 body.b, body.loc, x,
                 constantLike(body.b, body.loc, type.getElementType(), factor))
          .getResult();
    };
    Value v = scaled(body.args[0], alpha);
    if (body.args.size() > 1)
      v = arith::AddFOp::create(body.b, body.loc, v,
                                scaled(body.args[1], beta));
    return v;
  });
}

SmallVector<int64_t> ingot::channelsLast(int64_t rank) {
  SmallVector<int64_t> perm{0};
  llvm::append_range(perm, llvm::seq<int64_t>(2, rank + 2));
  perm.push_back(1);
  return perm;
}

SmallVector<int64_t> ingot::channelsFirst(int64_t rank) {
  SmallVector<int64_t> perm{0, rank + 1};
  llvm::append_range(perm, llvm::seq<int64_t>(1, rank + 1));
  return perm;
}

namespace {
/// Conv with constant weights: channels last between two transposes, which
/// layout assignment then moves away.
struct SelectConv : OpRewritePattern<onnx::ConvOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::ConvOp op,
                                PatternRewriter &rewriter) const override {
    Type type = heavyType(op.getX());
    auto weights = dyn_cast<RankedTensorType>(op.getW().getType());
    RankedTensorType result = rankedResult(op);
    if (!type || !result || !isConstant(op.getW()))
      return rewriter.notifyMatchFailure(op, "not a float convolution with "
                                             "constant weights");
    FailureOr<onnx::WindowParams> window = onnx::resolveWindow(op);
    if (failed(window) || window->rank() > 3)
      return rewriter.notifyMatchFailure(op, "more than 3 spatial dimensions");
    auto pads = window->constantPadsBegin();
    onnx::Dims dims =
        onnx::getDims(cast<RankedTensorType>(op.getX().getType()));
    int64_t rank = window->rank();
    if (!pads || !onnx::constantValue(dims[1]))
      return rewriter.notifyMatchFailure(op, "channels or pads are symbolic");
    if (llvm::any_of(*pads, [](int64_t pad) { return pad < 0; }))
      return rewriter.notifyMatchFailure(op, "negative pads");

    Location loc = op.getLoc();
    Value input = asFactor(rewriter, loc, op.getX(), type);
    int64_t filters = weights.getDimSize(0);
    onnx::Dims out{dims[0]};
    out.append(window->output.begin(), window->output.end());
    out.push_back(onnx::constantDim(filters, op.getContext()));
    // A model's image has few channels: it is read as it comes.
    int64_t channels = *onnx::constantValue(dims[1]);
    bool first = isa<BlockArgument>(op.getX()) && channels <= 4 &&
                 int64_t(window->group) == 1 &&
                 llvm::all_of(dims, [](AffineExpr dim) {
                   return onnx::constantValue(dim).has_value();
                 });
    if (!first)
      input = transposed(rewriter, loc, input, channelsLast(rank));
    Value conv = heavy::ConvOp::create(
        rewriter, loc, onnx::tensorOf(out, type), input, asStored(op.getW()),
        ArrayRef<int64_t>(window->kernel), ArrayRef<int64_t>(window->strides),
        ArrayRef<int64_t>(*pads), ArrayRef<int64_t>(window->dilations),
        window->group, filters, first, IntegerAttr());
    if (!onnx::isNone(op.getB()))
      conv = addLastBias(rewriter, loc, conv, op.getB());
    Value back = transposed(rewriter, loc, conv, channelsFirst(rank));
    rewriter.replaceOp(op,
                       castTo(rewriter, loc, back, result.getElementType()));
    return success();
  }
};

/// Products of two matrices or stacks of them.
struct SelectMatMul : OpRewritePattern<onnx::MatMulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::MatMulOp op,
                                PatternRewriter &rewriter) const override {
    Type type = heavyType(op.getA());
    auto a = dyn_cast<RankedTensorType>(op.getA().getType());
    auto b = dyn_cast<RankedTensorType>(op.getB().getType());
    RankedTensorType result = rankedResult(op);
    if (!type || !a || !b || !result || a.getRank() < 2 || b.getRank() < 2)
      return rewriter.notifyMatchFailure(op, "not a float matrix product");
    std::optional<int64_t> n = onnx::constantValue(onnx::getDims(b).back());
    std::optional<int64_t> k = onnx::constantValue(onnx::getDims(a).back());
    if (!n || !k || *n == 0)
      return rewriter.notifyMatchFailure(op, "inner or last size is symbolic");
    Location loc = op.getLoc();
    Value left = asFactor(rewriter, loc, op.getA(), type);
    Value right = isConstant(op.getB()) && b.getRank() == 2
                      ? asStored(op.getB())
                      : asFactor(rewriter, loc, op.getB(), type);
    Value product = heavy::MatmulOp::create(
        rewriter, loc, onnx::tensorOf(onnx::getDims(result), type), left, right,
        *n, false, IntegerAttr());
    rewriter.replaceOp(op,
                       castTo(rewriter, loc, product, result.getElementType()));
    return success();
  }
};

/// Gemm: the product, then scale and addend as elementwise work.
struct SelectGemm : OpRewritePattern<onnx::GemmOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::GemmOp op,
                                PatternRewriter &rewriter) const override {
    Type type = heavyType(op.getA());
    RankedTensorType result = rankedResult(op);
    if (!type || !result)
      return rewriter.notifyMatchFailure(op, "not a float matrix product");
    onnx::Dims dims = onnx::getDims(result);
    std::optional<int64_t> n = onnx::constantValue(dims[1]);
    // A transposed A is read at a distance of M elements.
    if (!n || *n == 0 || (op.getTransA() && !onnx::constantValue(dims[0])))
      return rewriter.notifyMatchFailure(op, "a size is symbolic");
    Location loc = op.getLoc();
    Value left = asFactor(rewriter, loc, op.getA(), type);
    Value right = asStored(op.getB());
    if (!isConstant(right))
      right = asFactor(rewriter, loc, right, type);
    if (op.getTransB())
      right = transposed(rewriter, loc, right, {1, 0});
    auto single = onnx::tensorOf(dims, type);
    Value product =
        heavy::MatmulOp::create(rewriter, loc, single, left, right, *n,
                                op.getTransA() != 0, IntegerAttr());
    product = scaleAndAdd(rewriter, op, product);
    rewriter.replaceOp(op,
                       castTo(rewriter, loc, product, result.getElementType()));
    return success();
  }
};

/// Concat: pieces copied one after another.
struct SelectConcat : OpRewritePattern<onnx::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::ConcatOp op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType result = rankedResult(op);
    if (!result || !result.getElementType().isIntOrFloat())
      return rewriter.notifyMatchFailure(op, "result has no rank");
    int64_t axis = op.getAxis();
    if (axis < 0)
      axis += result.getRank();
    for (Value input : op.getOperands())
      if (!isa<RankedTensorType>(input.getType()))
        return rewriter.notifyMatchFailure(op, "operand has no rank");
    rewriter.replaceOpWithNewOp<heavy::ConcatOp>(op, result, op.getOperands(),
                                                 axis);
    return success();
  }
};

/// Says which ops are left to loops, and why.
struct SayWhy : RewriterBase::Listener {
  void notifyMatchFailure(Location loc,
                          function_ref<void(Diagnostic &)> reason) override {
    Diagnostic diagnostic(loc, DiagnosticSeverity::Remark);
    reason(diagnostic);
    remarkAt(loc, "kernel", "computed by generic loops: " + diagnostic.str());
  }
};

struct SelectHeavy : ingot::impl::SelectHeavyBase<SelectHeavy> {
  using SelectHeavyBase::SelectHeavyBase;
  void runOnOperation() override {
    selectWeightOnly(getOperation(), remarks);
    RewritePatternSet patterns(&getContext());
    patterns.add<SelectConcat, SelectConv, SelectGemm, SelectMatMul>(
        &getContext());
    populateSelectConvTranspose(patterns);
    SayWhy listener;
    walkAndApplyPatterns(getOperation(), std::move(patterns),
                         remarks ? &listener : nullptr);
    if (remarks)
      getOperation()->walk([](Operation *op) {
        if (isa<heavy::ConvOp>(op))
          remarkAt(op->getLoc(), "kernel",
                   "convolution emitter, on channels-last tensors");
        if (isa<heavy::MatmulOp>(op))
          remarkAt(op->getLoc(), "kernel", "matrix product emitter");
      });
  }
};
} // namespace
