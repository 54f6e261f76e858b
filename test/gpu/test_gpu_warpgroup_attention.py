"""Attention of warpgroups (wgmma) on the interpreter of PTX, with its search for
races, against NumPy.

Warpgroups are chosen where tiles are many. Batches and lengths with names are
taken for large ones, so the sizes that are run can be small.
"""


import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from support import tool
from test_gpu_attention import attention, execute, info, reference, softmax, values

TARGET = "sm_90a"

pytestmark = pytest.mark.skipif(
    bool(tool.emulator_missing(TARGET)), reason="the interpreter of PTX is not built"
)


def expect_warpgroups(folder):
    assert "wgmma.mma_async" in (folder / "model.ptx").read_text()


def operands(batch, heads, key_heads, queries, keys, size, value_size):
    return {
        "q": values((batch, heads, queries, size), np.float16),
        "k": values((batch, key_heads, keys, size), np.float16, 1),
        "v": values((batch, key_heads, keys, value_size), np.float16, 2),
    }


def seen_by_rule(queries, keys, past=0):
    seen = np.tri(queries, keys, past, dtype=bool)
    return np.where(seen, 0, -np.inf)


def check(folder, feeds, tile="", dtype="float16", causal=0, names="BMN", **more):
    """Compares with NumPy, for such a tile if one is named; `names` are those of batches,
    queries and keys that have one; `more` attributes."""
    scale = more.get("scale", feeds["q"].shape[-1] ** -0.5)
    attributes = more | ({"is_causal": 1} if causal else {})
    if dtype == "bfloat16":
        attributes["inner"] = dtype
    dims = {"q": {0: "B", 2: "M"}, "k": {0: "B", 2: "N"}, "v": {0: "B", 2: "N"}}
    if "mask" in feeds:
        shape = feeds["mask"].shape
        named = dict(zip(range(len(shape)), ["B", "H", "M", "N"][4 - len(shape) :]))
        dims["mask"] = {d: n for d, n in named.items() if shape[d] > 1 and n != "H"}
    symbolic = {
        operand: {d: name for d, name in named.items() if name in names}
        for operand, named in dims.items()
    }
    actual = attention(feeds, folder, TARGET, symbolic, **attributes)
    expect_warpgroups(folder)
    if tile:
        said = tool.explain(folder / "model.onnx", TARGET)
        assert f"attention of warpgroups, tiles of {tile}\n" in said
    bias = feeds.get("mask", np.float16(0))
    bias = np.where(bias, 0, -np.inf) if bias.dtype == bool else bias.astype("d")
    if causal:
        bias = bias + seen_by_rule(feeds["q"].shape[2], feeds["k"].shape[2])
    q, k, v = (feeds[n] for n in "qkv")
    if "softcap" in more:
        cap = more["softcap"]
        bias = bias + capped(q, k, scale, cap) - capped(q, k, scale, np.inf)
    expected = reference(q, k, v, scale, bias, zeros=True)
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


# Clusters of two, also with no queries for the second block of the last, and with
# another number of keys than was taken for it.
@pytest.mark.parametrize(
    "heads, queries, keys, size, dtype, seeds",
    [
        (6, 200, 90, 72, "float16", (1, 2)),
        (2, 1030, 20, 72, "bfloat16", (1,)),
        (6, 130, 370, 72, "float16", (3,)),
    ],
)
def test_pairs(heads, queries, keys, size, dtype, seeds, tmp_path, monkeypatch):
    feeds = operands(1, heads, 2, queries, keys, size, size)
    tile = "128 queries and 176 keys, in pairs"
    results = []
    for seed in seeds:
        monkeypatch.setenv("INGOT_FAKE_CUDA_SEED", str(seed))
        results.append(check(tmp_path, feeds, tile, dtype, names="BN"))
        np.testing.assert_array_equal(results[0], results[-1])


