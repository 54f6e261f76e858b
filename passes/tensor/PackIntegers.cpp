//===- PackIntegers.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/PackIntegers.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Shape.h"
#include "passes/tensor/Lowering.h"
#include "passes/tensor/lower/Scalars.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace ingot;
using kernel::DotForm;

namespace {
/// A constant of signed bytes, or of the bytes of 8-bit floats.
class Bytes {
public:
  explicit Bytes(Value v) {
    ElementsAttr attr;
    if (!matchPattern(v, m_Constant(&attr)))
      return;
    type = attr.getElementType();
    if (!type.isSignlessInteger(8) && !isFloat8(type))
      return;
    if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
      if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
        data = blob->getData();
    } else if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
      data = dense.getRawData();
      splat = dense.isSplat();
    }
    valid =
        splat ? !data.empty() : int64_t(data.size()) == attr.getNumElements();
  }
  bool isValid() const { return valid; }
  int8_t operator[](int64_t i) const { return int8_t(data[splat ? 0 : i]); }

  static bool isFloat8(Type type) {
    return isa<FloatType>(type) && type.getIntOrFloatBitWidth() == 8;
  }

  Type type;

private:
  ArrayRef<char> data;
  bool splat = false, valid = false;
};

/// The order of a panel: `group` depths of all its columns follow each other.
struct PanelOrder {
  PanelOrder(kernel::MachineAttr machine, int64_t panel)
      : form(machine.getDot()), group(machine.dotDepth()),
        bits(machine.dotBits()), width(machine.lanes(32)), panel(panel) {}

  /// The order for tile registers: two tiles for each 64 depths, whose rows
  /// hold four depths of 16 columns.
  static PanelOrder tiles(kernel::MachineAttr machine) {
    PanelOrder order(machine, heavy::tilePanel);
    order.isTiled = true;
    order.group = heavy::tileDepth;
    return order;
  }

  /// The order for tensor cores: all depths of a column follow each other, in
  /// chunks that threads and engines copy.
  void makeRows(int64_t depth) { group = llvm::alignTo(depth, rowAlignment); }

  /// Dimensions of panels of so many depths, a multiple of the group.
  SmallVector<int64_t> shape(int64_t depth) const {
    if (isTiled)
      return {2 * depth / group, 16, group};
    return {depth / group, panel, group};
  }

  /// Where the factor of depth k and column j lies.
  int64_t position(int64_t k, int64_t j) const {
    int64_t at = k / group * group * panel, within = k % group;
    if (isTiled)
      return at + j / 16 * 16 * group + within / 4 * group + j % 16 * 4 +
             within % 4;
    if (form != DotForm::pairs)
      return at + j * group + within;
    // Depths 0 and 2 of a vector's columns, then 1 and 3: the order in which
    // they come out of a word of A at one operation each.
    int64_t half = j / width * 2 + within % 2;
    return at + (half * width + j % width) * 2 + within / 2;
  }

  static constexpr int64_t rowAlignment = 16;

  DotForm form;
  int64_t group, bits, width, panel;
  bool isTiled = false;
};

/// The sizes of a product that decide how it is computed. `rows` is what is
/// known of them, `runs` the number of pieces that a row of the left operand is
/// gathered from, 0 if rows lie in memory.
struct ProductSize {
  std::optional<int64_t> rows;
  int64_t columns, depth, runs;
};
} // namespace

