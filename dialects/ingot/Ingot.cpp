//===- Ingot.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/ingot/Ingot.h"
#include "dialects/onnx/Dims.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace ingot::heavy;

#include "dialects/ingot/IngotDialect.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/ingot/Ingot.cpp.inc"

void IngotDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/ingot/Ingot.cpp.inc"
      >();
}

int64_t ConvOp::getChannels() {
  int64_t axis = getInputChannelsFirst() ? 1 : getInputType().getRank() - 1;
  return getInputType().getDimSize(axis);
}

/// True for floats of 8 bits, which are packed as integers are.
static bool isFloat8(Type type) {
  return isa<FloatType>(type) && type.getIntOrFloatBitWidth() == 8;
}

/// Fails unless the operands of an integer op are bytes, the right one signed
/// (16 bits wide where the machine's instruction takes such).
static LogicalResult verifyFactors(Operation *op, ShapedType left,
                                   ShapedType right) {
  if (!left.getElementType().isInteger(8) ||
      !(right.getElementType().isSignlessInteger(8) ||
        right.getElementType().isSignlessInteger(16)))
    return op->emitOpError("multiplies 8-bit integers, the right ones signed, "
                           "but got ")
           << left << " and " << right;
  return success();
}

/// Fails if an op is packed for tile registers that such do not compute.
static LogicalResult verifyTiled(Operation *op, bool isInteger,
                                 std::optional<int64_t> panel) {
  if (!isInteger || panel != tilePanel)
    return op->emitOpError("on tiles multiplies 8-bit integers in panels of ")
           << tilePanel;
  return success();
}

LogicalResult ConvOp::verify() {
  int64_t rank = getSpatialRank();
  auto input = dyn_cast<RankedTensorType>(getInput().getType());
  auto result = dyn_cast<RankedTensorType>(getResult().getType());
  auto weights = dyn_cast<RankedTensorType>(getWeights().getType());
  if (!input || !result || !weights)
    return emitOpError("needs operands with a rank");
  if (rank < 1 || rank > 3 || input.getRank() != rank + 2 ||
      result.getRank() != rank + 2)
    return emitOpError("has ") << rank << " spatial dimensions, but input "
                               << input << " and result " << result;
  if (int64_t(getStrides().size()) != rank ||
      int64_t(getPadsBegin().size()) != rank ||
      int64_t(getDilations().size()) != rank)
    return emitOpError("needs one stride, pad and dilation per spatial "
                       "dimension");
  int64_t channels = getChannels();
  if (ShapedType::isDynamic(channels) || getGroup() < 1 ||
      channels % int64_t(getGroup()) || getFilters() % getGroup())
    return emitOpError("group ")
           << getGroup() << " does not divide " << channels << " channels and "
           << getFilters() << " filters";
  if (result.getDimSize(rank + 1) != int64_t(getFilters()))
    return emitOpError("has ")
           << getFilters() << " filters, but result " << result;
  if (isInteger() && failed(verifyFactors(*this, input, weights)))
    return failure();
  if (getTiled() && failed(verifyTiled(*this, isInteger(), getPanel())))
    return failure();
  if (isInteger() && getInputChannelsFirst())
    return emitOpError("of integers takes channels-last tensors");
  int64_t points = 1;
  for (int64_t size : getKernel())
    points *= size;
  int64_t perGroup = getFilters() / getGroup();
  int64_t expected = getFilters() * (channels / getGroup()) * points;
  if (getTiled()) {
    expected = getGroup() * llvm::divideCeil(perGroup, tilePanel) * tilePanel *
               llvm::alignTo(points * (channels / getGroup()), tileDepth);
  } else if (getPanel() && !isDepthwise()) {
    int64_t depth = channels / getGroup();
    if (getMergedTaps()) {
      depth *= getKernel().back();
      points /= std::max<int64_t>(1, getKernel().back());
    }
    bool isBytes = isInteger() || isFloat8(weights.getElementType());
    // So are all taps where a single block has them all.
    bool isColumns = weights.getElementType().isF32() && weights.getRank() == 6;
    if ((isBytes || isColumns) && weights.getRank() == 6 &&
        weights.getDimSize(2) == 1) {
      depth *= points;
      points = 1;
    }
    // Pairs of bf16 have a dimension of their own too.
    bool isPairs = weights.getElementType().isBF16() && weights.getRank() == 6;
    if ((isBytes || isPairs || isColumns) && weights.getRank() > 0)
      depth =
          llvm::alignTo(depth, std::max<int64_t>(1, weights.getShape().back()));
    expected = getGroup() * llvm::divideCeil(perGroup, *getPanel()) *
               *getPanel() * depth * points;
  }
  if (!weights.hasStaticShape() || weights.getNumElements() != expected)
    return emitOpError("weights ")
           << weights << " should have " << expected << " elements";
  return success();
}

