// RUN: ingot-opt %s --ingot-lower-onnx --split-input-file | FileCheck %s

// CHECK-LABEL: @broadcasts_bias
// CHECK: linalg.generic
// CHECK-SAME: ins(%{{.*}}, %{{.*}} : tensor<?x4xf32, #onnx.dims<["N", 4]>>, tensor<4xf32>)
// CHECK: arith.addf
// CHECK: arith.maximumf
func.func @broadcasts_bias(%x: tensor<?x4xf32, #onnx.dims<["N", 4]>>, %b: tensor<4xf32>)
    -> tensor<?x4xf32, #onnx.dims<["N", 4]>> {
  %0 = onnx.Add %x, %b : (tensor<?x4xf32, #onnx.dims<["N", 4]>>, tensor<4xf32>) -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %1 = onnx.Relu %0 : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  return %1 : tensor<?x4xf32, #onnx.dims<["N", 4]>>
}

// -----

// CHECK-LABEL: @half_computes_in_single
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: math.exp %{{.*}} : f32
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @half_computes_in_single(%x: tensor<4xf16>) -> tensor<4xf16> {
  %0 = onnx.Exp %x : (tensor<4xf16>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}
