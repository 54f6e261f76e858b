//===- LoopPlan.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/loop/LoopEmitter.h"

using namespace mlir;
using namespace ingot;

onnx::Dims ingot::loopExtents(linalg::GenericOp op) {
  onnx::Dims extents(op.getNumLoops());
  for (auto [operand, map] :
       llvm::zip(op->getOperands(), op.getIndexingMapsArray())) {
    onnx::Dims dims = onnx::getDims(cast<RankedTensorType>(operand.getType()));
    for (auto [dim, expr] : llvm::zip(dims, map.getResults()))
      if (auto loop = dyn_cast<AffineDimExpr>(expr)) {
        AffineExpr &extent = extents[loop.getPosition()];
        // Prefer the constant where operands know more than others.
        if (!extent ||
            (!onnx::constantValue(extent) && onnx::constantValue(dim)))
          extent = dim;
      }
  }
  // The results know best: an operand may be read only in part.
  for (OpOperand &init : op.getDpsInitsMutable()) {
    onnx::Dims dims =
        onnx::getDims(cast<RankedTensorType>(init.get().getType()));
    for (auto [dim, expr] :
         llvm::zip(dims, op.getMatchingIndexingMap(&init).getResults()))
      if (auto loop = dyn_cast<AffineDimExpr>(expr))
        extents[loop.getPosition()] = dim;
  }
  return extents;
}

/// Bits of the widest element the body works on; index arithmetic is free.
static int64_t widestBits(linalg::GenericOp op) {
  int64_t bits = 8;
  auto consider = [&](Type type) {
    if (type.isIntOrFloat())
      bits = std::max<int64_t>(bits, storageType(type).getIntOrFloatBitWidth());
  };
  for (Value arg : op.getBody()->getArguments())
    if (!arg.use_empty())
      consider(arg.getType());
  for (Operation &inner : op.getBody()->getOperations()) {
    // Indices in i64 do not decide the width.
    if (isa<arith::IndexCastOp, arith::ConstantOp>(inner))
      continue;
    for (Type type : inner.getResultTypes())
      if (isa<FloatType>(type) || isa<linalg::YieldOp>(inner))
        consider(type);
  }
  for (Value v : op.getBody()->getTerminator()->getOperands())
    consider(v.getType());
  return bits;
}

namespace {
/// How the accesses of an op look along one loop.
struct AccessCount {
  int64_t contiguous = 0;
  int64_t strided = 0;
  bool resultContiguous = true;
};
} // namespace

/// The coefficient of loop `d` in the offset of an operand: 0, 1 or 2 (any
/// other stride).
static int coefficient(linalg::GenericOp op, unsigned operand, unsigned d) {
  AffineMap map = op.getIndexingMapsArray()[operand];
  auto type = cast<RankedTensorType>(op->getOperand(operand).getType());
  SmallVector<AffineExpr, 6> strides =
      rowMajorStrides(onnx::getDims(type), op.getContext());
  int worst = 0;
  for (auto [expr, stride] : llvm::zip(map.getResults(), strides)) {
    if (!expr.isFunctionOfDim(d))
      continue;
    bool unit = onnx::constantValue(stride) == 1;
    bool plain = isa<AffineDimExpr>(expr);
    if (auto sum = dyn_cast<AffineBinaryOpExpr>(expr))
      plain = sum.getKind() == AffineExprKind::Add &&
              ((sum.getLHS() == getAffineDimExpr(d, op.getContext()) &&
                !sum.getRHS().isFunctionOfDim(d)) ||
               (sum.getRHS() == getAffineDimExpr(d, op.getContext()) &&
                !sum.getLHS().isFunctionOfDim(d)));
    worst = std::max(worst, unit && plain ? 1 : 2);
  }
  return worst;
}

/// What an in-body extract does along loop `d`: 0 does not depend on it (as
/// far as its index operands show), 1 only its last index is the loop index
/// plus something, 2 anything else.
static int extractCoefficient(tensor::ExtractOp extract, unsigned d) {
  std::function<bool(Value, int)> depends = [&](Value v, int depth) {
    Operation *def = v.getDefiningOp();
    if (!def || depth > 16)
      return def != nullptr;
    if (auto index = dyn_cast<linalg::IndexOp>(def))
      return index.getDim() == d;
    return llvm::any_of(def->getOperands(),
                        [&](Value o) { return depends(o, depth + 1); });
  };
  auto indices = extract.getIndices();
  int worst = 0;
  for (auto [i, index] : llvm::enumerate(indices)) {
    if (!depends(index, 0))
      continue;
    bool last = i + 1 == indices.size();
    Operation *def = index.getDefiningOp();
    bool plain = isa<linalg::IndexOp>(def);
    if (auto add = dyn_cast<arith::AddIOp>(def))
      plain = (add.getLhs().getDefiningOp<linalg::IndexOp>() &&
               !depends(add.getRhs(), 0)) ||
              (add.getRhs().getDefiningOp<linalg::IndexOp>() &&
               !depends(add.getLhs(), 0));
    worst = std::max(worst, last && plain ? 1 : 2);
  }
  return worst;
}

