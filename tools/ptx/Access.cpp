//===- Access.cpp ---------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/Access.h"

using namespace ingot::ptx;

static std::string hex(uint64_t value) {
  char text[24];
  snprintf(text, sizeof(text), "0x%llx", (unsigned long long)value);
  return text;
}

static const char *nameOf(Space space) {
  switch (space) {
  case Space::Shared:
    return "shared";
  case Space::Local:
    return "local";
  case Space::Param:
    return "parameter";
  case Space::Const:
    return "constant";
  default:
    return "global";
  }
}

/// Resolves a generic address, which says by itself what it points to.
static Space resolve(Space space, uint64_t &address) {
  if (space == Space::Generic || space == Space::Global ||
      space == Space::Const) {
    uint64_t window = address & kWindowMask;
    if (space != Space::Generic || window == 0)
      return Space::Global;
    address &= ~kWindowMask;
    return window == kSharedWindow  ? Space::Shared
           : window == kLocalWindow ? Space::Local
           : window == kParamWindow ? Space::Param
                                    : Space::Global;
  }
  // Addresses in a space may carry the bits of the generic window.
  address &= ~kWindowMask;
  return space;
}

static std::string outOf(Space space, uint64_t address, uint64_t bytes) {
  return "access of " + std::to_string(bytes) + " bytes at " + hex(address) +
         " is outside of " + nameOf(space) + " memory";
}

Region ingot::ptx::region(Warp &warp, const Instr &in, int lane, Space space,
                          uint64_t address, uint64_t bytes, uint64_t align) {
  Region result;
  uint64_t given = address;
  space = resolve(space, address);
  if (address & (align - 1)) {
    warp.fault(in, lane, Fault::Misaligned,
               std::string("address ") + hex(given) + " in " + nameOf(space) +
                   " memory is not a multiple of " + std::to_string(align));
    return result;
  }
  auto illegal = [&] {
    warp.fault(in, lane, Fault::IllegalAddress, outOf(space, given, bytes));
    return Region();
  };
  switch (space) {
  case Space::Shared: {
    Cta *cta = warp.cluster.ctaOf(address, warp.cta);
    uint64_t offset = address & kSharedOffsetMask;
    if (!cta || offset > cta->sharedBytes || bytes > cta->sharedBytes - offset)
      return illegal();
    if (cta->ended) {
      warp.fault(in, lane, Fault::IllegalAddress,
                 "access to the shared memory of CTA " + cta->name() +
                     ", which has ended");
      return result;
    }
    result = {cta->shared + offset, &cta->sharedInit, offset, cta};
    return result;
  }
  case Space::Local:
    if (lane < 0 || address > warp.localBytes ||
        bytes > warp.localBytes - address)
      return illegal();
    result.data = warp.local(unsigned(lane)) + address;
    return result;
  case Space::Param: {
    const std::vector<uint8_t> &params = warp.state.config.params;
    if (address > params.size() || bytes > params.size() - address)
      return illegal();
    result.data = const_cast<uint8_t *>(params.data()) + address;
    return result;
  }
  default:
    break;
  }
  Allocation *allocation = warp.lastHit;
  if (!allocation || !allocation->contains(address, bytes)) {
    allocation = warp.state.memory.find(address);
    if (!allocation || !allocation->contains(address, bytes))
      return illegal();
    warp.lastHit = allocation;
  }
  result.data = reinterpret_cast<uint8_t *>(address);
  result.init = &allocation->init;
  result.offset = address - allocation->base;
  return result;
}

uint8_t *ingot::ptx::access(Warp &warp, const Instr &in, unsigned lane,
                            Space space, uint64_t address, unsigned bytes,
                            Access kind) {
  Region place = region(warp, in, int(lane), space, address, bytes, bytes);
  if (!place.data)
    return nullptr;
  if (Races *races = warp.cluster.races.get()) {
    bool atomic = kind == Access::Atomic || in.synchronises;
    if (place.cta)
      races->access(warp, in, int(lane), *place.cta, place.offset, bytes,
                    kind != Access::Read, atomic);
    else if (place.init)
      races->globalAccess(warp, in, int(lane), address, bytes,
                          kind != Access::Write, kind != Access::Read, atomic);
    if (atomic)
      races->synchronise(warp, reinterpret_cast<uint64_t>(place.data),
                         kind != Access::Read);
  }
  if (place.init) {
    bool missing =
        kind != Access::Write && !place.init->covers(place.offset, bytes);
    if (missing && warp.undefined)
      warp.undefined->noteRead(lane);
    if (missing && warp.state.options.checkUninitialised) {
      warp.fault(in, int(lane), Fault::Uninitialised,
                 "read of " + std::to_string(bytes) + " bytes at " +
                     hex(address) + " that were never written");
      return nullptr;
    }
    if (kind != Access::Read) {
      if (!place.cta && warp.lastHit->readOnly) {
        warp.fault(in, int(lane), Fault::IllegalAddress,
                   "write to constant memory at " + hex(address));
        return nullptr;
      }
      place.init->mark(place.offset, bytes);
    }
  } else if (kind != Access::Read &&
             (space == Space::Param ||
              (address & kWindowMask) == kParamWindow)) {
    warp.fault(in, int(lane), Fault::IllegalAddress,
               "write to the parameters of the kernel");
    return nullptr;
  }
  return place.data;
}
