"""Products and convolutions of GPUs on the interpreter of PTX.

Factors are small multiples of 1/8, so that floats are summed exactly in any
order: results must be those of the processor to the bit.
"""

import numpy as np
import pytest
from onnx import helper, numpy_helper

from support import tool

TARGETS = ("sm_75", "sm_80")
TYPES = {"f16": np.float16, "f32": np.float32, "f64": np.float64}


def numbers(rng, shape, dtype):
    if dtype == np.uint8:
        return rng.integers(0, 256, shape).astype(dtype)
    if dtype == np.int8:
        return rng.integers(-128, 128, shape).astype(dtype)
    return (rng.integers(-8, 9, shape) / 8).astype(dtype)


def save(path, nodes, feeds, symbols, weights):
    inputs = [
        helper.make_tensor_value_info(
            name,
            helper.np_dtype_to_tensor_dtype(array.dtype),
            [symbols.get((name, i), size) for i, size in enumerate(array.shape)],
        )
        for name, array in feeds.items()
    ]
    outputs = [helper.make_empty_tensor_value_info("y")]
    constants = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "product", inputs, outputs, constants)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, ir_version=9, opset_imports=opsets)
    path.write_bytes(model.SerializeToString())


def outputs(model, target, feeds, folder):
    np.savez(folder / "in.npz", **feeds)
    finished = tool.run(
        [tool.tool("ingot"), "run", model, *tool.target_flags(target)]
        + ["--inputs", folder / "in.npz", "--outputs", folder / "out.npz"],
        env={**tool.target_environment(target), "INGOT_FAKE_CUDA_RACES": "1"},
        timeout=300,
    )
    assert finished.outcome() == "done", finished.message()
    return np.load(folder / "out.npz")["y"]


def check(target, folder, nodes, feeds, weights, symbols=(), tolerance=0):
    missing = tool.emulator_missing(target)
    if missing:
        pytest.skip(missing)
    model = folder / "model.onnx"
    save(model, nodes, feeds, dict(symbols), weights)
    expected = outputs(model, "host", feeds, folder)
    actual = outputs(model, target, feeds, folder)
    assert actual.dtype == expected.dtype and actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


PRODUCTS = [
    # type, rows, depth, columns: whole tiles, ragged ones, few rows
    ("f32", 100, 72, 60),
    ("f32", 33, 17, 19),
    ("f32", 300, 40, 320),
    ("f32", 1, 256, 100),
    ("f32", 4, 100, 33),
    ("f64", 40, 30, 50),
    ("f64", 3, 50, 40),
    ("f16", 130, 64, 96),
    ("f16", 33, 17, 19),
    ("f16", 200, 72, 200),
    ("f16", 8, 64, 72),
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind, m, k, n", PRODUCTS)
def test_constant_right(kind, m, k, n, target, tmp_path):
    rng = np.random.default_rng(0)
    dtype = TYPES[kind]
    weights = {"w": numbers(rng, (k, n), dtype), "b": numbers(rng, n, dtype)}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["s"]),
        helper.make_node("Relu", ["s"], ["y"]),
    ]
    check(target, tmp_path, nodes, {"x": numbers(rng, (m, k), dtype)}, weights)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", ["f32", "f16"])
@pytest.mark.parametrize("rows", [2, 20])
def test_batches(rows, kind, target, tmp_path):
    rng = np.random.default_rng(1)
    feeds = {
        "x": numbers(rng, (3, 2, rows, 24), TYPES[kind]),
        "w": numbers(rng, (2, 24, 40), TYPES[kind]),
    }
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    check(target, tmp_path, nodes, feeds, {})


@pytest.mark.parametrize("target", TARGETS)
def test_symbolic_rows(target, tmp_path):
    rng = np.random.default_rng(2)
    feeds = {"x": numbers(rng, (3, 7, 24), np.float32)}
    weights = {"w": numbers(rng, (24, 36), np.float32)}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    symbols = {("x", 0): "N", ("x", 1): "M"}
    check(target, tmp_path, nodes, feeds, weights, symbols)


@pytest.mark.parametrize("target", TARGETS)
def test_transposed_left(target, tmp_path):
    rng = np.random.default_rng(3)
    feeds = {"x": numbers(rng, (24, 50), np.float32)}
    weights = {"w": numbers(rng, (24, 36), np.float32)}
    nodes = [helper.make_node("Gemm", ["x", "w"], ["y"], transA=1)]
    check(target, tmp_path, nodes, feeds, weights)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("left", [np.int8, np.uint8])
@pytest.mark.parametrize("m, k, n", [(50, 64, 40), (33, 19, 21), (150, 96, 200), (5, 60, 44)])
def test_integers(m, k, n, left, target, tmp_path):
    rng = np.random.default_rng(4)
    weights = {"w": numbers(rng, (k, n), np.int8)}
    nodes = [helper.make_node("MatMulInteger", ["x", "w"], ["y"])]
    check(target, tmp_path, nodes, {"x": numbers(rng, (m, k), left)}, weights)


