"""Hot loops of matrix products and convolutions, counted from the assembly:
what they do besides multiplying and adding is a property of the code, not of
the machine it runs on."""

import importlib.util
import re
import sys

import pytest

from support import tool
from support.paths import ROOT

SCRIPT = ROOT / "bench" / "instructions.py"
spec = importlib.util.spec_from_file_location("instructions_script", SCRIPT)
instructions = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = instructions
spec.loader.exec_module(instructions)

MATMUL = """
func.func @main(%x: tensor<{m}x{k}xf32>) -> tensor<{m}x{n}xf32> {{
  %w = onnx.Constant {{value = dense<1.5> : tensor<{k}x{n}xf32>}} : tensor<{k}x{n}xf32>
  %y = onnx.MatMul %x, %w : (tensor<{m}x{k}xf32>, tensor<{k}x{n}xf32>) -> tensor<{m}x{n}xf32>
  return %y : tensor<{m}x{n}xf32>
}}
"""
CONV = """
func.func @main(%x: tensor<1x{c}x{s}x{s}xf32>) -> tensor<1x{c}x{s}x{s}xf32> {{
  %w = onnx.Constant {{value = dense<1.5> : tensor<{c}x{c}x3x3xf32>}} : tensor<{c}x{c}x3x3xf32>
  %none = onnx.None
  %y = onnx.Conv %x, %w, %none {{pads = array<i64: 1, 1, 1, 1>}} : (tensor<1x{c}x{s}x{s}xf32>, tensor<{c}x{c}x3x3xf32>, none) -> tensor<1x{c}x{s}x{s}xf32>
  return %y : tensor<1x{c}x{s}x{s}xf32>
}}
"""
INTEGER_MATMUL = """
func.func @main(%x: tensor<{m}x{k}x{left}>) -> tensor<{m}x{n}xi32> {{
  %w = onnx.Constant {{value = dense<3> : tensor<{k}x{n}xi8>}} : tensor<{k}x{n}xi8>
  %y = ingot.matmul %x, %w {{n = {n} : i64}} : (tensor<{m}x{k}x{left}>, tensor<{k}x{n}xi8>) -> tensor<{m}x{n}xi32>
  return %y : tensor<{m}x{n}xi32>
}}
"""
INTEGER_CONV = """
func.func @main(%x: tensor<1x{s}x{s}x{c}x{left}>) -> tensor<1x{s}x{s}x{c}xi32> {{
  %w = onnx.Constant {{value = dense<3> : tensor<{c}x{c}x3x3xi8>}} : tensor<{c}x{c}x3x3xi8>
  %y = ingot.conv %x, %w {{kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, dilations = array<i64: 1, 1>, group = 1 : i64, filters = {c} : i64}} : (tensor<1x{s}x{s}x{c}x{left}>, tensor<{c}x{c}x3x3xi8>) -> tensor<1x{s}x{s}x{c}xi32>
  return %y : tensor<1x{s}x{s}x{c}xi32>
}}
"""
INTEGER_MODELS = {
    "matmul-512": INTEGER_MATMUL.format(m=512, n=528, k=512, left="{left}"),
    "conv-56x56x64": INTEGER_CONV.format(c=96, s=56, left="{left}"),
}
# A vector of products, and as above.
INTEGER_LIMITS = {
    "aarch64": ("i8", 0.36),
    "aarch64+dotprod": ("i8", 0.085),
    "aarch64+dotprod+i8mm": ("i8", 0.052),
    "x86-64-v3": ("ui8", 0.21),
    "x86-64-v4+vnni": ("ui8", 0.028),
}
MODELS = {
    "matmul-512": MATMUL.format(m=512, n=512, k=512),
    "matmul-1024": MATMUL.format(m=1024, n=1024, k=1024),
    "conv-56x56x64": CONV.format(c=64, s=56),
}
# Instructions per multiply-add: a vector's share of one, and its share of loads
# and of the loop.
LIMITS = {"aarch64": 0.33, "x86-64-v3": 0.27, "x86-64-v4": 0.12}

SAMPLE = """
	.type	kernel,@function
kernel:
.LBB0_1:
	ldr	q0, [x1], #16
.LBB0_2:
	ldr	q1, [x2], #16
	fmla	v2.4s, v1.4s, v0.s[0]
	str	q1, [sp, #16]
	subs	x3, x3, #1
	b.ne	.LBB0_2
	cbnz	x4, .LBB0_1
	ret
"""


