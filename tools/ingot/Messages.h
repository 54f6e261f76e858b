//===- Messages.h - what the tool says --------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Errors, remarks and progress, one form for all:
//   ingot: error: [IG1301] Conv 'conv1': message
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_MESSAGES_H
#define INGOT_TOOLS_INGOT_MESSAGES_H

#include "lib/Diagnostics/Codes.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include <mutex>
#include <string>
#include <vector>

namespace ingot {

/// An error with a code of lib/Diagnostics/Codes.def.
llvm::Error failure(unsigned code, const llvm::Twine &text);

/// Prints the error; returns the exit status of the tool.
int report(llvm::Error error);

/// One diagnostic of the compiler, taken apart.
struct Message {
  mlir::DiagnosticSeverity severity;
  /// "IG1301", or empty.
  std::string code;
  /// The node of the model it is about, "Conv 'conv1'", or empty.
  std::string node;
  std::string text;

  /// "[IG1301] Conv 'conv1': text".
  std::string str() const;
};

/// Collects what the compiler says about a model while it lives.
class MessageCollector {
public:
  explicit MessageCollector(mlir::MLIRContext *context);

  const std::vector<Message> &all() const { return messages; }
  bool hasErrors() const;
  /// Prints errors and warnings; returns the exit status. To be called after a
  /// failure: says at least one line.
  int printErrors(llvm::StringRef subject) const;

private:
  void take(mlir::Diagnostic &diagnostic);

  std::mutex mutex;
  std::vector<Message> messages;
  mlir::ScopedDiagnosticHandler handler;
};

/// The step at work, on a terminal; silent elsewhere.
class Progress {
public:
  explicit Progress(bool quiet);
  ~Progress() { clear(); }
  void step(llvm::StringRef name);
  void clear();

private:
  bool enabled;
  bool shown = false;
};

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_MESSAGES_H
