//===- Control.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "Control Flow Instructions", barriers and fences.
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/ops/Lanes.h"

using namespace ingot::ptx;

namespace {

void nothing(Warp &, const Instr &, uint32_t) {}

void trap(Warp &w, const Instr &in, uint32_t m) {
  w.fault(in, __builtin_ctz(m), Fault::Trap, "the kernel executed a trap");
}

void pause(Warp &w, const Instr &, uint32_t) { w.yield = true; }

/// Tells engines and other CTAs of the mbarriers that the warp initialised.
void mbarrierFence(Warp &w, const Instr &, uint32_t) {
  for (auto &[offset, barrier] : w.cta.mbarriers)
    if (barrier.initialiser == w.id)
      barrier.published = true;
}

void deviceFence(Warp &w, const Instr &in, uint32_t) {
  if (w.cluster.races)
    w.cluster.races->fence(w, in.acquires, in.releases);
}

void proxyFence(Warp &w, const Instr &in, uint32_t m) {
  mbarrierFence(w, in, m);
  if (w.cluster.races)
    w.cluster.races->proxyFence(w);
}

/// barrier.cluster.arrive; each lane remembers in which phase.
void clusterArrive(Warp &w, const Instr &, uint32_t m) {
  forLanes(
      m, [&](unsigned lane) { w.clusterPhase[lane] = w.cluster.barrierPhase; });
  if (w.cluster.races)
    w.cluster.races->release(w, w.cluster.barrierSync);
  w.cluster.barrierArrived += __builtin_popcount(m);
  w.cluster.barrierCheck();
}

} // namespace

static bool decodeBranch(Decoder &d, Instr &in) {
  d.take("uni");
  in.flow = Flow::Branch;
  return d.statement().targets.size() == 1;
}

static bool decodeIndexedBranch(Decoder &d, Instr &in) {
  d.take("idx");
  d.take("uni");
  in.flow = Flow::IndexedBranch;
  return d.numArgs() == 2 && d.add(in, 's', d.arg(0));
}

static bool decodeCall(Decoder &d, Instr &in) {
  d.take("uni");
  std::vector<Arg> results, arguments;
  size_t at = 0;
  if (at < d.numArgs() && d.arg(at).kind == Arg::List)
    results = d.arg(at++).parts;
  if (at >= d.numArgs() || d.arg(at).kind != Arg::Name)
    return d.fail("only direct calls are supported");
  std::string_view name = d.arg(at++).name;
  if (at < d.numArgs() && d.arg(at).kind == Arg::List)
    arguments = d.arg(at++).parts;
  in.flow = Flow::Call;
  in.target = uint32_t(d.program.calls.size());
  CallSite site;
  if (!d.callee(name, site, arguments, results))
    return false;
  d.program.calls.push_back(std::move(site));
  return true;
}

/// bar{.cta} and barrier{.cta}: sync, arrive and red; see Warp for `mode`.
static bool decodeBarrier(Decoder &d, Instr &in) {
  bool isBar = d.statement().mnemonic.substr(0, 4) == "bar.";
  if (d.take("cluster")) {
    bool arrive = d.take("arrive");
    if (!arrive && !d.take("wait"))
      return false;
    while (d.takeOneOf({"release", "relaxed", "acquire", "aligned"}) >= 0)
      ;
    if (arrive)
      in.run = clusterArrive;
    else
      in.flow = Flow::ClusterWait;
    return d.requireTarget(90, 0, "barrier.cluster") && d.numArgs() == 0;
  }
  if (d.take("warp")) {
    d.take("sync");
    in.flow = Flow::WarpBarrier;
    return d.operands(in, "s");
  }
  d.take("cta");
  bool aligned = d.take("aligned") || isBar;
  int kind = d.takeOneOf({"sync", "arrive", "red"});
  if (kind < 0)
    return false;
  in.flow = Flow::Barrier;
  in.mode = uint8_t((kind != 1 ? 1 : 0) | (aligned ? 2 : 0));
  size_t at = 0, numbers = d.numArgs();
  if (kind == 2) {
    int reduction = d.takeOneOf({"popc", "and", "or"}) + 1;
    d.takeType();
    if (!reduction || d.numArgs() < 3 ||
        !d.add(in, reduction == 1 ? 'd' : 'P', d.arg(at++)))
      return false;
    in.mode |= uint8_t(reduction << 2);
    in.mode2 = 1;
    --numbers;
  }
  numbers -= at;
  if (numbers < 1 || numbers > 2)
    return d.fail("wrong number of operands");
  in.imm = numbers == 2; // whether the number of threads is given
  if (kind == 1 && !in.imm)
    return d.fail("the number of threads is missing");
  for (size_t i = 0; i < numbers; ++i)
    if (!d.add(in, 's', d.arg(at++)))
      return false;
  return kind != 2 || d.add(in, 'p', d.arg(at));
}

static bool decodeFence(Decoder &d, Instr &in) {
  in.run = nothing;
  std::string_view rest;
  if (d.takePrefixed("proxy", rest)) {
    // fence.proxy.async and its variants by space; others have no effect here.
    if (d.take("async") || d.takePrefixed("async::", rest))
      in.run = proxyFence;
  } else if (d.take("mbarrier_init")) {
    in.run = mbarrierFence;
  } else {
    // membar, which has no order, is fence.sc.
    int order = d.takeOneOf({"sc", "acq_rel", "acquire", "release"});
    int scope = d.takeOneOf({"gpu", "sys", "gl"});
    in.acquires = order != 3;
    in.releases = order != 2;
    if (scope >= 0)
      in.run = deviceFence;
  }
  while (d.takePrefixed("", rest))
    ;
  return true;
}

void ingot::ptx::addControlOps(DecodeTable &table) {
  table["bra"] = decodeBranch;
  table["brx"] = decodeIndexedBranch;
  table["call"] = decodeCall;
  table["ret"] = [](Decoder &d, Instr &in) {
    d.take("uni");
    in.flow = Flow::Return;
    return d.numArgs() == 0;
  };
  table["exit"] = [](Decoder &d, Instr &in) {
    in.flow = Flow::Exit;
    return d.numArgs() == 0;
  };
  table["trap"] = table["brkpt"] = [](Decoder &d, Instr &in) {
    in.run = trap;
    return d.numArgs() == 0;
  };
  table["nanosleep"] = [](Decoder &d, Instr &in) {
    in.run = pause;
    d.takeType();
    return d.operands(in, "s");
  };
  table["bar"] = table["barrier"] = decodeBarrier;
  table["membar"] = table["fence"] = decodeFence;
  // Programmatic dependent launch: kernels of a stream run one by one.
  table["griddepcontrol"] = [](Decoder &d, Instr &in) {
    in.run = nothing;
    return d.takeOneOf({"launch_dependents", "wait"}) >= 0 && d.numArgs() == 0;
  };
  table["setmaxnreg"] = [](Decoder &d, Instr &in) {
    in.run = nothing;
    in.flow = Flow::Aligned;
    d.takeType();
    uint64_t count = 0;
    if (d.takeOneOf({"inc", "dec"}) < 0 || !d.take("sync") ||
        !d.take("aligned") || d.numArgs() != 1 || !d.immediate(d.arg(0), count))
      return false;
    if (count < 24 || count > 256 || count % 8)
      return d.fail("the number of registers is 24 to 256 in steps of 8");
    return d.requireTarget(90, 'a', "setmaxnreg");
  };
}
