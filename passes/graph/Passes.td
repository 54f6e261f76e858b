//===- Passes.td - the passes of the graph phase ---------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Included by passes/Passes.td.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_GRAPH_PASSES_TD
#define INGOT_PASSES_GRAPH_PASSES_TD

include "mlir/Pass/PassBase.td"

def InferShapes : Pass<"ingot-infer-shapes", "::mlir::func::FuncOp"> {
  let summary = "Refine the types of values by inferring them again";
  let description = [{
    Runs the shape rule of every onnx op until no type changes, and gives the
    function the types that it then returns. Where a value has a type already,
    the better of the two is kept for each dimension: a constant, else an
    expression over symbols of the inputs, else the name that the model
    declares. Run it after a pass or a flag changed shapes. Reports an error
    (IG2001, IG2002) where a shape rule is broken or contradicts a declaration.

    ```mlir
    func.func @main(%x: tensor<2x4xf32>) -> tensor<?x4xf32, #onnx.dims<["N", 4]>> {
      %0 = onnx.Relu %x : (tensor<2x4xf32>) -> tensor<?x4xf32, #onnx.dims<["N", 4]>>
      return %0 : tensor<?x4xf32, #onnx.dims<["N", 4]>>
    }
    // ==>
    func.func @main(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %0 = onnx.Relu %x : (tensor<2x4xf32>) -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```
  }];
}

