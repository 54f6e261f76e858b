//===- ScalarProgram.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/graph/ScalarProgram.h"
#include "passes/graph/FloatBits.h"

#include "dialects/kernel/Kernel.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::graph;

/// Bodies of more ops than this are not worth folding.
static constexpr size_t maxSteps = 1 << 16;

uint32_t ScalarProgram::newSlot(uint64_t bits, bool varies) {
  slots.push_back(bits);
  varying.push_back(varies);
  return slots.size() - 1;
}

uint32_t ScalarProgram::bind(Value value, bool varies) {
  return numbers[value] = newSlot(0, varies);
}

uint32_t ScalarProgram::bindIndex(unsigned loop) {
  return indexSlots[loop] = newSlot();
}

ScalarProgram::Slots ScalarProgram::bindAll(ValueRange values) {
  Slots result;
  for (Value value : values)
    result.push_back(bind(value));
  return result;
}

LogicalResult ScalarProgram::fail(Operation *op) {
  if (reason.empty())
    reason =
        ("'" + op->getName().getStringRef() + "' has no value at compile time")
            .str();
  return failure();
}

std::optional<uint32_t> ScalarProgram::use(Value value) {
  auto it = numbers.find(value);
  if (it != numbers.end())
    return it->second;
  Operation *op = value.getDefiningOp();
  if (!op || steps.size() + once.size() > maxSteps)
    return std::nullopt;
  if (std::optional<uint64_t> bits = scalarConstant(op, format))
    return numbers[value] = newSlot(*bits, /*varies=*/false);
  // Computed outside of the body, by ops that are pure: they run first.
  llvm::SaveAndRestore<unsigned> outside(depth, 0);
  if (failed(compileOp(op)))
    return std::nullopt;
  it = numbers.find(value);
  return it == numbers.end() ? std::nullopt : std::optional(it->second);
}

FailureOr<ScalarProgram::Slots> ScalarProgram::useAll(ValueRange values) {
  Slots result;
  for (Value value : values) {
    std::optional<uint32_t> slot = use(value);
    if (!slot)
      return failure();
    result.push_back(*slot);
  }
  return result;
}

void ScalarProgram::emit(Step step, bool varies) {
  bool early = !varies && depth == 0;
  varying[step.result] = !early;
  (early ? once : steps).push_back(step);
}

LogicalResult ScalarProgram::compile(Block &body) {
  for (Operation &op : body.without_terminator())
    if (failed(compileOp(&op)))
      return fail(&op);
  return success();
}

LogicalResult ScalarProgram::compileOp(Operation *op) {
  if (isa<arith::ConstantOp>(op))
    return success(use(op->getResult(0)).has_value());
  if (auto index = dyn_cast<linalg::IndexOp>(op)) {
    auto it = indexSlots.find(index.getDim());
    if (it == indexSlots.end())
      return fail(op);
    numbers[index.getResult()] = it->second;
    return success();
  }
  if (isa<tensor::ExtractOp, kernel::LoadOp>(op))
    return compileLoad(op);
  if (isa<kernel::StoreOp>(op))
    return compileStore(op);
  if (isa<scf::ForOp>(op))
    return compileFor(op);
  if (isa<scf::WhileOp>(op))
    return compileWhile(op);
  if (isa<scf::IfOp>(op))
    return compileIf(op);
  std::optional<Step> step = isa<kernel::FaultOp>(op)
                                 ? std::optional<Step>(Step())
                                 : scalarStep(op, format);
  if (!step)
    return fail(op);
  FailureOr<Slots> operands = useAll(op->getOperands());
  if (failed(operands))
    return fail(op);
  bool varies = llvm::any_of(*operands, [&](uint32_t s) { return varying[s]; });
  operands->resize(3, 0);
  std::tie(step->a, step->b, step->c) =
      std::tie((*operands)[0], (*operands)[1], (*operands)[2]);
  if (isa<kernel::FaultOp>(op)) {
    step->kind = Step::Fault;
    step->result = newSlot();
  } else {
    step->result = bind(op->getResult(0));
  }
  emit(*step, varies);
  return success();
}

