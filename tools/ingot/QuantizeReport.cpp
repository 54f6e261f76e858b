//===- QuantizeReport.cpp -------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Driver/OutputFile.h"
#include "tools/ingot/Compile.h"
#include "tools/ingot/QuantizeRun.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"

#include <cmath>

using namespace ingot;
using namespace ingot::quantize;
using llvm::StringRef;

static std::string number(const char *format, double value) {
  if (std::isnan(value))
    return "-";
  if (std::isinf(value))
    return value > 0 ? "exact" : "-inf";
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format(format, value);
  return text;
}

/// NaN and infinity are no JSON.
static llvm::json::Value orNull(double value) {
  if (!std::isfinite(value))
    return nullptr;
  return value;
}

namespace {
/// Sums over heavy layers.
struct Sums {
  size_t heavy = 0, inInt = 0, inHalf = 0;
  double floatSeconds = 0, mixedSeconds = 0;
};
} // namespace

static Sums sumUp(const QuantizeRun &run) {
  Sums sums;
  for (size_t i = 0; i < run.layers.size(); ++i) {
    const LayerResult &layer = run.layers[i];
    if (run.units.list[i].kind != UnitKind::Heavy)
      continue;
    ++sums.heavy;
    sums.inInt += layer.isInt;
    sums.inHalf += layer.isHalf;
    sums.floatSeconds += layer.time.inFloat;
    sums.mixedSeconds += layer.isInt    ? layer.time.inInt
                         : layer.isHalf ? layer.time.inHalf
                                        : layer.time.inFloat;
  }
  return sums;
}

/// The lines below the table.
static std::vector<std::string> summary(const QuantizeRun &run) {
  std::vector<std::string> lines;
  Sums sums = sumUp(run);
  const ModelError &error = run.error;
  lines.push_back(
      "layers      " + std::to_string(sums.inInt) + " of " +
      std::to_string(sums.heavy) + " in " +
      quantTypeName(run.format.weights.type).str() +
      (sums.inHalf ? ", " + std::to_string(sums.inHalf) + " in float16" : "") +
      ", the others in float");
  std::string text = "error       SQNR " + number("%.1f", error.sqnr) +
                     " dB, cosine " + number("%.6f", error.cosine) +
                     ", largest " + number("%.4g", error.maxError);
  if (!std::isnan(error.top1))
    text += ", same class " + number("%.2f", 100 * error.top1) + " %";
  lines.push_back(text + ", on " + std::to_string(error.samples) + " samples");
  if (!std::isnan(error.accuracy))
    lines.push_back("accuracy    " + number("%.2f", 100 * error.floatAccuracy) +
                    " % in float, " + number("%.2f", 100 * error.accuracy) +
                    " % quantized: " +
                    number("%+.2f", error.drop() == 0 ? 0 : -error.drop()) +
                    " points");
  lines.push_back("file        " + printBytes(run.inputBytes) + " -> " +
                  printBytes(run.outputBytes));
  if (sums.mixedSeconds > 0)
    lines.push_back("expected    heavy layers " +
                    number("%.2f", sums.floatSeconds / sums.mixedSeconds) +
                    " x as fast" +
                    (run.options.quantize.measure ? " (measured one by one)"
                                                  : " (estimated)"));
  if (run.evaluations)
    lines.push_back("search      " + std::to_string(run.evaluations) +
                    " models tried (" + run.options.quantize.search + ", for " +
                    (run.options.quantize.forSize ? "size" : "speed") + ")");
  for (const std::string &note : run.notes)
    lines.push_back("note        " + note);
  return lines;
}

/// Movers say nothing by themselves.
static bool isListed(const QuantizeRun &run, size_t i) {
  return run.units.list[i].kind != UnitKind::Mover;
}

/// The models of the search, from the fastest to the slowest.
static std::vector<const TriedModel *> sortedModels(const QuantizeRun &run) {
  std::vector<const TriedModel *> models;
  for (const TriedModel &tried : run.tried)
    models.push_back(&tried);
  bool forSize = run.options.quantize.forSize;
  auto key = [&](const TriedModel *tried) {
    return std::tuple(forSize ? tried->bytes : tried->seconds,
                      -tried->error.sqnr, tried);
  };
  llvm::sort(models, [&](const TriedModel *a, const TriedModel *b) {
    return key(a) < key(b);
  });
  return models;
}

