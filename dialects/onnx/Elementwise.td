//===- Elementwise.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arithmetic and functions that compute each element from the elements at the
// same place. A regular operator is one line: name, summary, formula.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"

// y = formula(x) on floats.
class Onnx_UnaryFloat<string name, string text, string formula>
    : Onnx_ElementwiseOp<name, (ins Onnx_FloatTensor:$x),
                         (outs Onnx_FloatTensor:$y),
                         "return " # formula # ";"> {
  let summary = text;
  let description = "`y = " # formula # "` for each element.";
}

// y = formula(x) on floats and integers.
class Onnx_Unary<string name, string text, string formula,
                 Type tensor = Onnx_NumberTensor>
    : Onnx_ElementwiseOp<name, (ins tensor:$x), (outs tensor:$y),
                         "return " # formula # ";"> {
  let summary = text;
  let description = "`y = " # formula # "` for each element.";
}

// c = formula(a, b), broadcast.
class Onnx_Binary<string name, string text, string formula>
    : Onnx_ElementwiseOp<name, (ins Onnx_NumberTensor:$a, Onnx_NumberTensor:$b),
                         (outs Onnx_NumberTensor:$c),
                         "return " # formula # ";"> {
  let summary = text;
  let description = "`c = " # formula # "` for each element, broadcast.";
}

// Any number of operands: `step` folds the next element `x` into `all`, and
// `result` is computed from that.
class Onnx_Variadic<string name, string text, string step,
                    string result = "all", Type tensor = Onnx_FloatTensor>
    : Onnx_ElementwiseOp<name, (ins Variadic<tensor>:$inputs),
                         (outs tensor:$y), [{
    Type type = getOperation()->getOperand(0).getType();
    Scalar all(builder, loc, args[0], type);
    for (Value arg : args.drop_front()) {
      Scalar x(builder, loc, arg, type);
      all = }] # step # ";\n}\nreturn " # result # ";"> {
  let locals = "";
  let summary = text;
  let description = "`all = " # step # "` over all operands `x`, broadcast; "
                    "the result is `" # result # "`.";
}

def Onnx_AbsOp : Onnx_Unary<"Abs", "Absolute value", "abs(x)">;
def Onnx_AcosOp : Onnx_UnaryFloat<"Acos", "Arccosine", "acos(x)">;
def Onnx_AcoshOp : Onnx_UnaryFloat<"Acosh", "Hyperbolic arccosine", "acosh(x)">;
def Onnx_AddOp : Onnx_Binary<"Add", "Sum of two tensors", "a + b">;
def Onnx_AsinOp : Onnx_UnaryFloat<"Asin", "Arcsine", "asin(x)">;
def Onnx_AsinhOp : Onnx_UnaryFloat<"Asinh", "Hyperbolic arcsine", "asinh(x)">;
def Onnx_AtanOp : Onnx_UnaryFloat<"Atan", "Arctangent", "atan(x)">;
def Onnx_AtanhOp
    : Onnx_UnaryFloat<"Atanh", "Hyperbolic arctangent", "atanh(x)">;
def Onnx_CeilOp : Onnx_UnaryFloat<"Ceil", "Rounding up", "ceil(x)">;
def Onnx_CosOp : Onnx_UnaryFloat<"Cos", "Cosine", "cos(x)">;
def Onnx_CoshOp : Onnx_UnaryFloat<"Cosh", "Hyperbolic cosine", "cosh(x)">;
def Onnx_ErfOp : Onnx_UnaryFloat<"Erf", "Error function", "erf(x)">;
def Onnx_ExpOp : Onnx_UnaryFloat<"Exp", "Exponential function", "exp(x)">;
def Onnx_FloorOp : Onnx_UnaryFloat<"Floor", "Rounding down", "floor(x)">;
def Onnx_LogOp : Onnx_UnaryFloat<"Log", "Natural logarithm", "log(x)">;
def Onnx_MaxOp : Onnx_Variadic<"Max", "Greatest of the operands, NaN if one is",
                               "max(all, x)", "all", Onnx_NumberTensor>;
def Onnx_MeanOp : Onnx_Variadic<"Mean", "Mean of the operands", "all + x",
                                "all / double(args.size())">;
