"""Tiles of the last round of warpgroups (wgmma) whose depth blocks share, on the
interpreter of PTX. Factors are small multiples of 1/8, so that sums are exact in
any order: results must be those of the processor to the bit."""

import numpy as np
import pytest
from onnx import helper
from support import tool
from test_gpu_products import numbers, outputs, save
from test_gpu_warpgroups import HALF, TARGET

pytestmark = pytest.mark.skipif(
    bool(tool.emulator_missing(TARGET)), reason="the interpreter of PTX is not built"
)


def on_device(model, feeds, folder, multiprocessors, races):
    finished = tool.run(
        [tool.tool("ingot"), "run", model, *tool.target_flags(TARGET)]
        + ["--inputs", folder / "in.npz", "--outputs", folder / "out.npz"],
        env={
            **tool.target_environment(TARGET),
            "INGOT_FAKE_CUDA_MULTIPROCESSORS": str(multiprocessors),
            "INGOT_FAKE_CUDA_RACES": str(int(races)),
        },
        timeout=600,
    )
    assert finished.outcome() == "done", finished.message()
    return np.load(folder / "out.npz")["y"]


# Sixteen tiles that 64 blocks share, four each, or 40 of which some have parts
# of two; eight of pairs of blocks, which 20 pairs share in the same way.
@pytest.mark.parametrize(
    "columns, tile, multiprocessors, races",
    [
        (510, "64 x 128", 132, True),
        (510, "64 x 128", 40, False),
        (1022, "128 x 128, in pairs", 40, False),
    ],
)
def test_tail(columns, tile, multiprocessors, races, tmp_path):
    rng = np.random.default_rng(0)
    weights = {"w": numbers(rng, (2048, columns), HALF), "b": numbers(rng, columns, HALF)}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["s"]),
        helper.make_node("Relu", ["s"], ["y"]),
    ]
    feeds = {"x": numbers(rng, (256, 2048), HALF)}
    model = tmp_path / "model.onnx"
    save(model, nodes, feeds, {("x", 0): "N"}, weights)
    assert f"tiles of {tile}; blocks share the tiles of the last round" in tool.explain(model, TARGET)
    expected = outputs(model, "host", feeds, tmp_path)
    actual = on_device(model, feeds, tmp_path, multiprocessors, races)
    np.testing.assert_array_equal(actual, expected)


def test_convolution(tmp_path):
    """The depth is taps and channels; blocks begin and end at any of them."""
    rng = np.random.default_rng(1)
    weights = {"w": numbers(rng, (512, 232, 3, 3), HALF)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["s"], pads=[1] * 4),
        helper.make_node("Relu", ["s"], ["y"]),
    ]
    feeds = {"x": numbers(rng, (4, 232, 8, 8), HALF)}
    model = tmp_path / "model.onnx"
    save(model, nodes, feeds, {("x", 0): "N"}, weights)
    shown = tool.explain(model, TARGET)
    assert "convolution of warpgroups" in shown
    assert "blocks share the tiles of the last round" in shown
    expected = outputs(model, "host", feeds, tmp_path)
    actual = on_device(model, feeds, tmp_path, 40, False)
    np.testing.assert_array_equal(actual, expected)
