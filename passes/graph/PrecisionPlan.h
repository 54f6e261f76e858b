//===- PrecisionPlan.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which f32 values of a model go through memory as f16 or bf16, and why others
// do not. Nothing is changed here; ingot-assign-precision does that.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_GRAPH_PRECISIONPLAN_H
#define INGOT_PASSES_GRAPH_PRECISIONPLAN_H

#include "passes/graph/TensorData.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

#include <string>

namespace ingot::graph {

/// On an op: the largest magnitude of each of its results over the calibration
/// data, as an array of f64; NaN where there is none.
constexpr llvm::StringLiteral rangeAttrName = "ingot.max_abs";

/// What the user asked for.
enum class Precision { F16, Bf16, Auto };

/// What an op does with operands in half precision.
enum class HalfUse {
  Computes, ///< reads them through a conversion and works in f32
  Follows,  ///< its results are stored as its data is: it moves or selects it
  Ignores,  ///< looks at the shape alone
  Opaque,   ///< has no such form
};
HalfUse halfUseOf(mlir::Operation *op);

/// The operands of an op that Follows which its results are made of.
llvm::SmallVector<mlir::OpOperand *> dataOperands(mlir::Operation *op);

/// What a value, or a constant operand, is stored as.
struct Storage {
  /// f16 or bf16; null for f32.
  mlir::FloatType type;
  /// Why not half precision, or, for "auto", why this one.
  std::string reason;
  /// Of weights: the rounding error relative to their norm.
  double error = 0;
};

class PrecisionPlan {
public:
  PrecisionPlan(mlir::func::FuncOp function, Precision wanted);

  /// The storage of a result of an op of the function, or of a constant that
  /// an op which Follows moves; null if it is no f32 tensor.
  const Storage *find(mlir::Value value) const;
  /// Constant operands that may be stored in half precision.
  const llvm::MapVector<mlir::OpOperand *, Storage> &weights() const {
    return constants;
  }
  /// Values (constant operands) in half precision, and all there are.
  size_t halfValues() const;
  size_t halfWeights() const;
  size_t countValues() const { return classes.size(); }

private:
  /// Values that are stored alike, since ops that Follow connect them.
  struct Class {
    llvm::SmallVector<mlir::Value> members;
    /// Those that are computed, rather than moved.
    size_t computed = 0;
    std::optional<double> maxAbs;
    double elements = 0;
    Storage storage;
    bool isBlocked() const { return !storage.reason.empty(); }
  };
  /// A choice between bf16 and f32 that the error decides.
  struct Candidate {
    Storage *storage;
    /// In the order of the model.
    size_t number;
    /// What bf16 saves.
    double bytes;
    /// Square of the relative rounding error.
    double error;
  };

  void collect();
  std::string whyBlocked(mlir::Value value) const;
  void chooseValues();
  void chooseWeights();
  void chooseWeight(Storage &storage, const TensorData &data);
  void spend();

  mlir::func::FuncOp function;
  Precision wanted;
  mlir::FloatType f16, bf16;
  std::vector<Class> classes;
  llvm::DenseMap<mlir::Value, size_t> classOf;
  llvm::MapVector<mlir::OpOperand *, Storage> constants;
  std::vector<Candidate> candidates;
  /// Sum of the squares of the rounding errors so far.
  double spent = 0;
};

/// The tensor rounded to another float type.
TensorData roundedTo(const TensorData &data, mlir::FloatType type);

} // namespace ingot::graph

#endif // INGOT_PASSES_GRAPH_PRECISIONPLAN_H
