//===- Table.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Whatever is computed, element by element, from one quantized tensor of bytes
// is a table of 256 entries. They are computed here in double precision by
// running the operators' own scalar functions, and rounded once.
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Elementwise.h"
#include "dialects/onnx/Quant.h"
#include "dialects/onnx/Shape.h"
#include "passes/graph/Simplify.h"
#include "passes/graph/quant/SelectQuantized.h"
#include "passes/tensor/lower/Scalars.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace ingot;
using namespace ingot::quant;

//===----------------------------------------------------------------------===//
// Scalar functions in double precision
//===----------------------------------------------------------------------===//

using Unary = double (*)(double);

static Unary unaryFunction(Operation *op) {
  return TypeSwitch<Operation *, Unary>(op)
      .Case([](arith::NegFOp) -> Unary { return [](double x) { return -x; }; })
      .Case([](math::AbsFOp) -> Unary { return std::fabs; })
      .Case([](math::AcosOp) -> Unary { return std::acos; })
      .Case([](math::AcoshOp) -> Unary { return std::acosh; })
      .Case([](math::AsinOp) -> Unary { return std::asin; })
      .Case([](math::AsinhOp) -> Unary { return std::asinh; })
      .Case([](math::AtanOp) -> Unary { return std::atan; })
      .Case([](math::AtanhOp) -> Unary { return std::atanh; })
      .Case([](math::CeilOp) -> Unary { return std::ceil; })
      .Case([](math::CosOp) -> Unary { return std::cos; })
      .Case([](math::CoshOp) -> Unary { return std::cosh; })
      .Case([](math::ErfOp) -> Unary { return std::erf; })
      .Case([](math::ExpM1Op) -> Unary { return std::expm1; })
      .Case([](math::ExpOp) -> Unary { return std::exp; })
      .Case([](math::FloorOp) -> Unary { return std::floor; })
      .Case([](math::Log1pOp) -> Unary { return std::log1p; })
      .Case([](math::LogOp) -> Unary { return std::log; })
      .Case([](math::RoundEvenOp) -> Unary { return std::nearbyint; })
      .Case([](math::SinOp) -> Unary { return std::sin; })
      .Case([](math::SinhOp) -> Unary { return std::sinh; })
      .Case([](math::SqrtOp) -> Unary { return std::sqrt; })
      .Case([](math::TanOp) -> Unary { return std::tan; })
      .Case([](math::TanhOp) -> Unary { return std::tanh; })
      .Case([](math::TruncOp) -> Unary { return std::trunc; })
      .Default([](Operation *) -> Unary { return nullptr; });
}

static double maximum(double a, double b) {
  return std::isnan(a) || std::isnan(b) ? NAN : std::max(a, b);
}
static double minimum(double a, double b) {
  return std::isnan(a) || std::isnan(b) ? NAN : std::min(a, b);
}

using Binary = double (*)(double, double);

static Binary binaryFunction(Operation *op) {
  return TypeSwitch<Operation *, Binary>(op)
      .Case([](arith::AddFOp) -> Binary {
        return [](double a, double b) { return a + b; };
      })
      .Case([](arith::SubFOp) -> Binary {
        return [](double a, double b) { return a - b; };
      })
      .Case([](arith::MulFOp) -> Binary {
        return [](double a, double b) { return a * b; };
      })
      .Case([](arith::DivFOp) -> Binary {
        return [](double a, double b) { return a / b; };
      })
      .Case([](arith::MaximumFOp) -> Binary { return maximum; })
      .Case([](arith::MinimumFOp) -> Binary { return minimum; })
      .Case([](math::PowFOp) -> Binary { return std::pow; })
      .Case([](math::CopySignOp) -> Binary { return std::copysign; })
      .Case([](arith::AndIOp) -> Binary {
        return [](double a, double b) { return double(a != 0 && b != 0); };
      })
      .Case([](arith::OrIOp) -> Binary {
        return [](double a, double b) { return double(a != 0 || b != 0); };
      })
      .Case([](arith::XOrIOp) -> Binary {
        return [](double a, double b) { return double((a != 0) != (b != 0)); };
      })
      .Default([](Operation *) -> Binary { return nullptr; });
}

/// A comparison of doubles.
static bool compare(arith::CmpFPredicate predicate, double a, double b) {
  return arith::applyCmpPredicate(predicate, APFloat(a), APFloat(b));
}

namespace {
/// The scalar function of an elementwise op, on doubles (conditions: 0 or 1).
class ScalarFunction {
public:
  explicit ScalarFunction(onnx::Elementwise op) {
    OpBuilder b(op->getContext());
    b.setInsertionPointToStart(&block);
    SmallVector<Value> args;
    for (Value operand : op->getOperands())
      args.push_back(onnx::isNone(operand)
                         ? Value()
                         : block.addArgument(b.getF64Type(), op->getLoc()));
    result = op.emitScalar(b, op->getLoc(), args);
  }

