//===- OnnxBase.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The onnx dialect, its attribute for symbolic shapes, and the base classes of
// its operators. An operator is spelled exactly as in the ONNX specification
// and has the form of its newest version; the importer upgrades older forms.
//
// Conventions that every family follows:
// * operand i is ONNX input i. An omitted input is the value of `onnx.None`.
// * all outputs of the specification are results; an unused one has no users.
// * attributes keep their ONNX names: int is I64Attr, float F32Attr, string
//   StrAttr, ints DenseI64ArrayAttr, floats DenseF32ArrayAttr, strings
//   StrArrayAttr, tensor ElementsAttr, graph a region, type_proto TypeAttr.
// * element types: ONNX int8..int64 are i8..i64, uint8..uint64 are ui8..ui64,
//   bool is i1, string is !onnx.string.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_ONNX_ONNXBASE_TD
#define INGOT_DIALECTS_ONNX_ONNXBASE_TD

include "dialects/onnx/OnnxInterfaces.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Onnx_Dialect : Dialect {
  let name = "onnx";
  let cppNamespace = "::ingot::onnx";
  let summary = "What the model means: one op per ONNX operator";
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let extraClassDeclaration = [{
    /// The symbol of that name, the same expression for the same name in one
    /// context. Symbols are the named dynamic dimensions of models.
    ::mlir::AffineExpr getSymbol(::llvm::StringRef name);
    /// The name of a symbol made by getSymbol.
    ::llvm::StringRef getSymbolName(unsigned position);
    /// A symbol that no model can name, for a size known only from data.
    ::mlir::AffineExpr getFreshSymbol();
  private:
    ::std::shared_ptr<SymbolNames> symbols;
  public:
  }];
}

def Onnx_DimsAttr : AttrDef<Onnx_Dialect, "Dims"> {
  let mnemonic = "dims";
  let summary = "The dimensions of a tensor with symbolic sizes";
  let description = [{
    The encoding of a ranked tensor type some of whose dimensions are dynamic:
    one expression per dimension over named symbols. Equal expressions are
    equal sizes. `tensor<?x3x?xf32, #onnx.dims<["N", 3, "H floordiv 2"]>>`.
  }];
  let parameters = (ins ArrayRefParameter<"::mlir::AffineExpr">:$dims);
  let hasCustomAssemblyFormat = 1;
}

def Onnx_StringType : TypeDef<Onnx_Dialect, "String"> {
  let mnemonic = "string";
  let summary = "The element type of ONNX string tensors";
}

def Onnx_SequenceType : TypeDef<Onnx_Dialect, "Sequence"> {
  let mnemonic = "sequence";
  let summary = "An ONNX sequence";
  let parameters = (ins "::mlir::Type":$elementType);
  let assemblyFormat = "`<` $elementType `>`";
}

def Onnx_OptionalType : TypeDef<Onnx_Dialect, "Optional"> {
  let mnemonic = "optional";
  let summary = "An ONNX optional";
  let parameters = (ins "::mlir::Type":$elementType);
  let assemblyFormat = "`<` $elementType `>`";
}

// AnyTensor of MLIR takes builtin element types only; the specification's
// element types are checked by each op's verifier where they matter.
def Onnx_Tensor : Type<CPred<"::llvm::isa<::mlir::TensorType>($_self)">,
                       "tensor", "::mlir::TensorType">;
// An input that the model may leave out.
class Onnx_Optional<Type tensor> : AnyTypeOf<[tensor, NoneType]>;
def Onnx_OptionalTensor : Onnx_Optional<Onnx_Tensor>;

// Tensors by kind of element, for operators that the specification defines on
// some kinds only. `kinds` is an ElementKind of OnnxDialect.h.
class Onnx_TensorOf<string kinds, string elements>
    : Type<CPred<"::ingot::onnx::isTensorOf($_self, " # kinds # ")">,
           "tensor of " # elements, "::mlir::TensorType">;
def Onnx_FloatTensor : Onnx_TensorOf<"::ingot::onnx::FloatElements",
                                     "16 to 64-bit floats">;
def Onnx_IntTensor : Onnx_TensorOf<
    "::ingot::onnx::SignedElements | ::ingot::onnx::UnsignedElements",
    "8 to 64-bit integers">;
