//===- Compression.cpp ---------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/Compression.h"

#include "codegen/EmitDescriptor.h"
#include "dialects/onnx/NodeName.h"
#include "dialects/onnx/OnnxDialect.h"
#include "dialects/onnx/Shape.h"
#include "lib/Quantize/Metrics.h"
#include "lib/Quantize/Prune.h"
#include "passes/graph/TensorData.h"
#include "tools/ingot/Compile.h"
#include "tools/ingot/ModelCost.h"

#define INGOT_NO_WRAPPERS
#include "ingot/ingot.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::quantize;

CompressedSizes &CompressedSizes::operator+=(const CompressedSizes &other) {
  stored += other.stored;
  float32 += other.float32;
  float16 += other.float16;
  int8 += other.int8;
  int4 += other.int4;
  storedEntropy += other.storedEntropy;
  int8Entropy += other.int8Entropy;
  int4Entropy += other.int4Entropy;
  return *this;
}

//===----------------------------------------------------------------------===//
// Which constants are weights
//===----------------------------------------------------------------------===//

namespace {
/// The dimensions of a weight: of its output channels, and of the sum.
struct WeightAxes {
  int64_t output = 0, sum = 1;
};
} // namespace

/// The axes of a constant that `use` multiplies with; none if it is no weight.
static std::optional<WeightAxes> axesOf(OpOperand &use, int64_t rank) {
  Operation *op = use.getOwner();
  unsigned index = use.getOperandNumber();
  StringRef name = op->getName().stripDialect();
  if (rank < 2)
    return std::nullopt;
  bool isSecond = index == 1;
  if (name == "Conv" || name == "ConvInteger" || name == "DeformConv")
    return isSecond ? std::optional(WeightAxes{0, 1}) : std::nullopt;
  if (name == "QLinearConv")
    return index == 3 ? std::optional(WeightAxes{0, 1}) : std::nullopt;
  if (name == "ConvTranspose")
    return isSecond ? std::optional(WeightAxes{1, 0}) : std::nullopt;
  if (name == "MatMul" || name == "MatMulInteger" || name == "QLinearMatMul") {
    if (index == 0)
      return WeightAxes{rank - 2, rank - 1};
    bool isRight = index == (name == "QLinearMatMul" ? 3 : 1);
    return isRight ? std::optional(WeightAxes{rank - 1, rank - 2})
                   : std::nullopt;
  }
  if (name == "Gemm" && index < 2) {
    auto flag = op->getAttrOfType<IntegerAttr>(index ? "transB" : "transA");
    bool isTransposed = flag && !flag.getValue().isZero();
    bool sumsLast = isTransposed == (index == 1);
    return sumsLast ? WeightAxes{0, 1} : WeightAxes{1, 0};
  }
  if (name == "LSTM" || name == "GRU" || name == "RNN")
    return index == 1 || index == 2 ? std::optional(WeightAxes{1, 2})
                                    : std::nullopt;
  // A table of embeddings is quantized by rows.
  if (name == "Gather")
    return index == 0 ? std::optional(WeightAxes{0, rank - 1}) : std::nullopt;
  return std::nullopt;
}

