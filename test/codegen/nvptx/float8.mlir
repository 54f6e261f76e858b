// RUN: ingot compile %s --target=sm_89 --emit=ptx -q -o - | FileCheck %s
// RUN: ingot compile %s --target=sm_90a --emit=ptx -q -o - | FileCheck %s --check-prefix=GROUPS
// RUN: ingot compile %s --target=sm_80 --emit=ptx -q -o - | FileCheck %s --check-prefix=FLOATS

// Both factors lie in shared memory in rows of their depth. The products of a
// tile begin at zero and are added in f32.
// CHECK: .version 8.4
// CHECK: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK: mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e5m2.f32
// CHECK-NOT: .trans
// CHECK: add.{{(rn.)?}}f32

// GROUPS: wgmma.fence.sync.aligned
// GROUPS: setp.ne.b32 add, 0, 0;
// GROUPS-NEXT: wgmma.mma_async.sync.aligned.m64n128k32.f32.e4m3.e5m2
// GROUPS: setp.eq.b32 add, 0, 0;
// GROUPS-NEXT: wgmma.mma_async.sync.aligned.m64n128k32.f32.e4m3.e5m2
// GROUPS-COUNT-2: wgmma.mma_async
// GROUPS: wgmma.commit_group.sync.aligned
// GROUPS: wgmma.wait_group.sync.aligned 0
// GROUPS: add.{{(rn.)?}}f32

// FLOATS: .version 7.0
// FLOATS-NOT: e4m3.e5m2
func.func @main(%x: tensor<4096x256xf8E4M3FN>) -> tensor<4096x4096xf32> {
  %w = onnx.Constant {value = dense<2.0> : tensor<256x4096xf8E5M2>} : tensor<256x4096xf8E5M2>
  %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %none = onnx.None
  %0 = onnx.DequantizeLinear %x, %s, %none : (tensor<4096x256xf8E4M3FN>, tensor<f32>, none) -> tensor<4096x256xf32>
  %1 = onnx.DequantizeLinear %w, %s, %none : (tensor<256x4096xf8E5M2>, tensor<f32>, none) -> tensor<256x4096xf32>
  %2 = onnx.MatMul %0, %1 : (tensor<4096x256xf32>, tensor<256x4096xf32>) -> tensor<4096x4096xf32>
  return %2 : tensor<4096x4096xf32>
}
