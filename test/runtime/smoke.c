//===- smoke.c - a program that loads a model.so, for any processor -------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Plain C, so that it needs nothing but libc where it is cross-compiled: runs
// the linked fake model under several numbers of threads, and checks results,
// rounding, errors, and that a run allocates nothing.
//
//===----------------------------------------------------------------------===//
#include <fenv.h>
#include <ingot/ingot.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(condition)                                                      \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "smoke.c:%d: %s\n%s\n", __LINE__, #condition,            \
              ingot_last_error());                                             \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

// The only function for memory that the runtime calls; this one is found first.
static int allocations;
int posix_memalign(void **memory, size_t alignment, size_t size) {
  ++allocations;
  *memory = memalign(alignment, size);
  return *memory == NULL;
}

enum { most = 1000 };
static float x[most * 4], y[most * 4], sum[most * 4];

static void run(ingot_context *context, int64_t batch) {
  int64_t dims[2] = {batch, 4};
  uint64_t bytes = (uint64_t)batch * 16;
  ingot_tensor in[2] = {{x, bytes, INGOT_FLOAT32, 2, dims},
                        {y, bytes, INGOT_FLOAT32, 2, dims}};
  ingot_tensor out[1] = {{sum, bytes, INGOT_FLOAT32, 2, dims}};
  EXPECT(ingot_context_prepare(context, in, 2) == INGOT_OK);
  int before = allocations;
  for (int repeat = 0; repeat < 20; ++repeat) {
    memset(sum, 0xff, sizeof(sum));
    EXPECT(ingot_run(context, in, 2, out, 1) == INGOT_OK);
    for (int64_t i = 0; i < batch * 4; ++i)
      EXPECT(sum[i] == (float)(i % 4 + 1) * x[i] + y[i]);
  }
  EXPECT(allocations == before);
  in[1].dtype = INGOT_INT8;
  EXPECT(ingot_run(context, in, 2, out, 1) == INGOT_ERROR_DTYPE);
  EXPECT(strstr(ingot_context_error(context), "'y'") != NULL);
}

/// 1 + 2^-30 is 1 in the standard mode, whatever the caller's.
static void checkRounding(ingot_context *context) {
  volatile float tiny = 9.313225746154785e-10f;
  x[0] = 1.0f;
  y[0] = tiny;
  int64_t dims[2] = {1, 4};
  ingot_tensor in[2] = {{x, 16, INGOT_FLOAT32, 2, dims},
                        {y, 16, INGOT_FLOAT32, 2, dims}};
  ingot_tensor out[1] = {{sum, 16, INGOT_FLOAT32, 2, dims}};
  fesetround(FE_UPWARD);
  ingot_status status = ingot_run(context, in, 2, out, 1);
  volatile float ours = x[0] + tiny;
  int mode = fegetround();
  fesetround(FE_TONEAREST);
  EXPECT(status == INGOT_OK);
  EXPECT(sum[0] == 1.0f);
  EXPECT(ours > 1.0f);
  EXPECT(mode == FE_UPWARD);
}

int main(int argc, char **argv) {
  ingot_model *model = NULL;
  EXPECT(argc == 2);
  EXPECT(ingot_model_load(argv[1], &model) == INGOT_OK);
  for (int i = 0; i < most * 4; ++i) {
    x[i] = (float)(i % 97);
    y[i] = (float)(i % 13) - 6.0f;
  }
  for (int threads = 0; threads <= 4; ++threads) {
    ingot_context_options options = {.size = sizeof(options),
                                     .threads = threads};
    ingot_context *context = NULL;
    EXPECT(ingot_context_create(model, &options, &context) == INGOT_OK);
    run(context, 1);
    run(context, most);
    run(context, 7);
    run(context, 0);
    EXPECT(ingot_context_destroy(context) == INGOT_OK);
  }
  EXPECT(allocations > 0);
  ingot_context *context = NULL;
  EXPECT(ingot_context_create(model, NULL, &context) == INGOT_OK);
  checkRounding(context);
  EXPECT(ingot_model_close(model) == INGOT_ERROR_BUSY);
  EXPECT(ingot_context_destroy(context) == INGOT_OK);
  EXPECT(ingot_model_close(model) == INGOT_OK);
  puts("right");
  return 0;
}
