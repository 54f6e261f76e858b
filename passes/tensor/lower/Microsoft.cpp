//===- Microsoft.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators of ONNX Runtime as the operators of ONNX they stand for. Functions
// of quantized tensors become DequantizeLinear, the function, QuantizeLinear:
// the form that all passes on quantized models know.
//
//===----------------------------------------------------------------------===//
#include "passes/tensor/lower/Microsoft.h"
#include "dialects/onnx/Activation.h"
#include "dialects/onnx/ElementTypes.h"
#include "dialects/onnx/Elementwise.h"
#include "dialects/onnx/Layout.h"
#include "dialects/onnx/Logic.h"
#include "dialects/onnx/Norm.h"
#include "dialects/onnx/Quant.h"
#include "dialects/onnx/Reduce.h"
#include "dialects/onnx/Shape.h"
#include "dialects/onnx/Window.h"
#include "passes/tensor/lower/Rows.h"

using namespace mlir;
using namespace ingot;

//===----------------------------------------------------------------------===//
// OnnxMaker
//===----------------------------------------------------------------------===//

Value OnnxMaker::none() { return onnx::NoneOp::create(b, loc); }

Value OnnxMaker::number(Type element, double value) {
  auto type = RankedTensorType::get({}, element);
  return onnx::ConstantOp::create(
      b, loc, DenseElementsAttr::get(type, b.getFloatAttr(element, value)));
}

Value OnnxMaker::integers(ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get(int64_t(values.size()), b.getI64Type());
  return onnx::ConstantOp::create(b, loc,
                                  DenseIntElementsAttr::get(type, values));
}

Value OnnxMaker::add(Value x, Value y) {
  return onnx::AddOp::create(b, loc, x, y);
}

Value OnnxMaker::mul(Value x, Value y) {
  return onnx::MulOp::create(b, loc, x, y);
}

Value OnnxMaker::cast(Value x, Type element) {
  if (getElementTypeOrSelf(x.getType()) == element)
    return x;
  return onnx::CastOp::create(b, loc, x, b.getStringAttr("up"),
                              b.getI64IntegerAttr(1),
                              b.getI64IntegerAttr(*onnx::dataTypeOf(element)));
}

Value OnnxMaker::transpose(Value x, ArrayRef<int64_t> perm) {
  return onnx::TransposeOp::create(b, loc, x, b.getDenseI64ArrayAttr(perm));
}

Value OnnxMaker::dequantize(Value x, Value scale, Value zero, int64_t axis,
                            int64_t blockSize) {
  return onnx::DequantizeLinearOp::create(
      b, loc, x, scale, zero, b.getI64IntegerAttr(axis),
      b.getI64IntegerAttr(blockSize), b.getI64IntegerAttr(0));
}

Value OnnxMaker::quantize(Value x, Value scale, Value zero, Type element) {
  int64_t named = onnx::isNone(zero) ? *onnx::dataTypeOf(element) : 0;
  return onnx::QuantizeLinearOp::create(
      b, loc, x, scale, zero, b.getI64IntegerAttr(0), b.getI64IntegerAttr(0),
      b.getI64IntegerAttr(named), b.getI64IntegerAttr(0),
      b.getI64IntegerAttr(1));
}

bool ingot::isOneOrNone(Value value) {
  RankedTensorType type = onnx::rankedType(value);
  return onnx::isNone(value) ||
         (type && type.hasStaticShape() && type.getNumElements() == 1);
}

void ingot::replaceRefined(PatternRewriter &rewriter, Operation *op,
                           Value value) {
  Type type = op->getResult(0).getType();
  if (value.getType() != type)
    value.setType(type);
  rewriter.replaceOp(op, value);
}

//===----------------------------------------------------------------------===//
// Functions of quantized tensors
//===----------------------------------------------------------------------===//

/// Fails with a reason unless scales and zero points are single elements.
static LogicalResult requireScalars(Operation *op, ValueRange parameters,
                                    PatternRewriter &rewriter) {
  if (llvm::all_of(parameters, isOneOrNone))
    return success();
  return rewriter.notifyMatchFailure(
      op, "a scale or zero point is no tensor of known shape with one element");
}

static LogicalResult requireRank(Operation *op, Value x,
                                 PatternRewriter &rewriter) {
  if (onnx::rankedType(x))
    return success();
  return rewriter.notifyMatchFailure(op, "an operand has no rank");
}

/// Dimension 1 behind the others of a tensor, or back.
static SmallVector<int64_t> channelOrder(int64_t rank, bool toFront) {
  auto order = llvm::to_vector(llvm::seq<int64_t>(rank));
  if (toFront)
    std::rotate(order.begin() + 1, order.end() - 1, order.end());
  else
    std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  return order;
}

