"""Recurrent layers of every kind, direction and option against ONNX Runtime."""

import itertools

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from support import agreement, tool

STEPS, BATCH, INPUTS, HIDDEN = 5, 3, 7, 6
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
VARIANTS = {
    "plain": {},
    "clip": {"clip": 0.2},
    "relu": {"activations": ["Relu", "Softsign", "HardSigmoid"]},
    "alpha": {
        "activations": ["HardSigmoid", "LeakyRelu", "Affine"],
        "activation_alpha": [0.3, 0.2, 0.5],
        "activation_beta": [0.4, 0.1],
    },
    "linear": {"linear_before_reset": 1},
    "coupled": {"input_forget": 1},
}
ONLY = {"linear": "GRU", "coupled": "LSTM"}


def layer(kind, direction, variant, lengths, seed):
    rng = np.random.default_rng(seed)
    directions = 2 if direction == "bidirectional" else 1
    rows = GATES[kind] * HIDDEN
    array = lambda *shape: (rng.standard_normal(shape) * 0.5).astype("f")
    feeds = {"X": array(STEPS, BATCH, INPUTS)}
    constants = {"W": array(directions, rows, INPUTS), "R": array(directions, rows, HIDDEN)}
    names = ["X", "W", "R", "", "", ""]
    if seed % 2:
        constants["B"] = array(directions, 2 * rows)
        names[3] = "B"
    if lengths:
        feeds["lengths"] = np.array([2, 5, 1], np.int32)
        names[4] = "lengths"
    if seed % 3:
        feeds["h"] = array(directions, BATCH, HIDDEN)
        names[5] = "h"
    if kind == "LSTM":
        names += ["", ""]
        if seed % 3 == 2:
            feeds["c"] = array(directions, BATCH, HIDDEN)
            names[6] = "c"
        if seed % 2:
            constants["P"] = array(directions, 3 * HIDDEN)
            names[7] = "P"
    attributes = dict(VARIANTS[variant])
    if "activations" in attributes:
        count = {"RNN": 1, "GRU": 2, "LSTM": 3}[kind]
        chosen = attributes["activations"][:count]
        attributes["activations"] = chosen * directions
        for name in ("activation_alpha", "activation_beta"):
            if name in attributes:
                takes = [f for f in chosen if name.endswith("alpha") or f != "LeakyRelu"]
                attributes[name] = attributes[name][: len(takes)] * directions
    outputs = ["Y", "Y_h"] + (["Y_c"] if kind == "LSTM" else [])
    node = helper.make_node(
        kind, names, outputs, hidden_size=HIDDEN, direction=direction, **attributes
    )
    graph = helper.make_graph(
        [node],
        "layer",
        [
            helper.make_tensor_value_info(
                n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape
            )
            for n, v in feeds.items()
        ],
        [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in outputs],
        [onnx.numpy_helper.from_array(v, n) for n, v in constants.items()],
    )
    opsets = [helper.make_opsetid("", 14)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8), feeds


CASES = [
    (kind, direction, variant, lengths)
    for kind, direction, variant, lengths in itertools.product(
        GATES, ("forward", "reverse", "bidirectional"), VARIANTS, (False, True)
    )
    if ONLY.get(variant, kind) == kind
]


@pytest.mark.parametrize("kind,direction,variant,lengths", CASES)
def test_layer(kind, direction, variant, lengths, tmp_path):
    seed = CASES.index((kind, direction, variant, lengths))
    model, feeds = layer(kind, direction, variant, lengths, seed)
    onnx.save(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    names = [output.name for output in session.get_outputs()]
    expected = dict(zip(names, session.run(None, feeds)))
    np.savez(tmp_path / "in.npz", **feeds)
    command = [tool.tool("ingot"), "run", tmp_path / "model.onnx"]
    command += ["--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz"]
    finished = tool.run(command)
    assert finished.outcome() == "done", finished.message()
    with np.load(tmp_path / "out.npz") as actual:
        wrong = [agreement.disagreement(n, expected[n], actual[n]) for n in names]
    assert not any(wrong), "; ".join(filter(None, wrong))
