//===- Convert.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "Data Movement and Conversion Instructions: cvt" and cvt.pack.
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/ops/Lanes.h"

#include <cmath>

using namespace ingot::ptx;

namespace {

/// Rounding to an integer in the format of a float, .rni and so on.
enum Integral : uint8_t { NotIntegral, Nearest, TowardZero, Floor, Ceiling };

double toIntegral(double value, unsigned mode) {
  switch (mode) {
  case Nearest:
    return std::nearbyint(value);
  case TowardZero:
    return std::trunc(value);
  case Floor:
    return std::floor(value);
  case Ceiling:
    return std::ceil(value);
  default:
    return value;
  }
}

const Format *formatOf(Type type) {
  switch (type) {
  case Type::F16:
  case Type::F16x2:
    return &kF16;
  case Type::BF16:
  case Type::BF16x2:
    return &kBF16;
  case Type::TF32:
    return &kTF32;
  case Type::F32:
    return &kF32;
  case Type::E4M3:
  case Type::E4M3x2:
    return &kE4M3;
  case Type::E5M2:
  case Type::E5M2x2:
    return &kE5M2;
  default:
    return nullptr;
  }
}

double readFloat(uint64_t bits, Type type, bool ftz) {
  switch (type) {
  case Type::F64:
    return asDouble(bits);
  case Type::F32:
    return ftz ? flush(asFloat(bits)) : asFloat(bits);
  case Type::F16:
    return halfToFloat(bits);
  case Type::BF16:
    return bfloatToFloat(bits);
  default:
    return decode(uint32_t(bits), *formatOf(type));
  }
}

int64_t readInteger(uint64_t bits, Type type) {
  switch (type) {
  case Type::S8:
    return int8_t(bits);
  case Type::S16:
    return int16_t(bits);
  case Type::S32:
    return int32_t(bits);
  case Type::U8:
    return uint8_t(bits);
  case Type::U16:
    return uint16_t(bits);
  case Type::U32:
    return uint32_t(bits);
  default:
    return int64_t(bits);
  }
}

uint64_t widthMask(unsigned bits) {
  return bits >= 64 ? ~uint64_t(0) : (uint64_t(1) << bits) - 1;
}

/// Floats out of range become the nearest integer; NaN becomes zero.
uint64_t floatToInteger(double value, Type type, unsigned mode) {
  value = toIntegral(value, mode == NotIntegral ? TowardZero : mode);
  unsigned bits = bitsOf(type);
  if (value != value)
    return 0;
  if (isSigned(type)) {
    double limit = std::ldexp(1.0, int(bits) - 1);
    if (value >= limit)
      return widthMask(bits - 1);
    if (value < -limit)
      return uint64_t(1) << (bits - 1);
    return uint64_t(int64_t(value)) & widthMask(bits);
  }
  if (value <= 0)
    return 0;
  if (value >= std::ldexp(1.0, int(bits)))
    return widthMask(bits);
  return uint64_t(value);
}

uint64_t writeFloat(double value, const Instr &in, Type type) {
  if (in.relu && !(value > 0) && value == value)
    value = 0;
  if (in.saturate && in.mode2 == 0)
    value = value > 0 ? (value < 1 ? value : 1) : 0;
  if (type == Type::F64)
    return bitsOfDouble(value);
  bool finite = in.mode2 != 0; // .satfinite
  if (type == Type::F32) {
    if (in.rounding == Rounding::NearestEven) {
      float narrow = float(value);
      if (in.ftz)
        narrow = flush(narrow);
      return value != value ? 0x7fffffff : bitsOfFloat(narrow);
    }
    uint32_t bits = encode(value, kF32, in.rounding);
    return in.ftz ? bitsOfFloat(flush(asFloat(bits))) : bits;
  }
  return encode(value, *formatOf(type), in.rounding, finite);
}

/// An integer of up to 64 bits as a float, rounded once.
uint64_t integerToFloat(uint64_t raw, const Instr &in) {
  bool isNegative = isSigned(in.sourceType) && int64_t(raw) < 0;
  uint64_t magnitude = isNegative ? 0 - raw : raw;
  // The upper part exactly, the rest as a sticky bit.
  double value = double(magnitude >> 12) * 4096.0;
  value = addToOdd(value, double(magnitude & 4095));
  if (in.type == Type::F64) {
    uint64_t kept = magnitude;
    if (magnitude >> 53) {
      unsigned drop = 64 - __builtin_clzll(magnitude) - 53;
      uint64_t rest = magnitude & widthMask(drop), half = uint64_t(1)
                                                          << (drop - 1);
      kept = magnitude >> drop;
      bool up = in.rounding == Rounding::NearestEven
                    ? rest > half || (rest == half && (kept & 1))
                : in.rounding == Rounding::Up   ? !isNegative && rest
                : in.rounding == Rounding::Down ? isNegative && rest
                                                : false;
      value = std::ldexp(double(kept + up), int(drop));
    } else {
      value = double(kept);
    }
  }
  return writeFloat(isNegative ? -value : value, in, in.type);
}

uint64_t convertOne(uint64_t bits, const Instr &in) {
  bool toInteger = isInteger(in.type), fromInteger = isInteger(in.sourceType);
  if (toInteger && fromInteger) {
    int64_t value = readInteger(bits, in.sourceType);
    if (in.saturate) {
      unsigned width = bitsOf(in.type);
      bool huge = in.sourceType == Type::U64 && value < 0;
      if (isSigned(in.type)) {
        int64_t most = int64_t(widthMask(width - 1)), least = -most - 1;
        value = huge || value > most ? most : value < least ? least : value;
      } else if (!huge) {
        uint64_t most = widthMask(width);
        value = value < 0                ? (isSigned(in.sourceType) ? 0 : value)
                : uint64_t(value) > most ? int64_t(most)
                                         : value;
      } else {
        value = int64_t(widthMask(width));
      }
    }
    return uint64_t(value);
  }
  if (fromInteger)
    return integerToFloat(uint64_t(readInteger(bits, in.sourceType)), in);
  double value = readFloat(bits, in.sourceType, in.ftz);
  if (toInteger)
    return floatToInteger(value, in.type, in.mode);
  return writeFloat(toIntegral(value, in.mode), in, in.type);
}

void convert(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]);
  uint64_t *d = w.dst(ops[0]);
  // Integers narrower than the register are extended by their sign.
  unsigned width = bitsOf(in.type), destBits = ops[0].bits;
  bool extend = isSigned(in.type);
  forLanes(m, [&](unsigned lane) {
    uint64_t value = convertOne(a[lane], in) & widthMask(width);
    if (extend && width < 64 && (value >> (width - 1) & 1))
      value |= ~widthMask(width);
    d[lane] = value & widthMask(destBits);
  });
}

