"""Less common forms of quantized operators that are computed on integers too:
a transposed left matrix, zero points for each row or column that come at run
time, products of 16-bit integers, pools that count only what lies inside, and
transposed convolutions; against rational or integer arithmetic."""

import itertools

import numpy as np
import pytest
from onnx import helper

from rational import TARGETS, check_exact, explain, fraction, run, save
from support import tool


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


def quantize(name, dtype, scale, zero, inputs):
    """A DequantizeLinear of an input, and its constants."""
    node = helper.make_node("DequantizeLinear", [name, f"s{name}", f"z{name}"], [f"f{name}"])
    inputs |= {f"s{name}": np.float32(scale), f"z{name}": np.asarray(dtype(zero))}
    return node


def exactly(sums, ratio):
    exact = np.empty(sums.shape, object)
    for place, value in np.ndenumerate(sums):
        exact[place] = int(value) * ratio
    return exact


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("transposed_right", [0, 1])
def test_transposed_left_matrix(dtype, transposed_right, target, tmp_path):
    rng = np.random.default_rng(1)
    a = random(rng, dtype, 37, 9)
    b = rng.integers(-127, 128, (37, 19)).astype(np.int8)
    constants = {"b": b.T.copy() if transposed_right else b}
    zero = 77
    nodes = [
        quantize("a", dtype, 0.03, zero, constants),
        quantize("b", np.int8, 0.01, 0, constants),
        helper.make_node("Gemm", ["fa", "fb"], ["f"], transA=1, transB=transposed_right),
        helper.make_node("QuantizeLinear", ["f", "sy", "zy"], ["y"]),
    ]
    constants |= {"sy": np.float32(0.5), "zy": np.asarray(dtype(40))}
    model = save(tmp_path / "m.onnx", nodes, {"a": (dtype, a.shape)}, {"y": (dtype, (9, 19))}, constants)
    assert "stays in float" not in explain(model)
    sums = (a.astype(int).T - zero) @ b.astype(int)
    ratio = fraction(constants["sa"]) * fraction(constants["sb"]) / fraction(constants["sy"])
    check_exact(run(model, {"a": a}, target)["y"], exactly(sums, ratio), 40, dtype)


@pytest.mark.parametrize("left", ["rows", "column of rows", "one"])
@pytest.mark.parametrize("right", ["constant", "columns", "row of columns", "one"])
def test_zero_points_of_rows_and_columns(left, right, target, tmp_path):
    rng = np.random.default_rng(2)
    a, b = random(rng, np.uint8, 2, 7, 30), random(rng, np.int8, 2, 30, 18)
    if right == "constant":
        b = b[0]
    za = {
        "rows": random(rng, np.uint8, 7),
        "column of rows": random(rng, np.uint8, 2, 7, 1),
        "one": np.uint8(9),
    }[left]
    zb = {
        "constant": random(rng, np.int8, 18),
        "columns": random(rng, np.int8, 18),
        "row of columns": random(rng, np.int8, 2, 1, 18),
        "one": np.int8(-3),
    }[right]
    given, constants = {"a": a, "za": np.asarray(za)}, {"b": b, "zb": np.asarray(zb)}
    if right != "constant":
        given, constants = given | constants, {}
    node = helper.make_node("MatMulInteger", ["a", "b", "za", "zb"], ["y"])
    model = save(
        tmp_path / "m.onnx",
        [node],
        {n: (v.dtype, v.shape) for n, v in given.items()},
        {"y": (np.int32, (2, 7, 18))},
        constants,
    )
    assert "matrix product of 8-bit integers" in explain(model)
    zeros = za.reshape(7, 1) if left == "rows" else za
    expected = (a.astype(int) - zeros) @ (b.astype(int) - zb)
    np.testing.assert_array_equal(run(model, given, target)["y"], expected)


