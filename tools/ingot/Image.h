//===- Image.h - images as samples ------------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_IMAGE_H
#define INGOT_TOOLS_INGOT_IMAGE_H

#include "tools/ingot/Session.h"

namespace ingot {

struct QuantizeOptions;

/// True for names of files that readImageSample() reads.
bool isImageName(llvm::StringRef path);

/// Decodes, resizes and normalises an image as the options say, to the shape
/// and type of the input.
llvm::Expected<Tensor> readImageSample(llvm::StringRef path,
                                       const TensorFacts &input,
                                       const QuantizeOptions &options);

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_IMAGE_H
