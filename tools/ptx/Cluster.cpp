//===- Cluster.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// CTAs, their barriers, and the order in which warps run.
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/GlobalOrder.h"
#include "tools/ptx/Machine.h"

#include <thread>

using namespace ingot::ptx;

//===----------------------------------------------------------------------===//
// CTAs.
//===----------------------------------------------------------------------===//

Cta::Cta(Cluster &cluster, unsigned rank, const uint32_t (&at)[3])
    : cluster(cluster), rank(rank) {
  for (int i = 0; i < 3; ++i)
    index[i] = at[i];
  LaunchState &state = cluster.state;
  sharedBytes = state.program.dynamicShared + state.config.dynamicShared;
  // Offsets in shared memory have the alignment of the host's addresses, so
  // that swizzles and alignments can be computed on either.
  constexpr uint64_t kAlign = 1024;
  sharedStorage.assign(sharedBytes + kAlign, 0xcd);
  uint64_t base = reinterpret_cast<uint64_t>(sharedStorage.data());
  shared = reinterpret_cast<uint8_t *>((base + kAlign - 1) & ~(kAlign - 1));
  bool checked =
      state.options.checkUninitialised || state.options.trackUndefined;
  sharedInit = InitMap(sharedBytes, /*initialised=*/!checked);
  for (unsigned i = 0; i < state.numWarps; ++i)
    warps.push_back(std::make_unique<Warp>(*this, i));
}

std::string Cta::name() const {
  return "(" + std::to_string(index[0]) + "," + std::to_string(index[1]) + "," +
         std::to_string(index[2]) + ")";
}

uint32_t Cta::liveThreads() const {
  uint32_t threads = 0;
  for (const auto &warp : warps)
    threads += __builtin_popcount(warp->live);
  return threads;
}

void Cta::end(Warp &warp, const Instr &in) {
  ended = liveThreads() == 0;
  if (cluster.races)
    cluster.races->exit(warp, in);
}

bool Cta::takesCopies(Warp &warp, const Instr &in, int lane) {
  if (ended)
    warp.fault(in, lane, Fault::IllegalAddress,
               "a copy into the shared memory of CTA " + name() +
                   " arrives when that CTA has ended");
  return !ended;
}

void Cta::barrierArrive(unsigned id, uint32_t threads, uint32_t expected) {
  barriers[id].arrived += threads;
  barriers[id].expected = expected;
  barrierCheck(id);
}

void Cta::barrierCheck(unsigned id) {
  CtaBarrier &barrier = barriers[id];
  if (!barrier.arrived)
    return;
  uint32_t wanted = barrier.expected ? barrier.expected : liveThreads();
  if (barrier.arrived < wanted)
    return;
  uint32_t count = barrier.count, voters = barrier.voters;
  barrier.arrived = barrier.expected = barrier.count = barrier.voters = 0;
  ++barrier.generation;
  cluster.spins = 0;
  if (cluster.races)
    cluster.races->complete(barrier.sync);
  for (const auto &warp : warps)
    for (Group &group : warp->groups) {
      if (group.wait != Group::Barrier || group.barrier != id)
        continue;
      group.wait = Group::Ready;
      if (cluster.races)
        cluster.races->acquire(*warp, barrier.sync);
      const Instr &in = warp->program.code[group.pc++];
      const Operand *ops = warp->operands(in);
      unsigned reduction = in.mode >> 2;
      if (reduction == 1) {
        for (unsigned lane = 0; lane < kWarpSize; ++lane)
          if (group.mask >> lane & 1)
            warp->dst(ops[0])[lane] = count;
      } else if (reduction) {
        bool value = reduction == 2 ? count == voters : count > 0;
        warp->setPred(ops[0], group.mask, value ? kAllLanes : 0);
      }
    }
}

//===----------------------------------------------------------------------===//
// Clusters.
//===----------------------------------------------------------------------===//

Cluster::Cluster(LaunchState &state, uint64_t number)
    : state(state), number(number),
      random(state.options.seed ^ (number * 0x9e3779b9)) {
  const uint32_t (&grid)[3] = state.config.grid;
  const uint32_t (&shape)[3] = state.clusterShape;
  uint64_t counts[3] = {grid[0] / shape[0], grid[1] / shape[1],
                        grid[2] / shape[2]};
  index[0] = uint32_t(number % counts[0]);
  index[1] = uint32_t(number / counts[0] % counts[1]);
  index[2] = uint32_t(number / counts[0] / counts[1]);
  for (unsigned rank = 0; rank < state.clusterSize; ++rank) {
    uint32_t at[3] = {index[0] * shape[0] + rank % shape[0],
                      index[1] * shape[1] + rank / shape[0] % shape[1],
                      index[2] * shape[2] + rank / (shape[0] * shape[1])};
    ctas.push_back(std::make_unique<Cta>(*this, rank, at));
    for (const auto &warp : ctas.back()->warps)
      warps.push_back(warp.get());
  }
  if (state.options.races)
    races = std::make_unique<Races>(*this);
}

