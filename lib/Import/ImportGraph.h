//===- ImportGraph.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Nodes to ops, one after another. A call of a function of the model is
// replaced by the function's nodes.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_IMPORT_IMPORTGRAPH_H
#define INGOT_LIB_IMPORT_IMPORTGRAPH_H

#include "lib/Import/ImportShapes.h"
#include "lib/Import/ImportValues.h"
#include "lib/Import/ModelCheck.h"
#include "lib/Import/NodeBuilder.h"
#include "lib/Import/UpgradeOpset.h"

#include <deque>

namespace ingot {

class GraphImporter {
public:
  GraphImporter(const ModelCheck &model, ValueImporter &values,
                DeclaredTypes &declared, NodeBuilder &b)
      : model(model), values(values), declared(declared), b(b) {}

  /// Names the value of an input of the main graph.
  void define(std::string_view name, mlir::Value value);

  /// Imports all nodes of the main graph.
  mlir::LogicalResult run();

  /// The value of that name in the main graph, with its initializers made
  /// constants when they are first asked for.
  mlir::FailureOr<mlir::Value> value(std::string_view name);

private:
  /// The nodes of the graph or of a function, and what their names mean.
  struct Frame {
    const std::vector<std::string_view> *nodes = nullptr;
    size_t next = 0;
    const Opsets *opsets = nullptr;
    const FunctionInfo *function = nullptr;
    /// "caller/" before the names of nodes.
    std::string prefix;
    llvm::StringMap<mlir::Value> values;
    /// Attributes of the call, for references.
    std::vector<wire::Attribute> arguments;
    /// The outputs of the call, names of the frame below.
    std::vector<std::string_view> results;
  };

  mlir::LogicalResult importNode(Frame &frame, const wire::Node &node);
  mlir::LogicalResult call(Frame &frame, const wire::Node &node,
                           const FunctionInfo &callee);
  mlir::LogicalResult finishCall();
  mlir::FailureOr<mlir::Value> lookup(Frame &frame, std::string_view name);
  mlir::FailureOr<mlir::Value> initializer(std::string_view name,
                                           std::string_view bytes);
  mlir::LogicalResult bind(Frame &frame, std::string_view name,
                           mlir::Value value);
  mlir::LogicalResult
  resolveAttributes(Frame &frame, const wire::Node &node,
                    std::vector<wire::Attribute> &attributes);
  mlir::LogicalResult
  convertAttributes(const std::vector<wire::Attribute> &attributes,
                    mlir::NamedAttrList &into);
  mlir::LogicalResult refine(std::string_view name, mlir::Value value);
  mlir::LogicalResult fail(const wire::Error &error) {
    return b.fail(error.code, error.text);
  }

  const ModelCheck &model;
  ValueImporter &values;
  DeclaredTypes &declared;
  NodeBuilder &b;
  /// The main graph first; a deque, so that frames stay where they are.
  std::deque<Frame> frames;
  size_t nodesImported = 0;
};

} // namespace ingot

#endif // INGOT_LIB_IMPORT_IMPORTGRAPH_H
