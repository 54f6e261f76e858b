// RUN: ingot-opt %s --ingot-collapse-loops --split-input-file | FileCheck %s

#id = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-LABEL: @elementwise_is_one_loop
// CHECK: kernel.view %{{.*}} : tensor<2x3x4xf32> to tensor<24xf32>
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel"]
// CHECK: kernel.view %{{.*}} : tensor<24xf32> to tensor<2x3x4xf32>
func.func @elementwise_is_one_loop(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %e = kernel.empty : tensor<2x3x4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x : tensor<2x3x4xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %v = arith.addf %in, %in : f32
    linalg.yield %v : f32
  } -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}

// -----

#id = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#last = affine_map<(d0, d1, d2) -> (d2)>
// The bias keeps the last loop apart; the symbolic one joins.
// CHECK-LABEL: @bias_keeps_its_loop
// CHECK: kernel.view %{{.*}} to tensor<?x4xf32, #onnx.dims<["N * 3", 4]>>
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]
func.func @bias_keeps_its_loop(%x: tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>, %b: tensor<4xf32>) -> tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>> {
  %e = kernel.empty : tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>
  %0 = linalg.generic {indexing_maps = [#id, #last, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %b : tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>, tensor<4xf32>) outs(%e : tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>) {
  ^bb0(%in: f32, %bias: f32, %out: f32):
    %v = arith.addf %in, %bias : f32
    linalg.yield %v : f32
  } -> tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>
  return %0 : tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#t = affine_map<(d0, d1) -> (d1, d0)>
// An operand that is traversed in another order keeps the loops apart.
// CHECK-LABEL: @transposed_operand
// CHECK-NOT: kernel.view
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]
func.func @transposed_operand(%x: tensor<3x4xf32>, %y: tensor<4x3xf32>) -> tensor<3x4xf32> {
  %e = kernel.empty : tensor<3x4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #t, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %y : tensor<3x4xf32>, tensor<4x3xf32>) outs(%e : tensor<3x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %v = arith.addf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
// An op that asks for an index means the loop it has.
// CHECK-LABEL: @index_of_a_loop
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]
func.func @index_of_a_loop(%x: tensor<3x4xindex>) -> tensor<3x4xindex> {
  %e = kernel.empty : tensor<3x4xindex>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<3x4xindex>) outs(%e : tensor<3x4xindex>) {
  ^bb0(%a: index, %out: index):
    %i = linalg.index 1 : index
    %v = arith.addi %a, %i : index
    linalg.yield %v : index
  } -> tensor<3x4xindex>
  return %0 : tensor<3x4xindex>
}
