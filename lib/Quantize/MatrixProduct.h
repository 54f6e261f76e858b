//===- MatrixProduct.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dense linear algebra for the algorithms that optimise rounding. Written here
// and not taken from a library, since every result must have the same bits on
// every machine: sums are taken in an order that depends on the sizes only, and
// products and sums are rounded apart.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_MATRIXPRODUCT_H
#define INGOT_LIB_QUANTIZE_MATRIXPRODUCT_H

#include <cstdint>

namespace ingot::quantize {

/// A matrix to read: element (i, j) is data[i * rowStep + j * columnStep].
template <typename T> struct MatrixView {
  const T *data = nullptr;
  int64_t rowStep = 0, columnStep = 1;

  MatrixView transposed() const { return {data, columnStep, rowStep}; }
  MatrixView at(int64_t row, int64_t column) const {
    return {data + row * rowStep + column * columnStep, rowStep, columnStep};
  }
};

/// c += alpha * a * b, where a is rows x depth, b is depth x columns, and c has
/// rows of `step` elements.
void multiplyAdd(int64_t rows, int64_t columns, int64_t depth, float alpha,
                 MatrixView<float> a, MatrixView<float> b, float *c,
                 int64_t step);
void multiplyAdd(int64_t rows, int64_t columns, int64_t depth, double alpha,
                 MatrixView<double> a, MatrixView<double> b, double *c,
                 int64_t step);

/// Replaces the symmetric matrix (size x size; its lower triangle is read) by
/// the upper triangular U with positive diagonal and inverse(matrix) = U^T U,
/// and 0 below the diagonal. False, with the matrix destroyed, if it is not
/// positive definite.
bool factorInverse(double *matrix, int64_t size);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_MATRIXPRODUCT_H
