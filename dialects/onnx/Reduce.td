//===- Reduce.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reductions along axes, arg-reductions and scans.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"
