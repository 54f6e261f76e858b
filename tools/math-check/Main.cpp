//===- Main.cpp - ingot-math-check ----------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Measures the accuracy of codegen/math: compiles each function for a CPU, runs
// it on samples, or on all f32 values, and compares with the C library in a
// wider format. Exits with 1 when a function is less accurate than it must be.
//
//===----------------------------------------------------------------------===//
#include "tools/math-check/Kernels.h"
#include "tools/math-check/Measure.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"

#include <atomic>
#include <mutex>
#include <thread>

using namespace mathcheck;
namespace cl = llvm::cl;

static cl::list<std::string> names(cl::Positional, cl::desc("[function ...]"));
static cl::opt<std::string> triple("triple", cl::desc("Target triple"),
                                   cl::init(""));
static cl::opt<std::string> cpu("cpu",
                                cl::desc("Target CPU; default: this one"));
static cl::opt<unsigned> width("width",
                               cl::desc("Elements per vector, 0 for scalars"),
                               cl::init(16));
static cl::opt<bool> isF64("f64", cl::desc("Measure f64 instead of f32"));
static cl::opt<bool>
    exhaustive("exhaustive", cl::desc("All f32 values, for functions of one"));
static cl::opt<unsigned> logSamples("log-samples", cl::init(17),
                                    cl::desc("Samples, as a power of two"));
static cl::opt<unsigned> jobs("jobs", cl::init(1),
                              cl::desc("Threads of --exhaustive"));
static cl::opt<bool> print("print", cl::desc("Print the expanded MLIR"));
static cl::opt<std::string>
    object("emit", cl::desc("Write the kernels to this .o or .s file"));
static cl::opt<std::string>
    runner("runner", cl::desc("Run the kernels in this program (driver.c)"));
static cl::opt<int> arity("arity", cl::init(0),
                          cl::desc("Only functions of so many arguments"));
static cl::opt<bool>
    digest("digest",
           cl::desc("Also print a digest of each function's results"));
static cl::opt<bool> markdown("markdown", cl::desc("Print rows of a table"));

static llvm::ExitOnError exitOnError("ingot-math-check: error: ");

static double bound(const Function &f) {
  return isF64 ? f.maxUlpF64 : f.maxUlpF32;
}

static std::vector<Function> chosenFunctions() {
  std::vector<Function> chosen;
  for (const Function &f : allFunctions()) {
    bool named = names.empty() || llvm::is_contained(names, f.name);
    bool fits = arity == 0 || arity == f.arity;
    if (named && fits && bound(f) >= 0 && (!exhaustive || f.arity == 1))
      chosen.push_back(f);
  }
  return chosen;
}

/// Calls the kernel over the samples.
template <typename T>
static std::vector<T> runKernel(Kernel kernel, const Samples<T> &samples) {
  std::vector<T> out(samples.size());
  kernel(samples.x.data(), samples.y.data(), out.data(), out.size());
  return out;
}

/// Runs all of the functions in another program, which may be an emulator's:
/// arguments on its standard input, results on its standard output.
template <typename T>
static std::vector<std::vector<T>>
runElsewhere(llvm::ArrayRef<Samples<T>> all) {
  llvm::SmallString<64> input, output;
  exitOnError(llvm::errorCodeToError(
      llvm::sys::fs::createTemporaryFile("math", "in", input)));
  exitOnError(llvm::errorCodeToError(
      llvm::sys::fs::createTemporaryFile("math", "out", output)));
  {
    std::error_code error;
    llvm::raw_fd_ostream file(input, error);
    for (auto [index, samples] : llvm::enumerate(all)) {
      int64_t header[] = {int64_t(index), int64_t(samples.size()), sizeof(T)};
      file.write(reinterpret_cast<const char *>(header), sizeof header);
      for (const std::vector<T> *data : {&samples.x, &samples.y})
        file.write(reinterpret_cast<const char *>(data->data()),
                   data->size() * sizeof(T));
    }
  }
  llvm::SmallVector<llvm::StringRef> command;
  llvm::StringRef(runner).split(command, ' ');
  std::string program = exitOnError(
      llvm::errorOrToExpected(llvm::sys::findProgramByName(command.front())));
  std::string message;
  int status = llvm::sys::ExecuteAndWait(
      program, command, std::nullopt,
      {llvm::StringRef(input), llvm::StringRef(output), std::nullopt}, 0, 0,
      &message);
  if (status != 0)
    exitOnError(llvm::createStringError("the runner failed: " + message));
  auto buffer =
      exitOnError(llvm::errorOrToExpected(llvm::MemoryBuffer::getFile(output)));
  const T *results = reinterpret_cast<const T *>(buffer->getBufferStart());
  size_t available = buffer->getBufferSize() / sizeof(T);
  std::vector<std::vector<T>> parts;
  for (const Samples<T> &samples : all) {
    if (available < samples.size())
      exitOnError(llvm::createStringError("the runner stopped early"));
    parts.emplace_back(results, results + samples.size());
    results += samples.size();
    available -= samples.size();
  }
  llvm::sys::fs::remove(input);
  llvm::sys::fs::remove(output);
  return parts;
}

