//===- AssignLayout.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/ingot/Ingot.h"
#include "dialects/onnx/NodeName.h"
#include "passes/Remark.h"
#include "passes/tensor/Lowering.h"

#include "llvm/ADT/SetVector.h"

namespace ingot {
#define GEN_PASS_DEF_ASSIGNLAYOUT
#include "passes/Passes.h.inc"
} // namespace ingot

using namespace mlir;
using namespace ingot;

/// Dimension i of the transposed value is dimension perm[i] of its source.
using Permutation = SmallVector<int64_t, 6>;

/// The permutation of a generic that does nothing but transpose.
static std::optional<Permutation> transposition(Operation *op) {
  auto generic = dyn_cast_or_null<linalg::GenericOp>(op);
  if (!generic || generic.getNumDpsInputs() != 1 ||
      generic->getNumResults() != 1 ||
      generic.getNumLoops() != generic.getNumParallelLoops())
    return std::nullopt;
  Block *body = generic.getBody();
  if (body->getOperations().size() != 1 ||
      body->getTerminator()->getOperand(0) != body->getArgument(0))
    return std::nullopt;
  SmallVector<AffineMap> maps = generic.getIndexingMapsArray();
  if (!maps[1].isIdentity() || !maps[0].isPermutation())
    return std::nullopt;
  // Source dim j is read at loop i where perm[i] = j.
  Permutation perm(maps[0].getNumResults());
  for (auto [j, expr] : llvm::enumerate(maps[0].getResults()))
    perm[cast<AffineDimExpr>(expr).getPosition()] = j;
  return perm;
}

static bool isIdentity(ArrayRef<int64_t> perm) {
  for (auto [i, p] : llvm::enumerate(perm))
    if (p != int64_t(i))
      return false;
  return true;
}

static Permutation inverseOf(ArrayRef<int64_t> perm) {
  Permutation inverse(perm.size());
  for (auto [i, p] : llvm::enumerate(perm))
    inverse[p] = i;
  return inverse;
}

/// "channels last", or "with dimensions in the order 0, 2, 1".
static std::string printOrder(ArrayRef<int64_t> order) {
  Permutation last{0}, first{0, int64_t(order.size()) - 1};
  for (int64_t i = 1, e = order.size(); i < e - 1; ++i) {
    last.push_back(i + 1);
    first.push_back(i);
  }
  last.push_back(1);
  if (order.size() > 2 && order == ArrayRef(last))
    return "channels last";
  if (order.size() > 3 && order == ArrayRef(first))
    return "channels first";
  std::string text;
  for (int64_t dim : order)
    text += (text.empty() ? "" : ", ") + std::to_string(dim);
  return "with dimensions in the order " + text;
}

/// Index expressions of a value as those of its source.
template <typename T>
static SmallVector<T> toSource(ArrayRef<T> indices, ArrayRef<int64_t> perm) {
  SmallVector<T> result(indices.size());
  for (auto [i, index] : llvm::enumerate(indices))
    result[perm[i]] = index;
  return result;
}

static Value makeTranspose(OpBuilder &b, Location loc, Value source,
                           ArrayRef<int64_t> perm) {
  auto type = cast<RankedTensorType>(source.getType());
  onnx::Dims dims = onnx::getDims(type), out;
  for (int64_t p : perm)
    out.push_back(dims[p]);
  auto outType = onnx::tensorOf(out, type.getElementType());
  SmallVector<AffineExpr> loops, read;
  for (size_t i = 0; i < perm.size(); ++i)
    loops.push_back(getAffineDimExpr(i, b.getContext()));
  read = toSource(ArrayRef<AffineExpr>(loops), perm);
  Value init = emptyTensor(b, loc, outType);
  SmallVector<utils::IteratorType> iterators(perm.size(),
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, loc, TypeRange(outType), source, init,
             ArrayRef<AffineMap>{
                 AffineMap::get(perm.size(), 0, read, b.getContext()),
                 b.getMultiDimIdentityMap(perm.size())},
             iterators,
             [](OpBuilder &nested, Location at, ValueRange args) {
               linalg::YieldOp::create(nested, at, args[0]);
             })
      .getResult(0);
}