namespace {
template <typename Op, typename Function>
struct RewriteBinary : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireScalars(op,
                              {op.getAScale(), op.getAZeroPoint(),
                               op.getBScale(), op.getBZeroPoint(),
                               op.getCScale(), op.getCZeroPoint()},
                              rewriter)))
      return failure();
    OnnxMaker make(rewriter, op.getLoc());
    Value a = make.dequantize(op.getA(), op.getAScale(), op.getAZeroPoint());
    Value b = make.dequantize(op.getB(), op.getBScale(), op.getBZeroPoint());
    Value c = Function::create(rewriter, op.getLoc(), a, b);
    replaceRefined(rewriter, op,
                   make.quantize(c, op.getCScale(), op.getCZeroPoint(),
                                 getElementTypeOrSelf(op.getC().getType())));
    return success();
  }
};

/// Ops with operands X, X_scale, X_zero_point, Y_scale, Y_zero_point.
template <typename Op> struct RewriteUnary : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireRank(op, op.getX(), rewriter)) ||
        failed(requireScalars(op, op->getOperands().drop_front(), rewriter)))
      return failure();
    OnnxMaker make(rewriter, op.getLoc());
    Value x = make.dequantize(op.getX(), op.getXScale(), op.getXZeroPoint());
    Value y = function(make, op, x);
    replaceRefined(rewriter, op,
                   make.quantize(y, op.getYScale(), op.getYZeroPoint(),
                                 getElementTypeOrSelf(op.getY().getType())));
    return success();
  }

  static Value function(OnnxMaker &make, Op op, Value x);
};
} // namespace

template <>
Value RewriteUnary<onnx::QLinearSigmoidOp>::function(OnnxMaker &make,
                                                     onnx::QLinearSigmoidOp,
                                                     Value x) {
  return onnx::SigmoidOp::create(make.b, make.loc, x);
}

template <>
Value RewriteUnary<onnx::QLinearLeakyReluOp>::function(
    OnnxMaker &make, onnx::QLinearLeakyReluOp op, Value x) {
  return onnx::LeakyReluOp::create(make.b, make.loc, x, op.getAlphaAttr());
}

template <>
Value RewriteUnary<onnx::QLinearSoftmaxOp>::function(OnnxMaker &make,
                                                     onnx::QLinearSoftmaxOp op,
                                                     Value x) {
  auto type = cast<RankedTensorType>(x.getType());
  int64_t axis = op.getAxis(), rank = type.getRank();
  axis = axis < 0 ? axis + rank : axis;
  auto along = [&](Value matrix, int64_t axis) -> Value {
    return onnx::SoftmaxOp::create(make.b, make.loc, matrix,
                                   make.b.getI64IntegerAttr(axis));
  };
  if (op.getOpset() >= 13 || axis == rank - 1)
    return along(x, axis);
  // All dimensions from the axis on are columns of a matrix.
  onnx::Dims dims = onnx::getDims(type);
  ArrayRef<AffineExpr> all(dims);
  MLIRContext *context = type.getContext();
  onnx::Dims matrix = {onnx::product(all.take_front(axis), context),
                       onnx::product(all.drop_front(axis), context)};
  Value flat = reshape(make.b, make.loc, x,
                       onnx::tensorOf(matrix, type.getElementType()));
  return reshape(make.b, make.loc, along(flat, 1), type);
}

template <>
Value RewriteUnary<onnx::QLinearGlobalAveragePoolOp>::function(
    OnnxMaker &make, onnx::QLinearGlobalAveragePoolOp op, Value x) {
  bool isLast = op.getChannelsLast() != 0;
  int64_t rank = cast<RankedTensorType>(x.getType()).getRank();
  if (isLast)
    x = make.transpose(x, channelOrder(rank, /*toFront=*/true));
  Value y = onnx::GlobalAveragePoolOp::create(make.b, make.loc, x);
  return isLast ? make.transpose(y, channelOrder(rank, /*toFront=*/false)) : y;
}

