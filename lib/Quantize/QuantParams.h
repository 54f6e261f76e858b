//===- QuantParams.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Scales and zero points, and arrays of integers from arrays of floats by the
// formulas of ONNX QuantizeLinear and DequantizeLinear:
//   q = saturate(round_half_even(x / scale) + zero_point)
//   x = (q - zero_point) * scale
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_QUANTPARAMS_H
#define INGOT_LIB_QUANTIZE_QUANTPARAMS_H

#include "lib/Quantize/ChannelLayout.h"

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <vector>

namespace ingot::quantize {

/// The integer types that are quantized to.
enum class QuantType : uint8_t { Int4, UInt4, Int8, UInt8, Int16, UInt16 };

/// "int8" and so on, and back.
llvm::StringRef quantTypeName(QuantType type);
std::optional<QuantType> parseQuantType(llvm::StringRef name);
/// TensorProto.DataType, and back.
int32_t onnxDataType(QuantType type);
std::optional<QuantType> quantTypeOf(int32_t onnxDataType);
unsigned bitWidth(QuantType type);
bool isSigned(QuantType type);

/// How a range becomes a scale and a zero point.
struct QuantSpec {
  QuantType type = QuantType::Int8;
  /// Zero point 0, or the middle (128) of an unsigned type.
  bool isSymmetric = true;
  /// Leaves out the lowest value of a symmetric range: [-127, 127].
  bool isNarrow = false;
  /// One bit less: [-64, 63]. For engines that add pairs of 8-bit products in
  /// 16 bits, which saturates; Ingot needs it nowhere.
  bool isReduced = false;

  /// The lowest and the highest integer in use.
  int32_t low() const;
  int32_t high() const;
};

/// A range of real values. Quantization makes it contain 0.
struct Range {
  float low = 0, high = 0;

  bool operator==(const Range &other) const {
    return low == other.low && high == other.high;
  }
  /// The smallest range that has both, and max(|low|, |high|).
  Range unite(Range other) const;
  float absMax() const;
};

struct QuantParams {
  float scale = 1;
  int32_t zeroPoint = 0;
  /// Values saturate to [low, high].
  int32_t low = -128, high = 127;

  /// The real values that are not clipped.
  Range range() const;
};

/// Scale and zero point for a range, made to contain 0, so that 0 is exact:
/// padding and Relu depend on it. Asymmetric: scale = (high - low) / steps and
/// the zero point is rounded, which may move the ends by half a step.
/// Symmetric: scale = absMax / high().
/// The empty range {0, 0} gets scale 1. Infinite ends count as the largest
/// finite number, and a scale is never below the smallest normal number, so
/// that it and its inverse are finite and survive flushing to zero.
/// Error: NaN, or low > high.
llvm::Expected<QuantParams> paramsOf(Range range, const QuantSpec &spec);

/// Smallest and largest element; {0, 0} for none. Error: NaN or infinity.
llvm::Expected<Range> rangeOf(llvm::ArrayRef<float> values);

/// How the range of constant weights is chosen.
enum class WeightRange : uint8_t {
  /// All of them are representable.
  MinMax,
  /// Of 80 ranges from the whole to a fifth of it, the one of the smallest sum
  /// of squared errors; pays at 4 bits.
  Mse
};

/// Parameters for all elements together.
llvm::Expected<QuantParams> tensorParams(llvm::ArrayRef<float> values,
                                         const QuantSpec &spec,
                                         WeightRange how = WeightRange::MinMax);

/// Parameters per channel: `view.channels` of them.
llvm::Expected<std::vector<QuantParams>>
channelParams(llvm::ArrayRef<float> values, ChannelView view,
              const QuantSpec &spec, WeightRange how = WeightRange::MinMax);

/// Parameters per group of `groupSize` successive channels of the view, for
/// blocked DequantizeLinear: outer x ceil(channels / groupSize) x inner of
/// them, which is the shape of ONNX's scales for block_size = groupSize along
/// the view's axis. The last group may be short.
llvm::Expected<std::vector<QuantParams>>
groupParams(llvm::ArrayRef<float> values, ChannelView view, int64_t groupSize,
            const QuantSpec &spec, WeightRange how = WeightRange::MinMax);

/// One value. NaN becomes the lowest.
int32_t quantizeValue(float value, const QuantParams &params);
inline float dequantizeValue(int32_t value, const QuantParams &params) {
  return float(value - params.zeroPoint) * params.scale;
}

/// Arrays with one parameter for all. `to` has the size of `from`; for
/// fakeQuantize (quantize, then dequantize) it may be the same array.
void quantize(llvm::ArrayRef<float> from, const QuantParams &params,
              llvm::MutableArrayRef<int32_t> to);
void dequantize(llvm::ArrayRef<int32_t> from, const QuantParams &params,
                llvm::MutableArrayRef<float> to);
void fakeQuantize(llvm::ArrayRef<float> from, const QuantParams &params,
                  llvm::MutableArrayRef<float> to);

/// Parameters of the channels of a view, as channelParams gives them, or
/// (groupSize > 0) of groups of successive channels, as groupParams does.
struct GroupedParams {
  ChannelView view;
  /// 0: per channel.
  int64_t groupSize = 0;
  llvm::ArrayRef<QuantParams> params;

  /// The parameters of an element of the view.
  const QuantParams &at(int64_t outer, int64_t channel, int64_t inner) const {
    if (groupSize == 0)
      return params[channel];
    int64_t groups = (view.channels + groupSize - 1) / groupSize;
    return params[(outer * groups + channel / groupSize) * view.inner + inner];
  }
};
void quantize(llvm::ArrayRef<float> from, const GroupedParams &params,
              llvm::MutableArrayRef<int32_t> to);
void dequantize(llvm::ArrayRef<int32_t> from, const GroupedParams &params,
                llvm::MutableArrayRef<float> to);
void fakeQuantize(llvm::ArrayRef<float> from, const GroupedParams &params,
                  llvm::MutableArrayRef<float> to);

/// Elements as ONNX stores them: little-endian, 4 bits packed, the first
/// element in the low bits. Values must be in the type's range.
std::vector<char> packElements(llvm::ArrayRef<int32_t> values, QuantType type);
/// The inverse; `count` elements (the last byte of 4-bit data may be half
/// used). Error: fewer bytes than that.
llvm::Expected<std::vector<int32_t>>
unpackElements(llvm::ArrayRef<char> bytes, QuantType type, int64_t count);

/// A bias in the scale of the products, which DequantizeLinear before an ONNX
/// Conv or Gemm must have: scale = inputScale * weightScale, zero point 0.
struct QuantizedBias {
  std::vector<int32_t> values;
  /// The weights' scales to use, of as many entries as were given. Entries
  /// that differ from those given were widened, since the bias did not fit:
  /// the weights must be quantized again with them.
  std::vector<float> weightScales;
  /// How many were widened.
  int64_t widened = 0;
};

/// Quantizes a bias to int32. `weightScales` has one entry, or one for each
/// channel. Where |bias| / scale is more than 2^31 - 1 - `headroom`, the
/// weight scale is widened until it fits; `headroom` is the largest sum of
/// products that is added to it, so that no 32-bit sum overflows.
/// Error: NaN or infinity, a scale that is not positive, sizes that do not fit.
llvm::Expected<QuantizedBias> quantizeBias(llvm::ArrayRef<float> bias,
                                           float inputScale,
                                           llvm::ArrayRef<float> weightScales,
                                           int64_t headroom = 0);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_QUANTPARAMS_H
