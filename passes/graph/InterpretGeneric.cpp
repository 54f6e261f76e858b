//===- InterpretGeneric.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// linalg.generic on tensors known at compile time. One whose elements are all
// the same is found out before any loop runs, and stays a splat.
//
//===----------------------------------------------------------------------===//
#include "passes/graph/FloatBits.h"
#include "passes/graph/Interpret.h"
#include "passes/graph/ScalarProgram.h"

#include "dialects/kernel/Kernel.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::graph;

namespace {
/// Where the loops of a generic read or write a tensor.
struct Access {
  TensorData *data;
  AffineMap map;
  /// offset = base + sum of stride * index, if `isLinear`.
  bool isLinear = true;
  int64_t base = 0;
  SmallVector<int64_t, 6> strides;

  Access(TensorData *data, AffineMap map);

  /// True if it is the same element at every point.
  bool isUniform() const {
    return data->isSplat() ||
           (isLinear && llvm::all_of(strides, [](int64_t s) { return !s; }));
  }
  /// The element at a point of the loops, or -1 if there is none.
  int64_t offset(ArrayRef<int64_t> point) const;
};

/// An access and the slot that holds its element.
struct Operand {
  Access access;
  uint32_t slot;
};

/// One run of a generic.
class GenericRun {
public:
  GenericRun(linalg::GenericOp generic, ScalarProgram::TensorLookup tensorOf);

  /// Translates the body; fails with a reason.
  LogicalResult prepare(std::string &reason);
  /// Runs what is the same for all elements.
  bool runUniform();
  /// True if all elements of each result are the same, and known by now.
  bool givesSplats() const;
  TensorData splat(unsigned result) {
    return TensorData::splat(types[result], program.slot(yielded[result]));
  }
  /// Scalar steps that all elements take; none if that is beyond counting.
  std::optional<int64_t> cost() const;
  /// Computes all elements into `results`; false if one has no defined value.
  bool runAll(MutableArrayRef<TensorData> results);

  SmallVector<RankedTensorType> types;
  ScalarProgram program;

private:
  LogicalResult bindInputs(std::string &reason);
  LogicalResult bindInits(std::string &reason);
  bool load(const Operand &operand);
  bool runElement();
  template <typename F> bool forEach(ArrayRef<unsigned> loops, F body);

  linalg::GenericOp generic;
  ScalarProgram::TensorLookup tensorOf;
  SlotFormat format;
  SmallVector<int64_t> sizes, point;
  SmallVector<unsigned> parallel, reduced;
  SmallVector<Operand> varying, uniform, inits;
  SmallVector<uint32_t> yielded;
  SmallVector<std::pair<unsigned, uint32_t>> indexSlots;
};
} // namespace

/// Adds `factor * expr` to base and strides; false if expr is not linear.
static bool addLinear(AffineExpr expr, int64_t factor, int64_t &base,
                      MutableArrayRef<int64_t> strides) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    base += factor * constant.getValue();
    return true;
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    strides[dim.getPosition()] += factor;
    return true;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return false;
  if (expr.getKind() == AffineExprKind::Add)
    return addLinear(binary.getLHS(), factor, base, strides) &&
           addLinear(binary.getRHS(), factor, base, strides);
  auto scale = dyn_cast<AffineConstantExpr>(binary.getRHS());
  return expr.getKind() == AffineExprKind::Mul && scale &&
         addLinear(binary.getLHS(), factor * scale.getValue(), base, strides);
}

Access::Access(TensorData *data, AffineMap map)
    : data(data), map(map), strides(map.getNumDims(), 0) {
  int64_t factor = 1;
  ArrayRef<int64_t> shape = data->type().getShape();
  for (size_t i = shape.size(); i-- > 0; factor *= shape[i])
    isLinear &= addLinear(map.getResult(i), factor, base, strides);
}

