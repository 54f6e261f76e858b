//===- Index.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators that select elements by index.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"
