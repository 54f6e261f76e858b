"""Products and convolutions that are compiled for tile registers, against NumPy
bit for bit. Where the machine has no tiles, an emulator executes and counts the
instructions: a test must not pass because the compiler chose another way."""

import random
import re

import numpy as np
import pytest

from support import integers, tool

TARGET = "x86-64-v4+vnni+amx"


def missing():
    if reason := tool.emulator_missing(TARGET):
        return reason
    if "avx512_vnni" not in tool.processor_flags():
        return "this processor has no avx512_vnni"
    return None


pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")


def check(made, folder, products, threads=1, symbolic=None):
    """Runs a model; `products` of tiles must have been computed."""
    actual, log = integers.run(made, TARGET, folder, threads, symbolic)
    np.testing.assert_array_equal(actual, made[-1])
    if tool.emulation(TARGET):
        counted = int(re.search(r"(\d+) products", log)[1])
        assert counted == products, log


def matrices(m, k, n, batch=(), stack=False, kind="u1"):
    rng = np.random.default_rng(m * k + n)
    a = integers.integers(rng, [*batch, m, k], kind)
    b = integers.integers(rng, [*(batch if stack else ()), k, n], "i1")
    return a, b


def blocks(m, k, n):
    """Products of tiles for a matrix product: 32 rows go together."""
    rows = -(-m // 32)
    of_block = 1 if -(-m // rows) <= 16 else 2
    return rows * of_block * -(-n // 16) * -(-k // 64)


@pytest.mark.parametrize(
    "m, k, n",
    [
        (32, 64, 32),  # four tiles
        (16, 64, 16),  # one
        (8, 64, 32),  # fewer rows than a tile has
        (17, 64, 64),  # a second tile that repeats 15 rows
        (49, 256, 96),  # two blocks of 25 rows
        (100, 320, 70),  # a partial panel of two tiles
        (64, 192, 40),  # a partial panel of one tile
        (33, 100, 33),  # a depth that ends within a row of a tile
        (196, 48, 64),
        (40, 1024, 64),  # rows that compete for cache sets
        (40, 4096, 64),
        (64, 6400, 24),
    ],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_matrices(m, k, n, threads, tmp_path):
    a, b = matrices(m, k, n)
    check(integers.product(a, b, True), tmp_path, blocks(m, k, n), threads)


def test_signed(tmp_path):
    a, b = matrices(40, 128, 64, kind="i1")
    check(integers.product(a, b, True), tmp_path, blocks(40, 128, 64))


# Many panels of B: their blocks end with one that is shorter, and those that
# follow are asked for ahead.
def test_blocks_of_panels(tmp_path):
    a, b = matrices(40, 1088, 32 * 23)
    check(integers.product(a, b, True), tmp_path, blocks(40, 1088, 32 * 23), threads=2)


@pytest.mark.parametrize("m", [1, 5, 16, 31, 32, 33, 70])
@pytest.mark.parametrize("k", [128, 200])
def test_symbolic_rows(m, k, tmp_path):
    a, b = matrices(m, k, 80)
    products = -(-m // 32) * 2 * 5 * -(-k // 64)
    made = integers.product(a, b, True, symbolic="M")
    check(made, tmp_path, products, threads=2, symbolic="M")


@pytest.mark.parametrize("is_constant", [True, False])
@pytest.mark.parametrize("m, k, n", [(20, 64, 48), (48, 100, 70)])
def test_batches(m, k, n, is_constant, tmp_path):
    a, b = matrices(m, k, n, (2, 3), stack=not is_constant)
    # With one matrix for all batches, rows are counted together.
    products = blocks(6 * m, k, n) if is_constant else 6 * blocks(m, k, n)
    check(integers.product(a, b, is_constant), tmp_path, products, threads=2)


# Too few rows, columns or depths to fill tiles: vectors are faster.
@pytest.mark.parametrize("m, k, n", [(1, 512, 512), (4, 64, 64), (512, 4, 64), (512, 64, 4)])
def test_small_products_stay_on_vectors(m, k, n, tmp_path):
    a, b = matrices(m, k, n)
    check(integers.product(a, b, True), tmp_path, 0)


@pytest.mark.parametrize("seed", range(24))
def test_convolutions(seed, tmp_path):
    rng, pick = np.random.default_rng(seed), random.Random(seed)
    group = pick.choice([1, 1, 1, 2])
    channels = pick.choice([16, 20, 32, 48, 64, 65, 128]) * group
    filters = pick.choice([24, 32, 40, 64]) * group
    kernel = (pick.choice([1, 2, 3]), pick.choice([1, 3, 3, 5]))
    strides = (pick.choice([1, 1, 2]), pick.choice([1, 1, 2]))
    dilations = (pick.choice([1, 1, 2]), pick.choice([1, 1, 2]))
    begins, ends = ([pick.randint(0, size - 1) for size in kernel] for _ in range(2))
    kind = pick.choice(["u1", "u1", "i1"])
    x = integers.integers(
        rng, [pick.choice([1, 2]), pick.choice([9, 14]), pick.choice([11, 19]), channels], kind
    )
    w = integers.integers(rng, [filters, channels // group, *kernel], "i1")
    pad = int(integers.integers(rng, (), kind))
    made = integers.convolution(x, w, group, strides, dilations, begins, ends, pad)
    if made is None:
        pytest.skip("the window does not fit")
    rows = made[-1].size // filters
    products = group * blocks(rows, channels // group * kernel[0] * kernel[1], filters // group)
    check(made, tmp_path, products, threads=1 + seed % 2)


# The first layer of an image network: taps side by side are gathered together.
def test_few_channels(tmp_path):
    rng = np.random.default_rng(0)
    x = integers.integers(rng, [1, 32, 30, 3], "u1")
    w = integers.integers(rng, [64, 3, 7, 7], "i1")
    made = integers.convolution(x, w, 1, (2, 2), (1, 1), (3, 3), (3, 3), 114)
    check(made, tmp_path, blocks(16 * 15, 147, 64), threads=2)


@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("size", [1, 3])
def test_symbolic_images(images, size, tmp_path):
    rng = np.random.default_rng(size)
    x = integers.integers(rng, [images, 5, 6, 64], "u1")
    w = integers.integers(rng, [32, 64, size, size], "i1")
    pads = (size // 2, size // 2)
    made = integers.convolution(x, w, 1, (1, 1), (1, 1), pads, pads, 7, symbolic="N")
    products = -(-images * 30 // 32) * 2 * 2 * size * size
    check(made, tmp_path, products, threads=2, symbolic="N")


# Without the emulator the model refuses a processor that has no tile registers.
def test_models_refuse_other_processors(tmp_path):
    if not tool.emulation(TARGET):
        pytest.skip("this processor has tile registers")
    a, b = matrices(32, 64, 32)
    body, inputs, _ = integers.product(a, b, True)
    (tmp_path / "model.mlir").write_text(
        f"func.func @main(%a: {integers.tensor_type(a)}) -> tensor<32x32xi32> {{\n"
        f"{body}  return %y : tensor<32x32xi32>\n}}\n"
    )
    np.save(tmp_path / "a.npy", inputs["a"])
    finished = tool.run(
        [
            tool.tool("ingot"),
            "run",
            tmp_path / "model.mlir",
            f"--input=input0={tmp_path}/a.npy",
            f"--target={TARGET}",
        ]
    )
    assert finished.status == 1
    assert "needs the processor feature 'amx-tile'" in finished.stderr
