//===- EmitDescriptor.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/EmitDescriptor.h"
#include "codegen/Target.h"

#include "dialects/onnx/Dims.h"
#include "dialects/onnx/ElementTypes.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace ingot;
using llvm::Constant;

/// TensorProto.DataType of an element type; 0 for types ONNX has not.
int32_t ingot::onnxDataType(mlir::Type type) {
  return int32_t(onnx::dataTypeOf(type).value_or(0));
}

namespace {
/// Lays out the structures of lib/Runtime/ModelAbi.h as constants.
class DescriptorBuilder {
public:
  explicit DescriptorBuilder(llvm::Module &module)
      : module(module), ctx(module.getContext()),
        pointer(llvm::PointerType::get(ctx, 0)),
        i32(llvm::Type::getInt32Ty(ctx)), i64(llvm::Type::getInt64Ty(ctx)) {}

  void build(const ModelTables &tables, const ModelIdentity &identity,
             kernel::MachineAttr machine, const Variant &variant);

private:
  Constant *text(llvm::StringRef value) {
    Constant *data = llvm::ConstantDataArray::getString(ctx, value);
    return global(data);
  }
  Constant *global(Constant *data) {
    auto *g = new llvm::GlobalVariable(module, data->getType(), true,
                                       llvm::GlobalValue::PrivateLinkage, data);
    g->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return g;
  }
  Constant *array(llvm::ArrayRef<Constant *> elements) {
    if (elements.empty())
      return llvm::ConstantPointerNull::get(pointer);
    auto *type = llvm::ArrayType::get(elements[0]->getType(), elements.size());
    return global(llvm::ConstantArray::get(type, elements));
  }
  Constant *number(llvm::Type *type, uint64_t v) {
    return llvm::ConstantInt::get(type, v, /*IsSigned=*/true);
  }
  Constant *record(llvm::ArrayRef<Constant *> fields) {
    return llvm::ConstantStruct::getAnon(ctx, fields);
  }
  Constant *tensors(const std::vector<ModelTensor> &list,
                    const ModelTables &tables);
  Constant *tensorMaps(const ModelKernel &kernel);
  Constant *gpu(const ModelTables &tables, kernel::MachineAttr machine,
                const Variant &variant);
  /// A constant that another part of the artifact defines.
  Constant *declare(const llvm::Twine &name) {
    auto *global = new llvm::GlobalVariable(
        module, llvm::Type::getInt8Ty(ctx), true,
        llvm::GlobalValue::ExternalLinkage, nullptr, name);
    global->setVisibility(llvm::GlobalValue::HiddenVisibility);
    return global;
  }
  static std::string descriptorName(unsigned index) {
    return index == 0 ? "ingot_model_desc"
                      : "ingot_model_desc." + std::to_string(index);
  }
  void addNote(llvm::StringRef contentHash);

  llvm::Module &module;
  llvm::LLVMContext &ctx;
  llvm::PointerType *pointer;
  llvm::Type *i32, *i64;
};
} // namespace

Constant *DescriptorBuilder::tensors(const std::vector<ModelTensor> &list,
                                     const ModelTables &tables) {
  std::vector<Constant *> entries;
  for (const ModelTensor &tensor : list) {
    std::vector<Constant *> dims;
    for (mlir::AffineExpr dim : onnx::getDims(tensor.type)) {
      int64_t value = -1;
      if (auto constant = onnx::constantValue(dim))
        value = *constant;
      else if (auto it = llvm::find(tables.symbols, dim);
               it != tables.symbols.end())
        value = -1 - (it - tables.symbols.begin());
      dims.push_back(number(i64, uint64_t(value)));
    }
    entries.push_back(
        record({text(tensor.name),
                number(i32, onnxDataType(tensor.type.getElementType())),
                number(i32, dims.size()), array(dims)}));
  }
  return array(entries);
}

/// A note with the content hash, for tools that look into the file. Its program
/// header is also what lib/Driver/AppendWeights.cpp uses.
void DescriptorBuilder::addNote(llvm::StringRef contentHash) {
  Constant *note = record(
      {number(i32, 6), number(i32, contentHash.size()), number(i32, 1),
       llvm::ConstantDataArray::getString(ctx, llvm::StringRef("Ingot\0\0", 7)),
       llvm::ConstantDataArray::getString(ctx, contentHash,
                                          /*AddNull=*/false)});
  auto *global = llvm::cast<llvm::GlobalVariable>(this->global(note));
  global->setSection(".note.ingot");
  global->setAlignment(llvm::Align(4));
  llvm::appendToCompilerUsed(module, {global});
}

/// CUtensorMapDataType of an element type.
static uint64_t tensorMapType(mlir::Type type) {
  if (type.isF16())
    return 6;
  if (type.isBF16())
    return 9;
  return type.isF32() ? 7 : 0;
}

/// CUtensorMapSwizzle over as many bytes as a row of a box has.
static uint64_t tensorMapSwizzle(const TensorMap &map) {
  int64_t bytes = map.box[0] * map.element.getIntOrFloatBitWidth() / 8;
  return bytes > 64 ? 3 : bytes > 32 ? 2 : 1;
}

