"""Matrix products and convolutions of 8-bit integers, on each target and
against NumPy, bit for bit: every tail of rows, columns and depth, padding with
a zero point, strides, dilations, groups, stacks of matrices, constant and
computed right operands."""

import random

import numpy as np
import pytest

from support import integers, tool

# The left operand's types that a target's instruction takes.
TARGETS = {
    "x86-64-v3": ["u1"],
    "x86-64-v4": ["u1"],
    "x86-64-v4+vnni": ["u1"],
    "x86-64-v4+vnni+amx": ["u1"],
    "aarch64": ["u1", "i1"],
    "aarch64+dotprod": ["i1"],
    "aarch64+dotprod+i8mm": ["i1"],
}
# What a processor must have, by its name in /proc/cpuinfo.
FLAGS = {
    "x86-64-v3": "avx2",
    "x86-64-v4": "avx512bw",
    "x86-64-v4+vnni": "avx512_vnni",
    "x86-64-v4+vnni+amx": "avx512_vnni",
}
SEEDS = range(16)


def missing(target):
    """Why a target's code cannot run here, or None."""
    if reason := tool.emulator_missing(target):
        return reason
    flag = FLAGS.get(target)
    if flag and flag not in tool.processor_flags():
        return f"this processor has no {flag}"
    return None


def product(seed, kind):
    """(model, inputs, expected) of a random matrix product."""
    rng, pick = np.random.default_rng(seed), random.Random(seed)
    batch = pick.choice([[], [2], [2, 3]])
    is_constant = pick.random() < 0.7
    m = pick.choice([1, 2, 3, 7, 13, 14, 15, 49, 100])
    k = pick.choice([1, 3, 4, 5, 7, 8, 15, 16, 17, 31, 64, 100, 130, 520])
    n = pick.choice([1, 2, 7, 15, 16, 17, 24, 31, 32, 33, 48, 70, 100])
    a = integers.integers(rng, [*batch, m, k], kind)
    b = integers.integers(rng, [*([] if is_constant else batch), k, n], "i1")
    return integers.product(a, b, is_constant)


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
    pad = int(integers.integers(rng, (), kind))
    images = pick.choice([1, 2])
    height, width = pick.choice([7, 9, 14, 20]), pick.choice([8, 13, 20, 31])
    x = integers.integers(rng, [images, height, width, channels], kind)
    w = integers.integers(rng, [filters, channels // group, *kernel], "i1")
    return integers.convolution(x, w, group, strides, dilations, begins, ends, pad)


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
    actual, _ = integers.run(made, target, tmp_path, threads=1 + seed % 2)
    np.testing.assert_array_equal(actual, made[-1])
