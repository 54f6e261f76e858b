//===- GraphSession.h - a model in memory, compiled and loaded --*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_GRAPHSESSION_H
#define INGOT_TOOLS_INGOT_GRAPHSESSION_H

#include "lib/Quantize/Plan.h"
#include "tools/ingot/Options.h"
#include "tools/ingot/Session.h"

#include "llvm/ADT/StringMap.h"

namespace ingot {

/// The types of all tensors of a model, as the importer finds them.
llvm::Expected<quantize::ValueTypes>
inferTypes(const quantize::OnnxGraph &graph, const Options &options);

/// A model in memory, compiled for this machine and loaded.
class GraphSession {
public:
  /// Compiles the model with `values` (floats) as outputs beside its own.
  static llvm::Expected<std::unique_ptr<GraphSession>>
  open(const quantize::OnnxGraph &graph, llvm::ArrayRef<std::string> values,
       const Options &options);

  const ModelFacts &facts() const { return session->facts(); }
  /// Runs one sample; its tensors must be the inputs in order.
  llvm::Error run(const std::vector<Tensor> &inputs);
  /// An output or input of the last run, or null.
  const Tensor *find(llvm::StringRef name) const;
  /// The elements of one of type float; empty for others.
  llvm::ArrayRef<float> floats(llvm::StringRef name) const;
  /// How long the last run took.
  double seconds() const { return lastSeconds; }

private:
  std::unique_ptr<Session> session;
  llvm::StringMap<size_t> outputs, inputs;
  std::vector<Tensor> bound;
  double lastSeconds = 0;
};

/// The elements of a float tensor.
llvm::ArrayRef<float> floatsOf(const Tensor &tensor);

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_GRAPHSESSION_H
