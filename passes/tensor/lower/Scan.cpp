//===- Scan.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Reduce.h"
#include "lib/Runtime/ModelAbi.h"
#include "passes/tensor/lower/RunTimeAxes.h"

using namespace mlir;
using namespace ingot;
using onnx::Scalar;

namespace {

/// CumSum or CumProd.
struct Scan {
  bool product, exclusive, reverse;
  RankedTensorType in;
  /// What is accumulated: elements in their compute type.
  Type element;

  Scalar identity(OpBuilder &b, Location loc) const {
    return Scalar(b, loc, constantLike(b, loc, element, product ? 1 : 0), in);
  }
  Scalar step(Scalar total, Scalar x) const {
    return product ? total * x : total + x;
  }
  Scalar read(OpBuilder &b, Location loc, Value data, ValueRange at) const {
    Value element = tensor::ExtractOp::create(b, loc, data, at);
    return Scalar(b, loc, toCompute(b, loc, element), in);
  }
  /// Index number `i` in the order of the scan.
  Value position(OpBuilder &b, Location loc, Value i, Value size) const {
    if (!reverse)
      return i;
    Value last = arith::SubIOp::create(b, loc, size, indexConstant(b, loc, 1));
    return arith::SubIOp::create(b, loc, last, i);
  }
};

} // namespace

/// Lines along a known axis, in parallel.
static Value scanLines(OpBuilder &b, Location loc, const Scan &scan, Value x,
                       int64_t axis) {
  onnx::Dims dims = onnx::getDims(scan.in), lines = dims;
  lines.erase(lines.begin() + axis);
  Value init = emptyTensor(b, loc, onnx::tensorOf(dims, scan.element));
  auto line = [&](OpBuilder &at, ValueRange indices, ValueRange handles) {
    Value size = extent(at, loc, dims[axis]);
    auto loop = scf::ForOp::create(at, loc, indexConstant(at, loc, 0), size,
                                   indexConstant(at, loc, 1),
                                   ValueRange{scan.identity(at, loc)});
    OpBuilder nested = OpBuilder::atBlockEnd(loop.getBody());
    SmallVector<Value> place(indices);
    place.insert(place.begin() + axis,
                 scan.position(nested, loc, loop.getInductionVar(), size));
    Scalar total(nested, loc, loop.getRegionIterArgs()[0], scan.in);
    Scalar next = scan.step(total, scan.read(nested, loc, x, place));
    kernel::StoreOp::create(nested, loc, scan.exclusive ? total : next,
                            handles[0], place);
    scf::YieldOp::create(nested, loc, ValueRange{next});
  };
  return foreach (b, loc, init, lines, line).front();
}

/// The number of elements from one index along `axis`, an index value known
/// only at run time, to the next; and the size of that axis.
static std::pair<Value, Value> strideAndSize(OpBuilder &b, Location loc,
                                             ArrayRef<AffineExpr> dims,
                                             Value axis) {
  Value stride = indexConstant(b, loc, 1), size = stride;
  for (int64_t i = dims.size(); i-- > 0;) {
    Value number = indexConstant(b, loc, i), dim = extent(b, loc, dims[i]);
    Value inner =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, axis, number);
    Value longer = arith::MulIOp::create(b, loc, stride, dim);
    stride = arith::SelectOp::create(b, loc, inner, longer, stride);
    Value same =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, axis, number);
    size = arith::SelectOp::create(b, loc, same, dim, size);
  }
  return {stride, size};
}

/// The axis that a tensor of one element holds, counted from the front; a
/// wrong one is a fault and read as 0.
static Value readAxis(OpBuilder &b, Location loc, Value axis, int64_t rank) {
  auto type = cast<RankedTensorType>(axis.getType());
  SmallVector<Value> at(type.getRank(), indexConstant(b, loc, 0));
  Value element =
      toCompute(b, loc, tensor::ExtractOp::create(b, loc, axis, at));
  Value given = arith::IndexCastOp::create(b, loc, b.getIndexType(), element);
  Value zero = indexConstant(b, loc, 0), ranks = indexConstant(b, loc, rank);
  Value negative =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, given, zero);
  Value wrapped = arith::AddIOp::create(b, loc, given, ranks);
  Value front = arith::SelectOp::create(b, loc, negative, wrapped, given);
  Value wrong =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, front, ranks);
  kernel::FaultOp::create(b, loc, wrong, INGOT_FAULT_ARGUMENT);
  return arith::SelectOp::create(b, loc, wrong, zero, front);
}

