//===- PackWeights.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/ingot/Ingot.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Shape.h"
#include "passes/Precision.h"
#include "passes/tensor/Lowering.h"
#include "passes/tensor/PackIntegers.h"
#include "passes/tensor/PackNBits.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/bit.h"

#include <cmath>

namespace ingot {
#define GEN_PASS_DEF_PACKWEIGHTS
#include "passes/Passes.h.inc"
} // namespace ingot

using namespace mlir;
using namespace ingot;

namespace {
/// An f32 rounded to the 11 bits of tf32, to nearest, ties away from zero.
static float roundToTf32(float v) {
  constexpr uint32_t half = 1 << 12;
  uint32_t bits = llvm::bit_cast<uint32_t>(v);
  return std::isfinite(v) ? llvm::bit_cast<float>((bits + half) & -(2 * half))
                          : v;
}

/// Random access to a constant's elements as float or double.
class ConstantReader {
public:
  explicit ConstantReader(ElementsAttr attr)
      : type(cast<FloatType>(attr.getElementType())),
        bytes(type.getWidth() / 8) {
    if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
      if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
        data = blob->getData();
    } else if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
      data = dense.getRawData();
      splat = dense.isSplat();
    }
    valid = splat ? data.size() >= bytes
                  : data.size() == size_t(attr.getNumElements()) * bytes;
  }

  bool isValid() const { return valid; }
  FloatType elementType() const { return type; }
  bool isHalf() const { return bytes == 2; }
  /// For tensor cores: in rows, one for each column, and rounded to tf32.
  bool byColumns = false, asTf32 = false;

  template <typename T> T get(int64_t i) const {
    const char *at = data.data() + (splat ? 0 : i * bytes);
    // Half precision stays as it is.
    if constexpr (std::is_same_v<T, uint16_t>) {
      uint16_t bits;
      std::memcpy(&bits, at, 2);
      return bits;
    }
    if (type.isF32()) {
      float v;
      std::memcpy(&v, at, 4);
      return asTf32 ? roundToTf32(v) : v;
    }
    if (type.isF64()) {
      double v;
      std::memcpy(&v, at, 8);
      return v;
    }
    llvm_unreachable("packed as they are");
  }

private:
  FloatType type;
  size_t bytes;
  ArrayRef<char> data;
  bool splat = false, valid = false;
};
} // namespace

/// A constant whose data `fill` writes once, in place.
template <typename T>
static Value packedConstant(OpBuilder &b, Location loc, RankedTensorType type,
                            function_ref<void(T *)> fill) {
  size_t bytes = size_t(type.getNumElements()) * sizeof(T);
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(bytes, 64);
  std::memset(blob.getMutableData().data(), 0, bytes);
  fill(reinterpret_cast<T *>(blob.getMutableData().data()));
  auto attr = DenseResourceElementsAttr::get(type, "packed", std::move(blob));
  return onnx::ConstantOp::create(b, loc, type, attr);
}

/// Vectors per panel: what the register tile holds side by side.
static int64_t vectorsPerPanel(kernel::MachineAttr machine, int64_t n,
                               int64_t width, bool fewRows) {
  int64_t vectors = machine.getLaneBroadcast() ? 4 : 2;
  if (fewRows)
    vectors = machine.getVectorRegisters() >= 32 ? 8 : 4;
  return std::max<int64_t>(
      1, std::min<int64_t>(vectors, llvm::divideCeil(n, width)));
}

/// Columns of a panel. Blocks of threads share rows of all columns, padded to
/// what a thread moves at once.
template <typename T>
static int64_t panelWidth(kernel::MachineAttr machine, int64_t n, int64_t width,
                          bool fewRows) {
  if (machine.hasWarps())
    return llvm::alignTo(n, machine.lanes(8 * sizeof(T)));
  return width * vectorsPerPanel(machine, n, width, fewRows);
}

/// Elements of f32 that a thread moves at once.
constexpr int64_t rowElements = 4;

namespace {
/// The order of a panel: `group` depths of each of its columns lie side by
/// side, the last group padded with zeros.
struct PanelOrder {
  int64_t group, panel;

  /// Where the factor of depth k and column j lies.
  int64_t position(int64_t k, int64_t j) const {
    return (k / group * panel + j) * group + k % group;
  }
  /// The type of panels, whose number is given by `outer`.
  RankedTensorType type(ArrayRef<int64_t> outer, int64_t depth,
                        Type elementType) const {
    SmallVector<int64_t> shape(outer);
    shape.append({int64_t(llvm::divideCeil(depth, group)), panel});
    if (group > 1)
      shape.push_back(group);
    return RankedTensorType::get(shape, elementType);
  }
};
} // namespace

