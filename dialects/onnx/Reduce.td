//===- Reduce.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reductions along axes, arg-reductions and scans.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"

// Reduces `axes`, all if there are none (or, on demand, none).
class Onnx_Reduction<string name, string text, string formula,
                     Type tensor = Onnx_NumberTensor> : Onnx_Op<name> {
  let summary = text # " along axes";
  let description = "`" # formula # "` over the elements `x` along `axes`. "
    "Without axes all are reduced, or none if `noop_with_empty_axes` is 1. "
    "Reduced dimensions stay with size 1 if `keepdims` is 1.";
  let arguments = (ins tensor:$data, Onnx_OptionalTensor:$axes,
                       DefaultValuedAttr<I64Attr, "1">:$keepdims,
                       DefaultValuedAttr<I64Attr, "0">:$noop_with_empty_axes);
  let results = (outs tensor:$reduced);
  let extraClassDefinition = compatibleTypes # [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *, ::std::optional<::mlir::Location> loc,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return ::ingot::onnx::inferReduction(
          loc, adaptor.getData(), adaptor.getAxes(), adaptor.getKeepdims(),
          adaptor.getNoopWithEmptyAxes(), types);
    }
  }];
}

def Onnx_ReduceL1Op
    : Onnx_Reduction<"ReduceL1", "Sum of absolute values", "sum(abs(x))">;
def Onnx_ReduceL2Op
    : Onnx_Reduction<"ReduceL2", "Euclidean norm", "sqrt(sum(x * x))">;
def Onnx_ReduceLogSumOp : Onnx_Reduction<"ReduceLogSum", "Logarithm of the sum",
                                         "log(sum(x))", Onnx_FloatTensor>;
def Onnx_ReduceLogSumExpOp : Onnx_Reduction<
    "ReduceLogSumExp", "Logarithm of the sum of exponentials",
    "log(sum(exp(x)))", Onnx_FloatTensor>;
def Onnx_ReduceMaxOp
    : Onnx_Reduction<"ReduceMax", "Greatest element, NaN if one is", "max(x)",
                     Onnx_BoolOrNumberTensor>;
def Onnx_ReduceMeanOp : Onnx_Reduction<"ReduceMean", "Mean", "mean(x)">;
def Onnx_ReduceMinOp
    : Onnx_Reduction<"ReduceMin", "Least element, NaN if one is", "min(x)",
                     Onnx_BoolOrNumberTensor>;
def Onnx_ReduceProdOp : Onnx_Reduction<"ReduceProd", "Product", "prod(x)">;
def Onnx_ReduceSumOp : Onnx_Reduction<"ReduceSum", "Sum", "sum(x)">;
def Onnx_ReduceSumSquareOp
    : Onnx_Reduction<"ReduceSumSquare", "Sum of squares", "sum(x * x)">;

class Onnx_ArgReduction<string name, string text> : Onnx_Op<name> {
  let summary = "Index of the " # text # " element along an axis";
  let description = "Of several the first, or the last if `select_last_index` "
                    "is 1. A NaN counts as the " # text # " of all.";
  let arguments = (ins Onnx_NumberTensor:$data,
                       DefaultValuedAttr<I64Attr, "0">:$axis,
                       DefaultValuedAttr<I64Attr, "1">:$keepdims,
                       DefaultValuedAttr<I64Attr, "0">:$select_last_index);
  let results = (outs Onnx_IntTensor:$reduced);
  let extraClassDefinition = compatibleTypes # [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *, ::std::optional<::mlir::Location> loc,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return ::ingot::onnx::inferArgReduction(loc, adaptor.getData(),
                                              adaptor.getAxis(),
                                              adaptor.getKeepdims(), types);
    }
  }];
}
def Onnx_ArgMaxOp : Onnx_ArgReduction<"ArgMax", "greatest">;
def Onnx_ArgMinOp : Onnx_ArgReduction<"ArgMin", "least">;

class Onnx_Scan<string name, string text> : Onnx_Op<name> {
  let summary = "Cumulative " # text # " along an axis";
  let description = "Of the elements up to each one; `exclusive` leaves it out "
                    "itself, `reverse` starts at the end.";
  let arguments = (ins Onnx_NumberTensor:$x, Onnx_IntTensor:$axis,
                       DefaultValuedAttr<I64Attr, "0">:$exclusive,
                       DefaultValuedAttr<I64Attr, "0">:$reverse);
  let results = (outs Onnx_NumberTensor:$y);
  let extraClassDefinition = compatibleTypes # [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *, ::std::optional<::mlir::Location> loc,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return ::ingot::onnx::inferScan(loc, adaptor.getX(), adaptor.getAxis(),
                                      types);
    }
  }];
}
def Onnx_CumProdOp : Onnx_Scan<"CumProd", "product">;
def Onnx_CumSumOp : Onnx_Scan<"CumSum", "sum">;
