"""Reads the PNG images that come with models: 8 bits, not interlaced."""

import struct
import zlib

import numpy as np

CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # by colour type


def read(path):
    """uint8 [height, width, channels]"""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", path
    packed, offset = b"", 8
    while offset < len(data):
        size, kind = struct.unpack(">I4s", data[offset : offset + 8])
        body = data[offset + 8 : offset + 8 + size]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlace = struct.unpack(
                ">IIBBBBB", body
            )
            assert depth == 8 and not interlace, path
        elif kind == b"IDAT":
            packed += body
        offset += size + 12
    channels = CHANNELS[colour]
    rows = np.frombuffer(zlib.decompress(packed), "u1")
    rows = rows.reshape(height, 1 + width * channels)
    image = np.zeros((height + 1, width + 1, channels), "u1")
    for y in range(height):
        _unfilter(rows[y, 0], rows[y, 1:], image, y + 1, channels)
    return image[1:, 1:]


def _unfilter(kind, row, image, y, channels):
    """Undoes one row's prediction from the pixels left, above and both."""
    row = row.reshape(-1, channels).astype(int)
    if kind in (0, 2):
        image[y, 1:] = row + (image[y - 1, 1:] if kind == 2 else 0)
        return
    for x in range(1, len(row) + 1):
        left, up = image[y, x - 1].astype(int), image[y - 1, x].astype(int)
        if kind == 1:
            guess = left
        elif kind == 3:
            guess = (left + up) // 2
        else:
            corner = image[y - 1, x - 1].astype(int)
            near = [abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)]
            guess = np.where(
                (near[0] <= near[1]) & (near[0] <= near[2]),
                left,
                np.where(near[1] <= near[2], up, corner),
            )
        image[y, x] = (row[x - 1] + guess) % 256
