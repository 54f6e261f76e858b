//===- MemoryApi.cpp ------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Allocation, copies and fills.
//
//===----------------------------------------------------------------------===//
#include "tools/fake-cuda/Driver.h"

#include <cstring>

using ingot::ptx::Allocation;

FAKE_CUDA_API cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  FAKE_CUDA_ENTER(Context);
  for (FakeStream *stream : call.context->streams)
    if (stream->capture)
      return call.done(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  return call.done(call.driver.allocate(bytes, FakeMemory::Device, *address));
}

FAKE_CUDA_API cuMemFree_v2(CUdeviceptr address) {
  FAKE_CUDA_ENTER(Context);
  if (!address)
    return call.done(CUDA_SUCCESS);
  // Waits for the device first.
  if (CUresult error = call.driver.drainContext(call.context))
    return call.done(error);
  return call.done(call.driver.release(address, FakeMemory::Device));
}

FAKE_CUDA_API cuMemAllocAsync(CUdeviceptr *address, size_t bytes,
                              CUstream handle) {
  FAKE_CUDA_ENTER(Context);
  CUresult error = CUDA_SUCCESS;
  FakeStream *stream = call.driver.streamOf(handle, error);
  if (!stream)
    return call.done(error);
  if (stream->capture)
    return call.done(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  error = call.driver.allocate(bytes, FakeMemory::Device, *address);
  if (error == CUDA_ERROR_OUT_OF_MEMORY) {
    // Memory freed in the stream before can be used again.
    call.driver.drain(stream);
    error = call.driver.allocate(bytes, FakeMemory::Device, *address);
  }
  return call.done(error);
}

FAKE_CUDA_API cuMemFreeAsync(CUdeviceptr address, CUstream handle) {
  FAKE_CUDA_ENTER(Context);
  CUresult error = CUDA_SUCCESS;
  FakeStream *stream = call.driver.streamOf(handle, error);
  if (!stream)
    return call.done(error);
  FakeMemory *block = call.driver.findMemory(address);
  if (!block || block->base != address || block->kind != FakeMemory::Device)
    return call.done(CUDA_ERROR_INVALID_VALUE);
  Driver *driver = &call.driver;
  return call.done(driver->enqueue(stream, "free", [driver, address] {
    return driver->release(address, FakeMemory::Device);
  }));
}

FAKE_CUDA_API cuMemHostAlloc(void **pointer, size_t bytes, unsigned) {
  FAKE_CUDA_ENTER(Context);
  uint64_t address = 0;
  CUresult error = call.driver.allocate(bytes, FakeMemory::Host, address);
  if (!error)
    *pointer = reinterpret_cast<void *>(address);
  return call.done(error);
}
FAKE_CUDA_API cuMemAllocHost_v2(void **pointer, size_t bytes) {
  return cuMemHostAlloc(pointer, bytes, 0);
}

FAKE_CUDA_API cuMemFreeHost(void *pointer) {
  FAKE_CUDA_ENTER(Context);
  if (CUresult error = call.driver.drainContext(call.context))
    return call.done(error);
  return call.done(call.driver.release(reinterpret_cast<uint64_t>(pointer),
                                       FakeMemory::Host));
}

FAKE_CUDA_API cuMemHostRegister_v2(void *pointer, size_t bytes, unsigned) {
  FAKE_CUDA_ENTER(Context);
  uint64_t base = reinterpret_cast<uint64_t>(pointer);
  if (!pointer || !bytes)
    return call.done(CUDA_ERROR_INVALID_VALUE);
  if (call.driver.findMemory(base))
    return call.done(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
  FakeMemory block;
  block.context = call.context;
  block.base = base;
  block.bytes = bytes;
  block.kind = FakeMemory::Registered;
  call.driver.allocations[base] = block;
  call.driver.memory.add(base, bytes, true);
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuMemHostUnregister(void *pointer) {
  FAKE_CUDA_ENTER(Context);
  if (CUresult error = call.driver.drainContext(call.context))
    return call.done(error);
  if (call.driver.release(reinterpret_cast<uint64_t>(pointer),
                          FakeMemory::Registered))
    return call.done(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuMemHostGetDevicePointer_v2(CUdeviceptr *address, void *pointer,
                                           unsigned) {
  FAKE_CUDA_ENTER(Context);
  *address = reinterpret_cast<uint64_t>(pointer);
  bool known = call.driver.findMemory(*address);
  return call.done(known ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE);
}

FAKE_CUDA_API cuMemGetInfo_v2(size_t *free, size_t *total) {
  FAKE_CUDA_ENTER(Context);
  if (free)
    *free = call.driver.memoryLimit - call.context->used;
  if (total)
    *total = call.driver.memoryLimit;
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuDeviceGetDefaultMemPool(CUmemoryPool *pool, CUdevice device) {
  FAKE_CUDA_ENTER(Initialized);
  if (device < 0 || device >= call.driver.deviceCount)
    return call.done(CUDA_ERROR_INVALID_DEVICE);
  *pool = &call.driver.pools[device];
  return call.done(CUDA_SUCCESS);
}
FAKE_CUDA_API cuDeviceGetMemPool(CUmemoryPool *pool, CUdevice device) {
  return cuDeviceGetDefaultMemPool(pool, device);
}
FAKE_CUDA_API cuMemPoolSetAttribute(CUmemoryPool pool, int, void *value) {
  FAKE_CUDA_ENTER(Initialized);
  return call.done(pool && value ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE);
}
FAKE_CUDA_API cuMemPoolTrimTo(CUmemoryPool pool, size_t) {
  FAKE_CUDA_ENTER(Initialized);
  return call.done(pool ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE);
}

//===----------------------------------------------------------------------===//
// Copies and fills.
//===----------------------------------------------------------------------===//

/// An allocation that holds a whole range of the device, or null.
static Allocation *rangeOf(Driver &driver, CUdeviceptr address, size_t bytes) {
  Allocation *found = driver.memory.find(address);
  return found && found->contains(address, bytes) ? found : nullptr;
}

/// Copies bytes and their marks.
static CUresult copyNow(Driver &driver, uint64_t to, uint64_t from,
                        size_t bytes, bool toDevice, bool fromDevice) {
  Allocation *target = toDevice ? rangeOf(driver, to, bytes) : nullptr;
  Allocation *source = fromDevice ? rangeOf(driver, from, bytes) : nullptr;
  if ((toDevice && !target) || (fromDevice && !source))
    return driver.fail(CUDA_ERROR_ILLEGAL_ADDRESS,
                       "copy of memory that is no longer allocated");
  // Bytes between outputs are copied too, so never to be written is no fault.
  if (source && !toDevice) {
    uint64_t at = source->init.firstUnmarked(from - source->base, bytes);
    if (at < bytes)
      return driver.fail(CUDA_ERROR_LAUNCH_FAILED,
                         "byte " + std::to_string(at) + " of " +
                             std::to_string(bytes) +
                             " that are copied to the host depends on memory "
                             "that was never written");
  }
  memmove(reinterpret_cast<void *>(to), reinterpret_cast<void *>(from), bytes);
  if (target)
    target->init.copyFrom(to - target->base, source ? &source->init : nullptr,
                          source ? from - source->base : 0, bytes);
  return CUDA_SUCCESS;
}

static CUresult copyLater(Call &call, CUstream handle, uint64_t to,
                          uint64_t from, size_t bytes, bool toDevice,
                          bool fromDevice) {
  CUresult error = CUDA_SUCCESS;
  Driver *driver = &call.driver;
  FakeStream *stream = driver->streamOf(handle, error);
  if (!stream)
    return error;
  if (!bytes)
    return CUDA_SUCCESS;
  if ((toDevice && !rangeOf(*driver, to, bytes)) ||
      (fromDevice && !rangeOf(*driver, from, bytes)) || !to || !from)
    return CUDA_ERROR_INVALID_VALUE;
  // Pageable memory is read before the call returns, and written before too.
  bool pageableSource = !fromDevice && !driver->findMemory(from);
  bool pageableTarget = !toDevice && !driver->findMemory(to);
  if (pageableSource && !stream->capture) {
    auto bytesNow = std::make_shared<std::vector<uint8_t>>(bytes);
    memcpy(bytesNow->data(), reinterpret_cast<void *>(from), bytes);
    return driver->enqueue(stream, "copy", [=] {
      return copyNow(*driver, to, reinterpret_cast<uint64_t>(bytesNow->data()),
                     bytes, toDevice, false);
    });
  }
  error = driver->enqueue(stream, "copy", [=] {
    return copyNow(*driver, to, from, bytes, toDevice, fromDevice);
  });
  if (!error && pageableTarget && !stream->capture)
    error = driver->drain(stream);
  return error;
}

/// Copies through the default stream and waits.
static CUresult copyAndWait(Call &call, uint64_t to, uint64_t from,
                            size_t bytes, bool toDevice, bool fromDevice) {
  CUresult error =
      copyLater(call, nullptr, to, from, bytes, toDevice, fromDevice);
  if (error)
    return error;
  FakeStream *stream = call.driver.streamOf(nullptr, error);
  return call.driver.drain(stream);
}

static uint64_t addressOf(const void *pointer) {
  return reinterpret_cast<uint64_t>(pointer);
}

FAKE_CUDA_API cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
  FAKE_CUDA_ENTER(Context);
  return call.done(copyAndWait(call, to, addressOf(from), bytes, true, false));
}
FAKE_CUDA_API cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
  FAKE_CUDA_ENTER(Context);
  return call.done(copyAndWait(call, addressOf(to), from, bytes, false, true));
}
FAKE_CUDA_API cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  FAKE_CUDA_ENTER(Context);
  return call.done(copyLater(call, nullptr, to, from, bytes, true, true));
}
FAKE_CUDA_API cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from,
                                   size_t bytes, CUstream stream) {
  FAKE_CUDA_ENTER(Context);
  return call.done(
      copyLater(call, stream, to, addressOf(from), bytes, true, false));
}
FAKE_CUDA_API cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes,
                                   CUstream stream) {
  FAKE_CUDA_ENTER(Context);
  return call.done(
      copyLater(call, stream, addressOf(to), from, bytes, false, true));
}
FAKE_CUDA_API cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from,
                                   size_t bytes, CUstream stream) {
  FAKE_CUDA_ENTER(Context);
  return call.done(copyLater(call, stream, to, from, bytes, true, true));
}

