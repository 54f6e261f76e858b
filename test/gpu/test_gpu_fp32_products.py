"""Products of f32 on tensor cores, which --fp32-products asks for, on the
interpreter of PTX: tf32, and sums of parts of bf16.

Results are compared with float64, within what the form promises, and with the
same products of factors rounded or split here: those differ by what summing in
f32 does, so that a wrong rounding or a missing part shows.
"""

import re

import numpy as np
import pytest
from onnx import helper
from support import tool
from test_gpu_products import save

TARGET = "sm_80"
FORMS = ("tf32", "bf16x3", "bf16x6")

pytestmark = pytest.mark.skipif(
    bool(tool.emulator_missing(TARGET)), reason="the interpreter of PTX is not built"
)


def round_bits(x, bits, away):
    """f32 without its last `bits` bits, to nearest, ties away or to even."""
    words = np.ascontiguousarray(x, np.float32).view(np.uint32).astype(np.uint64)
    half = np.uint64(1 << (bits - 1))
    odd = (words >> np.uint64(bits)) & np.uint64(1)
    words = words + (half if away else half - np.uint64(1) + odd)
    mask = np.uint64(0xFFFFFFFF >> bits << bits)
    return (words & mask).astype(np.uint32).view(np.float32).reshape(np.shape(x))


def parts(x, form):
    if form == "tf32":
        return [round_bits(x, 13, away=True).astype(np.float64)]
    found, rest = [], np.asarray(x, np.float32)
    for _ in range(2 if form == "bf16x3" else 3):
        part = round_bits(rest, 16, away=False)
        found.append(part.astype(np.float64))
        rest = rest - part
    return found


def formed(product, x, w, form):
    """The product of factors in that form, in float64."""
    left, right = parts(x, form), parts(w, form)
    return sum(
        product(a, b)
        for i, a in enumerate(left)
        for j, b in enumerate(right)
        if i + j < len(left)
    )


# How far a product of numbers may be off: 2^-11 for each rounding to 11 bits;
# with two parts 2^-17 for what each factor loses and 2^-16 for the product left
# out; with three nothing is lost, and the greatest two products left out are of
# 2^-8 and 2^-17.
BOUND = {
    "tf32": 2 * 2.0**-11 + 2.0**-22,
    "bf16x3": 2.0**-15 * 1.01,
    "bf16x6": 2.0**-24 * 1.01,
}


def check(actual, product, x, w, form, depth, tail=lambda y: y):
    """`actual` is tail(product(x, w)), a tail that no value grows by."""
    exact = product(x.astype(np.float64), w.astype(np.float64))
    magnitude = product(np.abs(x).astype(np.float64), np.abs(w).astype(np.float64))
    # Tensor cores need not round sums to nearest: a bit for each addition.
    steps = depth / (8 if form == "tf32" else 16) * {"tf32": 1, "bf16x3": 3, "bf16x6": 6}[form]
    summing = (steps + 4) * 2.0**-23
    assert actual.dtype == np.float32 and actual.shape == exact.shape
    error = np.abs(actual - tail(exact))
    assert np.all(error <= (BOUND[form] + summing) * magnitude)
    expected = formed(product, x, w, form)
    off = np.abs(actual - tail(expected)) / magnitude
    assert np.max(off) <= summing
    if form == "tf32":
        # Neither exact products nor other roundings come as near.
        cut = product(*[parts_cut(v) for v in (x, w)])
        for other in (exact, cut):
            assert np.max(np.abs(tail(expected) - tail(other)) / magnitude) > 4 * summing


def parts_cut(x):
    words = np.ascontiguousarray(x, np.float32).view(np.uint32) & np.uint32(0xFFFFE000)
    return words.view(np.float32).astype(np.float64)


def ingot(command, model, form, target, *flags, done=True):
    finished = tool.run(
        [tool.tool("ingot"), command, model, f"--target={target}"]
        + [f"--fp32-products={form}", *flags],
        env={**tool.target_environment(target), "INGOT_FAKE_CUDA_RACES": "1"},
        timeout=300,
    )
    assert not done or finished.outcome() == "done", finished.message()
    return finished


