// RUN: ingot-opt %s --ingot-simplify-graph --split-input-file | FileCheck %s

// s = scale / sqrt(var + eps) = [2, 0.5], t = bias - mean * s = [-1, 4].
// CHECK-LABEL: @batch_norm_into_conv
// CHECK-DAG: %[[W:.*]] = onnx.Constant {value = dense<{{\[\[}}{{\[\[}}2.000000e+00]]], {{\[\[}}[1.000000e+00]]]]> : tensor<2x1x1x1xf32>}
// CHECK-DAG: %[[B:.*]] = onnx.Constant {value = dense<[1.900000e+01, 9.000000e+00]> : tensor<2xf32>}
// CHECK: %[[Y:.*]] = onnx.Conv %{{.*}}, %[[W]], %[[B]]
// CHECK: return %[[Y]]
func.func @batch_norm_into_conv(%x: tensor<1x1x3x3xf32>) -> tensor<1x2x3x3xf32> {
  %w = onnx.Constant {value = dense<[[[[1.0]]], [[[2.0]]]]> : tensor<2x1x1x1xf32>} : tensor<2x1x1x1xf32>
  %b = onnx.Constant {value = dense<10.0> : tensor<2xf32>} : tensor<2xf32>
  %scale = onnx.Constant {value = dense<[4.0, 2.0]> : tensor<2xf32>} : tensor<2xf32>
  %bias = onnx.Constant {value = dense<[1.0, 5.0]> : tensor<2xf32>} : tensor<2xf32>
  %mean = onnx.Constant {value = dense<[1.0, 2.0]> : tensor<2xf32>} : tensor<2xf32>
  %var = onnx.Constant {value = dense<[3.0, 15.0]> : tensor<2xf32>} : tensor<2xf32>
  %0 = onnx.Conv %x, %w, %b : (tensor<1x1x3x3xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x2x3x3xf32>
  %1:3 = onnx.BatchNormalization %0, %scale, %bias, %mean, %var {epsilon = 1.0 : f32}
    : (tensor<1x2x3x3xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<1x2x3x3xf32>, tensor<2xf32>, tensor<2xf32>)
  return %1#0 : tensor<1x2x3x3xf32>
}

// -----

// CHECK-LABEL: @chain_into_half_conv_without_bias
// CHECK-DAG: %[[W:.*]] = onnx.Constant {value = dense<1.999510e-01> : tensor<2x1x1xf16>}
// CHECK-DAG: %[[B:.*]] = onnx.Constant {value = dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf16>}
// CHECK: onnx.Conv %{{.*}}, %[[W]], %[[B]]
// CHECK-NEXT: return
func.func @chain_into_half_conv_without_bias(%x: tensor<1x1x4xf16>) -> tensor<1x2x4xf16> {
  %none = onnx.None
  %w = onnx.Constant {value = dense<0.1> : tensor<2x1x1xf16>} : tensor<2x1x1xf16>
  %half = onnx.Constant {value = dense<0.5> : tensor<1xf16>} : tensor<1xf16>
  %c = onnx.Constant {value = dense<[[1.0], [2.0]]> : tensor<2x1xf16>} : tensor<2x1xf16>
  %0 = onnx.Conv %x, %w, %none : (tensor<1x1x4xf16>, tensor<2x1x1xf16>, none) -> tensor<1x2x4xf16>
  %1 = onnx.Div %0, %half : (tensor<1x2x4xf16>, tensor<1xf16>) -> tensor<1x2x4xf16>
  %2 = onnx.Add %c, %1 : (tensor<2x1xf16>, tensor<1x2x4xf16>) -> tensor<1x2x4xf16>
  return %2 : tensor<1x2x4xf16>
}

// -----

// Channel g * M/group + j of a transposed convolution is at W[c, j] for the
// inputs c of group g.
// CHECK-LABEL: @groups_of_transposed_conv
// CHECK: value = dense<{{\[\[}}[1.000000e+00], [2.000000e+00]], {{\[\[}}3.000000e+00], [4.000000e+00]]]> : tensor<2x2x1xf32>
// CHECK: onnx.ConvTranspose
// CHECK-NOT: onnx.Mul
func.func @groups_of_transposed_conv(%x: tensor<1x2x4xf32>) -> tensor<1x4x4xf32> {
  %none = onnx.None
  %w = onnx.Constant {value = dense<1.0> : tensor<2x2x1xf32>} : tensor<2x2x1xf32>
  %c = onnx.Constant {value = dense<[[1.0], [2.0], [3.0], [4.0]]> : tensor<4x1xf32>} : tensor<4x1xf32>
  %0 = onnx.ConvTranspose %x, %w, %none {group = 2 : i64} : (tensor<1x2x4xf32>, tensor<2x2x1xf32>, none) -> tensor<1x4x4xf32>
  %1 = onnx.Mul %0, %c : (tensor<1x4x4xf32>, tensor<4x1xf32>) -> tensor<1x4x4xf32>
  return %1 : tensor<1x4x4xf32>
}

// -----

// CHECK-LABEL: @gemm_with_beta
// CHECK-DAG: %[[W:.*]] = onnx.Constant {value = dense<{{\[\[}}1.000000e+01, 2.000000e+02], [3.000000e+01, 4.000000e+02]]> : tensor<2x2xf32>}
// CHECK-DAG: %[[B:.*]] = onnx.Constant {value = dense<[5.000000e+00, 5.000000e+01]> : tensor<2xf32>}
// CHECK: onnx.Gemm %{{.*}}, %[[W]], %[[B]] {alpha = 2.000000e+00 : f32}
func.func @gemm_with_beta(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = onnx.Constant {value = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>} : tensor<2x2xf32>
  %b = onnx.Constant {value = dense<1.0> : tensor<f32>} : tensor<f32>
  %c = onnx.Constant {value = dense<[10.0, 100.0]> : tensor<2xf32>} : tensor<2xf32>
  %0 = onnx.Gemm %x, %w, %b {alpha = 2.0 : f32, beta = 0.5 : f32} : (tensor<3x2xf32>, tensor<2x2xf32>, tensor<f32>) -> tensor<3x2xf32>
  %1 = onnx.Mul %0, %c : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  return %1 : tensor<3x2xf32>
}

// -----

// CHECK-LABEL: @gemm_transposed
// CHECK: value = dense<{{\[\[}}1.000000e+01, 2.000000e+01], [3.000000e+02, 4.000000e+02]]> : tensor<2x2xf32>
func.func @gemm_transposed(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %none = onnx.None
  %w = onnx.Constant {value = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>} : tensor<2x2xf32>
  %c = onnx.Constant {value = dense<[10.0, 100.0]> : tensor<2xf32>} : tensor<2xf32>
  %0 = onnx.Gemm %x, %w, %none {transB = 1 : i64} : (tensor<3x2xf32>, tensor<2x2xf32>, none) -> tensor<3x2xf32>
  %1 = onnx.Mul %0, %c : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  return %1 : tensor<3x2xf32>
}

// -----

// A product has no bias: additions stay, to be fused with it.
// CHECK-LABEL: @matmul_takes_factors
// CHECK: %[[W:.*]] = onnx.Constant {value = dense<6.000000e+00> : tensor<1024x1048576xf32>}
// CHECK: onnx.MatMul %{{.*}}, %[[W]]
// CHECK-NEXT: onnx.Add
// CHECK-NEXT: return
func.func @matmul_takes_factors(%x: tensor<2x1x1024xf32>) -> tensor<2x1x1048576xf32> {
  %w = onnx.Constant {value = dense<2.0> : tensor<1024x1048576xf32>} : tensor<1024x1048576xf32>
  %c = onnx.Constant {value = dense<3.0> : tensor<f32>} : tensor<f32>
  %0 = onnx.MatMul %x, %w : (tensor<2x1x1024xf32>, tensor<1024x1048576xf32>) -> tensor<2x1x1048576xf32>
  %1 = onnx.Mul %0, %c : (tensor<2x1x1048576xf32>, tensor<f32>) -> tensor<2x1x1048576xf32>
  %2 = onnx.Add %1, %c : (tensor<2x1x1048576xf32>, tensor<f32>) -> tensor<2x1x1048576xf32>
  return %2 : tensor<2x1x1048576xf32>
}

// -----

// CHECK-LABEL: @subtractions
// CHECK-DAG: value = dense<-1.000000e+00> : tensor<1x1x1xf32>
// CHECK-DAG: value = dense<5.000000e+00> : tensor<1xf32>
// CHECK: onnx.Conv
// CHECK-NEXT: return
func.func @subtractions(%x: tensor<1x1x4xf32>) -> tensor<1x1x4xf32> {
  %none = onnx.None
  %w = onnx.Constant {value = dense<1.0> : tensor<1x1x1xf32>} : tensor<1x1x1xf32>
  %c = onnx.Constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %d = onnx.Constant {value = dense<3.0> : tensor<f32>} : tensor<f32>
  %0 = onnx.Conv %x, %w, %none : (tensor<1x1x4xf32>, tensor<1x1x1xf32>, none) -> tensor<1x1x4xf32>
  %1 = onnx.Sub %0, %c : (tensor<1x1x4xf32>, tensor<f32>) -> tensor<1x1x4xf32>
  %2 = onnx.Sub %d, %1 : (tensor<f32>, tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
  return %2 : tensor<1x1x4xf32>
}

// -----

// CHECK-LABEL: @batch_norm_alone
// CHECK-DAG: %[[S:.*]] = onnx.Constant {value = dense<{{\[\[}}[2.000000e+00]], {{\[\[}}5.000000e-01]]]> : tensor<2x1x1xf32>}
// CHECK-DAG: %[[T:.*]] = onnx.Constant {value = dense<{{\[\[}}[-1.000000e+00]], {{\[\[}}4.000000e+00]]]> : tensor<2x1x1xf32>}
// CHECK: %[[M:.*]] = onnx.Mul %{{.*}}, %[[S]]
// CHECK-NEXT: onnx.Add %[[M]], %[[T]]
func.func @batch_norm_alone(%x: tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32> {
  %scale = onnx.Constant {value = dense<[4.0, 2.0]> : tensor<2xf32>} : tensor<2xf32>
  %bias = onnx.Constant {value = dense<[1.0, 5.0]> : tensor<2xf32>} : tensor<2xf32>
  %mean = onnx.Constant {value = dense<[1.0, 2.0]> : tensor<2xf32>} : tensor<2xf32>
  %var = onnx.Constant {value = dense<[3.0, 15.0]> : tensor<2xf32>} : tensor<2xf32>
  %1:3 = onnx.BatchNormalization %x, %scale, %bias, %mean, %var {epsilon = 1.0 : f32}
    : (tensor<1x2x3x3xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<1x2x3x3xf32>, tensor<2xf32>, tensor<2xf32>)
  return %1#0 : tensor<1x2x3x3xf32>
}

// -----

// Resources are read in place; the result is a resource of its own, and the
// one between (after Mul, before Div) is freed.
// CHECK-LABEL: @resources
// CHECK: dense_resource<[[W:ingot.folded.*]]> : tensor<2x1x160xf32>
// CHECK-NOT: onnx.Mul
// CHECK: [[W]]: "0x100000000000A0400000A040
// CHECK-NOT: ingot.folded
func.func @resources(%x: tensor<1x1x160xf32>) -> tensor<1x2x1xf32> {
  %none = onnx.None
  %w = onnx.Constant {value = dense_resource<w> : tensor<2x1x160xf32>} : tensor<2x1x160xf32>
  %c = onnx.Constant {value = dense<20.0> : tensor<1xf32>} : tensor<1xf32>
  %d = onnx.Constant {value = dense<4.0> : tensor<1xf32>} : tensor<1xf32>
  %0 = onnx.Conv %x, %w, %none : (tensor<1x1x160xf32>, tensor<2x1x160xf32>, none) -> tensor<1x2x1xf32>
  %1 = onnx.Mul %0, %c : (tensor<1x2x1xf32>, tensor<1xf32>) -> tensor<1x2x1xf32>
  %2 = onnx.Div %1, %d : (tensor<1x2x1xf32>, tensor<1xf32>) -> tensor<1x2x1xf32>
  return %2 : tensor<1x2x1xf32>
}
{-#
  dialect_resources: { builtin: { w: "0x040000000000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F" } }
#-}
