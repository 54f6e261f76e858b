// RUN: ingot-opt %s --ingot-lower-onnx --split-input-file | FileCheck %s

// CHECK-LABEL: @reshape_is_a_view
// CHECK: kernel.view %{{.*}} : tensor<2x3xf32> to tensor<6xf32>
// CHECK-NOT: linalg.generic
func.func @reshape_is_a_view(%x: tensor<2x3xf32>, %s: tensor<1xi64>) -> tensor<6xf32> {
  %0 = onnx.Reshape %x, %s : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// -----

// CHECK-LABEL: @symbolic_reshape_is_a_view
// CHECK: kernel.view
// CHECK-NOT: linalg.generic
func.func @symbolic_reshape_is_a_view(%x: tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>, %s: tensor<2xi64>) -> tensor<?x8xf32, #onnx.dims<["N * 3", 8]>> {
  %0 = onnx.Reshape %x, %s : (tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>, tensor<2xi64>) -> tensor<?x8xf32, #onnx.dims<["N * 3", 8]>>
  return %0 : tensor<?x8xf32, #onnx.dims<["N * 3", 8]>>
}

// -----

// The element counts are equal for no more than some N and M: checked.
// CHECK-LABEL: @unclear_reshape_is_checked
// CHECK: kernel.fault %{{.*}} {code = 3 : i64}
func.func @unclear_reshape_is_checked(%x: tensor<?x4xf32, #onnx.dims<["N", 4]>>, %s: tensor<2xi64>) -> tensor<?x8xf32, #onnx.dims<["M", 8]>> {
  %0 = onnx.Reshape %x, %s : (tensor<?x4xf32, #onnx.dims<["N", 4]>>, tensor<2xi64>) -> tensor<?x8xf32, #onnx.dims<["M", 8]>>
  return %0 : tensor<?x8xf32, #onnx.dims<["M", 8]>>
}

// -----

// CHECK-LABEL: @shape_of_static_is_a_constant
// CHECK: onnx.Constant {value = dense<[2, 3]> : tensor<2xi64>}
func.func @shape_of_static_is_a_constant(%x: tensor<2x3xf32>) -> tensor<2xi64> {
  %0 = onnx.Shape %x : (tensor<2x3xf32>) -> tensor<2xi64>
  return %0 : tensor<2xi64>
}

// -----

// CHECK-LABEL: @shape_of_symbolic_lists_extents
// CHECK: linalg.generic
// CHECK-DAG: kernel.extent <["N"]>
// CHECK-DAG: arith.constant 3 : index
// CHECK: arith.index_cast %{{.*}} : index to i64
func.func @shape_of_symbolic_lists_extents(%x: tensor<?x3xf32, #onnx.dims<["N", 3]>>) -> tensor<2xi64> {
  %0 = onnx.Shape %x : (tensor<?x3xf32, #onnx.dims<["N", 3]>>) -> tensor<2xi64>
  return %0 : tensor<2xi64>
}

// -----

// CHECK: affine_map<(d0, d1) -> (d0, 0)>
// CHECK-LABEL: @expand_broadcasts_raw_halves
// CHECK: ^bb0(%[[X:.*]]: f16, %{{.*}}: f16):
// CHECK-NEXT: linalg.yield %[[X]] : f16
func.func @expand_broadcasts_raw_halves(%x: tensor<2x1xf16>, %s: tensor<2xi64>) -> tensor<2x5xf16> {
  %0 = onnx.Expand %x, %s : (tensor<2x1xf16>, tensor<2xi64>) -> tensor<2x5xf16>
  return %0 : tensor<2x5xf16>
}
