//===- fake_gpu_model.c - for two GPUs and a processor --------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// sum = scale * x + y for x, y of shape [batch, 4] as fake_model.c has it, with
// PTX written by hand: for compute capability 9.0 alone, for 8.0 and later, and
// for the processor. A NaN in x is a fault of the first launch.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/ModelAbi.h"

#include <stddef.h>

#define HIDDEN __attribute__((visibility("hidden")))

static const float scale[4] = {1.0f, 2.0f, 3.0f, 4.0f};

// One thread for each element, 32 rows for each block.
#define MULTIPLY                                                               \
  ".visible .entry k0_mul(\n"                                                  \
  "  .param .u64 status, .param .u64 x, .param .u64 scale,\n"                  \
  "  .param .u64 to, .param .u64 n)\n"                                         \
  "{\n"                                                                        \
  "  .reg .pred %p<3>;\n"                                                      \
  "  .reg .f32 %f<4>;\n"                                                       \
  "  .reg .b32 %r<5>;\n"                                                       \
  "  .reg .b64 %rd<14>;\n"                                                     \
  "  ld.param.u64 %rd1, [n];\n"                                                \
  "  mov.u32 %r1, %ctaid.x;\n"                                                 \
  "  mov.u32 %r2, %ntid.x;\n"                                                  \
  "  mov.u32 %r3, %tid.x;\n"                                                   \
  "  mul.wide.u32 %rd2, %r1, %r2;\n"                                           \
  "  cvt.u64.u32 %rd3, %r3;\n"                                                 \
  "  add.s64 %rd4, %rd2, %rd3;\n"                                              \
  "  shl.b64 %rd5, %rd1, 2;\n"                                                 \
  "  setp.ge.s64 %p1, %rd4, %rd5;\n"                                           \
  "  @%p1 bra DONE;\n"                                                         \
  "  ld.param.u64 %rd6, [x];\n"                                                \
  "  cvta.to.global.u64 %rd6, %rd6;\n"                                         \
  "  shl.b64 %rd7, %rd4, 2;\n"                                                 \
  "  add.s64 %rd8, %rd6, %rd7;\n"                                              \
  "  ld.global.f32 %f1, [%rd8];\n"                                             \
  "  ld.param.u64 %rd9, [scale];\n"                                            \
  "  cvta.to.global.u64 %rd9, %rd9;\n"                                         \
  "  and.b64 %rd10, %rd7, 15;\n"                                               \
  "  add.s64 %rd10, %rd9, %rd10;\n"                                            \
  "  ld.global.f32 %f2, [%rd10];\n"                                            \
  "  mul.rn.f32 %f3, %f1, %f2;\n"                                              \
  "  ld.param.u64 %rd11, [to];\n"                                              \
  "  cvta.to.global.u64 %rd11, %rd11;\n"                                       \
  "  add.s64 %rd12, %rd11, %rd7;\n"                                            \
  "  st.global.f32 [%rd12], %f3;\n"                                            \
  "  setp.nan.f32 %p2, %f1, %f1;\n"                                            \
  "  @!%p2 bra DONE;\n"                                                        \
  "  ld.param.u64 %rd13, [status];\n"                                          \
  "  cvta.to.global.u64 %rd13, %rd13;\n"                                       \
  "  mov.u64 %rd1, 4;\n"                                                       \
  "  st.global.u64 [%rd13], %rd1;\n"                                           \
  "DONE:\n"                                                                    \
  "  ret;\n"                                                                   \
  "}\n"

// Blocks that loop until all is done.
#define ADD                                                                    \
  ".visible .entry k1_add(\n"                                                  \
  "  .param .u64 status, .param .u64 a, .param .u64 b,\n"                      \
  "  .param .u64 to, .param .u64 n)\n"                                         \
  "{\n"                                                                        \
  "  .reg .pred %p<2>;\n"                                                      \
  "  .reg .f32 %f<4>;\n"                                                       \
  "  .reg .b32 %r<5>;\n"                                                       \
  "  .reg .b64 %rd<14>;\n"                                                     \
  "  ld.param.u64 %rd1, [n];\n"                                                \
  "  shl.b64 %rd1, %rd1, 2;\n"                                                 \
  "  ld.param.u64 %rd2, [a];\n"                                                \
  "  ld.param.u64 %rd3, [b];\n"                                                \
  "  ld.param.u64 %rd4, [to];\n"                                               \
  "  cvta.to.global.u64 %rd2, %rd2;\n"                                         \
  "  cvta.to.global.u64 %rd3, %rd3;\n"                                         \
  "  cvta.to.global.u64 %rd4, %rd4;\n"                                         \
  "  mov.u32 %r1, %ctaid.x;\n"                                                 \
  "  mov.u32 %r2, %ntid.x;\n"                                                  \
  "  mov.u32 %r3, %tid.x;\n"                                                   \
  "  mov.u32 %r4, %nctaid.x;\n"                                                \
  "  mul.wide.u32 %rd5, %r1, %r2;\n"                                           \
  "  cvt.u64.u32 %rd6, %r3;\n"                                                 \
  "  add.s64 %rd5, %rd5, %rd6;\n"                                              \
  "  mul.wide.u32 %rd7, %r4, %r2;\n"                                           \
  "LOOP:\n"                                                                    \
  "  setp.ge.s64 %p1, %rd5, %rd1;\n"                                           \
  "  @%p1 bra DONE;\n"                                                         \
  "  shl.b64 %rd8, %rd5, 2;\n"                                                 \
  "  add.s64 %rd9, %rd2, %rd8;\n"                                              \
  "  add.s64 %rd10, %rd3, %rd8;\n"                                             \
  "  add.s64 %rd11, %rd4, %rd8;\n"                                             \
  "  ld.global.f32 %f1, [%rd9];\n"                                             \
  "  ld.global.f32 %f2, [%rd10];\n"                                            \
  "  add.rn.f32 %f3, %f1, %f2;\n"                                              \
  "  st.global.f32 [%rd11], %f3;\n"                                            \
  "  add.s64 %rd5, %rd5, %rd7;\n"                                              \
  "  bra.uni LOOP;\n"                                                          \
  "DONE:\n"                                                                    \
  "  ret;\n"                                                                   \
  "}\n"

