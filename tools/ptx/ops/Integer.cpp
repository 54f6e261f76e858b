//===- Integer.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "Integer Arithmetic Instructions" and "Extended-Precision Integer
// Arithmetic Instructions".
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/ops/Lanes.h"

#include <limits>

using namespace ingot::ptx;

namespace {

template <typename T> using Unsigned = std::make_unsigned_t<T>;

/// Twice the width.
template <typename T> struct WideOf;
template <> struct WideOf<uint16_t> {
  using type = uint32_t;
};
template <> struct WideOf<int16_t> {
  using type = int32_t;
};
template <> struct WideOf<uint32_t> {
  using type = uint64_t;
};
template <> struct WideOf<int32_t> {
  using type = int64_t;
};
template <> struct WideOf<uint64_t> {
  using type = unsigned __int128;
};
template <> struct WideOf<int64_t> {
  using type = __int128;
};
template <typename T> using Wide = typename WideOf<T>::type;

template <typename T> T addWrap(T a, T b) {
  return T(Unsigned<T>(a) + Unsigned<T>(b));
}
template <typename T> T subWrap(T a, T b) {
  return T(Unsigned<T>(a) - Unsigned<T>(b));
}
/// 16-bit values would be multiplied as int, which may overflow.
template <typename T> T mulWrap(T a, T b) {
  return T(uint64_t(a) * uint64_t(b));
}
template <typename T> T mulHigh(T a, T b) {
  return T(Wide<T>(a) * Wide<T>(b) >> (8 * sizeof(T)));
}
template <typename T> T saturate(Wide<T> value) {
  using Limits = std::numeric_limits<T>;
  return value > Wide<T>(Limits::max())   ? Limits::max()
         : value < Wide<T>(Limits::min()) ? Limits::min()
                                          : T(value);
}

template <typename T> void add(Warp &w, const Instr &in, uint32_t m) {
  mapLanes2<T>(w, in, m, addWrap<T>);
}
template <typename T> void sub(Warp &w, const Instr &in, uint32_t m) {
  mapLanes2<T>(w, in, m, subWrap<T>);
}
template <typename T> void mulLo(Warp &w, const Instr &in, uint32_t m) {
  mapLanes2<T>(w, in, m, mulWrap<T>);
}
template <typename T> void mulHi(Warp &w, const Instr &in, uint32_t m) {
  mapLanes2<T>(w, in, m, mulHigh<T>);
}
template <typename T> void madLo(Warp &w, const Instr &in, uint32_t m) {
  mapLanes3<T>(w, in, m,
               [](T a, T b, T c) { return addWrap(mulWrap(a, b), c); });
}
template <typename T> void madHi(Warp &w, const Instr &in, uint32_t m) {
  mapLanes3<T>(w, in, m,
               [](T a, T b, T c) { return addWrap(mulHigh(a, b), c); });
}

/// The result has twice the width of the factors.
template <typename T> void mulWide(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]), *b = w.src(ops[2]);
  setLanes(w.dst(ops[0]), m, [=](unsigned lane) {
    return widen(Wide<T>(Wide<T>(T(a[lane])) * Wide<T>(T(b[lane]))));
  });
}
template <typename T> void madWide(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]), *b = w.src(ops[2]), *c = w.src(ops[3]);
  setLanes(w.dst(ops[0]), m, [=](unsigned lane) {
    Wide<T> product = Wide<T>(T(a[lane])) * Wide<T>(T(b[lane]));
    return widen(addWrap<Wide<T>>(product, Wide<T>(c[lane])));
  });
}

