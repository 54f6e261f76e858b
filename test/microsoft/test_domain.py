"""What of the domain com.microsoft is imported, and what is refused."""

import onnx
import pytest
from onnx import TensorProto, helper

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
