//===- TileEmulator.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/amx/TileEmulator.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <ucontext.h>
#include <unistd.h>

using namespace amx;

namespace {
enum Prefix : uint8_t { None, P66, F3, F2 };

/// The bytes of an instruction, taken apart.
struct Instruction {
  int length = 0;
  uint8_t opcode = 0;
  Prefix prefix = None;
  /// Register numbers of ModRM.reg, ModRM.rm and VEX.vvvv.
  int reg = 0, rm = 0, third = 0;
  bool isMemory = false, hasSib = false;
  /// The address without the index, and the index, scaled.
  uint64_t base = 0, index = 0;
};
} // namespace

/// False if the bytes are no VEX instruction of the map that AMX is in.
static bool decode(const uint8_t *code, const Registers &registers,
                   Instruction &result) {
  if (code[0] != 0xc4)
    return false;
  bool r = !(code[1] & 0x80), x = !(code[1] & 0x40), b = !(code[1] & 0x20);
  bool w = code[2] & 0x80, l = code[2] & 4;
  int vvvv = ~code[2] >> 3 & 15;
  result.opcode = code[3];
  result.prefix = Prefix(code[2] & 3);
  bool known =
      result.opcode == 0x49 || result.opcode == 0x4b || result.opcode == 0x5e;
  if ((code[1] & 31) != 2 || w || l || r || !known)
    return false;
  int at = 4;
  uint8_t modrm = code[at++];
  int mod = modrm >> 6;
  result.reg = modrm >> 3 & 7;
  result.rm = modrm & 7;
  result.third = vvvv;
  result.isMemory = mod != 3;
  if (!result.isMemory) {
    result.length = at;
    return !b;
  }
  int displacement = mod == 1 ? 1 : mod == 2 ? 4 : 0;
  bool ripRelative = false;
  if (result.rm == 4) {
    uint8_t sib = code[at++];
    result.hasSib = true;
    int index = (sib >> 3 & 7) + 8 * x, base = sib & 7;
    if (index != 4)
      result.index = registers.general[index] << (sib >> 6);
    if (base == 5 && mod == 0)
      displacement = 4;
    else
      result.base = registers.general[base + 8 * b];
  } else if (result.rm == 5 && mod == 0) {
    displacement = 4;
    ripRelative = true;
  } else {
    result.base = registers.general[result.rm + 8 * b];
  }
  if (displacement == 1) {
    result.base += uint64_t(int64_t(int8_t(code[at])));
  } else if (displacement == 4) {
    int32_t wide;
    std::memcpy(&wide, code + at, sizeof(wide));
    result.base += uint64_t(int64_t(wide));
  }
  result.length = at + displacement;
  if (ripRelative)
    result.base += uint64_t(uintptr_t(code)) + uint64_t(result.length);
  return true;
}

static bool anySet(const uint8_t *bytes, int from, int to) {
  return std::any_of(bytes + from, bytes + to, [](uint8_t v) { return v; });
}

/// ldtilecfg: null, or why the configuration is refused.
static const char *configure(const uint8_t *from, Tiles &tiles) {
  Tiles next;
  if (from[0] > 1)
    return "the configuration has an unknown palette";
  if (from[0] == 0) {
    tiles = next;
    return nullptr;
  }
  next.configured = true;
  next.startRow = from[1];
  if (anySet(from, 2, 16) || anySet(from, 32, 48) || anySet(from, 56, 64))
    return "the configuration sets reserved bytes";
  for (int i = 0; i < Tiles::count; ++i) {
    std::memcpy(&next.columnBytes[i], from + 16 + 2 * i, 2);
    next.rows[i] = from[48 + i];
    if (next.columnBytes[i] > Tiles::rowBytes || next.rows[i] > Tiles::maxRows)
      return "the configuration has a tile that is too large";
    if ((next.columnBytes[i] == 0) != (next.rows[i] == 0))
      return "the configuration has a tile with rows or columns alone";
  }
  tiles = next;
  return nullptr;
}

/// sttilecfg.
static void storeConfiguration(const Tiles &tiles, uint8_t *to) {
  std::memset(to, 0, 64);
  if (!tiles.configured)
    return;
  to[0] = 1;
  to[1] = tiles.startRow;
  for (int i = 0; i < Tiles::count; ++i) {
    std::memcpy(to + 16 + 2 * i, &tiles.columnBytes[i], 2);
    to[48 + i] = tiles.rows[i];
  }
}

static const char *load(const Instruction &in, Tiles &tiles) {
  int t = in.reg, begin = tiles.startRow;
  if (begin >= tiles.rows[t] && begin > 0)
    return "the start row is not one of the tile's";
  for (int row = 0; row < Tiles::maxRows; ++row) {
    uint8_t *to = tiles.data[t][row];
    // Rows before the start row were loaded by an interrupted instruction.
    if (row < begin)
      continue;
    std::memset(to, 0, Tiles::rowBytes);
    if (row < tiles.rows[t])
      std::memcpy(to,
                  reinterpret_cast<const void *>(
                      uintptr_t(in.base + uint64_t(row) * in.index)),
                  tiles.columnBytes[t]);
  }
  tiles.startRow = 0;
  return nullptr;
}

static const char *store(const Instruction &in, Tiles &tiles) {
  int t = in.reg;
  if (tiles.startRow >= tiles.rows[t])
    return "the start row is not one of the tile's";
  for (int row = tiles.startRow; row < tiles.rows[t]; ++row)
    std::memcpy(
        reinterpret_cast<void *>(uintptr_t(in.base + uint64_t(row) * in.index)),
        tiles.data[t][row], tiles.columnBytes[t]);
  tiles.startRow = 0;
  return nullptr;
}

