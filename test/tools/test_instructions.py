"""Hot loops of matrix products and convolutions, counted from the assembly:
what they do besides multiplying and adding is a property of the code, not of
the machine it runs on."""

import importlib.util
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