namespace {
/// Moves transposes away: readers read the source in its own order, and
/// results are produced in the order of what they are made from.
class LayoutAssigner {
public:
  explicit LayoutAssigner(bool remarks) : remarks(remarks) {}
  void run(Operation *root);

private:
  bool forward(linalg::GenericOp transpose, ArrayRef<int64_t> perm);
  bool backward(linalg::GenericOp transpose, ArrayRef<int64_t> perm);
  bool asView(linalg::GenericOp transpose, ArrayRef<int64_t> perm);
  bool beforeCast(linalg::GenericOp transpose, ArrayRef<int64_t> perm);
  bool concat(heavy::ConcatOp op);
  bool setLayout(linalg::GenericOp op, ArrayRef<int64_t> perm,
                 StringRef reason);
  void explain(Operation *root);
  bool readSource(Operation *user, Value value, Value source,
                  ArrayRef<int64_t> perm);

  bool remarks;
  llvm::SmallPtrSet<Operation *, 32> decided;
  llvm::SetVector<Operation *> work;
};
} // namespace

/// Makes one user read `source` instead of its transpose `value`.
bool LayoutAssigner::readSource(Operation *user, Value value, Value source,
                                ArrayRef<int64_t> perm) {
  if (auto extract = dyn_cast<tensor::ExtractOp>(user)) {
    SmallVector<Value> indices(extract.getIndices());
    OpBuilder b(extract);
    Value element = tensor::ExtractOp::create(
        b, extract.getLoc(), source, toSource(ArrayRef<Value>(indices), perm));
    extract.getResult().replaceAllUsesWith(element);
    extract.erase();
    return true;
  }
  auto generic = dyn_cast<linalg::GenericOp>(user);
  if (!generic)
    return false;
  SmallVector<AffineMap> maps = generic.getIndexingMapsArray();
  bool changed = false;
  for (OpOperand *operand : generic.getDpsInputOperands()) {
    if (operand->get() != value)
      continue;
    AffineMap &map = maps[operand->getOperandNumber()];
    map = AffineMap::get(map.getNumDims(), map.getNumSymbols(),
                         toSource(map.getResults(), perm), map.getContext());
    operand->set(source);
    changed = true;
  }
  Builder b(user->getContext());
  generic.setIndexingMapsAttr(b.getAffineMapArrayAttr(maps));
  return changed;
}

/// Makes the op produce its result so that the result now is the transpose by
/// `perm` of what is produced.
bool LayoutAssigner::setLayout(linalg::GenericOp op, ArrayRef<int64_t> perm,
                               StringRef reason) {
  if (op->getNumResults() != 1 || !decided.insert(op).second)
    return false;
  auto type = cast<RankedTensorType>(op.getResult(0).getType());
  OpOperand &init = op.getDpsInitsMutable()[0];
  AffineMap out = op.getMatchingIndexingMap(&init);
  int64_t rank = type.getRank(), loops = op.getNumLoops();
  if (rank != int64_t(perm.size()) || transposition(op) ||
      out != AffineMap::getMultiDimIdentityMap(loops, op.getContext())
                 .getMajorSubMap(rank) ||
      rank != int64_t(op.getNumParallelLoops()))
    return false;
  OpBuilder b(op);
  Location loc = op.getLoc();
  onnx::Dims dims = onnx::getDims(type);
  auto produced = onnx::tensorOf(toSource(ArrayRef<AffineExpr>(dims), perm),
                                 type.getElementType());
  Value start = emptyTensor(b, loc, produced);
  if (auto fill = init.get().getDefiningOp<linalg::FillOp>())
    start =
        linalg::FillOp::create(b, loc, fill.getInputs()[0], start).getResult(0);
  else if (!init.get().getDefiningOp<kernel::EmptyOp>())
    return false;
  // Loop i becomes loop perm[i], so that the result is written in order.
  SmallVector<AffineExpr> renamed;
  for (int64_t d = 0; d < loops; ++d)
    renamed.push_back(
        getAffineDimExpr(d < rank ? perm[d] : d, op.getContext()));
  SmallVector<AffineMap> maps;
  for (AffineMap map : op.getIndexingMapsArray())
    maps.push_back(map.replaceDimsAndSymbols(renamed, {}, loops, 0));
  maps.back() = AffineMap::getMultiDimIdentityMap(loops, op.getContext())
                    .getMajorSubMap(rank);
  auto made =
      linalg::GenericOp::create(b, loc, TypeRange(produced), op.getDpsInputs(),
                                start, maps, op.getIteratorTypesArray());
  made.getRegion().takeBody(op.getRegion());
  made.walk([&](linalg::IndexOp index) {
    if (int64_t(index.getDim()) < rank)
      index.setDim(perm[index.getDim()]);
  });
  decided.insert(made);
  Value back = makeTranspose(b, loc, made.getResult(0), perm);
  op.getResult(0).replaceAllUsesWith(back);
  work.insert(back.getDefiningOp());
  op.erase();
  if (remarks)
    remarkAt(loc, "layout",
             "produced " + printOrder(inverseOf(perm)) + ", " + reason);
  return true;
}

