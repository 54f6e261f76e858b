//===- KernelCases.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "bench/KernelCases.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace ingot::bench;

using Shape = std::vector<int64_t>;

static std::string tensor(llvm::ArrayRef<int64_t> shape) {
  return "tensor<" + llvm::join(llvm::map_range(shape, llvm::itostr), "x") +
         "xf32>";
}

static double elements(llvm::ArrayRef<int64_t> shape) {
  double count = 1;
  for (int64_t size : shape)
    count *= double(size);
  return count;
}

/// A model that applies one op to %0, %1, ... of those shapes; `tail` follows
/// the operands.
static KernelCase single(std::string name, llvm::StringRef op,
                         llvm::ArrayRef<Shape> operands, Shape result,
                         unsigned inputs, llvm::StringRef attributes = "") {
  std::string arguments, names, types;
  double bytes = 4 * elements(result);
  for (auto [i, shape] : llvm::enumerate(operands)) {
    const char *comma = i ? ", " : "";
    arguments +=
        llvm::formatv("{0}%arg{1}: {2}", comma, i, tensor(shape)).str();
    names += llvm::formatv("{0}%arg{1}", comma, i).str();
    types += comma + tensor(shape);
    bytes += 4 * elements(shape);
  }
  std::string text =
      llvm::formatv("func.func @main({0}) -> {1} {{\n"
                    "  %y = onnx.{2} {3} {4} : ({5}) -> {1}\n"
                    "  return %y : {1}\n}\n",
                    arguments, tensor(result), op, names, attributes, types)
          .str();
  return {std::move(name), std::move(text), inputs, 0, bytes};
}

/// [m x k] * [k x n]; the second is a constant unless `inputs` is 2.
static KernelCase matmul(std::string name, int64_t m, int64_t n, int64_t k,
                         Shape batch = {}, unsigned inputs = 1) {
  auto stacked = [&](int64_t rows, int64_t columns) {
    Shape shape = batch;
    shape.insert(shape.end(), {rows, columns});
    return shape;
  };
  KernelCase made =
      single(std::move(name), "MatMul", {stacked(m, k), stacked(k, n)},
             stacked(m, n), inputs);
  made.operations = 2.0 * elements(batch) * double(m) * double(n) * double(k);
  return made;
}

namespace {
struct ConvSizes {
  int64_t size, channels, filters, kernel, stride = 1, group = 1;
};
} // namespace

/// A square convolution that keeps the size, over its stride. Input and output
/// are channels last, as they are between the convolutions of a model; an
/// image comes with its channels first.
static KernelCase conv(std::string name, ConvSizes s, bool image = false) {
  int64_t pad = (s.kernel - 1) / 2;
  int64_t out = (s.size + 2 * pad - s.kernel) / s.stride + 1;
  Shape last{1, s.size, s.size, s.channels};
  Shape first{1, s.channels, s.size, s.size};
  Shape weights{s.filters, s.channels / s.group, s.kernel, s.kernel};
  Shape made{1, s.filters, out, out}, result{1, out, out, s.filters};
  std::string order =
      llvm::formatv("  %x = onnx.Transpose %arg0 {{perm = array<i64: 0, 3, 1, "
                    "2>} : ({0}) -> {1}\n",
                    tensor(last), tensor(first));
  KernelCase entry;
  entry.name = std::move(name);
  entry.text =
      llvm::formatv(
          "func.func @main({8}: {0}, %arg1: {1}) -> {2} {{\n"
          "  %none = onnx.None\n{9}"
          "  %c = onnx.Conv %x, %arg1, %none {{group = {5} : i64, pads = "
          "array<i64: {6}, {6}, {6}, {6}>, strides = array<i64: {7}, {7}>} : "
          "({3}, {1}, none) -> {4}\n"
          "  %y = onnx.Transpose %c {{perm = array<i64: 0, 2, 3, 1>} : ({4}) "
          "-> {2}\n"
          "  return %y : {2}\n}\n",
          tensor(image ? first : last), tensor(weights), tensor(result),
          tensor(first), tensor(made), s.group, pad, s.stride,
          image ? "%x" : "%arg0", image ? "" : order)
          .str();
  entry.operations =
      2 * elements(result) * elements(weights) / double(s.filters);
  entry.bytes = 4 * (elements(last) + elements(weights) + elements(result));
  return entry;
}

