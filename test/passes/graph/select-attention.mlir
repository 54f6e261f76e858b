// RUN: ingot-opt %s --ingot-select-attention --canonicalize --split-input-file | FileCheck %s

// As BERT's exporter writes it: transposes become orders.
// CHECK-LABEL: @scaled_and_biased
// CHECK-NEXT: ingot.attention %arg0, %arg1, %arg2 bias %arg3 {k_tokens_first, q_tokens_first, result_tokens_first, scale = 2.500000e-01 : f32, v_tokens_first}
// CHECK-NEXT: return
module attributes {ingot.machine = #kernel.machine<target = "sm_80", triple = "nvptx64-nvidia-cuda", tune = "sm_80", features = "+ptx70", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 131072, l2 = 41943040, warp = 32>} {
  func.func @scaled_and_biased(%x: tensor<2x5x4x8xf32>, %y: tensor<2x7x4x8xf32>, %z: tensor<2x7x4x8xf32>, %b: tensor<2x1x1x7xf32>) -> tensor<2x5x4x8xf32> {
    %c = onnx.Constant {value = dense<0.25> : tensor<f32>} : tensor<f32>
    %q = onnx.Transpose %x {perm = array<i64: 0, 2, 1, 3>} : (tensor<2x5x4x8xf32>) -> tensor<2x4x5x8xf32>
    %k = onnx.Transpose %y {perm = array<i64: 0, 2, 3, 1>} : (tensor<2x7x4x8xf32>) -> tensor<2x4x8x7xf32>
    %v = onnx.Transpose %z {perm = array<i64: 0, 2, 1, 3>} : (tensor<2x7x4x8xf32>) -> tensor<2x4x7x8xf32>
    %0 = onnx.MatMul %q, %k : (tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32>) -> tensor<2x4x5x7xf32>
    %1 = onnx.Mul %0, %c : (tensor<2x4x5x7xf32>, tensor<f32>) -> tensor<2x4x5x7xf32>
    %2 = onnx.Add %1, %b : (tensor<2x4x5x7xf32>, tensor<2x1x1x7xf32>) -> tensor<2x4x5x7xf32>
    %3 = onnx.Softmax %2 : (tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    %4 = onnx.MatMul %3, %v : (tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32>
    %5 = onnx.Transpose %4 {perm = array<i64: 0, 2, 1, 3>} : (tensor<2x4x5x8xf32>) -> tensor<2x5x4x8xf32>
    return %5 : tensor<2x5x4x8xf32>
  }
}

// -----

// As torch's scaled_dot_product_attention: half of the scale on each side, rows
// without a key guarded.
// CHECK-LABEL: @scaled_before_and_guarded
// CHECK-NEXT: ingot.attention %arg0, %arg1, %arg2 mask %arg3 {scale = 2.500000e-01 : f32, zero_masked_rows, zero_nan_rows}
// CHECK-NEXT: return
module attributes {ingot.machine = #kernel.machine<target = "sm_80", triple = "nvptx64-nvidia-cuda", tune = "sm_80", features = "+ptx70", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 131072, l2 = 41943040, warp = 32>} {
  func.func @scaled_before_and_guarded(%q: tensor<2x4x5x8xf32>, %y: tensor<2x4x7x8xf32>, %v: tensor<2x4x7x8xf32>, %m: tensor<5x7xi1>) -> tensor<2x4x5x8xf32> {
    %c = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
    %n = onnx.Constant {value = dense<0xFF800000> : tensor<f32>} : tensor<f32>
    %z = onnx.Constant {value = dense<0.0> : tensor<f32>} : tensor<f32>
    %k = onnx.Transpose %y {perm = array<i64: 0, 1, 3, 2>} : (tensor<2x4x7x8xf32>) -> tensor<2x4x8x7xf32>
    %0 = onnx.Mul %q, %c : (tensor<2x4x5x8xf32>, tensor<f32>) -> tensor<2x4x5x8xf32>
    %1 = onnx.Mul %k, %c : (tensor<2x4x8x7xf32>, tensor<f32>) -> tensor<2x4x8x7xf32>
    %2 = onnx.MatMul %0, %1 : (tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32>) -> tensor<2x4x5x7xf32>
    %3 = onnx.Where %m, %2, %n : (tensor<5x7xi1>, tensor<2x4x5x7xf32>, tensor<f32>) -> tensor<2x4x5x7xf32>
    %4 = onnx.Softmax %3 : (tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    %5 = onnx.IsNaN %4 : (tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xi1>
    %6 = onnx.Where %5, %z, %4 : (tensor<2x4x5x7xi1>, tensor<f32>, tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    %7 = onnx.MatMul %6, %v : (tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32>
    return %7 : tensor<2x4x5x8xf32>
  }
}

// -----

// A mask that says what is hidden, with a number; then a bias. Keys stay as they
// are.
// CHECK-LABEL: @inverted_mask
// CHECK-NEXT: %[[M:.*]] = onnx.Not %arg3
// CHECK-NEXT: ingot.attention %arg0, %arg1, %arg2 bias %arg4 mask %[[M]] {fill = -1.000000e+04 : f32, k_transposed, scale = 5.000000e-01 : f32}
module attributes {ingot.machine = #kernel.machine<target = "sm_80", triple = "nvptx64-nvidia-cuda", tune = "sm_80", features = "+ptx70", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 131072, l2 = 41943040, warp = 32>} {
  func.func @inverted_mask(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>, %m: tensor<5x7xi1>, %b: tensor<2x4x5x7xf32>) -> tensor<2x4x5x8xf32> {
    %c = onnx.Constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
    %n = onnx.Constant {value = dense<-10000.0> : tensor<f32>} : tensor<f32>
    %0 = onnx.MatMul %q, %k : (tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32>) -> tensor<2x4x5x7xf32>
    %1 = onnx.Div %0, %c : (tensor<2x4x5x7xf32>, tensor<f32>) -> tensor<2x4x5x7xf32>
    %2 = onnx.Where %m, %n, %1 : (tensor<5x7xi1>, tensor<f32>, tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    %3 = onnx.Add %b, %2 : (tensor<2x4x5x7xf32>, tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    %4 = onnx.Softmax %3 : (tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    %5 = onnx.MatMul %4, %v : (tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32>
    return %5 : tensor<2x4x5x8xf32>
  }
}

// -----

// In half precision, between casts.
// CHECK-LABEL: @half_precision
// CHECK-NEXT: ingot.attention %arg0, %arg1, %arg2 {k_transposed, scale = 1.000000e+00 : f32} : (tensor<2x4x5x8xf16>, tensor<2x4x8x7xf16>, tensor<2x4x7x8xf16>) -> tensor<2x4x5x8xf16>
// CHECK-NEXT: return
module attributes {ingot.machine = #kernel.machine<target = "sm_80", triple = "nvptx64-nvidia-cuda", tune = "sm_80", features = "+ptx70", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 131072, l2 = 41943040, warp = 32>} {
  func.func @half_precision(%q: tensor<2x4x5x8xf16>, %k: tensor<2x4x8x7xf16>, %v: tensor<2x4x7x8xf16>) -> tensor<2x4x5x8xf16> {
    %0 = onnx.Cast %q {to = 1 : i64} : (tensor<2x4x5x8xf16>) -> tensor<2x4x5x8xf32>
    %1 = onnx.Cast %k {to = 1 : i64} : (tensor<2x4x8x7xf16>) -> tensor<2x4x8x7xf32>
    %2 = onnx.Cast %v {to = 1 : i64} : (tensor<2x4x7x8xf16>) -> tensor<2x4x7x8xf32>
    %3 = onnx.MatMul %0, %1 : (tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32>) -> tensor<2x4x5x7xf32>
    %4 = onnx.Softmax %3 : (tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    %5 = onnx.Cast %4 {to = 10 : i64} : (tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf16>
    %6 = onnx.Cast %5 {to = 1 : i64} : (tensor<2x4x5x7xf16>) -> tensor<2x4x5x7xf32>
    %7 = onnx.MatMul %6, %2 : (tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32>
    %8 = onnx.Cast %7 {to = 10 : i64} : (tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf16>
    return %8 : tensor<2x4x5x8xf16>
  }
}

// -----

// Heads only, of symbolic number; keys by their tokens.
// CHECK-LABEL: @three_dimensions
// CHECK-DAG: %[[Q:.*]] = kernel.view %arg0 : {{.*}} to tensor<1x?x?x8xf32, #onnx.dims<[1, "H", "M", 8]>>
// CHECK-DAG: %[[K:.*]] = kernel.view %arg1 : {{.*}} to tensor<1x?x?x8xf32, #onnx.dims<[1, "N", "H", 8]>>
// CHECK-DAG: %[[V:.*]] = kernel.view %arg2
// CHECK: %[[A:.*]] = ingot.attention %[[Q]], %[[K]], %[[V]] {k_tokens_first, scale = 1.000000e+00 : f32}
// CHECK: kernel.view %[[A]]
module attributes {ingot.machine = #kernel.machine<target = "sm_80", triple = "nvptx64-nvidia-cuda", tune = "sm_80", features = "+ptx70", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 131072, l2 = 41943040, warp = 32>} {
  func.func @three_dimensions(%q: tensor<?x?x8xf32, #onnx.dims<["H", "M", 8]>>, %y: tensor<?x?x8xf32, #onnx.dims<["N", "H", 8]>>, %v: tensor<?x?x8xf32, #onnx.dims<["H", "N", 8]>>) -> tensor<?x?x8xf32, #onnx.dims<["H", "M", 8]>> {
    %k = onnx.Transpose %y {perm = array<i64: 1, 2, 0>} : (tensor<?x?x8xf32, #onnx.dims<["N", "H", 8]>>) -> tensor<?x8x?xf32, #onnx.dims<["H", 8, "N"]>>
    %0 = onnx.MatMul %q, %k : (tensor<?x?x8xf32, #onnx.dims<["H", "M", 8]>>, tensor<?x8x?xf32, #onnx.dims<["H", 8, "N"]>>) -> tensor<?x?x?xf32, #onnx.dims<["H", "M", "N"]>>
    %1 = onnx.Softmax %0 : (tensor<?x?x?xf32, #onnx.dims<["H", "M", "N"]>>) -> tensor<?x?x?xf32, #onnx.dims<["H", "M", "N"]>>
    %2 = onnx.MatMul %1, %v : (tensor<?x?x?xf32, #onnx.dims<["H", "M", "N"]>>, tensor<?x?x8xf32, #onnx.dims<["H", "N", 8]>>) -> tensor<?x?x8xf32, #onnx.dims<["H", "M", 8]>>
    return %2 : tensor<?x?x8xf32, #onnx.dims<["H", "M", 8]>>
  }
}

// -----

// Machines without warps keep products.
// CHECK-LABEL: @processor
// CHECK: onnx.MatMul
// CHECK: onnx.Softmax
// CHECK: onnx.MatMul
module {
  func.func @processor(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
    %0 = onnx.MatMul %q, %k : (tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32>) -> tensor<2x4x5x7xf32>
    %1 = onnx.Softmax %0 : (tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    %2 = onnx.MatMul %1, %v : (tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32>
    return %2 : tensor<2x4x5x8xf32>
  }
}
