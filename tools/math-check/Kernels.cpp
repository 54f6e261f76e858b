//===- Kernels.cpp - the functions as machine code ------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/math-check/Kernels.h"

#include "codegen/math/ExpandMath.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/SubtargetFeature.h"

using namespace mlir;

namespace mathcheck {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static std::string replaceAll(std::string text, StringRef from, StringRef to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos;
       at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

/// The type of the kernels' shape and that element type.
static std::string typeName(const CodeOptions &options, StringRef element) {
  if (options.width == 0)
    return element.str();
  return ("vector<" + Twine(options.width) + "x" + element + ">").str();
}

/// A loop over arrays around the body of one function.
static std::string kernelText(const Function &f, const CodeOptions &options) {
  std::string element = options.isF64 ? "f64" : "f32";
  std::string type = typeName(options, element);
  std::string body = replaceAll(f.body, "$T", type);
  body = replaceAll(body, "$I", typeName(options, "i32"));
  body = replaceAll(body, "$B", typeName(options, "bf16"));
  body = replaceAll(body, "$H", typeName(options, "f16"));
  if (options.width == 0)
    body = replaceAll(replaceAll(body, "dense<", ""), "> :", " :");
  auto load = [&](StringRef name) {
    return ("%p" + name + " = llvm.getelementptr %in" + name +
            "[%i] : (!llvm.ptr, i64) -> !llvm.ptr, " + element + "\n%" + name +
            " = llvm.load %p" + name +
            " {alignment = 4 : i64} : !llvm.ptr -> " + type + "\n")
        .str();
  };
  unsigned step = std::max(options.width, 1u);
  return ("func.func @\"check_" + Twine(f.name) +
          "\"(%inx: !llvm.ptr, %iny: !llvm.ptr, %out: !llvm.ptr, %count: i64) "
          "{\n"
          "%from = arith.constant 0 : i64\n"
          "%step = arith.constant " +
          Twine(step) +
          " : i64\n"
          "scf.for %i = %from to %count step %step : i64 {\n" +
          load("x") + (f.arity == 2 ? load("y") : "") + body +
          "\n%pr = llvm.getelementptr %out[%i] : (!llvm.ptr, i64) -> "
          "!llvm.ptr, " +
          element + "\nllvm.store %r, %pr {alignment = 4 : i64} : " + type +
          ", !llvm.ptr\n}\nreturn\n}\n")
      .str();
}

/// The kernels with their math expanded.
static OwningOpRef<ModuleOp> buildModule(MLIRContext &context,
                                         ArrayRef<Function> functions,
                                         const CodeOptions &options) {
  context.loadDialect<arith::ArithDialect, cf::ControlFlowDialect,
                      func::FuncDialect, LLVM::LLVMDialect, math::MathDialect,
                      scf::SCFDialect, vector::VectorDialect>();
  std::string text;
  for (const Function &f : functions)
    text += kernelText(f, options);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  if (module)
    ingot::expandMath(*module);
  return module;
}

llvm::Expected<std::string> printKernels(ArrayRef<Function> functions,
                                         const CodeOptions &options) {
  MLIRContext context;
  OwningOpRef<ModuleOp> module = buildModule(context, functions, options);
  if (!module)
    return failure("the kernels do not parse");
  std::string text;
  llvm::raw_string_ostream(text) << *module;
  return text;
}

static std::unique_ptr<llvm::TargetMachine>
createTargetMachine(const CodeOptions &options) {
  llvm::InitializeAllTargetInfos();
  llvm::InitializeAllTargets();
  llvm::InitializeAllTargetMCs();
  llvm::InitializeAllAsmPrinters();
  std::string error;
  llvm::Triple triple(options.triple);
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, options.cpu, options.features, llvm::TargetOptions(),
      llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Default));
}

static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2)
      .run(module, modules);
}

