//===- Model.h --------------------------------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The model object behind ingot_model and what can be asked of it.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_MODEL_H
#define INGOT_LIB_RUNTIME_MODEL_H

#include "lib/Runtime/Atomic.h"
#include "lib/Runtime/Failure.h"
#include "lib/Runtime/Lock.h"
#include "lib/Runtime/ModelAbi.h"

#include <string.h>

/// Immutable but for the counts of its users. The table comes first: the public
/// header finds it there.
struct ingot_model {
  const ingot_api_v1 *api;
  const IngotModelDesc *desc; // in use; until the first open the first one
  ingot::rt::Atomic<int32_t> opened;
  ingot::rt::Atomic<int32_t> contexts;
  ingot::rt::Atomic<void *> library;

  ingot::rt::Lock opening;
  const IngotModelDesc *first;    // of the chain, in the order of preference
  struct ingot_gpu_model *loaded; // on devices, guarded by gpuLock
  ingot::rt::Lock gpuLock;
  char *fallback; // why variants before `desc` are not used; fallbackBytes
};

namespace ingot::rt {

constexpr size_t fallbackBytes = 384;

/// The functions of the interface, over any model.
extern const ingot_api_v1 modelApi;

/// Whether this runtime knows what the descriptor says.
ingot_status checkVersion(const IngotModelDesc &desc);

/// Whether the descriptor agrees with itself.
ingot_status checkModel(const IngotModelDesc &desc);

/// Counts one more user of a model; the first one chooses the variant.
ingot_status openModel(ingot_model &model, void *library);

/// Copies what fits into the caller's structure, whose first field is its
/// size, and clears the rest.
template <typename Info> ingot_status fillInfo(Info *to, Info &from) {
  if (!to || to->size < sizeof(size_t))
    return Failure(INGOT_ERROR_ARGUMENT)
           << "info is null or its field 'size' is not set";
  size_t room = to->size;
  from.size = room;
  size_t known = room < sizeof(Info) ? room : sizeof(Info);
  memcpy(to, &from, known);
  memset(reinterpret_cast<char *>(to) + known, 0, room - known);
  return INGOT_OK;
}

ingot_status modelRelease(ingot_model *model, void **library);
ingot_status modelInfo(const ingot_model *model, ingot_model_info *info);
ingot_status modelInput(const ingot_model *model, int32_t index,
                        ingot_tensor_info *info);
ingot_status modelOutput(const ingot_model *model, int32_t index,
                         ingot_tensor_info *info);
ingot_status modelSymbol(const ingot_model *model, int32_t index,
                         const char **name);
ingot_status modelLaunch(const ingot_model *model, int32_t index,
                         ingot_launch_info *info);
ingot_status modelArena(const ingot_model *model, const int64_t *symbols,
                        int32_t count, uint64_t *bytes);

/// "index 7 of <what>: the model has 3", or success.
ingot_status checkIndex(int32_t index, int32_t count, const char *what);

} // namespace ingot::rt

#endif // INGOT_LIB_RUNTIME_MODEL_H
