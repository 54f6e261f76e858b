//===- ModelAbi.h - between generated code and the runtime -------*- C -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The contract between the code the compiler generates for one model and the
// runtime linked beside it into model.so or model.a. Not public: applications
// use include/ingot/ingot.h. Plain C, fixed-width fields, so that the compiler
// can lay these tables out as LLVM constants for any target.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_MODELABI_H
#define INGOT_LIB_RUNTIME_MODELABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Raised whenever a structure below changes; generated code and runtime of
/// one artifact always agree, since both come from the same compiler.
#define INGOT_ABI_VERSION 6u
#define INGOT_ABI_MAGIC 0x31474e49u /* "ING1" */

/// One input or output. A dimension >= 0 is static; -1 - k means symbol k of
/// IngotModelDesc::symbol_names for an input, or "ask shapes()" for an output.
typedef struct IngotTensorDesc {
  const char *name;
  int32_t dtype; /* ingot_dtype: the ONNX TensorProto.DataType number */
  int32_t rank;
  const int64_t *dims;
} IngotTensorDesc;

/// One launch of a kernel, in execution order. `nodes` names the ONNX nodes it
/// computes, comma separated.
typedef struct IngotKernelDesc {
  const char *name;
  const char *nodes;
} IngotKernelDesc;

/// What one call of run() works on. Filled by the runtime; read by generated
/// code. All memory is the runtime's or the caller's: generated code never
/// allocates.
typedef struct IngotRunFrame {
  const void *const *inputs; /* one pointer per model input */
  void *const *outputs;      /* one pointer per model output */
  const int64_t *symbols;    /* value of every symbol */
  uint8_t *arena;            /* arena_bytes(symbols) bytes, 64-byte aligned */
  const uint8_t *weights;    /* IngotModelDesc::weights */
  int64_t status;            /* 0, or the first IngotFault a kernel met */
  int64_t fault_launch;      /* launch index of that fault */
  void *runtime;             /* the runtime's own context */
} IngotRunFrame;

/// Faults a kernel can meet in data. The kernel stores the code into *status
/// (slot 0 of its arguments) and goes on without touching memory out of
/// bounds; the run then fails with the launch's ONNX node in the message.
enum IngotFault {
  INGOT_FAULT_INDEX = 1,  /* an index lies outside the tensor it selects from */
  INGOT_FAULT_DIVIDE = 2, /* integer division or modulo by zero */
  INGOT_FAULT_SHAPE =
      3, /* run-time shape data contradicts the compiled shape */
  INGOT_FAULT_ARGUMENT = 4, /* another operand value the operator forbids */
};

/// A kernel: does the work items [lo, hi) of its launch. args[0] points to the
/// int64_t status of the frame, the rest is the compiler's business (pointers
/// and 64-bit integers, one per slot). `worker` is in [0, threads).
typedef void (*IngotKernelFn)(void *const *args, int64_t lo, int64_t hi,
                              int64_t worker);

/// What the bytes of an IngotGpuImage are.
enum IngotGpuImageKind {
  INGOT_GPU_PTX = 1,   /* text, ends with a zero byte */
  INGOT_GPU_CUBIN = 2, /* machine code */
};

/// All kernels of a model for NVIDIA GPUs, in one form.
typedef struct IngotGpuImage {
  int32_t kind;   /* IngotGpuImageKind */
  int32_t driver; /* least cuDriverGetVersion() that takes it, e.g. 11000 */
  const uint8_t *data;
  uint64_t bytes; /* with the zero byte that ends PTX */
} IngotGpuImage;

/// A tensor whose boxes the engine for copies of a GPU brings into shared
/// memory: what cuTensorMapEncodeTiled() is given, or, of the pixels that a
/// convolution multiplies, cuTensorMapEncodeIm2col(). Elements outside of it
/// are zero. A negative number -k in `offset`, `dims` or `strides` stands for
/// the one in slot k of the launch.
typedef struct IngotGpuTensorMap {
  uint32_t slot;      /* that holds the tensor's address */
  uint32_t type;      /* CUtensorMapDataType */
  uint32_t swizzle;   /* CUtensorMapSwizzle */
  uint32_t rank;      /* at most 5 */
  int64_t offset;     /* bytes from the address to the first element */
  int64_t dims[5];    /* innermost first */
  int64_t strides[4]; /* bytes, of all but the innermost dimension */
  uint32_t box[6];    /* elements of a box, the last is not used; channels and
                       * pixels of a window */
  /* Of a window, innermost first: corners of where the first tap may be, from
   * the first and from the last pixel, and its steps. No steps: boxes. */
  int32_t lower[3], upper[3];
  uint32_t steps[4]; /* the last is not used */
} IngotGpuTensorMap;