/// True if tile registers pay: by the cycles of the two ways, from their
/// instructions' throughput. A tile product has a multiply-add for each of 16
/// rows, 16 columns and 64 depths in 16 cycles, whether they exist or not, and
/// results pass through memory; the vectors' products multiply 128 numbers per
/// cycle and waste little. About three quarters of either is reached.
static bool tilesPay(kernel::MachineAttr machine, const ProductSize &size) {
  if (!machine.hasTiles() || size.columns < 8 || size.depth < 16)
    return false;
  // Gathered rows wait in the stack.
  constexpr int64_t longestDepth = 7168;
  // A symbolic number of rows is taken to be that of one block.
  int64_t rows = size.rows.value_or(32);
  if (rows < 8 || size.depth > longestDepth)
    return false;
  int64_t depth = llvm::alignTo(size.depth, heavy::tileDepth);
  int64_t tiles =
      llvm::divideCeil(rows, 16) * llvm::divideCeil(size.columns, 16);
  // For each tile of results: its store and the wait for its last product.
  constexpr int64_t finish = 40;
  int64_t products = depth / heavy::tileDepth * 16 * 4 / 3;
  int64_t tiled = tiles * (products + finish);
  int64_t runs = size.runs == 0 && depth != size.depth ? 1 : size.runs;
  // Some cycles for each piece and each cache line.
  if (runs > 0)
    tiled += rows * (4 * runs + 3 * size.depth / 64);
  int64_t vectors = rows * llvm::alignTo(size.columns, 16) *
                    llvm::alignTo(size.depth, 4) / 96;
  return tiled < vectors;
}

/// Columns per panel: what the register tile holds side by side.
static int64_t panelWidth(kernel::MachineAttr machine, int64_t n,
                          bool fewRows) {
  int64_t width = machine.lanes(32), vectors = 2;
  switch (machine.getDot()) {
  case DotForm::words:
    // Blocks of threads share rows of all columns.
    return llvm::alignTo(n, width);
  case DotForm::lanes:
  case DotForm::sdot:
    vectors = 4;
    break;
  case DotForm::smmla:
    vectors = 6;
    break;
  case DotForm::pairs:
  case DotForm::bytes:
  case DotForm::vnni:
    if (fewRows)
      vectors = machine.getVectorRegisters() >= 32 ? 8 : 4;
    break;
  }
  return width * std::max<int64_t>(
                     1, std::min<int64_t>(vectors, llvm::divideCeil(n, width)));
}

/// True for rows that threads of GPUs multiply word by word.
static bool hasFewRows(std::optional<int64_t> rows) {
  constexpr int64_t few = 8;
  return rows && *rows <= few;
}

/// Puts a factor in its place.
using Put = function_ref<void(int64_t, int8_t)>;

/// `count` factors of so many bits, which `fill` puts in their places.
static AsmResourceBlob packedBlob(int64_t count, int64_t bits,
                                  function_ref<void(Put)> fill) {
  size_t bytes = size_t(count) * (bits / 8);
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(bytes, 64);
  char *data = blob.getMutableData().data();
  std::memset(data, 0, bytes);
  if (bits == 8)
    fill([&](int64_t at, int8_t v) { data[at] = char(v); });
  else
    fill([&](int64_t at, int8_t v) {
      int16_t wide = v;
      std::memcpy(data + 2 * at, &wide, 2);
    });
  return blob;
}

static Value packedConstant(OpBuilder &b, Location loc, ArrayRef<int64_t> shape,
                            Type element, AsmResourceBlob blob) {
  auto type = RankedTensorType::get(shape, element);
  auto attr = DenseResourceElementsAttr::get(type, "packed", std::move(blob));
  return onnx::ConstantOp::create(b, loc, type, attr);
}

/// A constant of factors that `fill` puts in their places.
static Value packed(OpBuilder &b, Location loc, ArrayRef<int64_t> shape,
                    Type element, function_ref<void(Put)> fill) {
  int64_t bits = element.getIntOrFloatBitWidth();
  return packedConstant(b, loc, shape, element,
                        packedBlob(llvm::product_of(shape), bits, fill));
}

/// True if no sum of products of two neighbours and any unsigned bytes leaves
/// 16 bits.
static bool fitBytePairs(ArrayRef<char> factors) {
  constexpr int mostByte = 255;
  for (size_t i = 0; i + 1 < factors.size(); i += 2) {
    int x = int8_t(factors[i]), y = int8_t(factors[i + 1]);
    int most = mostByte * (std::max(x, 0) + std::max(y, 0));
    int least = mostByte * (std::min(x, 0) + std::min(y, 0));
    if (most > INT16_MAX || least < INT16_MIN)
      return false;
  }
  return true;
}

