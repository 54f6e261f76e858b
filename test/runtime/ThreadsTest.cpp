//===- ThreadsTest.cpp ----------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The thread pool: exact partition, same bits for any number of threads, sleep,
// signals, forks and floating-point environments.
//
//===----------------------------------------------------------------------===//
#include "test/runtime/TestModel.h"

#include "lib/Runtime/System.h"

#include <atomic>
#include <cfenv>
#include <csignal>
#include <mutex>
#include <set>
#include <sys/time.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace ingot;
using namespace ingot::test;

namespace {

struct Range {
  int64_t worker, lo, hi;
  std::thread::id thread;

  bool operator<(const Range &other) const { return worker < other.worker; }
};

/// A model whose one launch of `items` notes who did what.
struct RangesModel : TestModel {
  int64_t items = 0;
  std::mutex mutex;
  std::set<Range> ranges;

  RangesModel() {
    body = [this](IngotRunFrame *frame) {
      launch(frame, 0, items, [this](int64_t lo, int64_t hi, int64_t worker) {
        std::lock_guard<std::mutex> lock(mutex);
        ranges.insert({worker, lo, hi, std::this_thread::get_id()});
      });
    };
  }
};

ingot_status runPlain(ingot_context *context) {
  return ingot_run(context, nullptr, 0, nullptr, 0);
}

} // namespace

TEST(Threads, SplitIntoEqualContiguousRanges) {
  for (int32_t threads : {1, 2, 3, 8}) {
    RangesModel model;
    TestContext context(model.get(), withThreads(threads));
    for (int64_t items : {1, 2, 7, 8, 9, 1000, 1001}) {
      model.items = items;
      model.ranges.clear();
      ASSERT_EQ(runPlain(context.handle), INGOT_OK);
      int64_t expected = std::min<int64_t>(threads, items);
      ASSERT_EQ(int64_t(model.ranges.size()), expected);
      int64_t at = 0, worker = 0;
      for (const Range &range : model.ranges) {
        EXPECT_EQ(range.worker, worker++);
        EXPECT_EQ(range.lo, at);
        EXPECT_LE(range.hi - range.lo, (items + expected - 1) / expected);
        EXPECT_GE(range.hi - range.lo, items / expected);
        at = range.hi;
      }
      EXPECT_EQ(at, items);
      EXPECT_EQ(model.ranges.begin()->thread, std::this_thread::get_id());
    }
  }
}

TEST(Threads, NoItemsNoCall) {
  RangesModel model;
  TestContext context(model.get(), withThreads(4));
  for (int64_t items : {int64_t(0), int64_t(-1), INT64_MIN}) {
    model.items = items;
    ASSERT_EQ(runPlain(context.handle), INGOT_OK);
    EXPECT_TRUE(model.ranges.empty());
  }
}

TEST(Threads, CountsNearTheEndOfTheRangeDoNotOverflow) {
  RangesModel model;
  model.items = INT64_MAX;
  TestContext context(model.get(), withThreads(3));
  ASSERT_EQ(runPlain(context.handle), INGOT_OK);
  EXPECT_EQ(model.ranges.rbegin()->hi, INT64_MAX);
}

TEST(Threads, SameBitsForAnyNumber) {
  SumModel model;
  std::vector<float> first;
  for (int32_t threads = 1; threads <= 8; ++threads) {
    TestContext context(model.get(), withThreads(threads));
    for (int repeat = 0; repeat < 50; ++repeat) {
      Sums sums(37);
      ASSERT_EQ(sums.run(context.handle), INGOT_OK);
      if (first.empty())
        first = sums.z;
      ASSERT_EQ(memcmp(first.data(), sums.z.data(), 37 * 16), 0);
    }
  }
}

TEST(Threads, DefaultIsWhatTheMachineAllows) {
  SumModel model;
  ingot_context *context = nullptr;
  ASSERT_EQ(ingot_context_create(model.get(), nullptr, &context), INGOT_OK);
  ingot_context_info info = {};
  info.size = sizeof(info);
  ASSERT_EQ(ingot_context_describe(context, &info), INGOT_OK);
  EXPECT_GE(info.threads, 1);
  EXPECT_LE(info.threads, int32_t(std::thread::hardware_concurrency()));
  EXPECT_EQ(ingot_context_destroy(context), INGOT_OK);
}

TEST(Threads, ManyLaunchesInARow) {
  TestModel model;
  std::atomic<int64_t> sum{0};
  model.body = [&](IngotRunFrame *frame) {
    for (int i = 0; i < 2000; ++i)
      launch(frame, 0, 64, [&](int64_t lo, int64_t hi, int64_t) {
        sum.fetch_add(hi - lo, std::memory_order_relaxed);
      });
  };
  for (int32_t threads : {2, 5}) {
    sum = 0;
    TestContext context(model.get(), withThreads(threads));
    ASSERT_EQ(runPlain(context.handle), INGOT_OK);
    EXPECT_EQ(sum, 2000 * 64);
  }
}

