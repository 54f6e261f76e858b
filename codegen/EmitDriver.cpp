//===- EmitDriver.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/EmitKernels.h"
#include "codegen/loop/KernelContext.h"
#include "passes/memory/PlanMemory.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace ingot;

/// Weights begin on cache lines.
constexpr uint64_t weightAlignment = 64;

/// Field numbers of IngotRunFrame (lib/Runtime/ModelAbi.h), all 8 bytes.
enum FrameField { Inputs, Outputs, Symbols, Arena, Weights, Status };

/// Names of ONNX nodes in a location, comma separated.
static void appendNodes(Location loc, llvm::StringSet<> &seen,
                        std::string &text) {
  if (auto name = dyn_cast<NameLoc>(loc)) {
    StringRef node = name.getName().getValue();
    if (seen.insert(node).second)
      text += (text.empty() ? "" : ",") + node.str();
  } else if (auto fused = dyn_cast<FusedLoc>(loc)) {
    for (Location part : fused.getLocations())
      appendNodes(part, seen, text);
  }
}

namespace {
/// Builds the driver functions of one model.
class DriverEmitter {
public:
  DriverEmitter(ModuleOp module, func::FuncOp main, ModelTables &tables)
      : module(module), main(main), tables(tables), ctx(module.getContext()),
        loc(main.getLoc()), sizes(kernel::MachineAttr()) {
    // Targets of one artifact share the weights they have in common.
    for (const ModelWeight &weight : tables.weights)
      weightOffsets.try_emplace(weight.value, weight.offset);
  }

  LogicalResult emit();

private:
  LogicalResult describe();
  LogicalResult emitRun();
  StringRef entryOf(LLVM::LLVMFuncOp kernel, int64_t slots);
  LLVM::LLVMFuncOp formForMany(LLVM::LLVMFuncOp kernel);
  Value isMany(OpBuilder &b, ArrayAttr many);
  LogicalResult putTensorMaps(OpBuilder &b, LLVM::LLVMFuncOp kernel, Value args,
                              int64_t slot, Location at);
  void emitArenaBytes();
  void emitOutputShapes();
  LLVM::LLVMFuncOp function(StringRef name, ArrayRef<Type> args);
  Value slotAddress(OpBuilder &b, Value base, int64_t i);
  Value loadSlot(OpBuilder &b, Value base, int64_t i, Type type);
  void bindSymbols(OpBuilder &b, Value array);
  Value toI64(OpBuilder &b, AffineExpr expr);
  Value toF64(OpBuilder &b, AffineExpr expr);
  FailureOr<Value> pointerTo(OpBuilder &b, Value tensor);
  uint64_t placeWeight(ElementsAttr value);
  LogicalResult checkSymbols(AffineExpr expr, Location at);

  ModuleOp module;
  func::FuncOp main;
  ModelTables &tables;
  MLIRContext *ctx;
  Location loc;
  KernelContext sizes;
  llvm::DenseMap<Value, Value> pointers;
  llvm::DenseMap<Attribute, uint64_t> weightOffsets;
  Value frame, arena, weights;
};
} // namespace

static std::string tensorName(func::FuncOp main, unsigned i, bool result) {
  auto name = result ? main.getResultAttrOfType<StringAttr>(i, "onnx.name")
                     : main.getArgAttrOfType<StringAttr>(i, "onnx.name");
  if (name)
    return name.getValue().str();
  return (result ? "output" : "input") + std::to_string(i);
}

LogicalResult DriverEmitter::describe() {
  llvm::SetVector<AffineExpr> symbols;
  for (auto [i, type] : llvm::enumerate(main.getArgumentTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !storageBytes(tensor.getElementType()))
      return main.emitError("[IG4003] input '")
             << tensorName(main, i, false) << "' of type " << type
             << " cannot be passed to compiled code";
    tables.inputs.push_back({tensorName(main, i, false), tensor});
    for (AffineExpr dim : onnx::getDims(tensor))
      if (isa<AffineSymbolExpr>(dim))
        symbols.insert(dim);
  }
  tables.symbols.assign(symbols.begin(), symbols.end());
  for (auto [i, type] : llvm::enumerate(main.getResultTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !storageBytes(tensor.getElementType()))
      return main.emitError("[IG4003] output '")
             << tensorName(main, i, true) << "' of type " << type
             << " cannot be returned by compiled code";
    for (AffineExpr dim : onnx::getDims(tensor))
      if (failed(checkSymbols(dim, main.getLoc())))
        return failure();
    tables.outputs.push_back({tensorName(main, i, true), tensor});
  }
  return success();
}

