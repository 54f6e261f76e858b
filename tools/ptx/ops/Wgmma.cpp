//===- Wgmma.cpp ----------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// wgmma ("Asynchronous Warpgroup Level Matrix Instructions"). Each warp of the
// group computes its 16 of the 64 rows, some time between the instruction and
// the wait for its group.
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/Access.h"
#include "tools/ptx/ops/Lanes.h"
#include "tools/ptx/ops/MatrixMath.h"

using namespace ingot::ptx;

namespace {

/// Of Instr::mode.
enum Flags : uint8_t {
  AInRegisters = 1,
  TransposeA = 2,
  TransposeB = 4,
  NegateA = 8,
  NegateB = 16,
};

/// A matrix in shared memory ("Matrix descriptor"). The rows are those of the
/// result's rows for A and of its columns for B.
struct Descriptor {
  uint64_t start, leading, stride;
  unsigned swizzleBytes; ///< 16: none.

  explicit Descriptor(uint64_t bits)
      : start((bits & 0x3fff) << 4), leading((bits >> 16 & 0x3fff) << 4),
        stride((bits >> 32 & 0x3fff) << 4) {
    static constexpr unsigned kWidths[] = {16, 128, 64, 32};
    swizzleBytes = kWidths[bits >> 62];
  }

  uint64_t swizzle(uint64_t address) const {
    uint64_t lines = swizzleBytes == 128  ? 7
                     : swizzleBytes == 64 ? 3
                     : swizzleBytes == 32 ? 1
                                          : 0;
    return address ^ ((address >> 7 & lines) << 4);
  }

  /// The address of an element; `byte` is its place along k in bytes, of
  /// matrices that are contiguous along k.
  uint64_t alongK(unsigned row, unsigned byte) const {
    if (swizzleBytes == 16)
      return start + row / 8 * stride + byte / 16 * leading + row % 8 * 16 +
             byte % 16;
    return swizzle(start + row / 8 * stride + row % 8 * swizzleBytes + byte);
  }

