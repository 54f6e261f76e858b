"""Group A: bytes and protocol buffers."""

import gzip
import io
import os
import pickle
import zipfile

from google.protobuf import text_format
from onnx import TensorProto, helper

from bad_models import Group, identity, model, tensor, value, write
from protobuf import GROUP, VARINT, field, key, varint

GROUP_A = Group()
case, each = GROUP_A.case, GROUP_A.each
MALFORMED = "IG1004"


@case("A1", "IG1006")
def empty(folder):
    return write(folder, b"")


@case("A2", MALFORMED)
def one_byte(folder):
    return write(folder, b"\x08")


@case("A5", MALFORMED)
def varint_of_eleven_bytes(folder):
    return write(folder, key(1, VARINT) + b"\xff" * 10 + b"\x01")


@case("A6", MALFORMED)
def length_beyond_the_end(folder):
    return write(folder, key(7, 2) + varint(1000) + b"short")


@each(
    "A7",
    MALFORMED,
    {"2-31": 2**31 - 1, "2-32": 2**32, "2-32-and-5": 2**32 + 5, "2-63": 2**63},
)
def huge_length(folder, length):
    return write(folder, (key(7, 2) + varint(length) + b"x" * 20)[:20])


@case("A8", "ok")
def unknown_fields(folder):
    extra = field(1000, 7) + field(1001, b"bytes")
    extra += key(1002, 1) + bytes(8) + key(1003, 5) + bytes(4)
    node = helper.make_node("Identity", ["x"], ["y"]).SerializeToString() + extra
    info = value("x").SerializeToString() + extra
    out = value("y").SerializeToString() + extra
    graph = field(1, node) + field(11, info) + field(12, out) + extra
    return write(
        folder,
        extra + field(1, 10) + field(7, graph) + field(8, field(2, 20) + extra),
    )


@case("A9", MALFORMED)
def nested_groups(folder):
    return write(folder, key(900, GROUP) * 100_000)


def sparse_model(folder, size):
    """A model whose one tensor has `size` bytes of zeros that take no disk."""
    dims = field(1, size) + field(2, TensorProto.UINT8) + field(8, "w")
    head = key(9, 2) + varint(size)
    tensor_size = len(dims) + len(head) + size
    node = helper.make_node("Shape", ["w"], ["y"]).SerializeToString()
    out = value("y", [1], TensorProto.INT64).SerializeToString()
    before = field(1, node) + field(12, out) + key(5, 2) + varint(tensor_size)
    before += dims + head
    prefix = field(1, 10) + field(8, field(2, 20)) + key(7, 2)
    prefix += varint(len(before) + size) + before
    path = folder / "model.onnx"
    with open(path, "wb") as file:
        file.write(prefix)
        file.truncate(len(prefix) + size)
    return path


@case("A10", "ok", sparse=True, shows=("dense<",))
def larger_than_two_gib(folder):
    return sparse_model(folder, 2**31 + 2**28)


@case("A10", "ok", sparse=True, shows=("dense<",))
def larger_than_four_gib(folder):
    return sparse_model(folder, 2**32 + 2**28)


@case("A11", "ok", shows=("onnx.Relu", "onnx.Neg"))
def repeated_singular_fields(folder):
    def node(op, a, b):
        return field(1, helper.make_node(op, [a], [b]).SerializeToString())

    one = node("Relu", "x", "t") + field(11, value("x").SerializeToString())
    two = node("Neg", "t", "y") + field(12, value("y").SerializeToString())
    return write(
        folder,
        field(1, 99999)
        + field(1, 10)
        + field(8, field(2, 9999) + field(2, 20))
        + field(7, one + field(2, "first"))
        + field(7, two + field(2, "second")),
    )


@case("A12", MALFORMED)
def wrong_wire_type(folder):
    return write(folder, field(1, 10) + field(8, field(2, 20)) + field(7, 5))


@case("A12", MALFORMED)
def wrong_wire_type_of_dims(folder):
    bad = key(1, 5) + bytes(4) + field(2, 1) + field(8, "w")
    graph = field(5, bad) + field(12, value("y").SerializeToString())
    return write(folder, field(1, 10) + field(8, field(2, 20)) + field(7, graph))


ODD_NAMES = {
    "invalid-utf8": b"a\xff\xfeb",
    "zero-byte": b"a\0b",
    "right-to-left": "a\u202eb".encode(),
    "newline": b"a\n[IG9999] b",
}


def named(node_name, input_name):
    node = field(1, input_name) + field(2, "y") + field(3, node_name)
    node += field(4, "Identity")
    info = field(1, input_name) + field(2, value("x").type.SerializeToString())
    graph = field(1, node) + field(11, info)
    graph += field(12, value("y").SerializeToString())
    return field(1, 10) + field(8, field(2, 20)) + field(7, graph)


@each("A13", "ok", ODD_NAMES)
def odd_node_name(folder, name):
    return write(folder, named(name, b"x"))


