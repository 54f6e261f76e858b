"""The official ONNX backend suite as files.

The suite of the `onnx` package makes its node cases in Python and keeps others
in its data folder. All are written out once, into the build folder, in the
ONNX test-data format, so that any of them can be run by hand:

    ingot run build/conformance/test_add/model.onnx \\
        --inputs build/conformance/test_add/test_data_set_0 --outputs out
"""

import dataclasses
import json
import os
import pathlib
import shutil
import warnings

import onnx
from onnx.backend.test import loader
from onnx.backend.test.runner import Runner

from support import tensors
from support.paths import BUILD

FORMAT = 1  # of the files below; a change writes them again
KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator", "real")


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    kind: str
    operator: str  # what the case is about, for the table
    operators: tuple  # every operator in it
    nodes: int
    model: str
    data_sets: tuple
    rtol: float
    atol: float


def load():
    """All cases, by name."""
    folder = BUILD / "conformance"
    index = folder / "index.json"
    stamp = [onnx.__version__, FORMAT, str(folder)]
    if index.exists():
        stored = json.loads(index.read_text())
        if stored["stamp"] == stamp:
            return [_case(fields) for fields in stored["cases"]]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    cases = _export(folder)
    text = json.dumps(
        {"stamp": stamp, "cases": [dataclasses.asdict(case) for case in cases]}
    )
    index.with_suffix(".part").write_text(text)
    os.replace(index.with_suffix(".part"), index)
    return cases


def _case(fields):
    for name in ("operators", "data_sets"):
        fields[name] = tuple(fields[name])
    return Case(**fields)


def _export(folder):
    cases = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind in KINDS:
            for case in loader.load_model_tests(kind=kind):
                target = folder / case.name
                target.mkdir()
                write = {"node": _write_node, "real": _write_light}
                write.get(kind, _write_stored)(case, target)
                cases.append((case, kind, target))
    by_name = {}
    for case, kind, target in cases:
        by_name[case.name] = _describe(case, kind, target, by_name)
    return sorted(by_name.values(), key=lambda case: case.name)


def _write_node(case, target):
    (target / "model.onnx").write_bytes(case.model.SerializeToString())
    graph = case.model.graph
    for number, (inputs, outputs) in enumerate(case.data_sets):
        data = target / f"test_data_set_{number}"
        data.mkdir()
        for stem, values, infos in (
            ("input", inputs, graph.input),
            ("output", outputs, graph.output),
        ):
            for i, (value, info) in enumerate(zip(values, infos)):
                tensors.dump(data / f"{stem}_{i}.pb", value, info.type, info.name)


def _write_stored(case, target):
    shutil.copytree(case.model_dir, target, dirs_exist_ok=True)


def _write_light(case, target):
    """A zoo topology: the suite makes its input and ships its output."""
    package = pathlib.Path(onnx.__file__).parent.parent
    source = package / case.url
    shutil.copy(source, target / "model.onnx")
    model = onnx.load(source)
    data = target / "test_data_set_0"
    data.mkdir()
    for i, info in enumerate(tensors.inputs_of(model)):
        value = Runner.generate_dummy_data(info, name=case.model_name)
        tensors.dump(data / f"input_{i}.pb", value, info.type, info.name)
    for i in range(len(model.graph.output)):
        shutil.copy(f"{source.with_suffix('')}_output_{i}.pb", data / f"output_{i}.pb")


def _nodes(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                yield from _nodes(inner)


def _describe(case, kind, target, by_name):
    model = onnx.load(target / "model.onnx")
    nodes = list(_nodes(model.graph))
    for function in model.functions:
        nodes += function.node
    base = case.name.split("_expanded")[0]
    if kind != "node":
        operator = "light models" if kind == "real" else kind
    elif base != case.name and base in by_name:
        operator = by_name[base].operator
    else:
        operator = model.graph.node[0].op_type
    return Case(
        name=case.name,
        kind=kind,
        operator=operator,
        operators=tuple(sorted({node.op_type for node in nodes})),
        nodes=len(nodes),
        model=str(target / "model.onnx"),
        data_sets=tuple(sorted(map(str, target.glob("test_data_set_*")))),
        rtol=case.rtol,
        atol=case.atol,
    )
