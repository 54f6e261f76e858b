//===- GpuApi.h - the functions of NVIDIA's driver --------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is used of libcuda.so.1, by our own declarations: neither the toolkit is
// needed to build, nor the driver to link. Structures and numbers are those of
// NVIDIA's published binary interface.
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_LIB_RUNTIME_GPUAPI_H
#define INGOT_LIB_RUNTIME_GPUAPI_H

#include <stddef.h>
#include <stdint.h>

namespace ingot::rt::cuda {

using Result = int;
using Device = int;
using Address = unsigned long long;
using Context = struct ContextOpaque *;
using Module = struct ModuleOpaque *;
using Function = struct FunctionOpaque *;
using Stream = struct StreamOpaque *;
using Event = struct EventOpaque *;
using Graph = struct GraphOpaque *;
using GraphExec = struct GraphExecOpaque *;
using LinkState = struct LinkStateOpaque *;

enum : Result {
  success = 0,
  invalidValue = 1,
  outOfMemory = 2,
  stubLibrary = 34,
  deviceUnavailable = 46,
  noDevice = 100,
  eccUncorrectable = 214,
  noBinaryForGpu = 209,
  illegalAddress = 700,
  launchTimeout = 702,
  contextIsDestroyed = 709,
  assertFailed = 710,
  hardwareStackError = 714,
  illegalInstruction = 715,
  misalignedAddress = 716,
  invalidAddressSpace = 717,
  invalidPc = 718,
  launchFailed = 719,
  notSupported = 801,
};

enum DeviceAttribute : int {
  attributeMultiprocessors = 16,
  attributeMajor = 75,
  attributeMinor = 76,
};

enum PointerAttribute : int {
  pointerMemoryType = 2,
  pointerIsManaged = 8,
  pointerDevice = 9,
};

enum MemoryType : unsigned { memoryDevice = 2 };

enum FunctionAttribute : int {
  functionMaxDynamicShared = 8,
  functionNonPortableCluster = 14,
};

enum JitOption : int {
  jitErrorLog = 5,
  jitErrorLogBytes = 6,
};

enum JitInput : int { jitInputPtx = 1 };

enum StreamFlag : unsigned { streamNonBlocking = 1 };
enum CaptureMode : int { captureRelaxed = 2 };
enum CaptureStatus : int { captureNone = 0 };

/// CUtensorMap.
struct alignas(64) TensorMap {
  uint64_t opaque[16];
};

enum TensorMapOption : int {
  tensorMapPlain = 0,        // neither interleaved nor other than 0 outside
  tensorMapPromotion256 = 3, // what L2 reads at once
};

/// Stands for the stream of programs that name none.
inline Stream legacyStream() { return reinterpret_cast<Stream>(1); }

/// CUlaunchAttribute.
struct LaunchAttribute {
  int id;
  int unused;
  union {
    unsigned cluster[3];
    uint64_t room[8];
  };
};

enum LaunchAttributeId : int { launchClusterDimension = 4 };

/// CUlaunchConfig.
struct LaunchConfig {
  unsigned grid[3];
  unsigned block[3];
  unsigned sharedBytes;
  Stream stream;
  LaunchAttribute *attributes;
  unsigned numAttributes;
};

static_assert(sizeof(LaunchAttribute) == 72 && sizeof(LaunchConfig) == 56 &&
                  sizeof(TensorMap) == 128,
              "as the driver has them");

// clang-format off

/// INGOT_CUDA_NEEDED(X): X(field, "symbol", parameters) of every function that
/// must be there. All are in drivers for CUDA 11.0 and later.
#define INGOT_CUDA_NEEDED(X)                                                   \
  X(init, "cuInit", (unsigned))                                                \
  X(driverGetVersion, "cuDriverGetVersion", (int *))                           \
  X(getErrorName, "cuGetErrorName", (Result, const char **))                   \
  X(getErrorString, "cuGetErrorString", (Result, const char **))               \
  X(deviceGetCount, "cuDeviceGetCount", (int *))                               \
  X(deviceGet, "cuDeviceGet", (Device *, int))                                 \
  X(deviceGetName, "cuDeviceGetName", (char *, int, Device))                   \
  X(deviceGetAttribute, "cuDeviceGetAttribute", (int *, int, Device))          \
  X(primaryRetain, "cuDevicePrimaryCtxRetain", (Context *, Device))            \
  X(primaryRelease, "cuDevicePrimaryCtxRelease_v2", (Device))                  \
  X(contextPush, "cuCtxPushCurrent_v2", (Context))                             \
  X(contextPop, "cuCtxPopCurrent_v2", (Context *))                             \
  X(moduleLoad, "cuModuleLoadDataEx",                                          \
    (Module *, const void *, unsigned, int *, void **))                        \
  X(moduleUnload, "cuModuleUnload", (Module))                                  \
  X(moduleGetFunction, "cuModuleGetFunction",                                  \
    (Function *, Module, const char *))                                        \
  X(functionSet, "cuFuncSetAttribute", (Function, int, int))                   \
  X(allocate, "cuMemAlloc_v2", (Address *, size_t))                            \
  X(release, "cuMemFree_v2", (Address))                                        \
  X(allocateHost, "cuMemHostAlloc", (void **, size_t, unsigned))               \
  X(releaseHost, "cuMemFreeHost", (void *))                                    \
  X(copyIn, "cuMemcpyHtoDAsync_v2", (Address, const void *, size_t, Stream))   \
  X(copyOut, "cuMemcpyDtoHAsync_v2", (void *, Address, size_t, Stream))        \
  X(copyWithin, "cuMemcpyDtoDAsync_v2", (Address, Address, size_t, Stream))    \
  X(fill, "cuMemsetD8Async", (Address, unsigned char, size_t, Stream))         \
  X(pointerGet, "cuPointerGetAttribute", (void *, int, Address))               \
  X(streamCreate, "cuStreamCreate", (Stream *, unsigned))                      \
  X(streamDestroy, "cuStreamDestroy_v2", (Stream))                             \
  X(streamSynchronize, "cuStreamSynchronize", (Stream))                        \
  X(launch, "cuLaunchKernel",                                                  \
    (Function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,     \
     unsigned, Stream, void **, void **))

/// INGOT_CUDA_USEFUL(X): those that something is done without if a driver lacks
/// them: clusters (CUDA 11.8), tensor maps (CUDA 12.0), graphs, the cache of compiled code, timing.
#define INGOT_CUDA_USEFUL(X)                                                   \
  X(memoryInfo, "cuMemGetInfo_v2", (size_t *, size_t *))                       \
  X(streamGetContext, "cuStreamGetCtx", (Stream, Context *))                   \
  X(streamIsCapturing, "cuStreamIsCapturing", (Stream, int *))                 \
  X(beginCapture, "cuStreamBeginCapture_v2", (Stream, int))                    \
  X(endCapture, "cuStreamEndCapture", (Stream, Graph *))                       \
  X(instantiateFlags, "cuGraphInstantiateWithFlags",                           \
    (GraphExec *, Graph, unsigned long long))                                  \
  X(instantiate, "cuGraphInstantiate_v2",                                      \
    (GraphExec *, Graph, void *, char *, size_t))                              \
  X(graphLaunch, "cuGraphLaunch", (GraphExec, Stream))                         \
  X(graphDestroy, "cuGraphDestroy", (Graph))                                   \
  X(graphExecDestroy, "cuGraphExecDestroy", (GraphExec))                       \
  X(tensorMapEncode, "cuTensorMapEncodeTiled",                                 \
    (TensorMap *, int, unsigned, void *, const uint64_t *, const uint64_t *,   \
     const uint32_t *, const uint32_t *, int, int, int, int))                  \
  X(tensorMapEncodeWindow, "cuTensorMapEncodeIm2col",                          \
    (TensorMap *, int, unsigned, void *, const uint64_t *, const uint64_t *,   \
     const int *, const int *, unsigned, unsigned, const uint32_t *, int, int, \
     int, int))                                                                \
  X(launchEx, "cuLaunchKernelEx",                                              \
    (const LaunchConfig *, Function, void **, void **))                        \
  X(linkCreate, "cuLinkCreate_v2", (unsigned, int *, void **, LinkState *))    \
  X(linkAddData, "cuLinkAddData_v2",                                           \
    (LinkState, int, void *, size_t, const char *, unsigned, int *, void **))  \
  X(linkComplete, "cuLinkComplete", (LinkState, void **, size_t *))            \
  X(linkDestroy, "cuLinkDestroy", (LinkState))                                 \
  X(eventCreate, "cuEventCreate", (Event *, unsigned))                         \
  X(eventRecord, "cuEventRecord", (Event, Stream))                             \
  X(eventSynchronize, "cuEventSynchronize", (Event))                           \
  X(eventElapsed, "cuEventElapsedTime", (float *, Event, Event))               \
  X(eventDestroy, "cuEventDestroy_v2", (Event))

// clang-format on

/// Pointers to all of them; null where the driver has no such function.
struct Functions {
#define INGOT_FIELD(field, symbol, parameters) Result(*field) parameters;
  INGOT_CUDA_NEEDED(INGOT_FIELD)
  INGOT_CUDA_USEFUL(INGOT_FIELD)
#undef INGOT_FIELD
};

} // namespace ingot::rt::cuda

#endif // INGOT_LIB_RUNTIME_GPUAPI_H
