/*===- ingot.h - the C interface of a compiled model ---------------*- C -*-===
 *
 * Part of the Ingot project, under the Apache License v2.0 with LLVM
 * Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===-----------------------------------------------------------------------===
 *
 * A compiled model carries its own runtime. model.so exports one symbol,
 * ingot_get_api_v1(), which returns a table of functions; this header wraps the
 * table, so an application includes it and links nothing:
 *
 *   ingot_model *model;
 *   ingot_context *context;
 *   if (ingot_model_load("./model.so", &model) != INGOT_OK ||
 *       ingot_context_create(model, NULL, &context) != INGOT_OK)
 *     puts(ingot_last_error());
 *   ingot_run(context, inputs, 1, outputs, 1);
 *
 * A program linked with model.a passes the entry that the header beside
 * model.a declares to ingot_model_open() instead.
 *
 * Plain C99. The interface only grows: new functions go to the end of the
 * table, new fields to the end of the structures that start with `size`.
 *
 * A model is immutable and may be used by any number of threads at once. A
 * context belongs to one caller at a time and owns the threads that help it.
 * No function needs more than 16 KiB of the caller's stack besides what the
 * kernels of the model take, or a GPU's driver.
 *
 *===-----------------------------------------------------------------------===*/
#ifndef INGOT_INGOT_H
#define INGOT_INGOT_H

#include <stddef.h>
#include <stdint.h>
#if !defined(INGOT_NO_WRAPPERS) && !defined(INGOT_NO_LOADER)
#include <dlfcn.h>
#include <stdio.h>
#include <sys/stat.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Status. */

/** What a call came to. The numbers never change meaning. Every failure also
 * leaves a sentence: see ingot_last_error() and ingot_context_error(). */
typedef enum ingot_status {
  INGOT_OK = 0,
  INGOT_ERROR_ARGUMENT = 1,   /**< null pointer, bad index or bad option */
  INGOT_ERROR_LOAD = 2,       /**< the file is not a loadable model */
  INGOT_ERROR_VERSION = 3,    /**< made for another version of this interface */
  INGOT_ERROR_CPU = 4,        /**< this processor lacks what the model needs */
  INGOT_ERROR_COUNT = 5,      /**< wrong number of inputs or outputs */
  INGOT_ERROR_NAME = 6,       /**< unknown, missing or repeated tensor name */
  INGOT_ERROR_DTYPE = 7,      /**< wrong element type */
  INGOT_ERROR_RANK = 8,       /**< wrong number of dimensions */
  INGOT_ERROR_SHAPE = 9,      /**< wrong or inconsistent dimension */
  INGOT_ERROR_BUFFER = 10,    /**< buffer null, too small or overlapping */
  INGOT_ERROR_MEMORY = 11,    /**< out of memory */
  INGOT_ERROR_LIMIT = 12,     /**< over a limit that the caller set */
  INGOT_ERROR_THREADS = 13,   /**< too many threads, or none to be had */
  INGOT_ERROR_BUSY = 14,      /**< the object is in use */
  INGOT_ERROR_DATA = 15,      /**< a value an operator forbids, e.g. an index */
  INGOT_ERROR_CANCELLED = 16, /**< ingot_cancel() stopped the run */
  INGOT_ERROR_NO_GPU = 17,    /**< no driver or no device that fits the model */
  INGOT_ERROR_GPU = 18,       /**< a function of the GPU's driver failed */
  INGOT_ERROR_GPU_LOST = 19   /**< the process cannot use the device any more */
} ingot_status;

/* Tensors. */

/** Element types, numbered as TensorProto.DataType of ONNX. Those of 4 and 2
 * bits lie packed, the first element in the lowest bits of a byte. */
