//===- NodeBuilder.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Creates ops of the onnx dialect by the names of their operators. What ODS
// declares of an op is checked before its shape rule runs and the op is
// verified after, so a node that breaks a rule becomes a message, never IR.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_IMPORT_NODEBUILDER_H
#define INGOT_LIB_IMPORT_NODEBUILDER_H

#include "lib/Diagnostics/Codes.h"
#include "passes/graph/FoldConstants.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/BuiltinTypes.h"

namespace ingot {

/// The op of an operator of the default domain, if there is one.
std::optional<mlir::RegisteredOperationName>
findOperator(llvm::StringRef opType, mlir::MLIRContext *context);

/// The number of operands or results an op takes; `least` alone if variadic.
struct Arity {
  unsigned least = 0;
  std::optional<unsigned> exact;
};
Arity operandArity(mlir::RegisteredOperationName name);
Arity resultArity(mlir::RegisteredOperationName name);

class NodeBuilder {
public:
  explicit NodeBuilder(mlir::OpBuilder &builder);

  mlir::MLIRContext *getContext() const { return builder.getContext(); }
  mlir::OpBuilder &getBuilder() { return builder; }

  /// Names the node that ops are created for from now on.
  void setNode(llvm::StringRef opType, llvm::StringRef name);
  mlir::Location getLoc() const { return location; }

  /// Reports "[IGnnnn] node 'name' (OpType): text" and fails.
  mlir::LogicalResult fail(Code code, const llvm::Twine &text);

  /// Creates the op of that operator. Operands that the model left out are
  /// null or none values; trailing ones may be missing. Results number what
  /// the op defines, or `numResults` where that is variable. An op that
  /// computes a small tensor from constants is folded to a constant.
  mlir::FailureOr<llvm::SmallVector<mlir::Value>>
  create(llvm::StringRef opType, mlir::ValueRange operands,
         mlir::NamedAttrList attributes = {}, unsigned numResults = 1);

  /// The value that stands for an input that the model left out.
  mlir::Value none();
  /// A constant, of the current node or of an initializer.
  mlir::Value constant(mlir::ElementsAttr value);
  mlir::Value initializer(mlir::ElementsAttr value, llvm::StringRef name);
  /// A constant one-dimensional tensor of int64.
  mlir::Value integers(llvm::ArrayRef<int64_t> values);
  /// A constant of rank 0 of a float or integer element type.
  mlir::Value scalar(mlir::Type elementType, double value);

private:
  mlir::LogicalResult checkNames(mlir::RegisteredOperationName name,
                                 mlir::NamedAttrList &attributes);
  mlir::Operation *build(mlir::RegisteredOperationName name,
                         mlir::ValueRange operands,
                         const mlir::NamedAttrList &attributes,
                         unsigned numResults);
  mlir::LogicalResult inferTypes(mlir::Operation *op);
  llvm::SmallVector<mlir::Value> fold(mlir::Operation *op);
  llvm::SmallVector<mlir::Value>
  foldByFolder(mlir::Operation *op, llvm::ArrayRef<mlir::Attribute> operands);
  /// Runs a check that emits diagnostics and keeps their text.
  bool holds(llvm::function_ref<mlir::LogicalResult()> check);

  mlir::OpBuilder &builder;
  mlir::Location location;
  std::string description;
  std::string problem;
  mlir::Value noneValue;
  /// What folding while importing may cost, over all nodes.
  FoldBudget foldBudget;
};

} // namespace ingot

#endif // INGOT_LIB_IMPORT_NODEBUILDER_H
