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
  /// Launches that compute a part of it, by number.
  std::vector<size_t> launches;
  std::vector<std::string> remarks;
};
} // namespace

namespace {
/// The nodes in order, and by the name that the table of launches gives them:
/// "Conv:conv1".
struct Fates {
  std::vector<std::pair<std::string, NodeFate>> list;
  llvm::StringMap<size_t> places;

  void add(const std::string &name) {
    if (places.try_emplace(name, list.size()).second)
      list.push_back({name, {}});
  }
  NodeFate *find(StringRef name) {
    auto it = places.find(name);
    return it == places.end() ? nullptr : &list[it->second].second;
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

static int explainCode(StringRef text) {
  const CodePage *page = findCode(std::string_view(text));
  if (!page)
    return report(failure(6012, "there is no message " + quoted(text)));
  llvm::outs() << "IG" << unsigned(page->code) << "  " << page->name << "\n\n"
               << "  " << page->title << ".\n\n"
               << page->advice << "\n";
  return 0;
}

/// Nodes of the imported model in order; passes change it afterwards.
static Fates listNodes(mlir::ModuleOp module) {
  Fates fates;
  module.walk([&](mlir::Operation *op) {
    StringRef name = op->getName().stripDialect();
    if (!llvm::isa_and_nonnull<onnx::OnnxDialect>(op->getDialect()) ||
        name == "Constant" || name == "None")
      return;
    StringRef type = onnx::nodeOpType(op->getLoc());
    if (!type.empty())
      fates.add((type + ":" + onnx::nodeName(op->getLoc())).str());
  });
  return fates;
}

static void addLaunches(Fates &fates, const ModelTables &tables) {
  for (auto [number, launch] : llvm::enumerate(tables.launches)) {
    // Names may contain commas: a part that is no node goes with the next.
    llvm::SmallVector<StringRef> parts;
    StringRef(launch.nodes).split(parts, ',');
    std::string name;
    for (StringRef part : parts) {
      name += (name.empty() ? "" : ",") + part.str();
      NodeFate *fate = fates.find(name);
      if (!fate)
        continue;
      if (fate->launches.empty() || fate->launches.back() != number)
        fate->launches.push_back(number);
      name.clear();
    }
  }
}

static void addRemarks(Fates &fates, const MessageCollector &messages) {
  for (const Message &message : messages.all()) {
    if (message.severity != mlir::DiagnosticSeverity::Remark ||
        message.node.empty())
      continue;
    for (auto &[name, fate] : fates.list) {
      auto [op, node] = StringRef(name).split(':');
      if (message.node == op.str() + " " + quoted(node) &&
          !llvm::is_contained(fate.remarks, message.text))
        fate.remarks.push_back(message.text);
    }
  }
}

/// "kernel 3 kernel_Conv_Relu with Relu 'r1'".
static std::string describe(const NodeFate &fate, StringRef self,
                            const ModelTables &tables) {
  if (fate.launches.empty())
    return "no code: folded into a constant, a view of its operand, part of "
           "another node, or not needed";
  std::string text;
  for (size_t number : fate.launches) {
    const ModelLaunch &launch = tables.launches[number];
    text += text.empty() ? "" : "; ";
    text += "launch " + std::to_string(number) + ", " + launch.kernel;
    if (launch.nodes != self)
      text += ", with " + launch.nodes;
  }
  return text;
}

int ingot::explainCommand(const Options &options) {
  if (looksLikeCode(options.subject))
    return explainCode(options.subject);
  ModelCompiler compiler(options);
  if (int status = compiler.read())
    return status;
  Fates fates = listNodes(compiler.module());
  if (int status = compiler.lower())
    return status;
  const ModelTables &tables = compiler.report().tables;
  addLaunches(fates, tables);
  addRemarks(fates, compiler.messages());
  if (!options.quiet && options.json != "-") {
    for (const auto &[name, fate] : fates.list) {
      auto [op, node] = StringRef(name).split(':');
      llvm::outs() << op << " " << quoted(node) << ": "
                   << describe(fate, name, tables) << "\n";
      for (const std::string &remark : fate.remarks)
        llvm::outs() << "  " << remark << "\n";
    }
    llvm::outs() << fates.list.size() << " nodes, " << tables.launches.size()
                 << " launches of " << tables.kernels << " kernels\n";
  }
  if (options.json.empty())
    return 0;
  llvm::json::Array nodes;
  for (const auto &[name, fate] : fates.list) {
    auto [op, node] = StringRef(name).split(':');
    llvm::json::Array launches;
    for (size_t number : fate.launches)
      launches.push_back(
          llvm::json::Object{{"launch", int64_t(number)},
                             {"kernel", tables.launches[number].kernel},
                             {"nodes", tables.launches[number].nodes}});
    nodes.push_back(
        llvm::json::Object{{"op_type", op},
                           {"node", node},
                           {"launches", std::move(launches)},
                           {"remarks", llvm::json::Array(fate.remarks)}});
  }
  llvm::Error error = writeJson(
      options.json,
      llvm::json::Object{{"nodes", std::move(nodes)},
                         {"launches", int64_t(tables.launches.size())},
                         {"kernels", int64_t(tables.kernels)}});
  return error ? report(std::move(error)) : 0;
}
