//===- QuantParams.cpp ---------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/QuantParams.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cassert>
#include <cfloat>
#include <cmath>

using namespace ingot::quantize;
using llvm::ArrayRef;
using llvm::MutableArrayRef;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

namespace {
struct TypeFacts {
  StringRef name;
  int32_t onnxDataType;
  unsigned bits;
  bool isSigned;
};
} // namespace

/// In the order of QuantType.
static constexpr TypeFacts typeFacts[] = {
    {"int4", 22, 4, true},  {"uint4", 21, 4, false}, {"int8", 3, 8, true},
    {"uint8", 2, 8, false}, {"int16", 5, 16, true},  {"uint16", 4, 16, false}};

static const TypeFacts &factsOf(QuantType type) {
  return typeFacts[unsigned(type)];
}

StringRef ingot::quantize::quantTypeName(QuantType type) {
  return factsOf(type).name;
}

std::optional<QuantType> ingot::quantize::parseQuantType(StringRef name) {
  for (unsigned i = 0; i < std::size(typeFacts); ++i)
    if (typeFacts[i].name == name)
      return QuantType(i);
  return std::nullopt;
}

int32_t ingot::quantize::onnxDataType(QuantType type) {
  return factsOf(type).onnxDataType;
}

std::optional<QuantType> ingot::quantize::quantTypeOf(int32_t onnxDataType) {
  for (unsigned i = 0; i < std::size(typeFacts); ++i)
    if (typeFacts[i].onnxDataType == onnxDataType)
      return QuantType(i);
  return std::nullopt;
}

unsigned ingot::quantize::bitWidth(QuantType type) {
  return factsOf(type).bits;
}

bool ingot::quantize::isSigned(QuantType type) {
  return factsOf(type).isSigned;
}

int32_t QuantSpec::low() const {
  int32_t bits = int32_t(bitWidth(type)) - isReduced;
  int32_t least = isSigned(type) ? -(1 << (bits - 1)) : 0;
  return least + (isSymmetric && isNarrow);
}

int32_t QuantSpec::high() const {
  int32_t bits = int32_t(bitWidth(type)) - isReduced;
  return isSigned(type) ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
}

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

Range Range::unite(Range other) const {
  return {std::min(low, other.low), std::max(high, other.high)};
}

float Range::absMax() const {
  return std::max(std::fabs(low), std::fabs(high));
}

Range QuantParams::range() const {
  return {float(low - zeroPoint) * scale, float(high - zeroPoint) * scale};
}

llvm::Expected<QuantParams> ingot::quantize::paramsOf(Range range,
                                                      const QuantSpec &spec) {
  if (std::isnan(range.low) || std::isnan(range.high) || range.low > range.high)
    return llvm::createStringError(llvm::formatv(
        "[{0}, {1}] is no range of values", range.low, range.high));
  QuantParams params;
  params.low = spec.low();
  params.high = spec.high();
  double low = std::clamp(double(range.low), -double(FLT_MAX), 0.);
  double high = std::clamp(double(range.high), 0., double(FLT_MAX));
  double scale = 0;
  if (spec.isSymmetric) {
    // The middle of the unsigned types is the zero of the signed ones.
    params.zeroPoint = isSigned(spec.type) ? 0 : (params.high + 1) / 2;
    scale = std::max(-low, high) / (params.high - params.zeroPoint);
  } else {
    scale = (high - low) / (params.high - params.low);
  }
  params.scale = low == high ? 1.f : std::max(float(scale), FLT_MIN);
  if (!spec.isSymmetric)
    params.zeroPoint = int32_t(
        std::clamp(std::nearbyint(params.low - low / double(params.scale)),
                   double(params.low), double(params.high)));
  return params;
}

