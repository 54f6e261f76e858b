//===- TileEmulator.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The instructions of AMX-TILE and AMX-INT8 in plain C++, for tests of
// generated code on machines without them: where one of them is undefined, the
// SIGILL handler executes it and goes on behind it. What a processor would
// refuse ends the process with a message.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TEST_AMX_TILEEMULATOR_H
#define INGOT_TEST_AMX_TILEEMULATOR_H

#include <cstdint>

namespace amx {

/// The tile registers of one thread and their configuration.
struct Tiles {
  static constexpr int count = 8, maxRows = 16, rowBytes = 64;

  bool configured = false;
  uint8_t startRow = 0;
  uint8_t rows[count] = {};
  uint16_t columnBytes[count] = {};
  uint8_t data[count][maxRows][rowBytes] = {};
};

/// General registers by their number in an instruction.
struct Registers {
  uint64_t general[16];
};

/// What became of an instruction: how long it was, or why it is refused.
struct Outcome {
  int length = 0; // 0: no instruction of AMX
  const char *fault = nullptr;
};

/// Executes the instruction at `code`, the address it has in the program.
Outcome execute(const uint8_t *code, const Registers &registers, Tiles &tiles);

/// Executes undefined instructions of AMX of this process, in all threads.
void installHandler();

/// Instructions that the handler has executed, products among them.
uint64_t executedInstructions();
uint64_t executedProducts();

} // namespace amx

#endif // INGOT_TEST_AMX_TILEEMULATOR_H
