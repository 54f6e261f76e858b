// RUN: ingot-opt %s --ingot-lower-onnx --split-input-file | FileCheck %s

// CHECK-LABEL: @softmax_subtracts_the_maximum
// CHECK: arith.maximumf
// CHECK: linalg.generic
// CHECK: arith.subf
// CHECK: math.exp
// CHECK: linalg.generic
// CHECK: arith.addf
// CHECK: linalg.generic
// CHECK: arith.divf
// CHECK: arith.mulf
func.func @softmax_subtracts_the_maximum(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = onnx.Softmax %x : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @log_softmax
// CHECK: math.exp
// CHECK: linalg.generic
// CHECK: math.log
func.func @log_softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = onnx.LogSoftmax %x : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @variance_is_of_differences_to_the_mean
// CHECK: linalg.generic
// CHECK: %[[SUM:.*]] = arith.addf
// CHECK: linalg.generic
// CHECK: %[[D:.*]] = arith.subf
// CHECK: arith.mulf %[[D]], %[[D]]
// CHECK: arith.addf
// CHECK: linalg.generic
// CHECK: math.sqrt
// CHECK: arith.truncf {{.*}} : f32 to f16
// CHECK-NOT: linalg.generic
func.func @variance_is_of_differences_to_the_mean(%x: tensor<2x4xf16>, %s: tensor<4xf16>, %b: tensor<4xf16>) -> tensor<2x4xf16> {
  %0:3 = onnx.LayerNormalization %x, %s, %b : (tensor<2x4xf16>, tensor<4xf16>, tensor<4xf16>) -> (tensor<2x4xf16>, tensor<2x1xf32>, tensor<2x1xf32>)
  return %0#0 : tensor<2x4xf16>
}

// -----

// CHECK-LABEL: @used_statistics_are_computed
// CHECK: kernel.view %{{.*}} : tensor<2xf32> to tensor<2x1xf32>
func.func @used_statistics_are_computed(%x: tensor<2x4xf32>, %s: tensor<4xf32>) -> tensor<2x1xf32> {
  %none = onnx.None
  %0:3 = onnx.LayerNormalization %x, %s, %none : (tensor<2x4xf32>, tensor<4xf32>, none) -> (tensor<2x4xf32>, tensor<2x1xf32>, tensor<2x1xf32>)
  return %0#2 : tensor<2x1xf32>
}

// -----

// CHECK-LABEL: @batch_norm_is_one_pass
// CHECK: linalg.generic
// CHECK: math.sqrt
// CHECK-NOT: linalg.generic
func.func @batch_norm_is_one_pass(%x: tensor<2x3x4xf32>, %c: tensor<3xf32>) -> tensor<2x3x4xf32> {
  %0:3 = onnx.BatchNormalization %x, %c, %c, %c, %c : (tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>)
  return %0#0 : tensor<2x3x4xf32>
}

// -----

// CHECK-LABEL: @groups_are_a_dimension
// CHECK: kernel.view %{{.*}} : tensor<2x6x5xf32> to tensor<2x3x2x5xf32>
// CHECK: kernel.view %{{.*}} : tensor<2x3x2x5xf32> to tensor<2x6x5xf32>
func.func @groups_are_a_dimension(%x: tensor<2x6x5xf32>, %c: tensor<6xf32>) -> tensor<2x6x5xf32> {
  %0 = onnx.GroupNormalization %x, %c, %c {num_groups = 3 : i64} : (tensor<2x6x5xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<2x6x5xf32>
  return %0 : tensor<2x6x5xf32>
}

// -----

// CHECK-LABEL: @neighbouring_channels_stay_in_bounds
// CHECK: arith.maxsi
// CHECK: arith.minsi
// CHECK: tensor.extract
// CHECK: linalg.generic
// CHECK: math.powf
func.func @neighbouring_channels_stay_in_bounds(%x: tensor<1x4x5xf32>) -> tensor<1x4x5xf32> {
  %0 = onnx.LRN %x {size = 3 : i64} : (tensor<1x4x5xf32>) -> tensor<1x4x5xf32>
  return %0 : tensor<1x4x5xf32>
}

// -----

// A class outside of the scores is a fault, unless it is the ignored one.
// CHECK-LABEL: @classes_are_checked
// CHECK: arith.minsi
// CHECK: kernel.fault {{.*}} {code = 1 : i64}
// CHECK: tensor.extract
func.func @classes_are_checked(%x: tensor<2x4xf32>, %t: tensor<2xi64>) -> tensor<f32> {
  %none = onnx.None
  %0 = onnx.NegativeLogLikelihoodLoss %x, %t, %none {ignore_index = -1 : i64} : (tensor<2x4xf32>, tensor<2xi64>, none) -> tensor<f32>
  return %0 : tensor<f32>
}
