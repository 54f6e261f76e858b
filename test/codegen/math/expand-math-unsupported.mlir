// RUN: ingot-opt --ingot-expand-math %s | FileCheck %s

// CHECK-LABEL: @scalable_vectors_and_tensors_stay
func.func @scalable_vectors_and_tensors_stay(%x: vector<[4]xf32>,
                                             %y: tensor<4xf32>, %z: f128)
    -> (vector<[4]xf32>, tensor<4xf32>, f128) {
  // CHECK-NEXT: math.exp
  %0 = math.exp %x : vector<[4]xf32>
  // CHECK-NEXT: math.exp
  %1 = math.exp %y : tensor<4xf32>
  // CHECK-NEXT: math.exp
  %2 = math.exp %z : f128
  return %0, %1, %2 : vector<[4]xf32>, tensor<4xf32>, f128
}

// CHECK-LABEL: @a_quotient_that_is_no_sigmoid
func.func @a_quotient_that_is_no_sigmoid(%x: f32) -> f32 {
  // CHECK: arith.divf %{{.*}}, %{{.*}} : f32
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %0 = arith.negf %x : f32
  %1 = math.exp %0 : f32
  %2 = arith.addf %1, %two : f32
  %3 = arith.divf %one, %2 : f32
  return %3 : f32
}
