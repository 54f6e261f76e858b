//===- QdqWriter.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_QDQWRITER_H
#define INGOT_LIB_QUANTIZE_QDQWRITER_H

#include "lib/Quantize/Plan.h"
#include "lib/Quantize/WritePerToken.h"

namespace ingot::quantize {

/// Element types of ONNX.
inline constexpr int32_t kFloat = 1, kInt32 = 6, kBool = 9, kHalf = 10;

/// Adds Q and DQ nodes and their constants to a model.
class QdqWriter {
public:
  QdqWriter(const QuantizeInputs &in, const Plan &plan)
      : in(in), plan(plan), graph(*in.graph), tokens(graph, nodes) {}

  llvm::Error writeAll(QuantizedGraph &result);
  llvm::Error writeCopies(const std::vector<UnitVariant> &which,
                          std::vector<std::string> &copies);
  llvm::Error writeSwitched(const std::vector<UnitVariant> &which,
                            std::vector<std::string> &switches);
  OnnxGraph take() { return std::move(graph); }

private:
  struct Constants {
    std::string scale, zeroPoint;
  };
  const Constants &constantsOf(const std::string &root);
  bool hasParams(const std::string &value) const {
    return in.params->count(plan.root(value));
  }
  std::string pair(const std::string &value, const std::string &root,
                   const std::string &name = "");
  llvm::Error constantOperands(const Unit &unit, OnnxNode &node);
  llvm::Expected<QuantizedWeight> weightOf(const Unit &unit);
  struct WeightNames {
    std::string quantized, scale, zeroPoint;
  };
  WeightNames addWeight(const OnnxTensor &tensor,
                        const QuantizedWeight &weight);
  bool readBias(const Unit &unit, const OnnxNode &node,
                const QuantizedWeight &weight, std::vector<float> &bias) const;
  const std::vector<float> *shiftOf(const Unit &unit) const;
  bool foldsShift(const Unit &unit) const;
  void correctAdd(const Unit &unit, OnnxNode &node);
  llvm::Error emitDynamic(const Unit &unit, const OnnxNode &node);
  llvm::Error emitUnitNode(const Unit &unit, OnnxNode node);
  llvm::Error emitNodeOf(int64_t number, bool isQuantized, size_t index,
                         OnnxNode node);
  void emitCast(const std::string &from, const std::string &to, int32_t type);
  std::string inHalf(const std::string &value);
  llvm::Error emitHalf(OnnxNode node);
  llvm::Expected<std::string>
  emitCopy(const UnitVariant &variant,
           std::map<std::string, std::string, std::less<>> renamed);
  void emitNode(const char *op, std::vector<std::string> inputs,
                std::vector<std::string> outputs);
  llvm::Error writeBias(const Unit &unit, OnnxNode &node,
                        QuantizedWeight &weight);
  std::string writeWeight(const OnnxTensor &tensor,
                          const QuantizedWeight &weight);
  std::string emitDequantize(const std::string &quantized,
                             const std::string &scale,
                             const std::string &zeroPoint, int64_t axis,
                             const std::string &result);

  const QuantizeInputs &in;
  const Plan &plan;
  OnnxGraph graph;
  std::vector<OnnxNode> nodes;
  std::map<std::string, Constants> constants;
  /// Values and constants in float16.
  std::map<std::string, std::string> halves;
  TokenQuantizer tokens;
};

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_QDQWRITER_H
