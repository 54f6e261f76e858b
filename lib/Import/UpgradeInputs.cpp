//===- UpgradeInputs.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Old forms whose attributes became inputs.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Dims.h"
#include "lib/Import/UpgradeOpset.h"

#include "mlir/IR/BuiltinAttributes.h"

#include <cfloat>

using namespace mlir;
using namespace ingot;

/// Removes and returns an attribute; null if the node does not have it.
/// Another type than expected is an error.
template <typename Attr>
static LogicalResult take(NodeForm &form, NodeBuilder &b, StringRef name,
                          Attr &into) {
  into = {};
  Attribute attribute = form.attributes.erase(name);
  if (!attribute)
    return success();
  into = dyn_cast<Attr>(attribute);
  if (into)
    return success();
  return b.fail(Code::BadAttribute,
                "attribute '" + name + "' has an unexpected type");
}

/// The same for an attribute that must be there.
template <typename Attr>
static LogicalResult require(NodeForm &form, NodeBuilder &b, StringRef name,
                             Attr &into) {
  if (failed(take(form, b, name, into)))
    return failure();
  if (into)
    return success();
  return b.fail(Code::MissingAttribute, "requires attribute '" + name + "'");
}

/// Puts a value at place `index` of the inputs.
static void setOperand(NodeForm &form, unsigned index, Value value) {
  if (form.operands.size() <= index)
    form.operands.resize(index + 1);
  form.operands[index] = value;
}

/// The element type of the first input, or an error.
static FailureOr<Type> dataType(NodeForm &form, NodeBuilder &b) {
  if (form.operands.empty() || !form.operands[0] ||
      !isa<TensorType>(form.operands[0].getType()))
    return b.fail(Code::InputCount, "has no first input");
  return cast<TensorType>(form.operands[0].getType()).getElementType();
}

LogicalResult forms::axesToInput(NodeForm &form, NodeBuilder &b) {
  DenseI64ArrayAttr axes;
  if (failed(take(form, b, "axes", axes)))
    return failure();
  if (axes)
    setOperand(form, 1, b.integers(axes));
  return success();
}

LogicalResult forms::clipDefaultBounds(NodeForm &form, NodeBuilder &b) {
  // Before opset 6 a bound left out is no bound; the next step knows that as
  // the infinities.
  Builder &builder = b.getBuilder();
  if (!form.attributes.get("min"))
    form.attributes.set("min", builder.getF32FloatAttr(-INFINITY));
  if (!form.attributes.get("max"))
    form.attributes.set("max", builder.getF32FloatAttr(INFINITY));
  return success();
}

LogicalResult forms::clipBoundsToInputs(NodeForm &form, NodeBuilder &b) {
  FloatAttr least, most;
  if (failed(take(form, b, "min", least)) || failed(take(form, b, "max", most)))
    return failure();
  FailureOr<Type> type = dataType(form, b);
  if (failed(type))
    return failure();
  double low = least ? least.getValueAsDouble() : -FLT_MAX;
  double high = most ? most.getValueAsDouble() : FLT_MAX;
  // A bound that half precision cannot hold bounds nothing.
  double limit = type->isF16() ? 65504 : DBL_MAX;
  if (low >= -limit)
    setOperand(form, 1, b.scalar(*type, low));
  if (high <= limit)
    setOperand(form, 2, b.scalar(*type, high));
  return success();
}

LogicalResult forms::dftAxisToInput(NodeForm &form, NodeBuilder &b) {
  IntegerAttr axis;
  if (failed(take(form, b, "axis", axis)))
    return failure();
  Type integer = b.getBuilder().getI64Type();
  setOperand(form, 2, b.scalar(integer, axis ? axis.getInt() : 1));
  return success();
}

LogicalResult forms::dropoutRatioToInput(NodeForm &form, NodeBuilder &b) {
  FloatAttr ratio;
  if (failed(take(form, b, "ratio", ratio)))
    return failure();
  setOperand(form, 1,
             b.scalar(b.getBuilder().getF32Type(),
                      ratio ? ratio.getValueAsDouble() : 0.5));
  return success();
}

LogicalResult forms::padRenamePaddings(NodeForm &form, NodeBuilder &b) {
  if (Attribute paddings = form.attributes.erase("paddings"))
    form.attributes.set("pads", paddings);
  return success();
}

LogicalResult forms::padToInputs(NodeForm &form, NodeBuilder &b) {
  DenseI64ArrayAttr pads;
  FloatAttr value;
  if (failed(require(form, b, "pads", pads)) ||
      failed(take(form, b, "value", value)))
    return failure();
  setOperand(form, 1, b.integers(pads));
  FailureOr<Type> type = dataType(form, b);
  if (failed(type))
    return failure();
  if (value && value.getValueAsDouble() != 0)
    setOperand(form, 2, b.scalar(*type, value.getValueAsDouble()));
  return success();
}

LogicalResult forms::reshapeShapeToInput(NodeForm &form, NodeBuilder &b) {
  DenseI64ArrayAttr shape;
  if (failed(require(form, b, "shape", shape)))
    return failure();
  setOperand(form, 1, b.integers(shape));
  return success();
}

