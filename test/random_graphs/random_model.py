"""Random small models: operators put together as no person would.

Each operator is tried alone with ONNX Runtime on real values first, so that a
model holds only operators that are valid there, finite, and of modest size.
"""

import dataclasses

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
MOST_ELEMENTS = 40_000
MOST_MAGNITUDE = 50.0
# The batch that a model with a dynamic batch is made with: no other size.
BATCH = 5


@dataclasses.dataclass
class Value:
    """A value of the model and what it is for the inputs chosen."""

    name: str
    data: np.ndarray

    @property
    def shape(self):
        return self.data.shape

    @property
    def rank(self):
        return self.data.ndim


def quiet_session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = (
        onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    )
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def make_model(nodes, inputs, outputs, initializers):
    graph = helper.make_graph(nodes, "random", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def declared(name, array, first=None):
    shape = list(array.shape)
    if first and shape:
        shape[0] = first
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    return helper.make_tensor_value_info(name, kind, shape)


class Builder:
    """Grows a model. With a dynamic batch, dimension 0 is kept as it is by
    every operator, so that the model works for any size of it."""

    def __init__(self, seed, operators=None):
        self.rng = np.random.default_rng(seed)
        self.dynamic = bool(self.rng.random() < 0.35)
        self.nodes, self.initializers, self.values, self.inputs = [], [], [], []
        self.type = np.float64 if self.rng.random() < 0.15 else np.float32
        self.operators = operators or OPERATORS
        self.read = set()
        for _ in range(self.rng.integers(1, 3)):
            self.add_input()

    def pick(self, items):
        return items[self.rng.integers(len(items))]

    def chance(self, probability):
        return bool(self.rng.random() < probability)

    def array(self, shape, scale=1.0):
        return (self.rng.standard_normal(shape) * scale).astype(self.type)

    def add_input(self):
        shapes = [
            (1, 3, 12, 12),
            (1, 16, 9, 11),
            (1, 8, 16, 16),
            (2, 32, 7, 7),
            (1, 33, 4, 6),
            (2, 10, 24),
            (3, 20),
            (1, 1, 14, 14),
            (1, 4, 6, 20),
        ]
        shape = self.pick(shapes)
        if self.dynamic:
            shape = (BATCH, *shape[1:])
        value = Value(f"in{len(self.inputs)}", self.array(shape))
        self.inputs.append(value)
        self.values.append(value)

    def constant(self, array):
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def real(self, array):
        """A constant of the model's floating-point type."""
        return self.constant(np.asarray(array, self.type))

    def any_value(self, *ranks):
        """A value, more often a recent one; None if there is none of the rank."""
        fit = [v for v in self.values if not ranks or v.rank in ranks]
        if not fit:
            return None
        if self.chance(0.6):
            return fit[-1]
        return self.pick(fit)

    def first_axis(self):
        return 1 if self.dynamic else 0

    def axis(self, value):
        """Any axis that may change, or None."""
        first = self.first_axis()
        return int(self.rng.integers(first, value.rank)) if value.rank > first else None

    def add(self, kind, inputs, count=1, **attributes):
        """Adds a node whose inputs are Values and names of constants. False if
        ONNX Runtime refuses it or its result is of no use."""
        names = [i.name if isinstance(i, Value) else i for i in inputs]
        outputs = [f"v{len(self.nodes)}_{i}" for i in range(count)]
        label = f"{kind}_{len(self.nodes)}"
        node = helper.make_node(kind, names, outputs, name=label, **attributes)
        given = {i.name: i.data for i in inputs if isinstance(i, Value)}
        constants = [c for c in self.initializers if c.name in names]
        model = make_model(
            [node],
            [declared(n, a) for n, a in given.items()],
            [helper.make_empty_tensor_value_info(o) for o in outputs],
            constants,
        )
        try:
            results = quiet_session(model).run(None, given)
        except Exception:  # pylint: disable=broad-except
            return False
        for array in results:
            if not 0 < array.size <= MOST_ELEMENTS or array.dtype != self.type:
                return False
            if not np.isfinite(array).all() or np.abs(array).max() > MOST_MAGNITUDE:
                return False
            if self.dynamic and array.shape[:1] != (BATCH,):
                return False
        self.nodes.append(node)
        self.read.update(given)
        self.values += [Value(o, a) for o, a in zip(outputs, results)]
        return True

    def grow(self, count):
        for _ in range(count * 8):
            if len(self.nodes) >= count:
                break
            self.pick(self.operators)(self)

    def model(self, draw=True):
        """The model. Its outputs are what nothing reads, and now and then one
        value between."""
        outputs = [v for v in self.values if v.name not in self.read]
        between = [
            v for v in self.values if v.name in self.read and v not in self.inputs
        ]
        if draw and between and self.chance(0.4):
            outputs.append(self.pick(between))
        outputs = [v for v in outputs if v not in self.inputs]
        used = {n for node in self.nodes for n in node.input}
        batch = "N" if self.dynamic else None
        return make_model(
            self.nodes,
            [declared(v.name, v.data, batch) for v in self.inputs],
            [helper.make_empty_tensor_value_info(v.name) for v in outputs],
            [c for c in self.initializers if c.name in used],
        )

    def feeds(self, more=0):
        """Inputs; with a dynamic batch, `more` larger than the model was
        made with."""
        if not more:
            return {v.name: v.data for v in self.inputs}
        return {
            v.name: self.array((v.shape[0] + more, *v.shape[1:])) for v in self.inputs
        }


# One function per kind of operator; each adds at most one node.


def unary(g):
    kinds = "Relu Sigmoid Tanh HardSwish HardSigmoid Softplus Abs Neg Erf Sin Cos Elu"
    kinds += " Floor Round Mish Gelu Selu Softsign Identity ThresholdedRelu Celu Sign"
    g.add(g.pick(kinds.split()), [g.any_value()])


def leaky(g):
    g.add("LeakyRelu", [g.any_value()], alpha=float(g.pick([0.01, 0.1, 0.3])))


def clip(g):
    low = g.real(g.pick([-1.0, 0.0, -0.25]))
    high = g.real(g.pick([1.0, 6.0]))
    g.add("Clip", [g.any_value(), low, high])


def binary_values(g):
    x = g.any_value()
    same = [v for v in g.values if v.shape == x.shape]
    g.add(g.pick("Add Sub Mul Max Min Add Add".split()), [x, g.pick(same)])


def binary_broadcast(g):
    x, y = g.any_value(), g.pick(g.values)
    g.add(g.pick("Add Sub Mul Max".split()), [x, y])


def binary_constant(g):
    x = g.any_value()
    shape = [d if g.chance(0.5) else 1 for d in x.shape]
    if g.dynamic and shape:
        shape[0] = 1
    constant = g.constant(g.array(shape[g.rng.integers(0, len(shape) + 1) :]))
    operands = [x, constant]
    if g.chance(0.3):
        operands.reverse()
    g.add(g.pick("Add Sub Mul Max Min".split()), operands)


def divide(g):
    x = g.any_value()
    divisor = 0.5 + np.abs(g.array(x.shape[-1:]))
    g.add("Div", [x, g.constant(divisor)])


def power(g):
    g.add("Pow", [g.any_value(), g.real(g.pick([2.0, 3.0]))])


def select(g):
    x = g.any_value()
    same = [v for v in g.values if v.shape == x.shape]
    mask = g.rng.random(x.shape[-1:]) < 0.5
    g.add("Where", [g.constant(mask), x, g.pick(same)])


def convolution(g):
    x = g.any_value(4, 3)
    if x is None:
        return
    channels = x.shape[1]
    divisors = [d for d in (1, 1, 1, 2, 3, 4, channels) if channels % d == 0]
    group = g.pick(divisors)
    filters = group * int(g.pick([1, 2, 3, 4, 8, 16, 17] if group < 8 else [1, 1, 2]))
    spatial = x.rank - 2
    kernel = [int(g.pick([1, 1, 2, 3, 3, 5])) for _ in range(spatial)]
    if g.chance(0.6):
        kernel = [kernel[0]] * spatial
    weights = g.array((filters, channels // group, *kernel))
    weights /= np.sqrt(weights[0].size)
    operands = [x, g.real(weights)]
    if g.chance(0.6):
        operands.append(g.constant(g.array((filters,))))
    attributes = {"group": int(group)}
    if g.chance(0.3):
        attributes["auto_pad"] = g.pick(["SAME_UPPER", "SAME_LOWER", "VALID"])
    else:
        attributes["pads"] = [
            int(g.rng.integers(0, k // 2 + 1)) for k in kernel * 2
        ]
        attributes["dilations"] = [int(g.pick([1, 1, 1, 2])) for _ in kernel]
    attributes["strides"] = [int(g.pick([1, 1, 2, 3])) for _ in kernel]
    g.add("Conv", operands, **attributes)


def transposed_convolution(g):
    x = g.any_value(4, 3)
    if x is None:
        return
    channels = x.shape[1]
    group = g.pick([d for d in (1, 1, 2, channels) if channels % d == 0])
    spatial = x.rank - 2
    kernel = [int(g.pick([1, 2, 3, 4])) for _ in range(spatial)]
    weights = g.array((channels, int(g.pick([1, 2, 5])), *kernel), 0.2)
    strides = [int(g.pick([1, 2, 3])) for _ in kernel]
    attributes = {
        "group": int(group),
        "strides": strides,
        "pads": [int(g.rng.integers(0, k + 1)) for k in kernel * 2],
    }
    if g.chance(0.3):
        attributes["output_padding"] = [int(g.rng.integers(0, s)) for s in strides]
    g.add("ConvTranspose", [x, g.constant(weights)], **attributes)


def pool(g):
    x = g.any_value(4, 3)
    if x is None:
        return
    spatial = x.rank - 2
    kernel = [int(g.pick([2, 3, 3, 4])) for _ in range(spatial)]
    attributes = {
        "kernel_shape": kernel,
        "strides": [int(g.pick([1, 2, 3])) for _ in kernel],
        "pads": [int(g.rng.integers(0, k // 2 + 1)) for k in kernel * 2],
        "ceil_mode": int(g.chance(0.2)),
    }
    # ONNX Runtime makes one window of what is smaller than a window.
    padded = np.array(x.shape[2:]) + np.reshape(attributes["pads"], (2, -1)).sum(0)
    if (padded < kernel).any():
        return
    kind = g.pick(["MaxPool", "AveragePool"])
    if kind == "AveragePool":
        attributes["count_include_pad"] = int(g.chance(0.5))
    g.add(kind, [x], **attributes)


def global_pool(g):
    x = g.any_value(4, 3)
    if x is not None:
        g.add(g.pick(["GlobalAveragePool", "GlobalMaxPool"]), [x])


def batch_normalization(g):
    x = g.any_value(4, 3, 2)
    if x is None:
        return
    c = (x.shape[1],)
    scale, bias, mean = g.array(c), g.array(c), g.array(c, 0.3)
    variance = 0.3 + np.abs(g.array(c))
    g.add("BatchNormalization", [x, *map(g.constant, (scale, bias, mean, variance))])


def instance_normalization(g):
    x = g.any_value(4, 3)
    if x is not None:
        c = (x.shape[1],)
        g.add(
            "InstanceNormalization",
            [x, g.constant(g.array(c)), g.constant(g.array(c))],
            epsilon=1e-2,
        )


def layer_normalization(g):
    x = g.any_value()
    axis = int(g.rng.integers(1, x.rank)) if x.rank > 1 else -1
    shape = x.shape[axis:]
    operands = [x, g.constant(g.array(shape)), g.constant(g.array(shape))]
    g.add("LayerNormalization", operands, axis=axis, epsilon=1e-2)


def softmax(g):
    x = g.any_value()
    axis = g.axis(x)
    if axis is not None:
        g.add(g.pick(["Softmax", "LogSoftmax"]), [x], axis=axis)


def reduce(g):
    x = g.any_value()
    axis = g.axis(x)
    if axis is None:
        return
    axes = {axis, g.axis(x)} if g.chance(0.4) else {axis}
    kind = g.pick("ReduceMean ReduceSum ReduceMax ReduceMin ReduceL2".split())
    axes = np.array(sorted(axes), np.int64)
    operands = [x, g.constant(axes)]
    g.add(kind, operands, keepdims=int(g.chance(0.7)))


def cumulative_sum(g):
    x = g.any_value()
    axis = g.axis(x)
    if axis is not None:
        operands = [x, g.constant(np.array(axis, np.int64))]
        g.add("CumSum", operands, reverse=int(g.chance(0.3)))


def transpose(g):
    x = g.any_value()
    first = g.first_axis()
    moved = list(range(first, x.rank))
    g.rng.shuffle(moved)
    g.add("Transpose", [x], perm=[*range(first), *map(int, moved)])


def reshape(g):
    x = g.any_value()
    if x.rank < 2:
        return
    first = g.first_axis()
    count = int(np.prod(x.shape[first:]))
    dims = []
    for _ in range(g.rng.integers(0, 3)):
        d = int(g.pick([d for d in range(1, 17) if count % d == 0]))
        dims.append(d)
        count //= d
    dims.insert(int(g.rng.integers(0, len(dims) + 1)), count)
    if g.chance(0.5):
        dims[int(g.rng.integers(len(dims)))] = -1
    g.add("Reshape", [x, g.constant(np.array([0] * first + dims, np.int64))])


def flatten(g):
    g.add("Flatten", [g.any_value()], axis=1)


def unsqueeze(g):
    x = g.any_value()
    if x.rank < 5:
        axis = int(g.rng.integers(g.first_axis(), x.rank + 1))
        g.add("Unsqueeze", [x, g.constant(np.array([axis], np.int64))])


def squeeze(g):
    x = g.any_value()
    ones = [i for i in range(g.first_axis(), x.rank) if x.shape[i] == 1]
    if ones and x.rank > 1:
        g.add("Squeeze", [x, g.constant(np.array([g.pick(ones)], np.int64))])


def concat(g):
    x = g.any_value()
    axis = g.axis(x)
    if axis is None:
        return
    rest = lambda v: (*v.shape[:axis], *v.shape[axis + 1 :])
    fit = [v for v in g.values if v.rank == x.rank and rest(v) == rest(x)]
    parts = [x] + [g.pick(fit) for _ in range(g.rng.integers(1, 3))]
    g.rng.shuffle(parts)
    g.add("Concat", parts, axis=axis)


def split(g):
    x = g.any_value()
    axis = g.axis(x)
    if axis is None or x.shape[axis] < 2:
        return
    at = int(g.rng.integers(1, x.shape[axis]))
    sizes = np.array([at, x.shape[axis] - at], np.int64)
    g.add("Split", [x, g.constant(sizes)], count=2, axis=axis)


def slices(g):
    x = g.any_value()
    axis = g.axis(x)
    if axis is None:
        return
    size = x.shape[axis]
    start, end = sorted(map(int, g.rng.integers(0, size + 1, 2)))
    step = int(g.pick([1, 1, 2, 3]))
    if g.chance(0.25):
        start, end, step = end - 1, start - 1 - size, -step
    ints = [g.constant(np.array([n], np.int64)) for n in (start, end, axis, step)]
    g.add("Slice", [x, *ints])


def pad(g):
    x = g.any_value()
    first = g.first_axis()
    before, after = (
        [0] * first + [int(n) for n in g.rng.integers(0, 3, x.rank - first)]
        for _ in range(2)
    )
    mode = g.pick(["constant", "constant", "reflect", "edge"])
    operands = [x, g.constant(np.array(before + after, np.int64))]
    if mode == "constant":
        operands.append(g.real(g.pick([0.0, -1.5])))
    g.add("Pad", operands, mode=mode)


def resize(g):
    x = g.any_value(4)
    if x is None:
        return
    coordinates = g.pick(["asymmetric", "half_pixel", "align_corners"])
    # ONNX Runtime rounds the resized length that ONNX's align_corners leaves
    # as it is: only whole lengths can be compared.
    whole = coordinates == "align_corners"
    factors = [2.0, 3.0] if whole else [2.0, 2.0, 0.5, 1.5]
    scale = [1.0, 1.0, *(float(g.pick(factors)) for _ in range(2))]
    scales = g.constant(np.array(scale, np.float32))
    mode = g.pick(["nearest", "linear"])
    attributes = {"mode": mode}
    attributes["coordinate_transformation_mode"] = coordinates
    if mode == "nearest":
        attributes["nearest_mode"] = g.pick(["floor", "round_prefer_floor"])
    g.add("Resize", [x, "", scales], **attributes)


def depth_space(g):
    x = g.any_value(4)
    if x is not None:
        kind = g.pick(["DepthToSpace", "SpaceToDepth"])
        g.add(kind, [x], blocksize=2)


def gather(g):
    x = g.any_value()
    axis = g.axis(x)
    if axis is None:
        return
    shape = g.pick([(), (3,), (2, 2)])
    indices = np.asarray(g.rng.integers(-x.shape[axis], x.shape[axis], shape))
    g.add("Gather", [x, g.constant(indices.astype(np.int64))], axis=axis)


def expand(g):
    x = g.any_value()
    shape = [1 if i == 0 else (int(g.pick([1, 3])) if d == 1 else 1)
             for i, d in enumerate(x.shape)]
    g.add("Expand", [x, g.constant(np.array(shape, np.int64))])


def tile(g):
    x = g.any_value()
    first = g.first_axis()
    repeats = [1] * first + [int(g.pick([1, 1, 2])) for _ in range(x.rank - first)]
    g.add("Tile", [x, g.constant(np.array(repeats, np.int64))])


def matmul_constant(g):
    x = g.any_value()
    if x.rank < 2:
        return
    weights = g.array((x.shape[-1], int(g.pick([1, 5, 16, 33, 64]))))
    weights /= np.sqrt(x.shape[-1])
    g.add("MatMul", [x, g.real(weights)])


def matmul_values(g):
    x = g.any_value()
    if x.rank < 2:
        return
    fit = [v for v in g.values if v.rank >= 2 and v.shape[-2] == x.shape[-1]]
    if fit:
        g.add("MatMul", [x, g.pick(fit)])


def gemm(g):
    x = g.any_value(2)
    if x is None:
        return
    columns = int(g.pick([1, 7, 16, 48]))
    transposed = int(g.chance(0.5))
    shape = (columns, x.shape[1]) if transposed else (x.shape[1], columns)
    weights = g.array(shape) / np.sqrt(x.shape[1])
    operands = [x, g.real(weights)]
    if g.chance(0.6):
        operands.append(g.constant(g.array(g.pick([(columns,), (1, columns), (1,)]))))
    g.add("Gemm", operands, transB=transposed, alpha=float(g.pick([1.0, 0.5])))


OPERATORS = [
    unary, unary, unary, leaky, clip,
    binary_values, binary_values, binary_broadcast, binary_constant, binary_constant,
    divide, power, select,
    convolution, convolution, convolution, convolution, transposed_convolution,
    pool, global_pool,
    batch_normalization, instance_normalization, layer_normalization,
    softmax, reduce, cumulative_sum,
    transpose, reshape, flatten, unsqueeze, squeeze,
    concat, split, slices, pad, resize, depth_space, gather, expand, tile,
    matmul_constant, matmul_values, gemm,
]  # fmt: skip


def random_model(seed):
    """A Builder that holds a model of 3 to 14 nodes, the same for a seed."""
    builder = Builder(seed)
    builder.grow(int(builder.rng.integers(3, 15)))
    try:
        quiet_session(builder.model(draw=False))
    except Exception:  # pylint: disable=broad-except
        # A dimension that became the batch's size by chance met a constant.
        builder.dynamic = False
    return builder
