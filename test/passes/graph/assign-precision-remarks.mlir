// RUN: ingot-opt %s "--ingot-assign-precision=remarks" --split-input-file --verify-diagnostics -o /dev/null

module attributes {ingot.precision = "f16"} {
  func.func @ranges(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {
    // expected-remark@below {{precision: its result is f16 wherever it goes through memory}}
    %0 = onnx.Exp %x {ingot.max_abs = array<f64: 100.0>} : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result stays f32: its values reach 2e+04, and f16 ends at 65504: less than 4 times that}}
    %1 = onnx.Exp %0 {ingot.max_abs = array<f64: 20000.0>} : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result stays f32: its values are at most 1e-05, where f16 has few bits left}}
    %2 = onnx.Neg %1 {ingot.max_abs = array<f64: 1.0e-5>} : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result stays f32: its values are not finite}}
    %3 = onnx.Log %2 {ingot.max_abs = array<f64: 0x7FF0000000000000>} : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result stays f32: an output of the model has its declared type}}
    %4 = onnx.Neg %3 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    return %4 : tensor<64x64xf32>
  }
}

// -----

// What is computed in f32 whatever is stored.
module attributes {ingot.precision = "f16"} {
  func.func @sums(%x: tensor<64x64xf32>) -> tensor<64x1xf32> {
    %w = onnx.Constant {value = dense<0.1> : tensor<64x64xf32>} : tensor<64x64xf32>
    %one = onnx.Constant {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
    // expected-remark@below {{precision: its result is f16 wherever it goes through memory}}
    // expected-remark@below {{precision: its weights are f16, off by 0.00024 of their norm}}
    // expected-remark@below {{precision: its sums are f32}}
    %0 = onnx.MatMul %x, %w : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: works on f16 as it is}}
    %1 = onnx.Transpose %0 {perm = array<i64: 1, 0>} : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is f16 wherever it goes through memory}}
    // expected-remark@below {{precision: exponentials and their sums are f32}}
    %2 = onnx.Softmax %1 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    %scale = onnx.Constant {value = dense<1.0> : tensor<64xf32>} : tensor<64xf32>
    %none = onnx.None
    // expected-remark@below {{precision: its result is f16 wherever it goes through memory}}
    // expected-remark@below {{precision: means and deviations are f32}}
    %3:3 = onnx.LayerNormalization %2, %scale, %none : (tensor<64x64xf32>, tensor<64xf32>, none) -> (tensor<64x64xf32>, tensor<64x1xf32>, tensor<64x1xf32>)
    // expected-remark@below {{precision: its result stays f32: a sum over many values, and few of them}}
    // expected-remark@below {{precision: its sums are f32}}
    %4 = onnx.ReduceSum %3#0, %one : (tensor<64x64xf32>, tensor<1xi64>) -> tensor<64x1xf32>
    // expected-remark@below {{precision: its result stays f32: an output of the model has its declared type}}
    %5 = onnx.Neg %4 : (tensor<64x1xf32>) -> tensor<64x1xf32>
    return %5 : tensor<64x1xf32>
  }
}

// -----

module attributes {ingot.precision = "f16"} {
  func.func @others(%x: tensor<64x64xf32>, %k: tensor<1xi64>) -> tensor<64x64xf32> {
    // expected-remark@unknown {{precision: its result stays f32: TopK 'top' reads f32}}
    %0 = onnx.Exp %x : (tensor<64x64xf32>) -> tensor<64x64xf32> loc("Exp:read by it")
    // expected-remark@unknown {{precision: its result stays f32: TopK makes f32}}
    %1:2 = onnx.TopK %0, %k : (tensor<64x64xf32>, tensor<1xi64>) -> (tensor<64x64xf32>, tensor<64x64xi64>) loc("TopK:top")
    // expected-remark@below {{precision: its result stays f32: an input of the model has its declared type}}
    %2 = onnx.Transpose %x {perm = array<i64: 1, 0>} : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@unknown {{precision: its result stays f32: the state of a recurrent layer, where errors would add up over the steps}}
    %3 = onnx.Add %1#0, %2 : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32> loc("LSTM:layer")
    %few = onnx.Constant {value = dense<0.5> : tensor<64x2xf32>} : tensor<64x2xf32>
    // expected-remark@below {{precision: its result stays f32: too small to matter}}
    // expected-remark@below {{precision: its weights are f16, off by 0 of their norm}}
    // expected-remark@below {{precision: its sums are f32}}
    %4 = onnx.MatMul %3, %few : (tensor<64x64xf32>, tensor<64x2xf32>) -> tensor<64x2xf32>
    %back = onnx.Constant {value = dense<1.0e5> : tensor<2x64xf32>} : tensor<2x64xf32>
    // expected-remark@below {{precision: its result stays f32: an output of the model has its declared type}}
    // expected-remark@below {{precision: its weights stay f32: they reach 1e+05, and f16 ends at 65504}}
    // expected-remark@below {{precision: its sums are f32}}
    %5 = onnx.MatMul %4, %back : (tensor<64x2xf32>, tensor<2x64xf32>) -> tensor<64x64xf32>
    return %5 : tensor<64x64xf32>
  }
}