def Onnx_MinOp : Onnx_Variadic<"Min", "Least of the operands, NaN if one is",
                               "min(all, x)", "all", Onnx_NumberTensor>;
def Onnx_MulOp : Onnx_Binary<"Mul", "Product of two tensors", "a * b">;
def Onnx_NegOp : Onnx_Unary<"Neg", "Negation", "-x", Onnx_SignedTensor>;
def Onnx_ReciprocalOp : Onnx_UnaryFloat<"Reciprocal", "Reciprocal", "1 / x">;
def Onnx_RoundOp : Onnx_UnaryFloat<
    "Round", "Rounding to nearest, halves to even", "roundEven(x)">;
def Onnx_SignOp : Onnx_Unary<"Sign", "Sign: -1, 0 or 1", "sign(x)">;
def Onnx_SinOp : Onnx_UnaryFloat<"Sin", "Sine", "sin(x)">;
def Onnx_SinhOp : Onnx_UnaryFloat<"Sinh", "Hyperbolic sine", "sinh(x)">;
def Onnx_SqrtOp : Onnx_UnaryFloat<"Sqrt", "Square root", "sqrt(x)">;
def Onnx_SubOp : Onnx_Binary<"Sub", "Difference of two tensors", "a - b">;
def Onnx_SumOp : Onnx_Variadic<"Sum", "Sum of the operands", "all + x">;
def Onnx_TanOp : Onnx_UnaryFloat<"Tan", "Tangent", "tan(x)">;
def Onnx_TanhOp : Onnx_UnaryFloat<"Tanh", "Hyperbolic tangent", "tanh(x)">;

def Onnx_ClipOp : Onnx_ElementwiseBase<"Clip",
    (ins Onnx_NumberTensor:$x, Onnx_Optional<Onnx_NumberTensor>:$min,
         Onnx_Optional<Onnx_NumberTensor>:$max),
    (outs Onnx_NumberTensor:$y), [{
  if (min)
    x = onnx::max(x, min);
  if (max)
    x = onnx::min(x, max);
  return x;
}]> {
  let summary = "Elements limited to an interval";
  let description = [{
    `y = min(max(x, low), high)`; a bound left out does not limit. The bounds
    are scalars; where the lower exceeds the upper, the upper wins.
  }];
}

// Integer divisions, which may meet a divisor of 0.
class Onnx_Division<string name, dag attributes, string formula>
    : Onnx_ElementwiseOp<name,
        !con((ins Onnx_NumberTensor:$a, Onnx_NumberTensor:$b), attributes),
        (outs Onnx_NumberTensor:$c), "return " # formula # ";",
        "::mlir::Type()", ["emitFault"]> {
  let extraClassDefinition = compatibleTypes # emit # infer # [{
    ::mlir::Value $cppClass::emitFault(::mlir::OpBuilder &builder,
                                       ::mlir::Location loc,
                                       ::mlir::ValueRange args) {
      return ::ingot::onnx::zeroDivisor(builder, loc, args[1],
                                        getOperation()->getOperand(1));
    }
  }];
}

def Onnx_DivOp : Onnx_Division<"Div", (ins), "a / b"> {
  let summary = "Quotient";
  let description = "`c = a / b` for each element, broadcast; truncated for "
                    "integers.";
}

def Onnx_ModOp : Onnx_Division<"Mod",
    (ins DefaultValuedAttr<I64Attr, "0">:$fmod),
    "getFmod() ? truncMod(a, b) : floorMod(a, b)"> {
  let summary = "Remainder of a division";
  let description = [{
    `fmod = 0`: of the flooring division, with the sign of the divisor;
    `fmod = 1`: of the truncating division, with the sign of the dividend.
  }];
  let hasVerifier = 1;
}

def Onnx_PowOp : Onnx_ElementwiseBase<"Pow",
    (ins Onnx_SignedTensor:$x, Onnx_NumberTensor:$y),
    (outs Onnx_SignedTensor:$z), "return pow(x, y);"> {
  let summary = "Power";
  let description = [{
    `x` to the power of `y`, broadcast. The exponent may be of another type;
    the result has the type of `x`. Integer powers of integers are exact and
    wrap.
  }];
}
