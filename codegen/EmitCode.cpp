//===- EmitCode.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/EmitCode.h"
#include "codegen/EmitDescriptor.h"
#include "codegen/Target.h"
#include "passes/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

#include <atomic>
#include <mutex>
#include <thread>

using namespace mlir;
using namespace ingot;

LogicalResult ingot::lowerToLLVM(ModuleOp module) {
  PassManager pm(module.getContext());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createExpandMath());
  pm.addPass(arith::createArithExpandOpsPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createUBToLLVMConversionPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  return pm.run(module);
}

/// What code for warps relies on: parameters that are read in place, and
/// instructions that threads meet at, which are not copied into branches.
static void keepTogether(llvm::Function &kernel) {
  for (llvm::Argument &argument : kernel.args())
    if (argument.hasByValAttr())
      argument.addAttr(
          llvm::Attribute::get(kernel.getContext(), "nvvm.grid_constant"));
  for (llvm::Instruction &inst : llvm::instructions(kernel))
    if (auto *call = llvm::dyn_cast<llvm::CallInst>(&inst))
      if (call->isInlineAsm())
        call->setConvergent();
}

/// Function attributes that make LLVM use the machine as described.
static void setMachineAttributes(llvm::Module &module,
                                 kernel::MachineAttr machine,
                                 llvm::StringRef features) {
  std::string bits = std::to_string(machine.getVectorBits());
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-features", features);
    function.addFnAttr(machine.hasWarps() ? "target-cpu" : "tune-cpu",
                       machine.getTune());
    function.addFnAttr("prefer-vector-width", bits);
    function.addFnAttr("min-legal-vector-width", bits);
    if (machine.hasWarps())
      keepTogether(function);
    // Loops must not become calls of libc.
    function.addFnAttr("no-builtins");
    function.addFnAttr(llvm::Attribute::NoUnwind);
  }
}

static std::unique_ptr<llvm::TargetMachine>
createTargetMachine(kernel::MachineAttr machine, llvm::StringRef features,
                    std::string &error) {
  llvm::Triple triple(machine.getTriple());
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  // Code for warps is for one architecture, other code for any processor with
  // the features.
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, machine.hasWarps() ? machine.getTune() : "", features, options,
      llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Default));
}

/// Kernels arrive vectorised; what is left is scalar clean-up and hoisting.
static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  tuning.LoopInterleaving = false;
  tuning.MergeFunctions = false;
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2)
      .run(module, modules);
}

/// The only lane that a constant mask lets through.
static std::optional<unsigned> onlyLane(const llvm::Value *mask) {
  auto *constant = llvm::dyn_cast<llvm::Constant>(mask);
  auto *type = llvm::dyn_cast<llvm::FixedVectorType>(mask->getType());
  if (!constant || !type)
    return std::nullopt;
  std::optional<unsigned> lane;
  for (unsigned i = 0; i < type->getNumElements(); ++i) {
    llvm::Constant *bit = constant->getAggregateElement(i);
    if (!bit || !llvm::isa<llvm::ConstantInt>(bit))
      return std::nullopt;
    if (bit->isNullValue())
      continue;
    if (lane)
      return std::nullopt;
    lane = i;
  }
  return lane;
}

/// Stores the only lane that a mask leaves by itself. LLVM 22 does so too for
/// x86, but writes 4 bytes where the vector was truncated to bytes.
static void storeSingleLanes(llvm::Module &module) {
  llvm::SmallVector<std::pair<llvm::IntrinsicInst *, unsigned>> stores;
  for (llvm::Function &function : module)
    for (llvm::Instruction &inst : llvm::instructions(function)) {
      auto *call = llvm::dyn_cast<llvm::IntrinsicInst>(&inst);
      if (!call || call->getIntrinsicID() != llvm::Intrinsic::masked_store)
        continue;
      if (std::optional<unsigned> lane = onlyLane(call->getArgOperand(2)))
        stores.push_back({call, *lane});
    }
  for (auto [call, lane] : stores) {
    llvm::IRBuilder<> b(call);
    llvm::Value *element = b.CreateExtractElement(call->getArgOperand(0), lane);
    llvm::Value *pointer = b.CreateConstInBoundsGEP1_64(
        element->getType(), call->getArgOperand(1), lane);
    unsigned bytes =
        module.getDataLayout().getTypeStoreSize(element->getType());
    llvm::Align align = call->getParamAlign(1).valueOrOne();
    b.CreateAlignedStore(element, pointer,
                         llvm::commonAlignment(align, lane * bytes));
    call->eraseFromParent();
  }
}

