// RUN: ingot-opt %s --ingot-select-quantized=remarks=true --split-input-file --verify-diagnostics

// What each op that is not computed on integers says.

func.func @conv_of_floats(%x: tensor<1x2x5x5xf32>, %q: tensor<1x2x5x5xui8>, %s: tensor<f32>) -> (tensor<1x4x5x5xf32>, tensor<1x4x5x5xf32>) {
  %n = onnx.None
  %one = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %w = onnx.Constant {value = dense<1> : tensor<4x2x1x1xi8>} : tensor<4x2x1x1xi8>
  %fw = onnx.DequantizeLinear %w, %one, %n : (tensor<4x2x1x1xi8>, tensor<f32>, none) -> tensor<4x2x1x1xf32>
  %fx = onnx.DequantizeLinear %q, %s, %n : (tensor<1x2x5x5xui8>, tensor<f32>, none) -> tensor<1x2x5x5xf32>
  // expected-remark @below {{quantization: stays in float: its input has not one constant scale and zero point of 8-bit integers}}
  %0 = onnx.Conv %fx, %fw, %n : (tensor<1x2x5x5xf32>, tensor<4x2x1x1xf32>, none) -> tensor<1x4x5x5xf32>
  // Without quantized activations there is nothing to explain.
  %1 = onnx.Conv %x, %fw, %n : (tensor<1x2x5x5xf32>, tensor<4x2x1x1xf32>, none) -> tensor<1x4x5x5xf32>
  return %0, %1 : tensor<1x4x5x5xf32>, tensor<1x4x5x5xf32>
}

// -----

func.func @weights(%q: tensor<1x2x5x5xui8>, %rw: tensor<4x2x1x1xi8>, %fw: tensor<4x2x1x1xf32>, %rs: tensor<f32>) -> (tensor<1x4x5x5xf32>, tensor<1x4x5x5xf32>, tensor<1x4x5x5xf32>, tensor<1x4x5x5xf32>, tensor<1x4x5x5xf32>) {
  %n = onnx.None
  %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %s2 = onnx.Constant {value = dense<[0.5, 0.25]> : tensor<2xf32>} : tensor<2xf32>
  %w = onnx.Constant {value = dense<1> : tensor<4x2x1x1xi8>} : tensor<4x2x1x1xi8>
  %w16 = onnx.Constant {value = dense<1> : tensor<4x2x1x1xi16>} : tensor<4x2x1x1xi16>
  %x = onnx.DequantizeLinear %q, %s, %n : (tensor<1x2x5x5xui8>, tensor<f32>, none) -> tensor<1x2x5x5xf32>
  // expected-remark @below {{stays in float: weights are not quantized}}
  %0 = onnx.Conv %x, %fw, %n : (tensor<1x2x5x5xf32>, tensor<4x2x1x1xf32>, none) -> tensor<1x4x5x5xf32>
  %d1 = onnx.DequantizeLinear %rw, %s, %n : (tensor<4x2x1x1xi8>, tensor<f32>, none) -> tensor<4x2x1x1xf32>
  // expected-remark @below {{stays in float: weights are not constant}}
  %1 = onnx.Conv %x, %d1, %n : (tensor<1x2x5x5xf32>, tensor<4x2x1x1xf32>, none) -> tensor<1x4x5x5xf32>
  %d2 = onnx.DequantizeLinear %w, %s2, %n {axis = 1 : i64} : (tensor<4x2x1x1xi8>, tensor<2xf32>, none) -> tensor<4x2x1x1xf32>
  // expected-remark @below {{stays in float: scales of weights run along another axis than the result's channels}}
  %2 = onnx.Conv %x, %d2, %n : (tensor<1x2x5x5xf32>, tensor<4x2x1x1xf32>, none) -> tensor<1x4x5x5xf32>
  %d3 = onnx.DequantizeLinear %w16, %s, %n : (tensor<4x2x1x1xi16>, tensor<f32>, none) -> tensor<4x2x1x1xf32>
  // expected-remark @below {{stays in float: weights are no 8-bit integers}}
  %3 = onnx.Conv %x, %d3, %n : (tensor<1x2x5x5xf32>, tensor<4x2x1x1xf32>, none) -> tensor<1x4x5x5xf32>
  %d4 = onnx.DequantizeLinear %w, %rs, %n : (tensor<4x2x1x1xi8>, tensor<f32>, none) -> tensor<4x2x1x1xf32>
  // expected-remark @below {{stays in float: scales of weights are not positive constants, one for all or one per channel of the result}}
  %4 = onnx.Conv %x, %d4, %n : (tensor<1x2x5x5xf32>, tensor<4x2x1x1xf32>, none) -> tensor<1x4x5x5xf32>
  return %0, %1, %2, %3, %4 : tensor<1x4x5x5xf32>, tensor<1x4x5x5xf32>, tensor<1x4x5x5xf32>, tensor<1x4x5x5xf32>, tensor<1x4x5x5xf32>
}

