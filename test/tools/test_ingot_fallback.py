"""Artifacts of several targets: which one runs, and what is said of others."""

import json
import os

import numpy as np
import pytest
import small_models

from support import tool

PROCESSOR = "aarch64" if os.uname().machine == "aarch64" else "x86-64-v3"
# Also where there is a driver.
WITHOUT_DEVICE = {"CUDA_VISIBLE_DEVICES": "", "INGOT_TARGET": ""}
X = np.linspace(-20, 20, 24, dtype="f").reshape(2, 3, 4)
Y = np.maximum(X + small_models.W, 0)


@pytest.fixture(scope="module")
def both(folder, shifted, done):
    path = folder / "both.so"
    done("compile", shifted, f"--target=sm_80,{PROCESSOR}", "-o", path)
    return path


@pytest.fixture
def flags(tmp_path):
    np.savez(tmp_path / "in.npz", x=X)
    return ["--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz"]


def test_warns_and_runs_on_the_processor(ingot, both, flags, tmp_path):
    finished = ingot("run", both, *flags, env=WITHOUT_DEVICE)
    assert finished.outcome() == "done", finished.stderr
    assert "warning: [IG6013]" in finished.stderr
    assert f"runs for {PROCESSOR}" in finished.stderr
    assert "sm_80: " in finished.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "out.npz")["y"], Y)


def test_is_silent_when_asked_to(ingot, both, flags):
    finished = ingot("run", both, *flags, "-q", env=WITHOUT_DEVICE)
    assert finished.outcome() == "done", finished.stderr
    assert finished.stderr == ""


@pytest.mark.parametrize("command", ["run", "bench"])
def test_refuses_to_fall_back(ingot, both, command):
    words = [command, both, "--random-inputs", "--no-fallback"]
    finished = ingot(*words, env=WITHOUT_DEVICE)
    assert finished.outcome() == "refused"
    assert "[IG6013]" in finished.stderr
    assert "sm_80: " in finished.stderr


def test_runs_on_the_target_that_is_named(ingot, both, flags):
    named = WITHOUT_DEVICE | {"INGOT_TARGET": PROCESSOR}
    finished = ingot("run", both, *flags, "--no-fallback", env=named)
    assert finished.outcome() == "done", finished.stderr
    assert finished.stderr == ""
    named["INGOT_TARGET"] = "sm_80"
    finished = ingot("run", both, *flags, env=named)
    assert finished.outcome() == "refused"
    assert "[IG7017]" in finished.stderr
    named["INGOT_TARGET"] = "sm_75"
    finished = ingot("run", both, *flags, env=named)
    assert finished.outcome() == "refused"
    assert f"compiled for sm_80, {PROCESSOR}" in finished.stderr


def test_info_tells(ingot, both):
    finished = ingot("info", both, "--json=-", env=WITHOUT_DEVICE)
    facts = json.loads(finished.stdout)
    assert facts["target"] == PROCESSOR
    assert facts["fallback"].startswith("sm_80: ")


@pytest.mark.skipif(
    tool.emulator_missing("sm_80") is not None, reason="needs the interpreter of PTX"
)
def test_runs_on_a_device(ingot, both, flags, tmp_path):
    device = tool.target_environment("sm_80") | {"INGOT_TARGET": ""}
    finished = ingot("run", both, *flags, "--no-fallback", env=device)
    assert finished.outcome() == "done", finished.stderr
    assert finished.stderr == ""
    np.testing.assert_array_equal(np.load(tmp_path / "out.npz")["y"], Y)


def test_only_artifacts_for_devices_have_that_part(artifact, both):
    assert b"libcuda" in both.read_bytes()
    assert b"libcuda" not in artifact.read_bytes()
