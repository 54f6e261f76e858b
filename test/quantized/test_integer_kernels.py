"""Matrix products and convolutions of 8-bit integers, on each target and
against NumPy, bit for bit: every tail of rows, columns and depth, padding with
a zero point, strides, dilations, groups, stacks of matrices, constant and
computed right operands."""

import pathlib
import random

import numpy as np
import pytest

from support import tool

# The left operand's types that a target's instruction takes.
TARGETS = {
    "x86-64-v3": ["u1"],
    "x86-64-v4": ["u1"],
    "x86-64-v4+vnni": ["u1"],
    "aarch64": ["u1", "i1"],
    "aarch64+dotprod": ["i1"],
    "aarch64+dotprod+i8mm": ["i1"],
}
# What a processor must have, by its name in /proc/cpuinfo.
FLAGS = {"x86-64-v3": "avx2", "x86-64-v4": "avx512bw", "x86-64-v4+vnni": "avx512_vnni"}
MLIR_TYPES = {"u1": "ui8", "i1": "i8", "i4": "i32"}
SEEDS = range(16)


def missing(target):
    """Why a target's code cannot run here, or None."""
    if reason := tool.emulator_missing(target):
        return reason
    flag = FLAGS.get(target)
    if flag and flag not in pathlib.Path("/proc/cpuinfo").read_text().split():
        return f"this processor has no {flag}"
    return None


def tensor_type(array):
    sizes = "".join(f"{size}x" for size in array.shape)
    return f"tensor<{sizes}{MLIR_TYPES[array.dtype.str[1:]]}>"


def constant(name, array):
    kind = tensor_type(array)
    # A single value would be a splat.
    data = ", ".join(map(str, array.flat)) if array.size == 1 else f'"0x{array.tobytes().hex()}"'
    return f"  {name} = onnx.Constant {{value = dense<{data}> : {kind}}} : {kind}\n"


def integers(rng, shape, kind):
    """Random integers with many extremes: sums of those come near the limits."""
    limits = np.iinfo(kind)
    array = rng.integers(limits.min, limits.max + 1, shape)
    extreme = rng.choice([limits.min, limits.max], shape)
    return np.where(rng.random(shape) < 0.2, extreme, array).astype(kind)


def product(seed, kind):
    """(model, inputs, expected) of a random matrix product."""
    rng, pick = np.random.default_rng(seed), random.Random(seed)
    batch = pick.choice([[], [2], [2, 3]])
    is_constant = pick.random() < 0.7
    m = pick.choice([1, 2, 3, 7, 13, 14, 15, 49, 100])
    k = pick.choice([1, 3, 4, 5, 7, 8, 15, 16, 17, 31, 64, 100, 130, 520])
    n = pick.choice([1, 2, 7, 15, 16, 17, 24, 31, 32, 33, 48, 70, 100])
    a = integers(rng, [*batch, m, k], kind)
    b = integers(rng, [*([] if is_constant else batch), k, n], "i1")
    y = a.astype("i4") @ b.astype("i4")
    op = (
        f"  %y = ingot.matmul %a, %b {{n = {n} : i64}} : "
        f"({tensor_type(a)}, {tensor_type(b)}) -> {tensor_type(y)}\n"
    )
    inputs = {"a": a} if is_constant else {"a": a, "b": b}
    return (constant("%b", b) if is_constant else "") + op, inputs, y


def convolution(seed, kind):
    """(model, inputs, expected) of a random convolution, or None."""
    rng, pick = np.random.default_rng(seed), random.Random(seed)
    group = pick.choice([1, 1, 1, 2, 4])
    channels = pick.choice([1, 2, 3, 4, 5, 8, 12, 16, 17, 64]) * group
    filters = pick.choice([1, 3, 16, 17, 32, 40]) * group
    if pick.random() < 0.25:
        channels = group = filters = pick.choice([2, 8, 16, 17, 33, 64])
    kernel = (pick.choice([1, 1, 2, 3, 5]), pick.choice([1, 1, 3, 3, 7]))
    strides = (pick.choice([1, 1, 2]), pick.choice([1, 1, 2, 3]))
    dilations = (pick.choice([1, 1, 2]), pick.choice([1, 1, 1, 2]))
    begins, ends = ([pick.randint(0, size - 1) for size in kernel] for _ in range(2))
    pad = int(integers(rng, (), kind))
    images = pick.choice([1, 2])
    height, width = pick.choice([7, 9, 14, 20]), pick.choice([8, 13, 20, 31])
    x = integers(rng, [images, height, width, channels], kind)
    w = integers(rng, [filters, channels // group, *kernel], "i1")
    around = [(0, 0), *zip(begins, ends), (0, 0)]
    padded = np.pad(x.astype("i4"), around, constant_values=pad)
    out = [
        (padded.shape[1 + i] - (kernel[i] - 1) * dilations[i] - 1) // strides[i] + 1
        for i in range(2)
    ]
    if min(out) <= 0:
        return None
    y = np.zeros([images, *out, filters], "i4")
    per_group, of_group = filters // group, channels // group
    for i, j in np.ndindex(*kernel):
        rows = slice(i * dilations[0], i * dilations[0] + (out[0] - 1) * strides[0] + 1, strides[0])
        columns = slice(
            j * dilations[1], j * dilations[1] + (out[1] - 1) * strides[1] + 1, strides[1]
        )
        for g in range(group):
            source = padded[:, rows, columns, g * of_group : (g + 1) * of_group]
            taps = w[g * per_group : (g + 1) * per_group, :, i, j].astype("i4")
            y[..., g * per_group : (g + 1) * per_group] += source @ taps.T
    lists = {"kernel": kernel, "strides": strides, "pads_begin": begins, "dilations": dilations}
    attributes = ", ".join(
        f"{name} = array<i64: {', '.join(map(str, values))}>" for name, values in lists.items()
    )
    op = (
        f"  %y = ingot.conv %a, %w {{{attributes}, group = {group} : i64,"
        f" filters = {filters} : i64, pad_value = {pad} : i64}} : "
        f"({tensor_type(x)}, {tensor_type(w)}) -> {tensor_type(y)}\n"
    )
    return constant("%w", w) + op, {"a": x}, y


def run(body, inputs, expected, target, folder, threads):
    arguments = ", ".join(f"%{name}: {tensor_type(array)}" for name, array in inputs.items())
    kind = tensor_type(expected)
    model = folder / "model.mlir"
    model.write_text(
        f"func.func @main({arguments}) -> {kind} {{\n{body}  return %y : {kind}\n}}\n"
    )
    flags = []
    for position, (name, array) in enumerate(inputs.items()):
        np.save(folder / f"{name}.npy", array)
        flags.append(f"--input=input{position}={folder / name}.npy")
    result = folder / "result.npz"
    flags += [f"--outputs={result}", f"--target={target}", f"--threads={threads}", "-q"]
    finished = tool.run([tool.tool("ingot"), "run", model, *flags])
    assert finished.outcome() == "done", finished.message()
    (actual,) = np.load(result).values()
    return actual


@pytest.mark.parametrize("make", [product, convolution])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("seed", SEEDS)
def test_exact(seed, target, make, tmp_path):
    if reason := missing(target):
        pytest.skip(reason)
    kinds = TARGETS[target]
    made = make(seed, kinds[seed % len(kinds)])
    if made is None:
        pytest.skip("the window does not fit")
    body, inputs, expected = made
    actual = run(body, inputs, expected, target, tmp_path, threads=1 + seed % 2)
    np.testing.assert_array_equal(actual, expected)
