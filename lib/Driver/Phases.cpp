//===- Phases.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "lib/Driver/Phases.h"
#include "passes/Passes.h"

#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace ingot;

static void addGraphPasses(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createDecompose());
  pm.addPass(createFoldConstants());
  pm.addPass(createSimplifyGraph());
  pm.addPass(createCSEPass());
}

static void addTensorPasses(OpPassManager &pm) {
  pm.addPass(createSelectQuantized());
  pm.addPass(createAssignPrecision());
  pm.addPass(createSelectAttention());
  pm.addPass(createSelectHeavy());
  pm.addPass(createPackWeights());
  pm.addPass(createLowerOnnx());
  pm.addPass(createAssignLayout());
}

static void addKernelPasses(OpPassManager &pm) {
  pm.addPass(createFuseElementwise());
  pm.addPass(createFormKernels());
  pm.addPass(createFormRows());
  pm.addPass(createCollapseLoops());
  pm.addPass(createOutlineKernels());
}

static void addMemoryPasses(OpPassManager &pm) {
  pm.addPass(createPlanMemory());
}

llvm::ArrayRef<Phase> ingot::allPhases() {
  static const Phase phases[] = {
      {"graph", "simplify the graph, choose layouts", addGraphPasses},
      {"tensor", "say how each element is computed", addTensorPasses},
      {"kernel", "decide what shares a loop nest", addKernelPasses},
      {"memory", "give every value a place", addMemoryPasses},
  };
  return phases;
}

void ingot::registerPhasePipelines() {
  for (const Phase &phase : allPhases())
    PassPipelineRegistration<>("ingot-" + phase.name.str(), phase.summary,
                               phase.addPasses);
  PassPipelineRegistration<>("ingot-all", "every phase before code",
                             [](OpPassManager &pm) {
                               for (const Phase &phase : allPhases())
                                 phase.addPasses(pm);
                             });
}
