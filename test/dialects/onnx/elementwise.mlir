// RUN: ingot-opt %s --ingot-infer-shapes | FileCheck %s
// RUN: ingot-opt %s | ingot-opt | FileCheck %s --check-prefix=ROUND

// CHECK-LABEL: @unary_keeps_shape
func.func @unary_keeps_shape(%x: tensor<?x4xf32, #onnx.dims<["N", 4]>>) {
  // CHECK: onnx.Abs {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %0 = onnx.Abs %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Acos {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %1 = onnx.Acos %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Acosh {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %2 = onnx.Acosh %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Asin {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %3 = onnx.Asin %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Asinh {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %4 = onnx.Asinh %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Atan {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %5 = onnx.Atan %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Atanh {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %6 = onnx.Atanh %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Ceil {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %7 = onnx.Ceil %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Cos {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %8 = onnx.Cos %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Cosh {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %9 = onnx.Cosh %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Erf {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %10 = onnx.Erf %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Exp {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %11 = onnx.Exp %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Floor {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %12 = onnx.Floor %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Log {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %13 = onnx.Log %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Neg {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %14 = onnx.Neg %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Reciprocal {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %15 = onnx.Reciprocal %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Round {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %16 = onnx.Round %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Sign {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %17 = onnx.Sign %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Sin {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %18 = onnx.Sin %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Sinh {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %19 = onnx.Sinh %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Sqrt {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %20 = onnx.Sqrt %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Tan {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %21 = onnx.Tan %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  // CHECK: onnx.Tanh {{.*}} -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
  %22 = onnx.Tanh %x : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: @binary_broadcasts
func.func @binary_broadcasts(%a: tensor<?x1xi32, #onnx.dims<["N", 1]>>, %b: tensor<3xi32>) {
  // CHECK: onnx.Add {{.*}} -> tensor<?x3xi32, #onnx.dims<["N", 3]>>
  %0 = onnx.Add %a, %b : (tensor<?x1xi32, #onnx.dims<["N", 1]>>, tensor<3xi32>) -> tensor<*xi32>
  // CHECK: onnx.Div {{.*}} -> tensor<?x3xi32, #onnx.dims<["N", 3]>>
  %1 = onnx.Div %a, %b : (tensor<?x1xi32, #onnx.dims<["N", 1]>>, tensor<3xi32>) -> tensor<*xi32>
  // CHECK: onnx.Mod {{.*}} -> tensor<?x3xi32, #onnx.dims<["N", 3]>>
  %2 = onnx.Mod %a, %b : (tensor<?x1xi32, #onnx.dims<["N", 1]>>, tensor<3xi32>) -> tensor<*xi32>
  // CHECK: onnx.Mul {{.*}} -> tensor<?x3xi32, #onnx.dims<["N", 3]>>
  %3 = onnx.Mul %a, %b : (tensor<?x1xi32, #onnx.dims<["N", 1]>>, tensor<3xi32>) -> tensor<*xi32>
  // CHECK: onnx.Sub {{.*}} -> tensor<?x3xi32, #onnx.dims<["N", 3]>>
  %4 = onnx.Sub %a, %b : (tensor<?x1xi32, #onnx.dims<["N", 1]>>, tensor<3xi32>) -> tensor<*xi32>
  // CHECK: onnx.Pow {{.*}} -> tensor<?x3xi32, #onnx.dims<["N", 3]>>
  %5 = onnx.Pow %a, %b : (tensor<?x1xi32, #onnx.dims<["N", 1]>>, tensor<3xi32>) -> tensor<*xi32>
  return
}

// CHECK-LABEL: @variadic_broadcasts
func.func @variadic_broadcasts(%a: tensor<2x1xf32>, %b: tensor<3xf32>, %c: tensor<f32>) {
  // CHECK: onnx.Max {{.*}} -> tensor<2x3xf32>
  %0 = onnx.Max %a, %b, %c : (tensor<2x1xf32>, tensor<3xf32>, tensor<f32>) -> tensor<*xf32>
  // CHECK: onnx.Mean {{.*}} -> tensor<2x3xf32>
  %1 = onnx.Mean %a, %b, %c : (tensor<2x1xf32>, tensor<3xf32>, tensor<f32>) -> tensor<*xf32>
  // CHECK: onnx.Min {{.*}} -> tensor<2x3xf32>
  %2 = onnx.Min %a, %b, %c : (tensor<2x1xf32>, tensor<3xf32>, tensor<f32>) -> tensor<*xf32>
  // CHECK: onnx.Sum {{.*}} -> tensor<2x3xf32>
  %3 = onnx.Sum %a, %b, %c : (tensor<2x1xf32>, tensor<3xf32>, tensor<f32>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: @power_has_type_of_base
// CHECK: onnx.Pow {{.*}} -> tensor<4xf16>
func.func @power_has_type_of_base(%x: tensor<4xf16>, %y: tensor<i64>) {
  %0 = onnx.Pow %x, %y : (tensor<4xf16>, tensor<i64>) -> tensor<*xf16>
  return
}

// CHECK-LABEL: @clip_has_shape_of_input
// CHECK: onnx.Clip {{.*}} -> tensor<4xui8>
func.func @clip_has_shape_of_input(%x: tensor<4xui8>, %max: tensor<1xui8>) {
  %none = onnx.None
  %0 = onnx.Clip %x, %none, %max : (tensor<4xui8>, none, tensor<1xui8>) -> tensor<*xui8>
  return
}

// ROUND-LABEL: @keeps_attributes
// ROUND: onnx.Mod %{{.*}}, %{{.*}} {fmod = 1 : i64}
func.func @keeps_attributes(%x: tensor<4xf32>) {
  %0 = onnx.Mod %x, %x {fmod = 1 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}
