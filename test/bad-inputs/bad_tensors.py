"""Group D: tensors and shapes."""

import struct

import numpy as np
import onnx
from onnx import TensorProto, helper

from bad_bytes import sparse_model
from bad_models import Group, model, tensor, value, with_tensor, write
from protobuf import field

GROUP_D = Group()
case, each = GROUP_D.case, GROUP_D.each
node = helper.make_node
T = TensorProto

SHAPE, SIZE, STORAGE = "IG1401", "IG1402", "IG1403"
TYPE, VALUE = "IG1404", "IG1405"


@each("D1", SHAPE, {"minus-one": -1, "least": -(2**63)}, says=("'w'", "-"))
def negative_dimension(folder, dim):
    return write(folder, with_tensor(tensor([dim], raw=bytes(4)), [1]))


@each(
    "D2",
    SHAPE,
    {
        "two": [2**32, 2**32],
        "many": [2**16] * 5,
        "most": [2**63 - 1, 2**63 - 1],
    },
)
def product_overflows(folder, dims):
    return write(folder, with_tensor(tensor(dims, raw=bytes(4)), [1]))


@each("D3", SHAPE, {"double": T.DOUBLE, "complex128": T.COMPLEX128})
def bytes_overflow(folder, dtype):
    return write(folder, with_tensor(tensor([2**31, 2**31], dtype, raw=bytes(8)), [1]))


@each("D4", SIZE, {"shorter": 12, "longer": 20, "ragged": 13, "one": 1})
def raw_size(folder, size):
    return write(folder, with_tensor(tensor([4], raw=bytes(size)), [4]))


@case("D4", SIZE)
def no_data_at_all(folder):
    return write(folder, with_tensor(tensor([4]), [4]))


# Type, field, entries for four elements.
FAMILIES = {
    "float": (T.FLOAT, "float_data", [0.5] * 4),
    "double": (T.DOUBLE, "double_data", [0.5] * 4),
    "int32": (T.INT32, "int32_data", [1] * 4),
    "uint8": (T.UINT8, "int32_data", [1] * 4),
    "float16": (T.FLOAT16, "int32_data", [0x3C00] * 4),
    "bool": (T.BOOL, "int32_data", [1] * 4),
    "int64": (T.INT64, "int64_data", [1] * 4),
    "uint64": (T.UINT64, "uint64_data", [1] * 4),
    "string": (T.STRING, "string_data", [b"s"] * 4),
    "complex64": (T.COMPLEX64, "float_data", [0.5] * 8),
    "int4": (T.INT4, "int32_data", [0x21] * 2),
}


@each("D5", SIZE, FAMILIES, says=("'w'",))
def too_few_elements(folder, family):
    dtype, name, entries = family
    return write(
        folder, with_tensor(tensor([4], dtype, **{name: entries[:-1]}), [4])
    )


@each("D5", SIZE, {f"{k}-more": v for k, v in FAMILIES.items()}, says=("'w'",))
def too_many_elements(folder, family):
    dtype, name, entries = family
    more = entries + entries[:1]
    return write(folder, with_tensor(tensor([4], dtype, **{name: more}), [4]))


@each("D5", "ok", {f"{k}-right": v for k, v in FAMILIES.items()})
def right_number_of_elements(folder, family):
    dtype, name, entries = family
    return write(folder, with_tensor(tensor([4], dtype, **{name: entries}), [4]))


@case("D5", STORAGE)
def field_of_another_type(folder):
    return write(folder, with_tensor(tensor([4], T.FLOAT, int64_data=[1] * 4), [4]))


@case("D5", VALUE)
def value_too_large_for_the_type(folder):
    return write(folder, with_tensor(tensor([1], T.INT8, int32_data=[300]), [1]))


@case("D6", STORAGE)
def raw_and_typed(folder):
    both = tensor([4], raw=bytes(16), float_data=[0.5] * 4)
    return write(folder, with_tensor(both, [4]))


@case("D7", STORAGE)
def strings_in_raw_data(folder):
    return write(folder, with_tensor(tensor([1], T.STRING, raw=b"s"), [1]))


@case("D8", "ok", shows=("tensor<f32>", "1.500000e+00"))
def scalar(folder):
    return write(folder, with_tensor(tensor([], float_data=[1.5]), []))


@each("D9", "ok", {"zero": [0], "zero-among-others": [3, 0, 5]}, shows=("0x",))
def no_elements(folder, dims):
    return write(folder, with_tensor(tensor(dims, raw=b""), dims))


@case("D9", "ok")
def no_elements_and_huge(folder):
    dims = [2**40, 0, 2**40]
    return write(folder, with_tensor(tensor(dims, raw=b""), dims))


@each(
    "D10",
    "ok",
    {"rank-9": 9, "rank-64": 64},
)
def high_rank(folder, rank):
    return write(folder, with_tensor(tensor([1] * rank, raw=bytes(4)), [1] * rank))


