"""Old forms of operators: what they become, and that it computes the same."""

import pathlib

import numpy as np
import pytest
from onnx import helper, numpy_helper

from importing import model, module, node, ops, refusal, value
from support.tool import run, tool
from test_opset_history import OPERATORS, ROWS
from upgrades import OLD
import upgrades_of_attributes  # noqa: F401, adds to OLD


DOMAIN = "com.microsoft."


def proto_of(case):
    inputs = [numpy_helper.from_array(a, n) for n, a in case.inputs.items()]
    infos = [value(t.name, t.dims, t.data_type) for t in inputs]
    weights = [numpy_helper.from_array(a, n) for n, a in case.weights.items()]
    outputs = [helper.make_empty_tensor_value_info(name) for name in case.outputs]
    version = 3 if case.opset < 9 else 8
    # Before version 4, initializers are inputs too.
    infos += [value(w.name, w.dims, w.data_type) for w in weights if version == 3]
    return model(case.nodes, infos, outputs, weights, case.opset, version), inputs


def present(case):
    return case.becomes[-1] in OPERATORS or case.becomes == []


@pytest.mark.parametrize("case", OLD, ids=str)
def test_newest_form(case, tmp_path):
    if not present(case):
        pytest.skip("the dialect has no such operator yet")
    text = module(proto_of(case)[0], tmp_path)
    assert ops(text) == case.becomes
    for part in case.shows:
        assert part in text


@pytest.mark.parametrize("case", OLD, ids=str)
def test_same_values(case, tmp_path):
    if not present(case):
        pytest.skip("the dialect has no such operator yet")
    proto, inputs = proto_of(case)
    path = tmp_path / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    given, made = tmp_path / "in", tmp_path / "out"
    given.mkdir()
    for i, tensor in enumerate(inputs):
        (given / f"input_{i}.pb").write_bytes(tensor.SerializeToString())
    flags = [f"--inputs={given}", f"--outputs={made}"]
    done = run([tool("ingot"), "run", path, *flags])
    if "[IG3001]" in done.stderr:
        pytest.skip("an operator has no lowering yet")
    assert done.status == 0, done.stderr
    wanted = case.expect(**case.inputs)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    for i, expected in enumerate(wanted):
        data = (made / f"output_{i}.pb").read_bytes()
        actual = numpy_helper.to_array(helper.TensorProto.FromString(data))
        assert actual.dtype == expected.dtype and actual.shape == expected.shape
        np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=1e-6)


def test_every_row_has_a_case():
    covered = {tuple(case.row.split()) for case in OLD}
    missing = {(op, str(since)) for op, since in ROWS} - covered
    # Operators that ONNX Runtime defines have their cases in test/microsoft.
    folder = pathlib.Path(__file__).parent.parent / "microsoft"
    text = "".join(path.read_text() for path in sorted(folder.glob("*.py")))
    theirs = {op for op, _ in missing if f'"{op.removeprefix(DOMAIN)}"' in text}
    # Operators of families to come; their rows are tested with them.
    to_come = {"Scan"}
    assert {op for op, _ in missing} - theirs <= to_come - set(OPERATORS)


def refuse(tmp_path, *nodes, opset, shape=(1, 2, 3), weights=()):
    proto = model(list(nodes), [value("x", shape)], [value("y", None)], weights, opset)
    return refusal(proto, tmp_path)


def test_softmax_axis_out_of_range(tmp_path):
    bad = node("Softmax", ["x"], ["y"], axis=3, name="n")
    assert "[IG1208] node 'n' (Softmax): axis 3 is out of range" in refuse(
        tmp_path, bad, opset=11
    )


def test_broadcast_axis_that_does_not_fit(tmp_path):
    bad = node("Add", ["x", "x"], ["y"], broadcast=1, axis=1, name="n")
    assert "[IG1208] node 'n' (Add): axis 1 does not place" in refuse(
        tmp_path, bad, opset=6
    )


def test_resize_that_both_shrinks_and_grows(tmp_path):
    scales = numpy_helper.from_array(np.array([1, 0.5, 2], np.float32), "s")
    bad = node("Resize", ["x", "s"], ["y"], name="n")
    assert "[IG1303] node 'n' (Resize):" in refuse(
        tmp_path, bad, opset=10, weights=[scales]
    )


def test_old_attributes_that_must_be_there(tmp_path):
    for op in ("Pad", "Slice", "TopK"):
        bad = node(op, ["x"], ["y"], name="n")
        assert f"[IG1203] node 'n' ({op}): requires attribute" in refuse(
            tmp_path, bad, opset=9
        )


def test_old_attributes_of_another_type(tmp_path):
    bad = node("Slice", ["x"], ["y"], starts=[1.0], ends=[2], name="n")
    assert "[IG1204] node 'n' (Slice): attribute 'starts'" in refuse(
        tmp_path, bad, opset=9
    )


def test_cast_to_an_unknown_name(tmp_path):
    bad = node("Cast", ["x"], ["y"], to="FLOAT7", name="n")
    assert "[IG1204] node 'n' (Cast): attribute 'to' names the unknown type" in refuse(
        tmp_path, bad, opset=5
    )


def test_norm_that_is_no_whole_number(tmp_path):
    bad = node("GlobalLpPool", ["x"], ["y"], p=1.5, name="n")
    assert "[IG1303] node 'n' (GlobalLpPool):" in refuse(tmp_path, bad, opset=1)


def test_groups_that_do_not_divide_channels(tmp_path):
    scales = [
        numpy_helper.from_array(np.ones(2, np.float32), name) for name in ("s", "b")
    ]
    bad = node("GroupNormalization", ["x", "s", "b"], ["y"], num_groups=2, name="n")
    assert "[IG1208] node 'n' (GroupNormalization): 3 channels" in refuse(
        tmp_path, bad, opset=18, shape=(1, 3, 2), weights=scales
    )
