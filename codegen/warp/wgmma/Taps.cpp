//===- Taps.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/wgmma/Taps.h"
#include "codegen/warp/wgmma/WarpgroupShape.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

/// What cuTensorMapEncodeIm2col takes, by the number of spatial dimensions less
/// one: corners are numbers of so many bits with a sign, offsets of taps
/// without one. Steps are at most mostStride.
constexpr int64_t cornerBits[] = {16, 8, 5}, offsetBits[] = {16, 8, 5};
constexpr int64_t mostStride = 8;

/// The depth of a step, and that of an instruction.
constexpr int64_t stepDepth = WarpgroupShape::depth, productDepth = 16;

/// How far after the last pixel the first tap may be: such that there are as
/// many places for it as results. None if that depends on symbols.
static std::optional<int64_t> upperCorner(AffineExpr size, AffineExpr results,
                                          int64_t lower, int64_t step,
                                          int64_t limit) {
  // The last result's place.
  AffineExpr last = (results - 1) * step + lower;
  if (auto corner = onnx::constantValue(last - (size - 1)))
    return corner;
  // Sizes that are rounded down: all corners in a range of `step` do.
  for (int64_t corner = -limit; corner < limit; ++corner) {
    AffineExpr places = (size - 1 + corner - lower).floorDiv(step) + 1;
    if (onnx::constantValue(places - results) == 0)
      return corner;
  }
  return std::nullopt;
}

/// The window of the first tap; false if the engine has none like it.
static bool describeWindow(heavy::ConvOp conv, TensorMap::Window &window) {
  int64_t rank = conv.getSpatialRank();
  int64_t limit = int64_t(1) << (cornerBits[rank - 1] - 1);
  onnx::Dims in = onnx::getDims(conv.getInputType());
  onnx::Dims out = onnx::getDims(conv.getResultType());
  auto fits = [&](int64_t corner) {
    return -limit <= corner && corner < limit;
  };
  for (int64_t i = rank - 1; i >= 0; --i) {
    int64_t lower = -conv.getPadsBegin()[i], step = conv.getStrides()[i];
    int64_t span = (conv.getKernel()[i] - 1) * conv.getDilations()[i];
    if (step > mostStride || span >> offsetBits[rank - 1])
      return false;
    std::optional<int64_t> upper = upperCorner(
        in[1 + i], out[1 + i], lower, step, std::min(limit, int64_t(256)));
    if (!upper || !fits(lower) || !fits(*upper))
      return false;
    window.lower.push_back(lower);
    window.upper.push_back(*upper);
    window.steps.push_back(step);
  }
  return true;
}

StringRef warp::describeTaps(const KernelContext &context,
                             const BlockOperands &operands, Factor &left,
                             Factor &right) {
  heavy::ConvOp conv = operands.conv;
  const MatrixProduct &product = operands.matrices;
  MLIRContext *ctx = conv.getContext();
  int64_t channels = conv.getChannels();
  int64_t bytes = storageBytes(product.a.elementType);
  auto constant = [&](int64_t n) { return onnx::constantDim(n, ctx); };
  if (operands.groups > 1)
    return "a convolution of groups";
  if (conv.getInputChannelsFirst())
    return "channels of a pixel lie apart";
  if (channels * bytes % mapBytes || operands.rightWidth * bytes % mapBytes)
    return "channels are no multiple of 8";
  if (!describeWindow(conv, left.map.window))
    return "strides, pads, dilations or symbolic sizes that the engine for "
           "copies does not know";
  Taps steps(conv);
  left.rowBytes = steps.channelsOfCopy() * bytes;
  left.map.box = {steps.channelsOfCopy()};
  // Channels, pixels from the innermost dimension on, images.
  onnx::Dims dims = onnx::getDims(conv.getInputType());
  left.map.dims.assign(dims.rbegin(), dims.rend());
  for (AffineExpr stride :
       llvm::reverse(ArrayRef(product.a.strides).drop_back()))
    left.map.strides.push_back(stride * bytes);
  right.transposed = true;
  right.map.box = {WarpgroupShape::piece, steps.channelsOfCopy(),
                   steps.tapsOfStep()};
  right.map.dims = {constant(product.n), constant(channels),
                    constant(steps.count())};
  right.map.strides = {constant(operands.rightWidth * bytes),
                       constant(channels * operands.rightWidth * bytes)};
  if (!findMemory(context, left.map, conv.getInput()) ||
      !findMemory(context, right.map, conv.getWeights()))
    return "a factor is no tensor in memory";
  return "";
}

