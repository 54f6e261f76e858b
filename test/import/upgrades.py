"""One old node (or several) for each row of the upgrade table."""

import dataclasses
import typing

import numpy as np
from onnx import helper

node = helper.make_node
F = np.float32


@dataclasses.dataclass
class Old:
    """A node of an old opset, what it becomes, and what it computes."""

    row: str  # "Operator since", as ingot-import --list-upgrades prints it
    name: str
    opset: int
    nodes: list
    inputs: dict  # name -> array
    expect: typing.Callable  # arrays -> array, or a tuple of them
    becomes: list
    weights: dict = dataclasses.field(default_factory=dict)
    outputs: tuple = ("y",)
    # What the printed module must contain.
    shows: tuple = ()

    def __str__(self):
        return f"{self.row.replace(' ', '-')}-{self.name}"


def ramp(*shape, dtype=F):
    return (np.arange(np.prod(shape)) - np.prod(shape) // 3).reshape(shape).astype(dtype)


def positive(*shape):
    return np.linspace(0.5, 2.5, int(np.prod(shape)), dtype=F).reshape(shape)


OLD = []


def old(row, name, opset, nodes, inputs, expect, becomes, **more):
    nodes = nodes if isinstance(nodes, list) else [nodes]
    becomes = becomes.split()
    OLD.append(Old(row, name, opset, nodes, inputs, expect, becomes, **more))


# Broadcasting along an axis, before opset 7.

ARITHMETIC = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
    "Pow": np.power,
}
COMPARISONS = {"Equal": np.equal, "Greater": np.greater, "Less": np.less}
LOGIC = {"And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor}

for op, function in {**ARITHMETIC, **COMPARISONS, **LOGIC}.items():
    a, b = positive(2, 3, 4), positive(3)
    if op == "Equal":
        a, b = ramp(2, 3, 4, dtype=np.int32), ramp(3, dtype=np.int32)
    if op in LOGIC:
        a, b = ramp(2, 3, 4) > 0, np.array([True, False, True])
    old(
        f"{op} 7",
        "along-an-axis",
        6,
        node(op, ["a", "b"], ["y"], broadcast=1, axis=1),
        {"a": a, "b": b},
        lambda a, b, f=function: f(a, b[:, None]),
        f"Unsqueeze {op}",
    )

old(
    "Add 7",
    "from-the-back",
    6,
    node("Add", ["a", "b"], ["y"], broadcast=1),
    {"a": ramp(2, 3), "b": ramp(3)},
    lambda a, b: a + b,
    "Add",
)
old(
    "Add 7",
    "negative-axis",
    6,
    node("Add", ["a", "b"], ["y"], broadcast=1, axis=-3),
    {"a": ramp(2, 3, 4), "b": ramp(2)},
    lambda a, b: a + b[:, None, None],
    "Unsqueeze Add",
)
old(
    "Add 7",
    "no-broadcast",
    6,
    node("Add", ["a", "b"], ["y"], broadcast=0, axis=0),
    {"a": ramp(3), "b": ramp(3)},
    lambda a, b: a + b,
    "Add",
)

# Normalisation.


def batch_norm(x, s, b, m, v):
    shape = (1, -1) + (1,) * (x.ndim - 2)
    s, b, m, v = (p.reshape(shape) for p in (s, b, m, v))
    return (x - m) / np.sqrt(v + 1e-5) * s + b


STATISTICS = {"s": positive(3), "b": ramp(3), "m": ramp(3), "v": positive(3)}
for row, opset, attributes, outputs in (
    ("BatchNormalization 7", 6, {"is_test": 1}, 1),
    ("BatchNormalization 9", 7, {"spatial": 1}, 1),
    ("BatchNormalization 14", 9, {}, 3),
):
    names = ["y", "mean", "var"][:outputs]
    old(
        row,
        "inference",
        opset,
        node("BatchNormalization", ["x", "s", "b", "m", "v"], names, **attributes),
        {"x": ramp(2, 3, 2)},
        lambda x: batch_norm(x, **STATISTICS),
        "BatchNormalization",
        weights=STATISTICS,
    )


def group_norm(x, s, b):
    groups = x.reshape(1, 2, 2, 3)
    mean = groups.mean((2, 3), keepdims=True)
    variance = groups.var((2, 3), keepdims=True)
    normal = (groups - mean) / np.sqrt(variance + 1e-5)
    return (normal * s[:, None, None] + b[:, None, None]).reshape(x.shape)


old(
    "GroupNormalization 21",
    "scale-per-group",
    18,
    node("GroupNormalization", ["x", "s", "b"], ["y"], num_groups=2),
    {"x": ramp(1, 4, 3), "s": positive(2), "b": ramp(2)},
    group_norm,
    "Unsqueeze Expand Reshape Unsqueeze Expand Reshape GroupNormalization",
)


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def flattened(function):
    def apply(x):
        return function(x.reshape(len(x), -1), 1).reshape(x.shape)

    return apply


def hardmax(x, axis):
    return (np.arange(x.shape[axis]) == x.argmax(axis)[:, None]).astype(x.dtype)


for op, function in {
    "Softmax": softmax,
    "LogSoftmax": lambda x, axis: np.log(softmax(x, axis)),
    "Hardmax": hardmax,
}.items():
    old(
        f"{op} 13",
        "flattened",
        11,
        node(op, ["x"], ["y"], axis=1),
        {"x": ramp(2, 3, 2) / 4},
        flattened(function),
        f"Flatten {op} Reshape",
    )
    old(
        f"{op} 13",
        "default-axis",
        9,
        node(op, ["x"], ["y"]),
        {"x": ramp(2, 5) / 4},
        lambda x, f=function: f(x, 1),
        op,
        shows=("axis = 1",),
    )
    old(
        f"{op} 13",
        "ones-behind",
        9,
        node(op, ["x"], ["y"]),
        {"x": ramp(2, 5, 1, 1) / 4},
        lambda x, f=function: f(x.reshape(2, 5), 1).reshape(x.shape),
        op,
        shows=("axis = 1",),
    )

# Meaning.

old(
    "PRelu 7",
    "slope-per-channel",
    6,
    node("PRelu", ["x", "s"], ["y"]),
    {"x": ramp(1, 2, 3), "s": np.array([0.5, 2], F)},
    lambda x, s: np.where(x < 0, x * s[:, None], x),
    "Unsqueeze PRelu",
)
old(
    "PRelu 7",
    "one-slope",
    6,
    node("PRelu", ["x", "s"], ["y"]),
    {"x": ramp(1, 2, 3), "s": np.array([0.5], F)},
    lambda x, s: np.where(x < 0, x * s, x),
    "PRelu",
)
old(
    "Tile 6",
    "along-an-axis",
    1,
    node("Tile", ["x", "tiles", "axis"], ["y"]),
    {"x": ramp(2, 3)},
    lambda x: np.tile(x, (1, 2)),
    "Tile",
    weights={"tiles": np.array([2], np.int64), "axis": np.array([1], np.int64)},
)
old(
    "Scatter 29",
    "elements",
    9,
    node("Scatter", ["x", "i", "u"], ["y"], axis=1),
    {
        "x": np.zeros((1, 4), F),
        "i": np.array([[1, 3]], np.int64),
        "u": np.array([[5, 6]], F),
    },
    lambda x, i, u: np.array([[0, 5, 0, 6]], F),
    "ScatterElements",
)

# Resizing.


def enlarged(x):
    return x.repeat(2, 2).repeat(2, 3)


SCALES = {"s": np.array([1, 1, 2, 2], F)}
old(
    "Upsample 7",
    "height-and-width",
    1,
    node("Upsample", ["x"], ["y"], height_scale=2.0, width_scale=2.0),
    {"x": ramp(1, 1, 2, 2)},
    enlarged,
    "Resize",
)
old(
    "Upsample 9",
    "scales",
    7,
    node("Upsample", ["x"], ["y"], scales=[1.0, 1.0, 2.0, 2.0]),
    {"x": ramp(1, 1, 2, 2)},
    enlarged,
    "Resize",
)
old(
    "Upsample 29",
    "scales-input",
    9,
    node("Upsample", ["x", "s"], ["y"]),
    {"x": ramp(1, 1, 2, 2)},
    enlarged,
    "Resize",
    weights=SCALES,
    shows=('"asymmetric"', '"floor"'),
)
old(
    "Upsample 29",
    "linear",
    9,
    node("Upsample", ["x", "s"], ["y"], mode="linear"),
    {"x": np.array([[[[0, 4]]]], F)},
    lambda x: np.array([[[[0, 2, 4, 4]]]], F),
    "Resize",
    weights={"s": np.array([1, 1, 1, 2], F)},
)
old(
    "Resize 11",
    "nearest-up",
    10,
    node("Resize", ["x", "s"], ["y"]),
    {"x": ramp(1, 1, 2, 2)},
    enlarged,
    "Resize",
    weights=SCALES,
)
old(
    "Resize 11",
    "nearest-down",
    10,
    node("Resize", ["x", "s"], ["y"]),
    {"x": ramp(1, 1, 2, 4)},
    # The example of the specification's opset 10: elements 0 and 1.67 up.
    lambda x: x[:, :, :1, [0, 2]],
    "Resize",
    weights={"s": np.array([1, 1, 0.6, 0.6], F)},
    shows=('"ceil"',),
)
old(
    "Resize 29",
    "empty-inputs-are-none",
    13,
    node(
        "Resize",
        ["x", "none", "none", "sizes"],
        ["y"],
        nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    ),
    {"x": ramp(1, 1, 2, 2)},
    enlarged,
    "Resize",
    weights={"none": np.zeros(0, F), "sizes": np.array([1, 1, 4, 4], np.int64)},
)