@each("A13", "ok|IG1111", {f"input-{k}": v for k, v in ODD_NAMES.items()})
def odd_input_name(folder, name):
    return write(folder, named(b"n", name))


@each("A13", "IG1301", {f"operator-{k}": v for k, v in ODD_NAMES.items()})
def odd_operator_name(folder, name):
    bad = identity()
    bad.graph.node[0].op_type = "Q" * len(name)
    return write(folder, bad.SerializeToString().replace(b"Q" * len(name), name))


def zipped():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("model.onnx", identity().SerializeToString())
    return buffer.getvalue()


LFS = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    b"size 12345\n"
)


@each(
    "A14",
    "IG1003",
    {
        "gzip": gzip.compress(identity().SerializeToString()),
        "zip": zipped(),
        "pickle": pickle.dumps({"model": 1}),
        "text-proto": text_format.MessageToString(identity()).encode(),
        "html": b"<!DOCTYPE html>\n<html><body>404</body></html>",
        "git-lfs": LFS,
        "elf": b"\x7fELF\x02\x01\x01" + bytes(60),
    },
)
def another_format(folder, data):
    return write(folder, data)


@case("A15", "IG1101")
def no_graph(folder):
    return write(folder, field(1, 10) + field(8, field(2, 20)))


@each("A16", "IG1102", {"zero": 0, "huge": 2**62, "missing": None, "negative": -1})
def ir_version(folder, version):
    data = identity()
    data.ClearField("ir_version")
    head = b"" if version is None else field(1, version)
    return write(folder, head + data.SerializeToString())


@case("A17", "IG1002")
def directory(folder):
    path = folder / "model.onnx"
    path.mkdir(exist_ok=True)
    return path


@case("A17", "IG1001")
def nothing_there(folder):
    return folder / "model.onnx"


@case("A17", "IG1002")
def pipe(folder):
    path = folder / "model.onnx"
    if not path.exists():
        os.mkfifo(path)
    return path


@each("A17", "IG1002", {"dev-zero": "/dev/zero", "dev-stdin": "/dev/stdin"})
def device(folder, path):
    return path


@case("A19", "ok", shows=("dense<[1, 2, 3]>", "dense<[0, 1]>"))
def packed_and_unpacked(folder):
    # The same lists in both forms: dims and int64_data of a tensor, ints of
    # an attribute (Squeeze of opset 11).
    unpacked = field(1, 3) + field(2, TensorProto.INT64) + field(8, "w")
    unpacked += field(7, 1) + field(7, 2) + field(7, 3)
    packed = field(1, b"\x03") + field(2, TensorProto.INT64) + field(8, "v")
    packed += field(7, b"\x01\x02") + field(7, 3)
    axes = field(1, "axes") + field(20, 7) + field(8, 0) + field(8, b"\x01")
    nodes = helper.make_node("Add", ["w", "v"], ["y"]).SerializeToString()
    squeeze = helper.make_node("Squeeze", ["x"], ["z"]).SerializeToString()
    graph = field(1, nodes) + field(1, squeeze + field(5, axes))
    graph += field(5, unpacked) + field(5, packed)
    graph += field(11, value("x", [1, 1, 5]).SerializeToString())
    graph += field(12, value("z", [5]).SerializeToString())
    graph += field(12, value("w", [3], TensorProto.INT64).SerializeToString())
    return write(folder, field(1, 7) + field(8, field(2, 11)) + field(7, graph))


@case("A20", "ok", seconds=120)
def a_million_nodes(folder):
    count = 1_000_000
    parts = []
    for i in range(count):
        node = field(1, f"v{i}") + field(2, f"v{i + 1}") + field(4, "Relu")
        parts.append(field(1, node))
    graph = b"".join(parts) + field(11, value("v0").SerializeToString())
    graph += field(12, value(f"v{count}").SerializeToString())
    return write(folder, field(1, 10) + field(8, field(2, 20)) + field(7, graph))


def sample():
    """A model of about two kilobytes with every kind of message."""
    node = helper.make_node
    weights = [
        tensor([8, 16], raw=bytes(512), name="w"),
        tensor([16], float_data=[0.5] * 16, name="b"),
    ]
    nodes = [
        node("MatMul", ["x", "w"], ["m"], name="product"),
        node("Add", ["m", "b"], ["a"], name="bias"),
        node("LeakyRelu", ["a"], ["r"], name="activation", alpha=0.25),
        node("Transpose", ["r"], ["t"], name="turn", perm=[1, 0]),
        node("Cast", ["t"], ["y"], name="double", to=TensorProto.DOUBLE),
    ]
    proto = model(
        nodes,
        [value("x", ["N", 8])],
        [value("y", [16, "N"], TensorProto.DOUBLE)],
        weights,
        producer_name="ingot-tests",
    )
    proto.graph.value_info.extend([value("m", ["N", 16]), value("a", ["N", 16])])
    proto.graph.doc_string = "text " * 200
    proto.metadata_props.add(key="author", value="nobody")
    return proto
