//===- ShapeValues.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/ShapeValues.h"
#include "dialects/onnx/Generator.h"
#include "dialects/onnx/Index.h"
#include "dialects/onnx/Infer.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/SliceBounds.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ingot;
using onnx::constantDim;
using onnx::constantValue;
using onnx::Dims;

bool onnx::isNonNegative(AffineExpr expr) {
  if (std::optional<int64_t> value = constantValue(expr))
    return *value >= 0;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return true;
  if (!isShort(expr))
    return false;
  // A remainder has its divisor's sign, which must be positive anyway.
  return isNonNegative(binary.getRHS()) &&
         (expr.getKind() == AffineExprKind::Mod ||
          isNonNegative(binary.getLHS()));
}

bool onnx::dependsOnData(AffineExpr expr) {
  auto *dialect = expr.getContext()->getOrLoadDialect<OnnxDialect>();
  if (!isShort(expr))
    return true;
  bool found = false;
  expr.walk([&](AffineExpr part) {
    if (auto symbol = dyn_cast<AffineSymbolExpr>(part))
      found |= dialect->getSymbolName(symbol.getPosition()).starts_with("?");
  });
  return found;
}

namespace {
constexpr int64_t maxElements = 64;
constexpr unsigned maxDepth = 64;
constexpr unsigned maxSteps = 512;

using Elements = std::optional<Dims>;
using Fold = llvm::function_ref<AffineExpr(AffineExpr, AffineExpr)>;

/// Walks back from a value to shapes and constants. Every value is looked at
/// once, and only so many of them.
class Evaluator {
public:
  explicit Evaluator(MLIRContext *context) : context(context) {}

  Elements evaluate(Value value, unsigned depth = 0) {
    if (auto it = known.find(value); it != known.end())
      return it->second;
    RankedTensorType type = onnx::rankedType(value);
    if (!type || !type.hasStaticShape() ||
        type.getNumElements() > maxElements ||
        !isa<IntegerType, FloatType>(type.getElementType()))
      return std::nullopt;
    size_t count = type.getNumElements();
    Elements elements;
    if (depth < maxDepth && ++steps < maxSteps)
      elements = compute(value, depth + 1);
    // Nothing is known of a single element either.
    if (!elements || elements->size() != count)
      elements = Dims(count);
    for (AffineExpr &element : *elements)
      if (element && !onnx::isShort(element))
        element = {};
    return known[value] = elements;
  }

private:
  Elements compute(Value value, unsigned depth);
  Elements byName(Operation *op, unsigned depth);
  Elements constant(Value value);
  Elements gather(onnx::GatherOp op, unsigned depth);
  Elements concat(onnx::ConcatOp op, unsigned depth);
  Elements slice(onnx::SliceOp op, unsigned depth);
  Elements split(onnx::SplitOp op, Value part, unsigned depth);
  Elements fill(onnx::ConstantOfShapeOp op, size_t count);
  Elements range(onnx::RangeOp op, size_t count, unsigned depth);
  Elements where(Operation *op, unsigned depth);
  Elements zip(Operation *op, unsigned depth, Fold fold);
  Elements foldAll(Operation *op, unsigned depth, int64_t start, Fold fold);

  MLIRContext *context;
  unsigned steps = 0;
  llvm::DenseMap<Value, Elements> known;
};
} // namespace

