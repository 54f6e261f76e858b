"""Budgets of accuracy and honesty about speed."""

import json

import numpy as np
import pytest

import float_models as models
from quantizing import layer, reference, samples, sqnr


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    model = models.hostile(folder / "m.onnx")
    return model, samples(folder / "x.npz", 12, x=(8, 16, 16))


@pytest.fixture(scope="module")
def residual(tmp_path_factory):
    folder = tmp_path_factory.mktemp("residual")
    model = models.residual(folder / "m.onnx")
    return model, samples(folder / "x.npz", 24, x=(3, 16, 16))


def test_hostile_layers_are_found(quantize, hostile):
    model, data = hostile
    result = quantize(model, data, "--max-error=sqnr=20dB")
    assert result.report["error"]["sqnr_db"] >= 20
    for name in ("conv_scaled", "after_softmax"):
        found = layer(result.report, name)
        assert found["type"] == "float", found
        assert "to keep the budget" in found["reason"]
        assert found["sqnr_alone_db"] < 20
        line = next(text for text in result_lines(model, data, result) if name in text)
        assert "to keep the budget" in line
    tiny = layer(result.report, "conv_tiny")
    assert tiny["type"] == "float"
    assert tiny["reason"].startswith("int8 would be slower here because")
    # What does no harm is quantized all the same.
    assert layer(result.report, "conv_c3")["type"] == "int8"
    inputs = {"x": np.load(data)["x"][:1]}
    for exact, test in zip(reference(model, inputs), reference(result.path, inputs)):
        assert sqnr(exact, test) > 17


def result_lines(model, data, result):
    """The layers as lines of the JSON report."""
    return [json.dumps(each) for each in result.report["layers"]]


def test_without_a_budget_they_are_quantized(quantize, hostile):
    model, data = hostile
    result = quantize(model, data, "--ignore-speed")
    assert layer(result.report, "after_softmax")["type"] == "int8"
    assert result.report["error"]["sqnr_db"] < 20


def test_budget_that_int8_keeps(quantize, residual):
    model, data = residual
    result = quantize(model, data, "--max-error=sqnr=15dB", "--max-error=cosine=0.9",
                      "--max-error=top1=0.5", "--ignore-speed")
    assert result.report["quantized_layers"] == result.report["heavy_layers"]
    assert result.report["evaluations"] >= 1


@pytest.mark.parametrize("limit", [28, 34, 40])
def test_budget_is_kept_by_fewer_layers(quantize, residual, limit):
    model, data = residual
    result = quantize(model, data, f"--max-error=sqnr={limit}dB", "--ignore-speed")
    assert result.report["error"]["sqnr_db"] >= limit
    assert 0 < result.report["quantized_layers"]
    x = np.load(data)["x"][:8]
    exact = np.concatenate([reference(model, {"x": e[None]})[0] for e in x])
    test = np.concatenate([reference(result.path, {"x": e[None]})[0] for e in x])
    assert sqnr(exact, test) > limit - 3


def test_impossible_budget(refused, residual):
    model, data = residual
    message = refused("IG6108", model, "--data", data, "--max-error=sqnr=150dB")
    assert "within the budget" in message


def test_labels(quantize, refused, residual, tmp_path):
    model, data = residual
    x = np.load(data)["x"]
    labels = [int(reference(model, {"x": each[None]})[0].argmax()) for each in x]
    np.save(tmp_path / "labels.npy", labels)
    (tmp_path / "labels.txt").write_text("\n".join(map(str, labels)))
    for name in ("labels.npy", "labels.txt"):
        result = quantize(model, data, "--samples=8", "--ignore-speed",
                          "--labels", tmp_path / name, "--max-drop=20")
        assert result.report["error"]["samples"] == 16
        assert result.report["error"]["float_accuracy"] == 1
        assert result.report["error"]["drop_points"] <= 20
        assert "accuracy" in result.text
    (tmp_path / "short.txt").write_text("1 2 3")
    refused("IG6110", model, "--data", data, "--labels", tmp_path / "short.txt")
    (tmp_path / "words.txt").write_text("cat " * 24)
    refused("IG6110", model, "--data", data, "--labels", tmp_path / "words.txt")
    (tmp_path / "large.txt").write_text("99 " * 24)
    refused("IG6110", model, "--data", data, "--labels", tmp_path / "large.txt")
    refused("IG6111", model, "--data", data, "--max-drop=1")


def test_keep_float(quantize, refused, residual):
    model, data = residual
    result = quantize(model, data, "--keep-float=conv_c3", "--ignore-speed")
    assert layer(result.report, "conv_c3")["type"] == "float"
    assert "keep-float" in layer(result.report, "conv_c3")["reason"]
    assert layer(result.report, "conv_c4")["type"] == "int8"
    refused("IG6111", model, "--data", data, "--keep-float=nothing")
