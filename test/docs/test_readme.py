"""What README.md and docs/dependencies.md say is so."""

import os
import re
import shlex
import subprocess

import onnx
import pytest

from support import optable
from support.paths import BUILD, LLVM_BIN, ROOT
from support.tool import tool

README = (ROOT / "README.md").read_text()
DIGITS = ROOT / "examples/digits/digits.onnx"


def listed(path):
    """The first words of a list, without its comments."""
    lines = (ROOT / path).read_text().splitlines()
    return [line.split()[0] for line in lines if line.strip() and line[0] != "#"]


def commands():
    return re.findall(r"^    (ingot .*?)(?:\s+#.*)?$", README, re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with what the commands name: model.onnx and in.npz."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "model.onnx").write_bytes(DIGITS.read_bytes())
    import numpy as np

    np.savez(folder / "in.npz", image=np.zeros((1, 1, 8, 8), "f"))
    return folder


def test_commands_run(folder):
    """The commands of the first screen, in their order."""
    assert len(commands()) >= 6
    path = f"{BUILD / 'bin'}:{os.environ['PATH']}"
    for command in commands():
        if command.split()[1] == "bench":
            continue  # test/tools times things
        done = subprocess.run(
            shlex.split(command),
            cwd=folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"


def test_every_command_exists():
    help = subprocess.run([tool("ingot"), "--help"], capture_output=True, text=True)
    for command in commands():
        name = command.split()[1]
        assert name == "--help" or f"\n  {name} " in help.stdout, command


def test_program_loads_a_model(folder):
    """The C program of the first screen."""
    body = re.search(r"```c\n(.*?)```", README, re.DOTALL).group(1)
    include, _, rest = body.partition("\n")
    (folder / "a.c").write_text(
        f"#include <stdio.h>\n{include}\nint main(void) {{{rest}  return model == NULL;\n}}\n"
    )
    subprocess.run([tool("ingot"), "compile", DIGITS, "-o", "model.so"], cwd=folder, check=True)
    subprocess.run(
        ["clang-22", "-I", ROOT / "include", "a.c", "-o", "a.out", "-ldl"],
        cwd=folder,
        check=True,
    )
    assert subprocess.run(["./a.out"], cwd=folder).returncode == 0


def test_artifact_needs_libc_alone(folder):
    so = folder / "needs.so"
    subprocess.run([tool("ingot"), "compile", DIGITS, "-o", so], check=True)
    dynamic = subprocess.run(
        [LLVM_BIN / "llvm-readelf", "--dynamic", so], capture_output=True, text=True
    ).stdout
    assert re.findall(r"Shared library: \[(.*?)\]", dynamic) == ["libc.so.6"]
    undefined = subprocess.run(
        [LLVM_BIN / "llvm-nm", "-D", "--undefined-only", so], capture_output=True, text=True
    ).stdout
    stub = (ROOT / "lib/Runtime/LibcStub.c").read_text()
    assert set(re.findall(r"U (\w+)", undefined)) <= set(re.findall(r"STUB\((\w+)\)", stub))


def test_numbers():
    """Rounded down, so that they stay true while support grows."""
    operators = int(re.search(r"over (\d+) operators", README).group(1))
    known = {schema.name for schema in onnx.defs.get_all_schemas() if not schema.domain}
    present = len(known & set(optable.ops()))
    assert operators < present <= 1.25 * operators
    passing, total = re.search(r"over ([\d,]+) of the ([\d,]+)", README).groups()
    passing, total = (int(text.replace(",", "")) for text in (passing, total))
    refused = len(listed("test/conformance/expected-failures.txt"))
    assert f"9 light models: {total:,}" in (ROOT / "test/conformance/README.md").read_text()
    assert passing < total - refused <= 1.25 * passing


def test_dependencies_are_complete():
    page = (ROOT / "docs/dependencies.md").read_text()
    for name in listed("scripts/packages.txt"):
        assert f"`{name}`" in page, name
    for line in listed("scripts/requirements.txt"):
        assert f"`{line.partition('==')[0]}`" in page, line


@pytest.mark.parametrize(
    "words, operators",
    [
        ("If, Loop, Scan", ["If", "Loop", "Scan"]),
        ("recurrent operators", ["LSTM", "GRU", "RNN"]),
        ("strings", ["StringNormalizer", "StringConcat", "RegexFullMatch"]),
        ("sequences", ["SequenceAt", "SequenceConstruct", "SplitToSequence"]),
    ],
)
def test_what_is_not_supported(words, operators):
    """Once one of them is, the README must not say otherwise."""
    said = " ".join(re.search(r"Not supported yet:(.*?)\.", README, re.DOTALL).group(1).split())
    assert (words in said) == optable.ops().keys().isdisjoint(operators)
