"""Products and convolutions by mma.sync on the interpreter of PTX: every type,
the tiles of every size, groups, and each architecture that has them.

Factors are small multiples of 1/8, so that sums are exact in any order: results
must be those of the processor to the bit.
"""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from support import tool
from test_gpu_products import numbers, outputs, save

LATER = ("sm_86", "sm_89", "sm_120")
TYPES = {"f16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16}


def check(folder, nodes, feeds, weights, target="sm_80", symbols=()):
    if tool.emulator_missing(target):
        pytest.skip(tool.emulator_missing(target))
    path = folder / "model.onnx"
    save(path, nodes, feeds, dict(symbols), weights)
    # The first opset whose Conv takes bf16.
    model = onnx.load(path)
    model.opset_import[0].version = 22
    model.ir_version = 10
    onnx.save(model, path)
    expected = outputs(path, "host", feeds, folder)
    actual = outputs(path, target, feeds, folder)
    assert np.any(expected)
    np.testing.assert_array_equal(actual, expected)
    ptx = folder / "model.ptx"
    finished = tool.run(
        [tool.tool("ingot"), "compile", path, f"--target={target}", "--emit=ptx", "-o", ptx]
    )
    assert finished.outcome() == "done", finished.message()
    return ptx.read_text()


def halves(kind, nodes, names):
    """The nodes with the named f32 values cast to halves before, and the result
    back after."""
    before = [helper.make_node("Cast", [n], [n + "_h"], to=TYPES[kind]) for n in names]
    for node in nodes:
        for i, name in enumerate(node.input):
            if name in names:
                node.input[i] = name + "_h"
    nodes[-1].output[0] = "h"
    return [*before, *nodes, helper.make_node("Cast", ["h"], ["y"], to=TensorProto.FLOAT)]


def product(kind, m, k, n, folder, target="sm_80", batch=(), symbols=()):
    rng = np.random.default_rng(m)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["s"]),
        helper.make_node("Relu", ["s"], ["y"]),
    ]
    weights = {"w": numbers(rng, (k, n), np.float32), "b": numbers(rng, n, np.float32)}
    feeds = {"x": numbers(rng, (*batch, m, k), np.float32)}
    ptx = check(folder, halves(kind, nodes, "xwb"), feeds, weights, target, symbols)
    assert f"mma.sync.aligned.m16n8k16.row.col.f32.{kind}.{kind}.f32" in ptx


# Every tile of matrixShapes, whole and ragged.
@pytest.mark.parametrize(
    "m, k, n",
    [(40, 72, 50), (33, 17, 19), (130, 64, 96), (640, 40, 520), (1300, 24, 520), (1800, 33, 1100)],
)
def test_products_of_bf16(m, k, n, tmp_path):
    product("bf16", m, k, n, tmp_path)


def test_symbolic_rows_of_bf16(tmp_path):
    product("bf16", 21, 40, 36, tmp_path, batch=(2,), symbols={("x", 0): "N", ("x", 1): "M"})


@pytest.mark.parametrize("target", LATER)
@pytest.mark.parametrize("kind", TYPES)
def test_later_architectures(kind, target, tmp_path):
    product(kind, 70, 40, 66, tmp_path, target)


@pytest.mark.parametrize("kind", TYPES)
def test_both_operands_vary(kind, tmp_path):
    rng = np.random.default_rng(7)
    feeds = {
        "x": numbers(rng, (2, 3, 40, 24), np.float32),
        "w": numbers(rng, (3, 24, 48), np.float32),
    }
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    assert "mma.sync" in check(tmp_path, halves(kind, nodes, "xw"), feeds, {})


CONVOLUTIONS = [
    # channels, size, filters, kernel, stride, pad, dilation, group
    (3, (17, 16), 8, 3, 2, 1, 1, 1),
    (24, (10, 9), 20, 3, 1, 1, 1, 1),
    (32, (9, 9), 32, 3, 2, 2, 2, 2),
    (30, (8, 7), 45, 3, 1, 1, 1, 3),
    (48, (7, 8), 12, 1, 1, 0, 1, 6),
    (16, (20,), 24, 5, 1, 2, 1, 1),
    (64, (24, 24), 64, 3, 1, 1, 1, 1),
]


@pytest.mark.parametrize("c, size, f, k, stride, pad, dilation, group", CONVOLUTIONS)
@pytest.mark.parametrize("kind", [*TYPES, "u8", "s8"])
def test_convolutions(kind, c, size, f, k, stride, pad, dilation, group, tmp_path):
    rng = np.random.default_rng(8)
    rank = len(size)
    shape = dict(strides=[stride] * rank, pads=[pad] * 2 * rank, group=group)
    shape["dilations"] = [dilation] * rank
    kernel = (f, c // group, *[k] * rank)
    if kind in TYPES:
        weights = {"w": numbers(rng, kernel, np.float32), "b": numbers(rng, f, np.float32)}
        nodes = [
            helper.make_node("Conv", ["x", "w", "b"], ["s"], **shape),
            helper.make_node("Relu", ["s"], ["y"]),
        ]
        feeds = {"x": numbers(rng, (2, c, *size), np.float32)}
        ptx = check(tmp_path, halves(kind, nodes, "xwb"), feeds, weights)
        assert f"mma.sync.aligned.m16n8k16.row.col.f32.{kind}.{kind}.f32" in ptx
        return
    dtype = np.uint8 if kind == "u8" else np.int8
    weights = {"w": numbers(rng, kernel, np.int8), "zero": np.array(5, dtype)}
    nodes = [helper.make_node("ConvInteger", ["x", "w", "zero"], ["y"], **shape)]
    feeds = {"x": numbers(rng, (2, c, *size), dtype)}
    ptx = check(tmp_path, nodes, feeds, weights)
    assert f"mma.sync.aligned.m16n8k32.row.col.s32.{kind}.s8.s32" in ptx


@pytest.mark.parametrize("target", ["sm_80", *LATER])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_integers(dtype, target, tmp_path):
    rng = np.random.default_rng(9)
    m, k, n = (500, 40, 700) if target == "sm_80" else (70, 70, 50)
    weights = {"w": numbers(rng, (k, n), np.int8)}
    nodes = [helper.make_node("MatMulInteger", ["x", "w"], ["y"])]
    kind = "u8" if dtype == np.uint8 else "s8"
    ptx = check(tmp_path, nodes, {"x": numbers(rng, (m, k), dtype)}, weights, target)
    assert f".s32.{kind}.s8.s32" in ptx
