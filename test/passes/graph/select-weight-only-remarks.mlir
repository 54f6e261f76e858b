// RUN: ingot-opt %s --ingot-select-heavy=remarks=true --split-input-file -verify-diagnostics -o /dev/null

func.func @taken(%a: tensor<2x4xf32>, %s: tensor<3xf32>) -> tensor<2x3xf32> {
  %none = onnx.None
  %w = onnx.Constant {value = dense<1> : tensor<4x3xi4>} : tensor<4x3xi4>
  %c = onnx.Constant {value = dense<0.5> : tensor<3xf32>} : tensor<3xf32>
  %0 = onnx.DequantizeLinear %w, %c, %none : (tensor<4x3xi4>, tensor<3xf32>, none) -> tensor<4x3xf32>
  // expected-remark @+1 {{kernel: matrix product emitter that dequantizes 4-bit weights in registers}}
  %1 = onnx.MatMul %a, %0 : (tensor<2x4xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// -----

func.func @scales_known_at_run_time_only(%a: tensor<2x4xf32>, %s: tensor<3xf32>) -> tensor<2x3xf32> {
  %none = onnx.None
  %w = onnx.Constant {value = dense<1> : tensor<4x3xi4>} : tensor<4x3xi4>
  %0 = onnx.DequantizeLinear %w, %s, %none : (tensor<4x3xi4>, tensor<3xf32>, none) -> tensor<4x3xf32>
  // expected-remark @+2 {{kernel: quantized weights are dequantized at run time, not in the product: their scales or zero points are not constant}}
  // expected-remark @+1 {{kernel: matrix product emitter}}
  %1 = onnx.MatMul %a, %0 : (tensor<2x4xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// -----

func.func @scales_along_the_inner_dimension(%a: tensor<2x4xf32>) -> tensor<2x3xf32> {
  %none = onnx.None
  %w = onnx.Constant {value = dense<1> : tensor<4x3xi4>} : tensor<4x3xi4>
  %s = onnx.Constant {value = dense<0.5> : tensor<4xf32>} : tensor<4xf32>
  %0 = onnx.DequantizeLinear %w, %s, %none {axis = 0 : i64} : (tensor<4x3xi4>, tensor<4xf32>, none) -> tensor<4x3xf32>
  // expected-remark @+2 {{each element of the inner dimension has a scale}}
  // expected-remark @+1 {{kernel: matrix product emitter}}
  %1 = onnx.MatMul %a, %0 : (tensor<2x4xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// -----

func.func @blocks_of_columns(%a: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %none = onnx.None
  %w = onnx.Constant {value = dense<1> : tensor<4x4xi4>} : tensor<4x4xi4>
  %s = onnx.Constant {value = dense<0.5> : tensor<4x2xf32>} : tensor<4x2xf32>
  %0 = onnx.DequantizeLinear %w, %s, %none {axis = 1 : i64, block_size = 2 : i64} : (tensor<4x4xi4>, tensor<4x2xf32>, none) -> tensor<4x4xf32>
  // expected-remark @+2 {{columns share scales in blocks}}
  // expected-remark @+1 {{kernel: matrix product emitter}}
  %1 = onnx.MatMul %a, %0 : (tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// -----

func.func @weights_of_16_bits(%a: tensor<2x4xf32>) -> tensor<2x3xf32> {
  %none = onnx.None
  %w = onnx.Constant {value = dense<1> : tensor<4x3xi16>} : tensor<4x3xi16>
  %s = onnx.Constant {value = dense<0.5> : tensor<3xf32>} : tensor<3xf32>
  %0 = onnx.DequantizeLinear %w, %s, %none : (tensor<4x3xi16>, tensor<3xf32>, none) -> tensor<4x3xf32>
  // expected-remark @+2 {{they are not integers of 2, 4 or 8 bits}}
  // expected-remark @+1 {{kernel: matrix product emitter}}
  %1 = onnx.MatMul %a, %0 : (tensor<2x4xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// -----

func.func @stacked_weights(%a: tensor<5x2x4xf32>) -> tensor<5x2x3xf32> {
  %none = onnx.None
  %w = onnx.Constant {value = dense<1> : tensor<5x4x3xi4>} : tensor<5x4x3xi4>
  %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %0 = onnx.DequantizeLinear %w, %s, %none : (tensor<5x4x3xi4>, tensor<f32>, none) -> tensor<5x4x3xf32>
  // expected-remark @+2 {{they are not one matrix}}
  // expected-remark @+1 {{kernel: matrix product emitter}}
  %1 = onnx.MatMul %a, %0 : (tensor<5x2x4xf32>, tensor<5x4x3xf32>) -> tensor<5x2x3xf32>
  return %1 : tensor<5x2x3xf32>
}

// -----

func.func @double_precision(%a: tensor<2x4xf64>) -> tensor<2x3xf64> {
  %none = onnx.None
  %w = onnx.Constant {value = dense<1> : tensor<4x3xi4>} : tensor<4x3xi4>
  %s = onnx.Constant {value = dense<0.5> : tensor<3xf64>} : tensor<3xf64>
  %0 = onnx.DequantizeLinear %w, %s, %none : (tensor<4x3xi4>, tensor<3xf64>, none) -> tensor<4x3xf64>
  // expected-remark @+2 {{their scales are neither in single nor in half precision}}
  // expected-remark @+1 {{kernel: matrix product emitter}}
  %1 = onnx.MatMul %a, %0 : (tensor<2x4xf64>, tensor<4x3xf64>) -> tensor<2x3xf64>
  return %1 : tensor<2x3xf64>
}
