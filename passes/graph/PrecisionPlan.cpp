//===- PrecisionPlan.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/graph/PrecisionPlan.h"
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/NodeName.h"
#include "dialects/onnx/OnnxDialect.h"
#include "dialects/onnx/Window.h"
#include "passes/graph/FloatBits.h"

#include "llvm/ADT/IntEqClasses.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace mlir;
using namespace ingot;
using namespace ingot::graph;

/// Largest number of f16.
constexpr double largestHalf = 65504;
/// Other data than that of the calibration may reach so much further.
constexpr double margin = 4;
/// Magnitudes whose sixteenth part f16 still holds with all its bits.
constexpr double leastHalf = 0x1p-10;
/// Values of fewer elements stay f32.
constexpr double fewElements = 256;
/// Operands of elementwise ops with fewer elements stay f32.
constexpr int64_t largeOperand = 4096;
/// What `auto` may lose in all, relative to the values.
constexpr double errorBudget = 1e-2;

/// The square of the relative error of rounding to that type: evenly spread
/// over the half of the last bit's place.
static double roundingError(FloatType type) {
  double most = std::ldexp(1.0, -int(type.getFPMantissaWidth()));
  return most * most / 3;
}

static std::string number(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.3g", value);
  return text;
}

HalfUse graph::halfUseOf(Operation *op) {
  if (!isa_and_nonnull<onnx::OnnxDialect>(op->getDialect()))
    return HalfUse::Opaque;
  StringRef name = op->getName().stripDialect();
  // Padding with a number that would have to be rounded, and pooling that also
  // says where the maximum was, are rare.
  if (name == "Pad")
    return op->getNumOperands() < 3 || onnx::isNone(op->getOperand(2))
               ? HalfUse::Follows
               : HalfUse::Opaque;
  if (name == "MaxPool" && op->getNumResults() > 1 &&
      !op->getResult(1).use_empty())
    return HalfUse::Opaque;
  auto use =
      llvm::StringSwitch<HalfUse>(name)
          .Cases({"AveragePool", "Concat", "DepthToSpace", "Expand", "Flatten"},
                 HalfUse::Follows)
          .Cases({"Gather", "GatherElements", "GatherND", "GlobalMaxPool",
                  "Identity", "MaxPool"},
                 HalfUse::Follows)
          .Cases({"Reshape", "Resize", "Slice", "SpaceToDepth", "Split",
                  "Squeeze", "Tile", "Transpose", "Unsqueeze"},
                 HalfUse::Follows)
          .Cases({"Conv", "ConvTranspose", "Gemm", "MatMul"}, HalfUse::Computes)
          .Cases({"BatchNormalization", "GlobalAveragePool",
                  "GroupNormalization", "InstanceNormalization",
                  "LayerNormalization", "LogSoftmax", "LpNormalization"},
                 HalfUse::Computes)
          .Cases({"MeanVarianceNormalization", "RMSNormalization", "ReduceL1",
                  "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax"},
                 HalfUse::Computes)
          .Cases({"ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
                  "ReduceSumSquare", "Softmax"},
                 HalfUse::Computes)
          .Cases({"Shape", "Size"}, HalfUse::Ignores)
          .Default(HalfUse::Opaque);
  if (use == HalfUse::Opaque && isa<onnx::Elementwise>(op))
    return HalfUse::Computes;
  return use;
}

SmallVector<OpOperand *> graph::dataOperands(Operation *op) {
  SmallVector<OpOperand *> operands;
  bool all = op->getName().stripDialect() == "Concat";
  for (OpOperand &operand : op->getOpOperands())
    if (all || operand.getOperandNumber() == 0)
      operands.push_back(&operand);
  return operands;
}

static bool isConstant(Value value) {
  Operation *def = value.getDefiningOp();
  return def && def->hasTrait<OpTrait::ConstantLike>();
}

static bool isSingle(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getElementType().isF32();
}