/// Copies between any two kinds of memory.
FAKE_CUDA_API cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes,
                            CUstream stream) {
  FAKE_CUDA_ENTER(Context);
  bool toDevice = rangeOf(call.driver, to, bytes);
  bool fromDevice = rangeOf(call.driver, from, bytes);
  return call.done(
      copyLater(call, stream, to, from, bytes, toDevice, fromDevice));
}
FAKE_CUDA_API cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  FAKE_CUDA_ENTER(Context);
  bool toDevice = rangeOf(call.driver, to, bytes);
  bool fromDevice = rangeOf(call.driver, from, bytes);
  return call.done(copyAndWait(call, to, from, bytes, toDevice, fromDevice));
}

template <typename T>
static CUresult fillLater(Call &call, CUdeviceptr to, T value, size_t count,
                          CUstream handle) {
  CUresult error = CUDA_SUCCESS;
  Driver *driver = &call.driver;
  FakeStream *stream = driver->streamOf(handle, error);
  if (!stream)
    return error;
  size_t bytes = count * sizeof(T);
  if (!count)
    return CUDA_SUCCESS;
  if (to % sizeof(T) || !rangeOf(*driver, to, bytes))
    return CUDA_ERROR_INVALID_VALUE;
  return driver->enqueue(stream, "fill", [=] {
    Allocation *target = rangeOf(*driver, to, bytes);
    if (!target)
      return driver->fail(CUDA_ERROR_ILLEGAL_ADDRESS,
                          "fill of memory that is no longer allocated");
    T *data = reinterpret_cast<T *>(to);
    for (size_t i = 0; i < count; ++i)
      data[i] = value;
    target->init.mark(to - target->base, bytes);
    return CUDA_SUCCESS;
  });
}