/// Along an axis known only at run time: one pass over all elements, each
/// continuing from its neighbour along the axis.
static Value scanFlat(OpBuilder &b, Location loc, const Scan &scan, Value x,
                      Value axis) {
  MLIRContext *context = b.getContext();
  onnx::Dims dims = onnx::getDims(scan.in);
  AffineExpr count = onnx::product(dims, context);
  Value flat =
      reshape(b, loc, x, onnx::tensorOf(count, scan.in.getElementType()));
  Value init = emptyTensor(b, loc, onnx::tensorOf(count, scan.element));
  auto all = [&](OpBuilder &at, ValueRange, ValueRange handles) {
    Value front = readAxis(at, loc, axis, dims.size());
    auto [stride, size] = strideAndSize(at, loc, dims, front);
    Value zero = indexConstant(at, loc, 0), one = indexConstant(at, loc, 1);
    Value total = extent(at, loc, count);
    auto loop = scf::ForOp::create(at, loc, zero, total, one);
    OpBuilder in(loop.getBody()->getTerminator());
    Value here = scan.position(in, loc, loop.getInductionVar(), total);
    Value along = arith::RemUIOp::create(
        in, loc, arith::DivUIOp::create(in, loc, here, stride), size);
    Value edge = scan.reverse
                     ? arith::SubIOp::create(in, loc, size, one).getResult()
                     : zero;
    Value first =
        arith::CmpIOp::create(in, loc, arith::CmpIPredicate::eq, along, edge);
    Value neighbour =
        scan.reverse ? arith::AddIOp::create(in, loc, here, stride).getResult()
                     : arith::SubIOp::create(in, loc, here, stride).getResult();
    neighbour = arith::SelectOp::create(in, loc, first, here, neighbour);
    Scalar before(
        in, loc,
        kernel::LoadOp::create(in, loc, scan.element, handles[0], neighbour),
        scan.in);
    // Inclusive: y = y' * x. Exclusive: y = y' * x', of the neighbour.
    Scalar value = scan.read(in, loc, flat, scan.exclusive ? neighbour : here);
    Scalar start = scan.identity(in, loc);
    Scalar result = scan.step(select(before.with(first), start, before), value);
    if (scan.exclusive)
      result = select(before.with(first), start, result);
    kernel::StoreOp::create(in, loc, result, handles[0], here);
  };
  Value sums =
      foreach (b, loc, init, onnx::constantDim(1, context), all).front();
  return reshape(b, loc, sums, onnx::tensorOf(dims, scan.element));
}

namespace {
template <typename Op> struct LowerScan : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    auto in = dyn_cast<RankedTensorType>(op.getX().getType());
    RankedTensorType out = rankedResult(op);
    if (!in || !out || in.getRank() == 0 || out.getRank() != in.getRank() ||
        !isa<RankedTensorType>(op.getAxis().getType()))
      return rewriter.notifyMatchFailure(op, "operand or result has no rank");
    Scan scan{std::is_same_v<Op, onnx::CumProdOp>, op.getExclusive() != 0,
              op.getReverse() != 0, in, computeType(in.getElementType())};
    auto known = onnx::constantIntegers(op.getAxis(), 1);
    Location loc = op.getLoc();
    Value sums;
    if (known && known->size() == 1) {
      FailureOr<int64_t> axis =
          onnx::normalizeAxis(std::nullopt, known->front(), in.getRank());
      if (failed(axis))
        return rewriter.notifyMatchFailure(op, "axis is out of range");
      sums = scanLines(rewriter, loc, scan, op.getX(), *axis);
    } else {
      sums = scanFlat(rewriter, loc, scan, op.getX(), op.getAxis());
    }
    if (isa<FloatType>(scan.element) && scan.element != out.getElementType()) {
      AffineMap map = rewriter.getMultiDimIdentityMap(out.getRank());
      sums = mapElements(rewriter, loc, out, Read{sums, map},
                         [](Body &, ScalarArgs args) { return args[0]; });
    }
    rewriter.replaceOp(op, reshape(rewriter, loc, sums, out));
    return success();
  }
};
} // namespace

void ingot::populateScanPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerScan<onnx::CumSumOp>, LowerScan<onnx::CumProdOp>>(
      patterns.getContext());
}