def capped(q, k, scale, cap):
    k = np.repeat(k.astype("d"), q.shape[1] // k.shape[1], axis=1)
    scores = q.astype("d") @ k.swapaxes(-1, -2) * scale
    return np.tanh(scores / cap) * cap if np.isfinite(cap) else scores


@pytest.mark.parametrize(
    "kind, shape, size, causal, softcap, names",
    [
        ("bool", (70, 210), 64, 0, 0.0, "BMN"),
        ("float", (70, 210), 64, 1, 0.0, "BMN"),
        ("bool", (2, 1, 1, 212), 128, 1, 0.0, "BM"),
        ("float", (2, 1, 1, 212), 72, 0, 0.0, "BM"),
        ("bool", (2, 70, 212), 64, 0, 2.0, "BM"),
        ("float", (2, 2, 70, 140), 136, 1, 2.0, "BMN"),
    ],
)
def test_masks(kind, shape, size, causal, softcap, names, tmp_path):
    """Broadcast along what it lacks; the second query sees no key."""
    feeds = operands(2, 2, 1, 70, shape[-1], size, size)
    seen = np.random.default_rng(5).random(shape) < 0.5
    if shape[-2] > 1:
        seen[..., 1, :] = False
    bias = np.where(seen, values(shape, seed=6), -np.inf).astype(np.float16)
    feeds["mask"] = seen if kind == "bool" else bias
    more = {"softcap": softcap} if softcap else {}
    check(tmp_path, feeds, causal=causal, names=names, **more)


def test_hidden_scores_that_are_numbers(tmp_path):
    """As exporters write masks; a row of nothing but hidden keys sees all alike."""
    node = helper.make_node
    seen = np.random.default_rng(7).random((66, 41)) < 0.7
    seen[2] = False
    feeds = operands(1, 68, 68, 66, 41, 16, 16) | {"mask": seen}
    nodes = [
        node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]),
        node("MatMul", ["q", "kt"], ["scores"]),
        node("Mul", ["scores", "scale"], ["scaled"]),
        node("Where", ["mask", "scaled", "least"], ["masked"]),
        node("Softmax", ["masked"], ["shares"], axis=-1),
        node("MatMul", ["shares", "v"], ["out"]),
    ]
    constants = {"scale": np.float16(0.25), "least": np.float16(-60000)}
    given = [info(name, array) for name, array in feeds.items()]
    made = helper.make_tensor_value_info("out", TensorProto.FLOAT16, None)
    weights = [numpy_helper.from_array(a, name) for name, a in constants.items()]
    graph = helper.make_graph(nodes, "attention", given, [made], weights)
    actual = execute(graph, feeds, tmp_path, TARGET, 20)
    expect_warpgroups(tmp_path)
    q, k, v = (feeds[n].astype("d") for n in "qkv")
    scores = np.where(seen, q @ k.swapaxes(-1, -2) / 4, -60000)
    expected = softmax(scores) @ v
    np.testing.assert_allclose(actual.astype("d"), expected, rtol=2e-2, atol=4e-3)


def test_reasons(tmp_path):
    for size, key_type, reason in [
        (60, TensorProto.FLOAT16, "tokens are no multiple of 16 bytes, or begin at none"),
        (64, TensorProto.FLOAT, "queries, keys and values are not all f16 or all bf16"),
    ]:
        shape = ["B", 16, 1024, size]
        given = [helper.make_tensor_value_info(n, key_type, shape) for n in "qkv"]
        made = helper.make_tensor_value_info("out", key_type, None)
        node = helper.make_node("Attention", ["q", "k", "v"], ["out"])
        save(tmp_path / "m.onnx", [node], given, made)
        assert f"no attention of warpgroups: {reason}" in tool.explain(tmp_path / "m.onnx", TARGET)


@pytest.mark.parametrize("scale", [-0.25, 0.0, 200.0, 3e5])
def test_scales(scale, tmp_path):
    """Greatest scores too large for a rounded reference, and none above 0."""
    feeds = operands(2, 2, 2, 70, 210, 64, 64)
    # Sums in which products do not cancel: those of other orders round alike.
    feeds["q"], feeds["k"] = (np.round(feeds[n] * 2) / 2 for n in "qk")
    check(tmp_path, feeds, scale=scale)


# Several tiles at the edge of the rule and beyond it; more keys than queries and
# fewer.
@pytest.mark.parametrize("queries, keys", [(300, 300), (70, 420), (300, 140)])
def test_causal(queries, keys, tmp_path):
    feeds = operands(1, 2, 2, queries, keys, 64, 64)
    check(tmp_path, feeds, causal=1)


def test_grouped_heads_and_batches(tmp_path):
    feeds = operands(2, 4, 2, 130, 150, 64, 64)
    check(tmp_path, feeds, "128 queries and 128 keys", causal=1)


