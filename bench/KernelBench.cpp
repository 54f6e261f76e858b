//===- KernelBench.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ingot-bench-kernels: compiles models of one operator and times them with one
// thread, in turn with a loop that only multiplies and adds. Both are measured
// in processor time of the thread, a few milliseconds apart, so that clock
// rate and neighbours on the machine touch both alike.
//
//===----------------------------------------------------------------------===//
#include "bench/KernelCases.h"
#include "bench/PeakRate.h"
#include "codegen/Target.h"
#include "lib/Driver/Compiler.h"

#include "dialects/onnx/Shape.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include "ingot/ingot.h"
#include <benchmark/benchmark.h>
#include <random>

using namespace mlir;
using namespace ingot;
using namespace ingot::bench;

static llvm::cl::opt<std::string>
    target("target", llvm::cl::desc("machine, as of `ingot compile`"),
           llvm::cl::init("host"));
static llvm::cl::opt<unsigned>
    rounds("rounds",
           llvm::cl::desc("turns of kernel and loop, each a median "
                          "is taken of"),
           llvm::cl::init(41));

/// Seconds that the kernel and the loop work at a time.
constexpr double turnSeconds = 2e-3;

static float randomNumber() {
  static std::mt19937 generator(1);
  return float(generator()) / float(1u << 31) - 1;
}

/// Arguments that are no inputs become constants of random numbers.
static void makeConstants(ModuleOp module, unsigned inputs) {
  auto main = *module.getOps<func::FuncOp>().begin();
  OpBuilder b = OpBuilder::atBlockBegin(&main.getBody().front());
  for (unsigned i = main.getNumArguments(); i-- > inputs;) {
    auto type = cast<RankedTensorType>(main.getArgument(i).getType());
    SmallVector<float> values(type.getNumElements());
    std::generate(values.begin(), values.end(), randomNumber);
    Value constant = onnx::ConstantOp::create(
        b, main.getLoc(), type,
        DenseElementsAttr::get(type, ArrayRef<float>(values)));
    main.getArgument(i).replaceAllUsesWith(constant);
    (void)main.eraseArgument(i);
  }
}

namespace {
/// A compiled case, loaded, with its tensors.
class LoadedCase {
public:
  explicit LoadedCase(const KernelCase &entry) { ok = load(entry); }
  ~LoadedCase() {
    if (context)
      ingot_context_destroy(context);
    if (model)
      ingot_model_close(model);
  }
  LoadedCase(const LoadedCase &) = delete;
  LoadedCase &operator=(const LoadedCase &) = delete;

  bool isLoaded() const { return ok; }
  bool run() {
    return ingot_run(context, inputs.data(), int32_t(inputs.size()), &output,
                     1) == INGOT_OK;
  }
  int vectorBits = 0;

private:
  bool load(const KernelCase &entry);
  bool compileTo(const KernelCase &entry, StringRef path);
  ingot_tensor tensor(const ingot_tensor_info &info) {
    uint64_t bytes = 0;
    ingot_tensor_bytes(info.dtype, info.rank, info.dims, &bytes);
    auto &buffer = buffers.emplace_back(bytes / sizeof(float));
    std::generate(buffer.begin(), buffer.end(), randomNumber);
    return {buffer.data(), bytes, info.dtype, info.rank, info.dims};
  }

  bool ok = false;
  ingot_model *model = nullptr;
  ingot_context *context = nullptr;
  std::vector<std::vector<float>> buffers;
  std::vector<ingot_tensor> inputs;
  ingot_tensor output;
};
} // namespace

bool LoadedCase::compileTo(const KernelCase &entry, StringRef path) {
  std::unique_ptr<MLIRContext> mlir = createContext();
  auto module = parseSourceString<ModuleOp>(entry.text, mlir.get());
  if (!module)
    return false;
  makeConstants(*module, entry.inputs);
  CompileOptions options;
  options.target = target;
  std::string error;
  kernel::MachineAttr machine =
      resolveMachine(options.target, "", mlir.get(), error);
  if (!machine) {
    llvm::errs() << error << "\n";
    return false;
  }
  vectorBits = int(machine.getVectorBits());
  CompileReport report;
  return succeeded(compile(*module, entry.name, path, options, report));
}

