//===- Calibrate.cpp ------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/Calibrate.h"

#include "lib/Driver/OutputFile.h"

#include "ingot/ingot.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Parallel.h"
#include "llvm/Support/xxhash.h"

using namespace ingot;
using llvm::StringRef;

static constexpr StringRef stateMagic = "ingot calibration 1\n";
/// After how many samples the state is saved.
static constexpr size_t saveEvery = 10;

/// What a state file must agree on with the run that goes on from it.
static std::string fingerprint(const quantize::OnnxGraph &graph,
                               const SampleSource &source) {
  std::string bytes;
  if (graph.write({}, bytes))
    bytes.clear();
  return std::to_string(llvm::xxh3_64bits(StringRef(bytes))) + " " +
         source.fingerprint();
}

static void appendText(std::string &to, StringRef text) {
  uint64_t size = text.size();
  char raw[8];
  llvm::support::endian::write64le(raw, size);
  to.append(raw, 8);
  to += text;
}

static bool takeText(StringRef &from, StringRef &text) {
  if (from.size() < 8)
    return false;
  uint64_t size = llvm::support::endian::read64le(from.data());
  from = from.drop_front(8);
  if (size > from.size())
    return false;
  text = from.take_front(size);
  from = from.drop_front(size);
  return true;
}

static llvm::Error saveState(StringRef path, StringRef print,
                             const Calibration &calibration) {
  std::string bytes = stateMagic.str();
  appendText(bytes, print);
  appendText(bytes, std::to_string(calibration.samples));
  for (const auto &[name, calibrator] : calibration.values) {
    appendText(bytes, name);
    appendText(bytes, calibrator.save());
  }
  return writeWhole(path, bytes);
}

static llvm::Error loadState(StringRef path, StringRef print,
                             const std::vector<std::string> &values,
                             Calibration &calibration) {
  if (!llvm::sys::fs::exists(path))
    return llvm::Error::success();
  auto damaged = [&](const llvm::Twine &why) {
    return failure(6109, "the state " + quoted(path) + " " + why +
                             "; remove it to begin again");
  };
  auto buffer = llvm::MemoryBuffer::getFile(path, false, false);
  if (!buffer)
    return damaged("cannot be read: " + buffer.getError().message());
  StringRef bytes = (*buffer)->getBuffer(), given, count;
  if (!bytes.consume_front(stateMagic) || !takeText(bytes, given) ||
      !takeText(bytes, count) || count.getAsInteger(10, calibration.samples))
    return damaged("is damaged");
  if (given != print)
    return damaged("is of another model, other data or another seed");
  calibration.values.clear();
  while (!bytes.empty()) {
    StringRef name, saved;
    if (!takeText(bytes, name) || !takeText(bytes, saved))
      return damaged("is damaged");
    auto calibrator = quantize::Calibrator::load(saved);
    if (!calibrator)
      return damaged("is damaged: " + llvm::toString(calibrator.takeError()));
    calibration.values[name.str()] = std::move(*calibrator);
  }
  for (const std::string &value : values)
    if (!calibration.values.count(value))
      return damaged("lacks the value " + quoted(value));
  calibration.resumed = calibration.samples;
  return llvm::Error::success();
}

/// Counts one sample's values, shared out among the processors.
static llvm::Error count(Calibration &calibration, const GraphSession &session,
                         const SampleSource &source, size_t sample) {
  std::vector<std::pair<const std::string *, quantize::Calibrator *>> work;
  for (auto &[name, calibrator] : calibration.values)
    work.push_back({&name, &calibrator});
  std::vector<std::string> errors(work.size());
  llvm::parallelFor(0, work.size(), [&](size_t i) {
    if (llvm::Error error = work[i].second->add(session.floats(*work[i].first)))
      errors[i] = llvm::toString(std::move(error));
  });
  for (size_t i = 0; i < work.size(); ++i)
    if (!errors[i].empty())
      return failure(6103, source.describe(sample) + ": the value " +
                               quoted(*work[i].first) + " of the model is " +
                               errors[i] +
                               "; the model overflows on this sample");
  return llvm::Error::success();
}

llvm::Expected<Calibration>
ingot::calibrate(const quantize::OnnxGraph &graph,
                 const std::vector<std::string> &values,
                 const std::vector<std::string> &shapesOf, SampleSource &source,
                 size_t samples, const Options &options, Progress &progress) {
  Calibration calibration;
  const QuantizeOptions &wanted = options.quantize;
  bool needsHistogram =
      wanted.calibrate != "minmax" && wanted.calibrate != "moving-average";
  for (const std::string &value : values)
    calibration.values.emplace(
        value, quantize::Calibrator(needsHistogram || !wanted.state.empty()));
  std::string print;
  if (!wanted.state.empty()) {
    print = fingerprint(graph, source);
    if (llvm::Error error = loadState(wanted.state, print, values, calibration))
      return error;
  }
  progress.step("compiling the float model");
  std::set<std::string> unique(values.begin(), values.end());
  unique.insert(shapesOf.begin(), shapesOf.end());
  std::vector<std::string> observed(unique.begin(), unique.end());
  auto session = GraphSession::open(graph, observed, options);
  if (!session)
    return session.takeError();
  // At least one run, for the shapes.
  size_t first = std::min(calibration.samples, samples - 1);
  for (size_t i = first; i < samples; ++i) {
    progress.step("calibrating " + std::to_string(i + 1) + "/" +
                  std::to_string(samples));
    auto sample = source.read(i);
    if (!sample)
      return sample.takeError();
    if (llvm::Error error = (*session)->run(*sample))
      return error;
    if (i < calibration.samples)
      continue;
    if (llvm::Error error = count(calibration, **session, source, i))
      return error;
    ++calibration.samples;
    if (!wanted.state.empty() &&
        (calibration.samples % saveEvery == 0 || i + 1 == samples))
      if (llvm::Error error = saveState(wanted.state, print, calibration))
        return error;
  }
  for (const std::string &value : observed)
    if (const Tensor *tensor = (*session)->find(value))
      calibration.shapes[value] = tensor->dims;
  return calibration;
}
