//===- ObserveRanges.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/Elementwise.h"
#include "dialects/onnx/Reduce.h"
#include "dialects/onnx/Shape.h"
#include "passes/Precision.h"
#include "passes/graph/PrecisionPlan.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::graph;

/// The f32 values of the module's main function, in order.
static SmallVector<OpResult> observedValues(ModuleOp module) {
  SmallVector<OpResult> values;
  auto function = module.lookupSymbol<func::FuncOp>("main");
  if (!function || function.isExternal())
    return values;
  for (Operation &op : function.front()) {
    if (op.hasTrait<OpTrait::ConstantLike>())
      continue;
    for (OpResult result : op.getResults()) {
      auto type = dyn_cast<RankedTensorType>(result.getType());
      if (type && type.getElementType().isF32())
        values.push_back(result);
    }
  }
  return values;
}

size_t ingot::observeRanges(ModuleOp module) {
  SmallVector<OpResult> values = observedValues(module);
  if (values.empty())
    return 0;
  auto function = module.lookupSymbol<func::FuncOp>("main");
  Operation *terminator = function.front().getTerminator();
  OpBuilder b(terminator);
  Value none = onnx::NoneOp::create(b, function.getLoc());
  unsigned own = function.getNumResults();
  SmallVector<Value> returned(terminator->getOperands());
  for (OpResult value : values) {
    Location loc = value.getLoc();
    Value magnitude =
        onnx::AbsOp::create(b, loc, value.getType(), Value(value));
    returned.push_back(onnx::ReduceMaxOp::create(
        b, loc, RankedTensorType::get({}, b.getF32Type()), magnitude, none,
        b.getI64IntegerAttr(0), b.getI64IntegerAttr(0)));
  }
  terminator->setOperands(returned);
  function.setType(b.getFunctionType(function.getArgumentTypes(),
                                     ValueRange(returned).getTypes()));
  SmallVector<Attribute> attributes(returned.size(), b.getDictionaryAttr({}));
  if (ArrayAttr old = function.getResAttrsAttr())
    llvm::copy(old, attributes.begin());
  for (size_t i = own; i < returned.size(); ++i)
    attributes[i] = b.getDictionaryAttr(b.getNamedAttr(
        "onnx.name",
        b.getStringAttr("ingot.max_abs." + std::to_string(i - own))));
  function.setResAttrsAttr(b.getArrayAttr(attributes));
  return values.size();
}

bool ingot::noteRanges(ModuleOp module, ArrayRef<double> maxAbs) {
  SmallVector<OpResult> values = observedValues(module);
  if (values.size() != maxAbs.size())
    return false;
  llvm::MapVector<Operation *, SmallVector<double>> ranges;
  for (auto [value, range] : llvm::zip(values, maxAbs)) {
    Operation *op = value.getOwner();
    SmallVector<double> &list = ranges[op];
    list.resize(op->getNumResults(), std::numeric_limits<double>::quiet_NaN());
    list[value.getResultNumber()] = range;
  }
  for (auto &[op, list] : ranges)
    op->setAttr(rangeAttrName, DenseF64ArrayAttr::get(op->getContext(), list));
  return true;
}
