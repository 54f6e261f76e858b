"""Products of 8-bit floats on tensor cores of GPUs, on the interpreter of PTX.

Models are QuantizeLinear, DequantizeLinear and a product; results must be those
of exact arithmetic on what the 8-bit floats stand for.
"""


import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from support import tool
from test_gpu_products import outputs

KINDS = {
    "e4m3": (ml_dtypes.float8_e4m3fn, TensorProto.FLOAT8E4M3FN, 448),
    "e5m2": (ml_dtypes.float8_e5m2, TensorProto.FLOAT8E5M2, 57344),
}

pytestmark = pytest.mark.skipif(
    bool(tool.emulator_missing("sm_89")), reason="the interpreter of PTX is not built"
)


def narrow(values, kind):
    dtype, _, most = KINDS[kind]
    return np.clip(values, -most, most).astype(np.float32).astype(dtype)


def constant(name, array):
    for dtype, number, _ in KINDS.values():
        if array.dtype == dtype:
            return helper.make_tensor(name, number, array.shape, array.tobytes(), raw=True)
    return numpy_helper.from_array(array, name)


def save(path, nodes, feeds, weights, symbols=()):
    inputs = [
        helper.make_tensor_value_info(
            name,
            TensorProto.FLOAT,
            [dict(symbols).get((name, i), size) for i, size in enumerate(array.shape)],
        )
        for name, array in feeds.items()
    ]
    graph = helper.make_graph(
        nodes,
        "product",
        inputs,
        [helper.make_empty_tensor_value_info("y")],
        [constant(name, array) for name, array in weights.items()],
    )
    opsets = [helper.make_opsetid("", 21)]
    model = helper.make_model(graph, ir_version=10, opset_imports=opsets)
    path.write_bytes(model.SerializeToString())


class Factors:
    """x quantized with one scale and constant weights, per channel along `axis`."""

    def __init__(self, x, w_shape, axis, kinds=("e4m3", "e4m3"), per_channel=True, seed=0):
        rng = np.random.default_rng(seed)
        self.feeds = {"x": (rng.standard_normal(x) * 2).astype(np.float32)}
        channels = w_shape[axis]
        scale = np.float32(0.03125 * 1.1)
        scales = (rng.random(channels) * 0.01 + 0.001).astype(np.float32)
        scales = scales if per_channel else scales[0]
        w = narrow(rng.standard_normal(w_shape) * 30, kinds[1])
        zero = np.zeros(np.shape(scales), KINDS[kinds[1]][0])
        self.weights = {
            "sx": scale,
            "zx": np.zeros((), KINDS[kinds[0]][0]),
            "w8": w,
            "sw": scales,
            "zw": zero,
        }
        self.nodes = [
            helper.make_node("QuantizeLinear", ["x", "sx", "zx"], ["x8"]),
            helper.make_node("DequantizeLinear", ["x8", "sx", "zx"], ["xf"]),
            helper.make_node("DequantizeLinear", ["w8", "sw", "zw"], ["wf"], axis=axis),
        ]
        shape = [1] * len(w_shape)
        shape[axis] = channels
        by = np.float64(scales).reshape(shape) if per_channel else np.float64(scales)
        self.x = narrow(self.feeds["x"] / scale, kinds[0]).astype(np.float64) * np.float64(scale)
        self.w = w.astype(np.float64) * by


def check(folder, target, factors, nodes, expected, symbols=(), weights=()):
    model = folder / "model.onnx"
    constants = {**factors.weights, **dict(weights)}
    save(model, factors.nodes + nodes, factors.feeds, constants, symbols)
    actual = outputs(model, target, factors.feeds, folder)
    assert actual.shape == expected.shape and actual.dtype == np.float32
    # f32 sums of some hundred products, and the scales.
    np.testing.assert_allclose(actual, expected, rtol=2e-6, atol=2e-6 * np.abs(expected).max())


PRODUCTS = [
    # left, right, rows, depth, columns: ragged ones, whole tiles, few rows
    ("e4m3", "e4m3", 33, 37, 21, True),
    ("e5m2", "e4m3", 130, 96, 200, True),
    ("e4m3", "e5m2", 5, 300, 44, True),
    ("e5m2", "e5m2", 64, 16, 64, False),
    ("e4m3", "e4m3", 1, 64, 40, False),
    ("e4m3", "e4m3", 20, 1500, 40, True),
]


@pytest.mark.parametrize("target", ["sm_89", "sm_90a"])
@pytest.mark.parametrize("left, right, m, k, n, per_channel", PRODUCTS)
def test_matmul(left, right, m, k, n, per_channel, target, tmp_path):
    factors = Factors((m, k), (k, n), 1, (left, right), per_channel)
    bias = np.linspace(-1, 1, n).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["xf", "wf"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["s"]),
        helper.make_node("Relu", ["s"], ["y"]),
    ]
    expected = np.maximum(factors.x @ factors.w + bias, 0)
    check(tmp_path, target, factors, nodes, expected, weights={"b": bias})
    assert "matrix product of 8-bit floats" in tool.explain(tmp_path / "model.onnx", target)


