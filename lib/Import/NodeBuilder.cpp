//===- NodeBuilder.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Import/NodeBuilder.h"
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/NodeName.h"
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/ShapeValues.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace ingot;

/// Constants of at most this many elements are worth making while importing:
/// shapes, axes and what they are computed from.
static constexpr int64_t kFoldedElements = 4096;

std::optional<RegisteredOperationName>
ingot::findOperator(StringRef opType, MLIRContext *context) {
  auto name =
      RegisteredOperationName::lookup(("onnx." + opType).str(), context);
  // onnx.None is an op but no operator.
  if (!name || !name->hasInterface<onnx::Checked>())
    return std::nullopt;
  return name;
}

/// Finds N such that the op has the trait of exactly (`Exact`) or at least
/// (`Least`) N operands or results.
template <template <unsigned> class Exact, template <unsigned> class Least,
          unsigned... N>
static Arity arityOf(RegisteredOperationName name,
                     std::integer_sequence<unsigned, N...>) {
  Arity arity;
  ((name.hasTrait<Exact<N + 2>::template Impl>() ? void(arity.exact = N + 2)
                                                 : void()),
   ...);
  ((name.hasTrait<Least<N + 1>::template Impl>() ? void(arity.least = N + 1)
                                                 : void()),
   ...);
  if (arity.exact)
    arity.least = *arity.exact;
  return arity;
}

using UpTo32 = std::make_integer_sequence<unsigned, 32>;

Arity ingot::operandArity(RegisteredOperationName name) {
  if (name.hasTrait<OpTrait::ZeroOperands>())
    return {0, 0};
  if (name.hasTrait<OpTrait::OneOperand>())
    return {1, 1};
  return arityOf<OpTrait::NOperands, OpTrait::AtLeastNOperands>(name, UpTo32());
}

Arity ingot::resultArity(RegisteredOperationName name) {
  if (name.hasTrait<OpTrait::ZeroResults>())
    return {0, 0};
  if (name.hasTrait<OpTrait::OneResult>())
    return {1, 1};
  return arityOf<OpTrait::NResults, OpTrait::AtLeastNResults>(name, UpTo32());
}

NodeBuilder::NodeBuilder(OpBuilder &builder)
    : builder(builder), location(builder.getUnknownLoc()) {
  foldBudget.bytes = kFoldedElements * 16;
  foldBudget.steps = int64_t(1) << 26;
  DialectRegistry registry;
  registerFoldDialects(registry);
  getContext()->appendDialectRegistry(registry);
  for (StringRef name : registry.getDialectNames())
    getContext()->getOrLoadDialect(name);
}

void NodeBuilder::setNode(StringRef opType, StringRef name) {
  location = onnx::nodeLocation(getContext(), opType, name);
  description = "node " + quoted({name.data(), name.size()}) + " (" +
                escaped({opType.data(), opType.size()}) + "): ";
}

LogicalResult NodeBuilder::fail(Code code, const Twine &text) {
  return emitError(location) << tag(code) << description << text;
}

bool NodeBuilder::holds(llvm::function_ref<LogicalResult()> check) {
  problem.clear();
  ScopedDiagnosticHandler handler(getContext(), [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error &&
        problem.empty())
      problem = diagnostic.str();
    return success();
  });
  bool good = succeeded(check());
  // "'onnx.Conv' op ..." says what the description says already.
  StringRef text(problem);
  if (text.consume_front("'onnx.") && text.contains("' op "))
    problem = text.substr(text.find("' op ") + 5).str();
  if (!good && problem.empty())
    problem = "breaks a rule of its operator";
  return good;
}

LogicalResult NodeBuilder::checkNames(RegisteredOperationName name,
                                      NamedAttrList &attributes) {
  ArrayRef<StringAttr> known = name.getAttributeNames();
  for (NamedAttribute attribute : attributes) {
    if (llvm::is_contained(known, attribute.getName()))
      continue;
    StringRef text = attribute.getName();
    return fail(Code::UnknownAttribute,
                "unknown attribute " + quoted({text.data(), text.size()}));
  }
  auto check = [&]() -> LogicalResult {
    return name.verifyInherentAttrs(attributes,
                                    [&] { return emitError(location); });
  };
  if (!holds(check))
    return fail(Code::BadAttribute, problem);
  return success();
}

