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

namespace {
/// Tries orders of placing buffers and keeps the best offsets.
class Packer {
public:
  explicit Packer(ArrayRef<PlannedBuffer> buffers)
      : buffers(buffers), bound(liveBytes(buffers)), order(buffers.size()),
        at(buffers.size()), bestAt(buffers.size()) {
    std::iota(order.begin(), order.end(), 0);
  }

  /// Buffers by descending key, from the bottom of the arena and from both of
  /// its ends.
  template <typename Key> void tryBy(Key key) {
    std::iota(order.begin(), order.end(), 0);
    llvm::stable_sort(order, [&](unsigned a, unsigned b) {
      return key(buffers[a]) > key(buffers[b]);
    });
    attempt();
  }

  /// Bounded local search: brings a buffer that touches the peak forward.
  void improve(int64_t tries);

  bool isBest() const { return bestPeak <= bound; }
  int64_t peak() const { return buffers.empty() ? 0 : bestPeak; }
  int64_t offset(size_t i) const { return bestAt[i]; }

private:
  bool attempt();
  int64_t place(bool fromBothEnds);
  int64_t offsetFor(unsigned i, ArrayRef<unsigned> placed, bool fromBothEnds);

  ArrayRef<PlannedBuffer> buffers;
  int64_t bound;
  SmallVector<unsigned> order;
  SmallVector<int64_t> at, bestAt;
  int64_t bestPeak = INT64_MAX;
};
} // namespace

/// The lowest gap that fits best, below `bound` if there is one; from both ends
/// the highest gap if that is nearer to the end than the lowest one.
int64_t Packer::offsetFor(unsigned i, ArrayRef<unsigned> placed,
                          bool fromBothEnds) {
  const PlannedBuffer &x = buffers[i];
  SmallVector<std::pair<int64_t, int64_t>> taken;
  for (unsigned j : placed)
    if (x.first <= buffers[j].last && buffers[j].first <= x.last)
      taken.push_back({at[j], at[j] + buffers[j].bytes});
  llvm::sort(taken);
  int64_t best = -1, bestGap = INT64_MAX, lowest = -1, highest = -1, end = 0;
  for (auto [from, to] : taken) {
    int64_t gap = from - end;
    if (gap >= x.bytes) {
      if (gap < bestGap) {
        best = end;
        bestGap = gap;
      }
      lowest = lowest < 0 ? end : lowest;
      highest = from - x.bytes;
    }
    end = std::max(end, to);
  }
  if (fromBothEnds) {
    if (end + x.bytes <= bound) {
      lowest = lowest < 0 ? end : lowest;
      highest = bound - x.bytes;
    }
    if (lowest >= 0)
      return lowest <= bound - highest - x.bytes ? lowest : highest;
  }
  return best >= 0 ? best : end;
}

int64_t Packer::place(bool fromBothEnds) {
  int64_t peak = 0;
  SmallVector<unsigned> placed;
  for (unsigned i : order) {
    at[i] = offsetFor(i, placed, fromBothEnds);
    placed.push_back(i);
    peak = std::max(peak, at[i] + buffers[i].bytes);
  }
  return peak;
}

/// True if the order is as good as the best so far.
bool Packer::attempt() {
  int64_t before = bestPeak, least = INT64_MAX;
  for (bool fromBothEnds : {false, true}) {
    if (isBest())
      break;
    int64_t peak = place(fromBothEnds);
    least = std::min(least, peak);
    if (peak < bestPeak) {
      bestPeak = peak;
      bestAt = at;
    }
  }
  return least <= before;
}

void Packer::improve(int64_t tries) {
  // Not random: the same plan each time.
  uint32_t state = 1;
  auto next = [&](size_t limit) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % limit;
  };
  for (int64_t t = 0; t < tries && !isBest(); ++t) {
    SmallVector<size_t> touching;
    for (size_t i = 1; i < order.size(); ++i)
      if (bestAt[order[i]] + buffers[order[i]].bytes == bestPeak)
        touching.push_back(i);
    if (touching.empty())
      return;
    SmallVector<unsigned> saved(order);
    size_t from = touching[next(touching.size())], to = next(from);
    std::rotate(order.begin() + to, order.begin() + from,
                order.begin() + from + 1);
    if (!attempt())
      order = saved;
  }
}

int64_t ingot::packBuffers(MutableArrayRef<PlannedBuffer> buffers) {
  Packer packer(buffers);
  packer.tryBy([](const PlannedBuffer &x) { return -x.first; });
  packer.tryBy([](const PlannedBuffer &x) { return x.last - x.first; });
  packer.tryBy(
      [](const PlannedBuffer &x) { return x.bytes * (x.last - x.first + 1); });
  packer.tryBy([](const PlannedBuffer &x) { return x.last; });
  packer.tryBy([](const PlannedBuffer &x) { return x.bytes; });
  packer.improve(buffers.size() < 100 ? 400 : buffers.size() < 600 ? 100 : 10);
  for (size_t i = 0; i < buffers.size(); ++i)
    buffers[i].offset = packer.offset(i);
  return packer.peak();
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