CONVOLUTIONS = [
    # images, channels, size, filters, kernel, stride, pad, dilation, group
    (1, 3, (16, 16), 8, 3, 2, 1, 1, 1),
    (2, 8, (10, 9), 20, 3, 1, 1, 1, 1),
    (1, 32, (9, 9), 32, 3, 2, 2, 2, 2),
    (2, 16, (7, 7), 24, 1, 1, 0, 1, 1),
    (1, 16, (7, 8), 24, 1, 2, 0, 1, 1),
    (1, 8, (20,), 12, 5, 1, 2, 1, 1),
    (1, 8, (5, 6, 7), 16, 3, 1, 1, 1, 1),
    (1, 64, (20, 20), 64, 3, 1, 1, 1, 1),
    (2, 16, (9, 9), 16, 3, 1, 1, 1, 16),
    (1, 10, (8, 7), 10, 3, 2, 1, 1, 10),
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", ["f32", "f16", "int8"])
@pytest.mark.parametrize("n, c, size, f, k, stride, pad, dilation, group", CONVOLUTIONS)
def test_convolutions(n, c, size, f, k, stride, pad, dilation, group, kind, target, tmp_path):
    rng = np.random.default_rng(5)
    rank = len(size)
    shape = dict(strides=[stride] * rank, pads=[pad] * 2 * rank, group=group)
    shape["dilations"] = [dilation] * rank
    kernel = (f, c // group, *[k] * rank)
    if kind == "int8":
        weights = {"w": numbers(rng, kernel, np.int8), "zero": np.array(7, np.uint8)}
        nodes = [helper.make_node("ConvInteger", ["x", "w", "zero"], ["y"], **shape)]
        feeds = {"x": numbers(rng, (n, c, *size), np.uint8)}
    else:
        dtype = TYPES[kind]
        weights = {"w": numbers(rng, kernel, dtype), "b": numbers(rng, f, dtype)}
        nodes = [
            helper.make_node("Conv", ["x", "w", "b"], ["s"], **shape),
            helper.make_node("Relu", ["s"], ["y"]),
        ]
        feeds = {"x": numbers(rng, (n, c, *size), dtype)}
    check(target, tmp_path, nodes, feeds, weights)


# With one channel at a time, what a depth means is in a table.
@pytest.mark.parametrize("channels, group, table", [(3, 1, True), (9, 3, True), (8, 1, False)])
@pytest.mark.parametrize("size", [(9,), (9, 8), (5, 6, 7)])
def test_table_of_taps(size, channels, group, table, tmp_path):
    rng = np.random.default_rng(10)
    rank = len(size)
    shape = dict(strides=[2] * rank, pads=[3] * 2 * rank, dilations=[2] * rank, group=group)
    weights = {"w": numbers(rng, (6, channels // group, *[3] * rank), np.float32)}
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Conv", ["r", "w"], ["y"], **shape),
    ]
    feeds = {"x": numbers(rng, (2, channels, *size), np.float32)}
    check("sm_80", tmp_path, nodes, feeds, weights)
    flags = ["--target=sm_80", "--emit=ptx", "-o", tmp_path / "m.ptx"]
    tool.run([tool.tool("ingot"), "compile", tmp_path / "model.onnx", *flags])
    assert ("ingot_taps" in (tmp_path / "m.ptx").read_text()) == table


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "m, k, n, bits, block, zeros",
    [
        (1, 128, 100, 4, 32, True),
        (4, 96, 64, 4, 16, False),
        (1, 100, 40, 4, 32, True),
        (2, 128, 70, 8, 64, True),
        (8, 128, 64, 2, 32, True),
        (12, 64, 40, 4, 32, True),
    ],
)
def test_quantized_weights(m, k, n, bits, block, zeros, target, tmp_path):
    rng = np.random.default_rng(6)
    blocks = -(-k // block)
    weights = {
        "w": rng.integers(0, 256, (n, blocks, block * bits // 8)).astype(np.uint8),
        "scales": (rng.random(n * blocks) / 8).astype(np.float32),
    }
    names = ["x", "w", "scales"]
    if zeros:
        row = -(-blocks * bits // 8)
        weights["zeros"] = rng.integers(0, 256, n * row).astype(np.uint8)
        names.append("zeros")
    nodes = [
        helper.make_node(
            "MatMulNBits",
            names,
            ["y"],
            domain="com.microsoft",
            K=k,
            N=n,
            bits=bits,
            block_size=block,
        )
    ]
    feeds = {"x": numbers(rng, (m, k), np.float32)}
    # Sums of up to 128 products with codes of up to 255.
    check(target, tmp_path, nodes, feeds, weights, tolerance=1e-6 * 2 ** (bits + 3))