/// Results that many values were added up to.
static bool isReduction(Operation *op) {
  StringRef name = op->getName().stripDialect();
  return name.starts_with("Reduce") || name == "GlobalAveragePool";
}

/// An op of a recurrent layer, whose state goes through it at every step.
static bool isRecurrent(Operation *op) {
  StringRef type = onnx::nodeOpType(op->getLoc());
  return type == "LSTM" || type == "GRU" || type == "RNN";
}

/// A convolution with groups of several channels.
static bool readsGroups(Operation *op) {
  auto conv = dyn_cast<onnx::ConvOp>(op);
  auto weights = conv ? dyn_cast<RankedTensorType>(conv.getW().getType())
                      : RankedTensorType();
  return conv && conv.getGroup() > 1 && weights && weights.getDimSize(1) > 1;
}

PrecisionPlan::PrecisionPlan(func::FuncOp function, Precision wanted)
    : function(function), wanted(wanted),
      f16(Float16Type::get(function.getContext())),
      bf16(BFloat16Type::get(function.getContext())) {
  collect();
  chooseValues();
  chooseWeights();
  spend();
}

const Storage *PrecisionPlan::find(Value value) const {
  auto it = classOf.find(value);
  return it == classOf.end() ? nullptr : &classes[it->second].storage;
}

size_t PrecisionPlan::halfValues() const {
  return llvm::count_if(classes,
                        [](const Class &c) { return bool(c.storage.type); });
}

size_t PrecisionPlan::halfWeights() const {
  return llvm::count_if(
      constants, [](const auto &entry) { return bool(entry.second.type); });
}

/// Why the value cannot be stored in half precision, looking at what makes and
/// what reads it; empty if it can.
std::string PrecisionPlan::whyBlocked(Value value) const {
  Operation *def = value.getDefiningOp();
  if (!def)
    return "an input of the model has its declared type";
  // A constant that is stored anew leaves the old one to other readers.
  if (isConstant(value))
    return "";
  HalfUse made = halfUseOf(def);
  if (made == HalfUse::Opaque)
    return (def->getName().stripDialect() + " makes f32").str();
  if (isReduction(def))
    return "a sum over many values, and few of them";
  if (isRecurrent(def) && made == HalfUse::Computes)
    return "the state of a recurrent layer, where errors would add up over the "
           "steps";
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (user->hasTrait<OpTrait::IsTerminator>())
      return "an output of the model has its declared type";
    HalfUse read =
        user->getBlock() == def->getBlock() ? halfUseOf(user) : HalfUse::Opaque;
    if (read == HalfUse::Follows &&
        !llvm::is_contained(dataOperands(user), &use))
      read = HalfUse::Opaque;
    if (readsGroups(user))
      return onnx::describeNodes(user->getLoc()) +
             " has groups of several channels, which it would widen again and "
             "again";
    if (read == HalfUse::Opaque)
      return onnx::describeNodes(user->getLoc()) + " reads f32";
  }
  return "";
}

static std::optional<double> maxAbsOf(Value value) {
  auto ranges =
      value.getDefiningOp()->getAttrOfType<DenseF64ArrayAttr>(rangeAttrName);
  unsigned i = cast<OpResult>(value).getResultNumber();
  if (!ranges || i >= ranges.size() || std::isnan(ranges[i]))
    return std::nullopt;
  return ranges[i];
}

/// The bits of a number rounded to that type.
static uint16_t rounded(float value, FloatType type) {
  return convertFloat(toBits(value), APFloat::IEEEsingle(),
                      type.getFloatSemantics());
}

TensorData graph::roundedTo(const TensorData &data, FloatType type) {
  auto tensor = RankedTensorType::get(data.type().getShape(), type);
  const float *from = data.elements<float>();
  if (data.isSplat())
    return TensorData::splat(tensor, rounded(*from, type));
  TensorData result = TensorData::zeros(tensor);
  uint16_t *to = result.mutableElements<uint16_t>();
  for (int64_t i = 0, e = data.size(); i < e; ++i)
    to[i] = rounded(from[i], type);
  return result;
}

