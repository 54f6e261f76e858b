// RUN: ingot-opt %s --ingot-simplify-graph --split-input-file | FileCheck %s

// CHECK-LABEL: @neutral_elements
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[I:.*]]: tensor<4xi32>
// CHECK-NEXT: %[[Y:.*]] = onnx.Sin %[[X]]
// CHECK-NEXT: return %[[Y]], %[[I]]
func.func @neutral_elements(%x: tensor<4xf32>, %i: tensor<4xi32>) -> (tensor<4xf32>, tensor<4xi32>) {
  %zero = onnx.Constant {value = dense<0.0> : tensor<f32>} : tensor<f32>
  %one = onnx.Constant {value = dense<1.0> : tensor<1xf32>} : tensor<1xf32>
  %izero = onnx.Constant {value = dense<0> : tensor<i32>} : tensor<i32>
  %0 = onnx.Sub %x, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = onnx.Mul %one, %0 : (tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = onnx.Div %1, %one : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  %3 = onnx.Pow %2, %one : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  %4 = onnx.Neg %3 : (tensor<4xf32>) -> tensor<4xf32>
  %5 = onnx.Neg %4 : (tensor<4xf32>) -> tensor<4xf32>
  %6 = onnx.Max %5 : (tensor<4xf32>) -> tensor<4xf32>
  %7 = onnx.Sin %6 : (tensor<4xf32>) -> tensor<4xf32>
  %8 = onnx.Add %izero, %i : (tensor<i32>, tensor<4xi32>) -> tensor<4xi32>
  return %7, %8 : tensor<4xf32>, tensor<4xi32>
}

// -----

// -0 + 0 is 0, and a product that repeats its operand is not the operand.
// CHECK-LABEL: @not_neutral
// CHECK: onnx.Add
// CHECK: onnx.Mul
func.func @not_neutral(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<2x4xf32>) {
  %zero = onnx.Constant {value = dense<0.0> : tensor<f32>} : tensor<f32>
  %ones = onnx.Constant {value = dense<1.0> : tensor<2x1xf32>} : tensor<2x1xf32>
  %0 = onnx.Add %x, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = onnx.Mul %0, %ones : (tensor<4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  return %0, %1 : tensor<4xf32>, tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @powers
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>
// CHECK-NEXT: %[[A:.*]] = onnx.Mul %[[X]], %[[X]]
// CHECK-NEXT: %[[C:.*]] = onnx.Mul %[[A]], %[[X]]
// CHECK-NEXT: %[[D:.*]] = onnx.Sqrt %[[X]]
// CHECK-NEXT: %[[E:.*]] = onnx.Reciprocal %[[X]]
// CHECK-NEXT: return %[[A]], %[[C]], %[[D]], %[[E]]
func.func @powers(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %two = onnx.Constant {value = dense<2> : tensor<i64>} : tensor<i64>
  %three = onnx.Constant {value = dense<3.0> : tensor<f32>} : tensor<f32>
  %half = onnx.Constant {value = dense<0.5> : tensor<f32>} : tensor<f32>
  %minus = onnx.Constant {value = dense<-1.0> : tensor<f32>} : tensor<f32>
  %0 = onnx.Pow %x, %two : (tensor<4xf32>, tensor<i64>) -> tensor<4xf32>
  %1 = onnx.Pow %x, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = onnx.Pow %x, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = onnx.Pow %x, %minus : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: @exact_reciprocals_only
// CHECK: %[[C:.*]] = onnx.Constant {value = dense<[5.000000e-01, 8.000000e+00]>
// CHECK: onnx.Mul %{{.*}}, %[[C]]
// CHECK: onnx.Div
// CHECK: onnx.Div
func.func @exact_reciprocals_only(%x: tensor<2xf32>, %i: tensor<2xi32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xi32>) {
  %a = onnx.Constant {value = dense<[2.0, 0.125]> : tensor<2xf32>} : tensor<2xf32>
  %b = onnx.Constant {value = dense<[2.0, 3.0]> : tensor<2xf32>} : tensor<2xf32>
  %c = onnx.Constant {value = dense<[2, 2]> : tensor<2xi32>} : tensor<2xi32>
  %0 = onnx.Div %x, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %1 = onnx.Div %x, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %2 = onnx.Div %i, %c : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return %0, %1, %2 : tensor<2xf32>, tensor<2xf32>, tensor<2xi32>
}

// -----

// CHECK-LABEL: @limits_merge
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>
// CHECK-DAG: %[[ZERO:.*]] = onnx.Constant {value = dense<0.000000e+00> : tensor<f32>}
// CHECK-DAG: %[[SIX:.*]] = onnx.Constant {value = dense<6.000000e+00> : tensor<f32>}
// CHECK: %[[A:.*]] = onnx.Clip %[[X]], %[[ZERO]], %[[SIX]]
// CHECK: %[[B:.*]] = onnx.Relu %[[X]]
// CHECK: return %[[A]], %[[B]], %[[A]], %[[B]]
func.func @limits_merge(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %none = onnx.None
  %zero = onnx.Constant {value = dense<0.0> : tensor<f32>} : tensor<f32>
  %minus = onnx.Constant {value = dense<-1.0> : tensor<f32>} : tensor<f32>
  %six = onnx.Constant {value = dense<6.0> : tensor<f32>} : tensor<f32>
  %0 = onnx.Relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = onnx.Clip %0, %minus, %six : (tensor<4xf32>, tensor<f32>, tensor<f32>) -> tensor<4xf32>
  %2 = onnx.Relu %0 : (tensor<4xf32>) -> tensor<4xf32>
  %3 = onnx.Clip %x, %none, %six : (tensor<4xf32>, none, tensor<f32>) -> tensor<4xf32>
  %4 = onnx.Relu %3 : (tensor<4xf32>) -> tensor<4xf32>
  %5 = onnx.Clip %x, %zero, %none : (tensor<4xf32>, tensor<f32>, none) -> tensor<4xf32>
  %6 = onnx.Clip %5, %none, %none : (tensor<4xf32>, none, none) -> tensor<4xf32>
  return %1, %2, %4, %6 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// The upper bound wins where the lower one exceeds it.
// CHECK-LABEL: @crossed_limits
// CHECK: %[[TWO:.*]] = onnx.Constant {value = dense<2.000000e+00>
// CHECK: onnx.Clip %{{.*}}, %[[TWO]], %[[TWO]]
func.func @crossed_limits(%x: tensor<4xf32>) -> tensor<4xf32> {
  %two = onnx.Constant {value = dense<2.0> : tensor<f32>} : tensor<f32>
  %five = onnx.Constant {value = dense<5.0> : tensor<f32>} : tensor<f32>
  %0 = onnx.Clip %x, %five, %two : (tensor<4xf32>, tensor<f32>, tensor<f32>) -> tensor<4xf32>
  %1 = onnx.Relu %0 : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: @constant_conditions
// CHECK-SAME: %[[C:.*]]: tensor<4xi1>, %[[X:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<4xf32>
// CHECK-NEXT: return %[[X]], %[[Y]], %[[X]]
func.func @constant_conditions(%c: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %true = onnx.Constant {value = dense<true> : tensor<i1>} : tensor<i1>
  %false = onnx.Constant {value = dense<false> : tensor<4xi1>} : tensor<4xi1>
  %0 = onnx.Where %true, %x, %y : (tensor<i1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = onnx.Where %false, %x, %y : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = onnx.Where %c, %x, %x : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %1, %2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: @sums_and_negations
// CHECK: onnx.Add
// CHECK-NEXT: return
func.func @sums_and_negations(%x: tensor<4xf32>, %b: tensor<4xi1>) -> (tensor<4xf32>, tensor<4xi1>) {
  %0 = onnx.Sum %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = onnx.Not %b : (tensor<4xi1>) -> tensor<4xi1>
  %2 = onnx.Not %1 : (tensor<4xi1>) -> tensor<4xi1>
  return %0, %2 : tensor<4xf32>, tensor<4xi1>
}
