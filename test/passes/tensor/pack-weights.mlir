// RUN: ingot-opt %s --ingot-pack-weights --split-input-file -verify-diagnostics | FileCheck %s

// CHECK-LABEL: @columns_in_panels
// Three columns in a panel of one vector of 16, the rest zeros.
// CHECK: ingot.matmul {{.*}}panel = 16 : i64{{.*}} (tensor<20x2xf32>, tensor<1x2x16xf32>)
module attributes {ingot.machine = #kernel.machine<target = "t", triple = "x86_64", tune = "", features = "", vectorBits = 512, vectorRegisters = 32, masks = true, laneBroadcast = false, l1 = 32768, l2 = 1048576>} {
func.func @columns_in_panels(%a: tensor<20x2xf32>) -> tensor<20x3xf32> {
  %b = onnx.Constant {value = dense<[[1., 2., 3.], [4., 5., 6.]]> : tensor<2x3xf32>} : tensor<2x3xf32>
  %0 = ingot.matmul %a, %b {n = 3 : i64} : (tensor<20x2xf32>, tensor<2x3xf32>) -> tensor<20x3xf32>
  return %0 : tensor<20x3xf32>
}
}

// -----

// expected-error @+1 {{[IG4001] the module has no machine description}}
module {
}
