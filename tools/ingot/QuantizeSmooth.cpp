//===- QuantizeSmooth.cpp - SmoothQuant on a model ----------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/QuantizeRun.h"

#include "llvm/Support/Format.h"

using namespace ingot;
using namespace ingot::quantize;

/// Rows that alphas are chosen with.
static constexpr size_t mostRows = 256;

namespace {
/// What is known of the channels of an activation.
struct Channels {
  ChannelMaxima maxima;
  ChannelRows rows;
};
} // namespace

static void addMaxima(const Tensor &tensor, std::vector<float> &most) {
  std::vector<float> each =
      channelAbsMax(floatsOf(tensor), ChannelView::along(tensor.dims, -1));
  most.resize(each.size(), 0);
  for (size_t c = 0; c < each.size(); ++c)
    most[c] = std::max(most[c], each[c]);
}

/// Adds `count` rows, at even distances from the one that `sample` begins with.
static void addRows(const Tensor &tensor, size_t sample, size_t count,
                    SampledRows &into) {
  llvm::ArrayRef<float> values = floatsOf(tensor);
  auto channels = size_t(tensor.dims.back());
  if (channels == 0 || (into.channels && into.channels != int64_t(channels)))
    return;
  into.channels = int64_t(channels);
  size_t rows = values.size() / channels;
  size_t step = std::max<size_t>(1, rows / count);
  for (size_t row = sample % step; row < rows && count > 0; row += step) {
    llvm::ArrayRef<float> elements = values.slice(row * channels, channels);
    into.elements.insert(into.elements.end(), elements.begin(), elements.end());
    --count;
  }
}

/// The alpha of each activation, with a line of what was chosen.
static llvm::Expected<SmoothingAlphas> chooseEach(QuantizeRun &run,
                                                  const ChannelRows &rows) {
  run.progress.step("choosing alphas");
  auto alphas = chooseAlphas(run.graph, run.units, rows, run.format);
  if (!alphas)
    return alphas;
  double least = 1, most = 0;
  size_t count = 0;
  for (const auto &[value, choice] : *alphas) {
    if (!choice.isSmoothed)
      continue;
    ++count;
    least = std::min(least, choice.alpha);
    most = std::max(most, choice.alpha);
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "alpha was chosen for " << alphas->size()
     << " activations: " << alphas->size() - count << " are better as they are";
  if (count)
    os << ", the others have " << llvm::format("%.1f", least) << " to "
       << llvm::format("%.1f", most);
  run.notes.push_back(text);
  return alphas;
}

llvm::Error ingot::smoothModel(QuantizeRun &run) {
  const QuantizeOptions &wanted = run.options.quantize;
  std::vector<std::string> values = smoothable(run.graph, run.units);
  if (values.empty()) {
    run.notes.push_back("--smooth-quant found no matrix product to smooth");
    return llvm::Error::success();
  }
  Channels channels;
  size_t perSample = (mostRows + run.calibrating - 1) / run.calibrating;
  llvm::Error error = forEachSample(
      run, values, run.calibrating, "channels",
      [&](const GraphSession &session, size_t sample) -> llvm::Error {
        for (const std::string &value : values) {
          const Tensor *tensor = session.find(value);
          if (!tensor || tensor->dims.empty())
            continue;
          addMaxima(*tensor, channels.maxima[value]);
          SampledRows &rows = channels.rows[value];
          if (wanted.smoothAuto)
            addRows(*tensor, sample, perSample, rows);
        }
        return llvm::Error::success();
      });
  if (error)
    return error;
  if (wanted.smoothAuto) {
    auto alphas = chooseEach(run, channels.rows);
    if (!alphas)
      return withCode(6103, "--smooth-quant", alphas.takeError());
    run.smoothing = std::move(*alphas);
  }
  auto alphaOf = [&](const std::string &value) -> double {
    if (!wanted.smoothAuto)
      return wanted.smoothQuant;
    auto it = run.smoothing.find(value);
    return it != run.smoothing.end() && it->second.isSmoothed ? it->second.alpha
                                                              : -1;
  };
  auto count =
      smoothActivations(run.graph, run.units, channels.maxima, alphaOf);
  if (!count)
    return withCode(6103, "--smooth-quant", count.takeError());
  run.notes.push_back("smoothed " + std::to_string(*count) + " activations");
  return findUnitsAgain(run);
}
