"""Small models that the tests of the tool compile."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def value(name, shape, dtype=FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def save(folder, name, nodes, inputs, outputs, weights=()):
    """Writes NAME.onnx into the folder and returns its path."""
    initializers = [numpy_helper.from_array(array, key) for key, array in weights]
    graph = helper.make_graph(nodes, name, inputs, outputs, initializers)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10
    )
    path = folder / f"{name}.onnx"
    onnx.save(model, path)
    return path


W = np.arange(12, dtype="f").reshape(3, 4)


def shifted(folder):
    """y[N,3,4] = relu(x + W)"""
    return save(
        folder,
        "shifted",
        [
            helper.make_node("Add", ["x", "w"], ["t"], name="add"),
            helper.make_node("Relu", ["t"], ["y"], name="relu"),
        ],
        [value("x", ["N", 3, 4])],
        [value("y", ["N", 3, 4])],
        [("w", W)],
    )


def product(folder, name="product"):
    """c[2,5] = a * b, d[2,5] = a - b"""
    return save(
        folder,
        name,
        [
            helper.make_node("Mul", ["a", "b"], ["c"], name="mul"),
            helper.make_node("Sub", ["a", "b"], ["d"], name="sub"),
        ],
        [value("a", [2, 5]), value("b", [5])],
        [value("c", [2, 5]), value("d", [2, 5])],
    )


def casts(folder):
    """Outputs of several types from one of bool, int8, float16 and bfloat16."""
    kinds = {
        "bool": TensorProto.BOOL,
        "int8": TensorProto.INT8,
        "half": TensorProto.FLOAT16,
        "bfloat": TensorProto.BFLOAT16,
    }
    nodes, inputs, outputs = [], [], []
    for name, dtype in kinds.items():
        nodes.append(helper.make_node("Identity", [name], [f"{name}_out"]))
        inputs.append(value(name, [3], dtype))
        outputs.append(value(f"{name}_out", [3], dtype))
    return save(folder, "casts", nodes, inputs, outputs)


def unsupported(folder):
    return save(
        folder,
        "unsupported",
        [
            helper.make_node("Frobnicate", ["x"], ["y"], name="first"),
            helper.make_node("Foo", ["y"], ["z"], name="second", domain="my.own"),
        ],
        [value("x", [2])],
        [value("z", [2])],
    )
