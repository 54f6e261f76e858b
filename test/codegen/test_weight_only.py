"""Products of floats with weights quantized to 2, 4 and 8 bits, against the
product with the dequantized weights in double precision: sizes that are no
multiple of a word, a block, a vector or a panel, every granularity of scales,
zero points, few and many rows, batches, symbolic rows, half precision."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from support import tool

TARGETS = ("host", "x86-64-v3", "x86-64-v4", "aarch64", "aarch64+dotprod")
TYPES = {
    "int2": (TensorProto.INT2, -2, 1),
    "uint2": (TensorProto.UINT2, 0, 3),
    "int4": (TensorProto.INT4, -8, 7),
    "uint4": (TensorProto.UINT4, 0, 15),
    "int8": (TensorProto.INT8, -128, 127),
    "uint8": (TensorProto.UINT8, 0, 255),
}
FLOATS = {TensorProto.FLOAT: np.float32, TensorProto.FLOAT16: np.float16}


class Weights:
    """A quantized matrix [k, n]; `block` 0: a scale per column, None: one."""

    def __init__(self, kind, k, n, block, zero_points=False, seed=0):
        random = np.random.default_rng(seed)
        self.kind, self.block = kind, block
        self.dtype, low, high = TYPES[kind]
        self.codes = random.integers(low, high + 1, (k, n))
        shape = () if block is None else (n,)
        if block:
            shape = (-(-k // block), n)
        self.scales = (random.random(shape) * 0.1 + 0.01).astype(np.float32)
        self.zeros = None
        if zero_points:
            self.zeros = random.integers(low, high + 1, shape)

    def spread(self, parameter):
        if self.block:
            return np.repeat(parameter, self.block, 0)[: len(self.codes)]
        return parameter

    def values(self):
        codes = self.codes
        if self.zeros is not None:
            codes = codes - self.spread(self.zeros)
        return codes * self.spread(self.scales).astype("d")

    def node(self, transposed, scale_type=TensorProto.FLOAT):
        """DequantizeLinear to `w`, and its constants."""
        turn = (lambda v: v.T) if transposed else (lambda v: v)

        def constant(name, dtype, value):
            value = turn(np.asarray(value))
            return helper.make_tensor(name, dtype, value.shape, value.ravel().tolist())

        constants = [constant("codes", self.dtype, self.codes)]
        constants.append(constant("scales", scale_type, self.scales))
        if self.zeros is not None:
            constants.append(constant("zeros", self.dtype, self.zeros))
        depth, columns = (1, 0) if transposed else (0, 1)
        node = helper.make_node(
            "DequantizeLinear",
            [c.name for c in constants],
            ["w"],
            axis=depth if self.block else columns,
            block_size=self.block or 0,
        )
        return node, constants


def save(path, nodes, shape, result, constants, dtype=TensorProto.FLOAT):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", dtype, shape)],
        [helper.make_tensor_value_info("y", dtype, result)],
        constants,
    )
    opset = helper.make_opsetid("", 25)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=11)
    onnx.save(model, path)


def run(model, x, target, threads=2):
    inputs, outputs = model.with_name("in.npz"), model.with_name("out.npz")
    np.savez(inputs, x=x)
    command = [tool.tool("ingot"), "run", model, "--inputs", inputs]
    command += ["--outputs", outputs, f"--target={target}", "--threads", threads]
    done = tool.run([*command, "--quiet"], timeout=120)
    assert done.outcome() == "done", done.message()
    return np.load(outputs)["y"]


def check(actual, a, w, epsilon=2e-7):
    a = a.astype("d")
    bound = epsilon * np.sqrt(len(w)) * (np.abs(a) @ np.abs(w))
    assert actual.shape == (a @ w).shape
    assert (np.abs(actual - a @ w) <= bound).all()


def random(*shape):
    return np.random.default_rng(len(shape)).standard_normal(shape, np.float32)


def product(weights, transposed):
    """Nodes and constants of x times the weights."""
    node, constants = weights.node(transposed)
    if not transposed:
        return [node, helper.make_node("MatMul", ["x", "w"], ["y"])], constants
    turn = helper.make_node("Transpose", ["w"], ["wt"], perm=[1, 0])
    return [node, turn, helper.make_node("MatMul", ["x", "wt"], ["y"])], constants


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "kind, k, n, block, zero_points",
    [
        ("int4", 64, 64, 32, False),
        ("int4", 100, 33, 32, False),  # a shorter last block, a partial panel
        ("uint4", 96, 80, 16, True),
        ("uint4", 67, 17, 64, True),  # a last block of three
        ("uint4", 40, 5, 12, True),  # blocks of a word and a half
        ("uint4", 130, 200, 0, True),
        ("int4", 31, 7, None, True),
        ("uint4", 48, 48, 128, False),  # a block longer than K
        ("int8", 70, 50, 0, False),
        ("uint8", 65, 130, 32, True),
        ("int8", 7, 3, None, False),
        ("int2", 100, 40, 32, False),
        ("uint2", 50, 21, 20, True),
    ],
)
def test_granularities(kind, k, n, block, zero_points, target, tmp_path):
    weights = Weights(kind, k, n, block, zero_points)
    model = tmp_path / "model.onnx"
    for transposed in (False, True):
        nodes, constants = product(weights, transposed)
        for m in (1, 3):
            save(model, nodes, (m, k), (m, n), constants)
            x = random(m, k)
            check(run(model, x, target), x, weights.values())


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("m", [2, 5, 17, 64])
def test_rows(m, target, tmp_path):
    weights = Weights("uint4", 160, 90, 32, zero_points=True)
    nodes, constants = product(weights, transposed=True)
    model = tmp_path / "model.onnx"
    save(model, nodes, (m, 160), (m, 90), constants)
    x = random(m, 160)
    check(run(model, x, target), x, weights.values())


@pytest.mark.parametrize("target", TARGETS)
def test_symbolic_rows(target, tmp_path):
    weights = Weights("int4", 72, 70, 24)
    nodes, constants = product(weights, transposed=False)
    model = tmp_path / "model.onnx"
    save(model, nodes, ("B", "M", 72), ("B", "M", 70), constants)
    for batch, m in ((1, 1), (2, 1), (1, 3), (3, 7)):
        x = random(batch, m, 72)
        check(run(model, x, target), x, weights.values())


def test_batches_with_something_between(tmp_path):
    """Rows of batches do not count as one where what follows tells them
    apart."""
    weights = Weights("int4", 64, 40, 32)
    nodes, constants = product(weights, transposed=False)
    nodes[-1].output[0] = "p"
    nodes.append(helper.make_node("Add", ["p", "bias"], ["y"]))
    bias = random(2, 1, 3, 1)
    constants.append(onnx.numpy_helper.from_array(bias, "bias"))
    model = tmp_path / "model.onnx"
    save(model, nodes, (2, 5, 3, 64), (2, 5, 3, 40), constants)
    x = random(2, 5, 3, 64)
    check(run(model, x, "host") - bias.astype("d"), x, weights.values(), 1e-6)


@pytest.mark.parametrize("trans_a", [0, 1])
@pytest.mark.parametrize("trans_b", [0, 1])
def test_gemm(trans_a, trans_b, tmp_path):
    weights = Weights("uint4", 64, 48, 16, zero_points=True)
    node, constants = weights.node(transposed=bool(trans_b))
    c = random(48)
    constants.append(onnx.numpy_helper.from_array(c, "c"))
    gemm = helper.make_node(
        "Gemm",
        ["x", "w", "c"],
        ["y"],
        alpha=0.5,
        beta=2.0,
        transA=trans_a,
        transB=trans_b,
    )
    model = tmp_path / "model.onnx"
    x = random(4, 64)
    shape = (64, 4) if trans_a else (4, 64)
    save(model, [node, gemm], shape, (4, 48), constants)
    y = run(model, np.ascontiguousarray(x.reshape(4, 64).T) if trans_a else x, "host")
    check(2 * (y.astype("d") - 2 * c), x, weights.values(), 1e-6)


def test_what_follows_is_fused(tmp_path):
    weights = Weights("int4", 128, 96, 32)
    nodes, constants = product(weights, transposed=False)
    nodes[-1].output[0] = "p"
    nodes.append(helper.make_node("Add", ["p", "bias"], ["q"]))
    nodes.append(helper.make_node("Tanh", ["q"], ["y"]))
    bias = random(96)
    constants.append(onnx.numpy_helper.from_array(bias, "bias"))
    model = tmp_path / "model.onnx"
    for m in (1, 6):
        save(model, nodes, (m, 128), (m, 96), constants)
        x = random(m, 128) * np.float32(0.1)
        expected = np.tanh(x.astype("d") @ weights.values() + bias)
        assert np.abs(run(model, x, "host") - expected).max() < 2e-6


@pytest.mark.parametrize("target", ["host", "x86-64-v3", "aarch64"])
def test_half_precision(target, tmp_path):
    weights = Weights("int4", 64, 40, 32)
    weights.scales = weights.scales.astype(np.float16)
    node, constants = weights.node(False, TensorProto.FLOAT16)
    nodes = [node, helper.make_node("MatMul", ["x", "w"], ["y"])]
    model = tmp_path / "model.onnx"
    save(model, nodes, (3, 64), (3, 40), constants, TensorProto.FLOAT16)
    x = random(3, 64).astype(np.float16)
    y = run(model, x, target).astype("d")
    expected = x.astype("d") @ weights.values()
    assert (np.abs(y - expected) <= np.abs(expected) * 2.0**-10 + 1e-6).all()


def test_threads_do_not_change_bits(tmp_path):
    weights = Weights("uint4", 300, 500, 32, zero_points=True)
    nodes, constants = product(weights, transposed=True)
    model = tmp_path / "model.onnx"
    save(model, nodes, (1, 300), (1, 500), constants)
    x = random(1, 300)
    one, two, three = (run(model, x, "host", n) for n in (1, 2, 3))
    assert (one == two).all() and (one == three).all()


def test_infinity_stays_in_its_row(tmp_path):
    weights = Weights("int4", 64, 40, 32)
    weights.codes[5] = np.where(weights.codes[5] == 0, 1, weights.codes[5])
    nodes, constants = product(weights, transposed=False)
    model = tmp_path / "model.onnx"
    save(model, nodes, (3, 64), (3, 40), constants)
    x = random(3, 64)
    x[1, 5] = np.inf
    y = run(model, x, "host")
    check(y[[0, 2]], x[[0, 2]], weights.values())
    assert (y[1] == np.where(weights.codes[5] > 0, np.inf, -np.inf)).all()


def test_against_onnxruntime(tmp_path):
    import onnxruntime

    weights = Weights("uint4", 256, 128, 64, zero_points=True)
    nodes, constants = product(weights, transposed=True)
    model = tmp_path / "model.onnx"
    save(model, nodes, (4, 256), (4, 128), constants)
    x = random(4, 256)
    session = onnxruntime.InferenceSession(
        str(model), providers=["CPUExecutionProvider"]
    )
    expected = session.run(None, {"x": x})[0]
    np.testing.assert_allclose(run(model, x, "host"), expected, rtol=0, atol=2e-4)