typedef enum ingot_dtype {
  INGOT_FLOAT32 = 1,
  INGOT_UINT8 = 2,
  INGOT_INT8 = 3,
  INGOT_UINT16 = 4,
  INGOT_INT16 = 5,
  INGOT_INT32 = 6,
  INGOT_INT64 = 7,
  INGOT_BOOL = 9,
  INGOT_FLOAT16 = 10,
  INGOT_FLOAT64 = 11,
  INGOT_UINT32 = 12,
  INGOT_UINT64 = 13,
  INGOT_COMPLEX64 = 14,
  INGOT_COMPLEX128 = 15,
  INGOT_BFLOAT16 = 16,
  INGOT_FLOAT8E4M3FN = 17,
  INGOT_FLOAT8E4M3FNUZ = 18,
  INGOT_FLOAT8E5M2 = 19,
  INGOT_FLOAT8E5M2FNUZ = 20,
  INGOT_UINT4 = 21,
  INGOT_INT4 = 22,
  INGOT_FLOAT4E2M1 = 23,
  INGOT_FLOAT8E8M0 = 24,
  INGOT_UINT2 = 25,
  INGOT_INT2 = 26
} ingot_dtype;

/** A tensor in the caller's memory: dense, row-major, any alignment. Inputs are
 * only read. For an output `dims` may be null, then its shape is not checked
 * but only that it fits into `bytes`. Where the model runs on a GPU, `data` may
 * be memory of that device (what DLPack calls kDLCUDA or kDLCUDAManaged, with
 * byte_offset added); if it is 16-byte aligned it is not copied. */
typedef struct ingot_tensor {
  void *data;
  uint64_t bytes; /**< size of the buffer; may exceed what the shape needs */
  int32_t dtype;  /**< ingot_dtype */
  int32_t rank;
  const int64_t *dims; /**< `rank` of them; may be null for rank 0 */
} ingot_tensor;

/* Objects and what they tell. */

typedef struct ingot_model ingot_model;
typedef struct ingot_context ingot_context;

/* In every structure below that starts with `size`, the caller stores its
 * sizeof there first; fields that an older model does not know become 0. */

typedef struct ingot_model_info {
  size_t size;
  const char *name;              /**< of the graph */
  const char *compiler_version;  /**< of Ingot */
  const char *target;            /**< e.g. "x86-64-v4" */
  const char *content_hash;      /**< of model, options and version, in hex */
  const char *required_features; /**< of the processor, comma separated */
  int32_t num_inputs;
  int32_t num_outputs;
  int32_t num_symbols;  /**< dimensions only known at run time */
  int32_t num_launches; /**< kernels run, one after another */
  uint64_t weight_bytes;
  uint64_t code_bytes;
  uint64_t arena_bytes;       /**< peak memory for intermediate values; 0 when
                                   it depends on symbols: ingot_model_arena */
  uint64_t arena_lower_bound; /**< no plan could need less */
  uint32_t abi_version;       /**< of the code inside the model */
  const char *precision;      /**< what f32 is stored as and multiplied in, in
                                   words; "" or null if in f32 */
  const char *fallback;       /**< why targets of the model before this one in
                                   the order of preference cannot run here, as
                                   "sm_90a, sm_80: reason"; "" or null if this
                                   is the first */
} ingot_model_info;

typedef struct ingot_tensor_info {
  size_t size;
  const char *name;
  int32_t dtype; /**< ingot_dtype */
  int32_t rank;
  /** A dimension >= 0 is fixed. For an input -1 - k is symbol k; an output's
   * negative dimension is known once a context is prepared. */
  const int64_t *dims;
} ingot_tensor_info;

typedef struct ingot_launch_info {
  size_t size;
  const char *kernel; /**< equal names share machine code */
  const char *nodes;  /**< ONNX nodes it computes, comma separated */
} ingot_launch_info;

/** Options of a context; all zero but `size` is a good choice. */
typedef struct ingot_context_options {
  size_t size;
  int32_t threads;          /**< with the caller's; 0: as many as the affinity
                                 mask and the cgroup's quota allow */
  uint32_t flags;           /**< 0, or INGOT_CONTEXT_ASYNC */
  void *arena;              /**< memory of the caller's to work in, or null; on
                                 a GPU memory of the device */
  uint64_t arena_bytes;     /**< its size; 64-byte aligned memory loses none */
  uint64_t max_arena_bytes; /**< refuse to need more than this; 0: no limit */
  /* For models that run on a GPU; without meaning on the processor. */
  int32_t device;    /**< number of the device, as the driver counts those that
                          CUDA_VISIBLE_DEVICES lets the process see */
  uint32_t reserved; /**< 0 */
  void *stream;      /**< CUstream of the device's primary context to run in;
                          null: one of the context's own */
} ingot_context_options;

