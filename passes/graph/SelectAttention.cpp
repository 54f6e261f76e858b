//===- SelectAttention.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds attention in the operators that exporters write it with.
//
//===----------------------------------------------------------------------===//
#include "dialects/ingot/Ingot.h"
#include "dialects/onnx/Elementwise.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Linear.h"
#include "dialects/onnx/Logic.h"
#include "dialects/onnx/Norm.h"
#include "dialects/onnx/Shape.h"
#include "passes/Remark.h"
#include "passes/graph/Simplify.h"
#include "passes/tensor/Lowering.h"

#include <cmath>

namespace ingot {
#define GEN_PASS_DEF_SELECTATTENTION
#include "passes/Passes.h.inc"
} // namespace ingot

using namespace mlir;
using namespace ingot;

/// The order of the dimensions [batch, heads, tokens, size] in memory, the
/// number of each in turn.
using Order = SmallVector<int64_t, 4>;

static const Order inOrder{0, 1, 2, 3}, tokensFirst{0, 2, 1, 3};
/// Of [batch, heads, size, tokens]: keys as the product takes them.
static const Order keysInOrder{0, 1, 3, 2}, keysTokensFirst{0, 2, 3, 1};

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}

/// The float tensor that v is a cast of, null if it is none.
static Value castInput(Value v) {
  auto cast = v.getDefiningOp<onnx::CastOp>();
  if (!cast || !isa<RankedTensorType>(cast.getInput().getType()) ||
      !isa<FloatType>(getElementTypeOrSelf(cast.getInput())) ||
      !isa<FloatType>(getElementTypeOrSelf(v)))
    return {};
  return cast.getInput();
}

/// The number that all elements of v are, also after a cast.
static std::optional<double> numberOf(Value v) {
  if (Value input = castInput(v))
    v = input;
  return graph::constantNumber(v);
}

/// The operand of a multiplication by a number or a division by one, which
/// becomes a factor of `scale`; null for other values.
static Value unscaled(Value v, double &scale) {
  Operation *def = v.getDefiningOp();
  if (!isa_and_nonnull<onnx::MulOp, onnx::DivOp>(def))
    return {};
  for (int64_t i : {1, 0}) {
    std::optional<double> number = numberOf(def->getOperand(i));
    Value other = def->getOperand(1 - i);
    if (!number || !graph::haveSameShape(v, other))
      continue;
    if (isa<onnx::MulOp>(def))
      scale *= *number;
    else if (i == 1 && *number != 0)
      scale /= *number;
    else
      return {};
    return other;
  }
  return {};
}

namespace {
/// An operand as it lies in memory.
struct Stored {
  Value value;
  Order order = inOrder;
  double scale = 1;
};

/// What stands around one softmax.
class AttentionMatcher {
public:
  explicit AttentionMatcher(onnx::MatMulOp last) : last(last) {}

  /// True if the product is that of a softmax.
  bool isCandidate();
  /// Finds the rest, or says why it is none.
  bool match();
  void rewrite(IRRewriter &rewriter);

  std::string why;

private:
  bool fail(const Twine &reason) {
    why = reason.str();
    return false;
  }
  bool matchScores(Value v);
  bool matchMask(onnx::WhereOp op, Value &scores);
  bool matchBias(onnx::AddOp op, Value &scores);
  bool checkShapes();
  bool broadcasts(Value v);
  Value view(IRRewriter &rewriter, const Stored &operand);

  onnx::MatMulOp last, first;
  onnx::SoftmaxOp softmax;
  Stored q, k, v;
  Value bias, mask;
  bool isInverted = false, isScaled = false, zeroNaN = false;
  double scale = 1, fill = -INFINITY;
};
} // namespace

/// True if v is made of a matrix product by casts, factors, masks and sums.
static bool comesFromProduct(Value v, int depth = 0) {
  Operation *def = v.getDefiningOp();
  if (!def || depth > 8 || !v.hasOneUse())
    return false;
  if (isa<onnx::MatMulOp>(def))
    return true;
  if (!isa<onnx::CastOp, onnx::MulOp, onnx::DivOp, onnx::AddOp, onnx::WhereOp>(
          def))
    return false;
  return llvm::any_of(def->getOperands(), [&](Value operand) {
    return comesFromProduct(operand, depth + 1);
  });
}