Operation *NodeBuilder::build(RegisteredOperationName name, ValueRange operands,
                              const NamedAttrList &attributes,
                              unsigned numResults) {
  OperationState state(location, name);
  state.addOperands(operands);
  state.attributes = attributes;
  // Stands for types not inferred yet. Most results have the element type of
  // the first operand.
  Type element = builder.getF32Type();
  if (!operands.empty() && isa<TensorType>(operands.front().getType()))
    element = getElementTypeOrSelf(operands.front().getType());
  Type unknown = UnrankedTensorType::get(element);
  state.types.assign(numResults, unknown);
  return builder.create(state);
}

LogicalResult NodeBuilder::inferTypes(Operation *op) {
  auto checked = cast<onnx::Checked>(op);
  // ODS checks attributes, then operands, then results: a complaint about the
  // placeholders of results means that the rest holds.
  if (!holds([&] { return checked.checkInvariants(); }) &&
      !StringRef(problem).starts_with("result #")) {
    StringRef text(problem);
    if (text.starts_with("requires attribute"))
      return fail(Code::MissingAttribute, problem);
    if (text.starts_with("operand #") && text.ends_with("got 'none'"))
      return fail(Code::InputCount, "lacks an input: " + problem);
    return fail(Code::InvalidNode, problem);
  }
  SmallVector<Type> types;
  auto inferable = cast<InferTypeOpInterface>(op);
  auto infer = [&] {
    return inferable.inferReturnTypes(getContext(), location, op->getOperands(),
                                      op->getDiscardableAttrDictionary(),
                                      op->getPropertiesStorage(),
                                      op->getRegions(), types);
  };
  if (!holds(infer))
    return fail(Code::InvalidNode, problem);
  if (types.size() != op->getNumResults())
    return fail(Code::OutputCount, "the operator has " + Twine(types.size()) +
                                       " outputs here, the node lists " +
                                       Twine(op->getNumResults()));
  for (auto [result, type] : llvm::zip(op->getResults(), types))
    result.setType(type);
  if (!holds([&] { return verify(op, /*verifyRecursively=*/false); }))
    return fail(Code::InvalidNode, problem);
  return success();
}

FailureOr<SmallVector<Value>> NodeBuilder::create(StringRef opType,
                                                  ValueRange operands,
                                                  NamedAttrList attributes,
                                                  unsigned numResults) {
  auto name = findOperator(opType, getContext());
  if (!name)
    return fail(Code::UnsupportedNodes,
                "the operator " + opType + " is not supported");
  if (failed(checkNames(*name, attributes)))
    return failure();

  Arity wanted = operandArity(*name);
  SmallVector<Value> all;
  for (Value operand : operands)
    all.push_back(operand ? operand : none());
  if (wanted.exact)
    while (all.size() > *wanted.exact && onnx::isNone(all.back()))
      all.pop_back();
  if (all.size() > wanted.exact.value_or(all.size()))
    return fail(Code::InputCount, "has " + Twine(all.size()) +
                                      " inputs, the operator takes at most " +
                                      Twine(*wanted.exact));
  if (!wanted.exact && all.size() < wanted.least)
    return fail(Code::InputCount, "has " + Twine(all.size()) +
                                      " inputs, the operator takes at least " +
                                      Twine(wanted.least));
  if (wanted.exact)
    while (all.size() < *wanted.exact)
      all.push_back(none());

  Arity results = resultArity(*name);
  if (numResults > results.exact.value_or(numResults))
    return fail(Code::OutputCount, "has " + Twine(numResults) +
                                       " outputs, the operator has " +
                                       Twine(*results.exact));
  Operation *op =
      build(*name, all, attributes, results.exact.value_or(numResults));
  if (failed(inferTypes(op))) {
    op->erase();
    return failure();
  }
  return fold(op);
}

/// True if an op's results are few enough elements of known shape to be kept
/// as constants, and either integers or computed from constants alone.
static bool isWorthFolding(Operation *op, ArrayRef<Attribute> operands) {
  bool allConstant = true;
  for (auto [value, attribute] : llvm::zip(op->getOperands(), operands))
    allConstant &= attribute || onnx::isNone(value);
  return llvm::all_of(op->getResults(), [&](Value result) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    return type && type.hasStaticShape() &&
           type.getNumElements() <= kFoldedElements &&
           (allConstant || isa<IntegerType>(type.getElementType()));
  });
}

