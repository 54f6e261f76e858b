//===- Bits.cpp -----------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "Logic and Shift Instructions" and the bit fields of "Integer Arithmetic
// Instructions".
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/ops/Lanes.h"

using namespace ingot::ptx;

namespace {

enum Logic : uint8_t { And, Or, Xor, Not };

template <typename T> void logicAnd(Warp &w, const Instr &in, uint32_t m) {
  mapLanes2<T>(w, in, m, [](T a, T b) { return T(a & b); });
}
template <typename T> void logicOr(Warp &w, const Instr &in, uint32_t m) {
  mapLanes2<T>(w, in, m, [](T a, T b) { return T(a | b); });
}
template <typename T> void logicXor(Warp &w, const Instr &in, uint32_t m) {
  mapLanes2<T>(w, in, m, [](T a, T b) { return T(a ^ b); });
}
template <typename T> void logicNot(Warp &w, const Instr &in, uint32_t m) {
  mapLanes1<T>(w, in, m, [](T a) { return T(~a); });
}
template <typename T> void cnot(Warp &w, const Instr &in, uint32_t m) {
  mapLanes1<T>(w, in, m, [](T a) { return T(a == 0); });
}

void predicateLogic(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  uint32_t a = w.pred(ops[1]);
  uint32_t value = ~a;
  if (in.mode != Not) {
    uint32_t b = w.pred(ops[2]);
    value = in.mode == And ? a & b : in.mode == Or ? a | b : a ^ b;
  }
  w.setPred(ops[0], m, value);
}

/// The amount is a u32; beyond the width it shifts everything out.
template <typename T> void shl(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]), *b = w.src(ops[2]);
  constexpr uint32_t kBits = 8 * sizeof(T);
  setLanes(w.dst(ops[0]), m, [=](unsigned lane) {
    uint32_t amount = uint32_t(b[lane]);
    uint64_t value = a[lane] << (amount & 63);
    return amount < kBits ? widen(T(value)) : 0;
  });
}
template <typename T> void shr(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]), *b = w.src(ops[2]);
  constexpr uint32_t kBits = 8 * sizeof(T);
  setLanes(w.dst(ops[0]), m, [=](unsigned lane) {
    uint32_t amount = uint32_t(b[lane]);
    bool out = amount >= kBits;
    uint32_t used = out ? kBits - 1 : amount;
    T value = T(T(a[lane]) >> used);
    return out && !std::is_signed_v<T> ? 0 : widen(value);
  });
}

/// Funnel shifts; mode: bit 0 right, bit 1 clamp.
void funnel(Warp &w, const Instr &in, uint32_t m) {
  bool right = in.mode & 1, clamp = in.mode & 2;
  mapLanes3<uint32_t>(w, in, m, [=](uint32_t a, uint32_t b, uint32_t c) {
    uint32_t amount = clamp ? (c > 32 ? 32 : c) : c & 31;
    uint64_t pair = uint64_t(b) << 32 | a;
    return right ? uint32_t(amount < 32 ? pair >> amount : b)
                 : uint32_t(amount < 32 ? pair << amount >> 32 : a);
  });
}

template <typename T> void bfe(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]), *b = w.src(ops[2]), *c = w.src(ops[3]);
  constexpr unsigned kBits = 8 * sizeof(T);
  setLanes(w.dst(ops[0]), m, [=](unsigned lane) -> uint64_t {
    unsigned position = b[lane] & 0xff, length = c[lane] & 0xff;
    using U = std::make_unsigned_t<T>;
    if (length == 0)
      return 0;
    // Bits beyond the value are its sign, or zero.
    T value = position < kBits      ? T(T(a[lane]) >> position)
              : std::is_signed_v<T> ? T(T(a[lane]) >> (kBits - 1))
                                    : T(0);
    if (length >= kBits)
      return U(value);
    unsigned spare = kBits - length;
    // The field's last bit may lie beyond the value; then the sign fills it.
    return U(T(T(U(value) << spare) >> spare));
  });
}

template <typename T> void bfi(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]), *b = w.src(ops[2]), *c = w.src(ops[3]),
                 *d = w.src(ops[4]);
  constexpr unsigned kBits = 8 * sizeof(T);
  setLanes(w.dst(ops[0]), m, [=](unsigned lane) {
    unsigned position = c[lane] & 0xff, length = d[lane] & 0xff;
    if (position >= kBits || length == 0)
      return widen(T(b[lane]));
    T ones = length >= kBits ? T(~T(0)) : T((T(1) << length) - 1);
    T field = T(ones << position);
    return widen(T((T(b[lane]) & ~field) | (T(a[lane] << position) & field)));
  });
}

