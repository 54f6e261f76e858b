"""`ingot quantize --dynamic --per-token`."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from quantizing import op_types, reference, sqnr
from support import tool


def transformer_like(path, opset):
    """Two products of one activation, and one of their sum; rows differ much in
    size."""
    rng = np.random.default_rng(1)
    node = helper.make_node
    weights = {
        "wa": rng.normal(size=(48, 64)),
        "wb": rng.normal(size=(48, 64)),
        "wc": rng.normal(size=(32, 64)),
        "bias": rng.normal(size=32) * 1e-3,
    }
    nodes = [
        node("MatMul", ["x", "wa"], ["a"]),
        node("MatMul", ["x", "wb"], ["b"]),
        node("Add", ["a", "b"], ["s"]),
        node("Gemm", ["s", "wc", "bias"], ["y"], transB=1),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "g",
        [value("x", TensorProto.FLOAT, ["N", 48])],
        [value("y", TensorProto.FLOAT, ["N", 32])],
        [numpy_helper.from_array(w.astype("f"), n) for n, w in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


@pytest.fixture
def rows():
    rng = np.random.default_rng(2)
    return (rng.normal(size=(6, 48)) * 10.0 ** np.arange(-3, 3)[:, None]).astype("f")


# ReduceMax has its axes as an attribute, and as an input.
@pytest.mark.parametrize("opset", [13, 17, 18, 21])
def test_scale_of_each_row(opset, quantize, rows, tmp_path):
    model = transformer_like(tmp_path / "m.onnx", opset)
    result = quantize(model, [], "--dynamic", "--per-token", "--ignore-speed")
    ops = op_types(result.model)
    assert ops.count("MatMulInteger") == 3
    # Products of one activation share its integers.
    assert ops.count("ReduceMax") == 2
    assert "DynamicQuantizeLinear" not in ops
    exact = reference(model, {"x": rows})[0]
    expected = reference(result.path, {"x": rows})[0]
    per_tensor = quantize(model, [], "--dynamic", "--ignore-speed", name="t.onnx")
    other = reference(per_tensor.path, {"x": rows})[0]
    for i in range(len(rows)):
        assert sqnr(exact[i], expected[i]) > 30
    assert sqnr(exact[0], other[0]) < 10
    np.savez(tmp_path / "in.npz", x=rows)
    command = [tool.tool("ingot"), "run", result.path, "--quiet"]
    command += ["--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz"]
    done = tool.run(command)
    assert done.outcome() == "done", done.message()
    actual = np.load(tmp_path / "out.npz")["y"]
    for i in range(len(rows)):
        assert sqnr(expected[i], actual[i]) > 60


def test_compiled_to_two_kernels_each(quantize, tmp_path):
    model = transformer_like(tmp_path / "m.onnx", 18)
    result = quantize(model, [], "--dynamic", "--per-token", "--ignore-speed")
    done = tool.run([tool.tool("ingot"), "explain", result.path])
    assert done.outcome() == "done", done.message()
    # Rows, two products; rows of their sum, and the last product.
    assert "5 launches" in done.stdout


def test_only_dynamic(refused, tmp_path):
    model = transformer_like(tmp_path / "m.onnx", 18)
    assert "--dynamic" in refused("IG6111", model, "--per-token")
