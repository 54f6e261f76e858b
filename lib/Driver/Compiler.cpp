//===- Compiler.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Driver/Compiler.h"

#include "codegen/EmitCode.h"
#include "codegen/Fp32Products.h"
#include "codegen/Target.h"
#include "dialects/ingot/Ingot.h"
#include "lib/Diagnostics/Codes.h"
#include "lib/Driver/LinkModel.h"
#include "lib/Driver/NodeTracker.h"
#include "lib/Driver/OutputFile.h"
#include "lib/Driver/Phases.h"
#include "lib/Driver/Ptxas.h"
#include "lib/Driver/WeightsObject.h"
#include "lib/Import/Import.h"
#include "lib/Runtime/ModelAbi.h"
#include "passes/Float8Cores.h"
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
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

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
      .Cases({"loops", "mlir"}, Emit::Loops)
      .Case("llvm", Emit::LlvmIr)
      .Case("asm", Emit::Assembly)
      .Case("ptx", Emit::Ptx)
      .Case("cubin", Emit::Cubin)
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
static Reached lower(ModuleOp module, kernel::MachineAttr machine,
                     StringRef output, const CompileOptions &options,
                     CompileReport &report, Steps &steps) {
  auto asked = [&] {
    return succeeded(writeText(module, output)) ? Reached::Asked
                                                : Reached::Failure;
  };
  module->setAttr(machineAttrName, machine);
  std::optional<DeviceLimits> limits = deviceLimits(machine);
  if (limits && limits->multipliesFloat8())
    module->setAttr(float8CoresAttrName, UnitAttr::get(module.getContext()));
  if (failed(setFp32Products(module, options.fp32Products)))
    return Reached::Failure;
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
  if (std::string products = describeFp32Products(module); !products.empty())
    report.precision +=
        (report.precision.empty() ? "" : ", ") + std::move(products);
  steps.begin("loops");
  std::string planned = printModule(module, /*forDigest=*/true);
  if (options.remarks)
    explainFp32Products(module);
  if (failed(emitKernels(module, options.remarks)) ||
      failed(emitDriver(module, report.tables)))
    return Reached::Failure;
  report.contentHash = contentHash(planned, report.tables, machine);
  return options.emit == Emit::Loops ? asked() : Reached::Kernels;
}

/// The machines of --target, which lists one or several, in the order of
/// preference: devices before processors, those for one capability alone before
/// others, later ones first, and else as they were given.
static LogicalResult
resolveTargets(ModuleOp module, const CompileOptions &options,
               SmallVector<kernel::MachineAttr> &machines) {
  SmallVector<StringRef> specs;
  StringRef(options.target).split(specs, ',');
  StringRef processor;
  for (StringRef spec : specs) {
    std::string error;
    kernel::MachineAttr machine =
        resolveMachine(spec.trim(), options.cpu, module.getContext(), error);
    if (!machine)
      return module.emitError("[IG6001] ") << error;
    if (llvm::is_contained(machines, machine))
      return module.emitError("[IG6001] target '")
             << spec << "' is listed twice";
    if (!machine.hasWarps()) {
      if (!processor.empty() && processor != machine.getTriple())
        return module.emitError("[IG6001] one file holds code for one kind of "
                                "processor; '")
               << spec << "' is another than " << processor;
      processor = machine.getTriple();
    }
    machines.push_back(machine);
  }
  auto rank = [](kernel::MachineAttr machine) {
    std::optional<DeviceLimits> limits = deviceLimits(machine);
    return limits ? std::pair(limits->capability, limits->exact)
                  : std::pair(-1, false);
  };
  llvm::stable_sort(machines,
                    [&](auto a, auto b) { return rank(a) > rank(b); });
  return success();
}

/// The processor that starts the kernels of devices: the one of the processors
/// listed, or else of this machine, in its least form.
static kernel::MachineAttr hostOf(ArrayRef<kernel::MachineAttr> machines) {
  MLIRContext *context = machines.front().getContext();
  for (kernel::MachineAttr machine : machines)
    if (!machine.hasWarps())
      return leastMachine(llvm::Triple(machine.getTriple()).getArchName(),
                          context);
  return leastMachine(llvm::Triple(llvm::sys::getProcessTriple()).getArchName(),
                      context);
}

LogicalResult ingot::lowerToKernels(ModuleOp module,
                                    const CompileOptions &options,
                                    CompileReport &report) {
  Steps steps(options, report);
  SmallVector<kernel::MachineAttr> machines;
  if (failed(resolveTargets(module, options, machines)))
    return failure();
  report.target = machines.front().getTarget().str();
  return success(lower(module, machines.front(), "", options, report, steps) ==
                 Reached::Kernels);
}

namespace {
/// Compiles a module for one target after another.
class VariantCompiler {
public:
  VariantCompiler(StringRef name, StringRef output,
                  const CompileOptions &options, CompileReport &report)
      : name(name), output(output), options(options), report(report),
        steps(options, report) {}

  LogicalResult compile(ModuleOp module);

private:
  /// Adds the objects of one target; `done` if what was asked for is written.
  LogicalResult compileFor(ModuleOp module, kernel::MachineAttr machine,
                           Variant &variant, bool &done);
  LogicalResult compileDevice(ModuleOp module, kernel::MachineAttr machine,
                              Variant &variant, bool &done);
  LogicalResult writeCode(ModuleOp module, StringRef text);
  bool isText() const {
    return options.emit == Emit::LlvmIr || options.emit == Emit::Assembly ||
           options.emit == Emit::Ptx;
  }
  CodeForm form() const {
    if (options.emit == Emit::LlvmIr)
      return CodeForm::LLVMIR;
    return isText() ? CodeForm::Assembly : CodeForm::Object;
  }

