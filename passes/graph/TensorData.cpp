//===- TensorData.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/graph/TensorData.h"
#include "passes/graph/FloatBits.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::graph;

/// Larger results become blobs: attributes are hashed and live for ever.
static constexpr int64_t denseBytes = 1024;
/// Blobs of ours have this name, with a number that the manager appends.
static constexpr StringLiteral blobName = "ingot.folded";

unsigned graph::elementBytes(Type type) {
  if (!isa<IntegerType, FloatType>(type))
    return 0;
  unsigned width = type.getIntOrFloatBitWidth();
  return width > 64 ? 0 : llvm::divideCeil(width, 8);
}

TensorData::TensorData(RankedTensorType type)
    : tensorType(type), bytes(elementBytes(type.getElementType())) {
  if (bytes)
    mask = llvm::maskTrailingOnes<uint64_t>(
        type.getElementType().getIntOrFloatBitWidth());
}

TensorData TensorData::make(RankedTensorType type, int64_t elements) {
  TensorData result(type);
  // Never empty, so that a tensor without elements still counts as known.
  result.owned.reset(new char[elements * result.bytes + 1]());
  result.data = result.owned.get();
  return result;
}

TensorData TensorData::zeros(RankedTensorType type) {
  return make(type, type.getNumElements());
}

TensorData TensorData::splat(RankedTensorType type, uint64_t bits) {
  TensorData result = make(type, 1);
  result.oneElement = true;
  result.store(0, bits);
  return result;
}

/// Bools are packed into bits in dense attributes; we keep one in a byte.
static TensorData unpackBools(RankedTensorType type, DenseElementsAttr attr) {
  TensorData result = TensorData::zeros(type);
  for (auto [at, value] : llvm::enumerate(attr.getValues<bool>()))
    result.store(at, value);
  return result;
}

std::optional<TensorData> TensorData::of(ElementsAttr attr) {
  auto type = dyn_cast_or_null<RankedTensorType>(
      attr ? Type(attr.getShapedType()) : Type());
  if (!type || !type.hasStaticShape() || !elementBytes(type.getElementType()))
    return std::nullopt;
  TensorData result(type);
  result.source = attr;
  if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
    bool isBool = type.getElementType().isInteger(1);
    if (isBool && dense.isSplat() && type.getNumElements() > 0)
      return splat(type, dense.getSplatValue<bool>());
    if (isBool)
      return unpackBools(type, dense);
    result.oneElement = dense.isSplat();
    result.data = dense.getRawData().data();
    return result;
  }
  auto resource = dyn_cast<DenseResourceElementsAttr>(attr);
  AsmResourceBlob *blob =
      resource ? resource.getRawHandle().getBlob() : nullptr;
  if (!blob ||
      int64_t(blob->getData().size()) != type.getNumElements() * result.bytes)
    return std::nullopt;
  result.data = blob->getData().data();
  return result;
}

TensorData TensorData::viewed(RankedTensorType type, int64_t offset) const {
  TensorData result = *this;
  result.tensorType = type;
  if (offset != 0 || type.getNumElements() != size() ||
      type.getElementType() != tensorType.getElementType())
    result.source = {};
  if (!oneElement)
    result.data += offset * bytes;
  return result;
}

double TensorData::loadDouble(int64_t at) const {
  Type type = tensorType.getElementType();
  uint64_t bits = load(at);
  if (auto floatType = dyn_cast<FloatType>(type))
    return fromBits<double>(convertFloat(bits, floatType.getFloatSemantics(),
                                         APFloat::IEEEdouble()));
  unsigned width = type.getIntOrFloatBitWidth();
  if (cast<IntegerType>(type).isUnsigned() || width == 1)
    return double(bits);
  return double(llvm::SignExtend64(bits, width));
}

void TensorData::storeDouble(int64_t at, double value) {
  Type type = tensorType.getElementType();
  if (auto floatType = dyn_cast<FloatType>(type))
    return store(at, convertFloat(toBits(value), APFloat::IEEEdouble(),
                                  floatType.getFloatSemantics()));
  bool isUnsigned = cast<IntegerType>(type).isUnsigned();
  store(at, isUnsigned ? uint64_t(value) : uint64_t(int64_t(value)));
}

/// Frees itself with the last user of the bytes.
static AsmResourceBlob shareAsBlob(ArrayRef<char> data,
                                   std::shared_ptr<char[]> owner) {
  return AsmResourceBlob(
      data, /*dataAlignment=*/alignof(std::max_align_t),
      [owner = std::move(owner)](void *, size_t, size_t) mutable {
        owner.reset();
      },
      /*dataIsMutable=*/false);
}

ElementsAttr TensorData::toAttr() const {
  Type element = tensorType.getElementType();
  if (auto resource = dyn_cast_or_null<DenseResourceElementsAttr>(source))
    return DenseResourceElementsAttr::get(tensorType, resource.getRawHandle());
  if (auto dense = dyn_cast_or_null<DenseElementsAttr>(source))
    return dense.getType() == tensorType ? dense : dense.reshape(tensorType);
  int64_t total = size() * bytes;
  if (element.isInteger(1) && (oneElement || total <= denseBytes)) {
    SmallVector<bool> values(oneElement ? 1 : size());
    for (auto [at, value] : llvm::enumerate(values))
      value = load(at) & 1;
    return DenseElementsAttr::get(tensorType, ArrayRef<bool>(values));
  }
  if (oneElement && size() > 0)
    return DenseElementsAttr::getFromRawBuffer(tensorType, {data, bytes});
  if (total <= denseBytes)
    return DenseElementsAttr::getFromRawBuffer(tensorType,
                                               {data, size_t(total)});
  std::shared_ptr<char[]> owner = owned;
  const char *start = data;
  if (!owner) { // a part of something that may not live as long
    owner.reset(new char[total]);
    start = static_cast<const char *>(memcpy(owner.get(), data, total));
  }
  auto &manager =
      DenseResourceElementsHandle::getManagerInterface(tensorType.getContext());
  return DenseResourceElementsAttr::get(
      tensorType,
      manager.insert(blobName, shareAsBlob({start, size_t(total)}, owner)));
}

ElementsAttr graph::constantOf(Value value) {
  ElementsAttr elements;
  if (value && matchPattern(value, m_Constant(&elements)))
    return elements;
  return {};
}

void graph::releaseUnusedBlobs(Operation *root) {
  auto &manager =
      DenseResourceElementsHandle::getManagerInterface(root->getContext())
          .getBlobManager();
  llvm::StringSet<> used;
  root->walk([&](Operation *op) {
    ElementsAttr elements;
    if (matchPattern(op, m_Constant(&elements)))
      if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements))
        used.insert(resource.getRawHandle().getKey());
  });
  SmallVector<std::string> unused;
  manager.getBlobMap([&](const auto &blobs) {
    for (const auto &entry : blobs)
      if (entry.getKey().starts_with(blobName) && entry.second.getBlob() &&
          !entry.second.getBlob()->getData().empty() &&
          !used.contains(entry.getKey()))
        unused.push_back(entry.getKey().str());
  });
  for (const std::string &name : unused)
    manager.update(name, AsmResourceBlob());
}
