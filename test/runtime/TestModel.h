//===- TestModel.h - models made of lambdas ---------------------*- C++ -*-===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model whose generated code is a lambda of the test, and the sums every
// runtime test runs: z = x + y of shape [batch, 4].
//
//===----------------------------------------------------------------------===//
#ifndef INGOT_TEST_RUNTIME_TESTMODEL_H
#define INGOT_TEST_RUNTIME_TESTMODEL_H

#include "ingot/ingot.hpp"
#include "lib/Runtime/Model.h"
#include "lib/Runtime/ModelAbi.h"

#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

/// The entry of the runtime linked into the tests, over fake_model.c.
extern "C" const ingot_api_v1 *ingot_get_api_v1();

namespace ingot::test {

/// Work of one launch on the items [lo, hi).
using Kernel = std::function<void(int64_t lo, int64_t hi, int64_t worker)>;

/// Launches a lambda as generated code launches a kernel.
inline void launch(IngotRunFrame *frame, int64_t index, int64_t n,
                   const Kernel &kernel) {
  void *args[] = {&frame->status, const_cast<Kernel *>(&kernel)};
  ingot_rt_launch(
      frame, index,
      [](void *const *args, int64_t lo, int64_t hi, int64_t worker) {
        (*static_cast<const Kernel *>(args[1]))(lo, hi, worker);
      },
      args, n);
}

/// A model with two launches that does what `body` says.
struct TestModel {
  std::function<void(IngotRunFrame *)> body;
  std::vector<IngotTensorDesc> inputs, outputs;
  std::vector<const char *> symbols;
  IngotKernelDesc launches[2] = {{"k0", "node_a,node_b"}, {"k1", "node_c"}};
  IngotModelDesc desc = {};
  ingot_model object = {};
  char fallback[rt::fallbackBytes] = "";

  TestModel() {
    desc.magic = INGOT_ABI_MAGIC;
    desc.abi_version = INGOT_ABI_VERSION;
    desc.name = "test";
    desc.compiler_version = "1.2.3";
    desc.target = "any";
    desc.content_hash = "beef";
    desc.required_features = "";
    desc.precision = "f16 (1 of 2 weights)";
    desc.num_launches = 2;
    desc.launches = launches;
    // The only word of the caller's that reaches run().
    desc.weights = reinterpret_cast<const uint8_t *>(this);
    desc.weight_bytes = 7;
    desc.code_bytes = 8;
    desc.arena_lower_bound = 9;
    desc.arena_bytes = [](const int64_t *) -> int64_t { return 1000; };
    desc.output_shapes = [](const int64_t *, int64_t *) -> int64_t {
      return 0;
    };
    desc.run = [](IngotRunFrame *frame) -> int64_t {
      reinterpret_cast<const TestModel *>(frame->weights)->body(frame);
      return frame->status;
    };
    object.api = &rt::modelApi;
    object.desc = &desc;
    object.fallback = fallback;
  }

