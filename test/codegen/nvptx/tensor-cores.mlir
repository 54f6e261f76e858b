// RUN: ingot compile %s --target=sm_80 --emit=ptx -q -o - | FileCheck %s

// Tiles come by copies that go on while warps multiply; what lies outside of
// the image becomes zeros. Each warp takes factors from shared memory.
// CHECK: cp.async.cg.shared.global
// CHECK: cp.async.commit_group
// CHECK: cp.async.wait_group 2
// CHECK: bar{{(rier)?}}.sync
// CHECK: cp.async.cg.shared.global
// CHECK: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK: ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16
// CHECK: mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
// CHECK: cp.async.wait_group 0
// CHECK: cvt.rn.f16x2
// CHECK-NOT: .local
func.func @main(%x: tensor<1x64x40x40xf16>) -> tensor<1x64x40x40xf16> {
  %w = onnx.Constant {value = dense<2.0> : tensor<64x64x3x3xf16>} : tensor<64x64x3x3xf16>
  %none = onnx.None
  %0 = onnx.Conv %x, %w, %none {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x64x40x40xf16>, tensor<64x64x3x3xf16>, none) -> tensor<1x64x40x40xf16>
  return %0 : tensor<1x64x40x40xf16>
}
