//===- UpgradeOpset.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The onnx dialect has every operator in its newest form. One table says, for
// an operator and a version, how a node of an earlier version is brought to
// the form of that version; a node takes all steps above its own version.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_IMPORT_UPGRADEOPSET_H
#define INGOT_LIB_IMPORT_UPGRADEOPSET_H

#include "lib/Import/NodeBuilder.h"

namespace ingot {

/// The newest opset of the default domain that is understood.
constexpr int64_t kNewestOpset = 28;

/// A node on its way to its newest form.
struct NodeForm {
  std::string opType;
  /// Inputs; none or null where left out.
  llvm::SmallVector<mlir::Value> operands;
  mlir::NamedAttrList attributes;
  unsigned numOutputs = 1;
  /// Makes the outputs of the old form from the results of the newest; empty
  /// where they are the same. A null value is an output that only training
  /// has.
  std::function<mlir::FailureOr<llvm::SmallVector<mlir::Value>>(
      NodeBuilder &, llvm::ArrayRef<mlir::Value>)>
      finish;
};

/// One row of the table.
struct Upgrade {
  const char *opType;
  /// Applies to nodes of opsets below this one; kAnyOpset: to all.
  int64_t since;
  mlir::LogicalResult (*rewrite)(NodeForm &form, NodeBuilder &b);
  /// The operator that the node becomes, if another.
  const char *becomes = nullptr;
};
constexpr int64_t kAnyOpset = kNewestOpset + 1;

/// The table, by operator and then ascending version.
llvm::ArrayRef<Upgrade> upgrades();

/// The operator that a node of `opType` becomes in its newest form.
llvm::StringRef newestOperator(llvm::StringRef opType);

/// Applies all rows for a node of that opset.
mlir::LogicalResult upgrade(NodeForm &form, int64_t opset, NodeBuilder &b);

/// The rewrites of the table, by what they change.
namespace forms {
#define INGOT_FORM(name)                                                       \
  mlir::LogicalResult name(NodeForm &form, NodeBuilder &b);
// Attributes that became inputs.
INGOT_FORM(axesToInput)
INGOT_FORM(clipBoundsToInputs)
INGOT_FORM(dftAxisToInput)
INGOT_FORM(dropoutRatioToInput)
INGOT_FORM(padToInputs)
INGOT_FORM(reshapeShapeToInput)
INGOT_FORM(sliceToInputs)
INGOT_FORM(splitSizesToInput)
INGOT_FORM(topKCountToInput)
INGOT_FORM(upsampleScalesToInput)
// Attributes that changed their name, type or default, or are gone.
INGOT_FORM(batchNormDropSpatial)
INGOT_FORM(batchNormDropTrainingOutputs)
INGOT_FORM(castTargetToNumber)
INGOT_FORM(clipDefaultBounds)
INGOT_FORM(concatDefaultAxis)
INGOT_FORM(constantToValue)
INGOT_FORM(dropIsTest)
INGOT_FORM(gridSampleModes)
INGOT_FORM(padRenamePaddings)
INGOT_FORM(poolNormToInt)
INGOT_FORM(recurrentDropOutputSequence)
INGOT_FORM(resizeCoordinates)
INGOT_FORM(resizeOmitEmpty)
INGOT_FORM(roiAlignCoordinates)
INGOT_FORM(seluDefaults)
INGOT_FORM(splitCountOutputs)
INGOT_FORM(upsampleToResize)
INGOT_FORM(upsampleScalesFromSides)
INGOT_FORM(onlyRename)
INGOT_FORM(quickGeluToSwish)
// Semantics that changed.
INGOT_FORM(dropoutMaskToFloat)
INGOT_FORM(gemmDropBroadcast)
INGOT_FORM(groupNormPerChannel)
INGOT_FORM(legacyBroadcast)
INGOT_FORM(preluAlignSlope)
INGOT_FORM(softmaxFlattened)
INGOT_FORM(tileAlongAxis)
INGOT_FORM(scanRefuse)
INGOT_FORM(gruDirection)
INGOT_FORM(convChannelsLast)
#undef INGOT_FORM
} // namespace forms

} // namespace ingot

#endif // INGOT_LIB_IMPORT_UPGRADEOPSET_H
