//===- ModelCost.cpp ------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/ModelCost.h"

#include "codegen/EmitDescriptor.h"
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/NodeName.h"
#include "dialects/onnx/OnnxDialect.h"

#define INGOT_NO_WRAPPERS
#include "ingot/ingot.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace ingot;

namespace {
/// How the operations of an operator follow from its shapes.
enum class Rule {
  None,      ///< moves data
  Result,    ///< some for each element of the result
  Operand,   ///< some for each element of the first operand
  Matmul,    ///< a multiply-add for each element of the result and of K
  Conv,      ///< ... and each element of one filter
  Transpose, ///< ConvTranspose: ... of the operand and one filter
  Window,    ///< one for each element of the result and of the window
};

struct Work {
  Rule rule;
  double each = 1;
  /// The operand that K or the filter is taken from.
  unsigned operand = 0;
};

/// Walks the model with symbols set to 1.
class Adder {
public:
  explicit Adder(ModelCost &cost) : cost(cost) {}
  void add(Operation *op);
  void finish(MLIRContext *context);

private:
  int64_t size(AffineExpr dim);
  int64_t elements(Type type);
  double operations(Operation *op);
  void addParameters(Operation *op, LayerCost &layer);

  ModelCost &cost;
  llvm::SetVector<AffineExpr> symbols;
  llvm::DenseSet<Operation *> constants;
};
} // namespace

std::string ingot::printType(Type type) {
  auto tensor = dyn_cast<TensorType>(type);
  if (!tensor)
    return "none";
  std::string text = ingot_dtype_name(onnxDataType(tensor.getElementType()));
  auto ranked = dyn_cast<RankedTensorType>(type);
  if (!ranked)
    return text + "[...]";
  text += "[";
  for (AffineExpr dim : onnx::getDims(ranked))
    text += (StringRef(text).ends_with("[") ? "" : ",") +
            onnx::printDim(dim, type.getContext());
  return text + "]";
}

int64_t Adder::size(AffineExpr dim) {
  if (auto value = onnx::constantValue(dim))
    return *value;
  if (auto binary = dyn_cast<AffineBinaryOpExpr>(dim)) {
    int64_t a = size(binary.getLHS()), b = size(binary.getRHS());
    switch (dim.getKind()) {
    case AffineExprKind::Add:
      return a + b;
    case AffineExprKind::Mul:
      return a * b;
    case AffineExprKind::Mod:
      return b ? a % b : 0;
    case AffineExprKind::FloorDiv:
      return b ? llvm::divideFloorSigned(a, b) : 0;
    default:
      return b ? llvm::divideCeilSigned(a, b) : 0;
    }
  }
  symbols.insert(dim);
  return 1;
}

int64_t Adder::elements(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return 0;
  int64_t count = 1;
  for (AffineExpr dim : onnx::getDims(tensor))
    count *= std::max<int64_t>(0, size(dim));
  return count;
}

static Work workOf(Operation *op) {
  StringRef name = op->getName().stripDialect();
  name.consume_front("com.microsoft.");
  if (isa<onnx::Elementwise>(op))
    return {Rule::Result};
  return llvm::StringSwitch<Work>(name)
      .Cases({"MatMul", "Gemm", "MatMulInteger", "QLinearMatMul"},
             {Rule::Matmul})
      .Cases({"DynamicQuantizeMatMul", "FusedMatMul", "MatMulIntegerToFloat",
              "MatMulNBits", "QGemm"},
             {Rule::Matmul})
      .Cases({"Conv", "ConvInteger", "DeformConv", "FusedConv"},
             {Rule::Conv, 1, 1})
      .Case("QLinearConv", {Rule::Conv, 1, 3})
      .Case("ConvTranspose", {Rule::Transpose, 1, 1})
      .Cases({"MaxPool", "AveragePool", "LpPool", "QLinearAveragePool"},
             {Rule::Window})
      .Cases({"GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool",
              "QLinearGlobalAveragePool", "QLinearReduceMean"},
             {Rule::Operand})
      .Cases({"ArgMax", "ArgMin", "CumSum", "Hardmax"}, {Rule::Operand})
      .Cases({"Softmax", "LogSoftmax", "QLinearSoftmax"}, {Rule::Operand, 4})
      .Cases({"BatchNormalization", "LayerNormalization",
              "InstanceNormalization", "GroupNormalization", "RMSNormalization",
              "MeanVarianceNormalization", "LpNormalization",
              "SkipLayerNormalization"},
             {Rule::Operand, 6})
      .Cases({"LRN"}, {Rule::Operand, 8})
      .Cases({"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"},
             {Rule::Result, 2})
      .Cases({"QLinearAdd", "QLinearConcat", "QLinearLeakyRelu", "QLinearMul",
              "QLinearSigmoid", "QLinearWhere"},
             {Rule::Result, 4})
      .Cases({"BiasGelu", "FastGelu"}, {Rule::Result, 2})
      .Cases({"Resize", "GridSample", "RoiAlign"}, {Rule::Result, 4})
      .StartsWith("Reduce", {Rule::Operand})
      .Default({Rule::None});
}

