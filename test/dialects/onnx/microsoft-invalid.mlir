// RUN: ingot-opt %s --split-input-file --verify-diagnostics

func.func @sigmoid_of_floats(%x: tensor<2x3xf32>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @+2 {{X has element type 'f32', which the operator does not take}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearSigmoid %x, %s, %z, %s, %z : (tensor<2x3xf32>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @scale_of_half_precision(%x: tensor<2x3xui8>, %h: tensor<f16>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @+2 {{X_scale has element type 'f16', which the operator does not take}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearSigmoid %x, %h, %z, %s, %z : (tensor<2x3xui8>, tensor<f16>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @scale_per_row(%x: tensor<2x3xui8>, %h: tensor<2xf32>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @+2 {{X_scale is 'tensor<2xf32>', no scalar}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearSigmoid %x, %h, %z, %s, %z : (tensor<2x3xui8>, tensor<2xf32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @zero_point_of_other_type(%x: tensor<2x3xui8>, %s: tensor<f32>, %z: tensor<ui8>, %w: tensor<i8>) {
  // expected-error @+2 {{X and X_zero_point must have the same element type, got 'ui8' and 'i8'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearSigmoid %x, %s, %w, %s, %z : (tensor<2x3xui8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @zero_point_of_other_type_than_x(%x: tensor<2x3xui8>, %s: tensor<f32>, %z: tensor<ui8>, %w: tensor<i8>) {
  // expected-error @+2 {{X and Y_zero_point must have the same element type, got 'ui8' and 'i8'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearSigmoid %x, %s, %z, %s, %w : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<i8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @zero_points_per_row(%x: tensor<2x3xui8>, %s: tensor<f32>, %z: tensor<ui8>, %w: tensor<2xui8>) {
  // expected-error @+2 {{X_zero_point is 'tensor<2xui8>', no scalar}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearSigmoid %x, %s, %w, %s, %z : (tensor<2x3xui8>, tensor<f32>, tensor<2xui8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @result_scale_is_0(%x: tensor<2x3xui8>, %s: tensor<f32>, %z: tensor<ui8>) {
  %c = onnx.Constant {value = dense<0.0> : tensor<f32>} : tensor<f32>
  // expected-error @+2 {{Y_scale is 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearSigmoid %x, %s, %z, %c, %z : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @scale_is_infinite(%x: tensor<2x3xui8>, %s: tensor<f32>, %z: tensor<ui8>) {
  %c = onnx.Constant {value = dense<0x7F800000> : tensor<f32>} : tensor<f32>
  // expected-error @+2 {{X_scale is not finite}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearSigmoid %x, %c, %z, %s, %z : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @softmax_axis(%x: tensor<2x3xui8>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @+2 {{axis 2 is out of range for rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearSoftmax %x, %s, %z, %s, %z {axis = 2 : i64, opset = 13 : i64} : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @softmax_opset(%x: tensor<2x3xui8>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @+2 {{opset 0 is less than 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearSoftmax %x, %s, %z, %s, %z {opset = 0 : i64} : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @mean_over_an_axis_twice(%x: tensor<2x3xui8>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @+2 {{axis 1 is given twice}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearReduceMean %x, %s, %z, %s, %z {axes = array<i64: 1, -1>, keepdims = 1 : i64} : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @pool_of_a_matrix(%x: tensor<2x3xui8>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @+2 {{X must have at least 3 dimensions, got 'tensor<2x3xui8>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearAveragePool %x, %s, %z, %s, %z {kernel_shape = array<i64: 1>} : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @global_pool_of_a_matrix(%x: tensor<2x3xui8>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @+2 {{X must have at least 3 dimensions, got 'tensor<2x3xui8>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearGlobalAveragePool %x, %s, %z, %s, %z : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @pool_with_stride_0(%x: tensor<1x4x5x2xui8>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @+2 {{strides 0 is not in [1, 2147483647]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearAveragePool %x, %s, %z, %s, %z {channels_last = 1 : i64, kernel_shape = array<i64: 2, 2>, strides = array<i64: 1, 0>} : (tensor<1x4x5x2xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @sum_that_does_not_broadcast(%a: tensor<2x3xui8>, %b: tensor<2x4xui8>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @+2 {{do not broadcast}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearAdd %a, %s, %z, %b, %s, %z, %s, %z : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<2x4xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @sum_of_two_types(%a: tensor<2x3xui8>, %c: tensor<2x3xi8>, %s: tensor<f32>, %z: tensor<ui8>, %w: tensor<i8>) {
  // expected-error @+2 {{A and B must have the same element type, got 'ui8' and 'i8'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearAdd %a, %s, %z, %c, %s, %w, %s, %z : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<2x3xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @incomplete_triple(%a: tensor<2x3xui8>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @+2 {{needs triples of a tensor, its scale and its zero point, got 2 inputs}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearConcat %s, %z, %a, %s {axis = 0 : i64} : (tensor<f32>, tensor<ui8>, tensor<2x3xui8>, tensor<f32>) -> tensor<2x3xui8>
  return
}

// -----

func.func @parts_of_different_sizes(%a: tensor<2x3xui8>, %b: tensor<2x4xui8>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @+2 {{sizes of dimension 1 differ: 3 and 4 (the axis is 0)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearConcat %s, %z, %a, %s, %z, %b, %s, %z {axis = 0 : i64} : (tensor<f32>, tensor<ui8>, tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<2x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @scale_of_a_part(%a: tensor<2x3xui8>, %s: tensor<f32>, %z: tensor<ui8>, %m: tensor<2xf32>) {
  // expected-error @+2 {{input 1_scale is 'tensor<2xf32>', no scalar}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearConcat %s, %z, %a, %s, %z, %a, %m, %z {axis = 0 : i64} : (tensor<f32>, tensor<ui8>, tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<2x3xui8>, tensor<2xf32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @choice_of_two_types(%a: tensor<2x3xui8>, %c: tensor<2x3xi8>, %s: tensor<f32>, %z: tensor<ui8>, %w: tensor<i8>, %k: tensor<3xi1>) {
  // expected-error @+2 {{X and Y must have the same element type, got 'ui8' and 'i8'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QLinearWhere %k, %a, %s, %z, %c, %s, %w, %s, %z : (tensor<3xi1>, tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<2x3xi8>, tensor<f32>, tensor<i8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @depths_of_gemm(%a: tensor<2x3xui8>, %b: tensor<3x4xi8>, %s: tensor<f32>, %z: tensor<ui8>, %w: tensor<i8>) {
  %n = onnx.None
  // expected-error @+2 {{the number of columns of A' is 3 but the number of rows of B' is 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QGemm %a, %s, %z, %b, %s, %w, %n, %n, %n {transB = 1 : i64} : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<3x4xi8>, tensor<f32>, tensor<i8>, none, none, none) -> tensor<2x4xf32>
  return
}

// -----

func.func @bias_of_gemm(%a: tensor<2x3xui8>, %b: tensor<3x4xi8>, %s: tensor<f32>, %z: tensor<ui8>, %w: tensor<i8>, %c: tensor<5xi32>) {
  %n = onnx.None
  // expected-error @+2 {{C does not broadcast to the result}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QGemm %a, %s, %z, %b, %s, %w, %c, %n, %n : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<3x4xi8>, tensor<f32>, tensor<i8>, tensor<5xi32>, none, none) -> tensor<2x4xf32>
  return
}

// -----

func.func @bias_of_gemm_is_float(%a: tensor<2x3xui8>, %b: tensor<3x4xi8>, %s: tensor<f32>, %z: tensor<ui8>, %w: tensor<i8>, %f: tensor<4xf32>) {
  %n = onnx.None
  // expected-error @+2 {{C has element type 'f32', which the operator does not take}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QGemm %a, %s, %z, %b, %s, %w, %f, %n, %n : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<3x4xi8>, tensor<f32>, tensor<i8>, tensor<4xf32>, none, none) -> tensor<2x4xf32>
  return
}

// -----

func.func @scales_of_gemm(%a: tensor<2x3xui8>, %b: tensor<3x4xi8>, %s: tensor<f32>, %z: tensor<ui8>, %w: tensor<i8>, %m: tensor<3xf32>) {
  %n = onnx.None
  // expected-error @+2 {{the number of elements of b_scale is 3 but the number of columns is 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QGemm %a, %s, %z, %b, %m, %w, %n, %n, %n : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<3x4xi8>, tensor<3xf32>, tensor<i8>, none, none, none) -> tensor<2x4xf32>
  return
}

// -----

func.func @scales_of_gemm_as_matrix(%a: tensor<2x3xui8>, %b: tensor<3x4xi8>, %s: tensor<f32>, %z: tensor<ui8>, %w: tensor<i8>, %r: tensor<1x4xf32>) {
  %n = onnx.None
  // expected-error @+2 {{b_scale must have at most 1 dimension, got 'tensor<1x4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QGemm %a, %s, %z, %b, %r, %w, %n, %n, %n : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<3x4xi8>, tensor<1x4xf32>, tensor<i8>, none, none, none) -> tensor<2x4xf32>
  return
}

// -----

func.func @half_a_result(%a: tensor<2x3xui8>, %b: tensor<3x4xi8>, %s: tensor<f32>, %z: tensor<ui8>, %w: tensor<i8>) {
  %n = onnx.None
  // expected-error @+2 {{y_scale and y_zero_point must be given both or neither}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QGemm %a, %s, %z, %b, %s, %w, %n, %s, %n : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<3x4xi8>, tensor<f32>, tensor<i8>, none, tensor<f32>, none) -> tensor<2x4xf32>
  return
}

// -----

func.func @scale_of_gemm_is_infinite(%a: tensor<2x3xui8>, %b: tensor<3x4xi8>, %s: tensor<f32>, %z: tensor<ui8>, %w: tensor<i8>) {
  %n = onnx.None
  %k = onnx.Constant {value = dense<0x7FC00000> : tensor<f32>} : tensor<f32>
  // expected-error @+2 {{b_scale is not finite}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.QGemm %a, %s, %z, %b, %k, %w, %n, %n, %n : (tensor<2x3xui8>, tensor<f32>, tensor<ui8>, tensor<3x4xi8>, tensor<f32>, tensor<i8>, none, none, none) -> tensor<2x4xf32>
  return
}

// -----

func.func @product_of_floats(%b: tensor<3x4xi8>, %s: tensor<f32>, %m: tensor<3xf32>) {
  %n = onnx.None
  // expected-error @+2 {{A has element type 'f32', which the operator does not take}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.MatMulIntegerToFloat %m, %b, %s, %s, %n, %n, %n : (tensor<3xf32>, tensor<3x4xi8>, tensor<f32>, tensor<f32>, none, none, none) -> tensor<2x4xf32>
  return
}

// -----

func.func @scales_of_two_types(%a: tensor<2x3xui8>, %b: tensor<3x4xi8>, %s: tensor<f32>, %c: tensor<5xi32>) {
  %n = onnx.None
  // expected-error @+2 {{a_scale and b_scale must have the same element type, got 'f32' and 'i32'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.MatMulIntegerToFloat %a, %b, %s, %c, %n, %n, %n : (tensor<2x3xui8>, tensor<3x4xi8>, tensor<f32>, tensor<5xi32>, none, none, none) -> tensor<2x4xf32>
  return
}

// -----

func.func @bias_of_product(%a: tensor<2x3xui8>, %b: tensor<3x4xi8>, %s: tensor<f32>, %m: tensor<3xf32>) {
  %n = onnx.None
  // expected-error @+2 {{the number of elements of bias is 3 but the number of columns is 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.MatMulIntegerToFloat %a, %b, %s, %s, %n, %n, %m : (tensor<2x3xui8>, tensor<3x4xi8>, tensor<f32>, tensor<f32>, none, none, tensor<3xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @bias_of_product_is_a_matrix(%a: tensor<2x3xui8>, %b: tensor<3x4xi8>, %s: tensor<f32>, %r: tensor<1x4xf32>) {
  %n = onnx.None
  // expected-error @+2 {{bias must have 1 dimension, got 'tensor<1x4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.MatMulIntegerToFloat %a, %b, %s, %s, %n, %n, %r : (tensor<2x3xui8>, tensor<3x4xi8>, tensor<f32>, tensor<f32>, none, none, tensor<1x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @depths_of_product(%b: tensor<3x4xi8>, %s: tensor<f32>, %r: tensor<1x4xf32>) {
  %n = onnx.None
  // expected-error @+2 {{the number of columns of A is 4 but the number of rows of B is 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.DynamicQuantizeMatMul %r, %b, %s, %n, %n : (tensor<1x4xf32>, tensor<3x4xi8>, tensor<f32>, none, none) -> tensor<2x4xf32>
  return
}

// -----

func.func @dynamic_product_of_bytes(%a: tensor<2x3xui8>, %b: tensor<3x4xi8>, %s: tensor<f32>) {
  %n = onnx.None
  // expected-error @+2 {{A has element type 'ui8', which the operator does not take}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.DynamicQuantizeMatMul %a, %b, %s, %n, %n : (tensor<2x3xui8>, tensor<3x4xi8>, tensor<f32>, none, none) -> tensor<2x4xf32>
  return
}

// -----

func.func @three_bits(%a: tensor<3x16xf32>, %b: tensor<2x1x8xui8>, %s: tensor<2x1xf32>) {
  %n = onnx.None
  // expected-error @+2 {{bits 3 is none of 2, 4, 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %n, %n, %n {K = 16 : i64, N = 2 : i64, block_size = 16 : i64, bits = 3 : i64} : (tensor<3x16xf32>, tensor<2x1x8xui8>, tensor<2x1xf32>, none, none, none) -> tensor<3x2xf32>
  return
}

// -----

func.func @block_of_24(%a: tensor<3x16xf32>, %b: tensor<2x1x8xui8>, %s: tensor<2x1xf32>) {
  %n = onnx.None
  // expected-error @+2 {{block_size 24 is not a power of 2 of at least 16}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %n, %n, %n {K = 16 : i64, N = 2 : i64, block_size = 24 : i64} : (tensor<3x16xf32>, tensor<2x1x8xui8>, tensor<2x1xf32>, none, none, none) -> tensor<3x2xf32>
  return
}

// -----

func.func @block_of_0(%a: tensor<3x16xf32>, %b: tensor<2x1x8xui8>, %s: tensor<2x1xf32>) {
  %n = onnx.None
  // expected-error @+2 {{block_size 0 is not a power of 2 of at least 16}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %n, %n, %n {K = 16 : i64, N = 2 : i64, block_size = 0 : i64} : (tensor<3x16xf32>, tensor<2x1x8xui8>, tensor<2x1xf32>, none, none, none) -> tensor<3x2xf32>
  return
}

// -----

func.func @no_rows(%a: tensor<3x16xf32>, %b: tensor<2x1x8xui8>, %s: tensor<2x1xf32>) {
  %n = onnx.None
  // expected-error @+2 {{K is 0, not from 1 to 2147483648}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %n, %n, %n {K = 0 : i64, N = 2 : i64, block_size = 16 : i64} : (tensor<3x16xf32>, tensor<2x1x8xui8>, tensor<2x1xf32>, none, none, none) -> tensor<3x2xf32>
  return
}

// -----

func.func @negative_columns(%a: tensor<3x16xf32>, %b: tensor<2x1x8xui8>, %s: tensor<2x1xf32>) {
  %n = onnx.None
  // expected-error @+2 {{N is -1, not from 1 to 2147483648}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %n, %n, %n {K = 16 : i64, N = -1 : i64, block_size = 16 : i64} : (tensor<3x16xf32>, tensor<2x1x8xui8>, tensor<2x1xf32>, none, none, none) -> tensor<3x2xf32>
  return
}

// -----

func.func @too_few_numbers(%a: tensor<3x16xf32>, %b: tensor<2x1x8xui8>, %s: tensor<2x1xf32>) {
  %n = onnx.None
  // expected-error @+2 {{B has 16 elements, expected 24, got 'tensor<2x1x8xui8>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %n, %n, %n {K = 16 : i64, N = 3 : i64, block_size = 16 : i64} : (tensor<3x16xf32>, tensor<2x1x8xui8>, tensor<2x1xf32>, none, none, none) -> tensor<3x2xf32>
  return
}

// -----

func.func @too_few_scales(%a: tensor<3x16xf32>, %b: tensor<2x1x8xui8>, %c: tensor<3xf32>) {
  %n = onnx.None
  // expected-error @+2 {{scales has 3 elements, expected 2, got 'tensor<3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %c, %n, %n, %n {K = 16 : i64, N = 2 : i64, block_size = 16 : i64} : (tensor<3x16xf32>, tensor<2x1x8xui8>, tensor<3xf32>, none, none, none) -> tensor<3x2xf32>
  return
}

// -----

func.func @zero_points_of_other_type(%a: tensor<3x16xf32>, %b: tensor<2x1x8xui8>, %s: tensor<2x1xf32>, %h: tensor<2x1xf16>) {
  %n = onnx.None
  // expected-error @+2 {{A and zero_points must have the same element type, got 'f32' and 'f16'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %h, %n, %n {K = 16 : i64, N = 2 : i64, block_size = 16 : i64} : (tensor<3x16xf32>, tensor<2x1x8xui8>, tensor<2x1xf32>, tensor<2x1xf16>, none, none) -> tensor<3x2xf32>
  return
}

// -----

func.func @too_many_zero_points(%a: tensor<3x16xf32>, %b: tensor<2x1x8xui8>, %s: tensor<2x1xf32>) {
  %n = onnx.None
  // expected-error @+2 {{zero_points has 16 elements, expected 2, got 'tensor<2x1x8xui8>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %b, %n, %n {K = 16 : i64, N = 2 : i64, block_size = 16 : i64} : (tensor<3x16xf32>, tensor<2x1x8xui8>, tensor<2x1xf32>, tensor<2x1x8xui8>, none, none) -> tensor<3x2xf32>
  return
}

// -----

func.func @groups_of_64_bits(%a: tensor<3x16xf32>, %b: tensor<2x1x8xui8>, %s: tensor<2x1xf32>, %i: tensor<16xi64>) {
  %n = onnx.None
  // expected-error @+2 {{g_idx has element type 'i64', which the operator does not take}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %n, %i, %n {K = 16 : i64, N = 2 : i64, block_size = 16 : i64} : (tensor<3x16xf32>, tensor<2x1x8xui8>, tensor<2x1xf32>, none, tensor<16xi64>, none) -> tensor<3x2xf32>
  return
}

// -----

func.func @bias_of_other_length(%a: tensor<3x16xf32>, %b: tensor<2x1x8xui8>, %s: tensor<2x1xf32>, %c: tensor<3xf32>) {
  %n = onnx.None
  // expected-error @+2 {{the number of elements of bias is 3 but the number of columns is 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %n, %n, %c {K = 16 : i64, N = 2 : i64, block_size = 16 : i64} : (tensor<3x16xf32>, tensor<2x1x8xui8>, tensor<2x1xf32>, none, none, tensor<3xf32>) -> tensor<3x2xf32>
  return
}

// -----

func.func @product_of_doubles(%b: tensor<2x1x8xui8>, %s: tensor<2x1xf32>, %d: tensor<2x16xf64>) {
  %n = onnx.None
  // expected-error @+2 {{A has element type 'f64', which the operator does not take}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.MatMulNBits %d, %b, %s, %n, %n, %n {K = 16 : i64, N = 2 : i64, block_size = 16 : i64} : (tensor<2x16xf64>, tensor<2x1x8xui8>, tensor<2x1xf32>, none, none, none) -> tensor<3x2xf32>
  return
}

// -----

func.func @rows_of_nbits(%a: tensor<3x15xf32>, %b: tensor<2x1x8xui8>, %s: tensor<2x1xf32>) {
  %n = onnx.None
  // expected-error @+2 {{the number of columns of A is 15 but the number of rows of B is 16}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.MatMulNBits %a, %b, %s, %n, %n, %n {K = 16 : i64, N = 2 : i64, block_size = 16 : i64} : (tensor<3x15xf32>, tensor<2x1x8xui8>, tensor<2x1xf32>, none, none, none) -> tensor<3x2xf32>
  return
}

// -----

func.func @no_batch(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) {
  // expected-error @+2 {{A has no batch dimension, got 'tensor<2x3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.FusedMatMul %a, %b {transBatchA = 1 : i64} : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @fused_product_of_two_types(%a: tensor<2x3xf32>, %h: tensor<3x4xf16>) {
  // expected-error @+2 {{A and B must have the same element type, got 'f32' and 'f16'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.FusedMatMul %a, %h : (tensor<2x3xf32>, tensor<3x4xf16>) -> tensor<2x4xf32>
  return
}

// -----

func.func @sum_of_other_shape(%x: tensor<1x2x4x4xf32>, %w: tensor<3x2x1x1xf32>) {
  %n = onnx.None
  // expected-error @+2 {{Z must have the shape of the result, got 'tensor<1x2x4x4xf32>' and 'tensor<1x3x4x4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.com.microsoft.FusedConv %x, %w, %n, %x : (tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32>, none, tensor<1x2x4x4xf32>) -> tensor<1x3x4x4xf32>
  return
}

// -----

func.func @skip_of_other_shape(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>, %v: tensor<3xf32>) {
  %n = onnx.None
  // expected-error @+2 {{'tensor<3x4xf32>' does not broadcast to 'tensor<2x3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:4 = onnx.com.microsoft.SkipLayerNormalization %a, %b, %v, %n, %n : (tensor<2x3xf32>, tensor<3x4xf32>, tensor<3xf32>, none, none) -> (tensor<2x3xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x3xf32>)
  return
}

// -----

func.func @gamma_of_other_length(%a: tensor<2x3xf32>, %g: tensor<4xf32>) {
  %n = onnx.None
  // expected-error @+2 {{the number of elements of gamma is 4 but the number of columns is 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:4 = onnx.com.microsoft.SkipLayerNormalization %a, %a, %g, %n, %n : (tensor<2x3xf32>, tensor<2x3xf32>, tensor<4xf32>, none, none) -> (tensor<2x3xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x3xf32>)
  return
}

// -----

func.func @gamma_of_other_type(%a: tensor<2x3xf32>, %h: tensor<3x4xf16>) {
  %n = onnx.None
  // expected-error @+2 {{input and gamma must have the same element type, got 'f32' and 'f16'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:4 = onnx.com.microsoft.SkipLayerNormalization %a, %a, %h, %n, %n : (tensor<2x3xf32>, tensor<2x3xf32>, tensor<3x4xf16>, none, none) -> (tensor<2x3xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x3xf32>)
  return
}

// -----

func.func @normalization_of_a_vector(%v: tensor<3xf32>) {
  %n = onnx.None
  // expected-error @+2 {{input must have at least 2 dimensions, got 'tensor<3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:4 = onnx.com.microsoft.SkipLayerNormalization %v, %v, %v, %n, %n : (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, none, none) -> (tensor<2x3xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<2x3xf32>)
  return
}
