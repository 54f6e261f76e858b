#!/usr/bin/env python3
"""Shows an image of a digit, runs the compiled model on it, says what it saw.

usage: classify.py MODEL [IMAGE.pgm] [--ingot PATH]

MODEL is digits.onnx or what `ingot compile` made of it. Needs Python alone: the
image travels to `ingot run` in an .npz file, as the probabilities travel back.
"""

import argparse
import array
import ast
import math
import pathlib
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
SHADES = " .:-=+*#%@"


def read_pgm(path):
    """(width, height, largest value, pixels) of a PGM text file."""
    lines = [line.partition("#")[0] for line in path.read_text().splitlines()]
    words = " ".join(lines).split()
    if not words or words[0] != "P2":
        sys.exit(f"classify: {path} is not a PGM text image (P2)")
    width, height, top, *pixels = map(int, words[1:])
    if len(pixels) != width * height:
        sys.exit(f"classify: {path} has not {width}x{height} pixels")
    return width, height, top, pixels


def show(width, top, pixels):
    for start in range(0, len(pixels), width):
        row = pixels[start : start + width]
        shades = (SHADES[p * (len(SHADES) - 1) // top] * 2 for p in row)
        print("    " + "".join(shades))


def write_npz(path, name, shape, values):
    header = repr({"descr": "<f4", "fortran_order": False, "shape": shape}).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.npy", data + array.array("f", values).tobytes())


def read_npz(path, name):
    with zipfile.ZipFile(path) as archive:
        data = archive.read(f"{name}.npy")
    size = int.from_bytes(data[8:10], "little")
    header = ast.literal_eval(data[10 : 10 + size].decode())
    assert header["descr"] == "<f4", header
    values = array.array("f", data[10 + size :])
    assert len(values) == math.prod(header["shape"]), header
    return values


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model")
    parser.add_argument(
        "image", nargs="?", type=pathlib.Path, default=HERE / "seven.pgm"
    )
    parser.add_argument("--ingot", default=HERE.parents[1] / "build/bin/ingot")
    options = parser.parse_args()

    width, height, top, pixels = read_pgm(options.image)
    if (width, height) != (8, 8):
        sys.exit(f"classify: the model takes 8x8 images, not {width}x{height}")
    print(f"{options.image.name}:")
    show(width, top, pixels)
    with tempfile.TemporaryDirectory() as folder:
        given, result = f"{folder}/in.npz", f"{folder}/out.npz"
        scaled = [pixel * 16 / top for pixel in pixels]
        write_npz(given, "image", (1, 1, 8, 8), scaled)
        command = [options.ingot, "run", options.model]
        done = subprocess.run([*command, "--inputs", given, "--outputs", result])
        if done.returncode:
            return done.returncode
        probabilities = read_npz(result, "probabilities")
    best = max(range(10), key=lambda digit: probabilities[digit])
    print(f"this is a {best}, with probability {probabilities[best]:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
