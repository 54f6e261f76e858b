"""Static quantization: the model that comes out, by other engines too."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import float_models as models
from quantizing import layer, op_types, reference, samples, sqnr


@pytest.fixture(scope="module")
def residual(tmp_path_factory):
    folder = tmp_path_factory.mktemp("residual")
    model = models.residual(folder / "m.onnx")
    return model, samples(folder / "x.npz", 24, x=(3, 16, 16))


@pytest.fixture(scope="module")
def products(tmp_path_factory):
    folder = tmp_path_factory.mktemp("products")
    model = models.products(folder / "m.onnx")
    return model, samples(folder / "x.npz", 8, x=(32, 64))


FAST = "--ignore-speed"


def check_against_float(model, data, result, least):
    """ONNX Runtime gives the SQNR that the report claims, and the same answer
    with its own fusion to integer operators."""
    x = np.load(data)["x"][:1]
    exact = reference(model, {"x": x})[0]
    plain = reference(result.path, {"x": x})[0]
    fused = reference(result.path, {"x": x}, optimized=True)[0]
    assert sqnr(exact, plain) > least
    assert sqnr(exact, fused) > least - 3
    assert result.report["error"]["sqnr_db"] > least
    return plain


def test_whole_chain_is_in_integers(quantize, residual, ingot, tmp_path):
    model, data = residual
    result = quantize(model, data, "--samples=16", FAST)
    plain = check_against_float(model, data, result, 20)
    ops = op_types(result.model)
    assert "BatchNormalization" not in ops
    # Each node between two quantized layers reads and gives integers.
    made_by = {out: n.op_type for n in result.model.graph.node for out in n.output}
    for node in result.model.graph.node:
        if node.op_type in ("MaxPool", "Add", "Concat", "GlobalAveragePool"):
            for name in node.input:
                assert made_by[name] == "DequantizeLinear", node
    assert layer(result.report, "conv_c1")["type"] == "int8"
    # Our own compiler gives what ONNX Runtime gives.
    np.savez(tmp_path / "one.npz", x=np.load(data)["x"][:1])
    done = ingot("run", result.path, "--inputs", tmp_path / "one.npz",
                 "--outputs", tmp_path / "y.npz")
    assert done.outcome() == "done", done.stderr
    assert sqnr(plain, np.load(tmp_path / "y.npz")["y"]) > 35


def test_movers_share_the_scale(quantize, residual):
    model, data = residual
    result = quantize(model, data, FAST)
    scales = result.report["scales"]
    assert scales["p1"] == scales["r1"]
    assert scales["f1"] == scales["g1"]


def test_weights_per_channel(quantize, residual):
    model, data = residual
    result = quantize(model, data, FAST)
    tensors = {t.name: numpy_helper.to_array(t) for t in result.model.graph.initializer}
    assert tensors["c2_w_quantized"].dtype == np.int8
    assert tensors["c2_w_scale"].shape == (16,)
    assert tensors["c2_b_quantized"].dtype == np.int32
    per_tensor = quantize(model, data, FAST, "--per-tensor", name="t.onnx")
    tensors = {
        t.name: numpy_helper.to_array(t) for t in per_tensor.model.graph.initializer
    }
    assert tensors["c2_w_scale"].shape == ()


@pytest.mark.parametrize(
    "flags, least",
    [
        (["--activation-type=int8"], 18),
        (["--activation-type=int8", "--symmetric"], 18),
        (["--activation-type=int16"], 30),
        (["--weight-type=uint8"], 18),
        (["--weight-type=int4"], 3),
        (["--per-tensor"], 15),
        (["--reduce-range"], 15),
        (["--calibrate=minmax"], 20),
        (["--calibrate=moving-average"], 15),
        (["--calibrate=percentile", "--percentile=99.9"], 15),
        (["--calibrate=entropy"], 8),
        (["--calibrate=mse"], 18),
    ],
)
def test_formats_and_calibrators(quantize, residual, flags, least):
    model, data = residual
    result = quantize(model, data, FAST, *flags)
    check_against_float(model, data, result, least)


def test_matrix_products(quantize, products):
    model, data = products
    result = quantize(model, data, FAST)
    check_against_float(model, data, result, 25)
    assert all(each["type"] == "int8" for each in result.report["layers"]
               if each["op_type"] == "MatMul")


def test_old_opset_is_raised(quantize, tmp_path):
    model = models.residual(tmp_path / "old.onnx", opset=11)
    data = samples(tmp_path / "x.npz", 4, x=(3, 16, 16))
    result = quantize(model, data, FAST)
    assert result.model.opset_import[0].version == 13
    check_against_float(model, data, result, 20)


def test_newer_opset_is_kept(quantize, residual):
    model, data = residual
    result = quantize(model, data, FAST)
    assert result.model.opset_import[0].version == 17


def test_unknown_fields_are_kept(quantize, residual, tmp_path):
    model, data = residual
    edited = onnx.load(model)
    edited.doc_string = "said"
    entry = edited.metadata_props.add()
    entry.key, entry.value = "author", "someone"
    edited.graph.doc_string = "of the graph"
    edited.graph.node[5].doc_string = "of a node"
    onnx.save(edited, tmp_path / "edited.onnx")
    result = quantize(tmp_path / "edited.onnx", data, FAST)
    assert result.model.doc_string == "said"
    assert result.model.metadata_props[0].value == "someone"
    assert result.model.graph.doc_string == "of the graph"
    assert "of a node" in [node.doc_string for node in result.model.graph.node]


def test_external_data(quantize, residual, tmp_path):
    model, data = residual
    onnx.save(onnx.load(model), tmp_path / "out.onnx", save_as_external_data=True,
              location="out.bin", size_threshold=0)
    inside = quantize(tmp_path / "out.onnx", data, FAST)
    same = quantize(model, data, FAST, name="same.onnx")
    x = {"x": np.load(data)["x"][:1]}
    assert (reference(inside.path, x)[0] == reference(same.path, x)[0]).all()
    apart = quantize(model, data, FAST, "--external-data", name="apart.onnx")
    assert (tmp_path / "apart.onnx.data").stat().st_size > 1000
    assert (reference(apart.path, x)[0] == reference(same.path, x)[0]).all()


def test_report(quantize, residual, tmp_path):
    model, data = residual
    page = tmp_path / "report.html"
    result = quantize(model, data, FAST, "--report", page)
    assert "conv_c2" in page.read_text()
    each = layer(result.report, "conv_c2")
    assert each["range"][1] > 0 and each["int8_us"] > 0
    assert each["sqnr_db"] > 15 and each["sqnr_alone_db"] > 15


def test_table_on_standard_output(ingot, residual, tmp_path):
    model, data = residual
    done = ingot("quantize", model, "--data", data, "-o", tmp_path / "q.onnx", FAST)
    assert done.outcome() == "done", done.stderr
    assert "Conv 'conv_c2'" in done.stdout
    assert "SQNR" in done.stdout
    quiet = ingot("quantize", model, "--data", data, "-o", tmp_path / "q.onnx", "-q")
    assert quiet.outcome() == "done" and quiet.stdout == ""


def test_same_command_gives_the_same_bytes(quantize, residual):
    model, data = residual
    one = quantize(model, data, "--samples=8")
    two = quantize(model, data, "--samples=8", name="again.onnx")
    assert one.path.read_bytes() == two.path.read_bytes()
