"""What the tests of quantization share."""

import numpy as np
import onnxruntime


def reference(model, inputs, optimized=False):
    """Outputs of a model file by ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    if not optimized:
        level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(str(model), options)
    return session.run(None, inputs)


def samples(path, count, **shapes):
    """Writes `count` samples of normal numbers, stacked."""
    random = np.random.default_rng(7)
    arrays = {
        name: random.normal(size=(count, *shape)).astype("f")
        for name, shape in shapes.items()
    }
    np.savez(path, **arrays)
    return path


def sqnr(exact, other):
    noise = np.sum((np.asarray(exact, "d") - other) ** 2)
    power = np.sum(np.asarray(exact, "d") ** 2)
    return 10 * np.log10(power / noise) if noise else np.inf


def op_types(model):
    return [node.op_type for node in model.graph.node]


def layer(report, node):
    return next(each for each in report["layers"] if each["node"] == node)
