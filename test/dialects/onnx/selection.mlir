// RUN: ingot-opt %s --split-input-file | ingot-opt --split-input-file --ingot-infer-shapes | FileCheck %s

!x = tensor<?x7xf32, #onnx.dims<["N", 7]>>

// CHECK-LABEL: @top_k
// CHECK: onnx.TopK %{{.*}} {largest = 0 : i64} : {{.*}} -> (tensor<?x3xf32, #onnx.dims<["N", 3]>>, tensor<?x3xi64, #onnx.dims<["N", 3]>>)
// CHECK: onnx.TopK %{{.*}} -> (tensor<?x?xf32, {{.*}}>, tensor<?x?xi64, {{.*}}>)
func.func @top_k(%x: !x, %k: tensor<1xi64>) {
  %three = onnx.Constant {value = dense<3> : tensor<1xi64>} : tensor<1xi64>
  %0:2 = onnx.TopK %x, %three {largest = 0 : i64} : (!x, tensor<1xi64>) -> (tensor<*xf32>, tensor<*xi64>)
  %1:2 = onnx.TopK %x, %k : (!x, tensor<1xi64>) -> (tensor<*xf32>, tensor<*xi64>)
  return
}

// -----

!x = tensor<?x7xf32, #onnx.dims<["N", 7]>>

// CHECK-LABEL: @sizes_from_data
// CHECK: onnx.Compress %{{.*}} {axis = 1 : i64} : {{.*}} -> tensor<?x2xf32, #onnx.dims<["N", 2]>>
// CHECK: onnx.NonZero %{{.*}} -> tensor<2x?xi64, {{.*}}>
// CHECK: onnx.Unique %{{.*}} {axis = 0 : i64, sorted = 0 : i64} : {{.*}} -> (tensor<?x7xf32, #onnx.dims<["[[U:.*]]", 7]>>, tensor<?xi64, #onnx.dims<["[[U]]"]>>, tensor<?xi64, #onnx.dims<["N"]>>, tensor<?xi64, #onnx.dims<["[[U]]"]>>)
func.func @sizes_from_data(%x: !x) {
  %c = onnx.Constant {value = dense<[true, false, true]> : tensor<3xi1>} : tensor<3xi1>
  %0 = onnx.Compress %x, %c {axis = 1 : i64} : (!x, tensor<3xi1>) -> tensor<*xf32>
  %1 = onnx.NonZero %x : (!x) -> tensor<*xi64>
  %2:4 = onnx.Unique %x {axis = 0 : i64, sorted = 0 : i64} : (!x) -> (tensor<*xf32>, tensor<*xi64>, tensor<*xi64>, tensor<*xi64>)
  return
}