/// How many elements a constant holds in memory.
static int64_t countStored(const TensorData &data) {
  return data.isSplat() ? std::min<int64_t>(1, data.size()) : data.size();
}

/// The largest magnitude; NaN if there is one.
static double maxAbsOf(const TensorData &data) {
  const float *elements = data.elements<float>();
  float most = 0;
  for (int64_t i = 0, e = countStored(data); i < e; ++i)
    most = std::abs(elements[i]) <= most ? most : std::abs(elements[i]);
  return most;
}

/// The error of rounding weights, all finite, relative to their norm. Those
/// that become infinite are not counted.
static double errorOf(const TensorData &data, FloatType type) {
  const float *elements = data.elements<float>();
  double errors = 0, squares = 0;
  for (int64_t i = 0, e = countStored(data); i < e; ++i) {
    double exact = elements[i];
    double stored = fromBits<float>(convertFloat(rounded(elements[i], type),
                                                 type.getFloatSemantics(),
                                                 APFloat::IEEEsingle()));
    if (std::isfinite(stored))
      errors += (stored - exact) * (stored - exact);
    squares += exact * exact;
  }
  return squares > 0 ? std::sqrt(errors / squares) : 0;
}

static double countElements(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  double elements = 1;
  for (int64_t size : type.getShape())
    elements *= ShapedType::isDynamic(size) ? fewElements : double(size);
  return elements;
}

/// Values that are stored alike become a class.
void PrecisionPlan::collect() {
  llvm::IntEqClasses joined;
  SmallVector<Value> values;
  auto numberOf = [&](Value value) {
    auto [it, isNew] = classOf.try_emplace(value, values.size());
    if (isNew) {
      values.push_back(value);
      joined.grow(values.size());
    }
    return unsigned(it->second);
  };
  for (Operation &op : function.front()) {
    if (op.hasTrait<OpTrait::ConstantLike>())
      continue;
    SmallVector<unsigned> alike;
    for (Value result : op.getResults())
      if (isSingle(result))
        alike.push_back(numberOf(result));
    if (halfUseOf(&op) != HalfUse::Follows || alike.empty())
      continue;
    for (OpOperand *operand : dataOperands(&op))
      alike.push_back(numberOf(operand->get()));
    for (unsigned number : alike)
      joined.join(alike.front(), number);
  }
  joined.compress();
  classes.resize(joined.getNumClasses());
  for (auto [i, value] : llvm::enumerate(values)) {
    classes[joined[i]].members.push_back(value);
    classOf[value] = joined[i];
  }
}

void PrecisionPlan::chooseValues() {
  for (Class &c : classes) {
    bool known = true;
    double most = 0;
    for (Value value : c.members) {
      c.elements += countElements(value);
      if (!c.isBlocked())
        c.storage.reason = whyBlocked(value);
      if (c.isBlocked())
        continue;
      std::optional<double> range;
      if (std::optional<TensorData> data = TensorData::of(constantOf(value)))
        range = maxAbsOf(*data);
      else
        range = maxAbsOf(value);
      bool moved = !isConstant(value) &&
                   halfUseOf(value.getDefiningOp()) == HalfUse::Follows;
      c.computed += !moved;
      // What is only moved has the range of what it is made of.
      known &= range || moved;
      if (range)
        most = most >= *range ? most : *range;
    }
    if (c.isBlocked())
      continue;
    if (known)
      c.maxAbs = most;
    if (c.elements < fewElements) {
      c.storage.reason = "too small to matter";
      continue;
    }
    if (c.maxAbs && !std::isfinite(*c.maxAbs)) {
      c.storage.reason = "its values are not finite";
      continue;
    }
    std::string notF16;
    if (c.maxAbs && *c.maxAbs * margin > largestHalf)
      notF16 = "its values reach " + number(*c.maxAbs) +
               ", and f16 ends at 65504: less than " + number(margin) +
               " times that";
    else if (c.maxAbs && *c.maxAbs > 0 && *c.maxAbs < leastHalf)
      notF16 = "its values are at most " + number(*c.maxAbs) +
               ", where f16 has few bits left";
    else if (!c.maxAbs && wanted == Precision::Auto)
      notF16 = "no calibration data says how large its values get";
    if (wanted == Precision::Bf16) {
      c.storage.type = bf16;
      continue;
    }
    if (notF16.empty()) {
      c.storage.type = f16;
      spent += roundingError(f16) * double(c.computed);
      continue;
    }
    c.storage.reason = notF16;
    if (wanted == Precision::Auto)
      candidates.push_back({&c.storage, candidates.size(), c.elements * 2,
                            roundingError(bf16) * double(c.computed)});
  }
}