  /// Nothing if an op of the function is not known.
  std::optional<double> operator()(ArrayRef<double> args) {
    llvm::DenseMap<Value, double> values;
    for (auto [argument, value] : llvm::zip(block.getArguments(), args))
      values[argument] = value;
    for (Operation &op : block) {
      std::optional<double> value = evaluate(op, values);
      if (!value)
        return std::nullopt;
      values[op.getResult(0)] = *value;
    }
    auto found = values.find(result);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  }

private:
  static std::optional<double>
  evaluate(Operation &op, const llvm::DenseMap<Value, double> &values) {
    Type type = op.getNumResults() == 1 ? op.getResult(0).getType() : Type();
    if (!type || !(type.isF64() || type.isInteger(1)))
      return std::nullopt;
    SmallVector<double, 3> in;
    for (Value operand : op.getOperands())
      in.push_back(values.lookup(operand));
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      if (auto number = dyn_cast<FloatAttr>(constant.getValue()))
        return number.getValueAsDouble();
      return double(
          !cast<IntegerAttr>(constant.getValue()).getValue().isZero());
    }
    if (auto test = dyn_cast<arith::CmpFOp>(op))
      return double(compare(test.getPredicate(), in[0], in[1]));
    if (isa<arith::SelectOp>(op))
      return in[0] != 0 ? in[1] : in[2];
    if (isa<math::FmaOp>(op))
      return std::fma(in[0], in[1], in[2]);
    if (isa<math::IsNaNOp>(op))
      return double(std::isnan(in[0]));
    if (Unary function = unaryFunction(&op))
      return function(in[0]);
    if (Binary function = binaryFunction(&op))
      return function(in[0], in[1]);
    return std::nullopt;
  }

  Block block;
  Value result;
};

//===----------------------------------------------------------------------===//
// Functions of one byte
//===----------------------------------------------------------------------===//

/// A float value as a function of the bytes of one tensor.
class ByteFunction {
public:
  /// Fails unless `value` is such a function and more than a change of scale.
  bool read(Value value);

  const Quantized &input() const { return *byte; }
  /// The result for an integer of the input; nothing if it cannot be computed.
  std::optional<double> operator()(int64_t q) {
    values.clear();
    integer = q;
    return evaluate(root);
  }

private:
  bool visit(Value value);
  std::optional<double> evaluate(Value value);

  std::optional<Quantized> byte;
  /// Quantized tensors in between that are functions of the byte themselves.
  llvm::DenseSet<Value> expanded;
  llvm::MapVector<Operation *, std::unique_ptr<ScalarFunction>> functions;
  llvm::DenseMap<Value, double> values;
  Value root;
  RankedTensorType shape;
  int64_t integer = 0;
};
} // namespace

static bool isElementwise(Operation *op) {
  return isa_and_nonnull<onnx::Elementwise>(op) &&
         getElementTypeOrSelf(op->getResult(0).getType()).isF32() &&
         llvm::all_of(op->getOperands(), [](Value operand) {
           return onnx::isNone(operand) ||
                  getElementTypeOrSelf(operand.getType()).isF32();
         });
}

bool ByteFunction::visit(Value value) {
  constexpr size_t mostOps = 32;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || functions.size() > mostOps)
    return false;
  if (graph::constantNumber(value))
    return true;
  // All values have the input's shape, so that elements correspond.
  if (onnx::getDims(type) != onnx::getDims(shape))
    return false;
  if (std::optional<Quantized> x = dequantized(value)) {
    if (expanded.contains(x->value)) {
      auto maker = x->value.getDefiningOp<onnx::QuantizeLinearOp>();
      return visit(maker.getX());
    }
    if (byte && byte->value != x->value)
      return false;
    byte = x;
    return isByte(x->type().getElementType());
  }
  Operation *op = value.getDefiningOp();
  if (!isElementwise(op))
    return false;
  if (!functions.contains(op))
    functions[op] =
        std::make_unique<ScalarFunction>(cast<onnx::Elementwise>(op));
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    return onnx::isNone(operand) || visit(operand);
  });
}

/// The quantized tensors that a float value is computed from directly.
static void collectBytes(Value value, llvm::SetVector<Value> &bytes,
                         int64_t depth = 0) {
  if (std::optional<Quantized> x = dequantized(value)) {
    bytes.insert(x->value);
    return;
  }
  Operation *op = value.getDefiningOp();
  if (isElementwise(op) && depth < 16)
    for (Value operand : op->getOperands())
      if (!onnx::isNone(operand))
        collectBytes(operand, bytes, depth + 1);
}