  /// The same of 16-bit matrices that are contiguous along their rows.
  uint64_t alongRows(unsigned row, unsigned k) const {
    if (swizzleBytes == 16)
      return start + row / 8 * stride + k / 8 * leading + k % 8 * 16 +
             row % 8 * 2;
    unsigned perLine = swizzleBytes / 2;
    return swizzle(start + row / perLine * leading + k / 8 * stride +
                   k % 8 * swizzleBytes + row % perLine * 2);
  }
};

/// Element (row, k) of a matrix in shared memory, as an address.
uint64_t placeOf(const Descriptor &descriptor, unsigned row, unsigned k,
                 unsigned bytes, bool transposed) {
  return transposed ? descriptor.alongRows(row, k)
                    : descriptor.alongK(row, k * bytes);
}

/// Calls `visit(address)` for the aligned 16-byte pieces that rows [first, end)
/// of a matrix stand in.
template <typename F>
void forPieces(const Descriptor &descriptor, unsigned first, unsigned end,
               unsigned k, unsigned bytes, bool transposed, F visit) {
  unsigned per = 16 / bytes;
  if (transposed) {
    for (unsigned at = 0; at < k; ++at)
      for (unsigned row = first; row < end; row += per)
        visit(placeOf(descriptor, row, at, bytes, true));
    return;
  }
  for (unsigned row = first; row < end; ++row)
    for (unsigned at = 0; at < k; at += per)
      visit(placeOf(descriptor, row, at, bytes, false));
}

unsigned kOf(const Instr &in) { return 32 / bytesOf(in.sourceType); }

/// Checks what the instruction will read and notes that an engine reads it.
bool checkOperand(Warp &w, const Instr &in, const Descriptor &descriptor,
                  unsigned first, unsigned end, bool transposed) {
  bool good = true;
  Races *races = w.cluster.races.get();
  Epoch epoch{Races::agentOf(w, Engine::Mma), w.mmas.numCommitted + 1};
  forPieces(descriptor, first, end, kOf(in), bytesOf(in.sourceType), transposed,
            [&](uint64_t address) {
              if (!good)
                return;
              Region place = region(w, in, -1, Space::Shared, address, 16, 16);
              if (!place.data) {
                good = false;
                return;
              }
              if (races)
                races->asyncAccess(w, in, *place.cta, place.offset, 16, false,
                                   epoch, true);
            });
  return good && !w.state.faulted;
}

/// The values of rows [first, first + rows) of a matrix in shared memory.
bool readMatrix(Warp &w, const Instr &in, const Descriptor &descriptor,
                Type type, unsigned first, unsigned rows, bool transposed,
                float *values) {
  unsigned k = kOf(in), bytes = bytesOf(type);
  for (unsigned row = 0; row < rows; ++row)
    for (unsigned at = 0; at < k; ++at) {
      uint64_t offset = placeOf(descriptor, first + row, at, bytes, transposed);
      if ((w.state.options.checkUninitialised || w.undefined) &&
          !w.cta.sharedInit.covers(offset, bytes)) {
        w.fault(in, -1, Fault::Uninitialised,
                "wgmma reads shared memory that was never written, at " +
                    std::to_string(offset));
        return false;
      }
      uint32_t bits = 0;
      memcpy(&bits, w.cta.shared + offset, bytes);
      values[row * k + at] = float(elementOf(bits, type));
    }
  return true;
}

/// A of one warp from registers, laid out as A of mma.sync.
void readRegisters(Warp &w, const Instr &in, const Operand &vector,
                   float *values) {
  unsigned k = kOf(in), bits = bitsOf(in.sourceType), per = 32 / bits;
  const Operand *registers = w.elements(vector);
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    for (unsigned r = 0; r < 4; ++r) {
      uint32_t value = uint32_t(w.src(registers[r])[lane]);
      unsigned row = lane / 4 + 8 * (r % 2);
      unsigned column = r / 2 * 4 * per + lane % 4 * per;
      for (unsigned j = 0; j < per; ++j)
        values[row * k + column + j] =
            float(elementOf(value >> j * bits, in.sourceType));
    }
}

void execute(Warp &w, PendingMma &pending) {
  if (pending.executed)
    return;
  pending.executed = true;
  const Instr &in = *pending.in;
  const Operand *ops = w.operands(in);
  unsigned n = in.imm, k = kOf(in);
  float a[16 * 32];
  std::vector<float> b(size_t(n) * k);
  unsigned firstRow = w.id % 4 * 16;
  if (in.mode & AInRegisters)
    readRegisters(w, in, ops[1], a);
  else if (!readMatrix(w, in, Descriptor(pending.a), in.sourceType, firstRow,
                       16, in.mode & TransposeA, a))
    return;
  if (!readMatrix(w, in, Descriptor(pending.b), Type(in.mode2), 0, n,
                  in.mode & TransposeB, b.data()))
    return;
  double sign =
      ((in.mode & NegateA) != 0) != ((in.mode & NegateB) != 0) ? -1.0 : 1.0;
  std::vector<double> sums(size_t(16) * n);
  for (unsigned row = 0; row < 16; ++row)
    for (unsigned column = 0; column < n; ++column) {
      double sum = 0;
      for (unsigned i = 0; i < k; ++i)
        sum += double(a[row * k + i]) * double(b[column * k + i]);
      sums[row * n + column] = sign * sum;
    }
  const Operand *ds = w.elements(ops[0]);
  bool isHalf = in.type == Type::F16;
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    for (unsigned i = 0; i < n / 2; ++i) {
      unsigned column = 8 * (i / 4) + 2 * (lane % 4) + i % 2;
      unsigned row = lane / 4 + 8 * (i / 2 % 2);
      uint64_t &place = w.dst(ds[isHalf ? i / 2 : i])[lane];
      unsigned shift = isHalf ? 16 * (i % 2) : 0;
      uint32_t mask = isHalf ? 0xffff : 0xffffffff;
      uint32_t c = pending.accumulate ? uint32_t(place) >> shift & mask : 0;
      uint32_t result =
          accumulate(c, sums[row * n + column], in.type, in.saturate);
      place = (uint32_t(place) & ~(mask << shift)) | result << shift;
    }
}

/// Marks registers as used by the background.
void setBusy(Warp &w, const Instr &in, bool busy) {
  const Operand *ops = w.operands(in);
  auto mark = [&](const Operand &vector) {
    const Operand *registers = w.elements(vector);
    for (unsigned i = 0; i < vector.count; ++i)
      w.busy[registers[i].slot] = busy;
  };
  mark(ops[0]);
  if (in.mode & AInRegisters)
    mark(ops[1]);
}

/// Accumulators and A must not have been written since the last wgmma.fence.
bool isFenced(Warp &w, const Instr &in) {
  const Operand *ops = w.operands(in);
  for (unsigned o = 0; o < ((in.mode & AInRegisters) ? 2u : 1u); ++o) {
    const Operand *registers = w.elements(ops[o]);
    for (unsigned i = 0; i < ops[o].count; ++i)
      if (w.unfenced[registers[i].slot]) {
        w.fault(in, -1, Fault::Race,
                "registers of a wgmma were written without a wgmma.fence "
                "before it");
        return false;
      }
  }
  return true;
}

/// Operands: accumulators, A or its descriptor, descriptor of B, scale-d.
void multiply(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  if (m != kAllLanes)
    return w.fault(in, -1, Fault::IllegalInstruction,
                   "not all threads of the warp take part");
  ++w.cluster.stats.tensorInstructions;
  if (!isFenced(w, in))
    return;
  PendingMma pending;
  pending.in = &in;
  pending.a = (in.mode & AInRegisters) ? 0 : w.src(ops[1])[0];
  pending.b = w.src(ops[2])[0];
  pending.accumulate = in.shape ? w.pred(ops[3]) & 1 : w.src(ops[3])[0] != 0;
  unsigned firstRow = w.id % 4 * 16;
  if (!(in.mode & AInRegisters) &&
      !checkOperand(w, in, Descriptor(pending.a), firstRow, firstRow + 16,
                    in.mode & TransposeA))
    return;
  if (!checkOperand(w, in, Descriptor(pending.b), 0, in.imm,
                    in.mode & TransposeB))
    return;
  setBusy(w, in, true);
  w.mmas.open.push_back(pending);
}

void commit(Warp &w, const Instr &, uint32_t) {
  w.mmas.commit();
  // The work may be done at once or only when it is waited for.
  if (w.cluster.random.below(4) == 0)
    for (std::vector<PendingMma> &group : w.mmas.committed)
      for (PendingMma &pending : group)
        execute(w, pending);
}

void wait(Warp &w, const Instr &in, uint32_t) {
  Groups<PendingMma> &groups = w.mmas;
  std::vector<const Instr *> finished;
  while (groups.committed.size() > in.imm) {
    for (PendingMma &pending : groups.committed.front()) {
      execute(w, pending);
      finished.push_back(pending.in);
    }
    groups.committed.pop_front();
    ++groups.numDone;
  }
  for (const Instr *done : finished)
    setBusy(w, *done, false);
  // Registers that later work still uses stay busy.
  for (const std::vector<PendingMma> &group : groups.committed)
    for (const PendingMma &pending : group)
      setBusy(w, *pending.in, true);
  for (const PendingMma &pending : groups.open)
    setBusy(w, *pending.in, true);
  if (w.cluster.races)
    w.cluster.races->observe(w,
                             {Races::agentOf(w, Engine::Mma), groups.numDone});
}

void fence(Warp &w, const Instr &, uint32_t) {
  w.unfenced.assign(w.unfenced.size(), 0);
  w.fencedOnce = true;
}

} // namespace