/** ingot_run() only puts the run into the options' `stream`, and returns, if
 * all its tensors are memory of the device. Faults in the data are told by a
 * later run of the context. Runs with tensors in the processor's memory are
 * complete on return, as without this flag. */
#define INGOT_CONTEXT_ASYNC 1u

typedef struct ingot_context_info {
  size_t size;
  int32_t threads;      /**< at work in a run */
  uint64_t arena_bytes; /**< in use now, the caller's or the context's own */
  const char *target;   /**< that the context runs, of the model's */
  int32_t device;       /**< number of the GPU; -1: the processor */
} ingot_context_info;

#define INGOT_API_VERSION 1u
#define INGOT_MAX_THREADS 512

/** The table a model exports. Applications call the wrappers below. */
typedef struct ingot_api_v1 {
  size_t size;      /**< of this table, in the model's version */
  uint32_t version; /**< INGOT_API_VERSION */
  ingot_status (*model_get)(void *library, ingot_model **);
  ingot_status (*model_release)(ingot_model *, void **library);
  ingot_status (*model_info)(const ingot_model *, ingot_model_info *);
  ingot_status (*model_input)(const ingot_model *, int32_t,
                              ingot_tensor_info *);
  ingot_status (*model_output)(const ingot_model *, int32_t,
                               ingot_tensor_info *);
  ingot_status (*model_symbol)(const ingot_model *, int32_t, const char **);
  ingot_status (*model_launch)(const ingot_model *, int32_t,
                               ingot_launch_info *);
  ingot_status (*model_arena)(const ingot_model *, const int64_t *, int32_t,
                              uint64_t *);
  ingot_status (*context_create)(ingot_model *, const ingot_context_options *,
                                 ingot_context **);
  ingot_status (*context_destroy)(ingot_context *);
  ingot_status (*context_info)(const ingot_context *, ingot_context_info *);
  ingot_status (*context_prepare)(ingot_context *, const ingot_tensor *,
                                  int32_t);
  ingot_status (*context_output)(const ingot_context *, int32_t,
                                 ingot_tensor_info *);
  ingot_status (*run)(ingot_context *, const ingot_tensor *, int32_t,
                      const ingot_tensor *, int32_t);
  ingot_status (*cancel)(ingot_context *);
  ingot_status (*profile_enable)(ingot_context *, int32_t);
  ingot_status (*profile_read)(const ingot_context *, uint64_t *, int32_t);
  const char *(*context_error)(const ingot_context *);
  const char *(*thread_error)(void);
} ingot_api_v1;

/** The type of the symbol "ingot_get_api_v1" of model.so, and of the entry
 * that the header beside a model.a declares. */
typedef const ingot_api_v1 *(*ingot_get_api_v1_fn)(void);

/* Small helpers. */

/** Bits of one element, or 0 when `dtype` is not a type listed above. */
static inline uint32_t ingot_dtype_bits(int32_t dtype) {
  static const uint8_t bits[27] = {0, 32, 8,  8,  16, 16, 32,  64, 0,
                                   8, 16, 64, 32, 64, 64, 128, 16, 8,
                                   8, 8,  8,  4,  4,  4,  8,   2,  2};
  return dtype >= 0 && dtype < 27 ? bits[dtype] : 0;
}

/** The ONNX spelling of an element type, e.g. "float" or "int64". */
static inline const char *ingot_dtype_name(int32_t dtype) {
  static const char *const names[27] = {
      "undefined",      "float",      "uint8",
      "int8",           "uint16",     "int16",
      "int32",          "int64",      "string",
      "bool",           "float16",    "double",
      "uint32",         "uint64",     "complex64",
      "complex128",     "bfloat16",   "float8e4m3fn",
      "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz",
      "uint4",          "int4",       "float4e2m1",
      "float8e8m0",     "uint2",      "int2"};
  return dtype >= 0 && dtype < 27 ? names[dtype] : "unknown";
}