template <typename T> void bfind(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const uint64_t *a = w.src(ops[1]);
  bool shiftAmount = in.mode;
  constexpr unsigned kBits = 8 * sizeof(T);
  setLanes(w.dst(ops[0]), m, [=](unsigned lane) -> uint64_t {
    T value = T(a[lane]);
    if (value < 0)
      value = T(~value);
    uint64_t bits = widen(value);
    if (!bits)
      return 0xffffffff;
    unsigned top = 63 - __builtin_clzll(bits);
    return shiftAmount ? kBits - 1 - top : top;
  });
}

template <typename T> void clz(Warp &w, const Instr &in, uint32_t m) {
  mapLanes1<T>(w, in, m, [](T a) {
    return T(a ? __builtin_clzll(a) - (64 - 8 * sizeof(T)) : 8 * sizeof(T));
  });
}
template <typename T> void popc(Warp &w, const Instr &in, uint32_t m) {
  mapLanes1<T>(w, in, m, [](T a) { return T(__builtin_popcountll(a)); });
}
template <typename T> void brev(Warp &w, const Instr &in, uint32_t m) {
  mapLanes1<T>(w, in, m, [](T a) {
    return T(__builtin_bitreverse64(a) >> (64 - 8 * sizeof(T)));
  });
}

/// bmsk: mode 1 wraps.
void bitMask(Warp &w, const Instr &in, uint32_t m) {
  bool wrap = in.mode;
  mapLanes2<uint32_t>(w, in, m, [=](uint32_t a, uint32_t b) {
    if (wrap) {
      a &= 31;
      b &= 31;
    }
    if (a > 31 || b == 0)
      return uint32_t(0);
    uint64_t ones = b >= 32 ? 0xffffffff : (uint64_t(1) << b) - 1;
    return uint32_t(ones << a);
  });
}

void lop3(Warp &w, const Instr &in, uint32_t m) {
  uint8_t table = uint8_t(in.imm);
  mapLanes3<uint32_t>(w, in, m, [=](uint32_t a, uint32_t b, uint32_t c) {
    uint32_t result = 0;
    for (unsigned i = 0; i < 8; ++i)
      if (table >> i & 1)
        result |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
    return result;
  });
}

/// One byte of eight; bit 3 of the selector replicates its sign.
uint32_t selectByte(uint64_t bytes, uint32_t selector) {
  uint32_t byte = bytes >> 8 * (selector & 7) & 0xff;
  return (selector & 8) ? (byte & 0x80 ? 0xff : 0) : byte;
}

/// mode: 0 generic, then f4e, b4e, rc8, ecl, ecr, rc16.
void permute(Warp &w, const Instr &in, uint32_t m) {
  unsigned mode = in.mode;
  mapLanes3<uint32_t>(w, in, m, [=](uint32_t a, uint32_t b, uint32_t c) {
    uint64_t bytes = uint64_t(b) << 32 | a;
    uint32_t result = 0, s = c & 3;
    for (uint32_t i = 0; i < 4; ++i) {
      uint32_t selector = 0;
      switch (mode) {
      case 0:
        selector = c >> 4 * i & 15;
        break;
      case 1:
        selector = s + i;
        break;
      case 2:
        selector = (s - i) & 7;
        break;
      case 3:
        selector = s;
        break;
      case 4:
        selector = i > s ? i : s;
        break;
      case 5:
        selector = i < s ? i : s;
        break;
      default:
        selector = (s & 1) * 2 + (i & 1);
        break;
      }
      result |= selectByte(bytes, selector) << 8 * i;
    }
    return result;
  });
}

} // namespace

//===----------------------------------------------------------------------===//
// Decoding.
//===----------------------------------------------------------------------===//

template <Logic kOp> static bool decodeLogic(Decoder &d, Instr &in) {
  in.type = d.takeType();
  in.mode = kOp;
  if (in.type == Type::Pred) {
    in.run = predicateLogic;
    return d.operands(in, kOp == Not ? "Pp" : "Ppp");
  }
  in.run = kOp == And   ? INGOT_PTX_FOR_BITS(in.type, logicAnd)
           : kOp == Or  ? INGOT_PTX_FOR_BITS(in.type, logicOr)
           : kOp == Xor ? INGOT_PTX_FOR_BITS(in.type, logicXor)
                        : INGOT_PTX_FOR_BITS(in.type, logicNot);
  return d.operands(in, kOp == Not ? "ds" : "dss", in.type);
}