/// The same with `order`, which becomes that of pairs of bytes if it may and
/// the factors are such that those are exact: that is known only of factors in
/// their places.
static Value packedInOrder(OpBuilder &b, Location loc, ArrayRef<int64_t> shape,
                           Type element, PanelOrder &order, bool mayPair,
                           function_ref<void(Put)> fill) {
  PanelOrder asGiven = order;
  if (mayPair) {
    order.form = DotForm::bytes;
    order.bits = 8;
    AsmResourceBlob blob = packedBlob(llvm::product_of(shape), 8, fill);
    if (fitBytePairs(blob.getData()))
      return packedConstant(b, loc, shape, b.getI8Type(), std::move(blob));
    order = asGiven;
  }
  if (!isa<IntegerType>(element))
    return packed(b, loc, shape, element, fill);
  return packed(b, loc, shape, b.getIntegerType(order.bits), fill);
}

/// True if a product with that left operand can be one of pairs of bytes.
static bool mayPairBytes(kernel::MachineAttr machine, Value left) {
  return machine.forBytePairs() &&
         getElementTypeOrSelf(left.getType()).isUnsignedInteger();
}

/// A convolution as the product of its gathered pixels.
static ProductSize productSize(heavy::ConvOp op) {
  onnx::Dims result = onnx::getDims(op.getResultType());
  int64_t groups = op.getGroup(), channels = op.getChannels() / groups;
  int64_t points = 1;
  bool inPlace = true;
  for (auto [k, stride, pad] :
       llvm::zip(op.getKernel(), op.getStrides(), op.getPadsBegin())) {
    points *= k;
    inPlace &= k == 1 && stride == 1 && pad == 0;
  }
  // Short taps side by side are one piece.
  bool joins = groups == 1 && channels < heavy::tileDepth &&
               op.getDilations().back() == 1;
  int64_t runs = joins ? points / op.getKernel().back() : points;
  return {onnx::constantValue(
              onnx::product(ArrayRef(result).drop_back(), op.getContext())),
          int64_t(op.getFilters()) / groups, points * channels,
          inPlace ? 0 : runs};
}

/// Packs weights for tile registers: all taps, then all channels of each.
static void packTiles(heavy::ConvOp op, kernel::MachineAttr machine) {
  Bytes from(op.getWeights());
  PanelOrder order = PanelOrder::tiles(machine);
  ProductSize size = productSize(op);
  int64_t groups = op.getGroup(), channels = op.getChannels() / groups;
  int64_t points = size.depth / channels, perGroup = size.columns;
  int64_t panels = llvm::divideCeil(perGroup, order.panel);
  int64_t depth = llvm::alignTo(size.depth, order.group);
  SmallVector<int64_t> shape{groups, panels};
  shape.append(order.shape(depth));
  OpBuilder b(op);
  Value weights = packed(b, op.getLoc(), shape, b.getI8Type(), [&](Put put) {
    for (int64_t filter = 0; filter < groups * perGroup; ++filter) {
      int64_t g = filter / perGroup, m = filter % perGroup;
      int64_t panel = g * panels + m / order.panel;
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t t = 0; t < points; ++t)
          put(panel * depth * order.panel +
                  order.position(t * channels + c, m % order.panel),
              from[(filter * channels + c) * points + t]);
    }
  });
  op.getWeightsMutable().assign(weights);
  op.setPanel(order.panel);
  op.setTiled(true);
}

