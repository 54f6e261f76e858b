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
