"""Products of warpgroups (wgmma) on the interpreter of PTX, with its search for
races, under several schedules.

Factors are small multiples of 1/8, so that sums are exact in any order: results
must be those of the processor to the bit.
"""


import numpy as np
import pytest
from onnx import helper
from support import tool
from test_gpu_products import numbers, outputs, save

TARGET = "sm_90a"
HALF = np.float16

pytestmark = pytest.mark.skipif(
    bool(tool.emulator_missing(TARGET)), reason="the interpreter of PTX is not built"
)


def check(folder, monkeypatch, nodes, feeds, weights, symbols=(), tile="", seeds=(1,)):
    """Compares results, of warpgroups with tiles that begin so."""
    model = folder / "model.onnx"
    save(model, nodes, feeds, dict(symbols), weights)
    assert f"product of warpgroups, tiles of {tile}" in tool.explain(model, TARGET)
    expected = outputs(model, "host", feeds, folder)
    for seed in seeds:
        monkeypatch.setenv("INGOT_FAKE_CUDA_SEED", str(seed))
        actual = outputs(model, TARGET, feeds, folder)
        assert actual.dtype == expected.dtype and actual.shape == expected.shape
        np.testing.assert_array_equal(actual, expected)


# Whole tiles and ragged ones; a depth of less than a step, and of several
# rounds of the ring; columns that are no multiple of four.
@pytest.mark.parametrize(
    "m, k, n, tile",
    [
        (1024, 64, 1024, "64 x 128"),
        (1100, 40, 1100, "128 x 128"),
        (520, 424, 1030, "64 x 128"),
        (1090, 72, 2190, "128 x 256"),
    ],
)
def test_tail(m, k, n, tile, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    weights = {"w": numbers(rng, (k, n), HALF), "b": numbers(rng, n, HALF)}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["s"]),
        helper.make_node("Relu", ["s"], ["y"]),
    ]
    feeds = {"x": numbers(rng, (m, k), HALF)}
    check(tmp_path, monkeypatch, nodes, feeds, weights, tile=tile, seeds=(1, 2))


@pytest.mark.parametrize(
    "left, right, tile",
    [((70, 100, 72), (70, 72, 136), "128 x 256"), ((3, 30, 70, 24), (30, 24, 136), "128 x 256")],
)
def test_batches(left, right, tile, tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    feeds = {"x": numbers(rng, left, HALF), "w": numbers(rng, right, HALF)}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    check(tmp_path, monkeypatch, nodes, feeds, {}, tile=tile)


def test_symbolic_rows(tmp_path, monkeypatch):
    rng = np.random.default_rng(2)
    feeds = {"x": numbers(rng, (9, 130, 72), HALF)}
    weights = {"w": numbers(rng, (72, 1096), HALF)}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    symbols = {("x", 0): "N"}
    check(tmp_path, monkeypatch, nodes, feeds, weights, symbols)


def test_few_or_many_rows(tmp_path, monkeypatch):
    """The driver launches one of two kernels by the number of rows."""
    rng = np.random.default_rng(5)
    weights = {"w": numbers(rng, (96, 1096), HALF)}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    symbols = {("x", 0): "N", ("x", 1): "M"}
    for shape in ((2, 3), (3, 85), (2, 128), (5, 100)):
        feeds = {"x": numbers(rng, (*shape, 96), HALF)}
        save(tmp_path / "m.onnx", nodes, feeds, symbols, weights)
        expected = outputs(tmp_path / "m.onnx", "host", feeds, tmp_path)
        trace = tmp_path / "trace"
        trace.unlink(missing_ok=True)
        monkeypatch.setenv("INGOT_FAKE_CUDA_TRACE", str(trace))
        np.testing.assert_array_equal(outputs(tmp_path / "m.onnx", TARGET, feeds, tmp_path), expected)
        monkeypatch.delenv("INGOT_FAKE_CUDA_TRACE")
        is_many = shape[0] * shape[1] >= 256
        assert ("cuTensorMapEncodeTiled" in trace.read_text()) == is_many
    assert "for 256 rows and more: product of warpgroups" in tool.explain(tmp_path / "m.onnx", TARGET)


def test_transposed_left(tmp_path, monkeypatch):
    rng = np.random.default_rng(3)
    feeds = {"x": numbers(rng, (104, 1000), HALF)}
    weights = {"w": numbers(rng, (104, 1100), HALF)}
    nodes = [helper.make_node("Gemm", ["x", "w"], ["y"], transA=1)]
    check(tmp_path, monkeypatch, nodes, feeds, weights)


def test_convolution_of_points(tmp_path, monkeypatch):
    rng = np.random.default_rng(4)
    feeds = {"x": numbers(rng, (6, 40, 14, 14), HALF)}
    weights = {"w": numbers(rng, (1024, 40, 1, 1), HALF), "b": numbers(rng, 1024, HALF)}
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"]),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    check(tmp_path, monkeypatch, nodes, feeds, weights)


@pytest.mark.parametrize(
    "k, dtype, reason",
    [
        (65, HALF, "rows of a factor are no multiple of 16 bytes"),
        (64, np.float32, "the factors are not both f16 or both bf16"),
    ],
)
def test_reason(k, dtype, reason, tmp_path):
    weights = {"w": np.zeros((k, 1024), dtype)}
    feeds = {"x": np.zeros((2048, k), dtype)}
    save(tmp_path / "m.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"])], feeds, {}, weights)
    assert f"no product of warpgroups: {reason}" in tool.explain(tmp_path / "m.onnx", TARGET)


