// RUN: ingot-opt %s | ingot-opt | FileCheck %s

// CHECK-LABEL: @infers_conv
// CHECK: onnx.Conv %{{.*}} {group = 2 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>}
func.func @infers_conv(%x: tensor<?x4x?x9xf32, #onnx.dims<["N", 4, "H", 9]>>, %w: tensor<6x2x3x3xf32>, %b: tensor<6xf32>)
    -> tensor<?x6x?x5xf32, #onnx.dims<["N", 6, "(H - 1) floordiv 2 + 1", 5]>> {
  %0 = onnx.Conv %x, %w, %b {group = 2 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>}
    : (tensor<?x4x?x9xf32, #onnx.dims<["N", 4, "H", 9]>>, tensor<6x2x3x3xf32>, tensor<6xf32>)
    -> tensor<?x6x?x5xf32, #onnx.dims<["N", 6, "(H - 1) floordiv 2 + 1", 5]>>
  return %0 : tensor<?x6x?x5xf32, #onnx.dims<["N", 6, "(H - 1) floordiv 2 + 1", 5]>>
}

// CHECK-LABEL: @infers_same_padding
func.func @infers_same_padding(%x: tensor<1x1x7xf32>, %w: tensor<1x1x4xf32>) -> tensor<1x1x3xf32> {
  %none = onnx.None
  %0 = onnx.Conv %x, %w, %none {auto_pad = "SAME_UPPER", strides = array<i64: 3>}
    : (tensor<1x1x7xf32>, tensor<1x1x4xf32>, none) -> tensor<1x1x3xf32>
  return %0 : tensor<1x1x3xf32>
}

// CHECK-LABEL: @infers_valid_padding
func.func @infers_valid_padding(%x: tensor<1x1x7xf32>, %w: tensor<1x1x4xf32>) -> tensor<1x1x2xf32> {
  %none = onnx.None
  %0 = onnx.Conv %x, %w, %none {auto_pad = "VALID", strides = array<i64: 3>}
    : (tensor<1x1x7xf32>, tensor<1x1x4xf32>, none) -> tensor<1x1x2xf32>
  return %0 : tensor<1x1x2xf32>
}

// A third window would start behind the input's end.
// CHECK-LABEL: @ceil_mode_drops_windows_in_padding
func.func @ceil_mode_drops_windows_in_padding(%x: tensor<1x1x2x3xf32>) -> tensor<1x1x1x2xf32> {
  %0:2 = onnx.MaxPool %x {ceil_mode = 1 : i64, kernel_shape = array<i64: 1, 2>, strides = array<i64: 3, 2>}
    : (tensor<1x1x2x3xf32>) -> (tensor<1x1x1x2xf32>, tensor<1x1x1x2xi64>)
  return %0#0 : tensor<1x1x1x2xf32>
}

// CHECK-LABEL: @infers_transposed
func.func @infers_transposed(%x: tensor<1x4x3x?xf32, #onnx.dims<[1, 4, 3, "W"]>>, %w: tensor<4x2x3x3xf32>)
    -> tensor<1x4x6x?xf32, #onnx.dims<[1, 4, 6, "W * 2"]>> {
  %none = onnx.None
  %0 = onnx.ConvTranspose %x, %w, %none {group = 2 : i64, output_padding = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>}
    : (tensor<1x4x3x?xf32, #onnx.dims<[1, 4, 3, "W"]>>, tensor<4x2x3x3xf32>, none)
    -> tensor<1x4x6x?xf32, #onnx.dims<[1, 4, 6, "W * 2"]>>
  return %0 : tensor<1x4x6x?xf32, #onnx.dims<[1, 4, 6, "W * 2"]>>
}

// CHECK-LABEL: @transposed_takes_output_shape
func.func @transposed_takes_output_shape(%x: tensor<1x1x3xf32>, %w: tensor<1x2x3xf32>) -> tensor<1x2x10xf32> {
  %none = onnx.None
  %0 = onnx.ConvTranspose %x, %w, %none {output_shape = array<i64: 10>, strides = array<i64: 3>}
    : (tensor<1x1x3xf32>, tensor<1x2x3xf32>, none) -> tensor<1x2x10xf32>
  return %0 : tensor<1x2x10xf32>
}

// CHECK-LABEL: @pools_everything
func.func @pools_everything(%x: tensor<?x4x7x9xf32, #onnx.dims<["N", 4, 7, 9]>>) -> tensor<?x4x1x1xf32, #onnx.dims<["N", 4, 1, 1]>> {
  %0 = onnx.GlobalAveragePool %x : (tensor<?x4x7x9xf32, #onnx.dims<["N", 4, 7, 9]>>) -> tensor<?x4x1x1xf32, #onnx.dims<["N", 4, 1, 1]>>
  return %0 : tensor<?x4x1x1xf32, #onnx.dims<["N", 4, 1, 1]>>
}

// CHECK-LABEL: @quantized_conv_has_zero_points_type
func.func @quantized_conv_has_zero_points_type(%x: tensor<1x1x7x7xui8>, %s: tensor<f32>, %z: tensor<ui8>, %w: tensor<1x1x1x1xi8>, %zw: tensor<1xi8>)
    -> tensor<1x1x7x7xui8> {
  %none = onnx.None
  %0 = onnx.QLinearConv %x, %s, %z, %w, %s, %zw, %s, %z, %none
    : (tensor<1x1x7x7xui8>, tensor<f32>, tensor<ui8>, tensor<1x1x1x1xi8>, tensor<f32>, tensor<1xi8>, tensor<f32>, tensor<ui8>, none) -> tensor<1x1x7x7xui8>
  return %0 : tensor<1x1x7x7xui8>
}

// CHECK-LABEL: @col2im_counts_channels
func.func @col2im_counts_channels(%x: tensor<2x10x12xf32>) -> tensor<2x2x5x5xf32> {
  %image = onnx.Constant {value = dense<5> : tensor<2xi64>} : tensor<2xi64>
  %block = onnx.Constant {value = dense<[1, 5]> : tensor<2xi64>} : tensor<2xi64>
  %0 = onnx.Col2Im %x, %image, %block : (tensor<2x10x12xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<2x2x5x5xf32>
  return %0 : tensor<2x2x5x5xf32>
}
