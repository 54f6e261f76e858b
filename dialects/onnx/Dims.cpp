//===- Dims.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/OnnxDialect.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace ingot;

AffineExpr onnx::constantDim(int64_t size, MLIRContext *context) {
  return getAffineConstantExpr(size, context);
}

std::optional<int64_t> onnx::constantValue(AffineExpr dim) {
  if (auto constant = dyn_cast<AffineConstantExpr>(dim))
    return constant.getValue();
  return std::nullopt;
}

AffineExpr onnx::symbolDim(StringRef name, MLIRContext *context) {
  return context->getOrLoadDialect<OnnxDialect>()->getSymbol(name);
}

AffineExpr onnx::freshDim(MLIRContext *context) {
  return context->getOrLoadDialect<OnnxDialect>()->getFreshSymbol();
}

static void print(AffineExpr dim, onnx::OnnxDialect &dialect, raw_ostream &os,
                  bool nested) {
  if (auto constant = dyn_cast<AffineConstantExpr>(dim)) {
    os << constant.getValue();
    return;
  }
  if (auto symbol = dyn_cast<AffineSymbolExpr>(dim)) {
    StringRef name = dialect.getSymbolName(symbol.getPosition());
    bool plain = llvm::all_of(name, [](char c) {
      return isalnum(c) || c == '_' || c == '.' || c == '?';
    });
    plain &= !name.empty() && !isdigit(name.front());
    if (plain)
      os << name;
    else
      os << '\'' << name << '\'';
    return;
  }
  auto binary = cast<AffineBinaryOpExpr>(dim);
  const char *op = nullptr;
  switch (dim.getKind()) {
  case AffineExprKind::Add:
    op = " + ";
    break;
  case AffineExprKind::Mul:
    op = " * ";
    break;
  case AffineExprKind::FloorDiv:
    op = " floordiv ";
    break;
  case AffineExprKind::CeilDiv:
    op = " ceildiv ";
    break;
  default:
    op = " mod ";
  }
  if (nested)
    os << '(';
  print(binary.getLHS(), dialect, os, true);
  os << op;
  print(binary.getRHS(), dialect, os, true);
  if (nested)
    os << ')';
}

std::string onnx::printDim(AffineExpr dim, MLIRContext *context) {
  std::string text;
  llvm::raw_string_ostream os(text);
  print(dim, *context->getOrLoadDialect<OnnxDialect>(), os, false);
  return text;
}

onnx::Dims onnx::getDims(RankedTensorType type) {
  if (auto encoded = dyn_cast_or_null<DimsAttr>(type.getEncoding()))
    if (encoded.getDims().size() == size_t(type.getRank()))
      return Dims(encoded.getDims());
  Dims dims;
  for (int64_t size : type.getShape())
    dims.push_back(ShapedType::isDynamic(size)
                       ? freshDim(type.getContext())
                       : constantDim(size, type.getContext()));
  return dims;
}

RankedTensorType onnx::tensorOf(ArrayRef<AffineExpr> dims, Type elementType) {
  SmallVector<int64_t> shape;
  bool isStatic = true;
  for (AffineExpr dim : dims) {
    std::optional<int64_t> size = constantValue(dim);
    isStatic &= size.has_value();
    shape.push_back(size.value_or(ShapedType::kDynamic));
  }
  Attribute encoding;
  if (!isStatic)
    encoding = DimsAttr::get(elementType.getContext(), dims);
  return RankedTensorType::get(shape, elementType, encoding);
}

AffineExpr onnx::product(ArrayRef<AffineExpr> dims, MLIRContext *context) {
  AffineExpr total = constantDim(1, context);
  for (AffineExpr dim : dims)
    total = total * dim;
  return total;
}

FailureOr<onnx::Dims> onnx::broadcast(ArrayRef<AffineExpr> a,
                                      ArrayRef<AffineExpr> b) {
  if (a.size() < b.size())
    std::swap(a, b);
  Dims result(a);
  size_t offset = a.size() - b.size();
  for (size_t i = 0; i < b.size(); ++i) {
    AffineExpr &out = result[offset + i];
    if (out == b[i] || constantValue(b[i]) == 1)
      continue;
    std::optional<int64_t> ours = constantValue(out);
    if (ours == 1) {
      out = b[i];
      continue;
    }
    if (ours && constantValue(b[i]))
      return failure();
    if (!ours && constantValue(b[i]))
      out = b[i];
  }
  return result;
}

