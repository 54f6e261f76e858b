"""Files that change while they are read (A18) and between check and use (B8)."""

import os
import pathlib
import random
import subprocess
import threading
import time

import numpy as np
import pytest
from onnx import helper

import harness
from bad_external import DATA, data_file, external
from bad_models import model, tensor, value, write
from protobuf import field
from support.tool import CODE, DEFECT, tool


def chain(count):
    nodes = (
        field(1, field(1, f"v{i}") + field(2, f"v{i + 1}") + field(4, "Relu"))
        for i in range(count)
    )
    graph = b"".join(nodes) + field(11, value("v0").SerializeToString())
    graph += field(12, value(f"v{count}").SerializeToString())
    return field(1, 10) + field(8, field(2, 20)) + field(7, graph)


@pytest.fixture(scope="module")
def cutter(tmp_path_factory):
    """A library that cuts a file off at a certain moment of a tool's run."""
    library = tmp_path_factory.mktemp("cutter") / "truncate_at.so"
    source = pathlib.Path(__file__).parent / "Inputs/truncate_at.c"
    command = ["clang-22", "-shared", "-fPIC", source, "-o", library, "-ldl"]
    subprocess.run(command, check=True)
    return library


@pytest.mark.parametrize("size", [0, 1, 4096, 20_000])
@pytest.mark.parametrize("moment", ["open", "fstat", "mmap"])
def test_a18_truncated_while_it_is_read(cutter, tmp_path, moment, size):
    data = chain(2000)
    assert len(data) > 2 * size
    path, output = write(tmp_path, data), tmp_path / "model.so"
    done = subprocess.run(
        [tool("ingot"), "compile", path, "-o", output],
        env={
            **os.environ,
            "LD_PRELOAD": str(cutter),
            "TRUNCATE_AT": moment,
            "TRUNCATE_PATH": str(path),
            "TRUNCATE_SIZE": str(size),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert os.path.getsize(path) == size, "the file was not cut off"
    assert done.returncode == 1 and not DEFECT.search(done.stderr), done.stderr
    assert not output.exists()
    # Cut off before its size is taken, it is a short file like any other.
    shorter = "IG1004" if size else "IG1006"
    expected = shorter if moment == "open" else "IG1005"
    assert set(CODE.findall(done.stderr)) == {expected}, done.stderr


def test_a18_truncated_while_it_is_compiled(tmp_path):
    """Weights are read to the end of a compilation."""
    size = 2048
    weights = tensor([size, size], raw=np.ones(size * size, np.float32).tobytes())
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    shapes = [value("x", [1, size])], [value("y", [1, size])], [weights]
    data = model(nodes, *shapes).SerializeToString()
    delays = random.Random(19)
    for _ in range(12):
        path = write(tmp_path, data)
        output = tmp_path / "model.so"
        output.unlink(missing_ok=True)
        child = subprocess.Popen(
            [tool("ingot"), "compile", str(path), "-o", str(output)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        time.sleep(delays.uniform(0, 0.6))
        os.truncate(path, delays.choice([1, 4096, len(data) // 2]))
        text = child.communicate(timeout=120)[0]
        assert not DEFECT.search(text), text
        assert child.returncode in (0, 1), (child.returncode, text)
        assert output.exists() == (child.returncode == 0), text
        if child.returncode:
            assert set(CODE.findall(text)) <= {"IG1004", "IG1005"}, text
        assert {p.name for p in tmp_path.iterdir()} <= {"model.onnx", "model.so"}


def test_b8_swapped_between_check_and_use(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    path = external(folder)
    secret = tmp_path / "secret.bin"
    secret.write_bytes(np.full(4, 777, np.float32).tobytes())
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            data_file(folder, DATA, "good.tmp")
            os.rename(folder / "good.tmp", folder / "data.bin")
            link = folder / "link.tmp"
            link.symlink_to(secret)
            os.rename(link, folder / "data.bin")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(60):
            done = harness.run([tool("ingot-import"), path], 10, 8 << 30)
            assert done.status in (0, 1) and "7.77" not in done.text, done.text
            assert done.codes() <= {"IG1502", "IG1503", "IG1005"}, done.text
    finally:
        stop.set()
        thread.join()