LogicalResult MatmulOp::verify() {
  auto a = dyn_cast<RankedTensorType>(getA().getType());
  auto b = dyn_cast<RankedTensorType>(getB().getType());
  auto result = dyn_cast<RankedTensorType>(getResult().getType());
  if (!a || !b || !result || a.getRank() < 2 || result.getRank() < 2)
    return emitOpError("needs matrices with a rank");
  if (result.getShape().back() != int64_t(getN()))
    return emitOpError("result ")
           << result << " has not " << getN() << " columns";
  int64_t k = a.getDimSize(a.getRank() - (getTransposeA() ? 2 : 1));
  if (getTiled() && failed(verifyTiled(*this, isInteger(), getPanel())))
    return failure();
  if (isInteger() || isFloat8(b.getElementType())) {
    if (isInteger() && failed(verifyFactors(*this, a, b)))
      return failure();
    if (getTransposeA())
      return emitOpError("takes no transposed matrix of ")
             << (isInteger() ? "integers" : "8-bit floats");
    if (getPanel()) {
      if (b.getRank() < 4)
        return emitOpError("has a panel, but b is ") << b;
      int64_t group = b.getShape().back();
      int64_t depth = b.getDimSize(b.getRank() - 3) * group;
      if (getTiled())
        depth /= 2;
      if (!ShapedType::isDynamic(k) &&
          int64_t(llvm::alignTo(k, group)) != depth)
        return emitOpError("inner sizes differ: ") << k << " and " << depth;
      return success();
    }
  }
  if (getPanel() && isa<FloatType>(b.getElementType()) && b.getRank() == 4) {
    int64_t group = b.getDimSize(3), held = b.getDimSize(1) * group;
    if (!ShapedType::isDynamic(k) &&
        (group < 1 || int64_t(llvm::alignTo(k, group)) != held))
      return emitOpError("inner sizes differ: ") << k << " and " << held;
    return success();
  }
  int64_t rows = getPanel() ? b.getDimSize(1) : b.getDimSize(b.getRank() - 2);
  if (!ShapedType::isDynamic(k) && !ShapedType::isDynamic(rows) && k != rows)
    return emitOpError("inner sizes differ: ") << k << " and " << rows;
  return success();
}

int64_t MatmulNBitsOp::getBlockLength() {
  int64_t size = getBlockSize(), k = getK();
  return size == 0 ? k : std::min(size, k);
}

int64_t MatmulNBitsOp::getBlocks() {
  return llvm::divideCeil(int64_t(getK()), getBlockLength());
}

int64_t MatmulNBitsOp::getHeaderBytes() {
  int64_t perColumn = (getHalfScales() ? 2 : 4) + (getZeroPoint() ? 0 : 1);
  return int64_t(getPanel().value_or(0)) * perColumn;
}

int64_t MatmulNBitsOp::getBlockBytes(int64_t length) {
  int64_t words = llvm::divideCeil(length, getCodesPerWord());
  return getHeaderBytes() + words * int64_t(getPanel().value_or(0)) * 4;
}

