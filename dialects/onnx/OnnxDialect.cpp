//===- OnnxDialect.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/onnx/OnnxDialect.h"
#include "dialects/onnx/Dims.h"
#include "dialects/onnx/Shape.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"

#include <deque>
#include <mutex>

using namespace mlir;
using namespace ingot::onnx;

#include "dialects/onnx/OnnxDialect.cpp.inc"
#include "dialects/onnx/OnnxInterfaces.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/onnx/OnnxAttributes.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/onnx/OnnxTypes.cpp.inc"

namespace ingot::onnx {
struct SymbolNames {
  std::mutex mutex;
  llvm::StringMap<unsigned> positions;
  std::deque<std::string> names;
  unsigned fresh = 0;
};

#define INGOT_ONNX_FAMILY(name) void register##name##Ops(Dialect &dialect);
#include "dialects/onnx/Families.def"
#undef INGOT_ONNX_FAMILY
} // namespace ingot::onnx

void OnnxDialect::initialize() {
  symbols = std::make_shared<SymbolNames>();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/onnx/OnnxAttributes.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/onnx/OnnxTypes.cpp.inc"
      >();
#define INGOT_ONNX_FAMILY(name) register##name##Ops(*this);
#include "dialects/onnx/Families.def"
#undef INGOT_ONNX_FAMILY
}

AffineExpr OnnxDialect::getSymbol(StringRef name) {
  std::lock_guard<std::mutex> lock(symbols->mutex);
  auto [it, inserted] =
      symbols->positions.try_emplace(name, symbols->names.size());
  if (inserted)
    symbols->names.push_back(name.str());
  return getAffineSymbolExpr(it->second, getContext());
}

StringRef OnnxDialect::getSymbolName(unsigned position) {
  std::lock_guard<std::mutex> lock(symbols->mutex);
  return symbols->names[position];
}

AffineExpr OnnxDialect::getFreshSymbol() {
  unsigned number;
  {
    std::lock_guard<std::mutex> lock(symbols->mutex);
    number = symbols->fresh++;
  }
  return getSymbol("?" + std::to_string(number));
}

bool ingot::onnx::isTensorOf(Type type, unsigned kinds) {
  auto tensor = dyn_cast<TensorType>(type);
  if (!tensor)
    return false;
  Type element = tensor.getElementType();
  if (isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(element))
    return kinds & FloatElements;
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer)
    return false;
  if (integer.isSignlessInteger(1))
    return kinds & BoolElements;
  unsigned width = integer.getWidth();
  if (width != 8 && width != 16 && width != 32 && width != 64)
    return false;
  if (integer.isUnsigned())
    return kinds & UnsignedElements;
  return integer.isSignless() && (kinds & SignedElements);
}

bool ingot::onnx::areCompatible(TypeRange inferred, TypeRange actual) {
  if (inferred.size() != actual.size())
    return false;
  for (auto [a, b] : llvm::zip(inferred, actual)) {
    if (a == b)
      continue;
    auto ta = dyn_cast<TensorType>(a), tb = dyn_cast<TensorType>(b);
    if (!ta || !tb || ta.getElementType() != tb.getElementType())
      return false;
    if (failed(verifyCompatibleShape(ta, tb)))
      return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// DimsAttr: ["N", 3, "H floordiv 2"]
//===----------------------------------------------------------------------===//

namespace {
/// Recursive-descent parser of one dimension's expression; the depth of nesting
/// is bounded by the limit on parentheses.
class DimParser {
public:
  DimParser(StringRef text, MLIRContext *context)
      : text(text), context(context) {}

  AffineExpr parse() {
    AffineExpr expr = parseSum(0);
    skip();
    return text.empty() ? expr : AffineExpr();
  }

private:
  void skip() { text = text.ltrim(); }
  bool consume(StringRef token) {
    skip();
    return text.consume_front(token);
  }
  AffineExpr parseSum(int depth) {
    AffineExpr expr = parseProduct(depth);
    while (expr) {
      bool minus = false;
      if (!consume("+")) {
        if (!consume("-"))
          break;
        minus = true;
      }
      AffineExpr rhs = parseProduct(depth);
      if (!rhs)
        return {};
      expr = minus ? expr - rhs : expr + rhs;
    }
    return expr;
  }
  AffineExpr parseProduct(int depth) {
    AffineExpr expr = parseAtom(depth);
    while (expr) {
      char op;
      if (consume("*"))
        op = '*';
      else if (consume("floordiv"))
        op = 'f';
      else if (consume("ceildiv"))
        op = 'c';
      else if (consume("mod"))
        op = 'm';
      else
        break;
      AffineExpr rhs = parseAtom(depth);
      if (!rhs)
        return {};
      expr = op == '*'   ? expr * rhs
             : op == 'f' ? expr.floorDiv(rhs)
             : op == 'c' ? expr.ceilDiv(rhs)
                         : expr % rhs;
    }
    return expr;
  }
  AffineExpr parseAtom(int depth) {
    if (depth > 32)
      return {};
    if (consume("(")) {
      AffineExpr expr = parseSum(depth + 1);
      return expr && consume(")") ? expr : AffineExpr();
    }
    if (consume("-")) {
      AffineExpr expr = parseAtom(depth + 1);
      return expr ? expr * -1 : expr;
    }
    skip();
    if (text.consume_front("'")) {
      auto [name, rest] = text.split('\'');
      text = rest;
      return symbolDim(name, context);
    }
    int64_t number;
    if (!text.empty() && isdigit(text.front()))
      return text.consumeInteger(10, number)
                 ? AffineExpr()
                 : getAffineConstantExpr(number, context);
    StringRef name = text.take_while(
        [](char c) { return isalnum(c) || c == '_' || c == '.' || c == '?'; });
    if (name.empty())
      return {};
    text = text.drop_front(name.size());
    return symbolDim(name, context);
  }

  StringRef text;
  MLIRContext *context;
};
} // namespace

Attribute DimsAttr::parse(AsmParser &parser, Type) {
  SmallVector<AffineExpr> dims;
  auto parseDim = [&]() -> ParseResult {
    int64_t number;
    OptionalParseResult integer = parser.parseOptionalInteger(number);
    if (integer.has_value()) {
      dims.push_back(getAffineConstantExpr(number, parser.getContext()));
      return *integer;
    }
    std::string text;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseString(&text))
      return failure();
    AffineExpr expr = DimParser(text, parser.getContext()).parse();
    if (!expr)
      return parser.emitError(loc, "malformed dimension '") << text << "'";
    dims.push_back(expr);
    return success();
  };
  if (parser.parseLess() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseDim) ||
      parser.parseGreater())
    return {};
  return DimsAttr::get(parser.getContext(), dims);
}

void DimsAttr::print(AsmPrinter &printer) const {
  printer << "<[";
  llvm::interleaveComma(getDims(), printer, [&](AffineExpr dim) {
    if (auto value = constantValue(dim))
      printer << *value;
    else
      printer << '"' << printDim(dim, getContext()) << '"';
  });
  printer << "]>";
}