@each("D10", SHAPE, {"rank-65": 65, "rank-10000": 10_000})
def too_high_rank(folder, rank):
    return write(folder, with_tensor(tensor([1] * rank, raw=bytes(4)), []))


@each("D10", "IG1008", {"input-rank-65": 65, "input-rank-10000": 10_000})
def too_high_rank_of_an_input(folder, rank):
    return write(
        folder, model([node("Identity", ["x"], ["y"])], [value("x", [1] * rank)])
    )


SUB_BYTE = {
    "int4": (T.INT4, b"\x2f\x01", "-1, 2, 1"),
    "uint4": (T.UINT4, b"\x2f\x01", "15, 2, 1"),
    "int2": (T.INT2, b"\x1b", "-1, -2, 1"),
    "uint2": (T.UINT2, b"\x1b", "3, 2, 1"),
    "float8": (T.FLOAT8E4M3FN, b"\x38\x40\x44", "1.0"),
}


@each("D11", "ok", SUB_BYTE)
def odd_number_of_small_elements(folder, kind):
    dtype, raw, _ = kind
    return write(folder, with_tensor(tensor([3], dtype, raw=raw), [3]))


@each("D11", SIZE, {f"{k}-unpacked": v for k, v in SUB_BYTE.items() if k[-1] in "42"})
def small_elements_not_packed(folder, kind):
    dtype, raw, _ = kind
    return write(folder, with_tensor(tensor([3], dtype, raw=b"\1\2\3"), [3]))


@case("D12", "ok", shows=("dense<[false, true, true, true]>",))
def bools_other_than_0_and_1(folder):
    return write(folder, with_tensor(tensor([4], T.BOOL, raw=b"\0\1\2\xff"), [4]))


@case("D13", "ok", shows=("dense<[1, 256]> : tensor<2xi32>",))
def little_endian(folder):
    raw = struct.pack("<ii", 1, 256)
    return write(folder, with_tensor(tensor([2], T.INT32, raw=raw), [2]))


@each("D14", TYPE, {"undefined": 0, "999": 999, "negative": -1})
def element_type(folder, dtype):
    # Enumerations of Python refuse such numbers.
    weights = field(1, 4) + field(2, dtype) + field(8, "w") + field(9, bytes(16))
    graph = field(1, node("Identity", ["w"], ["y"]).SerializeToString())
    graph += field(5, weights) + field(12, value("y").SerializeToString())
    return write(folder, field(1, 10) + field(8, field(2, 20)) + field(7, graph))


@case("D15", STORAGE)
def segment(folder):
    weights = tensor([4], raw=bytes(16))
    weights.segment.begin, weights.segment.end = 0, 4
    return write(folder, with_tensor(weights, [4]))


def dynamic(dims, shape=None):
    return model(
        [node("Relu", ["x"], ["y"])],
        [value("x", dims)],
        [value("y", shape or dims)],
    )


@case("D16", "ok", shows=("'batch size'", "x.dim1"))
def names_of_dimensions(folder):
    return write(folder, dynamic(["batch size", "", "?", "N"]))


@case("D16", "IG1704", flags=("--shape=x:2x3",), says=("'N'", "2", "3"))
def one_name_two_sizes(folder):
    return write(folder, dynamic(["N", "N"]))


@case("D17", "ok", shows=("tensor<0x4xf32>",))
def size_zero(folder):
    nodes = [node("Add", ["x", "z"], ["y"])]
    inputs = [value("x", [0, "N"]), value("z", [0, 4])]
    return write(folder, model(nodes, inputs, [value("y", [0, 4])]))


@each("D18", "IG1301", {"unsorted": [3, 1], "out-of-range": [0, 99]})
def sparse_initializer(folder, indices):
    values = tensor([2], float_data=[1, 2])
    data = with_tensor(tensor([4], raw=bytes(16), name="other"), [4])
    sparse = onnx.SparseTensorProto(
        values=values,
        indices=tensor([2], T.INT64, int64_data=indices, name="i"),
        dims=[4],
    )
    data.graph.sparse_initializer.append(sparse)
    data.graph.node[0].input[0] = "other"
    return write(folder, data)


@case("D19", "ok", sparse=True, shows=("dense<",))
def three_gigabytes(folder):
    return sparse_model(folder, 3 * 2**30)


BITS = np.array(
    [0x7FC01234, 0xFFA00001, 0x00000001, 0x80000000, 0x7F800000, 0xFF800000],
    np.uint32,
)


@case("D20", "ok", shows=("0x7FC01234, 0xFFA00001", "-0.000000e+00", "0x7F800000"))
def odd_floats(folder):
    return write(folder, with_tensor(tensor([6], raw=BITS.tobytes()), [6]))
