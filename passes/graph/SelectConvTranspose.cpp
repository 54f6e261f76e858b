//===- SelectConvTranspose.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A transposed convolution by stride s is s convolutions per axis. The result
// at o reads the inputs i with o + pad = i * s + k for a kernel point k, so
// k = (o + pad) mod s + s * j: results with the same (o + pad) mod s, a phase,
// share every s-th point of the kernel, and are an ordinary convolution with
// them, reversed. (Shi et al., "Is the deconvolution layer the same as a
// convolutional layer?", 2016.)
//
//===----------------------------------------------------------------------===//
#include "dialects/ingot/Ingot.h"
#include "dialects/onnx/Linear.h"
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/Window.h"
#include "dialects/onnx/WindowShape.h"
#include "passes/graph/SelectHeavy.h"
#include "passes/graph/TensorData.h"

using namespace mlir;
using namespace ingot;

namespace {
/// One axis of the result.
struct Axis {
  int64_t kernel, stride;
  /// o + rest is what is divided by the stride: the pad less `begin` strides.
  int64_t begin, rest;
  /// Results of each phase.
  AffineExpr count;

  /// Kernel points of a phase.
  int64_t taps(int64_t phase) const {
    return kernel > phase ? llvm::divideCeil(kernel - phase, stride) : 0;
  }
  int64_t most() const { return taps(0); }
};

class PhasedConvTranspose {
public:
  PhasedConvTranspose(onnx::ConvTransposeOp op, RewriterBase &rewriter)
      : op(op), rewriter(rewriter), loc(op.getLoc()) {}

  /// Fails, before anything is changed, with the reason in `why`.
  LogicalResult prepare(StringRef &why);
  Value build();

private:
  /// True if one convolution makes all phases: few of its taps are zeros.
  bool mergesPhases() const {
    int64_t all = 1, needed = 1;
    for (const Axis &axis : axes) {
      all *= axis.most() * axis.stride;
      needed *= axis.kernel;
    }
    return group == 1 && all * 4 <= needed * 5;
  }
  /// The phase of each axis, from one number; the last axis counts fastest.
  SmallVector<int64_t> phasesOf(int64_t number) const;
  Value convolution(ArrayRef<int64_t> numbers, ArrayRef<int64_t> taps);
  Value weightsFor(ArrayRef<int64_t> numbers, ArrayRef<int64_t> taps);
  Value interleave(Value phases);

  onnx::ConvTransposeOp op;
  RewriterBase &rewriter;
  Location loc;
  Type type;
  SmallVector<Axis> axes;
  std::optional<graph::TensorData> weights;
  int64_t group = 1, filters = 0, perGroup = 0, channels = 0, phaseCount = 1;
  onnx::Dims inputDims, resultDims;
  Value input;
};
} // namespace

LogicalResult PhasedConvTranspose::prepare(StringRef &why) {
  type = heavyType(op.getX());
  RankedTensorType result = rankedResult(op);
  ElementsAttr constant = graph::constantOf(asStored(op.getW()));
  if (!type || !result || !constant) {
    why = "not a float transposed convolution with constant weights";
    return failure();
  }
  weights = graph::TensorData::of(constant);
  FailureOr<onnx::WindowParams> window = onnx::resolveWindow(op);
  if (!weights || failed(window) || window->rank() > 3) {
    why = "more than 3 spatial dimensions";
    return failure();
  }
  auto pads = window->constantPadsBegin();
  inputDims = onnx::getDims(cast<RankedTensorType>(op.getX().getType()));
  resultDims = onnx::getDims(result);
  std::optional<int64_t> depth = onnx::constantValue(inputDims[1]);
  if (!pads || !depth) {
    why = "channels or pads are symbolic";
    return failure();
  }
  group = window->group;
  channels = *depth;
  perGroup = weights->type().getDimSize(1);
  filters = perGroup * group;
  for (int64_t i = 0; i < window->rank(); ++i) {
    int64_t kernel = window->kernel[i], stride = window->strides[i];
    if (window->dilations[i] != 1 || kernel < stride || (*pads)[i] < 0) {
      why = "dilated, a kernel smaller than the stride, or a negative pad";
      return failure();
    }
    // No phase may begin before its window does.
    int64_t fewest = kernel / stride;
    int64_t begin = std::min((*pads)[i] / stride, fewest - 1);
    int64_t rest = (*pads)[i] - begin * stride;
    AffineExpr count = (window->output[i] + (rest - 1)).floorDiv(stride) + 1;
    axes.push_back({kernel, stride, begin, rest, count});
    phaseCount *= stride;
  }
  return success();
}

SmallVector<int64_t> PhasedConvTranspose::phasesOf(int64_t number) const {
  SmallVector<int64_t> phases(axes.size());
  for (size_t i = axes.size(); i-- > 0;) {
    phases[i] = number % axes[i].stride;
    number /= axes[i].stride;
  }
  return phases;
}