/// Division by zero gives all ones, as on the hardware (the ISA leaves it
/// open); the most negative number divided by -1 wraps.
template <typename T> T divide(T a, T b) {
  if (b == 0)
    return T(~T(0));
  if (std::is_signed_v<T> && b == T(-1))
    return subWrap<T>(0, a);
  return T(a / b);
}
template <typename T> T remainder(T a, T b) {
  if (b == 0)
    return a;
  if (std::is_signed_v<T> && b == T(-1))
    return 0;
  return T(a % b);
}
template <typename T> void div(Warp &w, const Instr &in, uint32_t m) {
  mapLanes2<T>(w, in, m, divide<T>);
}
template <typename T> void rem(Warp &w, const Instr &in, uint32_t m) {
  mapLanes2<T>(w, in, m, remainder<T>);
}
template <typename T> void minimum(Warp &w, const Instr &in, uint32_t m) {
  mapLanes2<T>(w, in, m, [](T a, T b) { return a < b ? a : b; });
}
template <typename T> void maximum(Warp &w, const Instr &in, uint32_t m) {
  mapLanes2<T>(w, in, m, [](T a, T b) { return a > b ? a : b; });
}
template <typename T> void minRelu(Warp &w, const Instr &in, uint32_t m) {
  mapLanes2<T>(w, in, m, [](T a, T b) {
    T least = a < b ? a : b;
    return least < 0 ? T(0) : least;
  });
}
template <typename T> void maxRelu(Warp &w, const Instr &in, uint32_t m) {
  mapLanes2<T>(w, in, m, [](T a, T b) {
    T most = a > b ? a : b;
    return most < 0 ? T(0) : most;
  });
}
template <typename T> void absolute(Warp &w, const Instr &in, uint32_t m) {
  mapLanes1<T>(w, in, m, [](T a) { return a < 0 ? subWrap<T>(0, a) : a; });
}
template <typename T> void negate(Warp &w, const Instr &in, uint32_t m) {
  mapLanes1<T>(w, in, m, [](T a) { return subWrap<T>(0, a); });
}
template <typename T> void sad(Warp &w, const Instr &in, uint32_t m) {
  mapLanes3<T>(w, in, m, [](T a, T b, T c) {
    return addWrap(c, a < b ? subWrap(b, a) : subWrap(a, b));
  });
}
void addSaturate(Warp &w, const Instr &in, uint32_t m) {
  mapLanes2<int32_t>(w, in, m, [](int32_t a, int32_t b) {
    return saturate<int32_t>(int64_t(a) + b);
  });
}
void subSaturate(Warp &w, const Instr &in, uint32_t m) {
  mapLanes2<int32_t>(w, in, m, [](int32_t a, int32_t b) {
    return saturate<int32_t>(int64_t(a) - b);
  });
}
void madHiSaturate(Warp &w, const Instr &in, uint32_t m) {
  mapLanes3<int32_t>(w, in, m, [](int32_t a, int32_t b, int32_t c) {
    return saturate<int32_t>(int64_t(mulHigh(a, b)) + c);
  });
}

/// Two 16-bit halves; mode: 0 add, 1 min, 2 max, mode2: signed.
void packedHalves(Warp &w, const Instr &in, uint32_t m) {
  bool isSigned = in.mode2, relu = in.relu;
  unsigned mode = in.mode;
  mapLanes2<uint32_t>(w, in, m, [=](uint32_t a, uint32_t b) {
    uint32_t result = 0;
    for (unsigned at = 0; at < 32; at += 16) {
      int32_t x = isSigned ? int16_t(a >> at) : int32_t(a >> at & 0xffff);
      int32_t y = isSigned ? int16_t(b >> at) : int32_t(b >> at & 0xffff);
      int32_t r = mode == 0 ? x + y : (x < y) == (mode == 1) ? x : y;
      if (relu && int16_t(r) < 0)
        r = 0;
      result |= (uint32_t(r) & 0xffff) << at;
    }
    return result;
  });
}

/// dp4a and dp2a; mode: bit 0 a is signed, bit 1 b is signed, mode2: 0 four
/// products, 1 the low and 2 the high half of b.
void dotProduct(Warp &w, const Instr &in, uint32_t m) {
  unsigned mode = in.mode, half = in.mode2;
  auto byte = [](uint32_t value, unsigned at, bool isSigned) {
    uint32_t bits = value >> 8 * at & 0xff;
    return isSigned ? int32_t(int8_t(bits)) : int32_t(bits);
  };
  mapLanes3<uint32_t>(w, in, m, [=](uint32_t a, uint32_t b, uint32_t c) {
    if (!half) {
      for (unsigned i = 0; i < 4; ++i)
        c += uint32_t(byte(a, i, mode & 1) * byte(b, i, mode & 2));
      return c;
    }
    for (unsigned i = 0; i < 2; ++i) {
      uint32_t bits = a >> 16 * i & 0xffff;
      int32_t x = (mode & 1) ? int16_t(bits) : int32_t(bits);
      c += uint32_t(x * byte(b, i + (half == 2 ? 2 : 0), mode & 2));
    }
    return c;
  });
}

//===----------------------------------------------------------------------===//
// Extended precision: the carry is a predicate of its own.
//===----------------------------------------------------------------------===//

