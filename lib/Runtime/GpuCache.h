//===- GpuCache.h - machine code that was compiled before -------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiling PTX takes the driver seconds for a large model, so the result is
// kept in a folder of the user's, one file for each PTX, driver and kind of
// device. A file that is not whole, or that somebody else could have written,
// is not there. Nothing here fails loudly: without a cache PTX is compiled.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_GPUCACHE_H
#define INGOT_LIB_RUNTIME_GPUCACHE_H

#include "lib/Runtime/ModelAbi.h"

#include <stddef.h>

namespace ingot::rt {

/// 128 bits that differ for bytes that differ, unless somebody wants otherwise.
struct Digest {
  uint64_t a, b;
  bool operator==(Digest other) const { return a == other.a && b == other.b; }
};

/// One entry of the cache.
class GpuCache {
public:
  GpuCache() = default;
  ~GpuCache();
  GpuCache(const GpuCache &) = delete;
  GpuCache &operator=(const GpuCache &) = delete;

  /// Finds the folder: INGOT_CACHE_DIR, or ingot/ in XDG_CACHE_HOME or in
  /// ~/.cache. False if there is none to use.
  bool open(const IngotGpuImage &image, int driverVersion, int32_t capability);

  /// The machine code, as long as this lives, or null.
  const void *find();

  /// Puts machine code into the cache, and takes out what is too much, the
  /// least used first.
  void keep(const void *code, size_t bytes) const;

private:
  bool openFolder();
  bool read(int file, uint64_t bytes);

  int folder = -1;
  Digest key = {};
  char name[40];
  uint8_t *content = nullptr;
};

} // namespace ingot::rt

#endif // INGOT_LIB_RUNTIME_GPUCACHE_H
