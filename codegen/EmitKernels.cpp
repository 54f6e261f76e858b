//===- EmitKernels.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/EmitKernels.h"
#include "codegen/Target.h"
#include "codegen/heavy/HeavyEmitter.h"
#include "codegen/loop/LoopEmitter.h"
#include "codegen/loop/RowEmitter.h"
#include "codegen/warp/Attention.h"
#include "codegen/warp/BlockProduct.h"
#include "codegen/warp/SharedSums.h"
#include "codegen/warp/Team.h"
#include "codegen/warp/Transpose.h"
#include "codegen/warp/Warp.h"
#include "passes/Remark.h"
#include "passes/memory/PlanMemory.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace ingot;

/// Symbols that the kernel's types and bodies use, in order of appearance.
static llvm::SetVector<AffineExpr> symbolsOf(kernel::FuncOp kernel) {
  llvm::SetVector<AffineExpr> symbols;
  auto add = [&](Type type) {
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      for (AffineExpr dim : onnx::getDims(tensor))
        collectSymbols(dim, symbols);
  };
  for (Type type : kernel.getArgumentTypes())
    add(type);
  kernel.walk([&](Operation *op) {
    for (Type type : op->getResultTypes())
      add(type);
    for (NamedAttribute attr : op->getAttrs())
      if (auto dims = dyn_cast<onnx::DimsAttr>(attr.getValue()))
        for (AffineExpr dim : dims.getDims())
          collectSymbols(dim, symbols);
  });
  return symbols;
}

/// Tensors that a launch reads or writes begin at a multiple of that many
/// bytes, unless they are a part of another: the runtime sees to it for inputs,
/// outputs, weights and arena. The widest access of a thread.
constexpr int64_t accessBytes = 16;

static bool isAligned(Value v) {
  auto divides = [](AffineExpr bytes) {
    return bytes.getLargestKnownDivisor() % accessBytes == 0;
  };
  if (auto view = v.getDefiningOp<kernel::ViewOp>()) {
    auto type = cast<TensorType>(view.getSource().getType());
    if (view.getOffset() &&
        !divides(view.getOffset()->getDims()[0] * elementBytes(type)))
      return false;
    return isAligned(view.getSource());
  }
  auto launch = v.getDefiningOp<kernel::LaunchOp>();
  if (!launch)
    return true;
  if (Value tied = tiedOperand(cast<OpResult>(v)))
    return isAligned(tied);
  auto offsets = launch->getAttrOfType<onnx::DimsAttr>("offsets");
  AffineExpr offset = offsets.getDims()[cast<OpResult>(v).getResultNumber()];
  // -1: in memory of the caller's.
  return onnx::constantValue(offset) == -1 || divides(offset);
}

namespace {
/// For each kernel, which of its operands and results are aligned in all of its
/// launches.
using AlignmentMap = llvm::StringMap<SmallVector<bool>>;

/// Builds the machine-code form of one kernel.
class KernelEmitter {
public:
  KernelEmitter(kernel::FuncOp kernel, kernel::MachineAttr machine,
                const AlignmentMap &alignments, bool remarks)
      : kernel(kernel), context(machine), loc(kernel.getLoc()),
        alignments(alignments), remarks(remarks) {}

  LogicalResult emit();

private:
  SmallVector<Operation *> roots();
  LogicalResult emitForThreads(OpBuilder &b);
  LogicalResult emitForWarps(OpBuilder &b);
  FailureOr<LLVM::LLVMFuncOp> emitForWarps(OpBuilder &b, const Twine &name,
                                           GridShape &shape);
  LogicalResult emitItems(OpBuilder &b, Value count, GridShape &shape,
                          AffineExpr &work);
  void bindArguments(OpBuilder &b, function_ref<Value(Type)> next);
  void describe(LLVM::LLVMFuncOp function, AffineExpr work);
  LogicalResult emitBody(OpBuilder &b, Value lo, Value hi, AffineExpr &work);