Constant *DescriptorBuilder::tensorMaps(const ModelKernel &kernel) {
  std::vector<Constant *> maps;
  for (const ModelTensorMap &entry : kernel.maps) {
    const TensorMap &map = entry.map;
    size_t rank = map.dims.size();
    std::vector<uint64_t> dims(5, 0), strides(4, 0);
    std::vector<uint32_t> box(6, 0), lower(3, 0), upper(3, 0), steps(4, 0);
    llvm::copy(llvm::ArrayRef(entry.numbers).slice(1, rank), dims.begin());
    llvm::copy(llvm::ArrayRef(entry.numbers).drop_front(1 + rank),
               strides.begin());
    llvm::copy(map.box, box.begin());
    llvm::copy(map.window.lower, lower.begin());
    llvm::copy(map.window.upper, upper.begin());
    llvm::copy(map.window.steps, steps.begin());
    maps.push_back(record(
        {number(i32, map.slot), number(i32, tensorMapType(map.element)),
         number(i32, tensorMapSwizzle(map)), number(i32, rank),
         number(i64, entry.numbers[0]), llvm::ConstantDataArray::get(ctx, dims),
         llvm::ConstantDataArray::get(ctx, strides),
         llvm::ConstantDataArray::get(ctx, box),
         llvm::ConstantDataArray::get(ctx, lower),
         llvm::ConstantDataArray::get(ctx, upper),
         llvm::ConstantDataArray::get(ctx, steps)}));
  }
  return array(maps);
}

/// The IngotGpuDesc with its images and the records that launches pass.
Constant *DescriptorBuilder::gpu(const ModelTables &tables,
                                 kernel::MachineAttr machine,
                                 const Variant &variant) {
  if (!machine.hasWarps())
    return llvm::ConstantPointerNull::get(pointer);
  std::vector<Constant *> kernels, images;
  for (const ModelKernel &kernel : tables.records) {
    const GridShape &shape = kernel.shape;
    Constant *fields = record(
        {text(kernel.name), number(i32, kernel.slots), number(i32, shape.block),
         number(i32, shape.cluster), number(i32, shape.shared),
         number(i64, shape.blockItems), number(i32, shape.persistent),
         number(i32, 0), tensorMaps(kernel), number(i32, kernel.maps.size()),
         number(i32, shape.counters), number(i64, shape.sums)});
    // The driver functions know it by name only, of a size unknown to them.
    llvm::GlobalVariable *declared =
        module.getGlobalVariable(recordName(kernel.name));
    Constant *defined = global(fields);
    if (declared) {
      declared->replaceAllUsesWith(defined);
      declared->eraseFromParent();
    }
    kernels.push_back(defined);
  }
  for (const DeviceImage &image : variant.images) {
    // PTX is text that ends with a zero byte.
    bool isText = image.kind == 1;
    Constant *bytes = llvm::ConstantDataArray::getString(ctx, image.bytes,
                                                         /*AddNull=*/isText);
    images.push_back(
        record({number(i32, image.kind), number(i32, image.driver),
                global(bytes), number(i64, image.bytes.size() + isText)}));
  }
  DeviceLimits limits = *deviceLimits(machine);
  return global(
      record({declare("ingot_gpu_backend"), number(i32, limits.capability),
              number(i32, limits.exact), number(i32, images.size()),
              number(i32, kernels.size()), array(images), array(kernels)}));
}

void DescriptorBuilder::build(const ModelTables &tables,
                              const ModelIdentity &identity,
                              kernel::MachineAttr machine,
                              const Variant &variant) {
  std::string features;
  // The processor needs what its own code uses.
  kernel::MachineAttr processor = machine.hasWarps() ? variant.host : machine;
  for (llvm::StringRef feature : llvm::split(processor.getFeatures(), ','))
    features += (features.empty() ? "" : ",") +
                feature.drop_while([](char c) { return c == '+'; }).str();
  std::vector<Constant *> symbolNames, launches;
  for (mlir::AffineExpr symbol : tables.symbols)
    symbolNames.push_back(text(onnx::printDim(symbol, machine.getContext())));
  for (const ModelLaunch &launch : tables.launches)
    launches.push_back(record({text(launch.kernel), text(launch.nodes)}));
  Constant *weights = declare("ingot_weights");
  // The linker knows how long the code is, and says so by a symbol's value.
  Constant *codeSymbol = declare("ingot_code_bytes");
  auto *codeSize = llvm::ConstantExpr::getPtrToInt(codeSymbol, i64);
  uint64_t bound = 0;
  if (auto constant = onnx::constantValue(tables.arenaLowerBound))
    bound = *constant;
  auto fn = [&](llvm::StringRef name) { return module.getFunction(name); };
  Constant *next = llvm::ConstantPointerNull::get(pointer);
  if (!variant.last)
    next = declare(descriptorName(variant.index + 1));
  Constant *desc = record({number(i32, 0x31474e49),
                           number(i32, 6),
                           text(identity.name),
                           text(identity.compilerVersion),
                           text(machine.getTarget()),
                           text(identity.contentHash),
                           text(features),
                           text(identity.precision),
                           number(i32, tables.inputs.size()),
                           number(i32, tables.outputs.size()),
                           number(i32, tables.symbols.size()),
                           number(i32, tables.launches.size()),
                           tensors(tables.inputs, tables),
                           tensors(tables.outputs, tables),
                           array(symbolNames),
                           array(launches),
                           weights,
                           number(i64, tables.weightBytes),
                           codeSize,
                           number(i64, bound),
                           fn("ingot_gen_arena_bytes"),
                           fn("ingot_gen_output_shapes"),
                           fn("ingot_gen_run"),
                           gpu(tables, machine, variant),
                           next});
  auto *global = new llvm::GlobalVariable(module, desc->getType(), true,
                                          llvm::GlobalValue::ExternalLinkage,
                                          desc, descriptorName(variant.index));
  global->setVisibility(llvm::GlobalValue::HiddenVisibility);
  if (variant.index == 0)
    addNote(identity.contentHash);
}

void ingot::emitDescriptor(llvm::Module &module, const ModelTables &tables,
                           const ModelIdentity &identity,
                           kernel::MachineAttr machine,
                           const Variant &variant) {
  DescriptorBuilder(module).build(tables, identity, machine, variant);
}
