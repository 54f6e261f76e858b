//===- WeightOnlyBench.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ingot-bench-weight-only: times products of few rows with quantized weights,
// one thread, in turn with a loop that only reads as many bytes. Where the
// matrices are more than the caches hold, both come from memory.
//
//===----------------------------------------------------------------------===//
#include "bench/PeakRate.h"
#include "codegen/Target.h"
#include "lib/Driver/Compiler.h"

#include "dialects/onnx/Shape.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include "ingot/ingot.h"
#include <random>

using namespace mlir;
using namespace ingot;
using namespace ingot::bench;

static llvm::cl::opt<std::string>
    targetOption("target", llvm::cl::desc("machine, as of `ingot compile`"),
                 llvm::cl::init("host"));
static llvm::cl::opt<int64_t> sizeOption("size", llvm::cl::desc("K and N"),
                                         llvm::cl::init(4096));
static llvm::cl::opt<int64_t> rowsOption("rows", llvm::cl::init(1),
                                         llvm::cl::desc("M"));
static llvm::cl::opt<int64_t>
    blockOption("block", llvm::cl::desc("elements of K with one scale"),
                llvm::cl::init(32));
static llvm::cl::opt<int64_t>
    bitsOption("bits", llvm::cl::init(4),
               llvm::cl::desc("of a weight: 2, 4 or 8"));
static llvm::cl::opt<int64_t> matricesOption(
    "matrices",
    llvm::cl::desc("different matrices that a run multiplies by, one "
                   "after the other"),
    llvm::cl::init(8));
static llvm::cl::opt<unsigned>
    roundsOption("rounds", llvm::cl::desc("turns of model and loop"),
                 llvm::cl::init(31));

/// The options' values: the linker inside compile() resets options.
static std::string target;
static int64_t size, rows, block, bits, matrices, rounds;

/// x * W0 * W1 * ..., all arguments but x to become constants.
static std::string modelText() {
  auto type = [](int64_t m, int64_t n, llvm::Twine element) {
    return llvm::formatv("tensor<{0}x{1}x{2}>", m, n, element.str()).str();
  };
  int64_t blocks = llvm::divideCeil(size, block);
  std::string codes = type(size, size, "ui" + llvm::Twine(bits));
  std::string scales = type(blocks, size, "f32");
  std::string x = type(rows, size, "f32"), w = type(size, size, "f32");
  std::string arguments = "%x0: " + x, body;
  for (int64_t i = 0; i < matrices; ++i) {
    arguments += llvm::formatv(", %w{0}: {1}, %s{0}: {2}", i, codes, scales);
    body += llvm::formatv(
        "  %f{0} = onnx.DequantizeLinear %w{0}, %s{0}, %z {{axis = 0 : i64, "
        "block_size = {2} : i64} : ({3}, {4}, tensor<{5}x{6}xui{7}>) -> {8}\n"
        "  %x{1} = onnx.MatMul %x{0}, %f{0} : ({9}, {8}) -> {9}\n",
        i, i + 1, block, codes, scales, blocks, size, bits, w, x);
  }
  std::string zero = llvm::formatv(
      "  %z = onnx.Constant {{value = dense<{0}> : {1}} : {1}\n",
      int64_t(1) << (bits - 1), type(blocks, size, "ui" + llvm::Twine(bits)));
  return llvm::formatv("func.func @main({0}) -> {1} {{\n{2}{3}"
                       "  return %x{4} : {1}\n}\n",
                       arguments, x, zero, body, matrices)
      .str();
}

/// Random codes, a byte each, or scales that keep numbers about as large.
static AsmResourceBlob randomBlob(RankedTensorType type) {
  static std::mt19937 generator(1);
  int64_t count = type.getNumElements();
  bool isScale = type.getElementType().isF32();
  AsmResourceBlob blob =
      HeapAsmResourceBlob::allocate(count * (isScale ? 4 : 1), 64);
  char *data = blob.getMutableData().data();
  double usual = 3.0 / double(1 << bits) / std::sqrt(double(size));
  for (int64_t i = 0; i < count; ++i) {
    auto random = generator();
    if (isScale)
      reinterpret_cast<float *>(data)[i] =
          float(usual * (1 + double(random) * 0x1p-32));
    else
      data[i] = char(random & ((1u << bits) - 1));
  }
  return blob;
}