  kernel::FuncOp kernel;
  KernelContext context;
  Location loc;
  const AlignmentMap &alignments;
  bool remarks;
};
} // namespace

/// Slot 0 holds the status pointer, then come operands, results and symbols.
void KernelEmitter::bindArguments(OpBuilder &b,
                                  function_ref<Value(Type)> next) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  context.status = next(pointer);
  auto aligned = alignments.find(kernel.getName());
  size_t slot = 0;
  auto bind = [&](Value v) {
    auto type = cast<RankedTensorType>(v.getType());
    bool wide = aligned != alignments.end() && aligned->second[slot++];
    context.buffers[v] = {next(pointer), type.getElementType(),
                          rowMajorStrides(onnx::getDims(type), b.getContext()),
                          wide ? accessBytes : 0};
  };
  for (BlockArgument arg : kernel.getBody().getArguments())
    bind(arg);
  auto yield = cast<kernel::YieldOp>(kernel.getBody().front().getTerminator());
  for (Value v : yield.getOperands())
    bind(v);
  for (AffineExpr symbol : symbolsOf(kernel))
    context.symbols[symbol] = arith::IndexCastOp::create(
        b, loc, b.getIndexType(), next(b.getI64Type()));
}

/// The ops that compute: all but constants, views and what feeds sizes.
SmallVector<Operation *> KernelEmitter::roots() {
  SmallVector<Operation *> roots;
  for (Operation &op : kernel.getBody().front().without_terminator())
    if (!isa<linalg::FillOp, kernel::EmptyOp, kernel::ViewOp, kernel::ExtentOp,
             UnrealizedConversionCastOp>(op) &&
        !isa<arith::ArithDialect>(op.getDialect()))
      roots.push_back(&op);
  return roots;
}

LogicalResult KernelEmitter::emitBody(OpBuilder &b, Value lo, Value hi,
                                      AffineExpr &work) {
  SmallVector<Operation *> roots = this->roots();
  if (roots.empty())
    return kernel.emitError("[IG4002] kernel computes nothing");
  if (isHeavy(roots.front()))
    return emitHeavy(b, context, roots, lo, hi, work);
  if (roots.size() == 1) {
    if (auto generic = dyn_cast<linalg::GenericOp>(roots.front())) {
      LoopPlan plan = planLoops(generic, context.machine);
      work = workItems(generic, plan);
      emitGeneric(b, context, generic, plan, lo, hi);
      return success();
    }
    if (auto foreachOp = dyn_cast<kernel::ForeachOp>(roots.front())) {
      work = workItems(foreachOp);
      emitForeach(b, context, foreachOp, lo, hi);
      return success();
    }
  }
  if (llvm::all_of(roots, llvm::IsaPred<linalg::GenericOp>))
    return emitRows(b, context, roots, lo, hi, work);
  return roots.front()->emitError("[IG4002] no emitter for this kernel");
}

void KernelEmitter::describe(LLVM::LLVMFuncOp function, AffineExpr work) {
  MLIRContext *ctx = kernel.getContext();
  function->setAttr(workAttrName, onnx::DimsAttr::get(ctx, work));
  SmallVector<AffineExpr> symbols;
  for (AffineExpr symbol : symbolsOf(kernel))
    symbols.push_back(symbol);
  function->setAttr(symbolsAttrName, onnx::DimsAttr::get(ctx, symbols));
}

