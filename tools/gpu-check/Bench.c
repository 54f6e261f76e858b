//===- Bench.c - how fast artifacts are on a device -----------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/gpu-check/Clock.h"
#include "tools/gpu-check/Driver.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/// Seconds after which no more is measured, and rounds that are enough.
static const double longest = 1.5;
enum { mostRounds = 50 };

/// Data is made in blocks of so many bytes, each the same.
enum { blockBytes = 16 << 20 };

/// Operations of a multiprocessor in a clock, without sparsity: what NVIDIA's
/// figures for whole devices come to.
static const struct {
  int capability;
  double f32, tf32, f16, s8, fp8;
} rates[] = {
    {75, 128, 0, 1024, 2048, 0},          {80, 128, 1024, 2048, 4096, 0},
    {86, 256, 512, 1024, 2048, 0},        {87, 256, 1024, 2048, 4096, 0},
    {89, 256, 512, 1024, 2048, 2048},     {90, 256, 2048, 4096, 8192, 8192},
    {100, 256, 4096, 8192, 16384, 16384}, {120, 256, 512, 1024, 2048, 2048},
};

/// Operations each second that the device could do; 0 if nobody knows.
static double peakOf(const Driver *driver, const char *rate) {
  double each = 0;
  for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); ++i) {
    if (rates[i].capability != driver->capability)
      continue;
    if (strcmp(rate, "f32") == 0)
      each = rates[i].f32;
    else if (strcmp(rate, "tf32") == 0)
      each = rates[i].tf32;
    else if (strcmp(rate, "s8") == 0)
      each = rates[i].s8;
    else if (strcmp(rate, "fp8") == 0)
      each = rates[i].fp8;
    else if (strcmp(rate, "-") != 0)
      each = rates[i].f16; // and bf16
  }
  return each * driver->multiprocessors * 1e3 * driver->kilohertz;
}

/// Work in a stream, and the time it takes there.
typedef struct Timer {
  const Driver *driver;
  void *stream, *before, *after;
} Timer;

static int openTimer(Timer *timer, const Driver *driver) {
  memset(timer, 0, sizeof(*timer));
  timer->driver = driver;
  return CALL("cuCtxSetCurrent", (void *), driver->context) &&
         CALL("cuStreamCreate", (void **, unsigned), &timer->stream, 1) &&
         CALL("cuEventCreate", (void **, unsigned), &timer->before, 0) &&
         CALL("cuEventCreate", (void **, unsigned), &timer->after, 0);
}

static void closeTimer(Timer *timer) {
  const Driver *driver = timer->driver;
  if (timer->before)
    (void)CALL("cuEventDestroy_v2", (void *), timer->before);
  if (timer->after)
    (void)CALL("cuEventDestroy_v2", (void *), timer->after);
  if (timer->stream)
    (void)CALL("cuStreamDestroy_v2", (void *), timer->stream);
}

/// Seconds that the device takes for `times` calls of `work`; below 0 if that
/// fails.
static double timeOf(Timer *timer, int times, int (*work)(void *), void *data) {
  const Driver *driver = timer->driver;
  float milliseconds = 0;
  int good =
      CALL("cuEventRecord", (void *, void *), timer->before, timer->stream);
  for (int i = 0; good && i < times; ++i)
    good = work(data);
  good = good &&
         CALL("cuEventRecord", (void *, void *), timer->after, timer->stream) &&
         CALL("cuEventSynchronize", (void *), timer->after) &&
         CALL("cuEventElapsedTime", (float *, void *, void *), &milliseconds,
              timer->before, timer->after);
  return good ? 1e-3 * milliseconds : -1;
}

typedef struct Times {
  double median, p10, p90;
  int rounds;
} Times;

/// Rounds of about a millisecond, so that a launch more or less is lost in it.
static int measure(Timer *timer, int (*work)(void *), void *data, Times *made) {
  double rounds[mostRounds];
  double one = timeOf(timer, 1, work, data);
  if (one < 0)
    return 0;
  int each = one > 1e-3 ? 1 : one > 1e-5 ? (int)(1e-3 / one) : 100;
  double begin = seconds();
  made->rounds = 0;
  while (made->rounds < mostRounds && (made->rounds == 0 || //
                                       seconds() - begin < longest)) {
    double time = timeOf(timer, each, work, data);
    if (time < 0)
      return 0;
    rounds[made->rounds++] = time / each;
  }
  qsort(rounds, (size_t)made->rounds, sizeof(double), byTime);
  made->median = rounds[made->rounds / 2];
  made->p10 = rounds[made->rounds / 10];
  made->p90 = rounds[made->rounds * 9 / 10];
  return 1;
}