def test_batches(tmp_path):
    factors = Factors((3, 7, 48), (48, 36), 1)
    nodes = [helper.make_node("MatMul", ["xf", "wf"], ["y"])]
    symbols = {("x", 0): "N"}
    check(tmp_path, "sm_89", factors, nodes, factors.x @ factors.w, symbols)


def test_halves(tmp_path):
    """Scales, and what is dequantized, in half precision."""
    factors = Factors((40, 56), (56, 24), 1)
    half = np.float16
    scale, scales = half(2.0**-5), factors.weights["sw"].astype(half)
    factors.weights.update(sx=scale, sw=scales)
    nodes = [
        helper.make_node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16),
        helper.make_node("QuantizeLinear", ["h", "sx", "zx"], ["x8"]),
        *factors.nodes[1:],
        helper.make_node("MatMul", ["xf", "wf"], ["p"]),
        helper.make_node("Cast", ["p"], ["y"], to=TensorProto.FLOAT),
    ]
    model = tmp_path / "m.onnx"
    save(model, nodes, factors.feeds, factors.weights)
    assert "matrix product of 8-bit floats" in tool.explain(model, "sm_89")
    x = narrow(factors.feeds["x"].astype(half) / scale, "e4m3").astype(np.float64)
    sums = x @ factors.weights["w8"].astype(np.float64)
    expected = (sums * np.float64(scale) * scales.astype(np.float64)).astype(half)
    actual = outputs(model, "sm_89", factors.feeds, tmp_path)
    np.testing.assert_allclose(actual, expected.astype(np.float32), rtol=1e-3)


def test_transposed_weights(tmp_path):
    factors = Factors((40, 56), (24, 56), 0)
    nodes = [
        helper.make_node("Transpose", ["wf"], ["wt"], perm=[1, 0]),
        helper.make_node("MatMul", ["xf", "wt"], ["y"]),
    ]
    check(tmp_path, "sm_89", factors, nodes, factors.x @ factors.w.T)


@pytest.mark.parametrize("trans_a", [0, 1])
@pytest.mark.parametrize("trans_b", [0, 1])
def test_gemm(trans_a, trans_b, tmp_path):
    factors = Factors((40, 48) if trans_a else (48, 40), (24, 40) if trans_b else (40, 24), 1 - trans_b)
    bias = np.linspace(-1, 1, 24).astype(np.float32)
    flags = dict(transA=trans_a, transB=trans_b, alpha=0.5, beta=2.0)
    nodes = [helper.make_node("Gemm", ["xf", "wf", "b"], ["y"], **flags)]
    x = factors.x.T if trans_a else factors.x
    w = factors.w.T if trans_b else factors.w
    check(tmp_path, "sm_89", factors, nodes, 0.5 * (x @ w) + 2 * bias, weights={"b": bias})


def test_chain(tmp_path):
    """The result of one product, quantized, is the left factor of another."""
    factors = Factors((50, 64), (64, 48), 1)
    second = narrow(np.random.default_rng(1).standard_normal((48, 20)) * 30, "e5m2")
    weights = {
        "s2": np.float32(0.05),
        "z2": np.zeros((), ml_dtypes.float8_e5m2),
        "v8": second,
    }
    nodes = [
        helper.make_node("MatMul", ["xf", "wf"], ["p"]),
        helper.make_node("QuantizeLinear", ["p", "s2", "z2"], ["p8"]),
        helper.make_node("DequantizeLinear", ["p8", "s2", "z2"], ["pf"]),
        helper.make_node("DequantizeLinear", ["v8", "s2", "z2"], ["vf"]),
        helper.make_node("MatMul", ["pf", "vf"], ["y"]),
    ]
    step = np.float32(0.05)
    middle = narrow((factors.x @ factors.w).astype(np.float32) / step, "e5m2")
    expected = (middle.astype(np.float64) * step) @ (second.astype(np.float64) * step)
    check(tmp_path, "sm_89", factors, nodes, expected, weights=weights)


CONVOLUTIONS = [
    # images, channels, size, filters, kernel, stride, pad, group
    (2, 16, 7, 24, 1, 1, 0, 1),
    (1, 32, 9, 20, 3, 2, 1, 1),
    (1, 32, 9, 32, 3, 1, 1, 2),
    (1, 5, 8, 9, 3, 1, 1, 1),
]


