//===- Lowering.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the lowerings of all families share: how to say "element (i, j) of the
// result is ..." and have a linalg.generic or kernel.foreach made of it.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_PASSES_TENSOR_LOWERING_H
#define INGOT_PASSES_TENSOR_LOWERING_H

#include "dialects/onnx/Dims.h"
#include "dialects/onnx/Scalar.h"
#include "passes/Passes.h"

#include "mlir/IR/PatternMatch.h"

namespace ingot {

using onnx::computeType;

/// Whether bodies can work on elements of that type: bool, 8 to 64-bit
/// integers, 16 to 64-bit floats.
bool isComputable(mlir::Type elementType);

/// An element as stored, in its compute type, and back (rounding floats to
/// nearest even).
mlir::Value toCompute(mlir::OpBuilder &b, mlir::Location loc, mlir::Value v);
mlir::Value fromCompute(mlir::OpBuilder &b, mlir::Location loc, mlir::Value v,
                        mlir::Type elementType);

/// Constants of index or any compute type.
mlir::Value indexConstant(mlir::OpBuilder &b, mlir::Location loc, int64_t v);
mlir::Value constantLike(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Type type, double v);
mlir::Value integerConstant(mlir::OpBuilder &b, mlir::Location loc,
                            mlir::Type type, int64_t v);
/// Identities of max and min: the least (most) value of a compute type.
mlir::Value lowestValue(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type,
                        bool isUnsigned = false);
mlir::Value highestValue(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Type type, bool isUnsigned = false);

/// A size as an index value: arith.constant, or kernel.extent if symbolic.
mlir::Value extent(mlir::OpBuilder &b, mlir::Location loc,
                   mlir::AffineExpr dim);
mlir::Value extent(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor,
                   int64_t axis);

/// A tensor with elements not yet computed.
mlir::Value emptyTensor(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::RankedTensorType type);

/// What the body of one element has at hand.
struct Body {
  mlir::OpBuilder &b;
  mlir::Location loc;
  /// Elements of the mapped operands, in their compute types (then, in a
  /// reduction, nothing else: accumulators are passed apart).
  llvm::SmallVector<mlir::Value> args;
  /// Set by moveElements: elements come in their moved types instead.
  bool moves = false;

  /// The index along loop dimension `d` (result dims first, then reduced).
  mlir::Value index(unsigned d);
  /// tensor[indices] in its compute type; indices must be in bounds.
  mlir::Value load(mlir::Value tensor, mlir::ValueRange indices);
  mlir::Value constant(int64_t v) { return indexConstant(b, loc, v); }
};

/// out[i...] = body(i...). Operands read through `maps` (affine in the loop
/// dimensions: d0.. of the result) fuse and vectorise best; use body.load for
/// the rest. `maps` empty: no mapped operands. The body returns the value in
/// the compute type of out's element type.
mlir::Value compute(mlir::OpBuilder &b, mlir::Location loc,
                    mlir::RankedTensorType out, mlir::ValueRange ins,
                    llvm::ArrayRef<mlir::AffineMap> maps,
                    llvm::function_ref<mlir::Value(Body &)> body);

/// The same without mapped operands.
mlir::Value compute(mlir::OpBuilder &b, mlir::Location loc,
                    mlir::RankedTensorType out,
                    llvm::function_ref<mlir::Value(Body &)> body);

/// The type that elements are moved in: the element type itself, unsigned
/// integers as signless ones.
mlir::Type movedType(mlir::Type elementType);

/// compute() for bodies that only choose among elements: they, and the value
/// the body returns, have their moved types, so that every bit of a narrow
/// float stays and none is converted.
mlir::Value moveElements(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::RankedTensorType out, mlir::ValueRange ins,
                         llvm::ArrayRef<mlir::AffineMap> maps,
                         llvm::function_ref<mlir::Value(Body &)> body);

/// out[i...] = in[map(i...)].
mlir::Value moveElements(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::RankedTensorType out, mlir::Value in,
                         mlir::AffineMap map);

/// out[i...] = fold of body(i..., r..., accumulator) over the reduced
/// dimensions r (sizes `reduced`), starting with `init` (an element of type
/// `out`'s compute type). Loop dimensions are the result's, then the reduced
/// ones; `maps` are over all of them. Accumulates in out's element type, so
/// pass an f32 `out` for half-precision sums and convert afterwards.
mlir::Value
reduce(mlir::OpBuilder &b, mlir::Location loc, mlir::RankedTensorType out,
       llvm::ArrayRef<mlir::AffineExpr> reduced, mlir::ValueRange ins,
       llvm::ArrayRef<mlir::AffineMap> maps, mlir::Value init,
       llvm::function_ref<mlir::Value(Body &, mlir::Value accumulator)> body);

/// The same with several results accumulated together (arg-reductions).
mlir::SmallVector<mlir::Value>
reduceMany(mlir::OpBuilder &b, mlir::Location loc,
           llvm::ArrayRef<mlir::RankedTensorType> outs,
           llvm::ArrayRef<mlir::AffineExpr> reduced, mlir::ValueRange ins,
           llvm::ArrayRef<mlir::AffineMap> maps, mlir::ValueRange inits,
           llvm::function_ref<llvm::SmallVector<mlir::Value>(
               Body &, mlir::ValueRange accumulators)>
               body);

/// kernel.foreach over `extents`: body gets the builder, the indices and the
/// handles of the results, each of which starts as its init (pass
/// emptyTensor(...) for undefined).
mlir::SmallVector<mlir::Value> foreach (
    mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange inits,
    llvm::ArrayRef<mlir::AffineExpr> extents,
    llvm::function_ref<void(mlir::OpBuilder &, mlir::ValueRange indices,
                            mlir::ValueRange handles)>
        body);

/// The map that reads an operand of that shape, broadcast to a result of
/// `rank` dims (ONNX rules: trailing dims align, dims of constant size 1
/// repeat), as a map over `loops` loop dimensions (the result's come first).
mlir::AffineMap broadcastMap(mlir::RankedTensorType operand, int64_t rank,
                             int64_t loops);

/// The same where the result's shape is known: a dimension of size 1 that meets
/// size 1 in the result follows the loop, so that the map is the identity.
mlir::AffineMap broadcastMap(mlir::RankedTensorType operand,
                             mlir::RankedTensorType result, int64_t loops);

/// The tensor with the same elements in another shape (same element count and
/// order). Costs nothing.
mlir::Value reshape(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor,
                    mlir::RankedTensorType type);

/// The result type of an op as a ranked tensor type; null if it is unranked.
mlir::RankedTensorType rankedResult(mlir::Operation *op, unsigned i = 0);

/// Patterns of each family; implemented in lower/<Family>.cpp.
#define INGOT_ONNX_FAMILY(name)                                                \
  void populate##name##Patterns(mlir::RewritePatternSet &patterns);
#include "dialects/onnx/Families.def"
#undef INGOT_ONNX_FAMILY

/// All of them, and the one that serves every elementwise op.
void populateLoweringPatterns(mlir::RewritePatternSet &patterns);

} // namespace ingot

#endif // INGOT_PASSES_TENSOR_LOWERING_H
