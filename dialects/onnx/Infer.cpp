//===- Infer.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Infer.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace ingot;
using onnx::Dims;

/// Elements of the largest tensor that any machine could hold.
static constexpr int64_t maxElements = int64_t(1) << 44;

Type onnx::elementTypeOf(Value value) {
  return getElementTypeOrSelf(value.getType());
}

FailureOr<std::optional<int64_t>> onnx::listLength(std::optional<Location> loc,
                                                   Value list, StringRef what) {
  RankedTensorType type = rankedType(list);
  if (!type)
    return std::optional<int64_t>();
  if (type.getRank() > 1)
    return emitOptionalError(loc, what, " must be a list, but has type ", type);
  if (!type.hasStaticShape())
    return std::optional<int64_t>();
  return std::optional<int64_t>(type.getNumElements());
}

Dims onnx::unknownDims(int64_t rank, MLIRContext *context) {
  Dims dims;
  for (int64_t i = 0; i < rank; ++i)
    dims.push_back(freshDim(context));
  return dims;
}

bool onnx::isShort(AffineExpr expr, unsigned limit) {
  SmallVector<AffineExpr> pending = {expr};
  for (unsigned visited = 0; !pending.empty(); ++visited) {
    if (visited == limit)
      return false;
    if (auto binary = dyn_cast<AffineBinaryOpExpr>(pending.pop_back_val())) {
      pending.push_back(binary.getLHS());
      pending.push_back(binary.getRHS());
    }
  }
  return true;
}

AffineExpr onnx::simplifySum(AffineExpr expr) {
  if (!isShort(expr) || expr.getKind() != AffineExprKind::Add)
    return expr;
  SmallVector<std::pair<AffineExpr, int64_t>> terms, pending = {{expr, 1}};
  int64_t constant = 0;
  bool overflow = false;
  while (!pending.empty()) {
    AffineExpr part = pending.back().first;
    int64_t factor = pending.pop_back_val().second;
    auto binary = dyn_cast<AffineBinaryOpExpr>(part);
    if (binary && part.getKind() == AffineExprKind::Add) {
      pending.push_back({binary.getRHS(), factor});
      pending.push_back({binary.getLHS(), factor});
      continue;
    }
    if (binary && part.getKind() == AffineExprKind::Mul) {
      if (std::optional<int64_t> scale = constantValue(binary.getRHS())) {
        overflow |= llvm::MulOverflow(factor, *scale, factor);
        pending.push_back({binary.getLHS(), factor});
        continue;
      }
    }
    if (std::optional<int64_t> value = constantValue(part)) {
      overflow |= llvm::MulOverflow(factor, *value, factor);
      overflow |= llvm::AddOverflow(constant, factor, constant);
      continue;
    }
    auto *known =
        llvm::find_if(terms, [&](auto &entry) { return entry.first == part; });
    if (known == terms.end())
      terms.push_back({part, factor});
    else
      overflow |= llvm::AddOverflow(known->second, factor, known->second);
  }
  if (overflow)
    return expr;
  // Symbols in a fixed order, then the rest as they come.
  auto rank = [](const std::pair<AffineExpr, int64_t> &entry) {
    auto symbol = dyn_cast<AffineSymbolExpr>(entry.first);
    return symbol ? int64_t(symbol.getPosition()) : INT64_MAX;
  };
  llvm::stable_sort(
      terms, [&](const auto &a, const auto &b) { return rank(a) < rank(b); });
  AffineExpr sum = constantDim(0, expr.getContext());
  for (auto [term, factor] : terms)
    sum = sum + term * factor;
  return sum + constant;
}

LogicalResult onnx::addResult(std::optional<Location> loc,
                              ArrayRef<AffineExpr> givenDims, Type elementType,
                              SmallVectorImpl<Type> &types) {
  Dims dims(givenDims);
  for (AffineExpr &dim : dims)
    dim = isShort(dim) ? simplifySum(dim) : freshDim(elementType.getContext());
  int64_t elements = 1;
  bool empty = llvm::any_of(
      dims, [](AffineExpr dim) { return constantValue(dim) == 0; });
  for (AffineExpr dim : dims) {
    std::optional<int64_t> size = constantValue(dim);
    if (!size)
      continue;
    if (*size < 0)
      return emitOptionalError(loc, "result would have the negative size ",
                               *size);
    if (!empty && (llvm::MulOverflow(elements, *size, elements) ||
                   elements > maxElements))
      return emitOptionalError(
          loc, "result would be too large: ", tensorOf(dims, elementType));
  }
  types.push_back(tensorOf(dims, elementType));
  return success();
}