static bool decodeOperands(Decoder &d, Instr &in, bool isInteger) {
  bool inRegisters = d.arg(1).kind == Arg::Vector;
  if (inRegisters)
    in.mode |= AInRegisters;
  in.shape = d.isPredicate(d.arg(3));
  if (!d.add(in, 'D', d.arg(0)) ||
      !d.add(in, inRegisters ? 'V' : 's', d.arg(1)) ||
      !d.add(in, 's', d.arg(2), Type::B64) ||
      !d.add(in, in.shape ? 'p' : 's', d.arg(3)))
    return false;
  uint64_t values[4] = {1, 1, 0, 0};
  size_t given = d.numArgs() - 4;
  size_t most = isInteger                     ? 0
                : bytesOf(in.sourceType) != 2 ? 2
                : inRegisters                 ? 3
                                              : 4;
  if (given != most)
    return d.fail("wrong number of operands");
  for (size_t i = 0; i < given; ++i)
    if (!d.immediate(d.arg(4 + i), values[i]))
      return false;
  if (int64_t(values[0]) == -1)
    in.mode |= NegateA;
  if (int64_t(values[1]) == -1)
    in.mode |= NegateB;
  if (inRegisters && values[2])
    in.mode |= TransposeB;
  if (!inRegisters)
    in.mode |= (values[2] ? TransposeA : 0) | (values[3] ? TransposeB : 0);
  const Operand *ops = &d.program.operands[in.first];
  unsigned accumulators = in.imm / (in.type == Type::F16 ? 4 : 2);
  if (ops[0].count != accumulators || (inRegisters && ops[1].count != 4))
    return d.fail("wrong number of registers");
  return true;
}