/** Bytes of a dense tensor into `*bytes`; false when a dimension is negative,
 * the type is unknown, or the size does not fit 63 bits. */
static inline int ingot_tensor_bytes(int32_t dtype, int32_t rank,
                                     const int64_t *dims, uint64_t *bytes) {
  uint64_t limit = (uint64_t)INT64_MAX, bits = ingot_dtype_bits(dtype);
  uint64_t count = 1;
  int32_t i, empty = 0;
  if (bits == 0 || rank < 0)
    return 0;
  for (i = 0; i < rank; ++i) {
    if (dims[i] < 0)
      return 0;
    empty |= dims[i] == 0;
  }
  for (i = 0; i < rank && !empty; ++i) {
    if (count > limit / 16 / (uint64_t)dims[i])
      return 0;
    count *= (uint64_t)dims[i];
  }
  if (empty)
    count = 0;
  *bytes = bits < 8 ? (count * bits + 7) / 8 : count * (bits / 8);
  return 1;
}

#ifndef INGOT_NO_WRAPPERS

/* Calls. */

/* The calling thread's last failure; one buffer per program or library. */
#define INGOT_MERGED_ __attribute__((weak, visibility("hidden")))
INGOT_MERGED_ __thread char ingot_error_text_[512];

/** The sentence that goes with the calling thread's last failed call of this
 * header; empty before the first. */
static inline const char *ingot_last_error(void) { return ingot_error_text_; }

static inline ingot_status ingot_fail_(ingot_status status, const char *a,
                                       const char *b) {
  size_t i = 0, limit = sizeof(ingot_error_text_) - 1;
  for (; *a && i < limit; ++a)
    ingot_error_text_[i++] = *a;
  for (; *b && i < limit; ++b)
    ingot_error_text_[i++] = *b;
  ingot_error_text_[i] = 0;
  return status;
}

/* Both objects start with a pointer to the table of their model, so that any
 * number of models made by different versions live in one process. */
static inline const ingot_api_v1 *ingot_api_(const void *object) {
  const ingot_api_v1 *api;
  __builtin_memcpy(&api, object, sizeof(api));
  return api;
}

static inline ingot_status ingot_check_(const void *object,
                                        ingot_status status) {
  return status == INGOT_OK
             ? status
             : ingot_fail_(status, ingot_api_(object)->thread_error(), "");
}

#define INGOT_CALL_(object, function, ...)                                     \
  ((object) ? ingot_check_(object, ingot_api_(object)->function(__VA_ARGS__))  \
            : ingot_fail_(INGOT_ERROR_ARGUMENT,                                \
                          "[IG7001] the handle passed is null", ""))

/** The model behind an entry linked into the program. Checks that this
 * processor can run it. Pair with ingot_model_close(). */
static inline ingot_status ingot_model_open(const ingot_api_v1 *api,
                                            ingot_model **model) {
  ingot_status status;
  if (!api || !model)
    return ingot_fail_(INGOT_ERROR_ARGUMENT, "[IG7001] null argument", "");
  *model = NULL;
  if (api->version != INGOT_API_VERSION)
    return ingot_fail_(INGOT_ERROR_VERSION,
                       "[IG7003] the model has another interface version", "");
  status = api->model_get(NULL, model);
  return status == INGOT_OK ? status
                            : ingot_fail_(status, api->thread_error(), "");
}

#ifndef INGOT_NO_LOADER

/* Whether `path` is a whole ELF library for this processor: the system's
 * loader faults on a truncated one and waits on a pipe. */
