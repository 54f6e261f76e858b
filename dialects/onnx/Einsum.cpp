//===- Einsum.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Einsum.h"

#include "llvm/ADT/StringExtras.h"

#include <map>

using namespace mlir;
using namespace ingot;
using namespace ingot::onnx;

namespace {
/// One term: letters, with the place of its ellipsis among them.
struct Term {
  std::string letters;
  std::optional<size_t> ellipsis;
};

/// Labels are characters; the ellipsis dimensions are counted from the last
/// one on and come as negative labels -1, -2, ...
using Labels = SmallVector<int, 4>;
} // namespace

static FailureOr<Term> parseTerm(std::optional<Location> loc, StringRef text) {
  Term term;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == ' ')
      continue;
    if (llvm::isAlpha(c)) {
      term.letters.push_back(c);
      continue;
    }
    if (!text.drop_front(i).starts_with("..."))
      return emitOptionalError(loc, "equation has an unexpected '",
                               StringRef(&c, 1), "'");
    if (term.ellipsis)
      return emitOptionalError(loc, "equation has a term with two ellipses: '",
                               text, "'");
    term.ellipsis = term.letters.size();
    i += 2;
  }
  return term;
}

/// The labels of a term whose ellipsis stands for `count` dimensions.
static Labels labelsOf(const Term &term, int64_t count) {
  Labels labels(term.letters.begin(), term.letters.end());
  if (term.ellipsis)
    for (int64_t i = 0; i < count; ++i)
      labels.insert(labels.begin() + *term.ellipsis + i, int(i - count));
  return labels;
}

/// The result's labels where the equation has no `->`.
static Term implicitResult(ArrayRef<Term> terms, bool hasEllipsis) {
  std::map<char, int> uses;
  for (const Term &term : terms)
    for (char c : term.letters)
      ++uses[c];
  Term result;
  for (auto [c, count] : uses)
    if (count == 1)
      result.letters.push_back(c);
  if (hasEllipsis)
    result.ellipsis = 0;
  return result;
}

/// Fails unless every letter of the result is an operand's and occurs once.
static LogicalResult checkResult(std::optional<Location> loc,
                                 const Term &result, ArrayRef<Term> terms,
                                 bool hasEllipsis) {
  for (auto [i, c] : llvm::enumerate(result.letters)) {
    if (result.letters.find(c) != i)
      return emitOptionalError(loc, "equation repeats '", StringRef(&c, 1),
                               "' in the result");
    if (llvm::none_of(terms, [c = c](const Term &term) {
          return StringRef(term.letters).contains(c);
        }))
      return emitOptionalError(loc, "equation has '", StringRef(&c, 1),
                               "' in the result but in no operand");
  }
  if (hasEllipsis != result.ellipsis.has_value())
    return emitOptionalError(
        loc, "equation must have an ellipsis in the result exactly if an "
             "operand has one");
  return success();
}

FailureOr<EinsumEquation>
onnx::parseEinsum(std::optional<Location> loc, StringRef equation,
                  ArrayRef<RankedTensorType> operands) {
  // Every operand has some dimensions, so real equations are short.
  if (equation.size() > 4096)
    return emitOptionalError(loc, "equation is longer than 4096 characters");
  size_t arrow = equation.find("->");
  bool isExplicit = arrow != StringRef::npos;
  SmallVector<StringRef> texts;
  equation.substr(0, arrow).split(texts, ',');
  if (texts.size() != operands.size())
    return emitOptionalError(loc, "equation has ", texts.size(), " terms for ",
                             operands.size(), " operands");
  SmallVector<Term> terms;
  bool hasEllipsis = false;
  int64_t ellipsisRank = 0;
  for (auto [text, type] : llvm::zip(texts, operands)) {
    FailureOr<Term> term = parseTerm(loc, text);
    if (failed(term))
      return failure();
    int64_t rest = type.getRank() - int64_t(term->letters.size());
    if (rest < 0 || (rest > 0 && !term->ellipsis))
      return emitOptionalError(loc, "equation has the term '", text,
                               "' for an operand of rank ", type.getRank());
    hasEllipsis |= term->ellipsis.has_value();
    ellipsisRank = std::max(ellipsisRank, rest);
    terms.push_back(*term);
  }
  FailureOr<Term> result = implicitResult(terms, hasEllipsis);
  if (isExplicit)
    result = parseTerm(loc, equation.substr(arrow + 2));
  if (failed(result) || failed(checkResult(loc, *result, terms, hasEllipsis)))
    return failure();

  EinsumEquation parsed;
  std::map<int, unsigned> numbers;
  auto numberOf = [&](int label) {
    auto [it, isNew] = numbers.try_emplace(label, numbers.size());
    if (isNew)
      parsed.sizes.push_back(AffineExpr());
    return it->second;
  };
  for (int label : labelsOf(*result, ellipsisRank))
    numberOf(label);
  parsed.resultRank = numbers.size();
  for (auto [term, type] : llvm::zip(terms, operands)) {
    int64_t rest = type.getRank() - int64_t(term.letters.size());
    auto &numbered = parsed.operands.emplace_back();
    Dims dims = getDims(type);
    for (auto [i, label] : llvm::enumerate(labelsOf(term, rest))) {
      unsigned number = numberOf(label);
      numbered.push_back(number);
      AffineExpr &size = parsed.sizes[number];
      auto both = size ? broadcast({size}, {dims[i]}) : Dims{dims[i]};
      if (failed(both))
        return emitOptionalError(loc, "equation gives one label the sizes ",
                                 *constantValue(size), " and ",
                                 *constantValue(dims[i]));
      size = both->front();
    }
  }
  return parsed;
}
