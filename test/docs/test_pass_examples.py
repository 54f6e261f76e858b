"""The examples in the descriptions of the passes are true.

An example is IR, then "// ==>", then what the pass makes of it. Each line of the
second part is a line of the output, next to the one before; "..." stands for
anything within a line, and alone for any lines. Names of values are free. After
"// error:" stands the text of a message instead.
"""

import re
import subprocess

import pytest

from support.paths import LLVM_BIN, ROOT
from support.tool import tool
from tools.test_lint import lint


def examples():
    for path, line, mnemonic, body in lint.passes_of(lint.Tree(ROOT)):
        for text in re.findall(r"```mlir\n(.*?)```", body, re.DOTALL):
            yield pytest.param(mnemonic, text, id=mnemonic)


def checks_of(text):
    """FileCheck's form of the lines after the arrow."""
    known, checks, following = set(), [], False
    for line in filter(str.strip, text.split("\n")):
        line = line.strip()
        if line == "...":
            following = False
            continue
        pattern = ""
        for piece in re.split(r"(%\w+|\.\.\.|\[\[+)", line):
            if piece.startswith("%"):
                name = f"V{piece[1:]}"
                pattern += f"[[{name}]]" if name in known else f"[[{name}:%[a-z0-9_]+]]"
                known.add(name)
            elif piece == "...":
                pattern += "{{.*}}"
            elif piece.startswith("[["):
                pattern += "{{" + re.escape(piece) + "}}"
            else:
                pattern += piece
        checks.append(f"// CHECK{'-NEXT' if following else ''}: {pattern}")
        following = True
    return "\n".join(checks)


@pytest.mark.parametrize("mnemonic, text", list(examples()))
def test_example(mnemonic, text, tmp_path):
    given, _, expected = text.partition("// ==>")
    given, _, message = given.partition("// error: ")
    assert bool(expected) != bool(message), "neither an arrow nor an error"
    (tmp_path / "example.mlir").write_text(given)
    done = subprocess.run(
        [tool("ingot-opt"), f"--{mnemonic}", tmp_path / "example.mlir"],
        capture_output=True,
        text=True,
    )
    if message:
        assert done.returncode == 1
        assert " ".join(message.split()) in done.stderr
        return
    assert done.returncode == 0, done.stderr
    # What follows the arrow on its own line is a remark for readers.
    (tmp_path / "checks").write_text(checks_of(expected.partition("\n")[2]))
    checked = subprocess.run(
        [LLVM_BIN / "FileCheck", "--strict-whitespace=false", tmp_path / "checks"],
        input=done.stdout,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, f"{checked.stderr}\noutput:\n{done.stdout}"


def test_a_wrong_example_is_found(tmp_path):
    text = """
    func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
      %0 = onnx.Relu %x : (tensor<2xf32>) -> tensor<2xf32>
      return %0 : tensor<2xf32>
    }
    // ==>
    func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
      return %x : tensor<2xf32>
    }
    """
    with pytest.raises(AssertionError):
        test_example("ingot-infer-shapes", text, tmp_path)
