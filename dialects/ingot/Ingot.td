//===- Ingot.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The ingot dialect: what the compiler decided. Few, heavy ops that name their
// layout and hold their constants in the form the emitters read.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_DIALECTS_INGOT_INGOT_TD
#define INGOT_DIALECTS_INGOT_INGOT_TD

include "dialects/onnx/OnnxBase.td"

def Ingot_Dialect : Dialect {
  let name = "ingot";
  let cppNamespace = "::ingot::heavy";
  let summary = "Heavy operations with layout and packed operands";
  let dependentDialects = ["::ingot::onnx::OnnxDialect"];
}

class Ingot_Op<string name, list<Trait> traits = []>
    : Op<Ingot_Dialect, name, traits # [Pure]>;

def Ingot_ConvOp : Ingot_Op<"conv"> {
  let summary = "Convolution of channels-last tensors";
  let description = [{
    `input` is [N, spatial..., C], the result [N, spatial..., filters], with one
    to three spatial dimensions; with `input_channels_first` the input is
    [N, C, spatial...]. All lists have one value per spatial dimension.
    `weights` is [filters, C / group, kernel...] as in ONNX, or, once
    ingot-pack-weights has run (`panel` is set),
    [group, panels, kernel..., C / group, panel]: the filters of one group in
    panels of `panel` neighbours, the last one padded with zeros. With one
    channel per group and one filter per channel (depthwise) the packed form is
    [kernel..., filters].

    On 8-bit integers, `input` is signed or unsigned, `weights` are signed and
    the result is i32, exact modulo 2^32; elements outside the image count as
    `pad_value`, the zero point. The packed form then has its depth, the
    C / group channels, in groups of `machine.dotDepth()` neighbours, padded
    with zeros: [group, panels, kernel..., depth / d, panel, d]. With
    `merged_taps` the innermost kernel axis and the channels are one depth:
    [group, panels, outer kernel..., depth / d, panel, d]; for a machine with
    warps all taps and the channels are: [group, 1, 1, depth / d, panel, d], as
    its panels have all columns. With `tiled`, for a
    machine with tile registers, all taps and channels are one depth, padded to
    a multiple of 64, and a panel has 32 filters; tiles of 64 depths and 16
    filters follow each other, four depths side by side:
    [group, panels, 2 * depth / 64, 16, 64]. With `byte_pairs` the weights are
    such that no sum of products of two neighbours in a depth group leaves 16
    bits, and are packed for `machine.forBytePairs()`.

    For a machine with tensor cores constant weights of 8-bit integers have a row
    for each filter, [group, 1, 1, 1, panel, depth]: all taps and channels, padded
    with zeros to 16 bytes; `panel` is the number of filters of a group. So have
    8-bit floats (f8E4M3FN, f8E5M2, any pair, with a result in f32, on machines
    whose tensor cores take them).

    Input and weights may each be f16 or bf16, with a result in f32: they are
    widened in registers. If both are bf16 on a machine with `bf16Intrinsic`, the
    packed depth is in pairs: [group, panels, kernel..., depth / 2, panel, 2].

    Weights of f32 for tensor cores (passes/Precision.h) have a row for each
    filter: [group, 1, 1, 1, panel, depth], the depth that of all taps and
    channels, padded with zeros to a multiple of 4; rounded already for tf32.
  }];
  let arguments = (ins Onnx_Tensor:$input, Onnx_Tensor:$weights,
                       DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$pads_begin,
                       DenseI64ArrayAttr:$dilations, I64Attr:$group,
                       I64Attr:$filters, UnitAttr:$input_channels_first,
                       OptionalAttr<I64Attr>:$panel,
                       DefaultValuedAttr<I64Attr, "0">:$pad_value,
                       UnitAttr:$merged_taps, UnitAttr:$tiled,
                       UnitAttr:$byte_pairs);
  let results = (outs Onnx_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    int64_t getSpatialRank() { return getKernel().size(); }
    ::mlir::RankedTensorType getInputType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getInput().getType());
    }
    ::mlir::RankedTensorType getResultType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getResult().getType());
    }
    /// Channels of the input.
    int64_t getChannels();
    /// True for a convolution of 8-bit integers.
    bool isInteger() {
      return getResultType().getElementType().isSignlessInteger(32);
    }
    /// One filter of one channel for every channel, of several.
    bool isDepthwise() {
      return getGroup() > 1 && getGroup() == getFilters() &&
             int64_t(getGroup()) == getChannels();
    }
  }];
}

