// RUN: ingot-opt %s --split-input-file --verify-diagnostics

func.func @perm_repeats(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{perm is no permutation of 2 axes: it lists 1 twice}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Transpose %x {perm = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<3x3xf32>
  return
}

// -----

func.func @perm_is_short(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{perm has 1 entries for rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Transpose %x {perm = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @concat_of_other_sizes(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) {
  // expected-error @+2 {{sizes of dimension 1 differ: 3 and 4 (the axis is 0)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Concat %x, %y {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @concat_of_other_ranks(%x: tensor<2x3xf32>, %y: tensor<2xf32>) {
  // expected-error @+2 {{ranks differ: 2 and 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Concat %x, %y {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @concat_of_nothing() {
  // expected-error @+2 {{needs at least one input}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Concat {axis = 0 : i64} : () -> tensor<4x3xf32>
  return
}

// -----

func.func @step_zero(%x: tensor<4xf32>, %s: tensor<1xi64>) {
  %none = onnx.None
  %zero = onnx.Constant {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+2 {{step of axis 0 is 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Slice %x, %s, %s, %none, %zero : (tensor<4xf32>, tensor<1xi64>, tensor<1xi64>, none, tensor<1xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @ends_are_short(%x: tensor<4x4xf32>, %s: tensor<2xi64>, %e: tensor<1xi64>) {
  %none = onnx.None
  // expected-error @+2 {{ends has 1 elements, but starts has 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Slice %x, %s, %e, %none, %none : (tensor<4x4xf32>, tensor<2xi64>, tensor<1xi64>, none, none) -> tensor<2x2xf32>
  return
}

// -----

func.func @more_starts_than_axes(%x: tensor<4xf32>, %s: tensor<2xi64>) {
  %none = onnx.None
  // expected-error @+2 {{starts has 2 elements for rank 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Slice %x, %s, %s, %none, %none : (tensor<4xf32>, tensor<2xi64>, tensor<2xi64>, none, none) -> tensor<2xf32>
  return
}

// -----

func.func @split_sum_differs(%x: tensor<7xf32>) {
  %s = onnx.Constant {value = dense<3> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{split sizes add up to 6, but the dimension's size is 7}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = onnx.Split %x, %s : (tensor<7xf32>, tensor<2xi64>) -> (tensor<3xf32>, tensor<3xf32>)
  return
}

// -----

func.func @split_negative(%x: tensor<7xf32>) {
  %s = onnx.Constant {value = dense<[8, -1]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{split has the negative size -1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = onnx.Split %x, %s : (tensor<7xf32>, tensor<2xi64>) -> (tensor<3xf32>, tensor<3xf32>)
  return
}

// -----

func.func @split_count_differs(%x: tensor<7xf32>, %s: tensor<2xi64>) {
  // expected-error @+2 {{split has 2 elements for 3 outputs}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:3 = onnx.Split %x, %s {num_outputs = 3 : i64} : (tensor<7xf32>, tensor<2xi64>) -> (tensor<3xf32>, tensor<3xf32>, tensor<1xf32>)
  return
}

// -----

func.func @split_into_nothing(%x: tensor<7xf32>) {
  %none = onnx.None
  // expected-error @+2 {{cannot split into 0 outputs}}
  // expected-error @+1 {{failed to infer returned types}}
  onnx.Split %x, %none {num_outputs = 0 : i64} : (tensor<7xf32>, none) -> ()
  return
}

// -----

func.func @split_into_too_many(%x: tensor<2xf32>) {
  %none = onnx.None
  // expected-error @+2 {{cannot split a dimension of size 2 into 4 parts}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:4 = onnx.Split %x, %none {num_outputs = 4 : i64} : (tensor<2xf32>, none) -> (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>)
  return
}

// -----

func.func @split_without_count(%x: tensor<2xf32>) {
  %none = onnx.None
  // expected-error @+2 {{needs split or num_outputs}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = onnx.Split %x, %none : (tensor<2xf32>, none) -> (tensor<1xf32>, tensor<1xf32>)
  return
}

// -----

func.func @split_of_unknown_count(%x: tensor<2xf32>, %s: tensor<?xi64>) {
  // expected-error @+2 {{the number of outputs is not known}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = onnx.Split %x, %s : (tensor<2xf32>, tensor<?xi64>) -> (tensor<1xf32>, tensor<1xf32>)
  return
}

// -----

func.func @pad_mode(%x: tensor<2xf32>, %p: tensor<2xi64>) {
  %none = onnx.None
  // expected-error @+2 {{mode 'mirror' is none of constant, reflect, edge, wrap}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Pad %x, %p, %none, %none {mode = "mirror"} : (tensor<2xf32>, tensor<2xi64>, none, none) -> tensor<4xf32>
  return
}

// -----

func.func @pads_are_short(%x: tensor<2xf32>, %p: tensor<1xi64>) {
  %none = onnx.None
  // expected-error @+2 {{pads has 1 elements for 1 axes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Pad %x, %p, %none, %none : (tensor<2xf32>, tensor<1xi64>, none, none) -> tensor<4xf32>
  return
}

// -----

func.func @pads_remove_too_much(%x: tensor<2xf32>) {
  %none = onnx.None
  %p = onnx.Constant {value = dense<[-2, -1]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{pads -2 and -1 remove more than the size 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Pad %x, %p, %none, %none : (tensor<2xf32>, tensor<2xi64>, none, none) -> tensor<4xf32>
  return
}

// -----

func.func @pads_are_huge(%x: tensor<2xf32>) {
  %none = onnx.None
  %p = onnx.Constant {value = dense<[0, 35184372088832]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{cannot pad by 35184372088832}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Pad %x, %p, %none, %none : (tensor<2xf32>, tensor<2xi64>, none, none) -> tensor<4xf32>
  return
}

// -----

func.func @reflects_nothing(%x: tensor<0xf32>) {
  %none = onnx.None
  %p = onnx.Constant {value = dense<1> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{mode needs elements, but the size is 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Pad %x, %p, %none, %none {mode = "reflect"} : (tensor<0xf32>, tensor<2xi64>, none, none) -> tensor<2xf32>
  return
}

// -----

func.func @repeats_are_negative(%x: tensor<2xf32>) {
  %r = onnx.Constant {value = dense<-1> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+2 {{cannot repeat dimension 0 -1 times}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Tile %x, %r : (tensor<2xf32>, tensor<1xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @repeats_are_short(%x: tensor<2x2xf32>, %r: tensor<1xi64>) {
  // expected-error @+2 {{repeats has 1 elements for rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Tile %x, %r : (tensor<2x2xf32>, tensor<1xi64>) -> tensor<2x2xf32>
  return
}

// -----

func.func @result_is_huge(%x: tensor<1048576x1048576xf32>) {
  %r = onnx.Constant {value = dense<1048576> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{result would be too large: 'tensor<1099511627776x1099511627776xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Tile %x, %r : (tensor<1048576x1048576xf32>, tensor<2xi64>) -> tensor<2x2xf32>
  return
}

// -----

func.func @crop_shape_is_short(%x: tensor<2x2xf32>, %s: tensor<1xi64>) {
  // expected-error @+2 {{shape has 1 elements for 2 axes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.CenterCropPad %x, %s : (tensor<2x2xf32>, tensor<1xi64>) -> tensor<2x2xf32>
  return
}

// -----

func.func @crop_to_negative(%x: tensor<2xf32>) {
  %s = onnx.Constant {value = dense<-1> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+2 {{result would have the negative size -1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.CenterCropPad %x, %s : (tensor<2xf32>, tensor<1xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @blocksize_zero(%x: tensor<1x4x2x2xf32>) {
  // expected-error @+2 {{blocksize 0 is out of range}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.DepthToSpace %x {blocksize = 0 : i64} : (tensor<1x4x2x2xf32>) -> tensor<1x1x4x4xf32>
  return
}

// -----

func.func @too_few_channels(%x: tensor<1x3x2x2xf32>) {
  // expected-error @+2 {{number of channels 3 is no multiple of 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.DepthToSpace %x {blocksize = 2 : i64} : (tensor<1x3x2x2xf32>) -> tensor<1x1x4x4xf32>
  return
}

// -----

func.func @blocks_of_rank_3(%x: tensor<4x2x2xf32>) {
  // expected-error @+2 {{needs an operand of rank 4, not 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.SpaceToDepth %x {blocksize = 2 : i64} : (tensor<4x2x2xf32>) -> tensor<1x16x1x1xf32>
  return
}

// -----

func.func @batch_and_time_are_one(%x: tensor<2x2xf32>, %l: tensor<2xi64>) {
  // expected-error @+2 {{batch_axis 1 and time_axis 1 must be 0 and 1 or 1 and 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ReverseSequence %x, %l {time_axis = 1 : i64} : (tensor<2x2xf32>, tensor<2xi64>) -> tensor<2x2xf32>
  return
}

// -----

func.func @lengths_of_another_batch(%x: tensor<2x3xf32>, %l: tensor<2xi64>) {
  // expected-error @+2 {{sequence_lens has 2 elements for a batch of 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ReverseSequence %x, %l : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return
}

// -----

func.func @lengths_are_a_matrix(%x: tensor<2x2xf32>, %l: tensor<2x2xi64>) {
  // expected-error @+2 {{sequence_lens must have rank 1, not 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ReverseSequence %x, %l : (tensor<2x2xf32>, tensor<2x2xi64>) -> tensor<2x2xf32>
  return
}

// -----

func.func @triangle_of_a_list(%x: tensor<2xf32>) {
  %none = onnx.None
  // expected-error @+2 {{needs an operand of rank 2 or more, not 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Trilu %x, %none : (tensor<2xf32>, none) -> tensor<2xf32>
  return
}

// -----

func.func @two_diagonals(%x: tensor<2x2xf32>, %k: tensor<2xi64>) {
  // expected-error @+2 {{k must be one number, but has 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Trilu %x, %k : (tensor<2x2xf32>, tensor<2xi64>) -> tensor<2x2xf32>
  return
}

// -----

func.func @perm_of_65_axes(%x: tensor<*xf32>) {
  // expected-error @+2 {{rank 65 is over 64}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Transpose %x {perm = array<i64: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64>} : (tensor<*xf32>) -> tensor<*xf32>
  return
}
