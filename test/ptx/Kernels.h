//===- Kernels.h - whole kernels with inputs and results --------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TEST_PTX_KERNELS_H
#define INGOT_TEST_PTX_KERNELS_H

#include "tools/ptx/Device.h"
#include "tools/ptx/TensorMap.h"

#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

/// Memory of a test, aligned as the driver aligns it.
class DeviceBuffer {
public:
  DeviceBuffer(ingot::ptx::MemoryMap &memory, uint64_t bytes, bool initialised)
      : storage(bytes + 1024, 0xcd) {
    base = (reinterpret_cast<uint64_t>(storage.data()) + 1023) & ~1023ull;
    memory.add(base, bytes, initialised);
  }
  template <typename T> T *as() { return reinterpret_cast<T *>(base); }
  uint64_t base;

private:
  std::vector<uint8_t> storage;
};

inline std::string readKernel(const std::string &name) {
  std::ifstream file(std::string(INGOT_PTX_KERNELS) + "/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// What became of a run.
struct Outcome {
  ingot::ptx::Fault fault;
  bool right = false;
  bool caught() const {
    return fault.kind != ingot::ptx::Fault::None || !right;
  }
};

/// Runs a kernel from its text; returns false if it does not load.
struct KernelRun {
  ingot::ptx::MemoryMap memory;
  ingot::ptx::LaunchConfig config;
  ingot::ptx::LaunchOptions options;
  Outcome outcome;

  template <typename T> void param(const T &value) {
    size_t at = config.params.size();
    size_t align = sizeof(T) > 8 ? 64 : sizeof(T);
    at = (at + align - 1) / align * align;
    config.params.resize(at + sizeof(T));
    memcpy(&config.params[at], &value, sizeof(T));
  }
  void run(const std::string &text, const char *kernel) {
    std::string error;
    auto module = ingot::ptx::LoadedModule::load(text, memory, error);
    if (!module || !module->kernel(kernel)) {
      outcome.fault.kind = ingot::ptx::Fault::InvalidLaunch;
      outcome.fault.message = error;
      return;
    }
    ingot::ptx::LaunchStats stats;
    options.budget = 50000000;
    config.params.resize(config.params.size() + 64);
    launch(*module->kernel(kernel), config, memory, options, outcome.fault,
           stats);
  }
};

/// The 128 bytes of a tensor map, with room to be aligned.
struct alignas(64) MapBytes {
  ingot::ptx::TensorMap map;
  uint8_t rest[128 - sizeof(ingot::ptx::TensorMap)];
};

inline MapBytes tensorMap2d(uint64_t address, unsigned elementBytes,
                            uint32_t columns, uint32_t rows,
                            unsigned boxColumns, unsigned boxRows,
                            ingot::ptx::TensorMap::Swizzle swizzle) {
  MapBytes bytes = {};
  ingot::ptx::TensorMap &map = bytes.map;
  map.magic = ingot::ptx::TensorMap::kMagic;
  map.rank = 2;
  map.elementBytes = uint8_t(elementBytes);
  map.swizzle = swizzle;
  map.elementStrides[0] = map.elementStrides[1] = 1;
  map.box[0] = uint16_t(boxColumns);
  map.box[1] = uint16_t(boxRows);
  map.lastIndex[0] = columns - 1;
  map.lastIndex[1] = rows - 1;
  map.address = address;
  map.strides[0] = uint64_t(columns) * elementBytes;
  return bytes;
}

/// Small multiples of 1/8, whose products and sums are exact.
inline float smallValue(unsigned &state) {
  state = state * 1664525u + 1013904223u;
  return float(int(state >> 16) % 17 - 8) * 0.125f;
}

/// A GEMM of one 128x128 tile. `transposed`: B is stored column by column.
struct Gemm {
  static constexpr unsigned kTile = 128;
  unsigned k;
  std::vector<float> a, b;

  explicit Gemm(unsigned k, unsigned seed) : k(k), a(kTile * k), b(kTile * k) {
    for (float &value : a)
      value = smallValue(seed);
    for (float &value : b)
      value = smallValue(seed);
  }
  /// b is (column, k).
  bool matches(const float *c) const {
    for (unsigned i = 0; i < kTile; ++i)
      for (unsigned j = 0; j < kTile; ++j) {
        float sum = 0;
        for (unsigned x = 0; x < k; ++x)
          sum += a[i * k + x] * b[j * k + x];
        if (!(c[i * kTile + j] == sum))
          return false;
      }
    return true;
  }
};

/// How a test runs a kernel: from its text, with a seed.
using Runner =
    std::function<Outcome(const std::string &text, uint64_t seed, bool races)>;

Outcome runReverse(const std::string &text, uint64_t seed, bool races);
/// Blocks that hand each other sums, launched twice.
Outcome runSharedSum(const std::string &text, uint64_t seed, bool races);
Outcome runMmaGemm(const std::string &text, uint64_t seed, bool races);
Outcome runWgmmaGemm(const std::string &text, uint64_t seed, bool races);
Outcome runTmaScale(const std::string &text, uint64_t seed, bool races);

/// The GEMM by wgmma with other swizzles of its operands.
Outcome runSwizzledGemm(const std::string &text, uint64_t seed,
                        ingot::ptx::TensorMap::Swizzle a,
                        ingot::ptx::TensorMap::Swizzle b);

#endif // INGOT_TEST_PTX_KERNELS_H
