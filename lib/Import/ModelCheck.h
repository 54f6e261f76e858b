//===- ModelCheck.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What must hold of a model before a single op is made: versions, names that
// are unique and defined before use, functions that do not recurse and do not
// explode, subgraphs of bounded depth, operators that exist. Nothing here
// recurses on the input.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_IMPORT_MODELCHECK_H
#define INGOT_LIB_IMPORT_MODELCHECK_H

#include "lib/Import/Import.h"
#include "lib/Import/Wire.h"

#include "llvm/ADT/StringMap.h"

namespace ingot {

/// Versions of operator sets by domain; the default domain is "".
using Opsets = llvm::StringMap<int64_t>;

inline llvm::StringRef ref(std::string_view text) {
  return llvm::StringRef(text.data(), text.size());
}
inline std::string_view view(llvm::StringRef text) {
  return std::string_view(text.data(), text.size());
}

/// "" for both spellings of the default domain.
inline std::string_view canonicalDomain(std::string_view domain) {
  return domain == "ai.onnx" ? std::string_view() : domain;
}

/// The op of the onnx dialect that stands for an operator, without "onnx.":
/// "Conv", "com.microsoft.QLinearAdd". Empty if the domain has none.
std::string operatorName(std::string_view domain, std::string_view opType);

/// What a node is called in messages and locations: its name, or that of its
/// first output.
std::string_view displayName(const wire::Node &node);

/// A function of the model.
struct FunctionInfo {
  wire::Function function;
  Opsets opsets;
  /// Nodes after inlining of everything it calls, saturating.
  uint64_t inlinedNodes = 0;
};

class ModelCheck {
public:
  ModelCheck(mlir::MLIRContext *context, ImportReport &report)
      : context(context), report(report) {}

  /// Reads and checks model, main graph and functions.
  wire::Failure run(const wire::Model &model);

  const wire::Graph &graph() const { return mainGraph; }
  const Opsets &opsets() const { return modelOpsets; }
  int64_t irVersion() const { return version; }

  /// The function that a node calls, if it calls one.
  const FunctionInfo *findFunction(const wire::Node &node) const;
  /// The bytes of the main graph's initializer of that name; empty if there
  /// is none.
  std::string_view findInitializer(std::string_view name) const;
  const std::vector<wire::ValueInfo> &inputs() const { return graphInputs; }
  const std::vector<wire::ValueInfo> &outputs() const { return graphOutputs; }

private:
  wire::Failure readOpsets(const std::vector<wire::OperatorSet> &imports,
                           Opsets &into);
  wire::Failure readFunctions(const wire::Model &model);
  wire::Failure checkFunctionCalls();
  wire::Failure functionCalls(const FunctionInfo &info,
                              std::vector<FunctionInfo *> &calls);
  wire::Failure readInterface();
  wire::Failure checkValues();
  wire::Failure undefinedInput(size_t node, std::string_view name);
  wire::Failure findUnsupported();
  wire::Failure describeInputs();
  wire::Failure visitNodes(const std::vector<std::string_view> &nodes,
                           const Opsets &opsets, const std::string &prefix,
                           std::vector<const FunctionInfo *> &called);
  wire::Failure visitAttributes(const wire::Node &node, UnsupportedSite &site,
                                std::vector<std::string_view> &subgraphs);

  mlir::MLIRContext *context;
  ImportReport &report;
  int64_t version = 0;
  Opsets modelOpsets;
  wire::Graph mainGraph;
  std::vector<wire::ValueInfo> graphInputs, graphOutputs;
  // Maps that own their keys, here and elsewhere: the file may change under
  // us, and a hash table whose keys change is broken.
  llvm::StringMap<std::string_view> initializers;
  /// For each name the index of the node that produces it.
  llvm::StringMap<size_t> producers;
  std::vector<std::unique_ptr<FunctionInfo>> functions;
  llvm::StringMap<FunctionInfo *> functionsByKey;
};

} // namespace ingot

#endif // INGOT_LIB_IMPORT_MODELCHECK_H