bool AttentionMatcher::isCandidate() {
  Value shares = last.getA();
  while (Value input = castInput(shares))
    shares = input;
  // Exports guard rows that see no key.
  if (auto guard = shares.getDefiningOp<onnx::WhereOp>()) {
    Value tested;
    if (auto test = guard.getCondition().getDefiningOp<onnx::IsNaNOp>())
      tested = test->getOperand(0);
    if (tested != guard.getY() || numberOf(guard.getX()) != 0.0)
      return false;
    zeroNaN = true;
    shares = guard.getY();
  }
  softmax = shares.getDefiningOp<onnx::SoftmaxOp>();
  auto type = dyn_cast<RankedTensorType>(shares.getType());
  if (!softmax || !type || !isa<RankedTensorType>(last.getType()))
    return false;
  int64_t axis = softmax.getAxis();
  return axis == -1 || axis == type.getRank() - 1;
}

/// mask ? scores : number, or the other way round.
bool AttentionMatcher::matchMask(onnx::WhereOp op, Value &scores) {
  if (mask)
    return fail("there are two masks");
  isInverted = comesFromProduct(op.getY());
  scores = isInverted ? op.getY() : op.getX();
  std::optional<double> number = numberOf(isInverted ? op.getX() : op.getY());
  if (!number)
    return fail("what masked scores are is not one number");
  mask = op.getCondition();
  fill = *number;
  return true;
}

bool AttentionMatcher::matchBias(onnx::AddOp op, Value &scores) {
  if (bias)
    return fail("two tensors are added to the scores");
  // Between the softmax and this sum there may be a mask that hides it.
  if (mask && !(std::isinf(fill) && fill < 0))
    return fail("the mask comes after the bias");
  bool second = comesFromProduct(op.getB()) && !comesFromProduct(op.getA());
  scores = op.getOperand(second ? 1 : 0);
  bias = op.getOperand(second ? 0 : 1);
  return true;
}

/// From the softmax back to the product of queries and keys.
bool AttentionMatcher::matchScores(Value scores) {
  for (;;) {
    if (!scores.hasOneUse())
      return fail("the scores have other readers");
    Operation *def = scores.getDefiningOp();
    if (Value input = castInput(scores)) {
      scores = input;
      continue;
    }
    if (Value input = unscaled(scores, scale)) {
      isScaled = true;
      scores = input;
      continue;
    }
    Value inner;
    if (auto add = dyn_cast_or_null<onnx::AddOp>(def)) {
      if (!matchBias(add, inner))
        return false;
    } else if (auto where = dyn_cast_or_null<onnx::WhereOp>(def)) {
      if (!matchMask(where, inner))
        return false;
    } else {
      first = dyn_cast_or_null<onnx::MatMulOp>(def);
      return first ? true
                   : fail("the scores are not a product, scaled and masked");
    }
    if (isScaled)
      return fail("the scores are scaled after a mask or bias");
    if (!graph::haveSameShape(scores, inner))
      return fail("a mask or bias has more dimensions than the scores");
    scores = inner;
  }
}

/// How an operand of a product lies in memory: back through scales, transposes
/// to an order that is read as well, and casts where those are behind them.
static Stored storedOperand(Value v, Order order, ArrayRef<Order> readable) {
  Stored found{v, order};
  double scale = 1;
  for (;;) {
    int64_t shift = 4 - typeOf(v).getRank();
    if (Value input = castInput(v)) {
      v = input;
      // Half precision is read as it is; what was rounded to it before is not
      // rounded if it is read instead.
      if (getElementTypeOrSelf(found.value).isF32() && found.order == order &&
          found.scale == scale && !getElementTypeOrSelf(v).isF32())
        found.value = v;
      continue;
    }
    if (Value input = unscaled(v, scale)) {
      v = input;
    } else if (auto transpose = v.getDefiningOp<onnx::TransposeOp>()) {
      Order next;
      std::optional<ArrayRef<int64_t>> perm = transpose.getPerm();
      for (int64_t d : order)
        next.push_back(d < shift ? d
                       : perm    ? (*perm)[d - shift] + shift
                                 : 3 - (d - shift));
      if (!llvm::is_contained(readable, next))
        return found;
      order = next;
      v = transpose->getOperand(0);
    } else if (auto reshape = v.getDefiningOp<onnx::ReshapeOp>()) {
      // One batch, given or left out.
      auto before =
          dyn_cast<RankedTensorType>(reshape->getOperand(0).getType());
      if (shift != 0 || !before || before.getRank() != 3 || order[0] != 0)
        return found;
      onnx::Dims all = onnx::getDims(typeOf(v)), dims = onnx::getDims(before);
      if (onnx::constantValue(all[0]) != 1 ||
          ArrayRef(all).drop_front() != ArrayRef(dims))
        return found;
      v = reshape->getOperand(0);
    } else {
      return found;
    }
    if (!isa<RankedTensorType>(v.getType()))
      return found;
    found = {v, order, scale};
  }
}

