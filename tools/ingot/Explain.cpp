//===- Explain.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/Compile.h"
#include "tools/ingot/Inspect.h"

#include "dialects/onnx/NodeName.h"
#include "dialects/onnx/OnnxDialect.h"
#include "lib/Diagnostics/Codes.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"

using namespace ingot;
using llvm::StringRef;

namespace {
/// What became of one node of the model.
struct NodeFate {
  std::string op, node;
  /// Launches that compute a part of it, by number.
  std::vector<size_t> launches;
  /// What passes say about it: "layout" and "produced channels last".
  std::vector<std::pair<std::string, std::string>> remarks;

  std::string name() const { return op + " " + quoted(node); }
};

/// The nodes in order, by the name that the table of launches gives them,
/// "Conv:conv1", and by that of messages, "Conv 'conv1'".
struct Fates {
  std::vector<NodeFate> list;
  llvm::StringMap<size_t> places;

  void add(StringRef op, StringRef node) {
    NodeFate fate{op.str(), node.str(), {}, {}};
    if (!places.try_emplace((op + ":" + node).str(), list.size()).second)
      return;
    places.try_emplace(fate.name(), list.size());
    list.push_back(std::move(fate));
  }
  NodeFate *find(StringRef name) {
    auto it = places.find(name);
    return it == places.end() ? nullptr : &list[it->second];
  }
};
} // namespace

/// "IG1301" or "1301", and no file of that name.
static bool looksLikeCode(StringRef text) {
  if (llvm::sys::fs::exists(text))
    return false;
  text.consume_front_insensitive("IG");
  return !text.empty() && llvm::all_of(text, llvm::isDigit);
}

static int explainCode(const Options &options) {
  const CodePage *page = findCode(std::string_view(options.subject));
  if (!page)
    return report(
        failure(6012, "there is no message " + quoted(options.subject)));
  std::string code = "IG" + std::to_string(unsigned(page->code));
  if (!options.quiet && options.json != "-")
    llvm::outs() << code << "  " << page->name << "\n\n  " << page->title
                 << ".\n\n"
                 << page->advice << "\n";
  if (options.json.empty())
    return 0;
  auto text = [](std::string_view view) { return std::string(view); };
  llvm::Error error = writeJson(
      options.json, llvm::json::Object{{"code", code},
                                       {"name", text(page->name)},
                                       {"title", text(page->title)},
                                       {"advice", text(page->advice)}});
  return error ? report(std::move(error)) : 0;
}

/// Nodes of the imported model in order; passes change it afterwards.
static Fates listNodes(mlir::ModuleOp module) {
  Fates fates;
  module.walk([&](mlir::Operation *op) {
    StringRef type = onnx::nodeOpType(op->getLoc());
    if (!llvm::isa_and_nonnull<onnx::OnnxDialect>(op->getDialect()) ||
        type.empty() || type == "Constant" || type == "Initializer" ||
        op->getName().stripDialect() == "None")
      return;
    StringRef node = onnx::nodeName(op->getLoc());
    fates.add(type, node);
    // The importer folds what it needs to know.
    if (op->hasTrait<mlir::OpTrait::ConstantLike>())
      fates.find((type + ":" + node).str())
          ->remarks.push_back({"import", "computed at compile time"});
  });
  return fates;
}

/// Calls back with every node of a launch.
static void forEachNode(Fates &fates, const ModelLaunch &launch,
                        llvm::function_ref<void(NodeFate &)> callback) {
  // Names may contain commas: a part that is no node goes with the next.
  llvm::SmallVector<StringRef> parts;
  StringRef(launch.nodes).split(parts, ',');
  std::string name;
  for (StringRef part : parts) {
    name += (name.empty() ? "" : ",") + part.str();
    if (NodeFate *fate = fates.find(name)) {
      callback(*fate);
      name.clear();
    }
  }
}

static void addLaunches(Fates &fates, const ModelTables &tables) {
  for (auto [number, launch] : llvm::enumerate(tables.launches)) {
    size_t at = number;
    forEachNode(fates, launch, [at](NodeFate &fate) {
      if (fate.launches.empty() || fate.launches.back() != at)
        fate.launches.push_back(at);
    });
  }
}

