// RUN: ingot-opt %s --ingot-fold-constants --split-input-file | FileCheck %s

// CHECK-LABEL: @chain
// CHECK: %[[C:.*]] = onnx.Constant {value = dense<[0.000000e+00, 6.000000e+00]> : tensor<2xf32>}
// CHECK-NEXT: return %[[C]]
func.func @chain() -> tensor<2xf32> {
  %0 = onnx.Constant {value = dense<[-1.0, 2.0]> : tensor<2xf32>} : tensor<2xf32>
  %1 = onnx.Constant {value = dense<3.0> : tensor<f32>} : tensor<f32>
  %2 = onnx.Mul %0, %1 : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %3 = onnx.Relu %2 : (tensor<2xf32>) -> tensor<2xf32>
  return %3 : tensor<2xf32>
}

// -----

// Sums of half precision are rounded from single precision.
// CHECK-LABEL: @half
// CHECK: value = dense<[2.048000e+03, 2.998050e-01]> : tensor<2xf16>
func.func @half() -> tensor<2xf16> {
  %0 = onnx.Constant {value = dense<[2048.0, 0.1]> : tensor<2xf16>} : tensor<2xf16>
  %1 = onnx.Constant {value = dense<[1.0, 0.2]> : tensor<2xf16>} : tensor<2xf16>
  %2 = onnx.Add %0, %1 : (tensor<2xf16>, tensor<2xf16>) -> tensor<2xf16>
  return %2 : tensor<2xf16>
}

// -----

// CHECK-LABEL: @integers_wrap
// CHECK: value = dense<[1, 255]> : tensor<2xui8>
func.func @integers_wrap() -> tensor<2xui8> {
  %0 = onnx.Constant {value = dense<[2, 0]> : tensor<2xui8>} : tensor<2xui8>
  %1 = onnx.Constant {value = dense<[255, 255]> : tensor<2xui8>} : tensor<2xui8>
  %2 = onnx.Add %0, %1 : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xui8>
  return %2 : tensor<2xui8>
}

// -----

// 4 TB as a number.
// CHECK-LABEL: @splats_stay_splats
// CHECK: value = dense<5.000000e+00> : tensor<1048576x1048576xf32>
func.func @splats_stay_splats() -> tensor<1048576x1048576xf32> {
  %0 = onnx.Constant {value = dense<2.0> : tensor<1048576x1xf32>} : tensor<1048576x1xf32>
  %1 = onnx.Constant {value = dense<3.0> : tensor<1x1048576xf32>} : tensor<1x1048576xf32>
  %2 = onnx.Add %0, %1 : (tensor<1048576x1xf32>, tensor<1x1048576xf32>) -> tensor<1048576x1048576xf32>
  return %2 : tensor<1048576x1048576xf32>
}

// -----

// CHECK-LABEL: @resources
// CHECK: value = dense<[2.000000e+00, 4.000000e+00]> : tensor<2xf32>
func.func @resources() -> tensor<2xf32> {
  %0 = onnx.Constant {value = dense_resource<w> : tensor<2xf32>} : tensor<2xf32>
  %1 = onnx.Add %0, %0 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}
{-#
  dialect_resources: { builtin: { w: "0x040000000000803F00000040" } }
#-}

// -----

// The reason that the code generator's exp may differ from a library's.
// CHECK-LABEL: @last_bit_up_to_code_generator
// CHECK: onnx.Exp
func.func @last_bit_up_to_code_generator() -> tensor<2xf32> {
  %0 = onnx.Constant {value = dense<[1.0, 2.0]> : tensor<2xf32>} : tensor<2xf32>
  %1 = onnx.Exp %0 : (tensor<2xf32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}