/// The dimensions of a tensor of at most rank 4, with leading ones.
static onnx::Dims fourDims(Value v) {
  onnx::Dims dims = onnx::getDims(typeOf(v));
  while (dims.size() < 4)
    dims.insert(dims.begin(), onnx::constantDim(1, v.getContext()));
  return dims;
}

bool AttentionMatcher::broadcasts(Value operand) {
  auto type = dyn_cast<RankedTensorType>(operand.getType());
  onnx::Dims scores = onnx::getDims(typeOf(first));
  if (!type || type.getRank() > int64_t(scores.size()))
    return fail("a mask or bias has more dimensions than the scores");
  onnx::Dims dims = onnx::getDims(type);
  for (auto [dim, score] :
       llvm::zip(dims, ArrayRef(scores).take_back(dims.size())))
    if (onnx::constantValue(dim) != 1 && dim != score)
      return fail("whether a mask or bias broadcasts is not known");
  return true;
}

bool AttentionMatcher::checkShapes() {
  for (Value operand : {first.getA(), first.getB(), last.getB()})
    if (!isa<RankedTensorType>(operand.getType()))
      return fail("an operand has no rank");
  int64_t rank = typeOf(first).getRank();
  for (Value operand : {first.getA(), first.getB(), last.getB()})
    if (typeOf(operand).getRank() != rank)
      return fail("its operands differ in rank");
  if (rank < 2 || rank > 4 || typeOf(last).getRank() != rank)
    return fail("it has " + Twine(rank) + " dimensions");
  for (Value operand :
       {first.getA(), first.getB(), last.getB(), last.getResult()})
    if (Type type = getElementTypeOrSelf(operand);
        !type.isF32() && !type.isF16() && !type.isBF16())
      return fail("it is not of f32, f16 or bf16");
  onnx::Dims a = fourDims(first.getA()), b = fourDims(first.getB()),
             c = fourDims(last.getB());
  for (AffineExpr size : {a[3], c[3]}) {
    std::optional<int64_t> known = onnx::constantValue(size);
    if (!known || *known < 1 || *known > heavy::mostAttentionSize)
      return fail("the size of a head is " +
                  onnx::printDim(size, softmax.getContext()));
  }
  if (b[2] != a[3] || c[2] != b[3])
    return fail("sizes of its operands are not known to be equal");
  if (b[0] != a[0] || b[1] != a[1] || c[0] != a[0] || c[1] != a[1])
    return fail("batches or heads of its operands differ");
  return (!bias || broadcasts(bias)) && (!mask || broadcasts(mask));
}

bool AttentionMatcher::match() {
  Value shares = last.getA();
  for (; shares != softmax.getResult();
       shares = shares.getDefiningOp()->getOperands().back())
    if (!shares.hasOneUse())
      return fail("the softmax has other readers");
  if (std::distance(shares.use_begin(), shares.use_end()) != (zeroNaN ? 2 : 1))
    return fail("the softmax has other readers");
  if (!matchScores(softmax->getOperand(0)) || !checkShapes())
    return false;
  q = storedOperand(first.getA(), inOrder, {inOrder, tokensFirst});
  // In `k`, dimensions are numbered as in the transposed keys.
  k = storedOperand(first.getB(), inOrder,
                    {inOrder, keysInOrder, keysTokensFirst});
  v = storedOperand(last.getB(), inOrder, {inOrder, tokensFirst});
  scale *= q.scale * k.scale;
  return v.scale == 1 ? true : fail("the values are scaled");
}

Value AttentionMatcher::view(IRRewriter &rewriter, const Stored &operand) {
  Type element = getElementTypeOrSelf(operand.value);
  return reshape(rewriter, last.getLoc(), operand.value,
                 onnx::tensorOf(fourDims(operand.value), element));
}

