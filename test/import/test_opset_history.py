"""The upgrade table against the history of the operators in the specification.

A version needs a row where a node of the version before it could not stand as
it is: inputs or outputs were removed, made required or put elsewhere,
attributes were removed, changed their type or default, or became required.
Versions that only add optional inputs, or attributes whose defaults mean what
was meant before, need none."""

import onnx
import pytest
from onnx import defs, helper

from support.tool import run, tool

NEWEST = 28

# Attributes that were added with a default that means something else.
NEW_MEANING = {("RoiAlign", 16), ("Resize", 11)}
# Versions that changed the meaning without changing the form.
CHANGED_MEANING = {
    ("Dropout", 10),  # the mask became bool
    ("GroupNormalization", 21),  # scales per channel, not per group
    ("Hardmax", 13),  # along one axis, not over a flattened matrix
    ("LogSoftmax", 13),
    ("PRelu", 7),  # slopes broadcast from the last dimension, not the second
    ("Softmax", 13),
    ("Scatter", 11),  # deprecated for another operator
    ("Upsample", 10),
}
# Changes of form that need no rewrite.
HARMLESS = {
    ("LpPool", 2, "kernel_shape"),  # became required; nobody leaves it out
    ("GRU", 3, "direction"),  # a misspelt default, the row corrects the word
    ("Shape", 15, "end"),
    ("Split", 2, "axis"),  # without default before, 0 by its description
    ("Split", 2, "split"),  # the first version has it as an input, as now
}
# Rows for any opset that stand for those of all versions.
FOR_ALL_VERSIONS = {"Constant", "Scatter", "Upsample"}


def lines(flag):
    done = run([tool("ingot-import"), flag])
    assert done.status == 0
    return done.stdout.split("\n")[:-1]


OPERATORS = lines("--list-operators")
ROWS = {tuple(line.split()) for line in lines("--list-upgrades")}
ROWS = {(op, int(since)) for op, since in ROWS}


def default(attribute):
    value = attribute.default_value
    return helper.get_attribute_value(value) if value.type else None


def changes(old, new):
    """Why a node of the old schema is no node of the new one."""
    for i, before in enumerate(old.inputs):
        if i >= len(new.inputs):
            if (new.name, new.since_version, before.name) not in HARMLESS:
                yield f"input {before.name} is gone"
            continue
        after = new.inputs[i]
        if before.option != after.option and after.option.name == "Single":
            yield f"input {after.name} became required"
    for after in new.inputs[len(old.inputs) :]:
        if after.option.name == "Single":
            yield f"input {after.name} is new and required"
    if len(old.outputs) > len(new.outputs):
        yield "outputs are gone"
    for name, before in old.attributes.items():
        after = new.attributes.get(name)
        if after is None:
            yield f"attribute {name} is gone"
        elif before.type != after.type:
            yield f"attribute {name} changed its type"
        elif default(before) != default(after) or (
            after.required and not before.required
        ):
            if (new.name, new.since_version, name) not in HARMLESS:
                yield f"attribute {name} changed its default"
    for name, after in new.attributes.items():
        if name not in old.attributes and after.required:
            yield f"attribute {name} is new and required"
    if new.deprecated:
        yield "the operator is deprecated"


def history(op):
    schemas = [
        schema
        for schema in defs.get_all_schemas_with_history()
        if schema.name == op and schema.domain == ""
    ]
    schemas.sort(key=lambda schema: schema.since_version)
    return list(zip(schemas, schemas[1:]))


def names():
    renamed = {op for op, _ in ROWS} - set(OPERATORS)
    return sorted(set(OPERATORS) | renamed)


def test_specification_is_the_one_the_table_is_made_for():
    assert defs.onnx_opset_version() == NEWEST, onnx.__version__


@pytest.mark.parametrize("op", names())
def test_every_change_of_form_has_a_row(op):
    pairs = history(op)
    missing = []
    for old, new in pairs:
        since = new.since_version
        reasons = list(changes(old, new))
        # A hint that is dropped from every operator.
        reasons = [r for r in reasons if "consumed_inputs" not in r]
        if (op, since) in NEW_MEANING | CHANGED_MEANING:
            reasons.append("changed its meaning")
        above = {row for name, row in ROWS if name == op}
        if reasons and since not in above and op not in FOR_ALL_VERSIONS:
            missing.append((since, reasons))
    assert not missing


def test_rows_are_versions_of_the_operator():
    """A row at a version that changed nothing is a row that does not apply
    where it should."""
    for op, since in ROWS:
        versions = {new.since_version for _, new in history(op)}
        assert since == NEWEST + 1 or since in versions, (op, since)
