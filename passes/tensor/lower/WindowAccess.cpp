//===- WindowAccess.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/lower/WindowAccess.h"
#include "passes/tensor/lower/Scalars.h"

using namespace mlir;
using namespace ingot;

AffineMap WindowAccess::map(unsigned loops, AffineExpr batch,
                            AffineExpr channel) const {
  MLIRContext *context = batch.getContext();
  SmallVector<AffineExpr> results = {batch, channel};
  for (int64_t i = 0; i < window.rank(); ++i)
    results.push_back(
        getAffineDimExpr(windowLoop + i, context) * window.strides[i] +
        getAffineDimExpr(pointLoop + i, context) * window.dilations[i]);
  return AffineMap::get(loops, 0, results, context);
}

Value WindowAccess::place(Body &body, unsigned axis) const {
  Scalars s{body.b, body.loc};
  auto scaled = [&](unsigned loop, int64_t factor) {
    Value index = body.index(loop);
    return factor == 1 ? index : s.mul(index, s.index(factor));
  };
  // First what does not depend on the window's position: the sum stays linear
  // in it.
  Value point = scaled(pointLoop + axis, window.dilations[axis]);
  if (onnx::constantValue(window.padsBegin[axis]) != 0)
    point = s.sub(point, s.size(window.padsBegin[axis]));
  return s.add(scaled(windowLoop + axis, window.strides[axis]), point);
}

WindowAccess::Element WindowAccess::load(Body &body, Value batch,
                                         Value channel) const {
  Scalars s{body.b, body.loc};
  SmallVector<Value> indices = {batch, channel};
  Value inside;
  for (int64_t i = 0; i < window.rank(); ++i) {
    Value at = place(body, i);
    if (window.padded[i]) {
      Value size = s.size(window.input[i]);
      Value isInside = s.isIn(at, size);
      inside = inside ? s.both(inside, isInside) : isInside;
      at = s.clamp(at, s.index(0), s.sub(size, s.index(1)));
    }
    indices.push_back(at);
  }
  return {body.load(tensor, indices), inside};
}

SmallVector<Value> ingot::reduceWindows(
    OpBuilder &b, Location loc, const WindowAccess &access,
    ArrayRef<RankedTensorType> outs, ValueRange inits,
    function_ref<SmallVector<Value>(Body &, WindowAccess::Element, ValueRange)>
        body) {
  unsigned loops = outs.front().getRank() + access.window.rank();
  onnx::Dims points = access.window.kernelDims(b.getContext());
  if (access.isAffine()) {
    AffineMap map =
        access.map(loops, b.getAffineDimExpr(0), b.getAffineDimExpr(1));
    return reduceMany(b, loc, outs, points, access.tensor, map, inits,
                      [&](Body &at, ValueRange accumulators) {
                        return body(at, {at.args[0], Value()}, accumulators);
                      });
  }
  return reduceMany(b, loc, outs, points, ValueRange(), {}, inits,
                    [&](Body &at, ValueRange accumulators) {
                      auto element = access.load(at, at.index(0), at.index(1));
                      return body(at, element, accumulators);
                    });
}
