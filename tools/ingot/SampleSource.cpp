//===- SampleSource.cpp ---------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/SampleSource.h"

#include "tools/ingot/Image.h"
#include "tools/ingot/Messages.h"
#include "tools/ingot/TensorFiles.h"

#include "ingot/ingot.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/xxhash.h"

#include <cmath>
#include <numeric>

using namespace ingot;
using llvm::StringRef;

static std::string printDims(const std::vector<int64_t> &dims) {
  std::string text = "[";
  for (size_t i = 0; i < dims.size(); ++i)
    text += (i ? "," : "") +
            (dims[i] < 0 ? std::string("?") : std::to_string(dims[i]));
  return text + "]";
}

static std::string printInput(const TensorFacts &input) {
  return input.name + " " + ingot_dtype_name(input.dtype) +
         printDims(input.dims);
}

static std::string listInputs(const std::vector<TensorFacts> &inputs) {
  std::string text = "the model takes ";
  for (size_t i = 0; i < inputs.size(); ++i)
    text += (i ? ", " : "") + printInput(inputs[i]);
  return text;
}

/// The files of a folder, by name.
static std::vector<std::string> filesOf(StringRef folder) {
  std::vector<std::string> files;
  std::error_code code;
  for (llvm::sys::fs::directory_iterator it(folder, code), end;
       it != end && !code; it.increment(code))
    files.push_back(it->path());
  llvm::sort(files);
  return files;
}

llvm::Expected<SampleSource>
SampleSource::open(const Options &options,
                   const std::vector<TensorFacts> &inputs) {
  SampleSource source;
  source.options = options;
  source.inputs = inputs;
  for (const std::string &path : options.quantize.data) {
    if (path == "random") {
      source.random = true;
      source.addItem(Kind::Random, "random numbers",
                     options.quantize.samples + 16);
      continue;
    }
    if (llvm::Error error = source.addPath(path))
      return error;
  }
  size_t count = source.items.empty()
                     ? 0
                     : source.items.back().first + source.items.back().count;
  if (count == 0)
    return failure(6101, options.quantize.data.empty()
                             ? "no data to calibrate with; give it by --data, "
                               "or --data=random for a first try"
                             : "the data has no samples");
  source.order.resize(count);
  std::iota(source.order.begin(), source.order.end(), size_t(0));
  // Fisher and Yates's shuffle with a multiplicative generator.
  uint64_t state = options.seed * 2862933555777941757ull + 3037000493ull;
  for (size_t i = count; i > 1; --i) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    std::swap(source.order[i - 1], source.order[(state >> 33) % i]);
  }
  return source;
}

void SampleSource::addItem(Kind kind, StringRef path, size_t count) {
  size_t first = items.empty() ? 0 : items.back().first + items.back().count;
  items.push_back({kind, path.str(), first, count});
}

llvm::Error SampleSource::addImage(StringRef path) {
  if (inputs.size() != 1)
    return failure(6102, "the model takes " + llvm::Twine(inputs.size()) +
                             " inputs, and an image is one; give .npz files");
  addItem(Kind::Image, path, 1);
  return llvm::Error::success();
}

llvm::Error SampleSource::addPath(StringRef path) {
  llvm::sys::fs::file_status status;
  if (std::error_code code = llvm::sys::fs::status(path, status))
    return failure(6101, "cannot read the data " + quoted(path) + ": " +
                             code.message());
  if (status.type() == llvm::sys::fs::file_type::directory_file)
    return addFolder(path);
  if (isImageName(path))
    return addImage(path);
  if (path.ends_with(".npz"))
    return addArchive(path);
  return failure(6101, quoted(path) + " is no folder, .npz file or image "
                                      "(.png, .jpg, .ppm, .pgm, .bmp)");
}

