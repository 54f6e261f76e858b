// RUN: ingot-opt %s --split-input-file --verify-diagnostics

func.func @axis_out_of_range(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{axis 2 is out of range for rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Softmax %x {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @unknown_norm(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{p is 3, not 1 or 2}}
  %0 = onnx.LpNormalization %x {p = 3 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @scale_per_pixel(%x: tensor<2x3x4xf32>, %c: tensor<4xf32>) {
  // expected-error @+2 {{'tensor<4xf32>' has not one element for each of the 3 channels of 'tensor<2x3x4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.InstanceNormalization %x, %c, %c : (tensor<2x3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @scale_is_a_matrix(%x: tensor<2x3x4xf32>, %c: tensor<3x4xf32>) {
  // expected-error @+2 {{'tensor<3x4xf32>' is no vector of the channels of 'tensor<2x3x4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.InstanceNormalization %x, %c, %c : (tensor<2x3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @groups_do_not_divide(%x: tensor<2x3x4xf32>, %c: tensor<3xf32>) {
  // expected-error @+2 {{num_groups 2 does not divide the channels of 'tensor<2x3x4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.GroupNormalization %x, %c, %c {num_groups = 2 : i64} : (tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @no_groups(%x: tensor<2x3x4xf32>, %c: tensor<3xf32>) {
  // expected-error @+2 {{num_groups 0 does not divide the channels of 'tensor<2x3x4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.GroupNormalization %x, %c, %c {num_groups = 0 : i64} : (tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @groups_of_nothing(%x: tensor<3xf32>, %c: tensor<1xf32>) {
  // expected-error @+2 {{'tensor<3xf32>' has no channels}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.GroupNormalization %x, %c, %c {num_groups = 1 : i64} : (tensor<3xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @stash_in_integers(%x: tensor<2x3xf32>, %s: tensor<3xf32>) {
  // expected-error @+2 {{stash_type 7 is no type to compute in}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.RMSNormalization %x, %s {stash_type = 7 : i64} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @scale_does_not_broadcast(%x: tensor<2x3xf32>, %s: tensor<2xf32>) {
  // expected-error @+2 {{'tensor<2xf32>' does not broadcast to 'tensor<2x3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.RMSNormalization %x, %s : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @no_channels_around(%x: tensor<3xf32>) {
  // expected-error @+2 {{'tensor<3xf32>' has no channels}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.LRN %x {size = 3 : i64} : (tensor<3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @no_size(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{size 0 is not positive}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.LRN %x {size = 0 : i64} : (tensor<2x3xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @unknown_reduction(%x: tensor<2x3xf32>, %t: tensor<2xi64>) {
  %none = onnx.None
  // expected-error @+2 {{reduction is 'max', not 'none', 'sum' or 'mean'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.NegativeLogLikelihoodLoss %x, %t, %none {reduction = "max"} : (tensor<2x3xf32>, tensor<2xi64>, none) -> tensor<*xf32>
  return
}

// -----

func.func @classes_per_channel(%x: tensor<2x3xf32>, %t: tensor<3xi64>) {
  %none = onnx.None
  // expected-error @+2 {{'tensor<3xi64>' has not one class for each sample of 'tensor<2x3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.NegativeLogLikelihoodLoss %x, %t, %none : (tensor<2x3xf32>, tensor<3xi64>, none) -> tensor<*xf32>
  return
}
