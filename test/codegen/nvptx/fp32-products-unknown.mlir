// RUN: not ingot compile %s --target=sm_80 --emit=ptx -q -o - 2>&1 | FileCheck %s

// CHECK: [IG2030]
// CHECK-SAME: there is no way 'tf16' to multiply f32; it is exact, tf32, bf16x3 or bf16x6
module attributes {ingot.fp32_products = "tf16"} {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    return %x : tensor<4xf32>
  }
}
