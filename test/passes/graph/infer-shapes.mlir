// RUN: ingot-opt %s --ingot-infer-shapes --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @static_inputs_reach_the_result
// CHECK-SAME: -> tensor<2x4xf32>
// CHECK: onnx.Relu {{.*}} -> tensor<2x4xf32>
// CHECK: onnx.Add {{.*}} -> tensor<2x4xf32>
func.func @static_inputs_reach_the_result(%x: tensor<2x4xf32>)
    -> tensor<?x4xf32, #onnx.dims<["N", 4]>> {
  %0 = onnx.Relu %x : (tensor<2x4xf32>) -> tensor<*xf32>
  %1 = onnx.Add %0, %x : (tensor<*xf32>, tensor<2x4xf32>) -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  return %1 : tensor<?x4xf32, #onnx.dims<["N", 4]>>
}

// -----

// The name that the model declares for its output is not one of its inputs'.
// CHECK-LABEL: @symbols_of_inputs_win
// CHECK-SAME: -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
func.func @symbols_of_inputs_win(%x: tensor<?x4xf32, #onnx.dims<["N", 4]>>)
    -> tensor<?x?xf32, #onnx.dims<["out", "k"]>> {
  %0 = onnx.Relu %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<?x?xf32, #onnx.dims<["out", "k"]>>
  return %0 : tensor<?x?xf32, #onnx.dims<["out", "k"]>>
}

// -----

// CHECK-LABEL: @declared_names_of_data_dependent_sizes_stay
// CHECK: onnx.NonZero {{.*}} -> tensor<1x?xi64, #onnx.dims<[1, "found"]>>
func.func @declared_names_of_data_dependent_sizes_stay(%x: tensor<4xf32>)
    -> tensor<1x?xi64, #onnx.dims<[1, "found"]>> {
  %0 = onnx.NonZero %x : (tensor<4xf32>) -> tensor<1x?xi64, #onnx.dims<[1, "found"]>>
  return %0 : tensor<1x?xi64, #onnx.dims<[1, "found"]>>
}

// -----

func.func @contradicting_declaration(%x: tensor<2x4xf32>) -> tensor<3x4xf32> {
  %0 = onnx.Relu %x : (tensor<2x4xf32>) -> tensor<*xf32>
  // expected-error@+1 {{[IG2002] Relu: the operands give 'tensor<2x4xf32>', but the result is 'tensor<3x4xf32>'; correct the declared shape or the shapes of the inputs}}
  %1 = onnx.Relu %0 : (tensor<*xf32>) -> tensor<3x4xf32>
  return %1 : tensor<3x4xf32>
}

// -----

func.func @broken_rule(%x: tensor<2x4xf32>, %y: tensor<3xf32>) -> tensor<*xf32> {
  %0 = onnx.Relu %x : (tensor<2x4xf32>) -> tensor<*xf32>
  // expected-error@+1 {{[IG2001] Add: shapes do not broadcast: 'tensor<2x4xf32>' and 'tensor<3xf32>'}}
  %1 = onnx.Add %0, %y : (tensor<*xf32>, tensor<3xf32>) -> tensor<*xf32>
  return %1 : tensor<*xf32>
}
