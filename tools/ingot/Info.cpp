//===- Info.cpp -----------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/Compile.h"
#include "tools/ingot/Compression.h"
#include "tools/ingot/Inspect.h"
#include "tools/ingot/ModelCost.h"
#include "tools/ingot/Session.h"
#include "tools/ingot/SizeExpression.h"

#include "dialects/onnx/NodeName.h"
#include "ingot/ingot.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/Format.h"

using namespace ingot;
using llvm::StringRef;

/// "1.23 G" and the like.
static std::string printCount(double count) {
  static const char *const units[] = {"", " thousand", " million", " billion",
                                      " trillion"};
  size_t unit = 0;
  for (; count >= 1000 && unit < 4; ++unit)
    count /= 1000;
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::format(unit == 0 ? "%.0f" : "%.3g", count) << units[unit];
  return text;
}

//===----------------------------------------------------------------------===//
// Artifacts
//===----------------------------------------------------------------------===//

static llvm::json::Array describe(const std::vector<TensorFacts> &tensors,
                                  const ModelFacts &facts) {
  llvm::json::Array list;
  for (const TensorFacts &tensor : tensors) {
    llvm::json::Array shape;
    for (int64_t dim : tensor.dims) {
      if (dim >= 0)
        shape.push_back(dim);
      else if (size_t(-1 - dim) < facts.symbols.size())
        shape.push_back(facts.symbols[-1 - dim]);
      else
        shape.push_back("?");
    }
    list.push_back(llvm::json::Object{{"name", tensor.name},
                                      {"type", ingot_dtype_name(tensor.dtype)},
                                      {"shape", std::move(shape)}});
  }
  return list;
}

static llvm::json::Object describe(const ModelFacts &facts) {
  llvm::json::Array launches;
  for (const auto &[kernel, nodes] : facts.launches)
    launches.push_back(
        llvm::json::Object{{"kernel", kernel}, {"nodes", nodes}});
  llvm::json::Object json{{"name", facts.name},
                          {"version", facts.version},
                          {"target", facts.target},
                          {"fallback", facts.fallback},
                          {"features", facts.features},
                          {"precision", printPrecision(facts.precision)},
                          {"hash", facts.hash},
                          {"inputs", describe(facts.inputs, facts)},
                          {"outputs", describe(facts.outputs, facts)},
                          {"symbols", llvm::json::Array(facts.symbols)},
                          {"kernels", int64_t(facts.countKernels())},
                          {"launches", std::move(launches)},
                          {"weight_bytes", int64_t(facts.weightBytes)},
                          {"code_bytes", int64_t(facts.codeBytes)}};
  json["arena_bytes"] = nullptr;
  json["arena_lower_bound_bytes"] = nullptr;
  if (facts.symbols.empty()) {
    json["arena_bytes"] = int64_t(facts.arenaBytes);
    json["arena_lower_bound_bytes"] = int64_t(facts.arenaLowerBound);
  }
  return json;
}

/// Why a better target is not used, as a line of its own.
static std::string printFallback(const ModelFacts &facts) {
  return facts.fallback.empty() ? "" : "fallback  " + facts.fallback + "\n";
}

static void print(const ModelFacts &facts) {
  llvm::raw_ostream &os = llvm::outs();
  os << "model     " << facts.name << ", compiled by ingot " << facts.version
     << "\ntarget    " << facts.target << " (" << facts.features << ")\n"
     << printFallback(facts) << "precision " << printPrecision(facts.precision)
     << "\nhash      " << facts.hash << "\n";
  for (const TensorFacts &tensor : facts.inputs)
    os << "input     " << facts.print(tensor) << "\n";
  for (const TensorFacts &tensor : facts.outputs)
    os << "output    " << facts.print(tensor) << "\n";
  if (!facts.symbols.empty())
    os << "symbols   " << llvm::join(facts.symbols, ", ") << "\n";
  os << "weights   " << printBytes(facts.weightBytes) << "\ncode      "
     << printBytes(facts.codeBytes) << "\narena     ";
  if (facts.symbols.empty())
    os << printBytes(facts.arenaBytes) << " (at least "
       << printBytes(facts.arenaLowerBound) << ")\n";
  else
    os << "depends on symbols\n";
  os << "kernels   " << facts.countKernels() << ", in " << facts.launches.size()
     << " launches\n";
}

