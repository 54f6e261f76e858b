//===- Depthwise.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/Contraction.h"
#include "codegen/loop/LoopEmitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ingot;

/// Results along the innermost axis that are computed side by side: each input
/// vector is loaded once and used for every result it contributes to.
constexpr int64_t columnsPerTile = 7;

namespace {
/// One filter per channel: images x outer rows x tiles of columns, all
/// channels of a tile in one item, a vector of channels at a time.
class DepthwiseEmitter {
public:
  DepthwiseEmitter(KernelContext &context, heavy::ConvOp op, Epilogue &epilogue)
      : context(context), op(op), epilogue(epilogue), loc(op.getLoc()),
        rank(op.getSpatialRank()) {}

  LogicalResult emit(OpBuilder &b, Value lo, Value hi, AffineExpr &work);

private:
  Value constant(OpBuilder &b, int64_t v) {
    return arith::ConstantIndexOp::create(b, loc, v);
  }
  Value add(OpBuilder &b, Value x, Value y) {
    return arith::AddIOp::create(b, loc, x, y);
  }
  Value times(OpBuilder &b, Value x, Value y) {
    return arith::MulIOp::create(b, loc, x, y);
  }
  bool isInteger() const { return isa<IntegerType>(input.elementType); }
  /// True if products of integers are formed in 16 bits.
  bool isHalf() const {
    return isInteger() && context.machine.getLaneBroadcast();
  }
  /// A vector of the input or the weights; integers widened to 32 bits.
  Value load(OpBuilder &b, Value pointer, Type elementType, Value mask);
  /// sum + x * weight
  Value multiplyAdd(OpBuilder &b, Value x, Value weight, Value sum);
  void row(OpBuilder &b, int64_t rows, Value column);
  void channels(OpBuilder &b, int64_t rows, bool border, Value column);
  void tile(OpBuilder &b, int64_t rows, bool border, Value column,
            Value channel, Value mask);
  SmallVector<Value> taps(OpBuilder &b, int64_t axis, Value inputOffset,
                          Value weightOffset, bool border, Value column,
                          Value channel, Value mask, ArrayRef<Value> sums);

  KernelContext &context;
  heavy::ConvOp op;
  Epilogue &epilogue;
  Location loc;
  int64_t rank;
  BufferRef input, weights;
  onnx::Dims inputDims, resultDims;
  /// Channels worked on together, and lanes of a register.
  int64_t width = 1, lanes = 1, filters = 0;
  TilePlan plan;
  Value image, zeros;
  /// The only channels of this item, in vectors, where threads share them out;
  /// else null.
  Value chunk;
  /// True where a tap of integers lies outside along an outer axis, or null.
  Value outside;
  SmallVector<Value> outer;
};
} // namespace

Value DepthwiseEmitter::load(OpBuilder &b, Value pointer, Type elementType,
                             Value mask) {
  if (!isa<IntegerType>(elementType))
    return context.loadFloats(b, loc, elementType,
                              VectorType::get({width}, factorType(elementType)),
                              pointer, mask);
  auto type = VectorType::get({width}, storageType(elementType));
  unsigned align = storageBytes(elementType);
  Value vector;
  if (!mask) {
    vector = LLVM::LoadOp::create(b, loc, type, pointer, align);
  } else {
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    vector =
        LLVM::MaskedLoadOp::create(b, loc, type, pointer, mask, zero, align);
  }
  // Products of bytes fit 16 bits, which half as many registers hold; where
  // sums of products are one instruction, its lanes have 32.
  auto wide = VectorType::get({width}, b.getIntegerType(isHalf() ? 16 : 32));
  if (elementType.isUnsignedInteger())
    return arith::ExtUIOp::create(b, loc, wide, vector);
  return arith::ExtSIOp::create(b, loc, wide, vector);
}

Value DepthwiseEmitter::multiplyAdd(OpBuilder &b, Value x, Value weight,
                                    Value sum) {
  if (!isInteger())
    return vector::FMAOp::create(b, loc, x, weight, sum);
  if (context.machine.getDot() == kernel::DotForm::vnni) {
    // One byte of each lane's four: the others of x are zero.
    auto bytes = VectorType::get({4 * width}, b.getI8Type());
    Value factors[] = {sum, vector::BitCastOp::create(b, loc, bytes, x),
                       vector::BitCastOp::create(b, loc, bytes, weight)};
    return LLVM::CallIntrinsicOp::create(
               b, loc, sum.getType(),
               b.getStringAttr(context.machine.getDotIntrinsic()), factors)
        .getResult(0);
  }
  Value product = arith::MulIOp::create(b, loc, x, weight);
  if (product.getType() != sum.getType())
    product = arith::ExtSIOp::create(b, loc, sum.getType(), product);
  return arith::AddIOp::create(b, loc, sum, product);
}

