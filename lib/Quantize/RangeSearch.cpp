//===- RangeSearch.cpp ---------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Quantize/Histogram.h"

#include <cassert>
#include <cmath>

using namespace ingot::quantize;
using llvm::ArrayRef;

/// The part of `range` within the extremes, and with 0.
static Range within(Range range, Range extremes) {
  extremes = extremes.unite({0, 0});
  return {std::max(range.low, extremes.low),
          std::min(range.high, extremes.high)};
}

/// Counts by distance from 0, of both sides together.
static std::vector<uint64_t> foldSides(const Histogram &histogram) {
  std::vector<uint64_t> counts = histogram.counts();
  auto below = size_t(histogram.binWidth() > 0
                          ? -histogram.firstEdge() / histogram.binWidth()
                          : 0);
  std::vector<uint64_t> folded(std::max(below, counts.size() - below), 0);
  for (size_t i = 0; i < counts.size(); ++i)
    folded[i < below ? below - 1 - i : i - below] += counts[i];
  return folded;
}

//===----------------------------------------------------------------------===//
// Percentile
//===----------------------------------------------------------------------===//

/// Where, going from 0 outwards, no more than `outside` values are beyond.
static double cutTail(ArrayRef<uint64_t> bins, double width, double outside) {
  double left = outside;
  for (size_t i = bins.size(); i-- > 0;) {
    if (double(bins[i]) > left)
      return (double(i) + 1 - left / double(bins[i])) * width;
    left -= double(bins[i]);
  }
  return 0;
}

Range ingot::quantize::percentileRange(const Histogram &histogram,
                                       double percentile,
                                       const QuantSpec &spec) {
  double width = histogram.binWidth();
  Range extremes = histogram.extremes();
  double outside =
      std::floor((100 - percentile) / 100 * double(histogram.count()));
  if (spec.isSymmetric) {
    auto most = float(cutTail(foldSides(histogram), width, outside));
    return within({-most, most}, extremes);
  }
  std::vector<uint64_t> counts = histogram.counts();
  auto below = size_t(width > 0 ? -histogram.firstEdge() / width : 0);
  if (below > 0 && below < counts.size())
    outside = std::floor(outside / 2);
  std::vector<uint64_t> negative(counts.rend() - below, counts.rend());
  ArrayRef<uint64_t> positive = ArrayRef(counts).drop_front(below);
  return within({-float(cutTail(negative, width, outside)),
                 float(cutTail(positive, width, outside))},
                extremes);
}

//===----------------------------------------------------------------------===//
// Entropy
//===----------------------------------------------------------------------===//

namespace {
/// Divergences of a distribution from its quantized forms, each in time that
/// depends on the levels only: within a level, the quantized distribution is
/// constant over the bins that are not empty.
class Divergence {
public:
  Divergence(ArrayRef<uint64_t> bins, int64_t levels)
      : bins(bins), levels(levels), mass(1, 0), logs(1, 0), occupied(1, 0) {
    for (uint64_t bin : bins) {
      auto count = double(bin);
      mass.push_back(mass.back() + count);
      logs.push_back(logs.back() + (bin ? count * std::log(count) : 0));
      occupied.push_back(occupied.back() + (bin != 0));
    }
  }

  /// sum p log(p / q) for bins [begin, end), which hold the tails outside.
  double of(int64_t begin, int64_t end) const {
    double total = mass.back(), inside = mass[end] - mass[begin];
    if (inside <= 0)
      return std::numeric_limits<double>::infinity();
    // The first and the last bin of p have the tails as well.
    double sum = 0;
    int64_t size = end - begin;
    for (int64_t level = 0; level < levels; ++level) {
      int64_t from = begin + level * size / levels;
      int64_t to = begin + (level + 1) * size / levels;
      int64_t filled = occupied[to] - occupied[from];
      if (!filled)
        continue;
      double held = mass[to] - mass[from];
      double q = held / inside / double(filled);
      sum += logs[to] - logs[from] - held * std::log(total * smooth(q, size));
      sum += edge(begin, mass[begin], from, to, q, size);
      sum += edge(end - 1, total - mass[end], from, to, q, size);
    }
    sum += emptyEdge(begin, mass[begin], size);
    sum += emptyEdge(end - 1, total - mass[end], size);
    return sum / total;
  }

private:
  static double smooth(double q, int64_t size) {
    constexpr double share = 1e-4;
    return (1 - share) * q + share / double(size);
  }
  /// What a tail adds at bin `at`, if it is one of [from, to) and not empty.
  double edge(int64_t at, double tail, int64_t from, int64_t to, double q,
              int64_t size) const {
    if (at < from || at >= to || tail == 0 || bins[at] == 0)
      return 0;
    auto count = double(bins[at]);
    return (count + tail) * std::log(count + tail) - count * std::log(count) -
           tail * std::log(mass.back() * smooth(q, size));
  }
  /// What it adds at an empty bin, where q has its smoothing only.
  double emptyEdge(int64_t at, double tail, int64_t size) const {
    if (tail == 0 || bins[at] != 0)
      return 0;
    return tail * std::log(tail / (mass.back() * smooth(0, size)));
  }

  ArrayRef<uint64_t> bins;
  int64_t levels;
  /// Sums up to each bin: of counts, of count * log(count), of bins with any.
  std::vector<double> mass, logs;
  std::vector<int64_t> occupied;
};
} // namespace

/// Bins between the ends that are tried.
static int64_t strideOf(ArrayRef<uint64_t> bins) {
  return std::max<int64_t>(1, int64_t(bins.size()) / 1024);
}

