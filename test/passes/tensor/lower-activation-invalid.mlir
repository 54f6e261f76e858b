// RUN: ingot-opt %s --ingot-lower-onnx --verify-diagnostics

func.func @training_is_refused(%x: tensor<4xf32>, %ratio: tensor<f32>) -> tensor<4xf32> {
  %train = onnx.Constant {value = dense<true> : tensor<i1>} : tensor<i1>
  // expected-error @+1 {{[IG3001] no lowering for this form of 'Dropout'}}
  %0:2 = onnx.Dropout %x, %ratio, %train : (tensor<4xf32>, tensor<f32>, tensor<i1>) -> (tensor<4xf32>, tensor<4xi1>)
  return %0#0 : tensor<4xf32>
}
