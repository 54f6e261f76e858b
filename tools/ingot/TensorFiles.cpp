//===- TensorFiles.cpp ----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/TensorFiles.h"

#include "lib/Driver/OutputFile.h"
#include "lib/Import/Import.h"
#include "tools/ingot/Messages.h"

#include "ingot/ingot.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <cmath>

using namespace ingot;
using llvm::StringRef;

static llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
readFile(StringRef path) {
  llvm::sys::fs::file_status status;
  std::error_code code = llvm::sys::fs::status(path, status);
  if (!code && status.type() != llvm::sys::fs::file_type::regular_file)
    return failure(6006, quoted(path) + " is not a file");
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (code || !buffer)
    return failure(6006, "cannot read " + quoted(path) + ": " +
                             (code ? code : buffer.getError()).message());
  return std::move(*buffer);
}

static llvm::Error readTensor(StringRef path, Tensor &tensor) {
  auto buffer = readFile(path);
  if (!buffer)
    return buffer.takeError();
  StringRef bytes = (*buffer)->getBuffer();
  std::string error;
  bool isNpy = bytes.starts_with("\x93NUMPY") || path.ends_with(".npy");
  if (isNpy ? parseNpy(bytes, tensor, error)
            : parseTensorProto(bytes, tensor, error))
    return llvm::Error::success();
  return failure(6007, quoted(path) + " " + error);
}

/// "the model takes x float[1,3], y int64[N]".
static std::string listInputs(const ModelFacts &model) {
  if (model.inputs.empty())
    return "the model takes no inputs";
  std::string text = "the model takes ";
  for (size_t i = 0; i < model.inputs.size(); ++i)
    text += (i ? ", " : "") + model.print(model.inputs[i]);
  return text;
}

namespace {
/// Collects the inputs of one run.
class InputReader {
public:
  InputReader(const Options &options, const ModelFacts &model)
      : options(options), model(model), tensors(model.inputs.size()),
        given(model.inputs.size(), false) {}
  llvm::Expected<std::vector<Tensor>> read();

private:
  llvm::Error readFolder();
  llvm::Error readArchive();
  llvm::Error readNamed();
  llvm::Error takeNamed(StringRef name, Tensor tensor);
  llvm::Error findSizes();
  void makeUp(size_t i);

  const Options &options;
  const ModelFacts &model;
  std::vector<Tensor> tensors;
  std::vector<bool> given;
  /// By symbol; -1 where unknown.
  std::vector<int64_t> sizes;
  ImportOptions shapes;
};
} // namespace

llvm::Error InputReader::readFolder() {
  for (size_t i = 0;; ++i) {
    llvm::SmallString<256> path(options.inputs);
    llvm::sys::path::append(path, "input_" + std::to_string(i) + ".pb");
    bool exists = llvm::sys::fs::exists(path);
    if (i >= tensors.size()) {
      if (exists)
        return failure(7006, quoted(path.str()) + " is one input too many: " +
                                 listInputs(model));
      return llvm::Error::success();
    }
    if (!exists && (options.randomInputs || given[i]))
      continue;
    if (!exists)
      return failure(6006,
                     quoted(path.str()) + " is missing: " + listInputs(model));
    if (llvm::Error error = readTensor(path, tensors[i]))
      return error;
    given[i] = true;
  }
}

llvm::Error InputReader::takeNamed(StringRef name, Tensor tensor) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (model.inputs[i].name != name)
      continue;
    if (given[i])
      return failure(7006, "input " + quoted(name) + " is given twice");
    tensors[i] = std::move(tensor);
    given[i] = true;
    return llvm::Error::success();
  }
  std::vector<StringRef> names;
  for (const TensorFacts &input : model.inputs)
    names.push_back(input.name);
  return failure(7006, "input " + quoted(name) + " is unknown to the model" +
                           suggestion(name, names) + "; " + listInputs(model));
}

llvm::Error InputReader::readArchive() {
  // libzip's own messages on these are vague.
  auto buffer = readFile(options.inputs);
  if (!buffer)
    return buffer.takeError();
  buffer->reset();
  std::vector<Tensor> arrays;
  std::string error;
  if (!readNpz(options.inputs, arrays, error))
    return failure(6007, quoted(options.inputs) + ": " + error);
  // Arrays saved without names are called arr_0, arr_1, ...
  bool byPosition = arrays.size() == tensors.size();
  for (size_t i = 0; i < arrays.size(); ++i)
    byPosition &= arrays[i].name == "arr_" + std::to_string(i);
  for (size_t i = 0; i < arrays.size(); ++i) {
    std::string name = byPosition ? model.inputs[i].name : arrays[i].name;
    if (llvm::Error wrong = takeNamed(name, std::move(arrays[i])))
      return wrong;
  }
  return llvm::Error::success();
}

llvm::Error InputReader::readNamed() {
  for (const std::string &text : options.namedInputs) {
    // Names may contain '=', paths seldom do: the last one that names an input
    // decides.
    StringRef name, path;
    std::tie(name, path) = StringRef(text).split('=');
    for (size_t at = text.find('='); at != std::string::npos;
         at = text.find('=', at + 1))
      if (llvm::any_of(model.inputs, [&](const TensorFacts &input) {
            return input.name == StringRef(text).take_front(at);
          })) {
        name = StringRef(text).take_front(at);
        path = StringRef(text).drop_front(at + 1);
      }
    Tensor tensor;
    if (llvm::Error error = readTensor(path, tensor))
      return error;
    if (llvm::Error error = takeNamed(name, std::move(tensor)))
      return error;
  }
  return llvm::Error::success();
}

