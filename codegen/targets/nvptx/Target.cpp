//===- Target.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NVIDIA GPUs by their compute capability. Code comes out as PTX, which the
// driver translates; nothing of the CUDA toolkit is needed.
//
//===----------------------------------------------------------------------===//
#include "codegen/Target.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/TargetSelect.h"

using namespace ingot;

namespace {
/// What code may be generated for. The version of PTX is the lowest that knows
/// the architecture (PTX ISA, "Release Notes"): drivers refuse newer ones than
/// they know.
struct Architecture {
  llvm::StringLiteral name, ptx;
  DeviceLimits limits;
  /// Second-level cache, bytes.
  int64_t l2;
};
constexpr Architecture architectures[] = {
    {"sm_75", "+ptx63", {75, false, 10000}, 4 << 20},
    {"sm_80", "+ptx70", {80, false, 11000}, 40 << 20},
    {"sm_86", "+ptx71", {86, false, 11010}, 6 << 20},
    {"sm_87", "+ptx74", {87, false, 11040}, 4 << 20},
    {"sm_89", "+ptx78", {89, false, 11080}, 72 << 20},
    {"sm_90", "+ptx78", {90, false, 11080}, 50 << 20},
    {"sm_90a", "+ptx80", {90, true, 12000, 227 << 10, 132}, 50 << 20},
    {"sm_100", "+ptx86", {100, false, 12070}, 126 << 20},
    {"sm_100a", "+ptx86", {100, true, 12070}, 126 << 20},
    {"sm_120", "+ptx87", {120, false, 12080}, 96 << 20},
};

class NvptxTarget : public Target {
public:
  kernel::MachineAttr describe(llvm::StringRef spec, llvm::StringRef cpu,
                               mlir::MLIRContext *context,
                               std::string &error) const override {
    if (!spec.starts_with("sm_"))
      return {};
    for (const Architecture &known : architectures)
      if (known.name == spec)
        return machine(context, known);
    error = "unknown target '" + spec.str() + "'; accepted: " + help().str();
    return {};
  }

  std::optional<DeviceLimits>
  deviceLimits(kernel::MachineAttr machine) const override {
    for (const Architecture &known : architectures)
      if (known.name == machine.getTarget())
        return known.limits;
    return std::nullopt;
  }

  llvm::StringRef help() const override {
    return "sm_75, sm_80, sm_86, sm_87, sm_89, sm_90, sm_90a, sm_100, "
           "sm_100a, sm_120";
  }

  void initializeLLVM() const override {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  }

private:
  static kernel::MachineAttr machine(mlir::MLIRContext *context,
                                     const Architecture &known) {
    bool ampere = known.limits.capability >= 80;
    // 48 KiB of shared memory are what any block may declare.
    // A load moves up to 128 bits of one thread; a thread has at most 255
    // registers of 32 bits.
    return kernel::MachineAttr::get(
        context, known.name, "nvptx64-nvidia-cuda", known.name, known.ptx,
        /*vectorBits=*/128, /*vectorRegisters=*/32, /*masks=*/false,
        /*laneBroadcast=*/false, /*l1=*/128 << 10, known.l2,
        kernel::DotForm::words, /*dotIntrinsic=*/"", /*tileIntrinsics=*/"",
        /*bf16Intrinsic=*/"", /*byteIntrinsic=*/"", /*warp=*/32,
        /*sharedBytes=*/48 << 10,
        /*asyncCopies=*/ampere, /*tensorCores=*/ampere);
  }
};
} // namespace

namespace ingot {
std::unique_ptr<Target> create_nvptx_target() {
  return std::make_unique<NvptxTarget>();
}
} // namespace ingot
