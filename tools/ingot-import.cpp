//===- ingot-import.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs the import phase alone, for its tests: prints the module, or with
// --list-upgrades and --list-operators what the importer knows.
//
//===----------------------------------------------------------------------===//
#include "lib/Import/Import.h"
#include "lib/Import/UpgradeOpset.h"

#include "dialects/onnx/OnnxDialect.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace ingot;

/// Imports the models whose paths stand on standard input, one per line, and
/// prints "ok" or "error" with codes for each.
static int runBatch() {
  std::string path;
  for (int c = getchar(); c != EOF; c = getchar()) {
    if (c != '\n') {
      path += char(c);
      continue;
    }
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    std::string codes;
    mlir::ScopedDiagnosticHandler handler(
        &context, [&](mlir::Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
            codes += " " + diagnostic.str().substr(0, 8);
          return mlir::success();
        });
    bool good = succeeded(importModel(path, context));
    llvm::outs() << (good ? "ok" : "error") << codes << '\n';
    llvm::outs().flush();
    path.clear();
  }
  return 0;
}

/// Operators that have an op, one per line, and rows of the upgrade table.
static void listOperators(bool upgradesToo) {
  mlir::MLIRContext context;
  context.loadDialect<onnx::OnnxDialect>();
  for (auto name : context.getRegisteredOperationsByDialect("onnx")) {
    llvm::StringRef opType = name.getStringRef().drop_front(5);
    if (!upgradesToo && findOperator(opType, &context))
      llvm::outs() << opType << '\n';
  }
  if (upgradesToo)
    for (const Upgrade &row : upgrades())
      llvm::outs() << row.opType << ' ' << row.since << '\n';
}

int main(int argc, char **argv) {
  ImportOptions options;
  ImportReport report;
  options.report = &report;
  std::string path;
  bool quiet = false, locations = false, memory = false;
  for (int i = 1; i < argc; ++i) {
    llvm::StringRef arg = argv[i];
    if (arg == "--list-operators" || arg == "--list-upgrades") {
      listOperators(arg == "--list-upgrades");
      return 0;
    }
    if (arg == "--batch")
      return runBatch();
    if (arg == "--quiet")
      quiet = true;
    else if (arg == "--locations")
      locations = true;
    else if (arg == "--allow-hard-links")
      options.allowHardLinks = true;
    else if (arg == "--memory")
      memory = true;
    else if (arg.consume_front("--data-folder="))
      options.dataFolder = arg.str();
    else if (arg.consume_front("--shape=")) {
      if (!parseShapeOption(arg, options)) {
        llvm::errs() << "malformed shape '" << arg << "'\n";
        return 2;
      }
    } else
      path = arg.str();
  }
  std::unique_ptr<llvm::MemoryBuffer> buffer;
  mlir::MLIRContext context;
  mlir::ScopedDiagnosticHandler handler(
      &context, [](mlir::Diagnostic &diagnostic) {
        bool error =
            diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
        llvm::errs() << (error ? "error: " : "remark: ") << diagnostic << '\n';
        return mlir::success();
      });
  if (memory) {
    auto file = llvm::MemoryBuffer::getFile(path);
    if (!file)
      return 2;
    buffer = std::move(*file);
  }
  auto module =
      memory ? importModelFromMemory(buffer->getBuffer(), context, options)
             : importModel(path, context, options);
  if (failed(module))
    return 1;
  mlir::OpPrintingFlags flags;
  flags.elideLargeElementsAttrs(64).elideLargeResourceString(64);
  if (locations)
    flags.enableDebugInfo(true, true);
  if (!quiet)
    (*module)->print(llvm::outs(), flags);
  return 0;
}
