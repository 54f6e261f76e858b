#!/usr/bin/env python3
"""Writes 8-bit forms of float models with ONNX Runtime's own quantizer.

usage: bench/int8_models.py FOLDER OUT [NAME ...]

FOLDER holds NAME/model.onnx (default: resnet50, mobilenet_v2, bert_base). OUT
gets NAME-FORM/model.onnx, what bench/compare.py and the tests of whole models
take: `qdq` and `qop` (static, unsigned activations, signed weights per channel,
as QDQ and as QOperator), `s8` (QDQ with signed activations) and, for models
with integer inputs, `dyn` (dynamic). Ranges come from random inputs: the files
are for timing and agreement, not for accuracy.
"""

import argparse
import pathlib
import tempfile

import numpy as np
import onnxruntime
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

DEFAULT_MODELS = ("resnet50", "mobilenet_v2", "bert_base")
SAMPLES = 3


class RandomInputs(CalibrationDataReader):
    """A few random samples for every input of a model."""

    def __init__(self, path):
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        rng = np.random.default_rng(0)
        self.samples = iter([self.sample(session, rng) for _ in range(SAMPLES)])

    @staticmethod
    def sample(session, rng):
        feeds = {}
        for entry in session.get_inputs():
            shape = [size if isinstance(size, int) else 1 for size in entry.shape]
            if entry.type == "tensor(float)":
                feeds[entry.name] = rng.standard_normal(shape).astype("f")
            else:
                feeds[entry.name] = rng.integers(0, 2, shape)
        return feeds

    def get_next(self):
        return next(self.samples, None)


def write_forms(name, source, out):
    session = onnxruntime.InferenceSession(str(source), providers=["CPUExecutionProvider"])
    is_text = any("int" in entry.type for entry in session.get_inputs())
    with tempfile.TemporaryDirectory() as folder:
        prepared = pathlib.Path(folder) / "model.onnx"
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)

        def target(form):
            path = out / f"{name}-{form}" / "model.onnx"
            path.parent.mkdir(parents=True, exist_ok=True)
            print(path, flush=True)
            return str(path)

        if is_text:
            quantize_dynamic(str(prepared), target("dyn"), weight_type=QuantType.QInt8)
        forms = {
            "qdq": (QuantFormat.QDQ, QuantType.QUInt8),
            "qop": (QuantFormat.QOperator, QuantType.QUInt8),
            "s8": (QuantFormat.QDQ, QuantType.QInt8),
        }
        for form, (kind, activations) in forms.items():
            quantize_static(
                str(prepared),
                target(form),
                RandomInputs(prepared),
                quant_format=kind,
                per_channel=True,
                activation_type=activations,
                weight_type=QuantType.QInt8,
                # Tables of embeddings and normalisations stay in float.
                op_types_to_quantize=["MatMul", "Gemm", "Add"] if is_text else None,
            )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], epilog=__doc__.partition("]\n\n")[2]
    )
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("names", nargs="*", metavar="NAME", default=list(DEFAULT_MODELS))
    options = parser.parse_args()
    for name in options.names:
        write_forms(name, options.folder / name / "model.onnx", options.out)


if __name__ == "__main__":
    main()