enum CarryMode : uint8_t { ReadsCarry = 1, WritesCarry = 2, Subtracts = 4 };

template <typename T> void addCarry(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  unsigned numSources = in.count - 2; // d, sources, the carry
  const Operand &carry = ops[in.count - 1];
  uint32_t carries = w.pred(carry), next = 0;
  uint64_t *d = w.dst(ops[0]);
  forLanes(m, [&](unsigned lane) {
    T a = T(w.src(ops[1])[lane]), b = T(w.src(ops[2])[lane]);
    if (numSources == 3) {
      // mad: the product is the first addend; imm: 1 for hi.
      using W = Wide<T>;
      T product = in.imm ? T(W(a) * W(b) >> 8 * sizeof(T)) : mulWrap(a, b);
      a = product;
      b = T(w.src(ops[3])[lane]);
    }
    unsigned in0 = (in.mode & ReadsCarry) ? carries >> lane & 1 : 0;
    using U = Unsigned<T>;
    unsigned __int128 x = U(a), y = U(b), sum;
    if (in.mode & Subtracts)
      sum = x - y - in0;
    else
      sum = x + y + in0;
    next |= uint32_t(sum >> 8 * sizeof(T) & 1) << lane;
    d[lane] = U(sum);
  });
  if (in.mode & WritesCarry)
    w.setPred(carry, m, next);
}

} // namespace

//===----------------------------------------------------------------------===//
// Decoding.
//===----------------------------------------------------------------------===//

/// Of .u16 … .s64 the type; for b-types the unsigned type of that width.
static Type asInteger(Type type) {
  switch (type) {
  case Type::B16:
    return Type::U16;
  case Type::B32:
    return Type::U32;
  case Type::B64:
    return Type::U64;
  default:
    return type;
  }
}

static bool decodeCarry(Decoder &d, Instr &in, uint8_t mode, bool multiply) {
  if (d.take("cc"))
    mode |= WritesCarry;
  in.mode = mode;
  if (multiply)
    in.imm = d.takeOneOf({"lo", "hi"}) == 1;
  in.type = asInteger(d.takeType());
  in.run = INGOT_PTX_FOR_INTEGER(in.type, addCarry);
  if (!d.operands(in, multiply ? "dsss" : "dss", in.type))
    return false;
  d.addCarryOperand(in);
  return true;
}

static bool decodeAddSub(Decoder &d, Instr &in, bool subtract) {
  for (std::string_view modifier : d.rest())
    if (modifier == "cc")
      return decodeCarry(d, in, subtract ? Subtracts : 0, false);
  Type type = parseType(d.rest().empty() ? "" : d.rest().back());
  if (type == Type::U16x2 || type == Type::S16x2) {
    in.type = d.takeType();
    in.run = subtract ? nullptr : packedHalves;
    return d.operands(in, "dss", in.type);
  }
  if (!isInteger(type))
    return decodeFloatArithmetic(d, in);
  in.type = d.takeType();
  if (d.take("sat") && in.type == Type::S32)
    in.run = subtract ? subSaturate : addSaturate;
  else
    in.run = subtract ? INGOT_PTX_FOR_INTEGER(in.type, sub)
                      : INGOT_PTX_FOR_INTEGER(in.type, add);
  return d.operands(in, "dss", in.type);
}

static bool decodeMul(Decoder &d, Instr &in) {
  int part = d.takeOneOf({"lo", "hi", "wide"});
  if (part < 0)
    return decodeFloatArithmetic(d, in);
  in.type = d.takeType();
  in.run = part == 0   ? INGOT_PTX_FOR_INTEGER(in.type, mulLo)
           : part == 1 ? INGOT_PTX_FOR_INTEGER(in.type, mulHi)
                       : INGOT_PTX_FOR_NARROW_INTEGER(in.type, mulWide);
  return d.operands(in, "dss", in.type);
}

static bool decodeMad(Decoder &d, Instr &in) {
  for (std::string_view modifier : d.rest())
    if (modifier == "cc")
      return decodeCarry(d, in, 0, true);
  int part = d.takeOneOf({"lo", "hi", "wide"});
  if (part < 0)
    return decodeFloatArithmetic(d, in);
  in.type = d.takeType();
  if (d.take("sat"))
    in.run = part == 1 && in.type == Type::S32 ? madHiSaturate : nullptr;
  else
    in.run = part == 0   ? INGOT_PTX_FOR_INTEGER(in.type, madLo)
             : part == 1 ? INGOT_PTX_FOR_INTEGER(in.type, madHi)
                         : INGOT_PTX_FOR_NARROW_INTEGER(in.type, madWide);
  return d.operands(in, "dsss", in.type);
}

