//===- UpgradeForms.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Old forms whose attributes or meaning changed.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/OnnxDialect.h"
#include "lib/Import/UpgradeOpset.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;
using namespace ingot;

/// An integer attribute's value, or `otherwise`.
static int64_t integerOr(const NodeForm &form, StringRef name,
                         int64_t otherwise) {
  auto attribute = dyn_cast_or_null<IntegerAttr>(form.attributes.get(name));
  return attribute ? attribute.getInt() : otherwise;
}

/// The ranked type of an input, null if it is unranked or left out.
static RankedTensorType rankedInput(const NodeForm &form, unsigned index) {
  if (index >= form.operands.size() || !form.operands[index])
    return {};
  return dyn_cast<RankedTensorType>(form.operands[index].getType());
}

/// A tensor with dimensions of size one put in at `axes`.
static FailureOr<Value> unsqueeze(NodeBuilder &b, Value value,
                                  ArrayRef<int64_t> axes) {
  auto results = b.create("Unsqueeze", {value, b.integers(axes)});
  if (failed(results))
    return failure();
  return results->front();
}

static FailureOr<Value> reshape(NodeBuilder &b, Value value,
                                ArrayRef<int64_t> shape) {
  auto results = b.create("Reshape", {value, b.integers(shape)});
  if (failed(results))
    return failure();
  return results->front();
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

LogicalResult forms::dropIsTest(NodeForm &form, NodeBuilder &) {
  // What is compiled is always inference.
  form.attributes.erase("is_test");
  return success();
}

LogicalResult forms::batchNormDropSpatial(NodeForm &form, NodeBuilder &b) {
  if (integerOr(form, "spatial", 1) != 1)
    return b.fail(Code::UnsupportedForm,
                  "statistics per activation (spatial = 0) exist only before "
                  "opset 9");
  form.attributes.erase("spatial");
  return success();
}

LogicalResult forms::batchNormDropTrainingOutputs(NodeForm &form,
                                                  NodeBuilder &) {
  // Outputs 1 to 4 are running and saved statistics of training. Exporters
  // list them without use.
  unsigned outputs = form.numOutputs;
  form.numOutputs = 1;
  if (outputs > 1)
    form.finish =
        [outputs](NodeBuilder &,
                  ArrayRef<Value> results) -> FailureOr<SmallVector<Value>> {
      SmallVector<Value> values(outputs);
      values.front() = results.front();
      return values;
    };
  return success();
}

LogicalResult forms::castTargetToNumber(NodeForm &form, NodeBuilder &b) {
  auto name = dyn_cast_or_null<StringAttr>(form.attributes.get("to"));
  if (!name)
    return b.fail(Code::BadAttribute,
                  "attribute 'to' must name a type before opset 6");
  static const char *names[] = {
      "UNDEFINED", "FLOAT",  "UINT8",     "INT8",      "UINT16",  "INT16",
      "INT32",     "INT64",  "STRING",    "BOOL",      "FLOAT16", "DOUBLE",
      "UINT32",    "UINT64", "COMPLEX64", "COMPLEX128"};
  for (auto [number, known] : llvm::enumerate(names))
    if (number > 0 && name.getValue().equals_insensitive(known)) {
      form.attributes.set("to",
                          b.getBuilder().getI64IntegerAttr(int64_t(number)));
      return success();
    }
  StringRef text = name.getValue();
  return b.fail(Code::BadAttribute, "attribute 'to' names the unknown type " +
                                        quoted({text.data(), text.size()}));
}

LogicalResult forms::concatDefaultAxis(NodeForm &form, NodeBuilder &b) {
  if (!form.attributes.get("axis"))
    form.attributes.set("axis", b.getBuilder().getI64IntegerAttr(1));
  return success();
}

/// The elements attribute that one of Constant's other attributes stands for.
static ElementsAttr constantValueOf(Attribute attribute, StringRef name,
                                    Builder &b) {
  auto scalar = [&](Type type, Attribute element) {
    return cast<ElementsAttr>(DenseElementsAttr::get(
        RankedTensorType::get({}, type), ArrayRef(element)));
  };
  if (auto value = dyn_cast<FloatAttr>(attribute); value && name == "float")
    return scalar(value.getType(), value);
  if (auto value = dyn_cast<IntegerAttr>(attribute); value && name == "int")
    return scalar(value.getType(), value);
  if (auto list = dyn_cast<DenseF32ArrayAttr>(attribute);
      list && name == "floats")
    return cast<ElementsAttr>(DenseElementsAttr::get(
        RankedTensorType::get(int64_t(list.size()), b.getF32Type()),
        list.asArrayRef()));
  if (auto list = dyn_cast<DenseI64ArrayAttr>(attribute);
      list && name == "ints")
    return cast<ElementsAttr>(b.getI64TensorAttr(list));
  SmallVector<StringRef> texts;
  if (auto text = dyn_cast<StringAttr>(attribute); text && name == "string")
    texts.push_back(text.getValue());
  else if (auto list = dyn_cast<ArrayAttr>(attribute);
           list && name == "strings")
    texts.append(list.getAsValueRange<StringAttr>().begin(),
                 list.getAsValueRange<StringAttr>().end());
  else
    return {};
  auto shape = name == "string" ? SmallVector<int64_t>()
                                : SmallVector<int64_t>{int64_t(texts.size())};
  auto type =
      RankedTensorType::get(shape, onnx::StringType::get(b.getContext()));
  return cast<ElementsAttr>(DenseStringElementsAttr::get(type, texts));
}

LogicalResult forms::constantToValue(NodeForm &form, NodeBuilder &b) {
  if (form.attributes.empty())
    return b.fail(Code::MissingAttribute, "requires attribute 'value'");
  for (NamedAttribute attribute : form.attributes) {
    StringRef name = attribute.getName();
    if (name == "value" || !name.consume_front("value_"))
      continue;
    if (form.attributes.getAttrs().size() != 1)
      return b.fail(Code::BadAttribute, "has more than one value");
    ElementsAttr value =
        constantValueOf(attribute.getValue(), name, b.getBuilder());
    if (!value)
      return b.fail(Code::BadAttribute,
                    "attribute 'value_" + name + "' has an unexpected type");
    form.attributes.assign({b.getBuilder().getNamedAttr("value", value)});
    break;
  }
  return success();
}

LogicalResult forms::gridSampleModes(NodeForm &form, NodeBuilder &b) {
  auto mode = dyn_cast_or_null<StringAttr>(form.attributes.get("mode"));
  StringRef renamed = !mode                           ? ""
                      : mode.getValue() == "bilinear" ? "linear"
                      : mode.getValue() == "bicubic"  ? "cubic"
                                                      : "";
  if (!renamed.empty())
    form.attributes.set("mode", b.getBuilder().getStringAttr(renamed));
  return success();
}

LogicalResult forms::poolNormToInt(NodeForm &form, NodeBuilder &b) {
  auto norm = dyn_cast_or_null<FloatAttr>(form.attributes.get("p"));
  if (!norm)
    return success();
  double value = norm.getValueAsDouble();
  if (!(value >= 1 && value <= 1 << 20) || value != int64_t(value))
    return b.fail(Code::UnsupportedForm,
                  "the norm p = " + std::to_string(value) +
                      " is not a whole number");
  form.attributes.set("p", b.getBuilder().getI64IntegerAttr(int64_t(value)));
  return success();
}

LogicalResult forms::recurrentDropOutputSequence(NodeForm &form,
                                                 NodeBuilder &) {
  // It said whether the first output is wanted, which its use says as well.
  form.attributes.erase("output_sequence");
  return success();
}

LogicalResult forms::gruDirection(NodeForm &form, NodeBuilder &b) {
  auto value = dyn_cast_or_null<StringAttr>(form.attributes.get("direction"));
  if (value && value.getValue() == "foward")
    form.attributes.set("direction", b.getBuilder().getStringAttr("forward"));
  return success();
}

LogicalResult forms::roiAlignCoordinates(NodeForm &form, NodeBuilder &b) {
  form.attributes.set("coordinate_transformation_mode",
                      b.getBuilder().getStringAttr("output_half_pixel"));
  return success();
}

LogicalResult forms::seluDefaults(NodeForm &form, NodeBuilder &b) {
  Builder &builder = b.getBuilder();
  if (!form.attributes.get("alpha"))
    form.attributes.set("alpha", builder.getF32FloatAttr(1.6732f));
  if (!form.attributes.get("gamma"))
    form.attributes.set("gamma", builder.getF32FloatAttr(1.0507f));
  return success();
}

//===----------------------------------------------------------------------===//
// Meaning
//===----------------------------------------------------------------------===//

LogicalResult forms::scanRefuse(NodeForm &, NodeBuilder &b) {
  return b.fail(Code::UnsupportedForm,
                "Scan of opset 8 has a batch dimension that newer ones lack");
}

LogicalResult forms::dropoutMaskToFloat(NodeForm &form, NodeBuilder &b) {
  // The mask had the type of the data before it became bool.
  if (form.numOutputs < 2 || form.operands.empty() || !form.operands[0])
    return success();
  Value data = form.operands[0];
  form.finish =
      [data](NodeBuilder &b,
             ArrayRef<Value> results) -> FailureOr<SmallVector<Value>> {
    // All ones in inference: 1 where the mask is true.
    auto type = cast<TensorType>(data.getType()).getElementType();
    auto mask =
        b.create("Where", {results[1], b.scalar(type, 1), b.scalar(type, 0)});
    if (failed(mask))
      return failure();
    return SmallVector<Value>{results[0], mask->front()};
  };
  return success();
}

LogicalResult forms::gemmDropBroadcast(NodeForm &form, NodeBuilder &b) {
  form.attributes.erase("broadcast");
  return success();
}

LogicalResult forms::legacyBroadcast(NodeForm &form, NodeBuilder &b) {
  bool broadcast = integerOr(form, "broadcast", 0) == 1;
  bool hasAxis = bool(form.attributes.get("axis"));
  int64_t axis = integerOr(form, "axis", 0);
  form.attributes.erase("broadcast");
  form.attributes.erase("axis");
  if (!broadcast || !hasAxis)
    return success();
  RankedTensorType a = rankedInput(form, 0), c = rankedInput(form, 1);
  if (!a || !c)
    return b.fail(Code::UnsupportedForm,
                  "broadcasting along an axis needs inputs of known rank");
  // The second input's dimensions lie on those of the first from `axis` on.
  int64_t start = axis < 0 ? axis + a.getRank() : axis;
  int64_t behind = a.getRank() - start - c.getRank();
  if (start < 0 || behind < 0)
    return b.fail(Code::InvalidNode,
                  "axis " + Twine(axis) + " does not place a tensor of rank " +
                      Twine(c.getRank()) + " within one of rank " +
                      Twine(a.getRank()));
  if (behind == 0)
    return success();
  auto axes =
      llvm::to_vector(llvm::seq<int64_t>(c.getRank(), c.getRank() + behind));
  FailureOr<Value> placed = unsqueeze(b, form.operands[1], axes);
  if (failed(placed))
    return failure();
  form.operands[1] = *placed;
  return success();
}

LogicalResult forms::preluAlignSlope(NodeForm &form, NodeBuilder &b) {
  RankedTensorType x = rankedInput(form, 0), slope = rankedInput(form, 1);
  if (!x || !slope)
    return b.fail(Code::UnsupportedForm,
                  "a slope per channel needs inputs of known rank");
  if (slope.getRank() != 1 || slope.getDimSize(0) == 1 || x.getRank() <= 2)
    return success();
  // One slope per channel, and channels are dimension 1.
  auto axes = llvm::to_vector(llvm::seq<int64_t>(1, x.getRank() - 1));
  FailureOr<Value> placed = unsqueeze(b, form.operands[1], axes);
  if (failed(placed))
    return failure();
  form.operands[1] = *placed;
  return success();
}

/// The only axis from `axis` on whose size is not one, if there is just one
/// such axis: then flattening changes nothing.
static std::optional<int64_t> onlyAxis(RankedTensorType type, int64_t axis) {
  std::optional<int64_t> found;
  for (int64_t i = axis; i < type.getRank(); ++i) {
    if (type.getDimSize(i) == 1)
      continue;
    if (found)
      return std::nullopt;
    found = i;
  }
  return found ? found : std::optional<int64_t>(axis);
}

LogicalResult forms::softmaxFlattened(NodeForm &form, NodeBuilder &b) {
  // The input counts as a matrix with all dimensions from `axis` on as columns.
  RankedTensorType type = rankedInput(form, 0);
  if (!type)
    return b.fail(Code::UnsupportedForm,
                  "the old form needs an input of known rank");
  Builder &builder = b.getBuilder();
  int64_t axis = integerOr(form, "axis", 1);
  int64_t rank = type.getRank();
  if (axis < -rank || axis >= rank)
    return b.fail(Code::InvalidNode, "axis " + Twine(axis) +
                                         " is out of range for rank " +
                                         Twine(rank));
  axis = axis < 0 ? axis + rank : axis;
  if (auto only = onlyAxis(type, axis)) {
    form.attributes.set("axis", builder.getI64IntegerAttr(*only));
    return success();
  }
  NamedAttrList flattenAxis;
  flattenAxis.set("axis", builder.getI64IntegerAttr(axis));
  Value input = form.operands[0];
  auto matrix = b.create("Flatten", input, flattenAxis);
  auto shape = b.create("Shape", input);
  if (failed(matrix) || failed(shape))
    return failure();
  form.operands[0] = matrix->front();
  form.attributes.set("axis", builder.getI64IntegerAttr(1));
  form.finish = [shape = shape->front(), type](
                    NodeBuilder &b,
                    ArrayRef<Value> results) -> FailureOr<SmallVector<Value>> {
    auto restored = b.create("Reshape", {results[0], shape});
    if (succeeded(restored))
      restored->front().setType(type);
    return restored;
  };
  return success();
}

LogicalResult forms::groupNormPerChannel(NodeForm &form, NodeBuilder &b) {
  // Scale and bias were one per group and are one per channel now.
  RankedTensorType x = rankedInput(form, 0);
  int64_t groups = integerOr(form, "num_groups", 0);
  if (!x || x.getRank() < 2 || x.isDynamicDim(1))
    return b.fail(Code::UnsupportedForm,
                  "scales per group need a known number of channels");
  int64_t channels = x.getDimSize(1);
  if (groups <= 0 || channels % groups != 0)
    return b.fail(Code::InvalidNode, Twine(channels) +
                                         " channels do not divide into " +
                                         Twine(groups) + " groups");
  for (unsigned i : {1u, 2u}) {
    RankedTensorType type = rankedInput(form, i);
    if (!type || type.getShape() != ArrayRef<int64_t>(groups))
      return b.fail(Code::InvalidNode,
                    "input " + Twine(i) + " must have one element per group");
    FailureOr<Value> column = unsqueeze(b, form.operands[i], {1});
    if (failed(column))
      return failure();
    auto spread =
        b.create("Expand", {*column, b.integers({groups, channels / groups})});
    if (failed(spread))
      return failure();
    FailureOr<Value> perChannel = reshape(b, spread->front(), {channels});
    if (failed(perChannel))
      return failure();
    form.operands[i] = *perChannel;
  }
  return success();
}

LogicalResult forms::tileAlongAxis(NodeForm &form, NodeBuilder &b) {
  // Tile(input, tiles, axis) repeated along one axis. Opset 1 alone has it.
  RankedTensorType type = rankedInput(form, 0);
  if (form.operands.size() != 3)
    return success();
  auto tiles = onnx::constantIntegers(form.operands[1]);
  auto axis = onnx::constantIntegers(form.operands[2]);
  if (!type || !tiles || tiles->size() != 1 || !axis || axis->size() != 1)
    return b.fail(Code::UnsupportedForm,
                  "tiles and axis of the first form must be constants");
  if (axis->front() < 0 || axis->front() >= type.getRank())
    return b.fail(Code::InvalidNode, "axis " + Twine(axis->front()) +
                                         " is out of range for rank " +
                                         Twine(type.getRank()));
  SmallVector<int64_t> repeats(type.getRank(), 1);
  repeats[axis->front()] = tiles->front();
  form.operands.truncate(1);
  form.operands.push_back(b.integers(repeats));
  return success();
}
