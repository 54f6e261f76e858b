"""Old nodes whose attributes became inputs, or changed."""

import numpy as np

from upgrades import F, node, old, positive, ramp

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

# Recurrent layers: one step without a state, so that R has no say.


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gates(x, w, count):
    return np.split(x[0] @ w[0].T, count, axis=1)


def lstm(x, w):
    i, o, _, c = gates(x, w, 4)
    return (sigmoid(o) * np.tanh(sigmoid(i) * np.tanh(c)))[None, None]


def gru(x, w):
    z, _, h = gates(x, w, 3)
    return ((1 - sigmoid(z)) * np.tanh(h))[None, None]


RECURRENT = {
    "RNN": (1, lambda x, w: np.tanh(gates(x, w, 1)[0])[None, None]),
    "GRU": (3, gru),
    "LSTM": (4, lstm),
}
for op, (count, function) in RECURRENT.items():
    old(
        f"{op} 7",
        "output-sequence",
        6,
        node(op, ["x", "w", "r"], ["y"], hidden_size=2, output_sequence=1),
        {"x": 0.1 * ramp(1, 3, 4), "w": 0.1 * ramp(1, 2 * count, 4)},
        lambda x, w, f=function: f(x, w),
        op,
        weights={"r": ramp(1, 2 * count, 2)},
    )
old(
    "GRU 3",
    "foward",
    2,
    node("GRU", ["x", "w", "r"], ["y"], hidden_size=2, direction="foward"),
    {"x": 0.1 * ramp(1, 3, 4), "w": 0.1 * ramp(1, 6, 4)},
    gru,
    "GRU",
    weights={"r": ramp(1, 6, 2)},
)