LogicalResult DriverEmitter::checkSymbols(AffineExpr expr, Location at) {
  llvm::SetVector<AffineExpr> used;
  collectSymbols(expr, used);
  for (AffineExpr symbol : used)
    if (!llvm::is_contained(tables.symbols, symbol))
      return emitError(at, "[IG4004] a size depends on data, not on input "
                           "shapes: ")
             << onnx::printDim(expr, ctx);
  return success();
}

LLVM::LLVMFuncOp DriverEmitter::function(StringRef name, ArrayRef<Type> args) {
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  auto type = LLVM::LLVMFunctionType::get(b.getI64Type(), args);
  auto op = LLVM::LLVMFuncOp::create(b, loc, name, type);
  op.setVisibility_(LLVM::Visibility::Hidden);
  return op;
}

Value DriverEmitter::slotAddress(OpBuilder &b, Value base, int64_t i) {
  auto pointer = LLVM::LLVMPointerType::get(ctx);
  return LLVM::GEPOp::create(b, loc, pointer, pointer, base,
                             ArrayRef<LLVM::GEPArg>{int32_t(i)});
}

Value DriverEmitter::loadSlot(OpBuilder &b, Value base, int64_t i, Type type) {
  return LLVM::LoadOp::create(b, loc, type, slotAddress(b, base, i), 8);
}

void DriverEmitter::bindSymbols(OpBuilder &b, Value array) {
  sizes.symbols.clear();
  for (auto [i, symbol] : llvm::enumerate(tables.symbols))
    sizes.symbols[symbol] = arith::IndexCastOp::create(
        b, loc, b.getIndexType(), loadSlot(b, array, i, b.getI64Type()));
}

Value DriverEmitter::toI64(OpBuilder &b, AffineExpr expr) {
  return arith::IndexCastOp::create(b, loc, b.getI64Type(),
                                    sizes.expand(b, loc, expr));
}

/// At least the value of an expression, where no number overflows.
Value DriverEmitter::toF64(OpBuilder &b, AffineExpr expr) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return arith::SIToFPOp::create(b, loc, b.getF64Type(), toI64(b, expr));
  Value x = toF64(b, binary.getLHS()), y = toF64(b, binary.getRHS());
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return arith::AddFOp::create(b, loc, x, y);
  case AffineExprKind::Mul:
    return arith::MulFOp::create(b, loc, x, y);
  case AffineExprKind::Mod:
    return y;
  default: {
    Value one = arith::ConstantOp::create(b, loc, b.getF64FloatAttr(1));
    Value quotient = arith::DivFOp::create(b, loc, x, y);
    return arith::AddFOp::create(b, loc, quotient, one);
  }
  }
}

std::optional<llvm::ArrayRef<char>> ingot::resourceBytes(ElementsAttr value) {
  auto resource = dyn_cast<DenseResourceElementsAttr>(value);
  AsmResourceBlob *blob =
      resource ? resource.getRawHandle().getBlob() : nullptr;
  if (!blob)
    return std::nullopt;
  return blob->getData();
}

/// The offset of a constant among the weights: a new one, or where equal bytes
/// lie already.
uint64_t DriverEmitter::placeWeight(ElementsAttr value) {
  ModelWeight weight{value, tables.weightBytes,
                     uint64_t(value.getNumElements()) *
                         elementBytes(cast<TensorType>(value.getType()))};
  if (std::optional<llvm::ArrayRef<char>> bytes = resourceBytes(value)) {
    uint64_t hash = llvm::xxh3_64bits(llvm::ArrayRef(
        reinterpret_cast<const uint8_t *>(bytes->data()), bytes->size()));
    auto [first, last] = tables.weightsByHash.equal_range(hash);
    for (auto it = first; it != last; ++it) {
      const ModelWeight &known = tables.weights[it->second];
      if (known.bytes == weight.bytes && resourceBytes(known.value) == bytes)
        return known.offset;
    }
    tables.weightsByHash.emplace(hash, tables.weights.size());
  }
  tables.weightBytes += llvm::alignTo(weight.bytes, weightAlignment);
  tables.weights.push_back(weight);
  return weight.offset;
}

