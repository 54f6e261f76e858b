// RUN: ingot-opt %s --ingot-plan-memory --split-input-file | FileCheck %s

!t = tensor<64xf32>
kernel.func @k(%x: !t) -> !t {
  kernel.yield %x : !t
}
kernel.func @k2(%x: !t, %y: !t) -> !t {
  kernel.yield %x : !t
}

// A view lies where its source lies, and keeps it alive: %2 is not put there.
// CHECK-LABEL: @view_keeps_its_source
// CHECK-SAME: arena = #onnx.dims<[768]>
// CHECK: kernel.launch @k(%{{.*}}) {offsets = #onnx.dims<[0]>}
// CHECK: kernel.launch @k(%{{.*}}) {offsets = #onnx.dims<[256]>}
// CHECK: kernel.launch @k(%{{.*}}) {offsets = #onnx.dims<[512]>}
// CHECK: kernel.launch @k2
func.func @view_keeps_its_source(%x: !t) -> !t {
  %0 = kernel.launch @k(%x) : (!t) -> !t
  %v = kernel.view %0 : !t to tensor<8x8xf32>
  %1 = kernel.launch @k(%0) : (!t) -> !t
  %2 = kernel.launch @k(%1) : (!t) -> !t
  %w = kernel.view %v : tensor<8x8xf32> to !t
  %3 = kernel.launch @k2(%2, %w) : (!t, !t) -> !t
  return %3 : !t
}

// -----

!t = tensor<64xf32>
kernel.func @k(%x: !t) -> !t {
  kernel.yield %x : !t
}

// A result that is returned through a view is the caller's memory all the same.
// CHECK-LABEL: @returned_view
// CHECK-SAME: arena = #onnx.dims<[0]>
// CHECK: kernel.launch @k(%{{.*}}) {offsets = #onnx.dims<[-1]>}
func.func @returned_view(%x: !t) -> tensor<8x8xf32> {
  %0 = kernel.launch @k(%x) : (!t) -> !t
  %v = kernel.view %0 : !t to tensor<8x8xf32>
  return %v : tensor<8x8xf32>
}

// -----

!n = tensor<?xf32, #onnx.dims<["N * 64"]>>
!m = tensor<?xf32, #onnx.dims<["M * 32"]>>
!s = tensor<16xf32>
kernel.func @n(%x: !n) -> !n {
  kernel.yield %x : !n
}
kernel.func @m(%x: !m) -> !m {
  kernel.yield %x : !m
}
kernel.func @s(%x: !s, %y: !n, %z: !m) -> !s {
  kernel.yield %x : !s
}

// Sizes that cannot be compared lie one behind the other: static ones, those in
// N, those in M.
// CHECK-LABEL: @two_symbols
// CHECK-SAME: arena = #onnx.dims<["{{.*}}N * 256{{.*}}M * 128{{.*}}64"]>
// CHECK: kernel.launch @n(%{{.*}}) {offsets = #onnx.dims<[64]>}
// CHECK: kernel.launch @m(%{{.*}}) {offsets = #onnx.dims<["(N * 256) + 64"]>}
// CHECK: kernel.launch @s(%{{.*}}) {offsets = #onnx.dims<[0]>}
func.func @two_symbols(%x: !n, %y: !m, %z: !s) -> !s {
  %0 = kernel.launch @n(%x) : (!n) -> !n
  %1 = kernel.launch @m(%y) : (!m) -> !m
  %2 = kernel.launch @s(%z, %0, %1) : (!s, !n, !m) -> !s
  %3 = kernel.launch @s(%2, %0, %1) : (!s, !n, !m) -> !s
  return %3 : !s
}