LogicalResult forms::sliceToInputs(NodeForm &form, NodeBuilder &b) {
  DenseI64ArrayAttr starts, ends, axes;
  if (failed(require(form, b, "starts", starts)) ||
      failed(require(form, b, "ends", ends)) ||
      failed(take(form, b, "axes", axes)))
    return failure();
  setOperand(form, 1, b.integers(starts));
  setOperand(form, 2, b.integers(ends));
  if (axes)
    setOperand(form, 3, b.integers(axes));
  return success();
}

LogicalResult forms::splitSizesToInput(NodeForm &form, NodeBuilder &b) {
  DenseI64ArrayAttr sizes;
  if (failed(take(form, b, "split", sizes)))
    return failure();
  if (sizes)
    setOperand(form, 1, b.integers(sizes));
  return success();
}

LogicalResult forms::splitCountOutputs(NodeForm &form, NodeBuilder &b) {
  // Without sizes, the number of outputs said into how many parts.
  bool hasSizes = form.operands.size() > 1 && form.operands[1] &&
                  isa<TensorType>(form.operands[1].getType());
  if (!hasSizes)
    form.attributes.set("num_outputs",
                        b.getBuilder().getI64IntegerAttr(form.numOutputs));
  return success();
}

LogicalResult forms::topKCountToInput(NodeForm &form, NodeBuilder &b) {
  IntegerAttr count;
  if (failed(require(form, b, "k", count)))
    return failure();
  setOperand(form, 1, b.integers({count.getInt()}));
  return success();
}

LogicalResult forms::upsampleScalesFromSides(NodeForm &form, NodeBuilder &b) {
  FloatAttr height, width;
  if (failed(require(form, b, "height_scale", height)) ||
      failed(require(form, b, "width_scale", width)))
    return failure();
  form.attributes.set("scales",
                      b.getBuilder().getDenseF32ArrayAttr(
                          {1.0f, 1.0f, height.getValue().convertToFloat(),
                           width.getValue().convertToFloat()}));
  return success();
}

LogicalResult forms::upsampleScalesToInput(NodeForm &form, NodeBuilder &b) {
  DenseF32ArrayAttr scales;
  if (failed(require(form, b, "scales", scales)))
    return failure();
  auto type = RankedTensorType::get(int64_t(scales.size()),
                                    b.getBuilder().getF32Type());
  ArrayRef<float> values = scales;
  setOperand(
      form, 1,
      b.constant(cast<ElementsAttr>(DenseElementsAttr::get(type, values))));
  return success();
}

LogicalResult forms::upsampleToResize(NodeForm &form, NodeBuilder &b) {
  // Upsample(X, scales) is Resize(X, roi, scales) in its first form.
  Value scales = form.operands.size() > 1 ? form.operands[1] : Value();
  form.operands.resize(1);
  setOperand(form, 2, scales);
  Builder &builder = b.getBuilder();
  form.attributes.set("coordinate_transformation_mode",
                      builder.getStringAttr("asymmetric"));
  form.attributes.set("nearest_mode", builder.getStringAttr("floor"));
  if (auto mode = dyn_cast_or_null<StringAttr>(form.attributes.get("mode")))
    if (mode.getValue() == "bilinear")
      form.attributes.set("mode", builder.getStringAttr("linear"));
  return success();
}

LogicalResult forms::resizeCoordinates(NodeForm &form, NodeBuilder &b) {
  // Opset 10 took the next element up where it shrinks, down where it grows.
  Value scales = form.operands.size() > 1 ? form.operands[1] : Value();
  auto mode = dyn_cast_or_null<StringAttr>(form.attributes.get("mode"));
  bool nearest = !mode || mode.getValue() == "nearest";
  auto values = onnx::constantFloats(scales);
  if (nearest && !values)
    return b.fail(Code::UnsupportedForm,
                  "nearest resizing of opset 10 needs constant scales");
  auto shrinks = [](double scale) { return scale < 1; };
  auto grows = [](double scale) { return scale > 1; };
  bool any = values && llvm::any_of(*values, shrinks);
  if (nearest && any && llvm::any_of(*values, grows))
    return b.fail(Code::UnsupportedForm,
                  "nearest resizing of opset 10 cannot both shrink and grow");
  if (failed(upsampleToResize(form, b)))
    return failure();
  if (nearest && any)
    form.attributes.set("nearest_mode", b.getBuilder().getStringAttr("ceil"));
  return success();
}

/// True for the constant tensor of no elements that stands for "not given".
static bool isEmptyConstant(Value value) {
  auto type = value ? dyn_cast<RankedTensorType>(value.getType()) : nullptr;
  return type && type.hasStaticShape() && type.getNumElements() == 0;
}

LogicalResult forms::resizeOmitEmpty(NodeForm &form, NodeBuilder &b) {
  for (unsigned i = 1; i < form.operands.size(); ++i)
    if (isEmptyConstant(form.operands[i]))
      form.operands[i] = {};
  return success();
}