/// The address of a tensor of the graph, following views and placing
/// constants among the weights.
FailureOr<Value> DriverEmitter::pointerTo(OpBuilder &b, Value tensor) {
  auto it = pointers.find(tensor);
  if (it != pointers.end())
    return it->second;
  auto pointer = LLVM::LLVMPointerType::get(ctx);
  auto advance = [&](Value base, Value bytes) {
    return LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), base,
                               ArrayRef<LLVM::GEPArg>{bytes})
        .getResult();
  };
  if (auto view = tensor.getDefiningOp<kernel::ViewOp>()) {
    FailureOr<Value> source = pointerTo(b, view.getSource());
    if (failed(source) || !view.getOffset())
      return source;
    AffineExpr offset = view.getOffset()->getDims()[0];
    auto type = cast<TensorType>(view.getSource().getType());
    return advance(*source, toI64(b, offset * elementBytes(type)));
  }
  if (tensor.getDefiningOp<kernel::EmptyOp>())
    return arena;
  // A result that updates an operand in place lies where that lies.
  if (auto launch = tensor.getDefiningOp<kernel::LaunchOp>())
    if (Value source = tiedOperand(cast<OpResult>(tensor)))
      return pointerTo(b, source);
  ElementsAttr value;
  if (matchPattern(tensor, m_Constant(&value))) {
    auto [at, inserted] = weightOffsets.try_emplace(value, 0);
    if (inserted)
      at->second = placeWeight(value);
    return advance(weights, arith::ConstantOp::create(
                                b, loc, b.getI64IntegerAttr(at->second))
                                .getResult());
  }
  return emitError(tensor.getLoc(), "[IG4005] value has no place in memory");
}

/// The tensor maps of a kernel; numbers that are not constant take the slots
/// from `slot` on.
static std::vector<ModelTensorMap>
tensorMapsOf(LLVM::LLVMFuncOp kernel, int64_t slot,
             SmallVectorImpl<AffineExpr> &inSlots) {
  std::vector<ModelTensorMap> maps;
  auto attrs = kernel->getAttrOfType<ArrayAttr>(tensorMapsAttrName);
  for (Attribute attr : attrs ? attrs.getValue() : ArrayRef<Attribute>()) {
    ModelTensorMap &entry = maps.emplace_back();
    entry.map = TensorMap::fromAttr(attr);
    auto add = [&](AffineExpr expr) {
      std::optional<int64_t> constant = onnx::constantValue(expr);
      entry.numbers.push_back(constant ? *constant
                                       : -(slot + int64_t(inSlots.size())));
      if (!constant)
        inSlots.push_back(expr);
    };
    add(entry.map.offset);
    llvm::for_each(entry.map.dims, add);
    llvm::for_each(entry.map.strides, add);
  }
  return maps;
}

/// The form of a kernel for many rows, or null.
LLVM::LLVMFuncOp DriverEmitter::formForMany(LLVM::LLVMFuncOp kernel) {
  auto many = kernel->getAttrOfType<ArrayAttr>(manyRowsAttrName);
  if (!many)
    return {};
  return module.lookupSymbol<LLVM::LLVMFuncOp>(cast<StringAttr>(many[0]));
}

/// Whether a launch has rows enough for that form.
Value DriverEmitter::isMany(OpBuilder &b, ArrayAttr many) {
  Value rows = toI64(b, cast<onnx::DimsAttr>(many[1]).getDims()[0]);
  Value least = arith::ConstantOp::create(b, loc, cast<IntegerAttr>(many[2]));
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, rows, least);
}

/// Stores what the maps of a launch ask for behind its arguments.
LogicalResult DriverEmitter::putTensorMaps(OpBuilder &b,
                                           LLVM::LLVMFuncOp kernel, Value args,
                                           int64_t slot, Location at) {
  SmallVector<AffineExpr> numbers;
  tensorMapsOf(kernel, slot, numbers);
  for (AffineExpr number : numbers) {
    if (failed(checkSymbols(number, at)))
      return failure();
    LLVM::StoreOp::create(b, loc, toI64(b, number),
                          slotAddress(b, args, slot++), 8);
  }
  return success();
}

/// The symbol that a launch of the kernel passes: the kernel itself, or the
/// record that describes it to another machine's driver.
StringRef DriverEmitter::entryOf(LLVM::LLVMFuncOp kernel, int64_t slots) {
  Attribute grid = kernel->getAttr(gridAttrName);
  if (!grid)
    return kernel.getName();
  std::string name = recordName(kernel.getName());
  if (Operation *record = module.lookupSymbol(name))
    return cast<LLVM::GlobalOp>(record).getName();
  SmallVector<AffineExpr> numbers;
  tables.records.push_back({kernel.getName().str(), GridShape::fromAttr(grid),
                            slots, tensorMapsOf(kernel, slots, numbers)});
  OpBuilder top = OpBuilder::atBlockBegin(module.getBody());
  return LLVM::GlobalOp::create(top, loc, top.getI64Type(), /*isConstant=*/true,
                                LLVM::Linkage::External, name, Attribute())
      .getName();
}

