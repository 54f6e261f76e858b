"""Weights alone, and scales at run time."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

import float_models as models
from quantizing import op_types, reference, samples, sqnr


@pytest.fixture(scope="module")
def products(tmp_path_factory):
    folder = tmp_path_factory.mktemp("products")
    model = models.products(folder / "m.onnx")
    return model, samples(folder / "x.npz", 8, x=(32, 64))


@pytest.fixture(scope="module")
def gemm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gemm")
    b = models.Builder()
    b.node("Gemm", ["x", b.normal("w1", (96, 64), 0.12), b.normal("b1", (96,))], "h",
           transB=1)
    b.node("Relu", ["h"], "r")
    b.node("Gemm", ["r", b.normal("w2", (96, 40), 0.1)], "y")
    model = b.save(folder / "m.onnx", [("x", [4, 64])], [("y", [4, 40])])
    random = np.random.default_rng(1)
    np.savez(folder / "x.npz", x=random.normal(size=(32, 64)).astype("f"))
    return model, folder / "x.npz"


def agree(ingot, tmp_path, path, x, least):
    """ONNX Runtime and we compute the same."""
    exact = reference(path, {"x": x})[0]
    np.savez(tmp_path / "in.npz", x=x)
    done = ingot("run", path, "--inputs", tmp_path / "in.npz",
                 "--outputs", tmp_path / "out.npz")
    assert done.outcome() == "done", done.stderr
    assert sqnr(exact, np.load(tmp_path / "out.npz")["y"]) > least


@pytest.mark.parametrize("bits, least", [("int4", 12), ("int8", 35)])
@pytest.mark.parametrize("block", [16, 32])
def test_weight_only(ingot, quantize, products, tmp_path, bits, block, least):
    model, data = products
    result = quantize(model, [], f"--weight-only={bits}", f"--block-size={block}")
    assert result.model.opset_import[0].version == 21
    dequantize = [n for n in result.model.graph.node if n.op_type == "DequantizeLinear"]
    assert len(dequantize) == 2
    attributes = {a.name: a.i for a in dequantize[0].attribute}
    assert attributes == {"axis": 0, "block_size": block}
    weights = {t.name: t for t in result.model.graph.initializer}
    assert weights["w1_quantized"].data_type == getattr(TensorProto, bits.upper())
    assert list(weights["w1_scale"].dims) == [64 // block, 128]
    x = np.load(data)["x"][:1]
    exact = reference(model, {"x": x})[0]
    assert sqnr(exact, reference(result.path, {"x": x})[0]) > least
    agree(ingot, tmp_path, result.path, x, 60)
    assert "not measured" in result.text


def test_weight_only_of_gemm(ingot, quantize, gemm, tmp_path):
    model, data = gemm
    result = quantize(model, data, "--weight-only=int8")
    assert result.report["error"]["sqnr_db"] > 35
    x = np.load(data)["x"][:4]
    assert sqnr(reference(model, {"x": x})[0],
                reference(result.path, {"x": x})[0]) > 35
    agree(ingot, tmp_path, result.path, x, 60)


@pytest.mark.parametrize("how", ["--gptq", "--adaround"])
def test_weight_only_rounded(quantize, gemm, how):
    """Against the data's own statistics, not to nearest."""
    model, data = gemm
    plain = quantize(model, data, "--weight-only=int4")
    better = quantize(model, data, "--weight-only=int4", how, name="b.onnx")
    assert better.report["error"]["sqnr_db"] > plain.report["error"]["sqnr_db"]


def test_weight_only_budget(quantize, products):
    model, data = products
    result = quantize(model, data, "--weight-only=int4", "--max-error=sqnr=18dB")
    assert result.report["error"]["sqnr_db"] >= 18


def test_dynamic(ingot, quantize, products, gemm, tmp_path):
    for model, data, count in ((*products, 1), (*gemm, 4)):
        result = quantize(model, [], "--dynamic")
        ops = op_types(result.model)
        assert ops.count("MatMulInteger") == 2
        assert ops.count("DynamicQuantizeLinear") == 2
        x = np.load(data)["x"][:count]
        exact = reference(model, {"x": x})[0]
        assert sqnr(exact, reference(result.path, {"x": x})[0]) > 30
        agree(ingot, tmp_path, result.path, x, 60)
    measured = quantize(*gemm, "--dynamic", "--ignore-speed", name="d.onnx")
    assert measured.report["error"]["sqnr_db"] > 30


def test_not_for_convolutions(refused, tmp_path):
    b = models.Builder()
    b.conv("x", "y", 3, 8)
    model = b.save(tmp_path / "m.onnx", [("x", [1, 3, 8, 8])], [("y", [1, 8, 8, 8])])
    message = refused("IG6106", model, "--dynamic")
    assert "only matrix products" in message
    refused("IG6106", model, "--weight-only=int4")
    refused("IG6111", model, "--dynamic", "--bias-correction")
