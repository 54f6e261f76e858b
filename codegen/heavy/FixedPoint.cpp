//===- FixedPoint.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/heavy/FixedPoint.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ingot;
using kernel::DotForm;

/// Elements of the longest segment: sums of so many products of a digit and an
/// 8-bit code are exact in a float.
constexpr int64_t longestSegment = 128;

/// Digits of an element.
constexpr int64_t digitCount = 4;

/// Bytes of stack for the rows' digits.
constexpr int64_t stackBytes = 96 << 10;

/// Words that are multiplied in one step of a loop.
constexpr int64_t wordsPerStep = 4;

/// Biased exponents: of the numbers that are 1 in the last digit of a segment
/// whose largest has exponent e, e - unitBias; least e for which that is a
/// normal number; the exponent of infinity.
constexpr int64_t unitBias = 29, leastExponent = 30, infinite = 255;

/// What makes the bytes of a number its digits: the three lower ones carry 128
/// more, and lose it again.
constexpr uint32_t carry = 0x00808080;

int64_t FixedPointRows::mostRows(int64_t wanted) {
  DotForm form = context.machine.getDot();
  bool hasSdot = context.machine.getFeatures().contains("+dotprod");
  // Both factors of sdot are signed.
  bool serves = form == DotForm::vnni || (hasSdot && int64_t(op.getBits()) < 8);
  return serves ? std::min(wanted, stackBytes / digitBytes()) : 0;
}

int64_t FixedPointRows::segmentsOf(int64_t length) {
  return llvm::divideCeil(length, longestSegment);
}

int64_t FixedPointRows::segments() {
  int64_t k = op.getK(), length = op.getBlockLength();
  return k / length * segmentsOf(length) + segmentsOf(k % length);
}

/// Bytes from row to row: elements are padded to whole words and vectors.
int64_t FixedPointRows::digitBytes() {
  int64_t length = llvm::alignTo(op.getBlockLength(), op.getCodesPerWord());
  return (op.getBlocks() * length + width) * digitCount;
}

Value FixedPointRows::stack(OpBuilder &b, Type element, int64_t count) {
  Value size = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(count));
  return LLVM::AllocaOp::create(b, loc,
                                LLVM::LLVMPointerType::get(b.getContext()),
                                element, size, /*alignment=*/64);
}

void FixedPointRows::allocate(OpBuilder &b, int64_t rows) {
  digits = stack(b, b.getI8Type(), rows * digitBytes());
  units = stack(b, b.getF32Type(), rows * segments());
  starts = stack(b, b.getI32Type(), rows * segments() * digitCount);
  refused = stack(b, b.getI32Type(), 1);
}

SmallVector<Value> FixedPointRows::forBlocks(
    OpBuilder &b, ArrayRef<Value> carried,
    function_ref<void(OpBuilder &, Value, int64_t, SmallVectorImpl<Value> &)>
        body) {
  int64_t k = op.getK(), length = op.getBlockLength();
  SmallVector<Value> values =
      loop(b, k / length, carried,
           [&](OpBuilder &nested, Value i, SmallVectorImpl<Value> &v) {
             body(nested, i, length, v);
           });
  if (k % length)
    body(b, constant(b, k / length), k % length, values);
  return values;
}

SmallVector<Value> FixedPointRows::forSegments(
    OpBuilder &b, Value block, int64_t length, ArrayRef<Value> carried,
    function_ref<void(OpBuilder &, const Segment &, SmallVectorImpl<Value> &)>
        body) {
  int64_t blockLength = op.getBlockLength();
  int64_t padded = llvm::alignTo(blockLength, op.getCodesPerWord());
  auto at = [&](OpBuilder &nested, Value i, int64_t size) {
    Value before = mul(nested, i, longestSegment);
    return Segment{add(nested, mul(nested, block, blockLength), before),
                   add(nested, mul(nested, block, segmentsOf(blockLength)), i),
                   mul(nested, add(nested, mul(nested, block, padded), before),
                       digitCount),
                   size};
  };
  int64_t whole = length / longestSegment, rest = length % longestSegment;
  SmallVector<Value> values =
      loop(b, whole, carried,
           [&](OpBuilder &nested, Value i, SmallVectorImpl<Value> &v) {
             body(nested, at(nested, i, longestSegment), v);
           });
  if (rest)
    body(b, at(b, constant(b, whole), rest), values);
  return values;
}

//===----------------------------------------------------------------------===//
// From floats to digits
//===----------------------------------------------------------------------===//

