//===- Index.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators that read or write elements at indices from data.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"

def Onnx_GatherOp : Onnx_Op<"Gather"> {
  let summary = "Picks entries along an axis";
  let description = [{
    The shape of `indices` takes the place of dimension `axis` of `data`.
    Negative indices count from the back.
  }];
  let arguments = (ins Onnx_Tensor:$data, Onnx_IndexTensor:$indices,
                       DefaultValuedAttr<I64Attr, "0">:$axis);
  let results = (outs Onnx_Tensor:$output);
}

def Onnx_GatherElementsOp : Onnx_Op<"GatherElements"> {
  let summary = "Picks elements along an axis, each by its own index";
  let description = [{
    Each element of `indices` replaces its own coordinate along `axis` to find
    the element of `data`. Negative indices count from the back.
  }];
  let arguments = (ins Onnx_Tensor:$data, Onnx_IndexTensor:$indices,
                       DefaultValuedAttr<I64Attr, "0">:$axis);
  let results = (outs Onnx_Tensor:$output);
}

def Onnx_GatherNDOp : Onnx_Op<"GatherND"> {
  let summary = "Picks slices by tuples of indices";
  let description = [{
    The last dimension of `indices` holds tuples that index `data` after the
    first `batch_dims` dimensions, which both share.
  }];
  let arguments = (ins Onnx_Tensor:$data, Onnx_Int64Tensor:$indices,
                       DefaultValuedAttr<I64Attr, "0">:$batch_dims);
  let results = (outs Onnx_Tensor:$output);
}

def Onnx_ScatterElementsOp : Onnx_Op<"ScatterElements"> {
  let summary = "Writes elements along an axis, each at its own index";
  let description = [{
    The result is `data` with every element of `updates` written, or combined
    by `reduction` (`none`, `add`, `mul`, `max`, `min`), where its coordinate
    along `axis` is replaced by the element of `indices`. Of several writes
    without reduction to one place, the last in row-major order stays.
  }];
  let arguments = (ins Onnx_Tensor:$data, Onnx_IndexTensor:$indices,
                       Onnx_Tensor:$updates,
                       DefaultValuedAttr<I64Attr, "0">:$axis,
                       DefaultValuedStrAttr<StrAttr, "none">:$reduction);
  let results = (outs Onnx_Tensor:$output);
}

def Onnx_ScatterNDOp : Onnx_Op<"ScatterND"> {
  let summary = "Writes slices at tuples of indices";
  let description = [{
    The result is `data` with every slice of `updates` written, or combined by
    `reduction` (`none`, `add`, `mul`, `max`, `min`), where its tuple of
    `indices` points. Writes happen in row-major order of the tuples.
  }];
  let arguments = (ins Onnx_Tensor:$data, Onnx_Int64Tensor:$indices,
                       Onnx_Tensor:$updates,
                       DefaultValuedStrAttr<StrAttr, "none">:$reduction);
  let results = (outs Onnx_Tensor:$output);
}

def Onnx_TensorScatterOp : Onnx_Op<"TensorScatter"> {
  let summary = "Writes new entries into a cache";
  let description = [{
    The result is `past_cache` with `update` written along `axis` from position
    `write_indices`[b] on (default 0) in entry b of dimension 0. `mode` linear
    forbids writes past the end, circular wraps around.
  }];
  let arguments = (ins Onnx_Tensor:$past_cache, Onnx_Tensor:$update,
                       Onnx_Optional<Onnx_Int64Tensor>:$write_indices,
                       DefaultValuedAttr<I64Attr, "-2">:$axis,
                       DefaultValuedStrAttr<StrAttr, "linear">:$mode);
  let results = (outs Onnx_Tensor:$present_cache);
}