bool ByteFunction::read(Value value) {
  root = value;
  shape = dyn_cast<RankedTensorType>(value.getType());
  if (!shape || !isElementwise(value.getDefiningOp()))
    return false;
  llvm::SetVector<Value> bytes;
  collectBytes(value, bytes);
  // Of several, those that are made from another are looked through.
  while (bytes.size() > 1) {
    Value last;
    for (Value candidate : bytes) {
      auto maker = candidate.getDefiningOp<onnx::QuantizeLinearOp>();
      if (maker && quantizedStep(maker) &&
          isElementwise(maker.getX().getDefiningOp()))
        last = candidate;
    }
    if (!last || expanded.size() > 8)
      return false;
    expanded.insert(last);
    bytes.remove(last);
    collectBytes(last.getDefiningOp<onnx::QuantizeLinearOp>().getX(), bytes);
  }
  return visit(value) && byte;
}

std::optional<double> ByteFunction::evaluate(Value value) {
  if (std::optional<double> number = graph::constantNumber(value))
    return *number;
  auto known = values.find(value);
  if (known != values.end())
    return known->second;
  std::optional<double> result;
  if (std::optional<Quantized> x = dequantized(value)) {
    int64_t q = integer;
    if (x->value != byte->value) {
      auto maker = x->value.getDefiningOp<onnx::QuantizeLinearOp>();
      std::optional<double> before = evaluate(maker.getX());
      if (!before)
        return std::nullopt;
      Step step = *quantizedStep(maker);
      QuantizedRange range = x->range();
      double y = std::nearbyint(*before / step.scale) + double(step.zeroPoint);
      q = std::isnan(y)
              ? range.low
              : int64_t(std::clamp(y, double(range.low), double(range.high)));
    }
    result = double(q - x->step.zeroPoint) * x->step.scale;
  } else {
    Operation *op = value.getDefiningOp();
    SmallVector<double> args;
    for (Value operand : op->getOperands()) {
      if (onnx::isNone(operand))
        continue;
      std::optional<double> arg = evaluate(operand);
      if (!arg)
        return std::nullopt;
      args.push_back(*arg);
    }
    result = (*functions.find(op)->second)(args);
  }
  if (result)
    values[value] = *result;
  return result;
}

/// The quantized results for all bytes, in the order of their bits.
static std::optional<SmallVector<int32_t>> tableOf(ByteFunction &function,
                                                   const QuantizedResult &to) {
  const QuantizedRange &range = to.range;
  SmallVector<int32_t> table;
  for (int64_t bits = 0; bits < 256; ++bits) {
    int64_t q = function.input().isUnsigned() ? bits : int64_t(int8_t(bits));
    std::optional<double> x = function(q);
    if (!x)
      return std::nullopt;
    double y = std::nearbyint(*x / to.scale) + double(range.zeroPoint);
    y = std::isnan(y) ? double(range.low)
                      : std::clamp(y, double(range.low), double(range.high));
    table.push_back(int32_t(y));
  }
  return table;
}

namespace {
/// QuantizeLinear of a function of one tensor of bytes.
struct MakeTable : OpRewritePattern<onnx::QuantizeLinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::QuantizeLinearOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Step> step = quantizedStep(op);
    ByteFunction function;
    if (!step || isLinear(op.getX()) || !function.read(op.getX()))
      return failure();
    QuantizedResult to = quantizedResult(op, *step);
    std::optional<SmallVector<int32_t>> entries = tableOf(function, to);
    if (!entries)
      return failure();
    Location loc = to.loc(op.getX().getLoc());
    Type i32 = rewriter.getI32Type();
    // Entries of 32 bits, as vectors of bytes cannot be gathered.
    Value table = onnx::ConstantOp::create(
        rewriter, loc,
        DenseElementsAttr::get(RankedTensorType::get(256, i32),
                               ArrayRef(*entries)));
    Type element = to.type.getElementType();
    Value result = compute(
        rewriter, loc, to.type, function.input().value,
        rewriter.getMultiDimIdentityMap(to.type.getRank()),
        [&](Body &body) -> Value {
          Value at = arith::IndexCastUIOp::create(
              body.b, body.loc, body.b.getIndexType(), body.args[0]);
          return arith::TruncIOp::create(body.b, body.loc, computeType(element),
                                         body.load(table, at));
        });
    replaceChain(rewriter, to, result);
    return success();
  }
};
} // namespace

void quant::populateQuantizedTable(RewritePatternSet &patterns) {
  patterns.add<MakeTable>(patterns.getContext());
}