int64_t Access::offset(ArrayRef<int64_t> point) const {
  if (data->isSplat())
    return 0;
  int64_t at = 0;
  if (isLinear) {
    at = base;
    for (auto [stride, index] : llvm::zip(strides, point))
      at += stride * index;
  } else {
    for (auto [index, size] :
         llvm::zip(map.compose(point), data->type().getShape())) {
      if (index < 0 || index >= size)
        return -1;
      at = at * size + index;
    }
  }
  return at < data->size() ? at : -1;
}

GenericRun::GenericRun(linalg::GenericOp generic,
                       ScalarProgram::TensorLookup tensorOf)
    : program(tensorOf,
              SlotFormat{/*widenSingle=*/generic.getNumReductionLoops() != 0}),
      generic(generic), tensorOf(tensorOf),
      format{generic.getNumReductionLoops() != 0} {
  generic.getParallelDims(parallel);
  generic.getReductionDims(reduced);
}

LogicalResult GenericRun::bindInputs(std::string &reason) {
  for (OpOperand *input : generic.getDpsInputOperands()) {
    BlockArgument arg = generic.getMatchingBlockArgument(input);
    // An operand that only says how long a loop is has no elements to read.
    if (arg.use_empty())
      continue;
    TensorData *data = tensorOf(input->get());
    if (!data || !data->isKnown()) {
      reason = "an operand is not known";
      return failure();
    }
    Access access(data, generic.getMatchingIndexingMap(input));
    bool varies = !access.isUniform();
    uint32_t slot = program.bind(arg, varies);
    (varies ? varying : uniform).push_back({access, slot});
  }
  return success();
}

LogicalResult GenericRun::bindInits(std::string &reason) {
  for (OpOperand &init : generic.getDpsInitsMutable()) {
    BlockArgument arg = generic.getMatchingBlockArgument(&init);
    uint32_t slot = program.bind(arg);
    TensorData *data = tensorOf(init.get());
    if (!data || (!arg.use_empty() && !data->isKnown())) {
      reason = "an initial value is not known";
      return failure();
    }
    types.push_back(data->type());
    inits.push_back(
        {Access(data, generic.getMatchingIndexingMap(&init)), slot});
  }
  return success();
}

/// A value that was only converted to its compute type and back, so that moves
/// keep every bit of a NaN.
static Value skipRoundTrip(Value value) {
  Operation *back = value.getDefiningOp();
  if (!isa_and_nonnull<arith::TruncFOp, UnrealizedConversionCastOp>(back))
    return value;
  Operation *there = back->getOperand(0).getDefiningOp();
  if (!isa_and_nonnull<arith::ExtFOp, UnrealizedConversionCastOp>(there) ||
      there->getOperand(0).getType() != value.getType())
    return value;
  return there->getOperand(0);
}

LogicalResult GenericRun::prepare(std::string &reason) {
  // Without loops there is nothing to ask sizes of.
  if (generic.getNumLoops() > 0) {
    if (!generic.getShapesToLoopsMap()) {
      reason = "loops without a size";
      return failure();
    }
    sizes = generic.getStaticLoopRanges();
  }
  if (llvm::any_of(sizes, ShapedType::isDynamic)) {
    reason = "loops of symbolic size";
    return failure();
  }
  point.assign(sizes.size(), 0);
  if (failed(bindInputs(reason)) || failed(bindInits(reason)))
    return failure();
  for (unsigned loop = 0; loop < sizes.size(); ++loop)
    indexSlots.emplace_back(loop, program.bindIndex(loop));
  Block *body = generic.getBody();
  for (auto fault : body->getOps<kernel::FaultOp>())
    if (failed(program.compileOp(fault))) {
      reason = program.failureReason().str();
      return failure();
    }
  for (Value value : body->getTerminator()->getOperands()) {
    std::optional<uint32_t> slot = program.use(skipRoundTrip(value));
    if (!slot) {
      reason = program.failureReason().str();
      return failure();
    }
    yielded.push_back(*slot);
  }
  return success();
}

bool GenericRun::load(const Operand &operand) {
  int64_t at = operand.access.offset(point);
  if (at < 0)
    return false;
  uint64_t bits = operand.access.data->load(at);
  auto type = dyn_cast<FloatType>(operand.access.data->type().getElementType());
  program.slot(operand.slot) =
      type ? convertFloat(bits, type.getFloatSemantics(),
                          *format.semantics(type))
           : bits;
  return true;
}