FailureOr<TensorType> onnx::broadcastType(std::optional<Location> loc,
                                          TypeRange operands,
                                          Type elementType) {
  std::optional<Dims> dims;
  for (Type operand : operands) {
    if (isa<NoneType>(operand))
      continue;
    auto type = dyn_cast<RankedTensorType>(operand);
    if (!type)
      return TensorType(UnrankedTensorType::get(elementType));
    if (!dims) {
      dims = getDims(type);
      continue;
    }
    FailureOr<Dims> both = broadcast(*dims, getDims(type));
    if (failed(both))
      return emitOptionalError(loc, "shapes do not broadcast: ",
                               tensorOf(*dims, elementType), " and ", type);
    dims = *both;
  }
  if (!dims)
    return failure(); // the verifier says so
  return TensorType(tensorOf(*dims, elementType));
}

LogicalResult onnx::checkSameElements(std::optional<Location> loc,
                                      TypeRange operands) {
  Type first;
  for (Type operand : operands) {
    if (isa<NoneType>(operand))
      continue;
    Type element = getElementTypeOrSelf(operand);
    if (first && element != first)
      return emitOptionalError(loc,
                               "operands have different element types: ", first,
                               " and ", element);
    first = element;
  }
  return success();
}

LogicalResult onnx::inferElementwise(std::optional<Location> loc,
                                     TypeRange operands, Type element,
                                     SmallVectorImpl<Type> &types) {
  if (operands.empty())
    return emitOptionalError(loc, "no operand");
  if (failed(checkSameElements(loc, operands)))
    return failure();
  FailureOr<TensorType> type = broadcastType(
      loc, operands, element ? element : getElementTypeOrSelf(operands[0]));
  if (failed(type))
    return failure();
  types.push_back(*type);
  return success();
}

FailureOr<TensorType> onnx::broadcastTo(std::optional<Location> loc,
                                        Type tensor, Type operand) {
  auto to = dyn_cast<RankedTensorType>(tensor);
  auto from = dyn_cast<RankedTensorType>(operand);
  if (!isa<TensorType>(tensor))
    return failure(); // the verifier says so
  if (!to || !from)
    return cast<TensorType>(tensor);
  Dims dims = getDims(to);
  FailureOr<Dims> both = broadcast(dims, getDims(from));
  bool fits = succeeded(both) && both->size() == dims.size();
  for (size_t i = 0; fits && i < dims.size(); ++i)
    fits = constantValue(dims[i]) != 1 || constantValue((*both)[i]) == 1;
  if (!fits)
    return emitOptionalError(loc, from, " does not broadcast to ", to);
  return TensorType(tensorOf(*both, to.getElementType()));
}

FailureOr<int64_t> onnx::normalizeAxis(std::optional<Location> loc,
                                       int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return emitOptionalError(loc, "axis ", axis, " is out of range for rank ",
                             rank);
  return axis < 0 ? axis + rank : axis;
}

FailureOr<SmallVector<int64_t>> onnx::normalizeAxes(std::optional<Location> loc,
                                                    ArrayRef<int64_t> axes,
                                                    int64_t rank) {
  SmallVector<int64_t> result;
  for (int64_t axis : axes) {
    FailureOr<int64_t> at = normalizeAxis(loc, axis, rank);
    if (failed(at))
      return failure();
    result.push_back(*at);
  }
  llvm::sort(result);
  auto twice = std::adjacent_find(result.begin(), result.end());
  if (twice != result.end())
    return emitOptionalError(loc, "axis ", *twice, " is given twice");
  return result;
}

FailureOr<std::optional<SmallVector<int64_t>>>
onnx::reducedAxes(std::optional<Location> loc, int64_t rank, Value axes,
                  bool noop) {
  SmallVector<int64_t> given;
  if (!isNone(axes)) {
    auto type = dyn_cast<ShapedType>(axes.getType());
    if (!type || !type.getElementType().isSignlessInteger(64) ||
        (type.hasRank() && type.getRank() != 1))
      return emitOptionalError(loc, "axes are ", axes.getType(),
                               ", no vector of i64");
    std::optional<SmallVector<int64_t>> known = constantIntegers(axes);
    bool empty = type.hasStaticShape() && type.getNumElements() == 0;
    if (!known && !empty)
      return std::optional<SmallVector<int64_t>>();
    given = known.value_or(given);
  }
  if (given.empty() && !noop)
    given = llvm::to_vector(llvm::seq<int64_t>(rank));
  FailureOr<SmallVector<int64_t>> result = normalizeAxes(loc, given, rank);
  if (failed(result))
    return failure();
  return std::optional(*result);
}

