//===- SampleSource.h - data to quantize with -------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Samples one at a time, whatever they come from: of files only what is at
// work is in memory.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_SAMPLESOURCE_H
#define INGOT_TOOLS_INGOT_SAMPLESOURCE_H

#include "tools/ingot/Options.h"
#include "tools/ingot/Session.h"

namespace ingot {

/// The samples that the command line names, in an order that depends on --seed
/// alone, since data sets are often sorted by class.
class SampleSource {
public:
  /// `inputs` are the model's, with -1 for sizes that it leaves open.
  static llvm::Expected<SampleSource>
  open(const Options &options, const std::vector<TensorFacts> &inputs);

  size_t size() const { return order.size(); }
  /// Sample number `i`: the model's inputs in order, checked.
  llvm::Expected<std::vector<Tensor>> read(size_t i);
  /// Its position in the data, as --labels counts them.
  size_t position(size_t i) const { return order[i]; }
  /// Where it comes from, for messages.
  std::string describe(size_t i) const;
  bool isRandom() const { return random; }
  /// Changes with the data's names, sizes and order, for resuming.
  std::string fingerprint() const;

private:
  enum class Kind { Archive, Folder, Image, Random };
  /// A file or folder, and the samples in it.
  struct Item {
    Kind kind;
    std::string path;
    size_t first, count;
  };

  llvm::Error addPath(llvm::StringRef path);
  llvm::Error addFolder(llvm::StringRef path);
  llvm::Error addArchive(llvm::StringRef path);
  llvm::Error addImage(llvm::StringRef path);
  void addItem(Kind kind, llvm::StringRef path, size_t count);
  const Item &itemOf(size_t position) const;
  llvm::Error loadArchive(llvm::StringRef path);
  llvm::Expected<size_t> countSlices(llvm::StringRef path) const;
  llvm::Expected<std::vector<Tensor>> sliceArchive(const Item &item,
                                                   size_t index);
  llvm::Expected<std::vector<Tensor>> readFolder(const Item &item) const;
  llvm::Expected<std::vector<Tensor>> readImage(const Item &item) const;
  std::vector<Tensor> makeUp(size_t position) const;
  llvm::Error check(std::vector<Tensor> &sample, size_t i) const;

  Options options;
  std::vector<TensorFacts> inputs;
  std::vector<Item> items;
  std::vector<size_t> order;
  bool random = false;
  /// The arrays of the archive at work, in the order of the inputs.
  std::string loadedPath;
  std::vector<Tensor> loaded;
};

/// Reads the class of each sample.
llvm::Expected<std::vector<int64_t>> readLabels(llvm::StringRef path);

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_SAMPLESOURCE_H
