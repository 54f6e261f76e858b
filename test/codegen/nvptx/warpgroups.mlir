// RUN: ingot compile %s --target=sm_90a --emit=ptx -q -o - | FileCheck %s
// RUN: ingot compile %s --target=sm_90 --emit=ptx -q -o - | FileCheck %s --check-prefix=WARPS

// Two warpgroups multiply tiles of 128 x 256 of the result, 64 rows each, that a
// third has copied into memory which the launch gives. Of the right factor each
// block of a pair has two pieces of 64 columns copied to both.
// CHECK: .extern .shared .align 1024 .b8 ingot_dynamic_shared[];
// CHECK: .visible .entry
// CHECK: .param .align 64 .b8 {{.*}}[128],
// CHECK: .param .align 64 .b8 {{.*}}[128]
// CHECK: .maxntid 384
// CHECK-COUNT-8: mbarrier.init.shared::cta.b64
// CHECK: fence.mbarrier_init.release.cluster
// CHECK: barrier.cluster.arrive.release
// CHECK: barrier.cluster.wait.acquire

// CHECK: setmaxnreg.inc.sync.aligned.u32 232
// CHECK: mbarrier.try_wait.parity.shared::cta.b64
// CHECK: wgmma.fence.sync.aligned
// CHECK-COUNT-4: wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16
// CHECK-NOT: wgmma.mma_async
// CHECK: wgmma.commit_group.sync.aligned
// CHECK: wgmma.wait_group.sync.aligned 1
// CHECK: @go mbarrier.arrive.release.cluster.shared::cluster.b64
// CHECK: wgmma.wait_group.sync.aligned 0
// CHECK: @go mbarrier.arrive.release.cluster.shared::cluster.b64
// CHECK: st.shared.v2
// CHECK: bar.warp.sync
// CHECK: ld.shared.v4
// CHECK: st.global

// CHECK: setmaxnreg.dec.sync.aligned.u32 40
// CHECK: mbarrier.try_wait.parity.shared::cta.b64
// CHECK: mbarrier.arrive.expect_tx.shared::cta.b64
// CHECK: cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [
// CHECK-COUNT-2: cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster [
// CHECK-NOT: cp.async.bulk

// CHECK: barrier.cluster.wait.acquire
// CHECK-NOT: .local
// CHECK-NOT: call

// WARPS-NOT: wgmma
// WARPS: mma.sync
func.func @main(%x: tensor<2048x4096xbf16>) -> tensor<2048x4096xbf16> {
  %w = onnx.Constant {value = dense<2.0> : tensor<4096x4096xbf16>} : tensor<4096x4096xbf16>
  %b = onnx.Constant {value = dense<1.0> : tensor<4096xbf16>} : tensor<4096xbf16>
  %0 = onnx.MatMul %x, %w : (tensor<2048x4096xbf16>, tensor<4096x4096xbf16>) -> tensor<2048x4096xbf16>
  %1 = onnx.Add %0, %b : (tensor<2048x4096xbf16>, tensor<4096xbf16>) -> tensor<2048x4096xbf16>
  return %1 : tensor<2048x4096xbf16>
}
