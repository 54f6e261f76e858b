"""Matrix products of int8 whose left scales come at run time, one for each row:
the spelling of dynamic quantization per token."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from rational import EVERY_TARGET, explain, run, save
from support import tool

TARGETS = (*EVERY_TARGET, "x86-64-v4", "x86-64-v4+vnni")


@pytest.fixture(params=TARGETS)
def target(request):
    missing = tool.emulator_missing(request.param)
    if missing:
        pytest.skip(missing)
    wanted = request.config.getoption("target")
    if wanted and request.param not in wanted:
        pytest.skip("not asked for")
    if request.param.startswith("x86-64-v4") and "avx512bw" not in tool.processor_flags():
        pytest.skip("this processor has no AVX-512")
    if request.param.endswith("vnni") and "avx512_vnni" not in tool.processor_flags():
        pytest.skip("this processor has no VNNI")
    return request.param


def spelled_out(path, shape, columns, most_weight=127, readers=1):
    """(model, weights, scales, bias): `readers` products of one activation."""
    rng = np.random.default_rng(columns)
    node = helper.make_node
    nodes = [
        node("Abs", ["x"], ["magnitude"]),
        node("ReduceMax", ["magnitude", "axes"], ["largest"], keepdims=1),
        node("Max", ["largest", "least"], ["nonzero"]),
        node("Div", ["nonzero", "most"], ["scale"]),
        node("Div", ["x", "scale"], ["scaled"]),
        node("Round", ["scaled"], ["rounded"]),
        node("Clip", ["rounded", "low", "most"], ["clipped"]),
        node("Cast", ["clipped"], ["q"], to=TensorProto.INT8),
    ]
    constants = {
        "axes": np.array([-1]),
        "least": np.float32(1e-30),
        "most": np.float32(127),
        "low": np.float32(-127),
    }
    outputs, numbers = {}, []
    for i in range(readers):
        depth = shape[-1]
        w = rng.integers(-most_weight, most_weight + 1, (depth, columns)).astype("i1")
        scales = rng.uniform(0.001, 0.01, columns).astype("f")
        bias = rng.normal(size=columns).astype("f")
        constants |= {f"w{i}": w, f"ws{i}": scales, f"b{i}": bias}
        nodes += [
            node("MatMulInteger", ["q", f"w{i}"], [f"sum{i}"]),
            node("Cast", [f"sum{i}"], [f"float{i}"], to=TensorProto.FLOAT),
            node("Mul", [f"float{i}", "scale"], [f"rows{i}"]),
            node("Mul", [f"rows{i}", f"ws{i}"], [f"product{i}"]),
            node("Add", [f"product{i}", f"b{i}"], [f"y{i}"]),
        ]
        outputs[f"y{i}"] = (np.float32, [*shape[:-1], columns])
        numbers.append((w, scales, bias))
    model = save(path, nodes, {"x": (np.float32, shape)}, outputs, constants)
    return model, numbers


def activation(shape):
    """Rows of sizes far apart, and one of zeros."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=shape) * np.exp(rng.uniform(-20, 20, (*shape[:-1], 1)))
    x.reshape(-1, shape[-1])[1] = 0
    return x.astype("f")


def quantized(x):
    """The integers and scales, operation by operation in single precision."""
    largest = np.maximum(np.abs(x).max(-1, keepdims=True), np.float32(1e-30))
    scale = largest / np.float32(127)
    return np.clip(np.round(x / scale), -127, 127).astype("i1"), scale


@pytest.mark.parametrize("shape, columns", [((9, 37), 19), ((2, 5, 64), 33), ((1, 3, 100), 70)])
def test_bits(shape, columns, target, tmp_path):
    """The sums are exact and everything else is rounded as ONNX says."""
    model, numbers = spelled_out(tmp_path / "m.onnx", shape, columns, readers=2)
    x = activation(shape)
    outputs = run(model, {"x": x}, target)
    q, scale = quantized(x)
    for i, (w, scales, bias) in enumerate(numbers):
        sums = q.astype(np.int64) @ w.astype(np.int64)
        expected = sums.astype("f") * scale * scales + bias
        np.testing.assert_array_equal(outputs[f"y{i}"], expected)


def test_like_onnxruntime(tmp_path):
    model, _ = spelled_out(tmp_path / "m.onnx", (2, 5, 64), 33)
    x = activation((2, 5, 64))
    session = onnxruntime.InferenceSession(str(model))
    expected = session.run(None, {"x": x})[0]
    np.testing.assert_allclose(run(model, {"x": x})["y0"], expected, rtol=1e-6, atol=1e-6)


def test_two_kernels(tmp_path):
    """One over rows, which stay near, and one with both scales and the bias in
    its registers."""
    model, _ = spelled_out(tmp_path / "m.onnx", (1, 16, 64), 48)
    text = explain(model)
    assert "2 launches" in text
    assert "matrix product of 8-bit integers" in text
    assert "elementwise work on its result is done in registers, with Cast" in text
    assert "its reduction shares a loop over rows" in text


def test_symbolic_rows(tmp_path):
    model, numbers = spelled_out(tmp_path / "m.onnx", ("N", 40), 24)
    assert "2 launches" in explain(model)
    w, scales, bias = numbers[0]
    for rows in (1, 2, 31):
        x = activation((max(rows, 2), 40))[:rows]
        q, scale = quantized(x)
        expected = (q.astype(np.int64) @ w.astype(np.int64)).astype("f") * scale * scales + bias
        np.testing.assert_array_equal(run(model, {"x": x})["y0"], expected)
