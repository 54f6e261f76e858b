"""Reductions of much to little on GPUs, which several blocks share, on the
interpreter of PTX with its search for races, under several schedules."""

import sys

import numpy as np
import pytest
from onnx import helper
from support import tool
from test_gpu_products import numbers, outputs, save

pytestmark = pytest.mark.skipif(
    bool(tool.emulator_missing("sm_80")), reason="the interpreter of PTX is not built"
)

# Small multiples of 1/8, whose sums are exact in any order.
CASES = [
    # what, shape, attributes: all of a tensor, planes, rows far apart
    ("ReduceSum", (2, 48, 33, 44), {"keepdims": 0}),
    ("ReduceMax", (100003,), {}),
    ("ReduceMean", (4, 64, 32, 16), {}),
    ("GlobalAveragePool", (1, 3, 300, 128), {}),
    ("GlobalMaxPool", (2, 2, 401, 100), {}),
    ("ReduceMin", (1, 40011, 5), {"axes": [1]}),
    ("ReduceSumSquare", (3, 50000), {"axes": [1]}),
]


def build(path, op, shape, attributes):
    """Saves a model; axes are the operator's second input from opset 13 or 18."""
    rng = np.random.default_rng(0)
    feeds = {"x": numbers(rng, shape, np.float32)}
    attributes, weights, names = dict(attributes), {}, ["x"]
    if "axes" in attributes:
        weights["axes"] = np.array(attributes.pop("axes"), np.int64)
        names.append("axes")
    save(path, [helper.make_node(op, names, ["y"], **attributes)], feeds, {}, weights)
    return feeds


@pytest.mark.parametrize("target", ["sm_75", "sm_90a"])
@pytest.mark.parametrize("op, shape, attributes", CASES)
def test_values(op, shape, attributes, target, tmp_path, monkeypatch):
    model = tmp_path / "model.onnx"
    feeds = build(model, op, shape, attributes)
    assert "blocks share a result" in tool.explain(model, target)
    expected = outputs(model, "host", feeds, tmp_path)
    for seed in (1, 2):
        monkeypatch.setenv("INGOT_FAKE_CUDA_SEED", str(seed))
        actual = outputs(model, target, feeds, tmp_path)
        assert actual.shape == expected.shape
        np.testing.assert_allclose(actual, expected, rtol=1e-6)


def test_same_bits(tmp_path, monkeypatch):
    """The order of sums does not depend on which block comes last."""
    rng = np.random.default_rng(1)
    model = tmp_path / "model.onnx"
    build(model, "ReduceSum", (300, 1001), {})
    feeds = {"x": rng.standard_normal((300, 1001)).astype(np.float32)}
    results = set()
    for seed in range(1, 7):
        monkeypatch.setenv("INGOT_FAKE_CUDA_SEED", str(seed))
        results.add(outputs(model, "sm_80", feeds, tmp_path).tobytes())
    assert len(results) == 1
    total = np.frombuffer(results.pop(), np.float32)
    np.testing.assert_allclose(total, feeds["x"].sum(dtype=np.float64), rtol=1e-4)


# Contexts of one artifact, each in a thread, run several times: one by one, then
# as a graph. Arguments: the model, its inputs, the outputs of all runs.
RUNS = """
import ctypes, sys, threading
import numpy as np

model, feeds, results = sys.argv[1:4]
library = ctypes.CDLL(model)
library.ingot_get_api_v1.restype = ctypes.c_void_p
functions = (ctypes.c_void_p * 16).from_address(library.ingot_get_api_v1() + 16)


def call(index, *arguments):
    function = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * len(arguments))
    status = function(functions[index])(*arguments)
    assert status == 0, (index, status)


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("bytes", ctypes.c_uint64)]
    _fields_ += [("dtype", ctypes.c_int32), ("rank", ctypes.c_int32), ("dims", ctypes.c_void_p)]


def tensor(array, keep):
    dims = np.array(array.shape, np.int64)
    keep += [array, dims]
    return Tensor(array.ctypes.data, array.nbytes, 1, array.ndim, dims.ctypes.data)


def work(handle, inputs, outputs):
    context = ctypes.c_void_p()
    call(8, handle, None, ctypes.byref(context))
    for x, y in zip(inputs, outputs):
        keep = []
        call(13, context, ctypes.byref(tensor(x, keep)), 1, ctypes.byref(tensor(y, keep)), 1)
    call(9, context)


handle = ctypes.c_void_p()
call(0, None, ctypes.byref(handle))
inputs = np.load(feeds)["x"]
outputs = np.empty((*inputs.shape[:3], 40), np.float32)
threads = [
    threading.Thread(target=work, args=(handle, inputs[i], outputs[i])) for i in range(len(inputs))
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
np.savez(results, y=outputs)
"""


def test_contexts_and_graphs(tmp_path):
    """Counters are zero again after every launch, and are the context's own."""
    rng = np.random.default_rng(2)
    weights = {name: numbers(rng, (900, 40), np.float32) for name in "wv"}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Neg", ["x"], ["n"]),
        helper.make_node("MatMul", ["n", "v"], ["q"]),
        helper.make_node("Mul", ["p", "q"], ["y"]),
    ]
    x = numbers(rng, (2, 5, 20, 900), np.float32)
    save(tmp_path / "model.onnx", nodes, {"x": x[0, 0]}, {}, weights)
    assert "blocks share a tile" in tool.explain(tmp_path / "model.onnx", "sm_80")
    artifact = tmp_path / "model.so"
    finished = tool.run(
        [tool.tool("ingot"), "compile", tmp_path / "model.onnx", "--target=sm_80", "-o", artifact]
    )
    assert finished.outcome() == "done", finished.message()
    np.savez(tmp_path / "in.npz", x=x)
    script = tmp_path / "runs.py"
    script.write_text(RUNS)
    trace = tmp_path / "trace"
    finished = tool.run(
        [sys.executable, script, artifact, tmp_path / "in.npz", tmp_path / "out.npz"],
        env={
            **tool.target_environment("sm_80"),
            "INGOT_FAKE_CUDA_RACES": "1",
            "INGOT_FAKE_CUDA_TRACE": str(trace),
        },
        timeout=300,
    )
    assert finished.outcome() == "done", finished.message()
    assert trace.read_text().count("cuGraphLaunch") >= 4
    expected = (x @ weights["w"]) * (-x @ weights["v"])
    np.testing.assert_allclose(np.load(tmp_path / "out.npz")["y"], expected, rtol=1e-6)