/// A transpose that moves only dimensions of size 1 moves no element.
bool LayoutAssigner::asView(linalg::GenericOp op, ArrayRef<int64_t> perm) {
  auto source = cast<RankedTensorType>(op.getDpsInputs()[0].getType());
  int64_t last = -1;
  for (int64_t p : perm) {
    if (source.getDimSize(p) == 1)
      continue;
    if (p < last)
      return false;
    last = p;
  }
  OpBuilder b(op);
  Value view = reshape(b, op.getLoc(), op.getDpsInputs()[0],
                       cast<RankedTensorType>(op.getResult(0).getType()));
  op.getResult(0).replaceAllUsesWith(view);
  op.erase();
  return true;
}

/// Bytes that are seen as numbers of another type are transposed before.
bool LayoutAssigner::beforeCast(linalg::GenericOp op, ArrayRef<int64_t> perm) {
  auto view = op.getDpsInputs()[0].getDefiningOp<kernel::ViewOp>();
  if (!view || view.getOffset())
    return false;
  auto source = cast<RankedTensorType>(view.getSource().getType());
  auto seen = cast<RankedTensorType>(view.getResult().getType());
  if (onnx::getDims(source) != onnx::getDims(seen))
    return false;
  OpBuilder b(op);
  Value bytes = makeTranspose(b, op.getLoc(), view.getSource(), perm);
  op.getResult(0).replaceAllUsesWith(
      reshape(b, op.getLoc(), bytes,
              cast<RankedTensorType>(op.getResult(0).getType())));
  op.erase();
  work.insert(bytes.getDefiningOp());
  return true;
}

/// Readers of the transposed value read the source, and produce their results
/// in the same order.
bool LayoutAssigner::forward(linalg::GenericOp op, ArrayRef<int64_t> perm) {
  Value value = op.getResult(0), source = op.getDpsInputs()[0];
  bool changed = false;
  llvm::SetVector<Operation *> users(value.user_begin(), value.user_end());
  for (Operation *user : users) {
    if (auto join = dyn_cast<heavy::ConcatOp>(user)) {
      changed |= concat(join);
      continue;
    }
    linalg::GenericOp reader = dyn_cast<linalg::GenericOp>(user);
    if (auto extract = dyn_cast<tensor::ExtractOp>(user))
      reader = extract->getParentOfType<linalg::GenericOp>();
    if (!readSource(user, value, source, perm))
      continue;
    changed = true;
    if (!reader)
      continue;
    // A transpose of a transpose may now be a plain copy.
    if (std::optional<Permutation> composed = transposition(reader)) {
      if (isIdentity(*composed)) {
        reader.getResult(0).replaceAllUsesWith(reader.getDpsInputs()[0]);
        work.remove(reader);
        reader.erase();
      } else {
        work.insert(reader);
      }
      continue;
    }
    setLayout(reader, perm, "as its operand is");
  }
  return changed;
}

