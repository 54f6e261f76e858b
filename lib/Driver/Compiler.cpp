//===- Compiler.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Driver/Compiler.h"

#include "codegen/EmitCode.h"
#include "codegen/Target.h"
#include "dialects/ingot/Ingot.h"
#include "lib/Diagnostics/Codes.h"
#include "lib/Driver/LinkModel.h"
#include "lib/Driver/Phases.h"
#include "lib/Import/Import.h"
#include "passes/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <thread>

using namespace mlir;
using namespace ingot;

std::optional<Emit> ingot::parseEmit(StringRef name) {
  return llvm::StringSwitch<std::optional<Emit>>(name)
      .Case("onnx", Emit::Onnx)
      .Case("graph", Emit::Graph)
      .Case("tensor", Emit::Tensor)
      .Case("kernel", Emit::Kernel)
      .Case("memory", Emit::Memory)
      .Case("loops", Emit::Loops)
      .Case("llvm", Emit::LlvmIr)
      .Case("asm", Emit::Assembly)
      .Case("obj", Emit::Object)
      .Case("a", Emit::Static)
      .Case("so", Emit::Shared)
      .Default(std::nullopt);
}

std::unique_ptr<MLIRContext> ingot::createContext() {
  DialectRegistry registry;
  registry.insert<heavy::IngotDialect, onnx::OnnxDialect, kernel::KernelDialect,
                  arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect,
                  LLVM::LLVMDialect, math::MathDialect, scf::SCFDialect,
                  tensor::TensorDialect, vector::VectorDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  auto context = std::make_unique<MLIRContext>(registry);
  context->loadAllAvailableDialects();
  return context;
}

OwningOpRef<ModuleOp> ingot::readModel(StringRef path,
                                       const CompileOptions &options,
                                       MLIRContext *context) {
  if (path.ends_with(".mlir") || path.ends_with(".mlirbc"))
    return parseSourceFile<ModuleOp>(path, context);
  ImportOptions import;
  for (const std::string &shape : options.shapes)
    if (!parseShapeOption(shape, import)) {
      emitError(UnknownLoc::get(context))
          << tag(Code::MalformedShape) << "malformed shape " << quoted(shape);
      return {};
    }
  auto module = importModel(path, *context, import);
  return succeeded(module) ? std::move(*module) : OwningOpRef<ModuleOp>();
}

namespace {
/// Times steps and announces them.
class Steps {
public:
  Steps(const CompileOptions &options, CompileReport &report)
      : options(options), report(report) {}
  ~Steps() { finish(); }
  void begin(StringRef name) {
    finish();
    current = name.str();
    start = Clock::now();
    if (options.progress)
      options.progress(name);
  }

private:
  using Clock = std::chrono::steady_clock;
  void finish() {
    if (!current.empty())
      report.seconds.push_back(
          {current,
           std::chrono::duration<double>(Clock::now() - start).count()});
    current.clear();
  }
  const CompileOptions &options;
  CompileReport &report;
  std::string current;
  Clock::time_point start;
};
} // namespace

static LogicalResult writeText(ModuleOp module, StringRef output) {
  std::string text;
  llvm::raw_string_ostream os(text);
  OpPrintingFlags flags;
  flags.elideLargeElementsAttrs(32).elideLargeResourceString(32);
  module->print(os, flags);
  if (output == "-") {
    llvm::outs() << text << "\n";
    return success();
  }
  if (llvm::Error error = writeWhole(output, text))
    return module.emitError("[IG5001] ") << llvm::toString(std::move(error));
  return success();
}

/// Hex digest of what the artifact is made from: the module after the memory
/// phase with its constants, the machine and the version.
static std::string contentHash(ModuleOp module, const ModelTables &tables,
                               kernel::MachineAttr machine) {
  llvm::SHA256 hash;
  std::string text;
  llvm::raw_string_ostream os(text);
  os << INGOT_VERSION << '\n' << machine << '\n';
  OpPrintingFlags flags;
  // In local scope the weights are named, not printed.
  flags.elideLargeElementsAttrs(32).useLocalScope();
  module->print(os, flags);
  hash.update(text);
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}

LogicalResult ingot::compile(ModuleOp module, StringRef inputPath,
                             StringRef output, const CompileOptions &options,
                             CompileReport &report) {
  MLIRContext *context = module.getContext();
  Steps steps(options, report);
  std::string error;
  kernel::MachineAttr machine =
      resolveMachine(options.target, options.cpu, context, error);
  if (!machine)
    return module.emitError("[IG6001] ") << error;
  report.target = machine.getTarget().str();
  module->setAttr(machineAttrName, machine);
  if (options.emit == Emit::Onnx)
    return writeText(module, output);

  constexpr Emit stops[] = {Emit::Graph, Emit::Tensor, Emit::Kernel,
                            Emit::Memory};
  for (auto [phase, stop] : llvm::zip(allPhases(), stops)) {
    steps.begin(phase.name);
    PassManager pm(context);
    phase.addPasses(pm);
    if (failed(pm.run(module)))
      return failure();
    if (options.emit == stop)
      return writeText(module, output);
  }

  steps.begin("loops");
  ModelIdentity identity{llvm::sys::path::stem(inputPath).str(), INGOT_VERSION,
                         contentHash(module, report.tables, machine)};
  if (failed(emitKernels(module)) || failed(emitDriver(module, report.tables)))
    return failure();
  if (options.emit == Emit::Loops)
    return writeText(module, output);
  if (failed(lowerToLLVM(module)))
    return module.emitError("[IG4006] kernels could not be lowered");

  steps.begin("code");
  CodeForm form = options.emit == Emit::LlvmIr     ? CodeForm::LLVMIR
                  : options.emit == Emit::Assembly ? CodeForm::Assembly
                                                   : CodeForm::Object;
  unsigned threads = options.threads
                         ? options.threads
                         : std::max(1u, std::thread::hardware_concurrency());
  // Text and single objects come in one piece.
  if (form != CodeForm::Object || options.emit == Emit::Object)
    threads = 1;
  // The number of parts must not change the artifact's bytes.
  else
    threads = 4;
  auto parts = emitCode(module, report.tables, identity, form, threads);
  if (failed(parts))
    return failure();

  steps.begin("link");
  LinkInput input{machine.getTriple().str(), std::move(*parts), &report.tables};
  llvm::Error written = llvm::Error::success();
  if (options.emit == Emit::Shared) {
    written = linkShared(input, output);
  } else if (options.emit == Emit::Static) {
    written = writeStatic(input, output);
  } else if (output == "-") {
    llvm::outs().write(input.objects[0].data(), input.objects[0].size());
  } else {
    written = writeWhole(output, input.objects[0]);
  }
  if (written)
    return module.emitError("[IG5001] ") << llvm::toString(std::move(written));
  return success();
}
