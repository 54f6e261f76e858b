//===- Layout.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators that move elements to other places without computing on them,
// from places that depend on no element.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"

def Onnx_TransposeOp : Onnx_Op<"Transpose"> {
  let summary = "Permutes the dimensions of a tensor";
  let description = [{
    Dimension i of the result is dimension `perm`[i] of the operand; without
    `perm` the order is reversed.
  }];
  let arguments = (ins Onnx_Tensor:$data,
                       OptionalAttr<DenseI64ArrayAttr>:$perm);
  let results = (outs Onnx_Tensor:$transposed);
  let extraClassDeclaration = [{
    /// `perm`, or the reversal of that many dimensions.
    ::llvm::SmallVector<int64_t> permutation(int64_t rank);
  }];
}

def Onnx_ConcatOp : Onnx_Op<"Concat"> {
  let summary = "Joins tensors along an axis";
  let description = "The sizes of all other dimensions are equal.";
  let arguments = (ins Variadic<Onnx_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs Onnx_Tensor:$concat_result);
}

def Onnx_SliceOp : Onnx_Op<"Slice"> {
  let summary = "Every `steps`-th element from `starts` to `ends`";
  let description = [{
    As in NumPy: negative bounds count from the back, bounds are clamped to the
    tensor, a negative step walks backwards. `axes` defaults to the leading
    axes, `steps` to 1.
  }];
  let arguments = (ins Onnx_Tensor:$data, Onnx_IndexTensor:$starts,
                       Onnx_IndexTensor:$ends,
                       Onnx_Optional<Onnx_IndexTensor>:$axes,
                       Onnx_Optional<Onnx_IndexTensor>:$steps);
  let results = (outs Onnx_Tensor:$output);
}

def Onnx_SplitOp : Onnx_Op<"Split"> {
  let summary = "Cuts a tensor into parts along an axis";
  let description = [{
    Into parts of the sizes in `split`, or into `num_outputs` equal parts of
    which the last may be smaller. The importer sets `num_outputs` to the number
    of the node's outputs whenever `split` is not a constant, so that the number
    of results is always known.
  }];
  let arguments = (ins Onnx_Tensor:$input,
                       Onnx_Optional<Onnx_Int64Tensor>:$split,
                       DefaultValuedAttr<I64Attr, "0">:$axis,
                       OptionalAttr<I64Attr>:$num_outputs);
  let results = (outs Variadic<Onnx_Tensor>:$outputs);
}

def Onnx_PadOp : Onnx_Op<"Pad"> {
  let summary = "Adds elements around a tensor";
  let description = [{
    `pads` lists the counts before each of `axes` (default: all), then those
    after; a negative count removes elements. The new elements are
    `constant_value` (default 0), or by `mode` those of the tensor mirrored at
    the border (`reflect`), at the border (`edge`) or of the tensor repeated
    (`wrap`).
  }];
  let arguments = (ins Onnx_Tensor:$data, Onnx_Int64Tensor:$pads,
                       Onnx_OptionalTensor:$constant_value,
                       Onnx_Optional<Onnx_IndexTensor>:$axes,
                       DefaultValuedStrAttr<StrAttr, "constant">:$mode);
  let results = (outs Onnx_Tensor:$output);
}

def Onnx_TileOp : Onnx_Op<"Tile"> {
  let summary = "Repeats a tensor along every dimension";
  let description = "`repeats` holds a count for each dimension.";
  let arguments = (ins Onnx_Tensor:$input, Onnx_Int64Tensor:$repeats);
  let results = (outs Onnx_Tensor:$output);
}

class Onnx_BlockOp<string name> : Onnx_Op<name> {
  let arguments = (ins Onnx_Tensor:$input, I64Attr:$blocksize,
                       DefaultValuedStrAttr<StrAttr, "DCR">:$mode);
  let results = (outs Onnx_Tensor:$output);
}

def Onnx_DepthToSpaceOp : Onnx_BlockOp<"DepthToSpace"> {
  let summary = "Moves channels into blocks of the image";
  let description = [{
    `mode` says how a channel index is composed: depth, column and row (`DCR`:
    the place in the block varies slowest) or column, row and depth (`CRD`).
  }];
}

def Onnx_SpaceToDepthOp : Onnx_BlockOp<"SpaceToDepth"> {
  let summary = "Moves blocks of the image into channels";
  let description = "The inverse of DepthToSpace of the same `mode`.";
}

def Onnx_CenterCropPadOp : Onnx_Op<"CenterCropPad"> {
  let summary = "Crops or pads with zeros around the centre";
  let description = [{
    Brings the dimensions at `axes` (default: all) to the sizes in `shape`. An
    odd rest is cropped or padded at the end.
  }];
  let arguments = (ins Onnx_Tensor:$input_data, Onnx_IndexTensor:$shape,
                       OptionalAttr<DenseI64ArrayAttr>:$axes);
  let results = (outs Onnx_Tensor:$output_data);
}

def Onnx_ReverseSequenceOp : Onnx_Op<"ReverseSequence"> {
  let summary = "Reverses sequences of different lengths";
  let description = [{
    Reverses the first `sequence_lens`[b] elements along `time_axis` of entry b
    along `batch_axis` and leaves the others in place. One of the axes is 0, the
    other 1.
  }];
  let arguments = (ins Onnx_Tensor:$input, Onnx_Int64Tensor:$sequence_lens,
                       DefaultValuedAttr<I64Attr, "1">:$batch_axis,
                       DefaultValuedAttr<I64Attr, "0">:$time_axis);
  let results = (outs Onnx_Tensor:$Y);
}

def Onnx_TriluOp : Onnx_Op<"Trilu"> {
  let summary = "Keeps a triangle of matrices and zeroes the rest";
  let description = [{
    The upper triangle on and above diagonal `k` (default 0), or if `upper` is 0
    the lower one on and below it.
  }];
  let arguments = (ins Onnx_Tensor:$input, Onnx_Optional<Onnx_Int64Tensor>:$k,
                       DefaultValuedAttr<I64Attr, "1">:$upper);
  let results = (outs Onnx_Tensor:$output);
}