// -----

module attributes {ingot.precision = "f16"} {
  func.func @weights(%x: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
    %small = onnx.Constant {value = dense<1.0e-7> : tensor<4x4xf32>} : tensor<4x4xf32>
    // expected-remark@below {{precision: its result stays f32: an output of the model has its declared type}}
    // expected-remark@below {{precision: its weights stay f32: they are so small that f16 would be off by 0.192 of their norm}}
    // expected-remark@below {{precision: its sums are f32}}
    %0 = onnx.MatMul %x, %small : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    %inf = onnx.Constant {value = dense<0x7F800000> : tensor<4x4xf32>} : tensor<4x4xf32>
    // expected-remark@below {{precision: its result stays f32: an output of the model has its declared type}}
    // expected-remark@below {{precision: its weights stay f32: they are not all finite}}
    // expected-remark@below {{precision: its sums are f32}}
    %1 = onnx.MatMul %x, %inf : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    return %0, %1 : tensor<4x4xf32>, tensor<4x4xf32>
  }
}

// -----

// f16 where data shows that it is safe, else bf16.
module attributes {ingot.precision = "auto"} {
  func.func @auto(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %0 = onnx.Exp %x : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is f16 wherever it goes through memory}}
    %1 = onnx.Neg %0 {ingot.max_abs = array<f64: 3.0>} : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: its values reach 1e+06, and f16 ends at 65504: less than 4 times that}}
    %2 = onnx.Exp %1 {ingot.max_abs = array<f64: 1.0e6>} : (tensor<64x64xf32>) -> tensor<64x64xf32>
    %big = onnx.Constant {value = dense<7.0e5> : tensor<64x64xf32>} : tensor<64x64xf32>
    // expected-remark@below {{precision: its result stays f32: an output of the model has its declared type}}
    // expected-remark@below {{precision: its weights are bf16, off by 0.00059 of their norm: they reach 7e+05, and f16 ends at 65504}}
    // expected-remark@below {{precision: its sums are f32}}
    %3 = onnx.MatMul %2, %big : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    return %3 : tensor<64x64xf32>
  }
}

// -----

// bf16 until the error of the model reaches 0.01.
module attributes {ingot.precision = "auto"} {
  func.func @budget(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %0 = onnx.Exp %x : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %1 = onnx.Exp %0 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %2 = onnx.Exp %1 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %3 = onnx.Exp %2 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %4 = onnx.Exp %3 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %5 = onnx.Exp %4 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %6 = onnx.Exp %5 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %7 = onnx.Exp %6 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %8 = onnx.Exp %7 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %9 = onnx.Exp %8 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %10 = onnx.Exp %9 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %11 = onnx.Exp %10 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %12 = onnx.Exp %11 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %13 = onnx.Exp %12 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %14 = onnx.Exp %13 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %15 = onnx.Exp %14 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %16 = onnx.Exp %15 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %17 = onnx.Exp %16 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result is bf16 wherever it goes through memory: no calibration data says how large its values get}}
    %18 = onnx.Exp %17 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result stays f32: no calibration data says how large its values get; in bf16 it would bring the error of the model to 0.0101, more than 0.01}}
    %19 = onnx.Exp %18 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    // expected-remark@below {{precision: its result stays f32: an output of the model has its declared type}}
    %20 = onnx.Exp %19 : (tensor<64x64xf32>) -> tensor<64x64xf32>
    return %20 : tensor<64x64xf32>
  }
}

// -----

// expected-error@below {{[IG2030] there is no precision 'f8'; it is f16, bf16 or auto}}
module attributes {ingot.precision = "f8"} {
  func.func @wrong(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {
    return %x : tensor<64x64xf32>
  }
}
