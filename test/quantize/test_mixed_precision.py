"""float16 as a third type of layers, and the searches that choose types."""

import numpy as np
import pytest
from onnx import TensorProto

import float_models as models
from quantizing import layer, op_types, reference, samples, sqnr

ALL = "--precisions=int8,f16,f32"


@pytest.fixture(scope="module")
def residual(tmp_path_factory):
    folder = tmp_path_factory.mktemp("residual")
    model = models.residual(folder / "m.onnx")
    return model, samples(folder / "x.npz", 16, x=(3, 16, 16))


def check(model, data, result, least):
    """The written model computes about the same in ONNX Runtime."""
    x = np.load(data)["x"][:8]
    exact = np.concatenate([reference(model, {"x": e[None]})[0] for e in x])
    test = np.concatenate([reference(result.path, {"x": e[None]})[0] for e in x])
    assert sqnr(exact, test) > least


def halves(model):
    """The nodes that compute in float16."""
    types = {t.name: t.data_type for t in model.graph.initializer}
    return [n.name for n in model.graph.node
            if any(types.get(i) == TensorProto.FLOAT16 for i in n.input)]


def test_all_layers_in_f16(quantize, ingot, residual):
    model, data = residual
    result = quantize(model, data, "--precisions=f16,f32", "--objective=size")
    assert result.report["f16_layers"] == 6 and result.report["quantized_layers"] == 0
    assert sorted(halves(result.model)) == sorted(
        e["node"] for e in result.report["layers"] if e["type"] == "float16")
    assert "QuantizeLinear" not in op_types(result.model)
    assert result.report["bytes_after"] < 0.7 * result.report["bytes_before"]
    assert result.report["error"]["sqnr_db"] > 55
    assert all(e["sqnr_alone_f16_db"] > 55 for e in result.report["layers"]
               if e["type"] == "float16")
    check(model, data, result, 55)
    # The kernels are those of f16: values between them are half as large.
    text = ingot("explain", result.path).stdout
    assert "Conv_f16" not in text and "convolution emitter" in text


@pytest.mark.parametrize("search", ["greedy", "pareto"])
@pytest.mark.parametrize("sensitivity", ["own", "one-at-a-time"])
def test_three_types_within_a_budget(quantize, residual, search, sensitivity):
    model, data = residual
    result = quantize(model, data, ALL, "--objective=size", "--max-error=sqnr=42dB",
                      "--search=" + search, "--sensitivity=" + sensitivity)
    report = result.report
    assert report["error"]["sqnr_db"] >= 42
    assert 0 < report["quantized_layers"] < 6 and report["f16_layers"] > 0
    assert report["quantized_layers"] + report["f16_layers"] == 6
    for each in report["layers"]:
        if each["type"] == "float16":
            assert each["reason"].startswith("in float16 to keep the budget")
        if "int8_us" in each:
            only = "sqnr_model_with_it_alone_db" in each
            assert only == (sensitivity == "one-at-a-time")
    assert report["search"] == search and report["objective"] == "size"
    chosen = [m for m in report["models"] if m["chosen"]]
    assert chosen and all(m["budget_use"] <= 1 for m in chosen)
    assert chosen[0]["int8_layers"] == report["quantized_layers"]
    check(model, data, result, 39)


def test_table_of_the_pareto_search(quantize, residual, tmp_path):
    model, data = residual
    page = tmp_path / "page.html"
    result = quantize(model, data, ALL, "--objective=size", "--search=pareto",
                      "--evaluations=6", "--report", page)
    rows = result.report["models"]
    assert 2 <= len(rows) <= 6
    sizes = [row["weight_bytes"] for row in rows]
    errors = [row["error"]["sqnr_db"] or np.inf for row in rows]
    assert sizes == sorted(sizes) and errors == sorted(errors)
    # Without a budget the smallest is taken.
    assert rows[0]["chosen"] and rows[0]["int8_layers"] == 6
    assert rows[-1]["int8_layers"] + rows[-1]["f16_layers"] == 0
    assert "models tried" in result.text and "chosen" in result.text
    assert "Models that the search tried" in page.read_text()