/// tdpbssd and its siblings: four products of bytes for each result.
static const char *multiply(const Instruction &in, bool leftSigned,
                            bool rightSigned, Tiles &tiles) {
  int c = in.reg, a = in.rm, b = in.third;
  if (b >= Tiles::count)
    return "the third tile does not exist";
  if (c == a || c == b || a == b)
    return "a product needs three different tiles";
  for (int t : {c, a, b})
    if (tiles.rows[t] == 0 || tiles.columnBytes[t] % 4 != 0)
      return "a tile of a product is not configured in whole words";
  if (tiles.rows[a] != tiles.rows[c] ||
      tiles.columnBytes[b] != tiles.columnBytes[c] ||
      tiles.columnBytes[a] / 4 != tiles.rows[b])
    return "the shapes of a product's tiles do not match";
  int columns = tiles.columnBytes[c] / 4, depth = tiles.columnBytes[a] / 4;
  for (int m = 0; m < Tiles::maxRows; ++m) {
    uint32_t sums[Tiles::rowBytes / 4] = {};
    if (m < tiles.rows[c]) {
      std::memcpy(sums, tiles.data[c][m], Tiles::rowBytes);
      for (int k = 0; k < depth; ++k)
        for (int n = 0; n < columns; ++n)
          for (int i = 0; i < 4; ++i) {
            uint8_t x = tiles.data[a][m][4 * k + i];
            uint8_t y = tiles.data[b][k][4 * n + i];
            int32_t left = leftSigned ? int8_t(x) : x;
            int32_t right = rightSigned ? int8_t(y) : y;
            sums[n] += uint32_t(left * right);
          }
    }
    std::memset(sums + columns, 0, size_t(Tiles::rowBytes - 4 * columns));
    std::memcpy(tiles.data[c][m], sums, Tiles::rowBytes);
  }
  tiles.startRow = 0;
  return nullptr;
}

/// The opcode of configurations, of tilerelease and of tilezero.
static Outcome executeConfiguration(const Instruction &in, Tiles &tiles) {
  Outcome done{in.length, nullptr};
  auto *memory = reinterpret_cast<uint8_t *>(uintptr_t(in.base + in.index));
  if (in.third != 0)
    return {};
  if (in.isMemory && in.reg == 0 && in.prefix == None) {
    done.fault = configure(memory, tiles);
  } else if (in.isMemory && in.reg == 0 && in.prefix == P66) {
    storeConfiguration(tiles, memory);
  } else if (!in.isMemory && in.prefix == None && in.reg == 0 && in.rm == 0) {
    tiles = Tiles();
  } else if (!in.isMemory && in.prefix == F2 && in.rm == 0) {
    if (!tiles.configured || tiles.rows[in.reg] == 0)
      done.fault = "a tile that is not configured is set to zero";
    std::memset(tiles.data[in.reg], 0, sizeof(tiles.data[in.reg]));
    tiles.startRow = 0;
  } else {
    return {};
  }
  return done;
}

Outcome amx::execute(const uint8_t *code, const Registers &registers,
                     Tiles &tiles) {
  Instruction in;
  if (!decode(code, registers, in))
    return {};
  if (in.opcode == 0x49)
    return executeConfiguration(in, tiles);
  Outcome done{in.length, nullptr};
  if (in.opcode == 0x4b) {
    if (!in.isMemory || !in.hasSib || in.prefix == None || in.third != 0)
      return {};
    if (!tiles.configured || tiles.rows[in.reg] == 0)
      done.fault = "a tile that is not configured is loaded or stored";
    else
      done.fault = in.prefix == F3 ? store(in, tiles) : load(in, tiles);
    return done;
  }
  if (in.isMemory)
    return {};
  if (!tiles.configured) {
    done.fault = "tiles are multiplied that are not configured";
    return done;
  }
  bool leftSigned = in.prefix == F2 || in.prefix == F3;
  bool rightSigned = in.prefix == F2 || in.prefix == P66;
  done.fault = multiply(in, leftSigned, rightSigned, tiles);
  return done;
}

static std::atomic<uint64_t> instructions, products;

uint64_t amx::executedInstructions() { return instructions; }
uint64_t amx::executedProducts() { return products; }

static thread_local Tiles threadTiles;

/// Ends the process as the instruction would have done.
static void refuse(const char *why) {
  auto print = [](const char *text) {
    ssize_t written = write(STDERR_FILENO, text, std::strlen(text));
    (void)written;
  };
  print("tile emulator: ");
  print(why);
  print("\n");
  std::signal(SIGILL, SIG_DFL);
}

static void handle(int, siginfo_t *, void *context) {
  greg_t *g = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
  constexpr int order[16] = {
      REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
      REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  Registers registers;
  for (int i = 0; i < 16; ++i)
    registers.general[i] = uint64_t(g[order[i]]);
  const auto *code = reinterpret_cast<const uint8_t *>(g[REG_RIP]);
  Outcome done = execute(code, registers, threadTiles);
  // Behind the handler, the instruction comes again and ends the process.
  if (done.length == 0)
    return refuse("an undefined instruction that is none of AMX");
  if (done.fault)
    return refuse(done.fault);
  ++instructions;
  if (code[3] == 0x5e)
    ++products;
  g[REG_RIP] += done.length;
}

void amx::installHandler() {
  struct sigaction action = {};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGILL, &action, nullptr);
}
