//===- TileCopy.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/TileCopy.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

/// Depths that a table of taps has at most: 8 KiB stay in the first-level
/// cache. An entry is a word of elements and one with a place of so many bits
/// for each axis.
constexpr int64_t mostTableDepth = 1024, entryBytes = 8, placeBits = 10;

/// The type an element has in shared memory.
static Type heldType(Type element) {
  if (element.isBF16() || element.isF16())
    return IntegerType::get(element.getContext(), 16);
  return element;
}

static int64_t bytesOf(Type element) {
  return element.getIntOrFloatBitWidth() / 8;
}

/// That type, or a vector of so many.
static Type several(Type type, int64_t count) {
  return count == 1 ? type : Type(VectorType::get({count}, type));
}

void TileCopy::setTile(Type elementType, int64_t rows, int64_t innerElements,
                       int64_t step, int64_t elements, int64_t blockThreads,
                       bool across, bool machineCopies) {
  element = elementType;
  inner = innerElements;
  granule = elements;
  threads = blockThreads;
  acrossRows = across;
  tile = {rows, inner * bytesOf(element), step};
  Type stored = storageType(buffer.elementType);
  isAsync = machineCopies && heldType(element) == heldType(stored) &&
            granule * bytesOf(element) >= 4 && fill == 0;
}

int64_t TileCopy::copies() const {
  return llvm::divideCeil(tile.rows * (inner / granule), threads);
}

void TileCopy::begin(Words &w, Value thread) {
  int64_t perRow = inner / granule, total = tile.rows * perRow;
  int64_t perChunk = chunkBytes / (granule * bytesOf(element));
  for (int64_t i = 0; i < copies(); ++i) {
    Place place;
    Value number = w.add(thread, i * threads), at;
    if (acrossRows) {
      // Rows do not change from copy to copy where threads are a multiple.
      bool same = threads % tile.rows == 0;
      place.outer = w.rem(same ? thread : number, tile.rows);
      at = same ? w.add(w.div(thread, tile.rows), i * (threads / tile.rows))
                : w.div(number, tile.rows);
    } else {
      bool same = threads % perRow == 0;
      at = w.rem(same ? thread : number, perRow);
      place.outer = same ? w.add(w.div(thread, perRow), i * (threads / perRow))
                         : w.div(number, perRow);
      if (same && i > 0)
        at = w.div(places[0].inner, granule);
    }
    place.inner = !acrossRows && threads % perRow == 0 && i > 0
                      ? places[0].inner
                      : w.mul(at, granule);
    if ((i + 1) * threads > total)
      place.exists = w.less(number, total);
    Value chunk = w.div(at, perChunk);
    place.target = tile.offset(w, place.outer, chunk);
    if (perChunk > 1)
      place.target = w.add(
          place.target, w.mul(w.rem(at, perChunk), granule * bytesOf(element)));
    places.push_back(place);
    beginCopy(w, place);
  }
}

/// The granule as it will be in shared memory.
Value TileCopy::loadGranule(Words &w, const Granule &from) {
  Type stored = storageType(buffer.elementType);
  Value offset = from.offset;
  // What is outside is read at the operand's beginning, which exists.
  if (from.inside)
    offset = w.select(from.inside, offset, w.wideNumber(0));
  Value address =
      LLVM::GEPOp::create(w.b, w.loc, buffer.pointer.getType(), stored,
                          buffer.pointer, ArrayRef<LLVM::GEPArg>{offset});
  Value v = LLVM::LoadOp::create(w.b, w.loc, several(stored, granule), address,
                                 granule * bytesOf(stored));
  if (from.inside) {
    Type type = v.getType();
    Attribute outside = w.b.getZeroAttr(stored);
    if (fill)
      outside = w.b.getIntegerAttr(stored, int8_t(fill));
    if (auto vector = dyn_cast<VectorType>(type))
      outside = DenseElementsAttr::get(vector, outside);
    v = w.select(
        from.inside, v,
        arith::ConstantOp::create(w.b, w.loc, cast<TypedAttr>(outside)));
  }
  if (heldType(element) == heldType(stored))
    return v;
  if (buffer.elementType.isBF16())
    v = arith::BitcastOp::create(w.b, w.loc,
                                 several(buffer.elementType, granule), v);
  return arith::ExtFOp::create(w.b, w.loc, several(element, granule), v);
}

