//===- FormRows.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/NodeName.h"
#include "passes/Passes.h"
#include "passes/Remark.h"

#include "llvm/ADT/SetVector.h"

namespace ingot {
#define GEN_PASS_DEF_FORMROWS
#include "passes/Passes.h.inc"
} // namespace ingot

using namespace mlir;
using namespace ingot;

/// True if the first `rows` results of the map are the first loops, in order.
static bool readsRow(AffineMap map, int64_t rows) {
  if (int64_t(map.getNumResults()) < rows)
    return false;
  for (int64_t i = 0; i < rows; ++i)
    if (map.getResult(i) != getAffineDimExpr(i, map.getContext()))
      return false;
  return true;
}

/// The loops of a reduction that are not reduced, if those come first and are
/// what its results are indexed by; -1 otherwise.
static int64_t rowsOf(linalg::GenericOp op) {
  int64_t rows = op.getNumParallelLoops();
  if (op.getNumReductionLoops() == 0 || op->getNumResults() != 1)
    return -1;
  auto kinds = op.getIteratorTypesArray();
  for (int64_t i = 0; i < rows; ++i)
    if (kinds[i] != utils::IteratorType::parallel)
      return -1;
  // Rows must lie in memory as rows: where neighbours belong to different
  // rows, vectors of rows are the better kernel.
  for (OpOperand *operand : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(operand);
    auto type = cast<RankedTensorType>(operand->get().getType());
    if (map.getNumResults() == 0 || type.getShape().back() == 1 ||
        operand->get().getDefiningOp<kernel::EmptyOp>())
      continue;
    // One number per row has no neighbours to speak of.
    bool reduced = false, acrossRows = false;
    for (unsigned i = 0; i < op.getNumLoops(); ++i) {
      if (int64_t(i) < rows)
        acrossRows |= map.getResults().back().isFunctionOfDim(i);
      else
        reduced |= map.isFunctionOfDim(i);
    }
    if (reduced && acrossRows)
      return -1;
  }
  AffineMap out = op.getMatchingIndexingMap(&op.getDpsInitsMutable()[0]);
  // Without rows there would be one item for everything.
  if (rows == 0)
    return -1;
  return int64_t(out.getNumResults()) == rows && readsRow(out, rows) ? rows
                                                                     : -1;
}

/// The sizes of a value's first dimensions.
static SmallVector<AffineExpr> rowDims(Value v, int64_t rows) {
  onnx::Dims dims = onnx::getDims(cast<RankedTensorType>(v.getType()));
  return SmallVector<AffineExpr>(dims.begin(), dims.begin() + rows);
}

