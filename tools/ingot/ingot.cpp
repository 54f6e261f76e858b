//===- ingot.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The compiler for people who ship models.
//
//===----------------------------------------------------------------------===//
#include "lib/Driver/Compiler.h"
#include "tools/ingot/Run.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

#include <map>

using namespace ingot;

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  std::vector<std::string> positional;
  std::map<std::string, std::string> flags;
  for (int i = 1; i < argc; ++i) {
    std::string arg = argv[i];
    if (arg == "-o" && i + 1 < argc) {
      flags["o"] = argv[++i];
    } else if (arg.rfind("--", 0) == 0) {
      size_t equal = arg.find('=');
      if (equal != std::string::npos)
        flags[arg.substr(2, equal - 2)] = arg.substr(equal + 1);
      else if (i + 1 < argc)
        flags[arg.substr(2)] = argv[++i];
    } else {
      positional.push_back(arg);
    }
  }
  if (positional.size() != 2) {
    llvm::errs() << "usage: ingot compile|run MODEL ...\n";
    return 2;
  }
  bool run = positional[0] == "run";
  std::string input = positional[1], output = flags["o"];
  if (run && llvm::StringRef(input).ends_with(".so"))
    return runArtifact(input, flags["inputs"], flags["outputs"]) ? 0 : 1;
  auto context = createContext();
  CompileOptions options;
  if (flags.count("target"))
    options.target = flags["target"];
  if (flags.count("shape"))
    options.shapes.push_back(flags["shape"]);
  if (flags.count("emit"))
    options.emit = *parseEmit(flags["emit"]);
  llvm::SmallString<128> temporary;
  if (run) {
    if (llvm::sys::fs::createTemporaryFile("ingot", "so", temporary))
      return 1;
    output = temporary.str().str();
  } else if (output.empty()) {
    output = "model.so";
  }
  CompileReport report;
  auto module = readModel(input, options, context.get());
  if (!module || failed(compile(*module, input, output, options, report)))
    return 1;
  if (run) {
    bool ok = runArtifact(output, flags["inputs"], flags["outputs"]);
    llvm::sys::fs::remove(output);
    return ok ? 0 : 1;
  }
  for (auto &[step, seconds] : report.seconds)
    llvm::errs() << step << " " << llvm::format("%.3f", seconds) << "\n";
  return 0;
}
