// RUN: ingot-opt %s --split-input-file --verify-diagnostics

func.func @depths_differ(%a: tensor<3x4xf32>, %b: tensor<5x6xf32>) {
  // expected-error @+2 {{the number of columns of A is 4 but the number of rows of B is 5}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.MatMul %a, %b : (tensor<3x4xf32>, tensor<5x6xf32>) -> tensor<3x6xf32>
  return
}

// -----

func.func @batches_do_not_broadcast(%a: tensor<2x3x4xf32>, %b: tensor<3x4x6xf32>) {
  // expected-error @+2 {{batch dimensions do not broadcast: 'tensor<2x3x4xf32>' and 'tensor<3x4x6xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.MatMul %a, %b : (tensor<2x3x4xf32>, tensor<3x4x6xf32>) -> tensor<3x3x6xf32>
  return
}

// -----

func.func @scalar_factor(%a: tensor<f32>, %b: tensor<3x4x6xf32>) {
  // expected-error @+2 {{operands must not be scalars, got 'tensor<f32>' and 'tensor<3x4x6xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.MatMul %a, %b : (tensor<f32>, tensor<3x4x6xf32>) -> tensor<3x3x6xf32>
  return
}

// -----

func.func @types_differ(%a: tensor<3x4xf32>, %b: tensor<4x6xf16>) {
  // expected-error @+2 {{A and B must have the same element type, got 'f32' and 'f16'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.MatMul %a, %b : (tensor<3x4xf32>, tensor<4x6xf16>) -> tensor<3x6xf32>
  return
}

// -----

func.func @c_does_not_broadcast(%a: tensor<3x4xf32>, %b: tensor<4x6xf32>, %c: tensor<2x3x6xf32>) {
  // expected-error @+2 {{C does not broadcast to the result: 'tensor<2x3x6xf32>' and 'tensor<3x6xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Gemm %a, %b, %c : (tensor<3x4xf32>, tensor<4x6xf32>, tensor<2x3x6xf32>) -> tensor<3x6xf32>
  return
}

// -----

func.func @gemm_of_batches(%a: tensor<3x4x5xf32>, %b: tensor<4x6xf32>) {
  %none = onnx.None
  // expected-error @+2 {{A and B must have 2 dimensions, got 'tensor<3x4x5xf32>' and 'tensor<4x6xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Gemm %a, %b, %none : (tensor<3x4x5xf32>, tensor<4x6xf32>, none) -> tensor<3x6xf32>
  return
}

// -----

func.func @zero_point_of_wrong_size(%a: tensor<3x4xui8>, %b: tensor<4x5xi8>, %z: tensor<3xi8>) {
  %none = onnx.None
  // expected-error @+2 {{the number of elements of b_zero_point is 3 but the size it is given for is 5}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.MatMulInteger %a, %b, %none, %z : (tensor<3x4xui8>, tensor<4x5xi8>, none, tensor<3xi8>) -> tensor<3x5xi32>
  return
}

// -----

func.func @zero_point_does_not_broadcast(%a: tensor<3x4xui8>, %b: tensor<4x5xi8>, %z: tensor<1x2xi8>) {
  %none = onnx.None
  // expected-error @+2 {{b_zero_point must be a scalar, have 1 dimension or broadcast to the operand, got 'tensor<1x2xi8>' for 'tensor<4x5xi8>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.MatMulInteger %a, %b, %none, %z : (tensor<3x4xui8>, tensor<4x5xi8>, none, tensor<1x2xi8>) -> tensor<3x5xi32>
  return
}

// -----

func.func @einsum_with_digit(%a: tensor<3x4xf32>) {
  // expected-error @+2 {{equation has an unexpected '1'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Einsum %a {equation = "i1->i"} : (tensor<3x4xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @einsum_with_too_few_terms(%a: tensor<3x4xf32>) {
  // expected-error @+2 {{equation has 1 terms for 2 operands}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Einsum %a, %a {equation = "ij->i"} : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @einsum_of_wrong_rank(%a: tensor<3x4xf32>) {
  // expected-error @+2 {{equation has the term 'ijk' for an operand of rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Einsum %a {equation = "ijk->i"} : (tensor<3x4xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @einsum_with_two_ellipses(%a: tensor<3x4xf32>) {
  // expected-error @+2 {{equation has a term with two ellipses: '...i...'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Einsum %a {equation = "...i...->i"} : (tensor<3x4xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @einsum_with_unknown_result(%a: tensor<3x4xf32>) {
  // expected-error @+2 {{equation has 'k' in the result but in no operand}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Einsum %a {equation = "ij->k"} : (tensor<3x4xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @einsum_with_repeated_result(%a: tensor<3x4xf32>) {
  // expected-error @+2 {{equation repeats 'i' in the result}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Einsum %a {equation = "ij->ii"} : (tensor<3x4xf32>) -> tensor<3x3xf32>
  return
}

// -----

func.func @einsum_drops_ellipsis(%a: tensor<3x4xf32>) {
  // expected-error @+2 {{equation must have an ellipsis in the result exactly if an operand has one}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Einsum %a {equation = "...j->j"} : (tensor<3x4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @einsum_with_two_sizes(%a: tensor<3x4xf32>) {
  // expected-error @+2 {{equation gives one label the sizes 3 and 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Einsum %a {equation = "ii->i"} : (tensor<3x4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @det_of_rectangle(%a: tensor<3x4xf32>) {
  // expected-error @+2 {{the number of rows of X is 3 but the number of columns is 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Det %a : (tensor<3x4xf32>) -> tensor<f32>
  return
}

// -----

func.func @det_of_vector(%a: tensor<3xf32>) {
  // expected-error @+2 {{X must have at least 2 dimensions, got 'tensor<3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Det %a : (tensor<3xf32>) -> tensor<f32>
  return
}

// -----

func.func @einsum_of_nothing() {
  // expected-error @+2 {{needs at least one operand}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = "onnx.Einsum"() {equation = "->"} : () -> tensor<f32>
  return
}

// -----

func.func @einsum_without_equation(%a: tensor<3x4xf32>) {
  // expected-error @+1 {{requires attribute 'equation'}}
  %0 = onnx.Einsum %a : (tensor<3x4xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @einsum_with_a_long_equation(%a: tensor<3x4xf32>) {
  // expected-error @+2 {{equation is longer than 4096 characters}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = onnx.Einsum %a {equation = "ij->ij                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                "} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  return
}
