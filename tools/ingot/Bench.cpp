//===- Bench.cpp ----------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/Bench.h"

#include "tools/ingot/AllocationCount.h"
#include "tools/ingot/Compile.h"
#include "tools/ingot/Run.h"
#include "tools/ingot/Session.h"
#include "tools/ingot/SizeExpression.h"
#include "tools/ingot/TensorFiles.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

#include <ctime>
#include <optional>

using namespace ingot;
using llvm::StringRef;

namespace {
/// All figures of one model.
struct Figures {
  std::optional<double> compileSeconds;
  uint64_t compilePeakRss = 0;
  double loadMs = 0, firstMs = 0, cpuMs = 0;
  /// Of every timed run, sorted.
  std::vector<double> ms;
  uint64_t peakRss = 0;
  std::optional<double> allocationsPerRun;
  /// As the compiler describes it; then its value for these inputs.
  llvm::json::Value lowerBound = nullptr;
  std::optional<int64_t> arenaLowerBound;
  /// Milliseconds of every launch, the median of some runs.
  std::vector<double> launchMs;

  double at(double part) const {
    return ms[std::min(ms.size() - 1, size_t(part * double(ms.size())))];
  }
};
} // namespace

static double now(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return double(time.tv_sec) * 1e3 + double(time.tv_nsec) * 1e-6;
}

/// Starts the count of the largest resident size anew, where the system can.
static void resetPeakRss() {
  if (FILE *file = fopen("/proc/self/clear_refs", "w")) {
    fputs("5", file);
    fclose(file);
  }
}

static uint64_t peakRss() {
  auto status = llvm::MemoryBuffer::getFileAsStream("/proc/self/status");
  if (!status)
    return 0;
  StringRef text = (*status)->getBuffer();
  uint64_t kilobytes = 0;
  text.substr(text.find("VmHWM:"))
      .drop_front(6)
      .ltrim()
      .consumeInteger(10, kilobytes);
  return kilobytes << 10;
}

/// Compiles in a process of its own, whose memory is then its own too.
static int compileApart(const Options &options, StringRef artifact,
                        Figures &figures) {
  static int anchor;
  std::string self = llvm::sys::fs::getMainExecutable("ingot", &anchor);
  TemporaryFile json;
  if (llvm::Error error = json.create("json"))
    return report(std::move(error));
  std::vector<std::string> words = {"ingot",
                                    "compile",
                                    options.subject,
                                    "--emit=so",
                                    "--output=" + artifact.str(),
                                    "--json=" + json.path(),
                                    "--target=" + options.target,
                                    "--threads=" +
                                        std::to_string(options.compileThreads)};
  if (!options.cpu.empty())
    words.push_back("--cpu=" + options.cpu);
  for (const std::string &shape : options.shapes)
    words.push_back("--shape=" + shape);
  if (options.allowHardLinks)
    words.push_back("--allow-hard-links");
  words.push_back("--quiet");
  std::vector<StringRef> arguments(words.begin(), words.end());
  std::string error;
  std::optional<llvm::sys::ProcessStatistics> statistics;
  int status = llvm::sys::ExecuteAndWait(self, arguments, std::nullopt, {}, 0,
                                         0, &error, nullptr, &statistics);
  if (status < 0)
    return report(failure(6011, "the compiler ended early: " + error));
  if (status > 0)
    return status;
  if (statistics)
    figures.compilePeakRss = statistics->PeakMemory << 10;
  auto buffer = llvm::MemoryBuffer::getFile(json.path());
  if (!buffer)
    return report(llvm::errorCodeToError(buffer.getError()));
  auto value = llvm::json::parse((*buffer)->getBuffer());
  if (!value)
    return report(value.takeError());
  if (const llvm::json::Object *object = value->getAsObject()) {
    figures.compileSeconds = object->getNumber("compile_s");
    if (const llvm::json::Value *bound = object->get("arena_lower_bound"))
      figures.lowerBound = *bound;
  }
  return 0;
}

/// What the inputs fix of the least arena that any plan could have.
static void findLowerBound(Figures &figures, const ModelFacts &facts,
                           const std::vector<Tensor> &inputs) {
  if (facts.symbols.empty()) {
    figures.arenaLowerBound = int64_t(facts.arenaLowerBound);
    return;
  }
  llvm::StringMap<int64_t> symbols;
  for (auto [input, tensor] : llvm::zip(facts.inputs, inputs))
    for (auto [dim, size] : llvm::zip(input.dims, tensor.dims))
      if (dim < 0 && size_t(-1 - dim) < facts.symbols.size())
        symbols[facts.symbols[-1 - dim]] = size;
  figures.arenaLowerBound = evaluateSize(figures.lowerBound, symbols);
}

