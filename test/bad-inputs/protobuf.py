"""Protocol buffers by hand, for bytes that no library would write."""

VARINT, FIXED64, BYTES, GROUP, FIXED32 = 0, 1, 2, 3, 5


def varint(value):
    """An unsigned varint; negative numbers as 64-bit two's complement."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def key(number, wire_type):
    return varint(number << 3 | wire_type)


def field(number, value):
    """An int as varint; bytes or text with their length."""
    if isinstance(value, int):
        return key(number, VARINT) + varint(value)
    data = value.encode() if isinstance(value, str) else bytes(value)
    return key(number, BYTES) + varint(len(data)) + data
