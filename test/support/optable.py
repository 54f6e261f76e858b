"""The onnx dialect's op tables, read from its .td files."""

import ast
import dataclasses
import functools
import json
import re
import subprocess

from support.paths import LLVM_BIN, ROOT

DIALECT = ROOT / "dialects" / "onnx"

# Storage of an attribute in the dialect -> its type in the specification.
ATTRIBUTE_TYPES = {
    "::mlir::IntegerAttr": "INT",
    "::mlir::FloatAttr": "FLOAT",
    "::mlir::StringAttr": "STRING",
    "::mlir::DenseI64ArrayAttr": "INTS",
    "::mlir::DenseF32ArrayAttr": "FLOATS",
    "::mlir::ArrayAttr": "STRINGS",
    "::mlir::ElementsAttr": "TENSOR",
    "::mlir::TypeAttr": "TYPE_PROTO",
}


@dataclasses.dataclass(frozen=True)
class Value:
    """An operand or result."""

    optional: bool
    variadic: bool


@dataclasses.dataclass(frozen=True)
class Attribute:
    type: str
    required: bool
    default: object


@dataclasses.dataclass(frozen=True)
class Op:
    name: str
    family: str
    operands: tuple
    attributes: dict
    results: tuple


@functools.lru_cache(None)
def all_ops():
    """Every op of the dialect's families."""
    return [op for path in sorted(DIALECT.glob("*.td")) for op in _family(path)]


def ops():
    """{operator name: Op}"""
    return {op.name: op for op in all_ops()}


def _family(path):
    records = json.loads(
        subprocess.run(
            [
                LLVM_BIN / "llvm-tblgen",
                "--dump-json",
                "-I",
                ROOT,
                "-I",
                LLVM_BIN.parent / "include",
                path,
            ],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )
    for name in records["!instanceof"].get("Op", ()):
        record = records[name]
        if record["opDialect"]["def"] == "Onnx_Dialect":
            yield _op(record, records, path.stem)


def _op(record, records, family):
    operands, attributes = [], {}
    for argument, name in record["arguments"]["args"]:
        kind = records[argument["def"]]
        if "Attr" in kind["!superclasses"]:
            attributes[name] = _attribute(kind, records)
        elif "TypeConstraint" in kind["!superclasses"]:
            operands.append(_value(kind))
    for region, name in record.get("regions", {}).get("args", ()):
        attributes[name] = Attribute("GRAPH", True, None)
    results = [_value(records[kind["def"]]) for kind, _ in record["results"]["args"]]
    return Op(record["opName"], family, tuple(operands), attributes, tuple(results))


def _value(kind):
    return Value(
        optional=kind["!name"] == "Onnx_OptionalTensor"
        or not {"Optional", "Onnx_Optional"}.isdisjoint(kind["!superclasses"])
        or re.match(r"Onnx_Optional", kind["!name"]) is not None,
        variadic="Variadic" in kind["!superclasses"],
    )


def _attribute(kind, records):
    default = kind.get("defaultValue") or None
    base = kind
    while base.get("baseAttr"):
        base = records[base["baseAttr"]["def"]]
    storage = base["storageType"].strip()
    return Attribute(
        type=ATTRIBUTE_TYPES.get(storage, storage),
        required=not kind.get("isOptional") and default is None,
        default=None if default is None else parse_default(default),
    )


def parse_default(text):
    """The Python value of a default written in C++."""
    text = text.strip()
    text = re.sub(r"(?<=[\d.])f\b", "", text)
    if text in ("true", "false"):
        return int(text == "true")
    if text.startswith("{"):
        text = f"[{text[1:-1]}]"
    return ast.literal_eval(text)
