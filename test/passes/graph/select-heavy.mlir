// RUN: ingot-opt %s --ingot-select-heavy --split-input-file | FileCheck %s

// CHECK-LABEL: @conv_works_channels_last
// CHECK: onnx.Transpose %{{.*}} {perm = array<i64: 0, 2, 3, 1>}
// CHECK: ingot.conv {{.*}}kernel = array<i64: 1, 1>{{.*}} -> tensor<1x5x5x16xf32>
// CHECK: linalg.generic
// CHECK: arith.addf
// CHECK: onnx.Transpose %{{.*}} {perm = array<i64: 0, 3, 1, 2>}
func.func @conv_works_channels_last(%x: tensor<1x8x5x5xf32>) -> tensor<1x16x5x5xf32> {
  %w = onnx.Constant {value = dense<1.0> : tensor<16x8x1x1xf32>} : tensor<16x8x1x1xf32>
  %b = onnx.Constant {value = dense<1.0> : tensor<16xf32>} : tensor<16xf32>
  %0 = onnx.Conv %x, %w, %b : (tensor<1x8x5x5xf32>, tensor<16x8x1x1xf32>, tensor<16xf32>) -> tensor<1x16x5x5xf32>
  return %0 : tensor<1x16x5x5xf32>
}

// -----

// CHECK-LABEL: @image_is_read_as_it_comes
// CHECK: ingot.conv %arg0, {{.*}}input_channels_first
func.func @image_is_read_as_it_comes(%x: tensor<1x3x5x5xf32>) -> tensor<1x16x5x5xf32> {
  %w = onnx.Constant {value = dense<1.0> : tensor<16x3x1x1xf32>} : tensor<16x3x1x1xf32>
  %b = onnx.None
  %0 = onnx.Conv %x, %w, %b : (tensor<1x3x5x5xf32>, tensor<16x3x1x1xf32>, none) -> tensor<1x16x5x5xf32>
  return %0 : tensor<1x16x5x5xf32>
}

// -----

// Weights known only at run time are left to the generic lowering.
// CHECK-LABEL: @runtime_weights_stay
// CHECK: onnx.Conv
func.func @runtime_weights_stay(%x: tensor<1x3x5x5xf32>, %w: tensor<16x3x1x1xf32>) -> tensor<1x16x5x5xf32> {
  %b = onnx.None
  %0 = onnx.Conv %x, %w, %b : (tensor<1x3x5x5xf32>, tensor<16x3x1x1xf32>, none) -> tensor<1x16x5x5xf32>
  return %0 : tensor<1x16x5x5xf32>
}

// -----

// CHECK-LABEL: @products_and_joins
// CHECK: ingot.matmul {{.*}}n = 4
// CHECK: ingot.concat {{.*}}axis = 1
func.func @products_and_joins(%a: tensor<2x8xf32>, %b: tensor<8x4xf32>) -> tensor<2x12xf32> {
  %0 = onnx.MatMul %a, %b : (tensor<2x8xf32>, tensor<8x4xf32>) -> tensor<2x4xf32>
  %1 = onnx.Concat %a, %0 {axis = -1 : i64} : (tensor<2x8xf32>, tensor<2x4xf32>) -> tensor<2x12xf32>
  return %1 : tensor<2x12xf32>
}

// -----

// Stride 2 and kernel 2: the four phases are four times the filters of one
// convolution, put in order by a move.
// CHECK-LABEL: @transposed_convolution_by_phases
// CHECK: ingot.conv {{.*}}filters = 64 {{.*}}kernel = array<i64: 1, 1>{{.*}} -> tensor<1x5x5x64xf32>
// CHECK: linalg.generic
// CHECK-SAME: outs(%{{.*}} : tensor<1x10x10x16xf32>)
func.func @transposed_convolution_by_phases(%x: tensor<1x8x5x5xf32>) -> tensor<1x16x10x10xf32> {
  %w = onnx.Constant {value = dense<1.0> : tensor<8x16x2x2xf32>} : tensor<8x16x2x2xf32>
  %b = onnx.None
  %0 = onnx.ConvTranspose %x, %w, %b {strides = array<i64: 2, 2>} : (tensor<1x8x5x5xf32>, tensor<8x16x2x2xf32>, none) -> tensor<1x16x10x10xf32>
  return %0 : tensor<1x16x10x10xf32>
}

// -----

// Kernel 3: phases have two taps or one, and a convolution each.
// CHECK-LABEL: @phases_of_unequal_kernels
// CHECK: %[[EVEN:.*]] = ingot.conv {{.*}}kernel = array<i64: 2>
// CHECK: %[[ODD:.*]] = ingot.conv {{.*}}kernel = array<i64: 1>
// CHECK: ingot.concat %[[EVEN]], %[[ODD]] {axis = 2 : i64}
// CHECK: linalg.generic
func.func @phases_of_unequal_kernels(%x: tensor<1x8x5xf32>) -> tensor<1x16x11xf32> {
  %w = onnx.Constant {value = dense<1.0> : tensor<8x16x3xf32>} : tensor<8x16x3xf32>
  %b = onnx.None
  %0 = onnx.ConvTranspose %x, %w, %b {strides = array<i64: 2>} : (tensor<1x8x5xf32>, tensor<8x16x3xf32>, none) -> tensor<1x16x11xf32>
  return %0 : tensor<1x16x11xf32>
}