SmallVector<Value> TileCopy::load(Words &w, Value k, Value target) {
  SmallVector<Value> loaded;
  Type stored = storageType(buffer.elementType);
  for (size_t i = 0; i < places.size(); ++i) {
    const Place &place = places[i];
    Granule from = locate(w, i, place, k);
    if (!isAsync) {
      from.inside = w.both(from.inside, place.exists);
      loaded.push_back(loadGranule(w, from));
      continue;
    }
    auto copy = [&](Words &at) {
      Value address = LLVM::GEPOp::create(at.b, loc, buffer.pointer.getType(),
                                          stored, buffer.pointer,
                                          ArrayRef<LLVM::GEPArg>{from.offset});
      copyAsync(at, bytesAfter(at, target, place.target), address,
                granule * bytesOf(stored), from.inside);
    };
    if (!place.exists) {
      copy(w);
      continue;
    }
    auto branch = scf::IfOp::create(w.b, loc, place.exists, false);
    OpBuilder then(branch.thenBlock()->getTerminator());
    Words at(then, loc);
    copy(at);
  }
  return loaded;
}

void TileCopy::store(Words &w, ArrayRef<Value> loaded, Value target) {
  for (size_t i = 0; i < loaded.size(); ++i) {
    const Place &place = places[i];
    auto put = [&](Words &at) {
      LLVM::StoreOp::create(at.b, loc, loaded[i],
                            bytesAfter(at, target, place.target),
                            granule * bytesOf(element));
    };
    if (!place.exists) {
      put(w);
      continue;
    }
    auto branch = scf::IfOp::create(w.b, loc, place.exists, false);
    OpBuilder then(branch.thenBlock()->getTerminator());
    Words at(then, loc);
    put(at);
  }
}

void LeftCopy::setMatrix(const BufferRef &matrix, AffineExpr stride,
                         int64_t depthElements) {
  buffer = matrix;
  rowStride = stride;
  depthStride = depthElements;
}

void LeftCopy::setPixels(const BufferRef &input, heavy::ConvOp op) {
  buffer = input;
  int64_t rank = op.getSpatialRank();
  int64_t channelAxis = op.getInputChannelsFirst() ? 1 : rank + 1;
  int64_t firstSpatial = op.getInputChannelsFirst() ? 2 : 1;
  onnx::Dims in = onnx::getDims(op.getInputType());
  onnx::Dims out = onnx::getDims(op.getResultType());
  imageStride = input.strides[0];
  depthStride = onnx::constantValue(input.strides[channelAxis]).value_or(0);
  channels = op.getChannels() / int64_t(op.getGroup());
  for (int64_t i = 0; i < rank; ++i) {
    Axis axis{op.getKernel()[i],
              op.getStrides()[i],
              op.getDilations()[i],
              op.getPadsBegin()[i],
              in[firstSpatial + i],
              out[1 + i],
              input.strides[firstSpatial + i],
              true};
    std::optional<int64_t> size = onnx::constantValue(axis.size),
                           results = onnx::constantValue(axis.out);
    int64_t span = (axis.kernel - 1) * axis.dilation;
    axis.checked = !(axis.pad == 0 && size && results &&
                     (*results - 1) * axis.stride + span < *size);
    axes.push_back(axis);
    // Zeros are what integers outside have to be, or their zero point.
    if (axis.checked)
      fill = op.getPadValue();
  }
}

bool LeftCopy::isMultiple(AffineExpr elements, int64_t of) const {
  return elements.isMultipleOf(of);
}

void LeftCopy::setShape(const BlockFactors &factors, const BlockShape &shape,
                        bool machineCopies, ArrayRef<AffineExpr> batch) {
  int64_t most = chunkBytes / factors.leftBytes();
  int64_t stored = storageBytes(buffer.elementType);
  int64_t elements = most;
  auto fits = [&](int64_t g) {
    if (depthStride != 1 || buffer.alignment % (g * stored))
      return false;
    for (AffineExpr stride : batch)
      if (!isMultiple(stride, g))
        return false;
    if (axes.empty())
      return isMultiple(rowStride, g);
    return channels % g == 0;
  };
  while (elements > 1 && !fits(elements))
    elements /= 2;
  setTile(factors.moved(), shape.rows, shape.depthBytes / factors.leftBytes(),
          /*step=*/1, elements, shape.threads(),
          /*across=*/elements == 1 && (depthStride != 1 || !axes.empty()),
          machineCopies);
}

