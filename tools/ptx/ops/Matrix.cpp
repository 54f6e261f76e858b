//===- Matrix.cpp ---------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ldmatrix, stmatrix, movmatrix and mma.sync ("Warp-level matrix instructions",
// with the fragments of "Matrix Fragments for mma").
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/ops/MatrixMath.h"

#include "tools/ptx/Access.h"
#include "tools/ptx/ops/Lanes.h"

#include <cstdlib>

using namespace ingot::ptx;

namespace {

/// Lane 8i+r names row r of matrix i: 16 bytes. mode: transposed, mode2: store.
void moveMatrices(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  const Operand &vector = ops[in.mode2 ? 1 : 0];
  const Operand *registers = w.elements(vector);
  Addresses addresses(w, ops[in.mode2 ? 0 : 1]);
  if (m != kAllLanes)
    return w.fault(in, -1, Fault::IllegalInstruction,
                   "not all threads of the warp take part");
  for (unsigned matrix = 0; matrix < vector.count; ++matrix) {
    uint8_t *rows[8];
    for (unsigned row = 0; row < 8; ++row) {
      unsigned lane = 8 * matrix + row;
      rows[row] = access(w, in, lane, Space::Shared, addresses[lane], 16,
                         in.mode2 ? Access::Write : Access::Read);
      if (!rows[row])
        return;
    }
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      uint32_t value = in.mode2 ? uint32_t(w.src(registers[matrix])[lane]) : 0;
      for (unsigned half = 0; half < 2; ++half) {
        unsigned row = lane / 4, column = 2 * (lane % 4) + half;
        uint8_t *place =
            in.mode ? rows[column] + 2 * row : rows[row] + 2 * column;
        if (in.mode2) {
          uint16_t bits = uint16_t(value >> 16 * half);
          memcpy(place, &bits, 2);
        } else {
          uint16_t bits;
          memcpy(&bits, place, 2);
          value |= uint32_t(bits) << 16 * half;
        }
      }
      if (!in.mode2 && !registers[matrix].sink)
        w.dst(registers[matrix])[lane] = value;
    }
  }
}

void transposeMatrix(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  if (m != kAllLanes)
    return w.fault(in, -1, Fault::IllegalInstruction,
                   "not all threads of the warp take part");
  uint32_t from[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    from[lane] = uint32_t(w.src(ops[1])[lane]);
  setLanes(w.dst(ops[0]), m, [&](unsigned lane) {
    uint32_t value = 0;
    for (unsigned half = 0; half < 2; ++half) {
      unsigned row = lane / 4, column = 2 * (lane % 4) + half;
      uint32_t bits = from[4 * column + row / 2] >> 16 * (row % 2) & 0xffff;
      value |= bits << 16 * half;
    }
    return uint64_t(value);
  });
}

/// m16n8k*, and m8n8k16 of integers. imm: k, shape: rows of A. Types: in.type
/// the accumulator's, sourceType that of A; mode: that of B, mode2: that of D.
void multiply(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  if (m != kAllLanes)
    return w.fault(in, -1, Fault::IllegalInstruction,
                   "not all threads of the warp take part");
  ++w.cluster.stats.tensorInstructions;
  unsigned k = in.imm, rows = in.shape, bits = bitsOf(in.sourceType);
  unsigned perRegister = 32 / bits;
  double a[16][32], b[8][32];
  const Operand *as = w.elements(ops[1]), *bs = w.elements(ops[2]),
                *cs = w.elements(ops[3]), *ds = w.elements(ops[0]);
  unsigned halves = rows / 8;
  Type bType = Type(in.mode);
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    unsigned group = lane / 4, thread = lane % 4;
    for (unsigned r = 0; r < ops[1].count; ++r) {
      uint32_t value = uint32_t(w.src(as[r])[lane]);
      unsigned row = group + 8 * (r % halves);
      unsigned column = r / halves * 4 * perRegister + thread * perRegister;
      for (unsigned j = 0; j < perRegister; ++j)
        a[row][column + j] = elementOf(value >> j * bits, in.sourceType);
    }
    for (unsigned r = 0; r < ops[2].count; ++r) {
      uint32_t value = uint32_t(w.src(bs[r])[lane]);
      unsigned row = r * 4 * perRegister + thread * perRegister;
      for (unsigned j = 0; j < perRegister; ++j)
        b[group][row + j] = elementOf(value >> j * bits, bType);
    }
  }
  bool halfC = in.type == Type::F16, halfD = Type(in.mode2) == Type::F16;
  double sums[16][8];
  for (unsigned row = 0; row < rows; ++row)
    for (unsigned n = 0; n < 8; ++n) {
      double sum = 0;
      for (unsigned i = 0; i < k; ++i)
        sum += a[row][i] * b[n][i];
      sums[row][n] = sum;
    }
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    unsigned group = lane / 4, thread = lane % 4;
    uint32_t results[4] = {};
    for (unsigned i = 0; i < 2 * halves; ++i) {
      unsigned row = group + 8 * (i / 2), n = 2 * thread + i % 2;
      uint32_t c =
          halfC ? uint32_t(w.src(cs[i / 2])[lane]) >> 16 * (i % 2) & 0xffff
                : uint32_t(w.src(cs[i])[lane]);
      if (halfC != halfD)
        c = halfC ? uint32_t(bitsOfFloat(halfToFloat(c)))
                  : encode(asFloat(c), kF16);
      results[i] = accumulate(c, sums[row][n], Type(in.mode2), in.saturate);
    }
    for (unsigned i = 0; i < ops[0].count; ++i)
      if (!ds[i].sink)
        w.dst(ds[i])[lane] =
            halfD ? results[2 * i] | results[2 * i + 1] << 16 : results[i];
  }
}

