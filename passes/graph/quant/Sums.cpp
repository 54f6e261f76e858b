//===- Sums.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/graph/quant/Sums.h"
#include "passes/tensor/lower/Scalars.h"

#include <cmath>

using namespace mlir;
using namespace ingot;
using namespace ingot::quant;

Sums::Sums(OpBuilder &b, Location loc, Value value)
    : b(b), loc(loc), value(value) {}

static int64_t pick(ArrayRef<int64_t> list, size_t at) {
  return list.empty() ? 0 : list[list.size() == 1 ? 0 : at];
}

void Sums::add(ArrayRef<int64_t> numbers, ArrayRef<Factor> factors) {
  if (llvm::all_of(numbers, [](int64_t x) { return x == 0; }))
    return;
  if (!factors.empty()) {
    terms.push_back(
        {SmallVector<int64_t>(numbers), SmallVector<Factor>(factors)});
    return;
  }
  SmallVector<int64_t> sum;
  for (size_t c = 0; c < std::max(numbers.size(), constant.size()); ++c)
    sum.push_back(pick(constant, c) + pick(numbers, c));
  constant = sum;
}

/// The numbers as what i32 arithmetic has, modulo 2^32.
static SmallVector<double> wrapped(ArrayRef<int64_t> numbers) {
  SmallVector<double> result;
  for (int64_t number : numbers)
    result.push_back(double(int32_t(uint32_t(uint64_t(number)))));
  return result;
}

struct Sums::Operands {
  SmallVector<Value> ins;
  SmallVector<AffineMap> maps;
  ChannelConstants::Number constant;
  struct Term {
    ChannelConstants::Number number;
    /// Operands, and whether they are unsigned.
    SmallVector<std::pair<size_t, bool>> factors;
  };
  SmallVector<Term> terms;

  explicit Operands(const Sums &sums) {
    int64_t rank = sums.type().getRank();
    ins.push_back(sums.value);
    maps.push_back(sums.b.getMultiDimIdentityMap(rank));
    ChannelConstants constants{sums.b, sums.loc, rank, rank - 1, ins, maps};
    Type i32 = sums.b.getI32Type();
    constant = constants.add(wrapped(sums.constant), i32);
    for (const Sums::Term &term : sums.terms) {
      terms.push_back({constants.add(wrapped(term.numbers), i32), {}});
      for (const Factor &factor : term.factors) {
        terms.back().factors.push_back(
            {ins.size(), onnx::isUnsigned(factor.tensor.getType())});
        ins.push_back(factor.tensor);
        maps.push_back(factor.map);
      }
    }
  }

  Value sum(Body &body) const {
    Scalars s{body.b, body.loc};
    Value total = body.args[0];
    if (!constant.isZero())
      total = s.add(total, constant.get(body));
    for (const Term &term : terms) {
      Value product = term.number.get(body);
      for (auto [operand, isUnsigned] : term.factors)
        product = s.mul(product, s.widen(body.args[operand], isUnsigned,
                                         body.b.getI32Type()));
      total = s.add(total, product);
    }
    return total;
  }
};

RankedTensorType Sums::resultType(Type elementType) const {
  return onnx::tensorOf(onnx::getDims(type()), elementType);
}

Value Sums::integers() const {
  if (constant.empty() && terms.empty())
    return value;
  Operands operands(*this);
  return compute(b, loc, type(), operands.ins, operands.maps,
                 [&](Body &body) { return operands.sum(body); });
}

Value Sums::floats(ArrayRef<double> scale, ArrayRef<double> bias) const {
  Operands operands(*this);
  int64_t rank = type().getRank();
  ChannelConstants constants{b,        loc,          rank,
                             rank - 1, operands.ins, operands.maps};
  Type f32 = b.getF32Type();
  auto factor = constants.add(scale, f32), addend = constants.add(bias, f32);
  return compute(
      b, loc, resultType(f32), operands.ins, operands.maps, [&](Body &body) {
        Scalars s{body.b, body.loc};
        Value x = arith::SIToFPOp::create(s.b, s.loc, f32, operands.sum(body));
        x = s.mul(x, factor.get(body));
        return addend.isZero() ? x : s.add(x, addend.get(body));
      });
}

Value Sums::requantized(Type elementType, const Requantization &how) const {
  Operands operands(*this);
  return requantize(b, loc, resultType(elementType), operands.ins,
                    operands.maps, type().getRank() - 1, how,
                    [&](Body &body) { return operands.sum(body); });
}

bool quant::fitsWord(const ProductResult &product) {
  auto most = [](auto &&list) {
    double largest = 0;
    for (auto v : list)
      largest = std::max(largest, std::abs(double(v)));
    return largest;
  };
  return most(product.bound) + most(product.bias.integer) < 0x1p31;
}

Requantization quant::requantizationOf(const ProductResult &product,
                                       const QuantizedResult &to) {
  auto at = [](ArrayRef<double> list, size_t c) {
    return list.empty() ? 0 : list[list.size() == 1 ? 0 : c];
  };
  Requantization how;
  how.range = to.range;
  size_t channels = std::max(product.scale.size(), product.bound.size());
  channels = std::max(channels, product.bias.integer.size());
  for (double scale : product.scale)
    how.ratio.push_back(scale / to.scale);
  for (double real : product.bias.real)
    how.offset.push_back(real / to.scale);
  for (size_t c = 0; c < channels; ++c) {
    double most =
        at(product.bound, c) + std::abs(double(pick(product.bias.integer, c)));
    how.bound.push_back(std::min(most, 0x1p31));
  }
  return how;
}
