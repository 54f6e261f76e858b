"""ingot info --compression."""

import json

import numpy as np
import pytest
import small_models
from onnx import helper


def entropy(values):
    """Bits of an element, coding each of its bytes with statistics of its own."""
    planes = values.reshape(-1).view(np.uint8).reshape(values.size, -1).T
    total = 0
    for plane in planes:
        counts = np.bincount(plane, minlength=256)
        shares = counts[counts > 0] / values.size
        total -= (shares * np.log2(shares)).sum()
    return total


def rounded(rows, most):
    """Integers of each row, symmetric, and the ratio of signal to noise in dB."""
    scale = np.abs(rows).max(1, keepdims=True) / np.float32(most)
    scale[scale == 0] = 1
    integers = np.rint(rows / scale)
    noise = ((rows - integers * scale).astype(float) ** 2).sum()
    return integers, 10 * np.log10((rows.astype(float) ** 2).sum() / noise)


RNG = np.random.default_rng(5)
FILTER = RNG.normal(size=(6, 4, 3, 3)).astype("f")
MATRIX = RNG.normal(size=(64, 10)).astype("f")
MATRIX[::2] = 0
TABLE = RNG.integers(0, 9, (5, 8)).astype(np.float16)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    value = small_models.value
    nodes = [
        helper.make_node("Conv", ["x", "filter", "bias"], ["a"], name="conv"),
        helper.make_node("Reshape", ["a", "shape"], ["b"], name="flat"),
        helper.make_node("MatMul", ["b", "matrix"], ["y"], name="product"),
        helper.make_node("Gather", ["table", "i"], ["z"], name="words"),
        helper.make_node("MatMulInteger", ["k", "bytes"], ["n"], name="integers"),
    ]
    half = helper.np_dtype_to_tensor_dtype(np.dtype(np.float16))
    return small_models.save(
        tmp_path_factory.mktemp("model"),
        "model",
        nodes,
        [
            value("x", [2, 4, 10, 6]),
            value("i", [3], helper.np_dtype_to_tensor_dtype(np.dtype(np.int64))),
            value("k", [2, 8], helper.np_dtype_to_tensor_dtype(np.dtype(np.int8))),
        ],
        [
            value("y", [6, 10]),
            value("z", [3, 8], half),
            value("n", [2, 4], helper.np_dtype_to_tensor_dtype(np.dtype(np.int32))),
        ],
        [
            ("filter", FILTER),
            ("bias", np.ones(6, "f")),
            ("shape", np.array([6, 64], np.int64)),
            ("matrix", MATRIX),
            ("table", TABLE),
            ("bytes", np.arange(32, dtype=np.int8).reshape(8, 4) % 4),
        ],
    )


@pytest.fixture(scope="module")
def report(model, done, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.json"
    done("info", "--compression", model, "--json", path, "-q")
    return json.loads(path.read_text())


def test_sizes(report):
    weights = {each["name"]: each for each in report["weights"]}
    assert set(weights) == {"filter", "matrix", "table", "bytes"}
    conv = weights["filter"]
    assert (conv["op_type"], conv["node"]) == ("Conv", "conv")
    assert conv["stored_bytes"] == conv["float32_bytes"] == 4 * FILTER.size
    assert conv["float16_bytes"] == 2 * FILTER.size
    # A scale for each of 6 filters; for each 32 of the 36 in a filter.
    assert conv["int8_bytes"] == FILTER.size + 4 * 6
    assert conv["int4_bytes"] == FILTER.size // 2 + 4 * 6 * 2
    matrix = weights["matrix"]
    assert matrix["int8_bytes"] == MATRIX.size + 4 * 10
    assert matrix["int4_bytes"] == MATRIX.size // 2 + 4 * 10 * 2
    assert weights["table"]["stored_bytes"] == weights["table"]["float16_bytes"] == 80
    integers = weights["bytes"]
    assert integers["stored_bytes"] == integers["int4_bytes"] == 32
    assert integers["float32_bytes"] == 128 and integers["int8_sqnr_db"] is None
    # Those of bias and shape, which stay.
    others = report["others"]
    assert others["stored_bytes"] == others["int4_bytes"]
    assert others["stored_bytes"] - others["float16_bytes"] == 6 * 2
    for key in ("stored_bytes", "int8_bytes", "int4_bytes", "float16_bytes"):
        parts = sum(each[key] for each in report["weights"]) + others[key]
        assert report["total"][key] == parts
    assert report["total"]["elements"] == 216 + 640 + 40 + 32


def test_entropy_and_accuracy(report):
    weights = {each["name"]: each for each in report["weights"]}

    def bits(weight, key, scales=0):
        return (weight[key] - 4 * scales) * 8 / weight["elements"]

    conv = weights["filter"]
    assert bits(conv, "stored_entropy_bytes") == pytest.approx(entropy(FILTER))
    integers, sqnr = rounded(FILTER.reshape(6, 36), 127)
    assert bits(conv, "int8_entropy_bytes", 6) == pytest.approx(
        entropy(integers.astype(np.int8))
    )
    assert conv["int8_sqnr_db"] == pytest.approx(sqnr, abs=1e-3)
    matrix = weights["matrix"]
    groups = MATRIX.T.reshape(20, 32)
    integers, sqnr = rounded(groups, 7)
    assert bits(matrix, "int4_entropy_bytes", 20) == pytest.approx(
        entropy(integers.astype(np.int8))
    )
    assert matrix["int4_sqnr_db"] == pytest.approx(sqnr, abs=1e-3)
    assert bits(weights["bytes"], "stored_entropy_bytes") == pytest.approx(2)
    assert bits(weights["table"], "stored_entropy_bytes") == pytest.approx(
        entropy(TABLE)
    )


def test_sparsity(report):
    weights = {each["name"]: each for each in report["weights"]}
    assert weights["matrix"]["sparsity"] == 0.5
    assert weights["matrix"]["two_of_four"]
    assert not weights["filter"]["two_of_four"]
    assert weights["filter"]["sparsity"] == 0
    zeros = (TABLE == 0).sum() + 320 + 8
    assert report["total"]["zeros"] == zeros


def test_text(model, done):
    text = done("info", "--compression", model)
    assert "weights     4 tensors, 928 elements" in text
    assert "'matrix' float[64,10] of MatMul 'product'" in text
    assert " yes " in text and "other constants" in text and "in all" in text


def test_weights_that_are_not_finite(done, tmp_path):
    value = small_models.value
    matrix = np.full((4, 4), np.inf, "f")
    model = small_models.save(
        tmp_path,
        "infinite",
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")],
        [value("x", [2, 4])],
        [value("y", [2, 4])],
        [("w", matrix)],
    )
    path = tmp_path / "report.json"
    done("info", "--compression", model, "--json", path)
    (weight,) = json.loads(path.read_text())["weights"]
    assert weight["int8_bytes"] == weight["stored_bytes"] == 64
    assert weight["int8_sqnr_db"] is None


def test_of_an_artifact(ingot, artifact):
    finished = ingot("info", "--compression", artifact)
    assert finished.status == 2 and "[IG6004]" in finished.stderr
