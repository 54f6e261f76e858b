// RUN: ingot compile %s --target=sm_75 --emit=ptx -q -o - | FileCheck %s

// A single row: weights go from global memory into registers, and threads add
// up what they have of the depth.
// CHECK: .maxntid 256
// CHECK-NOT: st.shared
// CHECK-COUNT-4: ld.global.v4
// CHECK: shfl.sync.bfly.b32
// CHECK: st.shared.v4
// CHECK: bar{{(rier)?}}.sync
func.func @main(%x: tensor<1x512xf32>) -> tensor<1x96xf32> {
  %w = onnx.Constant {value = dense<2.0> : tensor<512x96xf32>} : tensor<512x96xf32>
  %0 = onnx.MatMul %x, %w : (tensor<1x512xf32>, tensor<512x96xf32>) -> tensor<1x96xf32>
  return %0 : tensor<1x96xf32>
}
