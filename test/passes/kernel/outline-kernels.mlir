// RUN: ingot-opt %s --ingot-outline-kernels --split-input-file | FileCheck %s

#id = affine_map<(d0) -> (d0)>
// CHECK-COUNT-1: kernel.func
// CHECK-NOT: kernel.func
// CHECK-LABEL: @equal_kernels_are_emitted_once
// CHECK: %[[A:.*]] = kernel.launch @[[K:kernel.*]](%arg0)
// CHECK: %[[B:.*]] = kernel.launch @[[K]](%[[A]])
// CHECK: return %[[B]]
func.func @equal_kernels_are_emitted_once(%x: tensor<8xf32>) -> tensor<8xf32> {
  %e = kernel.empty : tensor<8xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %v = arith.addf %in, %in : f32
    linalg.yield %v : f32
  } -> tensor<8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%0 : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %v = arith.addf %in, %in : f32
    linalg.yield %v : f32
  } -> tensor<8xf32>
  return %1 : tensor<8xf32>
}

// -----

// An input that is returned is copied into the caller's memory.
// CHECK-LABEL: @returned_input_is_copied
// CHECK: %[[R:.*]] = kernel.launch @kernel
// CHECK: return %[[R]]
func.func @returned_input_is_copied(%x: tensor<8xf32>) -> tensor<8xf32> {
  return %x : tensor<8xf32>
}
