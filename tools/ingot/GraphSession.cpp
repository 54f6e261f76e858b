//===- GraphSession.cpp ---------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/GraphSession.h"

#include "lib/Driver/Compiler.h"
#include "lib/Import/Import.h"
#include "tools/ingot/Messages.h"
#include "tools/ingot/Run.h"

#include "codegen/EmitDescriptor.h"
#include "dialects/onnx/Dims.h"

#include "ingot/ingot.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <chrono>

using namespace ingot;
using llvm::StringRef;

llvm::ArrayRef<float> ingot::floatsOf(const Tensor &tensor) {
  if (tensor.dtype != INGOT_FLOAT32)
    return {};
  return {reinterpret_cast<const float *>(tensor.data.data()),
          tensor.data.size() / sizeof(float)};
}

static llvm::Error wireError(wire::Failure failure) {
  return ingot::failure(unsigned(failure->code), failure->text);
}

/// The first error that a compilation left.
static llvm::Error firstError(const MessageCollector &messages) {
  for (const Message &message : messages.all())
    if (message.severity == mlir::DiagnosticSeverity::Error)
      return llvm::createStringError((message.code.empty() ? "[IG4007] " : "") +
                                     message.str());
  return failure(4007, "the model could not be compiled");
}

namespace {
/// A model on its way from memory through the compiler.
struct Compilation {
  explicit Compilation(const Options &options)
      : context(createContext()), messages(context.get()) {
    wanted.threads = options.compileThreads;
    wanted.shapes = options.shapes;
  }
  /// The module goes before its context.
  ~Compilation() { module = {}; }
  llvm::Error import(const quantize::OnnxGraph &graph,
                     llvm::ArrayRef<std::string> values);

  std::unique_ptr<mlir::MLIRContext> context;
  MessageCollector messages;
  CompileOptions wanted;
  std::string bytes;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};
} // namespace

llvm::Error Compilation::import(const quantize::OnnxGraph &graph,
                                llvm::ArrayRef<std::string> values) {
  quantize::WriteOptions write;
  write.moreOutputs.assign(values.begin(), values.end());
  if (wire::Failure failure = graph.write(write, bytes))
    return wireError(std::move(failure));
  ImportOptions import;
  for (const std::string &shape : wanted.shapes)
    if (!parseShapeOption(shape, import))
      return failure(6004, "flag '--shape' must be NAME:1x3x224x224 or "
                           "SYMBOL=4, not " +
                               quoted(shape));
  auto result = importModelFromMemory(bytes, *context, import);
  if (failed(result))
    return firstError(messages);
  module = std::move(*result);
  return llvm::Error::success();
}

llvm::Expected<quantize::ValueTypes>
ingot::inferTypes(const quantize::OnnxGraph &graph, const Options &options) {
  quantize::OnnxGraph all = graph;
  for (const quantize::OnnxNode &node : graph.nodes)
    for (const std::string &output : node.outputs)
      if (!output.empty() && !all.isOutput(output))
        all.outputs.push_back(quantize::makeUntypedValue(output));
  Compilation compilation(options);
  if (llvm::Error error = compilation.import(all, {}))
    return error;
  quantize::ValueTypes types;
  auto function = compilation.module->lookupSymbol<mlir::func::FuncOp>("main");
  auto add = [&](mlir::StringAttr name, mlir::Type type) {
    auto tensor = mlir::dyn_cast<mlir::TensorType>(type);
    if (!name || !tensor)
      return;
    quantize::ValueType &known = types[name.getValue().str()];
    known.dtype = onnxDataType(tensor.getElementType());
    auto ranked = mlir::dyn_cast<mlir::RankedTensorType>(type);
    if (!ranked)
      return;
    known.isRanked = true;
    for (mlir::AffineExpr dim : onnx::getDims(ranked))
      known.dims.push_back(onnx::constantValue(dim).value_or(-1));
  };
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    add(function.getArgAttrOfType<mlir::StringAttr>(i, "onnx.name"), type);
  for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
    add(function.getResultAttrOfType<mlir::StringAttr>(i, "onnx.name"), type);
  return types;
}

llvm::Expected<std::unique_ptr<GraphSession>>
GraphSession::open(const quantize::OnnxGraph &graph,
                   llvm::ArrayRef<std::string> values, const Options &options) {
  TemporaryFile file;
  if (llvm::Error error = file.create("so"))
    return error;
  {
    Compilation compilation(options);
    std::vector<std::string> computed;
    for (const std::string &value : values)
      if (!graph.isInput(value))
        computed.push_back(value);
    if (llvm::Error error = compilation.import(graph, computed))
      return error;
    CompileReport report;
    if (failed(compile(*compilation.module, graph.name, file.path(),
                       compilation.wanted, report)))
      return firstError(compilation.messages);
  }
  auto session = openNative(file.path(), {options.threads, ""});
  if (!session)
    return session.takeError();
  auto result = std::make_unique<GraphSession>();
  result->session = std::move(*session);
  const std::vector<TensorFacts> &outputs = result->session->facts().outputs;
  for (size_t i = 0; i < outputs.size(); ++i)
    result->outputs[outputs[i].name] = i;
  for (auto [i, input] : llvm::enumerate(result->session->facts().inputs))
    result->inputs[input.name] = i;
  return result;
}

llvm::Error GraphSession::run(const std::vector<Tensor> &inputs) {
  // Inputs are bound once; samples of the same shapes only change the bytes.
  bool isSame = bound.size() == inputs.size();
  for (size_t i = 0; i < inputs.size() && isSame; ++i)
    isSame = bound[i].dims == inputs[i].dims &&
             bound[i].data.size() == inputs[i].data.size();
  if (isSame) {
    for (size_t i = 0; i < inputs.size(); ++i)
      std::copy(inputs[i].data.begin(), inputs[i].data.end(),
                bound[i].data.begin());
  } else {
    bound = inputs;
    if (llvm::Error error = session->prepare(bound))
      return error;
  }
  auto start = std::chrono::steady_clock::now();
  llvm::Error error = session->run();
  lastSeconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  return error;
}

const Tensor *GraphSession::find(StringRef name) const {
  if (auto it = outputs.find(name); it != outputs.end())
    return &session->outputs()[it->second];
  auto it = inputs.find(name);
  return it == inputs.end() || bound.empty() ? nullptr : &bound[it->second];
}

llvm::ArrayRef<float> GraphSession::floats(StringRef name) const {
  const Tensor *tensor = find(name);
  return tensor ? floatsOf(*tensor) : llvm::ArrayRef<float>();
}
