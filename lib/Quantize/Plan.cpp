//===- Plan.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/Plan.h"

#include "lib/Quantize/Normalize.h"

#include "llvm/ADT/STLExtras.h"

using namespace ingot;
using namespace ingot::quantize;

std::string Plan::root(const std::string &value) const {
  std::string at = value;
  for (auto it = sameAs.find(at); it != sameAs.end(); it = sameAs.find(at))
    at = it->second;
  return at;
}

namespace {
/// Finds the largest set of light units and movers that fits the heavy ones:
/// begins with all and takes away what does not fit until nothing changes.
class Planner {
public:
  Planner(const OnnxGraph &graph, const Units &units,
          const std::vector<bool> &wanted)
      : units(units), users(usersOf(graph)) {
    for (size_t i = 0; i < units.list.size(); ++i) {
      const Unit &unit = units.list[i];
      plan.isQuantized.push_back(unit.kind == UnitKind::Heavy
                                     ? wanted[i] && unit.obstacle.empty()
                                     : true);
    }
  }
  Plan run();

private:
  bool isProduced(const std::string &value) const;
  bool isReadByHeavy(const std::string &value) const;
  bool fits(const Unit &unit) const;
  bool feedsQuantized(const Unit &unit) const;
  void collectValues();

  const Units &units;
  std::map<std::string, std::vector<int64_t>, std::less<>> users;
  Plan plan;
};
} // namespace

/// Whether a quantized unit computes the value.
bool Planner::isProduced(const std::string &value) const {
  auto it = units.producer.find(value);
  return it != units.producer.end() && plan.isQuantized[it->second];
}

bool Planner::isReadByHeavy(const std::string &value) const {
  auto it = users.find(value);
  return it != users.end() && llvm::any_of(it->second, [&](int64_t node) {
           int64_t unit = node < 0 ? -1 : units.ofNode[size_t(node)];
           return unit >= 0 && plan.isQuantized[size_t(unit)] &&
                  units.list[size_t(unit)].kind == UnitKind::Heavy;
         });
}

bool Planner::feedsQuantized(const Unit &unit) const {
  for (const std::string &output : unit.outputs) {
    auto it = users.find(output);
    if (it == users.end())
      continue;
    for (int64_t node : it->second) {
      int64_t reader = node < 0 ? -1 : units.ofNode[size_t(node)];
      if (reader >= 0 && plan.isQuantized[size_t(reader)] &&
          llvm::is_contained(units.list[size_t(reader)].activations, output))
        return true;
    }
  }
  return false;
}

/// A light unit stays if its operands are there in integers and its result is
/// needed in integers.
bool Planner::fits(const Unit &unit) const {
  if (!feedsQuantized(unit))
    return false;
  if (unit.kind == UnitKind::Mover)
    return isProduced(unit.activations[0]);
  bool anyProduced = false;
  for (const std::string &value : unit.activations) {
    bool produced = isProduced(value);
    anyProduced |= produced;
    if (!produced && !isReadByHeavy(value))
      return false;
  }
  return anyProduced;
}

void Planner::collectValues() {
  for (size_t i = 0; i < units.list.size(); ++i) {
    const Unit &unit = units.list[i];
    if (!plan.isQuantized[i])
      continue;
    plan.values.insert(unit.activations.begin(), unit.activations.end());
    // The last matrix product of a chain gives float as it is; engines run
    // convolutions in integers only with a quantized result.
    bool isProduct = unit.opType == "MatMul" || unit.opType == "Gemm";
    if (isProduct && !feedsQuantized(unit))
      continue;
    for (const std::string &output : unit.outputs) {
      plan.values.insert(output);
      plan.isComputed.insert(output);
      if (unit.kind == UnitKind::Mover)
        plan.sameAs[output] = unit.activations[0];
    }
  }
}

Plan Planner::run() {
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < units.list.size(); ++i)
      if (plan.isQuantized[i] && units.list[i].kind != UnitKind::Heavy &&
          !fits(units.list[i])) {
        plan.isQuantized[i] = false;
        changed = true;
      }
  }
  collectValues();
  return std::move(plan);
}

Plan quantize::makePlan(const OnnxGraph &graph, const Units &units,
                        const std::vector<bool> &wanted) {
  return Planner(graph, units, wanted).run();
}

Plan quantize::makeWeightPlan(const Units &units,
                              const std::vector<bool> &wanted) {
  Plan plan;
  for (size_t i = 0; i < units.list.size(); ++i)
    plan.isQuantized.push_back(units.list[i].kind == UnitKind::Heavy &&
                               wanted[i]);
  return plan;
}

std::string quantize::weightObstacle(const OnnxGraph &graph, const Unit &unit) {
  const OnnxNode &node = graph.nodes[unit.nodes[0]];
  if (!unit.obstacle.empty())
    return unit.obstacle;
  if (!node.is("MatMul") && !node.is("Gemm"))
    return "only matrix products have this form";
  if (unit.weight.empty())
    return "both operands are computed at run time";
  if (unit.weightOperand != 1 ||
      graph.findInitializer(unit.weight)->dims.size() != 2)
    return "its weights are not a matrix on the right";
  if (node.is("Gemm") &&
      (node.getInt("transA", 0) || node.getFloat("alpha", 1) != 1 ||
       node.getFloat("beta", 1) != 1))
    return "it scales or transposes its operands";
  return "";
}

void quantize::shareConcatRanges(const OnnxGraph &graph, const Units &units,
                                 const Plan &plan, ValueRanges &ranges) {
  // From the last to the first, so that a Concat of Concats shares all.
  for (size_t i = units.list.size(); i-- > 0;) {
    const Unit &unit = units.list[i];
    if (unit.opType != "Concat" || !plan.isQuantized[i])
      continue;
    auto whole = ranges.find(plan.root(unit.outputs[0]));
    if (whole == ranges.end())
      continue;
    Range range = whole->second;
    float width = range.high - range.low;
    for (const std::string &operand : unit.activations) {
      auto it = ranges.find(plan.root(operand));
      if (it != ranges.end() && (it->second.high - it->second.low) * 2 >= width)
        it->second = range;
    }
  }
}

llvm::Expected<ValueParams>
quantize::paramsOfValues(const ValueRanges &ranges,
                         const QuantizeFormat &format) {
  ValueParams result;
  for (const auto &[value, range] : ranges) {
    auto params = paramsOf(range, format.activations);
    if (!params)
      return params.takeError();
    result[value] = *params;
  }
  return result;
}
