//===- AppendWeights.h - weights of a shared library ------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The linker would hold the weights twice, as input and as output, and copy
// them. So it links a library without them, whose reference to
// `ingot_weights` is an address behind everything else; then they are streamed
// to the end of the file, and the program header of the note that every
// artifact carries becomes the one that maps them there.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_DRIVER_APPENDWEIGHTS_H
#define INGOT_LIB_DRIVER_APPENDWEIGHTS_H

#include "codegen/EmitKernels.h"

#include "llvm/Support/Error.h"

namespace ingot {

/// The addresses to try, relative to the start of the library: the second for
/// one with more code and tables than fit below the first.
inline constexpr uint64_t weightsAddresses[] = {1u << 26, 1u << 31};

/// What tells the linker where the weights will be.
std::string weightsArgument(uint64_t address);

/// Appends the weights to the linked library, a file open for reading and
/// writing. False, with the file unchanged, if something lies at the address.
llvm::Expected<bool> appendWeights(int fd, uint64_t address,
                                   const ModelTables &tables);

} // namespace ingot

#endif // INGOT_LIB_DRIVER_APPENDWEIGHTS_H
