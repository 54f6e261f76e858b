"""Reads and writes values in the ONNX test-data format."""

import onnx
from onnx import numpy_helper


def load(path, type_proto):
    """The value in a .pb file: an array, a list of values, or None."""
    data = path.read_bytes()
    if type_proto.HasField("sequence_type"):
        proto = onnx.SequenceProto.FromString(data)
        return numpy_helper.to_list(proto)
    if type_proto.HasField("optional_type"):
        proto = onnx.OptionalProto.FromString(data)
        return numpy_helper.to_optional(proto)
    proto = onnx.TensorProto.FromString(data)
    return numpy_helper.to_array(proto)


def dump(path, value, type_proto, name):
    """Writes a value, which may be a TensorProto already."""
    if type_proto.HasField("sequence_type"):
        proto = numpy_helper.from_list(value, name)
    elif type_proto.HasField("optional_type"):
        proto = numpy_helper.from_optional(value, name)
    elif isinstance(value, onnx.TensorProto):
        proto = value
    else:
        proto = numpy_helper.from_array(value, name)
    path.write_bytes(proto.SerializeToString())


def inputs_of(model):
    """The graph inputs that a caller gives: those that no initializer sets."""
    given = {tensor.name for tensor in model.graph.initializer}
    given |= {tensor.values.name for tensor in model.graph.sparse_initializer}
    return [value for value in model.graph.input if value.name not in given]
