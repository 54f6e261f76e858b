//===- DepthDivision.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/wgmma/DepthDivision.h"

#include <algorithm>

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

int64_t DivisionRule::sharers(int64_t rest, int64_t steps, int64_t blocks) {
  int64_t parts = std::min(steps / leastSteps, mostParts);
  int64_t sharers = std::min(blocks, rest * parts);
  bool pays = rest > 0 && 4 * rest <= 3 * sharers &&
              (sharers - rest) * steps >= leastGain * sharers;
  return pays ? sharers : 0;
}

double DivisionRule::lastRound(int64_t rest, int64_t steps, int64_t blocks,
                               int64_t results) {
  if (rest == 0)
    return 0;
  int64_t shared = sharers(rest, steps, blocks);
  if (!shared)
    return 1;
  double parts = double(shared) / double(rest);
  constexpr double meetingClocks = 2500;
  double meeting = meetingClocks * 32 / double(results);
  return 1 / parts + (meeting + 2 * (1 + parts)) / double(steps);
}

static Value least(Words &w, Value x, Value y) {
  return w.b.createOrFold<arith::MinUIOp>(w.loc, x, y);
}

static Value atLeast(Words &w, Value x, Value y) {
  return w.b.createOrFold<arith::CmpIOp>(w.loc, arith::CmpIPredicate::uge, x,
                                         y);
}

void DepthDivision::begin(Words &w, Value tiles, Value stepsOfTile, Value own,
                          Value all, int64_t most) {
  steps = stepsOfTile;
  block = own;
  blocks = all;
  capacity = most;
  rounds = w.div(tiles, blocks);
  Value rest = w.sub(tiles, w.mul(rounds, blocks));
  auto flag = [&](Value condition) {
    return w.select(condition, w.number(1), w.number(0));
  };
  segments = w.add(rounds, flag(w.less(block, rest)));
  if (!divides())
    return;
  using Rule = DivisionRule;
  // DivisionRule::sharers.
  Value parts =
      least(w, w.div(steps, Rule::leastSteps), w.number(Rule::mostParts));
  sharers = least(w, least(w, blocks, w.number(capacity)), w.mul(rest, parts));
  isDivided = w.both(w.less(w.number(0), rest),
                     atLeast(w, w.mul(sharers, 3), w.mul(rest, 4)));
  // The difference is not negative where the first condition holds.
  isDivided = w.both(isDivided, atLeast(w, w.mul(w.sub(sharers, rest), steps),
                                        w.mul(sharers, Rule::leastGain)));
  // Divisors are not zero, whether or not their quotients are used.
  sharers = w.select(isDivided, sharers, w.number(1));
  total = w.mul(w.select(isDivided, rest, w.number(1)),
                w.b.createOrFold<arith::MaxUIOp>(w.loc, steps, w.number(1)));
  from = w.div(w.mul(block, total), sharers);
  to = w.div(w.mul(w.add(block, 1), total), sharers);
  firstTile = w.div(from, steps);
  Value lastTile = w.div(w.add(to, -1), steps);
  Value own2 = w.add(w.sub(lastTile, firstTile), 1);
  own2 = w.select(w.less(block, sharers), own2, w.number(0));
  segments = w.select(isDivided, w.add(rounds, own2), segments);
}

DepthDivision::Segment DepthDivision::segment(Words &w, Value i) const {
  Segment result;
  result.tile = w.add(w.mul(i, blocks), block);
  result.firstStep = w.number(0);
  result.endStep = steps;
  if (!divides())
    return result;
  result.isPart = w.both(isDivided, atLeast(w, i, rounds));
  result.number = w.add(firstTile, w.sub(i, rounds));
  Value before = w.mul(result.number, steps);
  Value first =
      w.sub(w.b.createOrFold<arith::MaxUIOp>(w.loc, from, before), before);
  Value end = least(w, w.sub(to, before), steps);
  auto choose = [&](Value part, Value whole) {
    return w.select(result.isPart, part, whole);
  };
  result.tile =
      choose(w.add(w.mul(rounds, blocks), result.number), result.tile);
  result.firstStep = choose(first, result.firstStep);
  result.endStep = choose(end, steps);
  return result;
}

/// The block that has step `next` - 1 of the last round: the first whose end
/// is not before `next`.
Value DepthDivision::blockOfStep(Words &w, Value next) const {
  return w.div(w.add(w.mul(next, sharers), -1), total);
}

Value DepthDivision::firstBlock(Words &w, Value number) const {
  return blockOfStep(w, w.add(w.mul(number, steps), 1));
}

Value DepthDivision::blocksOf(Words &w, Value number) const {
  Value last = blockOfStep(w, w.mul(w.add(number, 1), steps));
  return w.add(w.sub(last, firstBlock(w, number)), 1);
}
