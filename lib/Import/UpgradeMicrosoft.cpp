//===- UpgradeMicrosoft.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators of ONNX Runtime that are one of ONNX under another name.
//
//===----------------------------------------------------------------------===//
#include "lib/Import/UpgradeOpset.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;
using namespace ingot;

LogicalResult forms::onlyRename(NodeForm &, NodeBuilder &) { return success(); }

LogicalResult forms::quickGeluToSwish(NodeForm &form, NodeBuilder &b) {
  if (!form.attributes.get("alpha"))
    form.attributes.set("alpha", b.getBuilder().getF32FloatAttr(1.702f));
  return success();
}

/// The tensor with its dimensions permuted.
static FailureOr<Value> transpose(NodeBuilder &b, Value value,
                                  ArrayRef<int64_t> perm) {
  NamedAttrList attributes;
  attributes.set("perm", b.getBuilder().getDenseI64ArrayAttr(perm));
  auto results = b.create("Transpose", value, attributes);
  if (failed(results))
    return failure();
  return results->front();
}

LogicalResult forms::convChannelsLast(NodeForm &form, NodeBuilder &b) {
  Attribute attribute = form.attributes.erase("channels_last");
  auto flag = dyn_cast_or_null<IntegerAttr>(attribute);
  if (attribute && !flag)
    return b.fail(Code::BadAttribute,
                  "attribute 'channels_last' has an unexpected type");
  if (!flag || flag.getInt() == 0)
    return success();
  Value x = form.operands.empty() ? Value() : form.operands[0];
  auto type = x ? dyn_cast<RankedTensorType>(x.getType()) : nullptr;
  if (!type || type.getRank() < 3)
    return b.fail(Code::UnsupportedForm,
                  "channels_last needs an input of known rank, at least 3");
  SmallVector<int64_t> toFirst = {0, type.getRank() - 1}, toLast = {0};
  for (int64_t i = 1; i < type.getRank() - 1; ++i) {
    toFirst.push_back(i);
    toLast.push_back(i + 1);
  }
  toLast.push_back(1);
  FailureOr<Value> channelsFirst = transpose(b, x, toFirst);
  if (failed(channelsFirst))
    return failure();
  form.operands[0] = *channelsFirst;
  form.finish =
      [toLast](NodeBuilder &b,
               ArrayRef<Value> results) -> FailureOr<SmallVector<Value>> {
    FailureOr<Value> y = transpose(b, results[0], toLast);
    if (failed(y))
      return failure();
    return SmallVector<Value>{*y};
  };
  return success();
}