template <typename T>
static void packConv(heavy::ConvOp op, const ConstantReader &from,
                     int64_t width, kernel::MachineAttr machine) {
  OpBuilder b(op);
  Type elementType = from.elementType();
  int64_t points = 1;
  for (int64_t k : op.getKernel())
    points *= k;
  int64_t filters = op.getFilters(), groups = op.getGroup();
  int64_t channels = op.getChannels() / groups;
  if (op.isDepthwise()) {
    auto type = RankedTensorType::get({points, filters}, elementType);
    Value packed = packedConstant<T>(b, op.getLoc(), type, [&](T *to) {
      for (int64_t p = 0; p < points; ++p)
        for (int64_t m = 0; m < filters; ++m)
          to[p * filters + m] = from.get<T>(m * points + p);
    });
    op.getWeightsMutable().assign(packed);
    op.setPanel(width);
    return;
  }
  int64_t perGroup = filters / groups;
  int64_t panel = panelWidth<T>(machine, perGroup, width, /*fewRows=*/false);
  int64_t panels = llvm::divideCeil(perGroup, panel);
  bool pairs =
      !op.getInputChannelsFirst() &&
      machine.dotsBf16(op.getInputType().getElementType(), elementType);
  if (from.byColumns) {
    int64_t depth = points * channels, held = llvm::alignTo(depth, rowElements);
    auto type =
        RankedTensorType::get({groups, 1, 1, 1, panel, held}, elementType);
    Value packed = packedConstant<T>(b, op.getLoc(), type, [&](T *to) {
      for (int64_t g = 0; g < groups; ++g)
        for (int64_t m = 0; m < perGroup; ++m)
          for (int64_t c = 0; c < channels; ++c)
            for (int64_t k = 0; k < points; ++k)
              to[(g * panel + m) * held + k * channels + c] =
                  from.get<T>(((g * perGroup + m) * channels + c) * points + k);
    });
    op.getWeightsMutable().assign(packed);
    op.setPanel(panel);
    return;
  }
  PanelOrder order{pairs ? 2 : 1, panel};
  int64_t held = llvm::alignTo(channels, order.group);
  auto type = order.type({groups, panels, points}, channels, elementType);
  Value packed = packedConstant<T>(b, op.getLoc(), type, [&](T *to) {
    for (int64_t g = 0; g < groups; ++g)
      for (int64_t p = 0; p < panels; ++p)
        for (int64_t m = 0; m < panel && p * panel + m < perGroup; ++m) {
          int64_t filter = g * perGroup + p * panel + m;
          for (int64_t c = 0; c < channels; ++c)
            for (int64_t k = 0; k < points; ++k)
              to[((g * panels + p) * points + k) * held * panel +
                 order.position(c, m)] =
                  from.get<T>((filter * channels + c) * points + k);
        }
  });
  op.getWeightsMutable().assign(packed);
  op.setPanel(panel);
}

template <typename T>
static void packMatmul(heavy::MatmulOp op, const ConstantReader &from,
                       bool transposed, int64_t depth, int64_t width,
                       kernel::MachineAttr machine) {
  OpBuilder b(op);
  auto result = cast<RankedTensorType>(op.getResult().getType());
  int64_t n = op.getN();
  std::optional<int64_t> rows = onnx::constantValue(onnx::product(
      ArrayRef(onnx::getDims(result)).drop_back(), op.getContext()));
  int64_t panel = panelWidth<T>(machine, n, width, rows && *rows < 4);
  int64_t panels = llvm::divideCeil(n, panel);
  auto left = cast<RankedTensorType>(op.getA().getType());
  bool pairs = !op.getTransposeA() &&
               !ShapedType::isDynamic(left.getShape().back()) &&
               machine.dotsBf16(left.getElementType(), from.elementType());
  PanelOrder order{pairs ? 2 : 1, panel};
  if (from.byColumns)
    order.group = llvm::alignTo(depth, rowElements);
  int64_t held = llvm::alignTo(depth, order.group);
  auto type = order.type({panels}, depth, from.elementType());
  Value packed = packedConstant<T>(b, op.getLoc(), type, [&](T *to) {
    // In blocks, so that neither side strides through more than the cache.
    constexpr int64_t block = 64;
    for (int64_t p = 0; p < panels; ++p)
      for (int64_t k0 = 0; k0 < depth; k0 += block)
        for (int64_t j = 0; j < panel && p * panel + j < n; ++j)
          for (int64_t k = k0; k < std::min(depth, k0 + block); ++k) {
            int64_t column = p * panel + j;
            to[p * held * panel + order.position(k, j)] =
                from.get<T>(transposed ? column * depth + k : k * n + column);
          }
  });
  op.getBMutable().assign(packed);
  op.setPanel(panel);
}