def test_the_innermost_loop_is_counted():
    (loop,) = instructions.hot_loops(SAMPLE)
    assert loop == instructions.Loop("kernel", 5, 1, 4, 1)
    assert loop.per_multiply_add() == 1.25


@pytest.mark.parametrize(
    "line, lanes",
    [
        ("\tfmla\tv0.2d, v1.2d, v2.d[1]", 2),
        ("\tvfmadd231ps\t8(%rax){1to16}, %zmm1, %zmm2", 16),
        ("\tvfmadd213pd\t%ymm0, %ymm1, %ymm2", 4),
        ("\tvfmadd231ss\t%xmm0, %xmm1, %xmm2", 0),
        ("\tadd\tx0, x1, x2", 0),
        ("\tsdot\tv0.4s, v1.16b, v2.4b[1]", 16),
        ("\tsmmla\tv0.4s, v1.16b, v2.16b", 32),
        ("\tsmlal2\tv0.4s, v1.8h, v2.h[1]", 4),
        ("\tvpdpbusd\t%zmm1, %zmm2, %zmm3", 64),
        ("\tvpmaddwd\t(%rax), %ymm2, %ymm3", 16),
        ("\ttdpbusd\t%tmm5, %tmm4, %tmm0", 16384),
        ("\ttileloadd\t(%rax,%r15), %tmm4", 0),
    ],
)
def test_lanes(line, lanes):
    assert instructions.lanes_of(line) == lanes


@pytest.mark.parametrize("target", LIMITS)
@pytest.mark.parametrize("name", MODELS)
def test_hot_loops_are_tight(name, target, tmp_path):
    model = tmp_path / "model.mlir"
    model.write_text(MODELS[name])
    assembly = instructions.assembly_of(model, target, tool.tool("ingot"))
    loop = max(instructions.hot_loops(assembly), key=lambda loop: loop.multiply_adds)
    assert loop.spills == 0
    assert loop.per_multiply_add() <= LIMITS[target]


@pytest.mark.parametrize("target", INTEGER_LIMITS)
@pytest.mark.parametrize("name", INTEGER_MODELS)
def test_hot_loops_of_integers_are_tight(name, target, tmp_path):
    left, limit = INTEGER_LIMITS[target]
    model = tmp_path / "model.mlir"
    model.write_text(INTEGER_MODELS[name].replace("{left}", left))
    assembly = instructions.assembly_of(model, target, tool.tool("ingot"))
    loop = max(instructions.hot_loops(assembly), key=lambda loop: loop.multiply_adds)
    assert loop.spills == 0
    assert loop.per_multiply_add() <= limit


@pytest.mark.parametrize(
    "text",
    [
        # Deep, or the loops are unrolled.
        INTEGER_MATMUL.format(m=512, n=512, k=2048, left="ui8"),
        INTEGER_CONV.format(c=96, s=56, left="ui8"),
    ],
    ids=["matmul", "conv"],
)
def test_loops_on_tiles_are_tight(text, tmp_path):
    """As many loads of tiles as products, two by two, and nothing of a tile is
    stored before the sums are done."""
    model = tmp_path / "model.mlir"
    model.write_text(text)
    assembly = instructions.assembly_of(model, "x86-64-v4+vnni+amx", tool.tool("ingot"))
    for _, lines in instructions.functions(assembly):
        configured = [i for i, line in enumerate(lines) if "\tldtilecfg" in line]
        labels = [i for i, line in enumerate(lines) if line.startswith(".LBB")]
        if not configured:
            continue
        # Once, before the first loop.
        assert len(configured) == 1 and configured[0] < labels[0]
        assert "\tcall" not in "\n".join(lines)
        loops = [loop for loop in instructions.innermost_loops(lines) if "\ttdp" in "\n".join(loop)]
        assert loops
        for loop in loops:
            names = [line.split()[0] for line in loop]
            assert names.count("tdpbusd") == names.count("tileloadd") > 0
            assert "tilestored" not in names and "tilezero" not in names
            # An address for each load, the loop's own count and its prefetches.
            assert len(names) <= 4 * names.count("tdpbusd")
            assert len({re.findall(r"%tmm\d", line)[-1] for line in loop if "tileloadd" in line}) == 4
        break
    else:
        pytest.fail("no function uses tiles")
