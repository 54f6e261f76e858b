//===- PlanMemory.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/memory/PlanMemory.h"
#include "dialects/onnx/ShapeValues.h"
#include "passes/Remark.h"
#include "passes/tensor/Lowering.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace ingot {
#define GEN_PASS_DEF_PLANMEMORY
#include "passes/Passes.h.inc"
} // namespace ingot

using namespace mlir;
using namespace ingot;

/// Buffers begin on cache lines.
constexpr int64_t alignment = 64;

int64_t ingot::packBuffers(MutableArrayRef<PlannedBuffer> buffers) {
  auto overlaps = [](const PlannedBuffer &a, const PlannedBuffer &b) {
    return a.first <= b.last && b.first <= a.last;
  };
  // Places buffers in the given order, each at the lowest gap that fits best.
  auto place = [&](ArrayRef<unsigned> order, SmallVectorImpl<int64_t> &at) {
    int64_t peak = 0;
    SmallVector<unsigned> placed;
    for (unsigned i : order) {
      SmallVector<std::pair<int64_t, int64_t>> taken;
      for (unsigned j : placed)
        if (overlaps(buffers[i], buffers[j]))
          taken.push_back({at[j], at[j] + buffers[j].bytes});
      llvm::sort(taken);
      int64_t best = -1, bestGap = INT64_MAX, end = 0;
      for (auto [from, to] : taken) {
        int64_t gap = from - end;
        if (gap >= buffers[i].bytes && gap < bestGap) {
          best = end;
          bestGap = gap;
        }
        end = std::max(end, to);
      }
      at[i] = best >= 0 ? best : end;
      placed.push_back(i);
      peak = std::max(peak, at[i] + buffers[i].bytes);
    }
    return peak;
  };

  SmallVector<unsigned> order(buffers.size());
  std::iota(order.begin(), order.end(), 0);
  SmallVector<int64_t> at(buffers.size()), bestAt(buffers.size());
  int64_t bestPeak = INT64_MAX;
  auto attempt = [&] {
    int64_t peak = place(order, at);
    if (peak < bestPeak) {
      bestPeak = peak;
      bestAt = at;
    }
  };
  auto by = [&](auto key) {
    std::iota(order.begin(), order.end(), 0);
    llvm::stable_sort(order, [&](unsigned a, unsigned b) {
      return key(buffers[a]) > key(buffers[b]);
    });
    attempt();
  };
  int64_t lowerBound = liveBytes(buffers);
  by([](const PlannedBuffer &x) { return x.bytes; });
  by([](const PlannedBuffer &x) { return -x.first; });
  by([](const PlannedBuffer &x) { return x.last - x.first; });
  by([](const PlannedBuffer &x) { return x.bytes * (x.last - x.first + 1); });
  by([](const PlannedBuffer &x) { return x.last; });
  // Local search: bring a buffer that touches the peak to the front of the
  // order, for a bounded number of attempts.
  by([](const PlannedBuffer &x) { return x.bytes; });
  int64_t tries = buffers.size() < 600 ? 200 : 20;
  for (int64_t t = 0; t < tries && bestPeak > lowerBound; ++t) {
    int64_t before = bestPeak;
    SmallVector<unsigned> saved(order);
    for (size_t i = 0; i < order.size(); ++i) {
      unsigned b = order[i];
      if (bestAt[b] + buffers[b].bytes == bestPeak && i > 0) {
        std::rotate(order.begin(), order.begin() + i, order.begin() + i + 1);
        break;
      }
    }
    attempt();
    if (bestPeak >= before && order == saved)
      break;
  }
  for (size_t i = 0; i < buffers.size(); ++i)
    buffers[i].offset = bestAt[i];
  return buffers.empty() ? 0 : bestPeak;
}