llvm::Expected<Range> ingot::quantize::rangeOf(ArrayRef<float> values) {
  if (values.empty())
    return Range();
  // In lanes, which loops are vectorised by; x * 0 is NaN unless x is finite.
  constexpr size_t lanes = 8;
  float low[lanes], high[lanes], probe[lanes] = {};
  std::fill(low, low + lanes, values[0]);
  std::fill(high, high + lanes, values[0]);
  auto visit = [&](float value, size_t lane) {
    low[lane] = value < low[lane] ? value : low[lane];
    high[lane] = value > high[lane] ? value : high[lane];
    probe[lane] += value * 0;
  };
  size_t whole = values.size() / lanes * lanes;
  for (size_t i = 0; i < whole; i += lanes)
    for (size_t lane = 0; lane < lanes; ++lane)
      visit(values[i + lane], lane);
  for (size_t i = whole; i < values.size(); ++i)
    visit(values[i], i - whole);
  for (float each : probe)
    if (each != 0) {
      if (llvm::Error error = checkFinite(values))
        return std::move(error);
      break;
    }
  return Range{*std::min_element(low, low + lanes),
               *std::max_element(high, high + lanes)};
}

/// Sum of squared errors of the values.
static double squaredError(ArrayRef<float> values, const QuantParams &params) {
  double sum = 0;
  for (float value : values) {
    double error =
        double(value) - dequantizeValue(quantizeValue(value, params), params);
    sum += error * error;
  }
  return sum;
}

llvm::Expected<QuantParams>
ingot::quantize::tensorParams(ArrayRef<float> values, const QuantSpec &spec,
                              WeightRange how) {
  llvm::Expected<Range> range = rangeOf(values);
  if (!range)
    return range.takeError();
  llvm::Expected<QuantParams> best = paramsOf(range->unite({0, 0}), spec);
  if (!best || how == WeightRange::MinMax)
    return best;
  double least = squaredError(values, *best);
  constexpr int candidates = 80;
  for (int i = 1; i < candidates; ++i) {
    float factor = 1 - 0.8f * float(i) / float(candidates - 1);
    llvm::Expected<QuantParams> params =
        paramsOf({std::min(range->low, 0.f) * factor,
                  std::max(range->high, 0.f) * factor},
                 spec);
    if (!params)
      return params;
    double error = squaredError(values, *params);
    if (error < least) {
      least = error;
      *best = *params;
    }
  }
  return best;
}

llvm::Expected<std::vector<QuantParams>>
ingot::quantize::channelParams(ArrayRef<float> values, ChannelView view,
                               const QuantSpec &spec, WeightRange how) {
  assert(int64_t(values.size()) == view.size());
  std::vector<QuantParams> params;
  std::vector<float> channel;
  for (int64_t c = 0; c < view.channels; ++c) {
    channel.clear();
    for (int64_t outer = 0; outer < view.outer; ++outer) {
      auto part =
          values.slice((outer * view.channels + c) * view.inner, view.inner);
      channel.insert(channel.end(), part.begin(), part.end());
    }
    llvm::Expected<QuantParams> one = tensorParams(channel, spec, how);
    if (!one)
      return llvm::createStringError(
          llvm::formatv("channel {0}: {1}", c, toString(one.takeError())));
    params.push_back(*one);
  }
  return params;
}

