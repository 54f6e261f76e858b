//===- Session.h - a loaded artifact ----------------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An artifact ready to run, in this process or, when it is for another kind of
// processor, in an emulated one.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_SESSION_H
#define INGOT_TOOLS_INGOT_SESSION_H

#include "lib/Tensors/Tensor.h"

#include "llvm/Support/Error.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ingot {

/// An input or output; negative dimensions as in ingot_tensor_info.
struct TensorFacts {
  std::string name;
  int32_t dtype = 0;
  std::vector<int64_t> dims;
};

/// Everything an artifact says of itself.
struct ModelFacts {
  std::string name, version, target, hash, features, precision;
  uint64_t weightBytes = 0, codeBytes = 0, arenaBytes = 0, arenaLowerBound = 0;
  std::vector<TensorFacts> inputs, outputs;
  std::vector<std::string> symbols;
  /// Kernel and ONNX nodes of every launch.
  std::vector<std::pair<std::string, std::string>> launches;
  /// Why better targets of the artifact are not used; "" if none is better.
  std::string fallback;

  /// "x float[N,3,4]" of an input.
  std::string print(const TensorFacts &tensor) const;
  /// How many different kernels there are.
  size_t countKernels() const;
};

struct SessionOptions {
  unsigned threads = 0;
  std::string qemuCpu;
};

class Session {
public:
  virtual ~Session() = default;
  const ModelFacts &facts() const { return info; }
  /// Binds inputs, which must outlive the runs, and makes room for outputs.
  virtual llvm::Error prepare(const std::vector<Tensor> &inputs) = 0;
  virtual llvm::Error run() = 0;
  const std::vector<Tensor> &outputs() const { return results; }
  virtual bool isEmulated() const = 0;
  /// Turns the timing of launches on or off, and reads it: nanoseconds.
  virtual llvm::Error enableProfile(bool enable) = 0;
  virtual llvm::Expected<std::vector<uint64_t>> readProfile() = 0;
  /// Threads at work, and bytes of arena in use.
  virtual unsigned threads() const = 0;
  virtual uint64_t arenaBytes() const = 0;

protected:
  ModelFacts info;
  std::vector<Tensor> results;
};

/// The kind of processor that a file is a library for ("x86_64", "aarch64",
/// "another"), or nothing if it is no ELF file.
std::optional<std::string> artifactArch(llvm::StringRef path);

/// The kind of processor that this process runs on.
llvm::StringRef hostArch();

/// Loads an artifact, here or in an emulator, as its kind of processor asks.
llvm::Expected<std::unique_ptr<Session>>
openSession(llvm::StringRef path, const SessionOptions &options);

/// The two ways.
llvm::Expected<std::unique_ptr<Session>>
openNative(llvm::StringRef path, const SessionOptions &options);
llvm::Expected<std::unique_ptr<Session>>
openEmulated(llvm::StringRef path, llvm::StringRef arch,
             const SessionOptions &options);

/// Says on standard error that a better target of the artifact cannot run here,
/// if that is so and allowed.
llvm::Error acceptFallback(const ModelFacts &facts, bool isAllowed,
                           bool isQuiet);

/// An error of the runtime, whose text has a code already.
llvm::Error runtimeError(llvm::StringRef text);

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_SESSION_H
