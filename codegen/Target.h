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
#include <optional>
#include <string>

namespace ingot {

/// What the driver of a machine with warps asks of code for it.
struct DeviceLimits {
  /// Compute capability, major * 10 + minor.
  int32_t capability = 0;
  /// True if the code runs on no later capability.
  bool exact = false;
  /// The least version of the driver that can translate the code, as
  /// cuDriverGetVersion() counts.
  int32_t driver = 0;
  /// Bytes of shared memory that a block may ask for on a machine whose
  /// warpgroups multiply tiles that an engine copies there (wgmma and TMA); 0
  /// on others.
  int64_t warpgroupShared = 0;
  /// Multiprocessors of its largest devices; 0: unknown.
  int64_t multiprocessors = 0;
  /// True if warps multiply tiles of f8E4M3FN and f8E5M2.
  bool multipliesFloat8() const { return capability >= 89; }
};

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
  /// The least processor of an architecture as LLVM names it ("x86_64"), for
  /// code that only starts the kernels of another machine; null if it is none
  /// of this target's.
  virtual kernel::MachineAttr describeLeast(llvm::StringRef arch,
                                            mlir::MLIRContext *context) const {
    (void)arch, (void)context;
    return {};
  }
  /// The limits of a machine that this target described; none for one whose
  /// code the processor runs itself.
  virtual std::optional<DeviceLimits>
  deviceLimits(kernel::MachineAttr machine) const {
    (void)machine;
    return std::nullopt;
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

/// The least processor of an architecture; null if no target knows it.
kernel::MachineAttr leastMachine(llvm::StringRef arch,
                                 mlir::MLIRContext *context);

/// The limits of a machine of another driver's.
std::optional<DeviceLimits> deviceLimits(kernel::MachineAttr machine);

/// An attribute of an emitted kernel whose instructions need a later version of
/// PTX than its machine's others: major * 10 + minor.
inline constexpr llvm::StringLiteral ptxAttrName = "ingot.ptx";
/// PTX that multiplies 8-bit floats, and has warpgroups multiply bytes of both
/// signs.
inline constexpr int32_t ptxOfBytes = 84;

/// The module attribute that holds the machine description.
inline constexpr llvm::StringLiteral machineAttrName = "ingot.machine";

} // namespace ingot

#endif // INGOT_CODEGEN_TARGET_H
