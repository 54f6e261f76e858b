//===- Compile.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/Compile.h"

#include "tools/ingot/PrecisionRanges.h"
#include "tools/ingot/SizeExpression.h"

#include "codegen/Target.h"
#include "dialects/onnx/Dims.h"
#include "lib/Driver/OutputFile.h"
#include "passes/Precision.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"

#include <chrono>

using namespace ingot;
using llvm::StringRef;

std::string ingot::printBytes(uint64_t bytes) {
  static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
  double value = double(bytes);
  size_t unit = 0;
  for (; value >= 1000 && unit < 4; ++unit)
    value /= 1000;
  std::string text;
  llvm::raw_string_ostream os(text);
  if (unit == 0)
    os << bytes;
  else
    os << llvm::format(value < 10    ? "%.2f"
                       : value < 100 ? "%.1f"
                                     : "%.0f",
                       value);
  os << ' ' << units[unit];
  return text;
}

std::string ingot::printPrecision(StringRef precision) {
  return precision.empty() ? "as in the model" : precision.str();
}

llvm::Error ingot::writeJson(StringRef path, llvm::json::Value value) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::formatv("{0:2}", value) << '\n';
  if (path == "-") {
    llvm::outs() << text;
    return llvm::Error::success();
  }
  if (llvm::Error error = writeWhole(path, text))
    return error;
  return llvm::Error::success();
}

std::vector<std::string> ingot::targetNames() {
  std::vector<std::string> names;
  for (const auto &target : allTargets()) {
    llvm::SmallVector<StringRef> spelled;
    target->help().split(spelled, ", ");
    for (StringRef name : spelled)
      names.push_back(name.split('[').first.str());
  }
  return names;
}

/// Unknown targets are told apart from models that cannot be compiled.
int ModelCompiler::checkTarget() {
  llvm::SmallVector<StringRef> specs;
  StringRef(options.target).split(specs, ',');
  for (StringRef spec : specs) {
    std::string error;
    if (resolveMachine(spec.trim(), options.cpu, context.get(), error))
      continue;
    std::vector<std::string> known = targetNames();
    std::vector<StringRef> names(known.begin(), known.end());
    names.push_back("host");
    std::string near = suggestion(spec, names);
    size_t end = error.find(';');
    error.insert(end == std::string::npos ? error.size() : end, near);
    return ingot::report(failure(6001, error));
  }
  return 0;
}

ModelCompiler::ModelCompiler(const Options &options)
    : options(options), progress(options.quiet), context(createContext()),
      collector(context.get()) {
  unsigned threads =
      options.command == Compile ? options.threads : options.compileThreads;
  if (threads != 0) {
    context->disableMultithreading();
    if (threads > 1) {
      pool = std::make_unique<llvm::DefaultThreadPool>(
          llvm::hardware_concurrency(threads));
      context->setThreadPool(*pool);
    }
  }
  wanted.target = options.target;
  wanted.cpu = options.cpu;
  wanted.precision = options.precision;
  wanted.fp32Products = options.fp32Products;
  wanted.ptxas = options.ptxas;
  wanted.shapes = options.shapes;
  wanted.remarks = options.command == Explain;
  wanted.threads = threads;
  wanted.allowHardLinks = options.allowHardLinks;
  wanted.progress = [this](StringRef step) { progress.step(step); };
}

// The module goes before its context, and that before its threads.
ModelCompiler::~ModelCompiler() {
  model = {};
  if (pool)
    context->disableMultithreading();
}

int ModelCompiler::finish(bool done, bool print) {
  progress.clear();
  if (done)
    return 0;
  return print ? collector.printErrors(options.subject) : 1;
}

int ModelCompiler::read(bool print) {
  if (int status = checkTarget())
    return status;
  progress.step("import");
  auto start = std::chrono::steady_clock::now();
  model = readModel(options.subject, wanted, context.get(), &importFacts);
  facts.seconds.push_back(
      {"import",
       std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
           .count()});
  return finish(bool(model), print);
}

int ModelCompiler::calibrateRanges(bool print) {
  if (options.calibrationData.empty() || options.precision == "f32")
    return 0;
  auto ranges = measureRanges(*model, options, wanted);
  progress.clear();
  if (!ranges)
    return ingot::report(ranges.takeError());
  if (!*ranges)
    return finish(false, print);
  // The same model has the same values when it is compiled again.
  wanted.afterGraph = [ranges = std::move(**ranges)](mlir::ModuleOp module) {
    return mlir::success(noteRanges(module, ranges));
  };
  return 0;
}

int ModelCompiler::lower(bool print) {
  if (int status = calibrateRanges(print))
    return status;
  return finish(succeeded(lowerToKernels(*model, wanted, facts)), print);
}

int ModelCompiler::write(StringRef output, Emit emit) {
  if (int status = calibrateRanges(/*print=*/true))
    return status;
  wanted.emit = emit;
  return finish(
      succeeded(compile(*model, importFacts.graph, output, wanted, facts)),
      /*print=*/true);
}

