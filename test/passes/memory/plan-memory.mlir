// RUN: ingot-opt %s --ingot-plan-memory | FileCheck %s

kernel.func @k(%x: tensor<64xf32>) -> tensor<64xf32> {
  kernel.yield %x : tensor<64xf32>
}
kernel.func @s(%x: tensor<?x64xf32, #onnx.dims<["N", 64]>>) -> tensor<?x64xf32, #onnx.dims<["N", 64]>> {
  kernel.yield %x : tensor<?x64xf32, #onnx.dims<["N", 64]>>
}

// Three results in a chain need room for two.
// CHECK-LABEL: @chain
// CHECK-SAME: arena = #onnx.dims<[512]>, arena_lower_bound = #onnx.dims<[512]>
// CHECK: kernel.launch @k(%{{.*}}) {offsets = #onnx.dims<[{{0|256}}]>}
// CHECK: kernel.launch @k(%{{.*}}) {offsets = #onnx.dims<[{{0|256}}]>}
// CHECK: kernel.launch @k(%{{.*}}) {offsets = #onnx.dims<[{{0|256}}]>}
// CHECK: kernel.launch @k(%{{.*}}) {offsets = #onnx.dims<[-1]>}
func.func @chain(%x: tensor<64xf32>) -> tensor<64xf32> {
  %0 = kernel.launch @k(%x) : (tensor<64xf32>) -> tensor<64xf32>
  %1 = kernel.launch @k(%0) : (tensor<64xf32>) -> tensor<64xf32>
  %2 = kernel.launch @k(%1) : (tensor<64xf32>) -> tensor<64xf32>
  %3 = kernel.launch @k(%2) : (tensor<64xf32>) -> tensor<64xf32>
  return %3 : tensor<64xf32>
}

// A symbolic batch is planned like batch 1, times the batch.
// CHECK-LABEL: @symbolic
// CHECK-SAME: arena = #onnx.dims<["N * 512"]>
func.func @symbolic(%x: tensor<?x64xf32, #onnx.dims<["N", 64]>>) -> tensor<?x64xf32, #onnx.dims<["N", 64]>> {
  %0 = kernel.launch @s(%x) : (tensor<?x64xf32, #onnx.dims<["N", 64]>>) -> tensor<?x64xf32, #onnx.dims<["N", 64]>>
  %1 = kernel.launch @s(%0) : (tensor<?x64xf32, #onnx.dims<["N", 64]>>) -> tensor<?x64xf32, #onnx.dims<["N", 64]>>
  %2 = kernel.launch @s(%1) : (tensor<?x64xf32, #onnx.dims<["N", 64]>>) -> tensor<?x64xf32, #onnx.dims<["N", 64]>>
  return %2 : tensor<?x64xf32, #onnx.dims<["N", 64]>>
}

kernel.func @rest(%x: tensor<?xf32, #onnx.dims<["N"]>>) -> tensor<?xf32, #onnx.dims<["N - 3"]>> {
  %0 = kernel.empty : tensor<?xf32, #onnx.dims<["N - 3"]>>
  kernel.yield %0 : tensor<?xf32, #onnx.dims<["N - 3"]>>
}

// N - 3 may be negative; N may not.
// CHECK-LABEL: @sizes_to_check
// CHECK-SAME: checked_sizes = #onnx.dims<["N + -3"]>
func.func @sizes_to_check(%x: tensor<?xf32, #onnx.dims<["N"]>>) -> tensor<?xf32, #onnx.dims<["N - 3"]>> {
  %0 = kernel.launch @rest(%x) : (tensor<?xf32, #onnx.dims<["N"]>>) -> tensor<?xf32, #onnx.dims<["N - 3"]>>
  return %0 : tensor<?xf32, #onnx.dims<["N - 3"]>>
}
