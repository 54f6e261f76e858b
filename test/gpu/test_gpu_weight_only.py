"""Products with quantized weights, of more rows than registers hold, on the
interpreter of PTX.

Activations are small multiples of 1/8 and scales powers of two, so that sums
are exact in any order and no weight is rounded: results must be exact, but for
the rounding of the result itself.
"""

import numpy as np
import pytest
from onnx import TensorProto, helper
from support import tool
from test_gpu_fp32_products import run as run_fp32
from test_gpu_products import numbers, outputs, save

TARGETS = ("sm_75", "sm_80")


def pack(codes, bits):
    """Codes of the last dimension in bytes, the first in the lowest bits."""
    per = 8 // bits
    padded = np.zeros((*codes.shape[:-1], -(-codes.shape[-1] // per) * per), np.uint8)
    padded[..., : codes.shape[-1]] = codes
    shifts = (np.arange(per) * bits).astype(np.uint8)
    return np.bitwise_or.reduce(padded.reshape(*codes.shape[:-1], -1, per) << shifts, -1)


def quantized(rng, k, n, bits, block, zeros, exact=True):
    """Codes [n, k], scales and zero points [n, blocks], and the weights."""
    blocks = -(-k // block)
    codes = rng.integers(0, 1 << bits, (n, blocks * block)).astype(np.uint8)
    middle = 1 << (bits - 1)
    points = np.full((n, blocks), middle, np.uint8)
    if zeros:
        points = rng.integers(0, 1 << bits, (n, blocks)).astype(np.uint8)
    scales = 2.0 ** rng.integers(-6, 1, (n, blocks)) / (1 << bits)
    if not exact:
        scales = scales * rng.uniform(1, 2, (n, blocks)).astype(np.float16)
    shifted = codes.reshape(n, blocks, block) - points[..., None].astype(float)
    weights = (shifted * scales[..., None]).reshape(n, -1)[:, :k].T
    return codes, scales, points, weights


def run(folder, target, nodes, feeds, constants, symbols=()):
    if tool.emulator_missing(target):
        pytest.skip(tool.emulator_missing(target))
    model = folder / "model.onnx"
    save(model, nodes, feeds, dict(symbols), constants)
    return outputs(model, target, feeds, folder)


def nbits(k, n, bits, block, codes, scales, points, dtype):
    blocks = scales.shape[1]
    constants = {
        "w": pack(codes.reshape(n, blocks, block), bits),
        "s": scales.astype(dtype),
    }
    if points is not None:
        constants["z"] = pack(points, bits)
    node = helper.make_node(
        "MatMulNBits",
        ["x", "w", "s", *(["z"] if points is not None else [])],
        ["y"],
        domain="com.microsoft",
        **{"K": k, "N": n, "bits": bits, "block_size": block},
    )
    return [node], constants


CASES = [
    # rows, depth, columns, bits, length of blocks, zero points
    (12, 64, 40, 4, 32, True),
    (33, 100, 70, 4, 32, True),
    (130, 64, 130, 4, 16, False),
    (70, 136, 36, 8, 16, True),
    (40, 128, 100, 4, 64, True),
    (20, 70, 33, 4, 128, False),
    (65, 96, 257, 8, 128, False),
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("m, k, n, bits, block, zeros", CASES)
def test_rows(m, k, n, bits, block, zeros, dtype, target, tmp_path):
    rng = np.random.default_rng(bits)
    codes, scales, points, weights = quantized(rng, k, n, bits, block, zeros)
    nodes, constants = nbits(
        k, n, bits, block, codes, scales, points if zeros else None, dtype
    )
    x = numbers(rng, (m, k), dtype)
    y = run(tmp_path, target, nodes, {"x": x}, constants)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, (x.astype(float) @ weights).astype(dtype))
    form = "tensor cores" if dtype == np.float16 and target != "sm_75" else "multiply-adds"
    assert f"weights of {bits} bits in tiles" in tool.explain(tmp_path / "model.onnx", target)
    assert form in tool.explain(tmp_path / "model.onnx", target)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("bits, zeros", [(4, True), (8, False)])
def test_few_rows_of_halves(bits, zeros, target, tmp_path):
    rng = np.random.default_rng(5)
    codes, scales, points, weights = quantized(rng, 96, 70, bits, 32, zeros)
    nodes, constants = nbits(
        96, 70, bits, 32, codes, scales, points if zeros else None, np.float16
    )
    x = numbers(rng, (3, 96), np.float16)
    y = run(tmp_path, target, nodes, {"x": x}, constants)
    np.testing.assert_array_equal(y, (x.astype(float) @ weights).astype(np.float16))


# Tiles of large products.
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("m, n, tile", [(1500, 900, "128 x 128"), (2000, 1800, "128 x")])
def test_large_tiles(m, n, tile, dtype, tmp_path):
    rng = np.random.default_rng(1)
    codes, scales, points, weights = quantized(rng, 32, n, 4, 32, True)
    nodes, constants = nbits(32, n, 4, 32, codes, scales, points, dtype)
    x = numbers(rng, (m, 32), dtype)
    y = run(tmp_path, "sm_80", nodes, {"x": x}, constants)
    np.testing.assert_array_equal(y, (x.astype(float) @ weights).astype(dtype))
    assert tile in tool.explain(tmp_path / "model.onnx", "sm_80")


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("matrices, rows", [(1, 1), (1, 7), (2, 4), (1, 9), (2, 50), (2, 0)])
def test_symbolic_rows(matrices, rows, dtype, tmp_path):
    rng = np.random.default_rng(2)
    codes, scales, points, weights = quantized(rng, 96, 72, 4, 32, True)
    nodes, constants = nbits(96, 72, 4, 32, codes, scales, points, dtype)
    nodes[0].output[0] = "p"
    nodes.append(helper.make_node("Add", ["p", "b"], ["t"]))
    nodes.append(helper.make_node("Relu", ["t"], ["y"]))
    constants["b"] = numbers(rng, 72, dtype)
    x = numbers(rng, (matrices, rows, 96), dtype)
    symbols = {("x", 0): "N", ("x", 1): "M"}
    y = run(tmp_path, "sm_80", nodes, {"x": x}, constants, symbols)
    product = (x.astype(float) @ weights).astype(dtype)
    np.testing.assert_array_equal(y, np.maximum(product + constants["b"], 0))
    told = tool.explain(tmp_path / "model.onnx", "sm_80")
    assert "with weights of 4 bits for up to 8 rows" in told
    assert "for 9 rows and more: product with weights of 4 bits in tiles" in told


RANGES = {
    TensorProto.INT2: (-2, 2),
    TensorProto.INT4: (-8, 8),
    TensorProto.UINT4: (0, 16),
    TensorProto.INT8: (-128, 128),
}


# As the standard's operator has them, with blocks of no whole words (which
# threads compute), of one column each, and with signed codes.
@pytest.mark.parametrize("kind", RANGES)
@pytest.mark.parametrize("k, block, tiles", [(70, 0, True), (64, 16, True), (36, 6, False)])
@pytest.mark.parametrize("element", [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16])
def test_dequantize(element, k, block, tiles, kind, tmp_path):
    rng = np.random.default_rng(3)
    n, m = 44, 17
    codes = rng.integers(*RANGES[kind], (k, n))
    blocks = k // block if block else 1
    scales = 2.0 ** rng.integers(-6, 1, (blocks, n))
    weights = codes * np.repeat(scales, k // blocks, axis=0)
    x = numbers(rng, (m, k), np.float32)
    attributes = {"block_size": block, "axis": 0} if block else {"axis": 1}
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["x"], ["a"], to=element),
            helper.make_node("DequantizeLinear", ["w", "s"], ["d"], **attributes),
            helper.make_node("MatMul", ["a", "d"], ["p"]),
            helper.make_node("Cast", ["p"], ["y"], to=TensorProto.FLOAT),
        ],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (m, k))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (m, n))],
        [
            helper.make_tensor("w", kind, (k, n), codes.flatten().tolist()),
            helper.make_tensor(
                "s", element, scales.shape if block else (n,), scales.flatten().tolist()
            ),
        ],
    )
    model = helper.make_model(graph, ir_version=13, opset_imports=[helper.make_opsetid("", 25)])
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    y = outputs(tmp_path / "model.onnx", "sm_80", {"x": x}, tmp_path)
    exact = x.astype(float) @ weights
    digits = {TensorProto.FLOAT: 0, TensorProto.FLOAT16: 2**-11, TensorProto.BFLOAT16: 2**-8}
    # One rounding; the products of codes of 8 bits with bf16 round those, too.
    bound = digits[element] * np.abs(exact)
    if element == TensorProto.BFLOAT16:
        bound = bound + digits[element] * (np.abs(x) @ np.abs(weights))
    assert np.all(np.abs(y - exact) <= bound)
    assert ("in tiles" in tool.explain(tmp_path / "model.onnx", "sm_80")) == tiles


