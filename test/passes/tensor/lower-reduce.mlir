// RUN: ingot-opt %s --ingot-lower-onnx --split-input-file | FileCheck %s

// The accumulator comes first and the combiner last. A row's value has no
// dimension of size 1 but in a view.
// CHECK-LABEL: @sum_along_rows
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]
// CHECK: ^bb0(%[[X:.*]]: f32, %{{.*}}: i8, %[[ACC:.*]]: f32):
// CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[ACC]], %[[X]] : f32
// CHECK-NEXT: linalg.yield %[[SUM]]
// CHECK: kernel.view %{{.*}} to tensor<?x1xf32
func.func @sum_along_rows(%x: tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<?x1xf32, #onnx.dims<["N", 1]>> {
  %axes = onnx.Constant {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
  %0 = onnx.ReduceSum %x, %axes : (tensor<?x4xf32, #onnx.dims<["N", 4]>>, tensor<1xi64>) -> tensor<?x1xf32, #onnx.dims<["N", 1]>>
  return %0 : tensor<?x1xf32, #onnx.dims<["N", 1]>>
}

// -----

// CHECK-LABEL: @half_precision_sums_in_single
// CHECK: linalg.generic
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: arith.addf {{.*}} : f32
// CHECK: -> tensor<2xf32>
// CHECK: linalg.generic
// CHECK: arith.constant 4.000000e+00 : f32
// CHECK: arith.divf
// CHECK: arith.truncf {{.*}} : f32 to f16
func.func @half_precision_sums_in_single(%x: tensor<2x4xf16>) -> tensor<2xf16> {
  %axes = onnx.Constant {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
  %0 = onnx.ReduceMean %x, %axes {keepdims = 0 : i64} : (tensor<2x4xf16>, tensor<1xi64>) -> tensor<2xf16>
  return %0 : tensor<2xf16>
}

// -----

// CHECK-LABEL: @mean_over_a_symbolic_size
// CHECK: kernel.extent <["N * 4"]>
// CHECK: arith.divf
func.func @mean_over_a_symbolic_size(%x: tensor<?x4xf32, #onnx.dims<["N", 4]>>) -> tensor<f32> {
  %none = onnx.None
  %0 = onnx.ReduceMean %x, %none {keepdims = 0 : i64} : (tensor<?x4xf32, #onnx.dims<["N", 4]>>, none) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// CHECK-LABEL: @no_axes_is_elementwise
// CHECK: iterator_types = ["parallel", "parallel"]
// CHECK: math.absf
func.func @no_axes_is_elementwise(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %none = onnx.None
  %0 = onnx.ReduceL1 %x, %none {noop_with_empty_axes = 1 : i64} : (tensor<2x4xf32>, none) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @exponentials_of_differences_to_the_maximum
// CHECK: arith.maximumf
// CHECK: linalg.generic
// CHECK: arith.subf
// CHECK: math.exp
// CHECK: arith.addf
// CHECK: linalg.generic
// CHECK: math.log
func.func @exponentials_of_differences_to_the_maximum(%x: tensor<2x4xf32>) -> tensor<f32> {
  %none = onnx.None
  %0 = onnx.ReduceLogSumExp %x, %none {keepdims = 0 : i64} : (tensor<2x4xf32>, none) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// Axes that come at run time are read by the kernel, and checked.
// CHECK-LABEL: @run_time_axes
// CHECK: kernel.foreach in <[2]>
// CHECK: tensor.extract
// CHECK: kernel.fault {{.*}} {code = 4 : i64}
// CHECK: kernel.fault {{.*}} {code = 3 : i64}
// CHECK: arith.addf
// CHECK: kernel.store
func.func @run_time_axes(%x: tensor<2x2xf32>, %axes: tensor<1xi64>) -> tensor<2xf32> {
  %0 = onnx.ReduceSum %x, %axes {keepdims = 0 : i64} : (tensor<2x2xf32>, tensor<1xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// CHECK-LABEL: @last_index_of_the_greatest
// CHECK: arith.maximumf
// CHECK: linalg.generic
// CHECK: arith.cmpf oeq
// CHECK: linalg.index 1
// CHECK: arith.maxsi
func.func @last_index_of_the_greatest(%x: tensor<2x4xf32>) -> tensor<2xi64> {
  %0 = onnx.ArgMax %x {axis = 1 : i64, keepdims = 0 : i64, select_last_index = 1 : i64} : (tensor<2x4xf32>) -> tensor<2xi64>
  return %0 : tensor<2xi64>
}

// -----

// CHECK-LABEL: @scans_lines_in_parallel
// CHECK: kernel.foreach in <[2, 3]>
// CHECK: scf.for
// CHECK: arith.addf
// CHECK: kernel.store
func.func @scans_lines_in_parallel(%x: tensor<2x4x3xf32>) -> tensor<2x4x3xf32> {
  %axis = onnx.Constant {value = dense<1> : tensor<i64>} : tensor<i64>
  %0 = onnx.CumSum %x, %axis : (tensor<2x4x3xf32>, tensor<i64>) -> tensor<2x4x3xf32>
  return %0 : tensor<2x4x3xf32>
}

// -----

// CHECK-LABEL: @scans_along_a_run_time_axis
// CHECK: kernel.foreach in <[1]>
// CHECK: kernel.fault {{.*}} {code = 4 : i64}
// CHECK: scf.for
// CHECK: kernel.load
// CHECK: arith.mulf
// CHECK: kernel.store
func.func @scans_along_a_run_time_axis(%x: tensor<2x4xf32>, %axis: tensor<i32>) -> tensor<2x4xf32> {
  %0 = onnx.CumProd %x, %axis : (tensor<2x4xf32>, tensor<i32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
