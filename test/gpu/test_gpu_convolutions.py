"""Convolutions of warpgroups (wgmma, with the engine's im2col mode) on the
interpreter of PTX, with its search for races.

Factors are small multiples of 1/8, so that sums are exact in any order: results
must be those of the processor to the bit, and those of numpy rounded once. Sizes
are such that warpgroups are chosen: a symbolic batch counts as 8 there.
"""

import itertools

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper
from support import tool
from test_gpu_products import numbers, outputs, save

TARGET = "sm_90a"
HALF = np.float16

pytestmark = pytest.mark.skipif(
    bool(tool.emulator_missing(TARGET)), reason="the interpreter of PTX is not built"
)


def convolved(x, w, strides, dilations, pads):
    """In f32, which is exact here: a product of all taps."""
    rank = x.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:])]).astype(np.float32)
    spans = [(k - 1) * d for k, d in zip(w.shape[2:], dilations)]
    sizes = [(n - s - 1) // t + 1 for n, s, t in zip(x.shape[2:], spans, strides)]
    y = np.zeros((x.shape[0], w.shape[0], *sizes), np.float32)
    for tap in itertools.product(*map(range, w.shape[2:])):
        places = [
            slice(i * d, i * d + (n - 1) * t + 1, t)
            for i, d, n, t in zip(tap, dilations, sizes, strides)
        ]
        part = w[(slice(None), slice(None), *tap)].astype(np.float32)
        y += np.einsum("fc,nc...->nf...", part, x[(slice(None), slice(None), *places)])
    return y


def check(folder, model, feeds, reference, tile=""):
    # A symbolic batch may have another kernel for many rows.
    text = tool.explain(model, TARGET)
    assert f" convolution of warpgroups, tiles of {tile}" in text
    assert "no convolution of warpgroups" not in text and "larger tiles" not in text
    actual = outputs(model, TARGET, feeds, folder)
    np.testing.assert_array_equal(actual, outputs(model, "host", feeds, folder))
    np.testing.assert_array_equal(actual, reference.astype(actual.dtype))


# Shapes are [N, C, ...], kernels [filters, ...].
CASES = {
    "3x3": ((1, 64, 9, 9), (1024, 3, 3), {"pads": [1, 1, 1, 1]}),
    "strides": ((3, 64, 17, 19), (1024, 3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
    "uneven-strides": ((2, 64, 20, 11), (1024, 2, 3), {"strides": [3, 1], "pads": [0, 1, 1, 1]}),
    "dilations": ((2, 32, 9, 9), (1024, 3, 3), {"dilations": [2, 2], "pads": [2, 2, 2, 2]}),
    "uneven-pads": ((2, 32, 9, 9), (1024, 2, 3), {"pads": [0, 3, 2, 0]}),
    "points": ((2, 64, 19, 18), (1024, 1, 1), {"strides": [2, 2]}),
    "7x7": ((1, 64, 18, 18), (1024, 7, 7), {"strides": [2, 2], "pads": [3, 3, 3, 3]}),
    "5x1": ((2, 64, 13, 9), (1024, 5, 1), {}),
    "16-channels": ((1, 16, 17, 17), (1024, 3, 3), {"pads": [1, 1, 1, 1]}),
    "24-channels": ((1, 24, 17, 17), (1024, 3, 3), {"pads": [1, 1, 1, 1]}),
    "40-channels": ((1, 40, 17, 17), (1024, 1, 2), {"pads": [0, 1, 0, 0]}),
    "72-channels": ((1, 72, 17, 17), (1024, 2, 2), {"pads": [0, 1, 1, 0]}),
    "136-channels": ((1, 136, 10, 9), (1024, 1, 2), {}),
    "line": ((3, 64, 81), (1024, 3), {"strides": [1], "pads": [1, 1]}),
    "volume": ((2, 32, 6, 5, 5), (1024, 2, 2, 2), {"pads": [0, 0, 0, 0, 0, 0]}),
}


@pytest.mark.parametrize("case", CASES)
def test_convolution(case, tmp_path):
    shape, filters, attributes = CASES[case]
    rank = len(shape) - 2
    rng = np.random.default_rng(0)
    x = numbers(rng, shape, HALF)
    w = numbers(rng, (filters[0], shape[1], *filters[1:]), HALF)
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], **attributes)]
    model = tmp_path / "m.onnx"
    save(model, nodes, {"x": x}, {("x", 0): "N"}, {"w": w})
    window = {"strides": [1] * rank, "dilations": [1] * rank, "pads": [0] * 2 * rank}
    check(tmp_path, model, {"x": x}, convolved(x, w, **{**window, **attributes}))


