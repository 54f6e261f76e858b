//===- Attention.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention as one operator.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"

def Onnx_AttentionOp : Onnx_Op<"Attention"> {
  let summary = "Scaled dot-product attention";
  let description = [{
    Q is [batch, q_num_heads, queries, size], K and V [batch, kv_num_heads, keys,
    size]; or all three are [batch, length, heads x size], with the numbers of
    heads as attributes. Each head of K and V serves q_num_heads / kv_num_heads
    neighbouring heads of Q. Keys and values follow those of past_key and
    past_value; present_key and present_value are both together.

    Y = softmax(softcap(Q K^T scale) + mask) V, with scale 1 / sqrt(size) by
    default and softcap(x) = softcap * tanh(x / softcap). The mask is attn_mask
    (false and what lies behind its last key: not to be seen), the causal rule
    (key j for query i only if j <= i + offset), the window of keys around that
    place, and, of each batch, the first nonpad_kv_seqlen keys. `offset` is the
    length of the past, or with nonpad_kv_seqlen that less the queries, or 0. A
    query that sees no key gives zeros.
  }];
  let arguments = (ins Onnx_FloatTensor:$Q, Onnx_FloatTensor:$K,
                       Onnx_FloatTensor:$V, Onnx_OptionalTensor:$attn_mask,
                       Onnx_OptionalTensor:$past_key,
                       Onnx_OptionalTensor:$past_value,
                       Onnx_OptionalTensor:$nonpad_kv_seqlen,
                       DefaultValuedAttr<I64Attr, "0">:$is_causal,
                       OptionalAttr<I64Attr>:$kv_num_heads,
                       DefaultValuedAttr<I64Attr, "-1">:$left_window_size,
                       OptionalAttr<I64Attr>:$q_num_heads,
                       DefaultValuedAttr<I64Attr, "0">:$qk_matmul_output_mode,
                       DefaultValuedAttr<I64Attr, "-1">:$right_window_size,
                       OptionalAttr<F32Attr>:$scale,
                       DefaultValuedAttr<F32Attr, "0.0f">:$softcap,
                       OptionalAttr<I64Attr>:$softmax_precision);
  let results = (outs Onnx_Tensor:$Y, Onnx_Tensor:$present_key,
                      Onnx_Tensor:$present_value,
                      Onnx_Tensor:$qk_matmul_output);
}