/// void kernel(args, lo, hi, worker): one of a few threads does many items.
LogicalResult KernelEmitter::emitForThreads(OpBuilder &b) {
  MLIRContext *ctx = kernel.getContext();
  auto pointer = LLVM::LLVMPointerType::get(ctx);
  Type i64 = b.getI64Type();
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(ctx),
                                          {pointer, i64, i64, i64});
  auto function = LLVM::LLVMFuncOp::create(b, loc, kernel.getName(), type);
  function.setVisibility_(LLVM::Visibility::Hidden);
  b.setInsertionPointToStart(function.addEntryBlock(b));
  auto toIndex = [&](unsigned i) {
    return arith::IndexCastOp::create(b, loc, b.getIndexType(),
                                      function.getArgument(i));
  };
  int64_t slot = 0;
  bindArguments(b, [&](Type slotType) {
    Value at =
        LLVM::GEPOp::create(b, loc, pointer, pointer, function.getArgument(0),
                            ArrayRef<LLVM::GEPArg>{int32_t(slot++)});
    return LLVM::LoadOp::create(b, loc, slotType, at, 8, /*isVolatile=*/false,
                                /*isNonTemporal=*/false, /*isInvariant=*/true)
        .getResult();
  });
  Value lo = toIndex(1), hi = toIndex(2);
  auto ret = LLVM::ReturnOp::create(b, loc, ValueRange());
  b.setInsertionPoint(ret);
  AffineExpr work;
  if (failed(emitBody(b, lo, hi, work)))
    return failure();
  describe(function, work);
  return success();
}

/// An item for each team of threads.
LogicalResult KernelEmitter::emitItems(OpBuilder &b, Value count,
                                       GridShape &shape, AffineExpr &work) {
  Value items = arith::IndexCastOp::create(b, loc, b.getIndexType(), count);
  Team &team = context.team;
  team.size = warp::teamSize(roots(), context.machine);
  warp::ItemSharing sharing = warp::shareItems(roots(), context.machine);
  if (sharing.blocks > 1) {
    warp::SharedSums meeting;
    meeting.addParameters(b, loc);
    team.size = warp::sharingTeam;
    team.blocks = sharing.blocks;
    team.counters = meeting.counters;
    team.room = meeting.room;
    shape.counters = sharing.items;
    shape.sums = sharing.items * sharing.blocks * sharing.values * 8;
    shape.remark = std::to_string(sharing.blocks) + " blocks share a result";
  }
  shape.block = std::max(shape.block, team.size);
  shape.blockItems = shape.block / team.size;
  Value item = warp::globalThread(b, loc, shape.block);
  if (team.size > 1) {
    Value size = arith::ConstantIndexOp::create(b, loc, team.size);
    team.rank = arith::RemUIOp::create(b, loc, item, size);
    item = arith::DivUIOp::create(b, loc, item, size);
  }
  Value live =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, item, items);
  auto branch = scf::IfOp::create(b, loc, live, /*withElse=*/false);
  OpBuilder inner(branch.thenBlock()->getTerminator());
  if (team.blocks > 1) {
    Value blocks = arith::ConstantIndexOp::create(inner, loc, team.blocks);
    team.block = arith::RemUIOp::create(inner, loc, item, blocks);
    item = team.item = arith::DivUIOp::create(inner, loc, item, blocks);
  }
  Value one = arith::ConstantIndexOp::create(inner, loc, 1);
  if (failed(emitBody(inner, item, arith::AddIOp::create(inner, loc, item, one),
                      work)))
    return failure();
  work = work * team.blocks;
  return success();
}

