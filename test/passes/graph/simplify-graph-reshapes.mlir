// RUN: ingot-opt %s --ingot-simplify-graph --split-input-file | FileCheck %s

// CHECK-LABEL: @transposes_compose
// CHECK: onnx.Transpose %{{.*}} {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
// CHECK-NOT: onnx.Transpose
func.func @transposes_compose(%x: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {
  %0 = onnx.Transpose %x {perm = array<i64: 0, 2, 1>} : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
  %1 = onnx.Transpose %0 {perm = array<i64: 1, 0, 2>} : (tensor<2x4x3xf32>) -> tensor<4x2x3xf32>
  return %1 : tensor<4x2x3xf32>
}

// -----

// CHECK-LABEL: @transpose_and_its_inverse
// CHECK-SAME: %[[X:.*]]: tensor<2x3x4xf32>
// CHECK-NEXT: return %[[X]]
func.func @transpose_and_its_inverse(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = onnx.Transpose %x : (tensor<2x3x4xf32>) -> tensor<4x3x2xf32>
  %1 = onnx.Transpose %0 {perm = array<i64: 2, 1, 0>} : (tensor<4x3x2xf32>) -> tensor<2x3x4xf32>
  return %1 : tensor<2x3x4xf32>
}

// -----

// Moving dimensions of size 1 moves no element.
// CHECK-LABEL: @transpose_of_ones_is_a_reshape
// CHECK: %[[S:.*]] = onnx.Constant {value = dense<[0, 5, 7, 1]>
// CHECK: onnx.Reshape %{{.*}}, %[[S]]
func.func @transpose_of_ones_is_a_reshape(%x: tensor<?x1x5x7xf32, #onnx.dims<["N", 1, 5, 7]>>)
    -> tensor<?x5x7x1xf32, #onnx.dims<["N", 5, 7, 1]>> {
  %0 = onnx.Transpose %x {perm = array<i64: 0, 2, 3, 1>}
    : (tensor<?x1x5x7xf32, #onnx.dims<["N", 1, 5, 7]>>) -> tensor<?x5x7x1xf32, #onnx.dims<["N", 5, 7, 1]>>
  return %0 : tensor<?x5x7x1xf32, #onnx.dims<["N", 5, 7, 1]>>
}

// -----

// CHECK-LABEL: @shape_changes_merge
// CHECK: %[[S:.*]] = onnx.Constant {value = dense<[6, 4]> : tensor<2xi64>}
// CHECK: onnx.Reshape %{{.*}}, %[[S]] : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<6x4xf32>
// CHECK-NEXT: return
func.func @shape_changes_merge(%x: tensor<2x3x4xf32>) -> tensor<6x4xf32> {
  %a = onnx.Constant {value = dense<[1]> : tensor<1xi64>} : tensor<1xi64>
  %s = onnx.Constant {value = dense<[6, -1, 1]> : tensor<3xi64>} : tensor<3xi64>
  %none = onnx.None
  %0 = onnx.Unsqueeze %x, %a : (tensor<2x3x4xf32>, tensor<1xi64>) -> tensor<2x1x3x4xf32>
  %1 = onnx.Flatten %0 {axis = 2 : i64} : (tensor<2x1x3x4xf32>) -> tensor<2x12xf32>
  %2 = onnx.Reshape %1, %s : (tensor<2x12xf32>, tensor<3xi64>) -> tensor<6x4x1xf32>
  %3 = onnx.Squeeze %2, %none : (tensor<6x4x1xf32>, none) -> tensor<6x4xf32>
  return %3 : tensor<6x4xf32>
}

// -----

// CHECK-LABEL: @shape_changes_that_cancel
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32
// CHECK-NEXT: %[[Y:.*]] = onnx.Relu %[[X]]
// CHECK-NEXT: return %[[Y]]
func.func @shape_changes_that_cancel(%x: tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<?x4xf32, #onnx.dims<["N", 4]>> {
  %a = onnx.Constant {value = dense<[0]> : tensor<1xi64>} : tensor<1xi64>
  %0 = onnx.Unsqueeze %x, %a : (tensor<?x4xf32, #onnx.dims<["N", 4]>>, tensor<1xi64>) -> tensor<1x?x4xf32, #onnx.dims<[1, "N", 4]>>
  %1 = onnx.Squeeze %0, %a : (tensor<1x?x4xf32, #onnx.dims<[1, "N", 4]>>, tensor<1xi64>) -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %2 = onnx.Relu %1 : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  return %2 : tensor<?x4xf32, #onnx.dims<["N", 4]>>
}

// -----

// Two sizes that are not the operand's: no shape operand says that.
// CHECK-LABEL: @two_unknown_sizes_stay
// CHECK: onnx.Unsqueeze
// CHECK: onnx.Unsqueeze
func.func @two_unknown_sizes_stay(%x: tensor<?x?xf32, #onnx.dims<["N", "M"]>>) -> tensor<1x1x?x?xf32, #onnx.dims<[1, 1, "N", "M"]>> {
  %a = onnx.Constant {value = dense<[0]> : tensor<1xi64>} : tensor<1xi64>
  %0 = onnx.Unsqueeze %x, %a : (tensor<?x?xf32, #onnx.dims<["N", "M"]>>, tensor<1xi64>) -> tensor<1x?x?xf32, #onnx.dims<[1, "N", "M"]>>
  %1 = onnx.Unsqueeze %0, %a : (tensor<1x?x?xf32, #onnx.dims<[1, "N", "M"]>>, tensor<1xi64>) -> tensor<1x1x?x?xf32, #onnx.dims<[1, 1, "N", "M"]>>
  return %1 : tensor<1x1x?x?xf32, #onnx.dims<[1, 1, "N", "M"]>>
}
