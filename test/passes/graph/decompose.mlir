// RUN: ingot-opt %s --ingot-decompose --split-input-file | FileCheck %s
// RUN: not ingot-opt %s --ingot-decompose --ingot-lower-onnx --split-input-file 2>&1 | FileCheck %s --check-prefix=REFUSED

// One product for all inputs.
// CHECK-LABEL: @two_steps
// CHECK-COUNT-3: onnx.MatMul
// CHECK-NOT: onnx.MatMul
// CHECK-NOT: onnx.RNN
func.func @two_steps(%x: tensor<2x3x7xf32>) -> tensor<1x3x6xf32> {
  %none = onnx.None
  %w = onnx.Constant {value = dense<0.5> : tensor<1x6x7xf32>} : tensor<1x6x7xf32>
  %r = onnx.Constant {value = dense<0.5> : tensor<1x6x6xf32>} : tensor<1x6x6xf32>
  %i = onnx.Constant {value = dense<0.5> : tensor<1x3x6xf32>} : tensor<1x3x6xf32>
  %y, %h = onnx.RNN %x, %w, %r, %none, %none, %i : (tensor<2x3x7xf32>, tensor<1x6x7xf32>, tensor<1x6x6xf32>, none, none, tensor<1x3x6xf32>) -> (tensor<2x1x3x6xf32>, tensor<1x3x6xf32>)
  return %h : tensor<1x3x6xf32>
}

// -----

// REFUSED: no lowering for this form of 'RNN': the number of steps is symbolic: fix it with --shape
// CHECK-LABEL: @symbolic_steps
// CHECK: onnx.RNN
func.func @symbolic_steps(%x: tensor<?x3x7xf32, #onnx.dims<["S", 3, 7]>>, %w: tensor<1x6x7xf32>, %r: tensor<1x6x6xf32>) -> tensor<1x3x6xf32> {
  %none = onnx.None
  %y, %h = onnx.RNN %x, %w, %r, %none, %none, %none : (tensor<?x3x7xf32, #onnx.dims<["S", 3, 7]>>, tensor<1x6x7xf32>, tensor<1x6x6xf32>, none, none, none) -> (tensor<?x1x3x6xf32, #onnx.dims<["S", 1, 3, 6]>>, tensor<1x3x6xf32>)
  return %h : tensor<1x3x6xf32>
}

// -----

// REFUSED: no lowering for this form of 'RNN': activations names a function that does not exist, or not as many as the layer has
// CHECK-LABEL: @unknown_function
// CHECK: onnx.RNN
func.func @unknown_function(%x: tensor<2x3x7xf32>, %w: tensor<1x6x7xf32>, %r: tensor<1x6x6xf32>) -> tensor<1x3x6xf32> {
  %none = onnx.None
  %y, %h = onnx.RNN %x, %w, %r, %none, %none, %none {activations = ["Wavy"]} : (tensor<2x3x7xf32>, tensor<1x6x7xf32>, tensor<1x6x6xf32>, none, none, none) -> (tensor<2x1x3x6xf32>, tensor<1x3x6xf32>)
  return %h : tensor<1x3x6xf32>
}

// -----

// The two heads of Q that share a head of K are rows of one matrix.
// CHECK-LABEL: @heads_that_share_keys
// CHECK: kernel.view %arg0 : tensor<1x4x3x8xf32> to tensor<1x2x6x8xf32>
// CHECK: onnx.MatMul {{.*}} -> tensor<1x2x6x5xf32>
// CHECK-NOT: onnx.Expand
// CHECK: onnx.MatMul {{.*}} -> tensor<1x2x6x8xf32>
func.func @heads_that_share_keys(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x5x8xf32>) -> tensor<1x4x3x8xf32> {
  %none = onnx.None
  %0:4 = onnx.Attention %q, %k, %k, %none, %none, %none, %none : (tensor<1x4x3x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, none, none, none, none) -> (tensor<1x4x3x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x4x3x5xf32>)
  return %0#0 : tensor<1x4x3x8xf32>
}
