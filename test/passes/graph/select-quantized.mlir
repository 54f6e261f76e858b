// RUN: ingot-opt %s --ingot-select-quantized --split-input-file | FileCheck %s

// The bias is part of the sum; the end of the convolution changes the scale by
// fused multiply-adds. Relu is no work: 0 is the least number of the result.
// CHECK-LABEL: @convolution
// CHECK-DAG: %[[ADD:.*]] = arith.constant 10 : i32
// CHECK: onnx.Transpose %arg0 {perm = array<i64: 0, 2, 3, 1>}
// CHECK: ingot.conv {{.*}}pad_value = 3 : i64{{.*}} -> tensor<1x5x5x4xi32>
// CHECK: linalg.generic
// CHECK: arith.sitofp {{.*}} : i32 to f32
// CHECK: math.fma
// CHECK: math.fma
// CHECK: arith.bitcast {{.*}} : f32 to i32
// CHECK: arith.trunci {{.*}} : i32 to i8
// CHECK: onnx.Transpose {{.*}} {perm = array<i64: 0, 3, 1, 2>}
// CHECK-NOT: onnx.Relu
// CHECK-NOT: QuantizeLinear
func.func @convolution(%x: tensor<1x2x5x5xui8>) -> tensor<1x4x5x5xui8> {
  %s = onnx.Constant {value = dense<0.3> : tensor<f32>} : tensor<f32>
  %one = onnx.Constant {value = dense<1.0> : tensor<f32>} : tensor<f32>
  %z = onnx.Constant {value = dense<3> : tensor<ui8>} : tensor<ui8>
  %zero = onnx.Constant {value = dense<0> : tensor<ui8>} : tensor<ui8>
  %n = onnx.None
  %w = onnx.Constant {value = dense<1> : tensor<4x2x1x1xi8>} : tensor<4x2x1x1xi8>
  %b = onnx.Constant {value = dense<16> : tensor<4xi32>} : tensor<4xi32>
  %fx = onnx.DequantizeLinear %x, %s, %z : (tensor<1x2x5x5xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2x5x5xf32>
  %fw = onnx.DequantizeLinear %w, %one, %n : (tensor<4x2x1x1xi8>, tensor<f32>, none) -> tensor<4x2x1x1xf32>
  %fb = onnx.DequantizeLinear %b, %s, %n : (tensor<4xi32>, tensor<f32>, none) -> tensor<4xf32>
  %0 = onnx.Conv %fx, %fw, %fb : (tensor<1x2x5x5xf32>, tensor<4x2x1x1xf32>, tensor<4xf32>) -> tensor<1x4x5x5xf32>
  %1 = onnx.Relu %0 : (tensor<1x4x5x5xf32>) -> tensor<1x4x5x5xf32>
  %y = onnx.QuantizeLinear %1, %one, %zero : (tensor<1x4x5x5xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x4x5x5xui8>
  return %y : tensor<1x4x5x5xui8>
}

// -----

// A limit that is not the type's narrows it.
// CHECK-LABEL: @limits
// CHECK-DAG: arith.constant 5 : i32
// CHECK-DAG: arith.constant 9 : i32
// CHECK: arith.maxsi
// CHECK: arith.minsi
// CHECK-NOT: onnx.Clip
func.func @limits(%x: tensor<2x4xui8>, %y: tensor<2x4xui8>) -> tensor<2x4xi8> {
  %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %z = onnx.Constant {value = dense<5> : tensor<i8>} : tensor<i8>
  %low = onnx.Constant {value = dense<0.0> : tensor<f32>} : tensor<f32>
  %high = onnx.Constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %n = onnx.None
  %a = onnx.DequantizeLinear %x, %s, %n : (tensor<2x4xui8>, tensor<f32>, none) -> tensor<2x4xf32>
  %b = onnx.DequantizeLinear %y, %s, %n : (tensor<2x4xui8>, tensor<f32>, none) -> tensor<2x4xf32>
  %0 = onnx.Add %a, %b : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = onnx.Clip %0, %low, %high : (tensor<2x4xf32>, tensor<f32>, tensor<f32>) -> tensor<2x4xf32>
  %2 = onnx.QuantizeLinear %1, %s, %z : (tensor<2x4xf32>, tensor<f32>, tensor<i8>) -> tensor<2x4xi8>
  return %2 : tensor<2x4xi8>
}

// -----

// What moves or compares elements works on the integers.
// CHECK-LABEL: @movement
// CHECK: %[[P:[^,]*]], {{.*}} = onnx.MaxPool %arg0 {{.*}} : (tensor<1x2x4x4xui8>) -> (tensor<1x2x2x2xui8>
// CHECK: %[[T:.*]] = onnx.Transpose %[[P]]
// CHECK: return %[[T]]
func.func @movement(%x: tensor<1x2x4x4xui8>) -> tensor<1x2x2x2xui8> {
  %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %z = onnx.Constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %a = onnx.DequantizeLinear %x, %s, %z : (tensor<1x2x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2x4x4xf32>
  %0, %i = onnx.MaxPool %a {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> (tensor<1x2x2x2xf32>, tensor<1x2x2x2xi64>)
  %1 = onnx.Transpose %0 {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %2 = onnx.QuantizeLinear %1, %s, %z : (tensor<1x2x2x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x2x2x2xui8>
  return %2 : tensor<1x2x2x2xui8>
}

// -----

// A function of one tensor, rounded in between, is one table.
// CHECK-LABEL: @table
// CHECK: onnx.Constant {value = dense<{{.*}}> : tensor<256xi32>}
// CHECK: linalg.generic {{.*}} ins(%arg0 : tensor<8xui8>)
// CHECK: tensor.extract
// CHECK-NOT: onnx.Sigmoid
// CHECK-NOT: onnx.Mul
func.func @table(%x: tensor<8xui8>) -> tensor<8xui8> {
  %s = onnx.Constant {value = dense<0.1> : tensor<f32>} : tensor<f32>
  %z = onnx.Constant {value = dense<120> : tensor<ui8>} : tensor<ui8>
  %sp = onnx.Constant {value = dense<0.00390625> : tensor<f32>} : tensor<f32>
  %n = onnx.None
  %a = onnx.DequantizeLinear %x, %s, %z : (tensor<8xui8>, tensor<f32>, tensor<ui8>) -> tensor<8xf32>
  %0 = onnx.Sigmoid %a : (tensor<8xf32>) -> tensor<8xf32>
  %q = onnx.QuantizeLinear %0, %sp, %n : (tensor<8xf32>, tensor<f32>, none) -> tensor<8xui8>
  %b = onnx.DequantizeLinear %q, %sp, %n : (tensor<8xui8>, tensor<f32>, none) -> tensor<8xf32>
  %1 = onnx.Mul %a, %b : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %y = onnx.QuantizeLinear %1, %s, %z : (tensor<8xf32>, tensor<f32>, tensor<ui8>) -> tensor<8xui8>
  return %y : tensor<8xui8>
}

// -----

// Pieces with other scales are changed before they are joined.
// CHECK-LABEL: @join
// CHECK: %[[P:.*]] = linalg.generic {{.*}} ins(%arg1 : tensor<2x3xi8>)
// CHECK: onnx.Concat %arg0, %[[P]] {{.*}} -> tensor<2x5xui8>
func.func @join(%x: tensor<2x2xui8>, %y: tensor<2x3xi8>) -> tensor<2x5xui8> {
  %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %t = onnx.Constant {value = dense<0.7> : tensor<f32>} : tensor<f32>
  %n = onnx.None
  %a = onnx.DequantizeLinear %x, %s, %n : (tensor<2x2xui8>, tensor<f32>, none) -> tensor<2x2xf32>
  %b = onnx.DequantizeLinear %y, %t, %n : (tensor<2x3xi8>, tensor<f32>, none) -> tensor<2x3xf32>
  %0 = onnx.Concat %a, %b {axis = 1 : i64} : (tensor<2x2xf32>, tensor<2x3xf32>) -> tensor<2x5xf32>
  %1 = onnx.QuantizeLinear %0, %s, %n : (tensor<2x5xf32>, tensor<f32>, none) -> tensor<2x5xui8>
  return %1 : tensor<2x5xui8>
}

// -----

// A zero point that comes at run time pads the image, and is taken off by the
// sums of the weights.
// CHECK-LABEL: @run_time_zero_point
// CHECK: onnx.Pad %arg0, {{.*}} -> tensor<1x1x5x5xui8>
// CHECK: ingot.conv {{.*}}pads_begin = array<i64: 0, 0>
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %arg1
// CHECK: arith.muli
func.func @run_time_zero_point(%x: tensor<1x1x3x3xui8>, %z: tensor<ui8>) -> tensor<1x2x3x3xi32> {
  %w = onnx.Constant {value = dense<1> : tensor<2x1x3x3xi8>} : tensor<2x1x3x3xi8>
  %n = onnx.None
  %0 = onnx.ConvInteger %x, %w, %z, %n {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x1x3x3xui8>, tensor<2x1x3x3xi8>, tensor<ui8>, none) -> tensor<1x2x3x3xi32>
  return %0 : tensor<1x2x3x3xi32>
}

// -----

// Two computed matrices: sums of rows and columns take the zero points off.
// CHECK-LABEL: @computed_matrices
// CHECK: arith.xori
// CHECK: ingot.matmul {{.*}} : (tensor<2x3x8xui8>, tensor<2x8x4xi8>) -> tensor<2x3x4xi32>
// CHECK: linalg.generic {{.*}}"reduction"
// CHECK: linalg.generic {{.*}}"reduction"
// CHECK: math.fma
func.func @computed_matrices(%x: tensor<2x3x8xui8>, %y: tensor<2x8x4xui8>) -> tensor<2x3x4xui8> {
  %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %z = onnx.Constant {value = dense<100> : tensor<ui8>} : tensor<ui8>
  %0 = onnx.QLinearMatMul %x, %s, %z, %y, %s, %z, %s, %z : (tensor<2x3x8xui8>, tensor<f32>, tensor<ui8>, tensor<2x8x4xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> tensor<2x3x4xui8>
  return %0 : tensor<2x3x4xui8>
}

// -----

// Signed bytes become unsigned ones, where nobody else sees them, for a machine
// that multiplies unsigned by signed bytes.
module attributes {ingot.machine = #kernel.machine<target = "t", triple = "t", tune = "t", features = "", vectorBits = 512, vectorRegisters = 32, masks = true, laneBroadcast = false, l1 = 32768, l2 = 1048576, dot = vnni>} {
// CHECK-LABEL: @signs
// CHECK: onnx.QuantizeLinear {{.*}} -> tensor<2x4xui8>
// CHECK-NOT: arith.xori
// CHECK: ingot.matmul
func.func @signs(%x: tensor<2x4xf32>) -> tensor<2x3xf32> {
  %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %z = onnx.Constant {value = dense<-3> : tensor<i8>} : tensor<i8>
  %n = onnx.None
  %w = onnx.Constant {value = dense<1> : tensor<4x3xi8>} : tensor<4x3xi8>
  %q = onnx.QuantizeLinear %x, %s, %z : (tensor<2x4xf32>, tensor<f32>, tensor<i8>) -> tensor<2x4xi8>
  %a = onnx.DequantizeLinear %q, %s, %z : (tensor<2x4xi8>, tensor<f32>, tensor<i8>) -> tensor<2x4xf32>
  %b = onnx.DequantizeLinear %w, %s, %n : (tensor<4x3xi8>, tensor<f32>, none) -> tensor<4x3xf32>
  %0 = onnx.MatMul %a, %b : (tensor<2x4xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
}

// -----

// Means are sums of integers; windows of even size are convolutions with ones.
// CHECK-LABEL: @means
// CHECK: linalg.generic {{.*}}"reduction"
// CHECK: ingot.conv {{.*}}group = 2
// CHECK-NOT: AveragePool
func.func @means(%x: tensor<1x2x4x4xui8>) -> (tensor<1x2x1x1xui8>, tensor<1x2x2x2xui8>) {
  %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %z = onnx.Constant {value = dense<7> : tensor<ui8>} : tensor<ui8>
  %a = onnx.DequantizeLinear %x, %s, %z : (tensor<1x2x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2x4x4xf32>
  %0 = onnx.GlobalAveragePool %a : (tensor<1x2x4x4xf32>) -> tensor<1x2x1x1xf32>
  %1 = onnx.QuantizeLinear %0, %s, %z : (tensor<1x2x1x1xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x2x1x1xui8>
  %2 = onnx.AveragePool %a {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %3 = onnx.QuantizeLinear %2, %s, %z : (tensor<1x2x2x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x2x2x2xui8>
  return %1, %3 : tensor<1x2x1x1xui8>, tensor<1x2x2x2xui8>
}
