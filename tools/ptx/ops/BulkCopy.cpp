//===- BulkCopy.cpp -------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// cp.async.bulk and cp.async.bulk.tensor: copies by an engine of their own
// ("Data Movement and Conversion Instructions: Bulk copy", "Tensors").
//
//===----------------------------------------------------------------------===//
#include "tools/ptx/Access.h"
#include "tools/ptx/TensorMap.h"
#include "tools/ptx/ops/Lanes.h"
#include "tools/ptx/ops/Mbarrier.h"

using namespace ingot::ptx;

namespace {

/// A box of a tensor, or pixels of images, as one copy moves it.
struct Box {
  TensorMap map;
  int64_t start[5] = {};
  /// Of im2col mode: from the filter's base to the pixel, along W, H and D.
  int64_t offsets[3] = {};
  uint64_t bytes = 0;

  unsigned elements(unsigned axis) const {
    unsigned stride = map.isIm2col ? 1 : map.elementStrides[axis];
    return (map.box[axis] + stride - 1) / stride;
  }
};

/// Where a byte of a box stands in shared memory ("Swizzling modes"): the
/// pattern is made of bits of the address.
uint64_t swizzled(uint64_t offset, TensorMap::Swizzle swizzle) {
  uint64_t lines = swizzle == TensorMap::Bytes128  ? 7
                   : swizzle == TensorMap::Bytes64 ? 3
                   : swizzle == TensorMap::Bytes32 ? 1
                                                   : 0;
  return offset ^ ((offset >> 7 & lines) << 4);
}

/// The address of an element, 0 if it is out of bounds.
uint64_t addressOf(const TensorMap &map, const int64_t (&at)[5]) {
  uint64_t address = map.address;
  for (unsigned axis = 0; axis < map.rank; ++axis) {
    if (at[axis] < 0 || at[axis] > int64_t(map.lastIndex[axis]))
      return 0;
    uint64_t stride = axis ? map.strides[axis - 1] : map.elementBytes;
    address += uint64_t(at[axis]) * stride;
  }
  return address;
}

/// The last place of a filter's base along a dimension of pixels.
int64_t lastBase(const TensorMap &map, unsigned axis) {
  return int64_t(map.lastIndex[axis]) + map.upper[axis - 1];
}

/// Pixel by pixel ("im2col mode"): the base of the filter goes in steps along
/// W, then from the lower corner again along H and D, then to the next image.
/// The offsets lead from there to the pixel.
template <typename F> void forPixels(const Box &box, F visit) {
  const TensorMap &map = box.map;
  unsigned last = map.rank - 1u;
  int64_t base[5], at[5];
  memcpy(base, box.start, sizeof(base));
  uint64_t offset = 0;
  for (unsigned pixel = 0; pixel < map.box[1]; ++pixel) {
    memcpy(at, base, sizeof(at));
    for (unsigned axis = 1; axis < last; ++axis)
      at[axis] += box.offsets[axis - 1];
    for (unsigned channel = 0; channel < map.box[0]; ++channel) {
      at[0] = base[0] + channel;
      visit(offset, addressOf(map, at));
      offset += map.elementBytes;
    }
    for (unsigned axis = 1; axis <= last; ++axis) {
      base[axis] += map.elementStrides[axis];
      if (axis == last || base[axis] <= lastBase(map, axis))
        break;
      base[axis] = map.lower[axis - 1];
    }
  }
}

/// Calls `visit(offset in the box, address or 0 if out of bounds)` for each
/// element.
template <typename F> void forElements(const Box &box, F visit) {
  const TensorMap &map = box.map;
  if (map.isIm2col)
    return forPixels(box, visit);
  unsigned index[5] = {};
  uint64_t offset = 0;
  for (;;) {
    int64_t at[5] = {};
    for (unsigned axis = 0; axis < map.rank; ++axis)
      at[axis] =
          box.start[axis] + int64_t(index[axis]) * map.elementStrides[axis];
    visit(offset, addressOf(map, at));
    offset += map.elementBytes;
    unsigned axis = 0;
    while (axis < map.rank && ++index[axis] == box.elements(axis))
      index[axis++] = 0;
    if (axis == map.rank)
      return;
  }
}

uint64_t fillOf(const TensorMap &map) {
  if (!map.fillNan)
    return 0;
  switch (map.floatKind) {
  case 1:
  case 2:
    return 0x7fff;
  case 4:
    return 0x7fffffff;
  default:
    return 0x7fffffffffffffff;
  }
}

/// What a copy of tensors is, in Instr::mode.
enum TensorMode : uint8_t { Multicast = 1, Im2col = 2 };

/// What is wrong with a lane's use of a map; null: nothing.
const char *checkUse(const Instr &in, const TensorMap &map) {
  if (map.magic != TensorMap::kMagic)
    return "the descriptor is no tensor map";
  if (map.rank != in.imm)
    return "the tensor map has another rank";
  if (map.isIm2col && !(in.mode & Im2col))
    return "the tensor map is for im2col mode";
  if (!map.isIm2col && (in.mode & Im2col))
    return "the tensor map is not for im2col mode";
  return nullptr;
}

/// Reads the offsets of im2col mode; false after a fault.
bool readOffsets(Warp &w, const Instr &in, unsigned lane,
                 const Operand &offsets, Box &box) {
  constexpr unsigned kOffsetBits[] = {16, 8, 5};
  unsigned spatial = in.imm - 2;
  for (unsigned i = 0; i < spatial; ++i) {
    box.offsets[i] = uint16_t(w.src(w.elements(offsets)[i])[lane]);
    const char *wrong = nullptr;
    if (box.offsets[i] >> kOffsetBits[spatial - 1])
      wrong = "an im2col offset is too large for the tensor's dimensions";
    else if (box.start[1 + i] < box.map.lower[i] ||
             box.start[1 + i] > lastBase(box.map, 1 + i))
      wrong = "the filter's base is outside of the bounding box";
    if (wrong) {
      w.fault(in, int(lane), Fault::IllegalInstruction, wrong);
      return false;
    }
  }
  return true;
}

/// Reads the map and the coordinates of a lane; false after a fault.
bool readBox(Warp &w, const Instr &in, unsigned lane, uint64_t mapAddress,
             const Operand &coordinates, Box &box) {
  Region place = region(w, in, int(lane), Space::Generic, mapAddress, 128, 64);
  if (!place.data)
    return false;
  memcpy(&box.map, place.data, sizeof(box.map));
  if (const char *wrong = checkUse(in, box.map)) {
    w.fault(in, int(lane), Fault::IllegalInstruction, wrong);
    return false;
  }
  for (unsigned axis = 0; axis < box.map.rank; ++axis)
    box.start[axis] = int32_t(w.src(w.elements(coordinates)[axis])[lane]);
  box.bytes = box.map.elementBytes;
  for (unsigned axis = 0; axis < (box.map.isIm2col ? 2u : box.map.rank); ++axis)
    box.bytes *= box.elements(axis);
  return true;
}

/// What completes a copy to shared memory.
struct Completion {
  Mbarrier *barrier = nullptr;
  uint64_t bytes = 0;
};

void completeOn(Cluster &cluster, const Completion &completion) {
  completion.barrier->bytes -= int64_t(completion.bytes);
  cluster.checkMbarrier(*completion.barrier);
}

/// The mbarrier of a copy, which must be known to the engine.
Mbarrier *barrierFor(Warp &w, const Instr &in, unsigned lane,
                     uint64_t address) {
  Mbarrier *barrier = findMbarrier(w, in, int(lane), Space::Shared, address);
  if (barrier && !barrier->published && w.cluster.races) {
    w.fault(in, int(lane), Fault::Race,
            "the engine may not see the initialised mbarrier: no "
            "fence.mbarrier_init or fence.proxy.async after mbarrier.init");
    return nullptr;
  }
  return barrier;
}

/// Alignment that a box needs in shared memory.
uint64_t alignmentOf(const TensorMap &map) {
  return map.swizzle == TensorMap::None ? 16 : 128;
}

/// Bytes in shared memory that a box covers.
void noteWrite(Warp &w, const Instr &in, const Region &target, uint64_t bytes,
               const Mbarrier &barrier) {
  if (w.cluster.races)
    w.cluster.races->asyncAccess(w, in, *target.cta, target.offset, bytes, true,
                                 {barrier.agent, uint32_t(barrier.phase + 1)},
                                 true);
}

/// Global to shared memory. Operands: destination, [map, {coordinates}],
/// mbarrier, perhaps {offsets} of im2col mode, perhaps a mask of CTAs.
void loadTensor(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  Addresses to(w, ops[0]), barriers(w, ops[3]);
  const uint64_t *maps = w.src(ops[1]);
  forLanes(m, [&](unsigned lane) {
    Box box;
    if (!readBox(w, in, lane, maps[lane] + uint64_t(ops[1].offset), ops[2],
                 box))
      return;
    bool isIm2col = in.mode & Im2col, isMulticast = in.mode & Multicast;
    if (isIm2col && !readOffsets(w, in, lane, ops[4], box))
      return;
    // With multicast the copy goes to the same place in each CTA of the mask.
    uint32_t mask =
        isMulticast ? uint32_t(w.src(ops[isIm2col ? 5 : 4])[lane]) & 0xffff : 0;
    for (unsigned rank = 0; rank < w.state.clusterSize; ++rank) {
      if (isMulticast && !(mask >> rank & 1))
        continue;
      uint64_t high = isMulticast ? uint64_t(rank + 1) << kRankShift : 0;
      auto placed = [&](uint64_t address) {
        address &= ~kWindowMask;
        return isMulticast ? high | (address & kSharedOffsetMask) : address;
      };
      Region target = region(w, in, int(lane), Space::Shared, placed(to[lane]),
                             box.bytes, alignmentOf(box.map));
      Mbarrier *barrier = target.data
                              ? barrierFor(w, in, lane, placed(barriers[lane]))
                              : nullptr;
      if (!barrier)
        return;
      noteWrite(w, in, target, box.bytes, *barrier);
      Completion completion{barrier, box.bytes};
      Warp *warp = &w;
      const Instr *instr = &in;
      w.cluster.later([=] {
        if (!target.cta->takesCopies(*warp, *instr, int(lane)))
          return;
        uint64_t fill = fillOf(box.map);
        uint64_t base = target.offset;
        unsigned size = box.map.elementBytes;
        forElements(box, [&](uint64_t offset, uint64_t address) {
          uint64_t at = swizzled(base + offset, box.map.swizzle);
          uint8_t *place = target.cta->shared + at;
          InitMap &init = target.cta->sharedInit;
          if (!address) {
            memcpy(place, &fill, size);
            init.mark(at, size);
            return;
          }
          Region source =
              region(*warp, *instr, int(lane), Space::Global, address, size, 1);
          if (!source.data)
            return;
          memcpy(place, source.data, size);
          init.copyFrom(at, source.init, source.offset, size);
        });
        completeOn(warp->cluster, completion);
      });
      if (!isMulticast)
        return;
    }
  });
}

/// Notes a read of the engine until the group is waited for, and queues it.
void addStore(Warp &w, const Instr &in, unsigned lane, const Region &source,
              uint64_t bytes, std::function<void()> store) {
  Groups<std::function<void()>> &groups = w.bulkStores[lane];
  if (w.cluster.races)
    w.cluster.races->asyncAccess(
        w, in, *source.cta, source.offset, bytes, false,
        {Races::agentOf(w, Engine::BulkStores), groups.numCommitted + 1}, true);
  groups.open.push_back(std::move(store));
}

/// Shared to global memory. Operands: [map, {coordinates}], source.
void storeTensor(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  Addresses from(w, ops[2]);
  const uint64_t *maps = w.src(ops[0]);
  forLanes(m, [&](unsigned lane) {
    Box box;
    if (!readBox(w, in, lane, maps[lane] + uint64_t(ops[0].offset), ops[1],
                 box))
      return;
    Region source = region(w, in, int(lane), Space::Shared, from[lane],
                           box.bytes, alignmentOf(box.map));
    if (!source.data)
      return;
    Warp *warp = &w;
    const Instr *instr = &in;
    addStore(w, in, lane, source, box.bytes, [=] {
      unsigned size = box.map.elementBytes;
      forElements(box, [&](uint64_t offset, uint64_t address) {
        if (!address)
          return;
        uint64_t at = swizzled(source.offset + offset, box.map.swizzle);
        Region target =
            region(*warp, *instr, int(lane), Space::Global, address, size, 1);
        if (!target.data)
          return;
        memcpy(target.data, source.cta->shared + at, size);
        target.init->copyFrom(target.offset, source.init, at, size);
      });
    });
  });
}

bool goodSize(Warp &w, const Instr &in, unsigned lane, uint64_t bytes) {
  if (bytes && bytes % 16 == 0)
    return true;
  w.fault(in, int(lane), Fault::IllegalInstruction,
          "a bulk copy moves a multiple of 16 bytes");
  return false;
}

/// Bytes in one piece to shared memory, from global memory or another CTA.
/// Operands: destination, source, bytes, mbarrier; mode: from shared memory.
void loadBytes(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  Addresses to(w, ops[0]), from(w, ops[1]), barriers(w, ops[3]);
  const uint64_t *sizes = w.src(ops[2]);
  forLanes(m, [&](unsigned lane) {
    uint64_t bytes = uint32_t(sizes[lane]);
    if (!goodSize(w, in, lane, bytes))
      return;
    Region target =
        region(w, in, int(lane), Space::Shared, to[lane], bytes, 16);
    Region source =
        region(w, in, int(lane), in.mode ? Space::Shared : Space::Global,
               from[lane], bytes, 16);
    Mbarrier *barrier = target.data && source.data
                            ? barrierFor(w, in, lane, barriers[lane])
                            : nullptr;
    if (!barrier)
      return;
    noteWrite(w, in, target, bytes, *barrier);
    if (source.cta && w.cluster.races)
      w.cluster.races->asyncAccess(
          w, in, *source.cta, source.offset, bytes, false,
          {barrier->agent, uint32_t(barrier->phase + 1)}, true);
    Completion completion{barrier, bytes};
    Warp *warp = &w;
    const Instr *instr = &in;
    w.cluster.later([=] {
      if (!target.cta->takesCopies(*warp, *instr, int(lane)))
        return;
      memcpy(target.data, source.data, bytes);
      target.init->copyFrom(target.offset, source.init, source.offset, bytes);
      completeOn(warp->cluster, completion);
    });
  });
}

/// Operands: destination, source, bytes.
void storeBytes(Warp &w, const Instr &in, uint32_t m) {
  const Operand *ops = w.operands(in);
  Addresses to(w, ops[0]), from(w, ops[1]);
  const uint64_t *sizes = w.src(ops[2]);
  forLanes(m, [&](unsigned lane) {
    uint64_t bytes = uint32_t(sizes[lane]);
    if (!goodSize(w, in, lane, bytes))
      return;
    Region target =
        region(w, in, int(lane), Space::Global, to[lane], bytes, 16);
    Region source =
        region(w, in, int(lane), Space::Shared, from[lane], bytes, 16);
    if (!target.data || !source.data)
      return;
    addStore(w, in, lane, source, bytes, [=] {
      memcpy(target.data, source.data, bytes);
      target.init->copyFrom(target.offset, source.init, source.offset, bytes);
    });
  });
}

void commitStores(Warp &w, const Instr &, uint32_t m) {
  forLanes(m, [&](unsigned lane) { w.bulkStores[lane].commit(); });
}

/// imm: groups that may stay pending. Stores are done as late as that; .read
/// waits only until the source has been read, which here is the same.
void waitForStores(Warp &w, const Instr &in, uint32_t m) {
  uint32_t done = ~uint32_t(0);
  forLanes(m, [&](unsigned lane) {
    Groups<std::function<void()>> &groups = w.bulkStores[lane];
    while (groups.committed.size() > in.imm) {
      for (std::function<void()> &store : groups.committed.front())
        store();
      groups.committed.pop_front();
      ++groups.numDone;
    }
    done = groups.numDone < done ? groups.numDone : done;
  });
  if (w.cluster.races)
    w.cluster.races->observe(w, {Races::agentOf(w, Engine::BulkStores), done});
}

void nothing(Warp &, const Instr &, uint32_t) {}

} // namespace