template <>
Value RewriteUnary<onnx::QLinearAveragePoolOp>::function(
    OnnxMaker &make, onnx::QLinearAveragePoolOp op, Value x) {
  bool isLast = op.getChannelsLast() != 0;
  int64_t rank = cast<RankedTensorType>(x.getType()).getRank();
  if (isLast)
    x = make.transpose(x, channelOrder(rank, /*toFront=*/true));
  Value y = onnx::AveragePoolOp::create(
      make.b, make.loc, x, op.getAutoPadAttr(), op.getCeilModeAttr(),
      op.getCountIncludePadAttr(), /*dilations=*/DenseI64ArrayAttr(),
      op.getKernelShapeAttr(), op.getPadsAttr(), op.getStridesAttr());
  return isLast ? make.transpose(y, channelOrder(rank, /*toFront=*/false)) : y;
}

namespace {
struct RewriteReduceMean : OpRewritePattern<onnx::QLinearReduceMeanOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::QLinearReduceMeanOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireScalars(op, op->getOperands().drop_front(), rewriter)))
      return failure();
    OnnxMaker make(rewriter, op.getLoc());
    Value data =
        make.dequantize(op.getData(), op.getDataScale(), op.getDataZeroPoint());
    Value axes =
        op.getAxes().empty() ? make.none() : make.integers(op.getAxes());
    Value mean = onnx::ReduceMeanOp::create(
        rewriter, op.getLoc(), data, axes, op.getKeepdimsAttr(),
        /*noop_with_empty_axes=*/rewriter.getI64IntegerAttr(0));
    Type element = getElementTypeOrSelf(op.getReduced().getType());
    replaceRefined(rewriter, op,
                   make.quantize(mean, op.getReducedScale(),
                                 op.getReducedZeroPoint(), element));
    return success();
  }
};

struct RewriteConcat : OpRewritePattern<onnx::QLinearConcatOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::QLinearConcatOp op,
                                PatternRewriter &rewriter) const override {
    OperandRange inputs = op.getInputs();
    SmallVector<Value> parameters = {op.getYScale(), op.getYZeroPoint()};
    for (auto [i, input] : llvm::enumerate(inputs))
      if (i % 3)
        parameters.push_back(input);
    if (failed(requireScalars(op, parameters, rewriter)))
      return failure();
    OnnxMaker make(rewriter, op.getLoc());
    SmallVector<Value> parts;
    for (size_t i = 0; i < inputs.size(); i += 3)
      parts.push_back(make.dequantize(inputs[i], inputs[i + 1], inputs[i + 2]));
    Value all = onnx::ConcatOp::create(rewriter, op.getLoc(), ValueRange(parts),
                                       op.getAxisAttr());
    replaceRefined(rewriter, op,
                   make.quantize(all, op.getYScale(), op.getYZeroPoint(),
                                 getElementTypeOrSelf(op.getY().getType())));
    return success();
  }
};

struct RewriteWhere : OpRewritePattern<onnx::QLinearWhereOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::QLinearWhereOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireScalars(op,
                              {op.getXScale(), op.getXZeroPoint(),
                               op.getYScale(), op.getYZeroPoint(),
                               op.getZScale(), op.getZZeroPoint()},
                              rewriter)))
      return failure();
    OnnxMaker make(rewriter, op.getLoc());
    Value x = make.dequantize(op.getX(), op.getXScale(), op.getXZeroPoint());
    Value y = make.dequantize(op.getY(), op.getYScale(), op.getYZeroPoint());
    Value z =
        onnx::WhereOp::create(rewriter, op.getLoc(), op.getCondition(), x, y);
    replaceRefined(rewriter, op,
                   make.quantize(z, op.getZScale(), op.getZZeroPoint(),
                                 getElementTypeOrSelf(op.getZ().getType())));
    return success();
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Fused float operators
//===----------------------------------------------------------------------===//

static Value gelu(OnnxMaker &make, Value x, StringRef approximate) {
  return onnx::GeluOp::create(make.b, make.loc, x,
                              make.b.getStringAttr(approximate));
}

namespace {
struct RewriteBiasGelu : OpRewritePattern<onnx::BiasGeluOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::BiasGeluOp op,
                                PatternRewriter &rewriter) const override {
    OnnxMaker make(rewriter, op.getLoc());
    Value sum = make.add(op.getA(), op.getB());
    replaceRefined(rewriter, op, gelu(make, sum, "none"));
    return success();
  }
};

struct RewriteFastGelu : OpRewritePattern<onnx::FastGeluOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::FastGeluOp op,
                                PatternRewriter &rewriter) const override {
    OnnxMaker make(rewriter, op.getLoc());
    Value x = op.getX();
    if (!onnx::isNone(op.getBias()))
      x = make.add(x, op.getBias());
    replaceRefined(rewriter, op, gelu(make, x, "tanh"));
    return success();
  }
};