def Ingot_MatmulOp : Ingot_Op<"matmul"> {
  let summary = "Matrix product";
  let description = [{
    `a` is [batch..., M, K]; `b` is [batch..., K, N] with batch dimensions that
    broadcast, or, once packed (`panel` is set), one constant matrix as
    [panels, K, panel], the last panel padded with zeros. `n` is N.
    `transpose_a`: `a` is [batch..., K, M].

    On 8-bit integers, `a` is signed or unsigned, `b` is signed and the result
    is i32, exact modulo 2^32. Packed, the depth is in groups of
    `machine.dotDepth()` neighbours, padded with zeros:
    [batch..., panels, depth / d, panel, d]; such a `b` need not be constant.
    With `tiled` it is [batch..., panels, 2 * depth / 64, 16, 64], as the
    weights of ingot.conv; `byte_pairs` is as there.
    Constants for tensor cores are packed by columns, as there:
    [1, 1, panel, depth]; so are factors of 8-bit floats, with a result in f32.

    `a` and `b` may each be f16 or bf16, with a result in f32, as for
    ingot.conv: pairs are [panels, depth / 2, panel, 2]; so is f32 for tensor
    cores: [1, 1, panel, depth].
  }];
  let arguments = (ins Onnx_Tensor:$a, Onnx_Tensor:$b, I64Attr:$n,
                       UnitAttr:$transpose_a, OptionalAttr<I64Attr>:$panel,
                       UnitAttr:$tiled, UnitAttr:$byte_pairs);
  let results = (outs Onnx_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// True for a product of 8-bit integers.
    bool isInteger() {
      return ::mlir::getElementTypeOrSelf(getResult().getType())
          .isSignlessInteger(32);
    }
  }];
}

def Ingot_MatmulNBitsOp : Ingot_Op<"matmul_nbits"> {
  let summary = "Matrix product with weights quantized to 2, 4 or 8 bits";
  let description = [{
    The product of `a`, f32, f16 or bf16 [batch..., M, K], with one constant
    matrix of (code - zero point) * scale; the result is f32. The codes `b` are integers of `bits` bits,
    [K, N], or [N, K] with `transpose_b`. `parameters` are the scales and then,
    if there are any, the zero points, of the type of `b` and the scales' shape:
    one for all, one per column [N], or, with `block_size` above 0, one per
    column for each block of that many elements of K: [blocks, N], or
    [N, blocks] with `transpose_b`. The last block may be shorter.

    The sum over K is a float product of the dequantized weights up to the order
    of summation: a * (code - zero point), whose differences are exact, is
    summed block by block, and the sum of a block multiplied by the scale once
    (docs/decisions/0013-weight-only.md tells how exact few rows are). Weights
    may be rounded to the type of `a` before they are multiplied.

    Once ingot-pack-weights has run (`panel` is set), `b` is a stream of bytes
    and there are no `parameters`. The stream holds the columns in panels of
    `panel` neighbours. A panel has for each block of K: the scales of its
    columns, f32, or f16 with `half_scales`; their zero points, a byte each,
    unless `zero_point` gives one for all; then words of 32 bits, one of each
    column in turn. A word holds 32 / bits codes of consecutive elements of K:
    element 4 * f + i of a word is in bits 8 * i + bits * f and up. Codes are
    unsigned, those of signed types with 2^(bits - 1) added. Columns beyond N
    have scale 0, elements beyond K the code 0, which is never used.
  }];
  let arguments = (ins Onnx_Tensor:$a, Onnx_Tensor:$b,
                       Variadic<Onnx_Tensor>:$parameters, I64Attr:$k,
                       I64Attr:$n, I64Attr:$bits,
                       DefaultValuedAttr<I64Attr, "0">:$block_size,
                       UnitAttr:$transpose_b, OptionalAttr<I64Attr>:$panel,
                       OptionalAttr<I64Attr>:$zero_point,
                       UnitAttr:$half_scales);
  let results = (outs Onnx_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Codes in a word of 32 bits.
    int64_t getCodesPerWord() { return 32 / int64_t(getBits()); }
    /// Elements of K that share a scale: K itself without blocks.
    int64_t getBlockLength();
    /// Blocks of K.
    int64_t getBlocks();
    /// Bytes of the scales and zero points of a block of a packed panel.
    int64_t getHeaderBytes();
    /// Bytes of a block of that many elements of K of a packed panel.
    int64_t getBlockBytes(int64_t length);
    /// Bytes of a packed panel.
    int64_t getPanelBytes();
  }];
}