/// Times runs for about as long as asked, then counts what they allocate.
static llvm::Error measure(Session &session, const Options &options,
                           Figures &figures) {
  double start = now(CLOCK_MONOTONIC);
  if (llvm::Error error = session.run())
    return error;
  figures.firstMs = now(CLOCK_MONOTONIC) - start;
  // Caches, page tables and clock rates settle.
  for (int i = 0; i < 2; ++i)
    if (llvm::Error error = session.run())
      return error;
  double cpu = now(CLOCK_PROCESS_CPUTIME_ID);
  double end = now(CLOCK_MONOTONIC) + options.seconds * 1e3;
  size_t least = options.runs ? options.runs : 5;
  while (figures.ms.size() < least ||
         (!options.runs && now(CLOCK_MONOTONIC) < end)) {
    start = now(CLOCK_MONOTONIC);
    if (llvm::Error error = session.run())
      return error;
    figures.ms.push_back(now(CLOCK_MONOTONIC) - start);
  }
  figures.cpuMs =
      (now(CLOCK_PROCESS_CPUTIME_ID) - cpu) / double(figures.ms.size());
  llvm::sort(figures.ms);
  figures.peakRss = peakRss();
  if (canCountAllocations()) {
    constexpr int runs = 3;
    startCountingAllocations();
    llvm::Error error = llvm::Error::success();
    for (int i = 0; i < runs && !error; ++i)
      error = session.run();
    figures.allocationsPerRun = double(stopCountingAllocations()) / runs;
    return error;
  }
  return llvm::Error::success();
}

/// The median time of each launch over some runs.
static llvm::Error profile(Session &session, const Figures &figures,
                           std::vector<double> &result) {
  if (llvm::Error error = session.enableProfile(true))
    return error;
  size_t runs = std::min<size_t>(figures.ms.size(), 101);
  std::vector<std::vector<uint64_t>> times;
  for (size_t i = 0; i < runs; ++i) {
    if (llvm::Error error = session.run())
      return error;
    auto once = session.readProfile();
    if (!once)
      return once.takeError();
    times.push_back(std::move(*once));
  }
  for (size_t launch = 0; launch < session.facts().launches.size(); ++launch) {
    std::vector<uint64_t> each;
    for (const auto &once : times)
      each.push_back(once[launch]);
    std::nth_element(each.begin(), each.begin() + each.size() / 2, each.end());
    result.push_back(double(each[each.size() / 2]) * 1e-6);
  }
  return session.enableProfile(false);
}

static llvm::json::Object describe(const Figures &figures,
                                   const Session &session) {
  const ModelFacts &facts = session.facts();
  llvm::json::Object json{{"load_ms", figures.loadMs},
                          {"first_ms", figures.firstMs},
                          {"median_ms", figures.at(0.5)},
                          {"p10", figures.at(0.1)},
                          {"p90", figures.at(0.9)},
                          {"p10_ms", figures.at(0.1)},
                          {"p90_ms", figures.at(0.9)},
                          {"cpu_ms", figures.cpuMs},
                          {"runs", int64_t(figures.ms.size())},
                          {"threads", int64_t(session.threads())},
                          {"target", facts.target},
                          {"arena_bytes", int64_t(session.arenaBytes())},
                          {"arena_lower_bound_bytes", figures.arenaLowerBound},
                          {"weight_bytes", int64_t(facts.weightBytes)},
                          {"code_bytes", int64_t(facts.codeBytes)},
                          {"peak_rss_bytes", int64_t(figures.peakRss)},
                          {"kernels", int64_t(facts.countKernels())},
                          {"launches", int64_t(facts.launches.size())}};
  if (figures.compileSeconds) {
    json["compile_s"] = *figures.compileSeconds;
    json["compile_peak_rss_bytes"] = int64_t(figures.compilePeakRss);
  }
  json["allocations_per_run"] = figures.allocationsPerRun;
  if (!figures.launchMs.empty()) {
    llvm::json::Array launches;
    for (auto [launch, ms] : llvm::zip(facts.launches, figures.launchMs))
      launches.push_back(llvm::json::Object{
          {"kernel", launch.first}, {"nodes", launch.second}, {"ms", ms}});
    json["profile"] = std::move(launches);
  }
  return json;
}

