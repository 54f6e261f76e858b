"""The op tables of the onnx dialect against those of ONNX and ONNX Runtime."""

import numpy as np
import onnx
import pytest
from onnx import defs, helper
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from support import optable

# Ops of the dialect that the specification does not have.
OURS = {"None"}
# Deprecated, but with a meaning of its own that models still use.
KEPT = {"Upsample"}
# Attributes that the importer turns into another, so that no pass sees them.
MERGED = {
    "Constant": {
        "sparse_value": "value",
        "value_float": "value",
        "value_floats": "value",
        "value_int": "value",
        "value_ints": "value",
        "value_string": "value",
        "value_strings": "value",
    }
}


def schemas():
    """The newest schema of every operator of the default domain."""
    newest = {}
    for schema in defs.get_all_schemas_with_history():
        if schema.domain not in ("", "ai.onnx"):
            continue
        have = newest.get(schema.name)
        if have is None or have.since_version < schema.since_version:
            newest[schema.name] = schema
    for schema in runtime.get_all_operator_schema():
        if schema.domain == "com.microsoft":
            newest[f"{schema.domain}.{schema.name}"] = schema
    return newest


SCHEMAS = schemas()


def formal(parameter):
    return optable.Value(
        optional=parameter.option.name == "Optional",
        variadic=parameter.option.name == "Variadic",
    )


def shape_of(values):
    return ["variadic" * v.variadic + "optional" * v.optional or "one" for v in values]


def default_of(attribute):
    # ONNX Runtime's schemas hold the serialized form.
    proto = getattr(attribute, "_default_value", None)
    proto = attribute.default_value if proto is None else onnx.AttributeProto.FromString(proto)
    if not proto.name:
        return None
    value = helper.get_attribute_value(proto)
    return value.decode() if isinstance(value, bytes) else value


def same_default(ours, theirs):
    if ours is None or theirs is None:
        return ours is None and theirs is None
    if isinstance(theirs, (float, int)) and isinstance(ours, (float, int)):
        return np.float32(ours) == np.float32(theirs)
    if isinstance(theirs, (list, tuple)):
        return list(ours) == [
            item.decode() if isinstance(item, bytes) else item for item in theirs
        ]
    return ours == theirs


@pytest.mark.parametrize("name", sorted(optable.ops()))
def test_op_is_as_specified(name):
    op = optable.ops()[name]
    if name in OURS:
        pytest.skip("not an operator of the specification")
    assert name in SCHEMAS, f"ONNX {onnx.__version__} has no operator {name}"
    schema = SCHEMAS[name]
    assert not schema.deprecated or name in KEPT, "the importer rewrites deprecated operators"
    assert shape_of(op.operands) == shape_of(map(formal, schema.inputs)), "inputs"
    # Every output of the specification is a result; an unused one has no users.
    assert [v.variadic for v in op.results] == [
        formal(v).variadic for v in schema.outputs
    ], "outputs"
    merged = MERGED.get(name, {})
    names = schema.attributes.keys() - merged.keys()
    assert op.attributes.keys() == names, "attribute names"
    for key in sorted(names):
        ours, theirs = op.attributes[key], schema.attributes[key]
        assert ours.type == theirs.type.name, f"type of {key}"
        required = theirs.required or key in merged.values()
        assert ours.required == required, f"{key} required"
        assert same_default(ours.default, default_of(theirs)), (
            f"default of {key}: {ours.default!r}, in ONNX {default_of(theirs)!r}"
        )


def test_no_op_is_in_two_families():
    names = [op.name for op in optable.all_ops()]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize(
    "text, value",
    [("1.0f", 1.0), ("1e-05f", 1e-5), ("-1", -1), ('"NOTSET"', "NOTSET")]
    + [("true", 1), ("{0, 1}", [0, 1]), ("{}", []), ("0.01f", 0.01)],
)
def test_defaults_written_in_cpp_are_read(text, value):
    assert optable.parse_default(text) == value
