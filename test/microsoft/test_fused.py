"""Fused float operators of ONNX Runtime against ONNX Runtime."""

import numpy as np
import pytest

from comparison import check
from single_node import Model


def floats(model, *shape, spread=1.5):
    return model.rng.normal(0, spread, shape).astype("f")


@pytest.mark.parametrize("op", ["Gelu", "FastGelu", "QuickGelu"])
def test_gelu(op, target, tmp_path):
    model = Model(op)
    check(model.input(floats(model, 3, 40, spread=3)), target, tmp_path)


def test_quick_gelu_alpha(target, tmp_path):
    model = Model("QuickGelu", alpha=1.0)
    check(model.input(floats(model, 3, 40, spread=3)), target, tmp_path)


@pytest.mark.parametrize("op", ["BiasGelu", "FastGelu"])
def test_gelu_of_a_sum(op, target, tmp_path):
    model = Model(op)
    model.input(floats(model, 2, 3, 40)).constant(floats(model, 40))
    check(model, target, tmp_path)


@pytest.mark.parametrize(
    "a, b, attributes",
    [
        ((2, 3, 5), (2, 5, 4), {"alpha": 0.125}),
        ((2, 5, 3), (2, 4, 5), {"transA": 1, "transB": 1}),
        ((3, 2, 5), (5, 2, 4), {"transBatchA": 1, "transBatchB": 1}),
        ((5, 2, 6, 3), (2, 6, 5, 4), {"transBatchA": 1, "transA": 1}),
        ((5,), (5, 4), {"transA": 1}),
    ],
)
def test_fused_matmul(a, b, attributes, target, tmp_path):
    model = Model("FusedMatMul", **attributes)
    model.input(floats(model, *a)).input(floats(model, *b))
    check(model, target, tmp_path)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"activation": "Relu"},
        {"activation": "Tanh"},
        {"activation": "Sigmoid"},
        {"activation": "LeakyRelu", "activation_params": [0.2]},
        {"activation": "Clip", "activation_params": [-0.5, 1.5]},
        {"activation": "HardSigmoid", "activation_params": [0.3, 0.4]},
    ],
    ids=lambda attributes: attributes.get("activation", "none"),
)
def test_fused_conv(attributes, target, tmp_path):
    model = Model("FusedConv", pads=[1, 1, 1, 1], strides=[2, 1], **attributes)
    model.input(floats(model, 1, 4, 6, 7)).constant(floats(model, 8, 4, 3, 3))
    check(model.constant(floats(model, 8)), target, tmp_path)


def test_fused_conv_of_a_sum(target, tmp_path):
    model = Model("FusedConv", activation="Relu")
    model.input(floats(model, 1, 4, 6, 7)).constant(floats(model, 8, 4, 3, 3))
    model.constant(floats(model, 8)).input(floats(model, 1, 8, 4, 5))
    check(model, target, tmp_path)


@pytest.mark.parametrize("skip", [(2, 5, 32), (1, 5, 32), (5, 32)])
@pytest.mark.parametrize("sum_too", [False, True], ids=["one", "sum"])
def test_skip_layer_normalization(skip, sum_too, target, tmp_path):
    model = Model("SkipLayerNormalization", epsilon=1e-5)
    model.input(floats(model, 2, 5, 32)).input(floats(model, *skip))
    model.constant(floats(model, 32)).constant(floats(model, 32))
    if sum_too:
        model.constant(floats(model, 32))
        model.outputs, model.floats = ["y", "", "", "sum"], ("sum",)
    check(model, target, tmp_path)


def test_simplified_layer_normalization(target, tmp_path):
    model = Model("SimplifiedLayerNormalization", domain="", axis=-1)
    model.input(floats(model, 2, 5, 32)).constant(floats(model, 32))
    check(model, target, tmp_path)