/// A vector of a segment, zeros beyond its end.
Value FixedPointRows::loadFloats(OpBuilder &b, Value pointer, int64_t from,
                                 int64_t length) {
  auto type = vectorOf(b.getF32Type());
  Value at = bytesAt(b, pointer, constant(b, from * 4));
  if (from + width <= length)
    return LLVM::LoadOp::create(b, loc, type, at, 4);
  SmallVector<bool> live(width, false);
  std::fill_n(live.begin(), length - from, true);
  Value mask = arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(vectorOf(b.getI1Type()), ArrayRef<bool>(live)));
  return LLVM::MaskedLoadOp::create(b, loc, type, at, mask, floats(b, 0), 4);
}

/// The bits of the largest magnitude of a segment.
Value FixedPointRows::largest(OpBuilder &b, Value pointer, int64_t length) {
  Value most = integers(b, 0);
  for (int64_t i = 0; i < length; i += width) {
    Value bits = arith::BitcastOp::create(b, loc, vectorOf(b.getI32Type()),
                                          loadFloats(b, pointer, i, length));
    bits = arith::AndIOp::create(b, loc, bits, integers(b, 0x7fffffff));
    most = arith::MaxUIOp::create(b, loc, most, bits);
  }
  return vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXUI,
                                     most);
}

/// The digits of a vector of elements, those of four elements together.
Value FixedPointRows::digitsOf(OpBuilder &b, Value floats, Value scale) {
  Value x = arith::MulFOp::create(b, loc, floats, scale);
  x = arith::FPToSIOp::create(b, loc, vectorOf(b.getI32Type()), x);
  x = arith::AddIOp::create(b, loc, x, integers(b, carry));
  x = arith::XOrIOp::create(b, loc, x, integers(b, carry));
  auto bytes = VectorType::get({width * digitCount}, b.getI8Type());
  x = vector::BitCastOp::create(b, loc, bytes, x);
  SmallVector<int64_t> order;
  for (int64_t i = 0; i < width * digitCount; ++i)
    order.push_back(i / 16 * 16 + i % 4 * 4 + i / 4 % 4);
  return vector::ShuffleOp::create(b, loc, x, x, order);
}

/// Sums of the digits of a segment, as products with its codes begin: minus
/// the zero point times them, or their sum as a float where zero points differ.
void FixedPointRows::storeSum(OpBuilder &b, Value sums, Value row,
                              const Segment &segment, Value unit) {
  // The sums of the elements in each quarter of a vector.
  for (int64_t lanes = width; lanes > digitCount; lanes /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < lanes / 2; ++i) {
      low.push_back(i);
      high.push_back(i + lanes / 2);
    }
    sums = arith::AddIOp::create(
        b, loc, vector::ShuffleOp::create(b, loc, sums, sums, low),
        vector::ShuffleOp::create(b, loc, sums, sums, high));
  }
  Value index = add(b, mul(b, row, segments()), segment.index);
  Value at = bytesAt(b, starts, mul(b, index, digitCount * 4));
  if (op.getZeroPoint()) {
    auto type = VectorType::get({digitCount}, b.getI32Type());
    Value factor = arith::ConstantOp::create(
        b, loc,
        DenseElementsAttr::get(
            type, APInt(32, -int64_t(*op.getZeroPoint()), /*isSigned=*/true)));
    sums = arith::MulIOp::create(b, loc, sums, factor);
    LLVM::StoreOp::create(b, loc, sums, at, 16);
    return;
  }
  auto pair = [&](int64_t low) {
    Value x = vector::ExtractOp::create(b, loc, sums, low + 1);
    x = arith::ShLIOp::create(
        b, loc, x, arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(8)));
    x = arith::AddIOp::create(b, loc, x,
                              vector::ExtractOp::create(b, loc, sums, low));
    return arith::SIToFPOp::create(b, loc, b.getF32Type(), x).getResult();
  };
  Value base = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(1 << 16));
  Value sum = arith::MulFOp::create(b, loc, pair(2), base);
  sum = arith::AddFOp::create(b, loc, sum, pair(0));
  sum = arith::MulFOp::create(b, loc, sum, unit);
  LLVM::StoreOp::create(b, loc, sum, at, 16);
}

