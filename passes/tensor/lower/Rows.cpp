//===- Rows.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/lower/Rows.h"

using namespace mlir;
using namespace ingot;
using onnx::Scalar;

SmallVector<Scalar> ingot::scalarsOf(Body &body, ArrayRef<Read> reads) {
  SmallVector<Scalar> scalars;
  for (auto [arg, read] : llvm::zip(body.args, reads))
    scalars.push_back(Scalar(body.b, body.loc, arg, read.tensor.getType()));
  return scalars;
}

Value ingot::mapElements(OpBuilder &b, Location loc, RankedTensorType out,
                         ArrayRef<Read> reads,
                         function_ref<Scalar(Body &, ScalarArgs)> body) {
  SmallVector<Value> ins;
  SmallVector<AffineMap> maps;
  for (const Read &read : reads) {
    ins.push_back(read.tensor);
    maps.push_back(read.map);
  }
  return compute(b, loc, out, ins, maps, [&](Body &at) -> Value {
    return body(at, scalarsOf(at, reads));
  });
}

void ingot::replaceUsed(PatternRewriter &rewriter, Operation *op,
                        ValueRange values) {
  for (auto [result, value] : llvm::zip(op->getResults(), values))
    if (!result.use_empty())
      rewriter.replaceAllUsesWith(result, value);
  rewriter.eraseOp(op);
}

Scalar ingot::sizeAs(Scalar like, AffineExpr size) {
  OpBuilder &b = like.builder();
  Location loc = like.getLoc();
  if (std::optional<int64_t> known = onnx::constantValue(size))
    return like.constant(double(*known));
  Value words =
      arith::IndexCastOp::create(b, loc, b.getI64Type(), extent(b, loc, size));
  return onnx::cast(like.with(words), like.type());
}

Rows::Rows(OpBuilder &b, Location loc, Value data, ArrayRef<int64_t> axes,
           bool keep, onnx::Dims kept)
    : b(b), loc(loc), data(data), kept(std::move(kept)) {
  MLIRContext *context = b.getContext();
  auto type = cast<RankedTensorType>(data.getType());
  onnx::Dims dims = onnx::getDims(type);
  unsigned rows = this->kept.size(), loops = rows + axes.size();
  SmallVector<AffineExpr> ofData, ofRow;
  unsigned next = 0;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (llvm::is_contained(axes, i)) {
      ofData.push_back(getAffineDimExpr(rows + reduced.size(), context));
      reduced.push_back(dims[i]);
      if (keep) {
        ofRow.push_back(getAffineConstantExpr(0, context));
        ++next;
      }
      continue;
    }
    ofRow.push_back(getAffineDimExpr(i, context));
    ofData.push_back(getAffineDimExpr(next++, context));
  }
  dataMap = AffineMap::get(loops, 0, ofData, context);
  SmallVector<AffineExpr> ofKept;
  for (unsigned d = 0; d < rows; ++d)
    ofKept.push_back(getAffineDimExpr(d, context));
  keptMap = AffineMap::get(loops, 0, ofKept, context);
  rowMap = AffineMap::get(type.getRank(), 0, ofRow, context);
}

Rows::Rows(OpBuilder &b, Location loc, Value data, ArrayRef<int64_t> axes)
    : Rows(b, loc, data, axes, /*keep=*/false,
           onnx::reducedDims(cast<RankedTensorType>(data.getType()), axes,
                             /*keep=*/false)) {}

Value Rows::fold(Type element, Value start, ValueRange perRow,
                 FoldBody body) const {
  SmallVector<Read> reads{{data, dataMap}};
  for (Value value : perRow)
    reads.push_back({value, keptMap});
  SmallVector<Value> ins;
  SmallVector<AffineMap> maps;
  for (const Read &read : reads) {
    ins.push_back(read.tensor);
    maps.push_back(read.map);
  }
  auto step = [&](Body &at, Value accumulator) -> Value {
    SmallVector<Scalar> args = scalarsOf(at, reads);
    return body(args[0].with(accumulator, args[0].isUnsigned()), args);
  };
  if (reduced.empty())
    return compute(b, loc, type(element), ins, maps,
                   [&](Body &at) { return step(at, start); });
  return reduce(b, loc, type(element), reduced, ins, maps, start, step);
}

Value Rows::sum(Type element, ValueRange perRow, FoldBody body) const {
  return fold(element, constantLike(b, loc, element, 0), perRow, body);
}

Value Rows::each(RankedTensorType out, ValueRange perRow, ArrayRef<Read> others,
                 MapBody body) const {
  SmallVector<Read> reads{{data, b.getMultiDimIdentityMap(out.getRank())}};
  for (Value value : perRow)
    reads.push_back({value, rowMap});
  llvm::append_range(reads, others);
  return mapElements(b, loc, out, reads,
                     [&](Body &, ScalarArgs args) { return body(args); });
}

Value Rows::combine(RankedTensorType out, ValueRange perRow,
                    MapBody body) const {
  SmallVector<Read> reads;
  for (Value value : perRow)
    reads.push_back({value, b.getMultiDimIdentityMap(out.getRank())});
  return mapElements(b, loc, out, reads,
                     [&](Body &, ScalarArgs args) { return body(args); });
}

Scalar Rows::length(Scalar like) const {
  return sizeAs(like, onnx::product(reduced, like.type().getContext()));
}

Value ingot::rowMaximum(OpBuilder &b, Location loc, const Rows &rows,
                        Type real) {
  return rows.fold(real, lowestValue(b, loc, real), {},
                   [&](Scalar acc, ScalarArgs args) {
                     return onnx::max(acc, onnx::cast(args[0], real));
                   });
}
