//===- ImportModel.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/NodeName.h"
#include "dialects/onnx/OnnxDialect.h"
#include "lib/Import/Import.h"
#include "lib/Import/ImportGraph.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/Path.h"

#include <sys/stat.h>

using namespace mlir;
using namespace ingot;
using wire::Error;
using wire::Failure;

namespace {
/// One run of importModel.
class ModelImporter {
public:
  /// The bytes of the file, or `memory` if `path` is empty.
  ModelImporter(StringRef path, StringRef memory, MLIRContext &context,
                const ImportOptions &options)
      : path(path.str()), bytes(view(memory)), context(context),
        options(options), report(options.report ? *options.report : ownReport),
        external(folderOf(path, options), options.allowHardLinks),
        check(&context, report), shapes(&context) {}

  FailureOr<OwningOpRef<ModuleOp>> run();

private:
  static std::optional<std::string> folderOf(StringRef path,
                                             const ImportOptions &options) {
    if (options.dataFolder || path.empty())
      return options.dataFolder;
    StringRef folder = llvm::sys::path::parent_path(path);
    return folder.empty() ? "." : folder.str();
  }
  std::string name() const { return path.empty() ? "the model" : quoted(path); }
  Failure openModel();
  Failure readModel();
  Failure readInputs();
  LogicalResult reportUnsupported();
  LogicalResult buildMain(ModuleOp module);
  Failure checkUnchanged();
  void remarks();
  LogicalResult fail(const Error &error) {
    return emitError(location()) << tag(error.code) << error.text;
  }
  Location location() { return FileLineColLoc::get(&context, path, 0, 0); }

  std::string path;
  std::string_view bytes;
  MLIRContext &context;
  const ImportOptions &options;
  ImportReport ownReport;
  ImportReport &report;
  ExternalData external;
  std::shared_ptr<MappedFile> file;
  ModelCheck check;
  InputShapes shapes;
  /// Inputs that are not initializers.
  std::vector<const wire::ValueInfo *> inputs;
};
} // namespace

Failure ModelImporter::openModel() {
  if (!path.empty()) {
    if (Failure failure = MappedFile::open(path, file))
      return failure;
    bytes = file->bytes();
    // In smaller files the nodes are worth reading ahead.
    constexpr size_t large = 64 << 20;
    if (bytes.size() >= large)
      file->readAhead(false);
  }
  if (bytes.empty())
    return Error{Code::EmptyModel, name() + " is empty"};
  if (const char *format = wire::foreignFormat(bytes.substr(0, 512)))
    return Error{Code::NotAnOnnxModel,
                 name() + " is not an ONNX model; it looks like " + format};
  return {};
}

Failure ModelImporter::readModel() {
  wire::Model model;
  Failure failure = wire::read(bytes, model);
  if (!failure)
    failure = check.run(model);
  // A file that changed meanwhile is not to blame for its bytes.
  if (failure)
    if (Failure changed = checkUnchanged())
      return changed;
  if (failure && failure->code == Code::MalformedModel)
    failure->text =
        name() + " is not a well-formed ONNX model: " + failure->text;
  return failure;
}

Failure ModelImporter::readInputs() {
  for (const wire::ValueInfo &input : check.inputs()) {
    if (check.findInitializer(input.name).empty()) {
      inputs.push_back(&input);
      continue;
    }
    // Before version 4 every initializer had to be an input as well.
    if (check.irVersion() >= 4)
      emitRemark(location())
          << tag(Code::InputHasDefault) << "input " << quoted(input.name)
          << " has an initializer and is compiled as a constant";
  }
  return shapes.run(inputs, options);
}

/// One error that lists every site, the same op on one line.
LogicalResult ModelImporter::reportUnsupported() {
  if (report.unsupported.empty())
    return success();
  struct Group {
    const UnsupportedSite *first;
    std::vector<std::string> nodes;
    size_t count = 0;
  };
  constexpr size_t kShownNodes = 8, kShownGroups = 64;
  std::vector<std::string> order;
  llvm::StringMap<Group> groups;
  for (const UnsupportedSite &site : report.unsupported) {
    std::string key = site.domain + '\0' + site.opType + '\0' + site.reason;
    auto [it, inserted] = groups.try_emplace(key);
    Group &group = it->second;
    if (inserted) {
      group.first = &site;
      order.push_back(key);
    }
    if (++group.count <= kShownNodes)
      group.nodes.push_back("'" + site.node + "'");
  }
  InFlightDiagnostic diagnostic = emitError(location());
  diagnostic << tag(Code::UnsupportedNodes) << report.unsupported.size()
             << (report.unsupported.size() == 1 ? " place" : " places")
             << " in the model cannot be compiled:";
  for (const std::string &key : ArrayRef(order).take_front(kShownGroups)) {
    const Group &group = groups.find(key)->second;
    const UnsupportedSite &site = *group.first;
    diagnostic << "\n  ";
    if (!site.opType.empty())
      diagnostic << site.opType << " (" << site.domain << ", opset "
                 << site.opset << "): ";
    diagnostic << site.reason;
    if (site.node.empty())
      continue;
    diagnostic << "; node" << (group.count > 1 ? "s " : " ")
               << llvm::join(group.nodes, ", ");
    if (group.count > kShownNodes)
      diagnostic << " and " << group.count - kShownNodes << " more";
  }
  if (order.size() > kShownGroups)
    diagnostic << "\n  and " << order.size() - kShownGroups << " kinds more";
  return diagnostic;
}