static bool isCostly(linalg::GenericOp op) {
  return op.getBody()
      ->walk([](Operation *inner) {
        return isa<math::MathDialect>(inner->getDialect())
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

namespace {
/// Grows one group from a reduction.
class RowGroup {
public:
  RowGroup(linalg::GenericOp seed, int64_t rows)
      : rows(rows), dims(rowDims(seed.getResult(0), rows)) {
    members.insert(seed);
  }

  void grow();
  /// True if all can run where the last member is: nothing outside needs a
  /// result before that.
  bool isMovable();
  void mark(int64_t number);

private:
  bool fits(linalg::GenericOp op);

  int64_t rows;
  SmallVector<AffineExpr> dims;
  llvm::SetVector<Operation *> members;
};
} // namespace

/// True if the op works row by row: whatever it takes of the group belongs to
/// the row it makes.
bool RowGroup::fits(linalg::GenericOp op) {
  if (op->hasAttr("ingot.group") || op->getNumResults() != 1)
    return false;
  Value result = op.getResult(0);
  auto type = cast<RankedTensorType>(result.getType());
  if (type.getRank() < rows || rowDims(result, rows) != ArrayRef(dims))
    return false;
  if (op.getNumReductionLoops()
          ? rowsOf(op) != rows
          : !op.getMatchingIndexingMap(&op.getDpsInitsMutable()[0])
                 .isIdentity())
    return false;
  for (OpOperand *operand : op.getDpsInputOperands())
    if (members.contains(operand->get().getDefiningOp()) &&
        !readsRow(op.getMatchingIndexingMap(operand), rows))
      return false;
  bool gathers =
      op.getBody()
          ->walk([&](tensor::ExtractOp extract) {
            return members.contains(extract.getTensor().getDefiningOp())
                       ? WalkResult::interrupt()
                       : WalkResult::advance();
          })
          .wasInterrupted();
  return !gathers;
}

void RowGroup::grow() {
  bool changed = true;
  while (changed && members.size() < 16) {
    changed = false;
    SmallVector<Operation *> now(members.begin(), members.end());
    for (Operation *member : now) {
      for (Operation *user : member->getUsers()) {
        auto generic = dyn_cast<linalg::GenericOp>(user);
        if (generic && generic->getBlock() == member->getBlock() &&
            !members.contains(generic) && fits(generic))
          changed |= members.insert(generic);
      }
      // A value that only members read is made where they read it.
      for (Value operand : member->getOperands()) {
        auto maker = operand.getDefiningOp<linalg::GenericOp>();
        if (!maker || members.contains(maker) || maker.getNumReductionLoops() ||
            !fits(maker) ||
            !llvm::all_of(maker->getUsers(), [&](Operation *user) {
              return members.contains(user);
            }))
          continue;
        auto reader = cast<linalg::GenericOp>(member);
        bool inRow = true;
        for (OpOperand *use : reader.getDpsInputOperands())
          if (use->get() == operand)
            inRow &= readsRow(reader.getMatchingIndexingMap(use), rows);
        if (inRow)
          changed |= members.insert(maker);
      }
    }
  }
}

bool RowGroup::isMovable() {
  if (members.size() < 2)
    return false;
  Operation *last = members.front();
  for (Operation *member : members)
    if (last->isBeforeInBlock(member))
      last = member;
  for (Operation *member : members)
    for (Operation *user : member->getUsers()) {
      while (user && user->getBlock() != member->getBlock())
        user = user->getParentOp();
      if (user && !members.contains(user) && user->isBeforeInBlock(last))
        return false;
    }
  return true;
}

void RowGroup::mark(int64_t number) {
  Builder b(members.front()->getContext());
  for (Operation *member : members) {
    member->setAttr("ingot.group", b.getI64IntegerAttr(number));
    member->setAttr("ingot.rows", b.getI64IntegerAttr(rows));
    auto generic = cast<linalg::GenericOp>(member);
    // A costly value that several passes read is kept rather than made again.
    if (!generic.getNumReductionLoops() && isCostly(generic) &&
        std::distance(member->user_begin(), member->user_end()) > 1)
      member->setAttr("ingot.keep", b.getUnitAttr());
  }
}

namespace {
struct FormRows : ingot::impl::FormRowsBase<FormRows> {
  using FormRowsBase::FormRowsBase;

  void runOnOperation() override {
    // Numbers of their own, beside those of heavy ops.
    int64_t number = int64_t(1) << 32;
    SmallVector<linalg::GenericOp> seeds;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (rowsOf(op) >= 0)
        seeds.push_back(op);
    });
    for (linalg::GenericOp seed : seeds) {
      if (seed->hasAttr("ingot.group"))
        continue;
      RowGroup group(seed, rowsOf(seed));
      group.grow();
      if (!group.isMovable()) {
        if (remarks)
          remarkAt(seed.getLoc(), "fusion",
                   "its reduction is a kernel of its own: no other op works on "
                   "its rows");
        continue;
      }
      group.mark(number++);
      if (remarks)
        remarkAt(seed.getLoc(), "fusion",
                 "its reduction shares a loop over rows with the other passes "
                 "over them");
    }
  }
};
} // namespace