LogicalResult DriverEmitter::emitRun() {
  auto pointer = LLVM::LLVMPointerType::get(ctx);
  auto run = function("ingot_gen_run", {pointer});
  OpBuilder b(ctx);
  b.setInsertionPointToStart(run.addEntryBlock(b));
  Type i64 = b.getI64Type();
  auto launchType = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(ctx), {pointer, i64, pointer, pointer, i64});
  {
    OpBuilder top = OpBuilder::atBlockEnd(module.getBody());
    LLVM::LLVMFuncOp::create(top, loc, "ingot_rt_launch", launchType);
  }
  frame = run.getArgument(0);
  arena = loadSlot(b, frame, Arena, pointer);
  weights = loadSlot(b, frame, Weights, pointer);
  bindSymbols(b, loadSlot(b, frame, Symbols, pointer));
  Value inputs = loadSlot(b, frame, Inputs, pointer);
  Value outputs = loadSlot(b, frame, Outputs, pointer);
  for (BlockArgument arg : main.getArguments())
    pointers[arg] = loadSlot(b, inputs, arg.getArgNumber(), pointer);
  auto ret = cast<func::ReturnOp>(main.getBody().front().getTerminator());
  for (auto [i, value] : llvm::enumerate(ret.getOperands())) {
    Value memory = value;
    memory = memoryOwner(memory);
    pointers[memory] = loadSlot(b, outputs, i, pointer);
  }
  size_t mostSlots = 1;
  main.walk([&](kernel::LaunchOp launch) {
    auto kernel = module.lookupSymbol<LLVM::LLVMFuncOp>(launch.getKernel());
    size_t slots =
        1 + launch.getNumOperands() + launch.getNumResults() +
        kernel->getAttrOfType<onnx::DimsAttr>(symbolsAttrName).getDims().size();
    SmallVector<AffineExpr> numbers;
    tensorMapsOf(kernel, slots, numbers);
    mostSlots = std::max(mostSlots, slots + numbers.size());
    if (LLVM::LLVMFuncOp other = formForMany(kernel)) {
      numbers.clear();
      tensorMapsOf(other, slots, numbers);
      mostSlots = std::max(mostSlots, slots + numbers.size());
    }
  });
  Value count =
      arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(mostSlots));
  Value args = LLVM::AllocaOp::create(b, loc, pointer, pointer, count, 8);
  LLVM::StoreOp::create(b, loc, slotAddress(b, frame, Status),
                        slotAddress(b, args, 0), 8);
  auto advance = [&](Value base, AffineExpr bytes) {
    return LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), base,
                               ArrayRef<LLVM::GEPArg>{toI64(b, bytes)})
        .getResult();
  };
  for (auto launch : main.getOps<kernel::LaunchOp>()) {
    auto kernel = module.lookupSymbol<LLVM::LLVMFuncOp>(launch.getKernel());
    int64_t slot = 1;
    auto put = [&](Value v) {
      LLVM::StoreOp::create(b, loc, v, slotAddress(b, args, slot++), 8);
    };
    for (Value operand : launch.getOperands()) {
      FailureOr<Value> p = pointerTo(b, operand);
      if (failed(p))
        return failure();
      put(*p);
    }
    auto offsets = launch->getAttrOfType<onnx::DimsAttr>("offsets");
    for (auto [i, result] : llvm::enumerate(launch.getResults())) {
      if (tiedOperand(result)) {
        FailureOr<Value> p = pointerTo(b, result);
        if (failed(p))
          return failure();
        pointers[result] = *p;
      } else if (!pointers.contains(result)) {
        AffineExpr offset = offsets.getDims()[i];
        if (failed(checkSymbols(offset, launch.getLoc())))
          return failure();
        pointers[result] = advance(arena, offset);
      }
      put(pointers[result]);
    }
    auto symbols = kernel->getAttrOfType<onnx::DimsAttr>(symbolsAttrName);
    for (AffineExpr symbol : symbols.getDims()) {
      if (failed(checkSymbols(symbol, launch.getLoc())))
        return failure();
      put(toI64(b, symbol));
    }
    if (failed(putTensorMaps(b, kernel, args, slot, launch.getLoc())))
      return failure();
    AffineExpr work =
        kernel->getAttrOfType<onnx::DimsAttr>(workAttrName).getDims()[0];
    Value index = arith::ConstantOp::create(
        b, loc, b.getI64IntegerAttr(tables.launches.size()));
    Value address =
        LLVM::AddressOfOp::create(b, loc, pointer, entryOf(kernel, slot));
    Value items = toI64(b, work);
    if (auto many = kernel->getAttrOfType<ArrayAttr>(manyRowsAttrName)) {
      auto other = formForMany(kernel);
      Value enough = isMany(b, many);
      if (failed(putTensorMaps(b, other, args, slot, launch.getLoc())))
        return failure();
      Value entry =
          LLVM::AddressOfOp::create(b, loc, pointer, entryOf(other, slot));
      work = other->getAttrOfType<onnx::DimsAttr>(workAttrName).getDims()[0];
      address = LLVM::SelectOp::create(b, loc, enough, entry, address);
      items = LLVM::SelectOp::create(b, loc, enough, toI64(b, work), items);
    }
    LLVM::CallOp::create(b, loc, launchType, "ingot_rt_launch",
                         ValueRange{frame, index, address, args, items});
    ModelLaunch entry{launch.getKernel().str(), ""};
    llvm::StringSet<> seen;
    appendNodes(launch.getLoc(), seen, entry.nodes);
    tables.launches.push_back(std::move(entry));
  }
  LLVM::ReturnOp::create(
      b, loc,
      arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(0)).getResult());
  return success();
}

