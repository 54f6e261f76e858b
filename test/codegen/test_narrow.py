"""Integers narrower than the vectors they are computed in."""

import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from support import tool


def save(path, nodes, shape, dtype, initializers=()):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "narrow",
        [value("x", TensorProto.FLOAT, shape)],
        [value("y", dtype, shape)],
        [numpy_helper.from_array(array, name) for name, array in initializers],
    )
    opsets = [helper.make_opsetid("", 21)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return path


@pytest.mark.parametrize("dtype, store", [("UINT8", "vpextrb"), ("INT16", "vpextrw")])
def test_last_lane_alone_is_stored_in_its_size(dtype, store, tmp_path):
    """LLVM 22 would store the lane before it is truncated, and so overwrite
    what follows."""
    number = getattr(TensorProto, dtype)
    zero = np.zeros((), helper.tensor_dtype_to_np_dtype(number))
    nodes = [helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["y"])]
    initializers = [("scale", np.float32(1)), ("zero", zero)]
    path = save(tmp_path / "m.onnx", nodes, [3, 2, 17], number, initializers)
    # Rows that stay rows.
    model = onnx.load(path)
    model.graph.node.insert(0, helper.make_node("Add", ["x", "row"], ["sum"]))
    model.graph.node[1].input[0] = "sum"
    row = numpy_helper.from_array(np.arange(17, dtype="f"), "row")
    model.graph.initializer.append(row)
    onnx.save(model, path)
    command = [tool.tool("ingot"), "compile", path, "--target=x86-64-v4"]
    done = tool.run([*command, "--emit=asm", "-o", tmp_path / "m.s"])
    assert done.outcome() == "done", done.message()
    text = (tmp_path / "m.s").read_text()
    assert re.search(store + r"\s+\$0, %xmm\d+, \S*\(%r", text)
    assert not re.search(r"(vmovd|vmovss|vextractps)\s+.*%xmm\d+, \S*\(%r", text)


@pytest.mark.parametrize("target", ["host", "aarch64"])
@pytest.mark.parametrize("dtype", [TensorProto.INT4, TensorProto.UINT4])
@pytest.mark.parametrize("columns", [1, 16, 37])
def test_4_bits_between_two_kernels(dtype, columns, target, tmp_path):
    missing = tool.emulator_missing(target)
    if missing:
        pytest.skip(missing)
    low, high = (-8, 7) if dtype == TensorProto.INT4 else (0, 15)
    node = helper.make_node
    nodes = [
        node("QuantizeLinear", ["x", "scale"], ["q"], output_dtype=dtype),
        node("Transpose", ["q"], ["t"], perm=[1, 0]),
        node("DequantizeLinear", ["t", "scale"], ["r"]),
        node("Transpose", ["r"], ["y"], perm=[1, 0]),
    ]
    scale = np.float32(0.5)
    path = save(tmp_path / "m.onnx", nodes, [5, columns], TensorProto.FLOAT, [("scale", scale)])
    x = np.random.default_rng(columns).normal(0, 6, (5, columns)).astype("f")
    np.savez(tmp_path / "in.npz", x=x)
    command = [tool.tool("ingot"), "run", path, *tool.target_flags(target)]
    command += ["--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz"]
    done = tool.run(command)
    assert done.outcome() == "done", done.message()
    expected = np.clip(np.round(x / scale), low, high) * scale
    np.testing.assert_array_equal(np.load(tmp_path / "out.npz")["y"], expected)
