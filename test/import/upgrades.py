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

# Attributes that became inputs.

REDUCTIONS = {
    "ReduceL1": lambda x, a: np.abs(x).sum(a),
    "ReduceL2": lambda x, a: np.sqrt((x * x).sum(a)),
    "ReduceLogSum": lambda x, a: np.log(x.sum(a)),
    "ReduceLogSumExp": lambda x, a: np.log(np.exp(x).sum(a)),
    "ReduceMax": lambda x, a: x.max(a),
    "ReduceMean": lambda x, a: x.mean(a),
    "ReduceMin": lambda x, a: x.min(a),
    "ReduceProd": lambda x, a: x.prod(a),
    "ReduceSum": lambda x, a: x.sum(a),
    "ReduceSumSquare": lambda x, a: (x * x).sum(a),
}
for op, function in REDUCTIONS.items():
    since = 13 if op == "ReduceSum" else 18
    old(
        f"{op} {since}",
        "axes",
        11,
        node(op, ["x"], ["y"], axes=[1], keepdims=0),
        {"x": positive(2, 3)},
        lambda x, f=function: f(x, 1),
        op,
        shows=("dense<1> : tensor<1xi64>",),
    )
old(
    "ReduceSum 13",
    "all-axes",
    9,
    node("ReduceSum", ["x"], ["y"]),
    {"x": ramp(2, 3)},
    lambda x: x.sum(keepdims=True),
    "ReduceSum",
)
old(
    "Squeeze 13",
    "axes",
    11,
    node("Squeeze", ["x"], ["y"], axes=[0]),
    {"x": ramp(1, 3, 1)},
    lambda x: x[0],
    "Squeeze",
)
old(
    "Unsqueeze 13",
    "axes",
    11,
    node("Unsqueeze", ["x"], ["y"], axes=[0, 2]),
    {"x": ramp(3)},
    lambda x: x[None, :, None],
    "Unsqueeze",
)
old(
    "Clip 6",
    "one-bound",
    5,
    node("Clip", ["x"], ["y"], min=-1.0),
    {"x": np.array([-np.inf, -2, 0, np.inf], F)},
    lambda x: np.maximum(x, -1),
    "Clip",
)
old(
    "Clip 11",
    "both-bounds",
    6,
    node("Clip", ["x"], ["y"], min=-1.0, max=2.0),
    {"x": ramp(9)},
    lambda x: np.clip(x, -1, 2),
    "Clip",
)
old(
    "Clip 11",
    "default-bounds-are-finite",
    6,
    node("Clip", ["x"], ["y"], min=0.0),
    {"x": np.array([-1, np.inf], F)},
    lambda x: np.array([0, np.finfo(F).max], F),
    "Clip",
)
old(
    "Clip 11",
    "half-precision",
    6,
    node("Clip", ["x"], ["y"], min=0.0),
    {"x": np.array([-1, 2], np.float16)},
    lambda x: np.maximum(x, np.float16(0)),
    "Clip",
)
old(
    "DFT 20",
    "axis",
    17,
    node("DFT", ["x"], ["y"], axis=1),
    {"x": ramp(1, 4, 1)},
    lambda x: np.stack(
        [np.fft.fft(x[..., 0]).real, np.fft.fft(x[..., 0]).imag], -1
    ).astype(F),
    "DFT",
)
old(
    "Dropout 7",
    "is-test",
    6,
    node("Dropout", ["x"], ["y"], is_test=1, ratio=0.25),
    {"x": ramp(4)},
    lambda x: x,
    "Dropout",
)
old(
    "Dropout 12",
    "ratio",
    10,
    node("Dropout", ["x"], ["y"], ratio=0.25),
    {"x": ramp(4)},
    lambda x: x,
    "Dropout",
    shows=("dense<2.500000e-01> : tensor<f32>",),
)
old(
    "Dropout 10",
    "mask-of-floats",
    7,
    node("Dropout", ["x"], ["y", "mask"]),
    {"x": ramp(4)},
    lambda x: (x, np.ones_like(x)),
    "Dropout Where",
    outputs=("y", "mask"),
)
old(
    "Pad 2",
    "paddings",
    1,
    node("Pad", ["x"], ["y"], paddings=[1, 2]),
    {"x": positive(3)},
    lambda x: np.pad(x, (1, 2)),
    "Pad",
)
old(
    "Pad 11",
    "value",
    9,
    node("Pad", ["x"], ["y"], pads=[0, 1, 0, 2], value=1.5),
    {"x": ramp(2, 3)},
    lambda x: np.pad(x, ((0, 0), (1, 2)), constant_values=1.5),
    "Pad",
)
old(
    "Reshape 5",
    "shape",
    4,
    node("Reshape", ["x"], ["y"], shape=[3, -1]),
    {"x": ramp(2, 6)},
    lambda x: x.reshape(3, 4),
    "Reshape",
)
old(
    "Slice 10",
    "with-axes",
    9,
    node("Slice", ["x"], ["y"], starts=[1], ends=[100], axes=[1]),
    {"x": ramp(2, 4)},
    lambda x: x[:, 1:],
    "Slice",
)
old(
    "Slice 10",
    "without-axes",
    1,
    node("Slice", ["x"], ["y"], starts=[1, 0], ends=[2, -1]),
    {"x": ramp(2, 4)},
    lambda x: x[1:2, :-1],
    "Slice",
)
old(
    "Split 13",
    "sizes",
    11,
    node("Split", ["x"], ["y", "z"], axis=0, split=[1, 3]),
    {"x": ramp(4, 2)},
    lambda x: (x[:1], x[1:]),
    "Split",
    outputs=("y", "z"),
)
old(
    "Split 18",
    "equal-parts",
    13,
    node("Split", ["x"], ["y", "z"], axis=1),
    {"x": ramp(2, 4)},
    lambda x: (x[:, :2], x[:, 2:]),
    "Split",
    outputs=("y", "z"),
    shows=("num_outputs = 2",),
)
old(
    "TopK 10",
    "count",
    9,
    node("TopK", ["x"], ["y", "i"], k=2),
    {"x": ramp(2, 4)},
    lambda x: (x[:, :-3:-1], np.tile(np.array([3, 2]), (2, 1))),
    "TopK",
    outputs=("y", "i"),
)

