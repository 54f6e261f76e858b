// RUN: ingot-opt --ingot-expand-math %s | FileCheck %s --implicit-check-not=math.
// RUN: ingot-opt --ingot-expand-math="expand-bf16=false" %s | FileCheck %s \
// RUN:   --check-prefix=KEEP

// What the hardware does is one intrinsic.
// CHECK-LABEL: @rounds
func.func @rounds(%x: vector<8xf32>) -> vector<8xf32> {
  // CHECK-NEXT: llvm.intr.floor
  %0 = math.floor %x : vector<8xf32>
  // CHECK-NEXT: llvm.intr.ceil
  %1 = math.ceil %0 : vector<8xf32>
  // CHECK-NEXT: llvm.intr.trunc
  %2 = math.trunc %1 : vector<8xf32>
  // CHECK-NEXT: llvm.intr.roundeven
  %3 = math.roundeven %2 : vector<8xf32>
  // CHECK-NEXT: llvm.intr.round
  %4 = math.round %3 : vector<8xf32>
  // CHECK-NEXT: llvm.intr.sqrt
  %5 = math.sqrt %4 : vector<8xf32>
  // CHECK-NEXT: llvm.intr.fabs
  %6 = math.absf %5 : vector<8xf32>
  // CHECK-NEXT: llvm.intr.copysign
  %7 = math.copysign %6, %x : vector<8xf32>
  // CHECK-NEXT: llvm.intr.fma
  %8 = math.fma %7, %x, %0 : vector<8xf32>
  // CHECK-NEXT: return
  return %8 : vector<8xf32>
}

// CHECK-LABEL: @functions_of_one
func.func @functions_of_one(%x: vector<4xf32>) -> vector<4xf32> {
  %0 = math.acos %x : vector<4xf32>
  %1 = math.acosh %0 : vector<4xf32>
  %2 = math.asin %1 : vector<4xf32>
  %3 = math.asinh %2 : vector<4xf32>
  %4 = math.atan %3 : vector<4xf32>
  %5 = math.atanh %4 : vector<4xf32>
  %6 = math.cbrt %5 : vector<4xf32>
  %7 = math.cos %6 : vector<4xf32>
  %8 = math.cosh %7 : vector<4xf32>
  %9 = math.erf %8 : vector<4xf32>
  %10 = math.erfc %9 : vector<4xf32>
  %11 = math.exp %10 : vector<4xf32>
  %12 = math.exp2 %11 : vector<4xf32>
  %13 = math.expm1 %12 : vector<4xf32>
  %14 = math.log %13 : vector<4xf32>
  %15 = math.log10 %14 : vector<4xf32>
  %16 = math.log1p %15 : vector<4xf32>
  %17 = math.log2 %16 : vector<4xf32>
  %18 = math.rsqrt %17 : vector<4xf32>
  %19 = math.sin %18 : vector<4xf32>
  %20 = math.sinh %19 : vector<4xf32>
  %21 = math.tan %20 : vector<4xf32>
  %22 = math.tanh %21 : vector<4xf32>
  return %22 : vector<4xf32>
}

// CHECK-LABEL: @functions_of_two
func.func @functions_of_two(%x: f64, %y: f64, %i: i32, %j: index) -> f64 {
  %0 = math.atan2 %x, %y : f64
  %1 = math.powf %0, %y : f64
  %2 = math.fpowi %1, %i : f64, i32
  %3 = math.fpowi %2, %j : f64, index
  // CHECK-NOT: arith.remf
  %4 = arith.remf %3, %y : f64
  %5, %6 = math.sincos %4 : f64
  %7 = math.clampf %5 to [%6, %y] : f64
  return %7 : f64
}

// CHECK-LABEL: @integers
func.func @integers(%x: vector<4xi8>, %i: index) -> (vector<4xi8>, index) {
  // CHECK: "llvm.intr.abs"
  %0 = math.absi %x : vector<4xi8>
  // CHECK: "llvm.intr.ctlz"
  %1 = math.ctlz %0 : vector<4xi8>
  // CHECK: "llvm.intr.cttz"
  %2 = math.cttz %1 : vector<4xi8>
  // CHECK: llvm.intr.ctpop
  %3 = math.ctpop %2 : vector<4xi8>
  %4 = math.ipowi %3, %x : vector<4xi8>
  // CHECK: arith.index_cast %{{.*}} : index to i64
  // CHECK: llvm.intr.ctpop
  // CHECK: arith.index_cast %{{.*}} : i64 to index
  %5 = math.ctpop %i : index
  return %4, %5 : vector<4xi8>, index
}

