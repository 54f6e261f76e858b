// RUN: ingot compile %s --target=sm_80 --emit=ptx -q -o - | FileCheck %s

// Blocks that share a tile store their sums, then one thread counts them, which
// releases what was stored to the device and acquires what others released. The
// last block adds all sums; only there is the bias added.
// CHECK: .visible .entry kernel(
// CHECK: .maxntid 256
// CHECK: st.global.v4
// CHECK: bar{{(rier)?}}.sync
// CHECK: atom.acq_rel.gpu.global.inc.u32
// CHECK-NOT: atom
// CHECK: bar{{(rier)?}}.red.or.pred
// CHECK: ld.global.v4
// CHECK: add.rn.f32
// CHECK: st.global.v4
// CHECK-NOT: ld.global.nc
// CHECK-NOT: .local
// CHECK-NOT: call
func.func @main(%x: tensor<32x2048xf32>) -> tensor<32x64xf32> {
  %w = onnx.Constant {value = dense<2.0> : tensor<2048x64xf32>} : tensor<2048x64xf32>
  %b = onnx.Constant {value = dense<1.0> : tensor<64xf32>} : tensor<64xf32>
  %0 = onnx.MatMul %x, %w : (tensor<32x2048xf32>, tensor<2048x64xf32>) -> tensor<32x64xf32>
  %1 = onnx.Add %0, %b : (tensor<32x64xf32>, tensor<64xf32>) -> tensor<32x64xf32>
  return %1 : tensor<32x64xf32>
}
