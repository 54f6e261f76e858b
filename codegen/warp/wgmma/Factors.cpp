//===- Factors.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "codegen/warp/wgmma/Factors.h"
#include "codegen/Fp32Products.h"
#include "codegen/warp/wgmma/Taps.h"

using namespace mlir;
using namespace ingot;
using namespace ingot::warp;

constexpr size_t mostMapRank = 5;

bool warp::findMemory(const KernelContext &context, TensorMap &map,
                      Value tensor) {
  MLIRContext *ctx = tensor.getContext();
  map.offset = onnx::constantDim(0, ctx);
  while (auto view = tensor.getDefiningOp<kernel::ViewOp>()) {
    auto type = cast<TensorType>(view.getSource().getType());
    if (view.getOffset())
      map.offset = map.offset + view.getOffset()->getDims()[0] *
                                    storageBytes(type.getElementType());
    tensor = view.getSource();
  }
  auto buffer = context.buffers.find(tensor);
  auto parameter = buffer == context.buffers.end()
                       ? BlockArgument()
                       : dyn_cast<BlockArgument>(buffer->second.pointer);
  if (!parameter)
    return false;
  map.slot = parameter.getArgNumber();
  return true;
}

/// Completes the map of a matrix with the dimensions of a stack of them.
static bool describe(const KernelContext &context, Factor &factor, Value tensor,
                     ArrayRef<AffineExpr> dims, ArrayRef<AffineExpr> batch) {
  TensorMap &map = factor.map;
  int64_t bytes = storageBytes(map.element);
  if (!findMemory(context, map, tensor))
    return false;
  for (auto [i, stride] : llvm::enumerate(batch)) {
    if (onnx::constantValue(stride) == 0)
      continue;
    factor.batch.push_back(i);
    map.dims.push_back(dims[i]);
    map.strides.push_back(stride * bytes);
  }
  return map.dims.size() <= mostMapRank &&
         llvm::all_of(map.strides, [](AffineExpr stride) {
           return stride.isMultipleOf(mapBytes);
         });
}

AffineExpr warp::rowsOf(const MatrixProduct &product) {
  return product.rows ? product.rows : product.dims[product.dims.size() - 2];
}

StringRef warp::describeFactors(const KernelContext &context,
                                const BlockOperands &operands, Factor &left,
                                Factor &right) {
  const MatrixProduct &product = operands.matrices;
  Operation *root = operands.root;
  Type type = product.a.elementType;
  MLIRContext *ctx = root->getContext();
  bool isBytes = storageBytes(type) == 1;
  bool isTf32 = type.isF32() && product.b.elementType.isF32() &&
                fp32ProductsOf(root) == Fp32Products::Tf32;
  bool isHalf =
      type == product.b.elementType && (type.isF16() || type.isBF16());
  if ((isBytes || isTf32) && !operands.conv && !operands.byColumns)
    return "the right factor is none of constant rows for each column";
  if (!isHalf && (operands.conv || !(isBytes || isTf32)))
    return "the factors are not both f16 or both bf16";
  if (!product.a.alignment || product.a.alignment % mapBytes ||
      !product.b.alignment || product.b.alignment % mapBytes)
    return "a factor begins at no multiple of 16 bytes";
  int64_t bytes = storageBytes(type);
  AffineExpr rows = rowsOf(product);
  if (isBytes)
    type = IntegerType::get(ctx, 8);
  left.map.element = right.map.element = type;
  if (operands.conv)
    return describeTaps(context, operands, left, right);
  left.transposed = product.depthStride != 1;
  right.transposed = !operands.byColumns;
  if (operands.byColumns && left.transposed)
    return "rows of the left factor lie apart";
  if (left.transposed) {
    if (product.rowStride != onnx::constantDim(1, ctx))
      return "rows of the left factor lie apart";
    left.map.dims = {rows, product.depth};
    left.map.strides = {onnx::constantDim(product.depthStride * bytes, ctx)};
  } else {
    left.map.dims = {product.depth, rows};
    left.map.strides = {product.rowStride * bytes};
  }
  right.map.dims = {onnx::constantDim(product.n, ctx), product.depth};
  if (operands.byColumns)
    right.map.dims = {onnx::constantDim(operands.rightWidth, ctx),
                      onnx::constantDim(product.n, ctx)};
  right.map.strides = {onnx::constantDim(operands.rightWidth * bytes, ctx)};
  if (!describe(context, left, root->getOperand(0), product.dims,
                product.aBatch) ||
      !describe(context, right, root->getOperand(1), product.dims,
                product.bBatch))
    return "rows of a factor are no multiple of 16 bytes, or it has too many "
           "dimensions";
  return "";
}

Value warp::addMapParameter(LLVM::LLVMFuncOp function) {
  OpBuilder b(function.getContext());
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  SmallVector<Attribute> attrs(function.getNumArguments(),
                               b.getDictionaryAttr({}));
  if (ArrayAttr known = function.getArgAttrsAttr())
    attrs.assign(known.begin(), known.end());
  NamedAttribute own[] = {
      {LLVM::LLVMDialect::getByValAttrName(),
       TypeAttr::get(LLVM::LLVMArrayType::get(b.getI8Type(), 128))},
      {LLVM::LLVMDialect::getAlignAttrName(), b.getI64IntegerAttr(64)}};
  attrs.push_back(b.getDictionaryAttr(own));
  SmallVector<Type> types(function.getArgumentTypes());
  types.push_back(pointer);
  function.setFunctionType(LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()), types));
  function.setArgAttrsAttr(b.getArrayAttr(attrs));
  return function.front().addArgument(pointer, function.getLoc());
}
