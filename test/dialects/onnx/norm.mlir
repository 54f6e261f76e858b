// RUN: ingot-opt %s --ingot-infer-shapes | FileCheck %s
// RUN: ingot-opt %s | ingot-opt | FileCheck %s --check-prefix=ROUND

// CHECK-LABEL: @along_an_axis
// ROUND-LABEL: @along_an_axis
// ROUND: onnx.Softmax %{{.*}} {axis = 1 : i64}
func.func @along_an_axis(%x: tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>) {
  // CHECK: onnx.Softmax {{.*}} -> tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>
  %0 = onnx.Softmax %x {axis = 1 : i64} : (tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>) -> tensor<*xf32>
  // CHECK: onnx.LogSoftmax {{.*}} -> tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>
  %1 = onnx.LogSoftmax %x : (tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Hardmax {{.*}} -> tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>
  %2 = onnx.Hardmax %x : (tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>) -> tensor<*xf32>
  // CHECK: onnx.LpNormalization {{.*}} -> tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>
  %3 = onnx.LpNormalization %x : (tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>) -> tensor<*xf32>
  // CHECK: onnx.MeanVarianceNormalization {{.*}} -> tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>
  %4 = onnx.MeanVarianceNormalization %x {axes = array<i64: 0, 2>} : (tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>) -> tensor<*xf32>
  // CHECK: onnx.LRN {{.*}} -> tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>
  %5 = onnx.LRN %x {size = 3 : i64} : (tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: @per_channel
func.func @per_channel(%x: tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>, %c: tensor<6xf32>) {
  // CHECK: onnx.BatchNormalization {{.*}} -> (tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>, tensor<6xf32>, tensor<6xf32>)
  %0:3 = onnx.BatchNormalization %x, %c, %c, %c, %c : (tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>) -> (tensor<*xf32>, tensor<*xf32>, tensor<*xf32>)
  // CHECK: onnx.InstanceNormalization {{.*}} -> tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>
  %1 = onnx.InstanceNormalization %x, %c, %c : (tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>, tensor<6xf32>, tensor<6xf32>) -> tensor<*xf32>
  // CHECK: onnx.GroupNormalization {{.*}} -> tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>
  %2 = onnx.GroupNormalization %x, %c, %c {num_groups = 3 : i64} : (tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>, tensor<6xf32>, tensor<6xf32>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: @layers_give_statistics
// CHECK: onnx.LayerNormalization {{.*}} -> (tensor<?x6x4xf16, #onnx.dims<["N", 6, 4]>>, tensor<?x1x1xf32, #onnx.dims<["N", 1, 1]>>, tensor<?x1x1xf32, #onnx.dims<["N", 1, 1]>>)
// CHECK: onnx.RMSNormalization {{.*}} -> tensor<?x6x4xf16, #onnx.dims<["N", 6, 4]>>
func.func @layers_give_statistics(%x: tensor<?x6x4xf16, #onnx.dims<["N", 6, 4]>>, %s: tensor<6x4xf16>) {
  %none = onnx.None
  %0:3 = onnx.LayerNormalization %x, %s, %none {axis = 1 : i64} : (tensor<?x6x4xf16, #onnx.dims<["N", 6, 4]>>, tensor<6x4xf16>, none) -> (tensor<*xf16>, tensor<*xf32>, tensor<*xf32>)
  %1 = onnx.RMSNormalization %x, %s {axis = 1 : i64} : (tensor<?x6x4xf16, #onnx.dims<["N", 6, 4]>>, tensor<6x4xf16>) -> tensor<*xf16>
  return
}

// CHECK-LABEL: @losses_are_scalars_or_samples
// CHECK: onnx.NegativeLogLikelihoodLoss {{.*}} -> tensor<f32>
// CHECK: onnx.NegativeLogLikelihoodLoss {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
// CHECK: onnx.SoftmaxCrossEntropyLoss {{.*}} -> (tensor<f32>, tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>)
func.func @losses_are_scalars_or_samples(%x: tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>, %t: tensor<?x4xi64, #onnx.dims<["N", 4]>>, %w: tensor<6xf32>) {
  %none = onnx.None
  %0 = onnx.NegativeLogLikelihoodLoss %x, %t, %w : (tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>, tensor<?x4xi64, #onnx.dims<["N", 4]>>, tensor<6xf32>) -> tensor<*xf32>
  %1 = onnx.NegativeLogLikelihoodLoss %x, %t, %none {reduction = "none"} : (tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>, tensor<?x4xi64, #onnx.dims<["N", 4]>>, none) -> tensor<*xf32>
  %2:2 = onnx.SoftmaxCrossEntropyLoss %x, %t, %none {reduction = "sum"} : (tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>, tensor<?x4xi64, #onnx.dims<["N", 4]>>, none) -> (tensor<*xf32>, tensor<*xf32>)
  return
}
