// RUN: ingot-opt %s --split-input-file --verify-diagnostics

func.func @axis_out_of_range(%x: tensor<2x3xf32>) {
  %axes = onnx.Constant {value = dense<[2]> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+2 {{axis 2 is out of range for rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ReduceSum %x, %axes : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @axis_far_out_of_range(%x: tensor<2x3xf32>) {
  %axes = onnx.Constant {value = dense<[-9223372036854775808]> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+2 {{axis -9223372036854775808 is out of range for rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ReduceSum %x, %axes : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @axis_given_twice(%x: tensor<2x3xf32>) {
  %axes = onnx.Constant {value = dense<[1, -1]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{axis 1 is given twice}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ReduceSum %x, %axes : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @axes_are_floats(%x: tensor<2x3xf32>, %axes: tensor<1xf32>) {
  // expected-error @+2 {{axes are 'tensor<1xf32>', no vector of i64}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ReduceSum %x, %axes : (tensor<2x3xf32>, tensor<1xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @axes_are_a_scalar(%x: tensor<2x3xf32>, %axes: tensor<i64>) {
  // expected-error @+2 {{axes are 'tensor<i64>', no vector of i64}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ReduceSum %x, %axes : (tensor<2x3xf32>, tensor<i64>) -> tensor<*xf32>
  return
}

// -----

func.func @sum_of_bools(%x: tensor<2x3xi1>) {
  %none = onnx.None
  // expected-error @+1 {{must be tensor of 16 to 64-bit floats or 8 to 64-bit integers}}
  %0 = onnx.ReduceSum %x, %none : (tensor<2x3xi1>, none) -> tensor<*xi1>
  return
}

// -----

func.func @arg_axis_out_of_range(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{axis -3 is out of range for rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ArgMax %x {axis = -3 : i64} : (tensor<2x3xf32>) -> tensor<*xi64>
  return
}

// -----

func.func @argument_of_nothing(%x: tensor<2x0xf32>) {
  // expected-error @+2 {{axis 1 of 'tensor<2x0xf32>' has no element}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.ArgMin %x {axis = 1 : i64} : (tensor<2x0xf32>) -> tensor<*xi64>
  return
}

// -----

func.func @scan_axis_out_of_range(%x: tensor<2x3xf32>) {
  %axes = onnx.Constant {value = dense<[5]> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+2 {{axis 5 is out of range for rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.CumSum %x, %axes : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @scan_along_several_axes(%x: tensor<2x3xf32>, %axes: tensor<2xi64>) {
  // expected-error @+2 {{axis is 'tensor<2xi64>', no scalar}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.CumProd %x, %axes : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}
