"""Two layers of BERT and of GPT-2, small, as their exporters write them."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

WIDTH, HEADS, TOKENS, WORDS = 64, 4, 12, 97


class Builder:
    """Collects the nodes and weights of a graph."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.weights = [], []

    def constant(self, array):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def random(self, *shape, scale=0.2, shift=0.0):
        values = self.rng.standard_normal(shape) * scale + shift
        return self.constant(values.astype(np.float32))

    def add(self, op, *inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name, **attributes))
        return name

    def norm(self, x):
        scale = self.random(WIDTH, scale=0.1, shift=1.0)
        return self.add("LayerNormalization", x, scale, self.random(WIDTH), axis=-1)

    def linear(self, x, inputs, outputs):
        product = self.add("MatMul", x, self.random(inputs, outputs))
        return self.add("Add", product, self.random(outputs))

    def gelu(self, x):
        scaled = self.add("Div", x, self.constant(np.float32(np.sqrt(2))))
        error = self.add("Add", self.add("Erf", scaled), self.constant(np.float32(1)))
        half = self.add("Mul", x, error)
        return self.add("Mul", half, self.constant(np.float32(0.5)))

    def heads(self, x, perm):
        shape = self.constant(np.array([0, 0, HEADS, WIDTH // HEADS]))
        return self.add("Transpose", self.add("Reshape", x, shape), perm=perm)

    def attention(self, x, mask):
        q = self.heads(self.linear(x, WIDTH, WIDTH), [0, 2, 1, 3])
        k = self.heads(self.linear(x, WIDTH, WIDTH), [0, 2, 3, 1])
        v = self.heads(self.linear(x, WIDTH, WIDTH), [0, 2, 1, 3])
        root = self.constant(np.float32(np.sqrt(WIDTH // HEADS)))
        scores = self.add("Div", self.add("MatMul", q, k), root)
        shares = self.add("Softmax", self.add("Add", scores, mask), axis=-1)
        mixed = self.add("Transpose", self.add("MatMul", shares, v), perm=[0, 2, 1, 3])
        shape = self.constant(np.array([0, 0, WIDTH]))
        return self.linear(self.add("Reshape", mixed, shape), WIDTH, WIDTH)

    def embeddings(self, ids):
        words = self.add("Gather", self.random(WORDS, WIDTH, scale=1.0), ids)
        return self.add("Add", words, self.random(1, TOKENS, WIDTH))

    def model(self, inputs, output, shape):
        made = helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)
        graph = helper.make_graph(self.nodes, "transformer", inputs, [made], self.weights)
        opset = helper.make_opsetid("", 17)
        return helper.make_model(graph, ir_version=8, opset_imports=[opset])


def ids(batch):
    return helper.make_tensor_value_info("ids", TensorProto.INT64, [batch, TOKENS])


def bert(batch):
    """Normalisation after each half; a mask of padded tokens."""
    b = Builder(1)
    mask = helper.make_tensor_value_info("mask", TensorProto.FLOAT, [batch, TOKENS])
    axes = b.constant(np.array([1, 2]))
    inverse = b.add("Sub", b.constant(np.float32(1)), b.add("Unsqueeze", "mask", axes))
    bias = b.add("Mul", inverse, b.constant(np.float32(-1e4)))
    x = b.norm(b.embeddings("ids"))
    for _ in range(2):
        x = b.norm(b.add("Add", x, b.attention(x, bias)))
        hidden = b.gelu(b.linear(x, WIDTH, 4 * WIDTH))
        x = b.norm(b.add("Add", x, b.linear(hidden, 4 * WIDTH, WIDTH)))
    return b.model([ids(batch), mask], x, [batch, TOKENS, WIDTH])


def gpt2(batch):
    """Normalisation before each half; a causal mask; the words' scores."""
    b = Builder(2)
    causal = np.triu(np.full((TOKENS, TOKENS), -1e4, np.float32), 1)
    bias = b.constant(causal)
    x = b.embeddings("ids")
    for _ in range(2):
        x = b.add("Add", x, b.attention(b.norm(x), bias))
        hidden = b.gelu(b.linear(b.norm(x), WIDTH, 4 * WIDTH))
        x = b.add("Add", x, b.linear(hidden, 4 * WIDTH, WIDTH))
    scores = b.add("MatMul", b.norm(x), b.random(WIDTH, WORDS))
    return b.model([ids(batch)], scores, [batch, TOKENS, WORDS])