int64_t ingot::liveBytes(ArrayRef<PlannedBuffer> buffers) {
  llvm::DenseMap<int64_t, int64_t> change;
  for (const PlannedBuffer &x : buffers) {
    change[x.first] += x.bytes;
    change[x.last + 1] -= x.bytes;
  }
  SmallVector<std::pair<int64_t, int64_t>> steps(change.begin(), change.end());
  llvm::sort(steps);
  int64_t live = 0, most = 0;
  for (auto [time, bytes] : steps)
    most = std::max(most, live += bytes);
  return most;
}

/// bytes = factor * unit, where unit is 1 for a static size.
static std::pair<int64_t, AffineExpr> splitFactor(AffineExpr bytes) {
  MLIRContext *context = bytes.getContext();
  if (auto constant = onnx::constantValue(bytes))
    return {*constant, onnx::constantDim(1, context)};
  auto product = dyn_cast<AffineBinaryOpExpr>(bytes);
  if (product && product.getKind() == AffineExprKind::Mul)
    if (auto factor = onnx::constantValue(product.getRHS()))
      return {*factor, product.getLHS()};
  return {1, bytes};
}

namespace {
/// One result of a launch, or of several that share its memory.
struct Lifetime {
  Value value;
  int64_t first, last;
};

struct PlanMemory : ingot::impl::PlanMemoryBase<PlanMemory> {
  using PlanMemoryBase::PlanMemoryBase;
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (failed(plan(function)))
        return signalPassFailure();
  }

  LogicalResult plan(func::FuncOp function);
  void explain(func::FuncOp function);
};
} // namespace

/// Sizes of tensors, in kernels too, that some sizes of the inputs make
/// negative: what is behind the first 3 of N elements has N - 3.
static onnx::Dims doubtfulSizes(func::FuncOp function) {
  llvm::SetVector<AffineExpr> symbols, doubtful;
  for (Type type : function.getArgumentTypes())
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      for (AffineExpr dim : onnx::getDims(tensor))
        symbols.insert(dim);
  auto isKnown = [&](AffineExpr dim) {
    bool known = true;
    dim.walk([&](AffineExpr part) {
      known &= !isa<AffineSymbolExpr>(part) || symbols.contains(part);
    });
    return known;
  };
  auto note = [&](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.hasStaticShape())
      return;
    for (AffineExpr dim : onnx::getDims(tensor))
      if (!onnx::isNonNegative(dim) && isKnown(dim))
        doubtful.insert(dim);
  };
  function->getParentOp()->walk(
      [&](Operation *op) { llvm::for_each(op->getResultTypes(), note); });
  return onnx::Dims(doubtful.begin(), doubtful.end());
}