#define MODULE(version, target)                                                \
  ".version " version "\n.target " target "\n.address_size 64\n" MULTIPLY ADD

static const char ptx80[] = MODULE("7.0", "sm_80");
static const char ptx90a[] = MODULE("8.0", "sm_90a");

static const IngotGpuImage images80[] = {
    {INGOT_GPU_PTX, 11020, (const uint8_t *)ptx80, sizeof(ptx80)}};
static const IngotGpuImage images90a[] = {
    {INGOT_GPU_PTX, 12000, (const uint8_t *)ptx90a, sizeof(ptx90a)}};

static const IngotGpuKernel gpuMultiply = {"k0_mul", 4, 128,  1, 0, 32,
                                           0,        0, NULL, 0, 0, 0};
static const IngotGpuKernel gpuAdd = {"k1_add", 4, 128,  1, 0, 32,
                                      2,        1, NULL, 0, 0, 0};
static const IngotGpuKernel *const gpuKernels[] = {&gpuMultiply, &gpuAdd};

static const IngotGpuDesc gpu80 = {&ingot_gpu_backend, 80,        0, 1, 2,
                                   images80,           gpuKernels};
static const IngotGpuDesc gpu90a = {&ingot_gpu_backend, 90,        1, 1, 2,
                                    images90a,          gpuKernels};

static void multiply(void *const *args, int64_t lo, int64_t hi,
                     int64_t worker) {
  const float *x = args[1];
  const float *weights = args[2];
  float *to = args[3];
  for (int64_t row = lo; row < hi; ++row)
    for (int64_t i = 0; i < 4; ++i) {
      if (x[row * 4 + i] != x[row * 4 + i])
        *(int64_t *)args[0] = INGOT_FAULT_ARGUMENT;
      to[row * 4 + i] = weights[i] * x[row * 4 + i];
    }
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

static int64_t runWith(IngotRunFrame *frame, IngotKernelFn mul,
                       IngotKernelFn plus) {
  void *first[] = {&frame->status, (void *)frame->inputs[0],
                   (void *)frame->weights, frame->arena};
  ingot_rt_launch(frame, 0, mul, first, frame->symbols[0]);
  void *second[] = {&frame->status, frame->arena, (void *)frame->inputs[1],
                    frame->outputs[0]};
  ingot_rt_launch(frame, 1, plus, second, frame->symbols[0]);
  return frame->status;
}

static int64_t run(IngotRunFrame *frame) {
  return runWith(frame, multiply, add);
}

static int64_t runGpu(IngotRunFrame *frame) {
  return runWith(frame, (IngotKernelFn)(uintptr_t)&gpuMultiply,
                 (IngotKernelFn)(uintptr_t)&gpuAdd);
}

static const int64_t batchBy4[] = {-1, 4};
static const IngotTensorDesc inputs[] = {{"x", 1, 2, batchBy4},
                                         {"y", 1, 2, batchBy4}};
static const IngotTensorDesc outputs[] = {{"sum", 1, 2, batchBy4}};
static const char *const symbols[] = {"batch"};
static const IngotKernelDesc launches[] = {{"k0_mul", "scale_1"},
                                           {"k1_add", "add_1,add_2"}};

#if defined(__aarch64__)
#define PROCESSOR "aarch64"
#define FEATURES "neon"
#else
#define PROCESSOR "x86-64"
#define FEATURES "sse2"
#endif

#define MODEL(name_, target_, run_, gpu_, next_)                               \
  HIDDEN const IngotModelDesc name_ = {                                        \
      .magic = INGOT_ABI_MAGIC,                                                \
      .abi_version = INGOT_ABI_VERSION,                                        \
      .name = "fake",                                                          \
      .compiler_version = "test",                                              \
      .target = target_,                                                       \
      .required_features = FEATURES,                                           \
      .content_hash = "00ff",                                                  \
      .precision = "",                                                         \
      .num_inputs = 2,                                                         \
      .num_outputs = 1,                                                        \
      .num_symbols = 1,                                                        \
      .num_launches = 2,                                                       \
      .inputs = inputs,                                                        \
      .outputs = outputs,                                                      \
      .symbol_names = symbols,                                                 \
      .launches = launches,                                                    \
      .weights = (const uint8_t *)scale,                                       \
      .weight_bytes = sizeof(scale),                                           \
      .code_bytes = 512,                                                       \
      .arena_lower_bound = 0,                                                  \
      .arena_bytes = arenaBytes,                                               \
      .output_shapes = outputShapes,                                           \
      .run = run_,                                                             \
      .gpu = gpu_,                                                             \
      .next = next_,                                                           \
  }

MODEL(forProcessor, PROCESSOR, run, 0, 0);
MODEL(forAmpere, "sm_80", runGpu, &gpu80, &forProcessor);
MODEL(ingot_model_desc, "sm_90a", runGpu, &gpu90a, &forAmpere);
