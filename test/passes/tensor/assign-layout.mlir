// RUN: ingot-opt %s --ingot-assign-layout --split-input-file | FileCheck %s
// RUN: ingot-opt %s --ingot-assign-layout=remarks=1 --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#last = affine_map<(d0, d1, d2, d3) -> (d0, d3, d1, d2)>
#first = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3, d1)>
// A Relu between two convolutions works channels last, and the transposes
// around it vanish.
// CHECK-LABEL: @order_spreads_through_elementwise
// CHECK-COUNT-1: linalg.generic
// CHECK: arith.maximumf
// CHECK-NOT: linalg.generic
// CHECK: return
// REMARK: remark: layout: produced channels last, as its operand is
func.func @order_spreads_through_elementwise(%x: tensor<1x4x5x8xf32>) -> tensor<1x4x5x8xf32> {
  %e = kernel.empty : tensor<1x8x4x5xf32>
  %f = kernel.empty : tensor<1x4x5x8xf32>
  %t = linalg.generic {indexing_maps = [#first, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x : tensor<1x4x5x8xf32>) outs(%e : tensor<1x8x4x5xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<1x8x4x5xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%t : tensor<1x8x4x5xf32>) outs(%e : tensor<1x8x4x5xf32>) {
  ^bb0(%in: f32, %out: f32):
    %zero = arith.constant 0.0 : f32
    %v = arith.maximumf %in, %zero : f32
    linalg.yield %v : f32
  } -> tensor<1x8x4x5xf32>
  %b = linalg.generic {indexing_maps = [#last, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%r : tensor<1x8x4x5xf32>) outs(%f : tensor<1x4x5x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<1x4x5x8xf32>
  return %b : tensor<1x4x5x8xf32>
}

// -----

#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#first = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3, d1)>
// CHECK-LABEL: @unit_dimensions_only_is_a_view
// CHECK: kernel.view %{{.*}} : tensor<1x1x1x8xf32> to tensor<1x8x1x1xf32>
// CHECK-NOT: linalg.generic
func.func @unit_dimensions_only_is_a_view(%x: tensor<1x1x1x8xf32>) -> tensor<1x8x1x1xf32> {
  %e = kernel.empty : tensor<1x8x1x1xf32>
  %t = linalg.generic {indexing_maps = [#first, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x : tensor<1x1x1x8xf32>) outs(%e : tensor<1x8x1x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<1x8x1x1xf32>
  return %t : tensor<1x8x1x1xf32>
}