void Cluster::later(std::function<void()> work) {
  // Often at once, sometimes long after.
  uint64_t delay = random.below(3) ? random.below(8) : random.below(400);
  pending.push_back({round + delay, std::move(work)});
}

bool Cluster::runPending(bool all) {
  bool ran = false;
  for (size_t i = 0; i < pending.size();) {
    if (!all && pending[i].due > round) {
      ++i;
      continue;
    }
    PendingWork work = std::move(pending[i]);
    pending.erase(pending.begin() + i);
    work.run();
    spins = 0;
    ran = true;
  }
  return ran;
}

void Cluster::checkMbarrier(Mbarrier &barrier) {
  if (barrier.pending || barrier.bytes)
    return;
  ++barrier.phase;
  barrier.pending = barrier.expected;
  spins = 0;
  if (!races)
    return;
  // Copies of the phase are done, and what came before the arrivals.
  barrier.sync.pending.raise(barrier.agent, uint32_t(barrier.phase));
  races->complete(barrier.sync);
}

void Cluster::barrierCheck() {
  uint32_t threads = 0;
  for (const auto &cta : ctas)
    threads += cta->liveThreads();
  if (barrierArrived && barrierArrived >= threads) {
    barrierArrived = 0;
    ++barrierPhase;
    spins = 0;
    if (races)
      races->complete(barrierSync);
  }
  for (Warp *warp : warps)
    for (Group &group : warp->groups)
      if (group.wait == Group::ClusterWait && barrierPhase > group.phase) {
        group.wait = Group::Ready;
        if (races)
          races->acquire(*warp, barrierSync);
        ++group.pc;
      }
}

void Cluster::reportDeadlock() {
  std::lock_guard<std::mutex> lock(state.mutex);
  if (state.faulted)
    return;
  state.fault.kind = Fault::Deadlock;
  state.fault.message = "kernel " + state.program.name + ": deadlock";
  unsigned listed = 0;
  for (Warp *warp : warps)
    if (!warp->done() && listed++ < 16)
      state.fault.message += warp->describeWaits();
  state.faulted = true;
}

/// How long a warp runs before another gets its turn: mostly short, sometimes
/// so long that others fall far behind.
static unsigned pickQuantum(Random &random) {
  unsigned kind = random.below(16);
  if (kind < 4)
    return 1 + random.below(4);
  if (kind < 14)
    return 8 + random.below(64);
  return 200 + random.below(2000);
}

Cluster::Result Cluster::run(uint64_t instructions) {
  uint64_t until = stats.warpInstructions + instructions;
  /// Waits that fail so often in a row will never succeed.
  const uint64_t hopeless = 1000 * warps.size();
  unsigned idle = 0;
  while (stats.warpInstructions < until) {
    bool anyLive = false;
    // A random warp, or the next one that can run.
    unsigned start = random.below(unsigned(warps.size()));
    bool ran = false;
    for (size_t i = 0; i < warps.size() && !ran; ++i) {
      Warp *warp = warps[(start + i) % warps.size()];
      if (warp->done())
        continue;
      anyLive = true;
      ran = warp->runSlice(pickQuantum(random));
    }
    if (state.faulted)
      return Faulted;
    ++round;
    if (!pending.empty())
      ran |= runPending(!ran || !anyLive);
    if (state.faulted)
      return Faulted;
    if (!anyLive)
      return Finished;
    idle = ran ? 0 : idle + 1;
    if (idle > 1 || spins > hopeless) {
      reportDeadlock();
      return Faulted;
    }
  }
  return Suspended;
}

//===----------------------------------------------------------------------===//
// Launches.
//===----------------------------------------------------------------------===//

static bool refuse(Fault &fault, std::string message) {
  fault.kind = Fault::InvalidLaunch;
  fault.message = std::move(message);
  return false;
}

