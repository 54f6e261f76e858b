// RUN: ingot-opt %s --ingot-lower-onnx --split-input-file | FileCheck %s

// CHECK: #[[MAP:.*]] = affine_map<(d0, d1, d2) -> (d1, d2, d0)>
// CHECK-LABEL: @transpose_is_a_map
// CHECK: linalg.generic {indexing_maps = [#[[MAP]],
func.func @transpose_is_a_map(%x: tensor<2x3x4xi8>) -> tensor<4x2x3xi8> {
  %0 = onnx.Transpose %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xi8>) -> tensor<4x2x3xi8>
  return %0 : tensor<4x2x3xi8>
}

// -----

// CHECK-LABEL: @transpose_of_ones_is_a_view
// CHECK: kernel.view
// CHECK-NOT: linalg.generic
func.func @transpose_of_ones_is_a_view(%x: tensor<2x1x3xf32>) -> tensor<1x2x3xf32> {
  %0 = onnx.Transpose %x {perm = array<i64: 1, 0, 2>} : (tensor<2x1x3xf32>) -> tensor<1x2x3xf32>
  return %0 : tensor<1x2x3xf32>
}

// -----

// CHECK-LABEL: @concat_chooses
// CHECK: tensor.extract %{{.*}} : tensor<2x4xf32>
// CHECK: tensor.extract %{{.*}} : tensor<3x4xf32>
// CHECK: arith.select
func.func @concat_chooses(%x: tensor<3x4xf32>, %y: tensor<2x4xf32>) -> tensor<5x4xf32> {
  %0 = onnx.Concat %x, %y {axis = 0 : i64} : (tensor<3x4xf32>, tensor<2x4xf32>) -> tensor<5x4xf32>
  return %0 : tensor<5x4xf32>
}

// -----

