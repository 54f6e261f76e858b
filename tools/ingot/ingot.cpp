//===- ingot.cpp ----------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The compiler for people who ship models.
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/Bench.h"
#include "tools/ingot/Compile.h"
#include "tools/ingot/Inspect.h"
#include "tools/ingot/Messages.h"
#include "tools/ingot/Options.h"
#include "tools/ingot/Quantize.h"
#include "tools/ingot/Run.h"

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Signals.h"

#include <csignal>
#include <new>
#include <unistd.h>

using namespace ingot;

/// Says so and ends, without leaving a part of a file behind.
static void outOfMemory() {
  static const char text[] =
      "ingot: error: [IG6011] out of memory; close other programs, or compile "
      "on a machine with more\n";
  ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
  (void)ignored;
  llvm::sys::RunInterruptHandlers();
  _exit(1);
}

/// LLVM ends the program over what it finds no way to report.
static void giveUp(void *, const char *reason, bool) {
  llvm::errs() << "ingot: error: [IG4006] LLVM gave up: " << reason
               << "; please report it with the model and the target\n";
  llvm::sys::RunInterruptHandlers();
  _exit(1);
}

static int dispatch(const Options &options) {
  switch (options.command) {
  case Compile:
    return compileCommand(options);
  case Run:
    return runCommand(options);
  case Bench:
    return benchCommand(options);
  case Check:
    return checkCommand(options);
  case Info:
    return infoCommand(options);
  case Explain:
    return explainCommand(options);
  case Quantize:
    return quantizeCommand(options);
  }
  return 1;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  std::set_new_handler(outOfMemory);
  llvm::install_bad_alloc_error_handler(
      [](void *, const char *, bool) { outOfMemory(); });
  llvm::install_fatal_error_handler(giveUp);
  // Over the limit on file sizes: an error of write(), like a full disk.
  signal(SIGXFSZ, SIG_IGN);

  auto line = parseCommandLine(
      llvm::ArrayRef<const char *>(argv, argc).drop_front(argc > 0));
  int status = 0;
  if (!line)
    status = report(line.takeError());
  else if (!line->text.empty())
    llvm::outs() << line->text;
  else
    status = dispatch(line->options);
  llvm::outs().flush();
  if (llvm::outs().has_error()) {
    std::error_code code = llvm::outs().error();
    llvm::outs().clear_error();
    return report(
        failure(5001, "cannot write to standard output: " + code.message()));
  }
  return status;
}
