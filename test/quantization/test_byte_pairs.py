"""Sums of two products of bytes in 16 bits, which an instruction of AVX2 and
AVX-512 saturates: only weights that cannot make it do so use it."""

import itertools

import numpy as np
import pytest
from onnx import helper

from rational import run, save
from support import tool

# Targets without sums of four products, and what a processor must have.
TARGETS = {"x86-64-v3": "avx2", "x86-64-v4": "avx512bw"}
INSTRUCTION = "vpmaddubsw"


@pytest.fixture(params=TARGETS)
def target(request):
    if TARGETS[request.param] not in tool.processor_flags():
        pytest.skip(f"this processor has no {TARGETS[request.param]}")
    return request.param


def assembly(model, target):
    text = model.with_suffix(".s")
    command = [tool.tool("ingot"), "compile", model, f"--target={target}", "--emit=asm"]
    done = tool.run([*command, "-o", text])
    assert done.outcome() == "done", done.message()
    return text.read_text()


def product(path, w, rows):
    node = helper.make_node("MatMulInteger", ["a", "w"], ["y"])
    shape = (rows, w.shape[0])
    return save(
        path,
        [node],
        {"a": (np.uint8, shape)},
        {"y": (np.int32, (rows, w.shape[1]))},
        {"w": w},
    )


# Pairs that are just small enough, and just too large: 255 * 128 fits.
PAIRS = {
    (64, 64): True,
    (127, 1): True,
    (127, -128): True,
    (-128, 0): True,
    (-127, -1): True,
    (65, 64): False,
    (127, 2): False,
    (-128, -1): False,
}


@pytest.mark.parametrize("pair, fits", PAIRS.items())
def test_bound(pair, fits, target, tmp_path):
    """At the largest and least activations; the pair is in one column only."""
    w = np.ones((22, 19), np.int8)
    w[12:14, 7] = pair
    model = product(tmp_path / "m.onnx", w, 9)
    assert (INSTRUCTION in assembly(model, target)) == fits
    a = np.zeros((9, 22), np.uint8)
    a[1:4], a[4, ::2], a[5, 1::2] = 255, 255, 255
    y = run(model, {"a": a}, target)["y"]
    np.testing.assert_array_equal(y, a.astype(int) @ w.astype(int))


def test_neighbours_of_different_pairs(target, tmp_path):
    """Depths 1 and 2 are not summed in 16 bits."""
    w = np.zeros((8, 16), np.int8)
    w[1:3] = 127
    model = product(tmp_path / "m.onnx", w, 4)
    assert INSTRUCTION in assembly(model, target)
    a = np.full((4, 8), 255, np.uint8)
    np.testing.assert_array_equal(run(model, {"a": a}, target)["y"], a.astype(int) @ w)


SIZES = itertools.product([1, 2, 3, 5, 12, 13, 61], [1, 3, 4, 30, 130], [1, 8, 17, 40])


@pytest.mark.parametrize("rows, depth, columns", [size for i, size in enumerate(SIZES) if i % 4 == 1])
def test_products(rows, depth, columns, target, tmp_path):
    rng = np.random.default_rng(depth)
    w = rng.integers(-64, 65, (depth, columns)).astype(np.int8)
    a = rng.integers(0, 256, (rows, depth)).astype(np.uint8)
    model = product(tmp_path / "m.onnx", w, rows)
    y = run(model, {"a": a}, target)["y"]
    np.testing.assert_array_equal(y, a.astype(int) @ w.astype(int))


@pytest.mark.parametrize("channels, filters, kernel, group", [(3, 20, 3, 1), (16, 33, 1, 1), (8, 12, 3, 2)])
def test_convolutions(channels, filters, kernel, group, target, tmp_path):
    """With taps side by side as one depth, one by one, and in groups; a zero
    point outside of the image."""
    rng = np.random.default_rng(channels)
    w = rng.integers(-64, 65, (filters, channels // group, kernel, kernel)).astype(np.int8)
    x = rng.integers(0, 256, (1, channels, 9, 11)).astype(np.uint8)
    pad = kernel // 2
    node = helper.make_node(
        "ConvInteger", ["x", "w", "zx"], ["y"], group=group, pads=[pad] * 4
    )
    model = save(
        tmp_path / "m.onnx",
        [node],
        {"x": (np.uint8, x.shape)},
        {"y": (np.int32, (1, filters, 9, 11))},
        {"w": w, "zx": np.uint8(77)},
    )
    assert INSTRUCTION in assembly(model, target)
    centred = np.pad(x.astype(int) - 77, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    expected = np.zeros((1, filters, 9, 11), int)
    per, inner = filters // group, channels // group
    for f, i, j in itertools.product(range(filters), range(9), range(11)):
        first = f // per * inner
        window = centred[0, first : first + inner, i : i + kernel, j : j + kernel]
        expected[0, f, i, j] = (window * w[f]).sum()
    np.testing.assert_array_equal(run(model, {"x": x}, target)["y"], expected)
