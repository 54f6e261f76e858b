"""Requantization by rational arithmetic, and how compiled code is run."""

from fractions import Fraction

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from support import tool

TARGETS = ("host", "x86-64-v3", "aarch64")
# All that multiply 8-bit integers in a way of their own.
EVERY_TARGET = (*TARGETS, "aarch64+dotprod", "aarch64+dotprod+i8mm")
# Beside the nearest integer, the other one may be given this near to a tie.
SLACK = Fraction(1, 1 << 20)

NUMPY_TYPES = {
    np.dtype(np.uint8): TensorProto.UINT8,
    np.dtype(np.int8): TensorProto.INT8,
    np.dtype(np.uint16): TensorProto.UINT16,
    np.dtype(np.int16): TensorProto.INT16,
    np.dtype(np.int32): TensorProto.INT32,
    np.dtype(np.float32): TensorProto.FLOAT,
    np.dtype(np.int64): TensorProto.INT64,
}


def allowed(exact, zero, low, high):
    """The integers that may stand for a rational number, least first."""
    floor = exact.numerator // exact.denominator
    rest = exact - floor
    half = Fraction(1, 2)
    if rest == half:
        nearest = {floor + (floor & 1)}
    elif abs(rest - half) <= SLACK:
        nearest = {floor, floor + 1}
    else:
        nearest = {floor + (rest > half)}
    return sorted({min(max(n + zero, low), high) for n in nearest})


def check_exact(actual, exact, zero, dtype, limits=None):
    """Every element of `actual` stands for its rational number in `exact` (an
    object array)."""
    info = np.iinfo(dtype)
    low, high = limits or (info.min, info.max)
    assert actual.dtype == dtype and actual.shape == exact.shape
    for place, value in np.ndenumerate(exact):
        good = allowed(value, zero, low, high)
        assert int(actual[place]) in good, (
            f"at {place}: {actual[place]} is not in {good}; exactly "
            f"{float(value) + zero!r}"
        )


def fraction(x):
    """Of a numpy float, exactly."""
    return Fraction(float(x))


def save(path, nodes, inputs, outputs, constants, opset=19):
    """Inputs and outputs are name: (numpy type, shape); None is inferred."""

    def info(values):
        return [
            helper.make_tensor_value_info(n, NUMPY_TYPES[np.dtype(t)], s)
            for n, (t, s) in values.items()
        ]

    graph = helper.make_graph(
        nodes,
        "g",
        info(inputs),
        info(outputs),
        [numpy_helper.from_array(np.asarray(a), n) for n, a in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 9
    model = onnx.shape_inference.infer_shapes(model)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def run(model, feeds, target="host"):
    """All outputs of one run."""
    inputs, outputs = model.with_suffix(".in.npz"), model.with_suffix(".out.npz")
    np.savez(inputs, **feeds)
    command = [tool.tool("ingot"), "run", model, "--inputs", inputs]
    command += ["--outputs", outputs, *tool.target_flags(target), "--quiet"]
    done = tool.run(command, timeout=300)
    assert done.outcome() == "done", done.message()
    return dict(np.load(outputs))


def explain(model):
    """The remarks on a model, as `ingot explain` prints them."""
    done = tool.run([tool.tool("ingot"), "explain", model], timeout=300)
    assert done.outcome() == "done", done.message()
    return done.stdout
