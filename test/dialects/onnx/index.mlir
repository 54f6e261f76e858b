// RUN: ingot-opt %s --split-input-file | ingot-opt --split-input-file --ingot-infer-shapes | FileCheck %s

!x = tensor<?x3x5xf32, #onnx.dims<["N", 3, 5]>>
!i = tensor<2x?xi64, #onnx.dims<[2, "K"]>>

// CHECK-LABEL: @gather
// CHECK: onnx.Gather %{{.*}} {axis = -2 : i64} : {{.*}} -> tensor<?x2x?x5xf32, #onnx.dims<["N", 2, "K", 5]>>
// CHECK: onnx.GatherElements {{.*}} -> tensor<2x1x5xf32>
// CHECK: onnx.GatherND {{.*}} -> tensor<4x5xf32>
// CHECK: onnx.GatherND {{.*}} {batch_dims = 1 : i64} : {{.*}} -> tensor<4x5xf32>
func.func @gather(%x: !x, %i: !i, %e: tensor<2x1x5xi32>, %t: tensor<4x2xi64>, %u: tensor<4x1xi64>) {
  %0 = onnx.Gather %x, %i {axis = -2 : i64} : (!x, !i) -> tensor<*xf32>
  %1 = onnx.GatherElements %x, %e : (!x, tensor<2x1x5xi32>) -> tensor<*xf32>
  %2 = onnx.GatherND %x, %t : (!x, tensor<4x2xi64>) -> tensor<*xf32>
  %3 = onnx.GatherND %x, %u {batch_dims = 1 : i64} : (!x, tensor<4x1xi64>) -> tensor<*xf32>
  return
}

// -----

!x = tensor<?x3x5xf32, #onnx.dims<["N", 3, 5]>>

// CHECK-LABEL: @scatter
// CHECK: onnx.ScatterElements %{{.*}} {reduction = "add"} : {{.*}} -> tensor<?x3x5xf32, #onnx.dims<["N", 3, 5]>>
// CHECK: onnx.ScatterND %{{.*}} {reduction = "max"} : {{.*}} -> tensor<?x3x5xf32, #onnx.dims<["N", 3, 5]>>
// CHECK: onnx.TensorScatter %{{.*}} {axis = 1 : i64, mode = "circular"} : {{.*}} -> tensor<?x3x5xf32, #onnx.dims<["N", 3, 5]>>
func.func @scatter(%x: !x, %i: tensor<1x2x5xi64>, %u: tensor<1x2x5xf32>, %t: tensor<4x1xi64>, %s: tensor<4x3x5xf32>) {
  %none = onnx.None
  %0 = onnx.ScatterElements %x, %i, %u {reduction = "add"} : (!x, tensor<1x2x5xi64>, tensor<1x2x5xf32>) -> tensor<*xf32>
  %1 = onnx.ScatterND %x, %t, %s {reduction = "max"} : (!x, tensor<4x1xi64>, tensor<4x3x5xf32>) -> tensor<*xf32>
  %2 = onnx.TensorScatter %x, %u, %none {axis = 1 : i64, mode = "circular"} : (!x, tensor<1x2x5xf32>, none) -> tensor<*xf32>
  return
}