void FixedPointRows::convertSegment(OpBuilder &b, Value pointer, Value row,
                                    const Segment &segment) {
  auto word = [&](int64_t v) -> Value {
    return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(v));
  };
  pointer = bytesAt(b, pointer, mul(b, segment.depth, 4));
  Value most = largest(b, pointer, segment.length);
  Value exponent = arith::ShRUIOp::create(b, loc, most, word(23));
  // Zeros only are fine.
  Value isSmall = arith::AndIOp::create(
      b, loc,
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, exponent,
                            word(leastExponent)),
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, most, word(0)));
  Value isLarge = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge,
                                        exponent, word(infinite));
  Value bad = arith::ExtUIOp::create(
      b, loc, b.getI32Type(), arith::OrIOp::create(b, loc, isSmall, isLarge));
  Value before = LLVM::LoadOp::create(b, loc, b.getI32Type(), refused, 4);
  LLVM::StoreOp::create(b, loc, arith::OrIOp::create(b, loc, before, bad),
                        refused, 4);
  exponent = arith::MaxUIOp::create(b, loc, exponent, word(leastExponent));
  exponent = arith::MinUIOp::create(b, loc, exponent, word(infinite - 1));

  auto power = [&](Value biased) {
    Value bits = arith::ShLIOp::create(b, loc, biased, word(23));
    return arith::BitcastOp::create(b, loc, b.getF32Type(), bits).getResult();
  };
  // Exponents of powers of two that multiply to 1 add up to 254.
  Value unit = power(arith::SubIOp::create(b, loc, exponent, word(unitBias)));
  Value scale =
      power(arith::SubIOp::create(b, loc, word(254 + unitBias), exponent));
  Value index = add(b, mul(b, row, segments()), segment.index);
  LLVM::StoreOp::create(b, loc, unit, bytesAt(b, units, mul(b, index, 4)), 4);

  Value splat =
      vector::BroadcastOp::create(b, loc, vectorOf(b.getF32Type()), scale);
  Value target = add(b, mul(b, row, digitBytes()), segment.digits);
  auto bytes = VectorType::get({width * digitCount}, b.getI8Type());
  Value ones = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(bytes, APInt(8, 1)));
  Value sums = integers(b, 0);
  for (int64_t i = 0; i < segment.length; i += width) {
    Value x = digitsOf(b, loadFloats(b, pointer, i, segment.length), splat);
    LLVM::StoreOp::create(
        b, loc, x,
        bytesAt(b, digits, add(b, target, constant(b, i * digitCount))), 16);
    sums = dot(b, sums, ones, x);
  }
  storeSum(b, sums, row, segment, unit);
}

Value FixedPointRows::convert(OpBuilder &b, Value pointer, Value rows) {
  Value zero = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
  LLVM::StoreOp::create(b, loc, zero, refused, 4);
  auto each = scf::ForOp::create(b, loc, constant(b, 0), rows, constant(b, 1));
  OpBuilder inner(each.getBody()->getTerminator());
  Value row = each.getInductionVar();
  Value from = bytesAt(inner, pointer, mul(inner, row, int64_t(op.getK()) * 4));
  forBlocks(inner, {},
            [&](OpBuilder &nested, Value block, int64_t length,
                SmallVectorImpl<Value> &) {
              forSegments(nested, block, length, {},
                          [&](OpBuilder &at, const Segment &segment,
                              SmallVectorImpl<Value> &) {
                            convertSegment(at, from, row, segment);
                          });
            });
  Value failed = LLVM::LoadOp::create(b, loc, b.getI32Type(), refused, 4);
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, failed, zero);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// sum + the products of four codes with four digits in each lane.
Value FixedPointRows::dot(OpBuilder &b, Value sum, Value codes, Value digits) {
  StringRef name = context.machine.getDotIntrinsic();
  return LLVM::CallIntrinsicOp::create(b, loc, sum.getType(),
                                       b.getStringAttr(name),
                                       ValueRange{sum, codes, digits})
      .getResult(0);
}

/// Adds the products of one word of each column; four sums for each vector.
void FixedPointRows::multiplyWords(OpBuilder &b, Value words, Value digits,
                                   int64_t vectors,
                                   SmallVectorImpl<Value> &sums) {
  int64_t bits = op.getBits(), parts = 8 / bits;
  auto bytes = VectorType::get({width * digitCount}, b.getI8Type());
  auto asBytes = [&](Value v) {
    return vector::BitCastOp::create(b, loc, bytes, v).getResult();
  };
  prefetch(b, words, wordBytes());
  SmallVector<Value> loaded;
  for (int64_t v = 0; v < vectors; ++v)
    loaded.push_back(load(b, b.getI32Type(), words, v * width * 4));
  uint32_t mask = ((1u << bits) - 1) * 0x01010101u;
  for (int64_t part = 0; part < parts; ++part) {
    SmallVector<Value> factors;
    for (int64_t d = 0; d < digitCount; ++d)
      factors.push_back(
          asBytes(splat(b, b.getI32Type(), digits,
                        constant(b, (part * digitCount + d) * 4))));
    for (int64_t v = 0; v < vectors; ++v) {
      Value codes = loaded[v];
      if (part > 0)
        codes = arith::ShRUIOp::create(b, loc, codes, integers(b, part * bits));
      if (parts > 1)
        codes = arith::AndIOp::create(b, loc, codes, integers(b, mask));
      for (int64_t d = 0; d < digitCount; ++d) {
        Value &sum = sums[v * digitCount + d];
        sum = dot(b, sum, asBytes(codes), factors[d]);
      }
    }
  }
}

