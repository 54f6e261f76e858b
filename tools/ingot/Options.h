//===- Options.h - the command line of ingot --------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One table of commands and one of flags; parsing and every --help come from
// them. Not llvm::cl: lld runs in this process and resets all its options.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_OPTIONS_H
#define INGOT_TOOLS_INGOT_OPTIONS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace ingot {

/// What the first word asks for; a bit each, for sets of commands.
enum Command : unsigned {
  Compile = 1,
  Run = 2,
  Bench = 4,
  Check = 8,
  Info = 16,
  Explain = 32,
  Quantize = 64,
};

/// What only `ingot quantize` takes.
struct QuantizeOptions {
  /// Files, folders, or "random".
  std::vector<std::string> data;
  unsigned samples = 100, evalSamples = 0;
  std::string labels;
  /// Width and height; 0: those of the model's input.
  unsigned imageWidth = 0, imageHeight = 0;
  std::vector<double> mean, deviation;
  double divisor = 255;
  std::string layout, channelOrder = "rgb", fit = "crop";

  std::string activationType = "uint8", weightType = "int8";
  bool isSymmetric = false, perTensor = false, reduceRange = false;
  /// "" or "int4", "int8".
  std::string weightOnly;
  unsigned blockSize = 32;
  bool isDynamic = false, perToken = false;

  std::string calibrate = "minmax";
  double percentile = 99.99;
  bool equalize = false, biasCorrection = false, adaRound = false, gptq = false;
  /// Negative: no. With smoothAuto each layer has the best for it.
  double smoothQuant = -1;
  bool smoothAuto = false;
  /// Activations x * f(x) read quantized values.
  bool separateActivations = false;
  /// "" or "2:4" or a fraction.
  std::string prune;

  /// "sqnr=25dB", "cosine=0.99", "top1=0.98"; all must hold.
  std::vector<std::string> maxError;
  /// Points of accuracy against labels; negative: no such budget.
  double maxDrop = -1;
  unsigned evaluations = 12;
  /// Types of layers that are tried beside float32.
  bool triesInt = true, triesHalf = false;
  /// Whether few bytes are wanted, instead of little time.
  bool forSize = false;
  /// "greedy" or "pareto"; "auto", "own" or "one-at-a-time".
  std::string search = "greedy", sensitivity = "auto";
  bool measure = false, ignoreSpeed = false;
  /// Nodes that stay in float.
  std::vector<std::string> keepFloat;
  std::string report, state;
  bool externalData = false;
};

/// Everything the command line can say, with the defaults.
struct Options {
  Command command = Compile;
  /// The model, artifact or message code that the command is about.
  std::string subject;

  std::string output;
  std::string target = "host";
  std::string cpu;
  std::string emit;
  /// "f32", "f16", "bf16" or "auto", and the samples that decide what f16 can
  /// hold.
  std::string precision = "f32", ptxas = "auto", calibrationData;
  /// "exact", "tf32", "bf16x3" or "bf16x6".
  std::string fp32Products = "exact";
  /// "x:1x3x224x224" or "N=4".
  std::vector<std::string> shapes;
  /// Of compile: that compile; else: that run the model. 0: all there are.
  unsigned threads = 0;
  unsigned compileThreads = 0;
  bool allowHardLinks = false;

  /// A folder, an .npz file, or nothing.
  std::string inputs, outputs;
  /// "name=file".
  std::vector<std::string> namedInputs;
  bool randomInputs = false;
  uint64_t seed = 0;
  std::string qemuCpu;

  unsigned runs = 0;
  double seconds = 1;
  bool profile = false;
  /// info: how small the weights can be.
  bool compression = false;

  /// Where to write a report for scripts; "-" is standard output.
  std::string json;
  bool quiet = false;
  /// Refuse to run for another target than the artifact's best one.
  bool noFallback = false;

  QuantizeOptions quantize;
};

/// A command line that was understood.
struct CommandLine {
  Options options;
  /// When not empty: what to print instead of doing anything.
  std::string text;
};

/// Parses the words after the program's name. An error says what is wrong and
/// what was probably meant.
llvm::Expected<CommandLine>
parseCommandLine(llvm::ArrayRef<const char *> words);

/// " (did you mean 'x'?)" if one of the names is close to `word`, else "".
std::string suggestion(llvm::StringRef word,
                       llvm::ArrayRef<llvm::StringRef> names);

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_OPTIONS_H
