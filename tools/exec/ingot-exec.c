//===- ingot-exec.c - runs an artifact for another program ----------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// usage: ingot-exec model.so THREADS
//
// Built for processors other than the host's and started in an emulator by
// `ingot run`. Talks over standard input and output in little-endian 64-bit
// numbers; a string is its length and its bytes. First a status and, when that
// is 0, the description of the model; then for every request 1 with inputs a
// status and the outputs. A status other than 0 is followed by a sentence.
//
//===----------------------------------------------------------------------===//
#include <ingot/ingot.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *text) {
  fprintf(stderr, "ingot-exec: %s\n", text);
  exit(3);
}

static void put(const void *data, uint64_t bytes) {
  if (bytes && fwrite(data, 1, bytes, stdout) != bytes)
    die("the other end is gone");
}

static void putNumber(uint64_t value) { put(&value, sizeof(value)); }

static void putString(const char *text) {
  putNumber(strlen(text));
  put(text, strlen(text));
}

static void get(void *data, uint64_t bytes) {
  if (bytes && fread(data, 1, bytes, stdin) != bytes)
    exit(0); // The other end has no more to ask.
}

static uint64_t getNumber(void) {
  uint64_t value;
  get(&value, sizeof(value));
  return value;
}

static void *allocate(uint64_t bytes) {
  void *memory = malloc(bytes + 1);
  if (!memory)
    die("out of memory");
  return memory;
}

/// Sends a failure; true if `status` is none.
static int putStatus(ingot_status status, const char *text) {
  putNumber(status);
  if (status != INGOT_OK)
    putString(text);
  return status == INGOT_OK;
}

static void putTensorInfo(const ingot_tensor_info *info) {
  putString(info->name);
  putNumber((uint64_t)info->dtype);
  putNumber((uint64_t)info->rank);
  put(info->dims, (uint64_t)info->rank * sizeof(int64_t));
}

static void putDescription(ingot_model *model, const ingot_model_info *info) {
  putString(info->name);
  putString(info->compiler_version);
  putString(info->target);
  putString(info->content_hash);
  putString(info->required_features);
  putString(info->precision ? info->precision : "");
  putString(info->fallback ? info->fallback : "");
  putNumber(info->weight_bytes);
  putNumber(info->code_bytes);
  putNumber(info->arena_bytes);
  putNumber(info->arena_lower_bound);
  putNumber((uint64_t)info->num_inputs);
  putNumber((uint64_t)info->num_outputs);
  putNumber((uint64_t)info->num_symbols);
  putNumber((uint64_t)info->num_launches);
  ingot_tensor_info tensor = {.size = sizeof(tensor)};
  for (int32_t i = 0; i < info->num_inputs; ++i) {
    ingot_model_input(model, i, &tensor);
    putTensorInfo(&tensor);
  }
  for (int32_t i = 0; i < info->num_outputs; ++i) {
    ingot_model_output(model, i, &tensor);
    putTensorInfo(&tensor);
  }
  const char *symbol = "";
  for (int32_t i = 0; i < info->num_symbols; ++i) {
    ingot_model_symbol(model, i, &symbol);
    putString(symbol);
  }
  ingot_launch_info launch = {.size = sizeof(launch)};
  for (int32_t i = 0; i < info->num_launches; ++i) {
    ingot_model_launch(model, i, &launch);
    putString(launch.kernel);
    putString(launch.nodes);
  }
}

static void getTensor(ingot_tensor *tensor) {
  tensor->dtype = (int32_t)getNumber();
  tensor->rank = (int32_t)getNumber();
  int64_t *dims = allocate((uint64_t)tensor->rank * sizeof(int64_t));
  get(dims, (uint64_t)tensor->rank * sizeof(int64_t));
  tensor->dims = dims;
  tensor->bytes = getNumber();
  tensor->data = allocate(tensor->bytes);
  get(tensor->data, tensor->bytes);
}

static void freeTensor(ingot_tensor *tensor) {
  free((void *)tensor->dims);
  free(tensor->data);
}

/// Room for output number `index` of the prepared context.
static ingot_status makeOutput(ingot_context *context, int32_t index,
                               ingot_tensor *tensor) {
  ingot_tensor_info info = {.size = sizeof(info)};
  ingot_status status = ingot_context_output(context, index, &info);
  if (status != INGOT_OK)
    return status;
  int64_t *dims = allocate((uint64_t)info.rank * sizeof(int64_t));
  memcpy(dims, info.dims, (uint64_t)info.rank * sizeof(int64_t));
  *tensor = (ingot_tensor){NULL, 0, info.dtype, info.rank, dims};
  if (!ingot_tensor_bytes(info.dtype, info.rank, dims, &tensor->bytes))
    die("an output is unreasonably large");
  tensor->data = allocate(tensor->bytes);
  return INGOT_OK;
}

static void runOnce(ingot_context *context, const ingot_model_info *info) {
  ingot_tensor *in = calloc((size_t)info->num_inputs + 1, sizeof(*in));
  ingot_tensor *out = calloc((size_t)info->num_outputs + 1, sizeof(*out));
  if (!in || !out)
    die("out of memory");
  for (int32_t i = 0; i < info->num_inputs; ++i)
    getTensor(&in[i]);
  ingot_status status = ingot_context_prepare(context, in, info->num_inputs);
  for (int32_t i = 0; i < info->num_outputs && status == INGOT_OK; ++i)
    status = makeOutput(context, i, &out[i]);
  if (status == INGOT_OK)
    status = ingot_run(context, in, info->num_inputs, out, info->num_outputs);
  if (putStatus(status, ingot_context_error(context)))
    for (int32_t i = 0; i < info->num_outputs; ++i) {
      putNumber((uint64_t)out[i].dtype);
      putNumber((uint64_t)out[i].rank);
      put(out[i].dims, (uint64_t)out[i].rank * sizeof(int64_t));
      putNumber(out[i].bytes);
      put(out[i].data, out[i].bytes);
    }
  for (int32_t i = 0; i < info->num_inputs; ++i)
    freeTensor(&in[i]);
  for (int32_t i = 0; i < info->num_outputs; ++i)
    freeTensor(&out[i]);
  free(in);
  free(out);
}

int main(int argc, char **argv) {
  if (argc != 3)
    die("started with the wrong arguments");
  ingot_model *model = NULL;
  ingot_context *context = NULL;
  ingot_model_info info = {.size = sizeof(info)};
  ingot_context_options options = {.size = sizeof(options),
                                   .threads = atoi(argv[2])};
  ingot_status status = ingot_model_load(argv[1], &model);
  if (status == INGOT_OK)
    status = ingot_context_create(model, &options, &context);
  if (status == INGOT_OK)
    status = ingot_model_describe(model, &info);
  if (putStatus(status, ingot_last_error()))
    putDescription(model, &info);
  fflush(stdout);
  while (status == INGOT_OK && getNumber() == 1) {
    runOnce(context, &info);
    fflush(stdout);
  }
  ingot_context_destroy(context);
  if (model)
    ingot_model_close(model);
  return 0;
}