def test_more_heads_than_the_cache_holds(tmp_path):
    """Blocks go through two heads of five at a time."""
    feeds = operands(1, 5, 5, 140, 140, 64, 64)
    far = np.full((1, 5, 40000 - 140, 64), 100, np.float16)
    for name in "kv":
        feeds[name] = np.concatenate([feeds[name], far], axis=2)
    symbolic = {"q": {0: "B", 2: "M"}, "k": {0: "B", 2: "N"}, "v": {0: "B", 2: "N"}}
    actual = attention(feeds, tmp_path, TARGET, symbolic, is_causal=1)
    seen = [feeds[name][:, :, :140] for name in "qkv"]
    expected = reference(*seen, 0.125, seen_by_rule(140, 140))
    np.testing.assert_allclose(actual.astype("d"), expected, rtol=2e-2, atol=4e-3)


@pytest.mark.parametrize("keys", [0, 1])
def test_few_keys(keys, tmp_path):
    feeds = operands(2, 2, 2, 5, keys, 64, 64)
    symbolic = {"q": {0: "B", 2: "M"}, "k": {0: "B", 2: "N"}, "v": {0: "B", 2: "N"}}
    actual = attention(feeds, tmp_path, TARGET, symbolic)
    expect_warpgroups(tmp_path)
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
    expect_warpgroups(tmp_path)
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
        said = tool.explain(tmp_path / "m.onnx", TARGET)
        assert ("kernel: attention of warpgroups" in said) == chosen
        assert ("smaller tiles of warps keep more of the device busy" in said) != chosen


def save(path, nodes, given, made):
    graph = helper.make_graph(nodes, "attention", given, [made])
    opset = [helper.make_opsetid("", 23)]
    model = helper.make_model(graph, ir_version=10, opset_imports=opset)
    path.write_bytes(model.SerializeToString())


def test_schedules_do_not_change_bits(tmp_path, monkeypatch):
    feeds = operands(1, 2, 2, 80, 300, 64, 64)
    results = []
    for seed in (1, 2, 3):
        monkeypatch.setenv("INGOT_FAKE_CUDA_SEED", str(seed))
        results.append(check(tmp_path, feeds, causal=1))
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


@pytest.mark.skipif(not tool.PTXAS, reason="ptxas is not installed")
@pytest.mark.parametrize("causal", [0, 1])
@pytest.mark.parametrize(
    "element, size, heads, tokens, mask, registers",
    [
        (TensorProto.BFLOAT16, 128, 16, "M", None, 168),
        (TensorProto.BFLOAT16, 128, 132, 300, None, 168),
        (TensorProto.FLOAT16, 64, 18, "M", None, 128),
        (TensorProto.BFLOAT16, 256, 16, "M", None, 168),
        (TensorProto.FLOAT16, 80, 16, "M", TensorProto.BOOL, 168),
        (TensorProto.FLOAT16, 192, 16, "M", TensorProto.FLOAT16, 168),
    ],
)
def test_assembler(element, size, heads, tokens, mask, registers, causal, tmp_path):
    """Scores, powers and sums stay in registers, and nothing makes products wait for
    each other."""
    shape = [1, heads, tokens, size]
    given = [helper.make_tensor_value_info(n, element, shape) for n in "qkv"]
    names = ["q", "k", "v"]
    if mask:
        given.append(helper.make_tensor_value_info("mask", mask, ["M", "M"]))
        names.append("mask")
    made = helper.make_tensor_value_info("out", element, None)
    node = helper.make_node("Attention", names, ["out"], is_causal=causal)
    save(tmp_path / "m.onnx", [node], given, made)
    flags = [f"--target={TARGET}", "--emit=ptx", "-o", tmp_path / "m.ptx"]
    finished = tool.run([tool.tool("ingot"), "compile", tmp_path / "m.onnx", *flags])
    assert finished.outcome() == "done", finished.message()
    assert "wgmma.mma_async" in (tmp_path / "m.ptx").read_text()
    flags = ["-v", "-arch=sm_90a", tmp_path / "m.ptx", "-o", tmp_path / "m.cubin"]
    finished = tool.run([tool.PTXAS, *flags])
    assert finished.status == 0, finished.stderr
    assert "0 bytes spill stores, 0 bytes spill loads" in finished.stderr
    assert "(C75" not in finished.stderr
    # All that the threads can have: those that multiply take more later.
    assert f"Used {registers} registers" in finished.stderr
