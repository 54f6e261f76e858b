//===- PackNBits.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/PackNBits.h"
#include "dialects/onnx/Shape.h"
#include "passes/graph/SelectHeavy.h"
#include "passes/graph/TensorData.h"

#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace ingot;
using graph::TensorData;

namespace {
/// Writes the stream, panel after panel.
class NBitsPacker {
public:
  NBitsPacker(heavy::MatmulNBitsOp op, TensorData codes, TensorData scales,
              std::optional<TensorData> zeros)
      : op(op), codes(std::move(codes)), scales(std::move(scales)),
        zeros(std::move(zeros)), bits(op.getBits()) {
    auto type = cast<IntegerType>(this->codes.type().getElementType());
    flip = type.isUnsigned() ? 0 : 1u << (bits - 1);
  }

  /// The zero point of all columns, as an unsigned code, if they share one.
  std::optional<int64_t> commonZero();
  /// Whether every scale is a number of half precision.
  bool scalesAreHalf();
  void write(char *to, int64_t panel);

private:
  /// The place of the scale of a column in a block of K.
  int64_t parameterAt(const TensorData &data, int64_t block, int64_t column) {
    if (data.size() == 1)
      return 0;
    if (int64_t(op.getBlockSize()) == 0)
      return column;
    return op.getTransposeB() ? column * op.getBlocks() + block
                              : block * int64_t(op.getN()) + column;
  }
  uint32_t code(int64_t k, int64_t column) {
    int64_t at = op.getTransposeB() ? column * int64_t(op.getK()) + k
                                    : k * int64_t(op.getN()) + column;
    return uint32_t(codes.load(at)) ^ flip;
  }
  char *writeHeader(char *to, int64_t block, int64_t first, int64_t end,
                    int64_t panel);
  char *writeWords(char *to, int64_t block, int64_t first, int64_t end,
                   int64_t panel);

  heavy::MatmulNBitsOp op;
  TensorData codes, scales;
  std::optional<TensorData> zeros;
  int64_t bits;
  /// What turns a signed code into an unsigned one.
  uint32_t flip;
};
} // namespace

std::optional<int64_t> NBitsPacker::commonZero() {
  if (!zeros)
    return flip;
  int64_t elements = zeros->isSplat() ? 1 : zeros->size();
  for (int64_t i = 1; i < elements; ++i)
    if (zeros->load(i) != zeros->load(0))
      return std::nullopt;
  return int64_t(zeros->load(0) ^ flip);
}

static uint16_t halfBits(float value, bool &exact) {
  APFloat half(value);
  bool lost = false;
  half.convert(APFloat::IEEEhalf(), APFloat::rmNearestTiesToEven, &lost);
  exact = !lost;
  return uint16_t(half.bitcastToAPInt().getZExtValue());
}

bool NBitsPacker::scalesAreHalf() {
  if (scales.type().getElementType().isF16())
    return true;
  int64_t elements = scales.isSplat() ? 1 : scales.size();
  bool exact = true;
  for (int64_t i = 0; exact && i < elements; ++i)
    halfBits(float(scales.loadDouble(i)), exact);
  return exact;
}

/// The scales and zero points of one block of a panel; the columns beyond N
/// stay 0.
char *NBitsPacker::writeHeader(char *to, int64_t block, int64_t first,
                               int64_t end, int64_t panel) {
  bool half = op.getHalfScales();
  int64_t bytes = half ? 2 : 4;
  for (int64_t n = first; n < end; ++n) {
    float scale = float(scales.loadDouble(parameterAt(scales, block, n)));
    bool exact;
    uint16_t narrow = half ? halfBits(scale, exact) : 0;
    std::memcpy(to + (n - first) * bytes,
                half ? static_cast<const void *>(&narrow) : &scale, bytes);
  }
  to += panel * bytes;
  if (op.getZeroPoint())
    return to;
  for (int64_t n = first; n < end; ++n)
    to[n - first] = char(zeros->load(parameterAt(*zeros, block, n)) ^ flip);
  return to + panel;
}

char *NBitsPacker::writeWords(char *to, int64_t block, int64_t first,
                              int64_t end, int64_t panel) {
  int64_t length = op.getBlockLength(), perWord = op.getCodesPerWord();
  int64_t from = block * length;
  int64_t to_k = std::min<int64_t>(from + length, op.getK());
  for (int64_t k = from; k < to_k; k += perWord, to += panel * 4)
    for (int64_t n = first; n < end; ++n) {
      uint32_t word = 0;
      for (int64_t i = 0; i < perWord && k + i < to_k; ++i)
        word |= code(k + i, n) << (8 * (i % 4) + bits * (i / 4));
      std::memcpy(to + (n - first) * 4, &word, 4);
    }
  return to;
}

void NBitsPacker::write(char *to, int64_t panel) {
  int64_t n = op.getN();
  for (int64_t first = 0; first < n; first += panel) {
    int64_t end = std::min(first + panel, n);
    for (int64_t block = 0; block < op.getBlocks(); ++block) {
      to = writeHeader(to, block, first, end, panel);
      to = writeWords(to, block, first, end, panel);
    }
  }
}

/// Vectors per panel: a row keeps as many sums, which must hide how long a
/// multiply-add takes; few registers hold fewer.
static int64_t vectorsPerPanel(kernel::MachineAttr machine, int64_t n,
                               int64_t width) {
  // What eight threads of a warp read side by side, 128 bytes.
  if (machine.hasWarps())
    return 8;
  int64_t vectors = machine.getVectorRegisters() >= 32 ? 4 : 2;
  return std::min<int64_t>(vectors, llvm::divideCeil(n, width));
}

static std::optional<TensorData> constantData(Value v) {
  ElementsAttr elements = graph::constantOf(v);
  return elements ? TensorData::of(elements) : std::nullopt;
}

LogicalResult ingot::packMatmulNBits(heavy::MatmulNBitsOp op,
                                     kernel::MachineAttr machine) {
  if (op.getPanel())
    return success();
  std::optional<TensorData> codes = constantData(op.getB()), zeros;
  std::optional<TensorData> scales = constantData(op.getParameters()[0]);
  bool hasZeros = op.getParameters().size() > 1;
  if (hasZeros)
    zeros = constantData(op.getParameters()[1]);
  if (!codes || !scales || (hasZeros && !zeros))
    return op.emitError("[IG4002] quantized weights have no data");

  NBitsPacker packer(op, *codes, *scales, zeros);
  int64_t width = machine.lanes(32);
  int64_t panel = width * vectorsPerPanel(machine, op.getN(), width);
  OpBuilder b(op);
  // Processors convert rows once rather than in each product.
  if (!machine.hasWarps())
    op.getAMutable().assign(castTo(b, op.getLoc(), op.getA(), b.getF32Type()));
  op.setPanel(panel);
  if (std::optional<int64_t> zero = packer.commonZero())
    op.setZeroPoint(*zero);
  op.setHalfScales(packer.scalesAreHalf());

  int64_t bytes =
      llvm::divideCeil(int64_t(op.getN()), panel) * op.getPanelBytes();
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(bytes, 64);
  char *data = blob.getMutableData().data();
  std::memset(data, 0, bytes);
  packer.write(data, panel);
  auto type = RankedTensorType::get({bytes}, b.getI8Type());
  auto attr = DenseResourceElementsAttr::get(type, "packed", std::move(blob));
  op.getBMutable().assign(onnx::ConstantOp::create(b, op.getLoc(), type, attr));
  op.getParametersMutable().clear();
  return success();
}
