"""Quantized functions of ONNX Runtime against ONNX Runtime."""

import numpy as np
import pytest
from onnx import helper, numpy_helper

from comparison import check
from single_node import Model

BYTES = {"u8": np.uint8, "i8": np.int8}
ZERO = {np.uint8: (131, 120, 7), np.int8: (3, -8, -100)}


def binary(op, kind, left, right, zeros=None, given=True, scales=(0.02, 0.031, 0.045)):
    dtype = BYTES[kind]
    za, zb, zc = zeros or ZERO[dtype]
    kinds = dtype if given else None
    model = Model(op)
    model.quantized(dtype, *left).scale(scales[0], za, kinds)
    model.quantized(dtype, *right).scale(scales[1], zb, kinds)
    return model.scale(scales[2], zc, kinds)


@pytest.mark.parametrize("kind", BYTES)
@pytest.mark.parametrize("op", ["QLinearAdd", "QLinearMul"])
@pytest.mark.parametrize(
    "left, right",
    [((2, 3, 17), (2, 3, 17)), ((2, 3, 17), (17,)), ((4, 1, 5), (3, 1)), ((6,), ())],
    ids=["same", "row", "both", "scalar"],
)
def test_binary(op, kind, left, right, target, tmp_path):
    check(binary(op, kind, left, right), target, tmp_path)


@pytest.mark.parametrize("kind", BYTES)
@pytest.mark.parametrize("op", ["QLinearAdd", "QLinearMul"])
def test_binary_without_zero_points(op, kind, target, tmp_path):
    shapes = (5, 33), (5, 33)
    # ONNX Runtime infers no type without them.
    reference = binary(op, kind, *shapes, zeros=(0, 0, 0))
    check(binary(op, kind, *shapes, given=False), target, tmp_path, reference)


@pytest.mark.parametrize("op", ["QLinearAdd", "QLinearMul"])
def test_binary_that_saturates(op, target, tmp_path):
    scales = (0.5, 0.7, 0.01)
    check(binary(op, "u8", (5, 33), (5, 33), scales=scales), target, tmp_path)


def unary(op, kind, shape, sx, sy, zeros=True, **attributes):
    dtype = BYTES[kind]
    zx, _, zy = ZERO[dtype]
    model = Model(op, **attributes)
    model.quantized(dtype, *shape).scale(sx, zx, dtype if zeros else None)
    return model.scale(sy, zy, dtype if zeros else None)


@pytest.mark.parametrize("kind", BYTES)
@pytest.mark.parametrize("zeros", [True, False], ids=["zero-points", "none"])
def test_sigmoid(kind, zeros, target, tmp_path):
    check(unary("QLinearSigmoid", kind, (3, 100), 0.05, 1 / 256, zeros), target, tmp_path)


@pytest.mark.parametrize("kind", BYTES)
@pytest.mark.parametrize("attributes", [{}, {"alpha": 0.3}], ids=["default", "alpha"])
def test_leaky_relu(kind, attributes, target, tmp_path):
    model = unary("QLinearLeakyRelu", kind, (3, 100), 0.05, 0.03, **attributes)
    check(model, target, tmp_path)


@pytest.mark.parametrize("kind", BYTES)
@pytest.mark.parametrize(
    "axis, opset",
    [(-1, 13), (1, 13), (0, 21), (1, 12), (2, 11), (-3, 12)],
)
def test_softmax(kind, axis, opset, target, tmp_path):
    dtype = BYTES[kind]
    zero = 0 if kind == "u8" else -128
    model = Model("QLinearSoftmax", axis=axis, opset=opset, seed=axis + 5)
    model.quantized(dtype, 2, 5, 8).scale(0.03, ZERO[dtype][0], dtype)
    check(model.scale(1 / 256, zero, dtype), target, tmp_path)


@pytest.mark.parametrize("kind", BYTES)
@pytest.mark.parametrize("last", [0, 1])
def test_global_average_pool(kind, last, target, tmp_path):
    shape = (2, 5, 7, 3) if last else (2, 3, 5, 7)
    model = unary("QLinearGlobalAveragePool", kind, shape, 0.05, 0.02, channels_last=last)
    check(model, target, tmp_path)


