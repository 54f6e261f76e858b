"""Real models import, or are refused for operators that are not there yet."""

import pytest

from support.paths import MODELS, ZOO
from support.tool import run, tool

# What these use is not compiled yet (control flow, recurrence, contrib ops).
UNSUPPORTED = {
    "byte-bilstm-sentence-boundary",
    "cntk-lstm-scan",
    "dtln-1",
    "gtcrn-stream-simple",
    "microllama-fp32",
    "moonshine-tiny-decoder",
    "silero-vad-v6",
}
# Two Constant nodes with different values have the same output.
INVALID = {"gpt2-past-tiny": "IG1104"}

PATHS = [
    path for folder in (MODELS, ZOO) if folder for path in sorted(folder.glob("*/*.onnx"))
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.parent.name)
def test_imports(path):
    done = run([tool("ingot-import"), path, "--quiet"])
    name = path.parent.name
    if name in INVALID:
        assert done.status == 1 and INVALID[name] in done.stderr
        return
    if done.status == 1 and name in UNSUPPORTED:
        assert "[IG1301]" in done.stderr
        return
    assert done.status == 0, done.stderr


def test_there_are_models():
    if MODELS is None:
        pytest.skip("no folder of real models (INGOT_MODELS_DIR)")
    assert len(PATHS) >= 30
