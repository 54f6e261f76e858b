"""Inputs and outputs of 2 and 4 bits, which callers pass packed."""

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from support import tool

TYPES = {
    "INT4": ml_dtypes.int4,
    "UINT4": ml_dtypes.uint4,
    "INT2": ml_dtypes.int2,
    "UINT2": ml_dtypes.uint2,
    "FLOAT4E2M1": ml_dtypes.float4_e2m1fn,
}


@pytest.fixture(params=["host", "x86-64-v3", "aarch64"])
def target(request):
    missing = tool.emulator_missing(request.param)
    if missing:
        pytest.skip(missing)
    return request.param


def save(path, nodes, inputs, outputs, opset=25):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "narrow", [value(*each) for each in inputs], [value(*each) for each in outputs]
    )
    opsets = [helper.make_opsetid("", opset)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=12), path)
    return path


def run(path, arrays, target, folder):
    data = folder / "data"
    data.mkdir(exist_ok=True)
    for i, array in enumerate(arrays):
        proto = numpy_helper.from_array(array)
        (data / f"input_{i}.pb").write_bytes(proto.SerializeToString())
    out = folder / "out"
    command = [tool.tool("ingot"), "run", path, "--inputs", data, "--outputs", out]
    done = tool.run([*command, *tool.target_flags(target), "--quiet"])
    assert done.outcome() == "done", done.message()
    return [
        numpy_helper.to_array(onnx.TensorProto.FromString(file.read_bytes()))
        for file in sorted(out.glob("output_*.pb"))
    ]


def every_code(name, count):
    """Numbers of a type, all of them if there is room."""
    bits = 2 if name.endswith("2") else 4
    codes = np.arange(count) * 7 % (1 << bits)
    return codes.astype(np.uint8).view(np.uint8), bits


def numbers(name, shape):
    codes, bits = every_code(name, int(np.prod(shape)))
    kind = TYPES[name]
    table = np.arange(1 << bits, dtype=np.uint8)
    if name.startswith("FLOAT"):
        table = table.view(kind)
    elif name.startswith("INT"):
        table = np.where(table >= 1 << (bits - 1), table.astype(int) - (1 << bits), table).astype(kind)
    else:
        table = table.astype(kind)
    return table[codes].reshape(shape)


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("shape", [[1], [3, 5], [2, 8], [4, 3, 3]])
def test_there_and_back(name, shape, target, tmp_path):
    """As they are, moved, and as floats; counts that do not fill the last byte."""
    kind = getattr(TensorProto, name)
    node = helper.make_node
    nodes = [
        node("Identity", ["x"], ["same"]),
        node("Transpose", ["x"], ["turned"]),
        node("Cast", ["x"], ["floats"], to=TensorProto.FLOAT),
        node("Cast", ["f"], ["narrow"], to=kind),
    ]
    path = save(
        tmp_path / "m.onnx",
        nodes,
        [("x", kind, shape), ("f", TensorProto.FLOAT, shape)],
        [
            ("same", kind, shape),
            ("turned", kind, shape[::-1]),
            ("floats", TensorProto.FLOAT, shape),
            ("narrow", kind, shape),
        ],
    )
    x = numbers(name, shape)
    f = x.astype(np.float32)
    outputs = run(path, [x, f], target, tmp_path)
    for actual, expected in zip(outputs, [x, x.T, f, x], strict=True):
        assert actual.dtype == expected.dtype
        np.testing.assert_array_equal(actual.astype("f"), expected.astype("f"))


@pytest.mark.parametrize("rows", [0, 1, 3, 5])
def test_symbolic_size(rows, tmp_path):
    kind = TensorProto.INT4
    path = save(
        tmp_path / "m.onnx",
        [helper.make_node("Transpose", ["x"], ["y"], perm=[1, 0])],
        [("x", kind, ["N", 3])],
        [("y", kind, [3, "N"])],
    )
    x = numbers("INT4", [rows, 3])
    (y,) = run(path, [x], "host", tmp_path)
    np.testing.assert_array_equal(y.astype(int), x.T.astype(int))


def test_float4_rounding(target, tmp_path):
    """To nearest even; what is too large becomes the largest."""
    kind = TensorProto.FLOAT4E2M1
    x = np.array(
        [0, -0.0, 0.24, 0.25, 0.26, 0.75, 1.25, 1.75, 2.5, 3.5, 5, 5.1, 7, -1e9, np.inf, -0.3],
        np.float32,
    )
    path = save(
        tmp_path / "m.onnx",
        [helper.make_node("Cast", ["x"], ["y"], to=kind)],
        [("x", TensorProto.FLOAT, [x.size])],
        [("y", kind, [x.size])],
    )
    (y,) = run(path, [x], target, tmp_path)
    expected = x.astype(ml_dtypes.float4_e2m1fn)
    np.testing.assert_array_equal(y.astype("f"), expected.astype("f"))
    np.testing.assert_array_equal(np.signbit(y.astype("f")), np.signbit(expected.astype("f")))


def test_strings_are_refused(tmp_path):
    path = save(
        tmp_path / "m.onnx",
        [helper.make_node("Identity", ["x"], ["y"])],
        [("x", TensorProto.STRING, [2])],
        [("y", TensorProto.STRING, [2])],
        opset=21,
    )
    done = tool.run([tool.tool("ingot"), "compile", path, "-o", tmp_path / "m.so"])
    assert done.outcome() == "refused"
    assert "IG4003" in done.stderr and "'x'" in done.stderr
