//===- QuantizeFlags.cpp --------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/Flag.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace ingot;
using llvm::StringRef;

/// One of a list of words.
static std::string setWord(std::string &field, StringRef value,
                           llvm::ArrayRef<StringRef> words) {
  field = value.lower();
  if (llvm::is_contained(words, StringRef(field)))
    return "";
  return "must be one of " + llvm::join(words, ", ") + suggestion(value, words);
}

static std::string setReal(double &field, StringRef value, double least,
                           double most) {
  if (!value.getAsDouble(field) && field >= least && field <= most)
    return "";
  return ("must be a number from " + llvm::Twine(int64_t(least)) + " to " +
          llvm::Twine(int64_t(most)))
      .str();
}

static std::string setReals(std::vector<double> &field, StringRef value) {
  llvm::SmallVector<StringRef> parts;
  value.split(parts, ',');
  field.clear();
  for (StringRef part : parts) {
    double number = 0;
    if (part.trim().getAsDouble(number))
      return "must be numbers with commas between them";
    field.push_back(number);
  }
  return "";
}

static std::string setImageSize(Options &o, StringRef value) {
  auto [width, height] = value.split('x');
  if (width.getAsInteger(10, o.quantize.imageWidth) ||
      height.getAsInteger(10, o.quantize.imageHeight) ||
      !o.quantize.imageWidth || !o.quantize.imageHeight ||
      o.quantize.imageWidth > 16384 || o.quantize.imageHeight > 16384)
    return "must be WIDTHxHEIGHT, each up to 16384";
  return "";
}

static std::string setDeviation(Options &o, StringRef value) {
  std::string wrong = setReals(o.quantize.deviation, value);
  if (wrong.empty() && llvm::is_contained(o.quantize.deviation, 0.0))
    return "must not be 0";
  return wrong;
}

static std::string setPrune(Options &o, StringRef value) {
  double fraction = 0;
  o.quantize.prune = value.str();
  if (value == "2:4" ||
      (!value.getAsDouble(fraction) && fraction > 0 && fraction < 1))
    return "";
  return "must be 2:4 or a fraction between 0 and 1";
}

static std::string setMaxError(Options &o, StringRef value) {
  auto [what, limit] = value.split('=');
  double number = 0;
  limit.consume_back_insensitive("dB");
  if ((what != "sqnr" && what != "cosine" && what != "top1") ||
      limit.getAsDouble(number))
    return "must be sqnr=25dB, cosine=0.99 or top1=0.98";
  o.quantize.maxError.push_back(what.str() + "=" + limit.str());
  return "";
}

static std::string setPrecisions(Options &o, StringRef value) {
  constexpr StringRef words[] = {"int8", "f16", "f32"};
  llvm::SmallVector<StringRef> parts;
  value.split(parts, ',');
  o.quantize.triesInt = o.quantize.triesHalf = false;
  for (StringRef part : parts) {
    if (!llvm::is_contained(words, part))
      return "must be some of int8, f16, f32 with commas between them" +
             suggestion(part, words);
    o.quantize.triesInt |= part == "int8";
    o.quantize.triesHalf |= part == "f16";
  }
  return o.quantize.triesInt || o.quantize.triesHalf ? ""
                                                     : "must have int8 or f16";
}

static std::string setSmoothing(Options &o, StringRef value) {
  o.quantize.smoothAuto = value == "auto";
  if (!value.getAsDouble(o.quantize.smoothQuant) &&
      o.quantize.smoothQuant >= 0 && o.quantize.smoothQuant <= 1)
    return "";
  o.quantize.smoothQuant = o.quantize.smoothAuto ? 0 : -1;
  return o.quantize.smoothAuto ? "" : "must be auto or a number from 0 to 1";
}

