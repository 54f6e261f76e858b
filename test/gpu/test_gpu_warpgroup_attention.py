"""Attention of warpgroups (wgmma) on the interpreter of PTX, with its search for
races, against NumPy.

Warpgroups are chosen where tiles are many. Batches and lengths with names are
taken for large ones, so the sizes that are run can be small.
"""

import os
import shutil

import numpy as np
import pytest
from onnx import TensorProto, helper
from support import tool
from test_gpu_attention import attention, info, reference, values

TARGET = "sm_90a"
PTXAS = shutil.which("ptxas", path=os.environ["PATH"] + ":/usr/local/cuda/bin")

pytestmark = pytest.mark.skipif(
    bool(tool.emulator_missing(TARGET)), reason="the interpreter of PTX is not built"
)


def explain(model):
    finished = tool.run([tool.tool("ingot"), "explain", model, f"--target={TARGET}"])
    assert finished.outcome() == "done", finished.message()
    return finished.stdout


def operands(batch, heads, key_heads, queries, keys, size, value_size):
    return {
        "q": values((batch, heads, queries, size), np.float16),
        "k": values((batch, key_heads, keys, size), np.float16, 1),
        "v": values((batch, key_heads, keys, value_size), np.float16, 2),
    }


def seen_by_rule(queries, keys, past=0):
    seen = np.tri(queries, keys, past, dtype=bool)
    return np.where(seen, 0, -np.inf)


def check(folder, feeds, tile="", dtype="float16", causal=0, names="BMN"):
    """Compares with NumPy, for tiles that begin so; `names` are those of batches,
    queries and keys that have one."""
    scale = feeds["q"].shape[-1] ** -0.5
    attributes = {"is_causal": 1} if causal else {}
    if dtype == "bfloat16":
        attributes["inner"] = dtype
    dims = {"q": {0: "B", 2: "M"}, "k": {0: "B", 2: "N"}, "v": {0: "B", 2: "N"}}
    symbolic = {
        operand: {d: name for d, name in named.items() if name in names}
        for operand, named in dims.items()
    }
    actual = attention(feeds, folder, TARGET, symbolic, **attributes)
    assert f"attention of warpgroups, tiles of {tile}" in explain(folder / "model.onnx")
    bias = 0
    if causal:
        bias = seen_by_rule(feeds["q"].shape[2], feeds["k"].shape[2])
    with np.errstate(invalid="ignore"):
        expected = reference(*(feeds[n] for n in "qkv"), scale, bias)
    atol = 4e-3 if dtype == "float16" else 3e-2
    np.testing.assert_allclose(actual.astype("d"), expected, rtol=2e-2, atol=atol)
    return actual


# Tiles of two and three warpgroups; lengths that no tile divides; heads that are
# no piece of 64 columns, and of several; values of another size.
@pytest.mark.parametrize(
    "dtype, heads, queries, keys, size, value_size, causal, tile",
    [
        ("float16", 2, 100, 300, 64, 64, 0, "128 queries and 160 keys"),
        ("bfloat16", 2, 130, 300, 128, 128, 0, "128 queries and 160 keys"),
        ("bfloat16", 2, 150, 150, 128, 128, 1, "128 queries and 80 keys"),
        ("float16", 18, 33, 90, 64, 64, 0, "192 queries and 96 keys"),
        ("float16", 2, 90, 33, 40, 72, 0, "128 queries and 48 keys"),
        ("float16", 2, 66, 130, 256, 256, 1, "128 queries and 48 keys"),
        ("float16", 2, 20, 100, 192, 136, 0, "128 queries and 112 keys"),
    ],
)
def test_shapes(dtype, heads, queries, keys, size, value_size, causal, tile, tmp_path):
    feeds = operands(1, heads, heads, queries, keys, size, value_size)
    check(tmp_path, feeds, tile, dtype, causal, names="M" if heads > 2 else "BM")


# Several tiles at the edge of the rule and beyond it; more keys than queries and
# fewer.
@pytest.mark.parametrize("queries, keys", [(300, 300), (70, 420), (300, 140)])
def test_causal(queries, keys, tmp_path):
    feeds = operands(1, 2, 2, queries, keys, 64, 64)
    check(tmp_path, feeds, causal=1)


def test_grouped_heads_and_batches(tmp_path):
    feeds = operands(3, 6, 2, 130, 150, 64, 64)
    check(tmp_path, feeds, "128 queries and 128 keys", causal=1)