std::vector<KernelCase> ingot::bench::allKernelCases() {
  Shape hidden{128, 768}, row{768}, scores{12, 128, 128};
  KernelCase norm = single("layernorm/128x768", "LayerNormalization",
                           {hidden, row, row}, hidden, 1);
  // Its other results are not asked for.
  llvm::StringRef type = ") -> tensor<128x768xf32>\n  return";
  size_t at = norm.text.find(type.str());
  norm.text.replace(at, type.size(),
                    ") -> (tensor<128x768xf32>, tensor<128x1xf32>, "
                    "tensor<128x1xf32>)\n  return");
  norm.text.replace(norm.text.find("%y ="), 4, "%y, %mean, %scale =");
  return {
      matmul("matmul/512x512x512", 512, 512, 512),
      matmul("matmul/1024x1024x1024", 1024, 1024, 1024),
      matmul("matmul/128x768x768", 128, 768, 768),
      matmul("matmul/128x3072x768", 128, 3072, 768),
      matmul("matmul/128x768x3072", 128, 768, 3072),
      matmul("matmul/1x1000x2048", 1, 1000, 2048),
      matmul("matmul/12*128x64x128_dynamic", 128, 64, 128, {12}, 2),
      matmul("matmul/12*128x128x64_dynamic", 128, 128, 64, {12}, 2),
      conv("conv3x3/56x56x64", {56, 64, 64, 3}),
      conv("conv3x3/28x28x128", {28, 128, 128, 3}),
      conv("conv3x3/14x14x256", {14, 256, 256, 3}),
      conv("conv3x3/7x7x512", {7, 512, 512, 3}),
      conv("conv3x3/224x224x64", {224, 64, 64, 3}),
      conv("conv3x3s2/56x56x128", {56, 128, 128, 3, 2}),
      conv("conv1x1/56x56x64-256", {56, 64, 256, 1}),
      conv("conv1x1/56x56x256-64", {56, 256, 64, 1}),
      conv("conv1x1/14x14x256-1024", {14, 256, 1024, 1}),
      conv("conv1x1/14x14x256", {14, 256, 256, 1}),
      conv("conv1x1/7x7x2048-512", {7, 2048, 512, 1}),
      conv("conv7x7s2/224x224x3-64", {224, 3, 64, 7, 2}, /*image=*/true),
      conv("conv3x3s2/224x224x3-32", {224, 3, 32, 3, 2}, /*image=*/true),
      conv("depthwise3x3/112x112x32", {112, 32, 32, 3, 1, 32}),
      conv("depthwise3x3s2/112x112x96", {112, 96, 96, 3, 2, 96}),
      conv("depthwise3x3/14x14x384", {14, 384, 384, 3, 1, 384}),
      single("softmax/12x128x128", "Softmax", {scores}, scores, 1),
      norm,
      single("gelu/128x3072", "Gelu", {{128, 3072}}, {128, 3072}, 1),
      single("tanh/128x3072", "Tanh", {{128, 3072}}, {128, 3072}, 1),
      single("add/128x768", "Add", {hidden, hidden}, hidden, 2),
      single("transpose/128x12x64", "Transpose", {{128, 12, 64}}, {12, 128, 64},
             1, "{perm = array<i64: 1, 0, 2>}"),
      single("transpose/128x768", "Transpose", {hidden}, {768, 128}, 1,
             "{perm = array<i64: 1, 0>}"),
  };
}
