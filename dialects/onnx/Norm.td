//===- Norm.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Normalisations, softmax and losses: several passes over rows of a tensor.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"

// Functions of the elements along one axis that keep the shape.
class Onnx_AlongAxis<string name, dag attributes> : Onnx_Op<name> {
  let arguments = !con((ins Onnx_FloatTensor:$input), attributes);
  let results = (outs Onnx_FloatTensor:$output);
  let extraClassDefinition = compatibleTypes # [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *, ::std::optional<::mlir::Location> loc,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return ::ingot::onnx::inferAlongAxis(loc, adaptor.getInput(),
                                           adaptor.getAxis(), types);
    }
  }];
}

def Onnx_SoftmaxOp : Onnx_AlongAxis<"Softmax",
    (ins DefaultValuedAttr<I64Attr, "-1">:$axis)> {
  let summary = "Exponentials divided by their sum along an axis";
  let description = "Computed on differences to the maximum.";
}
def Onnx_LogSoftmaxOp : Onnx_AlongAxis<"LogSoftmax",
    (ins DefaultValuedAttr<I64Attr, "-1">:$axis)> {
  let summary = "Logarithm of softmax along an axis";
  let description = "Computed on differences to the maximum.";
}
def Onnx_HardmaxOp : Onnx_AlongAxis<"Hardmax",
    (ins DefaultValuedAttr<I64Attr, "-1">:$axis)> {
  let summary = "1 for the first greatest element along an axis, else 0";
  let description = "The first where several are greatest.";
}
def Onnx_LpNormalizationOp : Onnx_AlongAxis<"LpNormalization",
    (ins DefaultValuedAttr<I64Attr, "-1">:$axis,
         DefaultValuedAttr<I64Attr, "2">:$p)> {
  let summary = "Elements divided by their norm along an axis";
  let description = "The sum of absolute values (`p = 1`) or the Euclidean norm "
                    "(`p = 2`); 0 where the norm is 0.";
  let hasVerifier = 1;
}

def Onnx_BatchNormalizationOp : Onnx_Op<"BatchNormalization"> {
  let summary = "Normalisation by the statistics of each channel";
  let description = [{
    `(x - mean) / sqrt(var + epsilon) * scale + bias` with the given mean and
    variance of the channel (dimension 1), or with `training_mode` those of the
    batch, which then also update the running ones with `momentum`.
  }];
  let arguments = (ins Onnx_FloatTensor:$x, Onnx_FloatTensor:$scale,
                       Onnx_FloatTensor:$bias, Onnx_FloatTensor:$input_mean,
                       Onnx_FloatTensor:$input_var,
                       DefaultValuedAttr<F32Attr, "1e-5f">:$epsilon,
                       DefaultValuedAttr<F32Attr, "0.9f">:$momentum,
                       DefaultValuedAttr<I64Attr, "0">:$training_mode);
  let results = (outs Onnx_FloatTensor:$y, Onnx_FloatTensor:$running_mean,
                      Onnx_FloatTensor:$running_var);
}

def Onnx_InstanceNormalizationOp : Onnx_Op<"InstanceNormalization"> {
  let summary = "Normalisation of each channel of each instance";
  let description = "Over the spatial dimensions, then scale and bias of each "
                    "channel.";
  let arguments = (ins Onnx_FloatTensor:$input, Onnx_FloatTensor:$scale,
                       Onnx_FloatTensor:$bias,
                       DefaultValuedAttr<F32Attr, "1e-5f">:$epsilon);
  let results = (outs Onnx_FloatTensor:$output);
}

def Onnx_GroupNormalizationOp : Onnx_Op<"GroupNormalization"> {
  let summary = "Normalisation of groups of channels of each instance";
  let description = "Over the channels of a group and the spatial dimensions, "
                    "then scale and bias of each channel.";
  let arguments = (ins Onnx_FloatTensor:$x, Onnx_FloatTensor:$scale,
                       Onnx_FloatTensor:$bias,
                       DefaultValuedAttr<F32Attr, "1e-5f">:$epsilon,
                       I64Attr:$num_groups,
                       DefaultValuedAttr<I64Attr, "1">:$stash_type);
  let results = (outs Onnx_FloatTensor:$y);
}

