//===- EmitKernels.h -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From kernels and launches to LLVM-dialect functions and the tables of one
// model.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_CODEGEN_EMITKERNELS_H
#define INGOT_CODEGEN_EMITKERNELS_H

#include "dialects/kernel/Kernel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <unordered_map>
#include <vector>

namespace ingot {

/// One input or output of the model; a dimension is an expression over the
/// model's symbols.
struct ModelTensor {
  std::string name;
  mlir::RankedTensorType type;
};

/// A launch, in order, for reports and profiles.
struct ModelLaunch {
  std::string kernel;
  std::string nodes;
};

/// How a kernel is launched on a machine of very many threads: fields of
/// IngotGpuKernel (lib/Runtime/ModelAbi.h).
struct GridShape {
  int64_t block = 128;
  int64_t cluster = 1;
  /// Bytes of shared memory beyond what the kernel declares.
  int64_t shared = 0;
  int64_t blockItems = 128;
  int64_t persistent = 0;
  /// Words by which blocks that share a result meet, and bytes of what they
  /// hand each other there; see codegen/warp/SharedSums.h.
  int64_t counters = 0, sums = 0;
  /// What was decided about the kernel and why, for people; may be empty. Not
  /// in the attribute.
  std::string remark;
  /// Blocks that a multiprocessor should hold at least, which bounds registers;
  /// 0: as the translation to machine code likes. Not part of the attribute.
  int64_t resident = 0;
  /// Given to emitters: whether a symbolic number of rows counts as large. They
  /// set `symbolicRows` if it matters which. Neither is part of the attribute.
  bool manyRows = false;
  mlir::AffineExpr symbolicRows;
  /// The least number of rows that is large.
  int64_t leastMany = 256;

  mlir::Attribute toAttr(mlir::MLIRContext *context) const;
  static GridShape fromAttr(mlir::Attribute attr);
};

/// A tensor whose boxes an engine of the machine copies into shared memory: a
/// parameter of its own after the number of work items. The fields of
/// IngotGpuTensorMap.
struct TensorMap {
  /// The parameter that holds the address of the tensor; bytes from there to
  /// the first element.
  int64_t slot = 0;
  mlir::AffineExpr offset;
  mlir::Type element;
  /// Innermost first; bytes from neighbour to neighbour along all others.
  llvm::SmallVector<mlir::AffineExpr, 5> dims, strides;
  /// Elements of a box. Its rows take 128, 64 or 32 bytes and are swizzled over
  /// as many. Of a window: channels, and pixels.
  llvm::SmallVector<int64_t, 5> box;
  /// Where the first tap of a convolution may be along its dimensions, which
  /// are those between the channels and the images, innermost first: from how
  /// far after the first pixel to how far after the last one, in which steps.
  /// Empty: no window, but boxes.
  struct Window {
    llvm::SmallVector<int64_t, 3> lower, upper, steps;
  } window;

  mlir::Attribute toAttr() const;
  static TensorMap fromAttr(mlir::Attribute attr);
};

/// Numbers of a TensorMap as IngotGpuTensorMap has them: the offset, the sizes,
/// the strides; -k is what slot k of the launch holds.
struct ModelTensorMap {
  TensorMap map;
  std::vector<int64_t> numbers;
};

/// A kernel for such a machine, as the driver launches it.
struct ModelKernel {
  std::string name;
  GridShape shape;
  /// Its parameters without the number of work items and tensor maps.
  int64_t slots = 0;
  std::vector<ModelTensorMap> maps;
};

/// A constant and where it lies in the weights of the artifact.
struct ModelWeight {
  mlir::ElementsAttr value;
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

/// The bytes of a constant that is held as a resource; none for others.
std::optional<llvm::ArrayRef<char>> resourceBytes(mlir::ElementsAttr value);

/// Everything the artifact says of a model besides code.
struct ModelTables {
  std::vector<ModelTensor> inputs, outputs;
  /// Symbols of the input shapes, in order of appearance.
  std::vector<mlir::AffineExpr> symbols;
  std::vector<ModelLaunch> launches;
  /// Kernels that are launched by a record, not by their address.
  std::vector<ModelKernel> records;
  std::vector<ModelWeight> weights;
  uint64_t weightBytes = 0;
  /// Indices of weights by a hash of their bytes: equal ones are stored once,
  /// also where targets of one artifact have made them separately.
  std::unordered_multimap<uint64_t, size_t> weightsByHash;
  /// Bytes of arena and their liveness lower bound.
  mlir::AffineExpr arena, arenaLowerBound;
  size_t kernels = 0;
};

/// Turns every kernel.func of the module into an llvm.func of the form
/// IngotKernelFn, with its loops, or, for a machine with warps, into an entry
/// whose parameters are the slots and the number of items. Errors name the ONNX
/// nodes. With `remarks` they are told how their kernels were chosen.
mlir::LogicalResult emitKernels(mlir::ModuleOp module, bool remarks = false);

/// Turns the module's function with its launches (memory planned) into
/// `ingot_gen_run`, `ingot_gen_arena_bytes` and `ingot_gen_output_shapes`, and
/// fills the tables.
mlir::LogicalResult emitDriver(mlir::ModuleOp module, ModelTables &tables);

/// Attributes on an emitted kernel: the number of work items, and the symbols
/// whose values follow the pointers in its argument slots.
inline constexpr llvm::StringLiteral workAttrName = "ingot.work";
inline constexpr llvm::StringLiteral symbolsAttrName = "ingot.symbols";
/// Its GridShape, for a machine with warps.
inline constexpr llvm::StringLiteral gridAttrName = "ingot.grid";
/// Its TensorMaps, an array.
inline constexpr llvm::StringLiteral tensorMapsAttrName = "ingot.tensor_maps";
/// Of a kernel with a symbolic number of rows that has another form for many:
/// its name, the number of rows, and the least that count as many.
inline constexpr llvm::StringLiteral manyRowsAttrName = "ingot.many_rows";
/// Names of the records that stand for such kernels in the driver.
std::string recordName(llvm::StringRef kernel);

} // namespace ingot

#endif // INGOT_CODEGEN_EMITKERNELS_H