/// The error that the layers' own errors add up to, in dB.
static double estimatedDb(const TriedModel &tried) {
  return -10 * std::log10(tried.estimatedNoise);
}

static void printModels(const QuantizeRun &run, llvm::raw_ostream &os) {
  if (run.options.quantize.search != "pareto")
    return;
  os << "models tried:   SQNR dB  estimated     cosine    heavy us     weights "
        " "
        "int8  f16\n";
  for (const TriedModel *tried : sortedModels(run))
    os << llvm::right_justify(number("%.1f", tried->error.sqnr), 23)
       << llvm::right_justify(number("%.1f", estimatedDb(*tried)), 11)
       << llvm::right_justify(number("%.6f", tried->error.cosine), 11)
       << llvm::right_justify(number("%.1f", tried->seconds * 1e6), 12)
       << llvm::right_justify(printBytes(uint64_t(tried->bytes)), 12)
       << llvm::right_justify(std::to_string(tried->ints), 6)
       << llvm::right_justify(std::to_string(tried->halves), 5)
       << (tried->isChosen  ? "  chosen"
           : tried->use > 1 ? "  too inexact"
                            : "")
       << "\n";
  os << "\n";
}

void ingot::printQuantizeTable(const QuantizeRun &run) {
  llvm::raw_ostream &os = llvm::outs();
  bool inTurn = llvm::any_of(run.layers, [](const LayerResult &layer) {
    return !std::isnan(layer.onlySqnr);
  });
  os << "type   alone dB  " << (inTurn ? "it only dB  " : "")
     << "in model dB           range    float us   int8 us  layer\n";
  for (size_t i = 0; i < run.layers.size(); ++i) {
    if (!isListed(run, i))
      continue;
    const LayerResult &layer = run.layers[i];
    bool isHeavy = run.units.list[i].kind == UnitKind::Heavy;
    std::string range = layer.hasParams
                            ? number("%.3g", layer.range.low) + " .. " +
                                  number("%.3g", layer.range.high)
                            : "-";
    double own = layer.isHalf ? layer.halfSqnr : layer.ownSqnr;
    os << llvm::left_justify(layer.isHalf ? "f16" : layer.typeName(run.format),
                             6)
       << llvm::right_justify(number("%.1f", own), 9);
    if (inTurn)
      os << llvm::right_justify(number("%.1f", layer.onlySqnr), 12);
    os << llvm::right_justify(number("%.1f", layer.sqnr), 13)
       << llvm::right_justify(range, 16)
       << llvm::right_justify(
              isHeavy ? number("%.1f", layer.time.inFloat * 1e6) : "", 12)
       << llvm::right_justify(
              isHeavy ? number("%.1f", layer.time.inInt * 1e6) : "", 10)
       << "  " << layer.opType << " " << quoted(layer.node);
    if (!layer.isInt && !layer.reason.empty())
      os << ": " << layer.reason;
    os << "\n";
  }
  os << "\n";
  printModels(run, os);
  for (const std::string &line : summary(run))
    os << line << "\n";
  os << "written     " << run.output << "\n";
}

static llvm::json::Object describe(const ModelError &error) {
  return llvm::json::Object{{"samples", int64_t(error.samples)},
                            {"sqnr_db", orNull(error.sqnr)},
                            {"cosine", orNull(error.cosine)},
                            {"max_error", orNull(error.maxError)},
                            {"top1_agreement", orNull(error.top1)},
                            {"float_accuracy", orNull(error.floatAccuracy)},
                            {"accuracy", orNull(error.accuracy)},
                            {"drop_points", orNull(error.drop())}};
}