typedef struct Copy {
  const Timer *timer;
  uint64_t from, to;
  size_t bytes;
} Copy;

static int copyOnce(void *data) {
  const Copy *copy = data;
  const Driver *driver = copy->timer->driver;
  return CALL("cuMemcpyDtoDAsync_v2", (uint64_t, uint64_t, size_t, void *),
              copy->to, copy->from, copy->bytes, copy->timer->stream);
}

double measureCopies(const Driver *driver, FILE *report) {
  Timer timer;
  Times times = {0};
  size_t available = 0, all = 0;
  Copy copy = {&timer, 0, 0, 0};
  int good = openTimer(&timer, driver) &&
             CALL("cuMemGetInfo_v2", (size_t *, size_t *), &available, &all);
  // More than any cache holds, if there is room.
  copy.bytes = available / 4 < (1ull << 30) ? available / 4 : 1ull << 30;
  good = good &&
         CALL("cuMemAlloc_v2", (uint64_t *, size_t), &copy.from, copy.bytes) &&
         CALL("cuMemAlloc_v2", (uint64_t *, size_t), &copy.to, copy.bytes) &&
         CALL("cuMemsetD8_v2", (uint64_t, unsigned char, size_t), copy.from, 1,
              copy.bytes) &&
         measure(&timer, copyOnce, &copy, &times);
  double rate = good && times.median > 0 ? 2.0 * copy.bytes / times.median : 0;
  if (good)
    fprintf(report, "copies: %.0f GB/s read and written\n", 1e-9 * rate);
  else
    fprintf(report, "FAIL copies: %s\n", driverMessage());
  if (copy.from)
    (void)CALL("cuMemFree_v2", (uint64_t), copy.from);
  if (copy.to)
    (void)CALL("cuMemFree_v2", (uint64_t), copy.to);
  closeTimer(&timer);
  return rate;
}

static uint32_t nextRandom(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*state >> 32);
}

/// Numbers of either sign from 1/16 to 1, indices below 1000, any bytes.
static void fill(int32_t dtype, void *block, uint64_t seed) {
  uint64_t state = seed;
  uint32_t bits = ingot_dtype_bits(dtype);
  for (uint64_t i = 0; i < blockBytes / (bits < 8 ? 1 : bits / 8); ++i) {
    uint32_t r = nextRandom(&state);
    if (dtype == INGOT_FLOAT32)
      ((uint32_t *)block)[i] = (r & 0x80ffffff) | 123u << 23;
    else if (dtype == INGOT_FLOAT16)
      ((uint16_t *)block)[i] = (uint16_t)((r & 0x8bff) | 11u << 10);
    else if (dtype == INGOT_BFLOAT16)
      ((uint16_t *)block)[i] = (uint16_t)((r & 0x80ff) | 123u << 7);
    else if (dtype == INGOT_INT64)
      ((int64_t *)block)[i] = r % 1000;
    else if (bits == 32)
      ((uint32_t *)block)[i] = r % 1000;
    else if (bits == 16)
      ((uint16_t *)block)[i] = (uint16_t)(r % 1000);
    else if (bits == 64)
      ((double *)block)[i] = (double)(int32_t)r / 2147483648.0;
    else if (dtype == INGOT_BOOL)
      ((uint8_t *)block)[i] = r & 1;
    else if (dtype == INGOT_FLOAT8E4M3FN)
      ((uint8_t *)block)[i] = (uint8_t)((r & 0x8f) | 3u << 3);
    else
      ((uint8_t *)block)[i] = (uint8_t)r;
  }
}

/// An artifact with its tensors on the device.
typedef struct Bench {
  const Driver *driver;
  const Case *c;
  ingot_model *model;
  ingot_context *context;
  uint64_t memory[MAX_BUFFERS];
  char target[32];
  const char *error;
} Bench;

static int failed(Bench *bench, const char *error) {
  bench->error = error;
  return 0;
}

