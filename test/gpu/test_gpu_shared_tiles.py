"""Blocks of GPUs that share the depth of a tile, on the interpreter of PTX with
its search for races, under several schedules.

Factors are small multiples of 1/8, so that sums are exact in any order: results
must be those of the processor to the bit.
"""

import numpy as np
import pytest
from onnx import helper
from support import tool
from test_gpu_products import TYPES, numbers, outputs, save

TARGETS = ("sm_75", "sm_80")

pytestmark = pytest.mark.skipif(
    bool(tool.emulator_missing("sm_80")), reason="the interpreter of PTX is not built"
)


def check(folder, monkeypatch, target, nodes, feeds, weights, symbols=(), blocks="", seeds=(1, 2)):
    model = folder / "model.onnx"
    save(model, nodes, feeds, dict(symbols), weights)
    assert f"{blocks} blocks share a tile of" in tool.explain(model, target)
    expected = outputs(model, "host", feeds, folder)
    for seed in seeds:
        monkeypatch.setenv("INGOT_FAKE_CUDA_SEED", str(seed))
        actual = outputs(model, target, feeds, folder)
        assert actual.dtype == expected.dtype and actual.shape == expected.shape
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "kind, m, k, n",
    [
        ("f32", 33, 700, 39),
        ("f32", 20, 1501, 60),
        ("f16", 33, 6017, 39),
        ("f16", 20, 6400, 32),
        ("f64", 33, 500, 40),
    ],
)
def test_products(kind, m, k, n, target, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    dtype = TYPES[kind]
    weights = {"w": numbers(rng, (k, n), dtype), "b": numbers(rng, n, dtype)}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["s"]),
        helper.make_node("Relu", ["s"], ["y"]),
    ]
    feeds = {"x": numbers(rng, (m, k), dtype)}
    check(tmp_path, monkeypatch, target, nodes, feeds, weights)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("left", [np.int8, np.uint8])
def test_integers(left, target, tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    k = 3015 if target == "sm_75" else 12100
    weights = {"w": numbers(rng, (k, 36), np.int8)}
    nodes = [helper.make_node("MatMulInteger", ["x", "w"], ["y"])]
    feeds = {"x": numbers(rng, (20, k), left)}
    check(tmp_path, monkeypatch, target, nodes, feeds, weights, seeds=(3,))


@pytest.mark.parametrize("target", TARGETS)
def test_batches(target, tmp_path, monkeypatch):
    rng = np.random.default_rng(2)
    feeds = {
        "x": numbers(rng, (3, 20, 600), np.float32),
        "w": numbers(rng, (3, 600, 40), np.float32),
        "r": numbers(rng, (3, 20, 40), np.float32),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "r"], ["y"]),
    ]
    check(tmp_path, monkeypatch, target, nodes, feeds, {})


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "kind, c, size, f, k, group",
    [("f32", 96, (6, 7), 40, 3, 1), ("f32", 128, (6, 6), 40, 3, 2), ("f16", 640, (5, 6), 20, 3, 1)],
)
def test_convolutions(kind, c, size, f, k, group, target, tmp_path, monkeypatch):
    rng = np.random.default_rng(3)
    dtype = TYPES[kind]
    weights = {"w": numbers(rng, (f, c // group, k, k), dtype), "b": numbers(rng, f, dtype)}
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["s"], pads=[1] * 4, group=group),
        helper.make_node("Relu", ["s"], ["y"]),
    ]
    feeds = {"x": numbers(rng, (1, c, *size), dtype)}
    check(tmp_path, monkeypatch, target, nodes, feeds, weights, seeds=(1,))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("rows", [1, 33, 300, 900])
def test_symbolic_rows(rows, target, tmp_path, monkeypatch):
    """Few rows are shared, of many rows each block has tiles of its own."""
    rng = np.random.default_rng(4)
    feeds = {"x": numbers(rng, (rows, 800), np.float32)}
    weights = {"w": numbers(rng, (800, 36), np.float32)}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Relu", ["p"], ["y"]),
    ]
    symbols = {("x", 0): "N"}
    check(tmp_path, monkeypatch, target, nodes, feeds, weights, symbols, blocks="several")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "kind, m, k, n", [("f32", 1, 3000, 40), ("f16", 4, 2700, 72), ("f32", 8, 1025, 33)]
)
def test_few_rows(kind, m, k, n, target, tmp_path, monkeypatch):
    rng = np.random.default_rng(6)
    dtype = TYPES[kind]
    weights = {"w": numbers(rng, (k, n), dtype), "b": numbers(rng, n, dtype)}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["y"]),
    ]
    feeds = {"x": numbers(rng, (m, k), dtype)}
    model = tmp_path / "model.onnx"
    save(model, nodes, feeds, {}, weights)
    assert f"columns of {m} row" in tool.explain(model, target)
    expected = outputs(model, "host", feeds, tmp_path)
    for seed in (1, 2):
        monkeypatch.setenv("INGOT_FAKE_CUDA_SEED", str(seed))
        np.testing.assert_array_equal(outputs(model, target, feeds, tmp_path), expected)
