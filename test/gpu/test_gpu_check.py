"""The bundle for machines with a GPU, on the interpreter of PTX."""

import os
import shutil
import subprocess
import sys

import pytest

from support import tool
from support.paths import BUILD, ROOT

ENVIRONMENT = tool.target_environment("sm_80")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    missing = tool.emulator_missing("sm_80")
    if missing:
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("bundle") / "out"
    command = [sys.executable, ROOT / "scripts" / "gpu-bundle.py", folder]
    command += ["--targets=sm_80", "--limit=4", f"--build-dir={BUILD}"]
    env = {**os.environ, "INGOT_MODELS_DIR": ""}
    made = subprocess.run(command, capture_output=True, text=True, env=env)
    assert made.returncode == 0, made.stderr
    assert "4 artifacts" in made.stdout and ", 0 left out" in made.stdout
    return folder


def check(folder):
    done = tool.run([folder / "gpu-check.sh"], env=ENVIRONMENT, timeout=300)
    return done.status, (folder / "report.txt").read_text()


def test_all_pass(bundle):
    status, report = check(bundle)
    assert status == 0, report
    assert "FAIL" not in report and "artifacts: 4 passed, 4 of them" in report


def test_wrong_values_fail(bundle, tmp_path):
    folder = tmp_path / "bundle"
    shutil.copytree(bundle, folder)
    data = folder / "data" / "add.rn.f32.out"
    data.write_bytes(bytes(len(data.read_bytes())))
    status, report = check(folder)
    assert status == 1, report
    assert "FAIL add.rn.f32: " in report and "values differ" in report


def test_without_a_driver(bundle):
    done = tool.run([bundle / "gpu-check", bundle])
    assert done.status == 77 and "libcuda.so.1 was not found" in done.stdout


def test_damaged_bundle(bundle, tmp_path):
    folder = tmp_path / "bundle"
    shutil.copytree(bundle, folder)
    (folder / "data" / "add.rn.f32.0").write_bytes(b"short")
    status, report = check(folder)
    assert status == 1 and "of cases.txt cannot be used" in report
