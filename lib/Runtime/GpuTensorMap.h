//===- GpuTensorMap.h - tensors as a GPU's copies see them ------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_GPUTENSORMAP_H
#define INGOT_LIB_RUNTIME_GPUTENSORMAP_H

#include "lib/Runtime/GpuDriver.h"
#include "lib/Runtime/ModelAbi.h"

namespace ingot::rt {

/// Whether the driver can make the tensor maps of a kernel.
bool hasTensorMaps(const GpuDriver &driver, const IngotGpuKernel &kernel);

/// Makes the tensor maps of a launch with those slots. A tensor without
/// elements has none: no box of it is asked for. `function` is that of the
/// driver which gave the result.
cuda::Result encodeTensorMaps(const GpuDriver &driver,
                              const IngotGpuKernel &kernel, void *const *args,
                              cuda::TensorMap (&maps)[INGOT_GPU_MAPS],
                              const char *&function);

} // namespace ingot::rt

#endif // INGOT_LIB_RUNTIME_GPUTENSORMAP_H
