/* cc -I include examples/c/run_model.c -o run_model
 * ./run_model model.so [file with the floats of input 0]
 * Other inputs are zeros, and dimensions that the model leaves open are 1. */
#include <ingot/ingot.h>
#include <stdlib.h>
static void check(ingot_status status) {
  if (status != INGOT_OK)
    exit(fprintf(stderr, "%s\n", ingot_last_error()) > 0);
}
static ingot_tensor allocate(ingot_tensor_info info) {
  int64_t *dims = calloc(info.rank + 1, sizeof(*dims));
  ingot_tensor tensor = {NULL, 0, info.dtype, info.rank, dims};
  for (int d = 0; d < info.rank; ++d)
    dims[d] = info.dims[d] < 0 ? 1 : info.dims[d];
  ingot_tensor_bytes(info.dtype, info.rank, dims, &tensor.bytes);
  tensor.data = calloc(tensor.bytes + 1, 1);
  return tensor;
}
int main(int argc, char **argv) {
  ingot_model *model;
  ingot_context *context;
  ingot_model_info info = {.size = sizeof(info)};
  ingot_tensor_info t = {.size = sizeof(t)};
  ingot_tensor in[64], out[64];
  check(ingot_model_load(argc > 1 ? argv[1] : "model.so", &model));
  check(ingot_context_create(model, NULL, &context));
  check(ingot_model_describe(model, &info));
  for (int i = 0; i < info.num_inputs && i < 64; in[i++] = allocate(t))
    check(ingot_model_input(model, i, &t));
  FILE *file = argc > 2 ? fopen(argv[2], "rb") : NULL;
  if (argc > 2 && (!file || fread(in[0].data, 1, in[0].bytes, file) == 0))
    return fprintf(stderr, "cannot read %s\n", argv[2]), 1;
  check(ingot_context_prepare(context, in, info.num_inputs));
  for (int i = 0; i < info.num_outputs && i < 64; out[i++] = allocate(t))
    check(ingot_context_output(context, i, &t));
  check(ingot_run(context, in, info.num_inputs, out, info.num_outputs));
  for (uint64_t i = 0; i < out[0].bytes / sizeof(float); ++i)
    printf("%g\n", ((float *)out[0].data)[i]);
}
