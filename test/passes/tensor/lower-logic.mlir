// RUN: ingot-opt %s --ingot-lower-onnx --split-input-file | FileCheck %s

// A float outside of the range of i32 is clamped to it first; NaN goes to its
// lower end.
// CHECK-LABEL: @float_to_integer_is_clamped
// CHECK: ^bb0(%[[X:.*]]: f32, %{{.*}}: ui8):
// CHECK: %[[ABOVE:.*]] = arith.cmpf ogt, %[[X]], %[[LOW:.*]] : f32
// CHECK: arith.select %[[ABOVE]], %[[X]], %[[LOW]]
// CHECK: arith.fptosi %{{.*}} : f32 to i32
// CHECK: arith.trunci %{{.*}} : i32 to i8
func.func @float_to_integer_is_clamped(%x: tensor<4xf32>) -> tensor<4xui8> {
  %0 = onnx.Cast %x {to = 2 : i64} : (tensor<4xf32>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// -----

// CHECK-LABEL: @sign_follows_the_source
// CHECK: arith.extui %{{.*}} : i8 to i64
func.func @sign_follows_the_source(%x: tensor<4xui8>) -> tensor<4xi64> {
  %0 = onnx.Cast %x {to = 7 : i64} : (tensor<4xui8>) -> tensor<4xi64>
  return %0 : tensor<4xi64>
}

// -----

// CHECK-LABEL: @nan_is_true
// CHECK: arith.cmpf une
func.func @nan_is_true(%x: tensor<4xf32>, %like: tensor<i1>) -> tensor<4xi1> {
  %0 = onnx.CastLike %x, %like : (tensor<4xf32>, tensor<i1>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// -----

// CHECK-LABEL: @same_bits_are_a_view
// CHECK-NOT: linalg.generic
// CHECK: kernel.view %{{.*}} : tensor<4xf32> to tensor<4xui32>
func.func @same_bits_are_a_view(%x: tensor<4xf32>) -> tensor<4xui32> {
  %0 = onnx.BitCast %x {to = 12 : i64} : (tensor<4xf32>) -> tensor<4xui32>
  return %0 : tensor<4xui32>
}

// -----

// CHECK-LABEL: @bits_as_bool_are_normalised
// CHECK: arith.cmpi ne
func.func @bits_as_bool_are_normalised(%x: tensor<4xui8>) -> tensor<4xi1> {
  %0 = onnx.BitCast %x {to = 9 : i64} : (tensor<4xui8>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// -----

// CHECK-LABEL: @shift_by_the_width_is_defined
// CHECK: arith.minui
// CHECK: arith.shrsi
func.func @shift_by_the_width_is_defined(%x: tensor<4xi8>, %y: tensor<4xi8>) -> tensor<4xi8> {
  %0 = onnx.BitShift %x, %y {direction = "RIGHT"} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
  return %0 : tensor<4xi8>
}

// -----

// CHECK-LABEL: @identity_is_its_operand
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
// CHECK-NEXT: return %[[X]]
func.func @identity_is_its_operand(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = onnx.Identity %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Numbers of 4 bits come in and leave packed; in between each has a byte.
// CHECK-LABEL: @main
// CHECK: kernel.view %arg0 : tensor<5xi4> to tensor<3xui8>
// CHECK: arith.shrui
// CHECK: %[[Y:.+]] = linalg.generic
// CHECK: arith.extui %{{.+}} : i4 to i8
// CHECK: -> tensor<3xui8>
// CHECK: kernel.view %{{.+}} : tensor<3xui8> to tensor<5xui4>
func.func @main(%x: tensor<5xi4>) -> tensor<5xui4> {
  %0 = onnx.Cast %x {to = 21 : i64} : (tensor<5xi4>) -> tensor<5xui4>
  return %0 : tensor<5xui4>
}
