// RUN: ingot-opt %s --ingot-select-heavy --split-input-file | FileCheck %s

// CHECK-LABEL: @blocks_of_the_inner_dimension
// CHECK: ingot.matmul_nbits %arg0, %{{.*}} {bits = 4 : i64, block_size = 2 : i64, k = 4 : i64, n = 3 : i64} : (tensor<2x4xf32>, tensor<4x3xi4>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NOT: onnx.DequantizeLinear
func.func @blocks_of_the_inner_dimension(%a: tensor<2x4xf32>) -> tensor<2x3xf32> {
  %none = onnx.None
  %w = onnx.Constant {value = dense<1> : tensor<4x3xi4>} : tensor<4x3xi4>
  %s = onnx.Constant {value = dense<0.5> : tensor<2x3xf32>} : tensor<2x3xf32>
  %0 = onnx.DequantizeLinear %w, %s, %none {axis = 0 : i64, block_size = 2 : i64} : (tensor<4x3xi4>, tensor<2x3xf32>, none) -> tensor<4x3xf32>
  %1 = onnx.MatMul %a, %0 : (tensor<2x4xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// -----

// The transpose goes into the op, zero points too; scales per column.
// CHECK-LABEL: @transposed_weights
// CHECK: ingot.matmul_nbits %arg0, %{{.*}} {bits = 8 : i64, k = 4 : i64, n = 3 : i64, transpose_b} : (tensor<?x4xf32, {{.*}}>, tensor<3x4xui8>, tensor<3xf32>, tensor<3xui8>)
// CHECK-NOT: onnx.Transpose
func.func @transposed_weights(%a: tensor<?x4xf32, #onnx.dims<["M", 4]>>) -> tensor<?x3xf32, #onnx.dims<["M", 3]>> {
  %w = onnx.Constant {value = dense<1> : tensor<3x4xui8>} : tensor<3x4xui8>
  %s = onnx.Constant {value = dense<0.5> : tensor<3xf32>} : tensor<3xf32>
  %z = onnx.Constant {value = dense<7> : tensor<3xui8>} : tensor<3xui8>
  %0 = onnx.DequantizeLinear %w, %s, %z {axis = 0 : i64} : (tensor<3x4xui8>, tensor<3xf32>, tensor<3xui8>) -> tensor<3x4xf32>
  %1 = onnx.Transpose %0 {perm = array<i64: 1, 0>} : (tensor<3x4xf32>) -> tensor<4x3xf32>
  %2 = onnx.MatMul %a, %1 : (tensor<?x4xf32, #onnx.dims<["M", 4]>>, tensor<4x3xf32>) -> tensor<?x3xf32, #onnx.dims<["M", 3]>>
  return %2 : tensor<?x3xf32, #onnx.dims<["M", 3]>>
}

// -----

// The addend of Gemm follows as elementwise work.
// CHECK-LABEL: @gemm
// CHECK: ingot.matmul_nbits {{.*}}transpose_b
// CHECK: linalg.generic
// CHECK: arith.addf
func.func @gemm(%a: tensor<2x4xf32>, %c: tensor<3xf32>) -> tensor<2x3xf32> {
  %none = onnx.None
  %w = onnx.Constant {value = dense<1> : tensor<3x4xui4>} : tensor<3x4xui4>
  %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %0 = onnx.DequantizeLinear %w, %s, %none : (tensor<3x4xui4>, tensor<f32>, none) -> tensor<3x4xf32>
  %1 = onnx.Gemm %a, %0, %c {transB = 1 : i64} : (tensor<2x4xf32>, tensor<3x4xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// -----

// Half precision is multiplied as it is stored and narrowed after.
// CHECK-LABEL: @half_precision
// CHECK-NOT: arith.extf
// CHECK: ingot.matmul_nbits {{.*}} (tensor<2x4xf16>, tensor<4x3xi4>, tensor<3xf16>) -> tensor<2x3xf32>
// CHECK: arith.truncf
func.func @half_precision(%a: tensor<2x4xf16>) -> tensor<2x3xf16> {
  %none = onnx.None
  %w = onnx.Constant {value = dense<1> : tensor<4x3xi4>} : tensor<4x3xi4>
  %s = onnx.Constant {value = dense<0.5> : tensor<3xf16>} : tensor<3xf16>
  %0 = onnx.DequantizeLinear %w, %s, %none : (tensor<4x3xi4>, tensor<3xf16>, none) -> tensor<4x3xf16>
  %1 = onnx.MatMul %a, %0 : (tensor<2x4xf16>, tensor<4x3xf16>) -> tensor<2x3xf16>
  return %1 : tensor<2x3xf16>
}