@pytest.mark.parametrize("kind", BYTES)
@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize(
    "attributes",
    [
        {"kernel_shape": [2, 3]},
        {"kernel_shape": [3, 3], "pads": [1, 0, 1, 1], "strides": [2, 2]},
        {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1},
        {"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER", "strides": [2, 2]},
        {"kernel_shape": [3, 2], "ceil_mode": 1, "strides": [2, 2]},
    ],
    ids=["plain", "pads", "padding-counts", "same-upper", "ceil"],
)
def test_average_pool(kind, last, attributes, target, tmp_path):
    shape = (2, 6, 9, 3) if last else (2, 3, 6, 9)
    model = unary("QLinearAveragePool", kind, shape, 0.05, 0.0317, channels_last=last, **attributes)
    check(model, target, tmp_path)


@pytest.mark.parametrize("kind", BYTES)
@pytest.mark.parametrize("axes, keep", [([1], 1), ([0, -1], 0), ([2], 1)])
def test_reduce_mean(kind, axes, keep, target, tmp_path):
    # Scales whose ratio brings no means halfway between two integers.
    scales = 0.0531, 0.0217
    model = unary("QLinearReduceMean", kind, (3, 4, 10), *scales, axes=axes, keepdims=keep)
    check(model, target, tmp_path, MeanOfFloats(model))


class MeanOfFloats:
    """The same in operators of ONNX."""

    def __init__(self, model):
        self.model = model

    def proto(self):
        proto = self.model.proto()
        x, scale, zero, scale_y, zero_y = self.model.names
        axes = numpy_helper.from_array(np.array(self.model.attributes["axes"]), "axes")
        proto.graph.initializer.append(axes)
        keep = self.model.attributes["keepdims"]
        del proto.graph.node[:]
        proto.graph.node.extend(
            [
                helper.make_node("DequantizeLinear", [x, scale, zero], ["f"]),
                helper.make_node("ReduceMean", ["f", "axes"], ["m"], keepdims=keep),
                helper.make_node("QuantizeLinear", ["m", scale_y, zero_y], ["y"]),
            ]
        )
        return proto


@pytest.mark.parametrize("kind", BYTES)
@pytest.mark.parametrize("axis", [1, -1])
def test_concat(kind, axis, target, tmp_path):
    dtype = BYTES[kind]
    za, zb, zc = ZERO[dtype]
    model = Model("QLinearConcat", axis=axis).scale(0.04, zc, dtype)
    for count, (scale, zero) in enumerate([(0.02, za), (0.04, zc), (0.09, zb)], 1):
        shape = [2, 3, 4]
        shape[axis] = count
        model.quantized(dtype, *shape).scale(scale, zero, dtype)
    check(model, target, tmp_path)


@pytest.mark.parametrize("kind", BYTES)
@pytest.mark.parametrize(
    "shapes", [((3, 8), (3, 8), (3, 8)), ((3, 1), (8,), (2, 3, 1))], ids=["same", "broadcast"]
)
def test_where(kind, shapes, target, tmp_path):
    dtype = BYTES[kind]
    za, zb, zc = ZERO[dtype]
    model = Model("QLinearWhere")
    model.input(model.rng.integers(0, 2, shapes[0]).astype(bool))
    model.quantized(dtype, *shapes[1]).scale(0.02, za, dtype)
    model.quantized(dtype, *shapes[2]).scale(0.05, zb, dtype)
    check(model.scale(0.03, zc, dtype), target, tmp_path)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16])
def test_quantize_linear(dtype, target, tmp_path):
    limits = np.iinfo(dtype)
    model = Model("QuantizeLinear")
    x = model.rng.normal(0, limits.max / 2, (4, 50)).astype("f")
    x[0, :4] = [np.inf, -np.inf, 1e30, -1e30]
    model.input(x).constant(np.float32(0.75)).constant(dtype(3))
    check(model, target, tmp_path)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.int32])
def test_dequantize_linear_per_channel(dtype, target, tmp_path):
    model = Model("DequantizeLinear", axis=1)
    model.quantized(dtype, 2, 3, 7)
    model.constant(np.array([0.5, 2e-3, 3], "f"))
    if dtype != np.int32:
        model.constant(np.array([0, 1, 100], dtype))
    check(model, target, tmp_path)


@pytest.mark.parametrize("last", [0, 1])
def test_qlinear_conv(last, target, tmp_path):
    shape = (1, 6, 7, 4) if last else (1, 4, 6, 7)
    model = Model("QLinearConv", channels_last=last, pads=[1, 1, 1, 1])
    model.quantized(np.uint8, *shape).scale(0.02, 128, np.uint8)
    weights = model.rng.integers(-127, 128, (8, 4, 3, 3)).astype(np.int8)
    model.constant(weights).scale(0.01, 0, np.int8).scale(0.05, 110, np.uint8)
    check(model, target, tmp_path)
