//===- SizeExpression.cpp -------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/SizeExpression.h"

#include "dialects/onnx/Dims.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace ingot;

static const char *signOf(AffineExprKind kind) {
  switch (kind) {
  case AffineExprKind::Add:
    return "+";
  case AffineExprKind::Mul:
    return "*";
  case AffineExprKind::Mod:
    return "mod";
  case AffineExprKind::FloorDiv:
    return "floordiv";
  default:
    return "ceildiv";
  }
}

llvm::json::Value ingot::describeSize(AffineExpr size) {
  if (auto value = onnx::constantValue(size))
    return *value;
  if (auto binary = dyn_cast<AffineBinaryOpExpr>(size))
    return llvm::json::Array{signOf(size.getKind()),
                             describeSize(binary.getLHS()),
                             describeSize(binary.getRHS())};
  return onnx::printDim(size, size.getContext());
}

std::optional<int64_t>
ingot::evaluateSize(const llvm::json::Value &size,
                    const llvm::StringMap<int64_t> &symbols) {
  if (auto number = size.getAsInteger())
    return *number;
  if (auto name = size.getAsString()) {
    auto it = symbols.find(*name);
    return it == symbols.end() ? std::nullopt : std::optional(it->second);
  }
  const llvm::json::Array *parts = size.getAsArray();
  if (!parts || parts->size() != 3 || !parts->front().getAsString())
    return std::nullopt;
  StringRef sign = *parts->front().getAsString();
  auto a = evaluateSize((*parts)[1], symbols);
  auto b = evaluateSize((*parts)[2], symbols);
  if (!a || !b)
    return std::nullopt;
  if (sign == "+")
    return *a + *b;
  if (sign == "*")
    return *a * *b;
  if (*b <= 0)
    return std::nullopt;
  if (sign == "mod")
    return llvm::mod(*a, *b);
  return sign == "floordiv" ? llvm::divideFloorSigned(*a, *b)
                            : llvm::divideCeilSigned(*a, *b);
}
