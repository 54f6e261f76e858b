// RUN: ingot-opt %s --ingot-lower-onnx --split-input-file | FileCheck %s

// A heap per row, in the results' own memory.
// CHECK-LABEL: @top_k
// CHECK: kernel.foreach in <[4]> inits({{.*}} : tensor<4x3xf32>, tensor<4x3xi64>)
// CHECK: scf.while
// CHECK: kernel.store
func.func @top_k(%x: tensor<4x9xf32>, %k: tensor<1xi64>) -> (tensor<4x3xf32>, tensor<4x3xi64>) {
  %0:2 = onnx.TopK %x, %k : (tensor<4x9xf32>, tensor<1xi64>) -> (tensor<4x3xf32>, tensor<4x3xi64>)
  return %0#0, %0#1 : tensor<4x3xf32>, tensor<4x3xi64>
}

// -----

// CHECK-LABEL: @compress
// CHECK: kernel.foreach in <[4]>
// CHECK: kernel.fault %{{.*}} {code = 3 : i64}
func.func @compress(%x: tensor<4x9xf32>, %c: tensor<9xi1>) -> tensor<4x3xf32> {
  %0 = onnx.Compress %x, %c {axis = 1 : i64} : (tensor<4x9xf32>, tensor<9xi1>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

// CHECK-LABEL: @non_zero
// CHECK: kernel.view %arg0 : tensor<4x9xf32> to tensor<36xf32>
// CHECK: kernel.foreach in <[]>
// CHECK: arith.cmpf une
// CHECK: kernel.fault %{{.*}} {code = 3 : i64}
func.func @non_zero(%x: tensor<4x9xf32>) -> tensor<2x3xi64> {
  %0 = onnx.NonZero %x : (tensor<4x9xf32>) -> tensor<2x3xi64>
  return %0 : tensor<2x3xi64>
}

// -----

// Only the lists that are read are kept.
// CHECK-LABEL: @unique
// CHECK: kernel.foreach in <[]> inits({{.*}} : tensor<1x3x1xi32>, tensor<9xi64>)
func.func @unique(%x: tensor<9xi32>) -> (tensor<3xi32>, tensor<9xi64>) {
  %0:4 = onnx.Unique %x : (tensor<9xi32>) -> (tensor<3xi32>, tensor<3xi64>, tensor<9xi64>, tensor<3xi64>)
  return %0#0, %0#2 : tensor<3xi32>, tensor<9xi64>
}