def test_driver_refuses_a_map(tmp_path):
    feeds = {"x": np.zeros((1024, 64), HALF)}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="big")]
    save(tmp_path / "m.onnx", nodes, feeds, {}, {"w": np.zeros((64, 1024), HALF)})
    np.savez(tmp_path / "in.npz", **feeds)
    finished = tool.run(
        [tool.tool("ingot"), "run", tmp_path / "m.onnx", *tool.target_flags(TARGET)]
        + ["--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz"],
        env={
            **tool.target_environment(TARGET),
            "INGOT_FAKE_CUDA_FAIL": "cuTensorMapEncodeTiled:1:1",
        },
    )
    assert finished.outcome() == "refused"
    assert "cuTensorMapEncodeTiled failed: CUDA_ERROR_INVALID_VALUE" in finished.message()
    assert "'MatMul:big'" in finished.message()


@pytest.mark.skipif(not tool.PTXAS, reason="ptxas is not installed")
@pytest.mark.parametrize(
    "m, n, tile, registers",
    [
        (2048, 4096, "128 x 256, in pairs", 168),
        (512, 4096, "128 x 128, in pairs", None),
        (64, 256 * 132, "64 x 256", None),
        (64, 128 * 132, "64 x 128", None),
    ],
)
def test_assembler(m, n, tile, registers, tmp_path):
    """Sums stay in registers, and nothing makes products wait for each other."""
    weights = {"w": np.zeros((1024, n), HALF), "b": np.zeros(n, HALF)}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["s"]),
        helper.make_node("Gelu", ["s"], ["y"]),
    ]
    model = tmp_path / "m.onnx"
    save(model, nodes, {"x": np.zeros((m, 1024), HALF)}, {}, weights)
    assert f"product of warpgroups, tiles of {tile}\n" in tool.explain(model, TARGET)
    flags = [f"--target={TARGET}", "--emit=ptx", "-o", tmp_path / "m.ptx"]
    finished = tool.run([tool.tool("ingot"), "compile", model, *flags])
    assert finished.outcome() == "done", finished.message()
    flags = ["-v", "-arch=sm_90a", tmp_path / "m.ptx", "-o", tmp_path / "m.cubin"]
    finished = tool.run([tool.PTXAS, *flags])
    assert finished.status == 0, finished.stderr
    assert "0 bytes spill stores, 0 bytes spill loads" in finished.stderr
    assert "(C75" not in finished.stderr
    # All that 384 threads can have: those that multiply take more later.
    if registers:
        assert f"Used {registers} registers" in finished.stderr
