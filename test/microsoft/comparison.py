"""Runs a model compiled and in ONNX Runtime, and compares the results."""

import numpy as np
import onnxruntime

from single_node import save
from support import agreement, tool

# ONNX Runtime's kernels scale in single precision or by tables of it, so that
# results near the middle of two integers may be rounded to the other one.
NEAR_MIDDLE = 0.03


def disagreement(name, expected, actual):
    """What is wrong with an output, or None."""
    if expected.dtype.kind == "f":
        return agreement.disagreement(name, expected, actual)
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        return (
            f"{name}: {actual.dtype}{list(actual.shape)},"
            f" expected {expected.dtype}{list(expected.shape)}"
        )
    apart = np.abs(actual.astype(np.int64) - expected.astype(np.int64))
    different = np.count_nonzero(apart)
    if apart.max(initial=0) > 1 or different > max(1, NEAR_MIDDLE * apart.size):
        return (
            f"{name}: {different} of {apart.size} values differ, by up to"
            f" {apart.max()}: {actual.flat[apart.argmax()]} not"
            f" {expected.flat[apart.argmax()]}"
        )
    return None


def check(model, target, folder, reference=None):
    """`reference`: what ONNX Runtime runs instead, where it has no kernel."""
    path = save(model, folder / "model.onnx")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    source = save(reference, folder / "reference.onnx") if reference else path
    session = onnxruntime.InferenceSession(source, options)
    names = [output.name for output in session.get_outputs()]
    expected = dict(zip(names, session.run(None, model.feeds)))
    np.savez(folder / "in.npz", **model.feeds)
    command = [tool.tool("ingot"), "run", path, *tool.target_flags(target)]
    command += ["--inputs", folder / "in.npz", "--outputs", folder / "out.npz"]
    finished = tool.run(command)
    assert finished.outcome() == "done", finished.message()
    with np.load(folder / "out.npz") as actual:
        wrong = [disagreement(n, expected[n], actual[n]) for n in names]
    assert not any(wrong), "; ".join(filter(None, wrong))
