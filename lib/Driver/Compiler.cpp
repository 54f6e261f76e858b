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
#include "lib/Driver/NodeTracker.h"
#include "lib/Driver/OutputFile.h"
#include "lib/Driver/Phases.h"
#include "lib/Driver/WeightsObject.h"
#include "lib/Import/Import.h"
#include "passes/Passes.h"
#include "passes/Precision.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/BLAKE3.h"
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
                                       MLIRContext *context,
                                       ImportReport *report) {
  if (path.ends_with(".mlir") || path.ends_with(".mlirbc"))
    return parseSourceFile<ModuleOp>(path, context);
  ImportOptions import;
  import.report = report;
  import.allowHardLinks = options.allowHardLinks;
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

/// For readers, or for a digest: then weights are named, not printed.
static std::string printModule(ModuleOp module, bool forDigest = false) {
  std::string text;
  llvm::raw_string_ostream os(text);
  OpPrintingFlags flags;
  flags.elideLargeElementsAttrs(32);
  if (forDigest)
    flags.useLocalScope();
  else
    flags.elideLargeResourceString(32);
  module->print(os, flags);
  os << '\n';
  return text;
}

static LogicalResult writeText(ModuleOp module, StringRef output) {
  if (llvm::Error error = writeWhole(output, printModule(module)))
    return module.emitError(llvm::toString(std::move(error)));
  return success();
}

/// Hex digest of what the artifact is made from: the module after the memory
/// phase, the bytes of all weights, the machine and the version.
static std::string contentHash(StringRef planned, const ModelTables &tables,
                               kernel::MachineAttr machine) {
  llvm::BLAKE3 hash;
  std::string text;
  llvm::raw_string_ostream(text) << INGOT_VERSION << '\n' << machine << '\n';
  hash.update(text);
  hash.update(planned);
  for (const ModelWeight &weight : tables.weights)
    llvm::consumeError(
        writeElements(weight.value, [&](llvm::ArrayRef<char> bytes) {
          hash.update(StringRef(bytes.data(), bytes.size()));
          return llvm::Error::success();
        }));
  return llvm::toHex(hash.final<16>(), /*LowerCase=*/true);
}

namespace {
/// How far a module came.
enum class Reached { Failure, Asked, Kernels };
} // namespace

/// Passes that can explain themselves have an option for it.
static void enableRemarks(PassManager &pm) {
  auto ignore = [](const Twine &) { return failure(); };
  for (Pass &pass : pm.getPasses())
    (void)pass.initializeOptions("remarks=true", ignore);
  pm.addInstrumentation(std::make_unique<NodeTracker>());
}

/// The phases, then the emitters. Stops with `Asked` when the form that the
/// options ask for has been written to `output` on the way.
static Reached lower(ModuleOp module, StringRef output,
                     const CompileOptions &options, CompileReport &report,
                     Steps &steps) {
  auto asked = [&] {
    return succeeded(writeText(module, output)) ? Reached::Asked
                                                : Reached::Failure;
  };
  std::string error;
  kernel::MachineAttr machine =
      resolveMachine(options.target, options.cpu, module.getContext(), error);
  if (!machine) {
    module.emitError("[IG6001] ") << error;
    return Reached::Failure;
  }
  report.target = machine.getTarget().str();
  module->setAttr(machineAttrName, machine);
  if (options.precision != "f32")
    module->setAttr(precisionAttrName,
                    StringAttr::get(module.getContext(), options.precision));
  if (options.emit == Emit::Onnx)
    return asked();

  constexpr Emit stops[] = {Emit::Graph, Emit::Tensor, Emit::Kernel,
                            Emit::Memory};
  for (auto [phase, stop] : llvm::zip(allPhases(), stops)) {
    steps.begin(phase.name);
    PassManager pm(module.getContext());
    phase.addPasses(pm);
    if (options.remarks)
      enableRemarks(pm);
    if (failed(pm.run(module)))
      return Reached::Failure;
    if (options.emit == stop)
      return asked();
    if (stop == Emit::Graph && options.afterGraph &&
        failed(options.afterGraph(module)))
      return Reached::Failure;
  }

  if (auto precision = module->getAttrOfType<StringAttr>(precisionAttrName))
    report.precision = precision.getValue().str();
  steps.begin("loops");
  std::string planned = printModule(module, /*forDigest=*/true);
  if (failed(emitKernels(module)) || failed(emitDriver(module, report.tables)))
    return Reached::Failure;
  report.contentHash = contentHash(planned, report.tables, machine);
  return options.emit == Emit::Loops ? asked() : Reached::Kernels;
}

LogicalResult ingot::lowerToKernels(ModuleOp module,
                                    const CompileOptions &options,
                                    CompileReport &report) {
  Steps steps(options, report);
  return success(lower(module, "", options, report, steps) == Reached::Kernels);
}

LogicalResult ingot::compile(ModuleOp module, StringRef name, StringRef output,
                             const CompileOptions &options,
                             CompileReport &report) {
  Steps steps(options, report);
  Reached reached = lower(module, output, options, report, steps);
  if (reached != Reached::Kernels)
    return success(reached == Reached::Asked);
  if (failed(lowerToLLVM(module)))
    return module.emitError("[IG4006] kernels could not be lowered");

  steps.begin("code");
  auto machine = module->getAttrOfType<kernel::MachineAttr>(machineAttrName);
  bool isText = options.emit == Emit::LlvmIr || options.emit == Emit::Assembly;
  CodeForm form = options.emit == Emit::LlvmIr     ? CodeForm::LLVMIR
                  : options.emit == Emit::Assembly ? CodeForm::Assembly
                                                   : CodeForm::Object;
  // Text comes in one piece. The number of parts is fixed, since it changes
  // the artifact's bytes, as the number of threads must not.
  unsigned parts = isText ? 1 : 4;
  unsigned threads = options.threads
                         ? options.threads
                         : std::max(1u, std::thread::hardware_concurrency());
  ModelIdentity identity{name.empty() ? "model" : name.str(), INGOT_VERSION,
                         report.contentHash, report.precision};
  auto objects =
      emitCode(module, report.tables, identity, form, parts, threads);
  if (failed(objects))
    return failure();

  steps.begin("link");
  LinkInput input{machine.getTriple().str(), std::move(*objects),
                  &report.tables};
  llvm::Error written = llvm::Error::success();
  if (isText)
    written = writeWhole(output, input.objects[0]);
  else if (options.emit == Emit::Shared)
    written = linkShared(input, output);
  else
    written = linkStatic(input, output, options.emit == Emit::Static);
  if (written)
    return module.emitError(llvm::toString(std::move(written)));
  return success();
}
