// RUN: ingot-opt %s --ingot-decompose --split-input-file | FileCheck %s

// CHECK-LABEL: @add_is_done_on_floats
// CHECK-SAME: (%[[A:.*]]: tensor<2x3xui8>, %[[B:.*]]: tensor<3xui8>, %[[S:.*]]: tensor<f32>, %[[Z:.*]]: tensor<1xui8>)
// CHECK: %[[N:.*]] = onnx.None
// CHECK: %[[DA:.*]] = onnx.DequantizeLinear %[[A]], %[[S]], %[[Z]]
// CHECK: %[[DB:.*]] = onnx.DequantizeLinear %[[B]], %[[S]], %[[N]]
// CHECK: %[[SUM:.*]] = onnx.Add %[[DA]], %[[DB]]
// CHECK: %[[Y:.*]] = onnx.QuantizeLinear %[[SUM]], %[[S]], %[[Z]]
// CHECK: return %[[Y]] : tensor<2x3xui8>
func.func @add_is_done_on_floats(%a: tensor<2x3xui8>, %b: tensor<3xui8>, %s: tensor<f32>, %z: tensor<1xui8>) -> tensor<2x3xui8> {
  %n = onnx.None
  %0 = onnx.com.microsoft.QLinearAdd %a, %s, %z, %b, %s, %n, %s, %z : (tensor<2x3xui8>, tensor<f32>, tensor<1xui8>, tensor<3xui8>, tensor<f32>, none, tensor<f32>, tensor<1xui8>) -> tensor<2x3xui8>
  return %0 : tensor<2x3xui8>
}

// -----

// Without a zero point the type of the result is said by number.
// CHECK-LABEL: @mul_without_zero_points
// CHECK: onnx.Mul
// CHECK: onnx.QuantizeLinear {{.*}} {axis = 0 : i64, {{.*}}output_dtype = 3 : i64
func.func @mul_without_zero_points(%a: tensor<2x3xi8>, %s: tensor<f32>) -> tensor<2x3xi8> {
  %n = onnx.None
  %0 = onnx.com.microsoft.QLinearMul %a, %s, %n, %a, %s, %n, %s, %n : (tensor<2x3xi8>, tensor<f32>, none, tensor<2x3xi8>, tensor<f32>, none, tensor<f32>, none) -> tensor<2x3xi8>
  return %0 : tensor<2x3xi8>
}

// -----

// A scale of several elements is none for the whole tensor.
// CHECK-LABEL: @scale_of_unknown_size
// CHECK: onnx.com.microsoft.QLinearMul
func.func @scale_of_unknown_size(%a: tensor<2x3xi8>, %s: tensor<?xf32>) -> tensor<2x3xi8> {
  %n = onnx.None
  %0 = onnx.com.microsoft.QLinearMul %a, %s, %n, %a, %s, %n, %s, %n : (tensor<2x3xi8>, tensor<?xf32>, none, tensor<2x3xi8>, tensor<?xf32>, none, tensor<?xf32>, none) -> tensor<2x3xi8>
  return %0 : tensor<2x3xi8>
}

// -----

