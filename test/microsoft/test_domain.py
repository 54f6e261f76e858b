"""What of the domain com.microsoft is imported, and what is refused."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from single_node import DOMAIN
from support.tool import run, tool


def importing(folder, *nodes, opsets=(("", 21), (DOMAIN, 1))):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "g", [value("x", TensorProto.FLOAT, [2, 3])], [value("y", TensorProto.FLOAT, [2, 3])]
    )
    imports = [helper.make_opsetid(*each) for each in opsets]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=10), folder / "m.onnx")
    return run([tool("ingot-import"), folder / "m.onnx"])


def node(op, domain=DOMAIN, inputs=("x",), **attributes):
    return helper.make_node(op, inputs, ["y"], name="n", domain=domain, **attributes)


@pytest.mark.parametrize(
    "op, becomes",
    [
        ("Gelu", "onnx.Gelu"),
        ("QuickGelu", "onnx.Swish"),
        ("FastGelu", "onnx.com.microsoft.FastGelu"),
    ],
)
def test_operator_becomes(op, becomes, tmp_path):
    done = importing(tmp_path, node(op))
    assert done.status == 0, done.stderr
    assert f"{becomes} " in done.stdout


def refusal(done):
    assert done.outcome() == "refused", done.message()
    return done.stderr


def test_unknown_operators_are_listed_with_the_domain(tmp_path):
    text = refusal(importing(tmp_path, node("Frobnicate")))
    assert "[IG1301]" in text
    assert "Frobnicate (com.microsoft, opset 1): the operator is not supported" in text


def test_domain_that_is_not_imported(tmp_path):
    text = refusal(importing(tmp_path, node("Gelu"), opsets=[("", 21)]))
    assert "node 'n' is of the domain 'com.microsoft', which is not imported" in text


@pytest.mark.parametrize("domain, op", [("", "com.microsoft.FastGelu"), ("com", "microsoft.FastGelu")])
def test_name_is_not_split_into_domain_and_operator(domain, op, tmp_path):
    text = refusal(importing(tmp_path, node(op, domain), opsets=[("", 21), ("com", 1)]))
    assert "[IG1301]" in text


def test_operators_of_other_domains_are_not_mistaken(tmp_path):
    text = refusal(importing(tmp_path, node("Relu")))
    assert "Relu (com.microsoft, opset 1): the operator is not supported" in text


def test_unknown_attribute(tmp_path):
    text = refusal(importing(tmp_path, node("FastGelu", approximate="none")))
    assert "unknown attribute 'approximate'" in text


def test_too_many_inputs(tmp_path):
    text = refusal(importing(tmp_path, node("FastGelu", inputs=("x", "x", "x"))))
    assert "has 3 inputs, the operator takes at most 2" in text


BYTES = np.zeros((2, 3), np.uint8)
SCALE, ZERO = np.float32(0.1), np.uint8(3)
PACKED = np.zeros((2, 1, 8), np.uint8)
COLUMNS = np.ones((2, 1), "f")


@pytest.mark.parametrize(
    "op, inputs, attributes, says",
    [
        ("QLinearSigmoid", [BYTES, SCALE, ZERO, np.float32(0), ZERO], {}, "Y_scale is 0"),
        ("QLinearSigmoid", [BYTES, SCALE], {}, "lacks an input"),
        ("QLinearSigmoid", [BYTES, SCALE, np.int8(3), SCALE, ZERO], {}, "same element type"),
        ("QLinearConcat", [SCALE, ZERO, BYTES, SCALE, ZERO], {}, "requires attribute 'axis'"),
        ("QLinearConcat", [SCALE, ZERO, BYTES, SCALE], {"axis": 0}, "needs triples"),
        ("QLinearAveragePool", [BYTES, SCALE, ZERO, SCALE, ZERO], {}, "requires attribute"),
        (
            "QLinearSoftmax",
            [BYTES, SCALE, ZERO, SCALE, ZERO],
            {"opset": 13, "axis": 2**62},
            "axis 4611686018427387904 is out of range for rank 2",
        ),
        (
            "MatMulNBits",
            [np.ones((1, 16), "f"), PACKED, COLUMNS],
            {"K": 16, "N": 2**40, "block_size": 16},
            "N is 1099511627776",
        ),
        (
            "MatMulNBits",
            [np.ones((1, 16), "f"), PACKED, COLUMNS],
            {"K": 2**31, "N": 2**31, "block_size": 2**31, "bits": 8},
            "B has 16 elements, expected 4611686018427387904",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_node(op, inputs, attributes, says, tmp_path):
    names = [f"i{i}" for i in range(len(inputs))]
    graph = helper.make_graph(
        [helper.make_node(op, names, ["y"], name="n", domain=DOMAIN, **attributes)],
        "g",
        [],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(np.asarray(a), name) for name, a in zip(names, inputs)],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(DOMAIN, 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), tmp_path / "m.onnx")
    text = refusal(run([tool("ingot-import"), tmp_path / "m.onnx"]))
    assert "node 'n' (" + op + ")" in text and says in text
