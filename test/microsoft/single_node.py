"""Models of one node of domain com.microsoft, and the data to run them on."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DOMAIN = "com.microsoft"


class Model:
    """A node, its inputs in order, and which of them are initializers."""

    def __init__(self, op, seed=0, domain=DOMAIN, **attributes):
        self.op, self.attributes, self.domain = op, attributes, domain
        self.names, self.feeds, self.constants = [], {}, {}
        self.rng = np.random.default_rng(seed)
        self.outputs, self.floats = ["y"], ()

    def _add(self, array, into):
        name = f"i{len(self.names)}"
        self.names.append(name)
        into[name] = np.asarray(array)
        return self

    def input(self, array):
        return self._add(array, self.feeds)

    def constant(self, array):
        return self._add(array, self.constants)

    def omitted(self):
        self.names.append("")
        return self

    def quantized(self, dtype, *shape):
        """An input of bytes over the whole range, its ends included."""
        limits = np.iinfo(dtype)
        array = self.rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        if array.size > 1:
            array.flat[0], array.flat[-1] = limits.min, limits.max
        return self.input(array)

    def scale(self, scale, zero=None, dtype=None):
        """A constant scale and zero point; without `dtype` no zero point."""
        self.constant(np.float32(scale))
        return self.omitted() if dtype is None else self.constant(dtype(zero))

    def proto(self):
        dtype = helper.np_dtype_to_tensor_dtype
        node = helper.make_node(
            self.op, self.names, self.outputs, domain=self.domain, **self.attributes
        )
        graph = helper.make_graph(
            [node],
            self.op,
            [
                helper.make_tensor_value_info(n, dtype(v.dtype), v.shape)
                for n, v in self.feeds.items()
            ],
            # Other outputs have the type that ONNX Runtime infers.
            [
                helper.make_tensor_value_info(n, TensorProto.FLOAT, None)
                if n in self.floats
                else helper.make_empty_tensor_value_info(n)
                for n in self.outputs
                if n
            ],
            [numpy_helper.from_array(v, n) for n, v in self.constants.items()],
        )
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid(DOMAIN, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        return model


def save(model, path):
    onnx.save(model.proto(), path)
    return path
