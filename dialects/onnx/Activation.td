//===- Activation.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Activation functions: elementwise functions with parameters, and dropout.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"

// y = formula(x) with the attributes of `parameters` at hand by name.
class Onnx_Activation<string name, string text, string formula,
                      list<string> floats = [], list<string> defaults = []>
    : Onnx_ElementwiseOp<name, !con((ins Onnx_FloatTensor:$x),
          !dag(ins, !foreach(value, defaults,
                             DefaultValuedAttr<F32Attr, value>), floats)),
      (outs Onnx_FloatTensor:$y), "return " # formula # ";"> {
  let locals = "Scalar x(builder, loc, args[0], getX().getType());\n" #
      !interleave(!foreach(attr, floats, "Literal " # attr # "(get" #
          !toupper(!substr(attr, 0, 1)) # !substr(attr, 1) # "());\n"), "");
  let summary = text;
  let description = "`y = " # formula # "` for each element.";
}

def Onnx_CeluOp : Onnx_Activation<"Celu",
    "Continuously differentiable exponential linear unit",
    "max(x, 0) + min(expm1(x / alpha) * alpha, 0)", ["alpha"], ["1.0f"]>;
def Onnx_EluOp : Onnx_Activation<"Elu", "Exponential linear unit",
    "select(x < 0, expm1(x) * alpha, x)", ["alpha"], ["1.0f"]>;
def Onnx_HardSigmoidOp : Onnx_Activation<"HardSigmoid",
    "Piecewise linear sigmoid", "min(max(x * alpha + beta, 0), 1)",
    ["alpha", "beta"], ["0.2f", "0.5f"]>;
def Onnx_HardSwishOp : Onnx_Activation<"HardSwish", "Piecewise linear swish",
    "x * min(max(x * (1.0 / 6) + 0.5, 0), 1)">;
def Onnx_LeakyReluOp : Onnx_Activation<"LeakyRelu",
    "Rectifier with a slope for negative elements",
    "select(x < 0, x * alpha, x)", ["alpha"], ["0.01f"]>;
def Onnx_MishOp : Onnx_Activation<"Mish", "Self-regularised gate", "mish(x)">;
def Onnx_SeluOp : Onnx_Activation<"Selu", "Scaled exponential linear unit",
    "select(x > 0, x, expm1(x) * alpha) * gamma", ["alpha", "gamma"],
    ["1.67326319217681884765625f", "1.05070102214813232421875f"]>;
def Onnx_SigmoidOp
    : Onnx_Activation<"Sigmoid", "Logistic function", "1 / (exp(-x) + 1)">;
def Onnx_SoftplusOp : Onnx_Activation<"Softplus", "log(1 + exp(x))",
    "softplus(x)">;
def Onnx_SoftsignOp
    : Onnx_Activation<"Softsign", "Softsign", "x / (abs(x) + 1)">;
def Onnx_SwishOp : Onnx_Activation<"Swish", "Element times its sigmoid",
    "x / (exp(-(x * alpha)) + 1)", ["alpha"], ["1.0f"]>;
def Onnx_ThresholdedReluOp : Onnx_Activation<"ThresholdedRelu",
    "Elements above a threshold, others 0", "select(x > alpha, x, 0)",
    ["alpha"], ["1.0f"]>;

def Onnx_ReluOp : Onnx_ElementwiseOp<"Relu", (ins Onnx_SignedTensor:$x),
    (outs Onnx_SignedTensor:$y), "return max(x, 0);"> {
  let summary = "Rectifier";
  let description = "`y = max(x, 0)` for each element.";
}

def Onnx_PReluOp : Onnx_ElementwiseBase<"PRelu",
    (ins Onnx_NumberTensor:$x, Onnx_NumberTensor:$slope),
    (outs Onnx_NumberTensor:$y), "return select(x < 0, x * slope, x);"> {
  let summary = "Rectifier with slopes for negative elements";
  let description = "`y = select(x < 0, x * slope, x)`; `slope` broadcasts to "
                    "the shape of `x`.";
}

def Onnx_GeluOp : Onnx_ElementwiseOp<"Gelu",
    (ins Onnx_FloatTensor:$x, DefaultValuedStrAttr<StrAttr, "none">:$approximate),
    (outs Onnx_FloatTensor:$y), [{
  if (getApproximate() == "tanh") {
    Scalar inner = (x * x * 0.044715 + 1) * x * 0.79788456080286535588;
    return x * 0.5 * (tanh(inner) + 1);
  }
  return x * 0.5 * (erf(x * 0.70710678118654752440) + 1);
}]> {
  let summary = "Gaussian error linear unit";
  let description = [{
    `x / 2 * (1 + erf(x / sqrt(2)))`, or with `approximate = "tanh"`
    `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))`.
  }];
  let hasVerifier = 1;
}

def Onnx_ShrinkOp : Onnx_ElementwiseOp<"Shrink",
    (ins Onnx_NumberTensor:$x, DefaultValuedAttr<F32Attr, "0.0f">:$bias,
         DefaultValuedAttr<F32Attr, "0.5f">:$lambd),
    (outs Onnx_NumberTensor:$y), [{
  // Integers are shrunk by fractions too, and the result is truncated.
  Type real = x.isFloat() ? x.type() : builder.getF64Type();
  Scalar at = cast(x, real);
  Literal by = getBias(), limit = getLambd();
  Scalar result = select(at < -limit.value, at + by,
                         select(at > limit, at - by, 0));
  return cast(result, getElementTypeOrSelf(getY().getType()));
}]> {
  let summary = "Elements moved towards 0, small ones to 0";
  let description = [{
    `x + bias` where `x < -lambd`, `x - bias` where `x > lambd`, else 0.
  }];
}

def Onnx_DropoutOp : Onnx_Op<"Dropout"> {
  let summary = "Random zeroing of elements while training";
  let description = [{
    At inference, and with ratio 0, the identity with a mask of all true. Other
    uses are training and have no lowering.
  }];
  let arguments = (ins Onnx_FloatTensor:$data,
                       Onnx_Optional<Onnx_FloatTensor>:$ratio,
                       Onnx_Optional<Onnx_BoolTensor>:$training_mode,
                       OptionalAttr<I64Attr>:$seed);
  let results = (outs Onnx_FloatTensor:$output, Onnx_BoolTensor:$mask);
}