llvm::Error SampleSource::addFolder(StringRef path) {
  size_t before = items.size();
  if (llvm::sys::fs::exists(path + "/input_0.pb")) {
    addItem(Kind::Folder, path, 1);
    return llvm::Error::success();
  }
  for (const std::string &file : filesOf(path)) {
    if (llvm::sys::fs::is_directory(file)) {
      if (llvm::sys::fs::exists(file + "/input_0.pb"))
        addItem(Kind::Folder, file, 1);
    } else if (isImageName(file)) {
      if (llvm::Error error = addImage(file))
        return error;
    } else if (StringRef(file).ends_with(".npz")) {
      if (llvm::Error error = addArchive(file))
        return error;
    }
  }
  if (items.size() == before)
    return failure(6101, "the folder " + quoted(path) +
                             " has no images, .npz files or test data "
                             "(input_0.pb, or folders with it)");
  return llvm::Error::success();
}

llvm::Error SampleSource::addArchive(StringRef path) {
  if (llvm::Error error = loadArchive(path))
    return error;
  auto count = countSlices(path);
  if (!count)
    return count.takeError();
  addItem(Kind::Archive, path, *count);
  return llvm::Error::success();
}

/// Arrays by the names of inputs, or arr_0, arr_1, ... by their order.
llvm::Error SampleSource::loadArchive(StringRef path) {
  if (loadedPath == path)
    return llvm::Error::success();
  std::vector<Tensor> arrays;
  std::string error;
  if (!readNpz(path.str(), arrays, error))
    return failure(6007, quoted(path) + ": " + error);
  bool byPosition = arrays.size() == inputs.size();
  for (size_t i = 0; i < arrays.size(); ++i)
    byPosition &= arrays[i].name == "arr_" + std::to_string(i);
  std::vector<Tensor> sorted(inputs.size());
  std::vector<StringRef> names;
  for (const TensorFacts &input : inputs)
    names.push_back(input.name);
  for (size_t i = 0; i < arrays.size(); ++i) {
    auto it = byPosition ? names.begin() + i
                         : llvm::find(names, StringRef(arrays[i].name));
    if (it == names.end())
      return failure(6102, quoted(path) + " has an array " +
                               quoted(arrays[i].name) + ", which is no input" +
                               suggestion(arrays[i].name, names) + "; " +
                               listInputs(inputs));
    sorted[size_t(it - names.begin())] = std::move(arrays[i]);
  }
  for (size_t i = 0; i < inputs.size(); ++i)
    if (sorted[i].name.empty())
      return failure(6102, quoted(path) + " has no array " +
                               quoted(inputs[i].name) + "; " +
                               listInputs(inputs));
  loaded = std::move(sorted);
  loadedPath = path.str();
  return llvm::Error::success();
}

/// How many samples an array holds for an input: a batch of its first
/// dimension, or one more dimension in front. 0: it does not fit.
static size_t slicesOf(const Tensor &array, const TensorFacts &input) {
  const std::vector<int64_t> &have = array.dims, &want = input.dims;
  auto match = [&](size_t skipHave, size_t skipWant) {
    for (size_t d = 0; d + skipHave < have.size(); ++d)
      if (want[d + skipWant] >= 0 && want[d + skipWant] != have[d + skipHave])
        return false;
    return true;
  };
  if (have.size() == want.size()) {
    if (want.empty())
      return 1;
    if (!match(1, 1))
      return 0;
    int64_t batch = want[0] < 0 ? 1 : want[0];
    return batch > 0 && have[0] % batch == 0 ? size_t(have[0] / batch) : 0;
  }
  if (have.size() == want.size() + 1)
    return match(1, 0) ? size_t(have[0]) : 0;
  if (have.size() + 1 == want.size() && want[0] <= 1 && want[0] != 0)
    return match(0, 1) ? 1 : 0;
  return 0;
}