def test_sensitivity_is_that_of_the_model(quantize, tmp_path):
    """Of two equal branches one is multiplied by 0.001: what it loses is not
    seen in the result."""
    b = models.Builder(8)
    b.conv("x", "loud", 3, 8)
    w = next(t for t in b.weights if t.name == "loud_w")
    b.node("Conv", ["x", w.name, "loud_b"], "quiet", name="conv_quiet", pads=[1] * 4)
    b.node("Softmax", ["loud"], "a")
    b.node("Softmax", ["quiet"], "c")
    b.node("Mul", ["c", b.weight("factor", np.float32(0.001))], "d")
    b.node("Add", ["a", "d"], "y")
    model = b.save(tmp_path / "m.onnx", [("x", [1, 3, 8, 8])], [("y", [1, 8, 8, 8])])
    data = samples(tmp_path / "x.npz", 8, x=(3, 8, 8))
    result = quantize(model, data, "--ignore-speed", "--sensitivity=one-at-a-time")
    loud, quiet = (layer(result.report, f"conv_{n}") for n in ("loud", "quiet"))
    assert abs(loud["sqnr_alone_db"] - quiet["sqnr_alone_db"]) < 0.1
    key = "sqnr_model_with_it_alone_db"
    assert quiet[key] > loud[key] + 40
    # All that is quantized is what the first loses.
    assert abs(result.report["error"]["sqnr_db"] - loud[key]) < 3


def test_overflow_keeps_f16_out(quantize, tmp_path):
    b = models.Builder(2)
    b.conv("x", "c1", 3, 8)
    b.weight("big", np.float32(2e5))
    b.node("Mul", ["c1", "big"], "loud")
    b.conv("loud", "c2", 8, 8)
    b.node("Div", ["c2", "big"], "tame")
    b.conv("tame", "c3", 8, 8)
    model = b.save(tmp_path / "m.onnx", [("x", [1, 3, 12, 12])], [("c3", [1, 8, 12, 12])])
    data = samples(tmp_path / "x.npz", 8, x=(3, 12, 12))
    result = quantize(model, data, "--precisions=f16,f32", "--objective=size")
    found = layer(result.report, "conv_c2")
    assert found["type"] == "float"
    assert "float16 ends at 65504" in found["reason"]
    assert "its operands reach" in found["reason"]
    line = next(l for l in result.text.splitlines() if "conv_c2" in l)
    assert "float16 ends at 65504" in line
    assert layer(result.report, "conv_c1")["type"] == "float16"
    assert layer(result.report, "conv_c3")["type"] == "float16"
    check(model, data, result, 50)


def test_slower_f16_is_not_taken_for_speed(quantize, residual):
    """Convolutions are bound by multiplying: f16 is no faster there."""
    model, data = residual
    result = quantize(model, data, ALL, "--ignore-speed", "--max-error=sqnr=42dB")
    left = [e for e in result.report["layers"]
            if e["type"] == "float" and "to keep the budget" in e["reason"]]
    for each in left:
        assert "float16 would be slower" in each["reason"]
        assert each["f16_us"] > each["float_us"]
    for each in result.report["layers"]:
        if each["type"] == "float16":
            assert each["f16_us"] <= each["float_us"]


def test_one_row_gains_from_f16(quantize, ingot, tmp_path):
    """A product with one row is bound by reading its weights."""
    b = models.Builder(2)
    w = b.normal("w", (512, 1024), 0.05)
    b.node("MatMul", ["x", w], "y", name="product")
    model = b.save(tmp_path / "m.onnx", [("x", [1, 512])], [("y", [1, 1024])])
    data = samples(tmp_path / "x.npz", 8, x=(512,))
    result = quantize(model, data, "--precisions=f16")
    found = layer(result.report, "product")
    assert found["type"] == "float16" and found["f16_us"] < found["float_us"]
    assert result.report["expected_speedup"] > 1
    x = {"x": np.load(data)["x"][:1]}
    assert sqnr(reference(model, x)[0], reference(result.path, x)[0]) > 55


def test_wrong_precisions(refused, residual):
    model, data = residual
    more = ["--data", data]
    assert "int8, f16" in refused("IG6004", model, *more, "--precisions=int9")
    refused("IG6004", model, *more, "--precisions=f32")
    refused("IG6004", model, *more, "--objective=beauty")
    refused("IG6111", model, *more, "--precisions=f16", "--dynamic")
    refused("IG6111", model, *more, "--sensitivity=one-at-a-time", "--weight-only=int4")
