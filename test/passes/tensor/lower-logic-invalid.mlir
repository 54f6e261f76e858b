// RUN: ingot-opt %s --ingot-lower-onnx --split-input-file --verify-diagnostics

func.func @strings_are_not_cast(%x: tensor<4xf32>) -> tensor<4x!onnx.string> {
  // expected-error @+1 {{[IG3001] no lowering for this form of 'Cast'}}
  %0 = onnx.Cast %x {to = 8 : i64} : (tensor<4xf32>) -> tensor<4x!onnx.string>
  return %0 : tensor<4x!onnx.string>
}

// -----

func.func @strings_are_not_compared(%x: tensor<4x!onnx.string>) -> tensor<4xi1> {
  // expected-error @+1 {{[IG3001] no lowering for this form of 'Equal'}}
  %0 = onnx.Equal %x, %x : (tensor<4x!onnx.string>, tensor<4x!onnx.string>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}
