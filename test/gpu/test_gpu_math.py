"""Functions of f32 on GPUs, on the interpreter of PTX, against float64: over all
exponents, subnormal numbers, signed zeros, infinities and NaN.

The interpreter rounds as PTX says, so that its results are those of hardware as
long as no instruction is approximate, and none is that the assembler may join
with another; that is what the first test looks for.
"""

import math
import re

import numpy as np
import pytest
from onnx import helper
from support import tool

TARGET = "sm_80"

pytestmark = pytest.mark.skipif(
    bool(tool.emulator_missing(TARGET)), reason="the interpreter of PTX is not built"
)

erf, erfc = np.vectorize(math.erf), np.vectorize(math.erfc)


def softplus(x):
    return np.logaddexp(0, x)


def tanh_gelu(x):
    t = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    # x / 2 * (1 + tanh t), without the difference of near numbers.
    return x / (1 + np.exp(-2 * t))


LEAST = 2.0**-149  # of the numbers above zero
# What functions are made of: operators, what they compute, and how far they may
# be off, in units in the last place of the result. The policy is 2; f32 that is
# computed in f64 is nearer, and Mish is three functions.
FUNCTIONS = {
    "exp": ("Exp", np.exp, 1),
    "log": ("Log", np.log, 1),
    "tanh": ("Tanh", np.tanh, 1),
    "erf": ("Erf", erf, 1),
    "sigmoid": ("Sigmoid", lambda x: 1 / (1 + np.exp(-x)), 1),
    "sin": ("Sin", np.sin, 0.501),
    "cos": ("Cos", np.cos, 0.501),
    "tan": ("Tan", np.tan, 0.501),
    "sinh": ("Sinh", np.sinh, 0.501),
    "cosh": ("Cosh", np.cosh, 0.501),
    "asin": ("Asin", np.arcsin, 0.501),
    "acos": ("Acos", np.arccos, 0.501),
    "atan": ("Atan", np.arctan, 0.501),
    "asinh": ("Asinh", np.arcsinh, 0.501),
    "acosh": ("Acosh", np.arccosh, 0.501),
    "atanh": ("Atanh", np.arctanh, 0.501),
    "sqrt": ("Sqrt", np.sqrt, 0.5),
    "reciprocal": ("Reciprocal", lambda x: 1 / x, 0.5),
    "softplus": ("Softplus", softplus, 2),
    "gelu": ("Gelu", lambda x: x / 2 * erfc(-x / math.sqrt(2)), 2),
    "tanh_gelu": ("Gelu", tanh_gelu, 2),
    "elu": ("Elu", lambda x: np.where(x < 0, np.expm1(x), x), 2),
    "mish": ("Mish", lambda x: x * np.tanh(softplus(x)), 4),
    "softsign": ("Softsign", lambda x: x / (1 + np.abs(x)), 2),
}
# By how much some may be off besides, for the argument: the definitions of the
# Gelus have a sum of 1 and nearly -1 for negative numbers, and that of Mish a
# factor that may be subnormal.
SLACK = {
    "gelu": lambda x: np.abs(x) * 2.0**-24,
    "tanh_gelu": lambda x: np.abs(x) * 2.0**-23,
    "mish": lambda x: np.abs(x) * LEAST,
}
POWERS = (2.0, 3.0, 0.5, -0.5, -1.0, 7.0, 2.7, -0.3)


def sample():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 1 << 32, 1 << 16, dtype=np.uint64).astype(np.uint32)
    tiny = rng.integers(0, 1 << 23, 1 << 12, dtype=np.uint64).astype(np.uint32)
    edges = [0, 1, 0x7FFFFF, 0x800000, 0x7F7FFFFF, 0x7F800000, 0x7FC00000, 0x3F800000]
    edges += [0x3F7FFFFF, 0x3F800001, 0x42B17218, 0x42CFF1B5]
    edges = np.array(edges, np.uint32)
    special = np.concatenate([edges, edges | np.uint32(1 << 31), tiny, bits])
    usual = [rng.uniform(-end, end, 1 << 14) for end in (120, 20, 20, 1.5)]
    return np.concatenate([special.view(np.float32), np.concatenate(usual).astype(np.float32)])


def model(folder, count, kind=np.float32):
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    nodes, results = [], {}
    constants = []
    for name, (op, function, bound) in FUNCTIONS.items():
        attributes = {"approximate": "tanh"} if name == "tanh_gelu" else {}
        nodes.append(helper.make_node(op, ["x"], [name], **attributes))
        results[name] = (function, bound)
    for power in POWERS:
        name = f"power_{power}"
        constants.append(helper.make_tensor(f"c_{name}", kind, [], [power]))
        nodes.append(helper.make_node("Pow", ["x", f"c_{name}"], [name]))
        exponent = float(np.float32(power))
        results[name] = (lambda x, p=exponent: np.power(x, p), 2)
    nodes.append(helper.make_node("Pow", ["x", "e"], ["power"]))
    nodes.append(helper.make_node("Sqrt", ["x"], ["root"]))
    nodes.append(helper.make_node("Reciprocal", ["root"], ["inverse_root"]))
    results["inverse_root"] = (lambda x: 1 / np.sqrt(x), 2)
    graph = helper.make_graph(
        nodes,
        "functions",
        [helper.make_tensor_value_info(name, kind, [count]) for name in "xe"],
        [helper.make_tensor_value_info(name, kind, [count]) for name in [*results, "power"]],
        constants,
    )
    opsets = [helper.make_opsetid("", 20)]
    made = helper.make_model(graph, ir_version=9, opset_imports=opsets)
    path = folder / "m.onnx"
    path.write_bytes(made.SerializeToString())
    return path, results


