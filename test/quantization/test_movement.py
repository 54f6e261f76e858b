"""Operators that only move or compare elements, between DequantizeLinear and
QuantizeLinear: with equal parameters no element changes, and nothing is left in
float; with others each is requantized."""

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from rational import explain, run, save

X = (1, 4, 6, 8)
I = np.int64
# Operator, constants after the data, attributes.
CASES = {
    "Transpose": ([], {"perm": [0, 2, 3, 1]}),
    "Reshape": ([I([4, -1])], {}),
    "Squeeze": ([I([0])], {}),
    "Unsqueeze": ([I([1])], {}),
    "Flatten": ([], {"axis": 2}),
    "Slice": ([I([1, 2]), I([3, 7]), I([1, 3])], {}),
    "Gather": ([I([2, 0, 2])], {"axis": 1}),
    "GatherElements": ([np.full(X, 3, I)], {"axis": 3}),
    "Tile": ([I([1, 2, 1, 1])], {}),
    "Expand": ([I([3, 4, 6, 8])], {}),
    "DepthToSpace": ([], {"blocksize": 2}),
    "SpaceToDepth": ([], {"blocksize": 2}),
    "Pad": ([I([0, 0, 1, 2, 0, 0, 0, 1]), np.float32(1.5)], {}),
    "MaxPool": ([], {"kernel_shape": [2, 3], "pads": [1, 1, 0, 1]}),
    "ReduceMax": ([], {"axes": [1, 3]}),
    "Resize": (
        [np.float32([]), np.float32([1, 1, 2, 2])],
        {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"},
    ),
    "Relu": ([], {}),
    "Clip": ([np.float32(-2.5), np.float32(6)], {}),
    "Split": ([I([1, 3])], {"axis": 1}),
}


@pytest.mark.parametrize("same", [True, False], ids=["same scale", "other scale"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8], ids=["u8", "i8"])
@pytest.mark.parametrize("op", CASES)
def test_movement(op, dtype, same, tmp_path):
    extra, attributes = CASES[op]
    names = [f"k{i}" for i in range(len(extra))]
    outputs = ["f0", "f1"] if op == "Split" else ["f0"]
    constants = dict(zip(names, extra))
    constants |= {"s": np.float32(0.5), "z": dtype(100)}
    constants |= {"t": np.float32(0.5 if same else 0.7), "zt": dtype(100 if same else 90)}
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "s", "z"], ["fx"]),
        helper.make_node(op, ["fx", *names], outputs, name="node", **attributes),
        helper.make_node("QuantizeLinear", ["f0", "t", "zt"], ["y"]),
    ]
    info = np.iinfo(dtype)
    x = np.random.default_rng(8).integers(info.min, info.max + 1, X).astype(dtype)
    path = tmp_path / "m.onnx"
    model = save(path, nodes, {"x": (dtype, X)}, {"y": (dtype, None)}, constants, opset=17)
    expected = onnxruntime.InferenceSession(path).run(None, {"x": x})[0]
    assert np.array_equal(run(model, {"x": x})["y"], expected)
    assert "stays in float" not in explain(model)
