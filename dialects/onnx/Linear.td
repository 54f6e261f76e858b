//===- Linear.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Matrix products and what is built from them.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"