# Attributes that changed.

old(
    "Cast 6",
    "name-of-a-type",
    5,
    node("Cast", ["x"], ["y"], to="INT32"),
    {"x": ramp(4)},
    lambda x: x.astype(np.int32),
    "Cast",
)
old(
    "Concat 4",
    "default-axis",
    3,
    node("Concat", ["x", "x"], ["y"]),
    {"x": ramp(2, 3)},
    lambda x: np.concatenate([x, x], 1),
    "Concat",
)
old(
    f"Constant {29}",
    "ints",
    13,
    [node("Constant", [], ["c"], value_ints=[1, 2]), node("Add", ["x", "c"], ["y"])],
    {"x": ramp(2, dtype=np.int64)},
    lambda x: x + [1, 2],
    "Add",
)
old(
    "Gemm 7",
    "broadcast",
    6,
    node("Gemm", ["a", "b", "c"], ["y"], broadcast=1),
    {"a": ramp(2, 3), "b": ramp(3, 2), "c": ramp(2)},
    lambda a, b, c: a @ b + c,
    "Gemm",
)
old(
    "GlobalLpPool 2",
    "float-norm",
    1,
    node("GlobalLpPool", ["x"], ["y"], p=1.0),
    {"x": ramp(1, 2, 3)},
    lambda x: np.abs(x).sum(2, keepdims=True),
    "GlobalLpPool",
    shows=("p = 1 : i64",),
)
old(
    "LpPool 2",
    "float-norm",
    1,
    node("LpPool", ["x"], ["y"], p=1.0, kernel_shape=[3]),
    {"x": ramp(1, 2, 3)},
    lambda x: np.abs(x).sum(2, keepdims=True),
    "LpPool",
    shows=("p = 1 : i64",),
)
old(
    "GridSample 20",
    "bilinear",
    16,
    node("GridSample", ["x", "g"], ["y"], mode="bilinear", align_corners=1),
    {"x": ramp(1, 1, 2, 2), "g": np.zeros((1, 1, 1, 2), F)},
    lambda x, g: x.mean().reshape(1, 1, 1, 1),
    "GridSample",
)
old(
    "GridSample 20",
    "bicubic",
    16,
    node("GridSample", ["x", "g"], ["y"], mode="bicubic", align_corners=1),
    {"x": ramp(1, 1, 3, 3), "g": np.zeros((1, 1, 1, 2), F)},
    lambda x, g: x[:, :, 1:2, 1:2],
    "GridSample",
    shows=('mode = "cubic"',),
)
old(
    "RoiAlign 16",
    "coordinates",
    10,
    node(
        "RoiAlign", ["x", "r", "b"], ["y"], output_height=1, output_width=1,
        sampling_ratio=1,
    ),
    {
        "x": ramp(1, 1, 4, 4),
        "r": np.array([[0, 0, 2, 2]], F),
        "b": np.zeros(1, np.int64),
    },
    # The sample lies at (1, 1): nothing is subtracted from coordinates.
    lambda x, r, b: x[:, :, 1:2, 1:2],
    "RoiAlign",
    shows=('"output_half_pixel"',),
)
old(
    "Selu 6",
    "defaults",
    5,
    node("Selu", ["x"], ["y"]),
    {"x": ramp(5)},
    lambda x: np.where(x > 0, 1.0507 * x, 1.0507 * 1.6732 * (np.exp(x) - 1)).astype(F),
    "Selu",
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