static inline ingot_status ingot_check_file_(const char *path) {
#if defined(__aarch64__)
  enum { machine = 183 };
#else
  enum { machine = 62 };
#endif
  struct stat info;
  uint64_t header[8], segment[7], i, count, offset;
  FILE *file;
  int whole = 1;
  if (stat(path, &info) != 0)
    return ingot_fail_(INGOT_ERROR_LOAD, "[IG7002] no such file: ", path);
  if (!S_ISREG(info.st_mode))
    return ingot_fail_(INGOT_ERROR_LOAD, "[IG7002] not a file: ", path);
  if (!(file = fopen(path, "rb")))
    return ingot_fail_(INGOT_ERROR_LOAD, "[IG7002] cannot read ", path);
  if (fread(header, 1, 64, file) != 64 ||
      (header[0] & 0xffffffffffffffu) != 0x010102464c457fu ||
      (header[2] & 0xffff) != 3) {
    fclose(file);
    return ingot_fail_(INGOT_ERROR_LOAD,
                       "[IG7002] not a compiled model: ", path);
  }
  if ((header[2] >> 16 & 0xffff) != machine) {
    fclose(file);
    return ingot_fail_(
        INGOT_ERROR_CPU,
        "[IG7004] compiled for another kind of processor: ", path);
  }
  offset = header[4];
  count = header[7] & 0xffff;
  whole = offset == 64;
  for (i = 0; i < count && whole; ++i)
    whole = fread(segment, 1, 56, file) == 56 &&
            segment[4] <= (uint64_t)info.st_size &&
            segment[1] <= (uint64_t)info.st_size - segment[4];
  fclose(file);
  return whole
             ? INGOT_OK
             : ingot_fail_(INGOT_ERROR_LOAD,
                           "[IG7002] the file is cut short or damaged: ", path);
}

/** Loads a model.so. `path` names a file, with or without a folder. Run only
 * files you trust: loading one runs its code. */
static inline ingot_status ingot_model_load(const char *path,
                                            ingot_model **model) {
  char local[300] = "./";
  const char *reason, *file = path;
  void *library, *symbol;
  ingot_get_api_v1_fn entry;
  const ingot_api_v1 *api;
  ingot_status status;
  size_t i, length = 0;
  int folder = 0;
  if (!path || !model)
    return ingot_fail_(INGOT_ERROR_ARGUMENT, "[IG7001] null argument", "");
  *model = NULL;
  status = ingot_check_file_(path);
  if (status != INGOT_OK)
    return status;
  for (; path[length]; ++length)
    folder |= path[length] == '/';
  if (!folder && length < sizeof(local) - 2) {
    for (i = 0; i <= length; ++i)
      local[i + 2] = path[i];
    file = local;
  }
  library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    reason = dlerror();
    return ingot_fail_(INGOT_ERROR_LOAD, "[IG7002] ",
                       reason ? reason : "the system's loader failed");
  }
  symbol = dlsym(library, "ingot_get_api_v1");
  if (!symbol) {
    dlclose(library);
    return ingot_fail_(INGOT_ERROR_LOAD,
                       "[IG7002] not a compiled model: ", path);
  }
  __builtin_memcpy(&entry, &symbol, sizeof(entry));
  api = entry();
  status = api->version == INGOT_API_VERSION ? api->model_get(library, model)
                                             : INGOT_ERROR_VERSION;
  if (status == INGOT_OK)
    return status;
  if (status == INGOT_ERROR_VERSION && api->version != INGOT_API_VERSION)
    ingot_fail_(status, "[IG7003] another interface version: ", path);
  else
    ingot_fail_(status, api->thread_error(), "");
  dlclose(library);
  return status;
}
#endif /* INGOT_NO_LOADER */

/** Gives back a model of ingot_model_open() or ingot_model_load(). Fails with
 * INGOT_ERROR_BUSY, and does nothing, while contexts of it are alive. */
static inline ingot_status ingot_model_close(ingot_model *model) {
  void *library = NULL;
  ingot_status status = INGOT_CALL_(model, model_release, model, &library);
#ifndef INGOT_NO_LOADER
  if (status == INGOT_OK && library)
    dlclose(library);
#endif
  return status;
}

/** What the model is. Its strings live as long as the model. */
static inline ingot_status ingot_model_describe(const ingot_model *model,
                                                ingot_model_info *info) {
  return INGOT_CALL_(model, model_info, model, info);
}

/** Input number `index`. */
static inline ingot_status ingot_model_input(const ingot_model *model,
                                             int32_t index,
                                             ingot_tensor_info *info) {
  return INGOT_CALL_(model, model_input, model, index, info);
}

/** Output number `index`. */
static inline ingot_status ingot_model_output(const ingot_model *model,
                                              int32_t index,
                                              ingot_tensor_info *info) {
  return INGOT_CALL_(model, model_output, model, index, info);
}

