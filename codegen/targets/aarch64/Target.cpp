//===- Target.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/Target.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/TargetSelect.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

using namespace ingot;

namespace {
/// Features beyond the ARMv8-A baseline that --target may add, as users name
/// them and as LLVM does.
struct Feature {
  llvm::StringLiteral name, llvm;
};
constexpr Feature features[] = {{"dotprod", "+dotprod"},
                                {"i8mm", "+i8mm"},
                                {"fp16", "+fullfp16"},
                                {"bf16", "+bf16"}};

class AArch64Target : public Target {
public:
  kernel::MachineAttr describe(llvm::StringRef spec, llvm::StringRef cpu,
                               mlir::MLIRContext *context,
                               std::string &error) const override {
    llvm::SmallVector<llvm::StringRef> parts;
    spec.split(parts, '+');
    if (parts[0] != "aarch64")
      return {};
    std::string list = "+neon";
    for (llvm::StringRef part : llvm::drop_begin(parts)) {
      const Feature *known = llvm::find_if(
          features, [&](const Feature &f) { return f.name == part; });
      if (known == std::end(features)) {
        error =
            "unknown feature '" + part.str() + "'; accepted: " + help().str();
        return {};
      }
      list += "," + known->llvm.str();
    }
    return machine(context, spec, cpu, list);
  }

  kernel::MachineAttr describeHost(mlir::MLIRContext *context) const override {
#if defined(__aarch64__)
    return machine(context, "aarch64", "", "+neon");
#else
    (void)context;
    return {};
#endif
  }

  kernel::MachineAttr describeLeast(llvm::StringRef arch,
                                    mlir::MLIRContext *context) const override {
    return arch == "aarch64" ? machine(context, "aarch64", "", "+neon")
                             : kernel::MachineAttr();
  }

  llvm::StringRef help() const override {
    return "aarch64[+dotprod+i8mm+fp16+bf16]";
  }

  void initializeLLVM() const override {
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    LLVMInitializeAArch64AsmParser();
  }

private:
  static kernel::MachineAttr machine(mlir::MLIRContext *context,
                                     llvm::StringRef name, llvm::StringRef cpu,
                                     llvm::StringRef features) {
    // cortex-a72's scheduling model spills in none of the register tiles;
    // newer cores' models hoist loads until registers run out.
    kernel::DotForm dot = kernel::DotForm::lanes;
    llvm::StringRef intrinsic;
    if (features.contains("+i8mm")) {
      dot = kernel::DotForm::smmla;
      intrinsic = "llvm.aarch64.neon.smmla.v4i32.v16i8";
    } else if (features.contains("+dotprod")) {
      dot = kernel::DotForm::sdot;
      intrinsic = "llvm.aarch64.neon.sdot.v4i32.v16i8";
    }
    return kernel::MachineAttr::get(
        context, name, "aarch64-unknown-linux-gnu",
        cpu.empty() ? "cortex-a72" : cpu, features, /*vectorBits=*/128,
        /*vectorRegisters=*/32, /*masks=*/false, /*laneBroadcast=*/true,
        32 << 10, 512 << 10, dot, intrinsic,
        /*tileIntrinsics=*/"", /*bf16Intrinsic=*/"", /*byteIntrinsic=*/"",
        /*warp=*/0,
        /*sharedBytes=*/0, /*asyncCopies=*/false, /*tensorCores=*/false);
  }
};
} // namespace

namespace ingot {
std::unique_ptr<Target> create_aarch64_target() {
  return std::make_unique<AArch64Target>();
}
} // namespace ingot
