//===- Run.cpp ------------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/Run.h"

#include "tools/ingot/Compile.h"
#include "tools/ingot/Session.h"
#include "tools/ingot/TensorFiles.h"

#include "ingot/ingot.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Signals.h"

using namespace ingot;
using llvm::StringRef;

llvm::Error TemporaryFile::create(StringRef ending) {
  llvm::SmallString<128> path;
  if (std::error_code code =
          llvm::sys::fs::createTemporaryFile("ingot", ending, path))
    return failure(5001, "no temporary file: " + code.message() +
                             "; TMPDIR names the folder for them");
  name = path.str().str();
  llvm::sys::RemoveFileOnSignal(name);
  return llvm::Error::success();
}

void TemporaryFile::remove() {
  if (name.empty())
    return;
  llvm::sys::fs::remove(name);
  llvm::sys::DontRemoveFileOnSignal(name);
  name.clear();
}

static std::string printDims(const std::vector<int64_t> &dims) {
  std::string text;
  for (int64_t dim : dims)
    text += (text.empty() ? "" : ",") + std::to_string(dim);
  return "[" + text + "]";
}

static void printOutput(const Tensor &tensor) {
  TensorSummary summary = summarize(tensor);
  llvm::outs() << tensor.name << " " << ingot_dtype_name(tensor.dtype)
               << printDims(tensor.dims);
  if (summary.elements > summary.notFinite)
    llvm::outs() << llvm::format("  min %g  max %g  mean %g", summary.least,
                                 summary.most, summary.mean);
  if (summary.notFinite)
    llvm::outs() << "  not finite: " << summary.notFinite;
  llvm::outs() << "\n ";
  for (double value : summary.first)
    llvm::outs() << llvm::format(" %.6g", value);
  llvm::outs() << (summary.elements > int64_t(summary.first.size()) ? " ...\n"
                                                                    : "\n");
}

static llvm::json::Object describeOutput(const Tensor &tensor) {
  TensorSummary summary = summarize(tensor);
  llvm::json::Object json{{"name", tensor.name},
                          {"type", ingot_dtype_name(tensor.dtype)},
                          {"shape", llvm::json::Array(tensor.dims)},
                          {"not_finite", summary.notFinite}};
  if (summary.elements > summary.notFinite) {
    json["min"] = summary.least;
    json["max"] = summary.most;
    json["mean"] = summary.mean;
  }
  return json;
}

int ingot::runCommand(const Options &options) {
  TemporaryFile compiled;
  std::string artifact = options.subject;
  if (!artifactArch(artifact)) {
    if (llvm::Error error = compiled.create("so"))
      return report(std::move(error));
    ModelCompiler compiler(options);
    if (int status = compiler.read())
      return status;
    if (int status = compiler.write(compiled.path(), Emit::Shared))
      return status;
    artifact = compiled.path();
  }
  auto session = openSession(artifact, {options.threads, options.qemuCpu});
  // Once loaded it lives without a name.
  compiled.remove();
  if (!session)
    return report(session.takeError());
  if (llvm::Error error = acceptFallback((*session)->facts(),
                                         !options.noFallback, options.quiet))
    return report(std::move(error));
  auto inputs = readInputs(options, (*session)->facts());
  if (!inputs)
    return report(inputs.takeError());
  if (llvm::Error error = (*session)->prepare(*inputs))
    return report(std::move(error));
  if (llvm::Error error = (*session)->run())
    return report(std::move(error));
  const std::vector<Tensor> &outputs = (*session)->outputs();
  if (!options.outputs.empty())
    if (llvm::Error error = writeOutputs(options.outputs, outputs))
      return report(std::move(error));
  if (options.outputs.empty() && !options.quiet && options.json != "-")
    for (const Tensor &tensor : outputs)
      printOutput(tensor);
  if (!options.json.empty()) {
    llvm::json::Array list;
    for (const Tensor &tensor : outputs)
      list.push_back(describeOutput(tensor));
    if (llvm::Error error = writeJson(
            options.json, llvm::json::Object{{"outputs", std::move(list)}}))
      return report(std::move(error));
  }
  return 0;
}