FAKE_CUDA_API cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count,
                              CUstream stream) {
  FAKE_CUDA_ENTER(Context);
  return call.done(fillLater<uint8_t>(call, to, value, count, stream));
}
FAKE_CUDA_API cuMemsetD16Async(CUdeviceptr to, unsigned short value,
                               size_t count, CUstream stream) {
  FAKE_CUDA_ENTER(Context);
  return call.done(fillLater<uint16_t>(call, to, value, count, stream));
}
FAKE_CUDA_API cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count,
                               CUstream stream) {
  FAKE_CUDA_ENTER(Context);
  return call.done(fillLater<uint32_t>(call, to, value, count, stream));
}
FAKE_CUDA_API cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t count) {
  FAKE_CUDA_ENTER(Context);
  return call.done(fillLater<uint8_t>(call, to, value, count, nullptr));
}
FAKE_CUDA_API cuMemsetD16_v2(CUdeviceptr to, unsigned short value,
                             size_t count) {
  FAKE_CUDA_ENTER(Context);
  return call.done(fillLater<uint16_t>(call, to, value, count, nullptr));
}
FAKE_CUDA_API cuMemsetD32_v2(CUdeviceptr to, unsigned value, size_t count) {
  FAKE_CUDA_ENTER(Context);
  return call.done(fillLater<uint32_t>(call, to, value, count, nullptr));
}