double Adder::operations(Operation *op) {
  Work work = workOf(op);
  if (work.rule == Rule::None || op->getNumResults() == 0 ||
      op->getNumOperands() <= work.operand)
    return 0;
  double results = double(elements(op->getResult(0).getType()));
  double operands = double(elements(op->getOperand(0).getType()));
  auto source =
      dyn_cast<RankedTensorType>(op->getOperand(work.operand).getType());
  switch (work.rule) {
  case Rule::Result:
    return results * work.each;
  case Rule::Operand:
    return operands * work.each;
  case Rule::Matmul: {
    if (!source || source.getRank() == 0)
      return 0;
    // Gemm may take A transposed.
    auto flag = op->getAttrOfType<IntegerAttr>("transA");
    bool isTransposed =
        flag && !flag.getValue().isZero() && source.getRank() > 1;
    AffineExpr depth =
        onnx::getDims(source)[source.getRank() - (isTransposed ? 2 : 1)];
    return 2 * results * double(size(depth));
  }
  case Rule::Conv:
  case Rule::Transpose: {
    if (!source || source.getRank() < 2)
      return 0;
    double filter = 1;
    for (AffineExpr dim : llvm::drop_begin(onnx::getDims(source)))
      filter *= double(size(dim));
    return 2 * (work.rule == Rule::Conv ? results : operands) * filter;
  }
  default: {
    double window = 1;
    if (auto shape = op->getAttrOfType<DenseI64ArrayAttr>("kernel_shape"))
      for (int64_t extent : shape.asArrayRef())
        window *= double(extent);
    return results * window;
  }
  }
}

static int64_t bytesOf(Type type, int64_t count) {
  auto tensor = dyn_cast<TensorType>(type);
  if (!tensor)
    return 0;
  uint32_t bits = ingot_dtype_bits(onnxDataType(tensor.getElementType()));
  return (count * bits + 7) / 8;
}

/// Constants belong to the first node that uses them.
void Adder::addParameters(Operation *op, LayerCost &layer) {
  for (Value operand : op->getOperands()) {
    Operation *constant = operand.getDefiningOp();
    if (!constant || constant->getName().stripDialect() != "Constant" ||
        !constants.insert(constant).second)
      continue;
    int64_t count = elements(operand.getType());
    cost.parameters += count;
    layer.parameterBytes += bytesOf(operand.getType(), count);
  }
}

void Adder::add(Operation *op) {
  StringRef name = op->getName().stripDialect();
  if (!isa<onnx::OnnxDialect>(op->getDialect()) || name == "Constant" ||
      name == "None")
    return;
  LayerCost layer;
  layer.opType = name.str();
  layer.node = onnx::nodeName(op->getLoc()).str();
  layer.operations = operations(op);
  if (op->getNumResults())
    layer.result = printType(op->getResult(0).getType());
  for (Value result : op->getResults())
    if (!result.use_empty())
      layer.resultBytes +=
          bytesOf(result.getType(), elements(result.getType()));
  addParameters(op, layer);
  ++cost.opCounts[layer.opType];
  cost.operations += layer.operations;
  cost.parameterBytes += layer.parameterBytes;
  cost.layers.push_back(std::move(layer));
}

void Adder::finish(MLIRContext *context) {
  for (AffineExpr symbol : symbols)
    cost.assumed.push_back(onnx::printDim(symbol, context));
}

ModelCost ingot::addUp(ModuleOp module) {
  ModelCost cost;
  Adder adder(cost);
  module.walk([&](Operation *op) {
    if (op->getDialect())
      adder.add(op);
  });
  adder.finish(module.getContext());
  return cost;
}