static const Flag flags[] = {
    {"data", 0, "DIR|FILE|random",
     "samples: an .npz file (of one sample, or stacked), a\n"
     "folder of test data (input_0.pb in folders), of .npz\n"
     "files or of images, an image; random makes them up.\n"
     "May be repeated",
     Quantize,
     [](Options &o, StringRef v) -> std::string {
       o.quantize.data.push_back(v.str());
       return v.empty() ? "must not be empty" : "";
     }},
    {"samples", 0, "N", "samples to calibrate with (default 100)", Quantize,
     [](Options &o, StringRef v) {
       return v == "0" ? std::string("must not be 0")
                       : setNumber(o.quantize.samples, v, 100000000);
     }},
    {"eval-samples", 0, "N",
     "samples to measure the error on (default: those\n"
     "that calibration leaves, up to 100, or all with\n"
     "--labels; if none are left, the same ones)",
     Quantize,
     [](Options &o, StringRef v) {
       return setNumber(o.quantize.evalSamples, v, 100000000);
     }},
    {"labels", 0, "FILE",
     "the class of each sample, .npy or text, for\n"
     "--max-drop",
     Quantize,
     [](Options &o, StringRef v) { return setText(o.quantize.labels, v); }},
    {"image-size", 0, "WxH", "of images (default: the input's)", Quantize,
     setImageSize},
    {"image-fit", 0, "HOW",
     "crop (default: shorter side, then the middle),\n"
     "stretch, or letterbox",
     Quantize,
     [](Options &o, StringRef v) {
       return setWord(o.quantize.fit, v, {"crop", "stretch", "letterbox"});
     }},
    {"divisor", 0, "D", "what pixels are divided by first (default 255)",
     Quantize,
     [](Options &o, StringRef v) {
       return setReal(o.quantize.divisor, v, 1, 65535);
     }},
    {"mean", 0, "R,G,B", "then subtracted (default 0)", Quantize,
     [](Options &o, StringRef v) { return setReals(o.quantize.mean, v); }},
    {"std", 0, "R,G,B", "then divided by (default 1)", Quantize, setDeviation},
    {"layout", 0, "NCHW|NHWC",
     "of images (default: as the input has 1, 3 or 4\n"
     "channels)",
     Quantize,
     [](Options &o, StringRef v) {
       return setWord(o.quantize.layout, v, {"nchw", "nhwc"});
     }},
    {"channel-order", 0, "RGB|BGR", "of images (default RGB)", Quantize,
     [](Options &o, StringRef v) {
       return setWord(o.quantize.channelOrder, v, {"rgb", "bgr"});
     }},
    {"activation-type", 0, "TYPE", "uint8 (default), int8 or int16", Quantize,
     [](Options &o, StringRef v) {
       return setWord(o.quantize.activationType, v, {"uint8", "int8", "int16"});
     }},
    {"weight-type", 0, "TYPE", "int8 (default), uint8 or int4", Quantize,
     [](Options &o, StringRef v) {
       return setWord(o.quantize.weightType, v, {"int8", "uint8", "int4"});
     }},
    {"symmetric", 0, "", "activations around 0, without an offset", Quantize,
     [](Options &o, StringRef) -> std::string {
       o.quantize.isSymmetric = true;
       return "";
     }},
    {"per-tensor", 0, "", "one scale for all channels of a weight", Quantize,
     [](Options &o, StringRef) -> std::string {
       o.quantize.perTensor = true;
       return "";
     }},
    {"reduce-range", 0, "",
     "7 bits of weight, for engines that saturate without\n"
     "VNNI",
     Quantize,
     [](Options &o, StringRef) -> std::string {
       o.quantize.reduceRange = true;
       return "";
     }},
    {"weight-only", 0, "int4|int8",
     "only weights of matrix products, in blocks;\n"
     "activations stay float",
     Quantize,
     [](Options &o, StringRef v) {
       return setWord(o.quantize.weightOnly, v, {"int4", "int8"});
     }},
    {"block-size", 0, "N", "of --weight-only (default 32)", Quantize,
     [](Options &o, StringRef v) {
       return v == "0" ? std::string("must not be 0")
                       : setNumber(o.quantize.blockSize, v, 1 << 20);
     }},
    {"dynamic", 0, "",
     "matrix products with scales computed at run time;\n"
     "needs no data",
     Quantize,
     [](Options &o, StringRef) -> std::string {
       o.quantize.isDynamic = true;
       return "";
     }},
    {"per-token", 0, "",
     "of --dynamic: a scale for each row (token) of the\n"
     "activations, not one for all",
     Quantize,
     [](Options &o, StringRef) -> std::string {
       o.quantize.perToken = true;
       return "";
     }},
    {"calibrate", 0, "HOW",
     "ranges of activations: minmax (default), percentile,\n"
     "moving-average, entropy or mse",
     Quantize,
     [](Options &o, StringRef v) {
       return setWord(
           o.quantize.calibrate, v,
           {"minmax", "moving-average", "percentile", "entropy", "mse"});
     }},
    {"percentile", 0, "P", "of --calibrate=percentile (default 99.99)",
     Quantize,
     [](Options &o, StringRef v) {
       return setReal(o.quantize.percentile, v, 1, 100);
     }},
    {"equalize", 0, "", "equalise channels across layers first", Quantize,
     [](Options &o, StringRef) -> std::string {
       o.quantize.equalize = true;
       return "";
     }},
    {"bias-correction", 0, "", "correct the mean of each channel", Quantize,
     [](Options &o, StringRef) -> std::string {
       o.quantize.biasCorrection = true;
       return "";
     }},
    {"smooth-quant", 0, "auto|ALPHA",
     "move outliers of activations into the weights of\n"
     "matrix products, by as much as is best for each, or\n"
     "by ALPHA (0 to 1; 0.5 is usual)",
     Quantize, setSmoothing},
    {"adaround", 0, "", "learn the rounding of weights", Quantize,
     [](Options &o, StringRef) -> std::string {
       o.quantize.adaRound = true;
       return "";
     }},
    {"gptq", 0, "", "round weights with error feedback", Quantize,
     [](Options &o, StringRef) -> std::string {
       o.quantize.gptq = true;
       return "";
     }},
    {"prune", 0, "2:4|FRACTION", "set the smallest weights to 0 first",
     Quantize, setPrune},
    {"max-error", 0, "METRIC=LIMIT",
     "budget against the float model: sqnr=25dB,\n"
     "cosine=0.99 or top1=0.98; may be repeated",
     Quantize, setMaxError},
    {"max-drop", 0, "POINTS",
     "budget against --labels: points of top-1 accuracy", Quantize,
     [](Options &o, StringRef v) {
       return setReal(o.quantize.maxDrop, v, 0, 100);
     }},
    {"evaluations", 0, "N",
     "models to try while searching for the budget\n"
     "(default 12)",
     Quantize,
     [](Options &o, StringRef v) {
       return setNumber(o.quantize.evaluations, v, 100000);
     }},
    {"precisions", 0, "LIST",
     "what layers may be in, beside f32: int8 (default)\n"
     "and f16, with commas between them",
     Quantize, setPrecisions},
    {"objective", 0, "speed|size",
     "what is given up last for the budget; with size,\n"
     "slower layers are quantized too",
     Quantize,
     [](Options &o, StringRef v) -> std::string {
       o.quantize.forSize = v == "size";
       return v == "size" || v == "speed" ? "" : "must be speed or size";
     }},
    {"search", 0, "greedy|pareto",
     "greedy (default): the first model that keeps the\n"
     "budget, then layers back to int8; pareto: models\n"
     "from the fastest to the most exact, with a table",
     Quantize,
     [](Options &o, StringRef v) {
       return setWord(o.quantize.search, v, {"greedy", "pareto"});
     }},
    {"sensitivity", 0, "HOW",
     "rank layers by what each loses itself (own) or by\n"
     "what the model loses with that layer quantized\n"
     "(one-at-a-time); auto (default) does the second if\n"
     "int8 alone is too inexact and the model is small",
     Quantize,
     [](Options &o, StringRef v) {
       return setWord(o.quantize.sensitivity, v,
                      {"auto", "own", "one-at-a-time"});
     }},
    {"measure", 0, "", "time each layer instead of estimating", Quantize,
     [](Options &o, StringRef) -> std::string {
       o.quantize.measure = true;
       return "";
     }},
    {"ignore-speed", 0, "", "quantize layers that int8 makes slower too",
     Quantize,
     [](Options &o, StringRef) -> std::string {
       o.quantize.ignoreSpeed = true;
       return "";
     }},
    {"separate-activations", 0, "",
     "quantize also what SiLU, Gelu and the like read, for\n"
     "engines that do not compute them with the layer",
     Quantize,
     [](Options &o, StringRef) -> std::string {
       o.quantize.separateActivations = true;
       return "";
     }},
    {"keep-float", 0, "NODE", "a node that stays float; may be repeated",
     Quantize,
     [](Options &o, StringRef v) -> std::string {
       o.quantize.keepFloat.push_back(v.str());
       return v.empty() ? "must not be empty" : "";
     }},
    {"report", 0, "FILE.html", "write the table as a page", Quantize,
     [](Options &o, StringRef v) { return setText(o.quantize.report, v); }},
    {"state", 0, "FILE",
     "save the histograms here now and then; a later run\n"
     "goes on from them",
     Quantize,
     [](Options &o, StringRef v) { return setText(o.quantize.state, v); }},
    {"external-data", 0, "",
     "put weights into FILE.onnx.data (always done for\n"
     "models above 2 GB)",
     Quantize,
     [](Options &o, StringRef) -> std::string {
       o.quantize.externalData = true;
       return "";
     }},
};

llvm::ArrayRef<Flag> ingot::quantizeFlags() { return flags; }