int64_t MatmulNBitsOp::getPanelBytes() {
  int64_t length = getBlockLength(), last = int64_t(getK()) % length;
  return int64_t(getK()) / length * getBlockBytes(length) +
         (last ? getBlockBytes(last) : 0);
}

/// Fails unless the parameter is one for all, per column, or per block.
static LogicalResult verifyParameter(MatmulNBitsOp op, Value parameter,
                                     StringRef name) {
  auto type = dyn_cast<RankedTensorType>(parameter.getType());
  if (!type || !type.hasStaticShape())
    return op.emitOpError(name)
           << " " << parameter.getType() << " should have a static shape";
  int64_t n = op.getN(), blocks = op.getBlocks();
  SmallVector<int64_t> wanted{n};
  if (int64_t(op.getBlockSize()) > 0) {
    wanted.insert(op.getTransposeB() ? wanted.end() : wanted.begin(), blocks);
  } else if (type.getNumElements() == 1) {
    return success();
  }
  if (type.getShape() != ArrayRef(wanted))
    return op.emitOpError(name)
           << " " << type << " should have the shape "
           << RankedTensorType::get(wanted, type.getElementType());
  return success();
}

LogicalResult MatmulNBitsOp::verify() {
  auto a = dyn_cast<RankedTensorType>(getA().getType());
  auto b = dyn_cast<RankedTensorType>(getB().getType());
  auto result = dyn_cast<RankedTensorType>(getResult().getType());
  if (!a || !b || !result || a.getRank() < 2 || result.getRank() != a.getRank())
    return emitOpError("needs matrices with a rank");
  int64_t k = getK(), n = getN(), bits = getBits(), size = getBlockSize();
  if (bits != 2 && bits != 4 && bits != 8)
    return emitOpError("has weights of ") << bits << " bits, not 2, 4 or 8";
  if (k < 1 || n < 1 || size < 0)
    return emitOpError("has sizes k ")
           << k << ", n " << n << " and block_size " << size;
  if (a.getShape().back() != k || result.getShape().back() != n)
    return emitOpError("is a product with ")
           << k << " x " << n << " weights, but a is " << a
           << " and the result " << result;
  Type left = a.getElementType();
  if (!(left.isF32() || left.isF16() || left.isBF16()) ||
      !result.getElementType().isF32())
    return emitOpError("computes in f32, but a is ")
           << a << " and the result " << result;
  if (getPanel()) {
    int64_t panel = *getPanel();
    if (panel < 1 || !getParameters().empty())
      return emitOpError("is packed in panels of ")
             << panel << " columns beside " << getParameters().size()
             << " parameters";
    int64_t bytes = llvm::divideCeil(n, panel) * getPanelBytes();
    if (b.getShape() != ArrayRef(bytes) || !b.getElementType().isInteger(8))
      return emitOpError("packed weights ")
             << b << " should be " << bytes << " bytes";
    return success();
  }
  auto codes = dyn_cast<IntegerType>(b.getElementType());
  SmallVector<int64_t> shape{k, n};
  if (getTransposeB())
    std::swap(shape[0], shape[1]);
  if (!codes || codes.getWidth() != bits || b.getShape() != ArrayRef(shape))
    return emitOpError("weights ")
           << b << " should be " << shape[0] << " x " << shape[1]
           << " integers of " << bits << " bits";
  if (getParameters().empty() || getParameters().size() > 2)
    return emitOpError("needs scales and at most zero points, got ")
           << getParameters().size() << " parameters";
  if (getParameters().size() == 2 &&
      getElementTypeOrSelf(getParameters()[1].getType()) != codes)
    return emitOpError("zero points ")
           << getParameters()[1].getType() << " should be of type " << codes;
  if (failed(verifyParameter(*this, getParameters()[0], "scales")))
    return failure();
  return getParameters().size() == 2
             ? verifyParameter(*this, getParameters()[1], "zero points")
             : success();
}
