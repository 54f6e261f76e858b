// RUN: ingot-opt %s --ingot-lower-onnx --split-input-file | FileCheck %s

// CHECK-LABEL: @gather_checks_indices
// CHECK: %[[I:.*]] = tensor.extract %arg1
// CHECK: kernel.fault %{{.*}} {code = 1 : i64}
// CHECK: arith.minsi
// CHECK: tensor.extract %arg0
func.func @gather_checks_indices(%x: tensor<8x4xf16>, %i: tensor<2xi64>) -> tensor<2x4xf16> {
  %0 = onnx.Gather %x, %i : (tensor<8x4xf16>, tensor<2xi64>) -> tensor<2x4xf16>
  return %0 : tensor<2x4xf16>
}

// -----

// CHECK-LABEL: @gather_elements
// CHECK: linalg.generic {{.*}} ins(%arg1 : tensor<2x4xi32>)
// CHECK: tensor.extract %arg0
func.func @gather_elements(%x: tensor<8x4xf32>, %i: tensor<2x4xi32>) -> tensor<2x4xf32> {
  %0 = onnx.GatherElements %x, %i : (tensor<8x4xf32>, tensor<2x4xi32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @gather_nd
// CHECK-COUNT-2: tensor.extract %arg1{{.*}} : tensor<3x2xi64>
// CHECK: tensor.extract %arg0{{.*}} : tensor<8x4x5xui8>
func.func @gather_nd(%x: tensor<8x4x5xui8>, %i: tensor<3x2xi64>) -> tensor<3x5xui8> {
  %0 = onnx.GatherND %x, %i : (tensor<8x4x5xui8>, tensor<3x2xi64>) -> tensor<3x5xui8>
  return %0 : tensor<3x5xui8>
}

// -----

// Updates that can meet are in one item, in order; none is written unchecked.
// CHECK-LABEL: @scatter_elements
// CHECK: kernel.foreach in <[4]> inits(%arg0 : tensor<8x4xf32>)
// CHECK: scf.for
// CHECK: kernel.fault %{{.*}} {code = 1 : i64}
// CHECK: scf.if
// CHECK: kernel.load
// CHECK: arith.addf
// CHECK: kernel.store
func.func @scatter_elements(%x: tensor<8x4xf32>, %i: tensor<2x4xi64>, %u: tensor<2x4xf32>) -> tensor<8x4xf32> {
  %0 = onnx.ScatterElements %x, %i, %u {reduction = "add"} : (tensor<8x4xf32>, tensor<2x4xi64>, tensor<2x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

// CHECK-LABEL: @scatter_nd
// CHECK: kernel.foreach in <[4]> inits(%arg0 : tensor<8x4xui8>)
// CHECK: arith.maxui
func.func @scatter_nd(%x: tensor<8x4xui8>, %i: tensor<3x1xi64>, %u: tensor<3x4xui8>) -> tensor<8x4xui8> {
  %0 = onnx.ScatterND %x, %i, %u {reduction = "max"} : (tensor<8x4xui8>, tensor<3x1xi64>, tensor<3x4xui8>) -> tensor<8x4xui8>
  return %0 : tensor<8x4xui8>
}

// -----

// CHECK-LABEL: @tensor_scatter
// CHECK: kernel.foreach in <[2, 1, 4]> inits(%arg0 : tensor<2x8x4xf32>)
func.func @tensor_scatter(%x: tensor<2x8x4xf32>, %u: tensor<2x1x4xf32>, %w: tensor<2xi64>) -> tensor<2x8x4xf32> {
  %0 = onnx.TensorScatter %x, %u, %w : (tensor<2x8x4xf32>, tensor<2x1x4xf32>, tensor<2xi64>) -> tensor<2x8x4xf32>
  return %0 : tensor<2x8x4xf32>
}
