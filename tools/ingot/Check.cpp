//===- Check.cpp ----------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Takes a model through everything but machine code, since only that tells
// what can be compiled.
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/Compile.h"
#include "tools/ingot/Inspect.h"
#include "tools/ingot/Session.h"

#include "codegen/Target.h"

using namespace ingot;
using llvm::StringRef;

namespace {
/// What became of a model for one target.
struct Verdict {
  std::string target;
  enum { Supported = 0, Unsupported = 1, NotAModel = 2 } outcome = Supported;
  std::vector<Message> errors;
};
} // namespace

/// Import distinguishes what it does not support from what is no ONNX.
static bool isUnsupported(const Message &message) {
  return message.code == "IG1301" || message.code == "IG1302" ||
         message.code == "IG1303" || message.code == "IG1702";
}

static std::vector<Message> errorsOf(const MessageCollector &messages) {
  std::vector<Message> result;
  for (const Message &message : messages.all())
    if (message.severity == mlir::DiagnosticSeverity::Error)
      result.push_back(message);
  return result;
}

static llvm::json::Object describe(const ImportReport &imported,
                                   const std::vector<Verdict> &verdicts) {
  llvm::json::Array sites;
  for (const UnsupportedSite &site : imported.unsupported)
    sites.push_back(llvm::json::Object{{"node", site.node},
                                       {"op_type", site.opType},
                                       {"domain", site.domain},
                                       {"opset", site.opset},
                                       {"reason", site.reason}});
  llvm::json::Array targets;
  int worst = 0;
  for (const Verdict &verdict : verdicts) {
    worst = std::max<int>(worst, verdict.outcome);
    llvm::json::Array errors;
    for (const Message &error : verdict.errors)
      errors.push_back(llvm::json::Object{
          {"code", error.code}, {"node", error.node}, {"text", error.text}});
    targets.push_back(
        llvm::json::Object{{"target", verdict.target},
                           {"supported", verdict.outcome == Verdict::Supported},
                           {"errors", std::move(errors)}});
  }
  return llvm::json::Object{{"supported", worst == Verdict::Supported},
                            {"is_model", worst != Verdict::NotAModel},
                            {"ir_version", imported.irVersion},
                            {"opset", imported.opset},
                            {"producer", imported.producer},
                            {"nodes", imported.nodes},
                            {"unsupported", std::move(sites)},
                            {"targets", std::move(targets)}};
}

/// "all" stands for every target, without features it may or may not have.
static std::vector<std::string> targetsOf(const Options &options) {
  if (options.target != "all")
    return {options.target};
  std::vector<std::string> names;
  for (const auto &target : allTargets()) {
    llvm::SmallVector<StringRef> spelled;
    target->help().split(spelled, ", ");
    for (StringRef name : spelled)
      names.push_back(name.split('[').first.str());
  }
  return names;
}

int ingot::checkCommand(const Options &options) {
  if (artifactArch(options.subject))
    return report(failure(1003, quoted(options.subject) +
                                    " is an ELF file, perhaps an artifact, "
                                    "not a model")) +
           1;
  ImportReport imported;
  std::vector<Verdict> verdicts;
  int worst = Verdict::Supported;
  for (const std::string &target : targetsOf(options)) {
    Options each = options;
    each.target = target;
    ModelCompiler compiler(each);
    if (int status = compiler.checkTarget())
      return status;
    Verdict verdict;
    verdict.target = target;
    bool isRead = compiler.read(/*print=*/false) == 0;
    if (!isRead || compiler.lower(/*print=*/false) != 0)
      verdict.errors = errorsOf(compiler.messages());
    if (!isRead && !llvm::all_of(verdict.errors, isUnsupported))
      verdict.outcome = Verdict::NotAModel;
    else if (!isRead || !verdict.errors.empty())
      verdict.outcome = Verdict::Unsupported;
    worst = std::max<int>(worst, verdict.outcome);
    imported = compiler.imported();
    if (verdict.outcome != Verdict::Supported)
      compiler.messages().printErrors(options.subject);
    verdicts.push_back(std::move(verdict));
    // Import does not depend on the target.
    if (!isRead)
      break;
  }
  if (worst == Verdict::Supported && !options.quiet && options.json != "-") {
    llvm::outs() << options.subject << ": supported";
    if (imported.opset)
      llvm::outs() << ", " << imported.nodes << " nodes, opset "
                   << imported.opset;
    llvm::outs() << "\n";
  }
  if (!options.json.empty())
    if (llvm::Error error =
            writeJson(options.json, describe(imported, verdicts)))
      return std::max(report(std::move(error)), worst);
  return worst;
}
