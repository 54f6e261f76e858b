//===- ImportValues.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Import/ImportValues.h"
#include "dialects/onnx/OnnxDialect.h"
#include "lib/Import/Limits.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace ingot;
using wire::DataType;
using wire::Error;
using wire::Failure;

/// Tensors up to this size live in the IR itself, larger ones in blobs.
static constexpr size_t kInlineBytes = 1024;

static StringRef ref(std::string_view text) {
  return StringRef(text.data(), text.size());
}

Type ingot::elementType(DataType type, MLIRContext *context) {
  auto integer = [&](unsigned width, bool isUnsigned) -> Type {
    return IntegerType::get(context, width,
                            isUnsigned ? IntegerType::Unsigned
                                       : IntegerType::Signless);
  };
  switch (type) {
  case DataType::Float:
    return Float32Type::get(context);
  case DataType::Double:
    return Float64Type::get(context);
  case DataType::Float16:
    return Float16Type::get(context);
  case DataType::Bfloat16:
    return BFloat16Type::get(context);
  case DataType::Float8E4M3FN:
    return Float8E4M3FNType::get(context);
  case DataType::Float8E4M3FNUZ:
    return Float8E4M3FNUZType::get(context);
  case DataType::Float8E5M2:
    return Float8E5M2Type::get(context);
  case DataType::Float8E5M2FNUZ:
    return Float8E5M2FNUZType::get(context);
  case DataType::Float8E8M0:
    return Float8E8M0FNUType::get(context);
  case DataType::Float4E2M1:
    return Float4E2M1FNType::get(context);
  case DataType::Complex64:
    return ComplexType::get(Float32Type::get(context));
  case DataType::Complex128:
    return ComplexType::get(Float64Type::get(context));
  case DataType::Bool:
    return integer(1, false);
  case DataType::String:
    return onnx::StringType::get(context);
  case DataType::Int2:
  case DataType::Int4:
  case DataType::Int8:
  case DataType::Int16:
  case DataType::Int32:
  case DataType::Int64:
    return integer(wire::bitWidth(type), false);
  case DataType::Uint2:
  case DataType::Uint4:
  case DataType::Uint8:
  case DataType::Uint16:
  case DataType::Uint32:
  case DataType::Uint64:
    return integer(wire::bitWidth(type), true);
  default:
    return {};
  }
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

namespace {
/// The typed field that holds elements of a type, with elements per entry.
enum class Storage { Floats, Doubles, Int32s, Int64s, Uint64s };
} // namespace

static Storage storageOf(DataType type) {
  switch (type) {
  case DataType::Float:
  case DataType::Complex64:
    return Storage::Floats;
  case DataType::Double:
  case DataType::Complex128:
    return Storage::Doubles;
  case DataType::Int64:
    return Storage::Int64s;
  case DataType::Uint32:
  case DataType::Uint64:
    return Storage::Uint64s;
  default:
    return Storage::Int32s;
  }
}

static const wire::Numbers &fieldOf(const wire::Tensor &tensor,
                                    Storage storage) {
  switch (storage) {
  case Storage::Floats:
    return tensor.floats;
  case Storage::Doubles:
    return tensor.doubles;
  case Storage::Int64s:
    return tensor.int64s;
  case Storage::Uint64s:
    return tensor.uint64s;
  case Storage::Int32s:
    return tensor.int32s;
  }
  return tensor.int32s;
}

/// Checks that the data of a numeric tensor is in one place, the right one.
static Failure checkStorage(const wire::Tensor &tensor, bool hasRaw) {
  Storage right = storageOf(tensor.type);
  bool typed = bool(fieldOf(tensor, right));
  for (Storage storage : {Storage::Floats, Storage::Doubles, Storage::Int32s,
                          Storage::Int64s, Storage::Uint64s})
    if (storage != right && fieldOf(tensor, storage))
      return Error{Code::BadTensorStorage,
                   "elements of type " +
                       std::string(wire::typeName(tensor.type)) +
                       " are stored in the field of another type"};
  if (!tensor.strings.empty())
    return Error{Code::BadTensorStorage,
                 "numbers are stored in the field for strings"};
  if (int(typed) + int(hasRaw) + int(tensor.isExternal) > 1)
    return Error{
        Code::BadTensorStorage,
        "data is stored twice, in " +
            std::string(tensor.isExternal ? "an external file" : "raw_data") +
            " and in the tensor"};
  return {};
}

/// Appends the `size` low bytes of a word.
static void appendWord(std::vector<char> &bytes, uint64_t word, size_t size) {
  const char *data = reinterpret_cast<const char *>(&word);
  bytes.insert(bytes.end(), data, data + size);
}

/// Decodes a typed field to the bytes raw_data would have. `expected` is the
/// number of those bytes.
static Failure decodeTyped(const wire::Tensor &tensor, int64_t expected,
                           std::vector<char> &bytes) {
  Storage storage = storageOf(tensor.type);
  const wire::Numbers &field = fieldOf(tensor, storage);
  unsigned fixed = storage == Storage::Floats    ? 4
                   : storage == Storage::Doubles ? 8
                                                 : 0;
  // A word of int32_data holds one element, or one byte of sub-byte elements.
  unsigned bits = std::max(wire::bitWidth(tensor.type), 8u);
  size_t wordBytes = fixed ? fixed : bits / 8;
  size_t words = 0;
  if (Failure failure = wire::count(field, fixed, words))
    return failure;
  if (words * wordBytes != size_t(expected))
    return Error{Code::BadTensorSize,
                 "the shape asks for " +
                     std::to_string(expected / int64_t(wordBytes)) +
                     " stored numbers, there are " + std::to_string(words)};
  bytes.reserve(size_t(expected));
  if (fixed == 4)
    return wire::visitFloats(field, words,
                             [&](uint32_t w) { appendWord(bytes, w, 4); });
  if (fixed == 8)
    return wire::visitDoubles(field, words,
                              [&](uint64_t w) { appendWord(bytes, w, 8); });
  std::optional<int64_t> bad;
  Failure failure = wire::visitInts(field, words, [&](uint64_t word) {
    // Both zero- and sign-extended words are found in models.
    int64_t value = int64_t(word);
    if (bits < 64 &&
        (value < -(int64_t(1) << (bits - 1)) || value >= int64_t(1) << bits))
      bad = value;
    appendWord(bytes, word, wordBytes);
  });
  if (!failure && bad)
    return Error{Code::BadTensorValue,
                 std::to_string(*bad) + " does not fit " +
                     std::string(wire::typeName(tensor.type))};
  return failure;
}

/// Sub-byte elements, low bits first, to one byte each.
static std::vector<char> unpack(std::string_view bytes, int64_t elements,
                                unsigned bits, bool isSigned) {
  std::vector<char> result;
  result.reserve(size_t(elements));
  unsigned perByte = 8 / bits;
  for (int64_t i = 0; i < elements; ++i) {
    unsigned word = uint8_t(bytes[size_t(i / perByte)]);
    int value = (word >> (unsigned(i % perByte) * bits)) & ((1u << bits) - 1);
    if (isSigned && (value >> (bits - 1)))
      value -= 1 << bits;
    result.push_back(char(value));
  }
  return result;
}

/// True if every byte is 0 or 1.
static bool areCleanBools(std::string_view bytes) {
  return llvm::all_of(bytes, [](char c) { return uint8_t(c) <= 1; });
}

/// Bytes of `type` as an attribute in the IR.
static ElementsAttr inlineElements(ArrayRef<char> bytes,
                                   RankedTensorType type) {
  if (type.getElementType().isInteger(1)) {
    SmallVector<bool> bools(bytes.begin(), bytes.end());
    return cast<ElementsAttr>(DenseElementsAttr::get(type, bools));
  }
  return cast<ElementsAttr>(DenseElementsAttr::getFromRawBuffer(type, bytes));
}

/// The name under which a blob appears in printed IR.
static std::string blobName(const wire::Tensor &tensor) {
  return tensor.name.empty() ? "tensor" : escaped(tensor.name);
}

ElementsAttr ValueImporter::fromOwned(const wire::Tensor &tensor,
                                      std::vector<char> bytes,
                                      RankedTensorType type) {
  if (bytes.size() <= kInlineBytes)
    return inlineElements(bytes, type);
  return cast<ElementsAttr>(DenseResourceElementsAttr::get(
      type, blobName(tensor),
      HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, 64)));
}