def run(folder, nodes, feeds, weights, form, target=TARGET, symbols=(), remark=None):
    model = folder / "model.onnx"
    save(model, nodes, feeds, dict(symbols), weights)
    if remark:
        assert remark in ingot("explain", model, form, target).stdout
    np.savez(folder / "in.npz", **feeds)
    ingot(
        "run",
        model,
        form,
        target,
        *["--inputs", folder / "in.npz", "--outputs", folder / "out.npz"],
    )
    return np.load(folder / "out.npz")["y"]


def numbers(rng, *shape):
    return rng.uniform(0.1, 1, shape).astype(np.float32) * rng.choice(
        np.array([-1, 1], np.float32), shape
    )


REMARKS = {
    "tf32": "f32 factors are rounded to tf32 for tensor cores, tiles of ",
    "bf16x3": "f32 factors are split into two parts of bf16 for tensor cores, tiles of ",
    "bf16x6": "f32 factors are split into three parts of bf16 for tensor cores, tiles of ",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "m, k, n, tile",
    [
        (100, 72, 60, "32 x 32"),
        (33, 17, 19, "32 x 32"),
        (9, 8, 4, "32 x 32"),
        (256, 20, 832, "32 x 64"),
        (13200, 12, 30, "128 x 32"),
        (630, 36, 640, "64 x 64"),
        (780, 9, 790, "128 x 64"),
        (1660, 24, 1020, "128 x 128"),
    ],
)
def test_constant_right(m, k, n, tile, form, tmp_path):
    rng = np.random.default_rng(m)
    x, w = numbers(rng, m, k), numbers(rng, k, n)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Relu", ["p"], ["y"]),
    ]
    y = run(tmp_path, nodes, {"x": x}, {"w": w}, form, remark=REMARKS[form] + tile)
    check(y, np.matmul, x, w, form, k, lambda v: np.maximum(v, 0))


@pytest.mark.parametrize("form", FORMS)
def test_tail(form, tmp_path):
    """A bias, a tensor that is added and a function of both."""
    rng = np.random.default_rng(1)
    x, w, bias = numbers(rng, 70, 40), numbers(rng, 40, 52), numbers(rng, 52)
    other = numbers(rng, 70, 52)
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["p"]),
        helper.make_node("Add", ["p", "other"], ["s"]),
        helper.make_node("LeakyRelu", ["s"], ["y"], alpha=0.5),
    ]
    y = run(tmp_path, nodes, {"x": x, "other": other}, {"w": w, "b": bias}, form)

    def tail(product):
        s = product + bias + other.astype(np.float64)
        return np.where(s < 0, s / 2, s)

    check(y, np.matmul, x, w, form, 40, tail)


@pytest.mark.parametrize("form", FORMS)
def test_depth_among_blocks(form, tmp_path):
    rng = np.random.default_rng(12)
    x, w = numbers(rng, 40, 1024), numbers(rng, 1024, 48)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    y = run(tmp_path, nodes, {"x": x}, {"w": w}, form, remark="blocks share a tile of 32 x 32")
    # Each has a sixteenth; then come sixteen sums.
    check(y, np.matmul, x, w, form, 64 + 8 * 16)


@pytest.mark.parametrize("form", FORMS)
def test_batches(form, tmp_path):
    rng = np.random.default_rng(2)
    x, w = numbers(rng, 3, 2, 20, 24), numbers(rng, 2, 24, 41)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    check(run(tmp_path, nodes, {"x": x, "w": w}, {}, form), np.matmul, x, w, form, 24)


@pytest.mark.parametrize("form", FORMS)
def test_symbolic_rows(form, tmp_path):
    rng = np.random.default_rng(3)
    x, w = numbers(rng, 3, 7, 24), numbers(rng, 24, 36)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    symbols = {("x", 0): "N", ("x", 1): "M"}
    y = run(tmp_path, nodes, {"x": x}, {"w": w}, form, symbols=symbols)
    check(y, np.matmul, x, w, form, 24)


@pytest.mark.parametrize("form", FORMS)
def test_transposed_left(form, tmp_path):
    rng = np.random.default_rng(4)
    x, w = numbers(rng, 24, 50), numbers(rng, 24, 36)
    nodes = [helper.make_node("Gemm", ["x", "w"], ["y"], transA=1)]
    y = run(tmp_path, nodes, {"x": x}, {"w": w}, form)
    check(y, lambda a, b: a.T @ b, x, w, form, 24)


