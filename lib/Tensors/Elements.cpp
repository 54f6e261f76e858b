//===- Elements.cpp -------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Tensors/Tensor.h"

#define INGOT_NO_WRAPPERS
#include "ingot/ingot.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace ingot;

bool ingot::countElements(const std::vector<int64_t> &dims, int64_t &count) {
  uint64_t bytes = 0;
  if (!ingot_tensor_bytes(INGOT_UINT8, int32_t(dims.size()), dims.data(),
                          &bytes))
    return false;
  count = int64_t(bytes);
  return count <= int64_t(1) << 40;
}

bool ingot::countBytes(int32_t dtype, const std::vector<int64_t> &dims,
                       int64_t &bytes) {
  uint64_t result = 0;
  int64_t count = 0;
  if (!countElements(dims, count) ||
      !ingot_tensor_bytes(dtype, int32_t(dims.size()), dims.data(), &result))
    return false;
  bytes = int64_t(result);
  return true;
}

/// A float of `exponent` and `mantissa` bits, with IEEE's infinities or not.
static double smallFloat(uint32_t bits, int exponentBits, int mantissaBits,
                         bool isIeee, int bias) {
  uint32_t mantissa = bits & ((1u << mantissaBits) - 1);
  uint32_t most = (1u << exponentBits) - 1;
  uint32_t exponent = bits >> mantissaBits & most;
  bool negative = bits >> (exponentBits + mantissaBits) & 1;
  double value;
  if (isIeee && exponent == most)
    value = mantissa ? std::numeric_limits<double>::quiet_NaN()
                     : std::numeric_limits<double>::infinity();
  else if (exponent == 0)
    value = std::ldexp(double(mantissa), 1 - bias - mantissaBits);
  else
    value = std::ldexp(double(mantissa | 1u << mantissaBits),
                       int(exponent) - bias - mantissaBits);
  return negative ? -value : value;
}

/// Forms without infinities: NaN is one code, or two.
static double float8(int32_t dtype, uint8_t bits) {
  switch (dtype) {
  case INGOT_FLOAT8E4M3FN:
    return (bits & 0x7F) == 0x7F ? std::nan("")
                                 : smallFloat(bits, 4, 3, false, 7);
  case INGOT_FLOAT8E4M3FNUZ:
    return bits == 0x80 ? std::nan("") : smallFloat(bits, 4, 3, false, 8);
  case INGOT_FLOAT8E5M2:
    return smallFloat(bits, 5, 2, true, 15);
  case INGOT_FLOAT8E5M2FNUZ:
    return bits == 0x80 ? std::nan("") : smallFloat(bits, 5, 2, false, 16);
  default: // float8e8m0
    return bits == 0xFF ? std::nan("") : std::ldexp(1.0, int(bits) - 127);
  }
}

template <typename T> static T load(const Tensor &tensor, int64_t index) {
  T value;
  std::memcpy(&value, tensor.data.data() + index * sizeof(T), sizeof(T));
  return value;
}

double ingot::elementValue(const Tensor &tensor, int64_t index) {
  switch (tensor.dtype) {
  case INGOT_FLOAT32:
    return load<float>(tensor, index);
  case INGOT_FLOAT64:
    return load<double>(tensor, index);
  case INGOT_FLOAT16:
    return smallFloat(load<uint16_t>(tensor, index), 5, 10, true, 15);
  case INGOT_BFLOAT16:
    return smallFloat(load<uint16_t>(tensor, index), 8, 7, true, 127);
  case INGOT_COMPLEX64:
    return load<float>(tensor, 2 * index);
  case INGOT_COMPLEX128:
    return load<double>(tensor, 2 * index);
  case INGOT_INT8:
    return load<int8_t>(tensor, index);
  case INGOT_UINT8:
  case INGOT_BOOL:
    return load<uint8_t>(tensor, index);
  case INGOT_INT16:
    return load<int16_t>(tensor, index);
  case INGOT_UINT16:
    return load<uint16_t>(tensor, index);
  case INGOT_INT32:
    return load<int32_t>(tensor, index);
  case INGOT_UINT32:
    return load<uint32_t>(tensor, index);
  case INGOT_INT64:
    return double(load<int64_t>(tensor, index));
  case INGOT_UINT64:
    return double(load<uint64_t>(tensor, index));
  default:
    break;
  }
  uint32_t width = ingot_dtype_bits(tensor.dtype);
  if (width == 8)
    return float8(tensor.dtype, load<uint8_t>(tensor, index));
  if (width == 0)
    return 0;
  int64_t perByte = 8 / width;
  uint32_t bits =
      load<uint8_t>(tensor, index / perByte) >> (index % perByte * width) &
      ((1u << width) - 1);
  if (tensor.dtype == INGOT_FLOAT4E2M1)
    return smallFloat(bits, 2, 1, false, 1);
  bool isSigned = tensor.dtype == INGOT_INT4 || tensor.dtype == INGOT_INT2;
  bool negative = isSigned && bits >> (width - 1);
  return double(bits) - (negative ? double(1u << width) : 0);
}