/// void kernel(slots..., items): a thread, a team or a block does one item.
FailureOr<LLVM::LLVMFuncOp>
KernelEmitter::emitForWarps(OpBuilder &b, const Twine &name, GridShape &shape) {
  MLIRContext *ctx = kernel.getContext();
  auto pointer = LLVM::LLVMPointerType::get(ctx);
  Type i64 = b.getI64Type();
  size_t pointers = 1 + kernel.getNumArguments() +
                    kernel.getBody().front().getTerminator()->getNumOperands();
  SmallVector<Type> parameters(pointers, pointer);
  parameters.append(symbolsOf(kernel).size() + 1, i64);
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(ctx), parameters);
  auto function = LLVM::LLVMFuncOp::create(b, loc, name.str(), type);
  function.setCConv(LLVM::CConv::PTX_Kernel);
  // LLVM finds out which accesses that makes wide.
  auto aligned = alignments.find(kernel.getName());
  if (aligned != alignments.end())
    for (auto [i, wide] : llvm::enumerate(aligned->second))
      if (wide)
        function.setArgAttr(1 + i, LLVM::LLVMDialect::getAlignAttrName(),
                            b.getI64IntegerAttr(accessBytes));
  b.setInsertionPointToStart(function.addEntryBlock(b));
  unsigned parameter = 0;
  bindArguments(b, [&](Type slotType) -> Value {
    assert(function.getArgument(parameter).getType() == slotType);
    (void)slotType;
    return function.getArgument(parameter++);
  });
  auto ret = LLVM::ReturnOp::create(b, loc, ValueRange());
  b.setInsertionPoint(ret);
  AffineExpr work;
  SmallVector<Operation *> ops = roots();
  LogicalResult emitted = success();
  auto attention = ops.size() == 1 ? dyn_cast<heavy::AttentionOp>(ops[0])
                                   : heavy::AttentionOp();
  if (attention)
    emitted = warp::emitAttention(b, context, function.getName(), attention,
                                  work, shape);
  else if (!ops.empty() && warp::isBlockProduct(ops.front()))
    emitted = warp::emitBlockProduct(b, context, function.getName(), ops, work,
                                     shape);
  else if (auto plan = warp::planTranspose(ops, context.machine))
    shape = warp::emitTranspose(b, context, cast<linalg::GenericOp>(ops[0]),
                                *plan, warp::blockInGrid(b, loc), work);
  else
    emitted = emitItems(b, function.getArgument(parameter), shape, work);
  if (!ops.empty() && isa<heavy::MatmulNBitsOp>(ops.front()) &&
      shape.blockItems > 1)
    shape.remark = "product with quantized weights by single threads: blocks "
                   "of weights that share a scale are no whole words";
  if (failed(emitted))
    return failure();
  describe(function, work);
  warp::setBlock(function, shape.block, shape.resident);
  function->setAttr(gridAttrName, shape.toAttr(ctx));
  return function;
}

/// A kernel with a symbolic number of rows may have two forms, of which the
/// driver launches one.
LogicalResult KernelEmitter::emitForWarps(OpBuilder &b) {
  auto remark = [&](const Twine &text) {
    if (remarks && !text.str().empty())
      remarkAt(roots().front()->getLoc(), "kernel", text);
  };
  GridShape shape;
  FailureOr<LLVM::LLVMFuncOp> function =
      emitForWarps(b, kernel.getName(), shape);
  if (failed(function))
    return failure();
  remark(shape.remark);
  std::string otherName = (kernel.getName() + "_many").str();
  if (!shape.symbolicRows ||
      SymbolTable::lookupNearestSymbolFrom(kernel, b.getStringAttr(otherName)))
    return success();
  GridShape forMany;
  forMany.manyRows = true;
  KernelEmitter other(kernel, context.machine, alignments, remarks);
  b.setInsertionPoint(kernel);
  FailureOr<LLVM::LLVMFuncOp> many = other.emitForWarps(b, otherName, forMany);
  if (failed(many))
    return failure();
  if ((*many)->getAttr(workAttrName) == (*function)->getAttr(workAttrName) &&
      forMany.block == shape.block) {
    many->erase();
    return success();
  }
  remark("for " + Twine(shape.leastMany) + " rows and more: " +
         (forMany.remark.empty() ? "larger tiles" : forMany.remark));
  (*function)->setAttr(
      manyRowsAttrName,
      b.getArrayAttr({b.getStringAttr(many->getName()),
                      onnx::DimsAttr::get(b.getContext(), shape.symbolicRows),
                      b.getI64IntegerAttr(shape.leastMany)}));
  return success();
}

