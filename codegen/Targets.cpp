//===- Targets.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/Target.h"

#include "llvm/ADT/SmallVector.h"

using namespace ingot;

// Targets.def is written by the build: INGOT_TARGET(<folder>) for each folder.
namespace ingot {
#define INGOT_TARGET(name) std::unique_ptr<Target> create_##name##_target();
#include "codegen/Targets.def"
#undef INGOT_TARGET
} // namespace ingot

llvm::ArrayRef<std::unique_ptr<Target>> ingot::allTargets() {
  static const auto *targets = [] {
    auto *list = new llvm::SmallVector<std::unique_ptr<Target>>();
#define INGOT_TARGET(name) list->push_back(create_##name##_target());
#include "codegen/Targets.def"
#undef INGOT_TARGET
    return list;
  }();
  return *targets;
}

kernel::MachineAttr ingot::resolveMachine(llvm::StringRef spec,
                                          llvm::StringRef cpu,
                                          mlir::MLIRContext *context,
                                          std::string &error) {
  context->getOrLoadDialect<kernel::KernelDialect>();
  std::string accepted;
  for (const auto &target : allTargets()) {
    kernel::MachineAttr machine =
        spec == "host" ? target->describeHost(context)
                       : target->describe(spec, cpu, context, error);
    if (machine || !error.empty())
      return machine;
    accepted += (accepted.empty() ? "" : ", ") + target->help().str();
  }
  error = spec == "host"
              ? "this processor is none that code can be generated for"
              : "unknown target '" + spec.str() + "'";
  error += "; accepted: host, " + accepted;
  return {};
}

kernel::MachineAttr ingot::leastMachine(llvm::StringRef arch,
                                        mlir::MLIRContext *context) {
  context->getOrLoadDialect<kernel::KernelDialect>();
  for (const auto &target : allTargets())
    if (kernel::MachineAttr machine = target->describeLeast(arch, context))
      return machine;
  return {};
}

std::optional<DeviceLimits> ingot::deviceLimits(kernel::MachineAttr machine) {
  for (const auto &target : allTargets())
    if (std::optional<DeviceLimits> limits = target->deviceLimits(machine))
      return limits;
  return std::nullopt;
}
