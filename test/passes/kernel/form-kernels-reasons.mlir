// RUN: ingot-opt %s --ingot-form-kernels=remarks=1 --split-input-file -verify-diagnostics | FileCheck %s

// Each reason for which the work behind a heavy op stays a kernel of its own.

!a = tensor<4x8xf32>
!b = tensor<8x16xf32>
!c = tensor<4x16xf32>
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
// CHECK-LABEL: @a_sum_over_the_result
// CHECK-NOT: ingot.group
func.func @a_sum_over_the_result(%a: !a, %b: !b) -> tensor<4xf32> {
  // expected-remark @+1 {{not fused with what follows: its reader reduces}}
  %0 = ingot.matmul %a, %b {n = 16 : i64} : (!a, !b) -> !c
  %zero = arith.constant 0.0 : f32
  %e = kernel.empty : tensor<4xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %1 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%0 : !c) outs(%i : tensor<4xf32>) {
  ^bb0(%in: f32, %sum: f32):
    %v = arith.addf %in, %sum : f32
    linalg.yield %v : f32
  } -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

!a = tensor<4x8xf32>
!b = tensor<8x16xf32>
!c = tensor<4x16xf32>
!t = tensor<16x4xf32>
#id = affine_map<(d0, d1) -> (d0, d1)>
#t = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-LABEL: @a_transpose
// CHECK-NOT: ingot.group
func.func @a_transpose(%a: !a, %b: !b) -> !t {
  // expected-remark @+1 {{not fused with what follows: its reader takes it in another order}}
  %0 = ingot.matmul %a, %b {n = 16 : i64} : (!a, !b) -> !c
  %e = kernel.empty : !t
  %1 = linalg.generic {indexing_maps = [#t, #id], iterator_types = ["parallel", "parallel"]} ins(%0 : !c) outs(%e : !t) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> !t
  return %1 : !t
}

// -----

!a = tensor<4x8xf32>
!b = tensor<8x16xf32>
!c = tensor<4x16xf32>
!t = tensor<16x4xf32>
#id = affine_map<(d0, d1) -> (d0, d1)>
#t = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-LABEL: @a_transposed_result
// CHECK-NOT: ingot.group
func.func @a_transposed_result(%a: !a, %b: !b) -> !t {
  // expected-remark @+1 {{not fused with what follows: its reader writes in another order}}
  %0 = ingot.matmul %a, %b {n = 16 : i64} : (!a, !b) -> !c
  %e = kernel.empty : !t
  %1 = linalg.generic {indexing_maps = [#id, #t], iterator_types = ["parallel", "parallel"]} ins(%0 : !c) outs(%e : !t) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> !t
  return %1 : !t
}

// -----

!a = tensor<4x8xf32>
!b = tensor<8x16xf32>
!c = tensor<4x16xf32>
#id = affine_map<(d0, d1) -> (d0, d1)>
// Elements picked from elsewhere may not be there yet.
// CHECK-LABEL: @a_reader_that_picks
// CHECK-NOT: ingot.group
func.func @a_reader_that_picks(%a: !a, %b: !b) -> !c {
  // expected-remark @+1 {{not fused with what follows: its result has several readers}}
  %0 = ingot.matmul %a, %b {n = 16 : i64} : (!a, !b) -> !c
  %e = kernel.empty : !c
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%0 : !c) outs(%e : !c) {
  ^bb0(%in: f32, %out: f32):
    %zero = arith.constant 0 : index
    %first = tensor.extract %0[%zero, %zero] : !c
    %v = arith.subf %in, %first : f32
    linalg.yield %v : f32
  } -> !c
  return %1 : !c
}

// -----

!a = tensor<4x8xf32>
!b = tensor<8x16xf32>
!c = tensor<4x16xf32>
#id = affine_map<(d0, d1) -> (d0, d1)>
// Two products meet in a sum: the later one does it, since the other is there
// by then.
// CHECK-LABEL: @two_products
// CHECK: ingot.matmul %arg0, %arg1 {n = 16
// CHECK: ingot.matmul %arg1, %arg0 {ingot.group = 0
// CHECK: linalg.generic {{.*}}ingot.group = 0
func.func @two_products(%a: tensor<16x16xf32>, %b: tensor<16x16xf32>) -> tensor<16x16xf32> {
  // expected-remark @+1 {{not fused with what follows: its reader already finishes another kernel}}
  %0 = ingot.matmul %a, %b {n = 16 : i64} : (tensor<16x16xf32>, tensor<16x16xf32>) -> tensor<16x16xf32>
  // expected-remark @+1 {{elementwise work on its result is done in registers}}
  %1 = ingot.matmul %b, %a {n = 16 : i64} : (tensor<16x16xf32>, tensor<16x16xf32>) -> tensor<16x16xf32>
  %e = kernel.empty : tensor<16x16xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%0, %1 : tensor<16x16xf32>, tensor<16x16xf32>) outs(%e : tensor<16x16xf32>) {
  ^bb0(%x: f32, %y: f32, %out: f32):
    %v = arith.addf %x, %y : f32
    linalg.yield %v : f32
  } -> tensor<16x16xf32>
  return %2 : tensor<16x16xf32>
}