/// Of a granule for each element, the division of the depth into taps and
/// channels would take longer than all else: a constant has, for each depth,
/// elements from the tap at the origin and where it is along each axis.
void LeftCopy::addTable(OpBuilder &b) {
  int64_t points = 1;
  std::string name = "ingot_taps_" + std::to_string(channels) + "_" +
                     std::to_string(depthStride);
  SmallVector<int64_t> strides;
  for (const Axis &axis : axes) {
    std::optional<int64_t> elements = onnx::constantValue(axis.elements);
    if (!elements)
      return;
    strides.push_back(*elements);
    points *= axis.kernel;
    for (int64_t part : {axis.kernel, axis.dilation, *elements})
      name += "_" + std::to_string(part);
  }
  if (points * channels > mostTableDepth)
    return;
  SmallVector<int32_t> numbers;
  for (int64_t d = 0; d < points * channels; ++d) {
    int64_t tap = d / channels, offset = d % channels * depthStride;
    int32_t places = 0;
    for (int64_t a = int64_t(axes.size()) - 1; a >= 0; --a) {
      int64_t at = tap % axes[a].kernel * axes[a].dilation;
      tap /= axes[a].kernel;
      offset += at * strides[a];
      if (at >> placeBits)
        return;
      places |= int32_t(at << placeBits * a);
    }
    if (!llvm::isInt<32>(offset))
      return;
    numbers.append({int32_t(offset), places});
  }
  table = name;
  auto module =
      b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  if (module.lookupSymbol(name))
    return;
  OpBuilder top = OpBuilder::atBlockBegin(module.getBody());
  int64_t size = numbers.size();
  auto data = DenseElementsAttr::get(
      RankedTensorType::get({size}, b.getI32Type()), ArrayRef(numbers));
  LLVM::GlobalOp::create(top, loc,
                         LLVM::LLVMArrayType::get(b.getI32Type(), size),
                         /*isConstant=*/true, LLVM::Linkage::Internal, name,
                         data, /*alignment=*/entryBytes);
}

LeftCopy::Row LeftCopy::readTable(Words &w, Value d) {
  Row row;
  row.inside = w.less(d, depth);
  Value base = LLVM::AddressOfOp::create(
      w.b, loc, LLVM::LLVMPointerType::get(w.b.getContext()), table);
  Value at = w.select(row.inside, d, w.number(0));
  auto entry = LLVM::LoadOp::create(
      w.b, loc, VectorType::get({2}, w.b.getI32Type()),
      bytesAfter(w, base, w.mul(at, entryBytes)), entryBytes);
  entry.setInvariant(true);
  row.offset = w.wide(vector::ExtractOp::create(w.b, loc, entry, 0));
  Value places = vector::ExtractOp::create(w.b, loc, entry, 1);
  for (size_t a = 0; a < axes.size(); ++a)
    row.start.push_back(w.rem(w.div(places, int64_t(1) << placeBits * a),
                              int64_t(1) << placeBits));
  return row;
}

/// x times a number of elements, in 64 bits.
Value LeftCopy::scaled(Words &w, Value x, AffineExpr by) {
  Value factor = w.wideFromIndex(context.expand(w.b, loc, by));
  return w.mul(w.wide(x), factor);
}

LeftCopy::Row LeftCopy::row(Words &w, Value number) {
  Row row;
  row.inside = w.less(number, rows);
  Value rest = number;
  if (axes.empty()) {
    row.offset = scaled(w, rest, rowStride);
  } else {
    SmallVector<Value> starts(axes.size());
    for (int64_t i = int64_t(axes.size()) - 1; i >= 0; --i) {
      const Axis &axis = axes[i];
      Value out = w.fromIndex(context.expand(w.b, loc, axis.out));
      Value at = w.rem(rest, out);
      rest = w.div(rest, out);
      starts[i] = w.add(w.mul(at, axis.stride), -axis.pad);
    }
    row.offset = scaled(w, rest, imageStride);
    for (auto [start, axis] : llvm::zip(starts, axes))
      row.offset = w.add(row.offset, scaled(w, start, axis.elements));
    row.start = starts;
  }
  if (skipped)
    row.offset = w.add(row.offset, skipped);
  return row;
}

