"""Transformers on the interpreter of PTX, against ONNX Runtime."""

import numpy as np
import onnxruntime
import pytest

import transformers
from support import agreement, tool

TARGETS = ("sm_75", "sm_80", "sm_90a")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("batch", [1, "N"])
@pytest.mark.parametrize("make", [transformers.bert, transformers.gpt2])
def test_two_layers(make, batch, target, tmp_path):
    missing = tool.emulator_missing(target)
    if missing:
        pytest.skip(missing)
    rng = np.random.default_rng(0)
    rows = batch if isinstance(batch, int) else 3
    shape = (rows, transformers.TOKENS)
    feeds = {"ids": rng.integers(0, transformers.WORDS, shape)}
    if make is transformers.bert:
        feeds["mask"] = (np.arange(shape[1]) < 9).astype("f") * np.ones(shape, "f")
    model = tmp_path / "model.onnx"
    model.write_bytes(make(batch).SerializeToString())
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (name,) = [output.name for output in session.get_outputs()]
    (expected,) = session.run([name], feeds)
    np.savez(tmp_path / "in.npz", **feeds)
    finished = tool.run(
        [tool.tool("ingot"), "run", model, *tool.target_flags(target)]
        + ["--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz"],
        env=tool.target_environment(target),
        timeout=300,
    )
    assert finished.outcome() == "done", finished.message()
    actual = np.load(tmp_path / "out.npz")[name]
    assert not agreement.disagreement(name, expected, actual)