/// Sizes of symbols from --shape and from the inputs that are given.
llvm::Error InputReader::findSizes() {
  sizes.assign(model.symbols.size(), -1);
  for (const std::string &shape : options.shapes)
    if (!parseShapeOption(shape, shapes))
      return failure(6004, "flag '--shape' must be NAME:1x3x224x224 or "
                           "SYMBOL=4, not " +
                               quoted(shape));
  for (const SymbolSize &symbol : shapes.symbols)
    for (size_t i = 0; i < sizes.size(); ++i)
      if (model.symbols[i] == symbol.symbol)
        sizes[i] = symbol.size;
  auto learn = [&](const TensorFacts &input, llvm::ArrayRef<int64_t> dims) {
    for (size_t d = 0; d < input.dims.size() && d < dims.size(); ++d)
      if (input.dims[d] < 0 && size_t(-1 - input.dims[d]) < sizes.size() &&
          dims[d] >= 0)
        sizes[-1 - input.dims[d]] = dims[d];
  };
  for (const InputShape &shape : shapes.shapes)
    for (const TensorFacts &input : model.inputs)
      if (input.name == shape.input)
        learn(input, shape.dims);
  for (size_t i = 0; i < tensors.size(); ++i)
    if (given[i])
      learn(model.inputs[i], tensors[i].dims);
  return llvm::Error::success();
}

void InputReader::makeUp(size_t i) {
  const TensorFacts &input = model.inputs[i];
  tensors[i].dtype = input.dtype;
  for (int64_t dim : input.dims) {
    int64_t size = dim;
    if (dim < 0) {
      size = size_t(-1 - dim) < sizes.size() ? sizes[-1 - dim] : 1;
      size = size < 0 ? 1 : size;
    }
    tensors[i].dims.push_back(size);
  }
  fillRandom(tensors[i], options.seed * 1000003 + i);
}

llvm::Expected<std::vector<Tensor>> InputReader::read() {
  if (llvm::Error error = readNamed())
    return error;
  if (!options.inputs.empty()) {
    bool isFolder = llvm::sys::fs::is_directory(options.inputs);
    if (llvm::Error error = isFolder ? readFolder() : readArchive())
      return error;
  }
  if (llvm::Error error = findSizes())
    return error;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorFacts &input = model.inputs[i];
    if (!given[i]) {
      if (!options.randomInputs)
        return failure(7006, "input " + quoted(input.name) +
                                 " is missing; give it by --inputs, --input or "
                                 "--random-inputs: " +
                                 listInputs(model));
      makeUp(i);
    }
    tensors[i].name = input.name;
    // Bytes without a type of NumPy's, such as bfloat16.
    if (tensors[i].dtype == 0)
      tensors[i].dtype = input.dtype;
    int64_t bytes = 0;
    if (!countBytes(tensors[i].dtype, tensors[i].dims, bytes) ||
        bytes != int64_t(tensors[i].data.size()))
      return failure(7010, "input " + quoted(input.name) + " has " +
                               llvm::Twine(tensors[i].data.size()) +
                               " bytes, and its shape and type " +
                               ingot_dtype_name(tensors[i].dtype) + " need " +
                               llvm::Twine(bytes));
  }
  return std::move(tensors);
}

llvm::Expected<std::vector<Tensor>> ingot::readInputs(const Options &options,
                                                      const ModelFacts &model) {
  return InputReader(options, model).read();
}

llvm::Error ingot::writeOutputs(StringRef path,
                                const std::vector<Tensor> &outputs) {
  std::string error;
  if (path.ends_with(".npz")) {
    if (llvm::Error wrong = checkWritable(path))
      return wrong;
    if (!writeNpz(path.str(), outputs, error))
      return failure(5001, "cannot write " + quoted(path) + ": " + error);
    return llvm::Error::success();
  }
  if (std::error_code code = llvm::sys::fs::create_directories(
          path, /*IgnoreExisting=*/true, llvm::sys::fs::perms::all_all))
    return failure(5001, "cannot make the folder " + quoted(path) + ": " +
                             code.message());
  for (size_t i = 0; i < outputs.size(); ++i) {
    llvm::SmallString<256> file(path);
    llvm::sys::path::append(file, "output_" + std::to_string(i) + ".pb");
    if (llvm::Error wrong = writeWhole(file, serializeTensorProto(outputs[i])))
      return wrong;
  }
  return llvm::Error::success();
}

TensorSummary ingot::summarize(const Tensor &tensor) {
  TensorSummary result;
  countElements(tensor.dims, result.elements);
  double sum = 0;
  int64_t finite = 0;
  for (int64_t i = 0; i < result.elements; ++i) {
    double value = elementValue(tensor, i);
    if (i < 8)
      result.first.push_back(value);
    if (!std::isfinite(value)) {
      ++result.notFinite;
      continue;
    }
    result.least = finite ? std::min(result.least, value) : value;
    result.most = finite ? std::max(result.most, value) : value;
    sum += value;
    ++finite;
  }
  result.mean = finite ? sum / double(finite) : 0;
  return result;
}
