"""Attention of GPUs in one kernel, on the interpreter of PTX, against NumPy."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from support import tool


def softmax(x):
    with np.errstate(invalid="ignore"):
        powers = np.exp(x - x.max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True)


def reference(q, k, v, scale, bias=0.0, zeros=False):
    """Heads of q that share one of k and v are neighbours."""
    group = q.shape[1] // k.shape[1]
    q, k, v = (x.astype("d") for x in (q, k, v))
    k, v = (np.repeat(x, group, axis=1) for x in (k, v))
    shares = softmax(q @ k.swapaxes(-1, -2) * scale + bias)
    return (np.nan_to_num(shares) if zeros else shares) @ v


def execute(graph, feeds, folder, target, opset, fused=1):
    missing = tool.emulator_missing(target)
    if missing:
        pytest.skip(missing)
    imports = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, ir_version=10, opset_imports=imports)
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    np.savez(folder / "in.npz", **feeds)
    flags = tool.target_flags(target)
    finished = tool.run(
        [tool.tool("ingot"), "run", path, *flags]
        + ["--inputs", folder / "in.npz", "--outputs", folder / "out.npz"],
        env=tool.target_environment(target) | {"INGOT_FAKE_CUDA_RACES": "1"},
        timeout=300,
    )
    assert finished.outcome() == "done", finished.message()
    # Otherwise this would test products and a softmax.
    compiled = tool.run(
        [tool.tool("ingot"), "compile", path, *flags, "--emit=ptx"]
        + ["-o", folder / "model.ptx"]
    )
    assert compiled.outcome() == "done", compiled.message()
    kernels = (folder / "model.ptx").read_text().count(".entry")
    assert fused in (None, kernels), f"{kernels} kernels"
    return np.load(folder / "out.npz")["out"]


def values(shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def info(name, array, symbolic=()):
    """A graph input; dimensions in `symbolic` (by number) have names."""
    shape = [symbolic.get(d, n) if symbolic else n for d, n in enumerate(array.shape)]
    return helper.make_tensor_value_info(
        name, helper.np_dtype_to_tensor_dtype(array.dtype), shape
    )


def attention(
    feeds, folder, target="sm_80", symbolic=False, fused=1, inner=None, **attributes
):
    """onnx.Attention; operands by the names q, k, v, mask, past_k, past_v, whose
    lengths (or what dimensions `symbolic` names of each) have names. With `inner`,
    an element type, between casts."""
    names = ["q", "k", "v", "mask", "past_k", "past_v"]
    inputs = [name if name in feeds else "" for name in names]
    while not inputs[-1]:
        inputs.pop()
    if inner:
        to = getattr(TensorProto, inner.upper())
        cast = [helper.make_node("Cast", [n], [n + "_"], to=to) for n in inputs]
        back = helper.make_node("Cast", ["out_"], ["out"], to=TensorProto.FLOAT16)
        operands = [name + "_" for name in inputs]
        nodes = [*cast, helper.make_node("Attention", operands, ["out_"], **attributes)]
        nodes.append(back)
        fused = None
    else:
        nodes = [helper.make_node("Attention", inputs, ["out"], **attributes)]
    lengths = {"q": {2: "M"}, "k": {2: "N"}, "v": {2: "N"}, "mask": {0: "M", 1: "N"}}
    lengths = symbolic if isinstance(symbolic, dict) else lengths
    made = helper.make_tensor_value_info(
        "out", helper.np_dtype_to_tensor_dtype(feeds["q"].dtype), None
    )
    given = [
        info(name, array, lengths.get(name, ()) if symbolic else ())
        for name, array in feeds.items()
    ]
    graph = helper.make_graph(nodes, "attention", given, [made])
    return execute(graph, feeds, folder, target, 23, fused)


def tolerance(dtype):
    return {"rtol": 2e-5, "atol": 2e-6} if dtype == np.float32 else {"rtol": 2e-2, "atol": 4e-3}


# Queries, keys, size of a head: few rows and many, lengths that no tile divides.
SHAPES = [
    (1, 1, 16),
    (1, 77, 64),
    (3, 130, 128),
    (7, 9, 5),
    (33, 65, 32),
    (70, 41, 64),
    (17, 40, 80),
    (20, 50, 128),
    (18, 19, 256),
]


@pytest.mark.parametrize("queries, keys, size", SHAPES)
def test_shapes(queries, keys, size, tmp_path):
    feeds = {
        "q": values((2, 3, queries, size)),
        "k": values((2, 3, keys, size), seed=1),
        "v": values((2, 3, keys, size), seed=2),
    }
    actual = attention(feeds, tmp_path)
    expected = reference(*feeds.values(), size**-0.5)
    np.testing.assert_allclose(actual, expected, **tolerance(np.float32))


@pytest.mark.parametrize("queries", [1, 21])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("target", ["sm_75", "sm_80", "sm_90a"])
def test_targets(target, dtype, queries, tmp_path):
    feeds = {
        "q": values((1, 2, queries, 32), dtype),
        "k": values((1, 2, 45, 32), dtype, 1),
        "v": values((1, 2, 45, 24), dtype, 2),
    }
    actual = attention(feeds, tmp_path, target)
    expected = reference(*feeds.values(), 32**-0.5)
    np.testing.assert_allclose(actual, expected, **tolerance(dtype))


# Tensor cores multiply halves of these sizes; rows share keys, or not.
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(
    "queries, keys, size, value_size, heads, causal",
    [
        (70, 130, 64, 64, 2, 0),
        (70, 70, 64, 64, 2, 1),
        (33, 200, 128, 128, 1, 0),
        (130, 100, 80, 40, 2, 1),
        (20, 65, 16, 24, 6, 0),
        (25, 31, 8, 8, 6, 1),
    ],
)
def test_tensor_cores(
    queries, keys, size, value_size, heads, causal, dtype, tmp_path
):
    shapes = {
        "q": (2, heads, queries, size),
        "k": (2, min(heads, 2), keys, size),
        "v": (2, min(heads, 2), keys, value_size),
    }
    feeds = {
        name: values(shape, seed=seed).astype(np.float16)
        for seed, (name, shape) in enumerate(shapes.items())
    }
    seen = np.tri(queries, keys, dtype=bool) if causal else True
    expected = reference(*feeds.values(), size**-0.5, np.where(seen, 0, -np.inf))
    inner = dtype if dtype == "bfloat16" else None
    actual = attention(feeds, tmp_path, inner=inner, is_causal=causal)
    assert "mma.sync" in (tmp_path / "model.ptx").read_text()
    atol = 4e-3 if dtype == "float16" else 3e-2
    np.testing.assert_allclose(actual.astype("d"), expected, rtol=2e-2, atol=atol)


@pytest.mark.parametrize("queries", [1, 2, 19])
def test_grouped_heads_by_tokens(queries, tmp_path):
    q, k, v = (
        values((2, length, heads * 16), seed=seed)
        for seed, (length, heads) in enumerate([(queries, 6), (35, 2), (35, 2)])
    )
    feeds = {"q": q, "k": k, "v": v}
    actual = attention(feeds, tmp_path, q_num_heads=6, kv_num_heads=2)
    apart = [x.reshape(2, x.shape[1], -1, 16).swapaxes(1, 2) for x in (q, k, v)]
    expected = reference(*apart, 0.25).swapaxes(1, 2).reshape(q.shape)
    np.testing.assert_allclose(actual, expected, **tolerance(np.float32))


@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize("queries, keys", [(40, 40), (37, 50), (2, 30)])
def test_causal(queries, keys, symbolic, tmp_path):
    feeds = {
        "q": values((1, 2, queries, 16)),
        "k": values((1, 2, keys, 16), seed=1),
        "v": values((1, 2, keys, 16), seed=2),
    }
    actual = attention(feeds, tmp_path, symbolic=symbolic, is_causal=1)
    hidden = np.where(np.tri(queries, keys, dtype=bool), 0, -np.inf)
    expected = reference(*feeds.values(), 0.25, hidden)
    np.testing.assert_allclose(actual, expected, **tolerance(np.float32))


@pytest.mark.parametrize("queries", [1, 20])
def test_causal_after_the_past(queries, tmp_path):
    feeds = {
        "q": values((1, 2, queries, 16)),
        "k": values((1, 2, queries, 16), seed=1),
        "v": values((1, 2, queries, 16), seed=2),
        "past_k": values((1, 2, 30, 16), seed=3),
        "past_v": values((1, 2, 30, 16), seed=4),
    }
    actual = attention(feeds, tmp_path, is_causal=1, fused=2)
    k = np.concatenate([feeds["past_k"], feeds["k"]], 2)
    v = np.concatenate([feeds["past_v"], feeds["v"]], 2)
    hidden = np.where(np.tri(queries, queries + 30, 30, dtype=bool), 0, -np.inf)
    expected = reference(feeds["q"], k, v, 0.25, hidden)
    np.testing.assert_allclose(actual, expected, **tolerance(np.float32))


@pytest.mark.parametrize("queries", [2, 24])
@pytest.mark.parametrize("kind", ["bool", "float"])
@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_masks(kind, queries, symbolic, dtype, tmp_path):
    """Some rows see nothing."""
    rng = np.random.default_rng(5)
    seen = rng.random((queries, 45)) < 0.5
    seen[1] = False
    bias = np.where(seen, 0 if kind == "bool" else values(seen.shape, seed=6), -np.inf)
    feeds = {
        "q": values((2, 2, queries, 16), dtype),
        "k": values((2, 2, 45, 16), dtype, 1),
        "v": values((2, 2, 45, 16), dtype, 2),
        "mask": seen if kind == "bool" else bias.astype(dtype),
    }
    actual = attention(feeds, tmp_path, symbolic=symbolic, scale=0.5, softcap=3.0)
    q, k = (feeds[name].astype("d") for name in "qk")
    scores = np.tanh(q @ k.swapaxes(-1, -2) * 0.5 / 3) * 3 + bias
    expected = np.nan_to_num(softmax(scores)) @ feeds["v"].astype("d")
    np.testing.assert_allclose(actual, expected, **tolerance(dtype))


def exported(feeds, folder, nodes, constants, target="sm_80", fused=1):
    """A graph of q, k, v (and more) that ends in `out`."""
    made = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    given = [info(name, array) for name, array in feeds.items()]
    weights = [numpy_helper.from_array(np.asarray(a), n) for n, a in constants.items()]
    graph = helper.make_graph(nodes, "attention", given, [made], weights)
    return execute(graph, feeds, folder, target, 20, fused)


@pytest.mark.parametrize("guarded", [False, True])
@pytest.mark.parametrize("queries", [3, 40])
def test_rows_without_keys(queries, guarded, tmp_path):
    """NaN, unless the export guards them; and NaN scores."""
    node = helper.make_node
    seen = np.random.default_rng(7).random((queries, 33)) < 0.7
    seen[2] = False
    feeds = {
        "q": values((1, 2, queries, 16)),
        "k": values((1, 2, 16, 33), seed=1),
        "v": values((1, 2, 33, 16), seed=2),
        "mask": seen,
    }
    feeds["q"][0, 0, 0, 0] = np.nan
    nodes = [
        node("MatMul", ["q", "k"], ["scores"]),
        node("Where", ["mask", "scores", "none"], ["masked"]),
        node("Softmax", ["masked"], ["shares"], axis=-1),
        node("IsNaN", ["shares"], ["empty"]),
        node("Where", ["empty", "zero", "shares"], ["guarded"]),
        node("MatMul", ["guarded" if guarded else "shares", "v"], ["out"]),
    ]
    if not guarded:
        nodes = nodes[:3] + nodes[5:]
    constants = {"none": np.float32(-np.inf), "zero": np.float32(0)}
    actual = exported(feeds, tmp_path, nodes, constants)
    hidden = np.where(seen, 0, -np.inf)
    k = feeds["k"].swapaxes(-1, -2)
    expected = reference(feeds["q"], k, feeds["v"], 1, hidden, zeros=guarded)
    assert np.isnan(expected).any() != guarded
    np.testing.assert_allclose(actual, expected, **tolerance(np.float32))


def test_hidden_scores_that_are_numbers(tmp_path):
    """A row of the least number only: all keys count alike."""
    node = helper.make_node
    seen = np.random.default_rng(7).random((20, 33)) < 0.7
    seen[2] = False
    feeds = {
        "q": values((20, 2, 16)),
        "k": values((33, 2, 16), seed=1),
        "v": values((2, 33, 16), seed=2),
        "mask": ~seen,
    }
    nodes = [
        node("Transpose", ["q"], ["qt"], perm=[1, 0, 2]),
        node("Transpose", ["k"], ["kt"], perm=[1, 2, 0]),
        node("MatMul", ["qt", "kt"], ["scores"]),
        node("Div", ["scores", "four"], ["scaled"]),
        node("Where", ["mask", "least", "scaled"], ["masked"]),
        node("Softmax", ["masked"], ["shares"], axis=-1),
        node("MatMul", ["shares", "v"], ["out"]),
    ]
    least = np.finfo(np.float32).min
    constants = {"four": np.float32(4), "least": least}
    # And one that inverts the mask.
    actual = exported(feeds, tmp_path, nodes, constants, fused=2)
    scores = np.einsum("mhd,nhd->hmn", feeds["q"], feeds["k"]).astype("d") / 4
    expected = softmax(np.where(seen, scores, least)) @ feeds["v"]
    np.testing.assert_allclose(actual, expected, **tolerance(np.float32))