static bool decodeMinMax(Decoder &d, Instr &in, bool isMax) {
  Type type = parseType(d.rest().empty() ? "" : d.rest().back());
  if (type == Type::U16x2 || type == Type::S16x2) {
    in.type = d.takeType();
    in.relu = d.take("relu");
    in.mode = isMax ? 2 : 1;
    in.mode2 = type == Type::S16x2;
    in.run = packedHalves;
    return d.operands(in, "dss", in.type);
  }
  if (!isInteger(type))
    return decodeFloatArithmetic(d, in);
  in.type = d.takeType();
  if (d.take("relu"))
    in.run = in.type != Type::S32 ? nullptr
             : isMax              ? maxRelu<int32_t>
                                  : minRelu<int32_t>;
  else
    in.run = isMax ? INGOT_PTX_FOR_INTEGER(in.type, maximum)
                   : INGOT_PTX_FOR_INTEGER(in.type, minimum);
  return d.operands(in, "dss", in.type);
}

/// div, rem, abs, neg, sad: floats elsewhere.
#define INGOT_PTX_INTEGER_OR_FLOAT(NAME, HANDLER, LETTERS)                     \
  static bool NAME(Decoder &d, Instr &in) {                                    \
    Type type = parseType(d.rest().empty() ? "" : d.rest().back());            \
    if (!isInteger(type))                                                      \
      return decodeFloatArithmetic(d, in);                                     \
    in.type = d.takeType();                                                    \
    in.run = INGOT_PTX_FOR_INTEGER(type, HANDLER);                             \
    return d.operands(in, LETTERS, type);                                      \
  }
INGOT_PTX_INTEGER_OR_FLOAT(decodeDiv, div, "dss")
INGOT_PTX_INTEGER_OR_FLOAT(decodeRem, rem, "dss")
INGOT_PTX_INTEGER_OR_FLOAT(decodeAbs, absolute, "ds")
INGOT_PTX_INTEGER_OR_FLOAT(decodeNeg, negate, "ds")
INGOT_PTX_INTEGER_OR_FLOAT(decodeSad, sad, "dsss")

static bool decodeDot(Decoder &d, Instr &in, bool two) {
  int half = two ? d.takeOneOf({"lo", "hi"}) : -1;
  in.mode2 = uint8_t(half + 1);
  Type b = d.takeType(), a = d.takeType();
  in.mode = (a == Type::S32 ? 1 : 0) | (b == Type::S32 ? 2 : 0);
  if (bitsOf(a) == 32 && bitsOf(b) == 32 && two == (half >= 0))
    in.run = dotProduct;
  return d.operands(in, "dsss", Type::B32);
}

void ingot::ptx::addIntegerOps(DecodeTable &table) {
  table["add"] = [](Decoder &d, Instr &in) {
    return decodeAddSub(d, in, false);
  };
  table["sub"] = [](Decoder &d, Instr &in) {
    return decodeAddSub(d, in, true);
  };
  table["addc"] = [](Decoder &d, Instr &in) {
    return decodeCarry(d, in, ReadsCarry, false);
  };
  table["subc"] = [](Decoder &d, Instr &in) {
    return decodeCarry(d, in, ReadsCarry | Subtracts, false);
  };
  table["madc"] = [](Decoder &d, Instr &in) {
    return decodeCarry(d, in, ReadsCarry, true);
  };
  table["mul"] = decodeMul;
  table["mad"] = decodeMad;
  table["min"] = [](Decoder &d, Instr &in) {
    return decodeMinMax(d, in, false);
  };
  table["max"] = [](Decoder &d, Instr &in) {
    return decodeMinMax(d, in, true);
  };
  table["div"] = decodeDiv;
  table["rem"] = decodeRem;
  table["abs"] = decodeAbs;
  table["neg"] = decodeNeg;
  table["sad"] = decodeSad;
  table["dp4a"] = [](Decoder &d, Instr &in) { return decodeDot(d, in, false); };
  table["dp2a"] = [](Decoder &d, Instr &in) { return decodeDot(d, in, true); };
}