llvm::Expected<size_t> SampleSource::countSlices(StringRef path) const {
  size_t count = 1;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor &array = loaded[i];
    bool hasNone = llvm::is_contained(array.dims, 0);
    size_t slices = slicesOf(array, inputs[i]);
    if (hasNone)
      return failure(6101, quoted(path) + ": array " + quoted(inputs[i].name) +
                               " is empty: " + printDims(array.dims));
    if (slices == 0)
      return failure(6102, quoted(path) + ": array " + quoted(inputs[i].name) +
                               " of shape " + printDims(array.dims) +
                               " holds no samples for the input " +
                               printInput(inputs[i]));
    if (slices != 1 && count != 1 && slices != count)
      return failure(6102, quoted(path) + " holds " + llvm::Twine(count) +
                               " samples of one input and " +
                               llvm::Twine(slices) + " of " +
                               quoted(inputs[i].name));
    count = std::max(count, slices);
  }
  return count;
}

llvm::Expected<std::vector<Tensor>> SampleSource::sliceArchive(const Item &item,
                                                               size_t index) {
  if (llvm::Error error = loadArchive(item.path))
    return error;
  std::vector<Tensor> sample;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor &array = loaded[i];
    size_t slices = slicesOf(array, inputs[i]);
    Tensor slice;
    slice.dtype = array.dtype;
    if (array.dims.size() == inputs[i].dims.size()) {
      slice.dims = array.dims;
      if (!slice.dims.empty())
        slice.dims[0] /= int64_t(slices);
    } else if (array.dims.size() > inputs[i].dims.size()) {
      slice.dims.assign(array.dims.begin() + 1, array.dims.end());
    } else {
      slice.dims = array.dims;
      slice.dims.insert(slice.dims.begin(), 1);
    }
    size_t bytes = array.data.size() / slices;
    size_t at = (slices == 1 ? 0 : index) * bytes;
    slice.data.assign(array.data.begin() + long(at),
                      array.data.begin() + long(at + bytes));
    sample.push_back(std::move(slice));
  }
  return sample;
}

llvm::Expected<std::vector<Tensor>>
SampleSource::readFolder(const Item &item) const {
  std::vector<Tensor> sample(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    std::string file = item.path + "/input_" + std::to_string(i) + ".pb";
    auto buffer = llvm::MemoryBuffer::getFile(file, false, false);
    if (!buffer)
      return failure(6102, "cannot read " + quoted(file) + ": " +
                               buffer.getError().message() + "; " +
                               listInputs(inputs));
    std::string error;
    if (!parseTensorProto((*buffer)->getBuffer(), sample[i], error))
      return failure(6007, quoted(file) + " " + error);
  }
  return sample;
}

llvm::Expected<std::vector<Tensor>>
SampleSource::readImage(const Item &item) const {
  auto tensor = readImageSample(item.path, inputs[0], options.quantize);
  if (!tensor)
    return tensor.takeError();
  std::vector<Tensor> sample;
  sample.push_back(std::move(*tensor));
  return sample;
}

std::vector<Tensor> SampleSource::makeUp(size_t position) const {
  std::vector<Tensor> sample;
  for (size_t i = 0; i < inputs.size(); ++i) {
    Tensor tensor;
    tensor.dtype = inputs[i].dtype;
    for (int64_t dim : inputs[i].dims)
      tensor.dims.push_back(dim < 0 ? 1 : dim);
    fillRandom(tensor, options.seed * 1000003 + position * 1009 + i);
    sample.push_back(std::move(tensor));
  }
  return sample;
}

const SampleSource::Item &SampleSource::itemOf(size_t position) const {
  auto it =
      llvm::upper_bound(items, position, [](size_t value, const Item &item) {
        return value < item.first;
      });
  return *std::prev(it);
}

std::string SampleSource::describe(size_t i) const {
  const Item &item = itemOf(order[i]);
  std::string text = quoted(item.path);
  if (item.count > 1)
    text += ", sample " + std::to_string(order[i] - item.first);
  return text;
}

