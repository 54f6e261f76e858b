//===- Elementwise.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators that compute each element from elements at the same place.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"

// Result shape: the broadcast of the operands; element type: the operand's.
// `scalar` is the body of emitScalar: `args`, `b`, `loc`, `type` (compute type
// of args[0]) and `isFloat` are at hand.
class Onnx_ElementwiseOp<string name, dag ins, code scalar>
    : Onnx_Op<name, [DeclareOpInterfaceMethods<Onnx_Elementwise>]> {
  let arguments = ins;
  let results = (outs Onnx_Tensor:$y);
  let extraClassDefinition = compatibleTypes # [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *, ::std::optional<::mlir::Location> loc,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      auto type = ::ingot::onnx::broadcastType(
          loc, adaptor.getOperands().getTypes(),
          ::mlir::getElementTypeOrSelf(adaptor.getOperands()[0].getType()));
      if (failed(type))
        return ::mlir::failure();
      types.push_back(*type);
      return ::mlir::success();
    }
    ::mlir::Value $cppClass::emitScalar(::mlir::OpBuilder &b,
                                        ::mlir::Location loc,
                                        ::mlir::ValueRange args) {
      using namespace ::mlir;
      Type type = args[0].getType();
      bool isFloat = ::llvm::isa<FloatType>(type);
      (void)isFloat;
  }] # scalar # "\n}";
}

class Onnx_UnaryFloat<string name, string op> : Onnx_ElementwiseOp<name,
    (ins Onnx_Tensor:$x), "return " # op # "::create(b, loc, args[0]);">;

class Onnx_Binary<string name, string floatOp, string intOp>
    : Onnx_ElementwiseOp<name, (ins Onnx_Tensor:$a, Onnx_Tensor:$b),
    "if (isFloat)\n  return " # floatOp # "::create(b, loc, args[0], args[1]);\n"
    "return " # intOp # "::create(b, loc, args[0], args[1]);">;

def Onnx_AddOp : Onnx_Binary<"Add", "arith::AddFOp", "arith::AddIOp">;
def Onnx_MulOp : Onnx_Binary<"Mul", "arith::MulFOp", "arith::MulIOp">;
def Onnx_SubOp : Onnx_Binary<"Sub", "arith::SubFOp", "arith::SubIOp">;

def Onnx_ExpOp : Onnx_UnaryFloat<"Exp", "math::ExpOp">;

def Onnx_ReluOp : Onnx_ElementwiseOp<"Relu", (ins Onnx_Tensor:$x), [{
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  if (isFloat)
    return arith::MaximumFOp::create(b, loc, args[0], zero);
  return arith::MaxSIOp::create(b, loc, args[0], zero);
}]>;
