"""bench/compare.py: its arithmetic, and one small run (no speed is asserted)."""

import importlib.util
import json
import subprocess
import sys

import pytest

from support import tool
from support.paths import ROOT

SCRIPT = ROOT / "bench" / "compare.py"
spec = importlib.util.spec_from_file_location("compare_script", SCRIPT)
compare = importlib.util.module_from_spec(spec)
spec.loader.exec_module(compare)


@pytest.mark.parametrize(
    "times, expected",
    [
        ({"ingot": 2, "onnxruntime": 3, "openvino": 4}, 1.5),
        ({"ingot": 2, "onnxruntime": None, "openvino": 4}, 2),
        ({"ingot": None, "onnxruntime": 3, "openvino": 4}, None),
        ({"ingot": 2, "onnxruntime": None, "openvino": None}, None),
    ],
)
def test_ratio_is_to_the_faster_peer(times, expected):
    assert compare.ratio({name: {"ms": ms} for name, ms in times.items()}) == expected


def test_geometric_mean():
    assert compare.geometric_mean([0.5, 2.0]) == pytest.approx(1)
    assert compare.geometric_mean([]) is None


def test_models_are_found(tmp_path):
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.onnx").touch()
    a, b = tmp_path / "a/model.onnx", tmp_path / "b/model.onnx"
    assert list(compare.models_of([tmp_path])) == [("a", a), ("b", b)]
    assert list(compare.models_of([tmp_path / "a"])) == [("a", a)]
    assert list(compare.models_of([b])) == [("b", b)]
    with pytest.raises(SystemExit):
        list(compare.models_of([tmp_path / "c"]))


def test_small_model(tmp_path):
    command = [sys.executable, SCRIPT, ROOT / "examples/digits/digits.onnx"]
    command += ["--ingot", tool.tool("ingot"), "--engines", "ingot,onnxruntime"]
    command += ["--threads", "1", "--rounds", "3", "--seconds", "0.02"]
    done = subprocess.run(
        [*command, "--json", tmp_path / "f.json"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "geometric mean of 1 ratios" in done.stdout
    (figures,) = json.loads((tmp_path / "f.json").read_text())
    assert figures["model"] == "digits" and figures["threads"] == 1
    for engine in ("ingot", "onnxruntime"):
        assert len(figures["engines"][engine]["rounds"]) == 3
        assert figures["engines"][engine]["ms"] > 0


def test_failure_is_shown_and_counted(tmp_path):
    broken = tmp_path / "ingot"
    broken.write_text("#!/bin/sh\necho 'error: [IG1234] broken' >&2\nexit 1\n")
    broken.chmod(0o755)
    command = [sys.executable, SCRIPT, ROOT / "examples/digits/digits.onnx"]
    command += ["--ingot", broken, "--engines", "ingot", "--threads", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "ingot: error: [IG1234] broken" in done.stdout
