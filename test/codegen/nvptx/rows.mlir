// RUN: ingot compile %s --target=sm_80 --emit=ptx -q -o - | FileCheck %s

// A warp does a row of 512: its threads join what they found by exchanging it.
// CHECK: .visible .entry
// CHECK-NOT: bar.sync
// CHECK: shfl.sync.bfly.b32
// CHECK: shfl.sync.bfly.b32
// CHECK-NOT: bar.sync
// CHECK: ret;
func.func @main(%x: tensor<64x512xf32>) -> tensor<64x512xf32> {
  %0 = onnx.Softmax %x {axis = -1 : i64} : (tensor<64x512xf32>) -> tensor<64x512xf32>
  return %0 : tensor<64x512xf32>
}
