// RUN: ingot-opt %s --split-input-file | ingot-opt --split-input-file --ingot-infer-shapes | FileCheck %s

// CHECK-LABEL: @fills
// CHECK: onnx.ConstantOfShape {{.*}} {value = dense<1> : tensor<1xi64>} : {{.*}} -> tensor<2x3xi64>
// CHECK: onnx.ConstantOfShape {{.*}} -> tensor<f32>
// CHECK: onnx.ConstantOfShape {{.*}} -> tensor<?x?xf32,
// CHECK: onnx.EyeLike {{.*}} {dtype = 10 : i64, k = 1 : i64} : {{.*}} -> tensor<2x3xf16>
func.func @fills(%m: tensor<2x3xi32>, %s: tensor<2xi64>) {
  %c = onnx.Constant {value = dense<[2, 3]> : tensor<2xi64>} : tensor<2xi64>
  %e = onnx.Constant {value = dense<[]> : tensor<0xi64>} : tensor<0xi64>
  %0 = onnx.ConstantOfShape %c {value = dense<1> : tensor<1xi64>} : (tensor<2xi64>) -> tensor<*xi64>
  %1 = onnx.ConstantOfShape %e : (tensor<0xi64>) -> tensor<*xf32>
  %2 = onnx.ConstantOfShape %s : (tensor<2xi64>) -> tensor<*xf32>
  %3 = onnx.EyeLike %m {dtype = 10 : i64, k = 1 : i64} : (tensor<2x3xi32>) -> tensor<*xf16>
  return
}

// -----

!x = tensor<?x4xf32, #onnx.dims<["N", 4]>>

// CHECK-LABEL: @range
// CHECK: onnx.Range {{.*}} -> tensor<3xi64>
// CHECK: onnx.Range {{.*}} -> tensor<?xi64, #onnx.dims<["N"]>>
// CHECK: onnx.Range {{.*}} -> tensor<4xf32>
// CHECK: onnx.Range {{.*}} -> tensor<?xi64,
func.func @range(%x: !x, %l: tensor<i64>) {
  %zero = onnx.Constant {value = dense<0> : tensor<i64>} : tensor<i64>
  %one = onnx.Constant {value = dense<1> : tensor<i64>} : tensor<i64>
  %ten = onnx.Constant {value = dense<10> : tensor<i64>} : tensor<i64>
  %down = onnx.Constant {value = dense<-4> : tensor<i64>} : tensor<i64>
  %0 = onnx.Range %ten, %zero, %down : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  %s = onnx.Shape %x : (!x) -> tensor<2xi64>
  %n = onnx.Gather %s, %zero {axis = 0 : i64} : (tensor<2xi64>, tensor<i64>) -> tensor<i64>
  %1 = onnx.Range %zero, %n, %one : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  %f0 = onnx.Constant {value = dense<0.0> : tensor<f32>} : tensor<f32>
  %f1 = onnx.Constant {value = dense<1.0> : tensor<f32>} : tensor<f32>
  %f2 = onnx.Constant {value = dense<0.3> : tensor<f32>} : tensor<f32>
  %2 = onnx.Range %f0, %f1, %f2 : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  %3 = onnx.Range %zero, %l, %one : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  return
}

// -----

// CHECK-LABEL: @one_hot_and_windows
// CHECK: onnx.OneHot {{.*}} {axis = 1 : i64} : {{.*}} -> tensor<2x5x3xf32>
// CHECK: onnx.HannWindow {{.*}} {output_datatype = 11 : i64, periodic = 0 : i64} : {{.*}} -> tensor<5xf64>
// CHECK: onnx.MelWeightMatrix {{.*}} -> tensor<3x5xf32>
func.func @one_hot_and_windows(%i: tensor<2x3xi64>, %v: tensor<2xf32>, %f: tensor<f32>) {
  %d = onnx.Constant {value = dense<5> : tensor<i64>} : tensor<i64>
  %0 = onnx.OneHot %i, %d, %v {axis = 1 : i64} : (tensor<2x3xi64>, tensor<i64>, tensor<2xf32>) -> tensor<*xf32>
  %1 = onnx.HannWindow %d {output_datatype = 11 : i64, periodic = 0 : i64} : (tensor<i64>) -> tensor<*xf64>
  %2 = onnx.MelWeightMatrix %d, %d, %d, %f, %f : (tensor<i64>, tensor<i64>, tensor<i64>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  return
}