/// Integer to integer without saturation, the most frequent conversion.
template <typename To, typename From>
void resize(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]);
  uint64_t mask = widthMask(ops[0].bits);
  setLanes(w.dst(ops[0]), m, [=](unsigned lane) {
    return uint64_t(int64_t(To(From(a[lane])))) & mask;
  });
}

/// Two f32 into a pair of narrow floats: the first becomes the upper half.
void convertPair(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]), *b = w.src(ops[2]);
  uint64_t *d = w.dst(ops[0]);
  unsigned half = bitsOf(in.type) / 2;
  forLanes(m, [&](unsigned lane) {
    uint64_t high = writeFloat(asFloat(a[lane]), in, in.type);
    uint64_t low = writeFloat(asFloat(b[lane]), in, in.type);
    d[lane] = high << half | low;
  });
}

/// Between pairs: e4m3x2 and e5m2x2 from and to f16x2.
void convertPacked(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]);
  uint64_t *d = w.dst(ops[0]);
  unsigned from = bitsOf(in.sourceType) / 2, to = bitsOf(in.type) / 2;
  const Format &format = *formatOf(in.sourceType);
  forLanes(m, [&](unsigned lane) {
    double low = decode(uint32_t(a[lane] & widthMask(from)), format);
    double high = decode(uint32_t(a[lane] >> from & widthMask(from)), format);
    d[lane] =
        writeFloat(high, in, in.type) << to | writeFloat(low, in, in.type);
  });
}