Elements Evaluator::compute(Value value, unsigned depth) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return std::nullopt;
  auto type = cast<RankedTensorType>(value.getType());
  return llvm::TypeSwitch<Operation *, Elements>(op)
      .Case([&](onnx::ConstantOp) { return constant(value); })
      .Case([&](onnx::ShapeOp shape) { return shape.listedDims(); })
      .Case([&](onnx::SizeOp size) -> Elements {
        RankedTensorType data = onnx::rankedType(size.getData());
        if (!data)
          return std::nullopt;
        return Dims{onnx::product(onnx::getDims(data), context)};
      })
      .Case<onnx::ReshapeOp, onnx::SqueezeOp, onnx::UnsqueezeOp,
            onnx::FlattenOp>(
          [&](auto view) { return evaluate(view->getOperand(0), depth); })
      .Case([&](onnx::GatherOp gathered) { return gather(gathered, depth); })
      .Case([&](onnx::ConcatOp joined) { return concat(joined, depth); })
      .Case([&](onnx::SliceOp sliced) { return slice(sliced, depth); })
      .Case([&](onnx::SplitOp parts) { return split(parts, value, depth); })
      .Case([&](onnx::ConstantOfShapeOp filled) {
        return fill(filled, type.getNumElements());
      })
      .Case([&](onnx::RangeOp counted) {
        return range(counted, type.getNumElements(), depth);
      })
      .Case([&](onnx::ExpandOp expanded) -> Elements {
        Elements from = evaluate(expanded.getInput(), depth);
        if (!from || from->size() != 1)
          return from;
        return Dims(type.getNumElements(), from->front());
      })
      .Default([&](Operation *) { return byName(op, depth); });
}

Elements Evaluator::constant(Value value) {
  if (auto integers = onnx::constantIntegers(value, maxElements)) {
    Dims elements;
    for (int64_t integer : *integers)
      elements.push_back(constantDim(integer, context));
    return elements;
  }
  auto floats = onnx::constantFloats(value, maxElements);
  if (!floats)
    return std::nullopt;
  Dims elements;
  for (double number : *floats) {
    bool whole = std::abs(number) < 9e15 && number == double(int64_t(number));
    elements.push_back(whole ? constantDim(int64_t(number), context)
                             : AffineExpr());
  }
  return elements;
}

Elements Evaluator::gather(onnx::GatherOp op, unsigned depth) {
  RankedTensorType data = onnx::rankedType(op.getData());
  Elements from = evaluate(op.getData(), depth);
  Elements indices = evaluate(op.getIndices(), depth);
  if (!from || !indices || data.getRank() != 1)
    return std::nullopt;
  Dims elements;
  for (AffineExpr index : *indices) {
    std::optional<int64_t> at = index ? constantValue(index) : std::nullopt;
    int64_t size = from->size();
    if (at && *at < 0)
      *at += size;
    bool inside = at && *at >= 0 && *at < size;
    elements.push_back(inside ? (*from)[*at] : AffineExpr());
  }
  return elements;
}

Elements Evaluator::concat(onnx::ConcatOp op, unsigned depth) {
  Dims elements;
  for (Value input : op.getInputs()) {
    RankedTensorType type = onnx::rankedType(input);
    Elements part = evaluate(input, depth);
    if (!part || type.getRank() != 1)
      return std::nullopt;
    llvm::append_range(elements, *part);
  }
  return elements;
}

Elements Evaluator::slice(onnx::SliceOp op, unsigned depth) {
  RankedTensorType type = onnx::rankedType(op.getData());
  Elements from = evaluate(op.getData(), depth);
  if (!from || type.getRank() != 1)
    return std::nullopt;
  // The bounds of a list are constants; evaluating them anew would let chains
  // of slices cost more than their length.
  for (Value bound : op->getOperands().drop_front())
    if (!onnx::isNone(bound) && !onnx::constantIntegers(bound))
      return std::nullopt;
  auto bounds = onnx::sliceBounds(std::nullopt, type, op.getStarts(),
                                  op.getEnds(), op.getAxes(), op.getSteps());
  if (failed(bounds))
    return std::nullopt;
  const onnx::SliceBound &bound = bounds->front();
  if (!bound.staysInside(constantDim(from->size(), context)))
    return std::nullopt;
  int64_t at = *constantValue(bound.start), count = *constantValue(bound.size);
  Dims elements;
  for (int64_t i = 0; i < count; ++i, at += bound.step)
    elements.push_back((*from)[at]);
  return elements;
}

Elements Evaluator::split(onnx::SplitOp op, Value part, unsigned depth) {
  RankedTensorType type = onnx::rankedType(op.getInput());
  Elements from = evaluate(op.getInput(), depth);
  if (!from || type.getRank() != 1)
    return std::nullopt;
  size_t first = 0;
  for (Value result : op.getOutputs()) {
    RankedTensorType own = onnx::rankedType(result);
    if (!own || !own.hasStaticShape())
      return std::nullopt;
    size_t count = own.getNumElements();
    if (first + count > from->size())
      return std::nullopt;
    if (result == part)
      return Dims(ArrayRef<AffineExpr>(*from).slice(first, count));
    first += count;
  }
  return std::nullopt;
}