@pytest.mark.parametrize("zeros", [(0, 0), (100, -30)])
def test_product_of_16_bit_integers(zeros, target, tmp_path):
    rng = np.random.default_rng(3)
    a, b = random(rng, np.int16, 5, 40), random(rng, np.int16, 5, 40)
    if zeros != (0, 0):
        # |x - z| of both must leave the product in 32 bits.
        b = random(rng, np.int8, 5, 40)
    kinds = (np.int16, b.dtype.type)
    constants = {}
    nodes = [
        quantize("a", kinds[0], 0.001, zeros[0], constants),
        quantize("b", kinds[1], 0.002, zeros[1], constants),
        helper.make_node("Mul", ["fa", "fb"], ["f"]),
        helper.make_node("QuantizeLinear", ["f", "sy", "zy"], ["y"]),
    ]
    constants |= {"sy": np.float32(0.04), "zy": np.int16(5)}
    model = save(
        tmp_path / "m.onnx",
        nodes,
        {"a": (kinds[0], a.shape), "b": (kinds[1], b.shape)},
        {"y": (np.int16, a.shape)},
        constants,
        opset=21,
    )
    assert "stays in float" not in explain(model)
    products = (a.astype(int) - zeros[0]) * (b.astype(int) - zeros[1])
    ratio = fraction(constants["sa"]) * fraction(constants["sb"]) / fraction(constants["sy"])
    check_exact(run(model, {"a": a, "b": b}, target)["y"], exactly(products, ratio), 5, np.int16)


POOLS = {
    "around": {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]},
    "one side": {"kernel_shape": [2, 5], "pads": [0, 3, 1, 0], "strides": [2, 1]},
    "beyond the end": {"kernel_shape": [3, 2], "strides": [2, 3], "ceil_mode": 1},
    "dilated": {"kernel_shape": [2, 3], "pads": [1, 2, 1, 2], "dilations": [2, 2]},
    "large": {"kernel_shape": [7, 7], "pads": [3, 3, 3, 3]},
}


