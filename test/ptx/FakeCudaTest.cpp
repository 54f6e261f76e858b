//===- FakeCudaTest.cpp ---------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The fake driver as a program sees it: loaded by name, functions by symbol.
//
//===----------------------------------------------------------------------===//
#include <cstdint>
#include <cstdlib>
#include <dlfcn.h>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr const char *kScale = R"(
.version 7.0
.target sm_75
.address_size 64
.visible .entry scale(.param .u64 data, .param .f32 factor, .param .u32 n) {
  .reg .pred %p; .reg .b32 %r<6>; .reg .b64 %rd<3>;
  ld.param.u64 %rd1, [data];
  ld.param.b32 %r1, [factor];
  ld.param.u32 %r2, [n];
  mov.u32 %r3, %ctaid.x;
  mov.u32 %r4, %ntid.x;
  mov.u32 %r5, %tid.x;
  mad.lo.s32 %r3, %r3, %r4, %r5;
  setp.ge.u32 %p, %r3, %r2;
  @%p ret;
  mad.wide.u32 %rd1, %r3, 4, %rd1;
  ld.global.b32 %r4, [%rd1];
  mul.rn.f32 %r4, %r4, %r1;
  st.global.b32 [%rd1], %r4;
  ret;
}
)";

/// The library; functions are called through pointers of the wanted type.
struct Library {
  void *handle = dlopen(INGOT_FAKE_CUDA, RTLD_NOW | RTLD_LOCAL);

  template <typename... Args> int operator()(const char *name, Args... args) {
    auto function = reinterpret_cast<int (*)(Args...)>(dlsym(handle, name));
    if (!function) {
      ADD_FAILURE() << "no function " << name;
      return -1;
    }
    return function(args...);
  }
};

struct Session : Library {
  void *context = nullptr, *stream = nullptr, *module = nullptr,
       *kernel = nullptr;

  int open() {
    int device = 0;
    if (int error = (*this)("cuInit", 0u))
      return error;
    (*this)("cuDeviceGet", &device, 0);
    (*this)("cuDevicePrimaryCtxRetain", &context, device);
    (*this)("cuCtxSetCurrent", context);
    return (*this)("cuStreamCreate", &stream, 1u);
  }
  int load(const char *text = kScale) {
    int error = (*this)("cuModuleLoadDataEx", &module, text, 0u, (int *)nullptr,
                        (void **)nullptr);
    return error ? error
                 : (*this)("cuModuleGetFunction", &kernel, module, "scale");
  }
  int launch(uint64_t data, float factor, uint32_t n) {
    void *params[] = {&data, &factor, &n};
    return (*this)("cuLaunchKernel", kernel, (n + 63) / 64, 1u, 1u, 64u, 1u, 1u,
                   0u, stream, (void **)params, (void **)nullptr);
  }
};

