// RUN: ingot-opt %s --split-input-file | ingot-opt --split-input-file --ingot-infer-shapes | FileCheck %s

// CHECK-LABEL: @round_trips
// CHECK: onnx.Reshape %{{.*}}, %{{.*}} {allowzero = 1 : i64} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<3x2xf32>
// CHECK: onnx.Shape %{{.*}} {end = -1 : i64, start = 1 : i64} : (tensor<2x3xf32>) -> tensor<0xi64>
// CHECK: onnx.Size %{{.*}} : (tensor<2x3xf32>) -> tensor<i64>
// CHECK: onnx.Flatten %{{.*}} {axis = 0 : i64} : (tensor<2x3xf32>) -> tensor<1x6xf32>
func.func @round_trips(%x: tensor<2x3xf32>, %s: tensor<2xi64>) {
  %0 = onnx.Reshape %x, %s {allowzero = 1 : i64} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<3x2xf32>
  %1 = onnx.Shape %x {start = 1 : i64, end = -1 : i64} : (tensor<2x3xf32>) -> tensor<0xi64>
  %2 = onnx.Size %x : (tensor<2x3xf32>) -> tensor<i64>
  %3 = onnx.Flatten %x {axis = 0 : i64} : (tensor<2x3xf32>) -> tensor<1x6xf32>
  return
}

// -----

!x = tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>
// CHECK-LABEL: @reshape_infers_minus_one
// CHECK: onnx.Reshape {{.*}} -> tensor<?x8xf32, #onnx.dims<["N * 3", 8]>>
// CHECK: onnx.Reshape {{.*}} -> tensor<?x24xf32, #onnx.dims<["N", 24]>>
func.func @reshape_infers_minus_one(%x: !x) {
  %s = onnx.Constant {value = dense<[-1, 8]> : tensor<2xi64>} : tensor<2xi64>
  %t = onnx.Constant {value = dense<[0, -1]> : tensor<2xi64>} : tensor<2xi64>
  %0 = onnx.Reshape %x, %s : (!x, tensor<2xi64>) -> tensor<*xf32>
  %1 = onnx.Reshape %x, %t : (!x, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

// What PyTorch exports for x.view(x.size(0), -1, 2).
!x = tensor<?x6x4xf32, #onnx.dims<["N", 6, 4]>>
// CHECK-LABEL: @reshape_follows_shape_gather_concat
// CHECK: onnx.Reshape {{.*}} -> tensor<?x12x2xf32, #onnx.dims<["N", 12, 2]>>
func.func @reshape_follows_shape_gather_concat(%x: !x) {
  %zero = onnx.Constant {value = dense<0> : tensor<i64>} : tensor<i64>
  %axes = onnx.Constant {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
  %rest = onnx.Constant {value = dense<[-1, 2]> : tensor<2xi64>} : tensor<2xi64>
  %0 = onnx.Shape %x : (!x) -> tensor<3xi64>
  %1 = onnx.Gather %0, %zero {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>) -> tensor<i64>
  %2 = onnx.Unsqueeze %1, %axes : (tensor<i64>, tensor<1xi64>) -> tensor<1xi64>
  %3 = onnx.Concat %2, %rest {axis = 0 : i64} : (tensor<1xi64>, tensor<2xi64>) -> tensor<3xi64>
  %4 = onnx.Reshape %x, %3 : (!x, tensor<3xi64>) -> tensor<*xf32>
  return
}

// -----

!x = tensor<?x?xf32, #onnx.dims<["N", "H"]>>
// CHECK-LABEL: @sizes_are_computed_with
// CHECK: onnx.ConstantOfShape {{.*}} -> tensor<?x?xf32, #onnx.dims<["N + 1", "H floordiv 2"]>>
func.func @sizes_are_computed_with(%x: !x) {
  %none = onnx.None
  %one = onnx.Constant {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
  %two = onnx.Constant {value = dense<2> : tensor<1xi64>} : tensor<1xi64>
  %0 = onnx.Shape %x : (!x) -> tensor<2xi64>
  %1:2 = onnx.Split %0, %none {num_outputs = 2 : i64} : (tensor<2xi64>, none) -> (tensor<1xi64>, tensor<1xi64>)
  %2 = onnx.Add %1#0, %one : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %3 = onnx.Div %1#1, %two : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %4 = onnx.Concat %2, %3 {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %5 = onnx.ConstantOfShape %4 : (tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

// The idiom of torch.Tensor.expand: -1 stands for the operand's own size.
!x = tensor<?x1xf32, #onnx.dims<["N", 1]>>
// CHECK-LABEL: @expand_follows_where_equal
// CHECK: onnx.Expand {{.*}} -> tensor<?x7xf32, #onnx.dims<["N", 7]>>
func.func @expand_follows_where_equal(%x: !x) {
  %want = onnx.Constant {value = dense<[-1, 7]> : tensor<2xi64>} : tensor<2xi64>
  %minus = onnx.Constant {value = dense<-1> : tensor<2xi64>} : tensor<2xi64>
  %ones = onnx.Constant {value = dense<1> : tensor<2xi64>} : tensor<2xi64>
  %0 = onnx.Equal %want, %minus : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi1>
  %1 = onnx.Where %0, %ones, %want : (tensor<2xi1>, tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  %2 = onnx.Expand %x, %1 : (!x, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

// CHECK-LABEL: @unknown_shapes_keep_the_rank
// CHECK: onnx.Reshape {{.*}} -> tensor<?x?xf32,
// CHECK: onnx.Expand {{.*}} -> tensor<?x3xf32,
// CHECK: onnx.Squeeze {{.*}} -> tensor<3xf32>
// CHECK: onnx.Unsqueeze {{.*}} -> tensor<?x?x?x?xf32,
func.func @unknown_shapes_keep_the_rank(%x: tensor<1x3xf32>, %s: tensor<2xi64>, %a: tensor<1xi64>) {
  %0 = onnx.Reshape %x, %s : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  %1 = onnx.Expand %x, %s : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  %2 = onnx.Squeeze %x, %a : (tensor<1x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  %3 = onnx.Unsqueeze %x, %s : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}
