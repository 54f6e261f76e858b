//===- Import.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The import phase: an ONNX model as a module of the onnx dialect. Names no
// operator: a node `X` becomes the op onnx.X with the same operands and
// attributes, in the newest form of the operator.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_IMPORT_IMPORT_H
#define INGOT_LIB_IMPORT_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <optional>
#include <string>
#include <vector>

namespace ingot {

/// The shape the user wants an input to have. A negative size leaves the
/// dimension as the model has it.
struct InputShape {
  std::string input;
  std::vector<int64_t> dims;
};

/// The size the user wants a symbol of the model to have.
struct SymbolSize {
  std::string symbol;
  int64_t size;
};

/// A place in a model that cannot be compiled.
struct UnsupportedSite {
  std::string node, opType, domain;
  int64_t opset = 0;
  /// What is not supported about it.
  std::string reason;
  /// Its operands, with what the model declares of their types: "x f32[N,3]".
  std::vector<std::string> inputs = {};
};

/// What was found out about a model, filled in as far as import came.
struct ImportReport {
  int64_t irVersion = 0;
  /// Of the default domain.
  int64_t opset = 0;
  std::string graph, producer;
  /// Nodes of the graph, its subgraphs and the functions it calls.
  int64_t nodes = 0;
  std::vector<UnsupportedSite> unsupported;
};

struct ImportOptions {
  std::vector<InputShape> shapes;
  std::vector<SymbolSize> symbols;
  /// Accepts external data in files that have several hard links, as stores
  /// that share files between models make them.
  bool allowHardLinks = false;
  /// The folder of external data, if another than the model's. A model from
  /// memory has none.
  std::optional<std::string> dataFolder;
  ImportReport *report = nullptr;
};

/// Parses "x:1x3x224x224" or "N=4" into the options; `?` or `-1` leaves a
/// dimension alone. Returns false if the text is neither.
bool parseShapeOption(llvm::StringRef text, ImportOptions &options);

/// Imports a model file: a module with `func.func @main`, whose arguments and
/// results carry the names of the model's inputs and outputs as `onnx.name`.
/// Weights stay in the mapped file, which the context keeps. Everything that
/// is wrong is reported as a diagnostic that starts with a code; the location
/// of an op names its node (dialects/onnx/NodeName.h).
///
/// An input with an initializer is a constant: callers cannot override it.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importModel(llvm::StringRef path, mlir::MLIRContext &context,
            const ImportOptions &options = {});

/// The same for a model in memory, which must stay there as long as the
/// context lives: weights are not copied.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importModelFromMemory(llvm::StringRef bytes, mlir::MLIRContext &context,
                      const ImportOptions &options = {});

} // namespace ingot

#endif // INGOT_LIB_IMPORT_IMPORT_H
