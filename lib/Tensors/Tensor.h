//===- Tensor.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tensors in files: the ONNX test-data format (TensorProto), NumPy's .npy and
// .npz. No LLVM here.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_TENSORS_TENSOR_H
#define INGOT_LIB_TENSORS_TENSOR_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ingot {

/// A dense tensor in memory, row-major, elements as in memory of the artifact
/// (bool: one byte; 4 and 2 bits: packed, first element in the low bits).
struct Tensor {
  std::string name;
  /// TensorProto.DataType; 0 for .npy data of a type that NumPy has not
  /// ("V2"), which takes the type it is wanted in.
  int32_t dtype = 0;
  std::vector<int64_t> dims;
  std::vector<char> data;
};

/// Parses a serialised TensorProto. Returns false and sets `error` for data
/// that is malformed or of a type that has no dense form (strings).
bool parseTensorProto(std::string_view bytes, Tensor &tensor,
                      std::string &error);

/// Serialises a tensor as TensorProto with raw_data.
std::string serializeTensorProto(const Tensor &tensor);

/// Parses an .npy file: any numeric type, byte order and element order.
bool parseNpy(std::string_view bytes, Tensor &tensor, std::string &error);

/// What comes before the data in an .npy file. Types that NumPy has not are
/// written as bytes of their size ("V2"), as ml_dtypes does; false for types
/// of less than a byte.
bool npyHeader(const Tensor &tensor, std::string &header, std::string &error);

/// Reads every array of an .npz file (stored or deflated).
bool readNpz(const std::string &path, std::vector<Tensor> &tensors,
             std::string &error);

/// Writes an .npz file, whole or not at all.
bool writeNpz(const std::string &path, const std::vector<Tensor> &tensors,
              std::string &error);

/// The number of elements and of bytes that a shape needs; false if it is
/// negative or unreasonably large, or the type has no dense form.
bool countElements(const std::vector<int64_t> &dims, int64_t &count);
bool countBytes(int32_t dtype, const std::vector<int64_t> &dims,
                int64_t &bytes);

/// Element number `index` as a double; of a complex number the real part.
double elementValue(const Tensor &tensor, int64_t index);

/// Fills the tensor's data, for its type and shape, from `seed`: floats
/// normal, 8-bit integers of any value, others 0 or 1, which are good indices,
/// masks and conditions. The same on every machine.
void fillRandom(Tensor &tensor, uint64_t seed);

} // namespace ingot

#endif // INGOT_LIB_TENSORS_TENSOR_H