Taps::Taps(heavy::ConvOp conv) : channels(conv.getChannels()) {
  onnx::Dims out = onnx::getDims(conv.getResultType());
  for (int64_t i = conv.getSpatialRank() - 1; i >= 0; --i) {
    axes.push_back({conv.getKernel()[i], conv.getStrides()[i],
                    conv.getDilations()[i], conv.getPadsBegin()[i],
                    out[1 + i]});
    taps *= conv.getKernel()[i];
  }
  if (tapsOfStep() > 1) {
    partsOf.push_back({0, 1, stepDepth});
    return;
  }
  int64_t whole = channels / stepDepth, rest = channels % stepDepth;
  if (whole)
    partsOf.push_back({0, whole, stepDepth});
  if (rest)
    partsOf.push_back(
        {whole * stepDepth, 1, int64_t(llvm::alignTo(rest, productDepth))});
}

int64_t Taps::channelsOfCopy() const {
  int64_t copied = stepDepth;
  while (copied > productDepth && channels <= copied / 2)
    copied /= 2;
  return copied;
}

int64_t Taps::tapsOfStep() const { return stepDepth / channelsOfCopy(); }

int64_t Taps::steps(const Part &part) const {
  return llvm::divideCeil(taps, tapsOfStep()) * part.pieces;
}

int64_t Taps::steps() const {
  int64_t all = 0;
  for (const Part &part : partsOf)
    all += steps(part);
  return all;
}

double Taps::usefulPart() const {
  // A step of less depth takes less time by what its products take, but its
  // tiles are written to shared memory as a whole: of a tile of 128 x 256, 384
  // of 1024 clocks.
  double taken = 0;
  for (const Part &part : partsOf)
    taken += double(steps(part)) *
             (0.375 * stepDepth + 0.625 * double(part.multiplied));
  return double(taps * channels) / taken;
}

SmallVector<Value> Taps::pixelOf(Words &w, KernelContext &context,
                                 Value row) const {
  SmallVector<Value> at;
  for (const Axis &axis : axes) {
    Value results = w.fromIndex(context.expand(w.b, w.loc, axis.results));
    at.push_back(w.add(w.mul(w.rem(row, results), axis.stride), -axis.pad));
    row = w.div(row, results);
  }
  at.push_back(row);
  return at;
}

Taps::Step Taps::locate(Words &w, const Part &part, Value step) const {
  Step at;
  int64_t together = tapsOfStep();
  at.channel =
      w.add(w.mul(w.rem(step, part.pieces), stepDepth), part.firstChannel);
  at.tap = w.mul(w.div(step, part.pieces), together);
  for (int64_t t = 0; t < together; ++t) {
    Copy copy{at.channel, {}};
    Value tap = w.add(at.tap, t), rest = tap;
    // Beyond the last tap, channels that do not exist, so that both are zero.
    if (taps % together)
      copy.channel =
          w.select(w.less(tap, taps), copy.channel, w.number(channels));
    for (const Axis &axis : axes) {
      Value offset = w.mul(w.rem(rest, axis.kernel), axis.dilation);
      copy.offsets.push_back(
          w.b.createOrFold<arith::TruncIOp>(w.loc, w.b.getI16Type(), offset));
      rest = w.div(rest, axis.kernel);
    }
    at.copies.push_back(copy);
  }
  return at;
}
