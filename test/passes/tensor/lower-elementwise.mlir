// RUN: ingot-opt %s --ingot-lower-onnx --split-input-file | FileCheck %s

// CHECK-LABEL: @clips_to_the_given_bound
// CHECK: ^bb0(%[[X:.*]]: f32, %[[MAX:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT: %[[Y:.*]] = arith.minimumf %[[X]], %[[MAX]] : f32
// CHECK-NEXT: linalg.yield %[[Y]]
func.func @clips_to_the_given_bound(%x: tensor<4xf32>, %max: tensor<f32>) -> tensor<4xf32> {
  %none = onnx.None
  %0 = onnx.Clip %x, %none, %max : (tensor<4xf32>, none, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Division by zero is a fault and never traps; neither does the least number
// divided by -1.
// CHECK-LABEL: @integer_division_is_guarded
// CHECK: ^bb0(%[[A:.*]]: i32, %[[B:.*]]: i32, %{{.*}}: i32):
// CHECK: %[[ZERO:.*]] = arith.cmpi eq, %[[B]], %{{.*}}
// CHECK: kernel.fault %[[ZERO]] {code = 2 : i64}
// CHECK: %[[SAFE:.*]] = arith.select
// CHECK: arith.divsi %[[A]], %[[SAFE]]
func.func @integer_division_is_guarded(%a: tensor<4xi32>, %b: tensor<4xi32>) -> tensor<4xi32> {
  %0 = onnx.Div %a, %b : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// -----

// CHECK-LABEL: @constant_divisor_needs_no_fault
// CHECK-NOT: kernel.fault
// CHECK: arith.remui
func.func @constant_divisor_needs_no_fault(%a: tensor<4xui8>) -> tensor<4xui8> {
  %b = onnx.Constant {value = dense<3> : tensor<ui8>} : tensor<ui8>
  %0 = onnx.Mod %a, %b : (tensor<4xui8>, tensor<ui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// -----

// CHECK-LABEL: @unsigned_operands_compare_unsigned
// CHECK: arith.maxui
func.func @unsigned_operands_compare_unsigned(%a: tensor<4xui8>) -> tensor<4xui8> {
  %0 = onnx.Max %a, %a : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// -----

// CHECK-LABEL: @exponent_becomes_the_type_of_the_base
// CHECK: %[[Y:.*]] = arith.sitofp %{{.*}} : i64 to f32
// CHECK: math.powf %{{.*}}, %[[Y]] : f32
func.func @exponent_becomes_the_type_of_the_base(%x: tensor<4xf32>, %y: tensor<i64>) -> tensor<4xf32> {
  %0 = onnx.Pow %x, %y : (tensor<4xf32>, tensor<i64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: @mean_of_three
// CHECK: arith.addf
// CHECK: arith.addf
// CHECK: %[[N:.*]] = arith.constant 3.000000e+00 : f32
// CHECK: arith.divf %{{.*}}, %[[N]]
func.func @mean_of_three(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = onnx.Mean %a, %a, %a : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