void ingot::packIntegers(heavy::ConvOp op, kernel::MachineAttr machine) {
  Bytes from(op.getWeights());
  if (op.getPanel() || !from.isValid())
    return;
  OpBuilder b(op);
  int64_t points = 1;
  for (int64_t k : op.getKernel())
    points *= k;
  int64_t filters = op.getFilters(), groups = op.getGroup();
  int64_t channels = op.getChannels() / groups;
  if (op.isDepthwise()) {
    Value weights =
        packed(b, op.getLoc(), {points, filters}, b.getI8Type(), [&](Put put) {
          for (int64_t p = 0; p < points; ++p)
            for (int64_t m = 0; m < filters; ++m)
              put(p * filters + m, from[m * points + p]);
        });
    op.getWeightsMutable().assign(weights);
    op.setPanel(machine.lanes(32));
    return;
  }
  int64_t perGroup = filters / groups;
  if (tilesPay(machine, productSize(op)))
    return packTiles(op, machine);
  PanelOrder order(machine, panelWidth(machine, perGroup, /*fewRows=*/false));
  int64_t panels = llvm::divideCeil(perGroup, order.panel);
  // With few channels, padding each tap would waste much of every product.
  int64_t inner = op.getKernel().back();
  bool merges = groups == 1 && channels % order.group != 0 && inner > 1 &&
                op.getDilations().back() == 1;
  int64_t run = merges ? inner : 1;
  // Blocks of threads gather the depth tap by tap as they need it.
  if (machine.hasWarps()) {
    run = points;
    if (machine.getTensorCores())
      order.makeRows(run * channels);
  }
  int64_t depth = llvm::alignTo(run * channels, order.group);
  int64_t blocks = points / run;
  Value weights = packedInOrder(
      b, op.getLoc(),
      {groups, panels, blocks, depth / order.group, order.panel, order.group},
      from.type, order, mayPairBytes(machine, op.getInput()), [&](Put put) {
        for (int64_t filter = 0; filter < filters; ++filter) {
          int64_t g = filter / perGroup, m = filter % perGroup;
          int64_t panel = g * panels + m / order.panel;
          for (int64_t c = 0; c < channels; ++c)
            for (int64_t t = 0; t < points; ++t) {
              int64_t block = panel * blocks + t / run;
              int64_t k = t % run * channels + c;
              put(block * depth * order.panel +
                      order.position(k, m % order.panel),
                  from[(filter * channels + c) * points + t]);
            }
        }
      });
  op.getWeightsMutable().assign(weights);
  op.setPanel(order.panel);
  op.setMergedTaps(merges);
  op.setBytePairs(order.form == DotForm::bytes);
}

/// The packing of a matrix (or a stack of them) that is known at run time.
static Value packAtRunTime(heavy::MatmulOp op, const PanelOrder &order) {
  OpBuilder b(op);
  auto type = cast<RankedTensorType>(op.getB().getType());
  onnx::Dims dims = onnx::getDims(type);
  int64_t rank = type.getRank(), n = op.getN();
  int64_t k = *onnx::constantValue(dims[rank - 2]);
  MLIRContext *context = b.getContext();
  onnx::Dims out(ArrayRef(dims).drop_back(2));
  out.push_back(onnx::constantDim(llvm::divideCeil(n, order.panel), context));
  for (int64_t size : order.shape(llvm::alignTo(k, order.group)))
    out.push_back(onnx::constantDim(size, context));
  auto result = onnx::tensorOf(out, b.getIntegerType(order.bits));
  Value source = op.getB();
  return compute(b, op.getLoc(), result, [&](Body &body) -> Value {
    Scalars s{body.b, body.loc};
    auto plus = [&](Value x, Value y) { return s.add(x, y); };
    auto times = [&](Value x, int64_t f) { return s.mul(x, s.index(f)); };
    auto quotient = [&](Value x, int64_t f) {
      return s.quotient(x, s.index(f));
    };
    auto remainder = [&](Value x, int64_t f) {
      return s.remainder(x, s.index(f));
    };
    int64_t batch = rank - 2;
    Value column = body.index(batch + 2), within = body.index(batch + 3);
    if (order.form == DotForm::pairs) {
      Value at = plus(times(column, order.group), within);
      Value slot = remainder(at, 2);
      at = quotient(at, 2);
      Value j = remainder(at, order.width);
      at = quotient(at, order.width);
      within = plus(times(slot, 2), remainder(at, 2));
      column = plus(times(quotient(at, 2), order.width), j);
    }
    Value block = body.index(batch + 1);
    if (order.isTiled) {
      // Row `column` of a tile: four depths for each column.
      Value depth = plus(times(column, 4), remainder(within, 4));
      column = plus(times(remainder(block, 2), 16), quotient(within, 4));
      block = quotient(block, 2);
      within = depth;
    }
    Value row = plus(times(block, order.group), within);
    column = plus(times(body.index(batch), order.panel), column);
    Value exists = s.both(s.less(row, s.index(k)), s.less(column, s.index(n)));
    SmallVector<Value> indices;
    for (int64_t i = 0; i < batch; ++i)
      indices.push_back(body.index(i));
    indices.push_back(s.min(row, s.index(k - 1)));
    indices.push_back(s.min(column, s.index(n - 1)));
    Value factor = body.load(source, indices);
    Value zero = integerConstant(body.b, body.loc, factor.getType(), 0);
    factor = s.select(exists, factor, zero);
    if (order.bits == 8)
      return factor;
    return arith::ExtSIOp::create(body.b, body.loc,
                                  body.b.getIntegerType(order.bits), factor);
  });
}