LogicalResult KernelEmitter::emit() {
  OpBuilder b(kernel);
  return context.machine.hasWarps() ? emitForWarps(b) : emitForThreads(b);
}

Attribute GridShape::toAttr(MLIRContext *context) const {
  return DenseI64ArrayAttr::get(context, {block, cluster, shared, blockItems,
                                          persistent, counters, sums});
}

GridShape GridShape::fromAttr(Attribute attr) {
  ArrayRef<int64_t> fields = cast<DenseI64ArrayAttr>(attr).asArrayRef();
  GridShape shape;
  shape.block = fields[0];
  shape.cluster = fields[1];
  shape.shared = fields[2];
  shape.blockItems = fields[3];
  shape.persistent = fields[4];
  shape.counters = fields[5];
  shape.sums = fields[6];
  return shape;
}

Attribute TensorMap::toAttr() const {
  MLIRContext *ctx = element.getContext();
  Builder b(ctx);
  SmallVector<AffineExpr> numbers{offset};
  numbers.append(dims.begin(), dims.end());
  numbers.append(strides.begin(), strides.end());
  return b.getArrayAttr({b.getI64IntegerAttr(slot), TypeAttr::get(element),
                         onnx::DimsAttr::get(ctx, numbers),
                         b.getDenseI64ArrayAttr(box),
                         b.getDenseI64ArrayAttr(window.lower),
                         b.getDenseI64ArrayAttr(window.upper),
                         b.getDenseI64ArrayAttr(window.steps)});
}

TensorMap TensorMap::fromAttr(Attribute attr) {
  ArrayRef<Attribute> fields = cast<ArrayAttr>(attr).getValue();
  TensorMap map;
  map.slot = cast<IntegerAttr>(fields[0]).getInt();
  map.element = cast<TypeAttr>(fields[1]).getValue();
  auto read = [&](Attribute list, auto &to) {
    ArrayRef<int64_t> from = cast<DenseI64ArrayAttr>(list).asArrayRef();
    to.assign(from.begin(), from.end());
  };
  read(fields[3], map.box);
  read(fields[4], map.window.lower);
  read(fields[5], map.window.upper);
  read(fields[6], map.window.steps);
  // The offset, the dimensions, and strides of all but one.
  ArrayRef<AffineExpr> numbers = cast<onnx::DimsAttr>(fields[2]).getDims();
  size_t rank = numbers.size() / 2;
  map.offset = numbers.front();
  ArrayRef<AffineExpr> dims = numbers.slice(1, rank);
  map.dims.assign(dims.begin(), dims.end());
  ArrayRef<AffineExpr> strides = numbers.drop_front(1 + rank);
  map.strides.assign(strides.begin(), strides.end());
  return map;
}

std::string ingot::recordName(StringRef kernel) {
  return "ingot_gpu_kernel_" + kernel.str();
}

LogicalResult ingot::emitKernels(ModuleOp module, bool remarks) {
  auto machine = module->getAttrOfType<kernel::MachineAttr>(machineAttrName);
  if (!machine)
    return module.emitError("[IG4001] the module has no machine description");
  AlignmentMap alignments;
  module.walk([&](kernel::LaunchOp launch) {
    if (!launch->hasAttr("offsets"))
      return;
    SmallVector<bool> &known = alignments[launch.getKernel()];
    size_t slot = 0;
    auto note = [&](Value v) {
      if (slot == known.size())
        known.push_back(true);
      known[slot] = known[slot] && isAligned(v);
      ++slot;
    };
    llvm::for_each(launch.getOperands(), note);
    llvm::for_each(launch.getResults(), note);
  });
  for (auto kernel :
       llvm::make_early_inc_range(module.getOps<kernel::FuncOp>())) {
    // The symbol moves from the kernel to the function made of it.
    if (failed(KernelEmitter(kernel, machine, alignments, remarks).emit()))
      return failure();
    kernel.erase();
  }
  return success();
}
