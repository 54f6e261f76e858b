"""The comparison of whole models: it must see what matters."""

import struct
import zlib

import numpy as np
import pytest

from support import agreement, png

ROW = np.float32([[0.1, 0.7, 0.2], [0.3, 0.3, 0.4]])


@pytest.mark.parametrize(
    "actual, message",
    [
        (ROW.astype("d"), "type"),
        (ROW.reshape(3, 2), "shape"),
        (ROW + np.float32([[0, 0.01, 0], [0, 0, 0]]), "1 of 6 values"),
        (np.where(ROW == ROW[0, 1], np.float32(np.nan), ROW), "1 of 6 values"),
        (np.full_like(ROW, np.inf), "6 of 6 values"),
    ],
)
def test_difference_is_seen(actual, message):
    assert message in agreement.disagreement("y", ROW, actual)


def test_rounding_agrees():
    assert agreement.disagreement("y", ROW, ROW * np.float32(1 + 1e-5)) is None


def test_reference_must_be_finite():
    assert "tests nothing" in agreement.disagreement("y", ROW * np.inf, ROW * np.inf)


def test_integers_are_compared_exactly():
    one = np.arange(4)
    assert agreement.disagreement("y", one, one + (one == 2)) == "y: 1 values differ"


def test_class_is_compared():
    other = ROW[:, ::-1]
    assert "another class in 1 rows" in agreement.classes_disagreement(
        "y", ROW, np.float32([[0.7, 0.1, 0.2], [0.3, 0.3, 0.4]]), 0.1
    )
    assert agreement.classes_disagreement("y", ROW, other, 1) is None


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + b"\0\0\0\0"


@pytest.mark.parametrize("kind", range(5))
def test_png_filters(tmp_path, kind):
    rng = np.random.default_rng(kind)
    image = rng.integers(0, 256, (4, 5, 3), dtype="u1")
    padded = np.zeros((5, 6, 3), int)
    padded[1:, 1:] = image
    left, up, corner = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    estimate = left + up - corner
    near = np.stack([abs(estimate - v) for v in (left, up, corner)]).argmin(0)
    guess = [
        0 * left,
        left,
        up,
        (left + up) // 2,
        np.choose(near, [left, up, corner]),
    ][kind]
    coded = ((image - guess) % 256).astype("u1").reshape(4, -1)
    rows = np.hstack([np.full((4, 1), kind, "u1"), coded]).tobytes()
    path = tmp_path / "a.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 5, 4, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    np.testing.assert_array_equal(png.read(path), image)
