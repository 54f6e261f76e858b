"""Runs the import phase on small models."""

import re

from onnx import TensorProto, helper, numpy_helper

from support.tool import run, tool

node = helper.make_node
T = TensorProto


def value(name, shape=(2, 3), dtype=T.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def constant(name, array):
    return numpy_helper.from_array(array, name)


def model(nodes, inputs, outputs, initializers=(), opset=20, ir_version=10):
    graph = helper.make_graph(nodes, "test", inputs, outputs, list(initializers))
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=ir_version,
    )


def imports(proto, folder, *flags):
    """The finished process of importing the model."""
    path = folder / "model.onnx"
    path.write_bytes(proto if isinstance(proto, bytes) else proto.SerializeToString())
    return run([tool("ingot-import"), path, *flags])


def module(proto, folder, *flags):
    """The printed module."""
    done = imports(proto, folder, *flags)
    assert done.status == 0, done.stderr
    return done.stdout


def ops(text):
    """The names of the module's ops, constants left out."""
    return [op for op in re.findall(r"onnx\.(\w+)", text) if op not in QUIET]


# What stands between the ops that matter, and attributes.
QUIET = {"Constant", "None", "name", "dims", "string"}


def refusal(proto, folder, *flags):
    """The message of a refused model."""
    done = imports(proto, folder, *flags)
    assert done.status == 1 and not done.stdout, done.stdout + done.stderr
    return done.stderr
