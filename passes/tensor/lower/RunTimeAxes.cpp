//===- RunTimeAxes.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/lower/RunTimeAxes.h"
#include "lib/Runtime/ModelAbi.h"

using namespace mlir;
using namespace ingot;
using onnx::Scalar;

Scalar RunTimeFold::loops(OpBuilder &at, Scalar accumulator,
                          SmallVectorImpl<Value> &indices, Step step) const {
  size_t axis = indices.size();
  bool isUnsigned = accumulator.isUnsigned();
  if (axis == from.size()) {
    Value element =
        toCompute(at, loc, tensor::ExtractOp::create(at, loc, data, indices));
    return step(Scalar(at, loc, accumulator, isUnsigned),
                Scalar(at, loc, element, isUnsigned));
  }
  Value one = indexConstant(at, loc, 1);
  auto loop = scf::ForOp::create(at, loc, from[axis], to[axis], one,
                                 ValueRange{accumulator});
  OpBuilder nested = OpBuilder::atBlockEnd(loop.getBody());
  indices.push_back(loop.getInductionVar());
  Scalar carried(nested, loc, loop.getRegionIterArgs()[0], isUnsigned);
  Scalar next = loops(nested, carried, indices, step);
  indices.pop_back();
  scf::YieldOp::create(nested, loc, ValueRange{next});
  return Scalar(b, loc, loop.getResult(0), isUnsigned);
}

Scalar RunTimeFold::operator()(Scalar start, Step step) const {
  SmallVector<Value> indices;
  return loops(b, start, indices, step);
}

Scalar RunTimeFold::count(Scalar like) const {
  Value total = indexConstant(b, loc, 1);
  for (auto [low, high] : llvm::zip(from, to))
    total = arith::MulIOp::create(b, loc, total,
                                  arith::SubIOp::create(b, loc, high, low));
  Value words = arith::IndexCastOp::create(b, loc, b.getI64Type(), total);
  return onnx::cast(Scalar(b, loc, words, like.isUnsigned()), like.type());
}

namespace {
/// Works out, at one result of a reduction, which elements it is made of.
class AxisReader {
public:
  AxisReader(OpBuilder &b, Location loc, Value data, RankedTensorType out)
      : b(b), loc(loc),
        inDims(onnx::getDims(cast<RankedTensorType>(data.getType()))),
        outDims(onnx::getDims(out)) {}

  void readAxes(Value axes, bool noop);
  void findBounds(ValueRange at, bool keepdims);

  SmallVector<Value> from, to;

private:
  Value index(int64_t v) { return indexConstant(b, loc, v); }
  Value select(Value condition, Value yes, Value no) {
    return arith::SelectOp::create(b, loc, condition, yes, no);
  }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, loc, predicate, x, y);
  }
  void faultIf(Value condition, int64_t code) {
    kernel::FaultOp::create(b, loc, condition, code);
  }

  OpBuilder &b;
  Location loc;
  onnx::Dims inDims, outDims;
  /// For each axis of the data whether it is reduced.
  SmallVector<Value> reduced;
};
} // namespace

void AxisReader::readAxes(Value axes, bool noop) {
  int64_t rank = inDims.size();
  Value no = arith::ConstantOp::create(b, loc, b.getBoolAttr(false));
  SmallVector<Value> none(rank, no);
  Value count = extent(b, loc, axes, 0);
  auto loop = scf::ForOp::create(b, loc, index(0), count, index(1), none);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(loop.getBody());
    Value axis = arith::IndexCastOp::create(
        b, loc, b.getIndexType(),
        tensor::ExtractOp::create(b, loc, axes, loop.getInductionVar()));
    Value negative = compare(arith::CmpIPredicate::slt, axis, index(0));
    axis = select(negative, arith::AddIOp::create(b, loc, axis, index(rank)),
                  axis);
    faultIf(compare(arith::CmpIPredicate::uge, axis, index(rank)),
            INGOT_FAULT_ARGUMENT);
    SmallVector<Value> next;
    for (int64_t i = 0; i < rank; ++i)
      next.push_back(arith::OrIOp::create(
          b, loc, loop.getRegionIterArgs()[i],
          compare(arith::CmpIPredicate::eq, axis, index(i))));
    scf::YieldOp::create(b, loc, next);
  }
  reduced.assign(loop.result_begin(), loop.result_end());
  if (noop)
    return;
  Value empty = compare(arith::CmpIPredicate::eq, count, index(0));
  for (Value &flag : reduced)
    flag = arith::OrIOp::create(b, loc, flag, empty);
}

void AxisReader::findBounds(ValueRange at, bool keepdims) {
  int64_t outRank = outDims.size();
  Value place = index(0);
  for (auto [i, dim] : llvm::enumerate(inDims)) {
    Value size = extent(b, loc, dim);
    // Index and size of the result where this axis lies in it.
    Value here = index(0), outSize = size;
    for (int64_t k = 0; k < outRank; ++k) {
      if (keepdims && k != int64_t(i))
        continue;
      Value match = compare(arith::CmpIPredicate::eq, place, index(k));
      Value kept = extent(b, loc, outDims[k]);
      here = keepdims ? at[k] : select(match, at[k], here);
      outSize = keepdims ? kept : select(match, kept, outSize);
    }
    Value expected = keepdims ? select(reduced[i], index(1), size) : size;
    Value wrong = compare(arith::CmpIPredicate::ne, outSize, expected);
    if (!keepdims) {
      Value no = arith::ConstantOp::create(b, loc, b.getBoolAttr(false));
      wrong = select(reduced[i], no, wrong);
      place = select(reduced[i], place,
                     arith::AddIOp::create(b, loc, place, index(1)));
    }
    faultIf(wrong, INGOT_FAULT_SHAPE);
    Value next = arith::AddIOp::create(b, loc, here, index(1));
    from.push_back(select(reduced[i], index(0), here));
    to.push_back(
        arith::MinSIOp::create(b, loc, select(reduced[i], size, next), size));
  }
  if (!keepdims)
    faultIf(compare(arith::CmpIPredicate::ne, place, index(outRank)),
            INGOT_FAULT_SHAPE);
}

Value ingot::reduceRunTimeAxes(OpBuilder &b, Location loc, Value data,
                               Value axes, RankedTensorType out, bool keepdims,
                               bool noop,
                               function_ref<Scalar(RunTimeFold &)> body) {
  return foreach (b, loc, emptyTensor(b, loc, out), onnx::getDims(out),
                  [&](OpBuilder &at, ValueRange indices, ValueRange handles) {
                    AxisReader reader(at, loc, data, out);
                    reader.readAxes(axes, noop);
                    reader.findBounds(indices, keepdims);
                    RunTimeFold fold(at, loc, data, reader.from, reader.to);
                    Value result =
                        fromCompute(at, loc, body(fold), out.getElementType());
                    kernel::StoreOp::create(at, loc, result, handles[0],
                                            indices);
                  })
      .front();
}
