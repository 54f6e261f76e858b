//===- Limits.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How large a model may be in every direction. Far above real models; they
// bound the time and memory that a damaged or hostile file can take.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_IMPORT_LIMITS_H
#define INGOT_LIB_IMPORT_LIMITS_H

#include <cstddef>
#include <cstdint>

namespace ingot::limits {

/// Nodes of all graphs together, after inlining of functions.
constexpr size_t kNodes = 10'000'000;
/// Nodes that inlining of functions may add.
constexpr size_t kInlinedNodes = 1'000'000;
/// Depth of subgraphs within subgraphs, and of functions calling functions.
constexpr unsigned kSubgraphDepth = 64;
constexpr unsigned kFunctionDepth = 64;
/// Depth of a type such as sequence(optional(tensor)).
constexpr unsigned kTypeDepth = 16;
/// Dimensions of a tensor.
constexpr unsigned kRank = 64;
/// Bytes of a name, and of a string attribute.
constexpr size_t kNameBytes = 64 << 10;
constexpr size_t kStringBytes = 64 << 20;
/// Elements of an attribute that is a list, and strings of a string tensor.
constexpr size_t kListElements = 4 << 20;
/// Bytes of one tensor.
constexpr int64_t kTensorBytes = int64_t(1) << 40;

} // namespace ingot::limits

#endif // INGOT_LIB_IMPORT_LIMITS_H
