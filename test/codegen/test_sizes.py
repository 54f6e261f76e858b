"""Sizes that some input shapes make impossible are refused before a run."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from support.tool import run, tool


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """sum over cumsum(x[3:]) beside other intermediate values."""
    node = helper.make_node
    graph = helper.make_graph(
        [
            node("Slice", ["x", "start", "end"], ["rest"]),
            node("CumSum", ["rest", "axis"], ["sums"]),
            node("CumSum", ["sums", "axis"], ["more"]),
            node("ReduceSum", ["more"], ["total"]),
            node("CumSum", ["k", "axis"], ["k1"]),
            node("CumSum", ["k1", "axis"], ["k2"]),
            node("Add", ["k2", "total"], ["y"]),
        ],
        "sizes",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N"]),
            helper.make_tensor_value_info("k", TensorProto.FLOAT, [64]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [64])],
        [
            helper.make_tensor("start", TensorProto.INT64, [1], [3]),
            helper.make_tensor("end", TensorProto.INT64, [1], [2**63 - 1]),
            helper.make_tensor("axis", TensorProto.INT64, [], [0]),
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    folder = tmp_path_factory.mktemp("sizes")
    onnx.save(helper.make_model(graph, opset_imports=opset), folder / "model.onnx")
    command = [tool("ingot"), "compile", "model.onnx", "-o", "model.so"]
    assert run(command, cwd=folder).outcome() == "done"
    return folder


@pytest.mark.parametrize("size", range(7))
def test_what_is_behind_the_first_three(model, size):
    x, k = np.arange(size, dtype="f") + 1, np.ones(64, "f")
    np.savez(model / "in.npz", x=x, k=k)
    command = [tool("ingot"), "run", "model.so", "--inputs", "in.npz"]
    finished = run([*command, "--outputs", "out.npz"], cwd=model)
    if size < 3:
        assert finished.outcome() == "refused"
        assert "[IG7009]" in finished.message() and "negative size" in finished.message()
        return
    assert finished.outcome() == "done", finished.message()
    expected = np.cumsum(np.cumsum(k)) + np.cumsum(np.cumsum(x[3:])).sum()
    np.testing.assert_allclose(np.load(model / "out.npz")["y"], expected, rtol=1e-5)
