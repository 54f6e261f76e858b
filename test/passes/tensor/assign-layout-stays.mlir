// RUN: ingot-opt %s --ingot-lower-onnx --ingot-assign-layout --split-input-file | FileCheck %s

// Where a transpose has to stay, and where it moves.

// CHECK: #[[T:.*]] = affine_map<(d0, d1, d2) -> (d0, d2, d1)>
// CHECK-LABEL: @returned
// CHECK-COUNT-1: linalg.generic {indexing_maps = [#[[T]],
// CHECK-NOT: linalg.generic
func.func @returned(%x: tensor<2x3x4xf32>) -> tensor<2x4x3xf32> {
  %0 = onnx.Transpose %x {perm = array<i64: 0, 2, 1>} : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
  return %0 : tensor<2x4x3xf32>
}

// -----

// A reshape counts elements in the order they have.
// CHECK-LABEL: @reshaped
// CHECK: %[[T:.*]] = linalg.generic
// CHECK: kernel.view %[[T]] : tensor<2x4x3xf32> to tensor<24xf32>
func.func @reshaped(%x: tensor<2x3x4xf32>) -> tensor<24xf32> {
  %s = onnx.Constant {value = dense<24> : tensor<1xi64>} : tensor<1xi64>
  %0 = onnx.Transpose %x {perm = array<i64: 0, 2, 1>} : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
  %1 = onnx.Reshape %0, %s : (tensor<2x4x3xf32>, tensor<1xi64>) -> tensor<24xf32>
  return %1 : tensor<24xf32>
}

// -----

// One of two readers wants the transposed order, the other sees through it.
// CHECK: #[[ID:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-LABEL: @two_readers
// CHECK: linalg.generic {{.*}}ins(%arg0
// CHECK: arith.negf
// CHECK-NOT: ins(%arg0 {{.*}}ins(%arg0
func.func @two_readers(%x: tensor<2x3x4xf32>) -> (tensor<2x4x3xf32>, tensor<2x3x4xf32>) {
  %0 = onnx.Transpose %x {perm = array<i64: 0, 2, 1>} : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
  %1 = onnx.Neg %0 : (tensor<2x4x3xf32>) -> tensor<2x4x3xf32>
  %2 = onnx.Transpose %1 {perm = array<i64: 0, 2, 1>} : (tensor<2x4x3xf32>) -> tensor<2x3x4xf32>
  return %0, %2 : tensor<2x4x3xf32>, tensor<2x3x4xf32>
}

// -----

// A sum along an axis of the transposed value is one along another axis of the
// source: nothing moves.
// CHECK: #[[IN:.*]] = affine_map<(d0, d1, d2) -> (d0, d2, d1)>
// CHECK-LABEL: @reduced
// CHECK-COUNT-1: linalg.generic {indexing_maps = [#[[IN]],{{.*}}"reduction"]
// CHECK-NOT: linalg.generic
func.func @reduced(%x: tensor<2x3x4xf32>) -> tensor<2x4xf32> {
  %a = onnx.Constant {value = dense<2> : tensor<1xi64>} : tensor<1xi64>
  %0 = onnx.Transpose %x {perm = array<i64: 0, 2, 1>} : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
  %1 = onnx.ReduceSum %0, %a {keepdims = 0 : i64} : (tensor<2x4x3xf32>, tensor<1xi64>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}
