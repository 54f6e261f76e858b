//===- Kernels.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/ptx/Kernels.h"

#include "tools/ptx/Numbers.h"

using namespace ingot::ptx;

Outcome runReverse(const std::string &text, uint64_t seed, bool races) {
  KernelRun run;
  constexpr unsigned kBlocks = 3, kCount = 256 * kBlocks;
  DeviceBuffer in(run.memory, kCount * 4, true);
  DeviceBuffer out(run.memory, kCount * 4, false);
  for (unsigned i = 0; i < kCount; ++i)
    in.as<uint32_t>()[i] = i * 2654435761u;
  run.config.grid[0] = kBlocks;
  run.config.block[0] = 256;
  run.options.seed = seed;
  run.options.races = races;
  run.param(in.base);
  run.param(out.base);
  run.run(text, "reverse");
  run.outcome.right = true;
  for (unsigned i = 0; i < kCount; ++i) {
    unsigned block = i / 256 * 256, at = 255 - (i % 256 ^ 32);
    run.outcome.right &= out.as<uint32_t>()[i] == in.as<uint32_t>()[block + at];
  }
  return run.outcome;
}

Outcome runSharedSum(const std::string &text, uint64_t seed, bool races) {
  constexpr unsigned kBlocks = 5, kThreads = 64;
  KernelRun run;
  DeviceBuffer in(run.memory, kBlocks * kThreads * 4, true);
  DeviceBuffer sums(run.memory, kBlocks * kThreads * 4, false);
  DeviceBuffer counter(run.memory, 4, true);
  DeviceBuffer out(run.memory, kThreads * 4, true);
  for (unsigned i = 0; i < kBlocks * kThreads; ++i)
    in.as<uint32_t>()[i] = i * 2654435761u;
  *counter.as<uint32_t>() = 0;
  run.config.grid[0] = kBlocks;
  run.config.block[0] = kThreads;
  run.options.seed = seed;
  run.options.races = races;
  for (uint64_t address : {in.base, sums.base, counter.base, out.base})
    run.param(address);
  run.param(uint32_t(kBlocks));
  bool right = true;
  // The second launch finds the counter as the first did.
  for (int launch = 0; launch < 2; ++launch) {
    memset(out.as<uint32_t>(), 0, kThreads * 4);
    run.run(text, "shared_sum");
    if (run.outcome.fault.kind != Fault::None)
      break;
    for (unsigned i = 0; i < kThreads; ++i) {
      uint32_t sum = 0;
      for (unsigned block = 0; block < kBlocks; ++block)
        sum += 3 * in.as<uint32_t>()[block * kThreads + i];
      right &= out.as<uint32_t>()[i] == sum;
    }
  }
  run.outcome.right = right;
  return run.outcome;
}

Outcome runMmaGemm(const std::string &text, uint64_t seed, bool races) {
  KernelRun run;
  constexpr unsigned kK = 160, kTile = Gemm::kTile;
  Gemm gemm(kK, 7);
  DeviceBuffer a(run.memory, kTile * kK * 2, true);
  DeviceBuffer b(run.memory, kTile * kK * 2, true);
  DeviceBuffer c(run.memory, kTile * kTile * 4, false);
  for (unsigned i = 0; i < kTile * kK; ++i)
    a.as<uint16_t>()[i] = floatToHalf(gemm.a[i]);
  for (unsigned column = 0; column < kTile; ++column)
    for (unsigned x = 0; x < kK; ++x)
      b.as<uint16_t>()[x * kTile + column] =
          floatToHalf(gemm.b[column * kK + x]);
  run.config.block[0] = 128;
  run.config.dynamicShared = 3 * 2 * kTile * 32 * 2;
  run.options.seed = seed;
  run.options.races = races;
  for (uint64_t value :
       {a.base, b.base, c.base, uint64_t(kTile), uint64_t(kTile), uint64_t(kK)})
    run.param(value);
  run.run(text, "gemm_f16");
  run.outcome.right = gemm.matches(c.as<float>());
  return run.outcome;
}

static Outcome runWgmma(const std::string &text, uint64_t seed, bool races,
                        TensorMap::Swizzle swizzleA,
                        TensorMap::Swizzle swizzleB) {
  KernelRun run;
  constexpr unsigned kK = 384, kTile = Gemm::kTile;
  Gemm gemm(kK, 11);
  DeviceBuffer a(run.memory, kTile * kK * 2, true);
  DeviceBuffer b(run.memory, kTile * kK * 2, true);
  DeviceBuffer c(run.memory, kTile * kTile * 4, false);
  for (unsigned i = 0; i < kTile * kK; ++i) {
    a.as<uint16_t>()[i] = uint16_t(encode(gemm.a[i], kBF16));
    b.as<uint16_t>()[i] = uint16_t(encode(gemm.b[i], kBF16));
  }
  run.config.block[0] = 384;
  run.config.dynamicShared = 4 * 2 * kTile * 64 * 2;
  run.options.seed = seed;
  run.options.races = races;
  run.param(tensorMap2d(a.base, 2, kK, kTile, 64, kTile, swizzleA));
  run.param(tensorMap2d(b.base, 2, kK, kTile, 64, kTile, swizzleB));
  run.param(c.base);
  run.param(uint32_t(kTile));
  run.param(uint32_t(kTile));
  run.param(uint32_t(kK));
  run.run(text, "gemm_ws");
  run.outcome.right = gemm.matches(c.as<float>());
  return run.outcome;
}

Outcome runWgmmaGemm(const std::string &text, uint64_t seed, bool races) {
  return runWgmma(text, seed, races, TensorMap::Bytes128, TensorMap::Bytes128);
}

Outcome runSwizzledGemm(const std::string &text, uint64_t seed,
                        TensorMap::Swizzle a, TensorMap::Swizzle b) {
  return runWgmma(text, seed, false, a, b);
}

Outcome runTmaScale(const std::string &text, uint64_t seed, bool races) {
  KernelRun run;
  // 100 rows, so that the second box of 64 reaches beyond the tensor.
  constexpr unsigned kRows = 100, kColumns = 32, kCount = kRows * kColumns;
  DeviceBuffer from(run.memory, kCount * 4, true);
  DeviceBuffer to(run.memory, kCount * 4, false);
  for (unsigned i = 0; i < kCount; ++i)
    from.as<float>()[i] = float(i) * 0.5f;
  run.config.block[0] = 128;
  run.options.seed = seed;
  run.options.races = races;
  run.param(tensorMap2d(from.base, 4, kColumns, kRows, kColumns, 64,
                        TensorMap::Bytes128));
  run.param(tensorMap2d(to.base, 4, kColumns, kRows, kColumns, 64,
                        TensorMap::Bytes128));
  run.run(text, "tma_scale");
  run.outcome.right = true;
  for (unsigned i = 0; i < kCount; ++i)
    run.outcome.right &= to.as<float>()[i] == float(i);
  return run.outcome;
}
