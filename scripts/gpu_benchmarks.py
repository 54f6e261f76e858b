"""Models that scripts/gpu-bundle.py lets a GPU be measured with.

Their weights repeat a pattern, so that artifacts of them pack to little; what
they compute means nothing, but takes the time that it takes with any weights."""

import dataclasses

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper

DTYPES = {"f32": T.FLOAT, "f16": T.FLOAT16, "bf16": T.BFLOAT16}
DTYPES |= {"u8": T.UINT8, "e4m3": T.FLOAT8E4M3FN}


@dataclasses.dataclass
class Benchmark:
    """`rate` names what `flops` operations are done in (see Bench.c; "-":
    nothing to compare with), `bytes` is what at least moves to and from
    memory."""

    name: str
    model: onnx.ModelProto
    rate: str
    flops: int
    bytes: int
    flags: tuple = ()


class Graph:
    """A model in the making: an op a line."""

    def __init__(self, inputs, outputs):
        value = lambda item: helper.make_tensor_value_info(*item)
        self.inputs = [value(item) for item in inputs]
        self.outputs = [value(item) for item in outputs]
        self.nodes, self.weights = [], []

    def op(self, kind, *inputs, out=None, **attributes):
        out = out or f"v{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(kind, inputs, [out], name=f"{kind}_{out}", **attributes)
        )
        return out

    def constant(self, array):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def weight(self, shape, gain=0.5, dtype=np.float32):
        """Of a size that keeps values small through many layers."""
        fan_in = int(np.prod(shape[1:])) if len(shape) == 4 else shape[0]
        pattern = np.random.default_rng(len(self.weights)).uniform(-1, 1, 251)
        values = np.resize(pattern * gain * (3 / fan_in) ** 0.5, shape)
        return self.constant(values.astype(dtype))

    def model(self):
        graph = helper.make_graph(
            self.nodes, "benchmark", self.inputs, self.outputs, self.weights
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)])
        made.ir_version = 11
        return made


def bytes_of(dtype, *shape):
    return int(np.prod(shape)) * {"f32": 4, "f16": 2, "bf16": 2}.get(dtype, 1)


def matmul(dtype, m, n, k, rate=None, flags=()):
    kind = DTYPES[dtype]
    g = Graph([("a", kind, [m, k]), ("b", kind, [k, n])], [("y", kind, [m, n])])
    g.op("MatMul", "a", "b", out="y")
    size = bytes_of(dtype, m, k) + bytes_of(dtype, k, n) + bytes_of(dtype, m, n)
    name = f"matmul-{rate or dtype}-{m}x{n}x{k}"
    return Benchmark(name, g.model(), rate or dtype, 2 * m * n * k, size, flags)


def matmul_u8(m, n, k):
    g = Graph([("a", T.UINT8, [m, k])], [("y", T.UINT8, [m, n])])
    pattern = np.random.default_rng(0).integers(-127, 128, 251)
    scale, zero = g.constant(np.float32(0.02)), g.constant(np.uint8(128))
    weights = [g.constant(np.resize(pattern, (k, n)).astype(np.int8))]
    weights += [g.constant(np.float32(0.01)), g.constant(np.int8(0))]
    g.op("QLinearMatMul", "a", scale, zero, *weights, scale, zero, out="y")
    size = m * k + k * n + m * n
    return Benchmark(f"matmul-s8-{m}x{n}x{k}", g.model(), "s8", 2 * m * n * k, size)


def matmul_fp8(m, n, k):
    import ml_dtypes

    fp8 = ml_dtypes.float8_e4m3fn
    g = Graph([("a", T.FLOAT8E4M3FN, [m, k])], [("y", T.FLOAT, [m, n])])
    scale = g.constant(np.float32(0.02))
    zero = g.constant(np.zeros((), fp8))
    a = g.op("DequantizeLinear", "a", scale, zero)
    b = g.op("DequantizeLinear", g.weight((k, n), 50, fp8), scale, zero)
    g.op("MatMul", a, b, out="y")
    size = m * k + k * n + 4 * m * n
    return Benchmark(f"matmul-fp8-{m}x{n}x{k}", g.model(), "fp8", 2 * m * n * k, size)