Failure ValueImporter::fromBytes(const wire::Tensor &tensor,
                                 std::string_view bytes,
                                 std::shared_ptr<MappedFile> holder,
                                 int64_t elements, RankedTensorType type,
                                 ElementsAttr &into) {
  unsigned bits = wire::bitWidth(tensor.type);
  bool isSigned =
      tensor.type == DataType::Int4 || tensor.type == DataType::Int2;
  if (bits < 8) {
    into = fromOwned(tensor, unpack(bytes, elements, bits, isSigned), type);
    return {};
  }
  if (tensor.type == DataType::Bool && !areCleanBools(bytes)) {
    std::vector<char> clean;
    for (char c : bytes)
      clean.push_back(c != 0);
    into = fromOwned(tensor, std::move(clean), type);
    return {};
  }
  if (bytes.size() <= kInlineBytes) {
    into = inlineElements(SmallVector<char>(bytes.begin(), bytes.end()), type);
    return {};
  }
  ArrayRef<char> data(bytes.data(), bytes.size());
  // The blob says how its bytes happen to be aligned; readers must not expect
  // more. Capturing the holder keeps the file mapped.
  size_t address = reinterpret_cast<uintptr_t>(bytes.data());
  size_t alignment = std::min<size_t>(address & -address, 64);
  into = cast<ElementsAttr>(DenseResourceElementsAttr::get(
      type, blobName(tensor),
      UnmanagedAsmResourceBlob::allocateWithAlign(
          data, alignment,
          [holder = std::move(holder)](void *, size_t, size_t) mutable {
            holder.reset();
          })));
  return {};
}