@pytest.mark.parametrize("form", FORMS)
def test_quantized_weights(form, tmp_path):
    rng = np.random.default_rng(11)
    x, codes = numbers(rng, 20, 64), rng.integers(0, 256, (40, 2, 16)).astype(np.uint8)
    scales = (rng.random(80) / 8).astype(np.float32)
    given = np.stack([codes % 16, codes // 16], axis=-1).reshape(40, 2, 32).astype(np.float32)
    w = ((given - 8) * scales.reshape(40, 2, 1)).reshape(40, 64).T
    shape = dict(K=64, N=40, bits=4, block_size=32)
    node = helper.make_node(
        "MatMulNBits", ["x", "codes", "scales"], ["y"], domain="com.microsoft", **shape
    )
    weights = {"codes": codes, "scales": scales}
    y = run(tmp_path, [node], {"x": x}, weights, form, remark=REMARKS[form])
    check(y, np.matmul, x, w, form, 64)


def taken_by_warpgroups(x, w, product):
    """Constants are rounded when they are packed; what comes at run time loses
    the bits that tf32 has not."""
    return product(parts_cut(x), parts(w, "tf32")[0])


def check_warpgroups(folder, monkeypatch, nodes, x, w, product, tile, tail, more=(), symbols=()):
    monkeypatch.setenv("INGOT_FAKE_CUDA_SEED", "2")
    weights = {"w": w, **dict(more)}
    remark = f"product of warpgroups, tiles of {tile}"
    y = run(folder, nodes, {"x": x}, weights, "tf32", "sm_90a", symbols, remark)
    explained = ingot("explain", folder / "model.onnx", "tf32", "sm_90a").stdout
    assert "f32 factors are taken as tf32: constants are rounded, others cut" in explained
    exact = product(x.astype(np.float64), w.astype(np.float64))
    expected = taken_by_warpgroups(x, w, product)
    magnitude = product(np.abs(x).astype(np.float64), np.abs(w).astype(np.float64))
    summing = (x.shape[-1] / 8 + 4) * 2.0**-23
    bound = 2.0**-10 + 2.0**-11 + summing
    assert np.all(np.abs(y - tail(exact)) <= bound * magnitude)
    assert np.max(np.abs(y - tail(expected)) / magnitude) <= summing
    rounded = formed(product, x, w, "tf32")
    assert np.max(np.abs(tail(expected) - tail(rounded)) / magnitude) > 4 * summing


@pytest.mark.parametrize(
    "m, k, n, tile",
    [
        (1024, 64, 1024, "64 x 128"),
        (1100, 40, 1100, "128 x 128"),
        (1090, 36, 2190, "128 x 256"),
    ],
)
def test_warpgroups(m, k, n, tile, tmp_path, monkeypatch):
    rng = np.random.default_rng(8)
    x, w, bias = numbers(rng, m, k), numbers(rng, k, n), numbers(rng, n)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["y"]),
    ]

    def tail(product):
        return product + bias.astype(np.float64)

    check_warpgroups(
        tmp_path, monkeypatch, nodes, x, w, np.matmul, tile, tail, [("b", bias)]
    )


def test_warpgroups_with_symbolic_rows(tmp_path, monkeypatch):
    rng = np.random.default_rng(9)
    x, w = numbers(rng, 9, 130, 40), numbers(rng, 40, 1096)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    check_warpgroups(
        tmp_path, monkeypatch, nodes, x, w, np.matmul, "", lambda y: y, symbols={("x", 0): "N"}
    )


@pytest.mark.parametrize(
    "m, k, n, form, reason",
    [
        (1024, 64, 1024, "bf16x3", "the factors are not both f16 or both bf16"),
        (1024, 62, 1024, "tf32", "rows of a factor are no multiple of 16 bytes"),
        (100, 64, 100, "tf32", "smaller tiles of warps keep more of the device busy"),
    ],
)
def test_without_warpgroups(m, k, n, form, reason, tmp_path):
    rng = np.random.default_rng(10)
    x, w = numbers(rng, m, k), numbers(rng, k, n)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    remark = f"no product of warpgroups: {reason}"
    y = run(tmp_path, nodes, {"x": x}, {"w": w}, form, "sm_90a", remark=remark)
    check(y, np.matmul, x, w, form, k)


