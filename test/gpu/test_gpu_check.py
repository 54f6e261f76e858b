"""The bundle for machines with a GPU, on the interpreter of PTX."""

import os
import shutil
import subprocess
import sys

import pytest

from support import tool
from support.paths import BUILD, ROOT

ENVIRONMENT = tool.target_environment("sm_90a")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    missing = tool.emulator_missing("sm_80")
    if missing:
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("bundle") / "out"
    command = [sys.executable, ROOT / "scripts" / "gpu-bundle.py", folder]
    command += ["--targets=sm_80,sm_90a", "--limit=4", "--benchmarks=small"]
    command += [f"--build-dir={BUILD}"]
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
    assert "benchmarks: 9 passed, 0 failed" in report
    lines = [line for line in report.splitlines() if line.startswith("bench ")]
    assert len(lines) == 9 and all(": sm_90a, " in line for line in lines)
    assert all(line.endswith("of the largest result off sm_80") for line in lines)


def test_a_target_that_cannot_be_compared_fails(bundle, tmp_path):
    folder = tmp_path / "bundle"
    shutil.copytree(bundle, folder)
    cases = (folder / "cases.txt").read_text().splitlines()
    first = next(i for i, line in enumerate(cases) if line.startswith("bench gelu"))
    lines = cases[first : first + 3]
    lines[0] = lines[0].replace(" sm_80 ", " sm_75 ")
    (folder / "cases.txt").write_text("\n".join(lines) + "\n")
    status, report = check(folder)
    assert status == 1 and "FAIL gelu-f16: " in report and "sm_75" in report


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
