"""Group B: external data."""

import hashlib
import os

import numpy as np
from onnx import TensorProto

from bad_models import Group, tensor, with_tensor, write

GROUP_B = Group()
case, each = GROUP_B.case, GROUP_B.each

PATH, MISSING, NOT_A_FILE = "IG1501", "IG1502", "IG1503"
RANGE, ENTRY, CHECKSUM, NO_FOLDER = "IG1504", "IG1505", "IG1506", "IG1507"

DATA = np.arange(4, dtype=np.float32).tobytes()


def external(folder, location="data.bin", shape=(4,), entries=(), **more):
    """A model whose tensor `w` lies in another file."""
    weights = tensor(list(shape), name="w")
    weights.data_location = TensorProto.EXTERNAL
    keys = [("location", location)] if location is not None else []
    keys += [(key, str(value)) for key, value in more.items()]
    for key, text in [*keys, *entries]:
        weights.external_data.add(key=key, value=text)
    return write(folder, with_tensor(weights))


def data_file(folder, data=DATA, name="data.bin"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or path.exists():
        path.unlink()
    path.write_bytes(data)
    return path


@each(
    "B1",
    PATH,
    {"parent": "../../etc/passwd", "own-parent": "../data.bin", "dots": ".."},
)
def out_of_the_folder(folder, location):
    data_file(folder)
    return external(folder, location)


@case("B2", PATH)
def out_and_in_again(folder):
    (folder / "sub").mkdir(exist_ok=True)
    data_file(folder)
    return external(folder, "sub/../../data.bin")


@case("B2", PATH)
def within_the_folder_by_dots(folder):
    (folder / "sub").mkdir(exist_ok=True)
    data_file(folder)
    return external(folder, "sub/../data.bin")


@case("B3", PATH)
def absolute(folder):
    return external(folder, str(data_file(folder)))


@each(
    "B4",
    PATH,
    {
        "drive": "C:\\data.bin",
        "drive-with-slash": "C:/data.bin",
        "share": "\\\\host\\data.bin",
        "backslash": "sub\\data.bin",
    },
)
def windows(folder, location):
    return external(folder, location)


@case("B5", NOT_A_FILE)
def symbolic_link(folder):
    data_file(folder, name="real.bin")
    if not (folder / "data.bin").is_symlink():
        (folder / "data.bin").symlink_to("real.bin")
    return external(folder)


@case("B6", NOT_A_FILE)
def symbolic_link_of_a_folder(folder):
    data_file(folder, name="real/data.bin")
    if not (folder / "link").is_symlink():
        (folder / "link").symlink_to("real")
    return external(folder, "link/data.bin")


def linked(folder):
    path = data_file(folder)
    twin = folder / "twin.bin"
    if twin.exists():
        twin.unlink()
    os.link(path, twin)
    return external(folder)


case("B7", NOT_A_FILE)(linked)


@case("B7", "ok", flags=("--allow-hard-links",), shows=("3.000000e+00",))
def linked_and_allowed(folder):
    return linked(folder)


@case("B9", PATH)
def proc_self_mem(folder):
    return external(folder, "/proc/self/mem")


@case("B9", NOT_A_FILE)
def pipe(folder):
    if not (folder / "data.bin").exists():
        os.mkfifo(folder / "data.bin")
    return external(folder)


@case("B9", NOT_A_FILE)
def directory(folder):
    (folder / "data.bin").mkdir(exist_ok=True)
    return external(folder)


@case("B9", NOT_A_FILE)
def file_as_folder(folder):
    data_file(folder)
    return external(folder, "data.bin/more.bin")


@case("B10", MISSING, says=("data.bin", "'w'"))
def missing(folder):
    return external(folder)


@case("B11", RANGE)
def offset_beyond_the_end(folder):
    data_file(folder)
    return external(folder, offset=17, length=16)


@each("B12", RANGE, {"wraps": 2**64 - 8, "wraps-to-zero": 2**64 - 16})
def offset_and_length_wrap(folder, offset):
    data_file(folder)
    return external(folder, offset=offset, length=16)


@case("B13", RANGE)
def length_beyond_the_end(folder):
    data_file(folder)
    return external(folder, shape=(8,), length=32)


@each("B14", RANGE, {"shorter": 12, "longer": 20, "zero": 0})
def length_unlike_the_shape(folder, length):
    data_file(folder, DATA * 2)
    return external(folder, length=length)


@each(
    "B15",
    ENTRY,
    {
        "negative": "-4",
        "plus": "+4",
        "float": "1e9",
        "hex": "0x10",
        "empty": "",
        "space": " 4",
        "letters": "four",
        "huge": "9" * 40,
        "minus-zero": "-0",
    },
)
def offset_is_no_number(folder, text):
    data_file(folder, DATA * 2)
    return external(folder, entries=[("offset", text)])


@each("B15", ENTRY, {"length-negative": "-1", "length-letters": "all"})
def length_is_no_number(folder, text):
    data_file(folder)
    return external(folder, entries=[("length", text)])


@case("B16", "ok", shows=("dense<[0.000000e+00, 1.000000e+00, 2.0",))
def unaligned(folder):
    data_file(folder, b"abc" + DATA)
    return external(folder, offset=3, length=16)


@case("B17", "ok", shows=("IG1508", "overlap"))
def overlapping(folder):
    from onnx import helper

    from bad_models import model, value

    data_file(folder, DATA * 2)
    weights = []
    for name, offset in (("w", 0), ("v", 8)):
        weights.append(tensor([4], name=name))
        weights[-1].data_location = TensorProto.EXTERNAL
        weights[-1].external_data.add(key="location", value="data.bin")
        weights[-1].external_data.add(key="offset", value=str(offset))
    node = helper.make_node("Sub", ["w", "v"], ["y"])
    return write(folder, model([node], [], [value("y")], weights))


@each(
    "B18",
    "ok",
    {
        "unknown": ("mood", "good"),
        "dunder": ("__class__", "os.system"),
        "repeated": ("location", "/etc/passwd"),
    },
    shows=("IG1508", "3.000000e+00"),
)
def odd_key(folder, entry):
    data_file(folder)
    return external(folder, entries=[entry])


@each(
    "B19",
    PATH,
    {"empty": "", "dot": ".", "dot-slash": "./", "zero-byte": "a\0b", "none": None},
)
def no_name(folder, location):
    data_file(folder)
    return external(folder, location)


@case("B20", NO_FOLDER, flags=("--memory",))
def from_memory(folder):
    data_file(folder)
    return external(folder)


@case("B21", "ok", sparse=True, shows=("3.000000e+00",))
def offset_above_four_gib(folder):
    with open(folder / "data.bin", "wb") as file:
        file.seek(2**32 + 8)
        file.write(DATA)
    return external(folder, offset=2**32 + 8, length=16)


@each("B22", PATH, {"fragment": "#../data.bin", "url": "file://data.bin"})
def url(folder, location):
    data_file(folder)
    return external(folder, location)


@case("B23", CHECKSUM)
def wrong_checksum(folder):
    data_file(folder)
    return external(folder, checksum=hashlib.sha1(b"other").hexdigest())


@case("B23", "ok", shows=("3.000000e+00",))
def right_checksum(folder):
    data_file(folder)
    return external(folder, checksum=hashlib.sha1(DATA).hexdigest())