/// The formats between which an element is converted on its way from memory
/// into a slot; none if it has the same bits there.
static void setFormats(Step &step, Type element, SlotFormat format) {
  auto type = dyn_cast<FloatType>(element);
  if (!type || &type.getFloatSemantics() == format.semantics(type))
    return;
  step.from = &type.getFloatSemantics();
  step.to = format.semantics(type);
}

LogicalResult ScalarProgram::compileLoad(Operation *op) {
  Value source = op->getOperand(0);
  TensorData *tensor = tensorOf(source);
  FailureOr<Slots> indices = useAll(op->getOperands().drop_front());
  if (!tensor || failed(indices))
    return fail(op);
  // Only the results of a foreach change while it runs.
  bool varies = isa<kernel::LoadOp>(op);
  if (!tensor->isSplat())
    varies |= llvm::any_of(*indices, [&](uint32_t s) { return varying[s]; });
  Step step;
  step.kind = Step::Load;
  step.a = accesses.size();
  step.result = bind(op->getResult(0));
  setFormats(step, tensor->type().getElementType(), format);
  accesses.push_back({tensor, *indices});
  emit(step, varies);
  return success();
}

LogicalResult ScalarProgram::compileStore(Operation *op) {
  auto store = cast<kernel::StoreOp>(op);
  TensorData *tensor = tensorOf(store.getHandle());
  FailureOr<Slots> indices = useAll(store.getIndices());
  std::optional<uint32_t> value = use(store.getValue());
  if (!tensor || tensor->isSplat() || failed(indices) || !value)
    return fail(op);
  Step step;
  step.kind = Step::Store;
  step.a = accesses.size();
  step.b = *value;
  step.result = newSlot();
  accesses.push_back({tensor, *indices});
  emit(step, /*varies=*/true);
  return success();
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

size_t ScalarProgram::emitJump(Step::Kind kind, uint32_t condition) {
  Step step;
  step.kind = kind;
  step.a = condition;
  steps.push_back(step);
  return steps.size() - 1;
}

void ScalarProgram::land(size_t jump) { steps[jump].b = steps.size(); }

LogicalResult ScalarProgram::copyInto(const Slots &to, ValueRange from) {
  FailureOr<Slots> sources = useAll(from);
  if (failed(sources))
    return failure();
  auto copy = [&](uint32_t source, uint32_t target) {
    Step step;
    step.kind = Step::Copy;
    step.a = source;
    step.result = target;
    emit(step, /*varies=*/true);
  };
  // Through temporaries, since a source may be a target of another copy.
  if (sources->size() > 1)
    for (uint32_t &source : *sources) {
      uint32_t temporary = newSlot();
      copy(source, temporary);
      source = temporary;
    }
  for (auto [source, target] : llvm::zip(*sources, to))
    copy(source, target);
  return success();
}

LogicalResult ScalarProgram::compileFor(Operation *op) {
  auto loop = cast<scf::ForOp>(op);
  if (!loop.getInductionVar().getType().isIndex())
    return fail(op);
  ++depth;
  Slots induction = bindAll(loop.getInductionVar());
  Slots carried = bindAll(loop.getRegionIterArgs());
  for (auto [result, slot] : llvm::zip(loop.getResults(), carried))
    numbers[result] = slot;
  FailureOr<Slots> bounds = useAll({loop.getUpperBound(), loop.getStep()});
  if (failed(bounds) || failed(copyInto(carried, loop.getInitArgs())) ||
      failed(copyInto(induction, loop.getLowerBound())))
    return fail(op);
  size_t head = steps.size();
  Step compare;
  compare.function = [](const Step &step, const uint64_t *slots,
                        bool &) -> uint64_t {
    return int64_t(slots[step.a]) < int64_t(slots[step.b]);
  };
  compare.a = induction[0];
  compare.b = (*bounds)[0];
  compare.result = newSlot();
  steps.push_back(compare);
  size_t leave = emitJump(Step::JumpUnless, compare.result);
  if (failed(compile(*loop.getBody())) ||
      failed(copyInto(carried, loop.getYieldedValues())))
    return fail(op);
  Step advance;
  advance.function = [](const Step &step, const uint64_t *slots,
                        bool &) -> uint64_t {
    return slots[step.a] + slots[step.b];
  };
  advance.a = advance.result = induction[0];
  advance.b = (*bounds)[1];
  steps.push_back(advance);
  steps[emitJump(Step::Jump)].b = head;
  land(leave);
  --depth;
  return success();
}

LogicalResult ScalarProgram::compileWhile(Operation *op) {
  auto loop = cast<scf::WhileOp>(op);
  ++depth;
  Slots before = bindAll(loop.getBeforeArguments());
  Slots after = bindAll(loop.getAfterArguments());
  for (auto [result, slot] : llvm::zip(loop.getResults(), after))
    numbers[result] = slot;
  if (failed(copyInto(before, loop.getInits())))
    return fail(op);
  size_t head = steps.size();
  scf::ConditionOp condition = loop.getConditionOp();
  if (failed(compile(*loop.getBeforeBody())) ||
      failed(copyInto(after, condition.getArgs())))
    return fail(op);
  std::optional<uint32_t> goOn = use(condition.getCondition());
  if (!goOn)
    return fail(op);
  size_t leave = emitJump(Step::JumpUnless, *goOn);
  if (failed(compile(*loop.getAfterBody())) ||
      failed(copyInto(before, loop.getYieldOp().getResults())))
    return fail(op);
  steps[emitJump(Step::Jump)].b = head;
  land(leave);
  --depth;
  return success();
}

LogicalResult ScalarProgram::compileIf(Operation *op) {
  auto branch = cast<scf::IfOp>(op);
  std::optional<uint32_t> condition = use(branch.getCondition());
  if (!condition)
    return fail(op);
  ++depth;
  Slots results = bindAll(branch.getResults());
  size_t toElse = emitJump(Step::JumpUnless, *condition);
  if (failed(compile(*branch.thenBlock())) ||
      failed(copyInto(results, branch.thenYield().getResults())))
    return fail(op);
  size_t toEnd = emitJump(Step::Jump);
  land(toElse);
  if (branch.elseBlock() &&
      (failed(compile(*branch.elseBlock())) ||
       failed(copyInto(results, branch.elseYield().getResults()))))
    return fail(op);
  land(toEnd);
  --depth;
  return success();
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

bool ScalarProgram::faultVaries() const {
  return llvm::any_of(
      steps, [](const Step &step) { return step.kind == Step::Fault; });
}

bool ScalarProgram::elementAt(const Access &access, int64_t &at) const {
  at = 0;
  if (access.tensor->isSplat())
    return true;
  for (auto [index, size] :
       llvm::zip(access.indices, access.tensor->type().getShape())) {
    if (slots[index] >= uint64_t(size))
      return false;
    at = at * size + int64_t(slots[index]);
  }
  return access.tensor->isKnown();
}

bool ScalarProgram::run(ArrayRef<Step> code) {
  size_t at = 0;
  int64_t element;
  bool failed = false;
  while (at < code.size()) {
    const Step &step = code[at++];
    if (--budget < 0 || failed)
      return false;
    switch (step.kind) {
    case Step::Apply:
      slots[step.result] = step.function(step, slots.data(), failed);
      break;
    case Step::Copy:
      slots[step.result] = slots[step.a];
      break;
    case Step::Load:
      if (!elementAt(accesses[step.a], element))
        return false;
      slots[step.result] = accesses[step.a].tensor->load(element);
      if (step.from)
        slots[step.result] =
            convertFloat(slots[step.result], *step.from, *step.to);
      break;
    case Step::Store:
      if (!elementAt(accesses[step.a], element))
        return false;
      accesses[step.a].tensor->store(element, slots[step.b]);
      break;
    case Step::Fault:
      if (slots[step.a])
        return false;
      break;
    case Step::Jump:
      at = step.b;
      break;
    case Step::JumpUnless:
      if (!slots[step.a])
        at = step.b;
      break;
    }
  }
  return !failed;
}
