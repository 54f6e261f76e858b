// RUN: ingot-opt %s --ingot-select-quantized --split-input-file | FileCheck %s

// The product is one of 8-bit floats; the scales, 0.5 times one per column, are
// factors of its sums. A transposed matrix stays so until it is packed.
// CHECK-LABEL: func.func @columns
// CHECK-DAG: %[[W:.*]] = onnx.Constant {{.*}} tensor<2x3xf8E5M2>
// CHECK-DAG: %[[S:.*]] = onnx.Constant {{.*}}[5.000000e-01, 1.000000e+00]> : tensor<2xf32>
// CHECK: %[[T:.*]] = onnx.Transpose %[[W]]
// CHECK: %[[P:.*]] = ingot.matmul %arg0, %[[T]] {n = 2 : i64}
// CHECK-SAME: (tensor<4x3xf8E4M3FN>, tensor<3x2xf8E5M2>) -> tensor<4x2xf32>
// CHECK: linalg.generic {{.*}} ins(%[[P]], %[[S]]
// CHECK: arith.mulf
// CHECK-NOT: onnx.MatMul
module attributes {ingot.float8_cores} {
  func.func @columns(%x: tensor<4x3xf8E4M3FN>) -> tensor<4x2xf32> {
    %w = onnx.Constant {value = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf8E5M2>} : tensor<2x3xf8E5M2>
    %sx = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
    %sw = onnx.Constant {value = dense<[1.0, 2.0]> : tensor<2xf32>} : tensor<2xf32>
    %none = onnx.None
    %0 = onnx.DequantizeLinear %x, %sx, %none : (tensor<4x3xf8E4M3FN>, tensor<f32>, none) -> tensor<4x3xf32>
    %1 = onnx.DequantizeLinear %w, %sw, %none {axis = 0 : i64} : (tensor<2x3xf8E5M2>, tensor<2xf32>, none) -> tensor<2x3xf32>
    %2 = onnx.Gemm %0, %1, %none {transB = 1 : i64} : (tensor<4x3xf32>, tensor<2x3xf32>, none) -> tensor<4x2xf32>
    return %2 : tensor<4x2xf32>
  }
}

// -----

// Scales along the depth are no factors of the sums.
// CHECK-LABEL: func.func @rows
// CHECK: onnx.MatMul
// CHECK-NOT: ingot.matmul
module attributes {ingot.float8_cores} {
  func.func @rows(%x: tensor<4x2xf8E4M3FN>) -> tensor<4x3xf32> {
    %w = onnx.Constant {value = dense<1.0> : tensor<2x3xf8E4M3FN>} : tensor<2x3xf8E4M3FN>
    %sx = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
    %sw = onnx.Constant {value = dense<[1.0, 2.0]> : tensor<2xf32>} : tensor<2xf32>
    %none = onnx.None
    %0 = onnx.DequantizeLinear %x, %sx, %none : (tensor<4x2xf8E4M3FN>, tensor<f32>, none) -> tensor<4x2xf32>
    %1 = onnx.DequantizeLinear %w, %sw, %none {axis = 0 : i64} : (tensor<2x3xf8E4M3FN>, tensor<2xf32>, none) -> tensor<2x3xf32>
    %2 = onnx.MatMul %0, %1 : (tensor<4x2xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
    return %2 : tensor<4x3xf32>
  }
}

// -----

// Other machines multiply floats.
// CHECK-LABEL: func.func @elsewhere
// CHECK: onnx.MatMul
module {
  func.func @elsewhere(%x: tensor<4x2xf8E4M3FN>) -> tensor<4x3xf32> {
    %w = onnx.Constant {value = dense<1.0> : tensor<2x3xf8E4M3FN>} : tensor<2x3xf8E4M3FN>
    %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
    %none = onnx.None
    %0 = onnx.DequantizeLinear %x, %s, %none : (tensor<4x2xf8E4M3FN>, tensor<f32>, none) -> tensor<4x2xf32>
    %1 = onnx.DequantizeLinear %w, %s, %none : (tensor<2x3xf8E4M3FN>, tensor<f32>, none) -> tensor<2x3xf32>
    %2 = onnx.MatMul %0, %1 : (tensor<4x2xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
    return %2 : tensor<4x3xf32>
  }
}