static int artifactInfo(const Options &options) {
  auto session = openSession(options.subject, {1, ""});
  if (!session)
    return report(session.takeError());
  if (!options.quiet && options.json != "-")
    print((*session)->facts());
  if (options.json.empty())
    return 0;
  llvm::Error error = writeJson(options.json, describe((*session)->facts()));
  return error ? report(std::move(error)) : 0;
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

namespace {
/// An input or output of a model before compilation.
struct Port {
  std::string name, type;
};
} // namespace

static std::vector<Port> ports(mlir::func::FuncOp function, bool results) {
  std::vector<Port> list;
  auto types =
      results ? function.getResultTypes() : function.getArgumentTypes();
  for (auto [i, type] : llvm::enumerate(types)) {
    auto name =
        results ? function.getResultAttrOfType<mlir::StringAttr>(i, "onnx.name")
                : function.getArgAttrOfType<mlir::StringAttr>(i, "onnx.name");
    list.push_back(
        {name ? name.getValue().str() : std::to_string(i), printType(type)});
  }
  return list;
}

static llvm::json::Array describe(const std::vector<Port> &ports) {
  llvm::json::Array list;
  for (const Port &port : ports)
    list.push_back(
        llvm::json::Object{{"name", port.name}, {"type", port.type}});
  return list;
}

static llvm::json::Object describe(const ModelCost &cost,
                                   const ImportReport &imported) {
  llvm::json::Object counts;
  for (const auto &[op, count] : cost.opCounts)
    counts[op] = count;
  llvm::json::Array layers;
  for (const LayerCost &layer : cost.layers)
    layers.push_back(
        llvm::json::Object{{"op_type", layer.opType},
                           {"node", layer.node},
                           {"result", layer.result},
                           {"flops", layer.operations},
                           {"result_bytes", layer.resultBytes},
                           {"parameter_bytes", layer.parameterBytes}});
  return llvm::json::Object{{"graph", imported.graph},
                            {"producer", imported.producer},
                            {"ir_version", imported.irVersion},
                            {"opset", imported.opset},
                            {"nodes", imported.nodes},
                            {"op_counts", std::move(counts)},
                            {"parameters", cost.parameters},
                            {"parameter_bytes", cost.parameterBytes},
                            {"flops", cost.operations},
                            {"assumed_1", llvm::json::Array(cost.assumed)},
                            {"layers", std::move(layers)}};
}

namespace {
/// What compiling for a target would give, as far as is known before code.
struct Outlook {
  bool isSupported = false;
  std::string target, precision;
  llvm::json::Value arena = nullptr, lowerBound = nullptr;
  /// With 1 for every symbol.
  std::optional<int64_t> arenaBytes, lowerBoundBytes;
  uint64_t weightBytes = 0, kernels = 0, launches = 0;
};
} // namespace

static Outlook lookAhead(ModelCompiler &compiler, const Options &options,
                         const ModelCost &cost) {
  Outlook outlook;
  outlook.target = options.target;
  outlook.isSupported = compiler.lower(/*print=*/false) == 0;
  if (!outlook.isSupported)
    return outlook;
  const ModelTables &tables = compiler.report().tables;
  outlook.target = compiler.report().target;
  outlook.precision = printPrecision(compiler.report().precision);
  outlook.arena = describeSize(tables.arena);
  outlook.lowerBound = describeSize(tables.arenaLowerBound);
  llvm::StringMap<int64_t> ones;
  for (const std::string &symbol : cost.assumed)
    ones[symbol] = 1;
  outlook.arenaBytes = evaluateSize(outlook.arena, ones);
  outlook.lowerBoundBytes = evaluateSize(outlook.lowerBound, ones);
  outlook.weightBytes = tables.weightBytes;
  outlook.kernels = tables.kernels;
  outlook.launches = tables.launches.size();
  return outlook;
}

static llvm::json::Object describe(const Outlook &outlook) {
  return llvm::json::Object{
      {"target", outlook.target},
      {"precision", outlook.precision},
      {"supported", outlook.isSupported},
      {"arena", outlook.arena},
      {"arena_lower_bound", outlook.lowerBound},
      {"arena_bytes", outlook.arenaBytes},
      {"arena_lower_bound_bytes", outlook.lowerBoundBytes},
      {"weight_bytes", int64_t(outlook.weightBytes)},
      {"kernels", int64_t(outlook.kernels)},
      {"launches", int64_t(outlook.launches)}};
}

static void print(const Outlook &outlook) {
  llvm::raw_ostream &os = llvm::outs();
  os << "compiled    ";
  if (!outlook.isSupported) {
    os << "not for " << outlook.target
       << ": 'ingot check' says what is missing\n";
    return;
  }
  os << "for " << outlook.target << ", precision " << outlook.precision << ", "
     << outlook.kernels << " kernels in " << outlook.launches
     << " launches, weights " << printBytes(outlook.weightBytes);
  if (outlook.arenaBytes)
    os << ", arena " << printBytes(uint64_t(*outlook.arenaBytes));
  if (outlook.lowerBoundBytes)
    os << " (at least " << printBytes(uint64_t(*outlook.lowerBoundBytes))
       << ")";
  os << "\n";
}

static void print(const ModelCost &cost, const ImportReport &imported,
                  const std::vector<Port> &inputs,
                  const std::vector<Port> &outputs, const Outlook &outlook) {
  llvm::raw_ostream &os = llvm::outs();
  os << "model       " << imported.graph;
  if (imported.opset)
    os << ", opset " << imported.opset << ", ir " << imported.irVersion;
  if (!imported.producer.empty())
    os << ", by " << imported.producer;
  os << "\n";
  for (const Port &port : inputs)
    os << "input       " << port.name << " " << port.type << "\n";
  for (const Port &port : outputs)
    os << "output      " << port.name << " " << port.type << "\n";
  os << "nodes       " << imported.nodes << ", after folding "
     << cost.layers.size() << ":";
  for (const auto &[op, count] : cost.opCounts)
    os << " " << op << " " << count;
  os << "\nparameters  " << printCount(double(cost.parameters)) << ", "
     << printBytes(uint64_t(cost.parameterBytes)) << "\noperations  "
     << printCount(cost.operations);
  if (!cost.assumed.empty())
    os << " (with 1 for " << llvm::join(cost.assumed, ", ") << ")";
  os << "\ntargets     " << llvm::join(targetNames(), ", ") << "\n";
  print(outlook);
  os << "\n       flops      %     result  parameters  node\n";
  for (const LayerCost &layer : cost.layers) {
    double share =
        cost.operations > 0 ? layer.operations / cost.operations * 100 : 0;
    os << llvm::format("%12.4g %6.2f ", layer.operations, share)
       << llvm::right_justify(printBytes(uint64_t(layer.resultBytes)), 10)
       << "  "
       << llvm::right_justify(printBytes(uint64_t(layer.parameterBytes)), 10)
       << "  " << layer.opType << " " << quoted(layer.node) << " "
       << layer.result << "\n";
  }
}

/// `ingot info --compression`.
static int compressionInfo(ModelCompiler &compiler, const Options &options) {
  CompressionReport compression = measureCompression(compiler.module());
  if (!options.quiet && options.json != "-")
    printCompression(compression);
  if (options.json.empty())
    return 0;
  llvm::Error error = writeJson(options.json, describeCompression(compression));
  return error ? report(std::move(error)) : 0;
}

int ingot::infoCommand(const Options &options) {
  bool isArtifact = bool(artifactArch(options.subject));
  if (isArtifact && options.compression)
    return report(failure(6004, "flag '--compression' needs a model, and " +
                                    quoted(options.subject) +
                                    " is an artifact"));
  if (isArtifact)
    return artifactInfo(options);
  ModelCompiler compiler(options);
  if (int status = compiler.read())
    return status;
  if (options.compression)
    return compressionInfo(compiler, options);
  auto function = compiler.module().lookupSymbol<mlir::func::FuncOp>("main");
  std::vector<Port> inputs, outputs;
  if (function) {
    inputs = ports(function, false);
    outputs = ports(function, true);
  }
  ModelCost cost = addUp(compiler.module());
  Outlook outlook = lookAhead(compiler, options, cost);
  if (!options.quiet && options.json != "-")
    print(cost, compiler.imported(), inputs, outputs, outlook);
  if (options.json.empty())
    return 0;
  llvm::json::Object json = describe(cost, compiler.imported());
  json["inputs"] = describe(inputs);
  json["outputs"] = describe(outputs);
  json["targets"] = llvm::json::Array(targetNames());
  json["compiled"] = describe(outlook);
  llvm::Error error = writeJson(options.json, std::move(json));
  return error ? report(std::move(error)) : 0;
}
