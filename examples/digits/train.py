#!/usr/bin/env python3
"""Trains the digits classifier; writes digits.onnx, seven.pgm, held-back.npz.

    python3 -m venv venv && venv/bin/pip install numpy onnx==1.23.2 scikit-learn
    venv/bin/python train.py

A small convolutional network for the 8x8 images of handwritten digits that come
with scikit-learn, trained with plain numpy: two convolutions with ReLU and max
pooling, then one linear layer. A quarter of the images is held back for the
accuracy, which is written into the model's metadata. The same seed gives the
same split and, on one machine, the same model.
"""

import argparse
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

SEED = 7
CHANNELS = (16, 32)


def patches(x):
    """[N, H, W, 9 C]: the 3x3 neighbourhood of each pixel, zero padded."""
    n, c, h, w = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(n, h, w, 9 * c)


class Convolution:
    """3x3, padding 1, followed by ReLU and 2x2 max pooling."""

    def __init__(self, rng, inputs, outputs):
        scale = np.sqrt(2 / (9 * inputs))
        self.weight = rng.normal(0, scale, (outputs, inputs, 3, 3)).astype("f")
        self.bias = np.zeros(outputs, "f")

    def forward(self, x):
        self.shape, self.columns = x.shape, patches(x)
        flat = self.weight.reshape(len(self.weight), -1)
        y = np.maximum(self.columns @ flat.T + self.bias, 0).transpose(0, 3, 1, 2)
        n, c, h, w = y.shape
        self.y = y.reshape(n, c, h // 2, 2, w // 2, 2)
        self.top = self.y.max((3, 5), keepdims=True)
        return self.top[:, :, :, 0, :, 0]

    def backward(self, gradient):
        n, c, h, w = (*gradient.shape[:2], 2 * gradient.shape[2], 2 * gradient.shape[3])
        spread = gradient[:, :, :, None, :, None] * (self.y == self.top) * (self.y > 0)
        spread = spread.reshape(n, c, h, w)
        rows = spread.transpose(0, 2, 3, 1).reshape(-1, c)
        columns = self.columns.reshape(len(rows), -1)
        self.gradients = (rows.T @ columns).reshape(self.weight.shape), rows.sum(0)
        # The gradient of a convolution is one with the flipped weights.
        flipped = self.weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
        flat = flipped.reshape(self.shape[1], -1)
        return (patches(spread) @ flat.T).transpose(0, 3, 1, 2)


class Linear:
    def __init__(self, rng, inputs, outputs):
        self.weight = rng.normal(0, np.sqrt(1 / inputs), (outputs, inputs)).astype("f")
        self.bias = np.zeros(outputs, "f")

    def forward(self, x):
        self.shape, self.x = x.shape, x.reshape(len(x), -1)
        return self.x @ self.weight.T + self.bias

    def backward(self, gradient):
        self.gradients = gradient.T @ self.x, gradient.sum(0)
        return (gradient @ self.weight).reshape(self.shape)


class Network:
    def __init__(self, rng):
        first, second = CHANNELS
        self.layers = [
            Convolution(rng, 1, first),
            Convolution(rng, first, second),
            Linear(rng, second * 2 * 2, 10),
        ]

    def logits(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def accuracy(self, images, labels):
        return float((self.logits(images).argmax(1) == labels).mean())

    def train(self, rng, images, labels, epochs, rate=2e-3, batch=64):
        """Adam on the cross entropy, the step size falling to nothing."""
        parameters = [p for layer in self.layers for p in (layer.weight, layer.bias)]
        moments = [(np.zeros_like(p), np.zeros_like(p)) for p in parameters]
        steps, step = epochs * (len(images) // batch), 0
        for _ in range(epochs):
            order = rng.permutation(len(images))
            for start in range(0, len(images) - batch + 1, batch):
                chosen = order[start : start + batch]
                gradient = softmax(self.logits(images[chosen]))
                gradient[np.arange(batch), labels[chosen]] -= 1
                gradient /= batch
                for layer in reversed(self.layers):
                    gradient = layer.backward(gradient)
                step += 1
                gradients = [g for layer in self.layers for g in layer.gradients]
                for p, g, (mean, square) in zip(parameters, gradients, moments):
                    mean += 0.1 * (g - mean)
                    square += 0.001 * (g * g - square)
                    size = rate * (1 - step / (steps + 1))
                    corrected = np.sqrt(square / (1 - 0.999**step)) + 1e-8
                    p -= size * mean / (1 - 0.9**step) / corrected


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def to_onnx(network, accuracy, tested):
    """The network as a model that takes pixels from 0 to 16, any batch size."""
    first, second, last = network.layers
    window = {"kernel_shape": [2, 2], "strides": [2, 2]}
    conv = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Mul", ["image", "scale"], ["scaled"], "scale"),
        helper.make_node("Conv", ["scaled", "w1", "b1"], ["c1"], "conv1", **conv),
        helper.make_node("Relu", ["c1"], ["r1"], "relu1"),
        helper.make_node("MaxPool", ["r1"], ["p1"], "pool1", **window),
        helper.make_node("Conv", ["p1", "w2", "b2"], ["c2"], "conv2", **conv),
        helper.make_node("Relu", ["c2"], ["r2"], "relu2"),
        helper.make_node("MaxPool", ["r2"], ["p2"], "pool2", **window),
        helper.make_node("Flatten", ["p2"], ["flat"], "flatten"),
        helper.make_node("Gemm", ["flat", "w3", "b3"], ["logits"], "linear", transB=1),
        helper.make_node("Softmax", ["logits"], ["probabilities"], "softmax"),
    ]
    weights = {
        "scale": np.float32(1 / 16),
        **{"w1": first.weight, "b1": first.bias},
        **{"w2": second.weight, "b2": second.bias},
        **{"w3": last.weight, "b3": last.bias},
    }
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(np.asarray(w), name) for name, w in weights.items()],
    )
    model = helper.make_model(
        graph,
        producer_name="ingot examples/digits",
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    helper.set_model_props(
        model,
        {
            "accuracy": f"{accuracy:.4f}",
            "test_images": str(tested),
            "data": "scikit-learn load_digits",
            "seed": str(SEED),
        },
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def pgm(image):
    """A grey image of 8x8 pixels from 0 to 16 in the PGM text format."""
    rows = [" ".join(f"{int(pixel):2}" for pixel in row) for row in image]
    return "P2\n8 8\n16\n" + "\n".join(rows) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    options = parser.parse_args()

    digits = load_digits()
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(digits.target))
    tested = len(order) // 4
    test, train = order[:tested], order[tested:]
    images = digits.images[:, None].astype("f") / 16
    labels = digits.target

    network = Network(rng)
    network.train(rng, images[train], labels[train], options.epochs)
    accuracy = network.accuracy(images[test], labels[test])
    print(f"accuracy on {tested} held-back images: {accuracy:.4f}")

    model = to_onnx(network, accuracy, tested)
    onnx.save(model, options.out / "digits.onnx")
    seven = test[labels[test] == 7][0]
    (options.out / "seven.pgm").write_text(pgm(digits.images[seven]))
    np.savez_compressed(
        options.out / "held-back.npz",
        images=digits.images[test].astype("u1"),
        labels=labels[test].astype("u1"),
    )


if __name__ == "__main__":
    main()
