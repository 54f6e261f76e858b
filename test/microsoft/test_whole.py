"""Small models that ONNX Runtime quantized and optimised, against itself."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization

from support import tool

LEVELS = onnxruntime.GraphOptimizationLevel


def network(folder):
    """Two convolutions, a residual sum, a join, pools and a classifier."""
    rng = np.random.default_rng(0)
    node = helper.make_node
    weights = {
        "w1": rng.normal(0, 0.3, (8, 3, 3, 3)),
        "b1": rng.normal(0, 0.1, 8),
        "w2": rng.normal(0, 0.2, (8, 8, 3, 3)),
        "b2": rng.normal(0, 0.1, 8),
        "w3": rng.normal(0, 0.3, (16, 10)),
        "b3": rng.normal(0, 0.1, 10),
    }
    nodes = [
        node("Conv", ["x", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Relu", ["c1"], ["r1"]),
        node("Conv", ["r1", "w2", "b2"], ["c2"], pads=[1, 1, 1, 1]),
        node("Add", ["r1", "c2"], ["sum"]),
        node("LeakyRelu", ["sum"], ["leaky"], alpha=0.1),
        node("Sigmoid", ["c2"], ["gate"]),
        node("Mul", ["leaky", "gate"], ["product"]),
        node("Concat", ["product", "r1"], ["both"], axis=1),
        node("AveragePool", ["both"], ["small"], kernel_shape=[2, 2], strides=[2, 2]),
        node("GlobalAveragePool", ["small"], ["mean"]),
        node("Flatten", ["mean"], ["flat"]),
        node("Gemm", ["flat", "w3", "b3"], ["scores"]),
        node("Softmax", ["scores"], ["y"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3, 17, 13])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 10])],
        [numpy_helper.from_array(w.astype("f"), n) for n, w in weights.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.save(model, folder / "float.onnx")
    return folder / "float.onnx"


def images(count):
    rng = np.random.default_rng(1)
    return [{"x": rng.normal(0, 1, (2, 3, 17, 13)).astype("f")} for _ in range(count)]


class Samples(quantization.CalibrationDataReader):
    def __init__(self):
        self.left = iter(images(4))

    def get_next(self):
        return next(self.left, None)


def quantized(folder, form, per_channel):
    path = folder / "quantized.onnx"
    quantization.quantize_static(
        network(folder), path, Samples(), quant_format=form, per_channel=per_channel
    )
    return path


def dynamic(folder):
    path = folder / "quantized.onnx"
    # Of 7 bits, whose sums of two products fit in 16 bits.
    quantization.quantize_dynamic(network(folder), path, reduce_range=True)
    return path


def optimised(path, folder):
    """The model as ONNX Runtime saves it after its own rewrites."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = LEVELS.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(path, options)
    return folder / "optimised.onnx"


def check(path, target, folder):
    feeds = images(5)[4]
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = LEVELS.ORT_DISABLE_ALL
    (expected,) = onnxruntime.InferenceSession(path, options).run(None, feeds)
    np.savez(folder / "in.npz", **feeds)
    command = [tool.tool("ingot"), "run", path, *tool.target_flags(target)]
    command += ["--inputs", folder / "in.npz", "--outputs", folder / "out.npz"]
    finished = tool.run(command)
    assert finished.outcome() == "done", finished.message()
    actual = np.load(folder / "out.npz")["y"]
    # Probabilities of 8 bits: one step, where a value was between two.
    np.testing.assert_allclose(actual, expected, atol=1.5 / 256)


def contrib_ops(path):
    return {n.op_type for n in onnx.load(path).graph.node if n.domain == "com.microsoft"}


@pytest.mark.parametrize("per_channel", [False, True], ids=["tensor", "channel"])
def test_operators_that_take_bytes(per_channel, target, tmp_path):
    path = quantized(tmp_path, quantization.QuantFormat.QOperator, per_channel)
    assert {"QLinearAdd", "QLinearConcat", "QGemm"} <= contrib_ops(path)
    check(path, target, tmp_path)


def test_optimised_from_operators_on_floats(target, tmp_path):
    path = quantized(tmp_path, quantization.QuantFormat.QDQ, per_channel=True)
    path = optimised(path, tmp_path)
    assert {"QLinearMul", "QLinearLeakyRelu", "QGemm"} <= contrib_ops(path)
    check(path, target, tmp_path)


def test_quantized_at_run_time(target, tmp_path):
    check(optimised(dynamic(tmp_path), tmp_path), target, tmp_path)
