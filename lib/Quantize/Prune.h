//===- Prune.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Pruning: setting the weights of smallest magnitude to zero.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_QUANTIZE_PRUNE_H
#define INGOT_LIB_QUANTIZE_PRUNE_H

#include "lib/Quantize/ChannelLayout.h"

namespace ingot::quantize {

/// Sets the fraction of smallest |w| to 0 (S. Han et al., "Learning both
/// weights and connections for efficient neural networks", NIPS 2015): of each
/// tensor, or of all together if `isGlobal`. Exactly round(fraction * elements)
/// are zero afterwards, unless more were before; of equal magnitudes the
/// earlier go first. Returns the number of zeros. Error: a fraction outside [0,
/// 1], NaN or infinity; nothing is changed.
llvm::Expected<int64_t>
pruneMagnitude(llvm::MutableArrayRef<llvm::MutableArrayRef<float>> tensors,
               double fraction, bool isGlobal);

/// Keeps the two largest of every four successive channels of the view, as
/// sparse tensor cores need it (A. Mishra et al., "Accelerating sparse deep
/// neural networks", 2021). Channels that are left over stay as they are.
/// Returns the number of zeros. Error: NaN or infinity.
llvm::Expected<int64_t> pruneTwoOfFour(llvm::MutableArrayRef<float> weights,
                                       ChannelView view);

/// Whether at most two of every four successive channels differ from 0. False
/// for fewer than four channels.
bool isTwoOfFour(llvm::ArrayRef<float> weights, ChannelView view);

/// Puts the zeros of `pruned` into `weights`: keeps a pruning when the weights
/// are changed otherwise.
void applyZeros(llvm::ArrayRef<float> pruned,
                llvm::MutableArrayRef<float> weights);

} // namespace ingot::quantize

#endif // INGOT_LIB_QUANTIZE_PRUNE_H