static int makeTensors(Bench *bench) {
  const Driver *driver = bench->driver;
  void *block = malloc(blockBytes);
  int good = block != NULL;
  for (int i = 0; good && i < bench->c->count; ++i) {
    const Buffer *b = &bench->c->buffers[i];
    good = CALL("cuMemAlloc_v2", (uint64_t *, size_t), &bench->memory[i],
                (size_t)b->bytes + 16);
    if (good && !b->isOutput)
      fill(b->dtype, block, (uint64_t)i + 1);
    for (uint64_t at = 0; good && !b->isOutput && at < b->bytes;
         at += blockBytes) {
      uint64_t rest = b->bytes - at;
      good = CALL("cuMemcpyHtoD_v2", (uint64_t, const void *, size_t),
                  bench->memory[i] + at, block,
                  (size_t)(rest < blockBytes ? rest : blockBytes));
    }
  }
  free(block);
  // The stream of runs waits for no other.
  good = good && CALL("cuCtxSynchronize", (void));
  return good ? 1 : failed(bench, driverMessage());
}

static int openModel(Bench *bench, void *stream) {
  ingot_context_options options = {0};
  options.size = sizeof(options);
  options.flags = INGOT_CONTEXT_ASYNC;
  options.stream = stream;
  ingot_model_info info = {0};
  info.size = sizeof(info);
  if (ingot_model_load(bench->c->file, &bench->model) != INGOT_OK ||
      ingot_model_describe(bench->model, &info) != INGOT_OK ||
      ingot_context_create(bench->model, &options, &bench->context) != INGOT_OK)
    return failed(bench, ingot_last_error());
  snprintf(bench->target, sizeof(bench->target), "%s", info.target);
  return 1;
}

static void closeModel(Bench *bench) {
  if (bench->context)
    ingot_context_destroy(bench->context);
  if (bench->model)
    ingot_model_close(bench->model);
  bench->context = NULL;
  bench->model = NULL;
}

static int runOnce(void *data) {
  Bench *bench = data;
  ingot_tensor inputs[MAX_BUFFERS], outputs[MAX_BUFFERS];
  int32_t numInputs = 0, numOutputs = 0;
  for (int i = 0; i < bench->c->count; ++i) {
    const Buffer *b = &bench->c->buffers[i];
    ingot_tensor t = {(void *)(uintptr_t)bench->memory[i], b->bytes, b->dtype,
                      b->rank, b->dims};
    if (b->isOutput)
      outputs[numOutputs++] = t;
    else
      inputs[numInputs++] = t;
  }
  if (ingot_run(bench->context, inputs, numInputs, outputs, numOutputs) ==
      INGOT_OK)
    return 1;
  return failed(bench, ingot_last_error());
}

static int finish(Bench *bench, const Timer *timer) {
  const Driver *driver = bench->driver;
  return CALL("cuStreamSynchronize", (void *), timer->stream)
             ? 1
             : failed(bench, driverMessage());
}

/// The first output, in the processor's memory.
static void *takeOutput(Bench *bench, const Buffer **which) {
  const Driver *driver = bench->driver;
  for (int i = 0; i < bench->c->count; ++i) {
    const Buffer *b = &bench->c->buffers[i];
    if (!b->isOutput)
      continue;
    *which = b;
    void *data = malloc(b->bytes + 1);
    if (data && CALL("cuMemcpyDtoH_v2", (void *, uint64_t, size_t), data,
                     bench->memory[i], (size_t)b->bytes))
      return data;
    free(data);
    failed(bench, driverMessage());
    return NULL;
  }
  failed(bench, "it has no output");
  return NULL;
}

/// Seconds from the call to the end of one run, as a caller sees them.
static double latencyOf(Bench *bench, const Timer *timer) {
  double times[mostRounds];
  double begin = seconds();
  int done = 0;
  while (done < mostRounds && (done == 0 || seconds() - begin < longest / 3)) {
    double start = seconds();
    if (!runOnce(bench) || !finish(bench, timer))
      return -1;
    times[done++] = seconds() - start;
  }
  qsort(times, (size_t)done, sizeof(double), byTime);
  return times[done / 2];
}

/// The largest difference of two results over the largest value; NaN if either
/// has values that are none.
static double distance(const Buffer *b, const void *x, const void *y) {
  double most = 0, largest = 0;
  uint64_t count = b->bytes / (ingot_dtype_bits(b->dtype) / 8);
  for (uint64_t i = 0; i < count; ++i) {
    double u = valueAt(b->dtype, x, i), v = valueAt(b->dtype, y, i);
    if (!isfinite(u) || !isfinite(v))
      return NAN;
    most = fmax(most, fabs(u - v));
    largest = fmax(largest, fabs(u));
  }
  return largest > 0 ? most / largest : most;
}