// CHECK-LABEL: @sigmoid
// CHECK: onnx.DequantizeLinear
// CHECK: onnx.Sigmoid
// CHECK: onnx.QuantizeLinear
func.func @sigmoid(%x: tensor<?x3xui8, #onnx.dims<["N", 3]>>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<?x3xui8, #onnx.dims<["N", 3]>> {
  %0 = onnx.com.microsoft.QLinearSigmoid %x, %s, %z, %s, %z : (tensor<?x3xui8, #onnx.dims<["N", 3]>>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<?x3xui8, #onnx.dims<["N", 3]>>
  return %0 : tensor<?x3xui8, #onnx.dims<["N", 3]>>
}

// -----

// CHECK-LABEL: @leaky_relu
// CHECK: onnx.LeakyRelu {{.*}}alpha = 2.0{{0*}}e-01
func.func @leaky_relu(%x: tensor<3xui8>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<3xui8> {
  %0 = onnx.com.microsoft.QLinearLeakyRelu %x, %s, %z, %s, %z {alpha = 0.2 : f32} : (tensor<3xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<3xui8>
  return %0 : tensor<3xui8>
}

// -----

// CHECK-LABEL: @softmax_along_an_axis
// CHECK-NOT: kernel.view
// CHECK: onnx.Softmax {{.*}}axis = 1 : i64
func.func @softmax_along_an_axis(%x: tensor<2x3x4xui8>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<2x3x4xui8> {
  %0 = onnx.com.microsoft.QLinearSoftmax %x, %s, %z, %s, %z {axis = 1 : i64, opset = 13 : i64} : (tensor<2x3x4xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<2x3x4xui8>
  return %0 : tensor<2x3x4xui8>
}

// -----

// CHECK-LABEL: @softmax_of_a_matrix
// CHECK: kernel.view {{.*}} to tensor<2x12xf32>
// CHECK: onnx.Softmax {{.*}}axis = 1 : i64
// CHECK: kernel.view {{.*}} to tensor<2x3x4xf32>
func.func @softmax_of_a_matrix(%x: tensor<2x3x4xui8>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<2x3x4xui8> {
  %0 = onnx.com.microsoft.QLinearSoftmax %x, %s, %z, %s, %z {axis = -2 : i64, opset = 12 : i64} : (tensor<2x3x4xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<2x3x4xui8>
  return %0 : tensor<2x3x4xui8>
}

// -----

// CHECK-LABEL: @pools_with_channels_last
// CHECK: onnx.Transpose {{.*}} -> tensor<1x8x4x6xf32>
// CHECK: onnx.AveragePool {{.*}} -> tensor<1x8x3x5xf32>
// CHECK: onnx.Transpose {{.*}} -> tensor<1x3x5x8xf32>
// CHECK: onnx.QuantizeLinear
// CHECK: onnx.GlobalAveragePool {{.*}} -> tensor<1x8x1x1xf32>
// CHECK: onnx.Transpose {{.*}} -> tensor<1x1x1x8xf32>
func.func @pools_with_channels_last(%x: tensor<1x4x6x8xui8>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<1x1x1x8xui8> {
  %0 = onnx.com.microsoft.QLinearAveragePool %x, %s, %z, %s, %z {channels_last = 1 : i64, kernel_shape = array<i64: 2, 2>} : (tensor<1x4x6x8xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<1x3x5x8xui8>
  %1 = onnx.com.microsoft.QLinearGlobalAveragePool %0, %s, %z, %s, %z {channels_last = 1 : i64} : (tensor<1x3x5x8xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<1x1x1x8xui8>
  return %1 : tensor<1x1x1x8xui8>
}

// -----

// CHECK-LABEL: @mean_over_axes
// CHECK: onnx.ReduceMean {{.*}}keepdims = 0 : i64
func.func @mean_over_axes(%x: tensor<3x4xi8>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<3xi8> {
  %0 = onnx.com.microsoft.QLinearReduceMean %x, %s, %z, %s, %z {axes = array<i64: -1>, keepdims = 0 : i64} : (tensor<3x4xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<3xi8>
  return %0 : tensor<3xi8>
}

// -----

// Each part has its own scale, and may have another type.
// CHECK-LABEL: @concat
// CHECK: onnx.DequantizeLinear {{.*}} : (tensor<2x3xui8>
// CHECK: onnx.DequantizeLinear {{.*}} : (tensor<2x1xi8>
// CHECK: onnx.Concat
// CHECK: onnx.QuantizeLinear {{.*}} -> tensor<2x4xi8>
func.func @concat(%x: tensor<2x3xui8>, %y: tensor<2x1xi8>, %s: tensor<f32>, %zx: tensor<ui8>, %zy: tensor<i8>) -> tensor<2x4xi8> {
  %0 = onnx.com.microsoft.QLinearConcat %s, %zy, %x, %s, %zx, %y, %s, %zy {axis = 1 : i64} : (tensor<f32>, tensor<i8>, tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<2x1xi8>, tensor<f32>, tensor<i8>) -> tensor<2x4xi8>
  return %0 : tensor<2x4xi8>
}

// -----

// CHECK-LABEL: @where
// CHECK-COUNT-2: onnx.DequantizeLinear
// CHECK: onnx.Where
// CHECK: onnx.QuantizeLinear
func.func @where(%c: tensor<3xi1>, %x: tensor<2x3xui8>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<2x3xui8> {
  %0 = onnx.com.microsoft.QLinearWhere %c, %x, %s, %z, %x, %s, %z, %s, %z : (tensor<3xi1>, tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return %0 : tensor<2x3xui8>
}

// -----

// The bias has the scale of the products, alpha included.
// CHECK-LABEL: @gemm
// CHECK-SAME: %[[BIAS:[^:]*]]: tensor<4xi32>
// CHECK: %[[S:.*]] = onnx.Constant {value = dense<5.0
// CHECK: %[[PER:.*]] = onnx.Constant {value = dense<[
// CHECK: %[[A:.*]] = onnx.DequantizeLinear
// CHECK: %[[ZEROS:.*]] = onnx.Expand {{.*}} -> tensor<4xi8>
// CHECK: %[[B:.*]] = onnx.DequantizeLinear {{.*}}, %[[PER]], %[[ZEROS]] {
// CHECK: %[[BOTH:.*]] = onnx.Mul %[[S]], %[[PER]]
// CHECK: %[[ALL:.*]] = onnx.Mul %[[BOTH]]
// CHECK: %[[C:.*]] = onnx.DequantizeLinear %[[BIAS]], %[[ALL]]
// CHECK: onnx.Gemm %[[A]], %[[B]], %[[C]] {alpha = 2.0{{.*}}, transB = 1
// CHECK: onnx.QuantizeLinear
func.func @gemm(%a: tensor<2x3xui8>, %za: tensor<ui8>, %b: tensor<4x3xi8>, %zb: tensor<i8>, %c: tensor<4xi32>) -> tensor<2x4xui8> {
  %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %per = onnx.Constant {value = dense<[0.5, 0.25, 1.0, 2.0]> : tensor<4xf32>} : tensor<4xf32>
  %0 = onnx.com.microsoft.QGemm %a, %s, %za, %b, %per, %zb, %c, %s, %za {alpha = 2.0 : f32, transB = 1 : i64} : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<4x3xi8>, tensor<4xf32>, tensor<i8>, tensor<4xi32>, tensor<f32>, tensor<ui8>) -> tensor<2x4xui8>
  return %0 : tensor<2x4xui8>
}

// -----

// CHECK-LABEL: @gemm_to_floats_with_one_column_of_bias
// CHECK: onnx.Cast {{.*}} : (tensor<2x1xi32>) -> tensor<2x1xf32>
// CHECK: onnx.Mul {{.*}} -> tensor<2x4xf32>
// CHECK: onnx.Gemm {{.*}} -> tensor<2x4xf32>
// CHECK-NOT: onnx.QuantizeLinear
func.func @gemm_to_floats_with_one_column_of_bias(%a: tensor<2x3xui8>, %s: tensor<f32>, %za: tensor<ui8>, %b: tensor<3x4xi8>, %per: tensor<4xf32>, %zb: tensor<4xi8>, %c: tensor<2x1xi32>) -> tensor<2x4xf32> {
  %n = onnx.None
  %0 = onnx.com.microsoft.QGemm %a, %s, %za, %b, %per, %zb, %c, %n, %n : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<3x4xi8>, tensor<4xf32>, tensor<4xi8>, tensor<2x1xi32>, none, none) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @dynamic_product
// CHECK: %[[Q:.*]], %[[S:.*]], %[[Z:.*]] = onnx.DynamicQuantizeLinear
// CHECK: %[[SUMS:.*]] = onnx.MatMulInteger %[[Q]], %{{.*}}, %[[Z]]
// CHECK: %[[SCALE:.*]] = onnx.Mul %[[S]]
// CHECK: %[[REAL:.*]] = onnx.Cast %[[SUMS]]
// CHECK: %[[PRODUCT:.*]] = onnx.Mul %[[REAL]], %[[SCALE]]
// CHECK: onnx.Add %[[PRODUCT]]
func.func @dynamic_product(%a: tensor<2x3xf32>, %b: tensor<3x4xi8>, %s: tensor<4xf32>, %bias: tensor<4xf32>) -> tensor<2x4xf32> {
  %n = onnx.None
  %0 = onnx.com.microsoft.DynamicQuantizeMatMul %a, %b, %s, %n, %bias : (tensor<2x3xf32>, tensor<3x4xi8>, tensor<4xf32>, none, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// Sums are scaled in single precision, as half would not hold them.
// CHECK-LABEL: @product_to_half_precision
// CHECK: onnx.MatMulInteger
// CHECK: onnx.Cast {{.*}} : (tensor<2x4xi32>) -> tensor<2x4xf32>
// CHECK: onnx.Cast {{.*}} : (tensor<2x4xf32>) -> tensor<2x4xf16>
func.func @product_to_half_precision(%a: tensor<2x3xui8>, %b: tensor<3x4xi8>, %s: tensor<f16>) -> tensor<2x4xf16> {
  %n = onnx.None
  %0 = onnx.com.microsoft.MatMulIntegerToFloat %a, %b, %s, %s, %n, %n, %n : (tensor<2x3xui8>, tensor<3x4xi8>, tensor<f16>, tensor<f16>, none, none, none) -> tensor<2x4xf16>
  return %0 : tensor<2x4xf16>
}

// -----

// CHECK-LABEL: @gelus
// CHECK: onnx.Add
// CHECK: onnx.Gelu %{{.*}} : (tensor<2x4xf32>)
// CHECK: onnx.Gelu {{.*}}approximate = "tanh"
func.func @gelus(%x: tensor<2x4xf32>, %b: tensor<4xf32>) -> tensor<2x4xf32> {
  %n = onnx.None
  %0 = onnx.com.microsoft.BiasGelu %x, %b : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %1 = onnx.com.microsoft.FastGelu %0, %n : (tensor<2x4xf32>, none) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @fused_product
// CHECK: onnx.Transpose {{.*}}perm = array<i64: 1, 2, 0>{{.*}} -> tensor<3x2x5xf32>
// CHECK: onnx.MatMul {{.*}} -> tensor<3x2x4xf32>
// CHECK: onnx.Mul
func.func @fused_product(%a: tensor<5x3x2xf32>, %b: tensor<5x4xf32>) -> tensor<3x2x4xf32> {
  %0 = onnx.com.microsoft.FusedMatMul %a, %b {alpha = 0.5 : f32, transA = 1 : i64, transBatchA = 1 : i64} : (tensor<5x3x2xf32>, tensor<5x4xf32>) -> tensor<3x2x4xf32>
  return %0 : tensor<3x2x4xf32>
}

// -----

// CHECK-LABEL: @fused_conv
// CHECK: onnx.Conv
// CHECK: onnx.Add
// CHECK: onnx.Clip
func.func @fused_conv(%x: tensor<1x2x4x4xf32>, %w: tensor<3x2x1x1xf32>, %z: tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32> {
  %n = onnx.None
  %0 = onnx.com.microsoft.FusedConv %x, %w, %n, %z {activation = "Clip", activation_params = array<f32: 0.0, 6.0>} : (tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32>, none, tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
  return %0 : tensor<1x3x4x4xf32>
}

// -----

// CHECK-LABEL: @skip_layer_normalization
// CHECK: %[[SUM:.*]] = onnx.Add
// CHECK: %[[Y:.*]], %{{.*}}, %{{.*}} = onnx.LayerNormalization %[[SUM]]
// CHECK: return %[[Y]], %[[SUM]]
func.func @skip_layer_normalization(%x: tensor<2x3x8xf32>, %g: tensor<8xf32>) -> (tensor<2x3x8xf32>, tensor<2x3x8xf32>) {
  %n = onnx.None
  %0:4 = onnx.com.microsoft.SkipLayerNormalization %x, %x, %g, %n, %n : (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<8xf32>, none, none) -> (tensor<2x3x8xf32>, tensor<2x3x1xf32>, tensor<2x3x1xf32>, tensor<2x3x8xf32>)
  return %0#0, %0#3 : tensor<2x3x8xf32>, tensor<2x3x8xf32>
}