def Decompose : Pass<"ingot-decompose"> {
  let summary = "Rewrite layers as the operators they consist of";
  let description = [{
    A recurrent layer (RNN, GRU, LSTM) over a static number of steps becomes a
    matrix product of all inputs, and a product and elementwise work for the
    state of each step; Attention becomes two products around a softmax, or
    ingot.attention on a machine with warps. The operators of `com.microsoft` become those of ONNX: quantized functions
    DequantizeLinear, the function and QuantizeLinear, MatMulNBits
    DequantizeLinear of a constant in blocks and MatMul. Other forms stay and
    are refused by `ingot-lower-onnx`.

    ```mlir
    func.func @main(%x: tensor<1x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>) -> tensor<1x2x4xf32> {
      %n = onnx.None
      %y, %h = onnx.RNN %x, %w, %r, %n, %n, %n : (tensor<1x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>, none, none, none) -> (tensor<1x1x2x4xf32>, tensor<1x2x4xf32>)
      return %h : tensor<1x2x4xf32>
    }
    // ==>
    %p = onnx.MatMul ...
    ```
  }];
  let dependentDialects = ["::ingot::heavy::IngotDialect",
                           "::ingot::kernel::KernelDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FoldConstants : Pass<"ingot-fold-constants", "::mlir::ModuleOp"> {
  let summary = "Compute at compile time what depends on constants alone";
  let description = [{
    An onnx op of constants (or one that reads only the shape of a tensor of
    static shape) is lowered aside as `ingot-lower-onnx` would do it, and what
    comes out is interpreted. So there is one definition of every operator, and
    a folded value has the bits that compiled code would give; float sums are
    taken in double precision. Functions whose last bit is up to the code
    generator (exp, log, ...) are left to run time, and so are random numbers
    and faults.

    Splats stay splats whatever their shape, and other shapes of the same
    elements share their bytes. Results larger than `max-bytes` are made only
    if they replace constants of at least that size; all folds together take at
    most `max-steps` scalar operations.

    ```mlir
    func.func @main() -> tensor<2xf32> {
      %0 = onnx.Constant {value = dense<[1.0, 2.0]> : tensor<2xf32>} : tensor<2xf32>
      %1 = onnx.Constant {value = dense<3.0> : tensor<f32>} : tensor<f32>
      %2 = onnx.Mul %0, %1 : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
      return %2 : tensor<2xf32>
    }
    // ==>
    func.func @main() -> tensor<2xf32> {
      %0 = onnx.Constant {value = dense<[3.000000e+00, 6.000000e+00]> : tensor<2xf32>} : tensor<2xf32>
      return %0 : tensor<2xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect",
                           "::ingot::kernel::KernelDialect"];
  let options = [
    Option<"maxBytes", "max-bytes", "int64_t", "65536",
           "Largest result that is made">,
    Option<"maxSteps", "max-steps", "int64_t", "268435456",
           "Scalar operations that all folds together may take">,
    Option<"dequantize", "dequantize", "bool", "false",
           "Fold DequantizeLinear, which hides quantized weights">,
    Option<"remarks", "remarks", "bool", "false",
           "Say why ops of constants were not folded">];
  let statistics = [Statistic<"numFolded", "folded", "Ops folded">];
}

def SimplifyGraph : Pass<"ingot-simplify-graph", "::mlir::ModuleOp"> {
  let summary = "Simplify the graph by algebra";
  let description = [{
    Takes out ops that change nothing, merges chains of transposes, of shape
    changes and of limits (Relu, Clip), turns small powers into products and
    divisions by powers of two into multiplications, makes padding part of the
    convolution or pooling that follows, and moves what is constant for each
    channel (BatchNormalization at inference, Mul, Div, Add and Sub by
    constants) into the weights and bias of the convolution or matrix product
    before it. Other BatchNormalizations become Mul and Add. Then equal ops are
    made one, and unused ones go.

    Weights are computed in double precision and rounded once, in new memory;
    those that the result no longer needs are freed.

    ```mlir
    func.func @main(%x: tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32> {
      %w = onnx.Constant {value = dense<3.0> : tensor<2x1x1x1xf32>} : tensor<2x1x1x1xf32>
      %none = onnx.None
      %s = onnx.Constant {value = dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32>} : tensor<2x1x1xf32>
      %0 = onnx.Conv %x, %w, %none : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>, none) -> tensor<1x2x4x4xf32>
      %1 = onnx.Mul %0, %s : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
      return %1 : tensor<1x2x4x4xf32>
    }
    // ==>
    func.func @main(%x: tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32> {
      %w = onnx.Constant {value = dense<[[[[3.000000e+00]]], [[[6.000000e+00]]]]> : tensor<2x1x1x1xf32>} : tensor<2x1x1x1xf32>
      %none = onnx.None
      %0 = onnx.Conv %x, %w, %none : ...
      return %0 : tensor<1x2x4x4xf32>
    }
    ```
  }];
  let options = [Option<"remarks", "remarks", "bool", "false",
                        "Say what was not simplified, and why">];
}

def CheckSupport : Pass<"ingot-check-support", "::mlir::ModuleOp"> {
  let summary = "Report every op that cannot be compiled";
  let description = [{
    Tries the patterns of `ingot-lower-onnx` on a copy of each onnx op and
    reports those that none of them handles, with the pattern's reason, as
    errors (IG3002). Nothing is changed: `ingot check` runs it to list all of
    them at once.

    ```mlir
    func.func @main(%x: tensor<*xf32>) -> tensor<*xf32> {
      %0 = onnx.Relu %x : (tensor<*xf32>) -> tensor<*xf32> loc("Relu:first")
      return %0 : tensor<*xf32>
    }
    // error: [IG3002] node 'first': Relu cannot be compiled: result has no rank
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect",
                           "::ingot::kernel::KernelDialect"];
}

def SelectQuantized : Pass<"ingot-select-quantized", "::mlir::ModuleOp"> {
  let summary = "Compute on integers what a model quantizes";
  let description = [{
    Operators between DequantizeLinear and QuantizeLinear become integer
    arithmetic: convolutions and matrix products (also QLinearConv,
    QLinearMatMul, ConvInteger and MatMulInteger) ingot ops with an i32 result
    and an elementwise end that changes the scale; sums, products, means and
    functions of one tensor elementwise work on the integers; what only moves or
    compares elements does so with integers. The result is that of exact
    arithmetic, rounded to nearest even. Signed and unsigned bytes are changed
    into what the machine multiplies. Where the result is wanted as a float, it
    is the i32 sum rounded to f32, times the scale, plus the bias.

    ```mlir
    func.func @main(%x: tensor<2x4xui8>) -> tensor<2x3xui8> {
      %w = onnx.Constant {value = dense<2> : tensor<4x3xi8>} : tensor<4x3xi8>
      %s = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
      %z = onnx.Constant {value = dense<0> : tensor<ui8>} : tensor<ui8>
      %n = onnx.None
      %a = onnx.DequantizeLinear %x, %s, %z : (tensor<2x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<2x4xf32>
      %b = onnx.DequantizeLinear %w, %s, %n : (tensor<4x3xi8>, tensor<f32>, none) -> tensor<4x3xf32>
      %0 = onnx.MatMul %a, %b : (tensor<2x4xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
      %y = onnx.QuantizeLinear %0, %s, %z : (tensor<2x3xf32>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
      return %y : tensor<2x3xui8>
    }
    // ==>
    func.func @main(%x: tensor<2x4xui8>) -> tensor<2x3xui8> {
      ...
      %p = ingot.matmul %x, %w {n = 3 : i64} : (tensor<2x4xui8>, tensor<4x3xi8>) -> tensor<2x3xi32>
      ...
      %r = linalg.generic {...} ins(%p : tensor<2x3xi32>) outs(...) {
      ...
      math.fma ...
    ```
  }];
  let options = [Option<"remarks", "remarks", "bool", "false",
                        "say what is computed on integers, and why others are "
                        "not">];
  let dependentDialects = ["::ingot::heavy::IngotDialect",
                           "::ingot::kernel::KernelDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def AssignPrecision : Pass<"ingot-assign-precision", "::mlir::ModuleOp"> {
  let summary = "Let f32 values go through memory in half precision";
  let description = [{
    Does nothing unless the module has the attribute `ingot.precision`: "f16",
    "bf16" or "auto". Then weights of products and convolutions, large tables,
    and the results of what works on halves are stored as f16 or bf16, between
    casts that later passes make a part of the ops beside them; every op still
    computes in f32. Ops that move elements move the halves.

    Stay f32: inputs and outputs of the model, what an op that has no such form
    makes or reads, sums, the state of recurrent layers, and, for f16, weights
    and values that its range does not hold. What magnitudes a value reaches
    says `ingot.max_abs` on the op (from calibration data); a quarter of 65504
    is the limit. "auto" takes f16 where that attribute proves it safe, else
    bf16 as long as the estimated error of the model stays below 0.01, those
    first that save most. Leaves a summary in `ingot.precision`.

    ```mlir
    module attributes {ingot.precision = "f16"} {
      func.func @main(%a: tensor<64x8xf32>) -> tensor<64x8xf32> {
        %b = onnx.Constant {value = dense<1.0> : tensor<8x8xf32>} : tensor<8x8xf32>
        %0 = onnx.MatMul %a, %b : (tensor<64x8xf32>, tensor<8x8xf32>) -> tensor<64x8xf32>
        %1 = onnx.Relu %0 : (tensor<64x8xf32>) -> tensor<64x8xf32>
        return %1 : tensor<64x8xf32>
      }
    }
    // ==>
    func.func @main(%a: tensor<64x8xf32>) -> tensor<64x8xf32> {
      %b = onnx.Constant {value = dense<1.000000e+00> : tensor<8x8xf16>} : tensor<8x8xf16>
      %w = onnx.Cast %b {to = 1 : i64} : (tensor<8x8xf16>) -> tensor<8x8xf32>
      %0 = onnx.MatMul %a, %w : ...
      %h = onnx.Cast %0 {to = 10 : i64} : (tensor<64x8xf32>) -> tensor<64x8xf16>
      %r = onnx.Cast %h {to = 1 : i64} : (tensor<64x8xf16>) -> tensor<64x8xf32>
      %1 = onnx.Relu %r : (tensor<64x8xf32>) -> tensor<64x8xf32>
      return %1 : tensor<64x8xf32>
    }
    ```
  }];
  let options = [Option<"remarks", "remarks", "bool", "false",
                        "say what each op stores, and why">];
}

def SelectAttention : Pass<"ingot-select-attention", "::mlir::ModuleOp"> {
  let summary = "Turn attention into one op, for machines with warps";
  let description = [{
    A matrix product whose left factor is the softmax of another one becomes
    ingot.attention, with what exporters put between them: factors that are
    constants (on queries or keys too), one float tensor added, one mask
    (`Where` with a constant), and the guard against rows that see no key.
    Values in between must have no other readers. Transposes of heads and tokens
    become the order that the op reads and writes. `ingot-decompose` makes the
    op of onnx.Attention itself. On other machines nothing changes.

    ```mlir
    module attributes {ingot.machine = #kernel.machine<target = "sm_80", triple = "nvptx64-nvidia-cuda", tune = "sm_80", features = "+ptx70", vectorBits = 128, vectorRegisters = 32, masks = false, laneBroadcast = false, l1 = 131072, l2 = 41943040, warp = 32>} {
      func.func @main(%q: tensor<1x2x5x8xf32>, %k: tensor<1x2x8x7xf32>, %v: tensor<1x2x7x8xf32>) -> tensor<1x2x5x8xf32> {
        %0 = onnx.MatMul %q, %k : (tensor<1x2x5x8xf32>, tensor<1x2x8x7xf32>) -> tensor<1x2x5x7xf32>
        %1 = onnx.Softmax %0 : (tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32>
        %2 = onnx.MatMul %1, %v : (tensor<1x2x5x7xf32>, tensor<1x2x7x8xf32>) -> tensor<1x2x5x8xf32>
        return %2 : tensor<1x2x5x8xf32>
      }
    }
    // ==>
    func.func @main(%q: tensor<1x2x5x8xf32>, %k: tensor<1x2x8x7xf32>, %v: tensor<1x2x7x8xf32>) -> tensor<1x2x5x8xf32> {
      %0 = ingot.attention %q, %k, %v {k_transposed, scale = 1.000000e+00 : f32} : ...
      return %0 : tensor<1x2x5x8xf32>
    }
    ```
  }];
  let options = [Option<"remarks", "remarks", "bool", "false",
                        "say what is one kernel, and why other softmaxes "
                        "between products are not">];
  let dependentDialects = ["::ingot::heavy::IngotDialect",
                           "::ingot::kernel::KernelDialect"];
}

def SelectHeavy : Pass<"ingot-select-heavy"> {
  let summary = "Turn convolutions, matrix products and joins into ingot ops";
  let description = [{
    Ops that a kernel emitter serves better than a generic loop nest:
    convolutions with constant weights become ingot.conv on channels-last
    tensors between two transposes (layout assignment moves those away), matrix
    products ingot.matmul, bias and scale elementwise work behind them, Concat
    ingot.concat. Factors in half precision stay that: the emitters widen them
    in registers and sum in f32.

    A float product with constant weights that DequantizeLinear makes of 2, 4 or
    8-bit integers becomes ingot.matmul_nbits, which reads them as they are:
    scales for all, per column, or per block of the inner dimension, with or
    without zero points. Other forms are dequantized before the product, at run
    time; a remark says why.

    ```mlir
    func.func @main(%x: tensor<1x8x5x5xf32>) -> tensor<1x16x5x5xf32> {
      %w = onnx.Constant {value = dense<1.0> : tensor<16x8x1x1xf32>} : tensor<16x8x1x1xf32>
      %b = onnx.Constant {value = dense<2.0> : tensor<16xf32>} : tensor<16xf32>
      %0 = onnx.Conv %x, %w, %b : (tensor<1x8x5x5xf32>, tensor<16x8x1x1xf32>, tensor<16xf32>) -> tensor<1x16x5x5xf32>
      return %0 : tensor<1x16x5x5xf32>
    }
    // ==>
    func.func @main(%x: tensor<1x8x5x5xf32>) -> tensor<1x16x5x5xf32> {
      ...
      %t = onnx.Transpose %x {perm = array<i64: 0, 2, 3, 1>} : ...
      %c = ingot.conv %t, %w {...} : (tensor<1x5x5x8xf32>, ...) -> tensor<1x5x5x16xf32>
      %e = kernel.empty : tensor<1x5x5x16xf32>
      %d = linalg.generic {...} ins(%c, %b : ...) outs(%e : ...) {
      ^bb0(%in: f32, %bias: f32, %out: f32):
        %sum = arith.addf %in, %bias : f32
        linalg.yield %sum : f32
      } -> tensor<1x5x5x16xf32>
      %y = onnx.Transpose %d {perm = array<i64: 0, 3, 1, 2>} : ...
      return %y : tensor<1x16x5x5xf32>
    }
    ```
  }];
  let options = [Option<"remarks", "remarks", "bool", "false",
                        "say which ops loops must serve, and why">];
  let dependentDialects = ["::ingot::heavy::IngotDialect",
                           "::ingot::kernel::KernelDialect",
                           "::mlir::linalg::LinalgDialect"];
}

#endif // INGOT_PASSES_GRAPH_PASSES_TD
