// RUN: ingot-opt %s --ingot-infer-shapes | FileCheck %s
// RUN: ingot-opt %s | ingot-opt | FileCheck %s --check-prefix=ROUND

// CHECK-LABEL: @activations_keep_shape
func.func @activations_keep_shape(%x: tensor<?x4xf32, #onnx.dims<["N", 4]>>) {
  // CHECK: onnx.Celu {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %0 = onnx.Celu %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Elu {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %1 = onnx.Elu %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Gelu {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %2 = onnx.Gelu %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.HardSigmoid {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %3 = onnx.HardSigmoid %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.HardSwish {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %4 = onnx.HardSwish %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.LeakyRelu {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %5 = onnx.LeakyRelu %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Mish {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %6 = onnx.Mish %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Relu {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %7 = onnx.Relu %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Selu {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %8 = onnx.Selu %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Shrink {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %9 = onnx.Shrink %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Sigmoid {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %10 = onnx.Sigmoid %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Softplus {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %11 = onnx.Softplus %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Softsign {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %12 = onnx.Softsign %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Swish {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %13 = onnx.Swish %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.ThresholdedRelu {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %14 = onnx.ThresholdedRelu %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: @slope_broadcasts
// CHECK: onnx.PRelu {{.*}} -> tensor<2x3x4xf32>
func.func @slope_broadcasts(%x: tensor<2x3x4xf32>, %slope: tensor<3x1xf32>) {
  %0 = onnx.PRelu %x, %slope : (tensor<2x3x4xf32>, tensor<3x1xf32>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: @dropout_has_a_mask
// CHECK: onnx.Dropout {{.*}} -> (tensor<?xf16, #onnx.dims<["N"]>>, tensor<?xi1, #onnx.dims<["N"]>>)
func.func @dropout_has_a_mask(%x: tensor<?xf16, #onnx.dims<["N"]>>) {
  %none = onnx.None
  %0:2 = onnx.Dropout %x, %none, %none : (tensor<?xf16, #onnx.dims<["N"]>>, none, none) -> (tensor<*xf16>, tensor<*xi1>)
  return
}

// ROUND-LABEL: @keeps_attributes
// ROUND: onnx.Selu %{{.*}} {alpha = 2.000000e+00 : f32}
// ROUND: onnx.Gelu %{{.*}} {approximate = "tanh"}
// ROUND: onnx.Shrink %{{.*}} {bias = 1.500000e+00 : f32, lambd = 2.000000e+00 : f32}
func.func @keeps_attributes(%x: tensor<4xf32>) {
  %0 = onnx.Selu %x {alpha = 2.0 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = onnx.Gelu %x {approximate = "tanh"} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = onnx.Shrink %x {bias = 1.5 : f32, lambd = 2.0 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  return
}
