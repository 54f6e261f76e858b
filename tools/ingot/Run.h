//===- Run.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_INGOT_RUN_H
#define INGOT_TOOLS_INGOT_RUN_H

#include <string>

namespace ingot {

/// Runs an artifact once on input_<i>.pb of one folder, and writes
/// output_<i>.pb into another. Prints what is wrong and returns false.
bool runArtifact(const std::string &path, const std::string &inputDir,
                 const std::string &outputDir);

} // namespace ingot

#endif // INGOT_TOOLS_INGOT_RUN_H
