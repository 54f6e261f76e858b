//===- Model.cpp ----------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checking and describing a model.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/Model.h"

#include "lib/Runtime/Variant.h"

using namespace ingot::rt;

/// Whether some input's shape gives symbol `k` its value.
static bool symbolIsBound(const IngotModelDesc &desc, int32_t k) {
  for (int32_t i = 0; i < desc.num_inputs; ++i)
    for (int32_t d = 0; d < desc.inputs[i].rank; ++d)
      if (desc.inputs[i].dims[d] == -1 - int64_t(k))
        return true;
  return false;
}

ingot_status ingot::rt::checkVersion(const IngotModelDesc &desc) {
  if (desc.magic != INGOT_ABI_MAGIC || desc.abi_version != INGOT_ABI_VERSION)
    return Failure(INGOT_ERROR_VERSION)
           << "the model's code has interface version "
           << uint64_t(desc.abi_version) << ", its runtime has "
           << uint64_t(INGOT_ABI_VERSION);
  return INGOT_OK;
}

ingot_status ingot::rt::checkModel(const IngotModelDesc &desc) {
  for (int32_t k = 0; k < desc.num_symbols; ++k)
    if (!symbolIsBound(desc, k))
      return Failure(INGOT_ERROR_VERSION)
             << "symbol " << Quoted{desc.symbol_names[k]}
             << " stands in no input's shape";
  return INGOT_OK;
}

ingot_status ingot::rt::openModel(ingot_model &model, void *library) {
  Locked locked(model.opening);
  if (model.opened.load() == 0) {
    ingot_status status = chooseVariant(model);
    if (status != INGOT_OK)
      return status;
  }
  // The system's loader gives the same handle each time.
  if (library)
    model.library.store(library);
  model.opened.fetchAdd(1);
  return INGOT_OK;
}

ingot_status ingot::rt::modelRelease(ingot_model *model, void **library) {
  if (model->opened.load() <= 0)
    return Failure(INGOT_ERROR_ARGUMENT)
           << "the model was closed more often than opened";
  int32_t contexts = model->contexts.load();
  if (model->opened.load() == 1 && contexts > 0)
    return Failure(INGOT_ERROR_BUSY)
           << "the model still has " << contexts
           << " contexts; destroy them before closing it";
  model->opened.fetchSub(1);
  *library = model->library.load();
  return INGOT_OK;
}

ingot_status ingot::rt::modelInfo(const ingot_model *model,
                                  ingot_model_info *info) {
  const IngotModelDesc &desc = *model->desc;
  ingot_model_info known = {};
  known.name = desc.name;
  known.compiler_version = desc.compiler_version;
  known.target = desc.target;
  known.content_hash = desc.content_hash;
  known.required_features = desc.required_features;
  known.precision = desc.precision;
  known.num_inputs = desc.num_inputs;
  known.num_outputs = desc.num_outputs;
  known.num_symbols = desc.num_symbols;
  known.num_launches = desc.num_launches;
  known.weight_bytes = desc.weight_bytes;
  known.code_bytes = desc.code_bytes;
  known.arena_lower_bound = desc.arena_lower_bound;
  known.abi_version = desc.abi_version;
  known.fallback = model->fallback;
  if (desc.num_symbols == 0) {
    int64_t bytes = desc.arena_bytes(nullptr);
    known.arena_bytes = bytes > 0 ? uint64_t(bytes) : 0;
  }
  return fillInfo(info, known);
}

ingot_status ingot::rt::checkIndex(int32_t index, int32_t count,
                                   const char *what) {
  if (index >= 0 && index < count)
    return INGOT_OK;
  return Failure(INGOT_ERROR_ARGUMENT) << "there is no " << what << " number "
                                       << index << ": the model has " << count;
}

static ingot_status describeTensor(const IngotTensorDesc &tensor,
                                   ingot_tensor_info *info) {
  ingot_tensor_info known = {};
  known.name = tensor.name;
  known.dtype = tensor.dtype;
  known.rank = tensor.rank;
  known.dims = tensor.dims;
  return fillInfo(info, known);
}

ingot_status ingot::rt::modelInput(const ingot_model *model, int32_t index,
                                   ingot_tensor_info *info) {
  ingot_status status = checkIndex(index, model->desc->num_inputs, "input");
  return status != INGOT_OK ? status
                            : describeTensor(model->desc->inputs[index], info);
}

ingot_status ingot::rt::modelOutput(const ingot_model *model, int32_t index,
                                    ingot_tensor_info *info) {
  ingot_status status = checkIndex(index, model->desc->num_outputs, "output");
  return status != INGOT_OK ? status
                            : describeTensor(model->desc->outputs[index], info);
}

ingot_status ingot::rt::modelSymbol(const ingot_model *model, int32_t index,
                                    const char **name) {
  if (!name)
    return Failure(INGOT_ERROR_ARGUMENT) << "name is null";
  ingot_status status = checkIndex(index, model->desc->num_symbols, "symbol");
  if (status == INGOT_OK)
    *name = model->desc->symbol_names[index];
  return status;
}

ingot_status ingot::rt::modelLaunch(const ingot_model *model, int32_t index,
                                    ingot_launch_info *info) {
  ingot_status status = checkIndex(index, model->desc->num_launches, "launch");
  if (status != INGOT_OK)
    return status;
  ingot_launch_info known = {};
  known.kernel = model->desc->launches[index].name;
  known.nodes = model->desc->launches[index].nodes;
  return fillInfo(info, known);
}

ingot_status ingot::rt::modelArena(const ingot_model *model,
                                   const int64_t *symbols, int32_t count,
                                   uint64_t *bytes) {
  const IngotModelDesc &desc = *model->desc;
  if (!bytes || (count > 0 && !symbols))
    return Failure(INGOT_ERROR_ARGUMENT) << "symbols or bytes is null";
  if (count != desc.num_symbols)
    return Failure(INGOT_ERROR_COUNT) << "the model has " << desc.num_symbols
                                      << " symbols, got values of " << count;
  for (int32_t k = 0; k < count; ++k)
    if (symbols[k] < 0)
      return Failure(INGOT_ERROR_SHAPE)
             << "symbol " << Quoted{desc.symbol_names[k]}
             << " cannot be negative, got " << symbols[k];
  int64_t needed = desc.arena_bytes(symbols);
  if (needed < 0)
    return Failure(INGOT_ERROR_LIMIT)
           << "no arena is large enough for these symbol values";
  *bytes = uint64_t(needed);
  return INGOT_OK;
}