/// cvt.pack.sat: two integers, saturated, in the low bits of d above c.
void pack(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]), *b = w.src(ops[2]), *c = w.src(ops[3]);
  uint64_t *d = w.dst(ops[0]);
  Instr one = in;
  one.sourceType = Type::S32;
  unsigned width = bitsOf(in.type);
  forLanes(m, [&](unsigned lane) {
    uint64_t high = convertOne(a[lane], one) & widthMask(width);
    uint64_t low = convertOne(b[lane], one) & widthMask(width);
    uint64_t above = in.count > 3 && width < 16 ? c[lane] : 0;
    d[lane] = uint32_t(above << 2 * width | high << width | low);
  });
}

} // namespace

template <typename From> static Handler resizeFrom(Type to) {
  switch (to) {
  case Type::U8:
    return resize<uint8_t, From>;
  case Type::S8:
    return resize<int8_t, From>;
  case Type::U16:
    return resize<uint16_t, From>;
  case Type::S16:
    return resize<int16_t, From>;
  case Type::U32:
    return resize<uint32_t, From>;
  case Type::S32:
    return resize<int32_t, From>;
  default:
    return resize<int64_t, From>;
  }
}

static Handler resizeHandler(Type to, Type from) {
  switch (from) {
  case Type::U8:
    return resizeFrom<uint8_t>(to);
  case Type::S8:
    return resizeFrom<int8_t>(to);
  case Type::U16:
    return resizeFrom<uint16_t>(to);
  case Type::S16:
    return resizeFrom<int16_t>(to);
  case Type::U32:
    return resizeFrom<uint32_t>(to);
  case Type::S32:
    return resizeFrom<int32_t>(to);
  default:
    return resizeFrom<int64_t>(to);
  }
}

static bool isPair(Type type) {
  return type == Type::F16x2 || type == Type::BF16x2 || type == Type::E4M3x2 ||
         type == Type::E5M2x2;
}

static bool decodePack(Decoder &d, Instr &in) {
  in.saturate = d.take("sat");
  if (!d.rest().empty() && d.rest().back() == "b32")
    d.takeType();
  d.takeType(); // of the sources: s32
  in.type = d.takeType();
  if (isInteger(in.type) && bitsOf(in.type) <= 16 && in.saturate)
    in.run = pack;
  return d.operands(in, d.numArgs() == 4 ? "dsss" : "dss");
}

static bool decodeConvert(Decoder &d, Instr &in) {
  if (d.take("pack"))
    return decodePack(d, in);
  in.sourceType = d.takeType();
  in.type = d.takeType();
  d.takeRounding(in);
  int integral = d.takeOneOf({"rni", "rzi", "rmi", "rpi"});
  in.mode = uint8_t(integral + 1);
  in.ftz = d.take("ftz");
  in.relu = d.take("relu");
  in.saturate = d.take("sat");
  in.mode2 = d.take("satfinite");
  // Conversions to 8-bit floats always saturate, which the ISA demands to be
  // written.
  bool known = in.sourceType != Type::None && in.type != Type::None;
  if (!known || bitsOf(in.type) > 64 || in.type == Type::Pred)
    return d.fail("no such conversion");
  auto convertible = [](Type type) {
    return isInteger(type) || type == Type::F64 || formatOf(type);
  };
  if (!convertible(in.type) || !convertible(in.sourceType))
    return d.fail("no such conversion");
  if (isPair(in.type) && isPair(in.sourceType)) {
    in.run = convertPacked;
    return d.operands(in, "ds", in.sourceType);
  }
  if (isPair(in.type)) {
    in.run = in.sourceType == Type::F32 ? convertPair : nullptr;
    return d.operands(in, "dss", Type::F32);
  }
  in.run = convert;
  if (isInteger(in.type) && isInteger(in.sourceType) && !in.saturate)
    in.run = resizeHandler(in.type, in.sourceType);
  return d.operands(in, "ds", in.sourceType);
}

void ingot::ptx::addConversionOps(DecodeTable &table) {
  table["cvt"] = decodeConvert;
}
