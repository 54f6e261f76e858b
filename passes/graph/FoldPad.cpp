//===- FoldPad.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Padding before a convolution or pooling becomes the window's own padding,
// which costs no copy of the tensor.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Window.h"
#include "dialects/onnx/WindowShape.h"
#include "passes/graph/Simplify.h"

#include <cmath>

using namespace mlir;
using namespace ingot;
using namespace ingot::graph;

/// The element that windows take padding for.
static double paddingOf(onnx::ConvOp) { return 0; }
static double paddingOf(onnx::AveragePoolOp) { return 0; }
static double paddingOf(onnx::MaxPoolOp) { return -INFINITY; }

/// Why the window's own padding would not do the same; null if it would.
static const char *mismatch(onnx::ConvOp) { return nullptr; }
static const char *mismatch(onnx::AveragePoolOp pool) {
  if (pool.getCeilMode())
    return "ceil_mode takes no further padding";
  // Elements of the Pad count, those of the pool's own padding then must too.
  bool padded = pool.getPads() &&
                llvm::any_of(*pool.getPads(), [](int64_t p) { return p != 0; });
  return padded && !pool.getCountIncludePad()
             ? "the pool has padding that does not count"
             : nullptr;
}
static const char *mismatch(onnx::MaxPoolOp pool) {
  if (pool.getCeilMode())
    return "ceil_mode takes no further padding";
  return pool.getIndices().use_empty()
             ? nullptr
             : "the pool's indices count padded elements";
}

static void notePadding(onnx::ConvOp) {}
static void notePadding(onnx::MaxPoolOp) {}
static void notePadding(onnx::AveragePoolOp pool) {
  pool.setCountIncludePad(1);
}

/// The counts that a Pad adds around each spatial dimension, begins then ends;
/// none if they are not constant, negative, or not spatial alone.
static std::optional<SmallVector<int64_t>> spatialPads(onnx::PadOp pad) {
  auto type = dyn_cast<RankedTensorType>(pad.getData().getType());
  std::optional<SmallVector<int64_t>> pads =
      onnx::constantIntegers(pad.getPads());
  if (!type || !pads || type.getRank() < 3)
    return std::nullopt;
  int64_t rank = type.getRank();
  SmallVector<int64_t> axes;
  if (onnx::isNone(pad.getAxes())) {
    llvm::append_range(axes, llvm::seq<int64_t>(0, rank));
  } else {
    std::optional<SmallVector<int64_t>> given =
        onnx::constantIntegers(pad.getAxes());
    if (!given)
      return std::nullopt;
    for (int64_t axis : *given)
      axes.push_back(axis < 0 ? axis + rank : axis);
  }
  if (pads->size() != 2 * axes.size())
    return std::nullopt;
  SmallVector<int64_t> result(2 * (rank - 2), 0);
  for (auto [i, axis] : llvm::enumerate(axes)) {
    int64_t before = (*pads)[i], after = (*pads)[axes.size() + i];
    if (before < 0 || after < 0 || axis < 0 || axis >= rank)
      return std::nullopt;
    if (before == 0 && after == 0)
      continue;
    if (axis < 2)
      return std::nullopt;
    result[axis - 2] = before;
    result[axis - 2 + (rank - 2)] = after;
  }
  return result;
}

/// True if the padding is that number everywhere.
static bool padsWith(onnx::PadOp pad, double number) {
  if (pad.getMode() != "constant")
    return false;
  if (onnx::isNone(pad.getConstantValue()))
    return number == 0;
  return constantNumber(pad.getConstantValue()) == number;
}

namespace {
template <typename Op> struct FoldPadInto : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    auto pad = op.getX().template getDefiningOp<onnx::PadOp>();
    if (!pad)
      return failure();
    auto fail = [&](const Twine &why) {
      return rewriter.notifyMatchFailure(op, "Pad is not made part of " +
                                                 op->getName().stripDialect() +
                                                 ": " + why);
    };
    if (!padsWith(pad, paddingOf(op)))
      return fail("it pads with another value");
    std::optional<SmallVector<int64_t>> pads = spatialPads(pad);
    if (!pads)
      return fail("its counts are not constant, negative, or not spatial");
    if (const char *why = mismatch(op))
      return fail(why);
    // auto_pad SAME depends on the padded size.
    if (op.getAutoPad() != "NOTSET" && op.getAutoPad() != "VALID")
      return fail("auto_pad already pads");
    if (op.getPads() && op.getPads()->size() != pads->size())
      return failure();
    if (!std::is_same_v<Op, onnx::ConvOp> && reachesTooFar(op, *pads))
      return fail("a window would lie in the padding alone");
    for (auto [i, count] : llvm::enumerate(*pads))
      if (op.getPads() && op.getAutoPad() == "NOTSET")
        count += (*op.getPads())[i];
    rewriter.modifyOpInPlace(op, [&] {
      op.getXMutable().assign(pad.getData());
      op.setPads(*pads);
      op.setAutoPad("NOTSET");
      notePadding(op);
      op->setLoc(rewriter.getFusedLoc({pad.getLoc(), op.getLoc()}));
    });
    return success();
  }

  /// True if the padding is as long as a window, which the specification leaves
  /// open for pooling.
  static bool reachesTooFar(Op op, ArrayRef<int64_t> pads) {
    FailureOr<onnx::WindowParams> window = onnx::resolveWindow(op);
    if (failed(window))
      return true;
    for (int64_t axis = 0; axis < window->rank(); ++axis)
      for (int64_t side : {axis, axis + window->rank()}) {
        int64_t own = op.getPads() ? (*op.getPads())[side] : 0;
        if (own + pads[side] >= window->span(axis))
          return true;
      }
    return false;
  }
};
} // namespace

void graph::populatePadPatterns(RewritePatternSet &patterns) {
  patterns.add<FoldPadInto<onnx::ConvOp>, FoldPadInto<onnx::MaxPoolOp>,
               FoldPadInto<onnx::AveragePoolOp>>(patterns.getContext());
}
