//===- NativeSession.cpp - an artifact in this process --------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/Session.h"

#include "ingot/ingot.h"

using namespace ingot;
using llvm::StringRef;

namespace {
class NativeSession : public Session {
public:
  ~NativeSession() override {
    ingot_context_destroy(context);
    if (model)
      ingot_model_close(model);
  }
  llvm::Error open(StringRef path, const SessionOptions &options);
  llvm::Error prepare(const std::vector<Tensor> &inputs) override;
  llvm::Error run() override;
  bool isEmulated() const override { return false; }
  llvm::Error enableProfile(bool enable) override;
  llvm::Expected<std::vector<uint64_t>> readProfile() override;
  unsigned threads() const override { return describeContext().threads; }
  uint64_t arenaBytes() const override { return describeContext().arena_bytes; }

private:
  void describe();
  ingot_context_info describeContext() const {
    ingot_context_info result = {};
    result.size = sizeof(result);
    ingot_context_describe(context, &result);
    return result;
  }
  static ingot_tensor view(const Tensor &tensor) {
    return {const_cast<char *>(tensor.data.data()), tensor.data.size(),
            tensor.dtype, int32_t(tensor.dims.size()), tensor.dims.data()};
  }

  ingot_model *model = nullptr;
  ingot_context *context = nullptr;
  std::vector<ingot_tensor> in, out;
};
} // namespace

llvm::Error NativeSession::open(StringRef path, const SessionOptions &options) {
  if (ingot_model_load(path.str().c_str(), &model) != INGOT_OK)
    return runtimeError(ingot_last_error());
  ingot_context_options wanted = {};
  wanted.size = sizeof(wanted);
  wanted.threads = int32_t(options.threads);
  if (ingot_context_create(model, &wanted, &context) != INGOT_OK)
    return runtimeError(ingot_last_error());
  describe();
  return llvm::Error::success();
}

void NativeSession::describe() {
  ingot_model_info m = {};
  m.size = sizeof(m);
  ingot_model_describe(model, &m);
  info.name = m.name;
  info.version = m.compiler_version;
  info.target = m.target;
  info.hash = m.content_hash;
  info.features = m.required_features;
  info.precision = m.precision ? m.precision : "";
  info.fallback = m.fallback ? m.fallback : "";
  info.weightBytes = m.weight_bytes;
  info.codeBytes = m.code_bytes;
  info.arenaBytes = m.arena_bytes;
  info.arenaLowerBound = m.arena_lower_bound;
  ingot_tensor_info t = {};
  t.size = sizeof(t);
  for (int32_t i = 0; i < m.num_inputs; ++i)
    if (ingot_model_input(model, i, &t) == INGOT_OK)
      info.inputs.push_back({t.name, t.dtype, {t.dims, t.dims + t.rank}});
  for (int32_t i = 0; i < m.num_outputs; ++i)
    if (ingot_model_output(model, i, &t) == INGOT_OK)
      info.outputs.push_back({t.name, t.dtype, {t.dims, t.dims + t.rank}});
  const char *symbol = nullptr;
  for (int32_t i = 0; i < m.num_symbols; ++i)
    if (ingot_model_symbol(model, i, &symbol) == INGOT_OK)
      info.symbols.push_back(symbol);
  ingot_launch_info launch = {};
  launch.size = sizeof(launch);
  for (int32_t i = 0; i < m.num_launches; ++i)
    if (ingot_model_launch(model, i, &launch) == INGOT_OK)
      info.launches.push_back({launch.kernel, launch.nodes});
}

llvm::Error NativeSession::prepare(const std::vector<Tensor> &inputs) {
  in.clear();
  out.clear();
  results.assign(info.outputs.size(), Tensor());
  for (const Tensor &tensor : inputs)
    in.push_back(view(tensor));
  if (ingot_context_prepare(context, in.data(), int32_t(in.size())) != INGOT_OK)
    return runtimeError(ingot_context_error(context));
  ingot_tensor_info t = {};
  t.size = sizeof(t);
  for (size_t i = 0; i < results.size(); ++i) {
    if (ingot_context_output(context, int32_t(i), &t) != INGOT_OK)
      return runtimeError(ingot_context_error(context));
    results[i].name = info.outputs[i].name;
    results[i].dtype = t.dtype;
    results[i].dims.assign(t.dims, t.dims + t.rank);
    int64_t bytes = 0;
    if (!countBytes(t.dtype, results[i].dims, bytes))
      return runtimeError("[IG7011] output '" + results[i].name +
                          "' would be unreasonably large");
    results[i].data.resize(bytes);
    out.push_back(view(results[i]));
  }
  return llvm::Error::success();
}

llvm::Error NativeSession::run() {
  if (ingot_run(context, in.data(), int32_t(in.size()), out.data(),
                int32_t(out.size())) != INGOT_OK)
    return runtimeError(ingot_context_error(context));
  return llvm::Error::success();
}

llvm::Error NativeSession::enableProfile(bool enable) {
  if (ingot_profile_enable(context, enable) != INGOT_OK)
    return runtimeError(ingot_context_error(context));
  return llvm::Error::success();
}

llvm::Expected<std::vector<uint64_t>> NativeSession::readProfile() {
  std::vector<uint64_t> times(info.launches.size());
  if (ingot_profile_read(context, times.data(), int32_t(times.size())) !=
      INGOT_OK)
    return runtimeError(ingot_context_error(context));
  return times;
}

llvm::Expected<std::unique_ptr<Session>>
ingot::openNative(StringRef path, const SessionOptions &options) {
  auto session = std::make_unique<NativeSession>();
  if (llvm::Error error = session->open(path, options))
    return error;
  return session;
}
