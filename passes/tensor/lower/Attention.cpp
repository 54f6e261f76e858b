//===- Attention.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention as one op where the machine has a kernel for it, else as two matrix
// products around a softmax. There, heads of Q that share a head of K are rows
// of one matrix, so that nothing is repeated.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Attention.h"
#include "dialects/ingot/Ingot.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Linear.h"
#include "dialects/onnx/TypeChecks.h"
#include "passes/tensor/lower/Rows.h"
#include "passes/tensor/lower/Scalars.h"

#include <cmath>

using namespace mlir;
using namespace ingot;

namespace {
class AttentionLowering {
public:
  AttentionLowering(onnx::AttentionOp op, RewriterBase &b)
      : op(op), b(b), loc(op.getLoc()) {}

  bool isLowerable(StringRef &why);
  SmallVector<Value> build();

private:
  onnx::Dims dimsOf(Value v) {
    return onnx::getDims(cast<RankedTensorType>(v.getType()));
  }
  Type elementOf(Value v) { return getElementTypeOrSelf(v.getType()); }
  Value transpose(Value v, ArrayRef<int64_t> perm) {
    return onnx::TransposeOp::create(b, loc, v, b.getDenseI64ArrayAttr(perm));
  }
  /// [batch, heads, length, size] of an operand of either form.
  Value splitHeads(Value v, AffineExpr heads);
  Value follow(Value past, Value v) {
    if (onnx::isNone(past))
      return v;
    return onnx::ConcatOp::create(b, loc, ValueRange{past, v}, 2);
  }
  /// The same as [batch, length, heads, size].
  Value asTokens(Value v, AffineExpr heads);
  /// True if ingot.attention says all of it and the machine computes that.
  bool isOneKernel();
  Value oneKernel(Value k, Value v, bool keyTokens, bool valueTokens);
  /// left [batch, heads of Q, rows, n] times right [batch, heads of K, n, m].
  Value product(Value left, Value right);
  /// The scores after scale and softcap, or those and the mask.
  Value scoresWith(Value products, Type element, bool capped, bool masked);
  Value masked(Body &body, const Scalars &s, Value score);
  Value probabilities(Value scores);
  Value rounded(Value v, Type element) {
    if (elementOf(v) == element)
      return v;
    onnx::Dims dims = dimsOf(v);
    return compute(b, loc, onnx::tensorOf(dims, element), v,
                   b.getMultiDimIdentityMap(dims.size()),
                   [](Body &body) { return body.args[0]; });
  }

  onnx::AttentionOp op;
  RewriterBase &b;
  Location loc;
  Type real;
  double scale = 1;
  AffineExpr queries, keys, past;
};
} // namespace

bool AttentionLowering::isLowerable(StringRef &why) {
  why = "an operand has no rank";
  for (Value v : op->getOperands())
    if (!onnx::isNone(v) && !onnx::rankedType(v))
      return false;
  why = "the heads or their size are symbolic";
  RankedTensorType q = onnx::rankedType(op.getQ());
  onnx::Dims present = onnx::getDims(rankedResult(op, 1));
  onnx::Dims scores = onnx::getDims(rankedResult(op, 3));
  return onnx::constantValue(present[1]) && onnx::constantValue(present[3]) &&
         onnx::constantValue(scores[1]) && isComputable(q.getElementType());
}

Value AttentionLowering::splitHeads(Value v, AffineExpr heads) {
  onnx::Dims dims = dimsOf(v);
  if (dims.size() == 4)
    return v;
  int64_t count = *onnx::constantValue(heads);
  onnx::Dims apart{dims[0], dims[1], heads, dims[2].floorDiv(count)};
  return transpose(reshape(b, loc, v, onnx::tensorOf(apart, elementOf(v))),
                   {0, 2, 1, 3});
}

Value AttentionLowering::asTokens(Value v, AffineExpr heads) {
  onnx::Dims dims = dimsOf(v);
  int64_t count = *onnx::constantValue(heads);
  return reshape(
      b, loc, v,
      onnx::tensorOf({dims[0], dims[1], heads, dims[2].floorDiv(count)},
                     elementOf(v)));
}