//===----------------------------------------------------------------------===//
// Questions about pointers.
//===----------------------------------------------------------------------===//

static CUresult pointerAttribute(Driver &driver, void *data, int attribute,
                                 CUdeviceptr address) {
  FakeMemory *block = driver.findMemory(address);
  if (!block)
    return CUDA_ERROR_INVALID_VALUE;
  bool isDevice = block->kind == FakeMemory::Device;
  switch (attribute) {
  case 1: // CONTEXT
    *static_cast<CUcontext *>(data) = block->context;
    return CUDA_SUCCESS;
  case 2: // MEMORY_TYPE: host 1, device 2
    *static_cast<unsigned *>(data) = isDevice ? 2 : 1;
    return CUDA_SUCCESS;
  case 3: // DEVICE_POINTER
    *static_cast<CUdeviceptr *>(data) = address;
    return CUDA_SUCCESS;
  case 4: // HOST_POINTER
    if (isDevice)
      return CUDA_ERROR_INVALID_VALUE;
    *static_cast<void **>(data) = reinterpret_cast<void *>(address);
    return CUDA_SUCCESS;
  case 8: // IS_MANAGED
    *static_cast<unsigned *>(data) = 0;
    return CUDA_SUCCESS;
  case 9: // DEVICE_ORDINAL
    *static_cast<int *>(data) = block->context->device;
    return CUDA_SUCCESS;
  case 11: // RANGE_START_ADDR
    *static_cast<CUdeviceptr *>(data) = block->base;
    return CUDA_SUCCESS;
  case 12: // RANGE_SIZE
    *static_cast<size_t *>(data) = block->bytes;
    return CUDA_SUCCESS;
  default:
    return CUDA_ERROR_NOT_SUPPORTED;
  }
}

FAKE_CUDA_API cuPointerGetAttribute(void *data, int attribute,
                                    CUdeviceptr address) {
  FAKE_CUDA_ENTER(Context);
  return call.done(pointerAttribute(call.driver, data, attribute, address));
}

/// Unknown pointers are no error here: what is asked becomes zero.
FAKE_CUDA_API cuPointerGetAttributes(unsigned count, int *attributes,
                                     void **data, CUdeviceptr address) {
  FAKE_CUDA_ENTER(Context);
  for (unsigned i = 0; i < count; ++i)
    if (pointerAttribute(call.driver, data[i], attributes[i], address))
      memset(data[i], 0,
             attributes[i] == 2 || attributes[i] == 8 || attributes[i] == 9
                 ? 4
                 : 8);
  return call.done(CUDA_SUCCESS);
}

FAKE_CUDA_API cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *bytes,
                                      CUdeviceptr address) {
  FAKE_CUDA_ENTER(Context);
  FakeMemory *block = call.driver.findMemory(address);
  if (!block)
    return call.done(CUDA_ERROR_NOT_FOUND);
  if (base)
    *base = block->base;
  if (bytes)
    *bytes = block->bytes;
  return call.done(CUDA_SUCCESS);
}
