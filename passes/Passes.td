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

//===----------------------------------------------------------------------===//
// tensor: onnx -> linalg on tensors
//===----------------------------------------------------------------------===//

def LowerOnnx : Pass<"ingot-lower-onnx", "::mlir::ModuleOp"> {
  let summary = "Lower onnx ops to linalg.generic and kernel.foreach";
  let description = [{
    Every onnx op becomes one or more linalg.generic ops that say how one
    element of the result is computed (an index expression for data movement, a
    reduction for sums), or a kernel.foreach where there is no such form. One
    pattern serves all elementwise ops: the op itself emits its scalar
    function. Fails with one error per op that has no lowering.

    ```mlir
    %0 = onnx.Relu %x : (tensor<4xf32>) -> tensor<4xf32>
    // ==>
    %1 = kernel.empty : tensor<4xf32>
    %0 = linalg.generic {...} ins(%x) outs(%1) { arith.maximumf ... }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect",
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
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def CollapseLoops : Pass<"ingot-collapse-loops"> {
  let summary = "Join neighbouring loops that all operands traverse alike";
  let description = [{
    An elementwise op on 1x64x56x56 is one loop over 200704 elements: vectors
    stay full and kernels of different shapes become equal. Operands are seen
    through kernel.view.
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
  }];
  let dependentDialects = ["::mlir::func::FuncDialect",
                           "::ingot::kernel::KernelDialect"];
}
