// RUN: ingot-opt %s --split-input-file --verify-diagnostics

func.func @two_minus_ones(%x: tensor<2x3xf32>) {
  %s = onnx.Constant {value = dense<-1> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{shape has -1 at 0 and at 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Reshape %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return
}

// -----

func.func @zero_copies_nothing(%x: tensor<6xf32>) {
  %s = onnx.Constant {value = dense<[6, 0]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{shape has 0 at 1, but the operand's rank is 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Reshape %x, %s : (tensor<6xf32>, tensor<2xi64>) -> tensor<6x1xf32>
  return
}

// -----

func.func @negative_size(%x: tensor<6xf32>) {
  %s = onnx.Constant {value = dense<-2> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+2 {{shape has the negative size -2 at 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Reshape %x, %s : (tensor<6xf32>, tensor<1xi64>) -> tensor<6xf32>
  return
}

// -----

func.func @zero_and_minus_one(%x: tensor<6xf32>) {
  %s = onnx.Constant {value = dense<[0, -1]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{shape has both 0 and -1 with allowzero set}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Reshape %x, %s {allowzero = 1 : i64} : (tensor<6xf32>, tensor<2xi64>) -> tensor<6x1xf32>
  return
}

// -----

func.func @count_differs(%x: tensor<2x3xf32>) {
  %s = onnx.Constant {value = dense<[2, 4]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{cannot reshape [2x3] to [2x4]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Reshape %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @does_not_divide(%x: tensor<2x3xf32>) {
  %s = onnx.Constant {value = dense<[-1, 4]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{cannot reshape [2x3] to [-1x4]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Reshape %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @declared_count_differs(%x: tensor<2x3xf32>, %s: tensor<2xi64>) {
  // expected-error @+1 {{cannot reshape 6 elements to 'tensor<2x4xf32>'}}
  %0 = onnx.Reshape %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x4xf32>
  return
}

// -----

func.func @shape_is_no_list(%x: tensor<6xf32>, %s: tensor<1x1xi64>) {
  // expected-error @+2 {{shape must be a list, but has type 'tensor<1x1xi64>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Reshape %x, %s : (tensor<6xf32>, tensor<1x1xi64>) -> tensor<6xf32>
  return
}

// -----

func.func @squeezes_no_one(%x: tensor<2x3xf32>) {
  %a = onnx.Constant {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
  // expected-error @+2 {{cannot squeeze axis 1 of size 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Squeeze %x, %a : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @axis_given_twice(%x: tensor<2x3xf32>) {
  %a = onnx.Constant {value = dense<[0, -4]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{axis 0 is given twice}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Unsqueeze %x, %a : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<1x1x2x3xf32>
  return
}

// -----

func.func @flatten_past_the_end(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{axis 3 is out of range for rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Flatten %x {axis = 3 : i64} : (tensor<2x3xf32>) -> tensor<6x1xf32>
  return
}

// -----

func.func @expand_does_not_broadcast(%x: tensor<2x3xf32>) {
  %s = onnx.Constant {value = dense<[2, 4]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{cannot expand 'tensor<2x3xf32>' to 'tensor<2x4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Expand %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x4xf32>
  return
}

// -----

func.func @expand_to_negative(%x: tensor<2x3xf32>) {
  %s = onnx.Constant {value = dense<[2, -3]> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+2 {{shape has the negative size -3 at 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Expand %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return
}
