// RUN: ingot compile %s --target=sm_80 --emit=ptx -q -o - | FileCheck %s --check-prefix=EXACT
// RUN: ingot compile %s --target=sm_80 --fp32-products=tf32 --emit=ptx -q -o - | FileCheck %s --check-prefix=TF32
// RUN: ingot compile %s --target=sm_80 --fp32-products=bf16x3 --emit=ptx -q -o - | FileCheck %s --check-prefix=BF16X3
// RUN: ingot compile %s --target=sm_75 --fp32-products=tf32 --emit=ptx -q -o - | FileCheck %s --check-prefix=EXACT

// EXACT-NOT: mma.sync
// EXACT: fma.rn.f32
// EXACT-NOT: mma.sync

// Factors come as they are and are rounded in registers.
// TF32: cp.async.cg.shared.global
// TF32: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// TF32: cvt.rna.tf32.f32
// TF32-NOT: fma.rn.f32
// TF32: mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32
// TF32-NOT: .local

// The parts of two numbers: what the upper ones leave, exactly, are the lower.
// Low by high, high by low, high by high.
// BF16X3: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// BF16X3: cvt.rn.bf16x2.f32
// BF16X3: sub.rn.f32
// BF16X3: cvt.rn.bf16x2.f32
// BF16X3-COUNT-3: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
// BF16X3-NOT: .local
func.func @main(%x: tensor<1x64x40x40xf32>) -> tensor<1x64x40x40xf32> {
  %w = onnx.Constant {value = dense<2.0> : tensor<64x64x3x3xf32>} : tensor<64x64x3x3xf32>
  %none = onnx.None
  %0 = onnx.Conv %x, %w, %none {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x64x40x40xf32>, tensor<64x64x3x3xf32>, none) -> tensor<1x64x40x40xf32>
  return %0 : tensor<1x64x40x40xf32>
}