bool LoadedCase::load(const KernelCase &entry) {
  SmallString<64> path;
  if (llvm::sys::fs::createTemporaryFile("ingot-bench", "so", path))
    return false;
  bool loaded = compileTo(entry, path) &&
                ingot_model_load(path.c_str(), &model) == INGOT_OK;
  llvm::sys::fs::remove(path);
  if (!loaded) {
    llvm::errs() << ingot_last_error() << "\n";
    return false;
  }
  ingot_context_options options = {};
  options.size = sizeof(options);
  options.threads = 1;
  if (ingot_context_create(model, &options, &context) != INGOT_OK)
    return false;
  ingot_tensor_info info = {};
  info.size = sizeof(info);
  buffers.reserve(entry.inputs + 1);
  for (unsigned i = 0; i < entry.inputs; ++i) {
    ingot_model_input(model, int32_t(i), &info);
    inputs.push_back(tensor(info));
  }
  ingot_context_prepare(context, inputs.data(), int32_t(inputs.size()));
  ingot_context_output(context, 0, &info);
  output = tensor(info);
  return true;
}

static double median(std::vector<double> values) {
  auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Times turns of both; one iteration of Google Benchmark is one turn.
static void measure(benchmark::State &state, const KernelCase &entry) {
  LoadedCase loaded(entry);
  if (!loaded.isLoaded())
    return state.SkipWithError("it does not compile");
  if (!hasFmaOf(loaded.vectorBits))
    return state.SkipWithError("this processor is none of the target's");
  for (int i = 0; i < 3; ++i)
    if (!loaded.run())
      return state.SkipWithError("it does not run");
  double once = -threadSeconds();
  loaded.run();
  once += threadSeconds();
  int repeats = std::max(1, int(turnSeconds / once));

  std::vector<double> seconds, rates, parts;
  for (auto _ : state) {
    double rate = fmaRate(loaded.vectorBits, turnSeconds);
    double start = threadSeconds();
    for (int i = 0; i < repeats; ++i)
      loaded.run();
    double taken = (threadSeconds() - start) / repeats;
    // The loop's rate before and after, since clocks drift.
    rate = (rate + fmaRate(loaded.vectorBits, turnSeconds)) / 2;
    state.SetIterationTime(taken);
    seconds.push_back(taken);
    rates.push_back(rate);
    parts.push_back(entry.operations / taken / rate);
  }
  double taken = median(seconds);
  state.counters["median_us"] = taken * 1e6;
  // The turn that other work on the machine disturbed least.
  state.counters["best_us"] = *llvm::min_element(seconds) * 1e6;
  state.counters["fma_loop_GFLOPS"] = median(rates) * 1e-9;
  state.counters["GB/s"] = entry.bytes / taken * 1e-9;
  if (entry.operations != 0) {
    state.counters["GFLOPS"] = entry.operations / taken * 1e-9;
    state.counters["percent_of_fma_loop"] = 100 * median(parts);
  }
}

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  llvm::cl::ParseCommandLineOptions(
      argc, argv,
      "Times compiled kernels beside a loop of multiply-adds.\n\n"
      "Options of Google Benchmark, such as --benchmark_filter=conv and "
      "--benchmark_format=json, are taken too.\n");
  std::vector<KernelCase> cases = allKernelCases();
  for (const KernelCase &entry : cases)
    benchmark::RegisterBenchmark(
        entry.name.c_str(),
        [&entry](benchmark::State &state) { measure(state, entry); })
        ->UseManualTime()
        ->Iterations(std::max(1u, rounds.getValue()))
        ->Unit(benchmark::kMicrosecond);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
