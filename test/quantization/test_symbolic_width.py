"""A convolution with few channels over images of any width."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import rational
from support import tool


@pytest.mark.parametrize("target", ["host", "x86-64-v3", "aarch64"])
@pytest.mark.parametrize("width", [3, 5, 13, 14, 40])
def test_widths_below_and_above_a_tile(width, target, tmp_path):
    if reason := tool.emulator_missing(target):
        pytest.skip(reason)
    rng = np.random.default_rng(width)
    # More filters than one panel has: each must see the rows of its own tile.
    weights = rng.integers(-128, 128, (70, 3, 3, 3)).astype("i1")
    graph = helper.make_graph(
        [helper.make_node("ConvInteger", ["x", "w", "z"], ["y"], pads=[1, 1, 1, 1])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [1, 3, 6, "W"])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [1, 70, 6, "W"])],
        [
            numpy_helper.from_array(weights, "w"),
            numpy_helper.from_array(np.array(7, "u1"), "z"),
        ],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    model = tmp_path / "model.onnx"
    onnx.save(proto, model)
    x = rng.integers(0, 256, (1, 3, 6, width)).astype("u1")
    (y,) = rational.run(model, {"x": x}, target).values()
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(y, session.run(None, {"x": x})[0])
