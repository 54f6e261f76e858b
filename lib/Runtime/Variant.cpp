//===- Variant.cpp --------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Walks the chain of descriptors.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/Variant.h"

#include "lib/Runtime/CpuFeatures.h"
#include "lib/Runtime/GpuBackend.h"

#include <stdlib.h>
#include <sys/auxv.h>

using namespace ingot::rt;

const char *ingot::rt::environment(const char *name) {
  if (getauxval(AT_SECURE))
    return nullptr;
  const char *value = getenv(name);
  return value && *value ? value : nullptr;
}

static ingot_status checkProcessor(const IngotModelDesc &desc) {
  size_t length = 0;
  const char *feature =
      ingot_cpu_missing_feature(desc.required_features, &length);
  if (!feature)
    return INGOT_OK;
  Failure failure(INGOT_ERROR_CPU);
  failure << "needs the processor feature '";
  failure.add(feature, length < 32 ? length : 32);
  return failure << "', which this processor or operating system does not "
                    "offer";
}

ingot_status ingot::rt::checkVariant(const IngotModelDesc &desc, int32_t device,
                                     bool again) {
  ingot_status status = checkProcessor(desc);
  if (status == INGOT_OK && desc.gpu)
    status = desc.gpu->backend->check(desc, device, again);
  return status;
}

namespace {

/// "sm_90a, sm_80: reason; x86-64-v4: another", cut where the room ends.
class Reasons {
public:
  Reasons(char *text, size_t size) : text(text), size(size) { text[0] = 0; }

  void add(const char *target, const char *reason) {
    bool same = lastReason && strcmp(text + lastReason, reason) == 0;
    if (same)
      length = lastReason - strlen(": ");
    put(same ? ", " : length ? "; " : "");
    put(target);
    put(": ");
    lastReason = length;
    put(reason);
  }

private:
  __attribute__((noinline)) void put(const char *part) {
    for (; *part && length + 1 < size; ++part)
      text[length++] = *part;
    text[length] = 0;
  }

  char *text;
  size_t size;
  size_t length = 0;
  size_t lastReason = 0;
};

} // namespace

static ingot_status refuseTarget(const ingot_model &model, const char *wanted) {
  Failure failure(INGOT_ERROR_ARGUMENT);
  failure << "INGOT_TARGET asks for " << Quoted{wanted} << ", but model "
          << Quoted{model.first->name} << " was compiled for ";
  for (const IngotModelDesc *desc = model.first; desc; desc = desc->next)
    failure << (desc == model.first ? "" : ", ") << desc->target;
  return failure;
}

static ingot_status refuseAll(const ingot_model &model, ingot_status status) {
  const IngotModelDesc &desc = *model.first;
  Failure failure(status);
  failure << "model " << Quoted{desc.name} << " was compiled for target ";
  if (desc.next || desc.gpu)
    return failure << model.fallback;
  return failure << desc.target << " and "
                 << model.fallback + strlen(desc.target) + strlen(": ")
                 << "; compile it for another --target";
}

ingot_status ingot::rt::chooseVariant(ingot_model &model) {
  if (!model.first)
    model.first = model.desc;
  const char *wanted = environment("INGOT_TARGET");
  Reasons reasons(model.fallback, fallbackBytes);
  ingot_status failed = INGOT_OK;
  bool again = true;
  for (const IngotModelDesc *desc = model.first; desc; desc = desc->next) {
    ingot_status status = checkVersion(*desc);
    if (status != INGOT_OK)
      return status;
    if (wanted && strcmp(wanted, desc->target) != 0)
      continue;
    status = checkVariant(*desc, 0, again);
    again = again && !desc->gpu;
    if (status == INGOT_OK) {
      model.desc = desc;
      return checkModel(*desc);
    }
    failed = failed ? failed : status;
    reasons.add(desc->target, withoutCode(threadError()));
  }
  return failed ? refuseAll(model, failed) : refuseTarget(model, wanted);
}