llvm::json::Value ingot::describeQuantization(const QuantizeRun &run) {
  llvm::json::Array layers;
  for (size_t i = 0; i < run.layers.size(); ++i) {
    const LayerResult &layer = run.layers[i];
    llvm::json::Object object{{"node", layer.node},
                              {"op_type", layer.opType},
                              {"type", layer.typeName(run.format)},
                              {"reason", layer.reason},
                              {"sqnr_alone_db", orNull(layer.ownSqnr)},
                              {"sqnr_db", orNull(layer.sqnr)},
                              {"cosine", orNull(layer.cosine)},
                              {"max_error", orNull(layer.maxError)}};
    if (!std::isnan(layer.halfSqnr))
      object["sqnr_alone_f16_db"] = orNull(layer.halfSqnr);
    if (!std::isnan(layer.onlySqnr))
      object["sqnr_model_with_it_alone_db"] = orNull(layer.onlySqnr);
    if (layer.hasParams)
      object["range"] = llvm::json::Array{layer.range.low, layer.range.high};
    if (run.units.list[i].kind == UnitKind::Heavy) {
      object["float_us"] = layer.time.inFloat * 1e6;
      object["int8_us"] = layer.time.inInt * 1e6;
      if (run.options.quantize.triesHalf)
        object["f16_us"] = layer.time.inHalf * 1e6;
      object["multiply_adds"] = layer.products;
    }
    layers.push_back(std::move(object));
  }
  llvm::json::Object scales;
  for (const std::string &value : run.plan.values) {
    auto it = run.params.find(run.plan.root(value));
    if (it != run.params.end())
      scales[value] = llvm::json::Object{{"scale", it->second.scale},
                                         {"zero_point", it->second.zeroPoint}};
  }
  llvm::json::Array models;
  for (const TriedModel *tried : sortedModels(run))
    models.push_back(
        llvm::json::Object{{"error", describe(tried->error)},
                           {"estimated_sqnr_db", orNull(estimatedDb(*tried))},
                           {"heavy_us", tried->seconds * 1e6},
                           {"weight_bytes", int64_t(tried->bytes)},
                           {"int8_layers", int64_t(tried->ints)},
                           {"f16_layers", int64_t(tried->halves)},
                           {"budget_use", orNull(tried->use)},
                           {"chosen", tried->isChosen}});
  llvm::json::Object smoothing;
  for (const auto &[value, choice] : run.smoothing)
    smoothing[value] = llvm::json::Object{
        {"alpha", choice.isSmoothed ? llvm::json::Value(choice.alpha)
                                    : llvm::json::Value(nullptr)},
        {"error_before", orNull(choice.errorBefore)},
        {"error_after", orNull(choice.errorAfter)}};
  llvm::json::Array notes(run.notes);
  Sums sums = sumUp(run);
  return llvm::json::Object{
      {"output", run.output},
      {"bytes_before", int64_t(run.inputBytes)},
      {"bytes_after", int64_t(run.outputBytes)},
      {"activation_type", quantTypeName(run.format.activations.type).str()},
      {"weight_type", quantTypeName(run.format.weights.type).str()},
      {"calibration_samples", int64_t(run.calibration.samples)},
      {"resumed_samples", int64_t(run.calibration.resumed)},
      {"evaluations", run.evaluations},
      {"heavy_layers", int64_t(sums.heavy)},
      {"quantized_layers", int64_t(sums.inInt)},
      {"f16_layers", int64_t(sums.inHalf)},
      {"search", run.options.quantize.search},
      {"objective", run.options.quantize.forSize ? "size" : "speed"},
      {"models", std::move(models)},
      {"smoothing", std::move(smoothing)},
      {"expected_speedup", orNull(sums.floatSeconds / sums.mixedSeconds)},
      {"error", describe(run.error)},
      {"layers", std::move(layers)},
      {"scales", std::move(scales)},
      {"notes", std::move(notes)}};
}

//===-- the page ----------------------------------------------------------===//

static std::string html(StringRef text) {
  std::string result;
  llvm::raw_string_ostream os(result);
  llvm::printHTMLEscaped(escaped(text), os);
  return result;
}

