// RUN: ingot-opt %s | ingot-opt | FileCheck %s

// A fraction scales a symbolic size.
// CHECK-LABEL: @scales_symbolic_sizes
func.func @scales_symbolic_sizes(%x: tensor<1x3x?x8xf32, #onnx.dims<[1, 3, "H", 8]>>)
    -> tensor<1x3x?x5xf32, #onnx.dims<[1, 3, "(H * 3) floordiv 2", 5]>> {
  %none = onnx.None
  %scales = onnx.Constant {value = dense<[1.0, 1.0, 1.5, 0.7]> : tensor<4xf32>} : tensor<4xf32>
  // CHECK: onnx.Resize
  %0 = onnx.Resize %x, %none, %scales, %none : (tensor<1x3x?x8xf32, #onnx.dims<[1, 3, "H", 8]>>, none, tensor<4xf32>, none)
    -> tensor<1x3x?x5xf32, #onnx.dims<[1, 3, "(H * 3) floordiv 2", 5]>>
  return %0 : tensor<1x3x?x5xf32, #onnx.dims<[1, 3, "(H * 3) floordiv 2", 5]>>
}

// CHECK-LABEL: @resizes_named_axes
func.func @resizes_named_axes(%x: tensor<1x3x4x8xf32>) -> tensor<1x3x9x7xf32> {
  %none = onnx.None
  %sizes = onnx.Constant {value = dense<[7, 9]> : tensor<2xi64>} : tensor<2xi64>
  %0 = onnx.Resize %x, %none, %none, %sizes {axes = array<i64: -1, 2>} : (tensor<1x3x4x8xf32>, none, none, tensor<2xi64>) -> tensor<1x3x9x7xf32>
  return %0 : tensor<1x3x9x7xf32>
}

// CHECK-LABEL: @keeps_aspect_ratio
func.func @keeps_aspect_ratio(%x: tensor<1x1x2x4xf32>) -> (tensor<1x1x4x7xf32>, tensor<1x1x4x8xf32>) {
  %none = onnx.None
  %sizes = onnx.Constant {value = dense<7> : tensor<2xi64>} : tensor<2xi64>
  %0 = onnx.Resize %x, %none, %none, %sizes {axes = array<i64: 2, 3>, keep_aspect_ratio_policy = "not_larger"}
    : (tensor<1x1x2x4xf32>, none, none, tensor<2xi64>) -> tensor<1x1x4x7xf32>
  %more = onnx.Constant {value = dense<[3, 8]> : tensor<2xi64>} : tensor<2xi64>
  %1 = onnx.Resize %x, %none, %none, %more {axes = array<i64: 2, 3>, keep_aspect_ratio_policy = "not_smaller"}
    : (tensor<1x1x2x4xf32>, none, none, tensor<2xi64>) -> tensor<1x1x4x8xf32>
  return %0, %1 : tensor<1x1x4x7xf32>, tensor<1x1x4x8xf32>
}

// Sizes from data leave the result open; a declared result closes it.
// CHECK-LABEL: @takes_declared_result
func.func @takes_declared_result(%x: tensor<1x1x2x4xf32>, %sizes: tensor<4xi64>) -> tensor<1x1x7x8xf32> {
  %none = onnx.None
  %0 = onnx.Resize %x, %none, %none, %sizes : (tensor<1x1x2x4xf32>, none, none, tensor<4xi64>) -> tensor<1x1x7x8xf32>
  return %0 : tensor<1x1x7x8xf32>
}

// CHECK-LABEL: @grid_gives_the_places
func.func @grid_gives_the_places(%x: tensor<2x3x4x5xf32>, %grid: tensor<2x?x7x2xf32, #onnx.dims<[2, "H", 7, 2]>>)
    -> tensor<2x3x?x7xf32, #onnx.dims<[2, 3, "H", 7]>> {
  %0 = onnx.GridSample %x, %grid : (tensor<2x3x4x5xf32>, tensor<2x?x7x2xf32, #onnx.dims<[2, "H", 7, 2]>>) -> tensor<2x3x?x7xf32, #onnx.dims<[2, 3, "H", 7]>>
  return %0 : tensor<2x3x?x7xf32, #onnx.dims<[2, 3, "H", 7]>>
}

// CHECK-LABEL: @affine_grid_has_a_coordinate_per_dimension
func.func @affine_grid_has_a_coordinate_per_dimension(%theta: tensor<2x3x4xf32>) -> tensor<2x5x6x7x3xf32> {
  %size = onnx.Constant {value = dense<[2, 1, 5, 6, 7]> : tensor<5xi64>} : tensor<5xi64>
  %0 = onnx.AffineGrid %theta, %size : (tensor<2x3x4xf32>, tensor<5xi64>) -> tensor<2x5x6x7x3xf32>
  return %0 : tensor<2x5x6x7x3xf32>
}

// CHECK-LABEL: @one_image_per_region
func.func @one_image_per_region(%x: tensor<1x3x9x9xf32>, %rois: tensor<5x4xf32>, %batch: tensor<5xi64>, %with_batch: tensor<5x5xf32>)
    -> (tensor<5x3x2x4xf32>, tensor<5x3x2x4xf32>) {
  %0 = onnx.RoiAlign %x, %rois, %batch {output_height = 2 : i64, output_width = 4 : i64}
    : (tensor<1x3x9x9xf32>, tensor<5x4xf32>, tensor<5xi64>) -> tensor<5x3x2x4xf32>
  %1 = onnx.MaxRoiPool %x, %with_batch {pooled_shape = array<i64: 2, 4>} : (tensor<1x3x9x9xf32>, tensor<5x5xf32>) -> tensor<5x3x2x4xf32>
  return %0, %1 : tensor<5x3x2x4xf32>, tensor<5x3x2x4xf32>
}
