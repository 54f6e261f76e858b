"""Kernels of GPUs that threads do together, on the interpreter of PTX, against
NumPy: transposes through shared memory, rows and reductions of teams."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from support import tool


def run(nodes, feeds, output, shape, tmp_path, target="sm_80", symbolic=False):
    missing = tool.emulator_missing(target)
    if missing:
        pytest.skip(missing)
    inputs = [
        helper.make_tensor_value_info(
            name,
            helper.np_dtype_to_tensor_dtype(a.dtype),
            [f"{name}{d}" for d in range(a.ndim)] if symbolic else a.shape,
        )
        for name, a in feeds.items()
    ]
    dtype = helper.np_dtype_to_tensor_dtype(np.dtype(output))
    made = helper.make_tensor_value_info("out", dtype, shape)
    graph = helper.make_graph(nodes, "g", inputs, [made])
    opset = helper.make_opsetid("", 20)
    model = helper.make_model(graph, ir_version=9, opset_imports=[opset])
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    np.savez(tmp_path / "in.npz", **feeds)
    finished = tool.run(
        [tool.tool("ingot"), "run", tmp_path / "model.onnx", *tool.target_flags(target)]
        + ["--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz"],
        env=tool.target_environment(target) | {"INGOT_FAKE_CUDA_RACES": "1"},
    )
    assert finished.outcome() == "done", finished.message()
    return np.load(tmp_path / "out.npz")["out"]


def values(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    if dtype == np.bool_:
        return rng.integers(0, 2, shape).astype(bool)
    return rng.integers(-100, 100, shape).astype(dtype)


TYPES = [np.float32, np.float16, np.int8, np.int64, np.bool_, np.float64]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    "shape, perm",
    [
        ((33, 65), (1, 0)),
        ((8, 200), (1, 0)),
        ((3, 40, 70), (0, 2, 1)),
        ((2, 9, 5, 31), (0, 3, 2, 1)),
    ],
)
def test_transpose(shape, perm, dtype, tmp_path):
    x = values(shape, dtype)
    node = helper.make_node("Transpose", ["x"], ["out"], perm=perm)
    expected = x.transpose(perm)
    actual = run([node], {"x": x}, dtype, expected.shape, tmp_path)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("symbolic", [False, True])
def test_two_transposed_operands(symbolic, tmp_path):
    x, y, z = (values((50, 37), np.float32, seed) for seed in range(3))
    nodes = [
        helper.make_node("Transpose", ["x"], ["xt"], perm=[1, 0]),
        helper.make_node("Transpose", ["y"], ["yt"], perm=[1, 0]),
        helper.make_node("Mul", ["xt", "yt"], ["product"]),
        helper.make_node("Sub", ["product", "z"], ["out"]),
    ]
    feeds = {"x": x, "y": y, "z": np.ascontiguousarray(z.T)}
    shape = None if symbolic else (37, 50)
    actual = run(nodes, feeds, np.float32, shape, tmp_path, symbolic=symbolic)
    np.testing.assert_array_equal(actual, (x * y - z).T)


@pytest.mark.parametrize("target", ["sm_75", "sm_90a"])
@pytest.mark.parametrize("length", [1, 7, 16, 100, 1000, 1001, 3000, 10007])
def test_softmax(length, target, tmp_path):
    x = np.random.default_rng(1).standard_normal((5, length)).astype("f") * 4
    node = helper.make_node("Softmax", ["x"], ["out"], axis=-1)
    actual = run([node], {"x": x}, np.float32, x.shape, tmp_path, target)
    expected = np.exp(x.astype("d") - x.max(1, keepdims=True))
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(actual, expected, rtol=2e-6, atol=1e-12)


@pytest.mark.parametrize("length", [5, 100, 1023, 5000, 20001])
@pytest.mark.parametrize("op", ["ReduceSum", "ReduceMax", "ReduceProd"])
@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_reduction(op, length, dtype, tmp_path):
    x = values((3, length), dtype)
    if op == "ReduceProd":
        x = np.where(np.arange(length) % 50 == 0, 2, 1).astype(dtype) * np.ones_like(x)
        x[:, 40 * 50 :] = 1
    axes = helper.make_node(
        "Constant",
        [],
        ["axes"],
        value=helper.make_tensor("v", TensorProto.INT64, [1], [1]),
    )
    node = helper.make_node(op, ["x", "axes"], ["out"], keepdims=0)
    actual = run([axes, node], {"x": x}, dtype, (3,), tmp_path)
    how = {"ReduceSum": np.sum, "ReduceMax": np.max, "ReduceProd": np.prod}[op]
    expected = how(x, axis=1)
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-2)


@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize("length", [48, 768, 5000])
def test_layer_normalization(length, symbolic, tmp_path):
    rng = np.random.default_rng(2)
    x = rng.standard_normal((4, length)).astype("f") + 3
    feeds = {"x": x, "s": rng.standard_normal(length).astype("f")}
    node = helper.make_node("LayerNormalization", ["x", "s"], ["out"], axis=-1)
    shape = None if symbolic else x.shape
    actual = run([node], feeds, np.float32, shape, tmp_path, symbolic=symbolic)
    wide = x.astype("d")
    normal = wide - wide.mean(1, keepdims=True)
    normal /= np.sqrt(wide.var(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(actual, normal * feeds["s"], rtol=1e-4, atol=1e-5)
