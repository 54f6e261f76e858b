"""The example model: what README.md says of it, by the compiled model."""

import subprocess
import sys

import numpy as np
import onnx
import pytest

from support import tool
from support.paths import ROOT

DIGITS = ROOT / "examples" / "digits"


@pytest.fixture(scope="module")
def held_back():
    return np.load(DIGITS / "held-back.npz")


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    path = tmp_path_factory.mktemp("digits") / "digits.so"
    command = [tool.tool("ingot"), "compile", DIGITS / "digits.onnx", "-o", path]
    finished = tool.run(command)
    assert finished.outcome() == "done", finished.stderr
    return path


@pytest.mark.parametrize("count", [449, 100, 1])
def test_accuracy_is_as_claimed(tmp_path, artifact, held_back, count):
    model = onnx.load(DIGITS / "digits.onnx")
    claimed = {prop.key: prop.value for prop in model.metadata_props}
    images = held_back["images"][:count, None].astype("f")
    np.savez(tmp_path / "in.npz", image=images)
    finished = tool.run(
        [tool.tool("ingot"), "run", artifact]
        + ["--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz"]
    )
    assert finished.outcome() == "done", finished.stderr
    probabilities = np.load(tmp_path / "out.npz")["probabilities"]
    assert probabilities.shape == (count, 10)
    right = probabilities.argmax(1) == held_back["labels"][:count]
    if count == int(claimed["test_images"]):
        assert f"{right.mean():.4f}" == claimed["accuracy"]
    else:
        assert right.mean() > 0.95


def test_image_is_shown_and_named(artifact):
    done = subprocess.run(
        [sys.executable, DIGITS / "classify.py", artifact]
        + ["--ingot", tool.tool("ingot")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "@@" in done.stdout
    assert "this is a 7" in done.stdout


@pytest.mark.parametrize(
    "text, message",
    [
        ("P5\n8 8\n16\n", "not a PGM text image"),
        ("P2\n8 8\n16\n0 0\n", "has not 8x8 pixels"),
        ("P2\n1 1\n16\n0\n", "takes 8x8 images"),
    ],
)
def test_bad_image_is_refused(tmp_path, text, message):
    (tmp_path / "bad.pgm").write_text(text)
    done = subprocess.run(
        [sys.executable, DIGITS / "classify.py", "x.so", tmp_path / "bad.pgm"],
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert message in done.stderr