// -----

func.func @blocks(%q: tensor<3x8xui8>) -> tensor<3x4xf32> {
  %n = onnx.None
  %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %sb = onnx.Constant {value = dense<0.5> : tensor<2x4xf32>} : tensor<2x4xf32>
  %w = onnx.Constant {value = dense<1> : tensor<8x4xi8>} : tensor<8x4xi8>
  %x = onnx.DequantizeLinear %q, %s, %n : (tensor<3x8xui8>, tensor<f32>, none) -> tensor<3x8xf32>
  %d = onnx.DequantizeLinear %w, %sb, %n {axis = 0 : i64, block_size = 4 : i64} : (tensor<8x4xi8>, tensor<2x4xf32>, none) -> tensor<8x4xf32>
  // expected-remark @below {{stays in float: weights are quantized in blocks or to another type than f32}}
  %0 = onnx.MatMul %x, %d : (tensor<3x8xf32>, tensor<8x4xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// -----

func.func @conv_forms(%q4: tensor<1x2x3x3x3x3xui8>, %q: tensor<1x?x5x5xui8, #onnx.dims<[1, "C", 5, 5]>>, %p: tensor<1x2x5x5xui8>, %b: tensor<4xf32>) -> (tensor<1x4x3x3x3x3xf32>, tensor<1x4x5x5xf32>, tensor<1x4x5x5xf32>) {
  %n = onnx.None
  %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %w4 = onnx.Constant {value = dense<1> : tensor<4x2x1x1x1x1xi8>} : tensor<4x2x1x1x1x1xi8>
  %w = onnx.Constant {value = dense<1> : tensor<4x2x1x1xi8>} : tensor<4x2x1x1xi8>
  %d4 = onnx.DequantizeLinear %w4, %s, %n : (tensor<4x2x1x1x1x1xi8>, tensor<f32>, none) -> tensor<4x2x1x1x1x1xf32>
  %d = onnx.DequantizeLinear %w, %s, %n : (tensor<4x2x1x1xi8>, tensor<f32>, none) -> tensor<4x2x1x1xf32>
  %x4 = onnx.DequantizeLinear %q4, %s, %n : (tensor<1x2x3x3x3x3xui8>, tensor<f32>, none) -> tensor<1x2x3x3x3x3xf32>
  // expected-remark @below {{stays in float: more than 3 spatial dimensions}}
  %0 = onnx.Conv %x4, %d4, %n : (tensor<1x2x3x3x3x3xf32>, tensor<4x2x1x1x1x1xf32>, none) -> tensor<1x4x3x3x3x3xf32>
  %x = onnx.DequantizeLinear %q, %s, %n : (tensor<1x?x5x5xui8, #onnx.dims<[1, "C", 5, 5]>>, tensor<f32>, none) -> tensor<1x?x5x5xf32, #onnx.dims<[1, "C", 5, 5]>>
  // expected-remark @below {{stays in float: channels or pads are symbolic}}
  %1 = onnx.Conv %x, %d, %n : (tensor<1x?x5x5xf32, #onnx.dims<[1, "C", 5, 5]>>, tensor<4x2x1x1xf32>, none) -> tensor<1x4x5x5xf32>
  %y = onnx.DequantizeLinear %p, %s, %n : (tensor<1x2x5x5xui8>, tensor<f32>, none) -> tensor<1x2x5x5xf32>
  // expected-remark @below {{stays in float: the bias is not constant}}
  %2 = onnx.Conv %y, %d, %b : (tensor<1x2x5x5xf32>, tensor<4x2x1x1xf32>, tensor<4xf32>) -> tensor<1x4x5x5xf32>
  return %0, %1, %2 : tensor<1x4x3x3x3x3xf32>, tensor<1x4x5x5xf32>, tensor<1x4x5x5xf32>
}

// -----

func.func @products(%qv: tensor<8xui8>, %q: tensor<3x8xui8>, %f: tensor<8x4xf32>, %qs: tensor<3x8xi16>, %qt: tensor<4x8xui8>, %c: tensor<8x3xui8>) -> (tensor<4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) {
  %n = onnx.None
  %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %w = onnx.Constant {value = dense<1> : tensor<8x4xi8>} : tensor<8x4xi8>
  %d = onnx.DequantizeLinear %w, %s, %n : (tensor<8x4xi8>, tensor<f32>, none) -> tensor<8x4xf32>
  %v = onnx.DequantizeLinear %qv, %s, %n : (tensor<8xui8>, tensor<f32>, none) -> tensor<8xf32>
  // expected-remark @below {{stays in float: an operand is a vector or has no rank}}
  %0 = onnx.MatMul %v, %d : (tensor<8xf32>, tensor<8x4xf32>) -> tensor<4xf32>
  %x = onnx.DequantizeLinear %q, %s, %n : (tensor<3x8xui8>, tensor<f32>, none) -> tensor<3x8xf32>
  // expected-remark @below {{stays in float: the right matrix is not quantized}}
  %1 = onnx.MatMul %x, %f : (tensor<3x8xf32>, tensor<8x4xf32>) -> tensor<3x4xf32>
  %xs = onnx.DequantizeLinear %qs, %s, %n : (tensor<3x8xi16>, tensor<f32>, none) -> tensor<3x8xf32>
  // expected-remark @below {{stays in float: the left matrix has not one constant scale and zero point of 8-bit integers}}
  %2 = onnx.MatMul %xs, %d : (tensor<3x8xf32>, tensor<8x4xf32>) -> tensor<3x4xf32>
  %t = onnx.DequantizeLinear %qt, %s, %n : (tensor<4x8xui8>, tensor<f32>, none) -> tensor<4x8xf32>
  // expected-remark @below {{stays in float: the right matrix is transposed and not constant}}
  %3 = onnx.Gemm %x, %t, %n {transB = 1 : i64} : (tensor<3x8xf32>, tensor<4x8xf32>, none) -> tensor<3x4xf32>
  %xc = onnx.DequantizeLinear %c, %s, %n : (tensor<8x3xui8>, tensor<f32>, none) -> tensor<8x3xf32>
  // expected-remark @below {{matrix product of 8-bit integers}}
  %4 = onnx.Gemm %xc, %d, %n {transA = 1 : i64} : (tensor<8x3xf32>, tensor<8x4xf32>, none) -> tensor<3x4xf32>
  return %0, %1, %2, %3, %4 : tensor<4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>
}

// -----

func.func @products_of_computed(%q: tensor<3x?xui8, #onnx.dims<[3, "K"]>>, %r: tensor<?x4xui8, #onnx.dims<["K", 4]>>, %a: tensor<3x8xui8>, %b: tensor<8x4xui8>, %s4: tensor<4xf32>) -> (tensor<3x4xf32>, tensor<3x4xf32>) {
  %n = onnx.None
  %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %x = onnx.DequantizeLinear %q, %s, %n : (tensor<3x?xui8, #onnx.dims<[3, "K"]>>, tensor<f32>, none) -> tensor<3x?xf32, #onnx.dims<[3, "K"]>>
  %y = onnx.DequantizeLinear %r, %s, %n : (tensor<?x4xui8, #onnx.dims<["K", 4]>>, tensor<f32>, none) -> tensor<?x4xf32, #onnx.dims<["K", 4]>>
  // expected-remark @below {{stays in float: inner or last size is symbolic}}
  %0 = onnx.MatMul %x, %y : (tensor<3x?xf32, #onnx.dims<[3, "K"]>>, tensor<?x4xf32, #onnx.dims<["K", 4]>>) -> tensor<3x4xf32>
  %v = onnx.DequantizeLinear %a, %s, %n : (tensor<3x8xui8>, tensor<f32>, none) -> tensor<3x8xf32>
  %w = onnx.DequantizeLinear %b, %s4, %n {axis = 1 : i64} : (tensor<8x4xui8>, tensor<4xf32>, none) -> tensor<8x4xf32>
  // expected-remark @below {{stays in float: the right matrix has not one constant scale and zero point of 8-bit integers}}
  %1 = onnx.MatMul %v, %w : (tensor<3x8xf32>, tensor<8x4xf32>) -> tensor<3x4xf32>
  return %0, %1 : tensor<3x4xf32>, tensor<3x4xf32>
}

// -----

func.func @integer_ops(%a: tensor<3x8xui8>, %b: tensor<8x4xi8>, %za: tensor<*xui8>, %x: tensor<1x2x5x5xui8>, %s: tensor<f32>, %z: tensor<ui8>) -> (tensor<3x4xi32>, tensor<1x4x5x5xui8>) {
  %n = onnx.None
  // expected-remark @below {{computed by generic loops: a zero point has no rank}}
  %0 = onnx.MatMulInteger %a, %b, %za, %n : (tensor<3x8xui8>, tensor<8x4xi8>, tensor<*xui8>, none) -> tensor<3x4xi32>
  %w = onnx.Constant {value = dense<1> : tensor<4x2x1x1xui8>} : tensor<4x2x1x1xui8>
  // expected-remark @below {{computed by generic loops: scales or zero points are not constant}}
  %1 = onnx.QLinearConv %x, %s, %z, %w, %s, %z, %s, %z, %n : (tensor<1x2x5x5xui8>, tensor<f32>, tensor<ui8>, tensor<4x2x1x1xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>, none) -> tensor<1x4x5x5xui8>
  return %0, %1 : tensor<3x4xi32>, tensor<1x4x5x5xui8>
}

// -----

func.func @unranked(%x: tensor<1x2x5x5xui8>, %u: tensor<*xui8>) -> (tensor<1x4x5x5xi32>, tensor<*xi32>) {
  %n = onnx.None
  %w = onnx.Constant {value = dense<1> : tensor<4x2x1x1xui8>} : tensor<4x2x1x1xui8>
  // expected-remark @below {{computed by generic loops: the zero point of the input is not one number}}
  %0 = onnx.ConvInteger %x, %w, %u, %n : (tensor<1x2x5x5xui8>, tensor<4x2x1x1xui8>, tensor<*xui8>, none) -> tensor<1x4x5x5xi32>
  // expected-remark @below {{computed by generic loops: its input has no rank}}
  %1 = onnx.ConvInteger %u, %w, %n, %n : (tensor<*xui8>, tensor<4x2x1x1xui8>, none, none) -> tensor<*xi32>
  return %0, %1 : tensor<1x4x5x5xi32>, tensor<*xi32>
}

// -----

func.func @elementwise(%q: tensor<2x8xui8>, %r: tensor<2x8xui8>, %rs: tensor<f32>) -> (tensor<2x8xui8>, tensor<2x8xui8>, tensor<2x8xui8>) {
  %n = onnx.None
  %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %z = onnx.Constant {value = dense<3> : tensor<ui8>} : tensor<ui8>
  %x = onnx.DequantizeLinear %q, %s, %n : (tensor<2x8xui8>, tensor<f32>, none) -> tensor<2x8xf32>
  %y = onnx.DequantizeLinear %r, %rs, %n : (tensor<2x8xui8>, tensor<f32>, none) -> tensor<2x8xf32>
  // expected-remark @below {{quantization: stays in float: there is no integer form of Softmax with these operands}}
  %0 = onnx.Softmax %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %a = onnx.QuantizeLinear %0, %s, %z : (tensor<2x8xf32>, tensor<f32>, tensor<ui8>) -> tensor<2x8xui8>
  // expected-remark @below {{stays in float: an operand has not one constant scale and zero point of 8 or 16 bits}}
  %1 = onnx.Add %x, %y : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %b = onnx.QuantizeLinear %1, %s, %z : (tensor<2x8xf32>, tensor<f32>, tensor<ui8>) -> tensor<2x8xui8>
  // expected-remark @below {{stays in float: the result has not one constant scale and zero point of 8 or 16 bits}}
  %2 = onnx.Tanh %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %c = onnx.QuantizeLinear %2, %rs, %z : (tensor<2x8xf32>, tensor<f32>, tensor<ui8>) -> tensor<2x8xui8>
  return %a, %b, %c : tensor<2x8xui8>, tensor<2x8xui8>, tensor<2x8xui8>
}

// -----

func.func @integers(%q: tensor<1x8x5x5xui8>) -> tensor<1x4x5x5xf32> {
  %n = onnx.None
  %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %w = onnx.Constant {value = dense<1> : tensor<4x8x1x1xi8>} : tensor<4x8x1x1xi8>
  %x = onnx.DequantizeLinear %q, %s, %n : (tensor<1x8x5x5xui8>, tensor<f32>, none) -> tensor<1x8x5x5xf32>
  %d = onnx.DequantizeLinear %w, %s, %n : (tensor<4x8x1x1xi8>, tensor<f32>, none) -> tensor<4x8x1x1xf32>
  // expected-remark @below {{quantization: convolution of 8-bit integers}}
  %0 = onnx.Conv %x, %d, %n : (tensor<1x8x5x5xf32>, tensor<4x8x1x1xf32>, none) -> tensor<1x4x5x5xf32>
  return %0 : tensor<1x4x5x5xf32>
}