llvm::Error SampleSource::check(std::vector<Tensor> &sample, size_t i) const {
  for (size_t k = 0; k < inputs.size(); ++k) {
    Tensor &tensor = sample[k];
    const TensorFacts &input = inputs[k];
    tensor.name = input.name;
    if (tensor.dtype == 0)
      tensor.dtype = input.dtype;
    if (tensor.dtype != input.dtype)
      return failure(6102, describe(i) + ": input " + quoted(input.name) +
                               " is of type " + ingot_dtype_name(tensor.dtype) +
                               ", and the model takes " + printInput(input) +
                               "; convert the data (numpy's astype)");
    bool fits = tensor.dims.size() == input.dims.size();
    for (size_t d = 0; d < tensor.dims.size() && fits; ++d)
      fits = input.dims[d] < 0 || input.dims[d] == tensor.dims[d];
    int64_t bytes = 0;
    if (!fits || !countBytes(tensor.dtype, tensor.dims, bytes) ||
        bytes != int64_t(tensor.data.size()))
      return failure(6102, describe(i) + ": input " + quoted(input.name) +
                               " has the shape " + printDims(tensor.dims) +
                               ", and the model takes " + printInput(input));
    if (tensor.dtype != INGOT_FLOAT32)
      continue;
    llvm::ArrayRef<float> values(
        reinterpret_cast<const float *>(tensor.data.data()),
        tensor.data.size() / sizeof(float));
    for (size_t e = 0; e < values.size(); ++e)
      if (!std::isfinite(values[e]))
        return failure(
            6103, describe(i) + ": input " + quoted(input.name) + " has " +
                      (std::isnan(values[e]) ? "NaN" : "infinity") +
                      " at element " + llvm::Twine(e) + "; remove the sample");
  }
  return llvm::Error::success();
}

llvm::Expected<std::vector<Tensor>> SampleSource::read(size_t i) {
  const Item item = itemOf(order[i]);
  llvm::Expected<std::vector<Tensor>> sample = std::vector<Tensor>();
  switch (item.kind) {
  case Kind::Archive:
    sample = sliceArchive(item, order[i] - item.first);
    break;
  case Kind::Folder:
    sample = readFolder(item);
    break;
  case Kind::Image:
    sample = readImage(item);
    break;
  case Kind::Random:
    sample = makeUp(order[i]);
    break;
  }
  if (!sample)
    return sample.takeError();
  if (llvm::Error error = check(*sample, i))
    return error;
  return sample;
}

std::string SampleSource::fingerprint() const {
  std::string text = std::to_string(options.seed);
  for (const Item &item : items) {
    uint64_t bytes = 0;
    llvm::sys::fs::file_size(item.path, bytes);
    text += "\n" + item.path + " " + std::to_string(item.count) + " " +
            std::to_string(bytes);
  }
  return std::to_string(llvm::xxh3_64bits(llvm::StringRef(text)));
}

llvm::Expected<std::vector<int64_t>> ingot::readLabels(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, false, false);
  if (!buffer)
    return failure(6110, "cannot read the labels " + quoted(path) + ": " +
                             buffer.getError().message());
  StringRef bytes = (*buffer)->getBuffer();
  std::vector<int64_t> labels;
  if (bytes.starts_with("\x93NUMPY")) {
    Tensor tensor;
    std::string error;
    if (!parseNpy(bytes, tensor, error))
      return failure(6110, quoted(path) + " " + error);
    int64_t count = 0;
    countElements(tensor.dims, count);
    for (int64_t i = 0; i < count; ++i)
      labels.push_back(int64_t(elementValue(tensor, i)));
    return labels;
  }
  llvm::SmallVector<StringRef> words;
  llvm::SplitString(bytes, words, " \t\r\n,");
  for (StringRef word : words) {
    int64_t label = 0;
    if (word.getAsInteger(10, label))
      return failure(6110, quoted(path) +
                               " must hold a whole number for each "
                               "sample, not " +
                               quoted(word));
    labels.push_back(label);
  }
  return labels;
}
