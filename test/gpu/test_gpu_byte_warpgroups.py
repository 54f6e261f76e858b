"""Products of 8-bit integers and floats by warpgroups (wgmma) on the interpreter
of PTX, with its search for races, under several schedules.

Sums of integers must be those of the processor to the bit.
"""

import numpy as np
import pytest
from onnx import helper
from support import tool
from test_gpu_float8 import Factors
from test_gpu_float8 import check as check_float8
from test_gpu_float8 import save as save_float8
from test_gpu_products import numbers, save
from test_gpu_warpgroups import TARGET, check

pytestmark = pytest.mark.skipif(
    bool(tool.emulator_missing(TARGET)), reason="the interpreter of PTX is not built"
)


# Whole tiles and ragged ones; a depth of less than a step, and of several
# rounds of the ring; columns that are no multiple of four.
@pytest.mark.parametrize(
    "left, m, k, n, tile, seeds",
    [
        (np.int8, 1100, 48, 1100, "128 x 128", (1, 2)),
        (np.uint8, 520, 656, 1030, "64 x 128", (1,)),
        (np.uint8, 1090, 80, 2190, "128 x 256", (1,)),
    ],
)
def test_integers(left, m, k, n, tile, seeds, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    weights = {"w": numbers(rng, (k, n), np.int8), "zero": np.array(7, left)}
    nodes = [helper.make_node("MatMulInteger", ["x", "w", "zero"], ["y"])]
    feeds = {"x": numbers(rng, (m, k), left)}
    check(tmp_path, monkeypatch, nodes, feeds, weights, tile=tile, seeds=seeds)


def quantized(kind, op, x, w, channels, rng):
    """A product between DequantizeLinear and QuantizeLinear."""
    weights = {
        "sx": np.float32(0.02),
        "zx": np.array(3, kind),
        "w": numbers(rng, w, np.int8),
        "sw": (rng.random(channels) * 0.01 + 0.001).astype(np.float32),
        "b": rng.standard_normal(channels).astype(np.float32),
        "sy": np.float32(0.1),
        "zy": np.array(11, kind),
    }
    axis = 0 if op == "Conv" else 1
    last = ["b"] if op == "Conv" else []
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "sx", "zx"], ["xf"]),
        helper.make_node("DequantizeLinear", ["w", "sw"], ["wf"], axis=axis),
        helper.make_node(op, ["xf", "wf", *last], ["p"]),
        helper.make_node("Add", ["p", "b"], ["s"]),
        helper.make_node("Relu", ["p" if op == "Conv" else "s"], ["r"]),
        helper.make_node("QuantizeLinear", ["r", "sy", "zy"], ["y"]),
    ]
    if op == "Conv":
        del nodes[3]
    return nodes, {"x": numbers(rng, x, kind)}, weights


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_requantized(kind, tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    nodes, feeds, weights = quantized(kind, "MatMul", (9, 130, 80), (80, 1096), 1096, rng)
    check(tmp_path, monkeypatch, nodes, feeds, weights, {("x", 0): "N"})


def test_convolution_of_points(tmp_path, monkeypatch):
    rng = np.random.default_rng(2)
    shapes = (6, 48, 14, 14), (1024, 48, 1, 1)
    nodes, feeds, weights = quantized(np.uint8, "Conv", *shapes, 1024, rng)
    check(tmp_path, monkeypatch, nodes, feeds, weights)


@pytest.mark.parametrize(
    "kinds, m, k, n, tile",
    [
        (("e4m3", "e4m3"), 1100, 48, 1100, "128 x 128"),
        (("e5m2", "e4m3"), 520, 656, 1030, "64 x 128"),
        (("e4m3", "e5m2"), 64, 32, 33792, "64 x 256"),
    ],
)
def test_floats(kinds, m, k, n, tile, tmp_path):
    factors = Factors((m, k), (k, n), 1, kinds)
    nodes = [
        helper.make_node("MatMul", ["xf", "wf"], ["p"]),
        helper.make_node("Relu", ["p"], ["y"]),
    ]
    check_float8(tmp_path, TARGET, factors, nodes, np.maximum(factors.x @ factors.w, 0))
    assert f"product of warpgroups, tiles of {tile}" in tool.explain(tmp_path / "model.onnx", TARGET)


@pytest.mark.parametrize(
    "m, k, reason",
    [
        (2048, 72, "rows of a factor are no multiple of 16 bytes"),
        (64, 64, "smaller tiles of warps keep more of the device busy"),
    ],
)
def test_reason(m, k, reason, tmp_path):
    weights = {"w": np.zeros((k, 1024), np.int8)}
    feeds = {"x": np.zeros((m, k), np.int8)}
    nodes = [helper.make_node("MatMulInteger", ["x", "w"], ["y"])]
    save(tmp_path / "m.onnx", nodes, feeds, {}, weights)
    assert f"no product of warpgroups: {reason}" in tool.explain(tmp_path / "m.onnx", TARGET)


@pytest.mark.skipif(not tool.PTXAS, reason="ptxas is not installed")
@pytest.mark.parametrize(
    "kind, m, n, tile",
    [
        ("int8", 2048, 4096, "128 x 256, in pairs"),
        ("int8", 512, 4096, "128 x 128, in pairs"),
        ("e4m3", 2048, 4096, "128 x 128, in pairs"),
        ("e4m3", 64, 256 * 132, "64 x 256"),
    ],
)
def test_assembler(kind, m, n, tile, tmp_path):
    """Sums stay in registers, and nothing makes products wait for each other."""
    model = tmp_path / "m.onnx"
    if kind == "int8":
        rng = np.random.default_rng(3)
        nodes, feeds, weights = quantized(np.uint8, "MatMul", (m, 128), (128, n), n, rng)
        save(model, nodes, feeds, {}, weights)
    else:
        factors = Factors((m, 128), (128, n), 1)
        nodes = [*factors.nodes, helper.make_node("MatMul", ["xf", "wf"], ["y"])]
        save_float8(model, nodes, factors.feeds, factors.weights)
    assert f"product of warpgroups, tiles of {tile}\n" in tool.explain(model, TARGET)
    flags = [f"--target={TARGET}", "--emit=ptx", "-o", tmp_path / "m.ptx"]
    finished = tool.run([tool.tool("ingot"), "compile", model, *flags])
    assert finished.outcome() == "done", finished.message()
    flags = ["-v", "-arch=sm_90a", tmp_path / "m.ptx", "-o", tmp_path / "m.cubin"]
    finished = tool.run([tool.PTXAS, *flags])
    assert finished.status == 0, finished.stderr
    spills = [line for line in finished.stderr.splitlines() if "spill" in line]
    assert spills and all("0 bytes spill stores, 0 bytes spill loads" in s for s in spills)
    assert "(C75" not in finished.stderr