/// All 2^32 arguments of a function of one.
static Worst runExhaustively(const Function &f, Kernel kernel) {
  constexpr uint64_t chunk = 1 << 16, chunks = (uint64_t(1) << 32) / chunk;
  std::atomic<uint64_t> next{0};
  std::mutex lock;
  Worst worst;
  auto work = [&] {
    Samples<float> samples;
    samples.x.resize(chunk);
    samples.y.resize(chunk, 1);
    Worst mine;
    for (uint64_t i; (i = next++) < chunks;) {
      for (uint64_t k = 0; k < chunk; ++k) {
        auto bits = uint32_t(i * chunk + k);
        std::memcpy(&samples.x[k], &bits, sizeof bits);
      }
      std::vector<float> out = runKernel(kernel, samples);
      mine.add(
          measure(f, samples.x.data(), samples.y.data(), out.data(), chunk));
    }
    std::lock_guard<std::mutex> guard(lock);
    worst.add(mine);
  };
  std::vector<std::thread> pool;
  for (unsigned i = 1; i < jobs; ++i)
    pool.emplace_back(work);
  work();
  for (std::thread &thread : pool)
    thread.join();
  return worst;
}

/// Prints one row; true when the function is accurate enough.
static bool report(const Function &f, const Worst &worst) {
  bool good = worst.ulp <= bound(f);
  double mean = worst.sum / double(worst.count);
  llvm::raw_ostream &os = llvm::outs();
  if (markdown) {
    os << llvm::format("| %s | %.4f | %.9g", f.name, worst.ulp, worst.x);
    if (f.arity == 2)
      os << llvm::format(", %.9g", worst.y);
    os << " |\n";
  } else {
    os << llvm::format("%-10s max %.4f ulp, mean %.4f", f.name, worst.ulp, mean)
       << llvm::format(" at %.17g", worst.x);
    if (f.arity == 2)
      os << llvm::format(", %.17g", worst.y);
    os << llvm::format(": %.17g for %.17g", worst.got, worst.want);
    if (digest)
      os << llvm::format(", digest %016llx", (unsigned long long)worst.digest);
    os << (good ? "\n" : "  TOO LARGE\n");
  }
  llvm::outs().flush();
  return good;
}

template <typename T>
static bool checkAll(llvm::ArrayRef<Function> functions,
                     const CodeOptions &options) {
  bool good = true;
  size_t count = size_t(1) << logSamples;
  if (!runner.empty()) {
    std::vector<Samples<T>> all;
    for (const Function &f : functions)
      all.push_back(makeSamples<T>(f, count));
    std::vector<std::vector<T>> results = runElsewhere<T>(all);
    for (auto [f, samples, got] : llvm::zip_equal(functions, all, results))
      good &= report(f, measure(f, samples.x.data(), samples.y.data(),
                                got.data(), got.size()));
    return good;
  }
  JitKernels jit = exitOnError(JitKernels::create(functions, options));
  for (const Function &f : functions) {
    Kernel kernel = exitOnError(jit.find(f.name));
    if constexpr (sizeof(T) == 4)
      if (exhaustive) {
        good &= report(f, runExhaustively(f, kernel));
        continue;
      }
    Samples<T> samples = makeSamples<T>(f, count);
    std::vector<T> got = runKernel(kernel, samples);
    good &= report(f, measure(f, samples.x.data(), samples.y.data(), got.data(),
                              got.size()));
  }
  return good;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv, "Accuracy of Ingot's vector math\n");
  CodeOptions options;
  options.triple = triple.empty() ? llvm::sys::getProcessTriple() : triple;
  options.cpu = cpu;
  if (cpu.empty()) {
    options.cpu = llvm::sys::getHostCPUName();
    llvm::SubtargetFeatures features;
    for (const auto &feature : llvm::sys::getHostCPUFeatures())
      features.AddFeature(feature.first(), feature.second);
    options.features = features.getString();
  }
  options.width = width;
  options.isF64 = isF64;
  for (const std::string &name : names)
    if (llvm::none_of(allFunctions(),
                      [&](const Function &f) { return name == f.name; })) {
      llvm::errs() << "ingot-math-check: error: no function " << name << "\n";
      return 2;
    }
  std::vector<Function> functions = chosenFunctions();
  if (functions.empty())
    return 0;
  if (print) {
    llvm::outs() << exitOnError(printKernels(functions, options));
    return 0;
  }
  if (!object.empty()) {
    exitOnError(emitObject(functions, options, object));
    return 0;
  }
  bool good = isF64 ? checkAll<double>(functions, options)
                    : checkAll<float>(functions, options);
  return good ? 0 : 1;
}