static bool prepare(LaunchState &state, Fault &fault) {
  const LaunchConfig &config = state.config;
  const Program &program = state.program;
  uint64_t threads = 1;
  for (int i = 0; i < 3; ++i) {
    if (!config.grid[i] || !config.block[i])
      return refuse(fault, "a dimension of the launch is zero");
    threads *= config.block[i];
    uint32_t cluster = config.cluster[i]            ? config.cluster[i]
                       : program.requiredCluster[i] ? program.requiredCluster[i]
                                                    : 1;
    if (config.grid[i] % cluster)
      return refuse(fault, "the grid is no multiple of the cluster");
    state.clusterShape[i] = cluster;
    state.clusterSize *= cluster;
    if (program.requiredThreads[i] &&
        program.requiredThreads[i] != config.block[i])
      return refuse(fault, "the block differs from .reqntid");
    if (program.requiredCluster[i] && program.requiredCluster[i] != cluster)
      return refuse(fault, "the cluster differs from .reqnctapercluster");
  }
  if (threads > 1024 || (program.maxThreads && threads > program.maxThreads))
    return refuse(fault, "too many threads in a block");
  if (state.clusterSize > 16)
    return refuse(fault, "too many CTAs in a cluster");
  if (config.params.size() < program.paramBytes)
    return refuse(fault, "too few bytes of parameters");
  if (program.dynamicShared + config.dynamicShared >= kSharedOffsetMask)
    return refuse(fault, "too much shared memory");
  state.numWarps = unsigned((threads + kWarpSize - 1) / kWarpSize);
  return true;
}

namespace {
/// What one thread of the host does of a launch: clusters first, first + step,
/// and so on.
struct Executor {
  LaunchState &state;
  uint64_t first, step, total;
  LaunchStats stats;
  Random random;

  void run();
  void finish(const Cluster &cluster);
};
} // namespace

void Executor::finish(const Cluster &cluster) {
  stats.warpInstructions += cluster.stats.warpInstructions;
  stats.laneInstructions += cluster.stats.laneInstructions;
  stats.tensorInstructions += cluster.stats.tensorInstructions;
}

void Executor::run() {
  // Clusters that take long share the time with the next ones, up to what the
  // device would hold at once: they may wait for each other. Some stop early,
  // so that they do not end in the order of their numbers.
  constexpr uint64_t kTurn = uint64_t(1) << 22, kShortTurn = 4096;
  std::deque<std::unique_ptr<Cluster>> live;
  uint64_t next = first, used = 0;
  while (next < total || !live.empty()) {
    std::unique_ptr<Cluster> cluster;
    if (next < total && live.size() < state.options.multiprocessors) {
      cluster = std::make_unique<Cluster>(state, next);
      next += step;
    } else {
      cluster = std::move(live.front());
      live.pop_front();
    }
    uint64_t before = cluster->stats.warpInstructions;
    Cluster::Result result =
        cluster->run(random.below(4) ? kTurn : 1 + random.below(kShortTurn));
    used += cluster->stats.warpInstructions - before;
    if (result == Cluster::Suspended)
      live.push_back(std::move(cluster));
    else
      finish(*cluster);
    if (result == Cluster::Faulted || state.faulted)
      return;
    if (used > state.options.budget) {
      std::lock_guard<std::mutex> lock(state.mutex);
      if (state.faulted)
        return;
      state.fault.kind = Fault::Timeout;
      state.fault.message = "kernel " + state.program.name +
                            " does not end: " + std::to_string(used) +
                            " instructions of warps were executed";
      state.faulted = true;
      return;
    }
  }
}

bool ingot::ptx::launch(const Program &program, const LaunchConfig &config,
                        MemoryMap &memory, const LaunchOptions &options,
                        Fault &fault, LaunchStats &stats) {
  LaunchState state{program, config, memory, options, {1, 1, 1}};
  GlobalOrder order;
  if (options.races)
    state.order = &order;
  if (!prepare(state, fault))
    return false;
  uint64_t ctas = uint64_t(config.grid[0]) * config.grid[1] * config.grid[2];
  uint64_t clusters = ctas / state.clusterSize;
  unsigned threads = options.races ? 1 : options.threads;
  if (threads < 1)
    threads = 1;
  if (threads > clusters)
    threads = unsigned(clusters);
  std::vector<Executor> executors;
  for (unsigned i = 0; i < threads; ++i)
    executors.push_back(
        {state, i, threads, clusters, {}, Random(options.seed ^ i)});
  std::vector<std::thread> workers;
  for (unsigned i = 1; i < threads; ++i)
    workers.emplace_back([&executors, i] { executors[i].run(); });
  executors[0].run();
  for (std::thread &worker : workers)
    worker.join();
  for (const Executor &executor : executors) {
    stats.warpInstructions += executor.stats.warpInstructions;
    stats.laneInstructions += executor.stats.laneInstructions;
    stats.tensorInstructions += executor.stats.tensorInstructions;
  }
  fault = state.fault;
  return !state.faulted;
}
