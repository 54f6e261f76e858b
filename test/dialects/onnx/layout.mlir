// RUN: ingot-opt %s --split-input-file | ingot-opt --split-input-file --ingot-infer-shapes | FileCheck %s

!x = tensor<?x3x?xf32, #onnx.dims<["N", 3, "W"]>>

// CHECK-LABEL: @transpose
// CHECK: onnx.Transpose %{{.*}} {perm = array<i64: 2, 0, 1>} : {{.*}} -> tensor<?x?x3xf32, #onnx.dims<["W", "N", 3]>>
// CHECK: onnx.Transpose %{{.*}} -> tensor<?x3x?xf32, #onnx.dims<["W", 3, "N"]>>
func.func @transpose(%x: !x) {
  %0 = onnx.Transpose %x {perm = array<i64: 2, 0, 1>} : (!x) -> tensor<*xf32>
  %1 = onnx.Transpose %x : (!x) -> tensor<*xf32>
  return
}

// -----

!x = tensor<?x3x?xf32, #onnx.dims<["N", 3, "W"]>>
!y = tensor<?x5x8xf32, #onnx.dims<["N", 5, 8]>>

// CHECK-LABEL: @concat
// CHECK: -> tensor<?x8x8xf32, #onnx.dims<["N", 8, 8]>>
// CHECK: -> tensor<?x3x?xf32, #onnx.dims<["N", 3, "W * 2"]>>
func.func @concat(%x: !x, %y: !y) {
  %0 = onnx.Concat %x, %y {axis = 1 : i64} : (!x, !y) -> tensor<*xf32>
  %1 = onnx.Concat %x, %x {axis = -1 : i64} : (!x, !x) -> tensor<*xf32>
  return
}

// -----

!x = tensor<?x6xf32, #onnx.dims<["N", 6]>>

// CHECK-LABEL: @slice
// CHECK: onnx.Slice {{.*}} -> tensor<?x6xf32, #onnx.dims<["N + -1", 6]>>
// CHECK: onnx.Slice {{.*}} -> tensor<2x6xf32>
// CHECK: onnx.Slice {{.*}} -> tensor<?x3xf32, #onnx.dims<["N", 3]>>
// CHECK: onnx.Slice {{.*}} -> tensor<?x?xf32, #onnx.dims<["N",
func.func @slice(%x: !x, %s: tensor<1xi64>) {
  %none = onnx.None
  %one = onnx.Constant {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
  %minus = onnx.Constant {value = dense<-1> : tensor<1xi64>} : tensor<1xi64>
  %two = onnx.Constant {value = dense<-2> : tensor<1xi64>} : tensor<1xi64>
  %max = onnx.Constant {value = dense<9223372036854775807> : tensor<1xi64>} : tensor<1xi64>
  %min = onnx.Constant {value = dense<-9223372036854775808> : tensor<1xi64>} : tensor<1xi64>
  %0 = onnx.Slice %x, %one, %max, %none, %none : (!x, tensor<1xi64>, tensor<1xi64>, none, none) -> tensor<*xf32>
  %1 = onnx.Slice %x, %two, %max, %none, %none : (!x, tensor<1xi64>, tensor<1xi64>, none, none) -> tensor<*xf32>
  %2 = onnx.Slice %x, %max, %min, %one, %two : (!x, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<*xf32>
  %3 = onnx.Slice %x, %s, %max, %minus, %none : (!x, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<*xf32>
  return
}

// -----

// CHECK-LABEL: @split
// CHECK: onnx.Split {{.*}} -> (tensor<3xf32>, tensor<3xf32>, tensor<1xf32>)
// CHECK: onnx.Split {{.*}} -> (tensor<2xf32>, tensor<5xf32>)
// CHECK: onnx.Split {{.*}} -> (tensor<?xf32, {{.*}}>, tensor<?xf32, {{.*}}>)
func.func @split(%x: tensor<7xf32>, %s: tensor<2xi64>) {
  %none = onnx.None
  %c = onnx.Constant {value = dense<[2, 5]> : tensor<2xi64>} : tensor<2xi64>
  %0:3 = onnx.Split %x, %none {num_outputs = 3 : i64} : (tensor<7xf32>, none) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  %1:2 = onnx.Split %x, %c : (tensor<7xf32>, tensor<2xi64>) -> (tensor<*xf32>, tensor<*xf32>)
  %2:2 = onnx.Split %x, %s {num_outputs = 2 : i64} : (tensor<7xf32>, tensor<2xi64>) -> (tensor<*xf32>, tensor<*xf32>)
  return
}

// -----

!x = tensor<?x6xf32, #onnx.dims<["N", 6]>>

// CHECK-LABEL: @pad_and_tile
// CHECK: onnx.Pad {{.*}} {mode = "edge"} : {{.*}} -> tensor<?x5xf32, #onnx.dims<["N + 3", 5]>>
// CHECK: onnx.Tile {{.*}} -> tensor<?x12xf32, #onnx.dims<["N * 3", 12]>>
// CHECK: onnx.CenterCropPad {{.*}} {axes = array<i64: 1>} {{.*}} -> tensor<?x3xf32, #onnx.dims<["N", 3]>>
func.func @pad_and_tile(%x: !x) {
  %none = onnx.None
  %p = onnx.Constant {value = dense<[1, 0, 2, -1]> : tensor<4xi64>} : tensor<4xi64>
  %r = onnx.Constant {value = dense<[3, 2]> : tensor<2xi64>} : tensor<2xi64>
  %c = onnx.Constant {value = dense<3> : tensor<1xi64>} : tensor<1xi64>
  %0 = onnx.Pad %x, %p, %none, %none {mode = "edge"} : (!x, tensor<4xi64>, none, none) -> tensor<*xf32>
  %1 = onnx.Tile %x, %r : (!x, tensor<2xi64>) -> tensor<*xf32>
  %2 = onnx.CenterCropPad %x, %c {axes = array<i64: 1>} : (!x, tensor<1xi64>) -> tensor<*xf32>
  return
}

// -----

!x = tensor<1x8x?x6xf32, #onnx.dims<[1, 8, "H", 6]>>

// CHECK-LABEL: @blocks
// CHECK: onnx.DepthToSpace {{.*}} -> tensor<1x2x?x12xf32, #onnx.dims<[1, 2, "H * 2", 12]>>
// CHECK: onnx.SpaceToDepth {{.*}} -> tensor<1x32x?x3xf32, #onnx.dims<[1, 32, "H floordiv 2", 3]>>
func.func @blocks(%x: !x) {
  %0 = onnx.DepthToSpace %x {blocksize = 2 : i64} : (!x) -> tensor<*xf32>
  %1 = onnx.SpaceToDepth %x {blocksize = 2 : i64, mode = "CRD"} : (!x) -> tensor<*xf32>
  return
}
