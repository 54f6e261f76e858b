// RUN: ingot-opt %s --split-input-file --verify-diagnostics

func.func @gather_axis(%x: tensor<2x3xf32>, %i: tensor<i64>) {
  // expected-error @+2 {{axis 2 is out of range for rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Gather %x, %i {axis = 2 : i64} : (tensor<2x3xf32>, tensor<i64>) -> tensor<3xf32>
  return
}

// -----

func.func @gather_constant_outside(%x: tensor<2x3xf32>) {
  %i = onnx.Constant {value = dense<-3> : tensor<i64>} : tensor<i64>
  // expected-error @+2 {{index -3 is out of range for axis 0 of size 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Gather %x, %i : (tensor<2x3xf32>, tensor<i64>) -> tensor<3xf32>
  return
}

// -----

func.func @gather_by_floats(%x: tensor<2x3xf32>, %i: tensor<f32>) {
  // expected-error @+1 {{operand #1 must be tensor of int32 or int64, but got 'tensor<f32>'}}
  %0 = onnx.Gather %x, %i : (tensor<2x3xf32>, tensor<f32>) -> tensor<3xf32>
  return
}

// -----

func.func @other_rank(%x: tensor<2x3xf32>, %i: tensor<2xi64>) {
  // expected-error @+2 {{data has rank 2, but indices has rank 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.GatherElements %x, %i : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @larger_than_data(%x: tensor<2x3xf32>, %i: tensor<2x4xi64>) {
  // expected-error @+2 {{dimension 1 of indices has size 4, more than the data's 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.GatherElements %x, %i : (tensor<2x3xf32>, tensor<2x4xi64>) -> tensor<2x4xf32>
  return
}

// -----

func.func @batch_dims(%x: tensor<2x3xf32>, %i: tensor<2xi64>) {
  // expected-error @+2 {{batch_dims 1 is out of range for ranks 2 and 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.GatherND %x, %i {batch_dims = 1 : i64} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @batches_differ(%x: tensor<2x3xf32>, %i: tensor<4x1xi64>) {
  // expected-error @+2 {{batch dimension 0 has sizes 2 and 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.GatherND %x, %i {batch_dims = 1 : i64} : (tensor<2x3xf32>, tensor<4x1xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @long_tuples(%x: tensor<2x3xf32>, %i: tensor<4x3xi64>) {
  // expected-error @+2 {{index tuples have length 3, but must have 1 to 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.GatherND %x, %i : (tensor<2x3xf32>, tensor<4x3xi64>) -> tensor<4xf32>
  return
}

// -----

func.func @tuples_of_a_scalar(%x: tensor<2x3xf32>, %i: tensor<i64>, %u: tensor<f32>) {
  // expected-error @+2 {{indices must have rank 1 or more}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ScatterND %x, %i, %u : (tensor<2x3xf32>, tensor<i64>, tensor<f32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @no_such_reduction(%x: tensor<2xf32>, %i: tensor<1xi64>, %u: tensor<1xf32>) {
  // expected-error @+2 {{reduction 'sum' is none of none, add, mul, max, min}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ScatterElements %x, %i, %u {reduction = "sum"} : (tensor<2xf32>, tensor<1xi64>, tensor<1xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @updates_differ(%x: tensor<2xf32>, %i: tensor<1xi64>, %u: tensor<2xf32>) {
  // expected-error @+2 {{shapes of indices and updates differ: 'tensor<1xi64>' and 'tensor<2xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ScatterElements %x, %i, %u : (tensor<2xf32>, tensor<1xi64>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @slices_differ(%x: tensor<2x3xf32>, %i: tensor<4x1xi64>, %u: tensor<4x2xf32>) {
  // expected-error @+2 {{updates must have type 'tensor<4x3xf32>', not 'tensor<4x2xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ScatterND %x, %i, %u : (tensor<2x3xf32>, tensor<4x1xi64>, tensor<4x2xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @batch_is_no_sequence(%x: tensor<2x3xf32>, %u: tensor<2x3xf32>) {
  %none = onnx.None
  // expected-error @+2 {{axis 0 is the batch}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.TensorScatter %x, %u, %none : (tensor<2x3xf32>, tensor<2x3xf32>, none) -> tensor<2x3xf32>
  return
}

// -----

func.func @update_is_too_long(%x: tensor<2x3xf32>, %u: tensor<2x4xf32>) {
  %none = onnx.None
  // expected-error @+2 {{update of type 'tensor<2x4xf32>' does not fit into a cache of type 'tensor<2x3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.TensorScatter %x, %u, %none {axis = -1 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>, none) -> tensor<2x3xf32>
  return
}

// -----

func.func @one_place_per_entry(%x: tensor<2x3xf32>, %u: tensor<2x1xf32>, %w: tensor<3xi64>) {
  // expected-error @+2 {{write_indices must have an element for each entry of the batch, but has type 'tensor<3xi64>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.TensorScatter %x, %u, %w {axis = -1 : i64} : (tensor<2x3xf32>, tensor<2x1xf32>, tensor<3xi64>) -> tensor<2x3xf32>
  return
}
