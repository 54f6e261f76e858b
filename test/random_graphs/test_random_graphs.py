"""Random small models against ONNX Runtime. `--random-graphs A:B` chooses the
seeds of the host's run; a seed always makes the same model."""

import numpy as np
import onnx
import pytest

import random_model
from support import agreement, tool

# Per target: what the host runs on is fast, emulated code is not.
SEEDS = {"host": 150, "x86-64-v3": 50, "aarch64": 50}


def pytest_generate_tests(metafunc):
    chosen = metafunc.config.getoption("random_graphs")
    only = metafunc.config.getoption("target") or list(SEEDS)
    jobs = []
    for target in only:
        seeds = range(SEEDS.get(target, 30))
        if chosen:
            first, last = map(int, chosen.split(":"))
            seeds = range(first, last)
        elif metafunc.config.getoption("quick"):
            seeds = seeds[::10]
        jobs += [(target, seed) for seed in seeds]
    ids = [f"{target}-{seed}" for target, seed in jobs]
    metafunc.parametrize("target,seed", jobs, ids=ids)


def run(artifact, feeds, folder, threads):
    np.savez(folder / "in.npz", **feeds)
    command = [tool.tool("ingot"), "run", artifact, f"--threads={threads}"]
    command += ["--inputs", folder / "in.npz", "--outputs", folder / "out.npz"]
    finished = tool.run(command)
    assert finished.outcome() == "done", finished.message()
    with np.load(folder / "out.npz") as file:
        return dict(file)


def test_random_graph(target, seed, tmp_path):
    missing = tool.emulator_missing(target)
    if missing:
        pytest.skip(missing)
    builder = random_model.random_model(seed)
    model = builder.model()
    onnx.save(model, tmp_path / "model.onnx")
    artifact = tmp_path / "model.so"
    compiled = tool.run(
        [tool.tool("ingot"), "compile", tmp_path / "model.onnx", "-o", artifact]
        + tool.target_flags(target)
    )
    assert compiled.outcome() == "done", compiled.message()
    reference = random_model.quiet_session(model)
    names = [o.name for o in reference.get_outputs()]
    for more in (0, 1) if builder.dynamic else (0,):
        feeds = builder.feeds(more)
        try:
            expected = reference.run(None, feeds)
        except Exception:  # pylint: disable=broad-except
            # An operator turned the batch into another dimension, which meets
            # a constant of the size it had when the model was made.
            assert more
            continue
        actual = run(artifact, feeds, tmp_path, 1)
        wrong = [
            agreement.disagreement(n, e, actual[n]) for n, e in zip(names, expected)
        ]
        assert not any(wrong), "; ".join(filter(None, wrong))
        if target == "host":
            again = run(artifact, feeds, tmp_path, 3)
            same = [n for n in names if again[n].tobytes() == actual[n].tobytes()]
            assert same == names, "other bits with another number of threads"
