//===- KernelContext.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What all emitters share while one kernel.func becomes a machine-code
// function: its operands as pointers with strides, its symbols as values, and
// loads and stores of one element, a vector, or a gathered vector.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_LOOP_KERNELCONTEXT_H
#define INGOT_CODEGEN_LOOP_KERNELCONTEXT_H

#include "dialects/kernel/Kernel.h"
#include "dialects/onnx/Dims.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

namespace ingot {

/// A value of the vectorised body: the same for all lanes, or `value + step *
/// lane` (integers only), or different per lane (a vector).
struct LaneValue {
  enum Kind { Uniform, Linear, Varying } kind = Uniform;
  mlir::Value value;
  int64_t step = 0;

  static LaneValue uniform(mlir::Value v) { return {Uniform, v, 0}; }
  static LaneValue varying(mlir::Value v) { return {Varying, v, 0}; }
  static LaneValue linear(mlir::Value v, int64_t step) {
    return step == 0 ? uniform(v) : LaneValue{Linear, v, step};
  }
  bool isUniform() const { return kind == Uniform; }
};

/// How many elements are worked on together. `mask` is null when all are
/// live, else a vector<width x i1>. Width 1: plain scalar code.
struct Lanes {
  int64_t width = 1;
  mlir::Value mask;
};

/// The threads of a machine with warps that do one work item together: they
/// share out its innermost loop. A warp or less, or a whole block.
struct Team {
  int64_t size = 1; ///< a power of two
  mlir::Value rank; ///< of this thread, index; null in a team of one
  /// Blocks, each a team, that share the reduction of an item; the item and
  /// the number of this block among them, index. Afterwards, whether this is
  /// the one that has the result, i1.
  int64_t blocks = 1;
  mlir::Value item, block, isLast;
  /// Of warp::SharedSums.
  mlir::Value counters, room;
};

/// Where a tensor lies: pointer to its first element, its element type as in
/// the tensor type, and the distance in elements between neighbours along each
/// dimension.
struct BufferRef {
  mlir::Value pointer;
  mlir::Type elementType;
  llvm::SmallVector<mlir::AffineExpr, 6> strides;
  /// Bytes that the pointer is known to be a multiple of, wherever the tensor
  /// is placed; 0 where nobody asked.
  int64_t alignment = 0;
};

/// The type an element has in memory: bool as a byte, unsigned as signless.
mlir::Type storageType(mlir::Type elementType);

/// Bytes of one element in memory; 0 for types that have no fixed size.
int64_t storageBytes(mlir::Type elementType);

/// Row-major strides of a tensor with those dims.
llvm::SmallVector<mlir::AffineExpr, 6>
rowMajorStrides(llvm::ArrayRef<mlir::AffineExpr> dims, mlir::MLIRContext *ctx);

/// The symbols that occur in an expression, added to `symbols` once each.
void collectSymbols(mlir::AffineExpr expr,
                    llvm::SetVector<mlir::AffineExpr> &symbols);

/// A size, counting each of its symbols as `assumed`.
int64_t estimate(mlir::AffineExpr expr, int64_t assumed);

class KernelContext {
public:
  KernelContext(kernel::MachineAttr machine) : machine(machine) {}

  kernel::MachineAttr machine;
  Team team;
  /// Pointer to the int64_t status of the run.
  mlir::Value status;
  /// Value of each symbol, defined at the entry of the function.
  llvm::DenseMap<mlir::AffineExpr, mlir::Value> symbols;
  /// Where each tensor value of the kernel lies.
  llvm::DenseMap<mlir::Value, BufferRef> buffers;

  /// The value of a size expression, as index. Static sizes are constants.
  mlir::Value expand(mlir::OpBuilder &b, mlir::Location loc,
                     mlir::AffineExpr expr);

  /// A copy of a scalar defined in the kernel outside of its loops: a constant,
  /// or a cast of one.
  mlir::Value importScalar(mlir::OpBuilder &b, mlir::Value scalar);

  /// The buffer of a tensor, following kernel.view.
  BufferRef lookup(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor);

  /// An i64 or index value as a vector of lanes.
  mlir::Value materialize(mlir::OpBuilder &b, mlir::Location loc,
                          const LaneValue &v, int64_t width);

  /// sum of indices[i] * strides[i], as an element offset.
  LaneValue offset(mlir::OpBuilder &b, mlir::Location loc,
                   llvm::ArrayRef<LaneValue> indices,
                   llvm::ArrayRef<mlir::AffineExpr> strides, int64_t width);

  LaneValue add(mlir::OpBuilder &b, mlir::Location loc, const LaneValue &x,
                const LaneValue &y, int64_t width);
  /// x * factor for a uniform factor; `constant` is its value if known.
  LaneValue mul(mlir::OpBuilder &b, mlir::Location loc, const LaneValue &x,
                mlir::Value factor, std::optional<int64_t> constant,
                int64_t width);

  /// Element(s) at an offset: a scalar for a uniform offset, else a vector.
  /// Bool comes as i1, unsigned as signless.
  LaneValue load(mlir::OpBuilder &b, mlir::Location loc, const BufferRef &from,
                 const LaneValue &offset, const Lanes &lanes);
  void store(mlir::OpBuilder &b, mlir::Location loc, const LaneValue &value,
             const BufferRef &to, const LaneValue &offset, const Lanes &lanes);

  /// A float or a vector of floats, as `type`, from where it is stored as
  /// `stored`: f16 and bf16 are widened. `mask` tells which lanes to load,
  /// null: all; the others are zero.
  mlir::Value loadFloats(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Type stored, mlir::Type type,
                         mlir::Value pointer, mlir::Value mask = {});

  /// The address of element `offset` (index) of a buffer.
  mlir::Value address(mlir::OpBuilder &b, mlir::Location loc,
                      const BufferRef &buffer, mlir::Value offset);

  /// Sets the run's status to `code` when `condition` holds in a live lane.
  void fault(mlir::OpBuilder &b, mlir::Location loc, const LaneValue &condition,
             int64_t code, const Lanes &lanes);
};

} // namespace ingot

#endif // INGOT_CODEGEN_LOOP_KERNELCONTEXT_H
