// RUN: ingot-opt %s --split-input-file -verify-diagnostics

func.func @unknown_kernel(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{launches 'nothing', which is no kernel}}
  %0 = kernel.launch @nothing(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

kernel.func @k(%x: tensor<4xf32>) -> tensor<4xf32> {
  kernel.yield %x : tensor<4xf32>
}
func.func @other_type(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @+1 {{has not the type of kernel 'k'}}
  %0 = kernel.launch @k(%x) : (tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// expected-error @+1 {{malformed dimension 'N +'}}
func.func @malformed_dimension(%x: tensor<?xf32, #onnx.dims<["N +"]>>) {
  return
}
