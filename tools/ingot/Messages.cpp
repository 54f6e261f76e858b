//===- Messages.cpp -------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/Messages.h"

#include "mlir/IR/Location.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

#include <unistd.h>

using namespace ingot;
using llvm::StringRef;

llvm::Error ingot::failure(unsigned code, const llvm::Twine &text) {
  return llvm::createStringError("[IG" + llvm::Twine(code) + "] " + text);
}

/// Takes "[IGnnnn] " out of `text`, wherever it is.
static std::string takeCode(std::string &text) {
  StringRef view = text;
  for (size_t at = view.find("[IG"); at != StringRef::npos;
       at = view.find("[IG", at + 1)) {
    StringRef rest = view.substr(at + 3);
    StringRef digits = rest.take_while(llvm::isDigit);
    if (digits.empty() || !rest.drop_front(digits.size()).starts_with("]"))
      continue;
    std::string code = "IG" + digits.str();
    size_t end = at + 4 + digits.size();
    if (end < text.size() && text[end] == ' ')
      ++end;
    text.erase(at, end - at);
    return code;
  }
  return "";
}

/// Wrong use of the command line, unlike a model or a machine that is not up
/// to it.
static bool isUsage(StringRef code) {
  return code == "IG1703" || code == "IG1704" || code == "IG1706" ||
         code == "IG6001" || code == "IG6002" || code == "IG6003" ||
         code == "IG6004" || code == "IG6005" || code == "IG6012" ||
         code == "IG6111";
}

int ingot::report(llvm::Error error) {
  int status = 1;
  llvm::handleAllErrors(std::move(error), [&](const llvm::ErrorInfoBase &info) {
    std::string text = info.message();
    std::string copy = text;
    if (isUsage(takeCode(copy)))
      status = 2;
    for (char &c : text)
      if (c == '\n')
        c = ' ';
    llvm::errs() << "ingot: error: " << text << "\n";
  });
  return status;
}

std::string Message::str() const {
  std::string result;
  if (!code.empty())
    result += "[" + code + "] ";
  if (!node.empty())
    result += node + ": ";
  return result + text;
}

/// The model's node, or the place in an .mlir file, that a location names.
static std::string describe(mlir::Location loc) {
  if (auto name = mlir::dyn_cast<mlir::NameLoc>(loc)) {
    auto [op, node] = name.getName().getValue().split(':');
    return node.empty() ? op.str() : op.str() + " " + quoted(node);
  }
  // Line 0 stands for a whole file, which the text names.
  if (auto file = mlir::dyn_cast<mlir::FileLineColLoc>(loc);
      file && file.getLine() != 0)
    return file.getFilename().str() + ":" + std::to_string(file.getLine()) +
           ":" + std::to_string(file.getColumn());
  if (auto call = mlir::dyn_cast<mlir::CallSiteLoc>(loc))
    return describe(call.getCallee());
  if (auto fused = mlir::dyn_cast<mlir::FusedLoc>(loc))
    for (mlir::Location part : fused.getLocations())
      if (std::string text = describe(part); !text.empty())
        return text;
  return "";
}

MessageCollector::MessageCollector(mlir::MLIRContext *context)
    : handler(context, [this](mlir::Diagnostic &diagnostic) {
        take(diagnostic);
        return mlir::success();
      }) {}

void MessageCollector::take(mlir::Diagnostic &diagnostic) {
  Message message{diagnostic.getSeverity(), "", "", diagnostic.str()};
  message.code = takeCode(message.text);
  message.node = describe(diagnostic.getLocation());
  StringRef text = message.text;
  // emitOpError() names the op; the node says it better.
  if (!message.node.empty() && text.consume_front("'") &&
      text.take_while([](char c) { return c != '\'' && c != ' '; })
          .contains('.')) {
    StringRef rest = text.split("' op ").second;
    if (!rest.empty())
      message.text = rest.str();
  }
  // Importer and passes name the node in the text, for those who see no place.
  text = message.text;
  if (text.consume_front("node '") && !message.node.empty()) {
    auto [op, name] = StringRef(message.node).split(' ');
    std::string rest = (name.drop_front(1) + " (" + op + "): ").str();
    std::string bare = (name.drop_front(1) + ": ").str();
    if (text.consume_front(rest) || text.consume_front(bare))
      message.text = text.str();
  }
  // Notes point to places in the compiler's IR, which users do not see.
  std::lock_guard<std::mutex> lock(mutex);
  messages.push_back(std::move(message));
}

bool MessageCollector::hasErrors() const {
  return llvm::any_of(messages, [](const Message &message) {
    return message.severity == mlir::DiagnosticSeverity::Error;
  });
}

int MessageCollector::printErrors(StringRef subject) const {
  int status = 1;
  llvm::StringSet<> seen;
  bool hasCode = llvm::any_of(messages, [](const Message &message) {
    return message.severity == mlir::DiagnosticSeverity::Error &&
           !message.code.empty();
  });
  for (const Message &message : messages) {
    bool isError = message.severity == mlir::DiagnosticSeverity::Error;
    if (!isError && message.severity != mlir::DiagnosticSeverity::Warning)
      continue;
    std::string line = message.str();
    if (!seen.insert(line).second)
      continue;
    if (isError && !hasCode)
      line = "[IG4007] " + line;
    if (isUsage(message.code))
      status = 2;
    llvm::errs() << "ingot: " << (isError ? "error: " : "warning: ") << line
                 << "\n";
  }
  if (!hasErrors())
    llvm::errs() << "ingot: error: [IG4007] " << quoted(subject)
                 << " could not be compiled, and no pass said why\n";
  return status;
}

Progress::Progress(bool quiet) : enabled(!quiet && isatty(STDERR_FILENO)) {}

void Progress::step(StringRef name) {
  if (!enabled)
    return;
  llvm::errs() << "\r\033[K" << name << " ...";
  shown = true;
}

void Progress::clear() {
  if (shown)
    llvm::errs() << "\r\033[K";
  shown = false;
}
