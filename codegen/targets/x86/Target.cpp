//===- Target.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/Target.h"
#include "codegen/targets/x86/HostCpu.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/TargetSelect.h"

using namespace ingot;

namespace {
/// The features of an x86-64 micro-architecture level that generated code may
/// use; each is checked by the runtime before anything else runs.
constexpr llvm::StringLiteral level3 =
    "+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe,+popcnt,+sse4.2";
constexpr llvm::StringLiteral level4 =
    "+avx512f,+avx512bw,+avx512cd,+avx512dq,+avx512vl";

class X86Target : public Target {
public:
  kernel::MachineAttr describe(llvm::StringRef spec, llvm::StringRef cpu,
                               mlir::MLIRContext *context,
                               std::string &error) const override {
    if (spec == "x86-64-v3")
      return machine(context, spec, cpu.empty() ? "x86-64-v3" : cpu, false,
                     32 << 10, 512 << 10);
    if (spec == "x86-64-v4")
      return machine(context, spec, cpu.empty() ? "x86-64-v4" : cpu, true,
                     32 << 10, 1 << 20);
    if (spec.starts_with("x86"))
      error = "unknown target '" + spec.str() + "'; accepted: " + help().str();
    return {};
  }

  kernel::MachineAttr describeHost(mlir::MLIRContext *context) const override {
    HostCpu host = detectHostCpu();
    if (host.level < 3)
      return {};
    return machine(context, host.level >= 4 ? "x86-64-v4" : "x86-64-v3",
                   host.tune, host.level >= 4, host.l1, host.l2);
  }

  llvm::StringRef help() const override { return "x86-64-v3, x86-64-v4"; }

  void initializeLLVM() const override {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
  }

private:
  static kernel::MachineAttr machine(mlir::MLIRContext *context,
                                     llvm::StringRef name, llvm::StringRef tune,
                                     bool wide, int64_t l1, int64_t l2) {
    std::string features = level3.str();
    if (wide)
      features += "," + level4.str();
    return kernel::MachineAttr::get(context, name, "x86_64-unknown-linux-gnu",
                                    tune, features, wide ? 512 : 256,
                                    wide ? 32 : 16, /*masks=*/wide,
                                    /*laneBroadcast=*/false, l1, l2);
  }
};
} // namespace

namespace ingot {
std::unique_ptr<Target> create_x86_target() {
  return std::make_unique<X86Target>();
}
} // namespace ingot
