//===- ImportShapes.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Import/ImportShapes.h"
#include "dialects/onnx/OnnxDialect.h"
#include "lib/Import/ImportValues.h"
#include "lib/Import/ModelCheck.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace ingot;
using wire::Error;
using wire::Failure;

bool ingot::parseShapeOption(StringRef text, ImportOptions &options) {
  // The name may have colons and equals signs itself, so the last one counts.
  size_t colon = text.rfind(':'), equals = text.rfind('=');
  auto parseSize = [](StringRef word, int64_t &size) {
    if (word == "?" || word == "-1") {
      size = -1;
      return true;
    }
    return !word.getAsInteger(10, size) && size >= 0;
  };
  if (colon != StringRef::npos && colon > 0) {
    InputShape shape{text.take_front(colon).str(), {}};
    StringRef dims = text.drop_front(colon + 1);
    SmallVector<StringRef> words;
    if (!dims.empty())
      dims.split(words, dims.contains(',') ? ',' : 'x');
    bool good = true;
    for (StringRef word : words)
      good &= parseSize(word.trim(), shape.dims.emplace_back());
    if (good) {
      options.shapes.push_back(std::move(shape));
      return true;
    }
  }
  int64_t size = 0;
  if (equals == StringRef::npos || equals == 0 ||
      !parseSize(text.drop_front(equals + 1), size) || size < 0)
    return false;
  options.symbols.push_back({text.take_front(equals).str(), size});
  return true;
}

/// True for names that say nothing: exporters write '?' for any unknown size,
/// and two of those need not be equal.
static bool isAnonymous(std::string_view param) {
  return ref(param).trim().empty() || ref(param).trim() == "?";
}

Failure InputShapes::readInput(const wire::ValueInfo &info, bool shapeGiven,
                               Input &into) {
  wire::Type type;
  if (Failure failure = wire::read(info.type, type))
    return failure;
  std::string name = quoted(info.name);
  if (type.kind == wire::Type::None)
    return Error{Code::UntypedInput, "input " + name + " has no type"};
  if (type.kind != wire::Type::Tensor)
    return Error{Code::UnsupportedType, "input " + name + " is no tensor"};
  into.name = info.name;
  into.elementType = elementType(type.elementType, context);
  if (type.elementType == wire::DataType::Undefined)
    return Error{Code::UntypedInput, "input " + name + " has no element type"};
  if (!into.elementType)
    return Error{Code::UnsupportedType,
                 "input " + name + " has the unknown element type " +
                     std::to_string(int32_t(type.elementType))};
  if (!type.shape && !shapeGiven)
    return Error{Code::UnrankedInput, "input " + name + " has no shape"};
  if (type.shape)
    into.dims = std::move(*type.shape);
  for (wire::Dim &dim : into.dims) {
    if (dim.value && *dim.value < -1)
      return Error{Code::BadInputShape, "input " + name +
                                            " has a dimension of size " +
                                            std::to_string(*dim.value)};
    // Some exporters write -1 for a dynamic dimension.
    if (dim.value == -1 || (dim.param && isAnonymous(*dim.param)))
      dim = wire::Dim();
  }
  return {};
}

/// The name of an unnamed dynamic dimension.
static std::string dimName(std::string_view input, unsigned index) {
  return std::string(input) + ".dim" + std::to_string(index);
}

Failure InputShapes::bindSymbol(std::string_view name, int64_t size) {
  auto [it, inserted] = sizes.try_emplace(std::string(name), size);
  if (inserted || it->second == size)
    return {};
  return Error{Code::ShapeConflict,
               "symbol " + quoted(name) + " is given the sizes " +
                   std::to_string(it->second) + " and " + std::to_string(size)};
}

