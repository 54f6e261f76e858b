//===- FormKernels.cpp -===//
//
// Part of the Ingot project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/ingot/Ingot.h"
#include "dialects/onnx/NodeName.h"
#include "passes/Passes.h"
#include "passes/Remark.h"

namespace ingot {
#define GEN_PASS_DEF_FORMKERNELS
#include "passes/Passes.h.inc"
} // namespace ingot

using namespace mlir;
using namespace ingot;

/// Why the generic cannot finish the results of a heavy op in registers; empty
/// if it can.
static StringRef whyNotEpilogue(Value root, OpOperand &use) {
  auto tail = dyn_cast<linalg::GenericOp>(use.getOwner());
  if (!tail)
    return "its reader is not elementwise";
  if (tail->hasAttr("ingot.group"))
    return "its reader already finishes another kernel";
  if (tail.getNumLoops() != tail.getNumParallelLoops())
    return "its reader reduces";
  if (!tail.isDpsInput(&use) || !tail.getMatchingIndexingMap(&use).isIdentity())
    return "its reader takes it in another order";
  for (OpOperand &init : tail.getDpsInitsMutable())
    if (!tail.getMatchingIndexingMap(&init).isIdentity())
      return "its reader writes in another order";
  auto type = cast<RankedTensorType>(root.getType());
  for (Value result : tail.getResults())
    if (cast<RankedTensorType>(result.getType()).getShape() != type.getShape())
      return "its reader has another shape";
  bool gathers = tail.getBody()
                     ->walk([&](tensor::ExtractOp extract) {
                       return extract.getTensor() == root
                                  ? WalkResult::interrupt()
                                  : WalkResult::advance();
                     })
                     .wasInterrupted();
  return gathers ? "its reader picks elements of it" : "";
}

namespace {
struct FormKernels : ingot::impl::FormKernelsBase<FormKernels> {
  using FormKernelsBase::FormKernelsBase;
  void runOnOperation() override {
    Builder b(&getContext());
    int64_t group = 0;
    SmallVector<Operation *> roots;
    getOperation()->walk([&](Operation *op) {
      if (isa<heavy::ConvOp, heavy::MatmulOp, heavy::MatmulNBitsOp>(op))
        roots.push_back(op);
    });
    // Where two heavy ops meet in one reader, the later one takes it: by then
    // the other's result is there.
    for (Operation *root : llvm::reverse(roots)) {
      Value result = root->getResult(0);
      if (!result.hasOneUse()) {
        explain(root, "its result has several readers");
        continue;
      }
      OpOperand &use = *result.use_begin();
      StringRef reason = whyNotEpilogue(result, use);
      if (!reason.empty()) {
        explain(root, reason);
        continue;
      }
      Attribute mark = b.getI64IntegerAttr(group++);
      root->setAttr("ingot.group", mark);
      use.getOwner()->setAttr("ingot.group", mark);
      if (remarks)
        explain(root, use.getOwner());
    }
  }

  void explain(Operation *root, Operation *tail) {
    std::string others = onnx::describeNodes(tail->getLoc(), root->getLoc());
    if (!others.empty())
      others.insert(0, ", with ");
    remarkAt(root->getLoc(), "fusion",
             "elementwise work on its result is done in registers" + others);
  }

  void explain(Operation *root, StringRef reason) {
    if (remarks)
      remarkAt(root->getLoc(), "fusion",
               "not fused with what follows: " + reason);
  }
};
} // namespace
