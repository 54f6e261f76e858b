"""Small float models to quantize."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


class Builder:
    """Collects nodes and weights of a model."""

    def __init__(self, seed=0):
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights = [], []

    def weight(self, name, array):
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def normal(self, name, shape, scale=1.0):
        array = self.random.normal(size=shape) * scale
        return self.weight(name, array.astype("f"))

    def node(self, op, inputs, output, **attributes):
        name = attributes.pop("name", f"{op.lower()}_{output}")
        self.nodes.append(helper.make_node(op, inputs, [output], name=name, **attributes))
        return output

    def conv(self, x, output, channels, filters, kernel=3, bias=True, **attributes):
        group = attributes.get("group", 1)
        shape = (filters, channels // group, kernel, kernel)
        scale = (2 / (shape[1] * kernel * kernel)) ** 0.5
        inputs = [x, self.normal(f"{output}_w", shape, scale)]
        if bias:
            inputs.append(self.normal(f"{output}_b", (filters,), 0.1))
        pad = kernel // 2
        attributes = {"pads": [pad] * 4, "kernel_shape": [kernel] * 2, **attributes}
        return self.node("Conv", inputs, output, name=f"conv_{output}", **attributes)

    def save(self, path, inputs, outputs, opset=17):
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes,
            "g",
            [value(name, FLOAT, shape) for name, shape in inputs],
            [value(name, FLOAT, shape) for name, shape in outputs],
            self.weights,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8
        )
        onnx.checker.check_model(model)
        onnx.save(model, path)
        return path


def residual(path, size=16, opset=17):
    """A small residual classifier with every kind of layer between integers:
    batch normalisation, Relu, pooling, Add, Concat, Sigmoid gate, Gemm."""
    b = Builder()
    b.conv("x", "c1", 3, 16, bias=False)
    b.normal("bn_shift", (16,))
    b.weight("bn_scale", b.random.uniform(0.5, 2, 16).astype("f"))
    b.normal("bn_mean", (16,), 0.2)
    b.weight("bn_var", b.random.uniform(0.5, 2, 16).astype("f"))
    b.node("BatchNormalization", ["c1", "bn_scale", "bn_shift", "bn_mean", "bn_var"], "n1")
    b.node("Relu", ["n1"], "r1")
    b.node("MaxPool", ["r1"], "p1", kernel_shape=[2, 2], strides=[2, 2])
    b.conv("p1", "c2", 16, 16)
    b.node("Relu", ["c2"], "r2")
    b.conv("r2", "c3", 16, 16, group=16)
    b.node("Add", ["c3", "p1"], "a1")
    b.node("Relu", ["a1"], "r3")
    b.conv("r3", "c4", 16, 16, kernel=1)
    b.node("Sigmoid", ["c4"], "s1")
    b.node("Mul", ["c4", "s1"], "m1")
    b.node("Concat", ["m1", "r3"], "k1", axis=1)
    b.conv("k1", "c5", 32, 32)
    b.node("Relu", ["c5"], "r5")
    b.node("GlobalAveragePool", ["r5"], "g1")
    b.node("Flatten", ["g1"], "f1")
    b.node("Gemm", ["f1", b.normal("gw", (32, 10)), b.normal("gb", (10,))], "y")
    return b.save(path, [("x", [1, 3, size, size])], [("y", [1, 10])], opset)


def products(path, opset=17):
    """Two matrix products with constants, one of two activations."""
    b = Builder()
    b.node("MatMul", ["x", b.normal("w1", (64, 128), 0.12)], "m1")
    b.node("Add", ["m1", b.normal("b1", (128,))], "h1")
    b.node("Relu", ["h1"], "r1")
    b.node("MatMul", ["r1", b.normal("w2", (128, 64), 0.09)], "m2")
    b.node("Transpose", ["m2"], "t", perm=[0, 2, 1])
    b.node("MatMul", ["m2", "t"], "y")
    return b.save(path, [("x", [1, 32, 64])], [("y", [1, 32, 32])], opset)


def hostile(path):
    """Layers that lose too much in int8, or gain nothing:
    `conv_scaled` reads an activation of which one channel is 1000 times the
    rest, `after_softmax` reads probabilities of which one outweighs all it
    uses, `conv_tiny` has next to no work."""
    b = Builder(3)
    b.conv("x", "c1", 8, 32)
    b.node("Relu", ["c1"], "r1")
    factor = np.ones((1, 32, 1, 1), "f")
    factor[0, 0] = 1000
    b.node("Mul", ["r1", b.weight("factor", factor)], "loud")
    w = b.random.normal(size=(32, 32, 3, 3)).astype("f") * 0.08
    w[:, 0] /= 1000
    b.node("Conv", ["loud", b.weight("w2", w)], "c2", name="conv_scaled",
           pads=[1] * 4, kernel_shape=[3, 3])
    b.node("Relu", ["c2"], "r2")
    b.conv("r2", "c3", 32, 64)
    b.node("Relu", ["c3"], "r3")
    b.node("GlobalAveragePool", ["r3"], "g")
    b.node("Softplus", ["g"], "tame")
    b.conv("tame", "tiny", 64, 4, kernel=1)
    b.node("Tanh", ["tiny"], "small")
    b.node("Flatten", ["r3"], "flat")
    b.node("MatMul", ["flat", b.normal("w4", (64 * 256, 256), 0.01)], "scores")
    peak = np.zeros(256, "f")
    peak[7] = 40
    b.node("Add", ["scores", b.weight("peak", peak)], "peaked")
    b.node("Softmax", ["peaked"], "probabilities", axis=-1)
    w5 = b.random.normal(size=(256, 128)).astype("f")
    w5[7] = 0
    b.node("MatMul", ["probabilities", b.weight("w5", w5)], "rare",
           name="after_softmax")
    b.node("Mul", ["rare", b.weight("grow", np.float32(1e12))], "y")
    return b.save(path, [("x", [1, 8, 16, 16])],
                  [("y", [1, 128]), ("r3", [1, 64, 16, 16]), ("small", [1, 4, 1, 1])])