namespace {
/// A form's name on the command line, ending, and whether it is text.
struct Form {
  StringRef name, ending;
  bool isText;
};
} // namespace

static const Form forms[] = {
    {"so", ".so", false},      {"a", ".a", false},
    {"obj", ".o", false},      {"asm", ".s", true},
    {"llvm", ".ll", true},     {"onnx", ".mlir", true},
    {"graph", ".mlir", true},  {"tensor", ".mlir", true},
    {"kernel", ".mlir", true}, {"memory", ".mlir", true},
    {"loops", ".mlir", true},  {"mlir", ".mlir", true},
    {"ptx", ".ptx", true},     {"cubin", ".cubin", false},
};

/// The form that --emit, or else the ending of -o, asks for.
static llvm::Expected<const Form *> chooseForm(const Options &options) {
  std::vector<StringRef> names;
  for (const Form &form : forms) {
    names.push_back(form.name);
    if (options.emit == form.name)
      return &form;
  }
  if (!options.emit.empty())
    return failure(6004, "flag '--emit' must be one of " +
                             llvm::join(names, ", ") + ", not " +
                             quoted(options.emit) +
                             suggestion(options.emit, names));
  StringRef ending = llvm::sys::path::extension(options.output);
  for (const Form &form : forms)
    if (ending == form.ending)
      return &form;
  return &forms[0];
}

static llvm::Error checkOutput(const Options &options, StringRef output) {
  if (output == "-")
    return llvm::Error::success();
  if (llvm::sys::fs::equivalent(options.subject, output))
    return failure(5001, "the output " + quoted(output) +
                             " would overwrite the model");
  return checkWritable(output);
}

static void printSummary(StringRef output, const CompileReport &report,
                         uint64_t fileBytes) {
  const ModelTables &tables = report.tables;
  llvm::outs() << output << ": " << report.target << ", "
               << (report.precision.empty() ? "" : report.precision + ", ")
               << printBytes(fileBytes) << ", " << tables.kernels
               << " kernels, " << tables.launches.size()
               << " launches, weights " << printBytes(tables.weightBytes);
  if (auto arena = onnx::constantValue(tables.arena)) {
    llvm::outs() << ", arena " << printBytes(*arena);
    if (auto bound = onnx::constantValue(tables.arenaLowerBound))
      llvm::outs() << " (at least " << printBytes(*bound) << ")";
  }
  llvm::outs() << llvm::format(", %.2f s\n", report.total());
}

/// Null for what depends on sizes known at run time.
static llvm::json::Value constantOrNull(mlir::AffineExpr expr) {
  if (auto value = onnx::constantValue(expr))
    return *value;
  return nullptr;
}

static llvm::json::Object describeReport(const CompileReport &report) {
  llvm::json::Object seconds;
  for (const auto &[step, time] : report.seconds)
    seconds[step] = time;
  return llvm::json::Object{
      {"target", report.target},
      {"precision", printPrecision(report.precision)},
      {"compile_s", report.total()},
      {"seconds", std::move(seconds)},
      {"kernels", int64_t(report.tables.kernels)},
      {"launches", int64_t(report.tables.launches.size())},
      {"weight_bytes", int64_t(report.tables.weightBytes)},
      {"arena_bytes", constantOrNull(report.tables.arena)},
      {"arena_lower_bound_bytes",
       constantOrNull(report.tables.arenaLowerBound)},
      {"arena", report.tables.arena ? describeSize(report.tables.arena)
                                    : llvm::json::Value(nullptr)},
      {"arena_lower_bound", report.tables.arenaLowerBound
                                ? describeSize(report.tables.arenaLowerBound)
                                : llvm::json::Value(nullptr)}};
}

int ingot::compileCommand(const Options &options) {
  llvm::Expected<const Form *> form = chooseForm(options);
  if (!form)
    return report(form.takeError());
  std::string output = options.output;
  if (output.empty() && (*form)->isText)
    output = "-";
  else if (output.empty())
    output =
        llvm::sys::path::stem(options.subject).str() + (*form)->ending.str();
  if (llvm::Error error = checkOutput(options, output))
    return report(std::move(error));
  ModelCompiler compiler(options);
  if (int status = compiler.read())
    return status;
  if (int status = compiler.write(output, *parseEmit((*form)->name)))
    return status;
  bool isArtifact = !(*form)->isText && output != "-";
  uint64_t bytes = 0;
  if (isArtifact)
    llvm::sys::fs::file_size(output, bytes);
  if (isArtifact && !options.quiet && options.json != "-")
    printSummary(output, compiler.report(), bytes);
  if (options.json.empty())
    return 0;
  llvm::json::Object json = describeReport(compiler.report());
  json["output"] = output;
  if (isArtifact)
    json["file_bytes"] = int64_t(bytes);
  llvm::Error error = writeJson(options.json, std::move(json));
  return error ? report(std::move(error)) : 0;
}
