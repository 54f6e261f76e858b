//===- Passes.td - every pass, in pipeline order ---------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// graph: onnx -> onnx and ingot
//===----------------------------------------------------------------------===//

include "passes/graph/Passes.td"

//===----------------------------------------------------------------------===//
// tensor: onnx -> linalg on tensors
//===----------------------------------------------------------------------===//

def PackWeights : Pass<"ingot-pack-weights", "::mlir::ModuleOp"> {
  let summary = "Bring constant operands of heavy ops into the emitters' form";
  let description = [{
    Filters and columns go into panels as wide as the register tile of the
    machine description, the last one padded with zeros, in the order in which
    the inner loop reads them; f16 and bf16 stay what they are, in pairs where
    the machine multiplies pairs of bf16. Once, at compile time: the artifact
    holds only the packed form. Integers go into the order of the machine's dot
    form; a right matrix of them that is computed at run time is packed at run
    time.

    ```mlir
    module attributes {ingot.machine = #kernel.machine<
        target = "t", triple = "t", tune = "", features = "",
        vectorBits = 512, vectorRegisters = 32, masks = true,
        laneBroadcast = false, l1 = 32768, l2 = 1048576>} {
      func.func @main(%a: tensor<20x2xf32>) -> tensor<20x3xf32> {
        %b = onnx.Constant {value = dense<1.0> : tensor<2x3xf32>} : tensor<2x3xf32>
        %0 = ingot.matmul %a, %b {n = 3 : i64} : (tensor<20x2xf32>, tensor<2x3xf32>) -> tensor<20x3xf32>
        return %0 : tensor<20x3xf32>
      }
    }
    // ==> the three columns in a panel of 16
    func.func @main(%a: tensor<20x2xf32>) -> tensor<20x3xf32> {
      ...
      %p = onnx.Constant {...} : tensor<1x2x16xf32>
      %0 = ingot.matmul %a, %p {n = 3 : i64, panel = 16 : i64} : (tensor<20x2xf32>, tensor<1x2x16xf32>) -> tensor<20x3xf32>
      return %0 : tensor<20x3xf32>
    }
    ```
  }];
  let dependentDialects = ["::ingot::heavy::IngotDialect",
                           "::ingot::kernel::KernelDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def LowerOnnx : Pass<"ingot-lower-onnx", "::mlir::ModuleOp"> {
  let summary = "Lower onnx ops to linalg.generic and kernel.foreach";
  let description = [{
    Every onnx op becomes one or more linalg.generic ops that say how one
    element of the result is computed (an index expression for data movement, a
    reduction for sums), or a kernel.foreach where there is no such form. One
    pattern serves all elementwise ops: the op itself emits its scalar
    function. Fails with one error per op that has no lowering.

    ```mlir
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %0 = onnx.Relu %x : (tensor<4xf32>) -> tensor<4xf32>
      return %0 : tensor<4xf32>
    }
    // ==>
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %e = kernel.empty : tensor<4xf32>
      %0 = linalg.generic {...} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
      ^bb0(%in: f32, %out: f32):
        %zero = arith.constant 0.000000e+00 : f32
        %max = arith.maximumf %in, %zero : f32
        linalg.yield %max : f32
      } -> tensor<4xf32>
      return %0 : tensor<4xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect",
                           "::ingot::kernel::KernelDialect"];
}

def AssignLayout : Pass<"ingot-assign-layout"> {
  let summary = "Give every value the dimension order its producer has";
  let description = [{
    Convolutions work on channels-last tensors; their transposes are moved away:
    a reader of a transposed value reads the source through its indexing map,
    and produces its own result in that order too, so that the order spreads
    through elementwise work, pooling, resizing and joins. Transposes that meet
    their inverse vanish, those of unit dimensions become views; a transpose
    remains only where a reshape, a return or another heavy op needs the other
    order.

    ```mlir
    #id = affine_map<(d0, d1) -> (d0, d1)>
    #t = affine_map<(d0, d1) -> (d1, d0)>
    func.func @main(%x: tensor<5x8xf32>) -> tensor<5x8xf32> {
      %e = kernel.empty : tensor<8x5xf32>
      %t = linalg.generic {indexing_maps = [#t, #id], iterator_types = ["parallel", "parallel"]}
          ins(%x : tensor<5x8xf32>) outs(%e : tensor<8x5xf32>) {
      ^bb0(%in: f32, %out: f32):
        linalg.yield %in : f32
      } -> tensor<8x5xf32>
      %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
          ins(%t : tensor<8x5xf32>) outs(%e : tensor<8x5xf32>) {
      ^bb0(%in: f32, %out: f32):
        %v = arith.negf %in : f32
        linalg.yield %v : f32
      } -> tensor<8x5xf32>
      %f = kernel.empty : tensor<5x8xf32>
      %u = linalg.generic {indexing_maps = [#t, #id], iterator_types = ["parallel", "parallel"]}
          ins(%r : tensor<8x5xf32>) outs(%f : tensor<5x8xf32>) {
      ^bb0(%in: f32, %out: f32):
        linalg.yield %in : f32
      } -> tensor<5x8xf32>
      return %u : tensor<5x8xf32>
    }
    // ==>
    func.func @main(%x: tensor<5x8xf32>) -> tensor<5x8xf32> {
      ...
      %u = linalg.generic {indexing_maps = [#map, #map], ...} ins(%x : tensor<5x8xf32>) ... {
      ^bb0(%in: f32, %out: f32):
        %v = arith.negf %in : f32
        linalg.yield %v : f32
      } -> tensor<5x8xf32>
      ...
      return %u : tensor<5x8xf32>
    }
    ```
  }];
  let options = [Option<"remarks", "remarks", "bool", "false",
                        "say what was decided">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::ingot::kernel::KernelDialect"];
}

//===----------------------------------------------------------------------===//
// kernel: which ops share a loop nest, and kernels as functions of their own
//===----------------------------------------------------------------------===//

def FuseElementwise : Pass<"ingot-fuse-elementwise"> {
  let summary = "Compute elementwise producers where they are consumed";
  let description = [{
    A linalg.generic whose result has one reader is computed inside that
    reader, so that the value never goes through memory. Not done where the
    reader would compute an element several times and the body is costly (a
    math function, a division, a gather).

    ```mlir
    #id = affine_map<(d0) -> (d0)>
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %e = kernel.empty : tensor<4xf32>
      %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
          ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
      ^bb0(%in: f32, %out: f32):
        %v = arith.addf %in, %in : f32
        linalg.yield %v : f32
      } -> tensor<4xf32>
      %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
          ins(%0 : tensor<4xf32>) outs(%e : tensor<4xf32>) {
      ^bb0(%in: f32, %out: f32):
        %v = arith.mulf %in, %in : f32
        linalg.yield %v : f32
      } -> tensor<4xf32>
      return %1 : tensor<4xf32>
    }
    // ==>
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %e = kernel.empty : tensor<4xf32>
      %1 = linalg.generic {...} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
      ^bb0(%in: f32, %out: f32):
        %v = arith.addf %in, %in : f32
        %w = arith.mulf %v, %v : f32
        linalg.yield %w : f32
      } -> tensor<4xf32>
      return %1 : tensor<4xf32>
    }
    ```
  }];
  let options = [Option<"remarks", "remarks", "bool", "false",
                        "say what was not fused, and why">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def FormKernels : Pass<"ingot-form-kernels"> {
  let summary = "Let heavy ops finish their results in registers";
  let description = [{
    The elementwise op that alone reads a heavy op's result (bias, activation,
    residual, any chain that fusion made one op) joins its kernel: both get the
    same `ingot.group` number.

    ```mlir
    #id = affine_map<(d0, d1) -> (d0, d1)>
    func.func @main(%a: tensor<4x8xf32>, %b: tensor<8x16xf32>) -> tensor<4x16xf32> {
      %0 = ingot.matmul %a, %b {n = 16 : i64} : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
      %e = kernel.empty : tensor<4x16xf32>
      %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
          ins(%0 : tensor<4x16xf32>) outs(%e : tensor<4x16xf32>) {
      ^bb0(%in: f32, %out: f32):
        %v = arith.negf %in : f32
        linalg.yield %v : f32
      } -> tensor<4x16xf32>
      return %1 : tensor<4x16xf32>
    }
    // ==>
    func.func @main(%a: tensor<4x8xf32>, %b: tensor<8x16xf32>) -> tensor<4x16xf32> {
      %0 = ingot.matmul %a, %b {ingot.group = 0 : i64, n = 16 : i64} : ...
      %e = kernel.empty : tensor<4x16xf32>
      %1 = linalg.generic ... attrs = {ingot.group = 0 : i64} {
      ...
    }
    ```
  }];
  let options = [Option<"remarks", "remarks", "bool", "false",
                        "say what was fused, and why not">];
}

def FormRows : Pass<"ingot-form-rows"> {
  let summary = "Let several passes over the same rows share a kernel";
  let description = [{
    Softmax is a maximum, a sum and a quotient per row; a normalisation a mean,
    a variance and a product. Reductions over rows, the elementwise ops between
    them and those that read their results get one `ingot.group` number and the
    number of row loops as `ingot.rows`: the emitter does all of them for one
    row before the next, with the reduced values in registers.

    ```mlir
    #all = affine_map<(d0, d1) -> (d0, d1)>
    #row = affine_map<(d0, d1) -> (d0)>
    func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
      %zero = arith.constant 0.0 : f32
      %e = kernel.empty : tensor<4xf32>
      %i = linalg.fill ins(%zero : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
      %s = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
          ins(%x : tensor<4x8xf32>) outs(%i : tensor<4xf32>) {
      ^bb0(%in: f32, %sum: f32):
        %v = arith.addf %sum, %in : f32
        linalg.yield %v : f32
      } -> tensor<4xf32>
      %f = kernel.empty : tensor<4x8xf32>
      %y = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
          ins(%x, %s : tensor<4x8xf32>, tensor<4xf32>) outs(%f : tensor<4x8xf32>) {
      ^bb0(%in: f32, %sum: f32, %out: f32):
        %v = arith.divf %in, %sum : f32
        linalg.yield %v : f32
      } -> tensor<4x8xf32>
      return %y : tensor<4x8xf32>
    }
    // ==> both are one group with one loop over rows
    func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
      ...
      %s = linalg.generic ... attrs = {ingot.group = ... : i64, ingot.rows = 1 : i64} {
      ...
      %y = linalg.generic ... attrs = {ingot.group = ... : i64, ingot.rows = 1 : i64} {
      ...
    }
    ```
  }];
  let options = [Option<"remarks", "remarks", "bool", "false",
                        "say what was fused, and why not">];
}

def CollapseLoops : Pass<"ingot-collapse-loops"> {
  let summary = "Join neighbouring loops that all operands traverse alike";
  let description = [{
    An elementwise op on 1x64x56x56 is one loop over 200704 elements: vectors
    stay full and kernels of different shapes become equal. Operands are seen
    through kernel.view.

    ```mlir
    #id = affine_map<(d0, d1) -> (d0, d1)>
    func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
      %e = kernel.empty : tensor<2x3xf32>
      %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
          ins(%x : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
      ^bb0(%in: f32, %out: f32):
        %v = arith.negf %in : f32
        linalg.yield %v : f32
      } -> tensor<2x3xf32>
      return %y : tensor<2x3xf32>
    }
    // ==>
    func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
      ...
      %v = kernel.view %x : tensor<2x3xf32> to tensor<6xf32>
      ...
      %w = linalg.generic {..., iterator_types = ["parallel"]} ins(%v : tensor<6xf32>) ...
      ...
      %y = kernel.view %w : tensor<6xf32> to tensor<2x3xf32>
      return %y : tensor<2x3xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::ingot::kernel::KernelDialect"];
}

def OutlineKernels : Pass<"ingot-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Make every group of ops a kernel.func and launch it";
  let description = [{
    Each linalg op, kernel.foreach and ingot op, together with those that carry
    the same `ingot.group` number, becomes the body of a kernel.func; the
    function keeps launches, views and constants. Equal kernels are emitted
    once. Values the function returns get memory of their own.

    ```mlir
    #id = affine_map<(d0) -> (d0)>
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %e = kernel.empty : tensor<4xf32>
      %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
          ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
      ^bb0(%in: f32, %out: f32):
        %v = arith.negf %in : f32
        linalg.yield %v : f32
      } -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
    // ==>
    kernel.func @kernel(%a: tensor<4xf32>) -> tensor<4xf32> {
      %e = kernel.empty : tensor<4xf32>
      %r = linalg.generic {...} ins(%a : tensor<4xf32>) outs(%e : tensor<4xf32>) {
      ...
      } -> tensor<4xf32>
      kernel.yield %r : tensor<4xf32>
    }
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = kernel.launch @kernel(%x) : (tensor<4xf32>) -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::func::FuncDialect",
                           "::ingot::kernel::KernelDialect"];
}

//===----------------------------------------------------------------------===//
// memory: where tensors lie
//===----------------------------------------------------------------------===//

def PlanMemory : Pass<"ingot-plan-memory", "::mlir::ModuleOp"> {
  let summary = "Give every launch result an offset in one arena";
  let description = [{
    Results that are alive together do not overlap; results the function
    returns lie in the caller's memory (offset -1). Sets `offsets` (bytes) on
    every launch, and `arena` and `arena_lower_bound` (bytes, the most alive at
    any one time) on the function. Sizes that are multiples of one symbolic
    unit are packed together exactly as static ones are, so a plan for a
    symbolic batch is the plan for batch 1 times the batch.

    ```mlir
    kernel.func @k(%a: tensor<64xf32>) -> tensor<64xf32> {
      kernel.yield %a : tensor<64xf32>
    }
    func.func @main(%x: tensor<64xf32>) -> tensor<64xf32> {
      %0 = kernel.launch @k(%x) : (tensor<64xf32>) -> tensor<64xf32>
      %1 = kernel.launch @k(%0) : (tensor<64xf32>) -> tensor<64xf32>
      return %1 : tensor<64xf32>
    }
    // ==> the first result at the start of the arena, the other the caller's
    func.func @main(%x: tensor<64xf32>) -> tensor<64xf32> attributes {arena = #onnx.dims<[256]>, arena_lower_bound = #onnx.dims<[256]>} {
      %0 = kernel.launch @k(%x) {offsets = #onnx.dims<[0]>} : ...
      %1 = kernel.launch @k(%0) {offsets = #onnx.dims<[-1]>} : ...
      return %1 : tensor<64xf32>
    }
    ```
  }];
  let options = [Option<"remarks", "remarks", "bool", "false",
                        "say where every result lies">];
  let dependentDialects = ["::mlir::func::FuncDialect",
                           "::ingot::kernel::KernelDialect"];
}

//===----------------------------------------------------------------------===//
// code: machine code
//===----------------------------------------------------------------------===//

def ExpandMath : Pass<"ingot-expand-math"> {
  let summary = "Replace math functions by code that calls no library";
  let description = [{
    Rewrites the math dialect and arith.remf on floats and fixed-width vectors
    into arith ops and LLVM intrinsics for which every CPU target has
    instructions, so that a kernel needs no libm and runs at vector speed. The
    code is free of branches and tables, handles denormals, infinities, NaNs and
    signed zeros, and is accurate to 1 ulp for f32 (docs/math-accuracy.md).
    f16 and bf16 are computed in f32. 1 / (1 + exp(-x)) is recognised as a
    function of its own. Scalable vectors and tensors are left alone.

    ```mlir
    func.func @main(%x: vector<8xf32>) -> vector<8xf32> {
      %0 = math.floor %x : vector<8xf32>
      return %0 : vector<8xf32>
    }
    // ==>
    func.func @main(%x: vector<8xf32>) -> vector<8xf32> {
      %0 = llvm.intr.floor(%x) : (vector<8xf32>) -> vector<8xf32>
      return %0 : vector<8xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::vector::VectorDialect"];
  let options = [Option<
      "expandBf16", "expand-bf16", "bool", "true",
      "Also expand conversions to and from bf16 and from f64 to f16, which "
      "some processors need a library call for">];
}