// CHECK-LABEL: @classes
func.func @classes(%x: vector<4xf32>) -> vector<4xi1> {
  %0 = math.isfinite %x : vector<4xf32>
  %1 = math.isinf %x : vector<4xf32>
  %2 = math.isnan %x : vector<4xf32>
  %3 = math.isnormal %x : vector<4xf32>
  %4 = arith.ori %0, %1 : vector<4xi1>
  %5 = arith.ori %2, %3 : vector<4xi1>
  %6 = arith.ori %4, %5 : vector<4xi1>
  return %6 : vector<4xi1>
}

// Vectors of other ranks are computed in one dimension.
// CHECK-LABEL: @ranks
func.func @ranks(%x: vector<2x3xf32>, %y: vector<f32>)
    -> (vector<2x3xf32>, vector<f32>) {
  // CHECK: vector.shape_cast %{{.*}} : vector<2x3xf32> to vector<6xf32>
  // CHECK: llvm.intr.floor(%{{.*}}) : (vector<6xf32>)
  // CHECK: vector.shape_cast %{{.*}} : vector<6xf32> to vector<2x3xf32>
  %0 = math.floor %x : vector<2x3xf32>
  // CHECK: llvm.intr.floor(%{{.*}}) : (vector<1xf32>)
  %1 = math.floor %y : vector<f32>
  return %0, %1 : vector<2x3xf32>, vector<f32>
}

// 1 / (1 + exp(-x)) becomes a function of its own: one division, no infinity.
// CHECK-LABEL: @sigmoid
// CHECK-SAME: (%[[X:.*]]: vector<4xf32>)
func.func @sigmoid(%x: vector<4xf32>) -> vector<4xf32> {
  // CHECK: llvm.intr.fabs(%[[X]])
  // CHECK: arith.divf
  // CHECK-NOT: arith.divf
  %one = arith.constant dense<1.0> : vector<4xf32>
  %0 = arith.negf %x : vector<4xf32>
  %1 = math.exp %0 : vector<4xf32>
  %2 = arith.addf %1, %one : vector<4xf32>
  %3 = arith.divf %one, %2 : vector<4xf32>
  return %3 : vector<4xf32>
}

// f16 and bf16 are computed in f32.
// CHECK-LABEL: @halves
// KEEP-LABEL: @halves
func.func @halves(%x: vector<4xf16>, %y: bf16) -> (vector<4xf16>, bf16) {
  // CHECK: arith.extf %{{.*}} : vector<4xf16> to vector<4xf32>
  // CHECK: llvm.intr.sqrt
  // CHECK: arith.truncf %{{.*}} : vector<4xf32> to vector<4xf16>
  %0 = math.sqrt %x : vector<4xf16>
  // CHECK: arith.extui %{{.*}} : i16 to i32
  // CHECK: llvm.intr.sqrt
  // CHECK: arith.trunci %{{.*}} : i32 to i16
  // KEEP: arith.extf %{{.*}} : bf16 to f32
  // KEEP: arith.truncf %{{.*}} : f32 to bf16
  %1 = math.sqrt %y : bf16
  return %0, %1 : vector<4xf16>, bf16
}

// f64 goes to f16 through f32 without rounding twice.
// CHECK-LABEL: @narrows
// KEEP-LABEL: @narrows
func.func @narrows(%x: f64) -> f16 {
  // CHECK: arith.truncf %{{.*}} : f64 to f32
  // CHECK: arith.ori
  // CHECK: arith.truncf %{{.*}} : f32 to f16
  // KEEP-NEXT: arith.truncf %{{.*}} : f64 to f16
  %0 = arith.truncf %x : f64 to f16
  return %0 : f16
}

// A constant power is a few products, or a root.
// CHECK-LABEL: @constant_powers
// CHECK-SAME: (%[[X:.*]]: vector<4xf32>)
func.func @constant_powers(%x: vector<4xf32>) -> vector<4xf32> {
  %two = arith.constant dense<2.0> : vector<4xf32>
  %three = arith.constant dense<3.0> : vector<4xf32>
  // CHECK: %[[SQUARE:.*]] = arith.mulf %[[X]], %[[X]] : vector<4xf32>
  %0 = math.powf %x, %two : vector<4xf32>
  // CHECK: %[[WIDE:.*]] = arith.extf %[[SQUARE]]
  // CHECK: %[[PRODUCT:.*]] = arith.mulf %[[WIDE]], %[[WIDE]] : vector<4xf64>
  // CHECK: %[[CUBE:.*]] = arith.mulf %[[PRODUCT]], %[[WIDE]] : vector<4xf64>
  // CHECK: %[[RESULT:.*]] = arith.truncf %[[CUBE]]
  %1 = math.powf %0, %three : vector<4xf32>
  // CHECK: return %[[RESULT]]
  return %1 : vector<4xf32>
}