def check(name, x, actual, exact, bound):
    nan, zero = np.isnan(exact), exact == 0
    for wrong in (np.isnan(actual) != nan, zero & (np.signbit(actual) != np.signbit(exact))):
        assert not wrong.any(), f"{name}({x[wrong][0]!r}) = {actual[wrong][0]!r}"
    # Infinity counts as what comes after the greatest number.
    actual = np.clip(actual.astype(np.float64), -(2.0**128), 2.0**128)
    exact = np.clip(exact, -(2.0**128), 2.0**128)
    exponent = np.frexp(np.where(zero | nan, LEAST, exact))[1] - 1
    unit = np.exp2(np.clip(exponent, -126, 127) - 23.0)
    slack = SLACK.get(name, np.zeros_like)(x.astype(np.float64))
    off = np.where(nan, 0, (np.abs(actual - exact) - slack) / unit)
    worst = np.argmax(off)
    print(f"{name}: {off[worst]:.4f} at {x[worst]!r}")
    assert off[worst] <= bound, f"{name}({x[worst]!r}) is off by {off[worst]:.4f}"


def ingot(*words):
    finished = tool.run(
        [tool.tool("ingot"), *words], env=tool.target_environment(TARGET), timeout=300
    )
    assert finished.outcome() == "done", finished.message()
    return finished.stdout


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.float16])
def test_no_approximations(kind, tmp_path):
    path, _ = model(tmp_path, 4096, kind)
    ptx = ingot("compile", path, f"--target={TARGET}", "--emit=ptx", "-o", "-", "-q")
    arithmetic = re.findall(r"\b(?:add|sub|mul|fma|div|rcp|sqrt)\.[a-z0-9.]*f(?:16|32|64)\b", ptx)
    assert len(arithmetic) > 1000
    assert not [word for word in arithmetic if ".rn." not in word or ".ftz" in word]
    for word in (".approx", ".full", "lg2", "ex2", "sin.", "cos.", "tanh."):
        assert word not in ptx


def run(path, target, folder, **inputs):
    np.savez(folder / "in.npz", **inputs)
    files = ["--inputs", folder / "in.npz", "--outputs", folder / "out.npz"]
    ingot("run", path, f"--target={target}", *files)
    return np.load(folder / "out.npz")


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.float16])
def test_as_on_processors(kind, tmp_path):
    """The same formulas give the same bits, which check-math.sh measures."""
    rng = np.random.default_rng(2)
    word = {np.float64: np.uint64, np.float32: np.uint32, np.float16: np.uint16}[kind]
    count = 1 << (16 if kind == np.float16 else 14)
    x = rng.integers(0, np.iinfo(word).max, count, dtype=word).view(kind)
    x = np.concatenate([x, rng.uniform(-20, 20, 1 << 12).astype(kind)])
    e = rng.permutation(x)
    path, _ = model(tmp_path, x.size, kind)
    expected = dict(run(path, "host", tmp_path, x=x, e=e))
    found = run(path, TARGET, tmp_path, x=x, e=e)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, name)
        zero = values == 0
        assert np.array_equal(np.signbit(found[name][zero]), np.signbit(values[zero])), name


def test_functions(tmp_path):
    x = sample()
    e = np.random.default_rng(1).permutation(x)
    path, results = model(tmp_path, x.size)
    found = run(path, TARGET, tmp_path, x=x, e=e)
    with np.errstate(all="ignore"):
        wide = x.astype(np.float64)
        for name, (function, bound) in results.items():
            check(name, x, found[name], function(wide), bound)
        check("power", x, found["power"], np.power(wide, e.astype(np.float64)), 2)


def test_approximations(tmp_path):
    """Powers of attention on tensor cores are rounded to halves."""
    shape = [1, 2, 64, 64]
    nodes = [helper.make_node("Attention", ["q", "k", "v"], ["y"])]
    graph = helper.make_graph(
        nodes,
        "attention",
        [helper.make_tensor_value_info(name, 10, shape) for name in "qkv"],
        [helper.make_tensor_value_info("y", 10, shape)],
    )
    opsets = [helper.make_opsetid("", 23)]
    path = tmp_path / "m.onnx"
    made = helper.make_model(graph, ir_version=10, opset_imports=opsets)
    path.write_bytes(made.SerializeToString())
    ptx = ingot("compile", path, f"--target={TARGET}", "--emit=ptx", "-o", "-", "-q")
    assert "mma.sync" in ptx
    assert set(re.findall(r"\b[a-z0-9]+\.approx[a-z0-9.]*", ptx)) == {"ex2.approx.ftz.f32"}