/// Runs a test in a process of its own, whose environment is set before the
/// library is loaded; the driver of a process reads it once.
template <typename F>
int inProcess(std::vector<std::pair<std::string, std::string>> variables, F f) {
  pid_t child = fork();
  if (child == 0) {
    for (auto &[name, value] : variables)
      setenv(("INGOT_FAKE_CUDA_" + name).c_str(), value.c_str(), 1);
    _exit(f());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

#define CHECK_OR_RETURN(CODE, CONDITION)                                       \
  if (!(CONDITION))                                                            \
  return CODE

} // namespace

TEST(FakeCuda, RunsAKernelAsynchronously) {
  EXPECT_EQ(
      inProcess({},
                [] {
                  Session cuda;
                  CHECK_OR_RETURN(1, !cuda.open() && !cuda.load());
                  std::vector<float> data(100, 3.0f), back(100);
                  uint64_t address = 0;
                  CHECK_OR_RETURN(
                      2, !cuda("cuMemAlloc_v2", &address, size_t(400)));
                  CHECK_OR_RETURN(3, !cuda("cuMemcpyHtoDAsync_v2", address,
                                           (const void *)data.data(),
                                           size_t(400), cuda.stream));
                  CHECK_OR_RETURN(4, !cuda.launch(address, 2.0f, 100));
                  CHECK_OR_RETURN(5, !cuda("cuMemcpyDtoHAsync_v2",
                                           (void *)back.data(), address,
                                           size_t(400), cuda.stream));
                  CHECK_OR_RETURN(6, !cuda("cuStreamSynchronize", cuda.stream));
                  for (float value : back)
                    CHECK_OR_RETURN(7, value == 6.0f);
                  return 0;
                }),
      0);
}

TEST(FakeCuda, GraphsReplay) {
  EXPECT_EQ(
      inProcess(
          {},
          [] {
            Session cuda;
            CHECK_OR_RETURN(1, !cuda.open() && !cuda.load());
            std::vector<float> data(64, 1.0f), back(64);
            uint64_t address = 0;
            cuda("cuMemAlloc_v2", &address, size_t(256));
            cuda("cuMemcpyHtoD_v2", address, (const void *)data.data(),
                 size_t(256));
            void *graph = nullptr, *exec = nullptr;
            CHECK_OR_RETURN(2,
                            !cuda("cuStreamBeginCapture_v2", cuda.stream, 0));
            CHECK_OR_RETURN(3, !cuda.launch(address, 2.0f, 64));
            CHECK_OR_RETURN(4,
                            !cuda("cuStreamEndCapture", cuda.stream, &graph));
            CHECK_OR_RETURN(5, !cuda("cuGraphInstantiateWithFlags", &exec,
                                     graph, uint64_t(0)));
            for (int i = 0; i < 3; ++i)
              CHECK_OR_RETURN(6, !cuda("cuGraphLaunch", exec, cuda.stream));
            cuda("cuStreamSynchronize", cuda.stream);
            cuda("cuMemcpyDtoH_v2", (void *)back.data(), address, size_t(256));
            CHECK_OR_RETURN(7, back[0] == 8.0f && back[63] == 8.0f);
            return 0;
          }),
      0);
}

TEST(FakeCuda, IllegalAddressesStick) {
  EXPECT_EQ(inProcess({},
                      [] {
                        Session cuda;
                        CHECK_OR_RETURN(1, !cuda.open() && !cuda.load());
                        uint64_t address = 0;
                        cuda("cuMemAlloc_v2", &address, size_t(256));
                        cuda("cuMemsetD32_v2", address, 0u, size_t(64));
                        cuda("cuCtxSynchronize");
                        CHECK_OR_RETURN(2, !cuda.launch(address, 2.0f, 65));
                        CHECK_OR_RETURN(
                            3, cuda("cuStreamSynchronize", cuda.stream) == 700);
                        CHECK_OR_RETURN(4,
                                        cuda("cuMemFree_v2", address) == 700);
                        return 0;
                      }),
            0);
}

TEST(FakeCuda, MemoryIsLimitedAndTheContextStaysUsable) {
  EXPECT_EQ(
      inProcess(
          {{"MEMORY", "1048576"}},
          [] {
            Session cuda;
            CHECK_OR_RETURN(1, !cuda.open());
            uint64_t a = 0, b = 0;
            CHECK_OR_RETURN(2, !cuda("cuMemAlloc_v2", &a, size_t(600000)));
            CHECK_OR_RETURN(3, cuda("cuMemAlloc_v2", &b, size_t(600000)) == 2);
            CHECK_OR_RETURN(4, !cuda("cuMemFree_v2", a));
            CHECK_OR_RETURN(5, !cuda("cuMemAlloc_v2", &b, size_t(600000)));
            return 0;
          }),
      0);
}

TEST(FakeCuda, RefusesWhatTheDeviceCannotRun) {
  std::string newer = kScale;
  newer.replace(newer.find("75"), 2, "90");
  EXPECT_EQ(inProcess({{"ARCH", "80"}, {"DRIVER", "11020"}},
                      [&] {
                        Session cuda;
                        CHECK_OR_RETURN(1, !cuda.open());
                        CHECK_OR_RETURN(2, cuda.load(newer.c_str()) == 209);
                        std::string version = kScale;
                        version.replace(version.find("7.0"), 3, "8.0");
                        CHECK_OR_RETURN(3, cuda.load(version.c_str()) == 222);
                        CHECK_OR_RETURN(4, cuda.load("nonsense") == 218);
                        CHECK_OR_RETURN(5, cuda.load("\x7f"
                                                     "ELF") == 209);
                        CHECK_OR_RETURN(6, !cuda.load());
                        return 0;
                      }),
            0);
  EXPECT_EQ(inProcess({{"DEVICES", "0"}},
                      [] {
                        Session cuda;
                        return cuda.open();
                      }),
            100);
}

TEST(FakeCuda, FailsOnRequest) {
  EXPECT_EQ(
      inProcess({{"FAIL", "cuMemAlloc:2:2"}},
                [] {
                  Session cuda;
                  CHECK_OR_RETURN(1, !cuda.open());
                  uint64_t a = 0;
                  CHECK_OR_RETURN(2, !cuda("cuMemAlloc_v2", &a, size_t(16)));
                  CHECK_OR_RETURN(3,
                                  cuda("cuMemAlloc_v2", &a, size_t(16)) == 2);
                  CHECK_OR_RETURN(4, !cuda("cuMemAlloc_v2", &a, size_t(16)));
                  return 0;
                }),
      0);
}

TEST(FakeCuda, StateIsChecked) {
  EXPECT_EQ(
      inProcess(
          {},
          [] {
            Session cuda;
            uint64_t a = 0;
            CHECK_OR_RETURN(1, cuda("cuMemAlloc_v2", &a, size_t(16)) == 3);
            cuda("cuInit", 0u);
            CHECK_OR_RETURN(2, cuda("cuMemAlloc_v2", &a, size_t(16)) == 201);
            CHECK_OR_RETURN(3, !cuda.open());
            CHECK_OR_RETURN(4, cuda("cuStreamSynchronize", (void *)&a) == 400);
            CHECK_OR_RETURN(5, cuda("cuMemFree_v2", uint64_t(4096)) == 1);
            return 0;
          }),
      0);
}

// The limits that the driver's manual gives for cuTensorMapEncodeIm2col.
TEST(FakeCuda, ChecksIm2colMaps) {
  struct Args {
    unsigned rank = 4;
    uint64_t dims[5] = {64, 9, 7, 2, 1}, strides[4] = {128, 1152, 8064, 0};
    int lower[3] = {-1, -1, -1}, upper[3] = {-1, -1, -1};
    uint32_t channels = 64, pixels = 128, steps[5] = {1, 2, 2, 1, 1};
    int swizzle = 3;
  };
  static std::vector<std::function<void(Args &)>> wrong = {
      [](Args &args) { args.rank = 2; },
      [](Args &args) { args.dims[2] = 0; },
      [](Args &args) { args.strides[0] = 120; },
      [](Args &args) { args.lower[1] = -129; },
      [](Args &args) { args.upper[0] = 128; },
      [](Args &args) { args.upper[1] = -9; },
      [](Args &args) { args.channels = 0; },
      [](Args &args) { args.channels = 72; },
      [](Args &args) { args.channels = 257, args.swizzle = 0; },
      [](Args &args) { args.pixels = 1025; },
      [](Args &args) { args.steps[1] = 9; },
      [](Args &args) { args.steps[2] = 0; },
      [](Args &args) { args.rank = 5, args.lower[2] = -17; }};
  EXPECT_EQ(inProcess({},
                      [] {
                        Session cuda;
                        CHECK_OR_RETURN(100, cuda.open() == 0);
                        alignas(64) uint8_t map[128];
                        auto encode = [&](const Args &a) {
                          return cuda("cuTensorMapEncodeIm2col", (void *)map, 6,
                                      a.rank, (void *)4096, a.dims, a.strides,
                                      a.lower, a.upper, a.channels, a.pixels,
                                      a.steps, 0, a.swizzle, 3, 0);
                        };
                        CHECK_OR_RETURN(101, encode({}) == 0);
                        for (size_t i = 0; i < wrong.size(); ++i) {
                          Args args;
                          wrong[i](args);
                          CHECK_OR_RETURN(int(1 + i), encode(args) == 1);
                        }
                        return 0;
                      }),
            0);
}