SmallVector<Value> DepthwiseEmitter::taps(OpBuilder &b, int64_t axis,
                                          Value inputOffset, Value weightOffset,
                                          bool border, Value column,
                                          Value channel, Value mask,
                                          ArrayRef<Value> sums) {
  int64_t stride = op.getStrides()[axis], dilation = op.getDilations()[axis];
  int64_t kernel = op.getKernel()[axis], pad = op.getPadsBegin()[axis];
  Value size = context.expand(b, loc, inputDims[1 + axis]);
  Value step = context.expand(b, loc, input.strides[1 + axis]);
  if (axis + 1 < rank) {
    Value start = arith::SubIOp::create(
        b, loc, times(b, outer[axis], constant(b, stride)), constant(b, pad));
    Value zero = constant(b, 0), d = constant(b, dilation);
    Value slack = constant(b, dilation - 1);
    Value negative = arith::MaxSIOp::create(
        b, loc, arith::SubIOp::create(b, loc, zero, start), zero);
    Value room = arith::MaxSIOp::create(
        b, loc, arith::SubIOp::create(b, loc, size, start), zero);
    Value from = arith::DivUIOp::create(b, loc, add(b, negative, slack), d);
    Value to = arith::DivUIOp::create(b, loc, add(b, room, slack), d);
    to = arith::MinSIOp::create(b, loc, to, constant(b, kernel));
    // Outside of an image of integers is their zero point, which counts.
    if (isInteger()) {
      from = zero;
      to = constant(b, kernel);
    }
    int64_t below = filters;
    for (int64_t k = axis + 1; k < rank; ++k)
      below *= op.getKernel()[k];
    auto loop =
        scf::ForOp::create(b, loc, from, to, constant(b, 1), ValueRange(sums));
    OpBuilder inner = OpBuilder::atBlockEnd(loop.getBody());
    Value k = loop.getInductionVar();
    Value position = add(inner, start, times(inner, k, d));
    Value offset = add(inner, inputOffset, times(inner, position, step));
    Value weightAt =
        add(inner, weightOffset, times(inner, k, constant(inner, below)));
    SmallVector<Value> carried(loop.getRegionIterArgs());
    Value outerOutside = outside;
    if (isInteger()) {
      Value here = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::uge,
                                         position, size);
      outside =
          outside ? arith::OrIOp::create(inner, loc, outside, here) : here;
    }
    scf::YieldOp::create(inner, loc,
                         taps(inner, axis + 1, offset, weightAt, border, column,
                              channel, mask, carried));
    outside = outerOutside;
    return SmallVector<Value>(loop.getResults());
  }
  SmallVector<Value> acc(sums);
  Value x0 = arith::SubIOp::create(
      b, loc, times(b, column, constant(b, stride)), constant(b, pad));
  Value base = add(b, add(b, inputOffset, channel), times(b, x0, step));
  llvm::DenseMap<int64_t, Value> loaded;
  auto inputAt = [&](int64_t distance) {
    Value &vector = loaded[distance];
    if (vector)
      return vector;
    Value offset = add(b, base, times(b, constant(b, distance), step));
    Value pointer = context.address(b, loc, input, offset);
    if (outside)
      pointer = arith::SelectOp::create(b, loc, outside, zeros, pointer);
    if (border) {
      Value x = add(b, x0, constant(b, distance));
      Value inside =
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, x, size);
      pointer = arith::SelectOp::create(b, loc, inside, pointer, zeros);
    }
    vector = load(b, pointer, input.elementType, mask);
    return vector;
  };
  for (int64_t k = 0; k < kernel; ++k) {
    Value at = add(b, add(b, weightOffset, channel), constant(b, k * filters));
    Value weight = load(b, context.address(b, loc, weights, at),
                        weights.elementType, mask);
    for (int64_t r = 0; r < int64_t(sums.size()); ++r)
      acc[r] =
          multiplyAdd(b, inputAt(r * stride + k * dilation), weight, acc[r]);
  }
  return acc;
}

void DepthwiseEmitter::tile(OpBuilder &b, int64_t rows, bool border,
                            Value column, Value channel, Value mask) {
  Value imageOffset = times(b, image, context.expand(b, loc, input.strides[0]));
  TileShape shape{rows, width / lanes, lanes};
  Value zero = arith::ConstantOp::create(
      b, loc,
      b.getZeroAttr(
          VectorType::get({width}, sumType(factorType(input.elementType)))));
  SmallVector<Value> wide =
      taps(b, 0, imageOffset, constant(b, 0), border, column, channel, mask,
           SmallVector<Value>(rows, zero));
  SmallVector<Value> sums;
  for (Value sum : wide)
    for (int64_t v = 0; v < shape.vectors; ++v)
      sums.push_back(shape.vectors == 1 ? sum
                                        : vector::ExtractStridedSliceOp::create(
                                              b, loc, sum, v * lanes, lanes, 1)
                                              .getResult());
  SmallVector<Value> leading{image};
  leading.append(outer.begin(), outer.end());
  epilogue.storeTile(b, shape, leading, column, channel, mask, sums);
}