llvm::Expected<std::vector<QuantParams>>
ingot::quantize::groupParams(ArrayRef<float> values, ChannelView view,
                             int64_t groupSize, const QuantSpec &spec,
                             WeightRange how) {
  assert(int64_t(values.size()) == view.size());
  if (groupSize <= 0)
    return llvm::createStringError(
        llvm::formatv("groups of {0} elements", groupSize));
  std::vector<QuantParams> params;
  std::vector<float> group;
  for (int64_t outer = 0; outer < view.outer; ++outer)
    for (int64_t begin = 0; begin < view.channels; begin += groupSize)
      for (int64_t inner = 0; inner < view.inner; ++inner) {
        int64_t end = std::min(begin + groupSize, view.channels);
        group.clear();
        for (int64_t c = begin; c < end; ++c)
          group.push_back(
              values[(outer * view.channels + c) * view.inner + inner]);
        llvm::Expected<QuantParams> one = tensorParams(group, spec, how);
        if (!one)
          return llvm::createStringError(
              llvm::formatv("group at [{0}, {1}, {2}]: {3}", outer, begin,
                            inner, toString(one.takeError())));
        params.push_back(*one);
      }
  return params;
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

/// q - zero point, as a float. Clamped first, which gives the same as clamping
/// last and leaves only numbers that this rounding, half to even, is right for;
/// and NaN becomes the lowest.
static inline float toSteps(float value, const QuantParams &params) {
  float least = float(params.low - params.zeroPoint);
  float most = float(params.high - params.zeroPoint);
  float steps = value / params.scale;
  steps = steps > least ? steps : least;
  steps = steps < most ? steps : most;
  constexpr float magic = 12582912; // 1.5 * 2^23: one is the last bit
  return (steps + magic) - magic;
}

int32_t ingot::quantize::quantizeValue(float value, const QuantParams &params) {
  return int32_t(toSteps(value, params)) + params.zeroPoint;
}

void ingot::quantize::quantize(ArrayRef<float> from, const QuantParams &params,
                               MutableArrayRef<int32_t> to) {
  assert(from.size() == to.size());
  for (size_t i = 0; i < from.size(); ++i)
    to[i] = quantizeValue(from[i], params);
}

void ingot::quantize::dequantize(ArrayRef<int32_t> from,
                                 const QuantParams &params,
                                 MutableArrayRef<float> to) {
  assert(from.size() == to.size());
  for (size_t i = 0; i < from.size(); ++i)
    to[i] = dequantizeValue(from[i], params);
}

void ingot::quantize::fakeQuantize(ArrayRef<float> from,
                                   const QuantParams &params,
                                   MutableArrayRef<float> to) {
  assert(from.size() == to.size());
  for (size_t i = 0; i < from.size(); ++i)
    to[i] = toSteps(from[i], params) * params.scale;
}

/// Calls `apply(params, begin, end)` for stretches of elements that have the
/// same parameters.
template <typename Apply>
static void forEachStretch(const GroupedParams &grouped, Apply apply) {
  const ChannelView &view = grouped.view;
  for (int64_t outer = 0; outer < view.outer; ++outer)
    for (int64_t channel = 0; channel < view.channels; ++channel) {
      int64_t begin = (outer * view.channels + channel) * view.inner;
      if (grouped.groupSize == 0) {
        apply(grouped.params[channel], begin, begin + view.inner);
        continue;
      }
      for (int64_t inner = 0; inner < view.inner; ++inner)
        apply(grouped.at(outer, channel, inner), begin + inner,
              begin + inner + 1);
    }
}

void ingot::quantize::quantize(ArrayRef<float> from,
                               const GroupedParams &params,
                               MutableArrayRef<int32_t> to) {
  forEachStretch(params, [&](const QuantParams &one, int64_t i, int64_t end) {
    quantize(from.slice(i, end - i), one, to.slice(i, end - i));
  });
}

void ingot::quantize::dequantize(ArrayRef<int32_t> from,
                                 const GroupedParams &params,
                                 MutableArrayRef<float> to) {
  forEachStretch(params, [&](const QuantParams &one, int64_t i, int64_t end) {
    dequantize(from.slice(i, end - i), one, to.slice(i, end - i));
  });
}

void ingot::quantize::fakeQuantize(ArrayRef<float> from,
                                   const GroupedParams &params,
                                   MutableArrayRef<float> to) {
  forEachStretch(params, [&](const QuantParams &one, int64_t i, int64_t end) {
    fakeQuantize(from.slice(i, end - i), one, to.slice(i, end - i));
  });
}

//===----------------------------------------------------------------------===//
// Storage
//===----------------------------------------------------------------------===//

std::vector<char> ingot::quantize::packElements(ArrayRef<int32_t> values,
                                                QuantType type) {
  unsigned bits = bitWidth(type);
  std::vector<char> bytes((values.size() * bits + 7) / 8, 0);
  for (size_t i = 0; i < values.size(); ++i) {
    auto value = uint32_t(values[i]);
    if (bits == 4) {
      bytes[i / 2] = char(uint8_t(bytes[i / 2]) | (value & 15) << (i % 2 * 4));
      continue;
    }
    for (unsigned byte = 0; byte < bits / 8; ++byte)
      bytes[i * (bits / 8) + byte] = char(uint8_t(value >> (byte * 8)));
  }
  return bytes;
}

llvm::Expected<std::vector<int32_t>>
ingot::quantize::unpackElements(ArrayRef<char> bytes, QuantType type,
                                int64_t count) {
  unsigned bits = bitWidth(type);
  if (count < 0 || (uint64_t(count) * bits + 7) / 8 > bytes.size())
    return llvm::createStringError(
        llvm::formatv("{0} bytes are not {1} elements of {2}", bytes.size(),
                      count, quantTypeName(type)));
  std::vector<int32_t> values(count);
  for (int64_t i = 0; i < count; ++i) {
    uint32_t value = 0;
    if (bits == 4)
      value = uint8_t(bytes[i / 2]) >> (i % 2 * 4) & 15;
    else
      for (unsigned byte = 0; byte < bits / 8; ++byte)
        value |= uint32_t(uint8_t(bytes[i * (bits / 8) + byte])) << (byte * 8);
    bool isNegative = isSigned(type) && value >> (bits - 1);
    values[i] = int32_t(value) - (isNegative ? 1 << bits : 0);
  }
  return values;
}

//===----------------------------------------------------------------------===//
// Bias
//===----------------------------------------------------------------------===//

/// Widens `weightScale` until `magnitude` is at most `limit` steps.
static bool widen(float &weightScale, float inputScale, double magnitude,
                  double limit) {
  auto fits = [&] {
    auto scale = double(inputScale * weightScale);
    return scale > 0 && magnitude <= limit * scale;
  };
  if (magnitude == 0 || fits())
    return false;
  weightScale = std::max(weightScale, float(magnitude / limit / inputScale));
  // The products round to float; a product may underflow.
  while (!fits())
    weightScale *= 1.0000002f;
  return true;
}

llvm::Expected<QuantizedBias>
ingot::quantize::quantizeBias(ArrayRef<float> bias, float inputScale,
                              ArrayRef<float> weightScales, int64_t headroom) {
  if (llvm::Error error = checkFinite(bias))
    return std::move(error);
  if (weightScales.size() != 1 && weightScales.size() != bias.size())
    return llvm::createStringError(
        llvm::formatv("{0} weight scales for {1} elements of the bias",
                      weightScales.size(), bias.size()));
  auto isScale = [](float scale) { return scale > 0 && std::isfinite(scale); };
  if (!isScale(inputScale) || !llvm::all_of(weightScales, isScale))
    return llvm::createStringError("a scale is not a positive finite number");
  QuantizedBias result;
  result.weightScales = weightScales.vec();
  // Headroom beyond the type is the caller's overflow, not the bias's.
  double limit = double(std::max<int64_t>(INT32_MAX - headroom, 1 << 24));
  bool isPerChannel = weightScales.size() > 1;
  std::vector<bool> isWidened(weightScales.size(), false);
  for (size_t i = 0; i < bias.size(); ++i) {
    size_t entry = isPerChannel ? i : 0;
    if (widen(result.weightScales[entry], inputScale, std::fabs(bias[i]),
              limit))
      isWidened[entry] = true;
  }
  result.widened = llvm::count(isWidened, true);
  for (size_t i = 0; i < bias.size(); ++i) {
    float scale = inputScale * result.weightScales[isPerChannel ? i : 0];
    result.values.push_back(
        bias[i] == 0 ? 0 : int32_t(std::nearbyint(double(bias[i]) / scale)));
  }
  return result;
}
