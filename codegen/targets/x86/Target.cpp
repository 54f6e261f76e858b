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

/// What the generated code may use.
struct Features {
  int level = 3;
  bool vnni = false;
  /// Sums of products of bf16.
  bool bf16 = false;
  /// Tile registers; vectors then have sums of products too.
  bool amx = false;
  std::string name() const;
};

struct Feature {
  llvm::StringLiteral name, llvm;
  /// The level it builds on.
  int level;
  bool Features::*member;
};
constexpr Feature features[] = {
    {"avxvnni", "+avxvnni", 3, &Features::vnni},
    {"vnni", "+avx512vnni", 4, &Features::vnni},
    {"bf16", "+avx512bf16", 4, &Features::bf16},
    {"amx", "+amx-tile,+amx-int8", 4, &Features::amx}};

std::string Features::name() const {
  std::string result = level >= 4 ? "x86-64-v4" : "x86-64-v3";
  for (const Feature &feature : features)
    if (feature.level == level && this->*feature.member)
      result += ("+" + feature.name).str();
  return result;
}

class X86Target : public Target {
public:
  kernel::MachineAttr describe(llvm::StringRef spec, llvm::StringRef cpu,
                               mlir::MLIRContext *context,
                               std::string &error) const override {
    llvm::SmallVector<llvm::StringRef> parts;
    spec.split(parts, '+');
    if (!parts[0].starts_with("x86"))
      return {};
    Features has;
    has.level = parts[0] == "x86-64-v3" ? 3 : parts[0] == "x86-64-v4" ? 4 : 0;
    if (!has.level) {
      error =
          "unknown target '" + parts[0].str() + "'; accepted: " + help().str();
      return {};
    }
    for (llvm::StringRef part : llvm::drop_begin(parts)) {
      const Feature *known = llvm::find_if(features, [&](const Feature &f) {
        return f.name == part && f.level == has.level;
      });
      if (known == std::end(features)) {
        error = "unknown feature '" + part.str() + "' of " + parts[0].str() +
                "; accepted: " + help().str();
        return {};
      }
      has.*known->member = true;
    }
    has.vnni |= has.amx;
    // Processors with tiles have larger caches.
    if (has.amx)
      return machine(context, has, cpu.empty() ? "sapphirerapids" : cpu,
                     48 << 10, 2 << 20);
    return machine(context, has, cpu.empty() ? parts[0] : cpu, 32 << 10,
                   has.level >= 4 ? 1 << 20 : 512 << 10);
  }

  kernel::MachineAttr describeHost(mlir::MLIRContext *context) const override {
    HostCpu host = detectHostCpu();
    if (host.level < 3)
      return {};
    return machine(context,
                   {host.level >= 4 ? 4 : 3, host.vnni, host.bf16, host.amx},
                   host.tune, host.l1, host.l2);
  }

  kernel::MachineAttr describeLeast(llvm::StringRef arch,
                                    mlir::MLIRContext *context) const override {
    if (arch != "x86_64")
      return {};
    return kernel::MachineAttr::get(
        context, "x86-64", "x86_64-unknown-linux-gnu", "x86-64", "", 128, 16,
        /*masks=*/false, /*laneBroadcast=*/false, 32 << 10, 256 << 10,
        kernel::DotForm::lanes, "", "", "", "", /*warp=*/0,
        /*sharedBytes=*/0, /*asyncCopies=*/false, /*tensorCores=*/false);
  }

  llvm::StringRef help() const override {
    return "x86-64-v3[+avxvnni], x86-64-v4[+vnni][+bf16][+amx]";
  }

  void initializeLLVM() const override {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
  }

private:
  static llvm::StringRef dotIntrinsic(const Features &has) {
    if (has.vnni)
      return has.level >= 4 ? "llvm.x86.avx512.vpdpbusd.512"
                            : "llvm.x86.avx512.vpdpbusd.256";
    return has.level >= 4 ? "llvm.x86.avx512.pmaddw.d.512"
                          : "llvm.x86.avx2.pmadd.wd";
  }

  static kernel::MachineAttr machine(mlir::MLIRContext *context,
                                     const Features &has, llvm::StringRef tune,
                                     int64_t l1, int64_t l2) {
    bool wide = has.level >= 4;
    std::string list = level3.str();
    if (wide)
      list += "," + level4.str();
    for (const Feature &feature : features)
      if (feature.level == has.level && has.*feature.member)
        list += "," + feature.llvm.str();
    return kernel::MachineAttr::get(
        context, has.name(), "x86_64-unknown-linux-gnu", tune, list,
        wide ? 512 : 256, wide ? 32 : 16, /*masks=*/wide,
        /*laneBroadcast=*/false, l1, l2,
        has.vnni ? kernel::DotForm::vnni : kernel::DotForm::pairs,
        dotIntrinsic(has),
        /*tileIntrinsics=*/has.amx ? "llvm.x86" : "",
        has.bf16 ? "llvm.x86.avx512bf16.dpbf16ps.512" : "",
        wide ? "llvm.x86.avx512.pmaddubs.w.512" : "llvm.x86.avx2.pmadd.ub.sw",
        /*warp=*/0,
        /*sharedBytes=*/0, /*asyncCopies=*/false, /*tensorCores=*/false);
  }
};
} // namespace

namespace ingot {
std::unique_ptr<Target> create_x86_target() {
  return std::make_unique<X86Target>();
}
} // namespace ingot
