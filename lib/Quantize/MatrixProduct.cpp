//===- MatrixProduct.cpp -------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/MatrixProduct.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

using namespace ingot::quantize;

// Functions compiled for several processors, chosen at run time; they do the
// same operations on more or fewer elements at once.
#ifdef INGOT_PROCESSOR_CLONES
#define INGOT_CLONED __attribute__((target_clones(INGOT_PROCESSOR_CLONES)))
#else
#define INGOT_CLONED
#endif

//===----------------------------------------------------------------------===//
// Products: panels of a and b are copied into the order in which a tile of c
// needs them (K. Goto and R. van de Geijn, "Anatomy of high-performance matrix
// multiplication", 2008).
//===----------------------------------------------------------------------===//

namespace {
/// A tile of c is `tileRows` x `lanes`; 12 vectors of 16 bytes, or 6 of 32.
constexpr int64_t tileRows = 6;
template <typename T> constexpr int64_t lanes = 32 / sizeof(T);
/// Sizes of what is copied at once.
constexpr int64_t blockDepth = 256, blockRows = 96, blockColumns = 512;

template <typename T> struct Panels {
  std::vector<T> a = std::vector<T>(blockRows * blockDepth);
  std::vector<T> b = std::vector<T>(blockColumns * blockDepth);
  T tile[tileRows * lanes<T>];
};
} // namespace

/// Copies strips of `width` lines, each `depth` long, filled up with zeros:
/// element (line, k) of the source is at line * lineStep + k * depthStep.
template <int64_t width, typename T>
static void pack(const T *from, int64_t lines, int64_t depth, int64_t lineStep,
                 int64_t depthStep, T *to) {
  for (int64_t first = 0; first < lines; first += width) {
    int64_t count = std::min(width, lines - first);
    const T *source = from + first * lineStep;
    if (count < width)
      std::fill(to, to + depth * width, T(0));
    if (lineStep == 1) {
      for (int64_t k = 0; k < depth; ++k)
        std::memcpy(to + k * width, source + k * depthStep, count * sizeof(T));
    } else {
      for (int64_t line = 0; line < count; ++line)
        for (int64_t k = 0; k < depth; ++k)
          to[k * width + line] = source[line * lineStep + k * depthStep];
    }
    to += depth * width;
  }
}

/// tile = sum over k of a[k][i] * b[k][j].
template <typename T>
static inline __attribute__((always_inline)) void
multiplyTile(int64_t depth, const T *a, const T *b, T *tile) {
  typedef T Vector __attribute__((vector_size(32), aligned(sizeof(T))));
  Vector sum0{}, sum1{}, sum2{}, sum3{}, sum4{}, sum5{};
  for (int64_t k = 0; k < depth; ++k) {
    Vector row = *reinterpret_cast<const Vector *>(b + k * lanes<T>);
    const T *column = a + k * tileRows;
    sum0 += column[0] * row;
    sum1 += column[1] * row;
    sum2 += column[2] * row;
    sum3 += column[3] * row;
    sum4 += column[4] * row;
    sum5 += column[5] * row;
  }
  Vector sums[tileRows] = {sum0, sum1, sum2, sum3, sum4, sum5};
  std::memcpy(tile, sums, sizeof(sums));
}

/// All tiles of a block of c.
template <typename T>
static inline __attribute__((always_inline)) void
multiplyBlock(int64_t rows, int64_t columns, int64_t depth, T alpha,
              Panels<T> &panels, T *c, int64_t step) {
  for (int64_t j = 0; j < columns; j += lanes<T>)
    for (int64_t i = 0; i < rows; i += tileRows) {
      multiplyTile<T>(depth, panels.a.data() + i * depth,
                      panels.b.data() + j * depth, panels.tile);
      int64_t height = std::min(tileRows, rows - i);
      int64_t width = std::min(lanes<T>, columns - j);
      for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x)
          c[(i + y) * step + j + x] += alpha * panels.tile[y * lanes<T> + x];
    }
}

INGOT_CLONED static void multiplyBlockOf(int64_t rows, int64_t columns,
                                         int64_t depth, float alpha,
                                         Panels<float> &panels, float *c,
                                         int64_t step) {
  multiplyBlock<float>(rows, columns, depth, alpha, panels, c, step);
}

INGOT_CLONED static void multiplyBlockOf(int64_t rows, int64_t columns,
                                         int64_t depth, double alpha,
                                         Panels<double> &panels, double *c,
                                         int64_t step) {
  multiplyBlock<double>(rows, columns, depth, alpha, panels, c, step);
}

template <typename T>
static void multiply(int64_t rows, int64_t columns, int64_t depth, T alpha,
                     MatrixView<T> a, MatrixView<T> b, T *c, int64_t step) {
  thread_local Panels<T> panels;
  for (int64_t k = 0; k < depth; k += blockDepth) {
    int64_t deep = std::min(blockDepth, depth - k);
    for (int64_t j = 0; j < columns; j += blockColumns) {
      int64_t wide = std::min(blockColumns, columns - j);
      pack<lanes<T>>(b.at(k, j).data, wide, deep, b.columnStep, b.rowStep,
                     panels.b.data());
      for (int64_t i = 0; i < rows; i += blockRows) {
        int64_t high = std::min(blockRows, rows - i);
        pack<tileRows>(a.at(i, k).data, high, deep, a.rowStep, a.columnStep,
                       panels.a.data());
        multiplyBlockOf(high, wide, deep, alpha, panels, c + i * step + j,
                        step);
      }
    }
  }
}

