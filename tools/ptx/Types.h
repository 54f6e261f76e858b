//===- Types.h - types and state spaces of PTX ------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_PTX_TYPES_H
#define INGOT_TOOLS_PTX_TYPES_H

#include <cstdint>
#include <string_view>

namespace ingot::ptx {

/// The type suffixes of instructions and declarations ("Fundamental Types",
/// "Alternate Floating-Point Data Formats").
enum class Type : uint8_t {
  None,
  Pred,
  B8,
  B16,
  B32,
  B64,
  B128,
  U8,
  U16,
  U32,
  U64,
  S8,
  S16,
  S32,
  S64,
  U16x2,
  S16x2,
  F16,
  F16x2,
  BF16,
  BF16x2,
  TF32,
  F32,
  F64,
  E4M3,
  E5M2,
  E4M3x2,
  E5M2x2,
};

/// The type a suffix names, or None.
Type parseType(std::string_view suffix);

/// Size of a value of the type in bits; 1 for Pred.
unsigned bitsOf(Type type);

inline unsigned bytesOf(Type type) { return bitsOf(type) / 8; }

inline bool isSigned(Type type) {
  return type == Type::S8 || type == Type::S16 || type == Type::S32 ||
         type == Type::S64;
}

inline bool isUnsigned(Type type) {
  return type == Type::U8 || type == Type::U16 || type == Type::U32 ||
         type == Type::U64;
}

inline bool isInteger(Type type) { return isSigned(type) || isUnsigned(type); }

/// State spaces ("State Spaces"). Generic stands for no space in the text.
enum class Space : uint8_t { Generic, Global, Const, Shared, Local, Param };

/// Generic addresses outside global memory: the top byte names the window. No
/// address of the host has these bits.
constexpr uint64_t kSharedWindow = uint64_t(1) << 56;
constexpr uint64_t kLocalWindow = uint64_t(2) << 56;
constexpr uint64_t kParamWindow = uint64_t(3) << 56;
constexpr uint64_t kWindowMask = uint64_t(0xff) << 56;

/// An address in the shared memory of a cluster: the low bits are the offset
/// in the memory of one CTA, the bits above its rank plus one, or zero for the
/// CTA of the thread itself.
constexpr unsigned kRankShift = 24;
constexpr uint64_t kSharedOffsetMask = (uint64_t(1) << kRankShift) - 1;

} // namespace ingot::ptx

#endif // INGOT_TOOLS_PTX_TYPES_H
