// RUN: ingot compile %s --target=sm_80 --emit=ptx -q -o - | FileCheck %s

// A block takes a square of x through shared memory; y is read in the order of
// the result.
// CHECK: .maxntid 256
// CHECK: .shared .align 16 .b8 ingot_square_0_4[4224];
// CHECK: ld.global.b32
// CHECK: st.shared.b32
// CHECK: bar{{(rier)?}}.sync
// CHECK: ld.shared.b32
// CHECK: add.rn.f32
// CHECK: st.global.b32
func.func @main(%x: tensor<300x500xf32>, %y: tensor<500x300xf32>) -> tensor<500x300xf32> {
  %0 = onnx.Transpose %x {perm = array<i64: 1, 0>} : (tensor<300x500xf32>) -> tensor<500x300xf32>
  %1 = onnx.Add %0, %y : (tensor<500x300xf32>, tensor<500x300xf32>) -> tensor<500x300xf32>
  return %1 : tensor<500x300xf32>
}
