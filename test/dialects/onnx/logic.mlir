// RUN: ingot-opt %s --ingot-infer-shapes | FileCheck %s
// RUN: ingot-opt %s | ingot-opt | FileCheck %s --check-prefix=ROUND

// CHECK-LABEL: @comparisons_give_bools
func.func @comparisons_give_bools(%a: tensor<2x1xui8>, %b: tensor<3xui8>) {
  // CHECK: onnx.Equal {{.*}} -> tensor<2x3xi1>
  %0 = onnx.Equal %a, %b : (tensor<2x1xui8>, tensor<3xui8>) -> tensor<*xi1>
  // CHECK: onnx.Greater {{.*}} -> tensor<2x3xi1>
  %1 = onnx.Greater %a, %b : (tensor<2x1xui8>, tensor<3xui8>) -> tensor<*xi1>
  // CHECK: onnx.GreaterOrEqual {{.*}} -> tensor<2x3xi1>
  %2 = onnx.GreaterOrEqual %a, %b : (tensor<2x1xui8>, tensor<3xui8>) -> tensor<*xi1>
  // CHECK: onnx.Less {{.*}} -> tensor<2x3xi1>
  %3 = onnx.Less %a, %b : (tensor<2x1xui8>, tensor<3xui8>) -> tensor<*xi1>
  // CHECK: onnx.LessOrEqual {{.*}} -> tensor<2x3xi1>
  %4 = onnx.LessOrEqual %a, %b : (tensor<2x1xui8>, tensor<3xui8>) -> tensor<*xi1>
  return
}

// CHECK-LABEL: @logic_of_bools
func.func @logic_of_bools(%a: tensor<2x1xi1>, %b: tensor<3xi1>) {
  // CHECK: onnx.And {{.*}} -> tensor<2x3xi1>
  %0 = onnx.And %a, %b : (tensor<2x1xi1>, tensor<3xi1>) -> tensor<*xi1>
  // CHECK: onnx.Or {{.*}} -> tensor<2x3xi1>
  %1 = onnx.Or %a, %b : (tensor<2x1xi1>, tensor<3xi1>) -> tensor<*xi1>
  // CHECK: onnx.Xor {{.*}} -> tensor<2x3xi1>
  %2 = onnx.Xor %a, %b : (tensor<2x1xi1>, tensor<3xi1>) -> tensor<*xi1>
  // CHECK: onnx.Not {{.*}} -> tensor<3xi1>
  %3 = onnx.Not %b : (tensor<3xi1>) -> tensor<*xi1>
  return
}

// CHECK-LABEL: @bits_of_integers
func.func @bits_of_integers(%a: tensor<2x1xi16>, %b: tensor<3xi16>) {
  // CHECK: onnx.BitwiseAnd {{.*}} -> tensor<2x3xi16>
  %0 = onnx.BitwiseAnd %a, %b : (tensor<2x1xi16>, tensor<3xi16>) -> tensor<*xi16>
  // CHECK: onnx.BitwiseOr {{.*}} -> tensor<2x3xi16>
  %1 = onnx.BitwiseOr %a, %b : (tensor<2x1xi16>, tensor<3xi16>) -> tensor<*xi16>
  // CHECK: onnx.BitwiseXor {{.*}} -> tensor<2x3xi16>
  %2 = onnx.BitwiseXor %a, %b : (tensor<2x1xi16>, tensor<3xi16>) -> tensor<*xi16>
  // CHECK: onnx.BitwiseNot {{.*}} -> tensor<3xi16>
  %3 = onnx.BitwiseNot %b : (tensor<3xi16>) -> tensor<*xi16>
  // CHECK: onnx.BitShift {{.*}} {direction = "LEFT"} {{.*}} -> tensor<2x3xi16>
  %4 = onnx.BitShift %a, %b {direction = "LEFT"} : (tensor<2x1xi16>, tensor<3xi16>) -> tensor<*xi16>
  return
}

// CHECK-LABEL: @float_tests_give_bools
// CHECK: onnx.IsInf {{.*}} -> tensor<?xi1, #onnx.dims<["N"]>>
// CHECK: onnx.IsNaN {{.*}} -> tensor<?xi1, #onnx.dims<["N"]>>
func.func @float_tests_give_bools(%x: tensor<?xf64, #onnx.dims<["N"]>>) {
  %0 = onnx.IsInf %x {detect_negative = 0 : i64} : (tensor<?xf64, #onnx.dims<["N"]>>) -> tensor<*xi1>
  %1 = onnx.IsNaN %x : (tensor<?xf64, #onnx.dims<["N"]>>) -> tensor<*xi1>
  return
}

// CHECK-LABEL: @where_broadcasts
// CHECK: onnx.Where {{.*}} -> tensor<4x2x3xf16>
func.func @where_broadcasts(%c: tensor<4x1x1xi1>, %x: tensor<2x1xf16>, %y: tensor<3xf16>) {
  %0 = onnx.Where %c, %x, %y : (tensor<4x1x1xi1>, tensor<2x1xf16>, tensor<3xf16>) -> tensor<*xf16>
  return
}

// CHECK-LABEL: @casts_change_the_element_type
// CHECK: onnx.Cast {{.*}} -> tensor<?xbf16, #onnx.dims<["N"]>>
// CHECK: onnx.CastLike {{.*}} -> tensor<?xui16, #onnx.dims<["N"]>>
// CHECK: onnx.BitCast {{.*}} -> tensor<?xui32, #onnx.dims<["N"]>>
// ROUND-LABEL: @casts_change_the_element_type
// ROUND: onnx.Cast %{{.*}} {saturate = 0 : i64, to = 16 : i64}
func.func @casts_change_the_element_type(%x: tensor<?xf32, #onnx.dims<["N"]>>, %like: tensor<ui16>) {
  %0 = onnx.Cast %x {saturate = 0 : i64, to = 16 : i64} : (tensor<?xf32, #onnx.dims<["N"]>>) -> tensor<*xbf16>
  %1 = onnx.CastLike %x, %like : (tensor<?xf32, #onnx.dims<["N"]>>, tensor<ui16>) -> tensor<*xui16>
  %2 = onnx.BitCast %x {to = 12 : i64} : (tensor<?xf32, #onnx.dims<["N"]>>) -> tensor<*xui32>
  return
}

// ROUND-LABEL: @identity_of_any_type
// ROUND: onnx.Identity %{{.*}} : (!onnx.sequence<tensor<4xf32>>) -> !onnx.sequence<tensor<4xf32>>
func.func @identity_of_any_type(%x: !onnx.sequence<tensor<4xf32>>) {
  %0 = onnx.Identity %x : (!onnx.sequence<tensor<4xf32>>) -> !onnx.sequence<tensor<4xf32>>
  return
}
