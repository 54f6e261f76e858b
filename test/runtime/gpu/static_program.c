//===- static_program.c - without a loader --------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A statically linked program with a model that also has code for GPUs: where
// there is a driver it must not load it.
//
//===----------------------------------------------------------------------===//
#define INGOT_NO_LOADER
#include <ingot/ingot.h>
#include <stdio.h>

const ingot_api_v1 *ingot_get_api_v1(void);

int main(void) {
  ingot_model *model = NULL;
  ingot_context *context = NULL;
  ingot_model_info info = {.size = sizeof(info)};
  float x[4] = {1, 2, 3, 4}, y[4] = {0}, sum[4];
  int64_t dims[2] = {1, 4};
  ingot_tensor in[2] = {{x, 16, INGOT_FLOAT32, 2, dims},
                        {y, 16, INGOT_FLOAT32, 2, dims}};
  ingot_tensor out[1] = {{sum, 16, INGOT_FLOAT32, 2, dims}};
  if (ingot_model_open(ingot_get_api_v1(), &model) != INGOT_OK ||
      ingot_model_describe(model, &info) != INGOT_OK ||
      ingot_context_create(model, NULL, &context) != INGOT_OK ||
      ingot_run(context, in, 2, out, 1) != INGOT_OK) {
    puts(ingot_last_error());
    return 1;
  }
  printf("%s\n%g %g %g %g\n", info.fallback, sum[0], sum[1], sum[2], sum[3]);
  ingot_context_destroy(context);
  ingot_model_close(model);
  return 0;
}