/// The use that makes the value a weight, through what only moves it.
static OpOperand *weightUse(Value value) {
  for (OpOperand &use : value.getUses()) {
    StringRef name = use.getOwner()->getName().stripDialect();
    bool moves = use.getOperandNumber() == 0 &&
                 llvm::StringSwitch<bool>(name)
                     .Cases({"Transpose", "Reshape", "Cast", "Identity"}, true)
                     .Cases({"DequantizeLinear", "Unsqueeze", "Squeeze"}, true)
                     .Default(false);
    if (moves)
      if (OpOperand *next = weightUse(use.getOwner()->getResult(0)))
        return next;
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (type && axesOf(use, type.getRank()))
      return &use;
  }
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

static uint32_t bitsOf(Type elementType) {
  return ingot_dtype_bits(onnxDataType(elementType));
}

static int64_t bytesFor(int64_t elements, uint32_t bits) {
  return (elements * int64_t(bits) + 7) / 8;
}

/// Bits of an element for an ideal coder of the elements as they are stored.
static double storedEntropy(const graph::TensorData &data) {
  if (data.isSplat())
    return 0;
  uint32_t bits = bitsOf(data.type().getElementType());
  if (bits == 4) {
    std::vector<uint64_t> counts(16, 0);
    for (int64_t i = 0; i < data.size(); ++i)
      ++counts[data.load(i) & 15];
    return entropyBits(counts);
  }
  if (bits < 8)
    return bits;
  return entropyPerElement(
      {data.elements<char>(), size_t(data.size() * (bits / 8))}, bits,
      data.size());
}

/// A form in integers: its bytes, those of an ideal coder, and its accuracy.
namespace {
struct IntegerForm {
  int64_t bytes = 0;
  double entropyBytes = 0, sqnr = 0;
};
} // namespace

static IntegerForm inIntegers(llvm::ArrayRef<float> values,
                              const GroupedParams &params, QuantType type) {
  std::vector<int32_t> quantized(values.size());
  std::vector<float> back(values.size());
  ingot::quantize::quantize(values, params, quantized);
  ingot::quantize::dequantize(quantized, params, back);
  ErrorMeter meter;
  llvm::cantFail(meter.add(values, back), "of one size");
  auto count = int64_t(values.size());
  auto scales = int64_t(params.params.size() * sizeof(float));
  return {bytesFor(count, bitWidth(type)) + scales,
          entropyPerElement(quantized, type) * double(count) / 8 +
              double(scales),
          meter.sqnrDb()};
}

/// Fills in what is known of float weights only.
static void addIntegerForms(WeightFacts &facts, llvm::ArrayRef<float> values,
                            llvm::ArrayRef<int64_t> dims, WeightAxes axes) {
  ChannelView outputs = ChannelView::along(dims, axes.output);
  ChannelView sums = ChannelView::along(dims, axes.sum);
  facts.isTwoOfFour = isTwoOfFour(values, sums);
  facts.sparsity = sparsity(values);
  constexpr QuantSpec int8{QuantType::Int8, true, false, false};
  constexpr QuantSpec int4{QuantType::Int4, true, false, false};
  constexpr int64_t group = 32;
  // Of a convolution, all that one filter sums.
  if (axes.output == 0 && axes.sum == 1)
    sums = {outputs.channels, outputs.inner, 1};
  auto perChannel = channelParams(values, outputs, int8);
  auto perGroup = groupParams(values, sums, group, int4);
  if (!perChannel || !perGroup) {
    // NaN or infinity: no integers for that.
    consumeError(perChannel.takeError());
    consumeError(perGroup.takeError());
    facts.sizes.int8 = facts.sizes.int4 = facts.sizes.stored;
    facts.sizes.int8Entropy = facts.sizes.int4Entropy =
        facts.sizes.storedEntropy;
    return;
  }
  IntegerForm eight = inIntegers(values, {outputs, 0, *perChannel}, int8.type);
  IntegerForm four = inIntegers(values, {sums, group, *perGroup}, int4.type);
  facts.sizes.int8 = eight.bytes;
  facts.sizes.int8Entropy = eight.entropyBytes;
  facts.int8Sqnr = eight.sqnr;
  facts.sizes.int4 = four.bytes;
  facts.sizes.int4Entropy = four.entropyBytes;
  facts.int4Sqnr = four.sqnr;
}

/// Sizes that follow from the type, with the integers as they are stored.
static CompressedSizes plainSizes(const graph::TensorData &data, bool isFloat,
                                  double entropy) {
  CompressedSizes sizes;
  uint32_t bits = bitsOf(data.type().getElementType());
  int64_t count = data.size();
  sizes.stored = sizes.int8 = sizes.int4 = bytesFor(count, bits);
  sizes.float32 = isFloat ? count * 4 : sizes.stored;
  sizes.float16 = isFloat ? count * 2 : sizes.stored;
  sizes.storedEntropy = sizes.int8Entropy = sizes.int4Entropy =
      entropy * double(count) / 8;
  return sizes;
}

static WeightFacts measure(const graph::TensorData &data, OpOperand *use,
                           bool isDirect) {
  WeightFacts facts;
  Type element = data.type().getElementType();
  facts.type = printType(data.type());
  facts.opType = use->getOwner()->getName().stripDialect().str();
  facts.node = onnx::nodeName(use->getOwner()->getLoc()).str();
  facts.elements = data.size();
  // As floats, integers would take as much as floats do.
  facts.sizes = plainSizes(data, /*isFloat=*/true, storedEntropy(data));
  auto count = size_t(data.size());
  std::vector<float> values(count);
  bool isFloat = isa<FloatType>(element);
  for (size_t i = 0; i < count; ++i)
    values[i] = float(data.loadDouble(int64_t(i)));
  if (!isFloat || bitsOf(element) < 16) {
    facts.sparsity = sparsity(values);
    return facts;
  }
  // Of weights that are moved first, the axes are not followed.
  WeightAxes axes;
  if (isDirect)
    axes = *axesOf(*use, data.type().getRank());
  addIntegerForms(facts, values, data.type().getShape(), axes);
  return facts;
}

CompressionReport ingot::measureCompression(ModuleOp module) {
  CompressionReport report;
  module.walk([&](onnx::ConstantOp op) {
    std::optional<graph::TensorData> data =
        graph::TensorData::of(cast<ElementsAttr>(op.getValue()));
    if (!data || data->size() == 0 ||
        !data->type().getElementType().isIntOrFloat())
      return;
    Type element = data->type().getElementType();
    // Indices and masks are no weights.
    bool canBeWeight = isa<FloatType>(element) ||
                       (bitsOf(element) <= 8 && bitsOf(element) > 1);
    OpOperand *use = canBeWeight && data->type().getRank() >= 2
                         ? weightUse(op.getResult())
                         : nullptr;
    if (!use) {
      ++report.others;
      report.otherSizes +=
          plainSizes(*data, isa<FloatType>(element), storedEntropy(*data));
      return;
    }
    WeightFacts facts = measure(*data, use, use->get() == op.getResult());
    facts.name = onnx::nodeName(op.getLoc()).str();
    report.elements += facts.elements;
    report.zeros += int64_t(std::llround(facts.sparsity * facts.elements));
    report.total += facts.sizes;
    report.weights.push_back(std::move(facts));
  });
  report.total += report.otherSizes;
  return report;
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

static void printBytesColumn(int64_t bytes) {
  llvm::outs() << llvm::right_justify(printBytes(uint64_t(bytes)), 10);
}

static void printDecibels(std::optional<double> sqnr) {
  if (sqnr && std::isfinite(*sqnr))
    llvm::outs() << llvm::format(" %5.1f", *sqnr);
  else
    llvm::outs() << "     " << (sqnr ? "=" : "-");
}

/// The line of one weight, but for its name.
static void printSizes(const CompressedSizes &sizes) {
  for (int64_t bytes : {sizes.stored, sizes.float16, sizes.int8, sizes.int4})
    printBytesColumn(bytes);
}

void ingot::printCompression(const CompressionReport &report) {
  llvm::raw_ostream &os = llvm::outs();
  os << "weights     " << report.weights.size() << " tensors, "
     << report.elements << " elements, " << report.zeros << " of them 0\n"
     << "int8 has a scale for each output channel, int4 one for 32 weights; "
        "bits of a weight\nare those of an ideal entropy coder, dB the ratio "
        "of "
        "signal to noise when rounded to\nnearest; 2:4 means that two of four "
        "along the sum are 0\n\n"
     << "    stored   float16      int8      int4   bits: stored  int8  int4"
        "  dB: int8  int4  zeros  2:4  weight\n";
  for (const WeightFacts &facts : report.weights) {
    auto count = double(facts.elements);
    printSizes(facts.sizes);
    os << llvm::format("         %6.2f", facts.sizes.storedEntropy * 8 / count)
       << llvm::format(" %5.2f", facts.sizes.int8Entropy * 8 / count)
       << llvm::format(" %5.2f   ", facts.sizes.int4Entropy * 8 / count);
    printDecibels(facts.int8Sqnr);
    printDecibels(facts.int4Sqnr);
    os << llvm::format(" %5.1f%%", facts.sparsity * 100)
       << (facts.isTwoOfFour ? "  yes  " : "   no  ") << quoted(facts.name)
       << " " << facts.type << " of " << facts.opType << " "
       << quoted(facts.node) << "\n";
  }
  printSizes(report.otherSizes);
  os << "  " << report.others << " other constants\n";
  printSizes(report.total);
  os << "  in all; as an ideal entropy coder: stored "
     << printBytes(uint64_t(report.total.storedEntropy)) << ", int8 "
     << printBytes(uint64_t(report.total.int8Entropy)) << ", int4 "
     << printBytes(uint64_t(report.total.int4Entropy)) << "\n";
}

static llvm::json::Object describe(const CompressedSizes &sizes) {
  return llvm::json::Object{{"stored_bytes", sizes.stored},
                            {"float32_bytes", sizes.float32},
                            {"float16_bytes", sizes.float16},
                            {"int8_bytes", sizes.int8},
                            {"int4_bytes", sizes.int4},
                            {"stored_entropy_bytes", sizes.storedEntropy},
                            {"int8_entropy_bytes", sizes.int8Entropy},
                            {"int4_entropy_bytes", sizes.int4Entropy}};
}

/// JSON has no infinity: exact is null, as what is not known.
static llvm::json::Value finite(std::optional<double> value) {
  if (!value || !std::isfinite(*value))
    return nullptr;
  return *value;
}

llvm::json::Object ingot::describeCompression(const CompressionReport &report) {
  llvm::json::Array weights;
  for (const WeightFacts &facts : report.weights) {
    llvm::json::Object json = describe(facts.sizes);
    json["name"] = facts.name;
    json["type"] = facts.type;
    json["op_type"] = facts.opType;
    json["node"] = facts.node;
    json["elements"] = facts.elements;
    json["int8_sqnr_db"] = finite(facts.int8Sqnr);
    json["int4_sqnr_db"] = finite(facts.int4Sqnr);
    json["sparsity"] = facts.sparsity;
    json["two_of_four"] = facts.isTwoOfFour;
    weights.push_back(std::move(json));
  }
  llvm::json::Object others = describe(report.otherSizes);
  others["constants"] = report.others;
  llvm::json::Object total = describe(report.total);
  total["elements"] = report.elements;
  total["zeros"] = report.zeros;
  return llvm::json::Object{{"weights", std::move(weights)},
                            {"others", std::move(others)},
                            {"total", std::move(total)}};
}
