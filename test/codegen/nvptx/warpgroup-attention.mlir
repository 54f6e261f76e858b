// RUN: ingot compile %s --target=sm_90a --emit=ptx -q -o - | FileCheck %s
// RUN: ingot compile %s --target=sm_90a --emit=ptx -q -o - | FileCheck %s --check-prefix=COPY
// RUN: ingot compile %s --target=sm_90 --emit=ptx -q -o - | FileCheck %s --check-prefix=WARPS

// Two warpgroups have 64 queries each; a third has queries, and then tiles of
// keys and values, copied from tensors of four dimensions. While the powers of
// one tile are multiplied by values, as left factors in registers, the scores
// of the next are computed; then it is the other warpgroup's turn.
// CHECK: .extern .shared .align 1024 .b8 ingot_dynamic_shared[];
// CHECK-COUNT-1: .visible .entry
// CHECK: .maxntid 384
// CHECK: fence.mbarrier_init.release.cluster
// CHECK: bar.sync 0

// CHECK: setmaxnreg.inc.sync.aligned.u32 232
// CHECK: bar.arrive
// CHECK: wgmma.fence.sync.aligned
// CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
// CHECK: wgmma.wait_group.sync.aligned 0

// At the edge of the causal rule: each key is looked at. The warp agrees on how
// to subtract the greatest score.
// CHECK: bar.sync {{.*}}, 256
// CHECK: wgmma.fence.sync.aligned
// CHECK-COUNT-8: add, 1, 1, 0, 0;
// CHECK: wgmma.commit_group.sync.aligned
// CHECK: wgmma.fence.sync.aligned
// CHECK-COUNT-8: add, 1, 1, 1;
// CHECK: wgmma.commit_group.sync.aligned
// CHECK: bar.arrive {{.*}}, 256
// CHECK: wgmma.wait_group.sync.aligned 1
// CHECK: @go mbarrier.arrive
// CHECK-COUNT-64: setp.gt.s32
// CHECK: vote.sync.any.pred

// Tiles before it.
// CHECK: bar.sync {{.*}}, 256
// CHECK: wgmma.wait_group.sync.aligned 1
// CHECK-NOT: setp.gt.s32
// CHECK: vote.sync.any.pred

// COPY: setmaxnreg.dec.sync.aligned.u32 40
// COPY: cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [
// COPY-NOT: .local
// COPY-NOT: .entry

// WARPS-NOT: wgmma
// WARPS: mma.sync
func.func @main(%q: tensor<2x16x4096x128xbf16>, %k: tensor<2x4x4096x128xbf16>, %v: tensor<2x4x4096x128xbf16>) -> tensor<2x16x4096x128xbf16> {
  %0 = ingot.attention %q, %k, %v {scale = 0.125 : f32, causal_offset = #onnx.dims<[0]>} : (tensor<2x16x4096x128xbf16>, tensor<2x4x4096x128xbf16>, tensor<2x4x4096x128xbf16>) -> tensor<2x16x4096x128xbf16>
  return %0 : tensor<2x16x4096x128xbf16>
}
