"""Quantized matrix products of ONNX Runtime against ONNX Runtime."""

import numpy as np
import pytest

from comparison import check
from single_node import Model


def bytes_of(model, dtype, *shape):
    limits = np.iinfo(dtype)
    return model.rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def weights(model, dtype, *shape):
    # Away from the ends, where ONNX Runtime's kernels for older processors
    # saturate sums of two products at 16 bits.
    low, high = (64, 192) if dtype == np.uint8 else (-64, 64)
    return model.rng.integers(low, high, shape).astype(dtype)


QGEMMS = [
    # A, B, quantized result, attributes, shape of C, per column
    (np.uint8, np.int8, np.uint8, {}, None, False),
    (np.uint8, np.int8, np.uint8, {"transB": 1}, (9,), True),
    (np.uint8, np.uint8, np.uint8, {"transA": 1, "alpha": 0.5}, (5, 9), False),
    (np.int8, np.int8, np.int8, {"transB": 1}, (9,), False),
    (np.uint8, np.int8, None, {"alpha": 2.0}, (1, 9), True),
    (np.uint8, np.int8, None, {}, (5, 1), False),
]


@pytest.mark.parametrize("a, b, y, attributes, c, many", QGEMMS)
def test_qgemm(a, b, y, attributes, c, many, target, tmp_path):
    model = Model("QGemm", **attributes)
    shape = (21, 5) if attributes.get("transA") else (5, 21)
    model.quantized(a, *shape).scale(0.02, 120 if a == np.uint8 else 3, a)
    shape = (9, 21) if attributes.get("transB") else (21, 9)
    model.constant(weights(model, b, *shape))
    if many:
        model.constant(np.linspace(0.004, 0.02, 9, dtype="f"))
        model.constant(np.zeros(9, b) if b == np.int8 else np.full(9, 128, b))
    else:
        model.scale(0.01, 0 if b == np.int8 else 128, b)
    if c is None:
        model.omitted()
    else:
        model.constant(model.rng.integers(-9000, 9000, c).astype(np.int32))
    if y is not None:
        model.scale(0.2, 100 if y == np.uint8 else -7, y)
    check(model, target, tmp_path)


@pytest.mark.parametrize("b", [np.uint8, np.int8])
@pytest.mark.parametrize("zero", [False, True], ids=["symmetric", "zero-point"])
@pytest.mark.parametrize("bias", [False, True], ids=["plain", "bias"])
@pytest.mark.parametrize("many", [False, True], ids=["tensor", "column"])
def test_dynamic_quantize_matmul(b, zero, bias, many, target, tmp_path):
    model = Model("DynamicQuantizeMatMul")
    model.input(model.rng.normal(0.3, 2, (2, 4, 30)).astype("f"))
    model.constant(weights(model, b, 30, 11))
    model.constant(np.linspace(0.01, 0.1, 11, dtype="f") if many else np.float32(0.03))
    middle = 128 if b == np.uint8 else 4
    if zero:
        model.constant(np.full(11, middle, b) if many else b(middle))
    else:
        model.omitted()
    if bias:
        model.constant(model.rng.normal(0, 1, 11).astype("f"))
    check(model, target, tmp_path)


@pytest.mark.parametrize("a", [np.uint8, np.int8])
@pytest.mark.parametrize("shape", [(30, 11), (2, 30, 11)], ids=["matrix", "stack"])
@pytest.mark.parametrize("bias", [False, True], ids=["plain", "bias"])
def test_matmul_integer_to_float(a, shape, bias, target, tmp_path):
    model = Model("MatMulIntegerToFloat")
    model.quantized(a, 2, 4, 30).constant(weights(model, np.int8, *shape))
    model.constant(np.float32(0.02))
    many = len(shape) == 2
    model.constant(np.linspace(0.01, 0.1, 11, dtype="f") if many else np.float32(0.03))
    model.constant(a(17)).constant(np.zeros(11, np.int8) if many else np.int8(0))
    if bias:
        model.constant(model.rng.normal(0, 1, 11).astype("f"))
    check(model, target, tmp_path)


def nbits(bits, block, k, n, zeros=None, dtype="f", bias=False, groups=None, **attributes):
    blocks = -(-k // block)
    model = Model("MatMulNBits", K=k, N=n, bits=bits, block_size=block, **attributes)
    model.input(model.rng.normal(0, 1, (3, k)).astype(dtype))
    model.constant(bytes_of(model, np.uint8, n, blocks, block * bits // 8))
    model.constant(model.rng.uniform(0.01, 0.1, (n, blocks)).astype(dtype))
    if zeros == "packed":
        model.constant(bytes_of(model, np.uint8, n, -(-blocks * bits // 8)))
    elif zeros == "middle":
        packed = {2: 0xAA, 4: 0x88, 8: 0x80}[bits]
        model.constant(np.full((n, -(-blocks * bits // 8)), packed, np.uint8))
    elif zeros == "whole":
        model.constant(model.rng.integers(0, 1 << bits, (n, blocks)).astype(dtype))
    elif zeros == "fractions":
        model.constant(model.rng.uniform(0, (1 << bits) - 1, (n, blocks)).astype(dtype))
    else:
        model.omitted()
    if groups is None:
        model.omitted()
    else:
        model.constant(np.asarray(groups, np.int32))
    if bias:
        model.constant(model.rng.normal(0, 1, n).astype(dtype))
    return model


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("block", [16, 32, 128])
@pytest.mark.parametrize("zeros", [None, "packed", "middle"])
def test_matmul_nbits(bits, block, zeros, target, tmp_path):
    check(nbits(bits, block, 128, 24, zeros), target, tmp_path)


@pytest.mark.parametrize("zeros", ["whole", "fractions"])
def test_matmul_nbits_with_float_zero_points(zeros, target, tmp_path):
    check(nbits(4, 32, 128, 24, zeros), target, tmp_path)


@pytest.mark.parametrize("zeros", [None, "packed"])
def test_matmul_nbits_of_a_last_block_that_is_shorter(zeros, target, tmp_path):
    check(nbits(4, 32, 83, 17, zeros), target, tmp_path)


@pytest.mark.parametrize("zeros", [None, "packed"])
def test_matmul_of_2_bits(zeros, target, tmp_path):
    check(nbits(2, 32, 64, 16, zeros), target, tmp_path)


def test_matmul_nbits_with_bias(target, tmp_path):
    check(nbits(4, 32, 64, 16, "packed", bias=True), target, tmp_path)


def test_matmul_nbits_that_may_be_less_accurate(target, tmp_path):
    check(nbits(4, 32, 64, 16, accuracy_level=1), target, tmp_path)


def test_matmul_nbits_of_half_precision(target, tmp_path):
    check(nbits(4, 32, 64, 16, dtype=np.float16), target, tmp_path)


def test_matmul_nbits_of_rows_in_another_order(target, tmp_path):
    rng = np.random.default_rng(1)
    check(nbits(4, 32, 64, 16, groups=np.arange(64) // 32), target, tmp_path)
    check(nbits(4, 32, 64, 16, groups=rng.permutation(64) // 32), target, tmp_path)
