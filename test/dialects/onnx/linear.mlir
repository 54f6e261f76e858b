// RUN: ingot-opt %s | ingot-opt | FileCheck %s

// CHECK-LABEL: @matmul_broadcasts_batches
func.func @matmul_broadcasts_batches(%a: tensor<?x1x3x4xf32, #onnx.dims<["N", 1, 3, 4]>>, %b: tensor<5x4x?xf32, #onnx.dims<[5, 4, "C"]>>)
    -> tensor<?x5x3x?xf32, #onnx.dims<["N", 5, 3, "C"]>> {
  // CHECK: onnx.MatMul
  %0 = onnx.MatMul %a, %b : (tensor<?x1x3x4xf32, #onnx.dims<["N", 1, 3, 4]>>, tensor<5x4x?xf32, #onnx.dims<[5, 4, "C"]>>)
    -> tensor<?x5x3x?xf32, #onnx.dims<["N", 5, 3, "C"]>>
  return %0 : tensor<?x5x3x?xf32, #onnx.dims<["N", 5, 3, "C"]>>
}

// CHECK-LABEL: @matmul_of_vectors
func.func @matmul_of_vectors(%a: tensor<4xf32>, %b: tensor<2x4x3xf32>, %c: tensor<3xf32>) -> tensor<2xf32> {
  %0 = onnx.MatMul %a, %b : (tensor<4xf32>, tensor<2x4x3xf32>) -> tensor<2x3xf32>
  %1 = onnx.MatMul %0, %c : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2xf32>
  %2 = onnx.MatMul %c, %c : (tensor<3xf32>, tensor<3xf32>) -> tensor<f32>
  return %1 : tensor<2xf32>
}

// CHECK-LABEL: @gemm_transposes
func.func @gemm_transposes(%a: tensor<4x?xf32, #onnx.dims<[4, "M"]>>, %b: tensor<5x4xf32>, %c: tensor<5xf32>)
    -> tensor<?x5xf32, #onnx.dims<["M", 5]>> {
  // CHECK: onnx.Gemm %{{.*}} {alpha = 5.000000e-01 : f32, transA = 1 : i64, transB = 1 : i64}
  %0 = onnx.Gemm %a, %b, %c {alpha = 0.5 : f32, transA = 1 : i64, transB = 1 : i64}
    : (tensor<4x?xf32, #onnx.dims<[4, "M"]>>, tensor<5x4xf32>, tensor<5xf32>) -> tensor<?x5xf32, #onnx.dims<["M", 5]>>
  return %0 : tensor<?x5xf32, #onnx.dims<["M", 5]>>
}

// CHECK-LABEL: @integer_product_is_i32
func.func @integer_product_is_i32(%a: tensor<3x4xui8>, %b: tensor<4x5xi8>, %z: tensor<5xi8>) -> tensor<3x5xi32> {
  %none = onnx.None
  %0 = onnx.MatMulInteger %a, %b, %none, %z : (tensor<3x4xui8>, tensor<4x5xi8>, none, tensor<5xi8>) -> tensor<3x5xi32>
  return %0 : tensor<3x5xi32>
}

// Labels of the result without an arrow: the ellipsis, then letters that occur
// once in ASCII order.
// CHECK-LABEL: @einsum_orders_implicit_result
func.func @einsum_orders_implicit_result(%a: tensor<7x2x3xf32>, %b: tensor<7x3x5xf32>) -> tensor<7x5x2xf32> {
  %0 = onnx.Einsum %a, %b {equation = "...bK, ...KA"} : (tensor<7x2x3xf32>, tensor<7x3x5xf32>) -> tensor<7x5x2xf32>
  return %0 : tensor<7x5x2xf32>
}

// CHECK-LABEL: @einsum_takes_diagonal
func.func @einsum_takes_diagonal(%a: tensor<3x4x4xf32>) -> tensor<4x3xf32> {
  %0 = onnx.Einsum %a {equation = "nii->in"} : (tensor<3x4x4xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// CHECK-LABEL: @det_drops_matrices
func.func @det_drops_matrices(%a: tensor<?x4x4xf32, #onnx.dims<["N", 4, 4]>>) -> tensor<?xf32, #onnx.dims<["N"]>> {
  %0 = onnx.Det %a : (tensor<?x4x4xf32, #onnx.dims<["N", 4, 4]>>) -> tensor<?xf32, #onnx.dims<["N"]>>
  return %0 : tensor<?xf32, #onnx.dims<["N"]>>
}
