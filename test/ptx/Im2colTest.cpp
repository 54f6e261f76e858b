//===- Im2colTest.cpp -----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bulk loads in im2col mode against the convolution they are for: a row of the
// column is the pixel that a tap multiplies for a result.
//
//===----------------------------------------------------------------------===//
#include "test/ptx/Kernels.h"

#include <gtest/gtest.h>

using namespace ingot::ptx;

namespace {

/// A dimension of pixels: its size, and how a kernel goes over it.
struct Axis {
  int size, kernel, stride, dilation, before, after;
  int span() const { return (kernel - 1) * dilation; }
  int results() const {
    return (size + before + after - span() - 1) / stride + 1;
  }
};

/// Images of u32 and a convolution of them, dimensions innermost first.
struct Conv {
  int images, channels;
  std::vector<Axis> axes;
  /// Of a load.
  int channelsPerPixel, pixels;
  TensorMap::Swizzle swizzle = TensorMap::None;

  unsigned rank() const { return unsigned(axes.size()) + 2; }
  int results() const {
    int results = images;
    for (const Axis &axis : axes)
      results *= axis.results();
    return results;
  }
  int elements() const {
    int count = images * channels;
    for (const Axis &axis : axes)
      count *= axis.size;
    return count;
  }
  unsigned bytes() const { return unsigned(channelsPerPixel * pixels) * 4; }
};

MapBytes mapOf(const Conv &conv, uint64_t address) {
  MapBytes bytes = {};
  TensorMap &map = bytes.map;
  map.magic = TensorMap::kMagic;
  map.rank = uint8_t(conv.rank());
  map.elementBytes = 4;
  map.swizzle = conv.swizzle;
  map.isIm2col = 1;
  map.address = address;
  map.box[0] = uint16_t(conv.channelsPerPixel);
  map.box[1] = uint16_t(conv.pixels);
  map.lastIndex[0] = uint32_t(conv.channels - 1);
  std::fill(map.elementStrides, map.elementStrides + 5, uint8_t(1));
  uint64_t stride = uint64_t(conv.channels) * 4;
  unsigned i = 0;
  for (const Axis &axis : conv.axes) {
    map.strides[i] = stride;
    stride *= uint64_t(axis.size);
    map.lower[i] = int16_t(-axis.before);
    map.upper[i] = int16_t(axis.after - axis.span());
    ++i;
    map.lastIndex[i] = uint32_t(axis.size - 1);
    map.elementStrides[i] = uint8_t(axis.stride);
  }
  map.strides[i] = stride;
  map.lastIndex[i + 1] = uint32_t(conv.images - 1);
  return bytes;
}

struct Coordinates {
  int32_t at[5] = {};
};
struct Offsets {
  uint16_t of[3] = {};
};

/// What a tap multiplies for a result and a channel: the input's element plus
/// one, or 0 outside of it.
uint32_t expected(const Conv &conv, int result, const std::vector<int> &tap,
                  int channel) {
  int64_t index = 0, scale = conv.channels;
  for (size_t i = 0; i < conv.axes.size(); ++i) {
    const Axis &axis = conv.axes[i];
    int at = result % axis.results() * axis.stride - axis.before +
             tap[i] * axis.dilation;
    if (at < 0 || at >= axis.size)
      return 0;
    index += at * scale;
    scale *= axis.size;
    result /= axis.results();
  }
  if (result >= conv.images || channel >= conv.channels)
    return 0;
  return uint32_t(index + result * scale + channel + 1);
}

/// One load for the results from `first` on: `blocks` CTAs get it.
Outcome load(const std::string &text, const Conv &conv, int first,
             const std::vector<int> &tap, int channel, const char *kernel,
             unsigned blocks, uint64_t seed, bool races,
             const std::function<void(MapBytes &, Coordinates &, Offsets &)>
                 &change = {}) {
  KernelRun run;
  DeviceBuffer from(run.memory, uint64_t(conv.elements()) * 4, true);
  DeviceBuffer out(run.memory, uint64_t(conv.bytes()) * blocks, false);
  for (int i = 0; i < conv.elements(); ++i)
    from.as<uint32_t>()[i] = uint32_t(i + 1);
  Coordinates at;
  Offsets offsets;
  at.at[0] = channel;
  int rest = first;
  for (size_t i = 0; i < conv.axes.size(); ++i) {
    const Axis &axis = conv.axes[i];
    at.at[1 + i] = rest % axis.results() * axis.stride - axis.before;
    rest /= axis.results();
    offsets.of[i] = uint16_t(tap[i] * axis.dilation);
  }
  at.at[1 + conv.axes.size()] = rest;
  MapBytes map = mapOf(conv, from.base);
  if (change)
    change(map, at, offsets);
  run.config.grid[0] = blocks;
  run.config.block[0] = 64;
  run.options.seed = seed;
  run.options.races = races;
  run.param(map);
  run.param(out.base);
  run.param(uint32_t(conv.bytes()));
  run.config.params.resize(run.config.params.size() + 26);
  memcpy(&run.config.params[140], &at, 20);
  memcpy(&run.config.params[160], &offsets, 6);
  run.run(text, kernel);
  run.outcome.right = true;
  for (unsigned i = 0; i < conv.bytes() / 4 * blocks; ++i) {
    unsigned row = i * 4 % conv.bytes() / 4 / unsigned(conv.channelsPerPixel);
    unsigned column = i % unsigned(conv.channelsPerPixel);
    uint32_t want =
        expected(conv, first + int(row), tap, channel + int(column));
    unsigned place = i * 4 % conv.bytes();
    if (conv.swizzle == TensorMap::Bytes128)
      place ^= (place >> 7 & 7) << 4;
    place += i * 4 / conv.bytes() * conv.bytes();
    run.outcome.right &= out.as<uint32_t>()[place / 4] == want;
  }
  return run.outcome;
}

/// Every tap and tile of a convolution.
void expectColumns(const Conv &conv) {
  std::string text = readKernel("im2col.ptx");
  std::string kernel = "columns" + std::to_string(conv.rank());
  int taps = 1;
  for (const Axis &axis : conv.axes)
    taps *= axis.kernel;
  for (int t = 0; t < taps; ++t) {
    std::vector<int> tap;
    int rest = t;
    for (const Axis &axis : conv.axes) {
      tap.push_back(rest % axis.kernel);
      rest /= axis.kernel;
    }
    for (int first = 0; first < conv.results(); first += conv.pixels)
      for (int c = 0; c < conv.channels; c += conv.channelsPerPixel) {
        Outcome outcome =
            load(text, conv, first, tap, c, kernel.c_str(), 1, 1, true);
        EXPECT_EQ(outcome.fault.message, "");
        EXPECT_TRUE(outcome.right)
            << "tap " << t << ", result " << first << ", channel " << c;
      }
  }
}

const Conv kOdd = {2, 12, {{9, 3, 2, 1, 1, 1}, {7, 3, 2, 1, 1, 0}},
                   8, 16, TensorMap::None};

} // namespace