static AccessCount countAccesses(linalg::GenericOp op, unsigned d) {
  AccessCount count;
  auto note = [&](int coefficient) {
    count.contiguous += coefficient == 1;
    count.strided += coefficient == 2;
  };
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    if (i >= op.getNumDpsInputs()) {
      int c = coefficient(op, i, d);
      count.resultContiguous &= c == 1;
      note(c);
    } else if (!op.getBody()->getArgument(i).use_empty()) {
      note(coefficient(op, i, d));
    }
  }
  op.getBody()->walk(
      [&](tensor::ExtractOp extract) { note(extractCoefficient(extract, d)); });
  return count;
}

/// The op that joins the accumulator with the element's value, if every result
/// is of that form and so may be accumulated per lane.
static bool hasSimpleCombiners(linalg::GenericOp op) {
  Block *body = op.getBody();
  for (auto [i, yielded] :
       llvm::enumerate(body->getTerminator()->getOperands())) {
    BlockArgument acc = body->getArgument(op.getNumDpsInputs() + i);
    Operation *combiner = yielded.getDefiningOp();
    if (!combiner || !acc.hasOneUse() || *acc.user_begin() != combiner ||
        !yielded.hasOneUse())
      return false;
    if (!isa<arith::AddFOp, arith::MulFOp, arith::MaximumFOp, arith::MinimumFOp,
             arith::MaxNumFOp, arith::MinNumFOp, arith::AddIOp, arith::MulIOp,
             arith::MaxSIOp, arith::MinSIOp, arith::MaxUIOp, arith::MinUIOp,
             arith::AndIOp, arith::OrIOp, arith::XOrIOp>(combiner))
      return false;
  }
  return true;
}