/// Adds [map, {coordinates}].
static bool addTensor(Decoder &d, Instr &in, const Arg &arg) {
  if (arg.kind != Arg::Address || arg.parts.size() != 2 ||
      arg.parts[1].kind != Arg::Vector || arg.parts[1].parts.size() != in.imm)
    return d.fail("expected a tensor map and its coordinates");
  Arg map = arg;
  map.parts.resize(1);
  return d.add(in, 'a', map) && d.add(in, 'V', arg.parts[1]);
}

static bool decodeTensorCopy(Decoder &d, Instr &in, bool toGlobal,
                             bool prefetch) {
  int rank = d.takeOneOf({"1d", "2d", "3d", "4d", "5d"});
  if (rank < 0)
    return false;
  in.imm = uint32_t(rank + 1);
  bool im2col = !d.take("tile") && d.take("im2col");
  if (im2col && (toGlobal || in.imm < 3))
    return d.fail("im2col mode loads tensors of 3 to 5 dimensions");
  bool multicast = d.take("multicast::cluster");
  d.take("L2::cache_hint");
  std::string_view rest;
  d.takePrefixed("cta_group", rest);
  if (prefetch) {
    in.run = nothing;
    return true;
  }
  if (toGlobal) {
    in.run = storeTensor;
    return d.take("bulk_group") && d.numArgs() >= 2 &&
           addTensor(d, in, d.arg(0)) && d.add(in, 'a', d.arg(1));
  }
  if (!d.take("mbarrier::complete_tx::bytes") || d.numArgs() < 3)
    return false;
  in.run = loadTensor;
  in.mode = uint8_t((multicast ? Multicast : 0) | (im2col ? Im2col : 0));
  if (!d.add(in, 'a', d.arg(0)) || !addTensor(d, in, d.arg(1)) ||
      !d.add(in, 'a', d.arg(2)))
    return false;
  size_t next = 3;
  if (im2col) {
    if (d.numArgs() <= next || d.arg(next).kind != Arg::Vector ||
        d.arg(next).parts.size() != in.imm - 2)
      return d.fail("expected an im2col offset for each dimension of pixels");
    if (!d.add(in, 'V', d.arg(next++)))
      return false;
  }
  return !multicast || (d.numArgs() > next && d.add(in, 's', d.arg(next)));
}

