"""docs/adding.md, followed to the letter in a copy of the tree."""

import os
import re
import subprocess

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from docs.scratch_tree import ScratchTree, checked
from support.paths import LLVM_BIN, ROOT
from tools.test_lint import lint

PAGE = ROOT / "docs/adding.md"
BLOCK = re.compile(
    r'^(?:<!-- (?P<what>file|insert|replace): (?P<path>\S+)'
    r'(?: (?P<where>before|at the end)?(?: ?"(?P<mark>[^"]*)")?)? -->\n)?'
    r"^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


def blocks():
    return list(BLOCK.finditer(PAGE.read_text()))


def apply(tree, block):
    """Does to the tree what the page says of a block."""
    path, text, mark = block["path"], block["text"], block["mark"]
    if block["what"] == "file":
        assert not (tree.root / path).exists(), f"{path} is there already"
        tree.write(path, text)
        return
    before = (tree.root / path).read_text()
    if block["where"] == "at the end":
        tree.write(path, before.rstrip("\n") + "\n" + text)
        return
    assert before.count(mark) == 1, f"{path} has {before.count(mark)} times: {mark}"
    if block["what"] == "replace":
        tree.write(path, before.replace(mark, text.rstrip("\n")))
    else:
        tree.write(path, before.replace(mark, text + mark))


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    tree = ScratchTree(tmp_path_factory.mktemp("tree"))
    for block in blocks():
        if block["what"]:
            apply(tree, block)
    tree.configure()
    tree.make_tables()
    objects = tree.compile()
    for tool in ("ingot", "ingot-opt"):
        tree.link(tool, objects)
    return tree


def test_every_block_is_used():
    """A block is a change or a command; nothing is left to the reader."""
    text = PAGE.read_text()
    assert len(blocks()) == len(re.findall(r"^```\w+$", text, re.MULTILINE)) > 10
    for block in blocks():
        assert block["what"] or block["language"] == "sh", block["text"]
        if block["path"]:
            assert re.search(rf"[`*]{re.escape(block['path'])}[`*]", text), block["path"]


def test_tests_pass(tree):
    tests = [path for path in tree.changed if path.endswith(".mlir")]
    assert len(tests) >= 5
    done = subprocess.run(
        [LLVM_BIN / "lit", "-v", "--param", f"build={tree.build}", *tests],
        cwd=tree.root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Passed: {len(tests)}" in done.stdout


def test_commands_run(tree, tmp_path):
    environment = {**os.environ, "PATH": f"{tree.build / 'bin'}:{os.environ['PATH']}"}
    (tmp_path / "examples").symlink_to(tree.root / "examples")
    commands = [block["text"] for block in blocks() if block["language"] == "sh"]
    assert commands
    for text in commands:
        done = subprocess.run(
            ["/bin/bash", "-e", "-c", text],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"


def test_rules_hold(tree):
    """What scripts/lint says of the changed tree."""
    copy = lint.Tree(tree.root, tree.paths)
    findings = [
        str(finding)
        for check in (*lint.CHECKS, lambda tree: lint.check_format(tree, fix=False))
        for finding in check(copy)
    ]
    assert not findings, "\n".join(findings)


def test_operators_compute(tree, tmp_path):
    """The new operators in a model, compiled and run."""
    shape = ["N", 3]
    graph = helper.make_graph(
        [
            helper.make_node("Neg", ["x"], ["a"]),
            helper.make_node("Neg", ["a"], ["b"]),
            helper.make_node("Cube", ["b"], ["c"]),
            helper.make_node("Flip", ["c"], ["d"], axis=0),
            helper.make_node("Flip", ["d"], ["y"]),
        ],
        "added",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])
    onnx.save(model, tmp_path / "model.onnx")
    x = np.random.default_rng(1).normal(size=(37, 3)).astype("f")
    np.savez(tmp_path / "in.npz", x=x)
    checked(
        [tree.build / "bin/ingot", "run", "model.onnx", "--inputs", "in.npz"]
        + ["--outputs", "out.npz"],
        tmp_path,
    )
    y = np.load(tmp_path / "out.npz")["y"]
    np.testing.assert_array_equal(y, (x * x * x)[::-1, ::-1])