/// Compiles one part; `describe` adds what only the first part has.
static bool compilePart(ModuleOp part, kernel::MachineAttr machine,
                        llvm::StringRef features, CodeForm form,
                        llvm::function_ref<void(llvm::Module &)> describe,
                        llvm::SmallVector<char, 0> &out, std::string &error) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module =
      translateModuleToLLVMIR(part, context, "ingot");
  if (!module) {
    error = "LLVM IR could not be made";
    return false;
  }
  std::unique_ptr<llvm::TargetMachine> target =
      createTargetMachine(machine, features, error);
  if (!target)
    return false;
  module->setTargetTriple(target->getTargetTriple());
  module->setDataLayout(target->createDataLayout());
  describe(*module);
  setMachineAttributes(*module, machine, features);
  optimize(*module, *target);
  storeSingleLanes(*module);
  llvm::raw_svector_ostream os(out);
  if (form == CodeForm::LLVMIR) {
    module->print(os, nullptr);
    return true;
  }
  llvm::legacy::PassManager pm;
  auto type = form == CodeForm::Object ? llvm::CodeGenFileType::ObjectFile
                                       : llvm::CodeGenFileType::AssemblyFile;
  if (target->addPassesToEmitFile(pm, os, nullptr, type)) {
    error = "LLVM cannot emit this kind of file for the target";
    return false;
  }
  pm.run(*module);
  return true;
}

/// Moves kernels out of the module into parts of about equal size; the driver
/// stays, with declarations of the kernels.
static std::vector<OwningOpRef<ModuleOp>> split(ModuleOp module,
                                                unsigned parts) {
  std::vector<OwningOpRef<ModuleOp>> result;
  if (parts < 2)
    return result;
  std::vector<std::pair<int64_t, LLVM::LLVMFuncOp>> kernels;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    if (function.isExternal() || !function->hasAttr(workAttrName))
      continue;
    int64_t size = 0;
    function.walk([&](Operation *) { ++size; });
    kernels.push_back({size, function});
  }
  if (kernels.size() < 2)
    return result;
  llvm::stable_sort(kernels,
                    [](auto &a, auto &b) { return a.first > b.first; });
  std::vector<int64_t> load(parts, 0);
  OpBuilder b(module.getContext());
  for (unsigned i = 1; i < parts; ++i)
    result.push_back(ModuleOp::create(b, module.getLoc()));
  for (auto &[size, function] : kernels) {
    unsigned least = llvm::min_element(load) - load.begin();
    load[least] += size;
    if (least == 0)
      continue;
    b.setInsertionPoint(function);
    auto declaration = LLVM::LLVMFuncOp::create(
        b, function.getLoc(), function.getName(), function.getFunctionType());
    declaration.setVisibility_(LLVM::Visibility::Hidden);
    ModuleOp part = *result[least - 1];
    function->moveBefore(part.getBody(), part.getBody()->end());
    // Shared constants are needed wherever they are used; the linker keeps one.
    function.walk([&](LLVM::AddressOfOp address) {
      auto global =
          module.lookupSymbol<LLVM::GlobalOp>(address.getGlobalName());
      if (global && !part.lookupSymbol(address.getGlobalName())) {
        OpBuilder top = OpBuilder::atBlockBegin(part.getBody());
        top.clone(*global);
      }
    });
  }
  return result;
}

/// Makes LLVM's code generators available.
static void initializeTargets() {
  static std::once_flag initialized;
  std::call_once(initialized, [] {
    for (const auto &target : allTargets())
      target->initializeLLVM();
  });
}

/// Gives what targets of one artifact define each a name of its own.
static void renameForVariant(llvm::Module &module, unsigned index) {
  auto rename = [&](llvm::GlobalValue &value) {
    bool runtimes = value.getName().starts_with("ingot_rt_") ||
                    value.getName() == "ingot_weights" ||
                    value.getName() == "ingot_code_bytes" ||
                    value.getName() == "ingot_gpu_backend" ||
                    value.getName().starts_with("ingot_model_desc") ||
                    value.getName().starts_with("llvm.");
    if (!runtimes && !value.hasLocalLinkage())
      value.setName(value.getName() + "." + llvm::Twine(index));
  };
  if (index == 0)
    return;
  for (llvm::Function &function : module)
    rename(function);
  for (llvm::GlobalVariable &global : module.globals())
    rename(global);
}