bool ingot::ptx::decodeBulkCopy(Decoder &d, Instr &in) {
  if (!d.requireTarget(90, 0, "cp.async.bulk"))
    return false;
  if (d.take("commit_group")) {
    in.run = commitStores;
    return d.numArgs() == 0;
  }
  if (d.take("wait_group")) {
    d.take("read");
    uint64_t groups = 0;
    if (d.numArgs() != 1 || !d.immediate(d.arg(0), groups))
      return false;
    in.imm = uint32_t(groups);
    in.run = waitForStores;
    return true;
  }
  bool prefetch = d.take("prefetch"), tensor = d.take("tensor");
  // The destination's space stands first.
  bool toGlobal = false, fromShared = false;
  for (size_t i = 0; i < d.rest().size(); ++i) {
    if (d.rest()[i].substr(0, 6) == "shared")
      break;
    if (d.rest()[i] == "global") {
      toGlobal = true;
      break;
    }
  }
  d.take("global");
  unsigned shared = 0;
  while (d.takeOneOf({"shared::cluster", "shared::cta"}) >= 0)
    ++shared;
  fromShared = shared > 1;
  if (tensor)
    return decodeTensorCopy(d, in, toGlobal, prefetch);
  d.take("L2::cache_hint");
  if (prefetch) {
    in.run = nothing;
    std::string_view rest;
    while (d.takePrefixed("L2", rest))
      ;
    return true;
  }
  if (toGlobal) {
    in.run = storeBytes;
    return d.take("bulk_group") && d.numArgs() >= 3 &&
           d.add(in, 'a', d.arg(0)) && d.add(in, 'a', d.arg(1)) &&
           d.add(in, 's', d.arg(2));
  }
  in.run = loadBytes;
  in.mode = fromShared;
  return d.take("mbarrier::complete_tx::bytes") && d.numArgs() >= 4 &&
         d.add(in, 'a', d.arg(0)) && d.add(in, 'a', d.arg(1)) &&
         d.add(in, 's', d.arg(2)) && d.add(in, 'a', d.arg(3));
}