bool GenericRun::runUniform() {
  if (llvm::is_contained(sizes, 0))
    return true;
  return llvm::all_of(uniform, [&](const Operand &u) { return load(u); }) &&
         program.runOnce();
}

bool GenericRun::givesSplats() const {
  return reduced.empty() && !llvm::is_contained(sizes, 0) &&
         !program.faultVaries() && llvm::none_of(yielded, [&](uint32_t slot) {
           return program.varies(slot);
         });
}

std::optional<int64_t> GenericRun::cost() const {
  int64_t total = program.numSteps() + 1;
  for (const Operand &operand : varying)
    total += operand.access.isLinear ? 1 : 16;
  for (int64_t size : sizes)
    if (llvm::MulOverflow(total, size, total))
      return std::nullopt;
  return total;
}

/// Runs `body` at every point of some of the loops, in row-major order.
template <typename F>
bool GenericRun::forEach(ArrayRef<unsigned> loops, F body) {
  for (unsigned loop : loops) {
    if (sizes[loop] == 0)
      return true;
    point[loop] = 0;
  }
  while (true) {
    if (!body())
      return false;
    size_t at = loops.size();
    for (; at > 0; --at) {
      if (++point[loops[at - 1]] < sizes[loops[at - 1]])
        break;
      point[loops[at - 1]] = 0;
    }
    if (at == 0)
      return true;
  }
}

/// One element of every result: from the inits on, over all reduced points.
bool GenericRun::runElement() {
  for (const Operand &init : inits)
    if (init.access.data->isKnown() && !load(init))
      return false;
  SmallVector<uint64_t, 2> values(yielded.size());
  return forEach(reduced, [&] {
    for (auto [loop, slot] : indexSlots)
      program.slot(slot) = point[loop];
    for (const Operand &operand : varying)
      if (!load(operand))
        return false;
    if (!program.runPoint())
      return false;
    for (auto [value, slot] : llvm::zip(values, yielded))
      value = program.slot(slot);
    for (auto [value, init] : llvm::zip(values, inits))
      program.slot(init.slot) = value;
    return true;
  });
}

bool GenericRun::runAll(MutableArrayRef<TensorData> results) {
  SmallVector<Operand> outputs;
  for (auto [result, init] : llvm::zip(results, inits))
    outputs.push_back({Access(&result, init.access.map), init.slot});
  return forEach(parallel, [&] {
    if (!runElement())
      return false;
    for (const Operand &output : outputs) {
      TensorData &result = *output.access.data;
      int64_t at = output.access.offset(point);
      if (at < 0)
        return false;
      uint64_t bits = program.slot(output.slot);
      if (auto type = dyn_cast<FloatType>(result.type().getElementType()))
        bits = convertFloat(bits, *format.semantics(type),
                            type.getFloatSemantics());
      result.store(at, bits);
    }
    return true;
  });
}

LogicalResult Interpreter::runGeneric(linalg::GenericOp generic) {
  GenericRun run(generic, [&](Value v) { return find(v); });
  std::string why;
  if (failed(run.prepare(why)))
    return fail(why);
  if (!run.runUniform())
    return fail("an element has no defined value");
  SmallVector<TensorData> results;
  if (run.givesSplats()) {
    for (unsigned i = 0; i < run.types.size(); ++i)
      results.push_back(run.splat(i));
  } else {
    if (!llvm::all_of(run.types, [&](auto type) { return fits(type); }))
      return fail("the result is larger than the budget");
    std::optional<int64_t> cost = run.cost();
    if (!cost || *cost > steps)
      return fail("it takes longer than the budget");
    steps -= *cost;
    for (RankedTensorType type : run.types)
      results.push_back(TensorData::zeros(type));
    if (!run.runAll(results))
      return fail("an element has no defined value");
  }
  for (auto [value, data] : llvm::zip(generic.getResults(), results))
    tensors[value] = std::make_unique<TensorData>(data);
  return success();
}