@pytest.mark.parametrize("form", ["tf32", "bf16x3"])
def test_f32_on_tensor_cores(form, tmp_path):
    rng = np.random.default_rng(6)
    codes, scales, points, weights = quantized(rng, 100, 70, 4, 32, True)
    nodes, constants = nbits(100, 70, 4, 32, codes, scales, points, np.float32)
    x = numbers(rng, (33, 100), np.float32)
    remark = "weights of 4 bits in tiles of 32 x 32 results by tensor cores; f32 factors are"
    y = run_fp32(tmp_path, nodes, {"x": x}, constants, form, "sm_80", remark=remark)
    np.testing.assert_array_equal(y, (x.astype(float) @ weights).astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_accuracy(dtype, tmp_path):
    """A weight is rounded once to the type of activations, sums are f32."""
    rng = np.random.default_rng(4)
    m, k, n = 16, 256, 40
    codes, scales, points, weights = quantized(rng, k, n, 4, 32, True, exact=False)
    nodes, constants = nbits(k, n, 4, 32, codes, scales, points, dtype)
    x = rng.standard_normal((m, k)).astype(dtype)
    y = run(tmp_path, "sm_80", nodes, {"x": x}, constants)
    rounded = weights.astype(dtype).astype(float)
    bound = k * 2.0**-24 * (np.abs(x.astype(float)) @ np.abs(rounded))
    exact = x.astype(float) @ rounded
    if dtype == np.float16:
        bound += 2.0**-11 * np.abs(exact)
    assert np.all(np.abs(y.astype(float) - exact) <= bound)
