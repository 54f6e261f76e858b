"""Scales, zero points and ranges that are wrong or extreme: refused with a
message, or computed as ONNX defines, alike on every target."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import rational
from support import tool

TARGETS = ["host", "x86-64-v3", "aarch64"]


def quantize_model(folder, scale, zero, shape=(6,), opset=21, dynamic=False, **attributes):
    """QuantizeLinear of x: float32."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    constants = [numpy_helper.from_array(zero, "z")]
    if dynamic:
        inputs.append(helper.make_tensor_value_info("s", TensorProto.FLOAT, scale.shape))
    else:
        constants.append(numpy_helper.from_array(scale, "s"))
    kind = onnx.helper.np_dtype_to_tensor_dtype(zero.dtype)
    graph = helper.make_graph(
        [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"], **attributes)],
        "g",
        inputs,
        [helper.make_tensor_value_info("y", kind, shape)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def check_refused(model, *words):
    finished = tool.run([tool.tool("ingot"), "check", model])
    assert finished.outcome() == "refused", finished.stdout + finished.stderr
    for word in words:
        assert word in finished.stderr


def f4(*values):
    return np.array(values, "f4") if len(values) > 1 else np.array(values[0], "f4")


ZERO = np.array(0, "i1")


def test_constant_scale_of_zero(tmp_path):
    check_refused(quantize_model(tmp_path, f4(0.0), ZERO), "scale", "0")


@pytest.mark.parametrize("target", TARGETS)
def test_computed_scale_of_zero_saturates(target, tmp_path):
    if reason := tool.emulator_missing(target):
        pytest.skip(reason)
    model = quantize_model(tmp_path, f4(0.0), ZERO, dynamic=True)
    x = np.array([1, -1, 5, -0.5, 1e30, -1e30], "f4")
    (y,) = rational.run(model, {"x": x, "s": f4(0.0)}, target).values()
    np.testing.assert_array_equal(y, np.where(x > 0, 127, -128))


@pytest.mark.parametrize("scale", [np.nan, np.inf, -1.0, 1e-45, 3e38])
def test_extreme_scales_are_refused_or_alike(scale, tmp_path):
    model = quantize_model(tmp_path, f4(scale), ZERO)
    x = np.array([1, -1, 0, 1e-44, 1e30, -3e38], "f4")
    results = []
    for target in TARGETS:
        if tool.emulator_missing(target):
            continue
        np.savez(tmp_path / "in.npz", x=x)
        command = [tool.tool("ingot"), "run", model, "--inputs", tmp_path / "in.npz"]
        command += ["--outputs", tmp_path / "out.npz", "-q", *tool.target_flags(target)]
        finished = tool.run(command)
        assert finished.outcome() in ("done", "refused"), finished.message()
        if finished.outcome() == "done":
            results.append(np.load(tmp_path / "out.npz")["y"].tobytes())
        else:
            results.append(None)
    assert len(set(results)) == 1


def test_zero_point_of_another_type(tmp_path):
    model = quantize_model(tmp_path, f4(0.5), ZERO, output_dtype=TensorProto.UINT8)
    check_refused(model, "output_dtype", "y_zero_point")


def test_scales_that_do_not_fit_the_axis(tmp_path):
    model = quantize_model(tmp_path, f4(1, 2), np.zeros(2, "i1"), shape=(2, 3), axis=1)
    check_refused(model, "2", "3")


def test_axis_out_of_range(tmp_path):
    model = quantize_model(tmp_path, f4(1, 2), np.zeros(2, "i1"), shape=(2, 3), axis=2)
    check_refused(model, "axis", "2")


@pytest.mark.parametrize("block, blocks", [(-1, 2), (4, 3)])
def test_blocks_that_do_not_fit(block, blocks, tmp_path):
    scale = np.ones((blocks, 3), "f4")
    model = quantize_model(
        tmp_path, scale, np.zeros((blocks, 3), "i1"), shape=(8, 3), axis=0, block_size=block
    )
    check_refused(model, "block")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", ["i1", "u1", "i2"])
def test_infinities_and_ties(kind, target, tmp_path):
    """Infinity saturates, NaN is the same everywhere, ties go to even."""
    if reason := tool.emulator_missing(target):
        pytest.skip(reason)
    halves = np.arange(-20, 20, dtype="f4") + np.float32(0.5)
    x = np.concatenate([[np.inf, -np.inf, np.nan], halves]).astype("f4")
    zero = np.array(3, kind)
    model = quantize_model(tmp_path, f4(1.0), zero, shape=x.shape)
    (y,) = rational.run(model, {"x": x}, target).values()
    limits = np.iinfo(kind)
    assert (y[0], y[1]) == (limits.max, limits.min)
    host = rational.run(model, {"x": x})["y"]
    assert y[2] == host[2]
    expected = np.clip(np.rint(halves) + 3, limits.min, limits.max)
    np.testing.assert_array_equal(y[3:], expected.astype(kind))


def test_sums_that_leave_32_bits_stay_in_float(tmp_path):
    """255 * 127 * 70000 is more than 2^31: no integer kernel wraps around."""
    depth = 70000
    constants = {
        "sx": f4(1.0), "zx": np.array(0, "u1"), "sw": f4(1.0), "zw": np.array(0, "i1"),
        "w": np.full((depth, 2), 127, "i1"), "sy": f4(2e7), "zy": np.array(0, "u1"),
    }  # fmt: skip
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "sx", "zx"], ["xf"]),
        helper.make_node("DequantizeLinear", ["w", "sw", "zw"], ["wf"]),
        helper.make_node("MatMul", ["xf", "wf"], ["p"]),
        helper.make_node("QuantizeLinear", ["p", "sy", "zy"], ["y"]),
    ]
    model = rational.save(
        tmp_path / "model.onnx",
        nodes,
        {"x": ("u1", [1, depth])},
        {"y": ("u1", [1, 2])},
        constants,
    )
    assert "sums of products may exceed 32 bits" in rational.explain(model)
    (y,) = rational.run(model, {"x": np.full((1, depth), 255, "u1")}).values()
    expected = round(255 * 127 * depth / 2e7)
    np.testing.assert_array_equal(y, [[expected, expected]])