TEST(PtxIm2col, Images) {
  expectColumns(kOdd);
  // Dilated, with other pads on either side, and channels in rows of 128 bytes.
  expectColumns({2,
                 40,
                 {{6, 3, 1, 2, 3, 1}, {7, 2, 1, 3, 0, 2}},
                 32,
                 32,
                 TensorMap::Bytes128});
  // Points with strides, of which some lie behind the last one used.
  expectColumns({3, 4, {{8, 1, 3, 1, 0, 0}, {6, 1, 2, 1, 0, 0}}, 4, 32});
}

TEST(PtxIm2col, LinesAndVolumes) {
  expectColumns({3, 8, {{20, 5, 3, 1, 2, 2}}, 8, 16});
  expectColumns({2,
                 4,
                 {{4, 2, 1, 2, 1, 1}, {5, 3, 2, 1, 1, 1}, {3, 2, 1, 1, 0, 1}},
                 4,
                 64});
}

TEST(PtxIm2col, MulticastReachesAllBlocks) {
  std::string text = readKernel("im2col.ptx");
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Outcome outcome = load(text, kOdd, 4, {2, 1}, 0, "both4", 2, seed, true);
    EXPECT_EQ(outcome.fault.message, "");
    EXPECT_TRUE(outcome.right);
  }
}

TEST(PtxIm2col, WrongUsesAreFaults) {
  using Change = std::function<void(MapBytes &, Coordinates &, Offsets &)>;
  const std::pair<const char *, Change> changes[] = {
      {"not for im2col mode",
       [](MapBytes &map, auto &, auto &) { map.map.isIm2col = 0; }},
      {"another rank", [](MapBytes &map, auto &, auto &) { map.map.rank = 3; }},
      {"outside of the bounding box",
       [](auto &, Coordinates &at, auto &) { at.at[1] = -2; }},
      {"outside of the bounding box",
       [](auto &, Coordinates &at, auto &) { at.at[2] = 6; }},
      {"offset is too large",
       [](auto &, auto &, Offsets &offsets) { offsets.of[1] = 256; }}};
  std::string text = readKernel("im2col.ptx");
  for (const auto &[message, change] : changes) {
    Outcome outcome =
        load(text, kOdd, 0, {0, 0}, 0, "columns4", 1, 1, true, change);
    EXPECT_NE(outcome.fault.message.find(message), std::string::npos)
        << outcome.fault.message;
  }
}

TEST(PtxIm2col, MistakesAreFound) {
  const std::pair<const char *, const char *> mutations[] = {
      {"{%rs0, %rs1}, %rs4;", "{%rs1, %rs0}, %rs4;"},
      {"{%r10, %r11, %r12, %r13}], [%r4], {%rs0, %rs1}, %rs4;",
       "{%r10, %r12, %r11, %r13}], [%r4], {%rs0, %rs1}, %rs4;"},
      {"mov.b16 %rs4, 3;", "mov.b16 %rs4, 1;"},
      {"mbarrier.arrive.expect_tx.shared.b64 _, [%r4], %r1;",
       "mbarrier.arrive.expect_tx.shared.b64 _, [%r4], 256;"},
      {"mbarrier.arrive.expect_tx.shared.b64 _, [%r4], %r1;",
       "mbarrier.arrive.expect_tx.shared.b64 _, [%r4], 528;"},
      {"@!%p3 bra ISSUED;", ""},
      {"fence.mbarrier_init.release.cluster;", ""},
      {"READY:\n  barrier.cluster.arrive.aligned;\n"
       "  barrier.cluster.wait.aligned;",
       "READY:"}};
  std::string whole = readKernel("im2col.ptx");
  size_t entry = whole.find("both4");
  for (const auto &[find, replacement] : mutations) {
    std::string text = whole;
    size_t at = text.find(find, entry);
    ASSERT_NE(at, std::string::npos) << find;
    text.replace(at, strlen(find), replacement);
    unsigned caught = 0;
    constexpr unsigned kSeeds = 20;
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      Outcome outcome = load(text, kOdd, 4, {2, 1}, 0, "both4", 2, seed, true);
      ASSERT_NE(outcome.fault.kind, Fault::InvalidLaunch)
          << outcome.fault.message;
      caught += outcome.caught();
    }
    EXPECT_GE(caught, kSeeds * 95 / 100) << find << " -> " << replacement;
  }
}
