"""Quantized convolutions and matrix products in all their forms: every
combination of signs and zero points, against rational or integer arithmetic."""

import itertools

import numpy as np
import pytest
from onnx import helper

from rational import TARGETS, check_exact, fraction, run, save
from support import tool

DTYPES = {"u8": np.uint8, "i8": np.int8}
SIGNS = list(itertools.product(DTYPES, DTYPES))


@pytest.fixture(params=TARGETS)
def target(request):
    missing = tool.emulator_missing(request.param)
    if missing:
        pytest.skip(missing)
    wanted = request.config.getoption("target")
    if wanted and request.param not in wanted:
        pytest.skip("not asked for")
    return request.param


def random(rng, dtype, *shape):
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max + 1, shape).astype(dtype)


def convolve(x, w, pads, strides, group):
    """Sums of products of integers, in 2 dimensions, outside of x zeros."""
    x = np.pad(x, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    n, _, height, width = x.shape
    m, channels, kh, kw = w.shape
    rows, columns = (height - kh) // strides[0] + 1, (width - kw) // strides[1] + 1
    y = np.zeros((n, m, rows, columns), np.int64)
    per = m // group
    for f, i, j in itertools.product(range(m), range(rows), range(columns)):
        first = f // per * channels
        window = x[
            :,
            first : first + channels,
            i * strides[0] : i * strides[0] + kh,
            j * strides[1] : j * strides[1] + kw,
        ]
        y[:, f, i, j] = (window * w[f]).sum(axis=(1, 2, 3))
    return y


def rationals(sums, ratios, axis):
    exact = np.empty(sums.shape, object)
    for place, value in np.ndenumerate(sums):
        exact[place] = int(value) * ratios[place[axis] % len(ratios)]
    return exact


# Channels, filters, kernel, group, strides, pads.
CONVS = {
    "plain": (5, 7, (3, 3), 1, (1, 1), (1, 1, 1, 1)),
    "one by one": (16, 20, (1, 1), 1, (1, 1), (0, 0, 0, 0)),
    "strided": (3, 8, (3, 2), 1, (2, 3), (0, 1, 2, 0)),
    "groups": (6, 8, (3, 3), 2, (1, 2), (1, 0, 1, 1)),
    "depthwise": (9, 9, (3, 3), 9, (1, 1), (1, 1, 1, 1)),
    "two filters each": (4, 8, (2, 3), 4, (1, 1), (1, 1, 0, 0)),
}


def weights_of(rng, dtype, shape, axis, per_channel):
    """Weights with scales and zero points, of which some leave the differences
    in a byte and some do not."""
    count = shape[axis]
    w = random(rng, dtype, *shape)
    zeros = random(rng, dtype, count) if per_channel else random(rng, dtype)
    scales = np.exp(rng.uniform(-6, -4, count if per_channel else ()))
    return w, np.asarray(scales, np.float32), zeros


@pytest.mark.parametrize("per_channel", [False, True], ids=["tensor", "channels"])
@pytest.mark.parametrize("signs", SIGNS, ids="".join)
@pytest.mark.parametrize("case", CONVS)
def test_qlinear_conv(case, signs, per_channel, target, tmp_path):
    channels, filters, kernel, group, strides, pads = CONVS[case]
    rng = np.random.default_rng(len(case))
    dx, dw = (DTYPES[s] for s in signs)
    x = random(rng, dx, 2, channels, 7, 6)
    shape = (filters, channels // group, *kernel)
    w, sw, zw = weights_of(rng, dw, shape, 0, per_channel)
    zx = dx(77)
    bias = rng.integers(-5000, 5000, filters).astype(np.int32)
    constants = {
        "sx": np.float32(0.037),
        "zx": zx,
        "w": w,
        "sw": sw,
        "zw": zw,
        "sy": np.float32(1.9),
        "zy": dx(70),
        "b": bias,
    }
    node = helper.make_node(
        "QLinearConv",
        ["x", "sx", "zx", "w", "sw", "zw", "sy", "zy", "b"],
        ["y"],
        group=group,
        strides=strides,
        pads=pads,
    )
    centred = w.astype(int) - zw.reshape(-1, 1, 1, 1)
    sums = convolve(x.astype(int) - int(zx), centred, pads, strides, group)
    sums += bias.reshape(1, -1, 1, 1)
    ratios = [
        fraction(constants["sx"]) * fraction(s) / fraction(constants["sy"])
        for s in np.atleast_1d(sw)
    ]
    model = save(
        tmp_path / "m.onnx", [node], {"x": (dx, x.shape)}, {"y": (dx, sums.shape)}, constants
    )
    y = run(model, {"x": x}, target)["y"]
    check_exact(y, rationals(sums, ratios, 1), 70, dx)


@pytest.mark.parametrize("per_channel", [False, True], ids=["tensor", "columns"])
@pytest.mark.parametrize("signs", SIGNS, ids="".join)
@pytest.mark.parametrize("m, k, n", [(1, 37, 19), (6, 64, 33), (13, 5, 16)])
def test_qlinear_matmul(m, k, n, signs, per_channel, target, tmp_path):
    rng = np.random.default_rng(k)
    da, db = (DTYPES[s] for s in signs)
    a = random(rng, da, 2, m, k)
    b, sb, zb = weights_of(rng, db, (k, n), 1, per_channel)
    constants = {
        "sa": np.float32(0.05),
        "za": da(90),
        "b": b,
        "sb": sb,
        "zb": zb,
        "sy": np.float32(3.1),
        "zy": da(60),
    }
    node = helper.make_node(
        "QLinearMatMul", ["a", "sa", "za", "b", "sb", "zb", "sy", "zy"], ["y"]
    )
    sums = (a.astype(int) - 90) @ (b.astype(int) - zb)
    ratios = [
        fraction(constants["sa"]) * fraction(s) / fraction(constants["sy"])
        for s in np.atleast_1d(sb)
    ]
    model = save(
        tmp_path / "m.onnx", [node], {"a": (da, a.shape)}, {"y": (da, sums.shape)}, constants
    )
    y = run(model, {"a": a}, target)["y"]
    check_exact(y, rationals(sums, ratios, 2), 60, da)


@pytest.mark.parametrize("signs", SIGNS, ids="".join)
@pytest.mark.parametrize("zeros", [(0, 0), (31, 0), (0, 100), (17, 120)])
def test_computed_matrices(signs, zeros, target, tmp_path):
    rng = np.random.default_rng(4)
    da, db = (DTYPES[s] for s in signs)
    a, b = random(rng, da, 3, 9, 21), random(rng, db, 3, 21, 17)
    constants = {
        "sa": np.float32(0.05),
        "za": da(zeros[0]),
        "sb": np.float32(0.07),
        "zb": db(zeros[1]),
        "sy": np.float32(11.3),
        "zy": da(60),
    }
    node = helper.make_node(
        "QLinearMatMul", ["a", "sa", "za", "b", "sb", "zb", "sy", "zy"], ["y"]
    )
    sums = (a.astype(int) - zeros[0]) @ (b.astype(int) - zeros[1])
    ratio = fraction(constants["sa"]) * fraction(constants["sb"])
    model = save(
        tmp_path / "m.onnx",
        [node],
        {"a": (da, a.shape), "b": (db, b.shape)},
        {"y": (da, sums.shape)},
        constants,
    )
    y = run(model, {"a": a, "b": b}, target)["y"]
    check_exact(y, rationals(sums, [ratio / fraction(constants["sy"])], 2), 60, da)


@pytest.mark.parametrize("signs", SIGNS, ids="".join)
@pytest.mark.parametrize("constant", [True, False], ids=["constant", "computed"])
def test_matmul_integer(signs, constant, target, tmp_path):
    """With zero points that come at run time, but that of a constant."""
    rng = np.random.default_rng(5)
    da, db = (DTYPES[s] for s in signs)
    a, b = random(rng, da, 5, 30), random(rng, db, 30, 21)
    za, zb = da(99), db(55)
    node = helper.make_node("MatMulInteger", ["a", "b", "za", "zb"], ["y"])
    given = {"a": a, "za": za}
    fixed = {"b": b, "zb": zb}
    if not constant:
        given, fixed = {**given, **fixed}, {}
    model = save(
        tmp_path / "m.onnx",
        [node],
        {n: (v.dtype, v.shape) for n, v in given.items()},
        {"y": (np.int32, (5, 21))},
        fixed,
    )
    y = run(model, given, target)["y"]
    assert np.array_equal(y, (a.astype(int) - za) @ (b.astype(int) - zb))


@pytest.mark.parametrize("signs", SIGNS, ids="".join)
@pytest.mark.parametrize("case", CONVS)
@pytest.mark.parametrize("constant", [True, False], ids=["constant", "run time"])
def test_conv_integer(case, signs, constant, target, tmp_path):
    channels, filters, kernel, group, strides, pads = CONVS[case]
    rng = np.random.default_rng(len(case))
    dx, dw = (DTYPES[s] for s in signs)
    x = random(rng, dx, 2, channels, 7, 6)
    w = random(rng, dw, filters, channels // group, *kernel)
    zx, zw = dx(77), random(rng, dw, filters)
    node = helper.make_node(
        "ConvInteger",
        ["x", "w", "zx", "zw"],
        ["y"],
        group=group,
        strides=strides,
        pads=pads,
    )
    given, fixed = {"x": x}, {"w": w, "zw": zw}
    (fixed if constant else given)["zx"] = zx
    centred = w.astype(int) - zw.reshape(-1, 1, 1, 1)
    sums = convolve(x.astype(int) - int(zx), centred, pads, strides, group)
    model = save(
        tmp_path / "m.onnx",
        [node],
        {n: (v.dtype, v.shape) for n, v in given.items()},
        {"y": (np.int32, sums.shape)},
        fixed,
    )
    assert np.array_equal(run(model, given, target)["y"], sums)


FUNCTIONS = {
    "Sigmoid": (lambda x: 1 / (1 + np.exp(-x)), {}),
    "Tanh": (np.tanh, {}),
    "LeakyRelu": (lambda x: np.where(x < 0, 0.125 * x, x), {"alpha": 0.125}),
    "HardSwish": (lambda x: x * np.clip(x / 6 + 0.5, 0, 1), {}),
    "Exp": (np.exp, {}),
    "Softplus": (lambda x: np.log1p(np.exp(x)), {}),
    "Elu": (lambda x: np.where(x < 0, np.expm1(x), x), {}),
    "Abs": (np.abs, {}),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", FUNCTIONS)
def test_functions_of_bytes(op, dtype, target, tmp_path):
    function, attributes = FUNCTIONS[op]
    dtype = DTYPES[dtype]
    info = np.iinfo(dtype)
    x = np.arange(info.min, info.max + 1).astype(dtype)
    sx, sy, zx, zy = np.float32(0.043), np.float32(0.017), dtype(100), dtype(40)
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "sx", "zx"], ["fx"]),
        helper.make_node(op, ["fx"], ["fy"], **attributes),
        helper.make_node("QuantizeLinear", ["fy", "sy", "zy"], ["y"]),
    ]
    model = save(
        tmp_path / "m.onnx",
        nodes,
        {"x": (dtype, (256,))},
        {"y": (dtype, (256,))},
        {"sx": sx, "zx": zx, "sy": sy, "zy": zy},
    )
    y = run(model, {"x": x}, target)["y"]
    real = function((x.astype(int) - 100) * float(sx)) / float(sy)
    # Far from ties for these scales: double precision is exact enough.
    assert np.abs(real - np.floor(real) - 0.5).min() > 1e-9
    expected = np.clip(np.round(real) + 40, info.min, info.max)
    assert np.array_equal(y, expected.astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "op, attributes, size",
    [
        ("GlobalAveragePool", {}, 63),
        ("ReduceMean", {"axes": [2, 3], "keepdims": 1}, 63),
        ("AveragePool", {"kernel_shape": [3, 2]}, 6),
    ],
)
def test_means(op, attributes, size, dtype, target, tmp_path):
    dtype = DTYPES[dtype]
    x = random(np.random.default_rng(6), dtype, 2, 5, 9, 7)
    sx, sy, zx, zy = np.float32(0.5), np.float32(0.125), dtype(3), dtype(60)
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "sx", "zx"], ["fx"]),
        helper.make_node(op, ["fx"], ["fy"], **attributes),
        helper.make_node("QuantizeLinear", ["fy", "sy", "zy"], ["y"]),
    ]
    wide = x.astype(int) - 3
    if op == "AveragePool":
        view = np.lib.stride_tricks.sliding_window_view(wide, (3, 2), (2, 3))
        sums = view.sum(axis=(-2, -1))
    else:
        sums = wide.sum(axis=(2, 3), keepdims=True)
    model = save(
        tmp_path / "m.onnx",
        nodes,
        {"x": (dtype, x.shape)},
        {"y": (dtype, sums.shape)},
        {"sx": sx, "zx": zx, "sy": sy, "zy": zy},
        opset=17,
    )
    y = run(model, {"x": x}, target)["y"]
    ratio = fraction(sx) / (size * fraction(sy))
    check_exact(y, rationals(sums, [ratio], 1), 60, dtype)
