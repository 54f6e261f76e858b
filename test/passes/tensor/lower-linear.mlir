// RUN: ingot-opt %s --ingot-lower-onnx --split-input-file | FileCheck %s

// Half precision accumulates in single and rounds once.
// CHECK-LABEL: @half_accumulates_in_single
// CHECK: linalg.generic
// CHECK-SAME: iterator_types = ["parallel", "parallel", "parallel", "reduction"]
// CHECK: arith.mulf %{{.*}} : f32
// CHECK: arith.addf %{{.*}} : f32
// CHECK: -> tensor<2x3x5xf32>
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @half_accumulates_in_single(%x: tensor<2x3x4xf16>, %y: tensor<4x5xf16>) -> tensor<2x3x5xf16> {
  %0 = onnx.MatMul %x, %y : (tensor<2x3x4xf16>, tensor<4x5xf16>) -> tensor<2x3x5xf16>
  return %0 : tensor<2x3x5xf16>
}

// -----

// A dimension of size 1 is read at 0.
// CHECK-DAG: #[[A:.*]] = affine_map<(d0, d1, d2, d3) -> (0, d1, d3)>
// CHECK-DAG: #[[B:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d2)>
// CHECK-LABEL: @broadcasts_batch
// CHECK: indexing_maps = [#[[A]], #[[B]]
func.func @broadcasts_batch(%x: tensor<1x3x4xf32>, %y: tensor<7x4x5xf32>) -> tensor<7x3x5xf32> {
  %0 = onnx.MatMul %x, %y : (tensor<1x3x4xf32>, tensor<7x4x5xf32>) -> tensor<7x3x5xf32>
  return %0 : tensor<7x3x5xf32>
}

// -----

// CHECK-DAG: #[[A:.*]] = affine_map<(d0, d1, d2) -> (d2, d0)>
// CHECK-DAG: #[[C:.*]] = affine_map<(d0, d1) -> (d0, 0)>
// CHECK-LABEL: @gemm_scales_and_adds
// CHECK: indexing_maps = [#[[A]]
// CHECK: indexing_maps = [#{{.*}}, #[[C]]
// CHECK: %[[SCALED:.*]] = arith.mulf %{{.*}}, %{{.*}} : f32
// CHECK: arith.addf %[[SCALED]]
func.func @gemm_scales_and_adds(%x: tensor<4x3xf32>, %y: tensor<4x5xf32>, %c : tensor<3x1xf32>) -> tensor<3x5xf32> {
  %0 = onnx.Gemm %x, %y, %c {transA = 1 : i64, alpha = 2.0 : f32} : (tensor<4x3xf32>, tensor<4x5xf32>, tensor<3x1xf32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// -----

// CHECK-LABEL: @bytes_are_centered
// CHECK: %[[X:.*]] = arith.extui %{{.*}} : i8 to i32
// CHECK: arith.subi %[[X]]
// CHECK: %[[Y:.*]] = arith.extsi %{{.*}} : i8 to i32
// CHECK: arith.subi %[[Y]]
// CHECK: arith.muli
// CHECK: arith.addi
func.func @bytes_are_centered(%x: tensor<3x4xui8>, %y: tensor<4x5xi8>, %zx : tensor<3xui8>, %zy: tensor<5xi8>) -> tensor<3x5xi32> {
  %0 = onnx.MatMulInteger %x, %y, %zx, %zy: (tensor<3x4xui8>, tensor<4x5xi8>, tensor<3xui8>, tensor<5xi8>) -> tensor<3x5xi32>
  return %0 : tensor<3x5xi32>
}

// -----

// Two at a time: j is summed before z joins.
// CHECK-LABEL: @einsum_contracts_pairs
// CHECK: linalg.generic
// CHECK: -> tensor<2x5xf32>
// CHECK: linalg.generic
// CHECK: -> tensor<2xf32>
func.func @einsum_contracts_pairs(%x: tensor<2x4xf32>, %y: tensor<4x5xf32>, %z: tensor<5xf32>) -> tensor<2xf32> {
  %0 = onnx.Einsum %x, %y, %z {equation = "ij,jk,k->i"} : (tensor<2x4xf32>, tensor<4x5xf32>, tensor<5xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// CHECK-DAG: #[[DIAGONAL:.*]] = affine_map<(d0, d1) -> (d0, d1, d1)>
// CHECK-LABEL: @det_eliminates_in_place
// CHECK: kernel.foreach in <[2]>
// CHECK: linalg.generic {indexing_maps = [#[[DIAGONAL]]
// CHECK: arith.mulf
func.func @det_eliminates_in_place(%x: tensor<2x3x3xf32>) -> tensor<2xf32> {
  %0 = onnx.Det %x : (tensor<2x3x3xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
