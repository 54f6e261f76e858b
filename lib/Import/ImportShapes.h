//===- ImportShapes.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Names of dimensions, the shapes the user asks for, and what a model
// declares of the types of its values.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_IMPORT_IMPORTSHAPES_H
#define INGOT_LIB_IMPORT_IMPORTSHAPES_H

#include "dialects/onnx/Dims.h"
#include "lib/Import/Import.h"
#include "lib/Import/Wire.h"

#include "llvm/ADT/StringMap.h"

namespace ingot {

/// The dimensions of a model's inputs.
class InputShapes {
public:
  explicit InputShapes(mlir::MLIRContext *context) : context(context) {}

  /// Takes the inputs' declared shapes and the user's wishes.
  wire::Failure run(llvm::ArrayRef<const wire::ValueInfo *> inputs,
                    const ImportOptions &options);

  /// The types of the inputs, in order.
  llvm::ArrayRef<mlir::TensorType> types() const { return inputTypes; }
  /// The size that a dimension's name stands for; null for a name that no
  /// input has.
  mlir::AffineExpr symbol(std::string_view param) const;
  /// True if the user changed a fixed size, so that what the model declares
  /// of other values does not hold.
  bool replacesFixedSizes() const { return replaced; }

private:
  struct Input {
    std::string_view name;
    mlir::Type elementType;
    std::vector<wire::Dim> dims;
  };
  wire::Failure readInput(const wire::ValueInfo &info, bool shapeGiven,
                          Input &into);
  wire::Failure bind(const Input &input, const InputShape &shape);
  wire::Failure bindSymbol(std::string_view name, int64_t size);
  mlir::AffineExpr dimOf(const Input &input, unsigned index);
  std::string printableName(std::string_view param);
  std::string knownNames() const;

  mlir::MLIRContext *context;
  std::vector<Input> all;
  llvm::SmallVector<mlir::TensorType> inputTypes;
  /// Sizes the user gave, by name of symbol as in the model.
  std::map<std::string, int64_t, std::less<>> sizes;
  /// Sizes the user gave to single dimensions: (input, dimension).
  std::map<std::pair<std::string, unsigned>, int64_t> fixed;
  /// The expression of each name in the model.
  std::map<std::string, mlir::AffineExpr, std::less<>> symbols;
  std::map<std::string, int, std::less<>> printed;
  bool replaced = false;
};

/// What the model declares of the types of values (value_info and outputs).
class DeclaredTypes {
public:
  DeclaredTypes(mlir::MLIRContext *context, const InputShapes &shapes)
      : context(context), shapes(shapes) {}

  /// Remembers a declaration, to be read when its value is met.
  wire::Failure add(std::string_view valueInfo);

  /// The type of a value: what was inferred for it, with what the model
  /// declares where inference knows nothing. Fails where they contradict.
  wire::Failure merge(std::string_view name, mlir::Type inferred,
                      mlir::Type &into);

private:
  wire::Failure mergeDim(const wire::Dim &dim, mlir::AffineExpr inferred,
                         mlir::AffineExpr &into, bool &contradicts);

  mlir::MLIRContext *context;
  const InputShapes &shapes;
  llvm::StringMap<std::string_view> declarations;
};

} // namespace ingot

#endif // INGOT_LIB_IMPORT_IMPORTSHAPES_H
