//===- gpu-check.c - checks and measures a GPU with a bundle --------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// usage: gpu-check BUNDLE [REPORT]
//
// Runs what scripts/gpu-bundle.py has put into a folder, on a machine that has
// nothing but a driver: single instructions and whole artifacts, compared with
// what the interpreter of PTX made of them, then benchmarks. Writes one report,
// lines of text, to REPORT or standard output, and exits with 1 if anything is
// wrong, 77 if there is no device.
//
// BUNDLE/cases.txt has a line for each case and each of its buffers:
//   kernel NAME FILE.ptx GRID BLOCK TOLERANCE CAPABILITY
//   case NAME FILE.so RTOL ATOL RUNS      (RUNS > 0: also a timing)
//   bench NAME FILE.so RATE REFERENCE OPERATIONS BYTES
//   in|out DTYPE BYTES FILE RANK DIM...   (of bench, FILE is "-")
//
//===----------------------------------------------------------------------===//
#include "tools/gpu-check/Clock.h"
#include "tools/gpu-check/Driver.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Totals {
  int passed, identical, failed;
} Totals;

static FILE *report;

/// Says how a buffer compares: counts a failure, or a pass.
static int compare(const Case *c, const Buffer *b, const void *actual,
                   int *identical) {
  Difference d = differenceOf(b, actual, c->rtol, c->atol);
  *identical &= d.bits == 0;
  if (d.wrong == 0)
    return 1;
  fprintf(report,
          "FAIL %s: %llu of %llu values differ, at %llu %g not %g (largest "
          "difference %g)\n",
          c->name, (unsigned long long)d.wrong, (unsigned long long)d.count,
          (unsigned long long)d.at, d.actual, d.expected, d.largest);
  return 0;
}

static void count(Totals *totals, int good, int identical) {
  totals->passed += good;
  totals->identical += good && identical;
  totals->failed += !good;
}

/// Runs an artifact once; outputs into the given memory.
static int runOnce(const Case *c, ingot_context *context, void **made) {
  ingot_tensor inputs[MAX_BUFFERS], outputs[MAX_BUFFERS];
  int32_t numInputs = 0, numOutputs = 0;
  for (int i = 0; i < c->count; ++i) {
    const Buffer *b = &c->buffers[i];
    ingot_tensor t = {b->isOutput ? made[i] : b->data, b->bytes, b->dtype,
                      b->rank, b->dims};
    if (b->isOutput)
      outputs[numOutputs++] = t;
    else
      inputs[numInputs++] = t;
  }
  if (ingot_run(context, inputs, numInputs, outputs, numOutputs) == INGOT_OK)
    return 1;
  fprintf(report, "FAIL %s: %s\n", c->name, ingot_last_error());
  return 0;
}

static void timeRuns(const Case *c, ingot_context *context, void **made) {
  double *times = calloc((size_t)c->runs, sizeof(double));
  int done = 0;
  // On a device all runs take less; an interpreter has no time to tell.
  const double longest = 3;
  double begin = seconds();
  for (; times && done < c->runs && seconds() - begin < longest; ++done) {
    double start = seconds();
    if (!runOnce(c, context, made))
      break;
    times[done] = seconds() - start;
  }
  if (times && done > 0) {
    qsort(times, (size_t)done, sizeof(double), byTime);
    fprintf(report, "time %s: median %.4f ms, p10 %.4f, p90 %.4f of %d runs\n",
            c->name, 1e3 * times[done / 2], 1e3 * times[done / 10],
            1e3 * times[done * 9 / 10], done);
  }
  free(times);
}

