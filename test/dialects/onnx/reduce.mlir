// RUN: ingot-opt %s --ingot-infer-shapes | FileCheck %s
// RUN: ingot-opt %s | ingot-opt | FileCheck %s --check-prefix=ROUND

// CHECK-LABEL: @reductions_keep_dims
func.func @reductions_keep_dims(%x: tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>) {
  %axes = onnx.Constant {value = dense<[-1]> : tensor<1xi64>} : tensor<1xi64>
  // CHECK: onnx.ReduceL1 {{.*}} -> tensor<?x3x1xf32, #onnx.dims<["N", 3, 1]>>
  %0 = onnx.ReduceL1 %x, %axes : (tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>, tensor<1xi64>) -> tensor<*xf32>
  // CHECK: onnx.ReduceL2 {{.*}} -> tensor<?x3x1xf32, #onnx.dims<["N", 3, 1]>>
  %1 = onnx.ReduceL2 %x, %axes : (tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>, tensor<1xi64>) -> tensor<*xf32>
  // CHECK: onnx.ReduceLogSum {{.*}} -> tensor<?x3x1xf32, #onnx.dims<["N", 3, 1]>>
  %2 = onnx.ReduceLogSum %x, %axes : (tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>, tensor<1xi64>) -> tensor<*xf32>
  // CHECK: onnx.ReduceLogSumExp {{.*}} -> tensor<?x3x1xf32, #onnx.dims<["N", 3, 1]>>
  %3 = onnx.ReduceLogSumExp %x, %axes : (tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>, tensor<1xi64>) -> tensor<*xf32>
  // CHECK: onnx.ReduceMax {{.*}} -> tensor<?x3x1xf32, #onnx.dims<["N", 3, 1]>>
  %4 = onnx.ReduceMax %x, %axes : (tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>, tensor<1xi64>) -> tensor<*xf32>
  // CHECK: onnx.ReduceMean {{.*}} -> tensor<?x3x1xf32, #onnx.dims<["N", 3, 1]>>
  %5 = onnx.ReduceMean %x, %axes : (tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>, tensor<1xi64>) -> tensor<*xf32>
  // CHECK: onnx.ReduceMin {{.*}} -> tensor<?x3x1xf32, #onnx.dims<["N", 3, 1]>>
  %6 = onnx.ReduceMin %x, %axes : (tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>, tensor<1xi64>) -> tensor<*xf32>
  // CHECK: onnx.ReduceProd {{.*}} -> tensor<?x3x1xf32, #onnx.dims<["N", 3, 1]>>
  %7 = onnx.ReduceProd %x, %axes : (tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>, tensor<1xi64>) -> tensor<*xf32>
  // CHECK: onnx.ReduceSum {{.*}} -> tensor<?x3x1xf32, #onnx.dims<["N", 3, 1]>>
  %8 = onnx.ReduceSum %x, %axes : (tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>, tensor<1xi64>) -> tensor<*xf32>
  // CHECK: onnx.ReduceSumSquare {{.*}} -> tensor<?x3x1xf32, #onnx.dims<["N", 3, 1]>>
  %9 = onnx.ReduceSumSquare %x, %axes : (tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: @drops_dims
// ROUND-LABEL: @drops_dims
// ROUND: onnx.ReduceSum %{{.*}}, %{{.*}} {keepdims = 0 : i64}
// CHECK: onnx.ReduceSum {{.*}} -> tensor<3xf32>
func.func @drops_dims(%x: tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>) {
  %axes = onnx.Constant {value = dense<[2, 0]> : tensor<2xi64>} : tensor<2xi64>
  %0 = onnx.ReduceSum %x, %axes {keepdims = 0 : i64} : (tensor<?x3x4xf32, #onnx.dims<["N", 3, 4]>>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: @without_axes_all_or_none
// CHECK: onnx.ReduceMax {{.*}} -> tensor<1x1xi32>
// CHECK: onnx.ReduceMax {{.*}} -> tensor<i32>
// CHECK: onnx.ReduceMax {{.*}} -> tensor<2x3xi32>
// CHECK: onnx.ReduceMax {{.*}} -> tensor<2x3xi32>
func.func @without_axes_all_or_none(%x: tensor<2x3xi32>, %empty: tensor<0xi64>) {
  %none = onnx.None
  %0 = onnx.ReduceMax %x, %none : (tensor<2x3xi32>, none) -> tensor<*xi32>
  %1 = onnx.ReduceMax %x, %empty {keepdims = 0 : i64} : (tensor<2x3xi32>, tensor<0xi64>) -> tensor<*xi32>
  %2 = onnx.ReduceMax %x, %none {noop_with_empty_axes = 1 : i64} : (tensor<2x3xi32>, none) -> tensor<*xi32>
  %3 = onnx.ReduceMax %x, %empty {keepdims = 0 : i64, noop_with_empty_axes = 1 : i64} : (tensor<2x3xi32>, tensor<0xi64>) -> tensor<*xi32>
  return
}

// CHECK-LABEL: @run_time_axes_leave_sizes_open
// CHECK: onnx.ReduceMin {{.*}} -> tensor<?x?xf32
// CHECK: onnx.ReduceMin {{.*}} -> tensor<?xf32
// CHECK: onnx.ReduceMin {{.*}} -> tensor<*xf32>
func.func @run_time_axes_leave_sizes_open(%x: tensor<2x3xf32>, %axes: tensor<1xi64>, %some: tensor<?xi64>) {
  %0 = onnx.ReduceMin %x, %axes : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  %1 = onnx.ReduceMin %x, %axes {keepdims = 0 : i64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  %2 = onnx.ReduceMin %x, %some {keepdims = 0 : i64} : (tensor<2x3xf32>, tensor<?xi64>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: @arg_reductions_give_indices
// CHECK: onnx.ArgMax {{.*}} -> tensor<?x1xi64, #onnx.dims<["N", 1]>>
// CHECK: onnx.ArgMin {{.*}} -> tensor<4xi64>
func.func @arg_reductions_give_indices(%x: tensor<?x4xf32, #onnx.dims<["N", 4]>>) {
  %0 = onnx.ArgMax %x {axis = -1 : i64} : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xi64>
  %1 = onnx.ArgMin %x {keepdims = 0 : i64, select_last_index = 1 : i64} : (tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<*xi64>
  return
}

// CHECK-LABEL: @scans_keep_shape
// CHECK: onnx.CumSum {{.*}} {reverse = 1 : i64} {{.*}} -> tensor<2x3xf32>
// CHECK: onnx.CumProd {{.*}} {exclusive = 1 : i64} {{.*}} -> tensor<2x3xf32>
func.func @scans_keep_shape(%x: tensor<2x3xf32>, %axis: tensor<i32>) {
  %0 = onnx.CumSum %x, %axis {reverse = 1 : i64} : (tensor<2x3xf32>, tensor<i32>) -> tensor<*xf32>
  %1 = onnx.CumProd %x, %axis {exclusive = 1 : i64} : (tensor<2x3xf32>, tensor<i32>) -> tensor<*xf32>
  return
}
