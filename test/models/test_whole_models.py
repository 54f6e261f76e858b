"""Whole models, compiled and run, against ONNX Runtime and their own samples.

The models are data, not part of the repository: INGOT_MODELS_DIR and
INGOT_ZOO_DIR name folders of NAME/model.onnx.
"""

import functools
import os

import numpy as np
import onnx
import pytest

import reference
from support import agreement, tool

TARGETS = ("host", "x86-64-v3", "aarch64", "sm_80")


def pytest_generate_tests(metafunc):
    if "model" in metafunc.fixturenames:
        targets = metafunc.config.getoption("target") or TARGETS
        metafunc.parametrize("target", targets, scope="module")
        metafunc.parametrize("model", reference.ALL, ids=lambda m: m.name, scope="module")


@functools.lru_cache(1)
def session(path):
    return reference.Session(path)


@pytest.fixture(scope="module")
def artifact(request, model, target, tmp_path_factory):
    """The compiled model; every test of it runs the same file."""
    if request.config.getoption("quick") and model.name != "mnist-8":
        pytest.skip("whole models are left out by --quick")
    if model.path is None:
        pytest.skip(f"{model.name} is not here: set INGOT_MODELS_DIR, INGOT_ZOO_DIR")
    if target not in ("host", "x86-64-v3") and not model.emulated:
        pytest.skip("too large to run in an emulator")
    if tool.is_gpu(target) and not model.interpreted:
        pytest.skip("too large for an interpreter of PTX")
    missing = tool.emulator_missing(target)
    if missing:
        pytest.skip(missing)
    path = tmp_path_factory.mktemp("artifact") / f"{model.name}.so"
    command = [tool.tool("ingot"), "compile", model.path, "-o", path]
    finished = tool.run(command + tool.target_flags(target), timeout=300)
    assert finished.outcome() == "done", finished.message()
    yield path
    os.unlink(path)


def run(artifact, feeds, folder, target):
    np.savez(folder / "in.npz", **feeds)
    finished = tool.run(
        [tool.tool("ingot"), "run", artifact]
        + ["--inputs", folder / "in.npz", "--outputs", folder / "out.npz"],
        timeout=300,
        env=tool.target_environment(target),
    )
    assert finished.outcome() == "done", finished.message()
    return dict(np.load(folder / "out.npz"))


def check(expected, actual):
    assert actual.keys() == expected.keys()
    wrong = [agreement.disagreement(n, expected[n], actual[n]) for n in expected]
    assert not any(wrong), "; ".join(filter(None, wrong))


def test_random_inputs(artifact, model, target, tmp_path):
    reference_session = session(model.path)
    batches = model.batches[:1] if tool.is_gpu(target) else model.batches
    for seed, batch in enumerate(batches):
        feeds = reference_session.random_inputs(model, batch, seed)
        expected = reference_session.outputs(feeds)
        check(expected, run(artifact, feeds, tmp_path, target))


def test_samples(artifact, model, target, tmp_path):
    proto = onnx.load(model.path, load_external_data=False)
    found = list(reference.samples(model, session(model.path), proto))
    if not found:
        pytest.skip("no samples came with the model")
    # An emulator runs one, for time.
    for title, feeds, expected in found[: None if target in ("host", "x86-64-v3") else 1]:
        expected = expected or session(model.path).outputs(feeds)
        check(expected, run(artifact, feeds, tmp_path, target))