/// The features of a machine with PTX of that version, or its own if that is
/// later.
static std::string featuresWithPtx(kernel::MachineAttr machine, int32_t ptx) {
  int32_t own = 0;
  if (machine.getFeatures()
          .drop_while([](char c) { return !llvm::isDigit(c); })
          .getAsInteger(10, own) ||
      own >= ptx)
    return machine.getFeatures().str();
  return "+ptx" + std::to_string(ptx);
}

FailureOr<DeviceImage> ingot::emitDeviceCode(ModuleOp module, CodeForm form) {
  initializeTargets();
  auto machine = module->getAttrOfType<kernel::MachineAttr>(machineAttrName);
  int32_t ptx = 0;
  OpBuilder b(module.getContext());
  OwningOpRef<ModuleOp> device = ModuleOp::create(b, module.getLoc());
  for (auto function :
       llvm::make_early_inc_range(module.getOps<LLVM::LLVMFuncOp>())) {
    if (!function->hasAttr(gridAttrName))
      continue;
    function->moveBefore(device->getBody(), device->getBody()->end());
    if (auto needed = function->getAttrOfType<IntegerAttr>(ptxAttrName))
      ptx = std::max<int32_t>(ptx, needed.getInt());
    for (StringRef name :
         {StringRef(gridAttrName), StringRef(workAttrName),
          StringRef(symbolsAttrName), StringRef(tensorMapsAttrName),
          StringRef(manyRowsAttrName), StringRef(ptxAttrName)})
      function->removeAttr(name);
    function.walk([&](LLVM::AddressOfOp address) {
      StringRef name = address.getGlobalName();
      auto global = module.lookupSymbol<LLVM::GlobalOp>(name);
      if (!global || device->lookupSymbol(name))
        return;
      auto copy = cast<LLVM::GlobalOp>(
          OpBuilder::atBlockBegin(device->getBody()).clone(*global));
      // Memory of the launch stays a declaration.
      auto array = dyn_cast<LLVM::LLVMArrayType>(copy.getGlobalType());
      if (array && array.getNumElements() == 0)
        return;
      copy.setLinkage(LLVM::Linkage::Internal);
      copy.setVisibility_(LLVM::Visibility::Default);
    });
  }
  llvm::SmallVector<char, 0> buffer;
  std::string error;
  if (!compilePart(
          *device, machine, featuresWithPtx(machine, ptx), form,
          [](llvm::Module &) {}, buffer, error))
    return module.emitError("[IG4006] code generation failed: ") << error;
  DeviceImage image;
  image.driver = deviceLimits(machine)->driver;
  // CUDA 12.n came with PTX 8.n.
  if (ptx)
    image.driver = std::max(image.driver, 12000 + ptx % 10 * 10);
  image.bytes.assign(buffer.begin(), buffer.end());
  return image;
}

FailureOr<std::vector<llvm::SmallVector<char, 0>>>
ingot::emitCode(ModuleOp module, const ModelTables &tables,
                const ModelIdentity &identity, const Variant &variant,
                CodeForm form, unsigned numParts, unsigned threads) {
  initializeTargets();
  auto machine = module->getAttrOfType<kernel::MachineAttr>(machineAttrName);
  module->removeAttr(machineAttrName);
  for (auto function : module.getOps<LLVM::LLVMFuncOp>())
    function->removeAttr(symbolsAttrName);
  std::vector<OwningOpRef<ModuleOp>> others = split(module, numParts);
  std::vector<ModuleOp> parts{module};
  for (auto &other : others)
    parts.push_back(*other);
  for (ModuleOp part : parts)
    for (auto function : part.getOps<LLVM::LLVMFuncOp>())
      function->removeAttr(workAttrName);

  std::vector<llvm::SmallVector<char, 0>> buffers(parts.size());
  std::vector<std::string> errors(parts.size());
  std::vector<std::thread> workers;
  std::atomic<size_t> next = 0;
  kernel::MachineAttr processor = machine.hasWarps() ? variant.host : machine;
  auto compile = [&] {
    for (size_t i = next++; i < parts.size(); i = next++)
      compilePart(
          parts[i], processor, processor.getFeatures(), form,
          [&](llvm::Module &llvmModule) {
            if (i == 0)
              emitDescriptor(llvmModule, tables, identity, machine, variant);
            renameForVariant(llvmModule, variant.index);
          },
          buffers[i], errors[i]);
  };
  for (size_t i = 1; i < std::min<size_t>(parts.size(), threads); ++i)
    workers.emplace_back(compile);
  compile();
  for (std::thread &worker : workers)
    worker.join();
  for (const std::string &error : errors)
    if (!error.empty())
      return module.emitError("[IG4006] code generation failed: ") << error;
  return buffers;
}