/// [numbers x filters, channels / group, taps...]: the kernel points of those
/// phases, reversed, as ONNX has the weights of Conv.
Value PhasedConvTranspose::weightsFor(ArrayRef<int64_t> numbers,
                                      ArrayRef<int64_t> taps) {
  int64_t depth = channels / group, points = 1, kernelPoints = 1;
  for (auto [axis, count] : llvm::zip(axes, taps)) {
    points *= count;
    kernelPoints *= axis.kernel;
  }
  SmallVector<int64_t> shape{int64_t(numbers.size()) * filters, depth};
  shape.append(taps.begin(), taps.end());
  auto tensor = RankedTensorType::get(shape, weights->type().getElementType());
  graph::TensorData to = graph::TensorData::zeros(tensor);
  // Where each tap of each phase comes from in the kernel; -1: zero.
  for (auto [n, number] : llvm::enumerate(numbers)) {
    SmallVector<int64_t> phases = phasesOf(number);
    for (int64_t point = 0; point < points; ++point) {
      int64_t from = 0, left = point, scale = 1;
      for (size_t i = axes.size(); i-- > 0;) {
        int64_t tap = left % taps[i];
        left /= taps[i];
        int64_t k = phases[i] + axes[i].stride * (taps[i] - 1 - tap);
        from = from < 0 || k >= axes[i].kernel ? -1 : from + k * scale;
        scale *= axes[i].kernel;
      }
      if (from < 0)
        continue;
      for (int64_t m = 0; m < filters; ++m)
        for (int64_t c = 0; c < depth; ++c) {
          int64_t source = (m / perGroup * depth + c) * perGroup + m % perGroup;
          int64_t target = (int64_t(n) * filters + m) * depth + c;
          to.store(target * points + point,
                   weights->load(source * kernelPoints + from));
        }
    }
  }
  return onnx::ConstantOp::create(rewriter, loc, tensor, to.toAttr());
}

Value PhasedConvTranspose::convolution(ArrayRef<int64_t> numbers,
                                       ArrayRef<int64_t> taps) {
  int64_t made = int64_t(numbers.size()) * filters;
  onnx::Dims dims{inputDims[0]};
  SmallVector<int64_t> pads;
  for (auto [axis, count] : llvm::zip(axes, taps)) {
    dims.push_back(axis.count);
    pads.push_back(count - 1 - axis.begin);
  }
  dims.push_back(onnx::constantDim(made, op.getContext()));
  SmallVector<int64_t> ones(axes.size(), 1);
  return heavy::ConvOp::create(rewriter, loc, onnx::tensorOf(dims, type), input,
                               weightsFor(numbers, taps), taps, ones, pads,
                               ones, group, made,
                               /*input_channels_first=*/false, IntegerAttr());
}

/// The results in their order from [N, counts..., phases x filters].
Value PhasedConvTranspose::interleave(Value phases) {
  MLIRContext *ctx = op.getContext();
  unsigned rank = axes.size();
  onnx::Dims dims{resultDims[0]};
  SmallVector<AffineExpr> from{getAffineDimExpr(0, ctx)};
  AffineExpr number = getAffineConstantExpr(0, ctx);
  for (auto [i, axis] : llvm::enumerate(axes)) {
    dims.push_back(resultDims[2 + i]);
    AffineExpr at = getAffineDimExpr(1 + i, ctx) + axis.rest;
    from.push_back(at.floorDiv(axis.stride));
    number = number * axis.stride + at % axis.stride;
  }
  dims.push_back(resultDims[1]);
  from.push_back(number * filters + getAffineDimExpr(rank + 1, ctx));
  return moveElements(rewriter, loc, onnx::tensorOf(dims, type), phases,
                      AffineMap::get(rank + 2, 0, from, ctx));
}

Value PhasedConvTranspose::build() {
  int64_t rank = axes.size();
  input = transposed(rewriter, loc, asFactor(rewriter, loc, op.getX(), type),
                     channelsLast(rank));
  Value phases;
  if (mergesPhases()) {
    SmallVector<int64_t> taps;
    for (const Axis &axis : axes)
      taps.push_back(axis.most());
    phases =
        convolution(llvm::to_vector(llvm::seq<int64_t>(0, phaseCount)), taps);
  } else {
    SmallVector<Value> parts;
    for (int64_t number = 0; number < phaseCount; ++number) {
      SmallVector<int64_t> taps;
      for (auto [axis, phase] : llvm::zip(axes, phasesOf(number)))
        taps.push_back(axis.taps(phase));
      parts.push_back(convolution(number, taps));
    }
    onnx::Dims dims = onnx::getDims(cast<RankedTensorType>(parts[0].getType()));
    dims.back() = onnx::constantDim(phaseCount * filters, op.getContext());
    phases = heavy::ConcatOp::create(rewriter, loc, onnx::tensorOf(dims, type),
                                     parts, rank + 1);
  }
  bool inOrder = llvm::all_of(axes, [](const Axis &axis) {
    return axis.stride == 1 && axis.rest == 0;
  });
  Value result = inOrder ? phases : interleave(phases);
  if (!onnx::isNone(op.getB()))
    result = addLastBias(rewriter, loc, result, op.getB());
  Value back = transposed(rewriter, loc, result, channelsFirst(rank));
  return castTo(rewriter, loc, back, rankedResult(op).getElementType());
}

namespace {
struct SelectConvTranspose : OpRewritePattern<onnx::ConvTransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::ConvTransposeOp op,
                                PatternRewriter &rewriter) const override {
    PhasedConvTranspose phased(op, rewriter);
    StringRef why;
    if (failed(phased.prepare(why)))
      return rewriter.notifyMatchFailure(op, why);
    rewriter.replaceOp(op, phased.build());
    return success();
  }
};
} // namespace

void ingot::populateSelectConvTranspose(RewritePatternSet &patterns) {
  patterns.add<SelectConvTranspose>(patterns.getContext());
}