static bool decodeMultiply(Decoder &d, Instr &in) {
  std::string_view shape;
  in.saturate = d.take("satfinite");
  unsigned n = 0, k = 0;
  if (!d.takePrefixed("m64n", shape) ||
      sscanf(std::string(shape).c_str(), "%uk%u", &n, &k) != 2)
    return false;
  Type b = d.takeType(), a = d.takeType();
  in.type = d.takeType();
  in.sourceType = a;
  in.mode2 = uint8_t(b);
  in.imm = n;
  bool isInteger = a == Type::S8 || a == Type::U8;
  bool isFloat8 = a == Type::E4M3 || a == Type::E5M2;
  bool known = isInteger || isFloat8 || a == Type::F16 || a == Type::BF16 ||
               a == Type::TF32;
  bool accumulator = isInteger ? in.type == Type::S32
                     : a == Type::F16 || isFloat8
                         ? in.type == Type::F32 || in.type == Type::F16
                         : in.type == Type::F32;
  bool mayDiffer = isInteger  ? b == Type::S8 || b == Type::U8
                   : isFloat8 ? b == Type::E4M3 || b == Type::E5M2
                              : a == b;
  // Of integers above 24 columns come in sixteens.
  bool hasShape = n % 8 == 0 && n >= 8 && n <= 256 &&
                  (!isInteger || n <= 24 || n % 16 == 0);
  if (!known || !accumulator || !mayDiffer || !hasShape ||
      (in.saturate && !isInteger) || k * bytesOf(a) != 32 || d.numArgs() < 4)
    return d.fail("no such shape and types of wgmma");
  if (isInteger && a != b &&
      !d.requireVersion(84, "wgmma of integers of both signs"))
    return false;
  in.run = multiply;
  in.allowsBusy = true;
  return decodeOperands(d, in, isInteger);
}

static bool decodeWgmma(Decoder &d, Instr &in) {
  if (!d.requireTarget(90, 'a', "wgmma") || !d.take("sync") ||
      !d.take("aligned"))
    return false;
  d.program.hasWgmma = true;
  in.flow = Flow::Aligned;
  if (d.take("mma_async"))
    return decodeMultiply(d, in);
  if (d.take("fence")) {
    in.run = fence;
    return d.numArgs() == 0;
  }
  if (d.take("commit_group")) {
    in.run = commit;
    return d.numArgs() == 0;
  }
  uint64_t groups = 0;
  if (!d.take("wait_group") || d.numArgs() != 1 ||
      !d.immediate(d.arg(0), groups))
    return false;
  in.run = wait;
  in.imm = uint32_t(groups);
  return true;
}

void ingot::ptx::addWgmmaOps(DecodeTable &table) {
  table["wgmma"] = decodeWgmma;
}
