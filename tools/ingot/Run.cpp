//===- Run.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/ingot/Run.h"

#include "ingot/ingot.h"
#include "lib/Tensors/Tensor.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace ingot;

static bool fail(const std::string &text) {
  llvm::errs() << "ingot: error: " << text << "\n";
  return false;
}

bool ingot::runArtifact(const std::string &path, const std::string &inputDir,
                        const std::string &outputDir) {
  ingot_model *model = nullptr;
  if (ingot_model_load(path.c_str(), &model) != INGOT_OK)
    return fail(ingot_last_error());
  ingot_model_info info = {};
  info.size = sizeof(info);
  ingot_model_describe(model, &info);
  std::vector<Tensor> inputs(info.num_inputs), outputs(info.num_outputs);
  std::vector<ingot_tensor> in, out;
  for (int32_t i = 0; i < info.num_inputs; ++i) {
    std::string file = inputDir + "/input_" + std::to_string(i) + ".pb";
    auto buffer = llvm::MemoryBuffer::getFile(file);
    std::string error;
    if (!buffer)
      return fail("cannot read '" + file + "': " + buffer.getError().message());
    if (!parseTensorProto((*buffer)->getBuffer().str(), inputs[i], error))
      return fail("'" + file + "' " + error);
    in.push_back({inputs[i].data.data(), inputs[i].data.size(), inputs[i].dtype,
                  int32_t(inputs[i].dims.size()), inputs[i].dims.data()});
  }
  ingot_context_options options = {};
  options.size = sizeof(options);
  ingot_context *context = nullptr;
  if (ingot_context_create(model, &options, &context) != INGOT_OK)
    return fail(ingot_last_error());
  if (ingot_context_prepare(context, in.data(), in.size()) != INGOT_OK)
    return fail(ingot_context_error(context));
  for (int32_t i = 0; i < info.num_outputs; ++i) {
    ingot_tensor_info tensor = {};
    tensor.size = sizeof(tensor);
    ingot_context_output(context, i, &tensor);
    outputs[i].name = tensor.name;
    outputs[i].dtype = tensor.dtype;
    outputs[i].dims.assign(tensor.dims, tensor.dims + tensor.rank);
    int64_t bytes = elementBytesOf(tensor.dtype);
    for (int64_t dim : outputs[i].dims)
      bytes *= dim;
    outputs[i].data.resize(bytes);
    out.push_back({outputs[i].data.data(), outputs[i].data.size(),
                   outputs[i].dtype, int32_t(outputs[i].dims.size()),
                   outputs[i].dims.data()});
  }
  if (ingot_run(context, in.data(), in.size(), out.data(), out.size()) !=
      INGOT_OK)
    return fail(ingot_context_error(context));
  if (std::error_code code = llvm::sys::fs::create_directories(outputDir))
    return fail("cannot create '" + outputDir + "': " + code.message());
  for (int32_t i = 0; i < info.num_outputs; ++i) {
    std::error_code code;
    std::string file = outputDir + "/output_" + std::to_string(i) + ".pb";
    llvm::raw_fd_ostream os(file, code);
    if (code)
      return fail("cannot write '" + file + "': " + code.message());
    os << serializeTensorProto(outputs[i]);
  }
  ingot_context_destroy(context);
  ingot_model_close(model);
  return true;
}
