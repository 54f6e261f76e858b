//===- GpuDriver.cpp ------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loading the driver and describing its failures.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/GpuDriver.h"

#include "lib/Runtime/Lock.h"

#include <dlfcn.h>
#include <elf.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

using namespace ingot::rt;

// Weak: before glibc 2.34 these live in a library of their own, which is there
// if something loads libraries at all; a statically linked program may not have
// them.
extern "C" {
#pragma weak dlopen
#pragma weak dlsym
#pragma weak dlerror
}

static GpuDriver theDriver;
static Lock driverLock;

static ingot_status describeMissing() {
  const char *reason = dlerror ? dlerror() : nullptr;
  if (!reason || strstr(reason, "No such file"))
    return Failure(INGOT_ERROR_NO_GPU) << "libcuda.so.1 was not found";
  return Failure(INGOT_ERROR_NO_GPU)
         << "libcuda.so.1 cannot be loaded: " << reason;
}

/// Finds the library's functions; `missing` is the first that it lacks.
static void findFunctions(void *library, GpuDriver &driver,
                          const char *&missing) {
#define INGOT_FIND(field, symbol, parameters)                                  \
  *reinterpret_cast<void **>(&driver.field) = dlsym(library, symbol);
#define INGOT_NEED(field, symbol, parameters)                                  \
  INGOT_FIND(field, symbol, parameters)                                        \
  if (!driver.field && !missing)                                               \
    missing = symbol;
  INGOT_CUDA_NEEDED(INGOT_NEED)
  INGOT_CUDA_USEFUL(INGOT_FIND)
#undef INGOT_NEED
#undef INGOT_FIND
}

static ingot_status refuseInit(const GpuDriver &driver, cuda::Result result) {
  if (result == cuda::noDevice)
    return Failure(INGOT_ERROR_NO_GPU)
           << "the driver finds no device (CUDA_VISIBLE_DEVICES may hide them)";
  if (result == cuda::stubLibrary)
    return Failure(INGOT_ERROR_NO_GPU)
           << "the libcuda.so.1 found first is the toolkit's stub, no driver";
  gpuFailure(driver, result, "cuInit");
  ErrorText text;
  memcpy(text.text, threadError(), sizeof(text.text));
  return Failure(INGOT_ERROR_NO_GPU) << withoutCode(text.text);
}

/// Whether the system's loader is at work. Loading into a static program, even
/// where it has dlopen(), ends in a second libc and a crash.
static bool isDynamicProgram() {
  auto *header = reinterpret_cast<const Elf64_Phdr *>(getauxval(AT_PHDR));
  for (unsigned long i = 0, n = getauxval(AT_PHNUM); header && i < n; ++i)
    if (header[i].p_type == PT_INTERP)
      return true;
  return false;
}

static ingot_status start(GpuDriver &driver) {
  if (!dlopen || !dlsym || !isDynamicProgram())
    return Failure(INGOT_ERROR_NO_GPU)
           << "a statically linked program cannot load libcuda.so.1";
  // Never closed: threads of the driver live in it.
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return describeMissing();
  const char *missing = nullptr;
  findFunctions(library, driver, missing);
  if (driver.driverGetVersion &&
      driver.driverGetVersion(&driver.version) == cuda::success &&
      driver.version < leastDriverVersion) {
    Failure failure(INGOT_ERROR_NO_GPU);
    failure << "the driver is for CUDA ";
    failure << CudaVersion{driver.version} << ", ";
    return failure << CudaVersion{leastDriverVersion}
                   << " or later is needed: update the driver";
  }
  if (missing)
    return Failure(INGOT_ERROR_NO_GPU)
           << "the driver has no function " << missing;
  cuda::Result result = driver.init(0);
  if (result != cuda::success)
    return refuseInit(driver, result);
  result = driver.deviceGetCount(&driver.devices);
  if (result != cuda::success || driver.devices <= 0)
    return refuseInit(driver, cuda::noDevice);
  return INGOT_OK;
}