namespace {
/// SplitMix64, and normal numbers of it by the sum of twelve uniform ones:
/// exact in double, hence equal everywhere.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}
  uint64_t next() {
    uint64_t z = state += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
  }
  double normal() {
    int64_t sum = 0;
    for (int i = 0; i < 3; ++i)
      for (uint64_t bits = next(), part = 0; part < 4; ++part, bits >>= 16)
        sum += int64_t(bits & 0xFFFF);
    return double(2 * sum - 12 * 0xFFFF) / (2 * 65536.0);
  }

private:
  uint64_t state;
};
} // namespace

/// To the nearest float of 8 exponent bits or 5, ties to even, as bits.
static uint16_t toBfloat16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return uint16_t((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static uint16_t toFloat16(double value) {
  // Random values are multiples of 2^-17 below 8: cut to 11 bits.
  int exponent;
  double fraction = std::frexp(std::fabs(value), &exponent);
  uint16_t sign = value < 0 ? 0x8000 : 0;
  if (value == 0 || exponent < -13)
    return sign;
  uint16_t mantissa = uint16_t(std::ldexp(fraction, 11)) & 0x3FF;
  return uint16_t(sign | (exponent + 14) << 10 | mantissa);
}

void ingot::fillRandom(Tensor &tensor, uint64_t seed) {
  int64_t bytes = 0, count = 0;
  tensor.data.clear();
  if (!countBytes(tensor.dtype, tensor.dims, bytes) ||
      !countElements(tensor.dims, count))
    return;
  tensor.data.resize(bytes);
  Random random(seed);
  char *data = tensor.data.data();
  auto store = [&](int64_t i, auto value) {
    std::memcpy(data + i * sizeof(value), &value, sizeof(value));
  };
  switch (tensor.dtype) {
  case INGOT_FLOAT32:
  case INGOT_COMPLEX64:
    for (int64_t i = 0; i < bytes / 4; ++i)
      store(i, float(random.normal()));
    return;
  case INGOT_FLOAT64:
  case INGOT_COMPLEX128:
    for (int64_t i = 0; i < bytes / 8; ++i)
      store(i, random.normal());
    return;
  case INGOT_FLOAT16:
    for (int64_t i = 0; i < count; ++i)
      store(i, toFloat16(random.normal()));
    return;
  case INGOT_BFLOAT16:
    for (int64_t i = 0; i < count; ++i)
      store(i, toBfloat16(float(random.normal())));
    return;
  default:
    break;
  }
  uint32_t width = ingot_dtype_bits(tensor.dtype);
  bool anyByte = width <= 8 && tensor.dtype != INGOT_BOOL;
  for (int64_t i = 0; i < bytes; ++i) {
    if (anyByte)
      data[i] = char(random.next() & 0xFF);
    else if (i % (width / 8) == 0)
      data[i] = char(random.next() >> 63);
  }
  // Of the 8-bit floats, those around 1: no NaN, no overflow.
  if (tensor.dtype >= INGOT_FLOAT8E4M3FN &&
      tensor.dtype <= INGOT_FLOAT8E5M2FNUZ)
    for (int64_t i = 0; i < bytes; ++i)
      data[i] = char((data[i] & 0x87) | 0x38);
  else if (tensor.dtype == INGOT_FLOAT8E8M0)
    for (int64_t i = 0; i < bytes; ++i)
      data[i] = char(124 + (data[i] & 7));
}
