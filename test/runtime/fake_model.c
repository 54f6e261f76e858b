//===- fake_model.c - what the compiler generates, written by hand --------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// sum = scale * x + y for x, y of shape [batch, 4], in two launches: the first
// writes scale * x into the arena, the second adds y.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/ModelAbi.h"

#define HIDDEN __attribute__((visibility("hidden")))

static const float scale[4] = {1.0f, 2.0f, 3.0f, 4.0f};

static void multiply(void *const *args, int64_t lo, int64_t hi,
                     int64_t worker) {
  const float *x = args[1];
  const float *weights = args[2];
  float *to = args[3];
  for (int64_t row = lo; row < hi; ++row)
    for (int64_t i = 0; i < 4; ++i)
      to[row * 4 + i] = weights[i] * x[row * 4 + i];
}

static void add(void *const *args, int64_t lo, int64_t hi, int64_t worker) {
  const float *a = args[1];
  const float *b = args[2];
  float *to = args[3];
  for (int64_t i = lo * 4; i < hi * 4; ++i)
    to[i] = a[i] + b[i];
}

static int64_t arenaBytes(const int64_t *symbols) {
  return symbols[0] > INT64_MAX / 16 ? -1 : symbols[0] * 16;
}

static int64_t outputShapes(const int64_t *symbols, int64_t *dims) {
  dims[0] = symbols[0];
  dims[1] = 4;
  return 0;
}

static int64_t run(IngotRunFrame *frame) {
  void *first[] = {&frame->status, (void *)frame->inputs[0],
                   (void *)frame->weights, frame->arena};
  ingot_rt_launch(frame, 0, multiply, first, frame->symbols[0]);
  void *second[] = {&frame->status, frame->arena, (void *)frame->inputs[1],
                    frame->outputs[0]};
  ingot_rt_launch(frame, 1, add, second, frame->symbols[0]);
  return frame->status;
}

static const int64_t batchBy4[] = {-1, 4};
static const IngotTensorDesc inputs[] = {{"x", 1, 2, batchBy4},
                                         {"y", 1, 2, batchBy4}};
static const IngotTensorDesc outputs[] = {{"sum", 1, 2, batchBy4}};
static const char *const symbols[] = {"batch"};
static const IngotKernelDesc launches[] = {{"k0_mul", "scale_1"},
                                           {"k1_add", "add_1,add_2"}};

HIDDEN const IngotModelDesc ingot_model_desc = {
    .magic = INGOT_ABI_MAGIC,
    .abi_version = INGOT_ABI_VERSION,
    .name = "fake",
    .compiler_version = "test",
#if defined(__aarch64__)
    .target = "aarch64",
    .required_features = "neon",
#else
    .target = "x86-64",
    .required_features = "sse2",
#endif
    .content_hash = "00ff",
    .precision = "",
    .num_inputs = 2,
    .num_outputs = 1,
    .num_symbols = 1,
    .num_launches = 2,
    .inputs = inputs,
    .outputs = outputs,
    .symbol_names = symbols,
    .launches = launches,
    .weights = (const uint8_t *)scale,
    .weight_bytes = sizeof(scale),
    .code_bytes = 512,
    .arena_lower_bound = 0,
    .arena_bytes = arenaBytes,
    .output_shapes = outputShapes,
    .run = run,
};
