//===- Variant.h - which of its targets a model runs for --------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An artifact holds its model once for every target it was compiled for. The
// first one, in the order of preference, that this machine can run is used;
// why the better ones were not is kept for those who ask.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_VARIANT_H
#define INGOT_LIB_RUNTIME_VARIANT_H

#include "lib/Runtime/Model.h"

namespace ingot::rt {

/// The value of a variable of the environment; null if it is not set or empty,
/// or if the program runs with more rights than its caller has.
const char *environment(const char *name);

/// Makes model.desc the variant to use, and model.fallback the reasons against
/// better ones. INGOT_TARGET in the environment leaves one to choose from.
ingot_status chooseVariant(ingot_model &model);

/// Whether this machine can run the variant, if it is for a GPU on `device`; a
/// failure's sentence is short. `again` as in IngotGpuBackend::check().
ingot_status checkVariant(const IngotModelDesc &desc, int32_t device,
                          bool again);

} // namespace ingot::rt

#endif // INGOT_LIB_RUNTIME_VARIANT_H