void ingot::packIntegers(heavy::MatmulOp op, kernel::MachineAttr machine) {
  if (op.getPanel())
    return;
  Value right = op.getB();
  auto transpose = right.getDefiningOp<onnx::TransposeOp>();
  Bytes from(transpose ? transpose.getData() : right);
  auto result = cast<RankedTensorType>(op.getResult().getType());
  auto matrix = cast<RankedTensorType>(right.getType());
  int64_t n = op.getN();
  std::optional<int64_t> rows = onnx::constantValue(onnx::product(
      ArrayRef(onnx::getDims(result)).drop_back(), op.getContext()));
  PanelOrder order(machine, panelWidth(machine, n, rows && *rows < 4));
  int64_t depth = matrix.getDimSize(matrix.getRank() - 2);
  if (ShapedType::isDynamic(depth) || depth == 0 || n == 0)
    return;
  bool isStack = matrix.getRank() != 2;
  if (isStack)
    rows = onnx::constantValue(onnx::getDims(result)[result.getRank() - 2]);
  if (tilesPay(machine, {rows, n, depth, /*runs=*/0})) {
    order = PanelOrder::tiles(machine);
    op.setTiled(true);
  }
  if (!op.isInteger() && (!from.isValid() || isStack))
    return;
  if (!from.isValid() || isStack) {
    op.getBMutable().assign(packAtRunTime(op, order));
    op.setPanel(order.panel);
    return;
  }
  if (machine.getTensorCores() && (!op.isInteger() || !hasFewRows(rows)))
    order.makeRows(depth);
  OpBuilder b(op);
  int64_t panels = llvm::divideCeil(n, order.panel);
  int64_t padded = llvm::alignTo(depth, order.group);
  SmallVector<int64_t> shape{panels};
  shape.append(order.shape(padded));
  bool mayPair = !order.isTiled && mayPairBytes(machine, op.getA());
  Value packedMatrix = packedInOrder(
      b, op.getLoc(), shape, from.type, order, mayPair, [&](Put put) {
        // In blocks, so that neither side strides through more than the cache.
        constexpr int64_t block = 64;
        for (int64_t p = 0; p < panels; ++p)
          for (int64_t k0 = 0; k0 < depth; k0 += block)
            for (int64_t j = 0; j < order.panel && p * order.panel + j < n; ++j)
              for (int64_t k = k0; k < std::min(depth, k0 + block); ++k) {
                int64_t column = p * order.panel + j;
                put(p * padded * order.panel + order.position(k, j),
                    from[transpose ? column * depth + k : k * n + column]);
              }
      });
  op.getBMutable().assign(packedMatrix);
  op.setPanel(order.panel);
  op.setBytePairs(order.form == DotForm::bytes);
  if (transpose && transpose->use_empty())
    transpose.erase();
}
