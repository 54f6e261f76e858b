// RUN: ingot-opt %s --ingot-assign-precision --split-input-file | FileCheck %s

// Weights once, however many read them; values between casts; the output and
// the bias as they are.
// CHECK: module attributes {ingot.precision = "f16 (2 of 2 weights, 1 of 2 values)"}
// CHECK-LABEL: @two_products
module attributes {ingot.precision = "f16"} {
  func.func @two_products(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {
    // CHECK: %[[W:.*]] = onnx.Constant {{.*}} : tensor<64x64xf16>
    // CHECK-NOT: tensor<64x64xf16>} : tensor<64x64xf16>
    %w = onnx.Constant {value = dense<0.5> : tensor<64x64xf32>} : tensor<64x64xf32>
    // CHECK: %[[C:.*]] = onnx.Constant {{.*}} : tensor<64xf32>
    %c = onnx.Constant {value = dense<0.5> : tensor<64xf32>} : tensor<64xf32>
    // CHECK: %[[W0:.*]] = onnx.Cast %[[W]] {to = 1 : i64}
    // CHECK: %[[G:.*]] = onnx.Gemm %arg0, %[[W0]], %[[C]]
    %0 = onnx.Gemm %x, %w, %c : (tensor<64x64xf32>, tensor<64x64xf32>, tensor<64xf32>) -> tensor<64x64xf32>
    // CHECK: %[[H:.*]] = onnx.Cast %[[G]] {to = 10 : i64} {{.*}} -> tensor<64x64xf16>
    // CHECK-DAG: %[[H32:.*]] = onnx.Cast %[[H]] {to = 1 : i64}
    // CHECK-DAG: %[[W1:.*]] = onnx.Cast %[[W]] {to = 1 : i64}
    // CHECK: onnx.MatMul %[[H32]], %[[W1]] {{.*}} -> tensor<64x64xf32>
    %1 = onnx.MatMul %0, %w : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    return %1 : tensor<64x64xf32>
  }
}

// -----

// Each reader has a cast of its own, which fuses into it; what moves elements
// moves halves; a shape is that of the halves.
// CHECK-LABEL: @moves_follow
module attributes {ingot.precision = "bf16"} {
  func.func @moves_follow(%x: tensor<16x32xf32>) -> (tensor<32x16xf32>, tensor<16x32xf32>, tensor<2xi64>) {
    // CHECK: %[[E:.*]] = onnx.Exp %arg0
    %0 = onnx.Exp %x : (tensor<16x32xf32>) -> tensor<16x32xf32>
    // CHECK: %[[H:.*]] = onnx.Cast %[[E]] {to = 16 : i64} {{.*}} -> tensor<16x32xbf16>
    // CHECK: %[[T:.*]] = onnx.Transpose %[[H]] {{.*}} -> tensor<32x16xbf16>
    %1 = onnx.Transpose %0 {perm = array<i64: 1, 0>} : (tensor<16x32xf32>) -> tensor<32x16xf32>
    // CHECK: %[[T32:.*]] = onnx.Cast %[[T]]
    // CHECK: onnx.Neg %[[T32]]
    %2 = onnx.Neg %1 : (tensor<32x16xf32>) -> tensor<32x16xf32>
    // CHECK: %[[E32:.*]] = onnx.Cast %[[H]]
    // CHECK: onnx.Mul %[[E32]], %[[E32]]
    %3 = onnx.Mul %0, %0 : (tensor<16x32xf32>, tensor<16x32xf32>) -> tensor<16x32xf32>
    // CHECK: onnx.Shape %[[H]]
    %4 = onnx.Shape %0 : (tensor<16x32xf32>) -> tensor<2xi64>
    return %2, %3, %4 : tensor<32x16xf32>, tensor<16x32xf32>, tensor<2xi64>
  }
}

// -----

// A table is rounded, and what is selected from it is half as it is.
// CHECK-LABEL: @table
module attributes {ingot.precision = "f16"} {
  func.func @table(%i: tensor<20xi64>) -> tensor<20x16xf32> {
    // CHECK: %[[D:.*]] = onnx.Constant {{.*}} : tensor<100x16xf16>
    %d = onnx.Constant {value = dense<0.5> : tensor<100x16xf32>} : tensor<100x16xf32>
    // CHECK: %[[G:.*]] = onnx.Gather %[[D]], %arg0 {{.*}} -> tensor<20x16xf16>
    %0 = onnx.Gather %d, %i : (tensor<100x16xf32>, tensor<20xi64>) -> tensor<20x16xf32>
    // CHECK: %[[G32:.*]] = onnx.Cast %[[G]]
    // CHECK: onnx.Neg %[[G32]]
    %1 = onnx.Neg %0 : (tensor<20x16xf32>) -> tensor<20x16xf32>
    return %1 : tensor<20x16xf32>
  }
}

// -----

// CHECK-LABEL: @nothing_is_asked_for
// CHECK-NOT: onnx.Cast
func.func @nothing_is_asked_for(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %w = onnx.Constant {value = dense<0.5> : tensor<64x64xf32>} : tensor<64x64xf32>
  %1 = onnx.MatMul %x, %w : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  return %1 : tensor<64x64xf32>
}