void PrecisionPlan::chooseWeight(Storage &storage, const TensorData &data) {
  double most = maxAbsOf(data);
  if (!std::isfinite(most)) {
    storage.reason = "they are not all finite";
    return;
  }
  double asBf16 = std::sqrt(roundingError(bf16));
  if (wanted != Precision::Bf16) {
    storage.error = errorOf(data, f16);
    if (most > largestHalf)
      storage.reason = "they reach " + number(most) + ", and f16 ends at 65504";
    else if (storage.error > asBf16)
      storage.reason = "they are so small that f16 would be off by " +
                       number(storage.error) + " of their norm";
    if (storage.reason.empty()) {
      storage.type = f16;
      spent += storage.error * storage.error;
      return;
    }
    if (wanted == Precision::F16)
      return;
  }
  storage.error = errorOf(data, bf16);
  if (wanted == Precision::Bf16)
    storage.type = bf16;
  else
    candidates.push_back({&storage, candidates.size(), double(data.size()) * 2,
                          storage.error * storage.error});
}

void PrecisionPlan::chooseWeights() {
  for (Operation &op : function.front()) {
    if (halfUseOf(&op) != HalfUse::Computes)
      continue;
    StringRef name = op.getName().stripDialect();
    bool heavy = name == "Conv" || name == "ConvTranspose" || name == "Gemm" ||
                 name == "MatMul";
    for (OpOperand &operand : op.getOpOperands()) {
      if (!isSingle(operand.get()) || !isConstant(operand.get()))
        continue;
      bool isWeight = heavy && operand.getOperandNumber() == 1;
      if (heavy && !isWeight)
        continue;
      std::optional<TensorData> data =
          TensorData::of(constantOf(operand.get()));
      bool isLarge = isa<onnx::Elementwise>(op) && data &&
                     data->size() >= largeOperand && !data->isSplat();
      if (data && (isWeight || isLarge))
        constants[&operand];
    }
  }
  // The storages stay where they are from here on. What several ops read is
  // judged once, and `spend` tells the others.
  llvm::SmallPtrSet<Operation *, 16> judged;
  for (auto &[operand, storage] : constants)
    if (judged.insert(operand->get().getDefiningOp()).second)
      chooseWeight(storage, *TensorData::of(constantOf(operand->get())));
}

/// Takes bf16 where it saves most, as long as the error lasts.
void PrecisionPlan::spend() {
  llvm::sort(candidates, [](const Candidate &a, const Candidate &b) {
    return std::make_pair(-a.bytes, a.number) <
           std::make_pair(-b.bytes, b.number);
  });
  for (Candidate &candidate : candidates) {
    double after = std::sqrt(spent + candidate.error);
    if (after > errorBudget) {
      candidate.storage->reason += "; in bf16 it would bring the error of the "
                                   "model to " +
                                   number(after) + ", more than " +
                                   number(errorBudget);
      continue;
    }
    spent += candidate.error;
    candidate.storage->type = bf16;
  }
  // Several ops that read one constant get what the first got.
  llvm::DenseMap<Value, Storage> chosen;
  for (auto &[operand, storage] : constants)
    storage = chosen.try_emplace(operand->get(), storage).first->second;
}