Failure InputShapes::bind(const Input &input, const InputShape &shape) {
  if (shape.dims.size() != input.dims.size())
    return Error{Code::ShapeConflict, "input " + quoted(input.name) + " has " +
                                          std::to_string(input.dims.size()) +
                                          " dimensions in the model, " +
                                          std::to_string(shape.dims.size()) +
                                          " were given"};
  for (auto [index, size] : llvm::enumerate(shape.dims)) {
    const wire::Dim &dim = input.dims[index];
    if (size < 0)
      continue;
    if (dim.param) {
      if (Failure failure = bindSymbol(*dim.param, size))
        return failure;
      continue;
    }
    replaced |= dim.value && *dim.value != size;
    fixed[{std::string(input.name), unsigned(index)}] = size;
  }
  return {};
}

std::string InputShapes::knownNames() const {
  std::vector<std::string> names;
  for (const Input &input : all) {
    names.push_back(quoted(input.name));
    for (auto [index, dim] : llvm::enumerate(input.dims))
      if (dim.param)
        names.push_back(quoted(*dim.param));
      else if (!dim.value)
        names.push_back(quoted(dimName(input.name, unsigned(index))));
  }
  std::vector<std::string> unique;
  for (std::string &name : names)
    if (!llvm::is_contained(unique, name) && unique.size() < 32)
      unique.push_back(std::move(name));
  return llvm::join(unique, ", ");
}

/// The name of a symbol in the IR: unlike the model's, it must not look like a
/// fresh symbol or break the notation of symbols.
std::string InputShapes::printableName(std::string_view param) {
  std::string name;
  for (char c : param.substr(0, 256))
    name += c == '\'' || c == '"' || c == '?' || c == '\\' ||
                    uint8_t(c) < 0x20 || uint8_t(c) >= 0x7f
                ? '_'
                : c;
  int number = printed[name]++;
  return number == 0 ? name : name + "_" + std::to_string(number);
}

AffineExpr InputShapes::dimOf(const Input &input, unsigned index) {
  const wire::Dim &dim = input.dims[index];
  auto given = fixed.find({std::string(input.name), index});
  if (given != fixed.end())
    return onnx::constantDim(given->second, context);
  if (dim.value)
    return onnx::constantDim(*dim.value, context);
  std::string param =
      dim.param ? std::string(*dim.param) : dimName(input.name, index);
  AffineExpr &expr = symbols[param];
  if (expr)
    return expr;
  auto size = sizes.find(param);
  expr = size != sizes.end() ? onnx::constantDim(size->second, context)
                             : onnx::symbolDim(printableName(param), context);
  return expr;
}

AffineExpr InputShapes::symbol(std::string_view param) const {
  auto it = symbols.find(param);
  return it == symbols.end() ? AffineExpr() : it->second;
}

Failure InputShapes::run(ArrayRef<const wire::ValueInfo *> inputs,
                         const ImportOptions &options) {
  for (const wire::ValueInfo *info : inputs) {
    const InputShape *wish = nullptr;
    for (const InputShape &shape : options.shapes)
      if (view(shape.input) == info->name)
        wish = &shape;
    Input &input = all.emplace_back();
    if (Failure failure = readInput(*info, wish, input))
      return failure;
    wire::Type type;
    if (Failure failure = wire::read(info->type, type))
      return failure;
    // An input without a shape has the rank the user says.
    if (!type.shape)
      input.dims.resize(wish->dims.size());
  }
  for (const InputShape &shape : options.shapes) {
    auto input = llvm::find_if(
        all, [&](const Input &i) { return i.name == view(shape.input); });
    if (input == all.end())
      return Error{Code::UnknownShapeName, "the model has no input " +
                                               quoted(shape.input) +
                                               "; it has " + knownNames()};
    if (Failure failure = bind(*input, shape))
      return failure;
  }
  for (const SymbolSize &symbol : options.symbols)
    if (Failure failure = bindSymbol(symbol.symbol, symbol.size))
      return failure;
  for (const Input &input : all) {
    onnx::Dims dims;
    for (unsigned i = 0; i < input.dims.size(); ++i)
      dims.push_back(dimOf(input, i));
    inputTypes.push_back(onnx::tensorOf(dims, input.elementType));
  }
  for (auto &[name, size] : sizes)
    if (!symbols.count(name))
      return Error{Code::UnknownShapeName, "no input of the model has the "
                                           "dimension " +
                                               quoted(name) + "; it has " +
                                               knownNames()};
  return {};
}