Range ingot::quantize::entropyRange(const Histogram &histogram,
                                    const QuantSpec &spec) {
  Range extremes = histogram.extremes();
  double width = histogram.binWidth();
  int64_t levels = spec.high() - spec.low() + 1;
  if (spec.isSymmetric) {
    levels /= 2;
    std::vector<uint64_t> bins = foldSides(histogram);
    Divergence divergence(bins, levels);
    auto best = int64_t(bins.size());
    double least = std::numeric_limits<double>::infinity();
    for (auto end = int64_t(bins.size()); end >= levels;
         end -= strideOf(bins)) {
      double value = divergence.of(0, end);
      if (value < least) {
        least = value;
        best = end;
      }
    }
    auto most = float(double(best) * width);
    return within({-most, most}, extremes);
  }

  std::vector<uint64_t> bins = histogram.counts();
  Divergence divergence(bins, levels);
  // Bins [begin, end) around 0, which is the edge before bin `zero`.
  auto zero = int64_t(width > 0 ? -histogram.firstEdge() / width : 0);
  int64_t begin = 0, end = int64_t(bins.size());
  double least = end >= levels ? divergence.of(begin, end) : 0;
  for (bool isBetter = end >= levels; isBetter;) {
    isBetter = false;
    for (int64_t last = int64_t(bins.size());
         last >= std::max(zero, begin + levels); last -= strideOf(bins))
      if (double value = divergence.of(begin, last); value < least) {
        least = value;
        end = last;
        isBetter = true;
      }
    for (int64_t first = 0; first <= std::min(zero, end - levels);
         first += strideOf(bins))
      if (double value = divergence.of(first, end); value < least) {
        least = value;
        begin = first;
        isBetter = true;
      }
  }
  return within({float(histogram.firstEdge() + double(begin) * width),
                 float(histogram.firstEdge() + double(end) * width)},
                extremes);
}

//===----------------------------------------------------------------------===//
// Mean squared error
//===----------------------------------------------------------------------===//

namespace {
/// Mean squared errors of a distribution that is constant in each bin.
class SquaredError {
public:
  explicit SquaredError(const Histogram &histogram)
      : bins(histogram.counts()), firstEdge(histogram.firstEdge()),
        width(histogram.binWidth()), total(double(histogram.count())) {}

  double of(const QuantParams &params) const {
    if (bins.empty())
      return 0;
    double low = double(params.low - params.zeroPoint) * params.scale;
    double high = double(params.high - params.zeroPoint) * params.scale;
    double sum = 0, before = integral(firstEdge, low, high, params.scale);
    for (size_t i = 0; i < bins.size(); ++i) {
      double edge = firstEdge + double(i + 1) * width;
      double here = integral(edge, low, high, params.scale);
      sum += double(bins[i]) * (here - before);
      before = here;
    }
    return sum / width / total;
  }

private:
  /// The integral of (x - quantized x)^2 up to `x`, but for a constant. Between
  /// two levels it is (r^3 - previous r^3) / 3 for the distance r from the
  /// level, that is step^3 / 12 for a whole step.
  static double integral(double x, double low, double high, double step) {
    double inside = std::min(std::max(x, low), high);
    double clipped = x - inside;
    constexpr double magic = 6755399441055744; // rounds doubles to integers
    double units = inside / step;
    double level = (units + magic) - magic;
    double rest = units - level;
    return step * step * step * (level / 12 + rest * rest * rest / 3) +
           clipped * clipped * clipped / 3;
  }

  std::vector<uint64_t> bins;
  double firstEdge, width, total;
};

/// A search for the best range.
struct RangeSearch {
  const SquaredError &errors;
  const QuantSpec &spec;
  Range best;
  double least;

  /// Takes the range if it is better.
  void visit(Range range) {
    llvm::Expected<QuantParams> params = paramsOf(range, spec);
    assert(params && "ranges of finite values");
    double error = errors.of(*params);
    if (error >= least)
      return;
    least = error;
    best = range;
  }
};
} // namespace

double ingot::quantize::meanSquaredError(const Histogram &histogram,
                                         const QuantParams &params) {
  return SquaredError(histogram).of(params);
}

Range ingot::quantize::mseRange(const Histogram &histogram,
                                const QuantSpec &spec) {
  SquaredError errors(histogram);
  Range all = histogram.extremes().unite({0, 0});
  if (all.low == all.high)
    return all;
  if (spec.isSymmetric)
    all = {-all.absMax(), all.absMax()};
  RangeSearch search{errors, spec, all,
                     std::numeric_limits<double>::infinity()};
  search.visit(all);
  // Both ends together by eighths of an octave, down to one bin.
  constexpr int octave = 8;
  int steps = octave * 13;
  for (int i = 1; i < steps; ++i) {
    auto factor = float(std::exp2(-double(i) / octave));
    search.visit({all.low * factor, all.high * factor});
  }
  bool movesEach = !spec.isSymmetric && all.low < 0 && all.high > 0;
  for (int round = 0; movesEach && round < 3; ++round) {
    double before = search.least;
    for (int i = 0; i < steps; ++i)
      search.visit(
          {search.best.low, all.high * float(std::exp2(-double(i) / octave))});
    for (int i = 0; i < steps; ++i)
      search.visit(
          {all.low * float(std::exp2(-double(i) / octave)), search.best.high});
    movesEach = search.least < before;
  }
  // Then finely around what was found.
  for (double grain = 1. / octave / 8; grain > 1e-3; grain /= 8) {
    Range center = search.best;
    for (int i = -8; i <= 8; ++i) {
      auto factor = float(std::exp2(i * grain));
      Range both{center.low * factor, center.high * factor};
      if (spec.isSymmetric || center.low == 0 || center.high == 0) {
        search.visit(both);
        continue;
      }
      search.visit({search.best.low, both.high});
      search.visit({both.low, search.best.high});
    }
  }
  return within(search.best, histogram.extremes());
}