struct RewriteSkipLayerNormalization
    : OpRewritePattern<onnx::SkipLayerNormalizationOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::SkipLayerNormalizationOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(requireRank(op, op.getInput(), rewriter)) ||
        failed(requireRank(op, op.getSkip(), rewriter)))
      return failure();
    OnnxMaker make(rewriter, op.getLoc());
    Value sum = make.add(op.getInput(), op.getSkip());
    if (!onnx::isNone(op.getBias()))
      sum = make.add(sum, op.getBias());
    auto norm = onnx::LayerNormalizationOp::create(
        rewriter, op.getLoc(), sum, op.getGamma(), op.getBeta(),
        rewriter.getI64IntegerAttr(-1), op.getEpsilonAttr(),
        rewriter.getI64IntegerAttr(1));
    SmallVector<Value> values(norm->getResults());
    values.push_back(sum);
    for (auto [result, value] : llvm::zip(op->getResults(), values))
      if (!result.use_empty())
        value.setType(result.getType());
    replaceUsed(rewriter, op, values);
    return success();
  }
};

struct RewriteFusedConv : OpRewritePattern<onnx::FusedConvOp> {
  using OpRewritePattern::OpRewritePattern;

  /// The function of that name, null if there is none.
  static Value activation(OnnxMaker &make, StringRef name,
                          ArrayRef<float> parameters, Value x) {
    OpBuilder &b = make.b;
    auto parameter = [&](size_t i) { return b.getF32FloatAttr(parameters[i]); };
    if (name == "Relu")
      return onnx::ReluOp::create(b, make.loc, x);
    if (name == "Sigmoid")
      return onnx::SigmoidOp::create(b, make.loc, x);
    if (name == "Tanh")
      return onnx::TanhOp::create(b, make.loc, x);
    if (name == "LeakyRelu")
      return onnx::LeakyReluOp::create(b, make.loc, x, parameter(0));
    if (name == "HardSigmoid")
      return onnx::HardSigmoidOp::create(b, make.loc, x, parameter(0),
                                         parameter(1));
    Type element = getElementTypeOrSelf(x.getType());
    return onnx::ClipOp::create(b, make.loc, x,
                                make.number(element, parameters[0]),
                                make.number(element, parameters[1]));
  }

  LogicalResult matchAndRewrite(onnx::FusedConvOp op,
                                PatternRewriter &rewriter) const override {
    StringRef name = op.getActivation().value_or("");
    ArrayRef<float> parameters =
        op.getActivationParams().value_or(ArrayRef<float>());
    auto wanted = llvm::StringSwitch<std::optional<size_t>>(name)
                      .Cases({"", "Relu", "Sigmoid", "Tanh"}, 0)
                      .Case("LeakyRelu", 1)
                      .Cases({"Clip", "HardSigmoid"}, 2)
                      .Default(std::nullopt);
    if (!wanted)
      return rewriter.notifyMatchFailure(op,
                                         "unknown activation '" + name + "'");
    if (parameters.size() < *wanted)
      return rewriter.notifyMatchFailure(
          op, "activation_params has too few values for " + name);
    OnnxMaker make(rewriter, op.getLoc());
    Value y = onnx::ConvOp::create(
        rewriter, op.getLoc(), op.getX(), op.getW(), op.getB(),
        op.getAutoPadAttr(), op.getDilationsAttr(), op.getGroupAttr(),
        op.getKernelShapeAttr(), op.getPadsAttr(), op.getStridesAttr());
    if (!onnx::isNone(op.getZ()))
      y = make.add(y, op.getZ());
    if (!name.empty())
      y = activation(make, name, parameters, y);
    replaceRefined(rewriter, op, y);
    return success();
  }
};
} // namespace

void ingot::populateMicrosoftPatterns(RewritePatternSet &patterns) {
  patterns.add<RewriteBinary<onnx::QLinearAddOp, onnx::AddOp>,
               RewriteBinary<onnx::QLinearMulOp, onnx::MulOp>,
               RewriteUnary<onnx::QLinearSigmoidOp>,
               RewriteUnary<onnx::QLinearLeakyReluOp>,
               RewriteUnary<onnx::QLinearSoftmaxOp>,
               RewriteUnary<onnx::QLinearGlobalAveragePoolOp>,
               RewriteUnary<onnx::QLinearAveragePoolOp>, RewriteReduceMean,
               RewriteConcat, RewriteWhere, RewriteBiasGelu, RewriteFastGelu,
               RewriteSkipLayerNormalization, RewriteFusedConv>(
      patterns.getContext());
  populateMicrosoftProductPatterns(patterns);
  populateMatMulNBitsPatterns(patterns);
}
