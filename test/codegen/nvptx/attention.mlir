// RUN: ingot compile %s --target=sm_80 --emit=ptx -q -o - | FileCheck %s
// RUN: ingot compile %s --target=sm_75 --emit=ptx -q -o - | FileCheck %s --check-prefix=SCALAR

// One kernel, on tensor cores: keys and values come ahead of use, powers are
// approximate as they become halves.
// CHECK-COUNT-1: .visible .entry
// CHECK-DAG: cp.async.cg.shared.global
// CHECK-DAG: cp.async.wait_group
// CHECK-DAG: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK-DAG: mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
// CHECK-DAG: shfl.sync.bfly
// CHECK-DAG: ex2.approx.ftz.f32
// CHECK-DAG: ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16
// CHECK-DAG: mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
// CHECK-NOT: .local
// CHECK-NOT: .entry

// SCALAR-COUNT-1: .visible .entry
// SCALAR: fma.rn.f32
// SCALAR-NOT: mma.sync
// SCALAR-NOT: .local
// SCALAR-NOT: .entry
func.func @main(%q: tensor<2x4x100x64xf16>, %k: tensor<2x4x90x64xf16>, %v: tensor<2x4x90x64xf16>) -> tensor<2x4x100x64xf16> {
  %s = onnx.Constant {value = dense<0.125> : tensor<f16>} : tensor<f16>
  %t = onnx.Transpose %k {perm = array<i64: 0, 1, 3, 2>} : (tensor<2x4x90x64xf16>) -> tensor<2x4x64x90xf16>
  %0 = onnx.MatMul %q, %t : (tensor<2x4x100x64xf16>, tensor<2x4x64x90xf16>) -> tensor<2x4x100x90xf16>
  %1 = onnx.Mul %0, %s : (tensor<2x4x100x90xf16>, tensor<f16>) -> tensor<2x4x100x90xf16>
  %2 = onnx.Softmax %1 : (tensor<2x4x100x90xf16>) -> tensor<2x4x100x90xf16>
  %3 = onnx.MatMul %2, %v : (tensor<2x4x100x90xf16>, tensor<2x4x90x64xf16>) -> tensor<2x4x100x64xf16>
  return %3 : tensor<2x4x100x64xf16>
}