@pytest.mark.parametrize("target", ["sm_89", "sm_90a"])
@pytest.mark.parametrize("n, c, size, f, k, stride, pad, group", CONVOLUTIONS)
def test_convolutions(n, c, size, f, k, stride, pad, group, target, tmp_path):
    factors = Factors((n, c, size, size), (f, c // group, k, k), 0)
    bias = np.linspace(-1, 1, f).astype(np.float32)
    flags = dict(strides=[stride] * 2, pads=[pad] * 4, group=group)
    nodes = [
        helper.make_node("Conv", ["xf", "wf", "b"], ["s"], **flags),
        helper.make_node("Relu", ["s"], ["y"]),
    ]
    x = np.pad(factors.x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3))
    windows = windows[:, :, ::stride, ::stride]
    channels, filters = c // group, f // group
    parts = [
        np.einsum(
            "nchwij,fcij->nfhw",
            windows[:, g * channels : (g + 1) * channels],
            factors.w[g * filters : (g + 1) * filters],
        )
        for g in range(group)
    ]
    expected = np.maximum(np.concatenate(parts, 1) + bias.reshape(-1, 1, 1), 0)
    check(tmp_path, target, factors, nodes, expected, weights={"b": bias})
    assert "convolution of 8-bit floats" in tool.explain(tmp_path / "model.onnx", target)


def test_other_machines(tmp_path):
    """Without such tensor cores floats are multiplied."""
    factors = Factors((40, 56), (56, 24), 1)
    nodes = [helper.make_node("MatMul", ["xf", "wf"], ["y"])]
    check(tmp_path, "sm_80", factors, nodes, factors.x @ factors.w)
    text = tool.explain(tmp_path / "model.onnx", "sm_80")
    assert "stays in float" in text and "8-bit floats" not in text.split("stays in float")[0]


def test_convolution_on_other_machines(tmp_path):
    """Weights are dequantized by the compiler."""
    factors = Factors((1, 8, 6, 6), (12, 8, 1, 1), 0)
    nodes = [helper.make_node("Conv", ["xf", "wf"], ["y"])]
    expected = np.einsum("nchw,fc->nfhw", factors.x, factors.w[:, :, 0, 0])
    check(tmp_path, "host", factors, nodes, expected)
    assert "convolution emitter" in tool.explain(tmp_path / "model.onnx", "host")


@pytest.mark.parametrize("target", ["host", "sm_80"])
def test_moved(target, tmp_path):
    """Operators that only move elements move those of 8 bits."""
    factors = Factors((5, 6), (6, 4), 1, ("e5m2", "e4m3"))
    nodes = [
        factors.nodes[0],
        helper.make_node("Transpose", ["x8"], ["t"], perm=[1, 0]),
        helper.make_node("Concat", ["t", "t"], ["c"], axis=1),
        helper.make_node("Slice", ["c", "from", "to", "axes"], ["s"]),
        helper.make_node("DequantizeLinear", ["s", "sx", "zx"], ["y"]),
    ]
    factors.nodes = []
    slices = {"from": np.array([3]), "to": np.array([8]), "axes": np.array([1])}
    expected = np.concatenate([factors.x.T] * 2, 1)[:, 3:8]
    check(tmp_path, target, factors, nodes, expected, weights=slices)


def test_driver(tmp_path):
    """PTX of 8-bit floats is for drivers of CUDA 12.4 and later."""
    factors = Factors((40, 56), (56, 24), 1)
    nodes = [helper.make_node("MatMul", ["xf", "wf"], ["y"])]
    model = tmp_path / "m.onnx"
    save(model, factors.nodes + nodes, factors.feeds, factors.weights)
    np.savez(tmp_path / "in.npz", **factors.feeds)
    for version, outcome in (("12030", "refused"), ("12040", "done")):
        finished = tool.run(
            [tool.tool("ingot"), "run", model, *tool.target_flags("sm_89")]
            + ["--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz"],
            env={**tool.target_environment("sm_89"), "INGOT_FAKE_CUDA_DRIVER": version},
        )
        assert finished.outcome() == outcome, finished.message()


def test_reasons(tmp_path):
    factors = Factors((40, 56), (56, 24), 0)
    factors.weights["sw"] = np.full(56, 0.5, np.float32)
    nodes = [helper.make_node("MatMul", ["xf", "wf"], ["y"])]
    save(tmp_path / "m.onnx", factors.nodes + nodes, factors.feeds, factors.weights)
    assert "stays in float: scales of weights are not finite constants" in tool.explain(
        tmp_path / "m.onnx", "sm_89"
    )


@pytest.mark.skipif(not tool.PTXAS, reason="ptxas is not installed")
@pytest.mark.parametrize("target", ["sm_89", "sm_90a", "sm_100a", "sm_120"])
@pytest.mark.parametrize("m, n", [(4096, 4096), (64, 512)])
def test_assembler(m, n, target, tmp_path):
    factors = Factors((m, 64), (64, n), 1)
    nodes = [
        helper.make_node("MatMul", ["xf", "wf"], ["p"]),
        helper.make_node("Gelu", ["p"], ["y"]),
    ]
    save(tmp_path / "m.onnx", factors.nodes + nodes, factors.feeds, factors.weights)
    flags = [f"--target={target}", "--emit=ptx", "-o", tmp_path / "m.ptx"]
    finished = tool.run([tool.tool("ingot"), "compile", tmp_path / "m.onnx", *flags])
    assert finished.outcome() == "done", finished.message()
    assert "e4m3.e4m3" in (tmp_path / "m.ptx").read_text()
    flags = ["-v", f"-arch={target}", tmp_path / "m.ptx", "-o", tmp_path / "m.cubin"]
    finished = tool.run([tool.PTXAS, *flags])
    assert finished.status == 0, finished.stderr
    spills = [line for line in finished.stderr.splitlines() if "spill" in line]
    assert spills and all("0 bytes spill stores, 0 bytes spill loads" in s for s in spills)
    assert "(C75" not in finished.stderr