def Onnx_NumberTensor : Onnx_TensorOf<"::ingot::onnx::NumberElements",
                                      "16 to 64-bit floats or 8 to 64-bit "
                                      "integers">;
def Onnx_SignedTensor : Onnx_TensorOf<
    "::ingot::onnx::FloatElements | ::ingot::onnx::SignedElements",
    "16 to 64-bit floats or 8 to 64-bit signed integers">;
def Onnx_BoolTensor : Onnx_TensorOf<"::ingot::onnx::BoolElements", "bool">;
def Onnx_BoolOrNumberTensor : Onnx_TensorOf<
    "::ingot::onnx::NumberElements | ::ingot::onnx::BoolElements",
    "bool, 16 to 64-bit floats or 8 to 64-bit integers">;

// Tensors of indices and sizes.
class Onnx_SignlessTensor<string widthTest, string elements>
    : Type<CPred<"::llvm::isa<::mlir::TensorType>($_self) && "
                 "::llvm::cast<::mlir::TensorType>($_self).getElementType()"
                 "." # widthTest>, "tensor of " # elements,
           "::mlir::TensorType">;
def Onnx_Int32Tensor : Onnx_SignlessTensor<"isSignlessInteger(32)", "int32">;
def Onnx_Int64Tensor : Onnx_SignlessTensor<"isSignlessInteger(64)", "int64">;
// The specification's Tind.
def Onnx_IndexTensor : AnyTypeOf<[Onnx_Int32Tensor, Onnx_Int64Tensor],
                                 "tensor of int32 or int64",
                                 "::mlir::TensorType">;

// Every operator: pure, with result types inferred from operands and
// properties. A subclass defines
//   LogicalResult XOp::inferReturnTypes(MLIRContext *, optional<Location>,
//                                       Adaptor, SmallVectorImpl<Type> &)
// unless a base class below does it. Types are compatible when element types
// agree and no static dimension contradicts, so that a pass may refine them.
class Onnx_Op<string name, list<Trait> traits = []>
    : Op<Onnx_Dialect, name, traits # [Pure, Onnx_Checked,
         InferTypeOpAdaptorWithIsCompatible]> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  code compatibleTypes = [{
    bool $cppClass::isCompatibleReturnTypes(::mlir::TypeRange inferred,
                                            ::mlir::TypeRange actual) {
      return ::ingot::onnx::areCompatible(inferred, actual);
    }
  }];
  let extraClassDefinition = compatibleTypes;
}

//===----------------------------------------------------------------------===//
// Elementwise operators
//===----------------------------------------------------------------------===//

// `statements` is the body of emitScalar. Each operand is at hand as a Scalar
// of its own name, so that a formula is written as a formula; see Scalar.h.
// `ins` lists operands before attributes.
// The subclass, or the .cpp of the family, defines inferReturnTypes.
class Onnx_ElementwiseBase<string name, dag ins, dag outs, code statements,
                           list<string> methods = []>
    : Onnx_Op<name, [DeclareOpInterfaceMethods<Onnx_Elementwise, methods>]> {
  let arguments = ins;
  let results = outs;
  code infer = "";
  code locals = !interleave(!foreach(i, !range(!size(ins)),
      !if(!initialized(!getdagarg<TypeConstraint>(ins, i)),
          "Scalar " # !getdagname(ins, i) # "(builder, loc, args[" # i #
              "], getOperation()->getOperand(" # i #
              ").getType());\n",
          "")), "");
  code emit = [{
    ::mlir::Value $cppClass::emitScalar(::mlir::OpBuilder &builder,
                                        ::mlir::Location loc,
                                        ::mlir::ValueRange args) {
  }] # locals # statements # "\n}\n";
  let extraClassDefinition = compatibleTypes # emit # infer;
}

// One element type for all operands; the result is their broadcast and has
// that element type, or `element` (a C++ expression over `context`).
class Onnx_ElementwiseOp<string name, dag ins, dag outs, code statements,
                         string element = "::mlir::Type()",
                         list<string> methods = []>
    : Onnx_ElementwiseBase<name, ins, outs, statements, methods> {
  let infer = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *context, ::std::optional<::mlir::Location> loc,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      (void)context;
      return ::ingot::onnx::inferElementwise(
          loc, ::mlir::TypeRange(adaptor.getOperands()), }] # element # [{,
          types);
    }
  }];
}

#endif // INGOT_DIALECTS_ONNX_ONNXBASE_TD
