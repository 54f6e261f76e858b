"""The change of scale after integer work, against rational arithmetic: every
form of it, all bytes or random sums, ties, the ends of the types, tiny and huge
scales; with the same bits on every target."""

from fractions import Fraction

import numpy as np
import pytest
from onnx import helper

from rational import TARGETS, allowed, check_exact, fraction, run, save
from support import tool

BYTES = {"u8": np.uint8, "i8": np.int8}


@pytest.fixture(params=TARGETS)
def target(request):
    missing = tool.emulator_missing(request.param)
    if missing:
        pytest.skip(missing)
    wanted = request.config.getoption("target")
    if wanted and request.param not in wanted:
        pytest.skip("not asked for")
    return request.param


def all_bytes(dtype):
    info = np.iinfo(dtype)
    return np.arange(info.min, info.max + 1).astype(dtype)


def channel_conv(path, rng, count, scales, biases, sy, zx=128, zy=3, out=np.int8):
    """All bytes of x times w plus bias, for each of `count` channels."""
    w = rng.integers(-127, 128, (count, 1, 1, 1)).astype(np.int8)
    constants = {
        "sx": np.float32(1),
        "zx": np.uint8(zx),
        "w": w,
        "sw": scales.astype(np.float32),
        "zw": np.zeros(count, np.int8),
        "sy": np.float32(sy),
        "zy": out(zy),
        "b": biases.astype(np.int32),
    }
    node = helper.make_node(
        "QLinearConv", ["x", "sx", "zx", "w", "sw", "zw", "sy", "zy", "b"], ["y"]
    )
    x = all_bytes(np.uint8).reshape(1, 1, 16, 16)
    save(
        path,
        [node],
        {"x": (np.uint8, x.shape)},
        {"y": (out, (1, count, 16, 16))},
        constants,
    )
    sums = (x.astype(int) - zx) * w.reshape(1, count, 1, 1).astype(int)
    sums = sums + biases.reshape(1, count, 1, 1)
    ratio = [fraction(s) / fraction(np.float32(sy)) for s in constants["sw"]]
    exact = np.empty(sums.shape, object)
    for place, total in np.ndenumerate(sums):
        exact[place] = int(total) * ratio[place[1]]
    return x, exact