// CHECK-LABEL: @leading_slice_is_a_view
// CHECK: kernel.view %{{.*}} {offset = #onnx.dims<[8]>} : tensor<5x4xf32> to tensor<2x4xf32>
// CHECK-NOT: linalg.generic
func.func @leading_slice_is_a_view(%x: tensor<5x4xf32>) -> tensor<2x4xf32> {
  %none = onnx.None
  %s = onnx.Constant {value = dense<2> : tensor<1xi64>} : tensor<1xi64>
  %e = onnx.Constant {value = dense<4> : tensor<1xi64>} : tensor<1xi64>
  %0 = onnx.Slice %x, %s, %e, %none, %none : (tensor<5x4xf32>, tensor<1xi64>, tensor<1xi64>, none, none) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// CHECK: affine_map<(d0, d1) -> (d0, d1 * -2 + 3)>
// CHECK-LABEL: @backward_slice_is_a_map
func.func @backward_slice_is_a_map(%x: tensor<5x4xf32>) -> tensor<5x2xf32> {
  %s = onnx.Constant {value = dense<-1> : tensor<1xi64>} : tensor<1xi64>
  %e = onnx.Constant {value = dense<-9223372036854775808> : tensor<1xi64>} : tensor<1xi64>
  %a = onnx.Constant {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
  %t = onnx.Constant {value = dense<-2> : tensor<1xi64>} : tensor<1xi64>
  %0 = onnx.Slice %x, %s, %e, %a, %t : (tensor<5x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5x2xf32>
  return %0 : tensor<5x2xf32>
}

// -----

// A batch smaller than the slice is found out at run time.
// CHECK-LABEL: @slice_past_a_symbol_is_checked
// CHECK: kernel.fault %{{.*}} {code = 3 : i64}
func.func @slice_past_a_symbol_is_checked(%x: tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<2x4xf32> {
  %none = onnx.None
  %s = onnx.Constant {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
  %e = onnx.Constant {value = dense<2> : tensor<1xi64>} : tensor<1xi64>
  %0 = onnx.Slice %x, %s, %e, %none, %none : (tensor<?x4xf32, #onnx.dims<["N", 4]>>, tensor<1xi64>, tensor<1xi64>, none, none) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @slice_reads_bounds_at_run_time
// CHECK: tensor.extract %arg1
// CHECK: kernel.fault %{{.*}} {code = 4 : i64}
// CHECK: kernel.fault %{{.*}} {code = 3 : i64}
func.func @slice_reads_bounds_at_run_time(%x: tensor<5xf32>, %s: tensor<1xi64>, %e: tensor<1xi64>, %a: tensor<1xi64>) -> tensor<2xf32> {
  %none = onnx.None
  %0 = onnx.Slice %x, %s, %e, %a, %none : (tensor<5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// CHECK-LABEL: @split_of_a_symbol
// CHECK: kernel.view %{{.*}} {offset = #onnx.dims<[0]>}
// CHECK: kernel.view %{{.*}} {offset = #onnx.dims<["(N ceildiv 2) * 4"]>}
func.func @split_of_a_symbol(%x: tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> (tensor<?x4xf32, #onnx.dims<["N ceildiv 2", 4]>>, tensor<?x4xf32, #onnx.dims<["N - N ceildiv 2", 4]>>) {
  %none = onnx.None
  %0:2 = onnx.Split %x, %none {num_outputs = 2 : i64} : (tensor<?x4xf32, #onnx.dims<["N", 4]>>, none) -> (tensor<?x4xf32, #onnx.dims<["N ceildiv 2", 4]>>, tensor<?x4xf32, #onnx.dims<["N - N ceildiv 2", 4]>>)
  return %0#0, %0#1 : tensor<?x4xf32, #onnx.dims<["N ceildiv 2", 4]>>, tensor<?x4xf32, #onnx.dims<["N - N ceildiv 2", 4]>>
}

// -----

// CHECK-LABEL: @pad_fills
// CHECK: arith.cmpi ult
// CHECK: tensor.extract
// CHECK: arith.select %{{.*}}, %{{.*}}, %{{.*}} : f32
func.func @pad_fills(%x: tensor<3xf32>) -> tensor<6xf32> {
  %none = onnx.None
  %p = onnx.Constant {value = dense<[1, 2]> : tensor<2xi64>} : tensor<2xi64>
  %0 = onnx.Pad %x, %p, %none, %none : (tensor<3xf32>, tensor<2xi64>, none, none) -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// -----

// CHECK: affine_map<(d0, d1, d2, d3) -> (d1, d3)>
// CHECK-LABEL: @tile_is_a_broadcast
// CHECK: kernel.view %{{.*}} : tensor<2x3x5x4xf32> to tensor<6x20xf32>
func.func @tile_is_a_broadcast(%x: tensor<3x4xf32>, %r: tensor<2xi64>) -> tensor<6x20xf32> {
  %0 = onnx.Tile %x, %r : (tensor<3x4xf32>, tensor<2xi64>) -> tensor<6x20xf32>
  return %0 : tensor<6x20xf32>
}

// -----

// CHECK: affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d3, d5, d1, d2, d4)>
// CHECK-LABEL: @depth_to_space
// CHECK: kernel.view %{{.*}} : tensor<1x8x2x3xf32> to tensor<1x2x2x2x2x3xf32>
// CHECK: kernel.view %{{.*}} : tensor<1x2x2x2x3x2xf32> to tensor<1x2x4x6xf32>
func.func @depth_to_space(%x: tensor<1x8x2x3xf32>) -> tensor<1x2x4x6xf32> {
  %0 = onnx.DepthToSpace %x {blocksize = 2 : i64} : (tensor<1x8x2x3xf32>) -> tensor<1x2x4x6xf32>
  return %0 : tensor<1x2x4x6xf32>
}

// -----

// A map cannot say "the first two of five": linalg takes d1 for all of them.
// CHECK-LABEL: @columns_from_the_first_on
// CHECK: linalg.generic
// CHECK: tensor.extract %arg0
func.func @columns_from_the_first_on(%x: tensor<3x5xf32>) -> tensor<3x2xf32> {
  %none = onnx.None
  %0:2 = onnx.Split %x, %none {axis = 1 : i64, num_outputs = 2 : i64} : (tensor<3x5xf32>, none) -> (tensor<3x3xf32>, tensor<3x2xf32>)
  %s = onnx.Constant {value = dense<[0, 0]> : tensor<2xi64>} : tensor<2xi64>
  %e = onnx.Constant {value = dense<[3, 2]> : tensor<2xi64>} : tensor<2xi64>
  %1 = onnx.Slice %x, %s, %e, %none, %none : (tensor<3x5xf32>, tensor<2xi64>, tensor<2xi64>, none, none) -> tensor<3x2xf32>
  return %1 : tensor<3x2xf32>
}

// Unsigned integers that only move need no other type on the way, and passes see
// at once that they only move.
// CHECK-LABEL: @moves_as_they_are
// CHECK: ^bb0(%[[IN:.*]]: ui8, %{{.*}}: ui8):
// CHECK-NEXT: linalg.yield %[[IN]] : ui8
func.func @moves_as_they_are(%x: tensor<4x5xui8>) -> tensor<5x4xui8> {
  %y = onnx.Transpose %x {perm = array<i64: 1, 0>} : (tensor<4x5xui8>) -> tensor<5x4xui8>
  return %y : tensor<5x4xui8>
}
