//===- ScalarProgram.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The body of a linalg.generic or kernel.foreach as a list of steps over
// numbered slots, which the compiler runs itself to fold constants. A value is
// the raw bits of its type, so the result has the bits that the compiled body
// computes.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_GRAPH_SCALARPROGRAM_H
#define INGOT_PASSES_GRAPH_SCALARPROGRAM_H

#include "passes/graph/TensorData.h"

#include "mlir/IR/Block.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/DenseMap.h"

#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace ingot::graph {

struct Step;
/// Computes a value from slots; sets `failed` where the operation has no
/// defined result (division by zero, a float that fits no integer).
using StepFunction = uint64_t (*)(const Step &step, const uint64_t *slots,
                                  bool &failed);

struct Step {
  enum Kind : uint8_t {
    Apply,      ///< slots[result] = function(step, slots)
    Copy,       ///< slots[result] = slots[a]
    Load,       ///< slots[result] = the element of access a
    Store,      ///< the element of access a = slots[b]
    Fault,      ///< gives up if slots[a]
    Jump,       ///< goes on at step b
    JumpUnless, ///< goes on at step b if not slots[a]
  };
  Kind kind = Apply;
  uint8_t width = 64;       ///< bits of the operands
  uint8_t resultWidth = 64; ///< bits of the result
  uint8_t predicate = 0;    ///< of a comparison
  uint32_t result = 0, a = 0, b = 0, c = 0;
  StepFunction function = nullptr;
  /// Formats that a float conversion goes between.
  const llvm::fltSemantics *from = nullptr, *to = nullptr;
};

/// How values are held in slots. In a float reduction, f32 is held as f64 and
/// rounded once at the end: more exact than any order of summation in f32.
struct SlotFormat {
  bool widenSingle = false;
  /// The format of a float type's values in slots.
  const llvm::fltSemantics *semantics(mlir::FloatType type) const;
};

/// The step that computes a scalar op's result, slots not yet filled in; none
/// if the op is not known to have the same bits here and in compiled code.
std::optional<Step> scalarStep(mlir::Operation *op, SlotFormat format);

/// The value of an arith.constant as it is held in a slot.
std::optional<uint64_t> scalarConstant(mlir::Operation *op, SlotFormat format);

class ScalarProgram {
public:
  /// `tensorOf` gives the elements of a tensor that the body reads or writes;
  /// null where they are not known.
  using TensorLookup = std::function<TensorData *(mlir::Value)>;
  ScalarProgram(TensorLookup tensorOf, SlotFormat format = {})
      : tensorOf(std::move(tensorOf)), format(format) {}

  /// A new slot for a value that the caller sets. `varies`: not the same at
  /// every point of the loops.
  uint32_t bind(mlir::Value value, bool varies = true);
  /// The slot that linalg.index of that loop reads.
  uint32_t bindIndex(unsigned loop);

  /// Translates the ops of a body (all but its terminator) or one op; those of
  /// straight code that do not vary run only once.
  mlir::LogicalResult compile(mlir::Block &body);
  mlir::LogicalResult compileOp(mlir::Operation *op);
  /// The slot that holds a value. If none does so far, translates what
  /// computes it, which must not be control flow.
  std::optional<uint32_t> use(mlir::Value value);

  bool varies(uint32_t slot) const { return varying[slot]; }
  uint64_t &slot(uint32_t number) { return slots[number]; }
  int64_t numSteps() const { return int64_t(steps.size()); }
  /// True if a kernel.fault must be tested at every point.
  bool faultVaries() const;
  llvm::StringRef failureReason() const { return reason; }

  /// Runs what does not vary, then (per point) the rest. False: the body did
  /// something without a defined result, or ran out of `budget` steps.
  bool runOnce() { return run(once); }
  bool runPoint() { return run(steps); }
  int64_t budget = std::numeric_limits<int64_t>::max();

private:
  /// The element that a step reads or writes.
  struct Access {
    TensorData *tensor;
    llvm::SmallVector<uint32_t, 4> indices;
  };
  bool run(llvm::ArrayRef<Step> code);
  mlir::LogicalResult fail(mlir::Operation *op);
  mlir::LogicalResult compileLoad(mlir::Operation *op);
  mlir::LogicalResult compileStore(mlir::Operation *op);
  mlir::LogicalResult compileFor(mlir::Operation *op);
  mlir::LogicalResult compileWhile(mlir::Operation *op);
  mlir::LogicalResult compileIf(mlir::Operation *op);
  using Slots = llvm::SmallVector<uint32_t, 4>;
  mlir::FailureOr<Slots> useAll(mlir::ValueRange values);
  /// New slots for values, and copies of values into slots, all at once.
  Slots bindAll(mlir::ValueRange values);
  mlir::LogicalResult copyInto(const Slots &to, mlir::ValueRange from);
  uint32_t newSlot(uint64_t bits = 0, bool varies = true);
  void emit(Step step, bool varies);
  bool elementAt(const Access &access, int64_t &at) const;
  /// Emits a jump and returns its number, for its target to be set later.
  size_t emitJump(Step::Kind kind, uint32_t condition = 0);
  void land(size_t jump);

  TensorLookup tensorOf;
  SlotFormat format;
  std::vector<uint64_t> slots;
  std::vector<bool> varying;
  llvm::DenseMap<mlir::Value, uint32_t> numbers;
  llvm::DenseMap<unsigned, uint32_t> indexSlots;
  std::vector<Access> accesses;
  std::vector<Step> once, steps;
  /// Inside scf control flow, where nothing may run ahead of its turn.
  unsigned depth = 0;
  std::string reason;
};

} // namespace ingot::graph

#endif // INGOT_PASSES_GRAPH_SCALARPROGRAM_H
