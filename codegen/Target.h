//===- Target.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All that the compiler asks of one kind of machine. A target is one folder
// below codegen/targets, found by the build; nothing outside it names it.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_TARGET_H
#define INGOT_CODEGEN_TARGET_H

#include "dialects/kernel/Kernel.h"

#include <memory>
#include <string>

namespace ingot {

class Target {
public:
  virtual ~Target() = default;
  /// The machine that `spec` ("name" or "name+feature+feature") and an LLVM
  /// CPU name to tune for (or "") describe; null if `spec` is not this
  /// target's. Sets `error` when it is, but wrong in its rest.
  virtual kernel::MachineAttr describe(llvm::StringRef spec,
                                       llvm::StringRef cpu,
                                       mlir::MLIRContext *context,
                                       std::string &error) const = 0;
  /// The machine this process runs on; null if it is none of this target's.
  virtual kernel::MachineAttr describeHost(mlir::MLIRContext *context) const {
    return {};
  }
  /// What --target takes, for --help.
  virtual llvm::StringRef help() const = 0;
  /// Makes LLVM's code generator for this target available.
  virtual void initializeLLVM() const = 0;
};

/// Every target of the build, in a fixed order.
llvm::ArrayRef<std::unique_ptr<Target>> allTargets();

/// The machine for a --target ("host" or any target's spec) and --cpu. Returns
/// null and sets `error` (what is wrong and what is accepted).
kernel::MachineAttr resolveMachine(llvm::StringRef spec, llvm::StringRef cpu,
                                   mlir::MLIRContext *context,
                                   std::string &error);

/// The module attribute that holds the machine description.
inline constexpr llvm::StringLiteral machineAttrName = "ingot.machine";

} // namespace ingot

#endif // INGOT_CODEGEN_TARGET_H
