//===- Quant.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Quantisation and integer arithmetic on quantised tensors.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"
