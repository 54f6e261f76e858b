"""Matrix products of sizes that take every way through the emitter: rows that
compete for cache sets and are copied, a depth that is split, with and without a
shorter last part, partial panels and tiles, symbolic rows, batches. And first
convolutions of images, with their padding."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from support import tool

TARGETS = ("host", "x86-64-v3", "aarch64")


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


def run(model, feeds, target, threads=2):
    """The output `y` of one run."""
    inputs, outputs = model.with_name("in.npz"), model.with_name("out.npz")
    np.savez(inputs, **feeds)
    command = [tool.tool("ingot"), "run", model, "--inputs", inputs]
    command += ["--outputs", outputs, f"--target={target}", "--threads", threads]
    done = tool.run([*command, "--quiet"], timeout=120)
    assert done.outcome() == "done", done.message()
    return np.load(outputs)["y"]


def check(actual, a, b):
    """Against the product in double precision, by the usual error bound."""
    a, b = a.astype("d"), b.astype("d")
    bound = 2e-7 * np.sqrt(a.shape[-1]) * (np.abs(a) @ np.abs(b))
    assert actual.shape == (a @ b).shape
    assert (np.abs(actual - a @ b) <= bound).all()


def random(*shape):
    return np.random.default_rng(len(shape)).standard_normal(shape, np.float32)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "m, n, k",
    [
        (29, 100, 1024),  # rows are copied
        (37, 70, 2048),  # two parts, rows are copied
        (30, 33, 2600),  # three parts, the last is shorter
        (200, 40, 1700),  # more than one block of tiles
        (5, 48, 3000),
        (3, 200, 1537),  # too few rows for any of it
        (1, 1000, 2048),
    ],
)
def test_constant_matrix(m, n, k, target, tmp_path):
    a, b = random(m, k), random(k, n)
    model = tmp_path / "model.onnx"
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    save(model, [node], [("x", (m, k))], [("y", (m, n))], {"w": b})
    check(run(model, {"x": a}, target), a, b)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("k", [1024, 2600])
def test_symbolic_rows(k, target, tmp_path):
    b = random(k, 75)
    model = tmp_path / "model.onnx"
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    save(model, [node], [("x", ("M", k))], [("y", ("M", 75))], {"w": b})
    for m in (1, 3, 14, 45):
        a = random(m, k)
        check(run(model, {"x": a}, target), a, b)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "left, right",
    [
        ((3, 20, 64), (3, 64, 50)),
        ((2, 1, 17, 1024), (3, 1024, 40)),
        ((2, 3, 9, 2100), (1, 3, 2100, 33)),
    ],
)
def test_batches_of_runtime_matrices(left, right, target, tmp_path):
    a, b = random(*left), random(*right)
    model = tmp_path / "model.onnx"
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    shape = (a @ b).shape
    save(model, [node], [("x", left), ("w", right)], [("y", shape)], {})
    check(run(model, {"x": a, "w": b}, target), a, b)


@pytest.mark.parametrize("channels", [64, 1024, 2300])
def test_pixels_are_rows(channels, tmp_path):
    x, w = random(2, channels, 5, 7), random(45, channels, 1, 1)
    model = tmp_path / "model.onnx"
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    save(model, [node], [("x", x.shape)], [("y", (2, 45, 5, 7))], {"w": w})
    a = x.transpose(0, 2, 3, 1).reshape(-1, channels)
    y = run(model, {"x": x}, "host")
    check(y.transpose(0, 2, 3, 1).reshape(-1, 45), a, w[:, :, 0, 0].T)


def test_threads_do_not_change_bits(tmp_path):
    a, b = random(61, 2600), random(2600, 100)
    model = tmp_path / "model.onnx"
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    save(model, [node], [("x", a.shape)], [("y", (61, 100))], {"w": b})
    one, two, three = (run(model, {"x": a}, "host", n) for n in (1, 2, 3))
    assert (one == two).all() and (one == three).all()


def convolved(x, w, strides, pads, dilations):
    """Convolution in double precision, and what bounds its rounding errors."""
    # In ONNX all beginnings come first, then all ends.
    x = np.pad(x.astype("d"), [(0, 0), (0, 0), pads[::2], pads[1::2]])
    w = w.astype("d")
    spans = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], dilations)]
    windows = np.lib.stride_tricks.sliding_window_view(x, spans, axis=(2, 3))
    windows = windows[:, :, :: strides[0], :: strides[1]]
    windows = windows[..., :: dilations[0], :: dilations[1]]
    bound = np.einsum("nchwij,fcij->nfhw", np.abs(windows), np.abs(w))
    bound *= 2e-7 * np.sqrt(w[0].size)
    return np.einsum("nchwij,fcij->nfhw", windows, w), bound


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "image, kernel, strides, pads, dilations",
    [
        ((3, 45, 61), (7, 7), (2, 2), (3, 3, 3, 3), (1, 1)),
        ((3, 20, 33), (3, 3), (2, 2), (1, 1, 0, 0), (1, 1)),
        ((1, 9, 70), (5, 3), (1, 1), (2, 1, 2, 1), (1, 1)),
        ((4, 30, 40), (3, 3), (1, 1), (2, 3, 4, 5), (2, 3)),
        ((2, 6, 5), (3, 5), (1, 1), (2, 4, 2, 4), (1, 1)),
    ],
)
def test_image_is_copied_with_its_padding(
    image, kernel, strides, pads, dilations, target, tmp_path
):
    x, w = random(2, *image), random(41, image[0], *kernel)
    expected, bound = convolved(x, w, strides, pads, dilations)
    model = tmp_path / "model.onnx"
    node = helper.make_node(
        "Conv", ["x", "w"], ["y"], strides=strides, pads=pads, dilations=dilations
    )
    save(model, [node], [("x", x.shape)], [("y", expected.shape)], {"w": w})
    y = run(model, {"x": x}, target)
    assert y.shape == expected.shape
    assert (np.abs(y - expected) <= bound).all()