void ingot::quantize::multiplyAdd(int64_t rows, int64_t columns, int64_t depth,
                                  float alpha, MatrixView<float> a,
                                  MatrixView<float> b, float *c, int64_t step) {
  multiply(rows, columns, depth, alpha, a, b, c, step);
}

void ingot::quantize::multiplyAdd(int64_t rows, int64_t columns, int64_t depth,
                                  double alpha, MatrixView<double> a,
                                  MatrixView<double> b, double *c,
                                  int64_t step) {
  multiply(rows, columns, depth, alpha, a, b, c, step);
}

//===----------------------------------------------------------------------===//
// Triangular factors
//===----------------------------------------------------------------------===//

constexpr static int64_t factorBlock = 60;

/// L of a = L L^T in the lower triangle of a diagonal block.
static bool factorDiagonal(double *a, int64_t step, int64_t size) {
  for (int64_t j = 0; j < size; ++j) {
    double *row = a + j * step;
    for (int64_t k = 0; k < j; ++k) {
      double sum = row[k];
      for (int64_t i = 0; i < k; ++i)
        sum -= row[i] * a[k * step + i];
      row[k] = sum / a[k * step + k];
    }
    double pivot = row[j];
    for (int64_t i = 0; i < j; ++i)
      pivot -= row[i] * row[i];
    if (!(pivot > 0) || !std::isfinite(pivot))
      return false;
    row[j] = std::sqrt(pivot);
  }
  return true;
}

/// Replaces rows x by x * inverse(L)^T.
static void solveRows(const double *l, double *rows, int64_t step,
                      int64_t numRows, int64_t size) {
  for (int64_t r = 0; r < numRows; ++r) {
    double *row = rows + r * step;
    for (int64_t k = 0; k < size; ++k) {
      double sum = row[k];
      for (int64_t i = 0; i < k; ++i)
        sum -= row[i] * l[k * step + i];
      row[k] = sum / l[k * step + k];
    }
  }
}

/// L of matrix = L L^T in the lower triangle, block column by block column.
static bool factorLower(double *matrix, int64_t n) {
  for (int64_t j = 0; j < n; j += factorBlock) {
    int64_t width = std::min(factorBlock, n - j);
    double *diagonal = matrix + j * n + j;
    MatrixView<double> left{matrix + j * n, n, 1};
    multiplyAdd(n - j, width, j, -1., left, left.transposed(), diagonal, n);
    if (!factorDiagonal(diagonal, n, width))
      return false;
    solveRows(diagonal, diagonal + width * n, n, n - j - width, width);
  }
  return true;
}

/// Replaces the lower triangular block by its inverse.
static void invertDiagonal(double *l, int64_t step, int64_t size) {
  for (int64_t j = 0; j < size; ++j) {
    l[j * step + j] = 1 / l[j * step + j];
    for (int64_t i = j + 1; i < size; ++i) {
      double sum = 0;
      for (int64_t k = j; k < i; ++k)
        sum -= l[i * step + k] * l[k * step + j];
      l[i * step + j] = sum / l[i * step + i];
    }
  }
}

/// Replaces the lower triangular matrix by its inverse, block row by block row:
/// M[i][j] = -inverse(L[i][i]) * sum over k of L[i][k] * M[k][j].
static void invertLower(double *matrix, int64_t n) {
  std::vector<double> sums(factorBlock * n);
  for (int64_t i = 0; i < n; i += factorBlock) {
    int64_t height = std::min(factorBlock, n - i);
    double *diagonal = matrix + i * n + i;
    std::fill(sums.begin(), sums.end(), 0.);
    for (int64_t j = 0; j < i; j += factorBlock)
      multiplyAdd(height, factorBlock, i - j, -1., {matrix + i * n + j, n, 1},
                  {matrix + j * n + j, n, 1}, sums.data() + j, n);
    invertDiagonal(diagonal, n, height);
    for (int64_t row = 0; row < height; ++row) {
      std::fill(matrix + (i + row) * n, matrix + (i + row) * n + i, 0.);
      std::fill(diagonal + row * n + row + 1, diagonal + row * n + height, 0.);
    }
    multiplyAdd(height, i, height, 1., {diagonal, n, 1}, {sums.data(), n, 1},
                matrix + i * n, n);
  }
}

bool ingot::quantize::factorInverse(double *matrix, int64_t n) {
  // With rows and columns in reverse order, matrix = L L^T makes
  // inverse(matrix) = M^T M for M = inverse(L), lower triangular, which is the
  // upper triangular U in the original order.
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j <= i; ++j) {
      double *a = matrix + i * n + j;
      double *b = matrix + (n - 1 - j) * n + (n - 1 - i);
      if (a < b)
        std::swap(*a, *b);
    }
  if (!factorLower(matrix, n))
    return false;
  // What is above the diagonal was not written.
  for (int64_t i = 0; i < n; ++i)
    std::fill(matrix + i * n + i + 1, matrix + (i + 1) * n, 0.);
  invertLower(matrix, n);
  std::reverse(matrix, matrix + n * n);
  return true;
}