/// The background of an error: red below 10 dB, green from 40 dB on.
static std::string shade(double sqnr) {
  if (std::isnan(sqnr))
    return "";
  double part = std::min(1.0, std::max(0.0, (sqnr - 10) / 30));
  return " style=\"background:hsl(" + std::to_string(int(120 * part)) +
         ",70%,85%)\"";
}

static void writeModels(const QuantizeRun &run, llvm::raw_ostream &os) {
  if (run.tried.empty())
    return;
  os << "<h2>Models that the search tried</h2>\n<table><tr><th>SQNR, dB</th>"
        "<th>estimated, dB</th><th>cosine</th><th>heavy layers, us</th>"
        "<th>bytes of weights</th><th>int8</th><th>float16</th>"
        "<th class=\"t\"></th></tr>\n";
  for (const TriedModel *tried : sortedModels(run))
    os << "<tr><td" << shade(tried->error.sqnr) << ">"
       << number("%.1f", tried->error.sqnr) << "</td><td>"
       << number("%.1f", estimatedDb(*tried)) << "</td><td>"
       << number("%.6f", tried->error.cosine) << "</td><td>"
       << number("%.1f", tried->seconds * 1e6) << "</td><td>"
       << uint64_t(tried->bytes) << "</td><td>" << tried->ints << "</td><td>"
       << tried->halves << "</td><td class=\"t\">"
       << (tried->isChosen  ? "chosen"
           : tried->use > 1 ? "too inexact"
                            : "")
       << "</td></tr>\n";
  os << "</table>\n";
}

llvm::Error ingot::writeQuantizePage(const QuantizeRun &run, StringRef path) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<title>Quantization of "
     << html(run.options.subject)
     << "</title>\n<style>body{font:14px sans-serif;margin:2em}"
        "table{border-collapse:collapse}td,th{padding:2px 8px;"
        "border-bottom:1px solid #ddd;text-align:right}"
        "td.t,th.t{text-align:left}</style></head><body>\n<h1>"
     << html(run.options.subject) << "</h1>\n<pre>";
  for (const std::string &line : summary(run))
    os << html(line) << "\n";
  os << "</pre>\n<table><tr><th class=\"t\">layer</th><th class=\"t\">operator"
        "</th><th class=\"t\">type</th><th>alone, dB</th><th>in the model, dB"
        "</th><th>cosine</th><th>largest error</th><th>least</th><th>most</th>"
        "<th>scale</th><th>zero point</th><th>float, us</th><th>int8, us</th>"
        "<th class=\"t\">why</th></tr>\n";
  for (size_t i = 0; i < run.layers.size(); ++i) {
    if (!isListed(run, i))
      continue;
    const LayerResult &layer = run.layers[i];
    bool isHeavy = run.units.list[i].kind == UnitKind::Heavy;
    double own = layer.isHalf ? layer.halfSqnr : layer.ownSqnr;
    auto cell = [&](const std::string &value) {
      os << "<td>" << value << "</td>";
    };
    os << "<tr><td class=\"t\">" << html(layer.node) << "</td><td class=\"t\">"
       << html(layer.opType) << "</td><td class=\"t\">"
       << layer.typeName(run.format) << "</td><td" << shade(own) << ">"
       << number("%.1f", own) << "</td><td" << shade(layer.sqnr) << ">"
       << number("%.1f", layer.sqnr) << "</td>";
    cell(number("%.6f", layer.cosine));
    cell(number("%.4g", layer.maxError));
    cell(layer.hasParams ? number("%.4g", layer.range.low) : "-");
    cell(layer.hasParams ? number("%.4g", layer.range.high) : "-");
    cell(layer.hasParams ? number("%.4g", layer.params.scale) : "-");
    cell(layer.hasParams ? std::to_string(layer.params.zeroPoint) : "-");
    cell(isHeavy ? number("%.1f", layer.time.inFloat * 1e6) : "-");
    cell(isHeavy ? number("%.1f", layer.time.inInt * 1e6) : "-");
    os << "<td class=\"t\">" << html(layer.isInt ? "" : layer.reason)
       << "</td></tr>\n";
  }
  os << "</table>\n";
  writeModels(run, os);
  os << "</body></html>\n";
  return writeWhole(path, text);
}
