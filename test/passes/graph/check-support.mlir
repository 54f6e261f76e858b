// RUN: ingot-opt %s --ingot-check-support --split-input-file --verify-diagnostics

// Everything that has no lowering is reported at once, by the node's name.
func.func @all_at_once(%x: tensor<*xf32>, %y: tensor<2xf32>) -> (tensor<*xf32>, tensor<2xf32>, tensor<*xf32>) {
  // expected-error@unknown {{[IG3002] node 'first': Relu cannot be compiled: result has no rank}}
  %0 = onnx.Relu %x : (tensor<*xf32>) -> tensor<*xf32> loc("Relu:first")
  %1 = onnx.Relu %y : (tensor<2xf32>) -> tensor<2xf32>
  // expected-error@below {{[IG3002] Add cannot be compiled: result has no rank}}
  %2 = onnx.Add %0, %0 : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return %0, %1, %2 : tensor<*xf32>, tensor<2xf32>, tensor<*xf32>
}
