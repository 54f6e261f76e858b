"""Images that come as planes and go on with their few channels side by side:
vectors of the channels are stored in turns."""

import numpy as np
import pytest

from support import tool

TYPES = {"f32": "f4", "f64": "f8", "i8": "i1", "ui8": "u1", "i64": "i8", "f16": "f2"}
MODEL = """
func.func @main(%x: tensor<2x{c}x5x{w}x{t}>) -> tensor<2x5x{w}x{c}x{t}> {{
  %n = onnx.Neg %x : (tensor<2x{c}x5x{w}x{t}>) -> tensor<2x{c}x5x{w}x{t}>
  %y = onnx.Transpose %n {{perm = array<i64: 0, 2, 3, 1>}} : (tensor<2x{c}x5x{w}x{t}>) -> tensor<2x5x{w}x{c}x{t}>
  return %y : tensor<2x5x{w}x{c}x{t}>
}}
"""


@pytest.mark.parametrize("target", ["host", "x86-64-v3", "aarch64"])
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("channels, width", [(2, 16), (3, 37), (4, 64), (3, 15), (5, 40)])
def test_channels_in_turns(channels, width, kind, target, tmp_path):
    if reason := tool.emulator_missing(target):
        pytest.skip(reason)
    if kind == "ui8":
        body = MODEL.replace("onnx.Neg", "onnx.BitwiseNot")
    else:
        body = MODEL
    model = tmp_path / "model.mlir"
    model.write_text(body.format(c=channels, w=width, t=kind))
    rng = np.random.default_rng(channels * width)
    x = (rng.standard_normal((2, channels, 5, width)) * 50).astype(TYPES[kind])
    np.save(tmp_path / "x.npy", x)
    result = tmp_path / "y.npz"
    command = [tool.tool("ingot"), "run", model, f"--input=input0={tmp_path}/x.npy"]
    finished = tool.run([*command, f"--outputs={result}", "-q", *tool.target_flags(target)])
    assert finished.outcome() == "done", finished.message()
    (y,) = np.load(result).values()
    expected = ~x if kind == "ui8" else -x
    np.testing.assert_array_equal(y, expected.transpose(0, 2, 3, 1))
