//===- ImportValues.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tensors, attributes and types of a model as MLIR attributes and types.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_IMPORT_IMPORTVALUES_H
#define INGOT_LIB_IMPORT_IMPORTVALUES_H

#include "lib/Import/ExternalData.h"

#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/BuiltinTypes.h"

namespace ingot {

/// Makes attributes of tensors without copying weights: what is larger than a
/// kibibyte becomes a resource blob whose bytes are the mapped file's, in
/// ONNX's layout, at any alignment, and which keeps the file mapped as long as
/// the context lives. Sub-byte elements are unpacked to one byte each, and
/// bools are one byte each, 0 or 1.
class ValueImporter {
public:
  ValueImporter(mlir::MLIRContext *context, std::shared_ptr<MappedFile> model,
                ExternalData &external)
      : context(context), model(std::move(model)), external(external) {}

  /// A tensor as an elements attribute. Messages name the tensor.
  wire::Failure tensor(const wire::Tensor &tensor, mlir::ElementsAttr &into);

  /// An attribute of a node; null for one of a kind that no operator outside
  /// of `unsupportedKind` has.
  wire::Failure attribute(const wire::Attribute &attribute,
                          mlir::Attribute &into);

private:
  wire::Failure tensorImpl(const wire::Tensor &tensor,
                           mlir::ElementsAttr &into);
  wire::Failure strings(const wire::Tensor &tensor, int64_t elements,
                        mlir::RankedTensorType type, mlir::ElementsAttr &into);
  wire::Failure fromBytes(const wire::Tensor &tensor, std::string_view bytes,
                          std::shared_ptr<MappedFile> holder, int64_t elements,
                          mlir::RankedTensorType type,
                          mlir::ElementsAttr &into);
  mlir::ElementsAttr fromOwned(const wire::Tensor &tensor,
                               std::vector<char> bytes,
                               mlir::RankedTensorType type);

  mlir::MLIRContext *context;
  std::shared_ptr<MappedFile> model;
  ExternalData &external;
};

/// The element type of tensors; null for undefined and unsupported types.
mlir::Type elementType(wire::DataType type, mlir::MLIRContext *context);

/// What kind an attribute is. Old writers leave `type` out: then it is the
/// one field that is set.
wire::Failure attributeKind(const wire::Attribute &attribute,
                            wire::Attribute::Type &into);

/// A tensor, sequence or optional type as a TypeAttr's type, with unnamed
/// dynamic dimensions; for attributes only.
wire::Failure plainType(const wire::Message &message,
                        mlir::MLIRContext *context, mlir::Type &into);

} // namespace ingot

#endif // INGOT_LIB_IMPORT_IMPORTVALUES_H
