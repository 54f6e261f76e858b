"""Peak memory of importing."""

import os
import subprocess

import numpy as np

from importing import T, constant, model, node, value
from support.tool import tool


def model_with_weights(folder, size):
    """A model with `size` bytes of weights in several tensors."""
    parts = 16
    weights = [
        constant(f"w{i}", np.ones(size // parts // 4, np.float32)) for i in range(parts)
    ]
    nodes = [node("Shape", [f"w{i}"], [f"s{i}"]) for i in range(parts)]
    nodes += [node("MatMul", [f"w{i}", f"w{i}"], [f"y{i}"]) for i in range(parts)]
    outputs = [value(f"y{i}", [], T.FLOAT) for i in range(parts)]
    path = folder / f"weights-{size}.onnx"
    path.write_bytes(model(nodes, [], outputs, weights).SerializeToString())
    # A file just written lies in the page cache in pieces of megabytes, and the
    # kernel maps whole pieces. As a file read from disk it is in small ones.
    with open(path, "r+b") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return path


def peak(path):
    """Peak resident bytes of importing the model."""
    child = subprocess.Popen([tool("ingot-import"), "--quiet", str(path)])
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return usage.ru_maxrss << 10
