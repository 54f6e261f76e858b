//===- OutlineKernels.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/Lowering.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace ingot {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "passes/Passes.h.inc"
} // namespace ingot

using namespace mlir;
using namespace ingot;

/// Ops that a kernel holds its own copy of: they say something, not compute.
static bool isSetup(Operation *op) {
  if (isa<linalg::FillOp, kernel::EmptyOp, kernel::ExtentOp>(op))
    return true;
  // Scalars computed outside of loops: constants, and casts of them.
  return (isa<arith::ArithDialect>(op->getDialect()) ||
          isa<UnrealizedConversionCastOp>(op)) &&
         op->getNumResults() == 1 &&
         !isa<TensorType>(op->getResult(0).getType());
}

/// True for an op that becomes (part of) a kernel.
static bool isWork(Operation *op) {
  if (isa<linalg::FillOp>(op))
    return false;
  return isa<linalg::LinalgDialect>(op->getDialect()) ||
         isa<kernel::ForeachOp>(op) ||
         op->getName().getDialectNamespace() == "ingot";
}

/// Strips views: the value whose memory `v` lies in.
static Value memoryOf(Value v) {
  while (auto view = v.getDefiningOp<kernel::ViewOp>())
    v = view.getSource();
  return v;
}

/// An element-by-element copy of a tensor.
static Value copyOf(OpBuilder &b, Location loc, Value v) {
  auto type = cast<RankedTensorType>(v.getType());
  Value init = emptyTensor(b, loc, type);
  AffineMap map = b.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> loops(type.getRank(),
                                         utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, loc, TypeRange(type), v, init, ArrayRef<AffineMap>{map, map},
             loops,
             [](OpBuilder &nested, Location at, ValueRange args) {
               linalg::YieldOp::create(nested, at, args[0]);
             })
      .getResult(0);
}

/// Gives every returned value memory of its own that a kernel writes: inputs,
/// constants, slices and values returned twice are copied.
static void copyReturned(func::FuncOp function) {
  auto ret = cast<func::ReturnOp>(function.getBody().back().getTerminator());
  llvm::SmallPtrSet<void *, 8> taken;
  OpBuilder b(ret);
  for (OpOperand &operand : ret->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    bool sliced = false;
    for (Value v = operand.get(); auto view = v.getDefiningOp<kernel::ViewOp>();
         v = view.getSource())
      sliced |= view.getOffset().has_value();
    Value memory = memoryOf(operand.get());
    Operation *def = memory.getDefiningOp();
    if (!sliced && def && isWork(def) &&
        taken.insert(memory.getAsOpaquePointer()).second)
      continue;
    operand.set(copyOf(b, ret.getLoc(), operand.get()));
  }
}

/// kernel.foreach updates its inits in place: an init that anything else reads
/// is copied first.
static void copyForeachInits(func::FuncOp function) {
  function.walk([&](kernel::ForeachOp op) {
    OpBuilder b(op);
    for (OpOperand &init : op.getInitsMutable()) {
      if (init.get().getDefiningOp<kernel::EmptyOp>())
        continue;
      init.set(copyOf(b, op.getLoc(), init.get()));
    }
  });
}

/// ONNX operator types named in a location, for a readable kernel name.
static void appendNames(Location loc, SmallVectorImpl<StringRef> &names) {
  if (auto name = dyn_cast<NameLoc>(loc)) {
    StringRef type = name.getName().getValue().split(':').first;
    if (!llvm::is_contained(names, type))
      names.push_back(type);
  } else if (auto fused = dyn_cast<FusedLoc>(loc)) {
    for (Location part : fused.getLocations())
      appendNames(part, names);
  }
}

namespace {
/// Outlines the groups of one function.
class Outliner {
public:
  explicit Outliner(ModuleOp module) : module(module) {}

  void outline(ArrayRef<Operation *> group);

private:
  /// Collects what the group reads from outside and cannot copy inside.
  void collectInputs(ArrayRef<Operation *> group);
  kernel::FuncOp build(ArrayRef<Operation *> group, ValueRange results);
  std::string nameFor(Location loc);

  ModuleOp module;
  llvm::SetVector<Value> inputs;
  llvm::StringMap<kernel::FuncOp> known;
  llvm::StringSet<> names;
};
} // namespace

void Outliner::collectInputs(ArrayRef<Operation *> group) {
  inputs.clear();
  llvm::SmallPtrSet<Operation *, 8> inside(group.begin(), group.end());
  auto visit = [&](Value v, Operation *user, auto &&self) -> void {
    Operation *def = v.getDefiningOp();
    for (Operation *parent = def ? def : nullptr; parent;
         parent = parent->getParentOp())
      if (inside.contains(parent))
        return;
    if (auto arg = dyn_cast<BlockArgument>(v))
      for (Operation *parent = arg.getOwner()->getParentOp(); parent;
           parent = parent->getParentOp())
        if (inside.contains(parent))
          return;
    if (def && isSetup(def)) {
      for (Value operand : def->getOperands())
        self(operand, def, self);
      return;
    }
    inputs.insert(v);
  };
  for (Operation *op : group)
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        visit(operand, inner, visit);
    });
}

