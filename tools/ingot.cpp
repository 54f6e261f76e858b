//===- ingot.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The compiler for people who ship models.
//
//===----------------------------------------------------------------------===//
#include "lib/Driver/Compiler.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

using namespace ingot;
namespace cl = llvm::cl;

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::SubCommand compileCommand("compile", "Compile a model");
  cl::opt<std::string> input(cl::Positional, cl::Required,
                             cl::sub(compileCommand));
  cl::opt<std::string> output("o", cl::init("model.so"),
                              cl::sub(compileCommand));
  cl::opt<std::string> emit("emit", cl::init("so"), cl::sub(compileCommand));
  cl::opt<std::string> target("target", cl::init("host"),
                              cl::sub(compileCommand));
  cl::ParseCommandLineOptions(argc, argv);
  auto context = createContext();
  CompileOptions options;
  options.target = target;
  options.emit = *parseEmit(emit);
  // The linker resets every command-line option of the process.
  std::string outputPath = output, inputPath = input;
  CompileReport report;
  auto module = readModel(input, options, context.get());
  if (!module || failed(compile(*module, inputPath, outputPath, options, report)))
    return 1;
  for (auto &[step, seconds] : report.seconds)
    llvm::errs() << step << " " << llvm::format("%.3f", seconds) << "\n";
  return 0;
}