/// What is transposed before its one important reader is produced in that
/// order at once.
bool LayoutAssigner::backward(linalg::GenericOp op, ArrayRef<int64_t> perm) {
  auto producer = op.getDpsInputs()[0].getDefiningOp<linalg::GenericOp>();
  if (!producer)
    return false;
  auto isHeavy = [](Operation *user) {
    return isa<heavy::ConvOp, heavy::ConcatOp>(user);
  };
  bool heavyReader =
      llvm::any_of(op.getResult(0).getUsers(), [&](Operation *user) {
        return isHeavy(user) || (isa<kernel::ViewOp>(user) &&
                                 llvm::any_of(user->getUsers(), isHeavy));
      });
  if (!heavyReader)
    return false;
  return setLayout(producer, inverseOf(perm), "as its reader wants it");
}

/// Pieces that are all transposed alike are joined before the transpose.
bool LayoutAssigner::concat(heavy::ConcatOp op) {
  std::optional<Permutation> perm;
  SmallVector<Value> sources;
  for (Value piece : op.getPieces()) {
    std::optional<Permutation> own = transposition(piece.getDefiningOp());
    if (!own || (perm && *perm != *own))
      return false;
    perm = own;
    sources.push_back(
        cast<linalg::GenericOp>(piece.getDefiningOp()).getDpsInputs()[0]);
  }
  OpBuilder b(op);
  auto type = cast<RankedTensorType>(op.getResult().getType());
  onnx::Dims dims = onnx::getDims(type);
  auto joined = onnx::tensorOf(toSource(ArrayRef<AffineExpr>(dims), *perm),
                               type.getElementType());
  Value made = heavy::ConcatOp::create(b, op.getLoc(), joined, sources,
                                       (*perm)[op.getAxis()]);
  Value back = makeTranspose(b, op.getLoc(), made, *perm);
  op.getResult().replaceAllUsesWith(back);
  work.insert(back.getDefiningOp());
  work.remove(op);
  op.erase();
  return true;
}

void LayoutAssigner::run(Operation *root) {
  root->walk([&](linalg::GenericOp op) {
    if (transposition(op))
      work.insert(op);
  });
  // Convolutions ask for channels last; from them the order spreads.
  while (!work.empty()) {
    auto op = cast<linalg::GenericOp>(work.front());
    work.remove(op);
    std::optional<Permutation> perm = transposition(op);
    if (!perm)
      continue;
    if (op.use_empty()) {
      op.erase();
      continue;
    }
    if (asView(op, *perm) || beforeCast(op, *perm))
      continue;
    forward(op, *perm);
    if (op.use_empty()) {
      op.erase();
      continue;
    }
    if (backward(op, *perm))
      work.insert(op);
  }
  if (remarks)
    explain(root);
}

/// Says which transposes are left, and for whom.
void LayoutAssigner::explain(Operation *root) {
  root->walk([&](linalg::GenericOp op) {
    std::optional<Permutation> perm = transposition(op);
    if (!perm || op.use_empty())
      return;
    Operation *reader = *op.getResult(0).user_begin();
    bool isOutput = reader->hasTrait<OpTrait::IsTerminator>();
    remarkAt(
        op.getLoc(), "layout",
        "a copy " + printOrder(*perm) + " is made for " +
            (isOutput ? "the caller" : onnx::describeNodes(reader->getLoc())));
  });
}

namespace {
struct AssignLayout : ingot::impl::AssignLayoutBase<AssignLayout> {
  using AssignLayoutBase::AssignLayoutBase;
  void runOnOperation() override {
    LayoutAssigner(remarks).run(getOperation());
  }
};
} // namespace
