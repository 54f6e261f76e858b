//===- Norm.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Normalisations and softmax: several passes over rows of a tensor.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"
