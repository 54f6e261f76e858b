//===- Recurrent.td -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Recurrent layers. D is 2 for direction "bidirectional", else 1; S steps, B
// rows of a batch, I inputs, H hidden_size.
//
//===----------------------------------------------------------------------===//
include "dialects/onnx/OnnxBase.td"

// What all have: operands after these and more attributes follow.
class Onnx_RecurrentOp<string name, dag operands, dag attributes, dag outputs,
                       Attr activations = OptionalAttr<StrArrayAttr>>
    : Onnx_Op<name> {
  let arguments = !con(
      (ins Onnx_FloatTensor:$X, Onnx_FloatTensor:$W, Onnx_FloatTensor:$R,
           Onnx_OptionalTensor:$B, Onnx_OptionalTensor:$sequence_lens,
           Onnx_OptionalTensor:$initial_h), operands,
      (ins OptionalAttr<DenseF32ArrayAttr>:$activation_alpha,
           OptionalAttr<DenseF32ArrayAttr>:$activation_beta,
           activations:$activations,
           OptionalAttr<F32Attr>:$clip,
           DefaultValuedStrAttr<StrAttr, "forward">:$direction,
           OptionalAttr<I64Attr>:$hidden_size,
           DefaultValuedAttr<I64Attr, "0">:$layout), attributes);
  let results = outputs;
}

def Onnx_RNNOp : Onnx_RecurrentOp<"RNN", (ins), (ins),
    (outs Onnx_Tensor:$Y, Onnx_Tensor:$Y_h),
    DefaultValuedAttr<StrArrayAttr, "{\"Tanh\", \"Tanh\"}">> {
  let summary = "Recurrent layer of one gate";
  let description = [{
    H' = f(x W^T + H R^T + Wb + Rb) for each step. X is [S, B, I], or [B, S, I]
    with layout 1; W is [D, H, I], R [D, H, H], B [D, 2 H]. Y is [S, D, B, H]
    ([B, S, D, H]) and Y_h, the last H, [D, B, H] ([B, D, H]).
  }];
}

def Onnx_GRUOp : Onnx_RecurrentOp<"GRU", (ins),
    (ins DefaultValuedAttr<I64Attr, "0">:$linear_before_reset),
    (outs Onnx_Tensor:$Y, Onnx_Tensor:$Y_h)> {
  let summary = "Gated recurrent unit";
  let description = [{
    Shapes as for RNN with 3 gates in the order z, r, h:
    z = f(x Wz^T + H Rz^T + bz), r likewise, h = g(x Wh^T + (r H) Rh^T + bh), or
    with linear_before_reset h = g(x Wh^T + r (H Rh^T + Rbh) + Wbh), and
    H' = (1 - z) h + z H.
  }];
}

def Onnx_LSTMOp : Onnx_RecurrentOp<"LSTM",
    (ins Onnx_OptionalTensor:$initial_c, Onnx_OptionalTensor:$P),
    (ins DefaultValuedAttr<I64Attr, "0">:$input_forget),
    (outs Onnx_Tensor:$Y, Onnx_Tensor:$Y_h, Onnx_Tensor:$Y_c)> {
  let summary = "Long short-term memory";
  let description = [{
    Shapes as for RNN with 4 gates in the order i, o, f, c; peepholes P are
    [D, 3 H] in the order i, o, f: i = f(x Wi^T + H Ri^T + Pi C + bi), f
    likewise (with input_forget: 1 - i), c = g(x Wc^T + H Rc^T + bc),
    C' = f C + i c, o = f(x Wo^T + H Ro^T + Po C' + bo), H' = o h(C').
  }];
}
