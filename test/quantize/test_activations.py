"""Activations x * f(x) are part of the layer before them: its result is
quantized once, behind them."""

import numpy as np
import pytest

import float_models as models
from quantizing import layer, op_types, reference, samples, sqnr


def silu(b, x):
    b.node("Sigmoid", [x], f"{x}_s")
    return b.node("Mul", [x, f"{x}_s"], f"{x}_y")


def hard_swish(b, x):
    numbers = [b.weight(f"{x}_{n}", np.float32(n)) for n in (3, 0, 6)]
    b.node("Add", [x, numbers[0]], f"{x}_a")
    b.node("Clip", [f"{x}_a", numbers[1], numbers[2]], f"{x}_c")
    b.node("Mul", [f"{x}_c", x], f"{x}_m")
    return b.node("Div", [f"{x}_m", numbers[2]], f"{x}_y")


def gelu(b, x):
    root, one, half = (b.weight(f"{x}_{n}", np.float32(v))
                       for n, v in (("root", 2**0.5), ("one", 1), ("half", 0.5)))
    b.node("Div", [x, root], f"{x}_d")
    b.node("Erf", [f"{x}_d"], f"{x}_e")
    b.node("Add", [f"{x}_e", one], f"{x}_a")
    b.node("Mul", [x, f"{x}_a"], f"{x}_m")
    return b.node("Mul", [f"{x}_m", half], f"{x}_y")


def tanh_gelu(b, x):
    three, cubic, root, one, half = (
        b.weight(f"{x}_{n}", np.float32(v))
        for n, v in (("three", 3), ("cubic", 0.044715), ("root", 0.7978846),
                     ("one", 1), ("half", 0.5)))
    b.node("Pow", [x, three], f"{x}_p")
    b.node("Mul", [f"{x}_p", cubic], f"{x}_q")
    b.node("Add", [x, f"{x}_q"], f"{x}_r")
    b.node("Mul", [f"{x}_r", root], f"{x}_s")
    b.node("Tanh", [f"{x}_s"], f"{x}_t")
    b.node("Add", [f"{x}_t", one], f"{x}_a")
    b.node("Mul", [x, half], f"{x}_h")
    return b.node("Mul", [f"{x}_h", f"{x}_a"], f"{x}_y")


def mish(b, x):
    b.node("Softplus", [x], f"{x}_p")
    b.node("Tanh", [f"{x}_p"], f"{x}_t")
    return b.node("Mul", [x, f"{x}_t"], f"{x}_y")


def operator(name):
    return lambda b, x: b.node(name, [x], f"{x}_y")


FORMS = {
    "SiLU": silu,
    "HardSwish": hard_swish,
    "Gelu": gelu,
    "Gelu by tanh": tanh_gelu,
    "Mish": mish,
    "HardSwish operator": operator("HardSwish"),
    "Gelu operator": operator("Gelu"),
    "Mish operator": operator("Mish"),
}


def network(path, form):
    """Three convolutions, each with the activation; the last has none."""
    b = models.Builder(4)
    x = "x"
    for i, channels in enumerate((3, 16, 16)):
        x = FORMS[form](b, b.conv(x, f"c{i}", channels, 16))
    b.conv(x, "last", 16, 8)
    return b.save(path, [("x", [1, 3, 12, 12])], [("last", [1, 8, 12, 12])],
                  opset=20 if "operator" in form else 17)


@pytest.mark.parametrize("form", FORMS)
def test_result_is_quantized_behind_the_activation(quantize, ingot, tmp_path, form):
    model = network(tmp_path / "m.onnx", form)
    data = samples(tmp_path / "x.npz", 12, x=(3, 12, 12))
    result = quantize(model, data, "--ignore-speed")
    for i in range(3):
        found = layer(result.report, f"conv_c{i}")
        assert found["type"] == "int8"
        assert found["op_type"] == "Conv + " + form.split()[0]
    # The input, and the result of each layer.
    assert op_types(result.model).count("QuantizeLinear") == 5
    readers = {i: n.op_type for n in result.model.graph.node for i in n.input}
    assert all(readers[f"c{i}"] != "QuantizeLinear" for i in range(3))
    separate = quantize(model, data, "--ignore-speed", "--separate-activations",
                        name="s.onnx")
    assert result.report["error"]["sqnr_db"] > separate.report["error"]["sqnr_db"] - 0.5
    x = {"x": np.load(data)["x"][:1]}
    assert sqnr(reference(model, x)[0], reference(result.path, x)[0]) > 25
    # The compiled model computes the activation in the integer kernel.
    text = ingot("explain", result.path).stdout
    assert text.count("convolution of 8-bit integers") >= 4
    line = next(l for l in text.splitlines() if l.startswith("Conv 'conv_c1'"))
    assert "QuantizeLinear" in line


def test_values_read_elsewhere_are_no_part_of_it(quantize, tmp_path):
    b = models.Builder(4)
    b.conv("x", "c", 3, 16)
    silu(b, "c")
    b.node("Concat", ["c_y", "c"], "both", axis=1)
    b.conv("both", "y", 32, 8)
    model = b.save(tmp_path / "m.onnx", [("x", [1, 3, 12, 12])], [("y", [1, 8, 12, 12])])
    data = samples(tmp_path / "x.npz", 8, x=(3, 12, 12))
    result = quantize(model, data, "--ignore-speed")
    assert layer(result.report, "conv_c")["op_type"] == "Conv"
    readers = [n.op_type for n in result.model.graph.node if "c" in n.input]
    assert readers == ["QuantizeLinear"]


def test_product_with_bias_and_activation(quantize, tmp_path):
    b = models.Builder(4)
    b.node("MatMul", ["x", b.normal("w1", (64, 128), 0.12)], "m")
    b.node("Add", ["m", b.normal("b1", (128,))], "h")
    gelu(b, "h")
    b.node("MatMul", ["h_y", b.normal("w2", (128, 64), 0.09)], "y")
    model = b.save(tmp_path / "m.onnx", [("x", [1, 32, 64])], [("y", [1, 32, 64])])
    data = samples(tmp_path / "x.npz", 8, x=(32, 64))
    result = quantize(model, data, "--ignore-speed")
    assert layer(result.report, "matmul_m")["op_type"] == "MatMul + Gelu"
    assert op_types(result.model).count("QuantizeLinear") == 2
    assert result.report["error"]["sqnr_db"] > 35