/// m8n8k4 of f64.
void multiplyDouble(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  if (m != kAllLanes)
    return w.fault(in, -1, Fault::IllegalInstruction,
                   "not all threads of the warp take part");
  ++w.cluster.stats.tensorInstructions;
  double a[8][4], b[8][4];
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    a[lane / 4][lane % 4] = asDouble(w.src(w.elements(ops[1])[0])[lane]);
    b[lane / 4][lane % 4] = asDouble(w.src(w.elements(ops[2])[0])[lane]);
  }
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    for (unsigned i = 0; i < 2; ++i) {
      double sum = asDouble(w.src(w.elements(ops[3])[i])[lane]);
      for (unsigned k = 0; k < 4; ++k)
        sum = __builtin_fma(a[lane / 4][k], b[2 * (lane % 4) + i][k], sum);
      w.dst(w.elements(ops[0])[i])[lane] = bitsOfDouble(sum);
    }
}

} // namespace

static bool decodeMatrixMove(Decoder &d, Instr &in, bool isStore) {
  in.mode2 = isStore;
  in.mode = d.take("trans");
  int count = d.takeOneOf({"x1", "x2", "x4"});
  bool known = d.take("sync") && d.take("aligned") && d.take("m8n8");
  Space space = d.takeSpace();
  if (!known || count < 0 || d.takeType() != Type::B16 ||
      (space != Space::Shared && space != Space::Generic))
    return false;
  in.run = moveMatrices;
  in.flow = Flow::Aligned;
  if (!d.requireTarget(isStore ? 90 : 75, 0, isStore ? "stmatrix" : "ldmatrix"))
    return false;
  if (!d.operands(in, isStore ? "aV" : "Da"))
    return false;
  unsigned registers = d.program.operands[in.first + isStore].count;
  return registers == 1u << count || d.fail("wrong number of registers");
}

/// Reads "m16n8k32".
static bool parseShape(std::string_view text, unsigned &m, unsigned &n,
                       unsigned &k) {
  std::string word(text);
  return sscanf(word.c_str(), "m%un%uk%u", &m, &n, &k) == 3;
}