  StringRef name, output;
  const CompileOptions &options;
  CompileReport &report;
  Steps steps;
  LinkInput input;
  /// Those of the target compiled last, with the weights of all before.
  ModelTables tables;
};
} // namespace

LogicalResult VariantCompiler::writeCode(ModuleOp module, StringRef text) {
  if (llvm::Error error = writeWhole(output, {text.data(), text.size()}))
    return module.emitError(llvm::toString(std::move(error)));
  return success();
}

/// The kernels of a machine with warps, as PTX and, with NVIDIA's assembler, as
/// machine code.
LogicalResult VariantCompiler::compileDevice(ModuleOp module,
                                             kernel::MachineAttr machine,
                                             Variant &variant, bool &done) {
  FailureOr<DeviceImage> code =
      emitDeviceCode(module, isText() ? form() : CodeForm::Assembly);
  if (failed(code))
    return failure();
  done = isText() || options.emit == Emit::Cubin;
  if (isText())
    return writeCode(module, code->bytes);
  auto ptxas = findPtxas(options.ptxas);
  if (!ptxas)
    return module.emitError("[IG6004] --ptxas: ")
           << llvm::toString(ptxas.takeError());
  if (*ptxas) {
    steps.begin("ptxas");
    auto cubin = assemble(**ptxas, code->bytes, machine.getTarget());
    if (!cubin)
      return module.emitError("[IG4006] code generation failed: ")
             << llvm::toString(cubin.takeError());
    if (done)
      return writeCode(module, *cubin);
    constexpr int32_t minorVersions = 1000;
    variant.images.push_back({INGOT_GPU_CUBIN,
                              (*ptxas)->version / minorVersions * minorVersions,
                              std::move(*cubin)});
    steps.begin("code");
  } else if (done) {
    return module.emitError("[IG6001] --emit=cubin needs NVIDIA's ptxas; none "
                            "was found on the PATH or below /usr/local/cuda");
  }
  code->kind = INGOT_GPU_PTX;
  variant.images.push_back(std::move(*code));
  return success();
}

LogicalResult VariantCompiler::compileFor(ModuleOp module,
                                          kernel::MachineAttr machine,
                                          Variant &variant, bool &done) {
  // Targets of one artifact share the weights they have in common.
  CompileReport own;
  own.tables.weights = tables.weights;
  own.tables.weightBytes = tables.weightBytes;
  own.tables.weightsByHash = tables.weightsByHash;
  Reached reached = lower(module, machine, output, options, own, steps);
  done = reached == Reached::Asked;
  if (reached != Reached::Kernels)
    return success(done);
  tables = own.tables;
  if (variant.index == 0) {
    report.tables = own.tables;
    report.precision = own.precision;
    report.contentHash = own.contentHash;
  }
  if (failed(lowerToLLVM(module)))
    return module.emitError("[IG4006] kernels could not be lowered");

  steps.begin("code");
  if (machine.hasWarps() &&
      failed(compileDevice(module, machine, variant, done)))
    return failure();
  if (done)
    return success();
  // Text comes in one piece. The number of parts is fixed, since it changes
  // the artifact's bytes, as the number of threads must not.
  unsigned parts = isText() || machine.hasWarps() ? 1 : 4;
  unsigned threads = options.threads
                         ? options.threads
                         : std::max(1u, std::thread::hardware_concurrency());
  ModelIdentity identity{name.empty() ? "model" : name.str(), INGOT_VERSION,
                         own.contentHash, own.precision};
  auto objects =
      emitCode(module, tables, identity, variant, form(), parts, threads);
  if (failed(objects))
    return failure();
  if (isText()) {
    done = true;
    return writeCode(
        module, StringRef(objects->front().data(), objects->front().size()));
  }
  llvm::append_range(input.objects, std::move(*objects));
  return success();
}

LogicalResult VariantCompiler::compile(ModuleOp module) {
  SmallVector<kernel::MachineAttr> machines;
  if (failed(resolveTargets(module, options, machines)))
    return failure();
  bool whole = options.emit == Emit::Shared || options.emit == Emit::Static ||
               options.emit == Emit::Object;
  if (machines.size() > 1 && !whole)
    return module.emitError("[IG6001] only --emit=so, a and obj take several "
                            "targets");
  if ((options.emit == Emit::Ptx || options.emit == Emit::Cubin) &&
      !machines.front().hasWarps())
    return module.emitError(
        "[IG6001] ptx and cubin are the code of a GPU; name one "
        "with --target");
  Variant variant;
  bool devices = machines.front().hasWarps();
  if (devices)
    variant.host = hostOf(machines);
  if (devices && !variant.host)
    return module.emitError("[IG6001] no code can be generated for this "
                            "processor, which would start the device's");
  for (auto [i, machine] : llvm::enumerate(machines)) {
    report.target += (i ? "," : "") + machine.getTarget().str();
    variant.index = i;
    variant.last = i + 1 == machines.size();
    variant.images.clear();
    OwningOpRef<ModuleOp> copy;
    if (!variant.last)
      copy = module.clone();
    bool done = false;
    if (failed(compileFor(copy ? *copy : module, machine, variant, done)))
      return failure();
    if (done)
      return success();
  }
  steps.begin("link");
  input.triple = (devices ? variant.host : machines.front()).getTriple().str();
  input.tables = &tables;
  llvm::Error written =
      options.emit == Emit::Shared
          ? linkShared(input, output)
          : linkStatic(input, output, options.emit == Emit::Static);
  if (written)
    return module.emitError(llvm::toString(std::move(written)));
  return success();
}

LogicalResult ingot::compile(ModuleOp module, StringRef name, StringRef output,
                             const CompileOptions &options,
                             CompileReport &report) {
  return VariantCompiler(name, output, options, report).compile(module);
}
