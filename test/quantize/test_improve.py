"""The algorithms that lose less: each does what it is for."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import float_models as models
from quantizing import op_types, reference, samples, sqnr

FAST = "--ignore-speed"


def tensors(model):
    return {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}


@pytest.fixture(scope="module")
def residual(tmp_path_factory):
    folder = tmp_path_factory.mktemp("residual")
    model = models.residual(folder / "m.onnx")
    return model, samples(folder / "x.npz", 32, x=(3, 16, 16))


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    """Two convolutions with channels of very different ranges, which cancel."""
    folder = tmp_path_factory.mktemp("uneven")
    b = models.Builder(5)
    factor = np.exp(b.random.uniform(-4, 4, 24)).astype("f")
    w1 = b.random.normal(size=(24, 3, 3, 3)).astype("f") * 0.3
    w2 = b.random.normal(size=(8, 24, 3, 3)).astype("f") * 0.1
    b.weight("w1", w1 * factor[:, None, None, None])
    b.weight("b1", factor * 0.1)
    b.weight("w2", w2 / factor[:, None, None])
    b.node("Conv", ["x", "w1", "b1"], "c1", name="first", pads=[1] * 4)
    b.node("Relu", ["c1"], "r1")
    b.node("Conv", ["r1", "w2"], "y", name="second", pads=[1] * 4)
    model = b.save(folder / "m.onnx", [("x", [1, 3, 16, 16])], [("y", [1, 8, 16, 16])])
    return model, samples(folder / "x.npz", 16, x=(3, 16, 16))


@pytest.fixture(scope="module")
def outliers(tmp_path_factory):
    """Matrix products that read a normalisation with a few loud channels."""
    folder = tmp_path_factory.mktemp("outliers")
    b = models.Builder(6)
    scale = np.ones(64, "f")
    scale[[3, 40]] = 60
    w = b.random.normal(size=(64, 96)).astype("f") * 0.1
    w[[3, 40]] /= 60
    b.node("LayerNormalization", ["x", b.weight("ln", scale)], "n", axis=-1)
    b.node("MatMul", ["n", b.weight("w", w)], "y", name="product")
    b.node("MatMul", ["n", b.weight("w3", w[:, :32])], "z", name="other")
    model = b.save(folder / "m.onnx", [("x", [1, 20, 64])],
                   [("y", [1, 20, 96]), ("z", [1, 20, 32])])
    return model, samples(folder / "x.npz", 8, x=(20, 64))


def error(result):
    return result.report["error"]["sqnr_db"]


def test_equalization(quantize, uneven):
    model, data = uneven
    plain = quantize(model, data, FAST)
    equal = quantize(model, data, FAST, "--equalize", name="e.onnx")
    assert error(equal) > error(plain) + 6
    assert "equalized 1 pairs" in equal.text
    x = {"x": np.load(data)["x"][:1]}
    assert sqnr(reference(model, x)[0], reference(equal.path, x)[0]) > error(equal) - 3


def test_smoothing_by_the_normalisation(quantize, outliers):
    model, data = outliers
    plain = quantize(model, data, FAST)
    smooth = quantize(model, data, FAST, "--smooth-quant=0.5", name="s.onnx")
    assert error(smooth) > error(plain) + 6
    assert "Mul" not in op_types(smooth.model)
    assert "smoothed 1 activations" in smooth.text


def test_smoothing_by_a_mul(quantize, tmp_path):
    b = models.Builder(6)
    w = b.random.normal(size=(64, 96)).astype("f") * 0.1
    w[[3, 40]] /= 60
    b.node("MatMul", ["x", b.weight("w", w)], "y", name="product")
    model = b.save(tmp_path / "m.onnx", [("x", [1, 20, 64])], [("y", [1, 20, 96])])
    random = np.random.default_rng(2)
    x = random.normal(size=(8, 20, 64)).astype("f")
    x[..., [3, 40]] *= 60
    np.savez(tmp_path / "x.npz", x=x)
    plain = quantize(model, tmp_path / "x.npz", FAST)
    smooth = quantize(model, tmp_path / "x.npz", FAST, "--smooth-quant=0.5", name="s.onnx")
    assert error(smooth) > error(plain) + 6
    assert "Mul" in op_types(smooth.model)


def test_smoothing_with_an_alpha_for_each(quantize, refused, outliers):
    """The best alpha is no worse than any one for all, and products whose
    channels are alike stay as they are."""
    model, data = outliers
    best = max(error(quantize(model, data, FAST, f"--smooth-quant={alpha}"))
               for alpha in (0.2, 0.5, 0.8))
    result = quantize(model, data, FAST, "--smooth-quant=auto", name="a.onnx")
    assert error(result) > best - 0.5
    (choice,) = result.report["smoothing"].values()
    assert 0.1 <= choice["alpha"] <= 0.9
    assert choice["error_after"] < choice["error_before"] / 4
    assert "alpha was chosen for 1 activations" in result.text
    refused("IG6004", model, "--data", data, "--smooth-quant=automatic")
    refused("IG6004", model, "--data", data, "--smooth-quant=1.5")


@pytest.mark.parametrize("how", ["--adaround", "--gptq"])
def test_rounding_of_4_bits(quantize, residual, how):
    model, data = residual
    flags = ["--weight-type=int4", FAST]
    plain = quantize(model, data, *flags)
    rounded = quantize(model, data, *flags, how, name="r.onnx")
    assert error(rounded) > error(plain) + 0.5
    # Only the rounding differs, by one step at most.
    before, after = tensors(plain.model), tensors(rounded.model)
    moved = 0
    for name in before:
        if name.endswith("_quantized") and before[name].dtype != np.int32:
            steps = np.abs(before[name].astype(int) - after[name].astype(int))
            moved += (steps > 0).sum()
            if how == "--adaround":
                assert steps.max() <= 1
    assert moved > 100


def test_bias_correction(quantize, residual):
    model, data = residual
    flags = ["--weight-type=int4", FAST, "--samples=24"]
    plain = quantize(model, data, *flags)
    better = quantize(model, data, *flags, "--bias-correction", name="b.onnx")
    assert error(better) > error(plain)
    before, after = tensors(plain.model), tensors(better.model)
    assert (before["c2_b_quantized"] != after["c2_b_quantized"]).any()
    assert (before["c2_w_quantized"] == after["c2_w_quantized"]).all()


@pytest.mark.parametrize("form", ["bias", "none", "Gemm"])
def test_bias_correction_of_products(quantize, tmp_path, form):
    """What 4 bits shift the mean of each column by is taken out: by the
    constant that is added anyway, or by one of its own."""
    b = models.Builder(11)
    w = b.normal("w", (96, 64), 0.1)
    b.node("Relu", ["x"], "r")
    if form == "Gemm":
        b.node("Gemm", ["r", w], "y", name="product")
        shape = [8, 96]
    else:
        out = b.node("MatMul", ["r", w], "y" if form == "none" else "m", name="product")
        if form == "bias":
            b.node("Add", [out, b.normal("b", (64,))], "y")
        shape = [1, 8, 96]
    model = b.save(tmp_path / "m.onnx", [("x", shape)], [("y", shape[:-1] + [64])])
    data = samples(tmp_path / "x.npz", 40, x=tuple(shape[1:] if form != "Gemm" else shape))
    if form == "Gemm":
        for i, x in enumerate(np.load(data)["x"]):
            np.savez(tmp_path / f"x{i:02}.npz", x=x)
        data.unlink()
        data = tmp_path
    flags = ["--weight-type=int4", FAST, "--samples=30"]
    plain = quantize(model, data, *flags, name="p.onnx")
    better = quantize(model, data, *flags, "--bias-correction", name="b.onnx")
    assert error(better) > error(plain) + 1
    adds = op_types(model_of(model)).count("Add")
    assert op_types(better.model).count("Add") == adds + (form == "none")
    random = np.random.default_rng(9)
    x = random.normal(size=[50, *shape]).astype("f")
    shifts = []
    for result in (plain, better):
        shift = [reference(model, {"x": e})[0] - reference(result.path, {"x": e})[0] for e in x]
        shifts.append(np.abs(np.mean(np.reshape(shift, (-1, 64)), 0)).mean())
    assert shifts[1] < shifts[0] / 3


def model_of(path):
    return onnx.load(path)


def test_equalization_across_a_clip(quantize, tmp_path):
    """Relu6 between layers: the bounds are divided as the channels are."""
    b = models.Builder(5)
    factor = np.exp(b.random.uniform(-3, 3, 24)).astype("f")
    low, high = (b.weight(n, np.float32(v)) for n, v in (("low", 0), ("high", 6)))
    w1 = b.random.normal(size=(24, 3, 3, 3)).astype("f") * 0.8
    w2 = b.random.normal(size=(24, 1, 3, 3)).astype("f") * 0.8
    w3 = b.random.normal(size=(8, 24, 1, 1)).astype("f") * 0.3
    b.weight("w1", w1 * factor[:, None, None, None])
    b.node("Conv", ["x", "w1", b.normal("b1", (24,))], "c1", name="first", pads=[1] * 4)
    b.node("Clip", ["c1", low, high], "r1")
    b.weight("w2", w2 / factor[:, None, None, None])
    b.node("Conv", ["r1", "w2", b.normal("b2", (24,))], "c2", name="depthwise", pads=[1] * 4,
           group=24)
    b.node("Clip", ["c2", low, high], "r2")
    b.node("Conv", ["r2", b.weight("w3", w3)], "y", name="last")
    model = b.save(tmp_path / "m.onnx", [("x", [1, 3, 16, 16])], [("y", [1, 8, 16, 16])])
    data = samples(tmp_path / "x.npz", 16, x=(3, 16, 16))
    plain = quantize(model, data, FAST, "--per-tensor", name="p.onnx")
    equal = quantize(model, data, FAST, "--per-tensor", "--equalize", name="e.onnx")
    assert "equalized 2 pairs of layers, 2 of them across a Clip" in equal.text
    assert error(equal) > error(plain) + 3
    ops = op_types(equal.model)
    assert ops.count("Min") == 2 and "Clip" not in ops
    # One QuantizeLinear for the input and for each layer.
    assert ops.count("QuantizeLinear") == 4
    # Exact but for the quantization: without it, the same function.
    exact = quantize(model, data, "--per-tensor", "--equalize", "--activation-type=int16",
                     "--ignore-speed", "--keep-float=first", "--keep-float=depthwise",
                     name="x.onnx")
    assert error(exact) > 30
    x = {"x": np.load(data)["x"][:1]}
    assert sqnr(reference(model, x)[0], reference(equal.path, x)[0]) > error(equal) - 3


def test_pruning(quantize, residual):
    model, data = residual
    half = quantize(model, data, FAST, "--prune=0.5")
    weights = tensors(half.model)["c5_w_quantized"]
    assert (weights == 0).mean() >= 0.5
    sparse = quantize(model, data, FAST, "--prune=2:4", name="s.onnx")
    weights = tensors(sparse.model)["c5_w_quantized"]
    fours = weights.reshape(32, 8, 4, 3, 3)
    assert ((fours != 0).sum(2) <= 2).all()
    # The error is against the model as it was given.
    assert error(half) < 30 and error(sparse) < 30


def test_measured_times(quantize, residual):
    model, data = residual
    result = quantize(model, data, FAST, "--measure")
    assert "measured" in result.text
    heavy = [each for each in result.report["layers"] if "int8_us" in each]
    assert len(heavy) == 6
    assert all(each["int8_us"] > 0 and each["float_us"] > 0 for each in heavy)
    fast = quantize(model, data, "--measure", "--max-error=sqnr=1dB", name="f.onnx")
    for each in fast.report["layers"]:
        if each["reason"].startswith("int8 would be slower"):
            assert "us in float" in each["reason"]
            assert each["int8_us"] >= each["float_us"]