def convolutions(dtype, batch, channels, size, count=4):
    """One after the other, so that channels change places at both ends alone."""
    kind, shape = DTYPES[dtype], [batch, channels, size, size]
    g = Graph([("x", kind, shape)], [("y", kind, shape)])
    kernel, y = (channels, channels, 3, 3), "x"
    for i in range(count):
        w = g.weight(kernel, dtype=np.float16)
        y = g.op("Conv", y, w, out="y" if i == count - 1 else None, pads=[1] * 4)
    flops = 2 * count * int(np.prod(shape)) * int(np.prod(kernel[1:]))
    moved = 2 * bytes_of(dtype, *shape) + count * bytes_of(dtype, *kernel)
    name = f"conv3x3-{dtype}-{batch}x{channels}x{size}x{size}"
    return Benchmark(name, g.model(), dtype, flops, moved)


def attention(dtype, heads, tokens, size, causal):
    kind, shape = DTYPES[dtype], [1, heads, tokens, size]
    g = Graph([(x, kind, shape) for x in "qkv"], [("y", kind, shape)])
    g.op("Attention", "q", "k", "v", out="y", is_causal=int(causal))
    name = f"attention-{dtype}-{heads}x{tokens}x{size}" + "-causal" * causal
    flops = 4 * heads * tokens * tokens * size // (2 if causal else 1)
    return Benchmark(name, g.model(), dtype, flops, 4 * bytes_of(dtype, *shape))


def moving(name, dtype, shape, ops, outs=None, operands=1):
    """What moves memory: `ops` makes it of a graph."""
    kind, outs = DTYPES[dtype], shape if outs is None else outs
    inputs = [(x, kind, shape) for x in "ab"[:operands]]
    g = Graph(inputs, [("y", kind, outs)])
    ops(g)
    size = operands * bytes_of(dtype, *shape) + bytes_of(dtype, *outs)
    return Benchmark(f"{name}-{dtype}", g.model(), "-", 0, size)


def memory_bound(rows, columns):
    shape = [rows, columns]

    def norm(g):
        scale, bias = (g.constant(np.full(columns, x, np.float16)) for x in (1, 0))
        g.op("LayerNormalization", "a", scale, bias, out="y")

    def mean(g):
        axis = g.constant(np.array([1], np.int64))
        g.op("ReduceMean", "a", axis, out="y")

    def total(g):
        axes = g.constant(np.array([0, 1], np.int64))
        g.op("ReduceSum", "a", axes, out="y", keepdims=0)

    yield moving("add", "f32", shape, lambda g: g.op("Add", "a", "b", out="y"), None, 2)
    yield moving("gelu", "f16", shape, lambda g: g.op("Gelu", "a", out="y"))
    yield moving("softmax", "f16", shape, lambda g: g.op("Softmax", "a", out="y"))
    yield moving("layernorm", "f16", shape, norm)
    yield moving("mean-of-rows", "f32", shape, mean, [rows, 1])
    yield moving("sum-of-all", "f32", shape, total, [])
    turn = lambda g: g.op("Transpose", "a", out="y", perm=[1, 0])
    yield moving("transpose", "f32", shape, turn, shape[::-1])