std::string Outliner::nameFor(Location loc) {
  SmallVector<StringRef> types;
  appendNames(loc, types);
  std::string name = "kernel";
  for (StringRef type : ArrayRef(types).take_front(4)) {
    name += '_';
    for (char c : type)
      name += isalnum(c) ? c : '_';
  }
  std::string unique = name;
  for (unsigned i = 1; !names.insert(unique).second; ++i)
    unique = name + "_" + std::to_string(i);
  return unique;
}

kernel::FuncOp Outliner::build(ArrayRef<Operation *> group,
                               ValueRange results) {
  Location loc = UnknownLoc::get(module.getContext());
  SmallVector<Type> inputTypes;
  for (Value v : inputs)
    inputTypes.push_back(v.getType());
  OpBuilder b(module.getContext());
  b.setInsertionPointToStart(module.getBody());
  auto type = b.getFunctionType(inputTypes, results.getTypes());
  auto kernel = kernel::FuncOp::create(b, loc, "k", type);
  Block *entry = b.createBlock(&kernel.getBody());
  IRMapping mapping;
  for (Value v : inputs)
    mapping.map(v, entry->addArgument(v.getType(), loc));
  b.setInsertionPointToStart(entry);
  auto copySetup = [&](Value v, auto &&self) -> void {
    Operation *def = v.getDefiningOp();
    // What a group's body defines comes along with the body.
    if (!def || mapping.contains(v) || !isSetup(def) ||
        def->getBlock() != group.front()->getBlock())
      return;
    for (Value operand : def->getOperands())
      self(operand, self);
    b.clone(*def, mapping);
  };
  for (Operation *op : group) {
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        copySetup(operand, copySetup);
    });
    b.clone(*op, mapping);
  }
  SmallVector<Value> yielded;
  for (Value v : results)
    yielded.push_back(mapping.lookup(v));
  kernel::YieldOp::create(b, loc, yielded);
  return kernel;
}

void Outliner::outline(ArrayRef<Operation *> group) {
  collectInputs(group);
  llvm::SmallPtrSet<Operation *, 8> inside(group.begin(), group.end());
  SmallVector<Value> results;
  SmallVector<Location> locs;
  for (Operation *op : group) {
    locs.push_back(op->getLoc());
    auto leaves = [&](Value result) {
      return llvm::any_of(result.getUsers(), [&](Operation *user) {
        for (; user; user = user->getParentOp())
          if (inside.contains(user))
            return false;
        return true;
      });
    };
    // An op writes all its results, so that all of them need a place.
    if (op->hasAttr("ingot.keep") || llvm::any_of(op->getResults(), leaves))
      llvm::append_range(results, op->getResults());
  }
  if (results.empty())
    return;
  Location loc = FusedLoc::get(module.getContext(), locs);
  kernel::FuncOp kernel = build(group, results);
  // Equal text is an equal kernel: the name is not yet part of it.
  std::string text;
  llvm::raw_string_ostream os(text);
  kernel->print(os, OpPrintingFlags().useLocalScope());
  auto [it, inserted] = known.try_emplace(text, kernel);
  if (inserted) {
    kernel.setName(nameFor(loc));
  } else {
    kernel.erase();
    kernel = it->second;
  }
  OpBuilder b(group.back());
  auto launch = kernel::LaunchOp::create(
      b, loc, ValueRange(results).getTypes(),
      FlatSymbolRefAttr::get(kernel.getNameAttr()), inputs.getArrayRef());
  // A foreach updates its inits where they lie.
  if (auto update = dyn_cast<kernel::ForeachOp>(group.front())) {
    SmallVector<int64_t> ties;
    for (Value result : results) {
      Value init = update.getInits()[cast<OpResult>(result).getResultNumber()];
      ties.push_back(llvm::find(inputs, init) - inputs.begin());
      if (ties.back() == int64_t(inputs.size()))
        ties.back() = -1;
    }
    launch->setAttr("ties", b.getDenseI64ArrayAttr(ties));
  }
  for (auto [before, after] : llvm::zip(results, launch.getResults()))
    before.replaceAllUsesWith(after);
}

namespace {
struct OutlineKernels : ingot::impl::OutlineKernelsBase<OutlineKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    Outliner outliner(module);
    for (auto function :
         llvm::make_early_inc_range(module.getOps<func::FuncOp>())) {
      copyReturned(function);
      copyForeachInits(function);
      // Marked groups share an integer; an op without one stands alone.
      SmallVector<SmallVector<Operation *>> groups;
      llvm::DenseMap<int64_t, size_t> groupOf;
      SmallVector<Operation *> dead;
      for (Operation &op : function.getBody().front()) {
        if (!isWork(&op))
          continue;
        dead.push_back(&op);
        auto mark = op.getAttrOfType<IntegerAttr>("ingot.group");
        if (!mark) {
          groups.push_back({&op});
          continue;
        }
        op.removeAttr("ingot.group");
        auto [it, inserted] = groupOf.try_emplace(mark.getInt(), groups.size());
        if (inserted)
          groups.push_back({});
        groups[it->second].push_back(&op);
      }
      for (auto &group : groups)
        outliner.outline(group);
      for (Operation *op : llvm::reverse(dead))
        if (op->use_empty())
          op->erase();
      for (Operation &op : llvm::make_early_inc_range(
               llvm::reverse(function.getBody().front())))
        if (op.use_empty() && isSetup(&op))
          op.erase();
    }
  }
};
} // namespace