@pytest.mark.parametrize("target", TARGETS)
def test_no_saturation_between_products(target, tmp_path):
    """Pairs of 255 * 127 exceed 16 bits, where some instructions stop."""
    if reason := tool.emulator_missing(target):
        pytest.skip(reason)
    model = rational.save(
        tmp_path / "model.onnx",
        [helper.make_node("MatMulInteger", ["x", "w"], ["y"])],
        {"x": ("u1", [2, 64])},
        {"y": ("i4", [2, 3])},
        {"w": np.full((64, 3), -128, "i1")},
    )
    (y,) = rational.run(model, {"x": np.full((2, 64), 255, "u1")}, target).values()
    np.testing.assert_array_equal(y, np.full((2, 3), -128 * 255 * 64))


@pytest.mark.parametrize("target", TARGETS)
def test_four_bits_in_odd_numbers(target, tmp_path):
    """The last byte of an odd number of 4-bit weights holds but one."""
    if reason := tool.emulator_missing(target):
        pytest.skip(reason)
    rng = np.random.default_rng(0)
    w = rng.integers(-8, 8, (5, 3))
    packed = helper.make_tensor("w", TensorProto.INT4, w.shape, w.flatten())
    graph = helper.make_graph(
        [
            helper.make_node("DequantizeLinear", ["w", "s"], ["f"], axis=1),
            helper.make_node("MatMul", ["x", "f"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 5])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 3])],
        [packed, numpy_helper.from_array(f4(0.5, 0.25, 2.0), "s")],
    )
    model = tmp_path / "model.onnx"
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    model.write_bytes(proto.SerializeToString())
    x = rng.integers(-3, 4, (2, 5)).astype("f4")
    (y,) = rational.run(model, {"x": x}, target).values()
    np.testing.assert_allclose(y, x @ (w * [0.5, 0.25, 2.0]), rtol=1e-6)