def test_pairs(tmp_path):
    """Three tiles below each other, of which the last one is not whole."""
    rng = np.random.default_rng(1)
    x, w = numbers(rng, (2, 64, 14, 14), HALF), numbers(rng, (1280, 64, 1, 2), HALF)
    model = tmp_path / "m.onnx"
    save(model, [helper.make_node("Conv", ["x", "w"], ["y"])], {"x": x}, {("x", 0): "N"}, {"w": w})
    tile = "128 x 128, in pairs"
    check(tmp_path, model, {"x": x}, convolved(x, w, [1, 1], [1, 1], [0] * 4), tile)


def test_symbolic_sizes(tmp_path):
    rng = np.random.default_rng(2)
    x = numbers(rng, (40, 32, 5, 7), HALF)
    w = numbers(rng, (1024, 32, 3, 3), HALF)
    attributes = {"strides": [2, 2], "pads": [1, 1, 1, 1]}
    model = tmp_path / "m.onnx"
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], **attributes)]
    save(model, nodes, {"x": x}, {("x", 2): "H", ("x", 3): "W"}, {"w": w})
    check(tmp_path, model, {"x": x}, convolved(x, w, [2, 2], [1, 1], [1] * 4))


def test_tail(tmp_path):
    rng = np.random.default_rng(3)
    x, r = numbers(rng, (1, 32, 9, 9), HALF), numbers(rng, (1, 1024, 9, 9), HALF)
    w, b = numbers(rng, (1024, 32, 3, 3), HALF), numbers(rng, 1024, HALF)
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["c", "r"], ["s"]),
        helper.make_node("Relu", ["s"], ["y"]),
    ]
    model, feeds = tmp_path / "m.onnx", {"x": x, "r": r}
    save(model, nodes, feeds, {("x", 0): "N", ("r", 0): "N"}, {"w": w, "b": b})
    assert " convolution of warpgroups, tiles of 64 x 128" in tool.explain(model, TARGET)
    actual = outputs(model, TARGET, feeds, tmp_path)
    np.testing.assert_array_equal(actual, outputs(model, "host", feeds, tmp_path))
    sums = convolved(x, w, [1, 1], [1, 1], [1] * 4) + b[:, None, None] + r
    np.testing.assert_allclose(actual, np.maximum(sums, 0), rtol=2e-3, atol=2e-3)