@pytest.mark.parametrize("case", POOLS)
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_pool_that_counts_what_is_inside(case, dtype, target, tmp_path):
    rng = np.random.default_rng(4)
    height, width, zero = 8, 10, 60
    x = random(rng, dtype, 2, 5, height, width)
    attributes = POOLS[case]
    kernel, pads = attributes["kernel_shape"], attributes.get("pads", [0] * 4)
    strides = attributes.get("strides", [1, 1])
    dilations = attributes.get("dilations", [1, 1])
    ceil = attributes.get("ceil_mode", 0)
    sizes = []
    for i, size in enumerate((height, width)):
        room = size + pads[i] + pads[2 + i] - (kernel[i] - 1) * dilations[i] - 1
        sizes.append(-(-room // strides[i]) + 1 if ceil else room // strides[i] + 1)
    constants = {}
    nodes = [
        quantize("x", dtype, 0.05, zero, constants),
        helper.make_node("AveragePool", ["fx"], ["f"], **attributes),
        helper.make_node("QuantizeLinear", ["f", "sy", "zy"], ["y"]),
    ]
    constants |= {"sy": np.float32(0.03), "zy": np.asarray(dtype(50))}
    shape = (2, 5, *sizes)
    model = save(tmp_path / "m.onnx", nodes, {"x": (dtype, x.shape)}, {"y": (dtype, shape)}, constants)
    assert "stays in float" not in explain(model)
    ratio = fraction(constants["sx"]) / fraction(constants["sy"])
    exact = np.empty(shape, object)
    for n, c, i, j in itertools.product(*map(range, shape)):
        rows = [i * strides[0] - pads[0] + k * dilations[0] for k in range(kernel[0])]
        columns = [j * strides[1] - pads[1] + k * dilations[1] for k in range(kernel[1])]
        values = [
            int(x[n, c, r, s]) - zero
            for r, s in itertools.product(rows, columns)
            if 0 <= r < height and 0 <= s < width
        ]
        exact[n, c, i, j] = sum(values) * ratio / len(values)
    check_exact(run(model, {"x": x}, target)["y"], exact, 50, dtype)


# Kernel, stride, pads, output padding.
TRANSPOSED = {
    "doubling": ((2, 2), 2, (0, 0, 0, 0), (0, 0)),
    "overlapping": ((4, 4), 2, (1, 1, 1, 1), (0, 0)),
    "odd kernel": ((3, 3), 2, (1, 1, 1, 1), (1, 1)),
    "stride 1": ((3, 3), 1, (1, 1, 1, 1), (0, 0)),
    "uneven": ((5, 4), 2, (1, 0, 0, 2), (0, 1)),
    "by 3": ((3, 5), 3, (0, 1, 0, 0), (0, 0)),
}


@pytest.mark.parametrize("bias", ["none", "integer", "float"])
@pytest.mark.parametrize("case", TRANSPOSED)
def test_transposed_convolution(case, bias, target, tmp_path):
    kernel, stride, pads, extra = TRANSPOSED[case]
    rng = np.random.default_rng(5)
    channels, filters, height, width, zero = 6, 5, 4, 7, 90
    x = random(rng, np.uint8, 2, channels, height, width)
    w = rng.integers(-127, 128, (channels, filters, *kernel)).astype(np.int8)
    sw = rng.uniform(0.005, 0.02, filters).astype(np.float32)
    constants = {"w": w, "sw": sw, "zw": np.zeros(filters, np.int8)}
    nodes = [
        quantize("x", np.uint8, 0.05, zero, constants),
        helper.make_node("DequantizeLinear", ["w", "sw", "zw"], ["fw"], axis=1),
    ]
    inputs, added = ["fx", "fw"], [0] * filters
    scales = [fraction(constants["sx"]) * fraction(s) for s in sw]
    if bias == "integer":
        b = rng.integers(-3000, 3000, filters).astype(np.int32)
        sb = (constants["sx"] * sw).astype(np.float32)
        constants |= {"b": b, "sb": sb}
        nodes.append(helper.make_node("DequantizeLinear", ["b", "sb"], ["fb"], axis=0))
        inputs.append("fb")
        added = [int(n) * fraction(s) for n, s in zip(b, sb)]
    elif bias == "float":
        constants["fb"] = rng.normal(size=filters).astype(np.float32)
        inputs.append("fb")
        added = [fraction(v) for v in constants["fb"]]
    shape = [
        (size - 1) * stride + kernel[i] + extra[i] - pads[i] - pads[2 + i]
        for i, size in enumerate((height, width))
    ]
    nodes += [
        helper.make_node(
            "ConvTranspose",
            inputs,
            ["f"],
            strides=[stride, stride],
            pads=pads,
            output_padding=extra,
        ),
        helper.make_node("Relu", ["f"], ["r"]),
        helper.make_node("QuantizeLinear", ["r", "sy", "zy"], ["y"]),
    ]
    constants |= {"sy": np.float32(0.4), "zy": np.uint8(3)}
    out = (2, filters, *shape)
    model = save(tmp_path / "m.onnx", nodes, {"x": (np.uint8, x.shape)}, {"y": (np.uint8, out)}, constants)
    text = explain(model)
    assert "stays in float" not in text and "convolution of 8-bit integers" in text
    whole = np.zeros((2, filters, (height - 1) * stride + kernel[0] + 8, (width - 1) * stride + kernel[1] + 8), int)
    centred = x.astype(int) - zero
    for i, j, k, l in itertools.product(range(height), range(width), *map(range, kernel)):
        whole[:, :, i * stride + k, j * stride + l] += centred[:, :, i, j] @ w[:, :, k, l].astype(int)
    sums = whole[:, :, pads[0] : pads[0] + shape[0], pads[1] : pads[1] + shape[1]]
    exact = np.empty(out, object)
    for place, value in np.ndenumerate(sums):
        f = place[1]
        exact[place] = max((int(value) * scales[f] + added[f]) / fraction(constants["sy"]), 0)
    check_exact(run(model, {"x": x}, target)["y"], exact, 3, np.uint8)
