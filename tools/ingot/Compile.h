//===- Compile.h - models within the tool -----------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_COMPILE_H
#define INGOT_TOOLS_INGOT_COMPILE_H

#include "lib/Driver/Compiler.h"
#include "lib/Import/Import.h"
#include "tools/ingot/Messages.h"
#include "tools/ingot/Options.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/ThreadPool.h"

#include <memory>

namespace ingot {

/// One model on its way through the compiler. The steps print what is wrong
/// and return the tool's exit status, 0 for success.
class ModelCompiler {
public:
  explicit ModelCompiler(const Options &options);
  ~ModelCompiler();

  /// Says what is wrong with --target or --cpu.
  int checkTarget();
  /// Checks the target, then imports the model. Without `print` messages()
  /// says what is wrong.
  int read(bool print = true);
  /// Goes on to emitted kernels, without machine code; fills report().
  int lower(bool print = true);
  /// Compiles what was read into a file of that form.
  int write(llvm::StringRef output, Emit emit);

  mlir::ModuleOp module() { return *model; }
  const CompileReport &report() const { return facts; }
  const ImportReport &imported() const { return importFacts; }
  const MessageCollector &messages() const { return collector; }

private:
  int finish(bool done, bool print);
  /// Runs the model on the calibration data, if the precision asks for it.
  int calibrateRanges(bool print);

  const Options &options;
  Progress progress;
  std::unique_ptr<mlir::MLIRContext> context;
  std::unique_ptr<llvm::ThreadPoolInterface> pool;
  MessageCollector collector;
  CompileOptions wanted;
  ImportReport importFacts;
  CompileReport facts;
  mlir::OwningOpRef<mlir::ModuleOp> model;
};

/// `ingot compile`.
int compileCommand(const Options &options);

/// What --target takes, without "host" and features.
std::vector<std::string> targetNames();

/// What f32 weights and values are stored as and computed in, for people.
std::string printPrecision(llvm::StringRef precision);

/// "1.5 MB".
std::string printBytes(uint64_t bytes);

/// Writes a report for scripts to a file or "-".
llvm::Error writeJson(llvm::StringRef path, llvm::json::Value value);

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_COMPILE_H
