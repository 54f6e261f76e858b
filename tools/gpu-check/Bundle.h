//===- Bundle.h - cases of gpu-check ----------------------------*- C -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_GPU_CHECK_BUNDLE_H
#define INGOT_TOOLS_GPU_CHECK_BUNDLE_H

#include <ingot/ingot.h>
#include <stdio.h>

#define MAX_BUFFERS 32
#define MAX_RANK 16

/// Data of a case: what goes in, or what the interpreter got out; null for
/// benchmarks.
typedef struct Buffer {
  int isOutput;
  int32_t dtype, rank;
  int64_t dims[MAX_RANK];
  uint64_t bytes;
  void *data;
} Buffer;

typedef enum Kind { Kernel, Artifact, Benchmark } Kind;

typedef struct Case {
  char name[256], file[1024];
  Kind kind;
  // Of a kernel; it needs a device of that capability, or a later one.
  unsigned grid, block;
  int capability, isExact;
  double rtol, atol; // as numpy.allclose has them; 0 and 0: equal bits
  int runs;          // of an artifact, to be timed
  // Of a benchmark: what its operations are done in ("-": nothing to compare
  // with), another target to compare results with ("-": none), the number of
  // operations, and the bytes that at least move.
  char rate[8], reference[16];
  double operations, moved;
  int count;
  Buffer buffers[MAX_BUFFERS];
} Case;

typedef struct Bundle {
  char folder[768];
  FILE *cases;
  int line;
  char ahead[2048]; // the line that begins the next case
} Bundle;

/// How values compare with those expected.
typedef struct Difference {
  uint64_t count, wrong, bits; // `bits`: values whose bits differ
  uint64_t at;                 // the first wrong one, and the values there
  double expected, actual, largest;
} Difference;

/// Opens BUNDLE/cases.txt; returns what is wrong, or null.
const char *openBundle(Bundle *bundle, const char *folder);

/// Reads the next case with its buffers: 1, or 0 at the end, or -1.
int nextCase(Bundle *bundle, Case *c);
void freeCase(Case *c);

Difference differenceOf(const Buffer *expected, const void *actual, double rtol,
                        double atol);

/// An element of a type as a double.
double valueAt(int32_t dtype, const void *data, uint64_t i);

#endif // INGOT_TOOLS_GPU_CHECK_BUNDLE_H
