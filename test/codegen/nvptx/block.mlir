// RUN: ingot compile %s --target=sm_80 --emit=ptx -q -o - | FileCheck %s

// A block sums up a long row, its warps through shared memory.
// CHECK: .maxntid 256
// CHECK: .shared .align 8 .b8 ingot_team_exchange[256];
// CHECK: shfl.sync.bfly.b32
// CHECK: bar{{(rier)?}}.sync
// CHECK: st.shared
// CHECK: bar{{(rier)?}}.sync
// CHECK: ld.shared
func.func @main(%x: tensor<8x100000xf32>) -> tensor<8xf32> {
  %axes = onnx.Constant {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
  %0 = onnx.ReduceSum %x, %axes {keepdims = 0 : i64} : (tensor<8x100000xf32>, tensor<1xi64>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