static bool decodeShift(Decoder &d, Instr &in) {
  in.type = d.takeType();
  bool left = d.statement().mnemonic[2] == 'l';
  in.run = left ? INGOT_PTX_FOR_BITS(in.type, shl)
                : INGOT_PTX_FOR_BITS(in.type, shr);
  if (!left && !in.run)
    in.run = INGOT_PTX_FOR_INTEGER(in.type, shr);
  return d.operands(in, "dss", in.type);
}

static bool decodeFunnel(Decoder &d, Instr &in) {
  int right = d.takeOneOf({"l", "r"}), clamp = d.takeOneOf({"wrap", "clamp"});
  in.mode = uint8_t((right == 1 ? 1 : 0) | (clamp == 1 ? 2 : 0));
  if (d.takeType() == Type::B32 && right >= 0 && clamp >= 0)
    in.run = funnel;
  return d.operands(in, "dsss");
}

static bool decodeLop3(Decoder &d, Instr &in) {
  uint64_t table = 0;
  if (d.takeType() != Type::B32 || d.numArgs() != 5 ||
      !d.immediate(d.arg(4), table))
    return false;
  in.imm = uint32_t(table);
  in.run = lop3;
  for (int i = 0; i < 4; ++i)
    if (!d.add(in, i ? 's' : 'd', d.arg(i)))
      return false;
  return true;
}

static bool decodePermute(Decoder &d, Instr &in) {
  in.mode =
      uint8_t(d.takeOneOf({"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"}) + 1);
  // The mode may stand after the type.
  if (d.takeType() == Type::B32)
    in.run = permute;
  return d.operands(in, "dsss");
}

void ingot::ptx::addBitOps(DecodeTable &table) {
  table["and"] = decodeLogic<And>;
  table["or"] = decodeLogic<Or>;
  table["xor"] = decodeLogic<Xor>;
  table["not"] = decodeLogic<Not>;
  table["shl"] = table["shr"] = decodeShift;
  table["shf"] = decodeFunnel;
  table["lop3"] = decodeLop3;
  table["prmt"] = decodePermute;
  table["cnot"] = [](Decoder &d, Instr &in) {
    in.type = d.takeType();
    in.run = INGOT_PTX_FOR_BITS(in.type, cnot);
    return d.operands(in, "ds", in.type);
  };
  table["bfe"] = [](Decoder &d, Instr &in) {
    in.type = d.takeType();
    in.run = INGOT_PTX_FOR_INTEGER(in.type, bfe);
    return d.operands(in, "dsss", in.type);
  };
  table["bfi"] = [](Decoder &d, Instr &in) {
    in.type = d.takeType();
    in.run = INGOT_PTX_FOR_BITS(in.type, bfi);
    return d.operands(in, "dssss", in.type);
  };
  table["bfind"] = [](Decoder &d, Instr &in) {
    in.mode = d.take("shiftamt");
    in.type = d.takeType();
    in.run = INGOT_PTX_FOR_INTEGER(in.type, bfind);
    return d.operands(in, "ds", in.type);
  };
  table["clz"] = [](Decoder &d, Instr &in) {
    in.type = d.takeType();
    in.run = INGOT_PTX_FOR_BITS(in.type, clz);
    return d.operands(in, "ds", in.type);
  };
  table["popc"] = [](Decoder &d, Instr &in) {
    in.type = d.takeType();
    in.run = INGOT_PTX_FOR_BITS(in.type, popc);
    return d.operands(in, "ds", in.type);
  };
  table["brev"] = [](Decoder &d, Instr &in) {
    in.type = d.takeType();
    in.run = INGOT_PTX_FOR_BITS(in.type, brev);
    return d.operands(in, "ds", in.type);
  };
  table["bmsk"] = [](Decoder &d, Instr &in) {
    int wrap = d.takeOneOf({"clamp", "wrap"});
    in.mode = wrap == 1;
    if (d.takeType() == Type::B32 && wrap >= 0)
      in.run = bitMask;
    return d.operands(in, "dss");
  };
}
