"""Half precision between the kernels of f32 models: products and convolutions
read f16 and bf16 weights and activations, and sum in f32."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from support import tool

TARGETS = ("x86-64-v3", "x86-64-v4", "aarch64")
PRECISIONS = ("f16", "bf16")
# What a value that is stored in that type may differ by, relative to the size
# of the values: accuracy.md's bounds for operators in half precision.
TOLERANCE = {"f16": 0.0025, "bf16": 0.02}


def save(path, nodes, inputs, outputs, constants):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs],
        [numpy_helper.from_array(a, n) for n, a in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def random(*shape, seed=1):
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def ingot(*words):
    done = tool.run([tool.tool("ingot"), *words], timeout=200)
    assert done.outcome() == "done", done.message()
    return done.stdout


def compile_model(model, precision, target="host", *flags):
    artifact = model.with_name(f"{model.stem}-{precision}-{target}.so")
    ingot("compile", model, "-o", artifact, f"--precision={precision}", "-q",
          f"--target={target}", *flags)  # fmt: skip
    return artifact


def run(artifact, feeds):
    """The output `y` of one run."""
    inputs, outputs = artifact.with_suffix(".in.npz"), artifact.with_suffix(".npz")
    np.savez(inputs, **feeds)
    ingot("run", artifact, "--inputs", inputs, "--outputs", outputs, "-q", "--threads=2")
    return np.load(outputs)["y"]


def info(artifact):
    return json.loads(ingot("info", artifact, "--json=-"))


def skip_without(target):
    if missing := tool.emulator_missing(target):
        pytest.skip(missing)
    if target == "x86-64-v4" and "avx512f" not in open("/proc/cpuinfo").read():
        pytest.skip("needs AVX-512")


def rounded(array, precision):
    """What an f32 array holds once it has been stored in that precision."""
    if precision == "f16":
        return array.astype(np.float16).astype(np.float32)
    bits = array.view(np.uint32).astype(np.uint64)
    bits += 0x7FFF + (bits >> 16 & 1)
    return (bits & 0xFFFF0000).astype(np.uint32).view(np.float32)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "m, n, k",
    [
        (1, 1000, 600),
        (3, 77, 130),
        (29, 100, 1024),
        (37, 70, 2600),
    ],
)
def test_weights_are_read_as_halves(m, n, k, target, precision, tmp_path):
    skip_without(target)
    a, b = random(m, k), random(k, n)
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    model = save(tmp_path / "m.onnx", [node], [("x", (m, k))], [("y", (m, n))], {"w": b})
    artifact = compile_model(model, precision, target)
    y = run(artifact, {"x": a})
    # Input and output are f32, sums too: exact but for their rounding.
    a, b = a.astype("d"), rounded(b, precision).astype("d")
    bound = 2e-7 * np.sqrt(k) * (np.abs(a) @ np.abs(b))
    assert (np.abs(y - a @ b) <= bound).all()
    facts = info(artifact)
    panels = n + 256  # the last one is padded
    assert facts["weight_bytes"] <= k * panels * 2
    assert facts["precision"].startswith(f"{precision} (1 of 1 weights")


def two_products(path, m, k, n, activation="Relu"):
    """x @ w1, an activation, @ w2."""
    w1, w2 = random(k, n, seed=2) / k**0.5, random(n, k, seed=3) / n**0.5
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["h"]),
        helper.make_node(activation, ["h"], ["a"]),
        helper.make_node("MatMul", ["a", "w2"], ["y"]),
    ]
    return save(path, nodes, [("x", (m, k))], [("y", (m, k))], {"w1": w1, "w2": w2})


def agree(y, expected, precision):
    largest = np.abs(expected).max()
    error = np.abs(y.astype("d") - expected).max() / largest
    assert error <= TOLERANCE[precision], error
    return error


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "m, k, n",
    [(1, 300, 520), (19, 300, 520), (65, 1600, 70), ("M", 96, 200)],
)
def test_activations_are_read_as_halves(m, k, n, target, precision, tmp_path):
    skip_without(target)
    model = two_products(tmp_path / "m.onnx", m, k, n)
    plain = compile_model(model, "f32", target)
    artifact = compile_model(model, precision, target)
    assert info(artifact)["precision"].startswith(
        f"{precision} (2 of 2 weights, 2 of 3 values)"
    )
    for rows in (m,) if m != "M" else (1, 5, 40):
        feeds = {"x": random(rows, k)}
        expected = run(plain, feeds)
        assert agree(run(artifact, feeds), expected, precision) > 0
    assert len(info(artifact)["launches"]) == len(info(plain)["launches"])


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("target", TARGETS)
def test_batches_of_runtime_halves(target, precision, tmp_path):
    skip_without(target)
    nodes = [
        helper.make_node("Tanh", ["x"], ["q"]),
        helper.make_node("Sin", ["x"], ["k"]),
        helper.make_node("Transpose", ["k"], ["t"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["q", "t"], ["s"]),
        helper.make_node("Softmax", ["s"], ["p"]),
        helper.make_node("MatMul", ["p", "q"], ["y"]),
    ]
    shape = (2, 45, 64)
    model = save(tmp_path / "m.onnx", nodes, [("x", shape)], [("y", shape)], {})
    feeds = {"x": random(*shape)}
    expected = run(compile_model(model, "f32", target), feeds)
    artifact = compile_model(model, precision, target)
    assert agree(run(artifact, feeds), expected, precision) > 0


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "channels, filters, kernel, group, strides",
    [
        (3, 40, 3, 1, 2),
        (16, 24, 3, 1, 1),
        (64, 33, 1, 1, 1),
        (32, 32, 3, 32, 1),
        (24, 48, 3, 2, 2),
    ],
)
def test_convolutions(channels, filters, kernel, group, strides, target, precision, tmp_path):
    skip_without(target)
    pad = kernel // 2
    w1 = random(channels, channels, 1, 1, seed=2) / channels**0.5
    w2 = random(filters, channels // group, kernel, kernel, seed=3)
    w2 /= (channels // group * kernel**2) ** 0.5
    options = {"group": group, "strides": [strides] * 2, "pads": [pad] * 4}
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["h"]),
        helper.make_node("Relu", ["h"], ["a"]),
        helper.make_node("Conv", ["a", "w2"], ["b"], **options),
        helper.make_node("Relu", ["b"], ["y"]),
    ]
    size = (17 + 2 * pad - kernel) // strides + 1
    model = save(tmp_path / "m.onnx", nodes, [("x", (2, channels, 17, 17))],
                 [("y", (2, filters, size, size))], {"w1": w1, "w2": w2})  # fmt: skip
    feeds = {"x": random(2, channels, 17, 17)}
    plain = compile_model(model, "f32", target)
    artifact = compile_model(model, precision, target)
    assert agree(run(artifact, feeds), run(plain, feeds), precision) > 0
    # Convolutions with groups of several channels read f32.
    halves = 2 if 1 < group < channels else 3
    assert info(artifact)["precision"].startswith(
        f"{precision} (2 of 2 weights, {halves} of 4 values)"
    )
    assert len(info(artifact)["launches"]) == len(info(plain)["launches"])


def large_layer(folder, samples):
    """A model whose values reach about 1e5 after the first product, and a
    folder of inputs."""
    path, data = folder / "m.onnx", folder / "data"
    data.mkdir()
    w1, w2 = random(64, 96, seed=2) * 4000, random(96, 64, seed=3) / 1e5
    w3 = random(64, 96, seed=4) / 8
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["h"], name="large"),
        helper.make_node("Relu", ["h"], ["a"]),
        helper.make_node("MatMul", ["a", "w2"], ["b"], name="small"),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("MatMul", ["c", "w3"], ["y"]),
    ]
    weights = {"w1": w1, "w2": w2, "w3": w3}
    save(path, nodes, [("x", (32, 64))], [("y", (32, 96))], weights)
    for i in range(samples):
        np.savez(data / f"sample{i}.npz", x=random(32, 64, seed=10 + i))
    return path, data


def test_a_layer_that_overflows_stays_single(tmp_path):
    model, data = large_layer(tmp_path, samples=3)
    feeds = {"x": random(32, 64, seed=11)}
    expected = run(compile_model(model, "f32"), feeds)
    assert np.isfinite(expected).all()
    # Nothing but data can tell.
    assert not np.isfinite(run(compile_model(model, "f16"), feeds)).all()
    artifact = compile_model(model, "f16", "host", f"--calibration-data={data}")
    agree(run(artifact, feeds), expected, "f16")
    text = ingot("explain", model, "--precision=f16", f"--calibration-data={data}")
    fate = text[text.index("'large'") : text.index("'small'")]
    assert "its result stays f32: its values reach" in fate
    assert "f16 ends at 65504" in fate
    assert "its result is f16" in text[text.index("'small'") :]


def test_auto_takes_bf16_for_what_overflows(tmp_path):
    model, data = large_layer(tmp_path, samples=2)
    feeds = {"x": random(32, 64, seed=10)}
    expected = run(compile_model(model, "f32"), feeds)
    text = ingot("explain", model, "--precision=auto", f"--calibration-data={data}/sample0.npz")
    fate = text[text.index("'large'") : text.index("'small'")]
    assert "its result is bf16 wherever it goes through memory: its values" in fate
    artifact = compile_model(model, "auto", "host", f"--calibration-data={data}")
    agree(run(artifact, feeds), expected, "bf16")
    without = ingot("explain", model, "--precision=auto")
    assert "no calibration data says how large its values get" in without


def test_calibration_data_that_does_not_fit(tmp_path):
    model = two_products(tmp_path / "m.onnx", 4, 8, 80)
    empty = tmp_path / "empty"
    empty.mkdir()
    np.savez(tmp_path / "other.npz", z=random(2, 2))
    for data, code in (
        (empty, "IG6101"),
        (tmp_path / "none.npz", "IG6101"),
        (tmp_path / "other.npz", "IG6102"),
    ):
        done = tool.run([tool.tool("ingot"), "compile", model, "--precision=f16",
                         f"--calibration-data={data}"])  # fmt: skip
        assert done.outcome() == "refused" and code in done.message()


def test_the_artifact_says_its_precision(tmp_path):
    model = two_products(tmp_path / "m.onnx", 64, 32, 40)
    plain, half = compile_model(model, "f32"), compile_model(model, "f16")
    assert "precision as in the model" in ingot("info", plain)
    assert "precision f16 (2 of 2 weights, 2 of 3 values)" in ingot("info", half)
    assert info(half)["precision"] == "f16 (2 of 2 weights, 2 of 3 values)"
    assert info(half)["weight_bytes"] * 2 == info(plain)["weight_bytes"]


def test_unknown_precision(tmp_path):
    model = two_products(tmp_path / "m.onnx", 4, 8, 80)
    done = tool.run([tool.tool("ingot"), "compile", model, "--precision=f8"])
    assert done.outcome() == "refused" and "IG6004" in done.message()
