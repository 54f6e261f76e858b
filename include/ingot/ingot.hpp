//===- ingot.hpp - the C++ interface of a compiled model --------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C interface with owners, vectors and names; header only. Nothing throws:
// calls return a Status. Read ingot.h first, its rules hold here.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_INGOT_HPP
#define INGOT_INGOT_HPP

#include "ingot/ingot.h"

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace ingot {

/// What a call came to, with the sentence that explains a failure.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(ingot_status code, std::string message)
      : code_(code), message_(std::move(message)) {}

  /// The status of a call just made on this thread.
  static Status of(ingot_status code) {
    return code == INGOT_OK ? Status() : Status(code, ingot_last_error());
  }

  bool ok() const { return code_ == INGOT_OK; }
  ingot_status code() const { return code_; }
  const std::string &message() const { return message_; }

private:
  ingot_status code_ = INGOT_OK;
  std::string message_;
};

/// The ingot_dtype of a C++ type.
template <typename T> constexpr ingot_dtype dtypeOf() {
  static_assert(std::is_arithmetic<T>::value, "no tensor has this type");
  if (std::is_same<T, bool>::value)
    return INGOT_BOOL;
  if (std::is_floating_point<T>::value)
    return sizeof(T) == 4 ? INGOT_FLOAT32 : INGOT_FLOAT64;
  constexpr bool isSigned = std::is_signed<T>::value;
  switch (sizeof(T)) {
  case 1:
    return isSigned ? INGOT_INT8 : INGOT_UINT8;
  case 2:
    return isSigned ? INGOT_INT16 : INGOT_UINT16;
  case 4:
    return isSigned ? INGOT_INT32 : INGOT_UINT32;
  default:
    return isSigned ? INGOT_INT64 : INGOT_UINT64;
  }
}

/// A view of a tensor in the caller's memory.
struct Tensor {
  void *data = nullptr;
  uint64_t bytes = 0;
  int32_t dtype = 0;
  std::vector<int64_t> dims;

  Tensor() = default;
  Tensor(void *data, uint64_t bytes, int32_t dtype, std::vector<int64_t> dims)
      : data(data), bytes(bytes), dtype(dtype), dims(std::move(dims)) {}

  /// A view of `count` elements; inputs are only read.
  template <typename T>
  static Tensor of(const T *data, size_t count, std::vector<int64_t> dims) {
    return Tensor(const_cast<T *>(data), count * sizeof(T), dtypeOf<T>(),
                  std::move(dims));
  }
  template <typename T>
  static Tensor of(const std::vector<T> &data, std::vector<int64_t> dims) {
    return of(data.data(), data.size(), std::move(dims));
  }
};

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// Name, type and shape of an input or output; see ingot_tensor_info.
struct TensorInfo {
  std::string name;
  int32_t dtype = 0;
  std::vector<int64_t> dims;
};

/// Owns one use of a model. Must outlive its contexts.
class Model {
public:
  Model() = default;
  Model(Model &&other) noexcept : handle_(other.handle_) {
    other.handle_ = nullptr;
  }
  Model &operator=(Model &&other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Model() {
    if (handle_)
      ingot_model_close(handle_);
  }

#ifndef INGOT_NO_LOADER
  /// Loads a model.so.
  static Status load(const std::string &path, Model &model) {
    model = Model();
    return Status::of(ingot_model_load(path.c_str(), &model.handle_));
  }
#endif

  /// Takes a model linked into the program.
  static Status open(const ingot_api_v1 *api, Model &model) {
    model = Model();
    return Status::of(ingot_model_open(api, &model.handle_));
  }

  ingot_model *handle() const { return handle_; }

  /// All zero for an empty Model.
  ingot_model_info info() const {
    ingot_model_info info = {};
    info.size = sizeof(info);
    ingot_model_describe(handle_, &info);
    return info;
  }

  std::vector<TensorInfo> inputs() const {
    return list(info().num_inputs, ingot_model_input);
  }
  std::vector<TensorInfo> outputs() const {
    return list(info().num_outputs, ingot_model_output);
  }
  std::vector<std::string> symbols() const {
    std::vector<std::string> names;
    const char *name = nullptr;
    for (int32_t i = 0; ingot_model_symbol(handle_, i, &name) == INGOT_OK; ++i)
      names.push_back(name);
    return names;
  }

private:
  template <typename Call>
  std::vector<TensorInfo> list(int32_t count, Call call) const {
    std::vector<TensorInfo> result;
    ingot_tensor_info info = {};
    info.size = sizeof(info);
    for (int32_t i = 0; i < count && call(handle_, i, &info) == INGOT_OK; ++i)
      result.push_back(
          {info.name, info.dtype, {info.dims, info.dims + info.rank}});
    return result;
  }

  ingot_model *handle_ = nullptr;
};

/// Owns a context: the threads and the memory of one caller.
class Context {
public:
  Context() = default;
  Context(Context &&other) noexcept { swap(other); }
  Context &operator=(Context &&other) noexcept {
    swap(other);
    return *this;
  }
  ~Context() { ingot_context_destroy(handle_); }