/// LLVM IR for the kernels, optimized as that of a model.
static llvm::Expected<std::unique_ptr<llvm::Module>>
buildLlvm(llvm::LLVMContext &llvmContext, ArrayRef<Function> functions,
          const CodeOptions &options, llvm::TargetMachine &machine) {
  MLIRContext context;
  DialectRegistry registry;
  registerAllToLLVMIRTranslations(registry);
  context.appendDialectRegistry(registry);
  OwningOpRef<ModuleOp> module = buildModule(context, functions, options);
  if (!module)
    return failure("the kernels do not parse");
  PassManager passes(&context);
  passes.addPass(createConvertVectorToLLVMPass());
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createConvertFuncToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  if (failed(passes.run(*module)))
    return failure("the kernels do not lower to LLVM");
  std::unique_ptr<llvm::Module> llvmModule =
      translateModuleToLLVMIR(*module, llvmContext);
  if (!llvmModule)
    return failure("the kernels do not translate to LLVM IR");
  llvmModule->setTargetTriple(machine.getTargetTriple());
  llvmModule->setDataLayout(machine.createDataLayout());
  for (llvm::Function &function : *llvmModule)
    if (!function.isDeclaration()) {
      function.addFnAttr("target-cpu", options.cpu);
      function.addFnAttr("target-features", options.features);
    }
  optimize(*llvmModule, machine);
  return llvmModule;
}

/// A table of the kernels in the order of `functions`, for a driver in C.
static void addKernelTable(llvm::Module &module, ArrayRef<Function> functions) {
  SmallVector<llvm::Constant *> kernels;
  for (const Function &f : functions)
    kernels.push_back(module.getFunction(std::string("check_") + f.name));
  auto *type = llvm::ArrayType::get(
      llvm::PointerType::getUnqual(module.getContext()), kernels.size());
  new llvm::GlobalVariable(module, type, /*isConstant=*/true,
                           llvm::GlobalValue::ExternalLinkage,
                           llvm::ConstantArray::get(type, kernels), "kernels");
}

llvm::Error emitObject(ArrayRef<Function> functions, const CodeOptions &options,
                       StringRef path) {
  std::unique_ptr<llvm::TargetMachine> machine = createTargetMachine(options);
  if (!machine)
    return failure("no target for triple " + options.triple);
  llvm::LLVMContext context;
  auto module = buildLlvm(context, functions, options, *machine);
  if (!module)
    return module.takeError();
  addKernelTable(**module, functions);
  std::error_code error;
  llvm::raw_fd_ostream file(path, error);
  if (error)
    return llvm::errorCodeToError(error);
  bool assembly = path.ends_with(".s");
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, file, nullptr,
                                   assembly
                                       ? llvm::CodeGenFileType::AssemblyFile
                                       : llvm::CodeGenFileType::ObjectFile))
    return failure("the target cannot emit an object");
  passes.run(**module);
  return llvm::Error::success();
}

llvm::Expected<JitKernels> JitKernels::create(ArrayRef<Function> functions,
                                              const CodeOptions &options) {
  std::unique_ptr<llvm::TargetMachine> machine = createTargetMachine(options);
  if (!machine)
    return failure("no target for triple " + options.triple);
  auto context = std::make_unique<llvm::LLVMContext>();
  auto module = buildLlvm(*context, functions, options, *machine);
  if (!module)
    return module.takeError();
  llvm::orc::JITTargetMachineBuilder builder{llvm::Triple(options.triple)};
  builder.setCPU(options.cpu);
  builder.addFeatures(llvm::SubtargetFeatures(options.features).getFeatures());
  auto jit = llvm::orc::LLJITBuilder()
                 .setJITTargetMachineBuilder(std::move(builder))
                 .setLinkProcessSymbolsByDefault(false)
                 .setPlatformSetUp(llvm::orc::setUpInactivePlatform)
                 .create();
  if (!jit)
    return jit.takeError();
  if (llvm::Error error = (*jit)->addIRModule(
          llvm::orc::ThreadSafeModule(std::move(*module), std::move(context))))
    return std::move(error);
  return JitKernels(std::move(*jit));
}

llvm::Expected<Kernel> JitKernels::find(StringRef function) {
  auto address = jit->lookup(("check_" + function).str());
  if (!address)
    return address.takeError();
  return address->toPtr<Kernel>();
}

} // namespace mathcheck
