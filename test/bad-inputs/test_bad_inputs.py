"""Groups A to D of the list of bad inputs: each is answered with a code."""

import random
import subprocess

import pytest

import harness
from bad_bytes import GROUP_A, sample
from bad_external import GROUP_B
from bad_graphs import GROUP_C
from bad_tensors import GROUP_D
from support.tool import tool

GROUPS = (GROUP_A, GROUP_B, GROUP_C, GROUP_D)
CASES = [case for group in GROUPS for case in group]


@pytest.fixture(scope="session")
def base():
    return harness.base_bytes()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_answer(case, tmp_path, base):
    folder = tmp_path / "model"
    folder.mkdir()
    problem = harness.check(case, case.build(folder), tmp_path / "model.so", base)
    assert problem is None, problem


def batch(paths):
    """Imports many files in one process; one answer for each."""
    done = subprocess.run(
        [tool("ingot-import"), "--batch"],
        input="".join(f"{path}\n" for path in paths),
        capture_output=True,
        text=True,
        timeout=600,
    )
    answers = done.stdout.splitlines()
    failed = paths[len(answers)] if len(answers) < len(paths) else None
    assert done.returncode == 0 and failed is None, f"at {failed}: {done.stderr}"
    return answers


def test_a3_truncation_at_every_byte(tmp_path):
    data = sample().SerializeToString()
    assert 1500 < len(data) < 4000
    paths = []
    for length in range(len(data)):
        paths.append(tmp_path / f"{length}.onnx")
        paths[-1].write_bytes(data[:length])
    answers = batch(paths)
    # Cutting off the metadata at the end leaves a good model.
    assert all(a == "ok" or a.startswith("error [IG") for a in answers)
    assert sum(a == "ok" for a in answers) < 200
    assert answers[0] == "error [IG1006]"


def test_a3_whole_sample_is_good(tmp_path):
    path = tmp_path / "sample.onnx"
    path.write_bytes(sample().SerializeToString())
    assert batch([path]) == ["ok"]


def test_a4_random_bytes(tmp_path, request):
    generator = random.Random(4)
    count = 500 if request.config.getoption("--quick") else 10_000
    for start in range(0, count, 1000):
        paths = []
        for i in range(min(1000, count - start)):
            paths.append(tmp_path / f"{i}.onnx")
            paths[-1].write_bytes(generator.randbytes(4096))
        assert all(a.startswith("error [IG") for a in batch(paths))


def test_flipped_bytes(tmp_path, request):
    """Every byte of a good model changed, so that lengths and tags are wrong
    in the middle of what is otherwise right."""
    data = sample().SerializeToString()
    generator = random.Random(5)
    rounds = 1 if request.config.getoption("--quick") else 4
    for round in range(rounds):
        paths = []
        for i in range(len(data)):
            bad = bytearray(data)
            bad[i] ^= generator.randrange(1, 256)
            paths.append(tmp_path / f"{i}.onnx")
            paths[-1].write_bytes(bad)
        for answer in batch(paths):
            assert answer == "ok" or answer.startswith("error [IG")


def test_every_case_of_the_list_is_here():
    listed = {f"A{i}" for i in range(1, 21)} | {f"B{i}" for i in range(1, 24)}
    listed |= {f"C{i}" for i in range(1, 31)} | {f"D{i}" for i in range(1, 21)}
    # A3 and A4 are above; A18 and B8 need another process at work.
    apart = {"A3", "A4", "A18", "B8"}
    assert listed == {case.id for case in CASES} | apart
