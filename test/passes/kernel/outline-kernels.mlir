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

// -----

#id = affine_map<(d0) -> (d0)>
// Kernels of different sizes, or that compute something else, are different.
// CHECK-LABEL: @others_are_not_shared
// CHECK: kernel.launch @[[A:[a-z_0-9]+]](%arg0)
// CHECK-NOT: kernel.launch @[[A]](
// CHECK: kernel.launch @[[B:[a-z_0-9]+]](%arg1)
// CHECK-NOT: kernel.launch @[[A]](
// CHECK-NOT: kernel.launch @[[B]](
// CHECK: return
func.func @others_are_not_shared(%x: tensor<8xf32>, %y: tensor<9xf32>) -> (tensor<8xf32>, tensor<9xf32>, tensor<8xf32>) {
  %e = kernel.empty : tensor<8xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %v = arith.addf %in, %in : f32
    linalg.yield %v : f32
  } -> tensor<8xf32>
  %f = kernel.empty : tensor<9xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%y : tensor<9xf32>) outs(%f : tensor<9xf32>) {
  ^bb0(%in: f32, %out: f32):
    %v = arith.addf %in, %in : f32
    linalg.yield %v : f32
  } -> tensor<9xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %v = arith.mulf %in, %in : f32
    linalg.yield %v : f32
  } -> tensor<8xf32>
  return %0, %1, %2 : tensor<8xf32>, tensor<9xf32>, tensor<8xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
// A group is one function.
// CHECK-COUNT-1: kernel.func
// CHECK: ingot.matmul
// CHECK: linalg.generic
// CHECK: kernel.yield
// CHECK-LABEL: @group
// CHECK-COUNT-1: kernel.launch
// CHECK-NOT: kernel.launch
func.func @group(%a: tensor<4x8xf32>, %b: tensor<8x16xf32>) -> tensor<4x16xf32> {
  %0 = ingot.matmul %a, %b {ingot.group = 0 : i64, n = 16 : i64} : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %e = kernel.empty : tensor<4x16xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<4x16xf32>) outs(%e : tensor<4x16xf32>) attrs = {ingot.group = 0 : i64} {
  ^bb0(%in: f32, %out: f32):
    %v = arith.negf %in : f32
    linalg.yield %v : f32
  } -> tensor<4x16xf32>
  return %1 : tensor<4x16xf32>
}
