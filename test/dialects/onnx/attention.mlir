// RUN: ingot-opt %s | FileCheck %s

// CHECK-LABEL: @past_and_present
func.func @past_and_present(%q: tensor<?x4x5x8xf32, #onnx.dims<["N", 4, 5, 8]>>, %k: tensor<?x2x5x8xf32, #onnx.dims<["N", 2, 5, 8]>>, %p: tensor<?x2x?x8xf32, #onnx.dims<["N", 2, "P", 8]>>) {
  %none = onnx.None
  // CHECK: onnx.Attention {{.*}} #onnx.dims<["N", 2, "P + 5", 8]>>, {{.*}} #onnx.dims<["N", 4, 5, "P + 5"]>>)
  %0:4 = onnx.Attention %q, %k, %k, %none, %p, %p, %none : (tensor<?x4x5x8xf32, #onnx.dims<["N", 4, 5, 8]>>, tensor<?x2x5x8xf32, #onnx.dims<["N", 2, 5, 8]>>, tensor<?x2x5x8xf32, #onnx.dims<["N", 2, 5, 8]>>, none, tensor<?x2x?x8xf32, #onnx.dims<["N", 2, "P", 8]>>, tensor<?x2x?x8xf32, #onnx.dims<["N", 2, "P", 8]>>, none) -> (tensor<?x4x5x8xf32, #onnx.dims<["N", 4, 5, 8]>>, tensor<?x2x?x8xf32, #onnx.dims<["N", 2, "P + 5", 8]>>, tensor<?x2x?x8xf32, #onnx.dims<["N", 2, "P + 5", 8]>>, tensor<?x4x5x?xf32, #onnx.dims<["N", 4, 5, "P + 5"]>>)
  return
}
