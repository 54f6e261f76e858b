// RUN: ingot compile %s --target=sm_80 --emit=ptx -q -o - | FileCheck %s

// Blocks that share a sum count over all of its tensor, store what they have, and
// the last one joins that, a value for each of its threads; it alone divides.
// CHECK: .visible .entry kernel(
// CHECK: ld.global.v4
// CHECK: shfl.sync.bfly
// CHECK: st.global.b32
// CHECK: bar{{(rier)?}}.sync
// CHECK: atom.acq_rel.gpu.global.inc.u32
// CHECK: bar{{(rier)?}}.red.or.pred
// CHECK: ld.global.b32
// CHECK: shfl.sync.bfly
// CHECK: div.rn.f32
// CHECK: st.global.b32
// CHECK-NOT: ld.global.nc
// CHECK-NOT: .local
func.func @main(%x: tensor<8x64x56x56xf32>) -> tensor<1x1x1x1xf32> {
  %none = onnx.None
  %0 = onnx.ReduceMean %x, %none : (tensor<8x64x56x56xf32>, none) -> tensor<1x1x1x1xf32>
  return %0 : tensor<1x1x1x1xf32>
}