@pytest.mark.parametrize("keys", [0, 1])
def test_few_keys(keys, tmp_path):
    feeds = operands(2, 2, 2, 5, keys, 64, 64)
    symbolic = {"q": {0: "B", 2: "M"}, "k": {0: "B", 2: "N"}, "v": {0: "B", 2: "N"}}
    actual = attention(feeds, tmp_path, TARGET, symbolic)
    assert "attention of warpgroups" in explain(tmp_path / "model.onnx")
    expected = np.broadcast_to(feeds["v"], actual.shape) if keys else 0 * actual
    np.testing.assert_array_equal(actual, expected)


def test_tokens_first(tmp_path):
    q, k, v = (
        values((2, length, heads * 64), np.float16, seed)
        for seed, (length, heads) in enumerate([(90, 6), (140, 2), (140, 2)])
    )
    feeds = {"q": q, "k": k, "v": v}
    symbolic = {"q": {0: "B", 1: "M"}, "k": {0: "B", 1: "N"}, "v": {0: "B", 1: "N"}}
    heads = {"q_num_heads": 6, "kv_num_heads": 2}
    actual = attention(feeds, tmp_path, TARGET, symbolic, **heads)
    assert "attention of warpgroups" in explain(tmp_path / "model.onnx")
    apart = [x.reshape(2, x.shape[1], -1, 64).swapaxes(1, 2) for x in (q, k, v)]
    expected = reference(*apart, 0.125).swapaxes(1, 2).reshape(q.shape)
    np.testing.assert_allclose(actual.astype("d"), expected, rtol=2e-2, atol=4e-3)


def test_chosen_by_size(tmp_path):
    """A tile for every second multiprocessor is not enough."""
    for heads, chosen in [(68, True), (60, False)]:
        feeds = operands(1, heads, heads, 70, 20, 64, 64)
        given = [info(name, array) for name, array in feeds.items()]
        made = helper.make_tensor_value_info("out", TensorProto.FLOAT16, None)
        node = helper.make_node("Attention", ["q", "k", "v"], ["out"])
        save(tmp_path / "m.onnx", [node], given, made)
        said = explain(tmp_path / "m.onnx")
        assert ("kernel: attention of warpgroups" in said) == chosen
        assert ("smaller tiles of warps keep more of the device busy" in said) != chosen


def save(path, nodes, given, made):
    graph = helper.make_graph(nodes, "attention", given, [made])
    opset = [helper.make_opsetid("", 23)]
    model = helper.make_model(graph, ir_version=10, opset_imports=opset)
    path.write_bytes(model.SerializeToString())


def test_schedules_do_not_change_bits(tmp_path, monkeypatch):
    feeds = operands(1, 2, 2, 140, 300, 64, 64)
    results = []
    for seed in (1, 2, 3):
        monkeypatch.setenv("INGOT_FAKE_CUDA_SEED", str(seed))
        results.append(check(tmp_path, feeds, causal=1))
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


@pytest.mark.skipif(not PTXAS, reason="ptxas is not installed")
@pytest.mark.parametrize("causal", [0, 1])
@pytest.mark.parametrize(
    "element, size, heads, registers",
    [
        (TensorProto.BFLOAT16, 128, 16, 168),
        (TensorProto.FLOAT16, 64, 18, 128),
        (TensorProto.FLOAT16, 64, 16, 168),
        (TensorProto.BFLOAT16, 256, 16, 168),
        (TensorProto.FLOAT16, 80, 16, 168),
    ],
)
def test_assembler(element, size, heads, registers, causal, tmp_path):
    """Scores, powers and sums stay in registers, and nothing makes products wait for
    each other."""
    shape = [1, heads, "M", size]
    given = [helper.make_tensor_value_info(n, element, shape) for n in "qkv"]
    made = helper.make_tensor_value_info("out", element, None)
    node = helper.make_node("Attention", ["q", "k", "v"], ["out"], is_causal=causal)
    save(tmp_path / "m.onnx", [node], given, made)
    flags = [f"--target={TARGET}", "--emit=ptx", "-o", tmp_path / "m.ptx"]
    finished = tool.run([tool.tool("ingot"), "compile", tmp_path / "m.onnx", *flags])
    assert finished.outcome() == "done", finished.message()
    assert "wgmma.mma_async" in (tmp_path / "m.ptx").read_text()
    flags = ["-v", "-arch=sm_90a", tmp_path / "m.ptx", "-o", tmp_path / "m.cubin"]
    finished = tool.run([PTXAS, *flags])
    assert finished.status == 0, finished.stderr
    assert "0 bytes spill stores, 0 bytes spill loads" in finished.stderr
    assert "(C75" not in finished.stderr
    # All that the threads can have: those that multiply take more later.
    assert f"Used {registers} registers" in finished.stderr
