//===- Logic.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Comparisons, logic, bits, selection, and changes of element type.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"

// c = formula(a, b), a bool, broadcast.
class Onnx_Comparison<string name, string text, string formula,
                      Type tensor = Onnx_NumberTensor>
    : Onnx_ElementwiseOp<name, (ins tensor:$a, tensor:$b),
                         (outs Onnx_BoolTensor:$c),
                         "return " # formula # ";",
                         "::mlir::IntegerType::get(context, 1)"> {
  let summary = text;
  let description = "`c = " # formula # "` for each element, broadcast.";
}

class Onnx_Bitwise<string name, string text, string formula,
                   Type tensor = Onnx_IntTensor>
    : Onnx_ElementwiseOp<name, (ins tensor:$a, tensor:$b), (outs tensor:$c),
                         "return " # formula # ";"> {
  let summary = text;
  let description = "`c = " # formula # "` for each element, broadcast.";
}

def Onnx_EqualOp : Onnx_Comparison<"Equal", "Whether elements are equal",
                                   "a == b", Onnx_Tensor>;
def Onnx_GreaterOp
    : Onnx_Comparison<"Greater", "Whether a is greater", "a > b">;
def Onnx_GreaterOrEqualOp : Onnx_Comparison<
    "GreaterOrEqual", "Whether a is greater or equal", "a >= b">;
def Onnx_LessOp : Onnx_Comparison<"Less", "Whether a is less", "a < b">;
def Onnx_LessOrEqualOp : Onnx_Comparison<
    "LessOrEqual", "Whether a is less or equal", "a <= b">;

def Onnx_AndOp : Onnx_Bitwise<"And", "Both", "a & b", Onnx_BoolTensor>;
def Onnx_OrOp : Onnx_Bitwise<"Or", "One or both", "a | b", Onnx_BoolTensor>;
def Onnx_XorOp : Onnx_Bitwise<"Xor", "One but not both", "a ^ b",
                              Onnx_BoolTensor>;
def Onnx_BitwiseAndOp : Onnx_Bitwise<"BitwiseAnd", "Bits set in both", "a & b">;
def Onnx_BitwiseOrOp : Onnx_Bitwise<"BitwiseOr", "Bits set in one or both",
                                    "a | b">;
def Onnx_BitwiseXorOp : Onnx_Bitwise<"BitwiseXor", "Bits set in one only",
                                     "a ^ b">;

class Onnx_Inversion<string name, string text, Type tensor>
    : Onnx_ElementwiseOp<name, (ins tensor:$x), (outs tensor:$y),
                         "return ~x;"> {
  let summary = text;
  let description = "`y = ~x` for each element.";
}
def Onnx_NotOp : Onnx_Inversion<"Not", "Negation of truth", Onnx_BoolTensor>;
def Onnx_BitwiseNotOp
    : Onnx_Inversion<"BitwiseNot", "All bits inverted", Onnx_IntTensor>;

def Onnx_BitShiftOp : Onnx_ElementwiseOp<"BitShift",
    (ins Onnx_IntTensor:$x, Onnx_IntTensor:$y, StrAttr:$direction),
    (outs Onnx_IntTensor:$z), [{
  return getDirection() == "LEFT" ? shiftLeft(x, y) : shiftRight(x, y);
}]> {
  let summary = "Bits shifted";
  let description = [{
    `x` shifted by `y` bits to the `direction` LEFT or RIGHT. Right shifts of
    signed integers copy the sign. An amount that is negative or at least the
    width leaves what the sign extension alone gives: 0, or -1.
  }];
  let hasVerifier = 1;
}

class Onnx_FloatTest<string name, string text, string formula, dag attributes>
    : Onnx_ElementwiseOp<name, !con((ins Onnx_FloatTensor:$x), attributes),
                         (outs Onnx_BoolTensor:$y),
                         "return " # formula # ";",
                         "::mlir::IntegerType::get(context, 1)"> {
  let summary = text;
}
def Onnx_IsNaNOp : Onnx_FloatTest<"IsNaN", "Whether elements are no number",
                                  "isNan(x)", (ins)> {
  let description = "`y = isNan(x)` for each element.";
}
def Onnx_IsInfOp : Onnx_FloatTest<"IsInf", "Whether elements are infinite",
    "isInf(x, getDetectNegative(), getDetectPositive())",
    (ins DefaultValuedAttr<I64Attr, "1">:$detect_negative,
         DefaultValuedAttr<I64Attr, "1">:$detect_positive)> {
  let description = "The attributes say which infinities count.";
}

def Onnx_WhereOp : Onnx_ElementwiseBase<"Where",
    (ins Onnx_BoolTensor:$condition, Onnx_Tensor:$x, Onnx_Tensor:$y),
    (outs Onnx_Tensor:$z), "return select(condition, x, y);"> {
  let summary = "Elements of one tensor or another by a condition";
  let description = "`z = select(condition, x, y)` for each element, broadcast.";
}

class Onnx_CastBase<string name, dag ins>
    : Onnx_ElementwiseBase<name, ins, (outs Onnx_Tensor:$output),
    "return cast(input, getElementTypeOrSelf(getOutput().getType()));"> {
}

def Onnx_CastOp : Onnx_CastBase<"Cast",
    (ins Onnx_Tensor:$input,
         DefaultValuedStrAttr<StrAttr, "up">:$round_mode,
         DefaultValuedAttr<I64Attr, "1">:$saturate, I64Attr:$to)> {
  let summary = "Conversion to another element type";
  let description = [{
    `to` is a number of TensorProto.DataType. Floats go to integers by
    truncation. What the target does not hold: floats become infinite; integers
    lose their higher bits; of floats that go to integers, those beyond 32 bits
    (64 for int64, uint32 and uint64) become the nearest end of that range, NaN
    the lower end, and then lose their higher bits.
  }];
}

def Onnx_CastLikeOp : Onnx_CastBase<"CastLike",
    (ins Onnx_Tensor:$input, Onnx_Tensor:$target_type,
         DefaultValuedStrAttr<StrAttr, "up">:$round_mode,
         DefaultValuedAttr<I64Attr, "1">:$saturate)> {
  let summary = "Conversion to the element type of another tensor";
  let description = "As Cast, to the element type of `target_type`.";
}

def Onnx_BitCastOp : Onnx_Op<"BitCast"> {
  let summary = "The same bits read as another element type";
  let description = [{
    `to` is a number of TensorProto.DataType, of a type of the same width.
  }];
  let arguments = (ins Onnx_Tensor:$input, I64Attr:$to);
  let results = (outs Onnx_Tensor:$output);
}

def Onnx_IdentityOp : Onnx_Op<"Identity"> {
  let summary = "The operand itself";
  let description = "Of a tensor, sequence or optional.";
  let arguments = (ins AnyType:$input);
  let results = (outs AnyType:$output);
}