Elements Evaluator::fill(onnx::ConstantOfShapeOp op, size_t count) {
  std::optional<ElementsAttr> value = op.getValue();
  if (!value)
    return Dims(count, constantDim(0, context));
  auto dense = dyn_cast<DenseIntElementsAttr>(*value);
  if (!dense || dense.getNumElements() != 1)
    return std::nullopt;
  APInt element = *dense.getValues<APInt>().begin();
  if (element.getSignificantBits() > 64)
    return std::nullopt;
  return Dims(count, constantDim(element.getSExtValue(), context));
}

Elements Evaluator::range(onnx::RangeOp op, size_t count, unsigned depth) {
  Elements start = evaluate(op.getStart(), depth);
  Elements delta = evaluate(op.getDelta(), depth);
  if (!start || !delta || start->size() != 1 || delta->size() != 1 ||
      !start->front() || !delta->front())
    return std::nullopt;
  Dims elements;
  for (size_t i = 0; i < count; ++i)
    elements.push_back(start->front() + delta->front() * int64_t(i));
  return elements;
}

/// Element-wise fold of two lists of one length, one of which may have a single
/// element.
Elements Evaluator::zip(Operation *op, unsigned depth, Fold fold) {
  if (op->getNumOperands() != 2)
    return std::nullopt;
  Elements a = evaluate(op->getOperand(0), depth);
  Elements b = evaluate(op->getOperand(1), depth);
  if (!a || !b || (a->size() != b->size() && a->size() != 1 && b->size() != 1))
    return std::nullopt;
  Dims elements;
  size_t count = a->size() == 1 ? b->size() : a->size();
  for (size_t i = 0; i < count; ++i) {
    AffineExpr left = (*a)[a->size() == 1 ? 0 : i];
    AffineExpr right = (*b)[b->size() == 1 ? 0 : i];
    elements.push_back(left && right ? fold(left, right) : AffineExpr());
  }
  return elements;
}

/// The fold of a whole list into one element.
Elements Evaluator::foldAll(Operation *op, unsigned depth, int64_t start,
                            Fold fold) {
  Elements from = evaluate(op->getOperand(0), depth);
  if (!from)
    return std::nullopt;
  AffineExpr result = constantDim(start, context);
  for (AffineExpr element : *from) {
    if (!element || !onnx::isShort(result))
      return std::nullopt;
    result = fold(result, element);
  }
  return Dims{result};
}

Elements Evaluator::where(Operation *op, unsigned depth) {
  if (op->getNumOperands() != 3)
    return std::nullopt;
  Elements lists[3];
  size_t count = 1;
  for (int i = 0; i < 3; ++i) {
    lists[i] = evaluate(op->getOperand(i), depth);
    if (!lists[i])
      return std::nullopt;
    if (lists[i]->size() != 1)
      count = lists[i]->size();
  }
  Dims elements;
  for (size_t i = 0; i < count; ++i) {
    AffineExpr at[3];
    for (int list = 0; list < 3; ++list) {
      size_t size = lists[list]->size();
      if (size != 1 && size != count)
        return std::nullopt;
      at[list] = (*lists[list])[size == 1 ? 0 : i];
    }
    std::optional<int64_t> condition =
        at[0] ? constantValue(at[0]) : std::nullopt;
    elements.push_back(condition        ? at[*condition ? 1 : 2]
                       : at[1] == at[2] ? at[1]
                                        : AffineExpr());
  }
  return elements;
}

/// Integer division as ONNX means it, towards zero.
static AffineExpr divide(AffineExpr a, AffineExpr b) {
  std::optional<int64_t> dividend = constantValue(a),
                         divisor = constantValue(b);
  if (divisor == 0)
    return {};
  if (dividend && divisor)
    return divisor == -1 ? a * -1
                         : constantDim(*dividend / *divisor, a.getContext());
  // Sizes: floor and truncation agree.
  if (!onnx::isNonNegative(a) || !onnx::isNonNegative(b))
    return {};
  FailureOr<AffineExpr> exact = onnx::quotient(a, b, a.getContext());
  return succeeded(exact) ? *exact : AffineExpr();
}

