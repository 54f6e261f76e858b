// RUN: ingot-opt %s --load-pass-plugin=%plugin --pass-pipeline='builtin.module(remark-on-relu)' -verify-diagnostics

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-remark @+1 {{a Relu, seen by a plugin}}
  %0 = onnx.Relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = onnx.Abs %0 : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
