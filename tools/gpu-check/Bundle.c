//===- Bundle.c - cases of gpu-check --------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/gpu-check/Bundle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *openBundle(Bundle *bundle, const char *folder) {
  char path[1024];
  memset(bundle, 0, sizeof(*bundle));
  snprintf(bundle->folder, sizeof(bundle->folder), "%s", folder);
  snprintf(path, sizeof(path), "%s/cases.txt", bundle->folder);
  bundle->cases = fopen(path, "r");
  return bundle->cases ? NULL : "the bundle has no cases.txt";
}

/// The bytes of a file that must have so many.
static void *readFile(const char *path, uint64_t bytes) {
  FILE *file = fopen(path, "rb");
  char *data = file ? malloc(bytes + 1) : NULL;
  if (data && (fread(data, 1, bytes, file) != bytes || fgetc(file) != EOF)) {
    free(data);
    data = NULL;
  }
  if (file)
    fclose(file);
  return data;
}

/// "in|out DTYPE BYTES FILE RANK DIM..."; "-" for no file.
static int readBuffer(const Bundle *bundle, const char *line, Buffer *b) {
  char kind[8], name[256], path[1100];
  unsigned long long bytes;
  int used = 0;
  memset(b, 0, sizeof(*b));
  if (sscanf(line, "%7s %d %llu %255s %d%n", kind, &b->dtype, &bytes, name,
             &b->rank, &used) != 5 ||
      b->rank < 0 || b->rank > MAX_RANK)
    return 0;
  for (int i = 0; i < b->rank; ++i) {
    long long dim;
    int more = 0;
    if (sscanf(line + used, "%lld%n", &dim, &more) != 1)
      return 0;
    b->dims[i] = dim;
    used += more;
  }
  b->isOutput = strcmp(kind, "out") == 0;
  b->bytes = bytes;
  if (strcmp(name, "-") == 0)
    return 1;
  snprintf(path, sizeof(path), "%s/%s", bundle->folder, name);
  b->data = readFile(path, bytes);
  return b->data != NULL;
}

static int readHead(const Bundle *bundle, const char *line, Case *c) {
  char kind[16], file[256];
  memset(c, 0, sizeof(*c));
  if (sscanf(line, "%15s %255s %255s", kind, c->name, file) != 3)
    return 0;
  snprintf(c->file, sizeof(c->file), "%s/%s", bundle->folder, file);
  if (strcmp(kind, "kernel") == 0) {
    c->kind = Kernel;
    char exact = 0;
    int fields = sscanf(line, "%*s %*s %*s %u %u %lf %d%c", &c->grid, &c->block,
                        &c->rtol, &c->capability, &exact);
    c->isExact = exact == 'a';
    return fields >= 4;
  }
  if (strcmp(kind, "bench") == 0) {
    c->kind = Benchmark;
    return sscanf(line, "%*s %*s %*s %7s %15s %lf %lf", c->rate, c->reference,
                  &c->operations, &c->moved) == 4;
  }
  c->kind = Artifact;
  return strcmp(kind, "case") == 0 && sscanf(line, "%*s %*s %*s %lf %lf %d",
                                             &c->rtol, &c->atol, &c->runs) == 3;
}

int nextCase(Bundle *bundle, Case *c) {
  char line[2048];
  int begun = 0;
  if (bundle->ahead[0]) {
    if (!readHead(bundle, bundle->ahead, c))
      return -1;
    bundle->ahead[0] = 0;
    begun = 1;
  }
  while (fgets(line, sizeof(line), bundle->cases)) {
    ++bundle->line;
    int isBuffer =
        strncmp(line, "in ", 3) == 0 || strncmp(line, "out ", 4) == 0;
    if (isBuffer) {
      if (!begun || c->count == MAX_BUFFERS ||
          !readBuffer(bundle, line, &c->buffers[c->count]) ||
          (c->kind != Benchmark && !c->buffers[c->count].data))
        return -1;
      ++c->count;
    } else if (begun) {
      memcpy(bundle->ahead, line, sizeof(line));
      return 1;
    } else if (readHead(bundle, line, c)) {
      begun = 1;
    } else {
      return -1;
    }
  }
  return begun;
}

void freeCase(Case *c) {
  for (int i = 0; i < c->count; ++i)
    free(c->buffers[i].data);
}

static double halfValue(uint16_t bits) {
  int exponent = bits >> 10 & 31;
  double fraction = bits & 1023, value;
  if (exponent == 31)
    value = fraction != 0 ? NAN : INFINITY;
  else
    value =
        exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
  return bits >> 15 ? -value : value;
}

/// Element `i` of a type, as a double; 64-bit integers lose their last bits,
/// which are compared as such besides.
double valueAt(int32_t dtype, const void *data, uint64_t i) {
  switch (dtype) {
  case INGOT_FLOAT32:
    return ((const float *)data)[i];
  case INGOT_FLOAT64:
    return ((const double *)data)[i];
  case INGOT_FLOAT16:
    return halfValue(((const uint16_t *)data)[i]);
  case INGOT_BFLOAT16: {
    uint32_t bits = (uint32_t)((const uint16_t *)data)[i] << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
  }
  case INGOT_INT8:
    return ((const int8_t *)data)[i];
  case INGOT_INT16:
    return ((const int16_t *)data)[i];
  case INGOT_UINT16:
    return ((const uint16_t *)data)[i];
  case INGOT_INT32:
    return ((const int32_t *)data)[i];
  case INGOT_UINT32:
    return ((const uint32_t *)data)[i];
  case INGOT_INT64:
    return (double)((const int64_t *)data)[i];
  case INGOT_UINT64:
    return (double)((const uint64_t *)data)[i];
  default:
    return ((const uint8_t *)data)[i];
  }
}

static int isFloat(int32_t dtype) {
  return dtype == INGOT_FLOAT32 || dtype == INGOT_FLOAT64 ||
         dtype == INGOT_FLOAT16 || dtype == INGOT_BFLOAT16;
}

Difference differenceOf(const Buffer *expected, const void *actual, double rtol,
                        double atol) {
  Difference d = {0};
  uint32_t width = ingot_dtype_bits(expected->dtype) / 8;
  if (width == 0)
    width = 1; // 2- and 4-bit numbers: bytes of several
  d.count = expected->bytes / width;
  for (uint64_t i = 0; i < d.count; ++i) {
    const char *want = (const char *)expected->data + i * width;
    const char *have = (const char *)actual + i * width;
    if (memcmp(want, have, width) == 0)
      continue;
    ++d.bits;
    double x = valueAt(expected->dtype, expected->data, i);
    double y = valueAt(expected->dtype, actual, i);
    if (isFloat(expected->dtype) && ((isnan(x) && isnan(y)) || x == y))
      continue;
    double error = fabs(x - y);
    int near = isFloat(expected->dtype) && isfinite(error) &&
               error <= atol + rtol * fabs(x);
    if (error > d.largest || isnan(error))
      d.largest = error;
    if (!near && d.wrong++ == 0) {
      d.at = i;
      d.expected = x;
      d.actual = y;
    }
  }
  return d;
}