Failure ValueImporter::strings(const wire::Tensor &tensor, int64_t elements,
                               RankedTensorType type, ElementsAttr &into) {
  if (tensor.raw || tensor.isExternal)
    return Error{Code::BadTensorStorage,
                 "strings cannot be stored in raw_data or external data"};
  if (int64_t(tensor.strings.size()) != elements)
    return Error{Code::BadTensorSize,
                 "the shape asks for " + std::to_string(elements) +
                     " strings, there are " +
                     std::to_string(tensor.strings.size())};
  SmallVector<StringRef> values;
  for (std::string_view value : tensor.strings)
    values.push_back(ref(value));
  into = cast<ElementsAttr>(DenseStringElementsAttr::get(type, values));
  return {};
}

Failure ValueImporter::tensorImpl(const wire::Tensor &tensor,
                                  ElementsAttr &into) {
  Type element = elementType(tensor.type, context);
  if (!element)
    return Error{Code::BadTensorType, "data_type " +
                                          std::to_string(int32_t(tensor.type)) +
                                          " is undefined or not supported"};
  if (tensor.hasSegment)
    return Error{Code::BadTensorStorage, "segments are not supported"};
  int64_t elements = 0;
  if (Failure failure = wire::elementCount(tensor.dims, elements))
    return failure;
  auto type = RankedTensorType::get(tensor.dims, element);
  if (tensor.type == DataType::String)
    return strings(tensor, elements, type, into);

  // An empty raw_data beside typed data, or for no elements, is no data.
  bool hasRaw = tensor.raw && !tensor.raw->empty();
  if (Failure failure = checkStorage(tensor, hasRaw))
    return failure;
  unsigned bits = wire::bitWidth(tensor.type);
  int64_t expected = 0;
  if (__builtin_mul_overflow(elements, int64_t(bits), &expected) ||
      (expected = (expected + 7) / 8) > limits::kTensorBytes)
    return Error{Code::BadTensorShape, "the tensor has too many bytes"};
  if (tensor.isExternal) {
    std::string_view bytes;
    std::shared_ptr<MappedFile> holder;
    if (Failure failure =
            external.find(tensor, uint64_t(expected), bytes, holder))
      return failure;
    return fromBytes(tensor, bytes, holder, elements, type, into);
  }
  if (hasRaw) {
    if (tensor.raw->size() != uint64_t(expected))
      return Error{Code::BadTensorSize, "the shape asks for " +
                                            std::to_string(expected) +
                                            " bytes, raw_data has " +
                                            std::to_string(tensor.raw->size())};
    return fromBytes(tensor, *tensor.raw, model, elements, type, into);
  }
  const wire::Numbers &field = fieldOf(tensor, storageOf(tensor.type));
  // Packed floats and doubles have the bytes that raw_data would have.
  bool fixed = storageOf(tensor.type) == Storage::Floats ||
               storageOf(tensor.type) == Storage::Doubles;
  if (fixed && field.runs.size() == 1 && field.runs[0].packed &&
      field.runs[0].bytes.size() == uint64_t(expected))
    return fromBytes(tensor, field.runs[0].bytes, model, elements, type, into);
  std::vector<char> bytes;
  if (Failure failure = decodeTyped(tensor, expected, bytes))
    return failure;
  // A file that changes meanwhile can make it another number.
  if (bytes.size() != uint64_t(expected))
    return Error{Code::BadTensorSize, "the number of elements changed"};
  std::string_view view(bytes.data(), bytes.size());
  if (bits < 8 || (tensor.type == DataType::Bool && !areCleanBools(view)))
    return fromBytes(tensor, view, nullptr, elements, type, into);
  into = fromOwned(tensor, std::move(bytes), type);
  return {};
}