def convolve(x, w, stride, pad, dilation, group):
    """In float64, for images of two dimensions."""
    n, c, height, width = x.shape
    f, per_group, size, _ = w.shape
    span = (size - 1) * dilation
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    down, across = [(s + 2 * pad - span - 1) // stride + 1 for s in (height, width)]
    y = np.zeros((n, f, down, across))
    for g in range(group):
        channels = slice(g * per_group, (g + 1) * per_group)
        filters = slice(g * f // group, (g + 1) * f // group)
        for i in range(size):
            for j in range(size):
                top, left = i * dilation, j * dilation
                pixels = x[
                    :,
                    channels,
                    top : top + stride * (down - 1) + 1 : stride,
                    left : left + stride * (across - 1) + 1 : stride,
                ]
                y[:, filters] += np.einsum("nchw,fc->nfhw", pixels, w[filters, :, i, j])
    return y


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "n, c, size, f, k, stride, pad, dilation, group",
    [
        (1, 3, (16, 16), 8, 3, 2, 1, 1, 1),
        (2, 8, (10, 9), 20, 3, 1, 1, 1, 1),
        (1, 32, (9, 9), 32, 3, 2, 2, 2, 2),
        (1, 16, (7, 8), 24, 1, 2, 0, 1, 1),
        (2, 10, (7, 7), 24, 1, 1, 0, 1, 1),
    ],
)
def test_convolutions(n, c, size, f, k, stride, pad, dilation, group, form, tmp_path):
    rng = np.random.default_rng(5)
    x, w = numbers(rng, n, c, *size), numbers(rng, f, c // group, k, k)
    bias = numbers(rng, f)
    node = helper.make_node(
        "Conv",
        ["x", "w", "b"],
        ["y"],
        strides=[stride] * 2,
        pads=[pad] * 4,
        dilations=[dilation] * 2,
        group=group,
    )
    y = run(tmp_path, [node], {"x": x}, {"w": w, "b": bias}, form, remark=REMARKS[form])

    def product(a, b):
        return convolve(a, b, stride, pad, dilation, group)

    added = bias.reshape(1, -1, 1, 1).astype(np.float64)
    check(y, product, x, w, form, c // group * k * k, lambda v: v + added)


def test_numbers_without_end(tmp_path):
    """tf32 keeps infinities and NaN where they are; parts of bf16 leave NaN."""
    x = np.ones((40, 16), np.float32)
    x[3, 2], x[5, 7], x[7, 1] = np.inf, np.nan, -3.4e38
    w = np.full((16, 24), 2, np.float32)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    y = run(tmp_path, nodes, {"x": x}, {"w": w}, "tf32")
    with np.errstate(over="ignore", invalid="ignore"):
        np.testing.assert_array_equal(y, x @ w)
    y = run(tmp_path, nodes, {"x": x}, {"w": w}, "bf16x3")
    touched = np.isin(np.arange(40), (3, 5, 7))
    assert np.all(~np.isfinite(y[touched])) and np.all(y[~touched] == 32)


@pytest.mark.parametrize("target", ["host", "sm_75"])
def test_without_tensor_cores(target, tmp_path):
    """Targets that cannot say so and compute as ever."""
    rng = np.random.default_rng(6)
    feeds, weights = {"x": numbers(rng, 20, 30)}, {"w": numbers(rng, 30, 24)}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    remark = "its products of f32 stay exact: this target has no tensor cores for tf32"
    y = run(tmp_path, nodes, feeds, weights, "tf32", target, remark=remark)
    same = run(tmp_path, nodes, feeds, weights, "exact", target)
    np.testing.assert_array_equal(y, same)
    ingot("compile", tmp_path / "model.onnx", "tf32", target, "-o", tmp_path / "m.so")
    info = tool.run(
        [tool.tool("ingot"), "info", tmp_path / "m.so"], env=tool.target_environment(target)
    )
    assert "precision fp32 products: exact (no tensor cores for tf32)" in info.stdout


def test_what_is_left_exact(tmp_path):
    rng = np.random.default_rng(7)
    feeds = {"x": numbers(rng, 4, 32), "image": numbers(rng, 1, 8, 9, 9)}
    feeds["q"] = numbers(rng, 1, 2, 40, 16)
    weights = {"w": numbers(rng, 32, 24), "k": numbers(rng, 8, 1, 3, 3)}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Conv", ["image", "k"], ["b"], group=8),
        helper.make_node("Transpose", ["q"], ["t"], perm=[0, 1, 3, 2]),
        helper.make_node("MatMul", ["q", "t"], ["s"]),
        helper.make_node("Softmax", ["s"], ["p"]),
        helper.make_node("MatMul", ["p", "q"], ["c"]),
        *[helper.make_node("ReduceMax", [v], [v + "m"], keepdims=0) for v in "abc"],
        helper.make_node("Sum", ["am", "bm", "cm"], ["y"]),
    ]
    save(tmp_path / "m.onnx", nodes, feeds, {}, weights)
    text = ingot("explain", tmp_path / "m.onnx", "tf32", TARGET).stdout
    for reason in (
        "with so few rows all time is that of reading the right factor",
        "a depthwise convolution has no products of matrices",
        "attention of f32 is computed by multiply-adds",
    ):
        assert f"its products of f32 stay exact: {reason}" in text
    assert "for tensor cores" not in text
    assert "stay exact" not in ingot("explain", tmp_path / "m.onnx", "exact", TARGET).stdout


def test_artifact_tells(tmp_path):
    weights = {"w": np.zeros((16, 16), np.float32)}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    model, artifact = tmp_path / "m.onnx", tmp_path / "m.so"
    save(model, nodes, {"x": np.zeros((16, 16), np.float32)}, {}, weights)
    done = ingot("compile", model, "bf16x3", TARGET, "--precision=bf16", "-o", artifact)
    said = re.search(r"bf16 \(.*?\), fp32 products: bf16x3", done.stdout)
    info = tool.run([tool.tool("ingot"), "info", artifact], env=tool.target_environment(TARGET))
    assert said and f"precision {said[0]}\n" in info.stdout
    finished = ingot("compile", model, "tf16", TARGET, "-o", artifact, done=False)
    assert finished.outcome() == "refused"
    assert "'--fp32-products' must be exact, tf32, bf16x3 or bf16x6" in finished.message()


@pytest.mark.skipif(not tool.PTXAS, reason="ptxas is not installed")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("arch", ["sm_80", "sm_90a"])
def test_assembler(arch, form, tmp_path):
    """Nothing leaves the registers of the largest tiles, and nothing makes
    products of warpgroups wait for each other."""
    weights = {"w": np.zeros((64, 1024), np.float32), "k": np.zeros((128, 64, 3, 3), np.float32)}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Relu", ["p"], ["a"]),
        helper.make_node("Conv", ["image", "k"], ["c"], pads=[1] * 4),
        helper.make_node("ReduceMax", ["a"], ["am"], keepdims=0),
        helper.make_node("ReduceMax", ["c"], ["cm"], keepdims=0),
        helper.make_node("Add", ["am", "cm"], ["y"]),
    ]
    model, ptx = tmp_path / "m.onnx", tmp_path / "m.ptx"
    feeds = {"x": np.zeros((1664, 64), np.float32)}
    feeds["image"] = np.zeros((8, 64, 40, 40), np.float32)
    save(model, nodes, feeds, {}, weights)
    text = ingot("explain", model, form, arch).stdout
    warpgroups = text.count("product of warpgroups, tiles of 128 x 128, in pairs; f32 factors")
    assert warpgroups == (1 if (arch, form) == ("sm_90a", "tf32") else 0)
    assert text.count(REMARKS[form] + "128 x 128") == 2 - warpgroups
    ingot("compile", model, form, arch, "--emit=ptx", "-o", ptx)
    finished = tool.run([tool.PTXAS, "-v", f"-arch={arch}", ptx, "-o", tmp_path / "m.cubin"])
    assert finished.status == 0, finished.stderr
    spills = re.findall(r"(\d+) bytes spill stores, (\d+) bytes spill loads", finished.stderr)
    assert spills and set(spills) == {("0", "0")} and "(C75" not in finished.stderr