bool AttentionLowering::isOneKernel() {
  auto module = op->getParentOfType<ModuleOp>();
  auto machine =
      module ? module->getAttrOfType<kernel::MachineAttr>("ingot.machine")
             : kernel::MachineAttr();
  if (!machine || !machine.hasWarps() || !op.getQkMatmulOutput().use_empty() ||
      !onnx::isNone(op.getNonpadKvSeqlen()) ||
      int64_t(op.getLeftWindowSize()) >= 0 ||
      int64_t(op.getRightWindowSize()) >= 0)
    return false;
  onnx::Dims key = onnx::getDims(rankedResult(op, 1));
  onnx::Dims value = onnx::getDims(rankedResult(op, 2));
  auto isFine = [](AffineExpr size) {
    std::optional<int64_t> known = onnx::constantValue(size);
    return known && *known >= 1 && *known <= heavy::mostAttentionSize;
  };
  if (!isFine(key[3]) || !isFine(value[3]) || key[1] != value[1])
    return false;
  for (Value v : {op.getQ(), op.getK(), op.getV(), op.getY()})
    if (Type type = elementOf(v);
        !type.isF32() && !type.isF16() && !type.isBF16())
      return false;
  Value mask = op.getAttnMask();
  if (onnx::isNone(mask))
    return true;
  // A mask that ends before the keys do hides the others.
  onnx::Dims dims = dimsOf(mask);
  return !dims.empty() && dims.back() == keys &&
         (elementOf(mask).isInteger(1) || isa<FloatType>(elementOf(mask)));
}

Value AttentionLowering::oneKernel(Value k, Value v, bool keyTokens,
                                   bool valueTokens) {
  MLIRContext *ctx = b.getContext();
  onnx::Dims scores = onnx::getDims(rankedResult(op, 3));
  bool tokens = onnx::rankedType(op.getQ()).getRank() == 3;
  Value q = tokens ? asTokens(op.getQ(), scores[1]) : op.getQ();
  onnx::Dims out{scores[0], scores[1], scores[2], dimsOf(v)[3]};
  if (tokens)
    std::swap(out[1], out[2]);
  Value bias, mask;
  if (Value given = op.getAttnMask(); !onnx::isNone(given))
    (elementOf(given).isInteger(1) ? mask : bias) = given;
  onnx::DimsAttr causal;
  if (op.getIsCausal())
    causal = onnx::DimsAttr::get(ctx, past ? past : onnx::constantDim(0, ctx));
  auto flag = [&](bool set) { return set ? b.getUnitAttr() : UnitAttr(); };
  auto all = heavy::AttentionOp::create(
      b, loc, onnx::tensorOf(out, elementOf(op.getY())), q, k, v, bias, mask,
      b.getF32FloatAttr(scale), op.getSoftcapAttr(), FloatAttr(), causal,
      /*k_transposed=*/UnitAttr(), flag(tokens), flag(keyTokens),
      flag(valueTokens), flag(tokens), /*zero_masked_rows=*/b.getUnitAttr(),
      /*zero_nan_rows=*/UnitAttr());
  return reshape(b, loc, all.getResult(), rankedResult(op));
}

Value AttentionLowering::product(Value left, Value right) {
  onnx::Dims rows = dimsOf(left), other = dimsOf(right);
  int64_t perHead =
      *onnx::constantValue(rows[1]) / *onnx::constantValue(other[1]);
  onnx::Dims joined{rows[0], other[1], rows[2] * perHead, rows[3]};
  Value matrix =
      perHead == 1
          ? left
          : reshape(b, loc, left, onnx::tensorOf(joined, elementOf(left)));
  Value all = onnx::MatMulOp::create(b, loc, matrix, right);
  onnx::Dims out{rows[0], rows[1], rows[2], other[3]};
  return perHead == 1
             ? all
             : reshape(b, loc, all, onnx::tensorOf(out, elementOf(all)));
}

/// The score, or minus infinity where the key is not to be seen.
Value AttentionLowering::masked(Body &body, const Scalars &s, Value score) {
  Value batch = body.index(0), query = body.index(2), key = body.index(3);
  Value hidden = s.constant(score.getType(), -INFINITY);
  Value seen;
  auto require = [&](Value condition) {
    seen = seen ? s.both(seen, condition) : condition;
  };
  Value lengths = op.getNonpadKvSeqlen(), length;
  if (!onnx::isNone(lengths)) {
    length = arith::IndexCastOp::create(body.b, body.loc, body.b.getIndexType(),
                                        body.load(lengths, {batch}));
    require(s.less(key, length));
  }
  // Where the query stands among the keys.
  Value place = query;
  if (length)
    place = s.add(query, s.sub(length, s.size(queries)));
  else if (past)
    place = s.add(query, s.size(past));
  if (op.getIsCausal())
    require(s.lessOrEqual(key, place));
  if (int64_t left = op.getLeftWindowSize(); left >= 0)
    require(s.lessOrEqual(s.sub(place, s.index(left)), key));
  if (int64_t right = op.getRightWindowSize(); right >= 0)
    require(s.lessOrEqual(key, s.add(place, s.index(right))));
  if (Value mask = op.getAttnMask(); !onnx::isNone(mask)) {
    onnx::Dims dims = dimsOf(mask);
    SmallVector<Value> at;
    for (auto [i, dim] : llvm::enumerate(dims)) {
      Value index = body.index(4 - dims.size() + i);
      bool last = i + 1 == dims.size();
      if (onnx::constantValue(dim) == 1 && !(last && keys != dim))
        index = s.index(0);
      // A mask may end before the keys do.
      if (last && dim != keys) {
        require(s.less(key, s.size(dim)));
        index = s.min(index, s.sub(s.size(dim), s.index(1)));
      }
      at.push_back(index);
    }
    Value entry = body.load(mask, at);
    if (entry.getType().isInteger(1))
      require(entry);
    else
      score = s.add(score, entry);
  }
  return seen ? s.select(seen, score, hidden) : score;
}