/// The products of a segment, times its unit.
SmallVector<Value> FixedPointRows::multiplySegment(OpBuilder &b, Value row,
                                                   Value words,
                                                   const Segment &segment,
                                                   const NBitsHeader &header,
                                                   int64_t vectors) {
  Value index = add(b, mul(b, row, segments()), segment.index);
  Value start = bytesAt(b, starts, mul(b, index, digitCount * 4));
  SmallVector<Value> sums;
  for (int64_t v = 0; v < vectors; ++v)
    for (int64_t d = 0; d < digitCount; ++d)
      sums.push_back(op.getZeroPoint()
                         ? splat(b, b.getI32Type(), start, constant(b, d * 4))
                         : integers(b, 0));

  Value from =
      bytesAt(b, digits, add(b, mul(b, row, digitBytes()), segment.digits));
  int64_t perWord = op.getCodesPerWord();
  int64_t count = llvm::divideCeil(segment.length, perWord);
  auto step = [&](OpBuilder &nested, Value first, int64_t steps,
                  SmallVectorImpl<Value> &s) {
    for (int64_t i = 0; i < steps; ++i) {
      Value word = add(nested, first, constant(nested, i));
      multiplyWords(
          nested, bytesAt(nested, words, mul(nested, word, wordBytes())),
          bytesAt(nested, from, mul(nested, word, perWord * digitCount)),
          vectors, s);
    }
  };
  int64_t whole = count / wordsPerStep, rest = count % wordsPerStep;
  sums = loop(b, whole, sums,
              [&](OpBuilder &nested, Value i, SmallVectorImpl<Value> &s) {
                step(nested, mul(nested, i, wordsPerStep), wordsPerStep, s);
              });
  step(b, constant(b, whole * wordsPerStep), rest, sums);

  // From the highest digit down: floats hold each sum exactly.
  Value unit = splat(b, b.getF32Type(), units, mul(b, index, 4));
  auto single = vectorOf(b.getF32Type());
  SmallVector<Value> products;
  for (int64_t v = 0; v < vectors; ++v) {
    auto digit = [&](int64_t d) {
      return arith::SIToFPOp::create(b, loc, single, sums[v * digitCount + d]);
    };
    Value high = fma(b, digit(3), floats(b, 1 << 8), digit(2));
    Value low = fma(b, digit(1), floats(b, 1 << 8), digit(0));
    Value sum = fma(b, high, floats(b, 1 << 16), low);
    sum = arith::MulFOp::create(b, loc, sum, unit);
    if (!op.getZeroPoint()) {
      Value elements = splat(b, b.getF32Type(), start, constant(b, 0));
      elements = arith::NegFOp::create(b, loc, elements);
      sum = fma(b, header.zeros[v], elements, sum);
    }
    products.push_back(sum);
  }
  return products;
}

void FixedPointRows::multiplyBlock(OpBuilder &b, Value row, Value bytes,
                                   Value block, int64_t length, int64_t vectors,
                                   SmallVectorImpl<Value> &sums) {
  NBitsHeader header = NBitsStream::header(b, bytes, vectors);
  Value words = bytesAt(b, bytes, constant(b, op.getHeaderBytes()));
  int64_t segmentBytes = longestSegment / op.getCodesPerWord() * wordBytes();
  auto place = [&](OpBuilder &nested, const Segment &segment) {
    // Segments of a block are counted from the first one on.
    Value first = mul(nested, block, segmentsOf(op.getBlockLength()));
    Value i = arith::SubIOp::create(nested, loc, segment.index, first);
    return bytesAt(nested, words, mul(nested, i, segmentBytes));
  };
  SmallVector<Value> part(vectors, floats(b, 0));
  bool single = segmentsOf(length) == 1;
  part = forSegments(
      b, block, length, part,
      [&](OpBuilder &nested, const Segment &segment,
          SmallVectorImpl<Value> &s) {
        SmallVector<Value> products = multiplySegment(
            nested, row, place(nested, segment), segment, header, vectors);
        for (auto [sum, value] : llvm::zip(s, products))
          sum = single ? value : arith::AddFOp::create(nested, loc, sum, value);
      });
  for (auto [i, sum] : llvm::enumerate(sums))
    sum = fma(b, part[i], header.scales[i], sum);
}

SmallVector<Value> FixedPointRows::multiply(OpBuilder &b, Value row,
                                            Value panel, int64_t vectors) {
  int64_t bytes = op.getBlockBytes(op.getBlockLength());
  SmallVector<Value> sums(vectors, floats(b, 0));
  return forBlocks(b, sums,
                   [&](OpBuilder &nested, Value block, int64_t length,
                       SmallVectorImpl<Value> &s) {
                     multiplyBlock(
                         nested, row,
                         bytesAt(nested, panel, mul(nested, block, bytes)),
                         block, length, vectors, s);
                   });
}