/// So that what one run leaves does not count as done by the next.
static int clearOutputs(Bench *bench) {
  const Driver *driver = bench->driver;
  int good = 1;
  for (int i = 0; good && i < bench->c->count; ++i) {
    const Buffer *b = &bench->c->buffers[i];
    if (b->isOutput)
      good = CALL("cuMemsetD8_v2", (uint64_t, unsigned char, size_t),
                  bench->memory[i], 0, (size_t)b->bytes);
  }
  // The stream of runs waits for no other.
  good = good && CALL("cuCtxSynchronize", (void));
  return good ? 1 : failed(bench, driverMessage());
}

/// Compares with the code for another target: other kernels, the same sums in
/// another order.
static int compareTargets(Bench *bench, const Timer *timer, FILE *report) {
  const double bound = 0.02;
  const Buffer *b = NULL;
  void *first = takeOutput(bench, &b), *second = NULL;
  int good = first != NULL;
  closeModel(bench);
  setenv("INGOT_TARGET", bench->c->reference, 1);
  good = good && clearOutputs(bench) && openModel(bench, timer->stream) &&
         runOnce(bench) && finish(bench, timer) &&
         (second = takeOutput(bench, &b)) != NULL;
  unsetenv("INGOT_TARGET");
  if (good) {
    double apart = distance(b, second, first);
    fprintf(report, "; %.1e of the largest result off %s", apart,
            bench->c->reference);
    if (!(apart <= bound))
      good = failed(bench, "results of two targets differ");
  }
  free(first);
  free(second);
  return good;
}

static void tell(const Bench *bench, const Times *times, double latency,
                 double copies, FILE *report) {
  const Case *c = bench->c;
  fprintf(report,
          "bench %s: %s, %.4f ms on the device (p10 %.4f, p90 %.4f), %.4f ms "
          "with the call",
          c->name, bench->target, 1e3 * times->median, 1e3 * times->p10,
          1e3 * times->p90, 1e3 * latency);
  double peak = peakOf(bench->driver, c->rate);
  if (c->operations > 0 && times->median > 0) {
    double rate = c->operations / times->median;
    fprintf(report, "; %.1f T/s of %s", 1e-12 * rate, c->rate);
    if (peak > 0)
      fprintf(report, ", %.0f %% of %.0f", 100 * rate / peak, 1e-12 * peak);
  }
  double moved = times->median > 0 ? c->moved / times->median : 0;
  fprintf(report, "; %.0f GB/s", 1e-9 * moved);
  if (copies > 0)
    fprintf(report, ", %.0f %% of copies", 100 * moved / copies);
  // What neither products nor memory let be shorter.
  double bound = copies > 0 ? c->moved / copies : 0;
  if (peak > 0)
    bound = fmax(bound, c->operations / peak);
  if (bound > 0)
    fprintf(report, "; roofline %.4f ms", 1e3 * bound);
}

int runBenchmark(const Driver *driver, const Case *c, double copies,
                 FILE *report) {
  Bench bench = {0};
  Timer timer;
  Times times = {0};
  double latency = -1;
  bench.driver = driver;
  bench.c = c;
  int good = openTimer(&timer, driver) || failed(&bench, driverMessage());
  // The second run with equal tensors is recorded as a graph.
  good = good && makeTensors(&bench) && openModel(&bench, timer.stream) &&
         runOnce(&bench) && runOnce(&bench) && runOnce(&bench) &&
         finish(&bench, &timer);
  if (good && !measure(&timer, runOnce, &bench, &times) && !bench.error)
    bench.error = driverMessage();
  good = good && !bench.error && (latency = latencyOf(&bench, &timer)) >= 0;
  if (good) {
    tell(&bench, &times, latency, copies, report);
    if (strcmp(c->reference, "-") != 0 &&
        strcmp(c->reference, bench.target) != 0)
      good = compareTargets(&bench, &timer, report);
    fprintf(report, "\n");
  }
  if (!good)
    fprintf(report, "FAIL %s: %s\n", c->name, bench.error);
  closeModel(&bench);
  for (int i = 0; i < c->count; ++i)
    if (bench.memory[i])
      (void)CALL("cuMemFree_v2", (uint64_t), bench.memory[i]);
  closeTimer(&timer);
  return good;
}
