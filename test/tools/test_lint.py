"""Each rule of scripts/lint, broken once and kept once."""

import importlib.machinery
import importlib.util
import subprocess
import sys

import pytest

from support.paths import ROOT


def load_script(name):
    loader = importlib.machinery.SourceFileLoader(name, str(ROOT / "scripts" / name))
    spec = importlib.util.spec_from_loader(name, loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    loader.exec_module(module)
    sys.dont_write_bytecode = before
    return module


lint = load_script("lint")
HEAD = "// Part of the Ingot project\n"


def findings(tmp_path, check, files):
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    tree = lint.Tree(tmp_path, list(files))
    return [str(finding) for finding in check(tree)]


@pytest.mark.parametrize(
    "path, include, good",
    [
        ("passes/A.cpp", "dialects/onnx/Dims.h", True),
        ("passes/A.cpp", "passes/Passes.h", True),
        ("passes/A.cpp", "codegen/Target.h", False),
        ("dialects/onnx/A.td", "passes/B.td", False),
        ("codegen/A.cpp", "lib/Driver/Phases.h", False),
        ("codegen/A.cpp", "lib/Runtime/ModelAbi.h", True),
        ("tools/a.cpp", "lib/Driver/Phases.h", True),
        ("lib/A.cpp", "ingot/ingot.h", True),
        ("lib/A.cpp", "test/support/a.h", False),
        ("include/ingot/a.h", "lib/A.h", False),
        ("include/ingot/a.h", "mlir/IR/Value.h", False),
        ("lib/Runtime/A.cpp", "llvm/ADT/StringRef.h", False),
        ("lib/Import/A.cpp", "mlir/IR/Value.h", True),
    ],
)
def test_layers(tmp_path, path, include, good):
    text = f'#include "{include}"\n' if path[-1] != "d" else f'include "{include}"\n'
    assert (not findings(tmp_path, lint.check_includes, {path: text})) == good


@pytest.mark.parametrize(
    "path, text, good",
    [
        ("passes/A.cpp", 'if (name == "aarch64") {}', False),
        ("lib/A.cpp", 'triple = "x86_64-linux-gnu";', False),
        ("passes/A.cpp", 'if (has("avx512f")) {}', False),
        ("lib/Runtime/CpuFeatures.cpp", 'x = {"avx512f", 1};', True),
        ("codegen/targets/x86/Target.cpp", 'return "x86";', True),
        ("passes/A.cpp", "// not for aarch64", True),
        ("passes/A.cpp", 'name = "charm64";', True),
        ("lib/A.cpp", '#include "targets/x86/a.h"', True),
    ],
)
def test_target_names(tmp_path, path, text, good):
    found = findings(tmp_path, lint.check_target_names, {path: text + "\n"})
    assert (not found) == good


PASS = """def Tile : Pass<"ingot-tile", "::mlir::ModuleOp"> {
  let summary = "Tile";
  let description = [{
    ```mlir
    ```
  }];
  let options = [Option<"size", "size", "int64_t", "8", "Tile size">];
}
"""


@pytest.mark.parametrize(
    "text, test, finding",
    [
        (PASS, "// RUN: ingot-opt %s --ingot-tile | FileCheck %s", None),
        (PASS, "// RUN: ingot-opt %s \\\n// RUN:   -ingot-tile=size=4", None),
        (PASS, "// RUN: ingot-opt -pass-pipeline='any(ingot-tile)'", None),
        (PASS, "// RUN: ingot-opt %s --ingot-tile-more", "no RUN line"),
        (PASS, "// like --ingot-tile\n// RUN: ingot-opt", "no RUN line"),
        (PASS.replace("let summary", "//"), "// RUN: x --ingot-tile", "no summary"),
        (PASS.replace("let desc", "//"), "// RUN: x --ingot-tile", "no description"),
        (PASS.replace("mlir\n", "\n"), "// RUN: x --ingot-tile", "no example"),
    ],
)
def test_passes(tmp_path, text, test, finding):
    files = {"passes/Passes.td": text, "test/passes/tile.mlir": test + "\n"}
    found = findings(tmp_path, lint.check_passes, files)
    assert finding in found[0] if finding else not found


ERROR = 'return emitOpError("needs ") << n << " operands of one type";\n'
CODED = 'report("[IG1042] no operator ");\n'


@pytest.mark.parametrize(
    "source, test, untested, finding",
    [
        (ERROR, "// expected-error {{needs 2 operands of one type}}", "", None),
        (ERROR, "// nothing", "", "a.cpp:1: no test has this diagnostic"),
        (ERROR, "//", "operands of one type -- unreachable from text\n", None),
        (ERROR, "//", "operands of one type\n", "no reason"),
        (ERROR, "operands of one type", "operands of one type -- x\n", "is tested"),
        (CODED, "IG1042", "", None),
        (CODED, "IG1043", "", "IG1042"),
        ("", "//", "IG1042 -- gone\n", "no such diagnostic"),
        ("// emitError(\"in a comment only\")\n", "//", "", None),
    ],
)
def test_diagnostics(tmp_path, source, test, untested, finding):
    files = {"passes/a.cpp": source, "test/a.mlir": test + "\n", lint.UNTESTED: untested}
    found = findings(tmp_path, lint.check_diagnostics, files)
    assert finding in found[0] if finding else not found


@pytest.mark.parametrize(
    "path, text, finding",
    [
        ("lib/A.cpp", HEAD + "\n" * 599, None),
        ("lib/A.cpp", HEAD + "\n" * 600, "split it"),
        ("lib/" + "a" * 68 + ".cpp", HEAD, "path longer"),
        ("lib/A.cpp", HEAD + "// TODO: later\n", "unfinished work"),
        ("scripts/x", "cd /work/main\n", "machine's path"),
        ("lib/A.cpp", "int x;\n", "no file header"),
        ("lib/StringUtils.cpp", HEAD, "name the file"),
    ],
)
def test_files(tmp_path, path, text, finding):
    found = findings(tmp_path, lint.check_files, {path: text})
    assert finding in found[0] if finding else not found


@pytest.mark.parametrize(
    "path, text, good",
    [
        ("lib/A.cpp", "llvm::cl::opt<int> x;", False),
        ("tools/a.cpp", "llvm::cl::opt<int> x;", True),
        ("lib/A.h", "using namespace mlir;", False),
        ("lib/A.cpp", "using namespace mlir;", True),
    ],
)
def test_cpp(tmp_path, path, text, good):
    assert (not findings(tmp_path, lint.check_cpp, {path: text + "\n"})) == good


@pytest.mark.parametrize(
    "text, good",
    [
        ("[a](b.md) [c](https://x.org/y) [d](#e)", True),
        ("[a](c.md)", False),
        ("see `docs/b.md` and `docs/`", True),
        ("see `passes/gone.cpp`", False),
    ],
)
def test_links(tmp_path, text, good):
    files = {"docs/a.md": text + "\n", "docs/b.md": ""}
    assert (not findings(tmp_path, lint.check_links, files)) == good


def test_listings_hold_no_links(tmp_path):
    text = "```cpp\n[&](Body &body) `codegen/gone.cpp`\n```\n[gone](gone.md)\n"
    (found,) = findings(tmp_path, lint.check_links, {"docs/a.md": text})
    assert "gone.md" in found and ":4:" in found


def test_format_is_checked(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / ".clang-format").write_text("BasedOnStyle: LLVM\n")
    (tmp_path / "lib/A.cpp").write_text("int   x;\n")
    tree = lint.Tree(tmp_path, ["lib/A.cpp"])
    assert [finding.path for finding in lint.check_format(tree, False)] == ["lib/A.cpp"]
    list(lint.check_format(tree, True))
    assert (tmp_path / "lib/A.cpp").read_text() == "int x;\n"


def test_documents_are_checked_and_refreshed(tmp_path):
    text = "# Title\n\n<!-- run: echo new -->\n```text\nold\n```\nmore\n"
    (tmp_path / "a.md").write_text(text)
    tree = lint.Tree(tmp_path, ["a.md"])
    (stale,) = lint.check_documents(tree, tmp_path, False)
    assert stale.line == 3 and "stale" in stale.text
    assert not list(lint.check_documents(tree, tmp_path, True))
    assert (tmp_path / "a.md").read_text() == text.replace("old", "new")


def test_document_with_a_failing_command(tmp_path):
    (tmp_path / "a.md").write_text("<!-- run: false -->\n```text\n```\n")
    tree = lint.Tree(tmp_path, ["a.md"])
    (finding,) = lint.check_documents(tree, tmp_path, False)
    assert "failed" in finding.text


def test_options_are_documented():
    done = subprocess.run(
        [ROOT / "scripts/lint", "--help"], capture_output=True, text=True, check=True
    )
    for option in ("--fix", "--all", "--no-tidy", "--build-dir"):
        assert option in done.stdout