/// a == b as 0 or 1 where it is the same for all sizes.
static AffineExpr equal(AffineExpr a, AffineExpr b) {
  std::optional<int64_t> difference = constantValue(onnx::simplifySum(a - b));
  if (!difference && ((onnx::isNonNegative(a) && onnx::isNonNegative(-1 - b)) ||
                      (onnx::isNonNegative(b) && onnx::isNonNegative(-1 - a))))
    difference = 1;
  if (!difference)
    return {};
  return constantDim(*difference == 0, a.getContext());
}

static AffineExpr larger(AffineExpr a, AffineExpr b) {
  AffineExpr more = onnx::simplifySum(a - b), less = onnx::simplifySum(b - a);
  return onnx::isNonNegative(more)   ? a
         : onnx::isNonNegative(less) ? b
                                     : AffineExpr();
}

static AffineExpr smaller(AffineExpr a, AffineExpr b) {
  AffineExpr most = larger(a, b);
  return !most ? most : most == a ? b : a;
}

static AffineExpr modulo(AffineExpr a, AffineExpr b) {
  bool plain = constantValue(b).value_or(0) > 0 && onnx::isNonNegative(a);
  return plain ? a % b : AffineExpr();
}

// Ops of other families by name: their definitions are not needed.
Elements Evaluator::byName(Operation *op, unsigned depth) {
  if (!isa<onnx::OnnxDialect>(op->getDialect()) || op->getNumResults() != 1 ||
      op->getNumOperands() == 0)
    return std::nullopt;
  StringRef name = op->getName().stripDialect();
  Type element = onnx::elementTypeOf(op->getResult(0));
  if (name == "Where")
    return where(op, depth);
  if (name == "Equal")
    return zip(op, depth, equal);
  // A cast to a narrow type may change the number.
  bool wide = element.getIntOrFloatBitWidth() >= 32;
  if (name == "Identity" || (name == "Cast" && wide) || name == "Floor" ||
      name == "Ceil" || name == "Round")
    return evaluate(op->getOperand(0), depth);
  if (element.isInteger(1))
    return std::nullopt;
  if (name == "Add")
    return zip(op, depth, [](AffineExpr a, AffineExpr b) { return a + b; });
  if (name == "Sub")
    return zip(op, depth, [](AffineExpr a, AffineExpr b) { return a - b; });
  if (name == "Mul")
    return zip(op, depth, [](AffineExpr a, AffineExpr b) { return a * b; });
  if (name == "Min")
    return zip(op, depth, smaller);
  if (name == "Max")
    return zip(op, depth, larger);
  if (name == "Div" && isa<IntegerType>(element))
    return zip(op, depth, divide);
  if (name == "Mod" && isa<IntegerType>(element))
    return zip(op, depth, modulo);
  RankedTensorType operand = onnx::rankedType(op->getOperand(0));
  if (!operand || operand.getRank() != 1)
    return std::nullopt;
  if (name == "ReduceProd")
    return foldAll(op, depth, 1,
                   [](AffineExpr a, AffineExpr b) { return a * b; });
  if (name == "ReduceSum")
    return foldAll(op, depth, 0,
                   [](AffineExpr a, AffineExpr b) { return a + b; });
  return std::nullopt;
}

std::optional<Dims> onnx::partialIntegers(Value value) {
  if (isNone(value))
    return std::nullopt;
  return Evaluator(value.getContext()).evaluate(value);
}

std::optional<Dims> onnx::symbolicIntegers(Value value) {
  std::optional<Dims> elements = partialIntegers(value);
  if (!elements || llvm::is_contained(*elements, AffineExpr()))
    return std::nullopt;
  return elements;
}

Dims onnx::listElements(Value list, int64_t count) {
  std::optional<Dims> elements = partialIntegers(list);
  if (elements && int64_t(elements->size()) == count)
    return *elements;
  return Dims(count);
}
