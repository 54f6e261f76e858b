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

// -----

// CHECK-LABEL: @shapes
// CHECK-DAG: %[[S:.*]] = onnx.Constant {value = dense<[2, 3]> : tensor<2xi64>}
// CHECK-DAG: %[[N:.*]] = onnx.Constant {value = dense<6> : tensor<i64>}
// CHECK: return %[[S]], %[[N]]
func.func @shapes(%x: tensor<2x3xf32>) -> (tensor<2xi64>, tensor<i64>) {
  %0 = onnx.Shape %x : (tensor<2x3xf32>) -> tensor<2xi64>
  %1 = onnx.Size %x : (tensor<2x3xf32>) -> tensor<i64>
  return %0, %1 : tensor<2xi64>, tensor<i64>
}

// -----

// One size is known although the others are not.
// CHECK-LABEL: @known_part_of_a_shape
// CHECK: %[[C:.*]] = onnx.Constant {value = dense<12> : tensor<1xi64>}
// CHECK: return %[[C]]
func.func @known_part_of_a_shape(%x: tensor<?x3xf32, #onnx.dims<["N", 3]>>) -> tensor<1xi64> {
  %i = onnx.Constant {value = dense<[1]> : tensor<1xi64>} : tensor<1xi64>
  %four = onnx.Constant {value = dense<4> : tensor<i64>} : tensor<i64>
  %0 = onnx.Shape %x : (tensor<?x3xf32, #onnx.dims<["N", 3]>>) -> tensor<2xi64>
  %1 = onnx.Gather %0, %i : (tensor<2xi64>, tensor<1xi64>) -> tensor<1xi64>
  %2 = onnx.Mul %1, %four : (tensor<1xi64>, tensor<i64>) -> tensor<1xi64>
  return %2 : tensor<1xi64>
}

// -----

// CHECK-LABEL: @splats_of_any_shape
// CHECK: value = dense<7> : tensor<100000x300000xi32>
// CHECK-NOT: onnx.Reshape
func.func @splats_of_any_shape() -> tensor<100000x300000xi32> {
  %s = onnx.Constant {value = dense<[300000, 1, 100000]> : tensor<3xi64>} : tensor<3xi64>
  %t = onnx.Constant {value = dense<[300000, 100000]> : tensor<2xi64>} : tensor<2xi64>
  %0 = onnx.ConstantOfShape %s {value = dense<7> : tensor<1xi32>} : (tensor<3xi64>) -> tensor<300000x1x100000xi32>
  %1 = onnx.Reshape %0, %t : (tensor<300000x1x100000xi32>, tensor<2xi64>) -> tensor<300000x100000xi32>
  %2 = onnx.Transpose %1 : (tensor<300000x100000xi32>) -> tensor<100000x300000xi32>
  return %2 : tensor<100000x300000xi32>
}

// -----

// Sums are taken in double precision: 2^24 + 1 + 1 is not 2^24.
// CHECK-LABEL: @sums
// CHECK: value = dense<0x4B800001> : tensor<f32>
func.func @sums() -> tensor<f32> {
  %none = onnx.None
  %0 = onnx.Constant {value = dense<[16777216.0, 1.0, 1.0]> : tensor<3xf32>} : tensor<3xf32>
  %1 = onnx.ReduceSum %0, %none {keepdims = 0 : i64} : (tensor<3xf32>, none) -> tensor<f32>
  return %1 : tensor<f32>
}

// -----

// CHECK-LABEL: @loops
// CHECK: value = dense<[1, 3, 6, 10]> : tensor<4xi32>
func.func @loops() -> tensor<4xi32> {
  %axis = onnx.Constant {value = dense<0> : tensor<i64>} : tensor<i64>
  %0 = onnx.Constant {value = dense<[1, 2, 3, 4]> : tensor<4xi32>} : tensor<4xi32>
  %1 = onnx.CumSum %0, %axis : (tensor<4xi32>, tensor<i64>) -> tensor<4xi32>
  return %1 : tensor<4xi32>
}

// -----

// A fault is for run time.
// CHECK-LABEL: @faults
// CHECK: onnx.Div
func.func @faults() -> tensor<i32> {
  %0 = onnx.Constant {value = dense<1> : tensor<i32>} : tensor<i32>
  %1 = onnx.Constant {value = dense<0> : tensor<i32>} : tensor<i32>
  %2 = onnx.Div %0, %1 : (tensor<i32>, tensor<i32>) -> tensor<i32>
  return %2 : tensor<i32>
}