static void print(const Figures &figures, const Session &session) {
  const ModelFacts &facts = session.facts();
  llvm::raw_ostream &os = llvm::outs();
  os << llvm::format("median %.3f ms   (p10 %.3f, p90 %.3f, %zu runs)\n",
                     figures.at(0.5), figures.at(0.1), figures.at(0.9),
                     figures.ms.size())
     << llvm::format("cpu    %.3f ms   of all threads, %u at work\n",
                     figures.cpuMs, session.threads())
     << llvm::format("load   %.3f ms   first run %.3f ms\n", figures.loadMs,
                     figures.firstMs);
  if (figures.compileSeconds)
    os << llvm::format("compiled in %.2f s, peak memory ",
                       *figures.compileSeconds)
       << printBytes(figures.compilePeakRss) << "\n";
  os << "arena " << printBytes(session.arenaBytes());
  if (figures.arenaLowerBound)
    os << " (at least " << printBytes(uint64_t(*figures.arenaLowerBound))
       << ")";
  os << ", weights " << printBytes(facts.weightBytes) << ", code "
     << printBytes(facts.codeBytes) << ", peak memory "
     << printBytes(figures.peakRss) << "\n"
     << facts.countKernels() << " kernels, " << facts.launches.size()
     << " launches";
  if (figures.allocationsPerRun)
    os << llvm::format(", %g heap allocations per run",
                       *figures.allocationsPerRun);
  os << "\n";
  if (figures.launchMs.empty())
    return;
  std::vector<size_t> order(figures.launchMs.size());
  double total = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
    total += figures.launchMs[i];
  }
  llvm::sort(order, [&](size_t a, size_t b) {
    return std::tie(figures.launchMs[b], a) < std::tie(figures.launchMs[a], b);
  });
  os << "\n        ms      %  kernel  nodes\n";
  for (size_t i : order)
    os << llvm::format("%10.4f %6.2f  ", figures.launchMs[i],
                       total > 0 ? figures.launchMs[i] / total * 100 : 0)
       << facts.launches[i].first << "  " << facts.launches[i].second << "\n";
}

int ingot::benchCommand(const Options &given) {
  Options options = given;
  // A folder or file of inputs must have all of them.
  options.randomInputs |= options.inputs.empty();
  Figures figures;
  TemporaryFile compiled;
  std::string artifact = options.subject;
  if (!artifactArch(artifact)) {
    if (llvm::Error error = compiled.create("so"))
      return report(std::move(error));
    Progress progress(options.quiet);
    progress.step("compile");
    if (int status = compileApart(options, compiled.path(), figures)) {
      progress.clear();
      return status;
    }
    artifact = compiled.path();
  }
  if (std::optional<std::string> arch = artifactArch(artifact);
      arch && *arch != hostArch())
    return report(failure(6010, "the artifact is for " + *arch +
                                    ", and times in an emulator say nothing; "
                                    "run 'ingot bench' on such a machine"));
  resetPeakRss();
  double start = now(CLOCK_MONOTONIC);
  auto session = openSession(artifact, {options.threads, ""});
  figures.loadMs = now(CLOCK_MONOTONIC) - start;
  compiled.remove();
  if (!session)
    return report(session.takeError());
  if (llvm::Error error = acceptFallback((*session)->facts(),
                                         !options.noFallback, options.quiet))
    return report(std::move(error));
  auto inputs = readInputs(options, (*session)->facts());
  if (!inputs)
    return report(inputs.takeError());
  findLowerBound(figures, (*session)->facts(), *inputs);
  start = now(CLOCK_MONOTONIC);
  if (llvm::Error error = (*session)->prepare(*inputs))
    return report(std::move(error));
  figures.loadMs += now(CLOCK_MONOTONIC) - start;
  if (llvm::Error error = measure(**session, options, figures))
    return report(std::move(error));
  if (options.profile)
    if (llvm::Error error = profile(**session, figures, figures.launchMs))
      return report(std::move(error));
  if (!options.quiet && options.json != "-")
    print(figures, **session);
  if (options.json.empty())
    return 0;
  llvm::Error error = writeJson(options.json, describe(figures, **session));
  return error ? report(std::move(error)) : 0;
}
