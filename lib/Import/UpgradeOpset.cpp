//===- UpgradeOpset.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Import/UpgradeOpset.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace ingot;

// A version that only adds optional inputs or attributes whose defaults mean
// what was meant before needs no row; a test compares the table with the
// specification's history. Sorted by operator, then version.
static const Upgrade table[] = {
    {"Add", 7, forms::legacyBroadcast},
    {"And", 7, forms::legacyBroadcast},
    {"BatchNormalization", 7, forms::dropIsTest},
    {"BatchNormalization", 9, forms::batchNormDropSpatial},
    {"BatchNormalization", 14, forms::batchNormDropTrainingOutputs},
    {"Cast", 6, forms::castTargetToNumber},
    {"Clip", 6, forms::clipDefaultBounds},
    {"Clip", 11, forms::clipBoundsToInputs},
    {"Concat", 4, forms::concatDefaultAxis},
    {"Constant", kAnyOpset, forms::constantToValue},
    {"DFT", 20, forms::dftAxisToInput},
    {"Div", 7, forms::legacyBroadcast},
    {"Dropout", 7, forms::dropIsTest},
    {"Dropout", 10, forms::dropoutMaskToFloat},
    {"Dropout", 12, forms::dropoutRatioToInput},
    {"Equal", 7, forms::legacyBroadcast},
    {"GRU", 3, forms::gruDirection},
    {"GRU", 7, forms::recurrentDropOutputSequence},
    {"Gemm", 7, forms::gemmDropBroadcast},
    {"GlobalLpPool", 2, forms::poolNormToInt},
    {"Greater", 7, forms::legacyBroadcast},
    {"GridSample", 20, forms::gridSampleModes},
    {"GroupNormalization", 21, forms::groupNormPerChannel},
    {"Hardmax", 13, forms::softmaxFlattened},
    {"LSTM", 7, forms::recurrentDropOutputSequence},
    {"Less", 7, forms::legacyBroadcast},
    {"LogSoftmax", 13, forms::softmaxFlattened},
    {"LpPool", 2, forms::poolNormToInt},
    {"Mul", 7, forms::legacyBroadcast},
    {"Or", 7, forms::legacyBroadcast},
    {"PRelu", 7, forms::preluAlignSlope},
    {"Pad", 2, forms::padRenamePaddings},
    {"Pad", 11, forms::padToInputs},
    {"Pow", 7, forms::legacyBroadcast},
    {"RNN", 7, forms::recurrentDropOutputSequence},
    {"ReduceL1", 18, forms::axesToInput},
    {"ReduceL2", 18, forms::axesToInput},
    {"ReduceLogSum", 18, forms::axesToInput},
    {"ReduceLogSumExp", 18, forms::axesToInput},
    {"ReduceMax", 18, forms::axesToInput},
    {"ReduceMean", 18, forms::axesToInput},
    {"ReduceMin", 18, forms::axesToInput},
    {"ReduceProd", 18, forms::axesToInput},
    {"ReduceSum", 13, forms::axesToInput},
    {"ReduceSumSquare", 18, forms::axesToInput},
    {"Reshape", 5, forms::reshapeShapeToInput},
    {"Resize", 11, forms::resizeCoordinates},
    {"Resize", kAnyOpset, forms::resizeOmitEmpty},
    {"RoiAlign", 16, forms::roiAlignCoordinates},
    {"Scan", 9, forms::scanRefuse},
    {"Scatter", kAnyOpset, forms::onlyRename, "ScatterElements"},
    {"Selu", 6, forms::seluDefaults},
    {"SimplifiedLayerNormalization", kAnyOpset, forms::onlyRename,
     "RMSNormalization"},
    {"Slice", 10, forms::sliceToInputs},
    {"Softmax", 13, forms::softmaxFlattened},
    {"Split", 13, forms::splitSizesToInput},
    {"Split", 18, forms::splitCountOutputs},
    {"Squeeze", 13, forms::axesToInput},
    {"Sub", 7, forms::legacyBroadcast},
    {"Tile", 6, forms::tileAlongAxis},
    {"TopK", 10, forms::topKCountToInput},
    {"Unsqueeze", 13, forms::axesToInput},
    {"Upsample", 7, forms::upsampleScalesFromSides},
    {"Upsample", 9, forms::upsampleScalesToInput},
    {"Upsample", kAnyOpset, forms::upsampleToResize, "Resize"},
    {"Xor", 7, forms::legacyBroadcast},
    {"com.microsoft.DequantizeLinear", kAnyOpset, forms::onlyRename,
     "DequantizeLinear"},
    {"com.microsoft.Gelu", kAnyOpset, forms::onlyRename, "Gelu"},
    {"com.microsoft.QLinearConv", kAnyOpset, forms::convChannelsLast,
     "QLinearConv"},
    {"com.microsoft.QuantizeLinear", kAnyOpset, forms::onlyRename,
     "QuantizeLinear"},
    {"com.microsoft.QuickGelu", kAnyOpset, forms::quickGeluToSwish, "Swish"},
};

ArrayRef<Upgrade> ingot::upgrades() { return table; }

/// The rows of one operator.
static ArrayRef<Upgrade> rowsOf(StringRef opType) {
  auto before = [](const Upgrade &row, StringRef name) {
    return StringRef(row.opType) < name;
  };
  auto after = [](StringRef name, const Upgrade &row) {
    return name < StringRef(row.opType);
  };
  const Upgrade *first =
      std::lower_bound(std::begin(table), std::end(table), opType, before);
  const Upgrade *last = std::upper_bound(first, std::end(table), opType, after);
  return ArrayRef(first, last);
}

StringRef ingot::newestOperator(StringRef opType) {
  for (const Upgrade &row : rowsOf(opType))
    if (row.becomes)
      return row.becomes;
  return opType;
}

LogicalResult ingot::upgrade(NodeForm &form, int64_t opset, NodeBuilder &b) {
  // An optimization hint of the first opsets, on many operators.
  if (opset < 6)
    form.attributes.erase("consumed_inputs");
  std::string original = form.opType;
  for (const Upgrade &row : rowsOf(original)) {
    if (opset >= row.since)
      continue;
    if (failed(row.rewrite(form, b)))
      return failure();
    if (row.becomes)
      form.opType = row.becomes;
  }
  return success();
}