def Ingot_AttentionOp : Ingot_Op<"attention", [AttrSizedOperandSegments]> {
  let summary = "Softmax of scores, times values";
  let description = [{
    `softmax(score(q k^T)) v`, row by row, in one kernel that stores no scores.
    `q` is [batch, heads, queries, size], `k` [batch, key heads, keys, size],
    `v` [batch, key heads, keys, value size] and the result
    [batch, heads, queries, value size]. As many neighbouring heads of `q` as
    there are for each head of `k` and `v` share it; a `k` or `v` with one batch
    serves all. With `q_tokens_first` (`k_`, `v_`, `result_`) the middle
    dimensions change places, as in [batch, queries, heads, size]; with
    `k_transposed`, `k` is [batch, key heads, size, keys]. Elements are f32, f16
    or bf16; everything is computed in f32.

    The score of a product x is x * `scale`; then, if `softcap` is not 0,
    `softcap * tanh(x / softcap)`; then `fill` (minus infinity if left out)
    where `mask` is false, or, with `causal_offset` C, where the key's number is
    above the query's plus C; then the `bias` is added. `bias` and `mask`
    broadcast to [batch, heads, queries, keys].

    A row of nothing but minus infinity gives NaN, or zeros with
    `zero_masked_rows`; with `zero_nan_rows` so does one whose scores include
    NaN.
  }];
  let arguments = (ins Onnx_Tensor:$q, Onnx_Tensor:$k, Onnx_Tensor:$v,
                       Optional<Onnx_Tensor>:$bias, Optional<Onnx_Tensor>:$mask,
                       F32Attr:$scale,
                       DefaultValuedAttr<F32Attr, "0.0f">:$softcap,
                       OptionalAttr<F32Attr>:$fill,
                       OptionalAttr<Onnx_DimsAttr>:$causal_offset,
                       UnitAttr:$k_transposed, UnitAttr:$q_tokens_first,
                       UnitAttr:$k_tokens_first, UnitAttr:$v_tokens_first,
                       UnitAttr:$result_tokens_first,
                       UnitAttr:$zero_masked_rows, UnitAttr:$zero_nan_rows);
  let results = (outs Onnx_Tensor:$result);
  let assemblyFormat = [{
    $q `,` $k `,` $v (`bias` $bias^)? (`mask` $mask^)? attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The dimensions in the order [batch, heads, tokens, size], whatever that
    /// of the tensor.
    ::ingot::onnx::Dims getQueryDims();
    ::ingot::onnx::Dims getKeyDims();
    ::ingot::onnx::Dims getValueDims();
    ::ingot::onnx::Dims getResultDims();
    /// Elements of a query and key, and of a value.
    int64_t getSize();
    int64_t getValueSize();
    /// Heads of queries for each of keys.
    int64_t getHeadsPerKey();
  }];
}

def Ingot_ConcatOp : Ingot_Op<"concat"> {
  let summary = "Tensors joined along a dimension";
  let arguments = (ins Variadic<Onnx_Tensor>:$pieces, I64Attr:$axis);
  let results = (outs Onnx_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

#endif // INGOT_DIALECTS_INGOT_INGOT_TD
