//===- Tensor.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tensors in files: the ONNX test-data format (TensorProto).
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_TENSORS_TENSOR_H
#define INGOT_LIB_TENSORS_TENSOR_H

#include <cstdint>
#include <string>
#include <vector>

namespace ingot {

/// A dense tensor in memory, row-major, elements as in memory of the artifact
/// (bool: one byte).
struct Tensor {
  std::string name;
  /// TensorProto.DataType.
  int32_t dtype = 0;
  std::vector<int64_t> dims;
  std::vector<char> data;
};

/// Parses a serialised TensorProto. Returns false and sets `error` for data
/// that is malformed or of a type that has no dense form (strings).
bool parseTensorProto(const std::string &bytes, Tensor &tensor,
                      std::string &error);

/// Serialises a tensor as TensorProto with raw_data.
std::string serializeTensorProto(const Tensor &tensor);

/// Bytes of one element of that type, 0 if it has none.
int64_t elementBytesOf(int32_t dtype);

} // namespace ingot

#endif // INGOT_LIB_TENSORS_TENSOR_H
