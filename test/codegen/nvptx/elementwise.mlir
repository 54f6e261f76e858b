// RUN: ingot compile %s --target=sm_80 --emit=ptx -q -o - | FileCheck %s
// RUN: ingot compile %s --target=sm_90a --emit=ptx -q -o - | FileCheck %s --check-prefix=SM90

// A thread adds four neighbours, read and written at once: 1024 rows of 250
// such vectors are 256000 work items, the bound it is checked against.
// CHECK: .version 7.0
// CHECK: .target sm_80
// CHECK: .visible .entry [[NAME:[a-z_0-9]+]](
// CHECK: .maxntid 128
// CHECK: ld.global.v4
// CHECK: ld.global.v4
// CHECK-COUNT-4: add.rn.f32
// CHECK: st.global.v4
// CHECK-NOT: .extern
// CHECK-NOT: call

// SM90: .version 8.0
// SM90: .target sm_90a
func.func @main(%x: tensor<1024x1000xf32>, %y: tensor<1024x1000xf32>) -> tensor<1024x1000xf32> {
  %0 = onnx.Add %x, %y : (tensor<1024x1000xf32>, tensor<1024x1000xf32>) -> tensor<1024x1000xf32>
  return %0 : tensor<1024x1000xf32>
}
