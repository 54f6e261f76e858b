//===- Parameters.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Scales and zero points as compile-time numbers, and what the patterns of
// ingot-select-quantized see of a quantized model.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_GRAPH_QUANT_PARAMETERS_H
#define INGOT_PASSES_GRAPH_QUANT_PARAMETERS_H

#include "dialects/onnx/Dims.h"
#include "passes/graph/TensorData.h"
#include "passes/tensor/Requantize.h"

namespace ingot::onnx {
class DequantizeLinearOp;
class QuantizeLinearOp;
} // namespace ingot::onnx

namespace ingot::quant {

/// One scale and zero point for a whole tensor of integers.
struct Step {
  double scale = 1;
  int64_t zeroPoint = 0;

  bool operator==(const Step &other) const {
    return scale == other.scale && zeroPoint == other.zeroPoint;
  }
};

/// Integers that stand for real numbers: (value - zeroPoint) * scale.
struct Quantized {
  mlir::Value value;
  Step step;

  mlir::RankedTensorType type() const {
    return mlir::cast<mlir::RankedTensorType>(value.getType());
  }
  bool isUnsigned() const { return onnx::isUnsigned(value.getType()); }
  QuantizedRange range() const {
    return QuantizedRange::of(type().getElementType(), step.zeroPoint);
  }
  /// The most that |value - zeroPoint| can be.
  double bound() const { return range().span(); }
};

/// True for ui8 and i8, and for those and 16-bit integers.
bool isByte(mlir::Type elementType);
bool isNarrow(mlir::Type elementType);

/// The constants `scale` and `zeroPoint` (may be none) of one number each; the
/// scale must be positive and finite.
std::optional<Step> stepOf(mlir::Value scale, mlir::Value zeroPoint);

/// The integers behind a float value made by DequantizeLinear to f32, with one
/// constant scale and zero point for all.
std::optional<Quantized> dequantized(mlir::Value value);

/// The step and the type that a QuantizeLinear of f32 has, likewise; nothing
/// if the op is none that integer arithmetic could replace.
std::optional<Step> quantizedStep(onnx::QuantizeLinearOp op);

/// The only reader of the value, if that is a QuantizeLinear with a step.
onnx::QuantizeLinearOp onlyQuantize(mlir::Value value);

/// Limits of a result: those of QuantizeLinear's type and zero point, narrowed
/// by integer Clips that are the only readers. `last` is replaced by the
/// result.
struct QuantizedResult {
  mlir::Operation *last = nullptr;
  mlir::RankedTensorType type;
  double scale = 1;
  QuantizedRange range;

  mlir::Location loc(mlir::Location first) const;
};
std::optional<QuantizedResult> quantizedResult(mlir::Value value);
QuantizedResult quantizedResult(mlir::Operation *op, Step step);

/// Replaces the op's first result, and erases it and what fed it alone.
void replaceChain(mlir::RewriterBase &rewriter, const QuantizedResult &result,
                  mlir::Value by);

/// Numbers of a constant, one or one per channel of `count`; nothing if there
/// are others or one is not finite.
std::optional<llvm::SmallVector<double>> channelNumbers(mlir::Value value,
                                                        int64_t count);

/// What is added to every channel of a product.
struct Bias {
  /// In units of the sum.
  llvm::SmallVector<int64_t> integer;
  /// As real numbers, beside that.
  llvm::SmallVector<double> real;
};

/// The bias `value` (may be none) of `channels` channels whose sums have the
/// scales `sums`. Nothing if it is not constant or has another shape.
std::optional<Bias> biasOf(mlir::Value value, int64_t channels,
                           llvm::ArrayRef<double> sums);

/// Constant weights of 8 bits at most, as i8.
struct Weights {
  /// The same shape as given, zero points moved into it where they fit.
  mlir::ElementsAttr elements;
  /// One or one per channel.
  llvm::SmallVector<double> scale;
  /// Per channel: what is left of the zero point, the sum of the elements of
  /// `elements`, and the sum of magnitudes less the zero point.
  llvm::SmallVector<int64_t> zeroPoint, sum, magnitude;
  /// Elements that each channel has.
  int64_t depth = 0;

  bool isCentred() const;
  int64_t channels() const { return sum.size(); }
  /// Most of |sum of x * w| for |x| up to `most`.
  llvm::SmallVector<double> bounds(double most) const;
};

/// Weights of integer elements whose channels run along `axis`. On failure
/// `why` says what is wrong.
std::optional<Weights> weightsOf(mlir::Value integers, mlir::Value scale,
                                 mlir::Value zeroPoint, int64_t axis,
                                 std::string &why);

/// The weights behind a DequantizeLinear of a constant.
std::optional<Weights> dequantizedWeights(mlir::Value value, int64_t axis,
                                          std::string &why);

} // namespace ingot::quant

#endif // INGOT_PASSES_GRAPH_QUANT_PARAMETERS_H