#define INGOT_GPU_MAPS 4u

/// How a kernel is launched on a GPU. Its parameters are 64-bit numbers: the
/// slots that ingot_rt_launch() is given, of which slot 0 points to an int64_t
/// status of this launch (zero before it) in device memory, and then the
/// number of work items; if it has counters, the address of these and of room
/// for sums, both memory of the context alone; and then tensor maps of 128
/// bytes. Slots beyond `slots` hold numbers for these.
typedef struct IngotGpuKernel {
  const char *name;     /* of the entry in the images */
  uint32_t slots;       /* parameters without the number of items */
  uint32_t block;       /* threads of a block, along x */
  uint32_t cluster;     /* blocks of a cluster, along x; 1: no clusters */
  uint32_t shared;      /* dynamic shared memory of a block, bytes */
  uint64_t block_items; /* work items of a block: the grid, along x, is the
                         * number of items divided by this, rounded up */
  uint32_t persistent;  /* not 0: no more than this many blocks for each
                         * multiprocessor, which loop over the items */
  uint32_t index;       /* in IngotGpuDesc::kernels */
  const IngotGpuTensorMap *maps;
  uint32_t num_maps; /* at most INGOT_GPU_MAPS */
  uint32_t counters; /* 32-bit words that are zero before and after the launch,
                      * by which blocks that share a result meet */
  uint64_t sums;     /* bytes of what they hand each other */
} IngotGpuKernel;

/// The functions that run a model on a GPU: an object of its own, linked only
/// into artifacts whose descriptors point here.
struct IngotGpuBackend;
extern const struct IngotGpuBackend ingot_gpu_backend;

/// The GPU part of a model that is compiled for one.
typedef struct IngotGpuDesc {
  const struct IngotGpuBackend *backend;
  int32_t capability; /* compute capability, major * 10 + minor */
  int32_t exact;      /* 1: for this capability alone (sm_90a), else also for
                       * later ones, by the PTX image */
  int32_t num_images; /* machine code before PTX */
  int32_t num_kernels;
  const IngotGpuImage *images;
  const IngotGpuKernel *const *kernels;
} IngotGpuDesc;

/// Everything about one model, compiled for one target. Generated code defines
/// one for each target of the artifact, in the order of preference: the first
/// that the machine can run is used. The first of all has the hidden symbol
/// `ingot_model_desc`. They have the same inputs, outputs and symbols. In that
/// of a GPU run() gets device memory as arena and weights and for inputs and
/// outputs, and passes an IngotGpuKernel to ingot_rt_launch() in place of an
/// IngotKernelFn.
typedef struct IngotModelDesc {
  uint32_t magic;
  uint32_t abi_version;
  const char *name;             /* graph name */
  const char *compiler_version; /* of ingot */
  const char *target;           /* e.g. "x86-64-v4" */
  const char *content_hash;     /* hex digest of model, options and version */
  /* CPU features that must be present, as words that the runtime's feature
   * test understands ("avx512f", "dotprod"), comma separated; checked before
   * any other generated code runs. */
  const char *required_features;
  /* What f32 is stored as and multiplied in, in words; "" if in f32. */
  const char *precision;
  int32_t num_inputs;
  int32_t num_outputs;
  int32_t num_symbols;
  int32_t num_launches;
  const IngotTensorDesc *inputs;
  const IngotTensorDesc *outputs;
  const char *const *symbol_names;
  const IngotKernelDesc *launches;
  const uint8_t *weights;
  uint64_t weight_bytes;
  uint64_t code_bytes;
  uint64_t arena_lower_bound; /* of the static plan, for reports */
  /* Bytes of arena for these symbol values; negative: over the limit. */
  int64_t (*arena_bytes)(const int64_t *symbols);
  /* Writes the dims of all outputs one after another; returns 0 or a fault
   * when symbol values admit no shape. */
  int64_t (*output_shapes)(const int64_t *symbols, int64_t *dims);
  int64_t (*run)(IngotRunFrame *frame);
  const IngotGpuDesc *gpu;           /* null: for the processor */
  const struct IngotModelDesc *next; /* for the next target, or null */
} IngotModelDesc;

/// Defined by the runtime, called by generated code: runs launch number
/// `index` over [0, n), split statically over the context's threads, and
/// returns when all of it is done. On a GPU `kernel` is an IngotGpuKernel, and
/// the launch is only put into the context's stream.
void ingot_rt_launch(IngotRunFrame *frame, int64_t index, IngotKernelFn kernel,
                     void *const *args, int64_t n);

#ifdef __cplusplus
}
#endif
#endif /* INGOT_LIB_RUNTIME_MODELABI_H */
