//===- Shape.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constants, and operators that concern only the shape of a tensor: they read
// it, or give the same elements another one.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"

// Not an ONNX operator: stands for an input that the model left out.
def Onnx_NoneOp : Op<Onnx_Dialect, "None", [Pure]> {
  let summary = "An input that the model left out";
  let results = (outs NoneType:$y);
  let assemblyFormat = "attr-dict";
}

def Onnx_ConstantOp : Onnx_Op<"Constant", [ConstantLike]> {
  let summary = "A tensor known at compile time";
  let description = [{
    Initializers and Constant nodes. The importer brings every form of the
    operator to `value`. Weights are resource blobs that point into the mapped
    model file and are never copied.
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Onnx_Tensor:$output);
  let assemblyFormat = "attr-dict `:` type($output)";
  let hasFolder = 1;
}

def Onnx_ReshapeOp : Onnx_Op<"Reshape"> {
  let summary = "The same elements in the given shape";
  let description = [{
    An element -1 of `shape` stands for what the element count leaves over, 0
    for the operand's size at that place unless `allowzero` is set.
  }];
  let arguments = (ins Onnx_Tensor:$data, Onnx_Int64Tensor:$shape,
                       DefaultValuedAttr<I64Attr, "0">:$allowzero);
  let results = (outs Onnx_Tensor:$reshaped);
  let hasVerifier = 1;
}

def Onnx_SqueezeOp : Onnx_Op<"Squeeze"> {
  let summary = "Removes dimensions of size 1";
  let description = "Those at `axes`, or all of them when `axes` is left out.";
  let arguments = (ins Onnx_Tensor:$data,
                       Onnx_Optional<Onnx_Int64Tensor>:$axes);
  let results = (outs Onnx_Tensor:$squeezed);
}

def Onnx_UnsqueezeOp : Onnx_Op<"Unsqueeze"> {
  let summary = "Inserts dimensions of size 1";
  let description = "`axes` are positions in the result's shape.";
  let arguments = (ins Onnx_Tensor:$data, Onnx_Int64Tensor:$axes);
  let results = (outs Onnx_Tensor:$expanded);
}

def Onnx_FlattenOp : Onnx_Op<"Flatten"> {
  let summary = "The same elements as a matrix";
  let description = [{
    The dimensions before `axis` become the rows, the others the columns.
  }];
  let arguments = (ins Onnx_Tensor:$input,
                       DefaultValuedAttr<I64Attr, "1">:$axis);
  let results = (outs Onnx_Tensor:$output);
}

def Onnx_ShapeOp : Onnx_Op<"Shape"> {
  let summary = "The sizes of a tensor's dimensions, from `start` to `end`";
  let description = [{
    Both count from the back when negative and are clamped to the rank; `end`
    is exclusive and defaults to the rank.
  }];
  let arguments = (ins Onnx_Tensor:$data,
                       DefaultValuedAttr<I64Attr, "0">:$start,
                       OptionalAttr<I64Attr>:$end);
  let results = (outs Onnx_Tensor:$shape);
  let extraClassDeclaration = [{
    /// The dimensions of `data` that the result lists, if the rank is known.
    ::std::optional<::llvm::SmallVector<::mlir::AffineExpr, 6>> listedDims();
  }];
}

def Onnx_SizeOp : Onnx_Op<"Size"> {
  let summary = "The number of elements of a tensor";
  let description = "A scalar of int64.";
  let arguments = (ins Onnx_Tensor:$data);
  let results = (outs Onnx_Tensor:$size);
}

def Onnx_ExpandOp : Onnx_Op<"Expand"> {
  let summary = "Repeats a tensor along dimensions of size 1";
  let description = [{
    The result has the shape to which the operand's shape and `shape`
    broadcast, so an element 1 of `shape` leaves a dimension as it is.
  }];
  let arguments = (ins Onnx_Tensor:$input, Onnx_Int64Tensor:$shape);
  let results = (outs Onnx_Tensor:$output);
}
