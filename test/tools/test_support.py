"""The helpers of the tests: a wrong verdict would hide a defect."""

import numpy as np
import onnx
import pytest

from support import tensors, tool


@pytest.mark.parametrize(
    "script, outcome",
    [
        ("exit 0", "done"),
        ("echo 'error: [IG1042] no such operator' >&2; exit 1", "refused"),
        ("echo 'something went wrong' >&2; exit 1", "crash"),
        ("kill -SEGV $$", "crash"),
        ("echo 'error: [IG1042] x' >&2; kill -ABRT $$", "crash"),
        ("echo 'LLVM ERROR: [IG1042]' >&2; exit 1", "crash"),
        ("echo 'a.cpp:1: runtime error: overflow' >&2", "crash"),
        ("sleep 60", "hang"),
        # A grandchild must not outlive the time limit.
        ("sleep 60 & wait", "hang"),
    ],
)
def test_outcome_of_a_process(script, outcome):
    finished = tool.run(["/bin/sh", "-c", script], timeout=1)
    assert finished.outcome() == outcome
    assert finished.seconds < 10


def test_memory_is_limited():
    allocate = ["python3", "-c", "bytearray(3 << 30)"]
    assert tool.run(allocate, memory_gib=1).status != 0


@pytest.mark.parametrize(
    "value, type_proto",
    [
        (
            np.arange(6, dtype=np.int8).reshape(2, 3),
            onnx.helper.make_tensor_type_proto(onnx.TensorProto.INT8, [2, 3]),
        ),
        (
            [np.float32([1, 2]), np.float32([3])],
            onnx.helper.make_sequence_type_proto(
                onnx.helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, None)
            ),
        ),
    ],
)
def test_value_survives_a_file(tmp_path, value, type_proto):
    tensors.dump(tmp_path / "v.pb", value, type_proto, "v")
    loaded = tensors.load(tmp_path / "v.pb", type_proto)
    np.testing.assert_equal(loaded, value)