LogicalResult onnx::addUnranked(Type elementType,
                                SmallVectorImpl<Type> &types) {
  types.push_back(UnrankedTensorType::get(elementType));
  return success();
}

FailureOr<SmallVector<int64_t>> onnx::orderedAxes(std::optional<Location> loc,
                                                  ArrayRef<int64_t> axes,
                                                  int64_t rank) {
  if (failed(normalizeAxes(loc, axes, rank)))
    return failure();
  return llvm::map_to_vector(
      axes, [&](int64_t axis) { return axis < 0 ? axis + rank : axis; });
}

FailureOr<std::optional<SmallVector<int64_t>>>
onnx::axesOperand(std::optional<Location> loc, Value axes, int64_t rank,
                  int64_t count) {
  using Axes = std::optional<SmallVector<int64_t>>;
  if (isNone(axes))
    return Axes(llvm::to_vector(llvm::seq<int64_t>(0, std::min(rank, count))));
  std::optional<SmallVector<int64_t>> constant = constantIntegers(axes);
  if (!constant)
    return Axes();
  FailureOr<SmallVector<int64_t>> front = orderedAxes(loc, *constant, rank);
  if (failed(front))
    return failure();
  return Axes(*front);
}

FailureOr<AffineExpr> onnx::mergeDims(AffineExpr a, AffineExpr b) {
  if (a == b || !constantValue(b))
    return a;
  if (constantValue(a))
    return failure();
  return b;
}

//===----------------------------------------------------------------------===//
// Products of symbolic sizes
//===----------------------------------------------------------------------===//

namespace {
/// A product as a constant and the factors that are none.
struct Factors {
  int64_t constant = 1;
  SmallVector<AffineExpr> others;
  bool overflow = false;

  explicit Factors(ArrayRef<AffineExpr> dims) {
    SmallVector<AffineExpr> pending(llvm::reverse(dims));
    while (!pending.empty()) {
      AffineExpr expr = pending.pop_back_val();
      if (std::optional<int64_t> value = onnx::constantValue(expr)) {
        overflow |= llvm::MulOverflow(constant, *value, constant);
      } else if (expr.getKind() == AffineExprKind::Mul) {
        auto mul = cast<AffineBinaryOpExpr>(expr);
        pending.push_back(mul.getRHS());
        pending.push_back(mul.getLHS());
      } else {
        others.push_back(expr);
      }
    }
  }

  /// Removes the factors both have.
  void cancel(Factors &other) {
    for (auto *it = others.begin(); it != others.end();) {
      auto *same = llvm::find(other.others, *it);
      if (same == other.others.end()) {
        ++it;
        continue;
      }
      other.others.erase(same);
      it = others.erase(it);
    }
    int64_t divisor = std::gcd(constant, other.constant);
    if (divisor > 1) {
      constant /= divisor;
      other.constant /= divisor;
    }
  }

  AffineExpr product(MLIRContext *context) const {
    return onnx::product(others, context) *
           onnx::constantDim(constant, context);
  }
};
} // namespace

FailureOr<AffineExpr> onnx::quotient(ArrayRef<AffineExpr> dividend,
                                     ArrayRef<AffineExpr> divisor,
                                     MLIRContext *context) {
  Factors above(dividend), below(divisor);
  if (above.overflow || below.overflow || below.constant == 0)
    return failure();
  if (above.constant == 0)
    return constantDim(0, context);
  above.cancel(below);
  if (below.others.empty() && below.constant == 1)
    return above.product(context);
  if (above.others.empty() && below.others.empty())
    return failure();
  return above.product(context).floorDiv(below.product(context));
}

bool onnx::sameProduct(ArrayRef<AffineExpr> a, ArrayRef<AffineExpr> b) {
  Factors ours(a), theirs(b);
  if (ours.overflow || theirs.overflow)
    return false;
  if (ours.constant == 0 && theirs.constant == 0)
    return true;
  ours.cancel(theirs);
  return ours.others.empty() && theirs.others.empty() &&
         ours.constant == theirs.constant;
}
