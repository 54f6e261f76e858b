// RUN: ingot-opt %s --ingot-simplify-graph --split-input-file | FileCheck %s

// CHECK-LABEL: @removes_ops_that_change_nothing
// CHECK-SAME: %[[X:.*]]: tensor<2x3x4x5xf32>
// CHECK-NEXT: %[[Y:.*]] = onnx.Relu %[[X]]
// CHECK-NEXT: return %[[Y]]
func.func @removes_ops_that_change_nothing(%x: tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32> {
  %none = onnx.None
  %zeros = onnx.Constant {value = dense<0> : tensor<8xi64>} : tensor<8xi64>
  %ones = onnx.Constant {value = dense<1> : tensor<4xi64>} : tensor<4xi64>
  %shape = onnx.Constant {value = dense<[2, 3, 1, 5]> : tensor<4xi64>} : tensor<4xi64>
  %start = onnx.Constant {value = dense<0> : tensor<2xi64>} : tensor<2xi64>
  %end = onnx.Constant {value = dense<[1000, 3]> : tensor<2xi64>} : tensor<2xi64>
  %axes = onnx.Constant {value = dense<[-1, 1]> : tensor<2xi64>} : tensor<2xi64>
  %scales = onnx.Constant {value = dense<1.0> : tensor<4xf32>} : tensor<4xf32>
  %0 = onnx.Identity %x : (tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1, %mask = onnx.Dropout %0, %none, %none : (tensor<2x3x4x5xf32>, none, none) -> (tensor<2x3x4x5xf32>, tensor<2x3x4x5xi1>)
  %2 = onnx.Cast %1 {to = 1 : i64} : (tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %3 = onnx.Concat %2 {axis = 1 : i64} : (tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %4 = onnx.Expand %3, %shape : (tensor<2x3x4x5xf32>, tensor<4xi64>) -> tensor<2x3x4x5xf32>
  %5 = onnx.Slice %4, %start, %end, %axes, %none : (tensor<2x3x4x5xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>, none) -> tensor<2x3x4x5xf32>
  %6 = onnx.Pad %5, %zeros, %none, %none {mode = "reflect"} : (tensor<2x3x4x5xf32>, tensor<8xi64>, none, none) -> tensor<2x3x4x5xf32>
  %7 = onnx.Resize %6, %none, %scales, %none {mode = "cubic"} : (tensor<2x3x4x5xf32>, none, tensor<4xf32>, none) -> tensor<2x3x4x5xf32>
  %8 = onnx.Tile %7, %ones : (tensor<2x3x4x5xf32>, tensor<4xi64>) -> tensor<2x3x4x5xf32>
  %9 = onnx.Transpose %8 {perm = array<i64: 0, 1, 2, 3>} : (tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %10 = onnx.Split %9, %none {num_outputs = 1 : i64} : (tensor<2x3x4x5xf32>, none) -> tensor<2x3x4x5xf32>
  %11 = onnx.DepthToSpace %10 {blocksize = 1 : i64} : (tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %12 = onnx.SpaceToDepth %11 {blocksize = 1 : i64} : (tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %13 = onnx.CastLike %12, %scales : (tensor<2x3x4x5xf32>, tensor<4xf32>) -> tensor<2x3x4x5xf32>
  %14 = onnx.Relu %13 : (tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %14 : tensor<2x3x4x5xf32>
}

// -----

// CHECK-LABEL: @keeps_what_changes_something
// CHECK: onnx.Slice
// CHECK: onnx.Tile
// CHECK: onnx.Expand
// CHECK: onnx.Resize
func.func @keeps_what_changes_something(%x: tensor<4xf32>, %y: tensor<1x1x4x4xf32>)
    -> (tensor<4xf32>, tensor<8xf32>, tensor<2x4xf32>, tensor<1x1x4x4xf32>) {
  %none = onnx.None
  %start = onnx.Constant {value = dense<-1> : tensor<1xi64>} : tensor<1xi64>
  %end = onnx.Constant {value = dense<-100> : tensor<1xi64>} : tensor<1xi64>
  %two = onnx.Constant {value = dense<2> : tensor<1xi64>} : tensor<1xi64>
  %shape = onnx.Constant {value = dense<[2, 1]> : tensor<2xi64>} : tensor<2xi64>
  %scales = onnx.Constant {value = dense<[1.0, 1.0, 1.1, 1.1]> : tensor<4xf32>} : tensor<4xf32>
  %0 = onnx.Slice %x, %start, %end, %none, %start : (tensor<4xf32>, tensor<1xi64>, tensor<1xi64>, none, tensor<1xi64>) -> tensor<4xf32>
  %1 = onnx.Tile %x, %two : (tensor<4xf32>, tensor<1xi64>) -> tensor<8xf32>
  %2 = onnx.Expand %x, %shape : (tensor<4xf32>, tensor<2xi64>) -> tensor<2x4xf32>
  %3 = onnx.Resize %y, %none, %scales, %none : (tensor<1x1x4x4xf32>, none, tensor<4xf32>, none) -> tensor<1x1x4x4xf32>
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<8xf32>, tensor<2x4xf32>, tensor<1x1x4x4xf32>
}

// -----

// CHECK-LABEL: @casts_there_and_back
// CHECK-SAME: %[[H:.*]]: tensor<4xf16>, %[[F:.*]]: tensor<4xf32>
// CHECK: %[[N:.*]] = onnx.Cast %[[F]]
// CHECK: %[[W:.*]] = onnx.Cast %[[N]]
// CHECK: return %[[H]], %[[W]]
func.func @casts_there_and_back(%h: tensor<4xf16>, %f: tensor<4xf32>) -> (tensor<4xf16>, tensor<4xf32>) {
  %0 = onnx.Cast %h {to = 1 : i64} : (tensor<4xf16>) -> tensor<4xf32>
  %1 = onnx.Cast %0 {to = 10 : i64} : (tensor<4xf32>) -> tensor<4xf16>
  %2 = onnx.Cast %f {to = 10 : i64} : (tensor<4xf32>) -> tensor<4xf16>
  %3 = onnx.Cast %2 {to = 1 : i64} : (tensor<4xf16>) -> tensor<4xf32>
  return %1, %3 : tensor<4xf16>, tensor<4xf32>
}

// -----

// What only the removed op knew of the shape moves to its operand.
// CHECK-LABEL: @types_move
// CHECK: onnx.Relu {{.*}} -> tensor<4xf32>
func.func @types_move(%x: tensor<?xf32, #onnx.dims<["N"]>>) -> tensor<4xf32> {
  %0 = onnx.Relu %x : (tensor<?xf32, #onnx.dims<["N"]>>) -> tensor<?xf32, #onnx.dims<["N"]>>
  %1 = onnx.Identity %0 : (tensor<?xf32, #onnx.dims<["N"]>>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: @equal_ops_are_made_one_and_unused_ones_go
// CHECK-NEXT: %[[E:.*]] = onnx.Exp
// CHECK-NEXT: %[[S:.*]] = onnx.Add %[[E]], %[[E]]
// CHECK-NEXT: return %[[S]]
func.func @equal_ops_are_made_one_and_unused_ones_go(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = onnx.Exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = onnx.Exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %2 = onnx.Add %0, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = onnx.Sin %x : (tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}