static void makeConstants(ModuleOp module) {
  auto main = *module.getOps<func::FuncOp>().begin();
  OpBuilder b = OpBuilder::atBlockBegin(&main.getBody().front());
  for (unsigned i = main.getNumArguments(); i-- > 1;) {
    auto type = cast<RankedTensorType>(main.getArgument(i).getType());
    auto value = DenseResourceElementsAttr::get(type, "w", randomBlob(type));
    Value constant = onnx::ConstantOp::create(b, main.getLoc(), type, value);
    main.getArgument(i).replaceAllUsesWith(constant);
    (void)main.eraseArgument(i);
  }
}

/// Compiles the model to `path`; the bits of the machine's vectors, 0 if it
/// cannot be.
static int compileTo(StringRef path, uint64_t &weightBytes) {
  std::unique_ptr<MLIRContext> mlir = createContext();
  auto module = parseSourceString<ModuleOp>(modelText(), mlir.get());
  if (!module)
    return 0;
  makeConstants(*module);
  CompileOptions options;
  options.target = target;
  std::string error;
  kernel::MachineAttr machine =
      resolveMachine(options.target, "", mlir.get(), error);
  if (!machine) {
    llvm::errs() << error << "\n";
    return 0;
  }
  CompileReport report;
  if (failed(compile(*module, "weight-only", path, options, report)))
    return 0;
  weightBytes = report.tables.weightBytes;
  return int(machine.getVectorBits());
}

static double median(std::vector<double> values) {
  auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

int main(int argc, char **argv) {
  llvm::cl::ParseCommandLineOptions(
      argc, argv,
      "Times products with quantized weights beside a read loop.\n");
  target = targetOption;
  size = sizeOption;
  rows = rowsOption;
  block = blockOption;
  bits = bitsOption;
  matrices = matricesOption;
  rounds = roundsOption;
  SmallString<64> path;
  if (llvm::sys::fs::createTemporaryFile("ingot-bench", "so", path))
    return 1;
  uint64_t bytes = 0;
  int vectorBits = compileTo(path, bytes);
  ingot_model *model = nullptr;
  bool loaded =
      vectorBits && ingot_model_load(path.c_str(), &model) == INGOT_OK;
  llvm::sys::fs::remove(path);
  ingot_context_options options = {};
  options.size = sizeof(options);
  options.threads = 1;
  ingot_context *context = nullptr;
  if (!loaded || !hasFmaOf(vectorBits) ||
      ingot_context_create(model, &options, &context) != INGOT_OK) {
    llvm::errs() << "the model cannot be run: " << ingot_last_error() << "\n";
    return 1;
  }
  std::vector<float> x(size_t(rows * size), 0.5f), y(x.size());
  int64_t dims[2] = {rows, size};
  ingot_tensor_info info = {};
  info.size = sizeof(info);
  ingot_model_input(model, 0, &info);
  ingot_tensor input{x.data(), x.size() * 4, info.dtype, 2, dims};
  ingot_tensor output{y.data(), y.size() * 4, info.dtype, 2, dims};

  std::vector<char> buffer(bytes, 1);
  std::vector<double> seconds, reads, ratios;
  for (int64_t i = 0; i < rounds + 2; ++i) {
    double read = readRate(vectorBits, buffer.data(), int64_t(bytes));
    double start = threadSeconds();
    if (ingot_run(context, &input, 1, &output, 1) != INGOT_OK) {
      llvm::errs() << ingot_last_error() << "\n";
      return 1;
    }
    double taken = threadSeconds() - start;
    if (i < 2)
      continue;
    seconds.push_back(taken);
    reads.push_back(read);
    ratios.push_back(double(bytes) / taken / read);
  }
  double taken = median(seconds);
  llvm::outs() << llvm::formatv(
      "M = {0}, {1} matrices of {2} x {2}, {3} bits, blocks of {4}, {5:f1} MB: "
      "{6:f1} us a product, {7:f1} GB/s; read loop {8:f1} GB/s; {9:f0} % "
      "(median of ratios)\n",
      rows, matrices, size, bits, block, double(bytes) * 1e-6,
      taken / double(matrices) * 1e6, double(bytes) / taken * 1e-9,
      median(reads) * 1e-9, 100 * median(ratios));
  ingot_context_destroy(context);
  ingot_model_close(model);
  return 0;
}