static void addRemarks(Fates &fates, const MessageCollector &messages) {
  for (const Message &message : messages.all()) {
    if (message.severity != mlir::DiagnosticSeverity::Remark)
      continue;
    NodeFate *fate = fates.find(message.node);
    if (!fate && StringRef(message.node).contains(" '")) {
      // The importer left it out.
      auto [op, node] = StringRef(message.node).split(" '");
      fates.add(op, node.drop_back());
      fate = &fates.list.back();
    }
    if (!fate)
      continue;
    auto [topic, text] = StringRef(message.text).split(": ");
    // Remarks on the reading of a model have a code and no topic.
    std::pair<std::string, std::string> remark{topic.str(), text.str()};
    if (!message.code.empty() || text.empty())
      remark = {"import", message.text};
    if (!llvm::is_contained(fate->remarks, remark))
      fate->remarks.push_back(std::move(remark));
  }
}

/// "launch 3 of kernel_Conv_Relu, with Relu 'r1'".
static std::string describe(const NodeFate &fate, Fates &fates,
                            const ModelTables &tables) {
  std::string text;
  for (size_t number : fate.launches) {
    const ModelLaunch &launch = tables.launches[number];
    text += text.empty() ? "" : "; ";
    text += "launch " + std::to_string(number) + " of " + launch.kernel;
    std::string others;
    forEachNode(fates, launch, [&](NodeFate &other) {
      if (&other != &fate)
        others += (others.empty() ? ", with " : ", ") + other.name();
    });
    text += others;
  }
  if (!text.empty())
    return text;
  return fate.remarks.empty() ? "no code: not needed" : "no code";
}

static llvm::json::Object describeJson(const Fates &fates,
                                       const ModelTables &tables) {
  llvm::json::Array nodes;
  for (const NodeFate &fate : fates.list) {
    llvm::json::Array launches, remarks;
    for (size_t number : fate.launches)
      launches.push_back(
          llvm::json::Object{{"launch", int64_t(number)},
                             {"kernel", tables.launches[number].kernel},
                             {"nodes", tables.launches[number].nodes}});
    for (const auto &[topic, text] : fate.remarks)
      remarks.push_back(llvm::json::Object{{"topic", topic}, {"text", text}});
    nodes.push_back(llvm::json::Object{{"op_type", fate.op},
                                       {"node", fate.node},
                                       {"launches", std::move(launches)},
                                       {"remarks", std::move(remarks)}});
  }
  return llvm::json::Object{{"nodes", std::move(nodes)},
                            {"launches", int64_t(tables.launches.size())},
                            {"kernels", int64_t(tables.kernels)}};
}

static llvm::Error explainModel(const ModelCompiler &compiler, Fates &fates,
                                const Options &options) {
  const ModelTables &tables = compiler.report().tables;
  if (!options.quiet && options.json != "-") {
    for (const NodeFate &fate : fates.list) {
      llvm::outs() << fate.name() << ": " << describe(fate, fates, tables)
                   << "\n";
      for (const auto &[topic, text] : fate.remarks)
        llvm::outs() << "  " << topic << ": " << text << "\n";
    }
    llvm::outs() << fates.list.size() << " nodes, " << tables.launches.size()
                 << " launches of " << tables.kernels << " kernels\n";
  }
  if (options.json.empty())
    return llvm::Error::success();
  return writeJson(options.json, describeJson(fates, tables));
}

int ingot::explainCommand(const Options &options) {
  if (looksLikeCode(options.subject))
    return explainCode(options);
  ModelCompiler compiler(options);
  if (int status = compiler.read())
    return status;
  Fates fates = listNodes(compiler.module());
  if (int status = compiler.lower())
    return status;
  addLaunches(fates, compiler.report().tables);
  addRemarks(fates, compiler.messages());
  llvm::Error error = explainModel(compiler, fates, options);
  return error ? report(std::move(error)) : 0;
}
