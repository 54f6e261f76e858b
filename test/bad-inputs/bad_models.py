"""What a bad (or odd but good) model is, and how the groups list them."""

import dataclasses
import json
import typing

import numpy as np
from onnx import TensorProto, helper, numpy_helper


@dataclasses.dataclass
class Case:
    """One file (or a few) and what the compiler must say to it."""

    id: str  # of the list of 202: "A1" ... "D20"
    name: str
    expect: str  # a code, several separated by "|", or "ok"
    build: typing.Callable  # folder -> path of the model
    flags: tuple = ()
    # For "ok": what the printed module must contain.
    shows: tuple = ()
    # What the message must name.
    says: tuple = ()
    seconds: float = 10
    # Sizes that exist on paper only are not held against the limit of memory.
    sparse: bool = False

    def __str__(self):
        return f"{self.id}-{self.name}"


class Group(list):
    """The cases of one group; `case` adds a builder."""

    def case(self, id, expect, **options):
        def add(build):
            name = build.__name__.strip("_").replace("_", "-")
            self.append(Case(id, name, expect, build, **options))
            return build

        return add

    def each(self, id, expect, variants, **options):
        """One case for each key of `variants`; the builder gets the value."""

        def add(build):
            for name, value in variants.items():
                self.append(
                    Case(
                        id,
                        name,
                        expect,
                        lambda folder, value=value: build(folder, value),
                        **options,
                    )
                )
            return build

        return add


def write(folder, data, name="model.onnx"):
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.SerializeToString())
    return path


def value(name, shape=(4,), dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def graph(nodes, inputs=None, outputs=None, initializers=()):
    return helper.make_graph(
        nodes,
        "bad",
        [value("x")] if inputs is None else inputs,
        [value("y")] if outputs is None else outputs,
        list(initializers),
    )


def model(nodes, inputs=None, outputs=None, initializers=(), opset=20, **extra):
    """A model of the default domain."""
    return helper.make_model(
        graph(nodes, inputs, outputs, initializers),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=extra.pop("ir_version", 10),
        **extra,
    )


def identity():
    """The smallest good model."""
    return model([helper.make_node("Identity", ["x"], ["y"], name="id")])


def with_tensor(tensor, shape=None, dtype=None):
    """A model whose output is the given initializer `w`."""
    out = value("y", shape, dtype or tensor.data_type)
    node = helper.make_node("Identity", ["w"], ["y"], name="copy")
    return model([node], [], [out], [tensor])


def tensor(dims, dtype=TensorProto.FLOAT, raw=None, name="w", **fields):
    """A TensorProto as given, right or wrong."""
    proto = TensorProto(name=name, data_type=dtype, dims=dims)
    if raw is not None:
        proto.raw_data = raw
    for field, values in fields.items():
        getattr(proto, field).extend(values)
    return proto


def array(values, name="w"):
    return numpy_helper.from_array(np.asarray(values), name)


def write_all(groups, folder):
    """Writes the files of all cases and expect.json beside them."""
    expectations = []
    for case in [case for group in groups for case in group]:
        place = folder / str(case)
        place.mkdir(parents=True, exist_ok=True)
        path = case.build(place)
        expectations.append(
            {
                "id": case.id,
                "file": str(path),
                "code": case.expect,
                "flags": list(case.flags),
                "seconds": case.seconds,
            }
        )
    (folder / "expect.json").write_text(json.dumps(expectations, indent=1))
