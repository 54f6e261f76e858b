// RUN: ingot-opt %s --ingot-lower-onnx --split-input-file | FileCheck %s

// Whole factors are maps: no table, no gather.
// CHECK-DAG: #[[MAP:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 floordiv 2, d3 * 2)>
// CHECK-LABEL: @whole_factors_are_affine
// CHECK: linalg.generic {indexing_maps = [#[[MAP]],
// CHECK-NOT: tensor.extract
func.func @whole_factors_are_affine(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x8x2xf32> {
  %none = onnx.None
  %scales = onnx.Constant {value = dense<[1.0, 1.0, 2.0, 0.5]> : tensor<4xf32>} : tensor<4xf32>
  %0 = onnx.Resize %x, %none, %scales, %none {coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"}
    : (tensor<1x1x4x4xf32>, none, tensor<4xf32>, none) -> tensor<1x1x8x2xf32>
  return %0 : tensor<1x1x8x2xf32>
}

// -----

// CHECK-LABEL: @nearest_reads_a_table
// CHECK: onnx.Constant {value = dense<{{\[\[}}0, 0, 1, 2, 2]]> : tensor<1x5xi32>}
// CHECK: linalg.generic
// CHECK: tensor.extract
func.func @nearest_reads_a_table(%x: tensor<3xf32>) -> tensor<5xf32> {
  %none = onnx.None
  %sizes = onnx.Constant {value = dense<5> : tensor<1xi64>} : tensor<1xi64>
  %0 = onnx.Resize %x, %none, %none, %sizes : (tensor<3xf32>, none, none, tensor<1xi64>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

// Growing axes go from the inside out; the first tensor is the smaller one.
// CHECK-LABEL: @linear_resizes_axis_by_axis
// CHECK: dense<{{.*}}2.500000e-01, 7.500000e-01{{.*}}> : tensor<2x4xf32>
// CHECK: linalg.generic
// CHECK: -> tensor<2x4xf32>
// CHECK: linalg.generic
// CHECK: -> tensor<4x4xf32>
func.func @linear_resizes_axis_by_axis(%x: tensor<2x2xf32>) -> tensor<4x4xf32> {
  %none = onnx.None
  %scales = onnx.Constant {value = dense<2.0> : tensor<2xf32>} : tensor<2xf32>
  %0 = onnx.Resize %x, %none, %scales, %none {mode = "linear"} : (tensor<2x2xf32>, none, tensor<2xf32>, none) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// -----

// Scales from data: tables are computed at run time, in double precision.
// CHECK-LABEL: @tables_at_run_time
// CHECK: linalg.generic
// CHECK: math.floor %{{.*}} : f64
// CHECK: arith.fptosi %{{.*}} : f64 to i32
// CHECK: -> tensor<2x8xi32>
func.func @tables_at_run_time(%x: tensor<4xf32>, %scales: tensor<1xf32>) -> tensor<8xf32> {
  %none = onnx.None
  %0 = onnx.Resize %x, %none, %scales, %none {mode = "linear"} : (tensor<4xf32>, none, tensor<1xf32>, none) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// Interpolated integers are rounded to even and saturated.
// CHECK-LABEL: @integers_saturate
// CHECK: math.roundeven
// CHECK: arith.maxnumf
// CHECK: arith.minnumf
// CHECK: arith.fptosi
func.func @integers_saturate(%x: tensor<2xui8>) -> tensor<4xui8> {
  %none = onnx.None
  %scales = onnx.Constant {value = dense<2.0> : tensor<1xf32>} : tensor<1xf32>
  %0 = onnx.Resize %x, %none, %scales, %none {mode = "cubic"} : (tensor<2xui8>, none, tensor<1xf32>, none) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// -----

// A place is limited as a float before it becomes an index.
// CHECK-LABEL: @grid_sample_stays_in_bounds
// CHECK: arith.cmpf ole
// CHECK: %[[HIGH:.*]] = arith.maxnumf
// CHECK: %[[PLACE:.*]] = arith.minnumf %[[HIGH]]
// CHECK: arith.fptosi %[[PLACE]]
// CHECK-COUNT-4: tensor.extract %arg0
func.func @grid_sample_stays_in_bounds(%x: tensor<1x1x4x4xf32>, %grid: tensor<1x2x2x2xf32>) -> tensor<1x1x2x2xf32> {
  %0 = onnx.GridSample %x, %grid : (tensor<1x1x4x4xf32>, tensor<1x2x2x2xf32>) -> tensor<1x1x2x2xf32>
  return %0 : tensor<1x1x2x2xf32>
}

// -----

// CHECK-LABEL: @affine_grid_multiplies_coordinates
// CHECK: linalg.generic
// CHECK-COUNT-3: tensor.extract %arg0
func.func @affine_grid_multiplies_coordinates(%theta: tensor<2x2x3xf32>, %size: tensor<4xi64>) -> tensor<2x5x6x2xf32> {
  %0 = onnx.AffineGrid %theta, %size : (tensor<2x2x3xf32>, tensor<4xi64>) -> tensor<2x5x6x2xf32>
  return %0 : tensor<2x5x6x2xf32>
}

// -----

// A foreign batch and a boundless region are faults.
// CHECK-LABEL: @regions_are_checked
// CHECK: kernel.foreach in <[5, 3, 1, 1]>
// CHECK: kernel.fault %{{.*}} {code = 1 : i64}
// CHECK: kernel.fault %{{.*}} {code = 4 : i64}
// CHECK: scf.for
// CHECK: kernel.store
func.func @regions_are_checked(%x: tensor<1x3x9x9xf32>, %rois: tensor<5x4xf32>, %batch: tensor<5xi64>) -> tensor<5x3x1x1xf32> {
  %0 = onnx.RoiAlign %x, %rois, %batch : (tensor<1x3x9x9xf32>, tensor<5x4xf32>, tensor<5xi64>) -> tensor<5x3x1x1xf32>
  return %0 : tensor<5x3x1x1xf32>
}

// -----

// CHECK-LABEL: @max_of_a_region
// CHECK: kernel.foreach in <[5, 3, 2, 4]>
// CHECK: kernel.fault %{{.*}} {code = 1 : i64}
// CHECK: math.round
// CHECK: arith.maxnumf
func.func @max_of_a_region(%x: tensor<1x3x9x9xf32>, %rois: tensor<5x5xf32>) -> tensor<5x3x2x4xf32> {
  %0 = onnx.MaxRoiPool %x, %rois {pooled_shape = array<i64: 2, 4>} : (tensor<1x3x9x9xf32>, tensor<5x5xf32>) -> tensor<5x3x2x4xf32>
  return %0 : tensor<5x3x2x4xf32>
}
