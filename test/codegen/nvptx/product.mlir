// RUN: ingot compile %s --target=sm_75 --emit=ptx -q -o - | FileCheck %s

// Blocks multiply tiles in shared memory, which come in chunks of 16 bytes, by
// fused multiply-adds; the bias is added and the result stored in chunks, too.
// CHECK: .visible .entry
// CHECK: .shared .align 128 .b8
// CHECK: ld.global.v4
// CHECK: st.shared.v4
// CHECK: bar{{(rier)?}}.sync
// CHECK: ld.shared.v4
// CHECK: fma.rn.f32
// CHECK: bar{{(rier)?}}.sync
// CHECK: add.rn.f32
// CHECK: st.global.v4
// CHECK-NOT: .local
// CHECK-NOT: call
func.func @main(%x: tensor<256x64xf32>) -> tensor<256x96xf32> {
  %w = onnx.Constant {value = dense<2.0> : tensor<64x96xf32>} : tensor<64x96xf32>
  %b = onnx.Constant {value = dense<1.0> : tensor<96xf32>} : tensor<96xf32>
  %0 = onnx.MatMul %x, %w : (tensor<256x64xf32>, tensor<64x96xf32>) -> tensor<256x96xf32>
  %1 = onnx.Add %0, %b : (tensor<256x96xf32>, tensor<96xf32>) -> tensor<256x96xf32>
  return %1 : tensor<256x96xf32>
}
