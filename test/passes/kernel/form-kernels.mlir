// RUN: ingot-opt %s --ingot-form-kernels=remarks=1 --split-input-file -verify-diagnostics | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-LABEL: @activation_joins_the_product
// CHECK: ingot.matmul {{.*}}ingot.group = 0
// CHECK: linalg.generic {{.*}}ingot.group = 0
func.func @activation_joins_the_product(%a: tensor<4x8xf32>, %b: tensor<8x16xf32>) -> tensor<4x16xf32> {
  // expected-remark @+1 {{fusion: elementwise work on its result is done in registers}}
  %0 = ingot.matmul %a, %b {n = 16 : i64} : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %e = kernel.empty : tensor<4x16xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<4x16xf32>) outs(%e : tensor<4x16xf32>) {
  ^bb0(%in: f32, %out: f32):
    %v = arith.addf %in, %in : f32
    linalg.yield %v : f32
  } -> tensor<4x16xf32>
  return %1 : tensor<4x16xf32>
}

// -----

// CHECK-LABEL: @two_readers_need_the_result
// CHECK-NOT: ingot.group
func.func @two_readers_need_the_result(%a: tensor<4x8xf32>, %b: tensor<8x16xf32>) -> (tensor<4x16xf32>, tensor<4x16xf32>) {
  // expected-remark @+1 {{fusion: not fused with what follows: its result has several readers}}
  %0 = ingot.matmul %a, %b {n = 16 : i64} : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  return %0, %0 : tensor<4x16xf32>, tensor<4x16xf32>
}

// -----

// CHECK-LABEL: @a_return_is_no_epilogue
// CHECK-NOT: ingot.group
func.func @a_return_is_no_epilogue(%a: tensor<4x8xf32>, %b: tensor<8x16xf32>) -> tensor<4x16xf32> {
  // expected-remark @+1 {{fusion: not fused with what follows: its reader is not elementwise}}
  %0 = ingot.matmul %a, %b {n = 16 : i64} : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}
