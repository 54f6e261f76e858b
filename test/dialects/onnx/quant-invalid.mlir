// RUN: ingot-opt %s --split-input-file --verify-diagnostics

func.func @scale_of_wrong_size(%x: tensor<2x3xf32>, %s: tensor<2xf32>) {
  %none = onnx.None
  // expected-error @+2 {{the number of elements of y_scale is 2 but the size of the axis is 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.QuantizeLinear %x, %s, %none : (tensor<2x3xf32>, tensor<2xf32>, none) -> tensor<2x3xui8>
  return
}

// -----

func.func @axis_out_of_range(%x: tensor<2x3xf32>, %s: tensor<2xf32>) {
  %none = onnx.None
  // expected-error @+2 {{axis 2 is out of range for rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.QuantizeLinear %x, %s, %none {axis = 2 : i64} : (tensor<2x3xf32>, tensor<2xf32>, none) -> tensor<2x3xui8>
  return
}

// -----

func.func @zero_scale(%x: tensor<2x3xf32>) {
  %none = onnx.None
  %s = onnx.Constant {value = dense<0.0> : tensor<f32>} : tensor<f32>
  // expected-error @+2 {{y_scale is 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.QuantizeLinear %x, %s, %none : (tensor<2x3xf32>, tensor<f32>, none) -> tensor<2x3xui8>
  return
}

// -----

func.func @negative_block(%x: tensor<2x3xf32>, %s: tensor<2x3xf32>) {
  %none = onnx.None
  // expected-error @+2 {{block_size -2 is negative}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.QuantizeLinear %x, %s, %none {block_size = -2 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>, none) -> tensor<2x3xui8>
  return
}

// -----

func.func @wrong_number_of_blocks(%x: tensor<2x5xf32>, %s: tensor<2x2xf32>) {
  %none = onnx.None
  // expected-error @+2 {{axis 1 of y_scale is 2 but the number of blocks is 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.QuantizeLinear %x, %s, %none {block_size = 2 : i64} : (tensor<2x5xf32>, tensor<2x2xf32>, none) -> tensor<2x5xui8>
  return
}

// -----

func.func @blocks_of_lower_rank(%x: tensor<2x5xf32>, %s: tensor<3xf32>) {
  %none = onnx.None
  // expected-error @+2 {{y_scale must have rank 2 with block_size, got 'tensor<3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.QuantizeLinear %x, %s, %none {block_size = 2 : i64} : (tensor<2x5xf32>, tensor<3xf32>, none) -> tensor<2x5xui8>
  return
}

// -----

func.func @scale_of_too_many_dimensions(%x: tensor<2x5xf32>, %s: tensor<1x5xf32>) {
  %none = onnx.None
  // expected-error @+2 {{y_scale must have at most 1 dimension without block_size, got 'tensor<1x5xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.QuantizeLinear %x, %s, %none : (tensor<2x5xf32>, tensor<1x5xf32>, none) -> tensor<2x5xui8>
  return
}

// -----

func.func @zero_point_of_other_shape(%x: tensor<2x3xf32>, %s: tensor<3xf32>, %z: tensor<ui8>) {
  // expected-error @+2 {{zero point and scale must have the same shape, got 'tensor<ui8>' and 'tensor<3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.QuantizeLinear %x, %s, %z : (tensor<2x3xf32>, tensor<3xf32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @two_result_types(%x: tensor<2x3xf32>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @+2 {{output_dtype is 'i8' but y_zero_point has element type 'ui8'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.QuantizeLinear %x, %s, %z {output_dtype = 3 : i64} : (tensor<2x3xf32>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  return
}

// -----

func.func @unknown_result_type(%x: tensor<2x3xf32>, %s: tensor<f32>) {
  %none = onnx.None
  // expected-error @+2 {{output_dtype 99 is not a type the operator takes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.QuantizeLinear %x, %s, %none {output_dtype = 99 : i64} : (tensor<2x3xf32>, tensor<f32>, none) -> tensor<2x3xui8>
  return
}

// -----

func.func @quantizes_to_float(%x: tensor<2x3xf32>, %s: tensor<f32>) {
  %none = onnx.None
  // expected-error @+2 {{cannot quantize to 'f32'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.QuantizeLinear %x, %s, %none {output_dtype = 1 : i64} : (tensor<2x3xf32>, tensor<f32>, none) -> tensor<2x3xf32>
  return
}

// -----

func.func @dequantizes_to_integer(%x: tensor<2x3xui8>, %s: tensor<f32>) {
  %none = onnx.None
  // expected-error @+2 {{result would have element type 'i32'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.DequantizeLinear %x, %s, %none {output_dtype = 6 : i64} : (tensor<2x3xui8>, tensor<f32>, none) -> tensor<2x3xi32>
  return
}

// -----

func.func @zero_point_of_other_type(%x: tensor<2x3xui8>, %s: tensor<f32>, %z: tensor<i8>) {
  // expected-error @+2 {{x and x_zero_point must have the same element type, got 'ui8' and 'i8'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.DequantizeLinear %x, %s, %z : (tensor<2x3xui8>, tensor<f32>, tensor<i8>) -> tensor<2x3xf32>
  return
}