/// Three runs: kernels one by one, the capture of a graph, and its replay,
/// whose outputs must be the same to the bit.
static void checkArtifact(const Case *c, Totals *totals) {
  ingot_model *model;
  ingot_context *context;
  void *made[MAX_BUFFERS] = {0}, *first[MAX_BUFFERS] = {0};
  int good = 1, identical = 1;
  if (ingot_model_load(c->file, &model) != INGOT_OK) {
    fprintf(report, "FAIL %s: %s\n", c->name, ingot_last_error());
    count(totals, 0, 0);
    return;
  }
  ingot_model_info info = {0};
  info.size = sizeof(info);
  if (ingot_model_describe(model, &info) == INGOT_OK && info.fallback &&
      *info.fallback)
    fprintf(report, "note %s: runs %s; %s\n", c->name, info.target,
            info.fallback);
  if (ingot_context_create(model, NULL, &context) != INGOT_OK) {
    fprintf(report, "FAIL %s: %s\n", c->name, ingot_last_error());
    ingot_model_close(model);
    count(totals, 0, 0);
    return;
  }
  for (int i = 0; i < c->count; ++i) {
    made[i] = calloc(1, c->buffers[i].bytes + 1);
    first[i] = calloc(1, c->buffers[i].bytes + 1);
  }
  good = runOnce(c, context, first);
  for (int i = 0; good && i < c->count; ++i)
    if (c->buffers[i].isOutput)
      good = compare(c, &c->buffers[i], first[i], &identical);
  for (int again = 0; good && again < 3; ++again) {
    good = runOnce(c, context, made);
    for (int i = 0; good && i < c->count; ++i)
      if (c->buffers[i].isOutput &&
          memcmp(first[i], made[i], c->buffers[i].bytes) != 0) {
        fprintf(report, "FAIL %s: run %d differs from the first\n", c->name,
                again + 2);
        good = 0;
      }
  }
  if (good && c->runs > 0)
    timeRuns(c, context, made);
  count(totals, good, identical);
  for (int i = 0; i < c->count; ++i) {
    free(made[i]);
    free(first[i]);
  }
  ingot_context_destroy(context);
  ingot_model_close(model);
}

/// Loads a bundle's kernel and launches it on buffers of its own.
static void checkKernel(const Case *c, Driver *driver, Totals *totals) {
  void *made[MAX_BUFFERS] = {0};
  int good = 1, identical = 1;
  for (int i = 0; i < c->count; ++i)
    made[i] = calloc(1, c->buffers[i].bytes + 1);
  const char *error = launchKernel(driver, c, made);
  if (error) {
    fprintf(report, "FAIL %s: %s\n", c->name, error);
    good = 0;
  }
  for (int i = 0; good && i < c->count; ++i)
    if (c->buffers[i].isOutput)
      good = compare(c, &c->buffers[i], made[i], &identical);
  count(totals, good, identical);
  for (int i = 0; i < c->count; ++i)
    free(made[i]);
}

int main(int argc, char **argv) {
  if (argc < 2 || argc > 3) {
    fprintf(stderr, "usage: gpu-check BUNDLE [REPORT]\n");
    return 2;
  }
  report = argc == 3 ? fopen(argv[2], "w") : stdout;
  if (!report) {
    fprintf(stderr, "gpu-check: cannot write %s\n", argv[2]);
    return 2;
  }
  Driver driver;
  const char *error = openDriver(&driver);
  if (error) {
    fprintf(report, "no device: %s\n", error);
    return 77;
  }
  fprintf(report, "device %s, capability %d.%d, driver %d\n", driver.name,
          driver.capability / 10, driver.capability % 10, driver.version);
  Bundle bundle;
  error = openBundle(&bundle, argv[1]);
  if (error) {
    fprintf(stderr, "gpu-check: %s\n", error);
    return 2;
  }
  Totals kernels = {0}, artifacts = {0}, benchmarks = {0};
  double copies = 0;
  double start = seconds();
  Case c;
  int status;
  while ((status = nextCase(&bundle, &c)) > 0) {
    if (c.kind == Kernel && (c.isExact ? c.capability != driver.capability
                                       : c.capability > driver.capability)) {
      fprintf(report, "note %s: not for this device\n", c.name);
    } else if (c.kind == Kernel) {
      checkKernel(&c, &driver, &kernels);
    } else if (c.kind == Artifact) {
      checkArtifact(&c, &artifacts);
    } else {
      if (copies == 0)
        copies = measureCopies(&driver, report);
      count(&benchmarks, runBenchmark(&driver, &c, copies, report), 0);
    }
    fflush(report);
    freeCase(&c);
  }
  if (status < 0)
    fprintf(report, "FAIL bundle: line %d of cases.txt cannot be used\n",
            bundle.line);
  fprintf(report,
          "instructions: %d passed, %d of them to the bit, %d failed\n"
          "artifacts: %d passed, %d of them to the bit, %d failed\n"
          "benchmarks: %d passed, %d failed\n"
          "%.1f s\n",
          kernels.passed, kernels.identical, kernels.failed, artifacts.passed,
          artifacts.identical, artifacts.failed, benchmarks.passed,
          benchmarks.failed, seconds() - start);
  closeDriver(&driver);
  fclose(report);
  return kernels.failed || artifacts.failed || benchmarks.failed || status < 0;
}
