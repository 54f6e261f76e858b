"""Models quantized by ONNX Runtime, against ONNX Runtime. The rounding of
results within it is in single precision: one step of the last quantized tensor
is allowed, and how often that is needed is printed (pytest -s)."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

import models
from rational import EVERY_TARGET, explain, run
from support import tool
from support.paths import MODELS


def session(path, optimized=False):
    options = onnxruntime.SessionOptions()
    # What the model says: optimized, ONNX Runtime 1.31 leaves a rounding out
    # between a softmax and a product, and an eighth of the results differ. But
    # only optimized does it convolve integers, not floats that it rounds.
    if not optimized:
        level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.graph_optimization_level = level
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])


def last_step(path):
    """The scale of the tensor that the result is dequantized from."""
    model = onnx.load(path)
    constants = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    makers = {o: n for n in model.graph.node for o in n.output}
    node = makers[model.graph.output[0].name]
    while node.op_type != "DequantizeLinear":
        node = makers[node.input[0]]
    return float(constants[node.input[1]])


def compare(model, feeds, step, target, steps=1):
    expected = session(model).run(None, feeds)[0]
    actual = run(model, feeds, target)["y"]
    assert actual.shape == expected.shape and actual.dtype == expected.dtype
    off = np.round(np.abs(actual - expected) / step)
    print(f"{model.name}: {np.count_nonzero(off)} of {off.size} differ, by {off.max()}")
    assert off.max() <= steps


FORMS = [
    (qdq, activations, weights, per_channel)
    for qdq in (True, False)
    for activations, weights in (("S8", "S8"), ("U8", "S8"), ("U8", "U8"))
    for per_channel in (False, True)
]


def describe(form):
    qdq, activations, weights, per_channel = form
    return (
        f"{'QDQ' if qdq else 'QOperator'}-{activations}{weights}"
        f"{'-channels' if per_channel else ''}"
    )


@pytest.mark.parametrize("name", models.NETS)
@pytest.mark.parametrize("form", FORMS, ids=describe)
def test_static(form, name, tmp_path):
    source, model = tmp_path / "float.onnx", tmp_path / f"{name}.onnx"
    net = models.NETS[name](source)
    models.quantize_static(source, model, net, *form)
    compare(model, {"x": net.input(100)}, last_step(model), "host")


@pytest.mark.parametrize("weights", ["S8", "U8"])
@pytest.mark.parametrize("name", models.NETS)
def test_dynamic(name, weights, tmp_path):
    source, model = tmp_path / "float.onnx", tmp_path / f"{name}.onnx"
    net = models.NETS[name](source)
    models.quantize_dynamic(source, model, weights)
    feeds = {"x": net.input(100)}
    expected = session(model).run(None, feeds)[0]
    actual = run(model, feeds)["y"]
    # A byte of an activation may be rounded to the other side.
    assert np.abs(actual - expected).max() <= 0.02 * np.abs(expected).max()


@pytest.mark.parametrize("name", models.NETS)
def test_same_bits_on_all_targets(name, tmp_path):
    source, model = tmp_path / "float.onnx", tmp_path / f"{name}.onnx"
    net = models.NETS[name](source)
    models.quantize_static(source, model, net, True, "U8", "S8", True)
    feeds = {"x": net.input(100)}
    first = None
    for target in EVERY_TARGET:
        if tool.emulator_missing(target):
            continue
        y = run(model, feeds, target)["y"]
        first = y if first is None else first
        if name == "attention":  # its softmax is float work
            assert np.abs(y - first).max() <= 1.01 * last_step(model)
        else:
            assert np.array_equal(y, first)


@pytest.mark.parametrize("form", FORMS, ids=describe)
def test_products_are_of_integers(form, tmp_path):
    for name, make in models.NETS.items():
        source, model = tmp_path / "float.onnx", tmp_path / f"{name}.onnx"
        models.quantize_static(source, model, make(source), *form)
        text = explain(model)
        assert "of 8-bit integers" in text
        assert "generic loops" not in text, text
        floats = [line for line in text.splitlines() if "stays in float" in line]
        assert all("Softmax" in line for line in floats), floats


def test_mobilenet_excerpt(tmp_path):
    path = MODELS and MODELS / "qdq-mobilenet-edgetpu-excerpt" / "model.onnx"
    if not path or not path.exists():
        pytest.skip("the model is not here: set INGOT_MODELS_DIR")
    model = tmp_path / "model.onnx"
    model.write_bytes(path.read_bytes())
    reference = session(model, optimized=True)
    rng = np.random.default_rng(5)
    feeds = {}
    for value in reference.get_inputs():
        shape = [d if isinstance(d, int) else 1 for d in value.shape]
        if value.type == "tensor(float)":
            feeds[value.name] = rng.standard_normal(shape).astype(np.float32)
        else:
            feeds[value.name] = rng.integers(0, 256, shape).astype(np.uint8)
    expected = reference.run(None, feeds)
    actual = run(model, feeds)
    for value, wanted in zip(reference.get_outputs(), expected):
        got = actual[value.name]
        assert got.shape == wanted.shape and got.dtype == wanted.dtype
        values = np.unique(wanted)
        step = np.diff(values).min() if got.dtype.kind == "f" else 1
        off = np.abs(got.astype(float) - wanted.astype(float)) / step
        print(f"{np.count_nonzero(off > 0.5)} of {off.size} differ")
        assert off.max() < 1.5