void DepthwiseEmitter::channels(OpBuilder &b, int64_t rows, bool border,
                                Value column) {
  if (chunk) {
    Value channel = times(b, chunk, constant(b, lanes));
    auto whole = [&](OpBuilder &at) {
      tile(at, rows, border, column, channel, Value());
    };
    int64_t left = filters % lanes;
    if (left == 0)
      return whole(b);
    Value isWhole = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                          chunk, constant(b, filters / lanes));
    return emitIf(b, loc, isWhole, whole, [&](OpBuilder &at) {
      tile(at, rows, border, column, channel,
           constantMask(at, loc, left, lanes));
    });
  }
  // Blocks of several registers, of one, and what is left.
  int64_t done = 0, block = width;
  for (int64_t size : {block, lanes}) {
    int64_t end = filters / size * size;
    if (end > done) {
      auto loop = scf::ForOp::create(b, loc, constant(b, done),
                                     constant(b, end), constant(b, size));
      OpBuilder inner(loop.getBody()->getTerminator());
      width = size;
      tile(inner, rows, border, column, loop.getInductionVar(), Value());
      done = end;
    }
  }
  width = lanes;
  if (done != filters)
    tile(b, rows, border, column, constant(b, done),
         constantMask(b, loc, filters - done, width));
  width = block;
}

/// A run of results along the innermost axis, inside of the input or not.
void DepthwiseEmitter::row(OpBuilder &b, int64_t rows, Value column) {
  int64_t axis = rank - 1;
  int64_t stride = op.getStrides()[axis], pad = op.getPadsBegin()[axis];
  int64_t span = (op.getKernel()[axis] - 1) * op.getDilations()[axis];
  Value first = arith::SubIOp::create(
      b, loc, times(b, column, constant(b, stride)), constant(b, pad));
  Value last = add(b, first, constant(b, (rows - 1) * stride + span));
  Value size = context.expand(b, loc, inputDims[1 + axis]);
  Value inLeft = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, first,
                                       constant(b, 0));
  Value inRight =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, last, size);
  emitIf(
      b, loc, arith::AndIOp::create(b, loc, inLeft, inRight),
      [&](OpBuilder &nested) { channels(nested, rows, false, column); },
      [&](OpBuilder &nested) { channels(nested, rows, true, column); });
}

LogicalResult DepthwiseEmitter::emit(OpBuilder &b, Value lo, Value hi,
                                     AffineExpr &work) {
  if (op.getInputChannelsFirst())
    return op.emitError("[IG4002] depthwise convolution needs channels last");
  input = context.lookup(b, loc, op.getInput());
  weights = context.lookup(b, loc, op.getWeights());
  inputDims = onnx::getDims(op.getInputType());
  resultDims = onnx::getDims(op.getResultType());
  filters = op.getFilters();
  lanes = context.machine.lanes(
      sumType(factorType(input.elementType)).getIntOrFloatBitWidth());
  // A register of bytes, where they are widened by halves.
  width = isHalf() ? context.machine.lanes(8) : lanes;
  AffineExpr columns = resultDims[rank];
  // Weights and inputs of a tile stay in registers.
  int64_t rows = context.machine.getVectorRegisters() >= 32 && !isHalf()
                     ? columnsPerTile
                     : 4;
  bool warps = context.machine.hasWarps();
  if (warps)
    rows = 4;
  plan = planRows(columns, TileShape{rows, width / lanes, lanes});
  SmallVector<AffineExpr> space{resultDims[0]};
  for (int64_t i = 0; i + 1 < rank; ++i)
    space.push_back(resultDims[1 + i]);
  space.push_back(plan.tiles);
  // Neighbouring threads have neighbouring channels of the same results.
  if (warps)
    space.push_back(
        onnx::constantDim(llvm::divideCeil(filters, lanes), b.getContext()));
  work = onnx::product(space, b.getContext());
  zeros = paddingRow(b, op, input.elementType, width, op.getPadValue());

  auto item = scf::ForOp::create(b, loc, lo, hi, constant(b, 1));
  OpBuilder inner(item.getBody()->getTerminator());
  SmallVector<Value> at =
      delinearize(inner, loc, context, item.getInductionVar(), space);
  if (warps)
    chunk = at.pop_back_val();
  image = at[0];
  outer.assign(at.begin() + 1, at.end() - 1);
  Value start = times(inner, at.back(), constant(inner, plan.shape.rows));
  emitRowTile(inner, loc, context, plan, columns, start,
              [&](OpBuilder &nested, int64_t count, Value column) {
                row(nested, count, column);
              });
  return success();
}

LogicalResult ingot::emitDepthwise(OpBuilder &b, KernelContext &context,
                                   heavy::ConvOp op, Epilogue &epilogue,
                                   Value lo, Value hi, AffineExpr &work) {
  return DepthwiseEmitter(context, op, epilogue).emit(b, lo, hi, work);
}
