// RUN: ingot-opt %s --ingot-decompose --split-input-file | FileCheck %s
// RUN: not ingot-opt %s --ingot-decompose --ingot-lower-onnx --split-input-file 2>&1 | FileCheck %s --check-prefix=REFUSED

// Row k of the result holds number k of every column, less 8.
// CHECK-LABEL: @four_bits_without_zero_points
// CHECK-DAG: %[[Q:.*]] = onnx.Constant {value = dense<{{\[\[}}-7, -6], [-8, 7], [-8, 7], {{.*}}> : tensor<16x2xi4>}
// CHECK-DAG: %[[S:.*]] = onnx.Constant {value = dense<{{\[\[}}1.000000e+00, 2.000000e+00]]> : tensor<1x2xf32>}
// CHECK: %[[B:.*]] = onnx.DequantizeLinear %[[Q]], %[[S]], %{{.*}} {axis = 0 : i64, block_size = 16 : i64} : (tensor<16x2xi4>, tensor<1x2xf32>, none) -> tensor<16x2xf32>
// CHECK: onnx.MatMul %{{.*}}, %[[B]]
func.func @four_bits_without_zero_points(%a: tensor<3x16xf32>) -> tensor<3x2xf32> {
  %n = onnx.None
  %b = onnx.Constant {value = dense<[[[1, 0, 0, 0, 0, 0, 0, 0]], [[242, 255, 255, 255, 255, 255, 255, 255]]]> : tensor<2x1x8xui8>} : tensor<2x1x8xui8>
  %s = onnx.Constant {value = dense<[[1.0], [2.0]]> : tensor<2x1xf32>} : tensor<2x1xf32>
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %n, %n, %n {K = 16 : i64, N = 2 : i64, block_size = 16 : i64} : (tensor<3x16xf32>, tensor<2x1x8xui8>, tensor<2x1xf32>, none, none, none) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// -----

// Two blocks, the second of one number, whose zero points share a byte.
// CHECK-LABEL: @packed_zero_points
// CHECK-DAG: onnx.Constant {value = dense<5> : tensor<17x1xui4>}
// CHECK-DAG: onnx.Constant {value = dense<{{\[\[}}3], [9]]> : tensor<2x1xui4>}
// CHECK: onnx.DequantizeLinear {{.*}}block_size = 16 : i64
// CHECK: onnx.MatMul
// CHECK: onnx.Add
func.func @packed_zero_points(%a: tensor<3x17xf32>, %bias: tensor<1xf32>) -> tensor<3x1xf32> {
  %n = onnx.None
  %b = onnx.Constant {value = dense<85> : tensor<1x2x8xui8>} : tensor<1x2x8xui8>
  %s = onnx.Constant {value = dense<1.0> : tensor<2xf32>} : tensor<2xf32>
  %z = onnx.Constant {value = dense<147> : tensor<1xui8>} : tensor<1xui8>
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %z, %n, %bias {K = 17 : i64, N = 1 : i64, block_size = 16 : i64} : (tensor<3x17xf32>, tensor<1x2x8xui8>, tensor<2xf32>, tensor<1xui8>, none, tensor<1xf32>) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// -----

// The middle of the range is what signed numbers need no zero point for.
// CHECK-LABEL: @zero_points_in_the_middle
// CHECK: onnx.Constant {value = dense<-127> : tensor<16x1xi8>}
// CHECK: onnx.DequantizeLinear {{.*}} : (tensor<16x1xi8>, tensor<1x1xf32>, none)
func.func @zero_points_in_the_middle(%a: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %n = onnx.None
  %b = onnx.Constant {value = dense<1> : tensor<1x1x16xui8>} : tensor<1x1x16xui8>
  %s = onnx.Constant {value = dense<1.0> : tensor<1x1xf32>} : tensor<1x1xf32>
  %z = onnx.Constant {value = dense<128> : tensor<1x1xui8>} : tensor<1x1xui8>
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %z, %n, %n {K = 16 : i64, N = 1 : i64, block_size = 16 : i64, bits = 8 : i64} : (tensor<3x16xf32>, tensor<1x1x16xui8>, tensor<1x1xf32>, tensor<1x1xui8>, none, none) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// -----

// Between integers there is no zero point: 3 - 1.5 = 1.5.
// CHECK-LABEL: @zero_points_that_are_fractions
// CHECK-NOT: onnx.DequantizeLinear
// CHECK: %[[B:.*]] = onnx.Constant {value = dense<1.500000e+00> : tensor<16x1xf32>}
// CHECK: onnx.MatMul %{{.*}}, %[[B]]
func.func @zero_points_that_are_fractions(%a: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %n = onnx.None
  %b = onnx.Constant {value = dense<255> : tensor<1x1x4xui8>} : tensor<1x1x4xui8>
  %s = onnx.Constant {value = dense<1.0> : tensor<1x1xf32>} : tensor<1x1xf32>
  %z = onnx.Constant {value = dense<1.5> : tensor<1x1xf32>} : tensor<1x1xf32>
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %z, %n, %n {K = 16 : i64, N = 1 : i64, block_size = 16 : i64, bits = 2 : i64} : (tensor<3x16xf32>, tensor<1x1x4xui8>, tensor<1x1xf32>, tensor<1x1xf32>, none, none) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// -----

// REFUSED: no lowering for this form of 'com.microsoft.MatMulNBits': B, scales and zero_points are not all constant
// CHECK-LABEL: @weights_that_come_at_run_time
// CHECK: onnx.com.microsoft.MatMulNBits
func.func @weights_that_come_at_run_time(%a: tensor<3x16xf32>, %b: tensor<1x1x8xui8>) -> tensor<3x1xf32> {
  %n = onnx.None
  %s = onnx.Constant {value = dense<1.0> : tensor<1x1xf32>} : tensor<1x1xf32>
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %n, %n, %n {K = 16 : i64, N = 1 : i64, block_size = 16 : i64} : (tensor<3x16xf32>, tensor<1x1x8xui8>, tensor<1x1xf32>, none, none, none) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// -----

// REFUSED: the weights are packed for another device (weight_prepacked)
func.func @prepacked(%a: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %n = onnx.None
  %b = onnx.Constant {value = dense<255> : tensor<1x1x8xui8>} : tensor<1x1x8xui8>
  %s = onnx.Constant {value = dense<1.0> : tensor<1x1xf32>} : tensor<1x1xf32>
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %n, %n, %n {K = 16 : i64, N = 1 : i64, block_size = 16 : i64, weight_prepacked = 1 : i64} : (tensor<3x16xf32>, tensor<1x1x8xui8>, tensor<1x1xf32>, none, none, none) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// -----

// REFUSED: g_idx names a block that does not exist
func.func @group_out_of_range(%a: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %n = onnx.None
  %b = onnx.Constant {value = dense<255> : tensor<1x1x8xui8>} : tensor<1x1x8xui8>
  %s = onnx.Constant {value = dense<1.0> : tensor<1x1xf32>} : tensor<1x1xf32>
  %g = onnx.Constant {value = dense<1> : tensor<16xi32>} : tensor<16xi32>
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %n, %g, %n {K = 16 : i64, N = 1 : i64, block_size = 16 : i64} : (tensor<3x16xf32>, tensor<1x1x8xui8>, tensor<1x1xf32>, none, tensor<16xi32>, none) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// -----

// REFUSED: g_idx has fewer than K elements
func.func @too_few_groups(%a: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %n = onnx.None
  %b = onnx.Constant {value = dense<255> : tensor<1x1x8xui8>} : tensor<1x1x8xui8>
  %s = onnx.Constant {value = dense<1.0> : tensor<1x1xf32>} : tensor<1x1xf32>
  %g = onnx.Constant {value = dense<0> : tensor<15xi32>} : tensor<15xi32>
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %n, %g, %n {K = 16 : i64, N = 1 : i64, block_size = 16 : i64} : (tensor<3x16xf32>, tensor<1x1x8xui8>, tensor<1x1xf32>, none, tensor<15xi32>, none) -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// -----

// REFUSED: no lowering for this form of 'com.microsoft.FusedConv': unknown activation 'Wavy'
func.func @unknown_activation(%x: tensor<1x2x4x4xf32>, %w: tensor<3x2x1x1xf32>) -> tensor<1x3x4x4xf32> {
  %n = onnx.None
  %0 = onnx.com.microsoft.FusedConv %x, %w, %n, %n {activation = "Wavy"} : (tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32>, none, none) -> tensor<1x3x4x4xf32>
  return %0 : tensor<1x3x4x4xf32>
}

// -----

// REFUSED: activation_params has too few values for LeakyRelu
func.func @activation_without_parameter(%x: tensor<1x2x4x4xf32>, %w: tensor<3x2x1x1xf32>) -> tensor<1x3x4x4xf32> {
  %n = onnx.None
  %0 = onnx.com.microsoft.FusedConv %x, %w, %n, %n {activation = "LeakyRelu"} : (tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32>, none, none) -> tensor<1x3x4x4xf32>
  return %0 : tensor<1x3x4x4xf32>
}

// -----

// REFUSED: no lowering for this form of 'com.microsoft.QLinearSigmoid': a scale or zero point is no tensor of known shape with one element
func.func @scale_of_unknown_size(%x: tensor<3xui8>, %s: tensor<?xf32>, %z: tensor<ui8>) -> tensor<3xui8> {
  %0 = onnx.com.microsoft.QLinearSigmoid %x, %s, %z, %s, %z : (tensor<3xui8>, tensor<?xf32>, tensor<ui8>, tensor<?xf32>, tensor<ui8>) -> tensor<3xui8>
  return %0 : tensor<3xui8>
}
