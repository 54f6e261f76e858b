"""Whether a whole model's outputs agree with a reference's."""

import numpy as np

# Relative to each value, and to the largest one of the output: rounding errors
# of a long chain of float32 sums, far below what a wrong weight makes.
TOLERANCE = (1e-3, 1e-4)
# Half precision between the layers: 2^-11 each, some tens of layers.
TOLERANCE_F16 = (2e-2, 2e-2)
# What probabilities of about 0 may differ by: ONNX Runtime's sigmoid is only
# that near.
PROBABILITY = 2e-7


def disagreement(name, expected, actual):
    """What is wrong with an output, or None."""
    if actual.shape != expected.shape:
        return f"{name}: shape {actual.shape}, expected {expected.shape}"
    if actual.dtype != expected.dtype:
        return f"{name}: type {actual.dtype}, expected {expected.dtype}"
    if expected.dtype.kind not in "f":
        different = np.count_nonzero(actual != expected)
        return f"{name}: {different} values differ" if different else None
    relative, absolute = TOLERANCE_F16 if expected.dtype == np.float16 else TOLERANCE
    expected, actual = expected.astype("d"), actual.astype("d")
    if not np.isfinite(expected).all():
        return f"{name}: the reference is not finite, which tests nothing"
    largest = np.abs(expected).max(initial=0)
    bound = relative * np.abs(expected) + max(absolute * largest, PROBABILITY)
    error = np.abs(actual - expected)
    if not (error <= bound).all():
        worst = np.nanargmax(np.where(np.isnan(error), np.inf, error) - bound)
        at = np.unravel_index(worst, error.shape)
        return (
            f"{name}: {np.count_nonzero(~(error <= bound))} of {error.size} values"
            f" differ, at {tuple(map(int, at))} {actual[at]:.7g} not"
            f" {expected[at]:.7g}; the largest is {largest:.7g}"
        )
    return classes_disagreement(name, expected, actual, 2 * bound.max(initial=0))


def classes_disagreement(name, expected, actual, margin):
    """Compares the largest entry of each row, where it leads by the margin."""
    if expected.ndim < 2 or expected.size < 2:
        return None
    wanted = expected.reshape(len(expected), -1)
    given = actual.reshape(len(expected), -1)
    if wanted.shape[1] < 2:
        return None
    top = np.partition(wanted, -2, axis=1)[:, -2:]
    clear = top[:, 1] - top[:, 0] > margin
    different = (wanted.argmax(1) != given.argmax(1)) & clear
    return f"{name}: another class in {different.sum()} rows" if different.any() else None
