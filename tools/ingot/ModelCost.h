//===- ModelCost.h - what a model asks of a machine -------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_MODELCOST_H
#define INGOT_TOOLS_INGOT_MODELCOST_H

#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ingot {

/// One node of the model.
struct LayerCost {
  std::string opType, node;
  /// Of the first result: "float[1,8,28,28]".
  std::string result;
  /// Multiplications and additions, two for a multiply-add; an operation of
  /// another kind counts as one. 0 for nodes that only move data.
  double operations = 0;
  /// Of the results, and of the constants that it is the first to use.
  int64_t resultBytes = 0, parameterBytes = 0;
};

struct ModelCost {
  std::vector<LayerCost> layers;
  std::map<std::string, int64_t> opCounts;
  double operations = 0;
  int64_t parameters = 0, parameterBytes = 0;
  /// Symbols that were taken as 1.
  std::vector<std::string> assumed;
};

/// Adds up an imported model, in the onnx dialect.
ModelCost addUp(mlir::ModuleOp module);

/// "float[N,3,4]".
std::string printType(mlir::Type type);

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_MODELCOST_H