LogicalResult PlanMemory::plan(func::FuncOp function) {
  MLIRContext *context = &getContext();
  // The memory that each tensor lies in: a launch result.
  llvm::DenseMap<Value, Value> memory;
  llvm::MapVector<Value, Lifetime> lifetimes;
  auto memoryOf = [&](Value v) {
    auto it = memory.find(v);
    return it == memory.end() ? v : it->second;
  };
  int64_t time = 0;
  llvm::SmallPtrSet<void *, 8> returned;
  for (Operation &op : function.getBody().front()) {
    if (auto view = dyn_cast<kernel::ViewOp>(op)) {
      memory[view.getResult()] = memoryOf(view.getSource());
      continue;
    }
    if (isa<func::ReturnOp>(op)) {
      for (Value v : op.getOperands())
        returned.insert(memoryOf(v).getAsOpaquePointer());
      continue;
    }
    auto launch = dyn_cast<kernel::LaunchOp>(op);
    if (!launch)
      continue;
    for (Value operand : launch.getOperands()) {
      auto it = lifetimes.find(memoryOf(operand));
      if (it != lifetimes.end())
        it->second.last = time;
    }
    for (OpResult result : launch.getResults())
      if (Value tied = tiedOperand(result))
        memory[result] = memoryOf(tied);
      else
        lifetimes[result] = {result, time, time};
    ++time;
  }
  // Sizes that are multiples of the same symbolic unit are packed together;
  // each unit has its own region of the arena.
  llvm::MapVector<AffineExpr, SmallVector<PlannedBuffer>> regions;
  llvm::MapVector<AffineExpr, SmallVector<Value>> owners;
  regions[onnx::constantDim(1, context)];
  for (auto &[value, life] : lifetimes) {
    if (returned.contains(value.getAsOpaquePointer()))
      continue;
    auto type = cast<RankedTensorType>(value.getType());
    AffineExpr bytes =
        onnx::product(onnx::getDims(type), context) * elementBytes(type);
    auto [factor, unit] = splitFactor(bytes);
    regions[unit].push_back(
        {int64_t(llvm::alignTo(std::max<int64_t>(factor, 1), alignment)),
         life.first, life.last, 0});
    owners[unit].push_back(value);
  }
  AffineExpr base = onnx::constantDim(0, context);
  AffineExpr bound = onnx::constantDim(0, context);
  llvm::DenseMap<Value, AffineExpr> offsets;
  for (auto &[unit, buffers] : regions) {
    int64_t peak = packBuffers(buffers);
    for (auto [buffer, value] : llvm::zip(buffers, owners[unit]))
      offsets[value] = base + unit * buffer.offset;
    base = base + unit * peak;
    bound = bound + unit * liveBytes(buffers);
  }
  Builder b(context);
  for (auto launch : function.getOps<kernel::LaunchOp>()) {
    SmallVector<AffineExpr> at;
    for (Value result : launch.getResults()) {
      auto it = offsets.find(result);
      at.push_back(it == offsets.end() ? onnx::constantDim(-1, context)
                                       : it->second);
    }
    launch->setAttr("offsets", onnx::DimsAttr::get(context, at));
  }
  if (onnx::Dims doubtful = doubtfulSizes(function); !doubtful.empty())
    function->setAttr("checked_sizes", onnx::DimsAttr::get(context, doubtful));
  function->setAttr("arena", onnx::DimsAttr::get(context, base));
  function->setAttr("arena_lower_bound", onnx::DimsAttr::get(context, bound));
  if (remarks)
    explain(function);
  return success();
}

/// Says where every result lies.
void PlanMemory::explain(func::FuncOp function) {
  MLIRContext *context = &getContext();
  for (auto view : function.getOps<kernel::ViewOp>())
    remarkAt(view.getLoc(), "memory",
             "a view of its operand: nothing is copied");
  for (auto launch : function.getOps<kernel::LaunchOp>()) {
    auto offsets = launch->getAttrOfType<onnx::DimsAttr>("offsets");
    for (auto [result, offset] :
         llvm::zip(launch.getResults(), offsets.getDims())) {
      auto type = cast<RankedTensorType>(result.getType());
      AffineExpr bytes =
          onnx::product(onnx::getDims(type), context) * elementBytes(type);
      std::string text = onnx::printDim(bytes, context) + " bytes ";
      if (tiedOperand(result))
        text += "where its operand lies, which it updates";
      else if (onnx::constantValue(offset) == -1)
        text += "of the caller's, since they are an output";
      else
        text += "of the arena, from " + onnx::printDim(offset, context);
      remarkAt(launch.getLoc(), "memory", text);
    }
  }
}

Value ingot::tiedOperand(OpResult result) {
  auto launch = dyn_cast<kernel::LaunchOp>(result.getOwner());
  if (!launch)
    return {};
  auto ties = launch->getAttrOfType<DenseI64ArrayAttr>("ties");
  if (!ties || ties[result.getResultNumber()] < 0)
    return {};
  return launch.getOperands()[ties[result.getResultNumber()]];
}

Value ingot::memoryOwner(Value v) {
  while (true) {
    if (auto view = v.getDefiningOp<kernel::ViewOp>()) {
      v = view.getSource();
      continue;
    }
    auto result = dyn_cast<OpResult>(v);
    Value tied = result ? tiedOperand(result) : Value();
    if (!tied)
      return v;
    v = tied;
  }
}

int64_t ingot::elementBytes(TensorType type) {
  Type element = type.getElementType();
  if (!element.isIntOrFloat())
    return 1;
  return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}
