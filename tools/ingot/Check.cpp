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

#include "llvm/ADT/SetVector.h"

using namespace ingot;
using llvm::StringRef;

namespace {
/// Something that cannot be compiled.
struct Site {
  std::string code, node, text;
};

/// What became of a model for one target.
struct Verdict {
  std::string target;
  enum { Supported = 0, Unsupported = 1, NotAModel = 2 } outcome = Supported;
  std::vector<Site> sites;
};
} // namespace

/// Import distinguishes what it does not support from what is no ONNX.
static bool isUnsupported(const Site &site) {
  return site.code == "IG1301" || site.code == "IG1302" ||
         site.code == "IG1303" || site.code == "IG1702";
}

/// Importers give one error for all nodes whose operators they do not know:
/// here each is a site of its own.
static std::vector<Site> sitesOf(const MessageCollector &messages,
                                 const ImportReport &imported) {
  std::vector<Site> sites;
  for (const UnsupportedSite &site : imported.unsupported) {
    std::string name =
        site.opType.empty() ? "" : site.opType + " '" + site.node + "'";
    std::string text = site.reason;
    if (!site.domain.empty())
      text +=
          " (" + site.domain + ", opset " + std::to_string(site.opset) + ")";
    if (!site.inputs.empty())
      text += "; inputs: " + llvm::join(site.inputs, ", ");
    sites.push_back({"IG1301", name, text});
  }
  for (const Message &message : messages.all()) {
    if (message.severity != mlir::DiagnosticSeverity::Error ||
        (message.code == "IG1301" && !sites.empty()))
      continue;
    sites.push_back({message.code.empty() ? "IG4007" : message.code,
                     message.node, message.text});
  }
  return sites;
}

static llvm::json::Object describe(const ImportReport &imported,
                                   const std::vector<Verdict> &verdicts) {
  llvm::json::Array unsupported;
  for (const UnsupportedSite &site : imported.unsupported)
    unsupported.push_back(
        llvm::json::Object{{"node", site.node},
                           {"op_type", site.opType},
                           {"domain", site.domain},
                           {"opset", site.opset},
                           {"reason", site.reason},
                           {"inputs", llvm::json::Array(site.inputs)}});
  llvm::json::Array targets;
  int worst = 0;
  for (const Verdict &verdict : verdicts) {
    worst = std::max<int>(worst, verdict.outcome);
    llvm::json::Array errors;
    for (const Site &site : verdict.sites)
      errors.push_back(llvm::json::Object{
          {"code", site.code},
          {"node", site.node},
          {"text", site.text},
          {"advice", std::string(findCode(site.code)->advice)}});
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
                            {"unsupported", std::move(unsupported)},
                            {"targets", std::move(targets)}};
}

/// Every site on a line, then what to do about each kind.
static void print(const Verdict &verdict, const ImportReport &imported,
                  StringRef subject) {
  llvm::raw_ostream &os = llvm::outs();
  os << subject << ": "
     << (verdict.sites.empty() ? "supported" : "not supported") << " for "
     << verdict.target;
  if (imported.opset)
    os << ", " << imported.nodes << " nodes, opset " << imported.opset;
  os << "\n";
  llvm::SetVector<StringRef> codes;
  for (const Site &site : verdict.sites) {
    os << "  [" << site.code << "] " << site.node
       << (site.node.empty() ? "" : ": ") << site.text << "\n";
    codes.insert(site.code);
  }
  for (StringRef code : codes)
    os << "  " << code << ": " << StringRef(findCode(code.str())->advice)
       << "\n";
}

/// "all" stands for every target, without features it may or may not have.
static std::vector<std::string> targetsOf(const Options &options) {
  return options.target == "all" ? targetNames()
                                 : std::vector<std::string>{options.target};
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
      verdict.sites = sitesOf(compiler.messages(), compiler.imported());
    if (!isRead && !llvm::all_of(verdict.sites, isUnsupported))
      verdict.outcome = Verdict::NotAModel;
    else if (!isRead || !verdict.sites.empty())
      verdict.outcome = Verdict::Unsupported;
    worst = std::max<int>(worst, verdict.outcome);
    imported = compiler.imported();
    if (verdict.outcome == Verdict::NotAModel)
      compiler.messages().printErrors(options.subject);
    else if (!options.quiet && options.json != "-")
      print(verdict, imported, options.subject);
    verdicts.push_back(std::move(verdict));
    // Import does not depend on the target.
    if (!isRead)
      break;
  }
  if (!options.json.empty())
    if (llvm::Error error =
            writeJson(options.json, describe(imported, verdicts)))
      return std::max(report(std::move(error)), worst);
  return worst;
}