void LeftCopy::beginCopy(Words &w, const Place &place) {
  // Loads into registers leave none for entries on their way.
  if (rowOf.empty() && isAsync && granule == 1 && !axes.empty())
    addTable(w.b);
  Value number = w.add(firstRow, place.outer);
  rowOf.push_back(row(w, number));
}

Granule LeftCopy::locate(Words &w, int64_t i, const Place &place, Value k) {
  const Row &row = rowOf[i];
  // Copies of a thread often share their place in the depth.
  if (place.inner != lastInner || k != lastK) {
    lastInner = place.inner;
    lastK = k;
    Value d = w.add(k, place.inner);
    lastDepth = Row();
    lastDepth.inside = w.less(d, depth);
    if (axes.empty()) {
      lastDepth.offset = w.mul(w.wide(d), w.wideNumber(depthStride));
    } else if (!table.empty()) {
      lastDepth = readTable(w, d);
    } else {
      Value channel = w.rem(d, channels), tap = w.div(d, channels);
      lastDepth.offset = w.mul(w.wide(channel), w.wideNumber(depthStride));
      lastDepth.start.resize(axes.size());
      for (int64_t a = int64_t(axes.size()) - 1; a >= 0; --a) {
        const Axis &axis = axes[a];
        Value at = a ? w.rem(tap, axis.kernel) : tap;
        tap = w.div(tap, axis.kernel);
        lastDepth.start[a] = w.mul(at, axis.dilation);
        if (axis.kernel > 1)
          lastDepth.offset = w.add(
              lastDepth.offset, scaled(w, lastDepth.start[a], axis.elements));
        else
          lastDepth.start[a] = w.number(0);
      }
    }
  }
  Value inside = w.both(row.inside, lastDepth.inside);
  for (auto [a, axis] : llvm::enumerate(axes))
    if (axis.checked) {
      // One unsigned comparison tests both ends.
      Value at = w.add(row.start[a], lastDepth.start[a]);
      Value size = w.fromIndex(context.expand(w.b, loc, axis.size));
      inside = w.both(inside, w.less(at, size));
    }
  return {w.add(row.offset, lastDepth.offset), inside};
}

void RightCopy::setMatrix(const BufferRef &matrix, int64_t elements) {
  buffer = matrix;
  width = elements;
}

void RightCopy::setShape(const BlockFactors &factors, const BlockShape &shape,
                         bool machineCopies, ArrayRef<AffineExpr> batch) {
  int64_t elements = chunkBytes / factors.rightBytes();
  int64_t stored = storageBytes(buffer.elementType);
  auto fits = [&](int64_t g) {
    for (AffineExpr stride : batch)
      if (!stride.isMultipleOf(g))
        return false;
    return buffer.alignment % (g * stored) == 0 && width % g == 0;
  };
  while (elements > 1 && !fits(elements))
    elements /= 2;
  Type element = factors.type;
  if (factors.isInteger())
    element = IntegerType::get(element.getContext(), 32);
  int64_t depths = shape.depthBytes / factors.leftBytes() / factors.group();
  // Tensor cores read words by columns, four rows at a time.
  int64_t step = factors.isWords() && shape.tensorCores ? 2 : 1;
  setTile(element, depths, shape.columns, step, elements, shape.threads(),
          /*across=*/false, machineCopies);
}

Granule RightCopy::locate(Words &w, int64_t, const Place &place, Value k) {
  Value d = w.add(k, place.outer), column = w.add(firstColumn, place.inner);
  Value inside = w.both(w.less(d, depth), w.less(column, w.number(width)));
  Value offset = w.add(w.mul(w.wide(d), w.wideNumber(width)), w.wide(column));
  if (skipped)
    offset = w.add(offset, skipped);
  return {offset, inside};
}
