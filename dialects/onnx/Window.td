//===- Window.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators that slide a window over spatial axes, and resampling.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"
