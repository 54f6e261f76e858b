//===- Driver.h - state of the fake driver ----------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TOOLS_FAKE_CUDA_DRIVER_H
#define INGOT_TOOLS_FAKE_CUDA_DRIVER_H

#include "tools/fake-cuda/Cuda.h"
#include "tools/ptx/Device.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

/// One thing a stream does, in order.
struct Operation {
  std::function<CUresult()> run;
  /// What it is, for updates of graphs and for traces.
  std::string kind;
  uint64_t sequence = 0;
};

struct FakeContext {
  CUdevice device = 0;
  unsigned retained = 0;
  /// What a kernel did wrong; every later call returns it.
  CUresult sticky = CUDA_SUCCESS;
  uint64_t used = 0;
  std::set<CUstream> streams;
  FakeStream *defaultStream = nullptr;
};

struct FakeStream {
  FakeContext *context = nullptr;
  bool blocking = true;
  bool isDefault = false;
  std::deque<Operation> queue;
  bool draining = false;
  /// While capturing: where operations go.
  FakeGraph *capture = nullptr;
  bool isOrigin = false, invalidated = false;
};

struct FakeEvent {
  FakeContext *context = nullptr;
  FakeStream *stream = nullptr;
  uint64_t sequence = 0; ///< Of the recording; 0: never recorded.
  bool done = true;
  double time = 0;
  /// Recorded in a capture.
  FakeGraph *capture = nullptr;
};

struct FakeGraph {
  std::vector<Operation> nodes;
};
struct FakeGraphExec {
  std::vector<Operation> nodes;
};
struct FakePool {
  CUdevice device = 0;
};

struct FakeModule {
  FakeContext *context = nullptr;
  std::unique_ptr<ingot::ptx::LoadedModule> module;
  std::vector<std::unique_ptr<FakeFunction>> functions;
};
struct FakeFunction {
  FakeModule *module = nullptr;
  const ingot::ptx::Program *program = nullptr;
  int maxDynamicShared = 0;
};

/// An emulated device.
struct DeviceInfo {
  unsigned arch;
  int multiprocessors, sharedPerMultiprocessor, sharedPerBlockOptin;
};

/// Memory that the driver gave out.
struct FakeMemory {
  FakeContext *context = nullptr;
  uint64_t base = 0, bytes = 0;
  enum Kind { Device, Host, Registered } kind = Device;
  void *mapping = nullptr;
};

/// The one driver of the process.
class Driver {
public:
  static Driver &get();

  std::recursive_mutex mutex;
  bool initialized = false;
  int version = 13000;
  int deviceCount = 1;
  DeviceInfo device;
  uint64_t memoryLimit;
  ingot::ptx::LaunchOptions options;
  ingot::ptx::MemoryMap memory;
  std::vector<std::unique_ptr<FakeContext>> contexts;
  std::map<uint64_t, FakeMemory> allocations;
  std::set<const void *> handles;
  std::vector<FakePool> pools;
  uint64_t nextSequence = 1;
  std::string lastMessage;

  /// Writes one line of the trace, if there is one.
  void trace(const std::string &json);
  bool tracing() const { return traceFile != nullptr; }
  /// The error that a call is told to fail with by the environment.
  CUresult injected(const char *function);

  // Streams.
  FakeStream *streamOf(CUstream handle, CUresult &error);
  CUresult enqueue(FakeStream *stream, std::string kind,
                   std::function<CUresult()> run);
  /// Executes what stands in the stream up to a sequence number.
  CUresult drain(FakeStream *stream, uint64_t upTo = ~uint64_t(0));
  CUresult drainContext(FakeContext *context);
  /// Executes one operation of a stream, and what it depends on.
  void runOne(FakeStream *stream);

  // Memory.
  CUresult allocate(uint64_t bytes, FakeMemory::Kind kind, uint64_t &address);
  CUresult release(uint64_t address, FakeMemory::Kind kind);
  FakeMemory *findMemory(uint64_t address);

  CUresult fail(CUresult code, const std::string &message);

private:
  Driver();
  void readEnvironment();

  std::FILE *traceFile = nullptr;
  struct Injection {
    std::string function;
    int nth;
    CUresult code;
    int seen = 0;
  };
  std::vector<Injection> injections;
  uint64_t random = 1;
};

/// The contexts of the calling thread, the current one last.
std::vector<FakeContext *> &contextStack();
FakeContext *currentContext();

/// Guards a call: takes the lock, checks what the call needs, and writes the
/// trace at its end.
class Call {
public:
  enum Needs { Nothing, Initialized, Context };
  Call(const char *function, Needs needs);
  ~Call();

  CUresult error = CUDA_SUCCESS;
  Driver &driver;
  FakeContext *context = nullptr;
  /// Returns the code after noting it.
  CUresult done(CUresult code);

private:
  std::lock_guard<std::recursive_mutex> lock;
  const char *function;
};

#define FAKE_CUDA_ENTER(needs)                                                 \
  Call call(__func__, Call::needs);                                            \
  if (call.error)                                                              \
  return call.done(call.error)

#endif // INGOT_TOOLS_FAKE_CUDA_DRIVER_H