/// Erases ops that are no longer used, and what only they used.
static void eraseUnused(RewriterBase &rewriter, Operation *last) {
  llvm::SetVector<Operation *> left;
  left.insert(last);
  while (!left.empty()) {
    Operation *op = left.pop_back_val();
    if (!op->use_empty() || op->getDialect()->getNamespace() != "onnx")
      continue;
    for (Value operand : op->getOperands())
      if (Operation *def = operand.getDefiningOp())
        left.insert(def);
    rewriter.eraseOp(op);
  }
}

void AttentionMatcher::rewrite(IRRewriter &rewriter) {
  Location loc =
      rewriter.getFusedLoc({first.getLoc(), softmax.getLoc(), last.getLoc()});
  MLIRContext *ctx = last.getContext();
  rewriter.setInsertionPoint(last);
  onnx::Dims dims = fourDims(last.getResult());
  // What the result becomes next: a transpose, a cast.
  Operation *end = last;
  Type element = getElementTypeOrSelf(last.getResult());
  bool swapped = false;
  auto only = [&]() -> Operation * {
    return end->hasOneUse() ? *end->user_begin() : nullptr;
  };
  if (auto cast = dyn_cast_or_null<onnx::CastOp>(only());
      cast && castInput(cast.getResult()) &&
      !getElementTypeOrSelf(cast.getResult()).isF64()) {
    element = getElementTypeOrSelf(cast.getResult());
    end = cast;
  }
  if (auto transpose = dyn_cast_or_null<onnx::TransposeOp>(only());
      transpose && typeOf(last).getRank() == 4 && transpose.getPerm()) {
    ArrayRef<int64_t> perm = *transpose.getPerm();
    bool single = onnx::constantValue(dims[0]) == 1;
    swapped = perm == ArrayRef<int64_t>{0, 2, 1, 3} ||
              (single && perm == ArrayRef<int64_t>{2, 0, 1, 3});
    if (swapped)
      end = transpose;
  }
  if (swapped)
    std::swap(dims[1], dims[2]);
  if (isInverted)
    mask = onnx::NotOp::create(rewriter, loc, mask);
  if (bias && castInput(bias) && !getElementTypeOrSelf(castInput(bias)).isF64())
    bias = castInput(bias);
  auto flag = [&](bool set) { return set ? UnitAttr::get(ctx) : UnitAttr(); };
  FloatAttr filled = std::isinf(fill) && fill < 0
                         ? FloatAttr()
                         : rewriter.getF32FloatAttr(fill);
  auto op = heavy::AttentionOp::create(
      rewriter, loc, onnx::tensorOf(dims, element), view(rewriter, q),
      view(rewriter, k), view(rewriter, v), bias, mask,
      rewriter.getF32FloatAttr(scale), rewriter.getF32FloatAttr(0), filled,
      onnx::DimsAttr(), flag(k.order == inOrder), flag(q.order == tokensFirst),
      flag(k.order == keysTokensFirst), flag(v.order == tokensFirst),
      flag(swapped), flag(zeroNaN), flag(zeroNaN));
  Value result = reshape(rewriter, loc, op.getResult(),
                         cast<RankedTensorType>(end->getResult(0).getType()));
  rewriter.replaceAllUsesWith(end->getResult(0), result);
  eraseUnused(rewriter, end);
}

namespace {
struct SelectAttention : ingot::impl::SelectAttentionBase<SelectAttention> {
  using SelectAttentionBase::SelectAttentionBase;
  void runOnOperation() override {
    auto machine =
        getOperation()->getAttrOfType<kernel::MachineAttr>("ingot.machine");
    if (!machine || !machine.hasWarps())
      return;
    SmallVector<onnx::MatMulOp> products;
    getOperation()->walk([&](onnx::MatMulOp op) { products.push_back(op); });
    IRRewriter rewriter(&getContext());
    // A match erases products that come before it only.
    for (onnx::MatMulOp product : products) {
      AttentionMatcher matcher(product);
      if (!matcher.isCandidate())
        continue;
      Location loc = product.getLoc();
      bool matches = matcher.match();
      if (matches)
        matcher.rewrite(rewriter);
      if (remarks)
        remarkAt(loc, "kernel",
                 matches ? "attention emitter, which stores no scores"
                         : "attention is not one kernel: " + matcher.why);
    }
  }
};
} // namespace