def test_bf16(tmp_path):
    rng = np.random.default_rng(4)
    x = numbers(rng, (1, 64, 9, 9), np.float32)
    w = numbers(rng, (1024, 64, 3, 3), np.float32)
    nodes = [
        helper.make_node("Cast", ["x"], ["h"], to=TensorProto.BFLOAT16),
        helper.make_node("Conv", ["h", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Cast", ["c"], ["y"], to=TensorProto.FLOAT),
    ]
    model = tmp_path / "m.onnx"
    weights = {"w": w.astype(ml_dtypes.bfloat16)}
    save(model, nodes, {"x": x}, {("x", 0): "N"}, weights)
    reference = convolved(x, w, [1, 1], [1, 1], [1] * 4)
    check(tmp_path, model, {"x": x}, reference.astype(ml_dtypes.bfloat16))


def test_schedules(tmp_path, monkeypatch):
    rng = np.random.default_rng(5)
    x, w = numbers(rng, (8, 64, 8, 10), HALF), numbers(rng, (1024, 64, 1, 2), HALF)
    model = tmp_path / "m.onnx"
    save(model, [helper.make_node("Conv", ["x", "w"], ["y"])], {"x": x}, {}, {"w": w})
    reference = convolved(x, w, [1, 1], [1, 1], [0] * 4)
    for seed in (2, 3):
        monkeypatch.setenv("INGOT_FAKE_CUDA_SEED", str(seed))
        check(tmp_path, model, {"x": x}, reference)


@pytest.mark.parametrize(
    "shape, filters, attributes, reason",
    [
        ((8, 20, 9, 9), (1024, 20, 3, 3), {}, "channels are no multiple of 8"),
        ((8, 64, 9, 9), (1024, 32, 3, 3), {"group": 2}, "a convolution of groups"),
        ((64, 64, 28, 28), (1024, 64, 2, 2), {"strides": [9, 9]}, "strides, pads"),
        ((8, 64, 9, 140), (1024, 64, 1, 131), {}, "strides, pads"),
        ((8, 4, 20, 20), (1024, 4, 3, 3), {}, "channels of a pixel lie apart"),
        ((1, 64, 9, 9), (64, 64, 3, 3), {}, "smaller tiles of warps"),
    ],
)
def test_reason(shape, filters, attributes, reason, tmp_path):
    x, w = np.zeros(shape, HALF), np.zeros(filters, HALF)
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], **attributes)]
    save(tmp_path / "m.onnx", nodes, {"x": x}, {}, {"w": w})
    assert f"no convolution of warpgroups: {reason}" in tool.explain(tmp_path / "m.onnx", TARGET)


def test_driver_refuses_a_map(tmp_path):
    x, w = np.zeros((8, 64, 9, 9), HALF), np.zeros((1024, 64, 3, 3), HALF)
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], name="big", pads=[1, 1, 1, 1])]
    save(tmp_path / "m.onnx", nodes, {"x": x}, {}, {"w": w})
    np.savez(tmp_path / "in.npz", x=x)
    finished = tool.run(
        [tool.tool("ingot"), "run", tmp_path / "m.onnx", *tool.target_flags(TARGET)]
        + ["--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz"],
        env={
            **tool.target_environment(TARGET),
            "INGOT_FAKE_CUDA_FAIL": "cuTensorMapEncodeIm2col:1:1",
        },
    )
    assert finished.outcome() == "refused"
    assert "cuTensorMapEncodeIm2col failed: CUDA_ERROR_INVALID_VALUE" in finished.message()
    assert "'Conv:big'" in finished.message()


@pytest.mark.skipif(not tool.PTXAS, reason="ptxas is not installed")
@pytest.mark.parametrize(
    "n, channels, filters, tile, registers",
    [
        (64, 256, 512, "128 x 256, in pairs", 168),
        (64, 72, 512, "128 x 256, in pairs", 168),
        (64, 24, 512, "128 x 256, in pairs", 168),
        (32, 128, 128, "128 x 128, in pairs", None),
        (8, 64, 2048, "64 x 128", None),
    ],
)
def test_assembler(n, channels, filters, tile, registers, tmp_path):
    """Sums stay in registers, and nothing makes products wait for each other."""
    size = 9 if n == 8 else 28
    x, w = np.zeros((n, channels, size, size), HALF), np.zeros((filters, channels, 3, 3), HALF)
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], strides=[1, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    model = tmp_path / "m.onnx"
    save(model, nodes, {"x": x}, {}, {"w": w, "b": np.zeros(filters, HALF)})
    assert f" convolution of warpgroups, tiles of {tile}" in tool.explain(model, TARGET)
    flags = [f"--target={TARGET}", "--emit=ptx", "-o", tmp_path / "m.ptx"]
    finished = tool.run([tool.tool("ingot"), "compile", model, *flags])
    assert finished.outcome() == "done", finished.message()
    assert "d.shared::cluster.global.im2col.mbarrier" in (tmp_path / "m.ptx").read_text()
    flags = ["-v", "-arch=sm_90a", tmp_path / "m.ptx", "-o", tmp_path / "m.cubin"]
    finished = tool.run([tool.PTXAS, *flags])
    assert finished.status == 0, finished.stderr
    assert "0 bytes spill stores, 0 bytes spill loads" in finished.stderr
    assert "(C75" not in finished.stderr
    if registers:
        assert f"Used {registers} registers" in finished.stderr