/// True if the operands are small: weights are not read while importing.
static bool readsLittle(Operation *op) {
  constexpr int64_t elements = 1 << 16;
  return llvm::all_of(op->getOperandTypes(), [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return !tensor || !tensor.hasStaticShape() ||
           tensor.getNumElements() <= elements;
  });
}

/// Results of the op's own folder, empty if it has none or declines.
SmallVector<Value> NodeBuilder::foldByFolder(Operation *op,
                                             ArrayRef<Attribute> operands) {
  SmallVector<OpFoldResult> folded;
  if (failed(op->fold(operands, folded)) ||
      folded.size() != op->getNumResults())
    return {};
  SmallVector<Value> values;
  for (auto [result, fold] : llvm::zip(op->getResults(), folded)) {
    if (auto value = dyn_cast<Value>(fold)) {
      if (value.getType() != result.getType())
        return {};
      values.push_back(value);
      continue;
    }
    auto elements = dyn_cast_or_null<ElementsAttr>(cast<Attribute>(fold));
    if (!elements || elements.getType() != result.getType())
      return {};
    values.push_back(constant(elements));
  }
  op->erase();
  return values;
}

/// An integer tensor that depends on sizes, all of which turn out constant.
static ElementsAttr constantSizes(Operation *op) {
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (op->getNumResults() != 1 || !type || !type.hasStaticShape() ||
      !type.getElementType().isSignlessInteger(64))
    return {};
  std::optional<onnx::Dims> sizes = onnx::symbolicIntegers(op->getResult(0));
  if (!sizes || int64_t(sizes->size()) != type.getNumElements())
    return {};
  SmallVector<int64_t> values;
  for (AffineExpr size : *sizes) {
    std::optional<int64_t> value = onnx::constantValue(size);
    if (!value)
      return {};
    values.push_back(*value);
  }
  return cast<ElementsAttr>(DenseElementsAttr::get(type, ArrayRef(values)));
}

SmallVector<Value> NodeBuilder::fold(Operation *op) {
  SmallVector<Value> results(op->getResults());
  if (op->hasTrait<OpTrait::ConstantLike>())
    return results;
  SmallVector<Attribute> operands;
  for (Value operand : op->getOperands()) {
    Attribute attribute;
    if (!matchPattern(operand, m_Constant(&attribute)))
      attribute = {};
    operands.push_back(attribute);
  }
  if (!isWorthFolding(op, operands))
    return results;
  SmallVector<Value> folded = foldByFolder(op, operands);
  if (!folded.empty())
    return folded;
  if (ElementsAttr sizes = constantSizes(op)) {
    op->erase();
    return {constant(sizes)};
  }
  // Of several results it computes those with users, and none has one yet.
  if (results.size() == 1 && readsLittle(op) &&
      foldIfConstant(op, foldBudget, &folded))
    return folded;
  return results;
}

Value NodeBuilder::none() {
  if (noneValue)
    return noneValue;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(builder.getInsertionBlock());
  noneValue = onnx::NoneOp::create(builder, builder.getUnknownLoc());
  return noneValue;
}

Value NodeBuilder::constant(ElementsAttr value) {
  return onnx::ConstantOp::create(builder, location, value);
}

Value NodeBuilder::initializer(ElementsAttr value, StringRef name) {
  Location loc = onnx::nodeLocation(getContext(), "Initializer", name);
  return onnx::ConstantOp::create(builder, loc, value);
}

Value NodeBuilder::integers(ArrayRef<int64_t> values) {
  return constant(cast<ElementsAttr>(builder.getI64TensorAttr(values)));
}

Value NodeBuilder::scalar(Type elementType, double value) {
  auto type = RankedTensorType::get({}, elementType);
  Attribute element;
  if (isa<FloatType>(elementType))
    element = builder.getFloatAttr(elementType, value);
  else
    element = builder.getIntegerAttr(elementType, int64_t(value));
  return constant(cast<ElementsAttr>(
      DenseElementsAttr::get(type, ArrayRef<Attribute>(element))));
}