/// Chooses the vectorised loop among those from `first` on.
/// The result's innermost dimension, if it is short and the one before it is
/// contiguous in the operands: channels that come from an image as planes.
static int64_t interleavedDim(linalg::GenericOp op,
                              ArrayRef<AffineExpr> extents, int64_t first) {
  constexpr int64_t most = 4;
  int64_t inner = int64_t(op.getNumLoops()) - 1;
  if (inner - 1 < first || op.getNumReductionLoops() != 0 ||
      op.getNumDpsInits() != 1 ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return -1;
  std::optional<int64_t> size = onnx::constantValue(extents[inner]);
  if (!size || *size < 2 || *size > most)
    return -1;
  for (unsigned i = 0; i < op.getNumDpsInputs(); ++i)
    if (!op.getBody()->getArgument(i).use_empty() &&
        coefficient(op, i, inner - 1) == 2)
      return -1;
  bool gathers = false;
  op.getBody()->walk([&](tensor::ExtractOp extract) {
    gathers |= extractCoefficient(extract, inner - 1) == 2;
  });
  return gathers ? -1 : inner;
}

static LoopPlan choosePlan(linalg::GenericOp op, kernel::MachineAttr machine,
                           int64_t first, SmallVector<int64_t> &parallel) {
  LoopPlan plan;
  onnx::Dims extents = loopExtents(op);
  for (auto [d, kind] : llvm::enumerate(op.getIteratorTypesArray())) {
    if (int64_t(d) < first)
      continue;
    if (kind == utils::IteratorType::parallel)
      parallel.push_back(d);
    else
      plan.reducedDims.push_back(d);
  }
  bool vectorizable =
      !op.getBody()
           ->walk([](Operation *inner) {
             return inner->getNumRegions() && !isa<linalg::GenericOp>(inner)
                        ? WalkResult::interrupt()
                        : WalkResult::advance();
           })
           .wasInterrupted();
  bool combinable = vectorizable && hasSimpleCombiners(op);

  double best = 0;
  auto extentOf = [&](int64_t d) {
    return onnx::constantValue(extents[d]).value_or(1 << 20);
  };
  // Too few results to have a thread for each.
  bool fewResults = machine.hasWarps() && first == 0 && combinable;
  if (fewResults) {
    constexpr int64_t few = 2048, much = 1024;
    int64_t results = 1, points = 1;
    for (int64_t d : parallel)
      results = std::min(results * extentOf(d), few);
    for (int64_t d : plan.reducedDims)
      points = std::min(points * extentOf(d), much);
    fewResults = results < few && points >= much;
  }
  auto consider = [&](int64_t d, bool across) {
    int64_t size = extentOf(d);
    if (size < 2)
      return;
    AccessCount count = countAccesses(op, d);
    if (!across && !count.resultContiguous)
      return;
    // A gathered access costs about as much as scalar code does; long loops
    // fill their vectors better.
    double score = (1.0 + count.contiguous) / (1.0 + 3.0 * count.strided);
    score *= std::min<double>(1.0, double(size) / 16);
    if (across)
      score *= fewResults ? 100 : 0.9;
    if (score > best) {
      best = score;
      plan.vectorDim = d;
      plan.acrossReduction = across;
    }
  };
  int64_t interleaved = vectorizable && !machine.hasWarps()
                            ? interleavedDim(op, extents, first)
                            : -1;
  bool interleaves = interleaved >= 0 && extentOf(interleaved - 1) >= 16;
  if (interleaves) {
    plan.vectorDim = interleaved - 1;
    plan.interleavedDim = interleaved;
    llvm::erase(parallel, interleaved);
  }
  if (vectorizable && !interleaves)
    for (int64_t d : parallel)
      consider(d, false);
  if (combinable)
    for (int64_t d : plan.reducedDims)
      consider(d, true);

  if (plan.vectorDim >= 0) {
    plan.width = std::max<int64_t>(1, machine.lanes(widestBits(op)));
    if (std::optional<int64_t> size =
            onnx::constantValue(extents[plan.vectorDim]))
      while (plan.width > 1 && (machine.getMasks() ? plan.width / 2 >= *size
                                                   : plan.width > *size))
        plan.width /= 2;
    // A thread with a rest to do keeps its whole warp waiting.
    if (machine.hasWarps())
      if (std::optional<int64_t> size =
              onnx::constantValue(extents[plan.vectorDim]))
        while (*size % plan.width)
          plan.width /= 2;
    // Teams share out a reduction of scalars as well.
    bool shared = machine.hasWarps() && plan.acrossReduction;
    if (plan.width == 1 && !shared) {
      plan.vectorDim = -1;
      plan.acrossReduction = false;
    }
  }
  llvm::erase(parallel, plan.acrossReduction ? -1 : plan.vectorDim);
  return plan;
}

LoopPlan ingot::planRow(linalg::GenericOp op, kernel::MachineAttr machine,
                        int64_t rows) {
  SmallVector<int64_t> parallel;
  LoopPlan plan = choosePlan(op, machine, rows, parallel);
  plan.innerDims = parallel;
  return plan;
}

LoopPlan ingot::planLoops(linalg::GenericOp op, kernel::MachineAttr machine) {
  SmallVector<int64_t> parallel;
  LoopPlan plan = choosePlan(op, machine, 0, parallel);
  onnx::Dims extents = loopExtents(op);
  auto extentOf = [&](int64_t d) {
    return onnx::constantValue(extents[d]).value_or(1 << 20);
  };
  if (machine.hasWarps()) {
    // A thread for each vector; neighbours work on neighbours.
    plan.itemDims = parallel;
    if (plan.vectorDim >= 0 && !plan.acrossReduction)
      plan.chunk = plan.width;
    return plan;
  }
  // Enough items for any number of threads, but no more decomposition of item
  // numbers than that needs.
  int64_t items = 1;
  size_t next = 0;
  while (next < parallel.size() && items < 64)
    items *= std::max<int64_t>(1, extentOf(parallel[next++]));
  plan.itemDims.assign(parallel.begin(), parallel.begin() + next);
  plan.innerDims.assign(parallel.begin() + next, parallel.end());
  if (items < 64 && plan.vectorDim >= 0 && !plan.acrossReduction) {
    int64_t size = extentOf(plan.vectorDim);
    int64_t chunk = llvm::alignTo(
        std::max<int64_t>(plan.width * 16, llvm::divideCeil(size, 64)),
        plan.width * 4);
    if (chunk < size)
      plan.chunk = chunk;
  }
  return plan;
}

AffineExpr ingot::workItems(linalg::GenericOp op, const LoopPlan &plan) {
  onnx::Dims extents = loopExtents(op);
  AffineExpr items = onnx::constantDim(1, op.getContext());
  for (int64_t d : plan.itemDims)
    items = items * extents[d];
  if (plan.chunk)
    items = items * extents[plan.vectorDim].ceilDiv(plan.chunk);
  return items;
}

AffineExpr ingot::workItems(kernel::ForeachOp op) {
  return onnx::product(op.getExtents().getDims(), op.getContext());
}