TEST(Threads, ContextsOfSeveralCallersDoNotMix) {
  SumModel model;
  ingot_model *handle = model.get();
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 8; ++t)
    callers.emplace_back([&, t] {
      TestContext context(handle, withThreads(1 + t % 3));
      for (int i = 0; i < 100; ++i) {
        Sums sums(14 + (t * 31 + i) % 40);
        wrong += sums.run(context.handle) != INGOT_OK || !sums.right();
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, SharedContextIsRefusedOrServed) {
  SumModel model;
  TestContext context(model.get(), withThreads(2));
  std::atomic<int> wrong{0}, served{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        Sums sums(9);
        ingot_status status = sums.run(context.handle);
        served += status == INGOT_OK;
        wrong +=
            status == INGOT_OK ? !sums.right() : status != INGOT_ERROR_BUSY;
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(served, 0);
}

static int64_t processNanoseconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return int64_t(t.tv_sec) * 1000000000 + t.tv_nsec;
}

TEST(Threads, SleepBetweenRuns) {
  SumModel model;
  TestContext context(model.get(), withThreads(2));
  Sums sums(100);
  ASSERT_EQ(sums.run(context.handle), INGOT_OK);
  int64_t before = processNanoseconds();
  usleep(300000);
  // A spinning worker would have burnt all of it.
  EXPECT_LT(processNanoseconds() - before, 100000000);
}

TEST(Threads, RunOnASmallStack) {
  SumModel model;
  TestContext context(model.get(), withThreads(2));
  Sums sums(100);
  struct Call {
    Sums *sums;
    ingot_context *context;
  } call{&sums, context.handle};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 64 * 1024), 0);
  pthread_t thread;
  ASSERT_EQ(pthread_create(
                &thread, &attributes,
                [](void *argument) -> void * {
                  auto *call = static_cast<Call *>(argument);
                  EXPECT_EQ(call->sums->run(call->context), INGOT_OK);
                  return nullptr;
                },
                &call),
            0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  EXPECT_TRUE(sums.right());
}

static std::atomic<int> alarms{0}, alarmsOnWorkers{0};
static pid_t callingThread;

TEST(Signals, InterruptNothingAndReachNoWorker) {
  SumModel model;
  TestContext context(model.get(), withThreads(3));
  callingThread = gettid();
  struct sigaction action = {}, before = {};
  action.sa_handler = [](int) {
    ++alarms;
    alarmsOnWorkers += gettid() != callingThread;
  };
  sigaction(SIGALRM, &action, &before); // without SA_RESTART
  itimerval often = {{0, 500}, {0, 500}}, never = {};
  setitimer(ITIMER_REAL, &often, nullptr);
  for (int i = 0; i < 20000 && alarms < 50; ++i) {
    Sums sums(64);
    ASSERT_EQ(sums.run(context.handle), INGOT_OK);
    ASSERT_TRUE(sums.right());
  }
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  EXPECT_GT(alarms, 0);
  EXPECT_EQ(alarmsOnWorkers, 0);
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGALRM), 0) << "the caller's mask is restored";
}

/// Forks, and expects `child` to hold in the child.
template <typename Check> static void expectInChild(Check child) {
  pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    alarm(20); // a hang is a failure
    _exit(child() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Fork, ChildRunsAndDestroys) {
  SumModel model;
  TestContext context(model.get(), withThreads(4));
  Sums sums(64);
  ASSERT_EQ(sums.run(context.handle), INGOT_OK);
  expectInChild([&] {
    for (int i = 0; i < 3; ++i) {
      Sums again(64);
      if (again.run(context.handle) != INGOT_OK || !again.right())
        return false;
    }
    return ingot_context_destroy(context.handle) == INGOT_OK;
  });
  expectInChild(
      [&] { return ingot_context_destroy(context.handle) == INGOT_OK; });
  Sums again(64);
  ASSERT_EQ(again.run(context.handle), INGOT_OK);
  EXPECT_TRUE(again.right());
}

TEST(Fork, DuringARunOfAnotherThread) {
  TestModel model;
  std::atomic<int> stage{0};
  std::atomic<bool> hold{true};
  model.body = [&](IngotRunFrame *frame) {
    launch(frame, 0, 4, [&](int64_t, int64_t, int64_t) {
      stage.fetch_add(1);
      while (hold)
        usleep(100);
    });
  };
  TestContext context(model.get(), withThreads(2));
  std::thread runner([&] { EXPECT_EQ(runPlain(context.handle), INGOT_OK); });
  while (stage < 2)
    usleep(100);
  EXPECT_EQ(runPlain(context.handle), INGOT_ERROR_BUSY);
  expectInChild([&] {
    hold = false;
    return runPlain(context.handle) == INGOT_OK;
  });
  hold = false;
  runner.join();
}

namespace {

/// Puts the floating-point environment of the test back.
struct KeepEnvironment {
  rt::FpState before = rt::FpState::current();
  ~KeepEnvironment() { before.apply(); }
};

} // namespace

TEST(FloatingPoint, KernelsGetTheStandardEnvironmentAndCallersKeepTheirs) {
  KeepEnvironment keep;
  TestModel model;
  std::atomic<int> strange{0};
  model.body = [&](IngotRunFrame *frame) {
    launch(frame, 0, 3, [&](int64_t, int64_t, int64_t) {
      strange +=
          rt::FpState::current().control != rt::FpState::standard().control;
      volatile double zero = 0, result = 1 / zero; // raises a flag
      (void)result;
    });
  };
  rt::FpState callers = rt::FpState::standard();
#if defined(__x86_64__)
  callers.control |= 0x8040 | 0x4000; // flush, denormals are zero, round up
#else
  callers.control |= uint64_t(1) << 24 | uint64_t(1) << 22;
#endif
  callers.apply();
  TestContext context(model.get(), withThreads(3)); // workers inherit it
  ASSERT_EQ(runPlain(context.handle), INGOT_OK);
  rt::FpState after = rt::FpState::current();
  EXPECT_EQ(strange, 0);
  EXPECT_EQ(after.control, callers.control);
  EXPECT_EQ(after.status, callers.status);
}
