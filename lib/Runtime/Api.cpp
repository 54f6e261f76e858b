//===- Api.cpp ------------------------------------------------------------===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table of functions behind include/ingot/ingot.h.
//
//===----------------------------------------------------------------------===//
#include "lib/Runtime/Context.h"

using namespace ingot::rt;

static ingot_status modelGet(void *library, ingot_model **model);

const ingot_api_v1 ingot::rt::modelApi = {
    sizeof(ingot_api_v1), INGOT_API_VERSION, modelGet,
    modelRelease,         modelInfo,         modelInput,
    modelOutput,          modelSymbol,       modelLaunch,
    modelArena,           contextCreate,     contextDestroy,
    contextInfo,          contextPrepare,    contextOutput,
    contextRun,           contextCancel,     profileEnable,
    profileRead,          contextError,      threadError,
};

/// The one of this artifact, defined by generated code.
extern "C" const IngotModelDesc ingot_model_desc;

static char fallback[fallbackBytes];

static ingot_model theModel = {
    &modelApi, &ingot_model_desc, {},      {}, {},
    {},        nullptr,           nullptr, {}, fallback};

static ingot_status modelGet(void *library, ingot_model **model) {
  ingot_status status = openModel(theModel, library);
  if (status == INGOT_OK)
    *model = &theModel;
  return status;
}

/// The one symbol that model.so exports.
extern "C" __attribute__((visibility("default"))) const ingot_api_v1 *
ingot_get_api_v1() {
  return &modelApi;
}