/** Name of symbol number `index`, e.g. "batch". */
static inline ingot_status
ingot_model_symbol(const ingot_model *model, int32_t index, const char **name) {
  return INGOT_CALL_(model, model_symbol, model, index, name);
}

/** Launch number `index`, in the order of execution. */
static inline ingot_status ingot_model_launch(const ingot_model *model,
                                              int32_t index,
                                              ingot_launch_info *info) {
  return INGOT_CALL_(model, model_launch, model, index, info);
}

/** Bytes of arena that a run needs for these values of all symbols. */
static inline ingot_status ingot_model_arena(const ingot_model *model,
                                             const int64_t *symbols,
                                             int32_t num_symbols,
                                             uint64_t *bytes) {
  return INGOT_CALL_(model, model_arena, model, symbols, num_symbols, bytes);
}

/** A context: the threads, the memory and the state of one caller. `options`
 * may be null. A model without symbols is ready to run without allocating. */
static inline ingot_status
ingot_context_create(ingot_model *model, const ingot_context_options *options,
                     ingot_context **context) {
  return INGOT_CALL_(model, context_create, model, options, context);
}

/** Stops the context's threads and frees it; null is allowed. */
static inline ingot_status ingot_context_destroy(ingot_context *context) {
  return context ? INGOT_CALL_(context, context_destroy, context) : INGOT_OK;
}

/** Threads and memory of the context. */
static inline ingot_status ingot_context_describe(const ingot_context *context,
                                                  ingot_context_info *info) {
  return INGOT_CALL_(context, context_info, context, info);
}

/** Binds the shapes of all inputs (`data` is not looked at): computes the
 * shapes of the outputs and gets the arena these shapes need. ingot_run() does
 * this itself when shapes change; calling it before keeps allocation out of
 * the run. */
static inline ingot_status ingot_context_prepare(ingot_context *context,
                                                 const ingot_tensor *inputs,
                                                 int32_t num_inputs) {
  return INGOT_CALL_(context, context_prepare, context, inputs, num_inputs);
}

/** Output number `index` with the shape that the prepared inputs give it.
 * `dims` stays valid until the next prepare or run with other shapes. */
static inline ingot_status ingot_context_output(const ingot_context *context,
                                                int32_t index,
                                                ingot_tensor_info *info) {
  return INGOT_CALL_(context, context_output, context, index, info);
}

/** Runs the model once: inputs and outputs by position, in buffers that do not
 * overlap. When it fails before the first kernel, outputs are untouched; after
 * INGOT_ERROR_DATA and INGOT_ERROR_CANCELLED their contents are unspecified.
 * The context can be used again after any failure. */
static inline ingot_status ingot_run(ingot_context *context,
                                     const ingot_tensor *inputs,
                                     int32_t num_inputs,
                                     const ingot_tensor *outputs,
                                     int32_t num_outputs) {
  return INGOT_CALL_(context, run, context, inputs, num_inputs, outputs,
                     num_outputs);
}

/** From any thread: ends the run in progress after its current kernel (on a
 * GPU: after those that the device was given already). Without a run in
 * progress it does nothing. */
static inline ingot_status ingot_cancel(ingot_context *context) {
  return INGOT_CALL_(context, cancel, context);
}

/** Turns the timing of launches on or off for the runs that follow. */
static inline ingot_status ingot_profile_enable(ingot_context *context,
                                                int32_t enable) {
  return INGOT_CALL_(context, profile_enable, context, enable);
}

/** Nanoseconds of every launch in the last run that was timed. `count` is the
 * model's num_launches. */
static inline ingot_status ingot_profile_read(const ingot_context *context,
                                              uint64_t *nanoseconds,
                                              int32_t count) {
  return INGOT_CALL_(context, profile_read, context, nanoseconds, count);
}

/** The sentence that goes with the context's last failed call. */
static inline const char *ingot_context_error(const ingot_context *context) {
  return context ? ingot_api_(context)->context_error(context) : "";
}

#undef INGOT_CALL_
#endif /* INGOT_NO_WRAPPERS */

#ifdef __cplusplus
}
#endif

#endif /* INGOT_INGOT_H */