onnx::Dims onnx::reducedDims(RankedTensorType type, ArrayRef<int64_t> axes,
                             bool keep) {
  Dims result;
  for (auto [i, dim] : llvm::enumerate(getDims(type))) {
    bool reduced = llvm::is_contained(axes, int64_t(i));
    if (reduced && keep)
      result.push_back(constantDim(1, type.getContext()));
    else if (!reduced)
      result.push_back(dim);
  }
  return result;
}

LogicalResult onnx::checkOneElement(std::optional<Location> loc, StringRef role,
                                    Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() == 0 ||
      (type.getRank() == 1 &&
       (type.isDynamicDim(0) || type.getDimSize(0) == 1)))
    return success();
  return emitOptionalError(loc, role, " is ", type, ", no scalar");
}

/// The raw bytes of a resource attribute, empty if it has none.
static ArrayRef<char> resourceBytes(DenseResourceElementsAttr attr) {
  AsmResourceBlob *blob = attr.getRawHandle().getBlob();
  return blob ? blob->getData() : ArrayRef<char>();
}

std::optional<SmallVector<int64_t>> onnx::constantIntegers(Value value,
                                                           int64_t limit) {
  ElementsAttr elements;
  if (isNone(value) || !matchPattern(value, m_Constant(&elements)))
    return std::nullopt;
  auto type = dyn_cast<IntegerType>(elements.getElementType());
  if (!type || elements.getNumElements() > limit)
    return std::nullopt;
  SmallVector<int64_t> values;
  if (auto dense = dyn_cast<DenseIntElementsAttr>(elements)) {
    for (const APInt &element : dense.getValues<APInt>())
      values.push_back(type.isUnsigned() || type.getWidth() == 1
                           ? int64_t(element.getZExtValue())
                           : element.getSExtValue());
    return values;
  }
  auto resource = dyn_cast<DenseResourceElementsAttr>(elements);
  unsigned width = type.getWidth() == 1 ? 8 : type.getWidth();
  if (!resource || width % 8)
    return std::nullopt;
  ArrayRef<char> bytes = resourceBytes(resource);
  unsigned size = width / 8;
  if (bytes.size() != size_t(elements.getNumElements()) * size)
    return std::nullopt;
  for (size_t at = 0; at < bytes.size(); at += size) {
    uint64_t word = 0;
    memcpy(&word, bytes.data() + at, size);
    if (!type.isUnsigned() && width < 64)
      word = uint64_t(int64_t(word << (64 - width)) >> (64 - width));
    values.push_back(int64_t(word));
  }
  return values;
}

std::optional<SmallVector<double>> onnx::constantFloats(Value value,
                                                        int64_t limit) {
  ElementsAttr elements;
  if (isNone(value) || !matchPattern(value, m_Constant(&elements)))
    return std::nullopt;
  auto type = dyn_cast<FloatType>(elements.getElementType());
  if (!type || elements.getNumElements() > limit)
    return std::nullopt;
  auto toDouble = [](APFloat f) {
    bool lost;
    f.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lost);
    return f.convertToDouble();
  };
  SmallVector<double> values;
  if (auto dense = dyn_cast<DenseFPElementsAttr>(elements)) {
    for (const APFloat &element : dense.getValues<APFloat>())
      values.push_back(toDouble(element));
    return values;
  }
  auto resource = dyn_cast<DenseResourceElementsAttr>(elements);
  unsigned width = type.getWidth();
  if (!resource || width % 8)
    return std::nullopt;
  ArrayRef<char> bytes = resourceBytes(resource);
  unsigned size = width / 8;
  if (bytes.size() != size_t(elements.getNumElements()) * size)
    return std::nullopt;
  for (size_t at = 0; at < bytes.size(); at += size) {
    uint64_t word = 0;
    memcpy(&word, bytes.data() + at, size);
    values.push_back(
        toDouble(APFloat(type.getFloatSemantics(), APInt(width, word))));
  }
  return values;
}

bool onnx::isUnsigned(Type type) {
  auto integer = dyn_cast<IntegerType>(getElementTypeOrSelf(type));
  return integer && integer.isUnsigned();
}

std::string onnx::printType(Type type) {
  auto tensor = dyn_cast<TensorType>(type);
  if (!tensor)
    return "none";
  std::string text;
  llvm::raw_string_ostream(text) << tensor.getElementType();
  auto ranked = dyn_cast<RankedTensorType>(type);
  if (!ranked)
    return text + "[...]";
  text += "[";
  for (auto [axis, dim] : llvm::enumerate(getDims(ranked)))
    text += (axis ? "," : "") + printDim(dim, type.getContext());
  return text + "]";
}