  /// `options.size` need not be set.
  static Status create(const Model &model, Context &context,
                       ingot_context_options options = {}) {
    context = Context();
    options.size = sizeof(options);
    context.inputs_ = model.inputs();
    context.outputs_ = model.outputs();
    return Status::of(
        ingot_context_create(model.handle(), &options, &context.handle_));
  }

  ingot_context *handle() const { return handle_; }

  /// Binds the shapes of all inputs; only `dtype` and `dims` are looked at.
  Status prepare(const std::vector<Tensor> &inputs) {
    std::vector<ingot_tensor> in = views(inputs);
    return Status::of(
        ingot_context_prepare(handle_, in.data(), int32_t(in.size())));
  }

  /// Output number `index` with the shape that the prepared inputs give it.
  Status output(int32_t index, TensorInfo &result) const {
    ingot_tensor_info info = {};
    info.size = sizeof(info);
    Status status = Status::of(ingot_context_output(handle_, index, &info));
    if (status.ok())
      result = {info.name, info.dtype, {info.dims, info.dims + info.rank}};
    return status;
  }

  /// Runs with inputs and outputs by position.
  Status run(const std::vector<Tensor> &inputs,
             const std::vector<Tensor> &outputs) {
    std::vector<ingot_tensor> in = views(inputs), out = views(outputs);
    return Status::of(ingot_run(handle_, in.data(), int32_t(in.size()),
                                out.data(), int32_t(out.size())));
  }

  /// Runs with inputs and outputs by name, in any order.
  Status run(const NamedTensors &inputs, const NamedTensors &outputs) {
    std::vector<Tensor> in, out;
    Status status = order(inputs, inputs_, "input", in);
    if (status.ok())
      status = order(outputs, outputs_, "output", out);
    return status.ok() ? run(in, out) : status;
  }

  void cancel() { ingot_cancel(handle_); }

private:
  void swap(Context &other) {
    std::swap(handle_, other.handle_);
    inputs_.swap(other.inputs_);
    outputs_.swap(other.outputs_);
  }

  static std::vector<ingot_tensor> views(const std::vector<Tensor> &tensors) {
    std::vector<ingot_tensor> result;
    for (const Tensor &t : tensors)
      result.push_back({t.data, t.bytes, t.dtype, int32_t(t.dims.size()),
                        t.dims.empty() ? nullptr : t.dims.data()});
    return result;
  }

  static Status failName(const char *kind, const std::string &name,
                         const char *what) {
    return Status(INGOT_ERROR_NAME,
                  std::string("[IG7006] ") + kind + " '" + name + "' " + what);
  }

  /// Puts named tensors at their positions.
  static Status order(const NamedTensors &named,
                      const std::vector<TensorInfo> &infos, const char *kind,
                      std::vector<Tensor> &result) {
    result.assign(infos.size(), Tensor());
    std::vector<bool> seen(infos.size(), false);
    for (const auto &entry : named) {
      size_t at = 0;
      while (at < infos.size() && infos[at].name != entry.first)
        ++at;
      if (at == infos.size())
        return failName(kind, entry.first, "is unknown to the model");
      if (seen[at])
        return failName(kind, entry.first, "is given twice");
      seen[at] = true;
      result[at] = entry.second;
    }
    for (size_t i = 0; i < infos.size(); ++i)
      if (!seen[i])
        return failName(kind, infos[i].name, "is missing");
    return Status();
  }

  ingot_context *handle_ = nullptr;
  std::vector<TensorInfo> inputs_, outputs_;
};

} // namespace ingot

#endif // INGOT_INGOT_HPP