Value AttentionLowering::scoresWith(Value products, Type element, bool capped,
                                    bool withMask) {
  onnx::Dims dims = dimsOf(products);
  double cap = op.getSoftcap().convertToDouble();
  return compute(
      b, loc, onnx::tensorOf(dims, element), products,
      b.getMultiDimIdentityMap(4), [&](Body &body) {
        Scalars s{body.b, body.loc};
        Value x = body.args[0];
        x = s.mul(x, s.constant(x.getType(), scale));
        if (capped && cap > 0) {
          Value limit = s.constant(x.getType(), cap);
          x = s.mul(math::TanhOp::create(body.b, body.loc, s.div(x, limit)),
                    limit);
        }
        return withMask ? masked(body, s, x) : x;
      });
}

/// The softmax of rows; zeros where all of a row is minus infinity.
Value AttentionLowering::probabilities(Value scores) {
  Rows rows(b, loc, scores, {3});
  Value greatest = rowMaximum(b, loc, rows, real);
  Value powers = rows.each(cast<RankedTensorType>(scores.getType()), greatest,
                           {}, [](ScalarArgs args) {
                             onnx::Scalar none =
                                 args[1] == args[1].constant(-INFINITY);
                             return select(none, 0, exp(args[0] - args[1]));
                           });
  Rows ofPowers(b, loc, powers, {3});
  Value total = ofPowers.sum(real, {}, [](onnx::Scalar sum, ScalarArgs args) {
    return sum + args[0];
  });
  return ofPowers.each(onnx::tensorOf(dimsOf(scores), elementOf(op.getQ())),
                       total, {}, [](ScalarArgs args) {
                         return args[0] *
                                (1 / select(args[1] == 0, 1, args[1]));
                       });
}

SmallVector<Value> AttentionLowering::build() {
  onnx::Dims presentDims = onnx::getDims(rankedResult(op, 1));
  onnx::Dims scoreDims = onnx::getDims(rankedResult(op, 3));
  queries = scoreDims[2];
  keys = presentDims[2];
  if (!onnx::isNone(op.getPastKey()))
    past = dimsOf(op.getPastKey())[2];
  real = computeType(elementOf(op.getQ()));
  scale = op.getScale()
              ? op.getScale()->convertToDouble()
              : 1 / std::sqrt(double(*onnx::constantValue(presentDims[3])));
  bool isOne = isOneKernel();
  // As they come, if nothing else wants them head by head.
  auto operand = [&](Value now, Value before, Value present, bool &tokens) {
    tokens = isOne && onnx::rankedType(now).getRank() == 3 &&
             onnx::isNone(before) && present.use_empty();
    return tokens ? asTokens(now, presentDims[1])
                  : follow(before, splitHeads(now, presentDims[1]));
  };
  bool keyTokens, valueTokens;
  Value k = operand(op.getK(), op.getPastKey(), op.getPresentKey(), keyTokens);
  Value v =
      operand(op.getV(), op.getPastValue(), op.getPresentValue(), valueTokens);
  if (isOne)
    return {oneKernel(k, v, keyTokens, valueTokens), k, v, Value()};
  Value q = splitHeads(op.getQ(), scoreDims[1]);
  Value products = product(q, transpose(k, {0, 1, 3, 2}));
  Value scores = scoresWith(products, real, true, true);
  Value weights = probabilities(scores);
  Value y = product(weights, rounded(v, elementOf(weights)));
  if (onnx::rankedType(op.getQ()).getRank() == 3)
    y = reshape(b, loc, transpose(y, {0, 2, 1, 3}), rankedResult(op));

  Value shown;
  if (!op.getQkMatmulOutput().use_empty()) {
    int64_t mode = op.getQkMatmulOutputMode();
    Type element = rankedResult(op, 3).getElementType();
    shown = mode == 3 ? weights
                      : scoresWith(products, element, mode > 0, mode == 2);
  }
  return {rounded(y, rankedResult(op).getElementType()), k, v, shown};
}

namespace {
struct LowerAttention : OpRewritePattern<onnx::AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::AttentionOp op,
                                PatternRewriter &rewriter) const override {
    AttentionLowering lowering(op, rewriter);
    StringRef why;
    if (!lowering.isLowerable(why))
      return rewriter.notifyMatchFailure(op, why);
    replaceUsed(rewriter, op, lowering.build());
    return success();
  }
};
} // namespace

void ingot::populateAttentionPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerAttention>(patterns.getContext());
}
