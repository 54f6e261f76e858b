//===- GlobalOrder.cpp ----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/GlobalOrder.h"

#include "tools/ptx/Machine.h"

using namespace ingot::ptx;

void ingot::ptx::join(Known &known, const Known &other) {
  for (const auto &[cluster, clock] : other)
    known[cluster].join(clock);
}

GlobalOrder::Write *GlobalOrder::wordsOf(uint64_t page, bool make) {
  if (page == lastPage && lastWords)
    return lastWords;
  if (!make) {
    auto found = pages.find(page);
    if (found == pages.end())
      return nullptr;
    lastWords = found->second.get();
  } else {
    std::unique_ptr<Write[]> &words = pages[page];
    if (!words)
      words = std::make_unique<Write[]>(kPage / kWord);
    lastWords = words.get();
  }
  lastPage = page;
  return lastWords;
}

/// Calls `visit(page, word, mask)` for the words of a range of bytes.
template <typename Visit>
static void forWords(uint64_t address, uint64_t bytes, uint64_t page,
                     uint64_t word, Visit visit) {
  for (uint64_t end = address + bytes; address < end;) {
    uint64_t next = (address / word + 1) * word;
    next = next < end ? next : end;
    uint8_t mask = uint8_t(((1u << (next - address)) - 1) << address % word);
    visit(address / page, address % page / word, mask);
    address = next;
  }
}

void GlobalOrder::wrote(const Write &write, uint64_t address, uint64_t bytes) {
  forWords(address, bytes, kPage, kWord,
           [&](uint64_t page, uint64_t word, uint8_t mask) {
             Write &place = wordsOf(page, true)[word];
             bool same = place.cluster == write.cluster &&
                         place.epoch.agent == write.epoch.agent &&
                         place.epoch.count == write.epoch.count;
             uint8_t kept = same ? place.bytes : 0;
             place = write;
             place.bytes = kept | mask;
           });
}

const GlobalOrder::Write *
GlobalOrder::unknownWrite(uint64_t cluster, const Known &known, bool strong,
                          uint64_t address, uint64_t bytes) {
  const Write *result = nullptr;
  forWords(address, bytes, kPage, kWord,
           [&](uint64_t page, uint64_t word, uint8_t mask) {
             const Write *words = wordsOf(page, false);
             const Write *write = words ? &words[word] : nullptr;
             if (!write || !(write->bytes & mask) ||
                 write->cluster == cluster || (strong && write->strong))
               return;
             auto clock = known.find(write->cluster);
             if (clock == known.end() ||
                 clock->second[write->epoch.agent] < write->epoch.count)
               result = write;
           });
  return result;
}

void Races::publish(Warp &warp, Known &known) {
  WarpState &state = stateOf(warp);
  join(known, state.known);
  known[cluster.number].join(state.clock);
  Epoch epoch = now(warp);
  state.clock.raise(epoch.agent, epoch.count + 1);
}

void Races::fence(Warp &warp, bool acquires, bool releases) {
  WarpState &state = stateOf(warp);
  if (acquires)
    join(state.known, state.observed);
  if (releases)
    publish(warp, state.fenced);
}

void Races::globalAccess(Warp &warp, const Instr &in, int lane,
                         uint64_t address, uint64_t bytes, bool read,
                         bool write, bool strong) {
  GlobalOrder &order = *cluster.state.order;
  WarpState &state = stateOf(warp);
  if (strong && read)
    join(in.acquires ? state.known : state.observed, order.flag(address));
  if (read)
    if (const GlobalOrder::Write *earlier = order.unknownWrite(
            cluster.number, state.known, strong, address, bytes))
      return warp.fault(
          in, lane, Fault::Race,
          "race in global memory: read of what another CTA wrote at " +
              warp.program.describe(*earlier->in) +
              " without an order between them");
  if (!write)
    return;
  order.wrote({&in, cluster.number, now(warp), 0, strong}, address, bytes);
  if (!strong)
    return;
  if (in.releases)
    publish(warp, order.flag(address));
  else
    join(order.flag(address), state.fenced);
}
