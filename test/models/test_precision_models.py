"""Whole f32 models with half precision between their kernels, against
themselves in f32."""

import json

import numpy as np
import pytest

import reference
from support import tool

TARGETS = ("host", "x86-64-v3", "aarch64")
# Relative to the largest value of an output: 2^-11 (2^-8) for each of some tens
# of layers, which add up as their squares do.
TOLERANCE = {"f16": 5e-3, "bf16": 4e-2, "auto": 1e-2}
NAMES = ("mnist-8", "cct-2-32-opset20", "super-resolution-10", "mobilenet_v2", "resnet50")
MODELS = [model for model in reference.ALL if model.name in NAMES]


def ingot(*words):
    done = tool.run([tool.tool("ingot"), *words], timeout=300)
    assert done.outcome() == "done", done.message()
    return done.stdout


def run(model, target, precision, inputs, folder, *flags):
    """The outputs, and what the artifact says of itself."""
    artifact, outputs = folder / f"{precision}.so", folder / f"{precision}.npz"
    command = ["compile", model.path, "-o", artifact, f"--precision={precision}", "-q"]
    ingot(*command, *tool.target_flags(target), *flags)
    ingot("run", artifact, "--inputs", inputs, "--outputs", outputs, "-q")
    facts = json.loads(ingot("info", artifact, "--json=-"))
    artifact.unlink()
    return dict(np.load(outputs)), facts


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_as_in_single_precision(model, target, request, tmp_path):
    if request.config.getoption("quick") and model.name != "mnist-8":
        pytest.skip("whole models are left out by --quick")
    if model.path is None:
        pytest.skip(f"{model.name} is not here: set INGOT_MODELS_DIR, INGOT_ZOO_DIR")
    if target == "aarch64" and not (model.emulated and model.name in NAMES[:2]):
        pytest.skip("takes too long in an emulator")
    if missing := tool.emulator_missing(target):
        pytest.skip(missing)
    inputs = tmp_path / "in.npz"
    feeds = reference.Session(model.path).random_inputs(model, model.batches[0], 3)
    np.savez(inputs, **feeds)
    expected, single = run(model, target, "f32", inputs, tmp_path)
    for precision in ("f16", "bf16", "auto"):
        flags = [f"--calibration-data={inputs}"] if precision == "auto" else []
        actual, facts = run(model, target, precision, inputs, tmp_path, *flags)
        assert facts["weight_bytes"] < 0.6 * single["weight_bytes"] or model.name == "mnist-8"
        # Casts are a part of kernels.
        assert len(facts["launches"]) <= len(single["launches"]) + 1
        for name, wanted in expected.items():
            error = np.abs(actual[name].astype("d") - wanted).max()
            error /= np.abs(wanted).max()
            assert error <= TOLERANCE[precision], (precision, name, error)
