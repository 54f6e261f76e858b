//===- GpuModel.h - a model on a device -------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The code and the weights of one variant in one device's memory, shared by all
// contexts there. Made for the first of them, freed with the last.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_GPUMODEL_H
#define INGOT_LIB_RUNTIME_GPUMODEL_H

#include "lib/Runtime/GpuDriver.h"
#include "lib/Runtime/Model.h"

/// An element of ingot_model::loaded; what is not 0 has to be given back.
struct ingot_gpu_model {
  ingot_gpu_model *next;
  const IngotModelDesc *desc;
  const ingot::rt::GpuDriver *driver;
  int32_t device;
  int32_t users;
  int32_t multiprocessors;
  int32_t capability;
  ingot::rt::cuda::Device handle;
  ingot::rt::cuda::Context primary;
  ingot::rt::cuda::Module module;
  ingot::rt::cuda::Address weights;
  /// The sticky failure that any context met, 0 before.
  ingot::rt::Atomic<int32_t> lost;
  ingot::rt::cuda::Function *functions; // one per IngotGpuDesc::kernels
};

namespace ingot::rt {

/// One use of a variant on a device; loads it if it is the first.
ingot_status acquireGpuModel(ingot_model &model, const IngotModelDesc &desc,
                             int32_t device, ingot_gpu_model *&loaded);

/// Ends a use; the last one unloads.
void releaseGpuModel(ingot_model &model, ingot_gpu_model *loaded);

/// Whether the device's machine can execute an image of `desc`.
bool fitsImage(const IngotGpuDesc &desc, const IngotGpuImage &image,
               int32_t capability);

/// Makes loaded.module of the first image that the device takes, in the current
/// context. The sentence of a failure has the first lines of the driver's log.
ingot_status loadGpuCode(ingot_gpu_model &loaded);

} // namespace ingot::rt

#endif // INGOT_LIB_RUNTIME_GPUMODEL_H