Failure ValueImporter::tensor(const wire::Tensor &tensor, ElementsAttr &into) {
  Failure failure = tensorImpl(tensor, into);
  if (failure)
    failure->text = "tensor " + quoted(tensor.name) + ": " + failure->text;
  return failure;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

Failure ingot::attributeKind(const wire::Attribute &attribute,
                             wire::Attribute::Type &into) {
  using A = wire::Attribute;
  const std::pair<A::Type, bool> fields[] = {
      {A::Float, attribute.f.has_value()},
      {A::Int, attribute.i.has_value()},
      {A::String, attribute.s.has_value()},
      {A::TensorValue, bool(attribute.tensor)},
      {A::GraphValue, bool(attribute.graph)},
      {A::SparseTensor, bool(attribute.sparseTensor)},
      {A::TypeValue, bool(attribute.typeProto)},
      {A::Floats, bool(attribute.floats)},
      {A::Ints, bool(attribute.ints)},
      {A::Strings, !attribute.strings.empty()},
      {A::Tensors, !attribute.tensors.empty()},
      {A::Graphs, !attribute.graphs.empty()},
      {A::SparseTensors, !attribute.sparseTensors.empty()},
      {A::Types, !attribute.types.empty()},
  };
  into = A::Type(attribute.type);
  int present = 0;
  for (auto [kind, set] : fields) {
    if (!set)
      continue;
    ++present;
    if (attribute.type == A::Undefined)
      into = kind;
    if (into != kind || present > 1)
      return Error{Code::BadAttribute,
                   "the value is of another type than the attribute says"};
  }
  if (into == A::Undefined || attribute.type < 0 || attribute.type > A::Types)
    return Error{Code::BadAttribute, "type " + std::to_string(attribute.type) +
                                         " is undefined or unknown"};
  return {};
}

Failure ValueImporter::attribute(const wire::Attribute &attribute,
                                 Attribute &into) {
  using A = wire::Attribute;
  A::Type kind;
  if (Failure failure = attributeKind(attribute, kind))
    return failure;
  Builder b(context);
  // Some writers leave out a number that is 0 and a string that is empty.
  switch (kind) {
  case A::Float:
    into = b.getF32FloatAttr(attribute.f.value_or(0.0f));
    return {};
  case A::Int:
    into = b.getI64IntegerAttr(attribute.i.value_or(0));
    return {};
  case A::String: {
    std::string_view text = attribute.s.value_or("");
    if (text.size() > limits::kStringBytes)
      return Error{Code::LimitExceeded,
                   "a string of " + std::to_string(text.size()) +
                       " bytes; the limit is " +
                       std::to_string(limits::kStringBytes)};
    into = b.getStringAttr(ref(text));
    return {};
  }
  case A::Floats: {
    SmallVector<float> values;
    Failure failure = wire::visitFloats(
        attribute.floats, limits::kListElements,
        [&](uint32_t bits) { values.push_back(llvm::bit_cast<float>(bits)); });
    into = b.getDenseF32ArrayAttr(values);
    return failure;
  }
  case A::Ints: {
    SmallVector<int64_t> values;
    Failure failure = wire::visitInts(
        attribute.ints, limits::kListElements,
        [&](uint64_t value) { values.push_back(int64_t(value)); });
    into = b.getDenseI64ArrayAttr(values);
    return failure;
  }
  case A::Strings: {
    SmallVector<Attribute> values;
    for (std::string_view text : attribute.strings)
      values.push_back(b.getStringAttr(ref(text)));
    into = b.getArrayAttr(values);
    return {};
  }
  case A::TensorValue: {
    wire::Tensor value;
    if (Failure failure = wire::read(attribute.tensor, value))
      return failure;
    ElementsAttr elements;
    Failure failure = tensor(value, elements);
    into = elements;
    return failure;
  }
  case A::TypeValue: {
    Type type;
    Failure failure = plainType(attribute.typeProto, context, type);
    if (!failure)
      into = TypeAttr::get(type);
    return failure;
  }
  default:
    return Error{Code::UnsupportedNodes,
                 "attributes that are graphs, lists of tensors or types, or "
                 "sparse tensors are not supported"};
  }
}

Failure ingot::plainType(const wire::Message &message, MLIRContext *context,
                         Type &into) {
  SmallVector<wire::Type::Kind> wrappers;
  wire::Message current = message;
  wire::Type type;
  while (true) {
    if (Failure failure = wire::read(current, type))
      return failure;
    if (type.kind != wire::Type::Sequence && type.kind != wire::Type::Optional)
      break;
    wrappers.push_back(type.kind);
    if (wrappers.size() > limits::kTypeDepth)
      return Error{Code::LimitExceeded, "a type is nested too deeply"};
    current = type.element;
  }
  Type element = elementType(type.elementType, context);
  if (type.kind != wire::Type::Tensor || !element)
    return Error{Code::UnsupportedType,
                 "only tensors, sequences and optionals of a known element "
                 "type are supported"};
  into = UnrankedTensorType::get(element);
  if (type.shape) {
    SmallVector<int64_t> shape;
    for (const wire::Dim &dim : *type.shape)
      shape.push_back(dim.value && *dim.value >= 0 ? *dim.value
                                                   : ShapedType::kDynamic);
    into = RankedTensorType::get(shape, element);
  }
  for (wire::Type::Kind kind : llvm::reverse(wrappers))
    into = kind == wire::Type::Sequence
               ? Type(onnx::SequenceType::get(context, into))
               : Type(onnx::OptionalType::get(context, into));
  return {};
}