/// True for integers and floats of 8 bits.
static bool hasBytes(Value v) {
  return getElementTypeOrSelf(v.getType()).getIntOrFloatBitWidth() == 8;
}

namespace {
struct PackWeights : ingot::impl::PackWeightsBase<PackWeights> {
  void runOnOperation() override {
    auto machine =
        getOperation()->getAttrOfType<kernel::MachineAttr>("ingot.machine");
    if (!machine) {
      getOperation().emitError(
          "[IG4001] the module has no machine description");
      return signalPassFailure();
    }
    getOperation()->walk([&](Operation *op) {
      if (auto conv = dyn_cast<heavy::ConvOp>(op))
        pack(conv, machine);
      else if (auto matmul = dyn_cast<heavy::MatmulOp>(op))
        pack(matmul, machine);
      else if (auto matmul = dyn_cast<heavy::MatmulNBitsOp>(op))
        if (failed(packMatmulNBits(matmul, machine)))
          signalPassFailure();
    });
  }

  /// Tensor cores take f32 factors by columns, if the module wants them to.
  /// Products of so few rows that blocks would read single columns do without.
  void chooseForm(ConstantReader &from, RankedTensorType result,
                  kernel::MachineAttr machine) {
    constexpr int64_t few = 8;
    auto products =
        getOperation()->getAttrOfType<StringAttr>(fp32ProductsAttrName);
    std::optional<int64_t> rows = onnx::constantValue(onnx::product(
        ArrayRef(onnx::getDims(result)).drop_back(), result.getContext()));
    if (!products || products.getValue() == "exact" ||
        !machine.getTensorCores() || !from.elementType().isF32() ||
        (rows && *rows <= few))
      return;
    from.byColumns = true;
    from.asTf32 = products.getValue() == "tf32";
  }

  void pack(heavy::ConvOp op, kernel::MachineAttr machine) {
    if (hasBytes(op.getInput()))
      return packIntegers(op, machine);
    ElementsAttr value;
    if (op.getPanel() || !matchPattern(op.getWeights(), m_Constant(&value)))
      return;
    ConstantReader from(value);
    if (!from.isValid())
      return;
    chooseForm(from, op.getResultType(), machine);
    Type type = op.getResultType().getElementType();
    int64_t width = machine.lanes(type.getIntOrFloatBitWidth());
    if (from.isHalf())
      packConv<uint16_t>(op, from, width, machine);
    else if (type.isF64())
      packConv<double>(op, from, width, machine);
    else
      packConv<float>(op, from, width, machine);
  }

  void pack(heavy::MatmulOp op, kernel::MachineAttr machine) {
    if (hasBytes(op.getA()))
      return packIntegers(op, machine);
    Value b = op.getB();
    auto transpose = b.getDefiningOp<onnx::TransposeOp>();
    if (transpose)
      b = transpose.getData();
    auto matrix = dyn_cast<RankedTensorType>(b.getType());
    ElementsAttr value;
    if (op.getPanel() || !matrix || matrix.getRank() != 2 ||
        !matchPattern(b, m_Constant(&value)))
      return;
    ConstantReader from(value);
    if (!from.isValid())
      return;
    chooseForm(from, cast<RankedTensorType>(op.getResult().getType()), machine);
    int64_t depth = matrix.getDimSize(transpose ? 1 : 0);
    Type type =
        cast<RankedTensorType>(op.getResult().getType()).getElementType();
    int64_t width = machine.lanes(type.getIntOrFloatBitWidth());
    if (from.isHalf())
      packMatmul<uint16_t>(op, from, bool(transpose), depth, width, machine);
    else if (type.isF64())
      packMatmul<double>(op, from, bool(transpose), depth, width, machine);
    else
      packMatmul<float>(op, from, bool(transpose), depth, width, machine);
    if (transpose && transpose->use_empty())
      transpose.erase();
  }
};
} // namespace