def Onnx_LayerNormalizationOp : Onnx_Op<"LayerNormalization"> {
  let summary = "Normalisation over the dimensions from an axis on";
  let description = [{
    `(x - mean) / sqrt(var + epsilon) * scale + bias`; mean and reciprocal
    standard deviation are results too, in the type `stash_type`.
  }];
  let arguments = (ins Onnx_FloatTensor:$x, Onnx_FloatTensor:$scale,
                       Onnx_Optional<Onnx_FloatTensor>:$bias,
                       DefaultValuedAttr<I64Attr, "-1">:$axis,
                       DefaultValuedAttr<F32Attr, "1e-5f">:$epsilon,
                       DefaultValuedAttr<I64Attr, "1">:$stash_type);
  let results = (outs Onnx_FloatTensor:$y, Onnx_FloatTensor:$mean,
                      Onnx_FloatTensor:$inv_std_dev);
}

def Onnx_RMSNormalizationOp : Onnx_Op<"RMSNormalization"> {
  let summary = "Division by the root mean square from an axis on";
  let description = "`x / sqrt(mean(x * x) + epsilon) * scale`.";
  let arguments = (ins Onnx_FloatTensor:$x, Onnx_FloatTensor:$scale,
                       DefaultValuedAttr<I64Attr, "-1">:$axis,
                       DefaultValuedAttr<F32Attr, "1e-5f">:$epsilon,
                       DefaultValuedAttr<I64Attr, "1">:$stash_type);
  let results = (outs Onnx_FloatTensor:$y);
}

def Onnx_MeanVarianceNormalizationOp : Onnx_Op<"MeanVarianceNormalization"> {
  let summary = "Normalisation over given axes";
  let description = "`(x - mean) / (sqrt(var) + 1e-9)` over `axes`.";
  let arguments = (ins Onnx_FloatTensor:$x,
      DefaultValuedAttr<DenseI64ArrayAttr, "{0, 2, 3}">:$axes);
  let results = (outs Onnx_FloatTensor:$y);
}

def Onnx_LRNOp : Onnx_Op<"LRN"> {
  let summary = "Local response normalisation across channels";
  let description = [{
    `x / (bias + alpha / size * sum(x * x))^beta`, the sum over `size` channels
    around each one.
  }];
  let arguments = (ins Onnx_FloatTensor:$x,
                       DefaultValuedAttr<F32Attr, "0.0001f">:$alpha,
                       DefaultValuedAttr<F32Attr, "0.75f">:$beta,
                       DefaultValuedAttr<F32Attr, "1.0f">:$bias, I64Attr:$size);
  let results = (outs Onnx_FloatTensor:$y);
}

def Onnx_NegativeLogLikelihoodLossOp : Onnx_Op<"NegativeLogLikelihoodLoss"> {
  let summary = "Negated log probability of the target class";
  let description = [{
    Of each sample, times the weight of its class, 0 for targets equal to
    `ignore_index`; then as `reduction` says: none, sum or the mean over the
    weights.
  }];
  let arguments = (ins Onnx_FloatTensor:$input, Onnx_IntTensor:$target,
                       Onnx_Optional<Onnx_FloatTensor>:$weight,
                       OptionalAttr<I64Attr>:$ignore_index,
                       DefaultValuedStrAttr<StrAttr, "mean">:$reduction);
  let results = (outs Onnx_FloatTensor:$loss);
}

def Onnx_SoftmaxCrossEntropyLossOp : Onnx_Op<"SoftmaxCrossEntropyLoss"> {
  let summary = "Cross entropy of softmax and target class";
  let description = [{
    NegativeLogLikelihoodLoss of LogSoftmax of the scores along dimension 1,
    which is a result too.
  }];
  let arguments = (ins Onnx_FloatTensor:$scores, Onnx_IntTensor:$labels,
                       Onnx_Optional<Onnx_FloatTensor>:$weights,
                       OptionalAttr<I64Attr>:$ignore_index,
                       DefaultValuedStrAttr<StrAttr, "mean">:$reduction);
  let results = (outs Onnx_FloatTensor:$output, Onnx_FloatTensor:$log_prob);
}
