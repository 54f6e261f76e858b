// RUN: ingot-opt %s --ingot-select-attention=remarks=true --split-input-file -verify-diagnostics -o /dev/null

module attributes {ingot.machine = #kernel.machine<target = "sm_80", triple = "nvptx64-nvidia-cuda", tune = "sm_80", features = "+ptx70", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 131072, l2 = 41943040, warp = 32>} {
  func.func @taken(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
    %0 = onnx.MatMul %q, %k : (tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32>) -> tensor<2x4x5x7xf32>
    %1 = onnx.Softmax %0 : (tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    // expected-remark @+1 {{kernel: attention emitter, which stores no scores}}
    %2 = onnx.MatMul %1, %v : (tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32>
    return %2 : tensor<2x4x5x8xf32>
  }
}

// -----

module attributes {ingot.machine = #kernel.machine<target = "sm_80", triple = "nvptx64-nvidia-cuda", tune = "sm_80", features = "+ptx70", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 131072, l2 = 41943040, warp = 32>} {
  func.func @shares_returned(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>) -> (tensor<2x4x5x8xf32>, tensor<2x4x5x7xf32>) {
    %0 = onnx.MatMul %q, %k : (tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32>) -> tensor<2x4x5x7xf32>
    %1 = onnx.Softmax %0 : (tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    // expected-remark @+1 {{kernel: attention is not one kernel: the softmax has other readers}}
    %2 = onnx.MatMul %1, %v : (tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32>
    return %2, %1 : tensor<2x4x5x8xf32>, tensor<2x4x5x7xf32>
  }
}

// -----

module attributes {ingot.machine = #kernel.machine<target = "sm_80", triple = "nvptx64-nvidia-cuda", tune = "sm_80", features = "+ptx70", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 131072, l2 = 41943040, warp = 32>} {
  func.func @scores_returned(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>) -> (tensor<2x4x5x8xf32>, tensor<2x4x5x7xf32>) {
    %0 = onnx.MatMul %q, %k : (tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32>) -> tensor<2x4x5x7xf32>
    %1 = onnx.Softmax %0 : (tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    // expected-remark @+1 {{kernel: attention is not one kernel: the scores have other readers}}
    %2 = onnx.MatMul %1, %v : (tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32>
    return %2, %0 : tensor<2x4x5x8xf32>, tensor<2x4x5x7xf32>
  }
}

// -----

module attributes {ingot.machine = #kernel.machine<target = "sm_80", triple = "nvptx64-nvidia-cuda", tune = "sm_80", features = "+ptx70", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 131072, l2 = 41943040, warp = 32>} {
  func.func @no_product(%s: tensor<2x4x5x7xf32>, %v: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
    %1 = onnx.Softmax %s : (tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    // expected-remark @+1 {{kernel: attention is not one kernel: the scores are not a product, scaled and masked}}
    %2 = onnx.MatMul %1, %v : (tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32>
    return %2 : tensor<2x4x5x8xf32>
  }
}

// -----

module attributes {ingot.machine = #kernel.machine<target = "sm_80", triple = "nvptx64-nvidia-cuda", tune = "sm_80", features = "+ptx70", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 131072, l2 = 41943040, warp = 32>} {
  func.func @mask_over_bias(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>, %b: tensor<2x4x5x7xf32>, %m: tensor<5x7xi1>) -> tensor<2x4x5x8xf32> {
    %n = onnx.Constant {value = dense<-10000.0> : tensor<f32>} : tensor<f32>
    %0 = onnx.MatMul %q, %k : (tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32>) -> tensor<2x4x5x7xf32>
    %1 = onnx.Add %0, %b : (tensor<2x4x5x7xf32>, tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    %2 = onnx.Where %m, %1, %n : (tensor<5x7xi1>, tensor<2x4x5x7xf32>, tensor<f32>) -> tensor<2x4x5x7xf32>
    %3 = onnx.Softmax %2 : (tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    // expected-remark @+1 {{kernel: attention is not one kernel: the mask comes after the bias}}
    %4 = onnx.MatMul %3, %v : (tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32>
    return %4 : tensor<2x4x5x8xf32>
  }
}

// -----

module attributes {ingot.machine = #kernel.machine<target = "sm_80", triple = "nvptx64-nvidia-cuda", tune = "sm_80", features = "+ptx70", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 131072, l2 = 41943040, warp = 32>} {
  func.func @scaled_bias(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>, %b: tensor<2x4x5x7xf32>) -> tensor<2x4x5x8xf32> {
    %c = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
    %0 = onnx.MatMul %q, %k : (tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32>) -> tensor<2x4x5x7xf32>
    %1 = onnx.Add %0, %b : (tensor<2x4x5x7xf32>, tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    %2 = onnx.Mul %1, %c : (tensor<2x4x5x7xf32>, tensor<f32>) -> tensor<2x4x5x7xf32>
    %3 = onnx.Softmax %2 : (tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    // expected-remark @+1 {{kernel: attention is not one kernel: the scores are scaled after a mask or bias}}
    %4 = onnx.MatMul %3, %v : (tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32>
    return %4 : tensor<2x4x5x8xf32>
  }
}

// -----

module attributes {ingot.machine = #kernel.machine<target = "sm_80", triple = "nvptx64-nvidia-cuda", tune = "sm_80", features = "+ptx70", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 131072, l2 = 41943040, warp = 32>} {
  func.func @two_biases(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>, %b: tensor<2x4x5x7xf32>) -> tensor<2x4x5x8xf32> {
    %0 = onnx.MatMul %q, %k : (tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32>) -> tensor<2x4x5x7xf32>
    %1 = onnx.Add %0, %b : (tensor<2x4x5x7xf32>, tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    %2 = onnx.Add %1, %b : (tensor<2x4x5x7xf32>, tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    %3 = onnx.Softmax %2 : (tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    // expected-remark @+1 {{kernel: attention is not one kernel: two tensors are added to the scores}}
    %4 = onnx.MatMul %3, %v : (tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32>
    return %4 : tensor<2x4x5x8xf32>
  }
}

// -----

module attributes {ingot.machine = #kernel.machine<target = "sm_80", triple = "nvptx64-nvidia-cuda", tune = "sm_80", features = "+ptx70", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 131072, l2 = 41943040, warp = 32>} {
  func.func @masked_by_a_tensor(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>, %b: tensor<2x4x5x7xf32>, %m: tensor<5x7xi1>) -> tensor<2x4x5x8xf32> {
    %0 = onnx.MatMul %q, %k : (tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32>) -> tensor<2x4x5x7xf32>
    %2 = onnx.Where %m, %0, %b : (tensor<5x7xi1>, tensor<2x4x5x7xf32>, tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    %3 = onnx.Softmax %2 : (tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    // expected-remark @+1 {{kernel: attention is not one kernel: what masked scores are is not one number}}
    %4 = onnx.MatMul %3, %v : (tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32>
    return %4 : tensor<2x4x5x8xf32>
  }
}

// -----

module attributes {ingot.machine = #kernel.machine<target = "sm_80", triple = "nvptx64-nvidia-cuda", tune = "sm_80", features = "+ptx70", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 131072, l2 = 41943040, warp = 32>} {
  func.func @large_heads(%q: tensor<2x4x5x300xf32>, %k: tensor<2x4x300x7xf32>, %v: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
    %0 = onnx.MatMul %q, %k : (tensor<2x4x5x300xf32>, tensor<2x4x300x7xf32>) -> tensor<2x4x5x7xf32>
    %1 = onnx.Softmax %0 : (tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    // expected-remark @+1 {{kernel: attention is not one kernel: the size of a head is 300}}
    %2 = onnx.MatMul %1, %v : (tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32>
    return %2 : tensor<2x4x5x8xf32>
  }
}

// -----

module attributes {ingot.machine = #kernel.machine<target = "sm_80", triple = "nvptx64-nvidia-cuda", tune = "sm_80", features = "+ptx70", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 131072, l2 = 41943040, warp = 32>} {
  func.func @one_batch_of_keys(%q: tensor<2x4x5x8xf32>, %k: tensor<1x4x8x7xf32>, %v: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
    %0 = onnx.MatMul %q, %k : (tensor<2x4x5x8xf32>, tensor<1x4x8x7xf32>) -> tensor<2x4x5x7xf32>
    %1 = onnx.Softmax %0 : (tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
    // expected-remark @+1 {{kernel: attention is not one kernel: batches or heads of its operands differ}}
    %2 = onnx.MatMul %1, %v : (tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32>
    return %2 : tensor<2x4x5x8xf32>
  }
}

// -----

module attributes {ingot.machine = #kernel.machine<target = "sm_80", triple = "nvptx64-nvidia-cuda", tune = "sm_80", features = "+ptx70", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 131072, l2 = 41943040, warp = 32>} {
  func.func @doubles(%q: tensor<2x4x5x8xf64>, %k: tensor<2x4x8x7xf64>, %v: tensor<2x4x7x8xf64>) -> tensor<2x4x5x8xf64> {
    %0 = onnx.MatMul %q, %k : (tensor<2x4x5x8xf64>, tensor<2x4x8x7xf64>) -> tensor<2x4x5x7xf64>
    %1 = onnx.Softmax %0 : (tensor<2x4x5x7xf64>) -> tensor<2x4x5x7xf64>
    // expected-remark @+1 {{kernel: attention is not one kernel: it is not of f32, f16 or bf16}}
    %2 = onnx.MatMul %1, %v : (tensor<2x4x5x7xf64>, tensor<2x4x7x8xf64>) -> tensor<2x4x5x8xf64>
    return %2 : tensor<2x4x5x8xf64>
  }
}