def resnet50(batch, flags=()):
    g = Graph(
        [("x", T.FLOAT, [batch, 3, 224, 224])], [("y", T.FLOAT, [batch, 1000])]
    )
    flops = 0

    def conv(x, cin, cout, size, k=1, stride=1, relu=True):
        nonlocal flops
        flops += 2 * batch * size * size * cout * cin * k * k
        w, b = g.weight((cout, cin, k, k)), g.weight((cout,))
        p = k // 2
        y = g.op("Conv", x, w, b, strides=[stride] * 2, pads=[p] * 4)
        return g.op("Relu", y) if relu else y

    y = conv("x", 3, 64, 112, 7, 2)
    y = g.op("MaxPool", y, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    cin, size = 64, 56
    for stage, count in enumerate((3, 4, 6, 3)):
        mid = 64 << stage
        for block in range(count):
            stride = 2 if stage and not block else 1
            inner = conv(y, cin, mid, size)
            size //= stride
            inner = conv(inner, mid, mid, size, 3, stride)
            inner = conv(inner, mid, 4 * mid, size, relu=False)
            if not block:
                y = conv(y, cin, 4 * mid, size, 1, stride, relu=False)
            y = g.op("Relu", g.op("Add", inner, y))
            cin = 4 * mid
    y = g.op("Flatten", g.op("GlobalAveragePool", y))
    g.op("Gemm", y, g.weight((2048, 1000)), g.weight((1000,)), out="y")
    flops += 2 * batch * 2048 * 1000
    return finish("resnet50", batch, g, flops, flags)


def bert_base(batch, flags=(), tokens=128, size=768, heads=12, layers=12):
    g = Graph(
        [("ids", T.INT64, [batch, tokens])], [("y", T.FLOAT, [batch, tokens, size])]
    )
    shape = lambda *dims: g.constant(np.array(dims, np.int64))

    def linear(x, fan_in, fan_out):
        return g.op("Add", g.op("MatMul", x, g.weight((fan_in, fan_out))),
                    g.weight((fan_out,)))  # fmt: skip

    def norm(x, out=None):
        one = g.constant(np.ones(size, np.float32))
        return g.op("LayerNormalization", x, one, g.weight((size,)), out=out)

    def split(x, perm):
        x = g.op("Reshape", x, shape(batch, tokens, heads, size // heads))
        return g.op("Transpose", x, perm=perm)

    x = g.op("Gather", g.weight((30522, size), 50), "ids")
    x = norm(g.op("Add", x, g.weight((tokens, size), 5)))
    root = g.constant(np.float32((size // heads) ** -0.5))
    for layer in range(layers):
        q = split(linear(x, size, size), [0, 2, 1, 3])
        k = split(linear(x, size, size), [0, 2, 3, 1])
        v = split(linear(x, size, size), [0, 2, 1, 3])
        scores = g.op("Softmax", g.op("Mul", g.op("MatMul", q, k), root))
        y = g.op("Transpose", g.op("MatMul", scores, v), perm=[0, 2, 1, 3])
        y = g.op("Reshape", y, shape(batch, tokens, size))
        x = norm(g.op("Add", x, linear(y, size, size)))
        y = linear(g.op("Gelu", linear(x, size, 4 * size)), 4 * size, size)
        x = norm(g.op("Add", x, y), "y" if layer == layers - 1 else None)
    each = 2 * tokens * 12 * size * size + 4 * tokens * tokens * size
    return finish("bert_base", batch, g, batch * layers * each, flags)


def finish(name, batch, g, flops, flags):
    """Each weight and the input must be read once; the rest may stay near."""
    half = "--precision=f16" in flags
    size = sum(int(np.prod(w.dims)) for w in g.weights) * (2 if half else 4)
    rate = "f16" if half else "tf32" if flags else "f32"
    return Benchmark(f"{name}-{rate}-b{batch}", g.model(), rate, flops, size, flags)


def benchmarks(size):
    """`size`: "full", or "small" for an interpreter."""
    if size == "small":
        yield matmul("f16", 64, 64, 64)
        yield from memory_bound(8, 64)
        yield attention("f16", 1, 64, 64, causal=True)
        return
    tf32 = ("--fp32-products=tf32",)
    yield matmul("bf16", 8192, 8192, 8192)
    for dtype in ("bf16", "f16", "f32"):
        yield matmul(dtype, 4096, 4096, 4096)
    yield matmul("f32", 4096, 4096, 4096, "tf32", tf32)
    yield matmul_u8(4096, 4096, 4096)
    yield convolutions("f16", 32, 256, 56)
    yield matmul_fp8(4096, 4096, 4096)
    yield matmul("bf16", 1, 16384, 8192)
    yield matmul("bf16", 64, 4096, 16384)
    for causal in (False, True):
        yield attention("bf16", 16, 8192, 128, causal)
    yield attention("f16", 32, 4096, 64, causal=False)
    yield from memory_bound(65536, 1024)
    for batch in (1, 32):
        for flags in ((), ("--precision=f16",), tf32):
            yield resnet50(batch, flags)
            yield bert_base(batch, flags)
