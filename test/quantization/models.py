"""Small random networks, and what ONNX Runtime's quantizer makes of them."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization as ort


class Net:
    """Builds a float model node by node."""

    def __init__(self, seed, shape):
        self.random = np.random.default_rng(seed)
        self.shape = shape
        self.nodes, self.constants = [], {}

    def constant(self, *shape, scale=None):
        fan = np.prod(shape[1:]) if len(shape) > 1 else 4
        name = f"c{len(self.constants)}"
        scale = scale or 1 / np.sqrt(max(1, fan))
        value = self.random.standard_normal(shape) * scale
        self.constants[name] = value.astype(np.float32)
        return name

    def integers(self, *values):
        name = f"c{len(self.constants)}"
        self.constants[name] = np.array(values, np.int64)
        return name

    def add(self, op, *inputs, **attributes):
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def save(self, path, result):
        self.nodes.append(helper.make_node("Identity", [result], ["y"], name="last"))
        graph = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(a, n) for n, a in self.constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        model = onnx.shape_inference.infer_shapes(model)
        onnx.checker.check_model(model)
        onnx.save(model, path)

    def input(self, seed):
        rng = np.random.default_rng(seed)
        return rng.standard_normal(self.shape).astype(np.float32)


def convolutions(path):
    """Strides, groups, a residual, pooling, joins and a head."""
    net = Net(1, (2, 3, 19, 17))

    def conv(x, filters, channels, size, group=1, **attributes):
        w = net.constant(filters, channels // group, size, size)
        attributes.setdefault("pads", [size // 2] * 4)
        b = net.constant(filters, scale=0.3)
        return net.add(
            "Conv", x, w, b, kernel_shape=[size, size], group=group, **attributes
        )

    a = net.add("Relu", conv("x", 16, 3, 3, strides=[2, 2]))
    low, high = net.constant(scale=0), net.constant(scale=0)
    net.constants[low], net.constants[high] = np.float32(0), np.float32(6)
    b = net.add("Clip", conv(a, 16, 16, 3, group=16), low, high)
    c = net.add("Add", conv(b, 16, 16, 1), a)
    d = net.add("MaxPool", c, kernel_shape=[2, 2], strides=[2, 2])
    e = net.add("LeakyRelu", conv(d, 24, 16, 3, group=2), alpha=0.1)
    f = net.add("Sigmoid", conv(d, 24, 16, 1))
    g = net.add("Concat", e, net.add("Mul", e, f), axis=1)
    h = net.add("GlobalAveragePool", g)
    flat = net.add("Flatten", h)
    w, bias = net.constant(10, 48), net.constant(10, scale=0.3)
    net.save(path, net.add("Gemm", flat, w, bias, transB=1))
    return net


def perceptron(path):
    """Matrix products and activations."""
    net = Net(2, (5, 40))
    x = net.add("Add", net.add("MatMul", "x", net.constant(40, 64)), net.constant(64))
    x = net.add("Tanh", x)
    x = net.add("Relu", net.add("Gemm", x, net.constant(64, 33), net.constant(33)))
    net.save(path, net.add("MatMul", x, net.constant(33, 7)))
    return net


def attention(path):
    """Products of two computed matrices, around a softmax."""
    net = Net(3, (1, 12, 32))

    def heads(perm):
        x = net.add("MatMul", "x", net.constant(32, 32, scale=0.2))
        x = net.add("Add", x, net.constant(32, scale=0.1))
        x = net.add("Reshape", x, net.integers(1, 12, 4, 8))
        return net.add("Transpose", x, perm=perm)

    q, k, v = heads([0, 2, 1, 3]), heads([0, 2, 3, 1]), heads([0, 2, 1, 3])
    p = net.add("Softmax", net.add("MatMul", q, k), axis=-1)
    o = net.add("Transpose", net.add("MatMul", p, v), perm=[0, 2, 1, 3])
    o = net.add("Reshape", o, net.integers(1, 12, 32))
    net.save(path, net.add("MatMul", o, net.constant(32, 32)))
    return net


def plain(path):
    """Operators that have a QLinear form, or none and need none."""
    net = Net(4, (2, 3, 14, 10))
    x = net.add("Conv", "x", net.constant(12, 3, 3, 3), net.constant(12), pads=[1] * 4)
    x = net.add("MaxPool", net.add("Relu", x), kernel_shape=[2, 2], strides=[2, 2])
    x = net.add("Conv", x, net.constant(20, 6, 1, 3), group=2)
    x = net.add("Conv", net.add("Relu", x), net.constant(20, 1, 3, 3), group=20)
    x = net.add("Reshape", x, net.integers(2, 20, -1))
    net.save(path, net.add("MatMul", x, net.constant(5, 9)))
    return net


NETS = {
    "plain": plain,
    "convolutions": convolutions,
    "perceptron": perceptron,
    "attention": attention,
}


class Samples(ort.CalibrationDataReader):
    def __init__(self, net):
        self.feeds = iter([{"x": net.input(seed)} for seed in range(8)])

    def get_next(self):
        return next(self.feeds, None)


TYPES = {"S8": ort.QuantType.QInt8, "U8": ort.QuantType.QUInt8}


def quantize_static(source, to, net, qdq, activations, weights, per_channel):
    ort.quantize_static(
        source,
        to,
        Samples(net),
        quant_format=ort.QuantFormat.QDQ if qdq else ort.QuantFormat.QOperator,
        activation_type=TYPES[activations],
        weight_type=TYPES[weights],
        per_channel=per_channel,
        # Sums of u8 * s8 saturate on machines without VNNI otherwise.
        reduce_range=weights == "S8" and activations == "U8",
    )


def quantize_dynamic(source, to, weights):
    ort.quantize_dynamic(source, to, weight_type=TYPES[weights])