static ingot_status refuseChild() {
  return Failure(INGOT_ERROR_NO_GPU)
         << "the GPU's driver was started before this process was forked; "
            "open the model in the child alone, or start it by exec";
}

const GpuDriver *ingot::rt::gpuDriver(ingot_status &status, bool again) {
  int32_t self = getpid();
  // Before the lock, which a thread that was not inherited may hold.
  int32_t owner = __atomic_load_n(&theDriver.process, __ATOMIC_ACQUIRE);
  if (owner == self) {
    status = INGOT_OK;
    return &theDriver;
  }
  if (owner) {
    status = refuseChild();
    return nullptr;
  }
  Locked locked(driverLock);
  if (theDriver.process == self) {
    status = INGOT_OK;
    return &theDriver;
  }
  ErrorText &refusal = theDriver.refusal;
  if (refusal.text[0] && !again) {
    status = Failure(INGOT_ERROR_NO_GPU) << withoutCode(refusal.text);
    return nullptr;
  }
  status = start(theDriver);
  if (status != INGOT_OK) {
    memcpy(refusal.text, threadError(), sizeof(refusal.text));
    return nullptr;
  }
  __atomic_store_n(&theDriver.process, self, __ATOMIC_RELEASE);
  return &theDriver;
}

const GpuDriver *ingot::rt::workingGpuDriver() {
  int32_t owner = __atomic_load_n(&theDriver.process, __ATOMIC_ACQUIRE);
  return owner == getpid() ? &theDriver : nullptr;
}

ingot_status ingot::rt::gpuCapability(const GpuDriver &driver, int32_t device,
                                      int32_t &capability) {
  cuda::Device handle;
  int major = 0, minor = 0;
  cuda::Result result = driver.deviceGet(&handle, device);
  if (result == cuda::success)
    result = driver.deviceGetAttribute(&major, cuda::attributeMajor, handle);
  if (result == cuda::success)
    result = driver.deviceGetAttribute(&minor, cuda::attributeMinor, handle);
  if (result != cuda::success)
    return gpuFailure(driver, result, "cuDeviceGetAttribute");
  capability = major * 10 + minor;
  return INGOT_OK;
}

Failure &ingot::rt::operator<<(Failure &failure, GpuName name) {
  cuda::Device handle;
  char text[96] = "";
  failure << "device " << name.device;
  if (name.driver.deviceGet(&handle, name.device) == cuda::success &&
      name.driver.deviceGetName(text, sizeof(text), handle) == cuda::success) {
    text[sizeof(text) - 1] = 0;
    failure << " (" << text << ")";
  }
  return failure;
}

Failure &ingot::rt::operator<<(Failure &failure, CudaVersion version) {
  return failure << version.version / 1000 << "."
                 << version.version % 1000 / 10;
}

bool ingot::rt::isSticky(cuda::Result result) {
  switch (result) {
  case cuda::eccUncorrectable:
  case cuda::illegalAddress:
  case cuda::launchTimeout:
  case cuda::contextIsDestroyed:
  case cuda::assertFailed:
  case cuda::hardwareStackError:
  case cuda::illegalInstruction:
  case cuda::misalignedAddress:
  case cuda::invalidAddressSpace:
  case cuda::invalidPc:
  case cuda::launchFailed:
    return true;
  default:
    return false;
  }
}

Failure ingot::rt::gpuFailure(const GpuDriver &driver, cuda::Result result,
                              const char *function, ErrorText *error) {
  ingot_status status = result == cuda::outOfMemory ? INGOT_ERROR_MEMORY
                        : isSticky(result)          ? INGOT_ERROR_GPU_LOST
                                                    : INGOT_ERROR_GPU;
  const char *name = nullptr, *text = nullptr;
  driver.getErrorName(result, &name);
  driver.getErrorString(result, &text);
  Failure failure(status, error);
  failure << function << " failed: ";
  if (name)
    failure << name;
  else
    failure << "error " << result;
  if (text)
    failure << " (" << text << ")";
  return failure;
}
