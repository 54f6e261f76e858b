//===- TensorData.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Elements of tensors known at compile time, as raw bits: what graph passes
// compute with instead of attributes.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_GRAPH_TENSORDATA_H
#define INGOT_PASSES_GRAPH_TENSORDATA_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

#include <cstring>
#include <memory>
#include <optional>

namespace ingot::graph {

/// Bytes that an element takes in memory (bool and 4-bit numbers: one), or 0
/// for element types without raw bits, such as strings.
unsigned elementBytes(mlir::Type elementType);

/// The elements of a tensor of static shape. A splat holds a single element
/// however large the tensor is. Copies share the bytes.
class TensorData {
public:
  /// Elements not yet known (kernel.empty).
  explicit TensorData(mlir::RankedTensorType type);

  /// Borrows the bytes of an attribute (which live as long as the context).
  /// None if it has no raw bits, its shape is not static, or its blob has not
  /// the size that its type asks for.
  static std::optional<TensorData> of(mlir::ElementsAttr attr);

  /// Zeros to be stored to.
  static TensorData zeros(mlir::RankedTensorType type);

  /// Every element has those bits.
  static TensorData splat(mlir::RankedTensorType type, uint64_t bits);

  /// The elements from that offset on, in another shape.
  TensorData viewed(mlir::RankedTensorType type, int64_t offset = 0) const;

  mlir::RankedTensorType type() const { return tensorType; }
  bool isSplat() const { return oneElement; }
  /// True if toAttr makes nothing: a splat, or an attribute in another shape.
  bool isFree() const { return oneElement || source; }
  bool isKnown() const { return data != nullptr; }
  int64_t size() const { return tensorType.getNumElements(); }

  /// Bits of the element at that position in row-major order.
  uint64_t load(int64_t at) const {
    uint64_t bits = 0;
    memcpy(&bits, data + (oneElement ? 0 : at * bytes), bytes);
    return bits & mask;
  }
  void store(int64_t at, uint64_t bits) {
    memcpy(owned.get() + at * bytes, &bits, bytes);
  }

  /// The elements in memory, of which a splat has but one.
  template <typename T> const T *elements() const {
    return reinterpret_cast<const T *>(data);
  }
  template <typename T> T *mutableElements() {
    return reinterpret_cast<T *>(owned.get());
  }

  /// An element as a number; float and integer types only.
  double loadDouble(int64_t at) const;
  /// The number rounded to the element type, to nearest even.
  void storeDouble(int64_t at, double value);

  /// The attribute: dense if small or a splat, else a resource blob, which is
  /// not copied. A borrowed attribute whose elements only changed shape keeps
  /// its blob.
  mlir::ElementsAttr toAttr() const;

private:
  static TensorData make(mlir::RankedTensorType type, int64_t elements);

  mlir::RankedTensorType tensorType;
  unsigned bytes = 0;
  /// Bits of an element that count (a 4-bit number takes a byte).
  uint64_t mask = ~uint64_t(0);
  bool oneElement = false;
  const char *data = nullptr;
  std::shared_ptr<char[]> owned;
  mlir::ElementsAttr source;
};

/// The constant that a value is, whatever op makes it; null if none.
mlir::ElementsAttr constantOf(mlir::Value value);

/// Frees blobs made by toAttr that no constant below `root` refers to any
/// more. Nothing else in the context may still use them.
void releaseUnusedBlobs(mlir::Operation *root);

} // namespace ingot::graph

#endif // INGOT_PASSES_GRAPH_TENSORDATA_H