//===----------------------------------------------------------------------===//
// DeclaredTypes
//===----------------------------------------------------------------------===//

Failure DeclaredTypes::add(std::string_view valueInfo) {
  wire::ValueInfo info;
  if (Failure failure = wire::read(valueInfo, info))
    return failure;
  if (!info.name.empty())
    declarations.try_emplace(ref(info.name), valueInfo);
  return {};
}

/// True for a symbol that stands for a size known only from data.
static bool isFresh(AffineExpr dim, MLIRContext *context) {
  auto symbol = dyn_cast<AffineSymbolExpr>(dim);
  return symbol && onnx::printDim(dim, context).front() == '?';
}

Failure DeclaredTypes::mergeDim(const wire::Dim &dim, AffineExpr inferred,
                                AffineExpr &into, bool &contradicts) {
  into = inferred;
  if (dim.value && *dim.value >= 0) {
    auto known = onnx::constantValue(inferred);
    contradicts |= known && *known != *dim.value;
    if (isFresh(inferred, context))
      into = onnx::constantDim(*dim.value, context);
    return {};
  }
  // A name that is an input's is that size; other names are only labels.
  if (dim.param && isFresh(inferred, context))
    if (AffineExpr known = shapes.symbol(*dim.param))
      into = known;
  return {};
}

/// Text of a declared shape: "[1, N, ?]".
static std::string printDeclared(const std::vector<wire::Dim> &dims) {
  std::string text = "[";
  for (const wire::Dim &dim : dims) {
    text += text.size() > 1 ? ", " : "";
    text += dim.value   ? std::to_string(*dim.value)
            : dim.param ? escaped(*dim.param)
                        : "?";
  }
  return text + "]";
}

/// Text of an inferred type: "tensor<...>" without the encoding.
static std::string printInferred(RankedTensorType type) {
  std::string text = "[";
  for (AffineExpr dim : onnx::getDims(type)) {
    text += text.size() > 1 ? ", " : "";
    text += onnx::printDim(dim, type.getContext());
  }
  return text + "]";
}

Failure DeclaredTypes::merge(std::string_view name, Type inferred, Type &into) {
  into = inferred;
  auto tensor = dyn_cast<TensorType>(inferred);
  auto declared = declarations.find(ref(name));
  if (declared == declarations.end() || !tensor)
    return {};
  wire::ValueInfo info;
  wire::Type type;
  if (Failure failure = wire::read(declared->second, info))
    return failure;
  if (Failure failure = wire::read(info.type, type))
    return failure;
  if (type.kind == wire::Type::None)
    return {};
  Type element = elementType(type.elementType, context);
  bool typed = type.elementType != wire::DataType::Undefined;
  if (type.kind != wire::Type::Tensor ||
      (typed && element != tensor.getElementType())) {
    std::string text;
    llvm::raw_string_ostream os(text);
    os << tensor.getElementType();
    return Error{Code::TypeContradiction,
                 quoted(name) + " is declared with element type " +
                     std::string(wire::typeName(type.elementType)) +
                     ", but is computed with element type " + text};
  }
  if (!type.shape || shapes.replacesFixedSizes())
    return {};
  auto ranked = dyn_cast<RankedTensorType>(tensor);
  onnx::Dims dims;
  if (ranked)
    dims = onnx::getDims(ranked);
  else
    for (size_t i = 0; i < type.shape->size(); ++i)
      dims.push_back(onnx::freshDim(context));
  bool contradicts = dims.size() != type.shape->size();
  if (!contradicts)
    for (auto [dim, expr] : llvm::zip(*type.shape, dims))
      if (Failure failure = mergeDim(dim, expr, expr, contradicts))
        return failure;
  if (contradicts)
    return Error{Code::TypeContradiction, quoted(name) + " is declared as " +
                                              printDeclared(*type.shape) +
                                              ", but is computed as " +
                                              printInferred(ranked)};
  into = onnx::tensorOf(dims, tensor.getElementType());
  return {};
}