LogicalResult ModelImporter::buildMain(ModuleOp module) {
  OpBuilder builder(&context);
  builder.setInsertionPointToEnd(module.getBody());
  SmallVector<Type> inputTypes(shapes.types().begin(), shapes.types().end());
  auto main = func::FuncOp::create(builder, module.getLoc(), "main",
                                   builder.getFunctionType(inputTypes, {}));
  Block *entry = main.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  NodeBuilder nodes(builder);
  ValueImporter values(&context, file, external);
  DeclaredTypes declared(&context, shapes);
  for (auto *list : {&check.graph().valueInfo, &check.graph().outputs})
    for (std::string_view bytes : *list)
      if (Failure failure = declared.add(bytes))
        return fail(*failure);

  GraphImporter graph(check, values, declared, nodes);
  for (auto [index, info] : llvm::enumerate(inputs)) {
    BlockArgument argument = entry->getArgument(index);
    argument.setLoc(onnx::nodeLocation(&context, "Input", ref(info->name)));
    main.setArgAttr(index, "onnx.name", builder.getStringAttr(ref(info->name)));
    graph.define(info->name, argument);
  }
  if (failed(graph.run()))
    return failure();

  SmallVector<Value> results;
  for (const wire::ValueInfo &output : check.outputs()) {
    FailureOr<Value> value = graph.value(output.name);
    if (failed(value))
      return failure();
    results.push_back(*value);
  }
  func::ReturnOp::create(builder, module.getLoc(), results);
  main.setFunctionType(builder.getFunctionType(
      inputTypes, SmallVector<Type>(ValueRange(results).getTypes())));
  for (auto [index, output] : llvm::enumerate(check.outputs()))
    main.setResultAttr(index, "onnx.name",
                       builder.getStringAttr(ref(output.name)));
  // What only folded ops used, and nodes that no output needs.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*entry)))
    if (isOpTriviallyDead(&op)) {
      if (isa<onnx::OnnxDialect>(op.getDialect()) &&
          !op.hasTrait<OpTrait::ConstantLike>() &&
          op.getName().stripDialect() != "None")
        emitRemark(op.getLoc()) << "import: not needed: nothing uses its "
                                   "result, or only nodes that were folded do";
      op.erase();
    }
  return success();
}

Failure ModelImporter::checkUnchanged() {
  struct stat now;
  if (file && (file->lostPages() || stat(path.c_str(), &now) != 0 ||
               file->differsFrom(now)))
    return Error{Code::ModelChanged, name() + " was changed while it was read"};
  return external.checkUnchanged();
}

void ModelImporter::remarks() {
  for (const std::string &text : external.takeRemarks())
    emitRemark(location()) << tag(Code::ExternalOdd) << text;
}

FailureOr<OwningOpRef<ModuleOp>> ModelImporter::run() {
  context.loadDialect<func::FuncDialect, onnx::OnnxDialect>();
  Failure failure = openModel();
  if (!failure)
    failure = readModel();
  if (failure)
    return fail(*failure);
  if (failed(reportUnsupported()))
    return mlir::failure();
  if ((failure = readInputs()))
    return fail(*failure);

  OwningOpRef<ModuleOp> module(ModuleOp::create(location()));
  // Whatever is read from a file that changes is not worth a message, so
  // messages wait until it is known that it did not.
  std::vector<Diagnostic> held;
  LogicalResult built = mlir::failure();
  {
    ScopedDiagnosticHandler hold(&context, [&](Diagnostic &diagnostic) {
      held.push_back(std::move(diagnostic));
      return success();
    });
    // Printing an op numbers all values of its function: linear time for each
    // message, and the importer makes messages of its own of most.
    bool printed = context.shouldPrintOpOnDiagnostic();
    context.printOpOnDiagnostic(false);
    built = buildMain(*module);
    context.printOpOnDiagnostic(printed);
  }
  if ((failure = checkUnchanged()))
    return fail(*failure);
  for (Diagnostic &diagnostic : held)
    context.getDiagEngine().emit(std::move(diagnostic));
  if (failed(built) || failed(verify(*module)))
    return mlir::failure();
  remarks();
  // From here on weights are read whole.
  if (file)
    file->readAhead(true);
  return module;
}

FailureOr<OwningOpRef<ModuleOp>>
ingot::importModel(StringRef path, MLIRContext &context,
                   const ImportOptions &options) {
  return ModelImporter(path, {}, context, options).run();
}

FailureOr<OwningOpRef<ModuleOp>>
ingot::importModelFromMemory(StringRef bytes, MLIRContext &context,
                             const ImportOptions &options) {
  return ModelImporter({}, bytes, context, options).run();
}