  /// The handle; call once the tables above are final.
  ingot_model *get() {
    desc.num_inputs = int32_t(inputs.size());
    desc.num_outputs = int32_t(outputs.size());
    desc.num_symbols = int32_t(symbols.size());
    desc.inputs = inputs.data();
    desc.outputs = outputs.data();
    desc.symbol_names = symbols.data();
    return &object;
  }
};

/// z = x + y for float [batch, 4].
struct SumModel : TestModel {
  SumModel() {
    static const int64_t batchBy4[] = {-1, 4};
    inputs = {{"x", INGOT_FLOAT32, 2, batchBy4},
              {"y", INGOT_FLOAT32, 2, batchBy4}};
    outputs = {{"z", INGOT_FLOAT32, 2, batchBy4}};
    symbols = {"batch"};
    desc.arena_bytes = [](const int64_t *s) -> int64_t {
      return s[0] > (int64_t(1) << 50) ? -1 : s[0] * 16;
    };
    desc.output_shapes = [](const int64_t *s, int64_t *dims) -> int64_t {
      dims[0] = s[0];
      dims[1] = 4;
      return s[0] == 13 ? INGOT_FAULT_SHAPE : 0; // unlucky
    };
    body = [](IngotRunFrame *frame) {
      // Bytes, since callers' buffers may have any alignment.
      auto *x = static_cast<const char *>(frame->inputs[0]);
      auto *y = static_cast<const char *>(frame->inputs[1]);
      auto *z = static_cast<char *>(frame->outputs[0]);
      auto *held = reinterpret_cast<float *>(frame->arena);
      launch(frame, 0, frame->symbols[0], [=](int64_t lo, int64_t hi, int64_t) {
        for (int64_t i = lo * 4; i < hi * 4; ++i)
          memcpy(held + i, x + i * 4, 4);
      });
      launch(frame, 1, frame->symbols[0], [=](int64_t lo, int64_t hi, int64_t) {
        for (int64_t i = lo * 4; i < hi * 4; ++i) {
          float right;
          memcpy(&right, y + i * 4, 4);
          right += held[i];
          memcpy(z + i * 4, &right, 4);
        }
      });
    };
  }
};

/// A context for the length of a test.
struct TestContext {
  ingot_context *handle = nullptr;

  explicit TestContext(ingot_model *model, ingot_context_options options = {}) {
    options.size = sizeof(options);
    if (options.threads == 0)
      options.threads = 1;
    EXPECT_EQ(ingot_context_create(model, &options, &handle), INGOT_OK)
        << ingot_last_error();
  }
  ~TestContext() {
    EXPECT_EQ(ingot_context_destroy(handle), INGOT_OK) << ingot_last_error();
  }
  TestContext(const TestContext &) = delete;
  TestContext &operator=(const TestContext &) = delete;
};

/// A context of so many threads.
inline ingot_context_options withThreads(int32_t threads) {
  ingot_context_options options = {};
  options.threads = threads;
  return options;
}

/// The buffers of one run of a SumModel, filled so that z[i] is 3 * i.
struct Sums {
  std::vector<float> x, y, z;
  int64_t dims[2];
  ingot_tensor inputs[2];
  ingot_tensor outputs[1];

  explicit Sums(int64_t batch) : dims{batch, 4} {
    for (int64_t i = 0; i < batch * 4; ++i) {
      x.push_back(float(i));
      y.push_back(float(2 * i));
    }
    z.assign(size_t(batch * 4), -1.0f);
    uint64_t bytes = uint64_t(batch) * 16;
    inputs[0] = {x.data(), bytes, INGOT_FLOAT32, 2, dims};
    inputs[1] = {y.data(), bytes, INGOT_FLOAT32, 2, dims};
    outputs[0] = {z.data(), bytes, INGOT_FLOAT32, 2, dims};
  }

  ingot_status run(ingot_context *context) {
    return ingot_run(context, inputs, 2, outputs, 1);
  }

  bool right() const {
    for (size_t i = 0; i < z.size(); ++i)
      if (z[i] != 3.0f * float(i))
        return false;
    return true;
  }

  bool untouched() const {
    for (float value : z)
      if (value != -1.0f)
        return false;
    return true;
  }
};

/// Expects a call to fail with `status` and a sentence with each of `parts`.
inline void expectFailure(ingot_status got, ingot_status status,
                          std::initializer_list<const char *> parts) {
  EXPECT_EQ(got, status);
  std::string text = ingot_last_error();
  EXPECT_EQ(text.rfind("[IG70", 0), 0u) << text;
  EXPECT_EQ(text.find("0x"), std::string::npos) << text;
  for (const char *part : parts)
    EXPECT_NE(text.find(part), std::string::npos)
        << "'" << part << "' is not in: " << text;
}

} // namespace ingot::test

#endif // INGOT_TEST_RUNTIME_TESTMODEL_H
