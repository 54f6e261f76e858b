//===- Cuda.h - types of the CUDA driver interface --------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_FAKE_CUDA_CUDA_H
#define INGOT_TOOLS_FAKE_CUDA_CUDA_H

#include <cstddef>
#include <cstdint>

/// Codes of errors, with the driver's numbers.
enum CUresult : int {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NOT_INITIALIZED = 3,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_DEVICE = 101,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_INVALID_CONTEXT = 201,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_INVALID_PTX = 218,
  CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
  CUDA_ERROR_INVALID_HANDLE = 400,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_NOT_READY = 600,
  CUDA_ERROR_ILLEGAL_ADDRESS = 700,
  CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
  CUDA_ERROR_LAUNCH_TIMEOUT = 702,
  CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED = 712,
  CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED = 713,
  CUDA_ERROR_ILLEGAL_INSTRUCTION = 715,
  CUDA_ERROR_MISALIGNED_ADDRESS = 716,
  CUDA_ERROR_LAUNCH_FAILED = 719,
  CUDA_ERROR_NOT_SUPPORTED = 801,
  CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900,
  CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901,
  CUDA_ERROR_STREAM_CAPTURE_UNMATCHED = 903,
  CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE = 910,
  CUDA_ERROR_UNKNOWN = 999,
};

using CUdevice = int;
using CUdeviceptr = uint64_t;

struct FakeContext;
struct FakeModule;
struct FakeFunction;
struct FakeStream;
struct FakeEvent;
struct FakeGraph;
struct FakeGraphExec;
struct FakePool;
using CUcontext = FakeContext *;
using CUmodule = FakeModule *;
using CUfunction = FakeFunction *;
using CUstream = FakeStream *;
using CUevent = FakeEvent *;
using CUgraph = FakeGraph *;
using CUgraphExec = FakeGraphExec *;
using CUmemoryPool = FakePool *;

struct CUuuid {
  char bytes[16];
};

/// An attribute of cuLaunchKernelEx: 4 is the shape of clusters.
struct CUlaunchAttribute {
  int id;
  char pad[4];
  union {
    char raw[64];
    struct {
      unsigned x, y, z;
    } clusterDim;
  } value;
};

struct CUlaunchConfig {
  unsigned gridDimX, gridDimY, gridDimZ;
  unsigned blockDimX, blockDimY, blockDimZ;
  unsigned sharedMemBytes;
  CUstream hStream;
  CUlaunchAttribute *attrs;
  unsigned numAttrs;
};

/// The default streams have handles of their own.
inline CUstream legacyStream() { return reinterpret_cast<CUstream>(1); }
inline CUstream perThreadStream() { return reinterpret_cast<CUstream>(2); }

#define FAKE_CUDA_API extern "C" __attribute__((visibility("default"))) CUresult

#endif // INGOT_TOOLS_FAKE_CUDA_CUDA_H