static bool decodeMma(Decoder &d, Instr &in) {
  if (!d.take("sync") || !d.take("aligned") || d.rest().size() < 7)
    return false;
  unsigned m = 0, n = 0, k = 0;
  std::string_view shape;
  if (!d.takePrefixed("m", shape))
    return false;
  std::string name = "m" + std::string(shape);
  d.takePrefixed("kind::", shape);
  in.saturate = d.take("satfinite");
  if (!parseShape(name, m, n, k) || !d.take("row") || !d.take("col"))
    return false;
  Type c = d.takeType(), b = d.takeType(), a = d.takeType(),
       result = d.takeType();
  in.flow = Flow::Aligned;
  in.type = c;
  in.sourceType = a;
  in.mode = uint8_t(b);
  in.mode2 = uint8_t(result);
  in.imm = k;
  in.shape = uint8_t(m);
  if (!d.operands(in, "DVVV"))
    return false;
  const Operand *ops = &d.program.operands[in.first];
  auto counts = [&](unsigned d0, unsigned a0, unsigned b0, unsigned c0) {
    return (ops[0].count == d0 && ops[1].count == a0 && ops[2].count == b0 &&
            ops[3].count == c0) ||
           d.fail("wrong number of registers");
  };
  if (a == Type::F64) {
    in.run = m == 8 && n == 8 && k == 4 && b == a && c == a ? multiplyDouble
                                                            : nullptr;
    return d.requireTarget(80, 0, "mma of f64") && counts(2, 1, 1, 2);
  }
  bool isInt8 = a == Type::S8 || a == Type::U8;
  bool isFloat8 = a == Type::E4M3 || a == Type::E5M2;
  bool isFloat16 = a == Type::F16 || a == Type::BF16;
  unsigned bits = bitsOf(a);
  bool mayDiffer = (isInt8 && (b == Type::S8 || b == Type::U8)) ||
                   (isFloat8 && (b == Type::E4M3 || b == Type::E5M2));
  bool fits = n == 8 && (mayDiffer || a == b);
  if (m == 8)
    fits &= isInt8 && k == 16;
  else if (m == 16)
    fits &= k * bits == 128 || k * bits == 256;
  else
    fits = false;
  if (isInt8)
    fits &= c == Type::S32 && result == Type::S32;
  else if (a == Type::F16 || isFloat8)
    fits &= (c == Type::F32 || c == Type::F16) && result == c;
  else
    fits &= c == Type::F32 && result == Type::F32;
  if (!fits || !(isInt8 || isFloat8 || isFloat16 || a == Type::TF32))
    return d.fail("no such shape and types of mma");
  unsigned needed = isFloat8                              ? 89
                    : a == Type::F16 && k == 8 && m == 16 ? 75
                    : m == 8                              ? 75
                                                          : 80;
  // Of 8-bit floats, the shape of m16n8k16 and sums in f16 came later.
  unsigned version = !isFloat8 ? 0 : k == 32 && c == Type::F32 ? 84 : 87;
  if (!d.requireVersion(version, "mma of this type"))
    return false;
  in.run = multiply;
  unsigned rowHalves = m / 8;
  unsigned kRegisters = k * bits / 128;
  unsigned cRegisters = rowHalves * (c == Type::F16 ? 1 : 2);
  return d.requireTarget(needed, 0, "mma of this type") &&
         counts(cRegisters, rowHalves * kRegisters, kRegisters, cRegisters);
}

void ingot::ptx::addMatrixOps(DecodeTable &table) {
  table["ldmatrix"] = [](Decoder &d, Instr &in) {
    return decodeMatrixMove(d, in, false);
  };
  table["stmatrix"] = [](Decoder &d, Instr &in) {
    return decodeMatrixMove(d, in, true);
  };
  table["movmatrix"] = [](Decoder &d, Instr &in) {
    if (!d.take("sync") || !d.take("aligned") || !d.take("m8n8") ||
        !d.take("trans") || d.takeType() != Type::B16)
      return false;
    in.run = transposeMatrix;
    in.flow = Flow::Aligned;
    return d.operands(in, "ds");
  };
  table["mma"] = decodeMma;
}