void DriverEmitter::emitArenaBytes() {
  auto pointer = LLVM::LLVMPointerType::get(ctx);
  auto op = function("ingot_gen_arena_bytes", {pointer});
  OpBuilder b(ctx);
  b.setInsertionPointToStart(op.addEntryBlock(b));
  bindSymbols(b, op.getArgument(0));
  // Sizes so large that the sum overflows are too large to count exactly.
  Value limit = arith::ConstantOp::create(b, loc, b.getF64FloatAttr(0x1p60));
  Value fits = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT,
                                     toF64(b, tables.arena), limit);
  Value none = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(-1));
  LLVM::ReturnOp::create(
      b, loc,
      arith::SelectOp::create(b, loc, fits, toI64(b, tables.arena), none)
          .getResult());
}

void DriverEmitter::emitOutputShapes() {
  auto pointer = LLVM::LLVMPointerType::get(ctx);
  auto op = function("ingot_gen_output_shapes", {pointer, pointer});
  OpBuilder b(ctx);
  b.setInsertionPointToStart(op.addEntryBlock(b));
  bindSymbols(b, op.getArgument(0));
  int64_t slot = 0;
  for (const ModelTensor &output : tables.outputs)
    for (AffineExpr dim : onnx::getDims(output.type))
      LLVM::StoreOp::create(b, loc, toI64(b, dim),
                            slotAddress(b, op.getArgument(1), slot++), 8);
  // The sign of any size that is negative.
  Value all = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(0));
  if (auto checked = main->getAttrOfType<onnx::DimsAttr>("checked_sizes"))
    for (AffineExpr size : checked.getDims())
      all = arith::OrIOp::create(b, loc, all, toI64(b, size));
  Value sign = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(63));
  LLVM::ReturnOp::create(b, loc,
                         arith::ShRUIOp::create(b, loc, all, sign).getResult());
}

LogicalResult DriverEmitter::emit() {
  if (failed(describe()))
    return failure();
  auto single = [&](StringRef name) {
    auto attr = main->getAttrOfType<onnx::DimsAttr>(name);
    return attr ? attr.getDims()[0] : onnx::constantDim(0, ctx);
  };
  tables.arena = single("arena");
  tables.arenaLowerBound = single("arena_lower_bound");
  if (failed(checkSymbols(tables.arena, loc)) || failed(emitRun()))
    return failure();
  emitArenaBytes();
  emitOutputShapes();
  main.erase();
  return success();
}

LogicalResult ingot::emitDriver(ModuleOp module, ModelTables &tables) {
  auto functions = module.getOps<func::FuncOp>();
  if (functions.empty())
    return module.emitError("[IG4005] the module has no function");
  for (auto kernel : module.getOps<LLVM::LLVMFuncOp>()) {
    (void)kernel;
    ++tables.kernels;
  }
  return DriverEmitter(module, *functions.begin(), tables).emit();
}