# Scales and biases of channels, as functions of the random generator, and the
# scale of the result.
CASES = {
    "usual": (
        lambda r, n: np.exp(r.uniform(-8, -2, n)),
        lambda r, n: r.integers(-9000, 9000, n),
        1,
    ),
    # Powers of two: every tie is exact.
    "ties": (
        lambda r, n: 2.0 ** r.integers(-14, -6, n),
        lambda r, n: r.integers(-3000, 3000, n),
        1,
    ),
    "odd ties": (
        lambda r, n: (2 * r.integers(0, 20, n) + 1) / 2.0**12,
        lambda r, n: r.integers(-3000, 3000, n),
        2,
    ),
    # Sums that single precision does not hold.
    "large sums, saturated": (
        lambda r, n: np.exp(r.uniform(-9, -7, n)),
        lambda r, n: r.integers(-(2**31) + 40000, 2**31 - 40000, n) >> r.integers(0, 12, n),
        1,
    ),
    "large sums": (
        lambda r, n: np.exp(r.uniform(-18, -15, n)),
        lambda r, n: r.integers(-(2**31) + 40000, 2**31 - 40000, n) >> r.integers(0, 8, n),
        1,
    ),
    "tiny scales": (
        lambda r, n: 10.0 ** r.uniform(-44, -30, n),
        lambda r, n: r.integers(-(2**31) + 40000, 2**31 - 40000, n),
        1,
    ),
    "denormal by denormal": (
        lambda r, n: 10.0 ** r.uniform(-43, -40, n),
        lambda r, n: r.integers(-3000, 3000, n),
        1e-40,
    ),
    "huge scales": (
        lambda r, n: 10.0 ** r.uniform(20, 38, n),
        lambda r, n: r.integers(-2, 3, n),
        1e-3,
    ),
    "integers": (
        lambda r, n: r.integers(1, 5, n).astype(float),
        lambda r, n: r.integers(-300, 300, n),
        1,
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("out", BYTES.values(), ids=BYTES)
def test_sums(case, out, target, tmp_path):
    rng = np.random.default_rng(len(case))
    scales, biases, sy = CASES[case]
    count = 48
    x, exact = channel_conv(
        tmp_path / "m.onnx",
        rng,
        count,
        scales(rng, count),
        biases(rng, count),
        sy,
        out=out,
    )
    y = run(tmp_path / "m.onnx", {"x": x}, target)["y"]
    check_exact(y, exact, 3, out)


def qdq(op, names, scales, zeros, out, **attributes):
    """Dequantized operands, the operator, its quantized result."""
    nodes, constants = [], {}
    for name, scale, zero in zip(names, scales, zeros):
        constants[f"s{name}"], constants[f"z{name}"] = np.float32(scale), zero
        nodes.append(
            helper.make_node(
                "DequantizeLinear", [name, f"s{name}", f"z{name}"], [f"f{name}"]
            )
        )
    nodes.append(helper.make_node(op, [f"f{n}" for n in names], ["fy"], **attributes))
    constants["sy"], constants["zy"] = np.float32(scales[-1]), out(zeros[-1])
    nodes.append(helper.make_node("QuantizeLinear", ["fy", "sy", "zy"], ["y"]))
    return nodes, constants


PAIRS = {
    "usual": (0.0173, 0.0411, 0.0297),
    "ties": (0.25, 0.5, 1),
    "unequal": (3.7, 1e-5, 2.1),
    "cancelling": (0.1, 0.1000001, 1e-6),
    "tiny": (1e-38, 2e-39, 3e-38),
    "huge": (1e30, 3e29, 2e-3),
    "nothing left": (1e-30, 1e-31, 1.0),
}


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul"])
@pytest.mark.parametrize("pair", PAIRS)
def test_pairs_of_bytes(op, pair, target, tmp_path):
    sa, sb, sy = PAIRS[pair]
    za, zb, zy = np.uint8(117), np.int8(-5), 9
    a, b = np.meshgrid(all_bytes(np.uint8), all_bytes(np.int8), indexing="ij")
    nodes, constants = qdq(op, "ab", (sa, sb, sy), (za, zb, zy), np.int8)
    model = save(
        tmp_path / "m.onnx",
        nodes,
        {"a": (np.uint8, a.shape), "b": (np.int8, b.shape)},
        {"y": (np.int8, a.shape)},
        constants,
    )
    y = run(model, {"a": a, "b": b}, target)["y"]
    ra, rb, ry = (fraction(np.float32(s)) for s in (sa, sb, sy))
    left = [(int(v) - int(za)) * ra for v in all_bytes(np.uint8)]
    right = [(int(v) - int(zb)) * rb for v in all_bytes(np.int8)]
    combine = {
        "Add": Fraction.__add__,
        "Sub": Fraction.__sub__,
        "Mul": Fraction.__mul__,
    }[op]
    # Every fifth row, as rational numbers take their time; the border always.
    rows = sorted({0, 1, 254, 255, *range(0, 256, 5)})
    exact = np.empty((len(rows), 256), object)
    for i, row in enumerate(rows):
        for j in range(256):
            exact[i, j] = combine(left[row], right[j]) / ry
    check_exact(y[rows], exact, zy, np.int8)


@pytest.mark.parametrize(
    "source, to", [("u8", "u8"), ("u8", "i8"), ("i8", "u8"), ("i8", "i8")]
)
@pytest.mark.parametrize("ratio", [1, 0.37, 0.5, 2.5, 1e-9, 1e9])
def test_other_scale(source, to, ratio, target, tmp_path):
    source, to = BYTES[source], BYTES[to]
    x = all_bytes(source)
    zx = source(12)
    nodes, constants = qdq("Identity", "x", (ratio, 1), (zx, 100), to)
    model = save(
        tmp_path / "m.onnx", nodes, {"x": (source, (256,))}, {"y": (to, (256,))}, constants
    )
    y = run(model, {"x": x}, target)["y"]
    exact = np.array(
        [(int(v) - 12) * fraction(np.float32(ratio)) for v in x], dtype=object
    )
    check_exact(y, exact, 100, to)


@pytest.mark.parametrize("dtype", [np.int16, np.uint16])
def test_sixteen_bits(dtype, target, tmp_path):
    rng = np.random.default_rng(7)
    info = np.iinfo(dtype)
    a, b = (rng.integers(info.min, info.max + 1, 3000).astype(dtype) for _ in "ab")
    a[:4], b[:4] = [info.min, info.max, info.min, info.max], [
        info.min,
        info.max,
        info.max,
        info.min,
    ]
    scales, zeros = (1.7e-4, 2.9e-4, 3.3e-4), (dtype(77), dtype(1234), 500)
    nodes, constants = qdq("Add", "ab", scales, zeros, dtype)
    model = save(
        tmp_path / "m.onnx",
        nodes,
        {"a": (dtype, a.shape), "b": (dtype, b.shape)},
        {"y": (dtype, a.shape)},
        constants,
        opset=21,
    )
    y = run(model, {"a": a, "b": b}, target)["y"]
    ra, rb, ry = (fraction(np.float32(s)) for s in scales)
    exact = np.array(
        [
            ((int(p) - 77) * ra + (int(q) - 1234) * rb) / ry
            for p, q in zip(a, b)
        ],
        dtype=object,
    )
    check_exact(y, exact, 500, dtype)


def test_the_reference_itself():
    half = Fraction(1, 2)
    assert allowed(half, 0, -9, 9) == [0]
    assert allowed(3 * half, 0, -9, 9) == [2]
    assert allowed(-half, 0, -9, 9) == [0]
    assert allowed(half + Fraction(1, 1 << 21), 0, -9, 9) == [0, 1]
    assert allowed(half + Fraction(1, 1 << 19), 0, -9, 9) == [1]
    assert allowed(Fraction(100), 5, -9, 9) == [9]
