#!/usr/bin/env python3
"""Prints parts of the IR of a model after a phase, for docs/tour.md.

usage: docs/excerpt.py PHASE PATTERN...

Compiles examples/digits/digits.onnx to PHASE with the `ingot` on the PATH and
prints, for each PATTERN (a regular expression), the first op that it matches
and that was not printed yet, with its region; "OUTER :: INNER" looks for INNER in
the region of OUTER. To save space, a symbolic tensor
type is written tensor<Nx8x8x1xf32> for
tensor<?x8x8x1xf32, #onnx.dims<["N", 8, 8, 1]>>, affine maps stand in place of
their names, and long lines are broken.
"""

import pathlib
import re
import subprocess
import sys

MODEL = pathlib.Path(__file__).resolve().parents[1] / "examples/digits/digits.onnx"
# One target, so that every machine prints the same.
COMMAND = ["ingot", "compile", str(MODEL), "--target=x86-64-v4", "--quiet"]
WIDTH = 92


def shorten(text):
    """One line with short types and with its maps in place."""

    def symbolic(match):
        dims = re.findall(r'"[^"]*"|\d+', match.group(3))
        dims = [dim.strip('"').replace(" ", "") for dim in dims]
        element = match.group(2).rsplit("x", 1)[-1]
        return f"{match.group(1)}<{'x'.join([*dims, element])}>"

    text = re.sub(r"(tensor)<([^<>,]*), #onnx\.dims<\[([^\]]*)\]>>", symbolic, text)
    text = re.sub(r"dense<\[(\S+, ){2}[^\]]*\]>", r"dense<[\1...]>", text)
    return re.sub(r"array<i64: ([^>]*)>", r"[\1]", text)


def wrapped(line):
    """The line in lines of at most WIDTH columns, where there is a good place."""
    places = r" (?=\{\w|ins\(|outs\(|: \(|-> \(?tensor|attributes |\w+ = )|(?<!->) (?=\(d0)"
    places += r"|(?<=,) (?=%arg\d+: )"
    margin = len(re.match(r" *", line).group(0))
    parts = []
    while len(line) > WIDTH:
        ends = [at.start() for at in re.finditer(places, line[:WIDTH])]
        ends = [at for at in ends if at > margin + 4]
        if not ends:
            break
        parts.append(line[: ends[-1]])
        line = " " * (margin + 4) + line[ends[-1] + 1 :]
    return "\n".join([*parts, line])


def end_of(lines, start):
    """The line after the op that begins at a line, and after its region."""
    end = start
    if lines[start].endswith("{"):
        indent = re.match(r" *", lines[start]).group(0)
        while not lines[end].startswith(indent + "}"):
            end += 1
    return end + 1


def find(lines, pattern, printed):
    """The lines of the op that a pattern names, as (first, last + 1)."""
    first, last = 0, len(lines)
    for part in pattern.split(" :: "):
        for start in range(first, last):
            if re.search(part, lines[start]) and start not in printed:
                break
        else:
            sys.exit(f"excerpt: no op matches {pattern}")
        first, last = start + 1, end_of(lines, start)
    return start, last


def main(phase, *patterns):
    done = subprocess.run(
        [*COMMAND, f"--emit={phase}", "-o", "-"], capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(done.stderr)
    text = done.stdout
    maps = dict(re.findall(r"^(#map\d*) = affine_map<(.*)>$", text, re.MULTILINE))
    text = re.sub(r"#map\d*\b", lambda name: maps.get(name.group(0), name.group(0)), text)
    lines, printed = text.split("\n"), set()
    for pattern in patterns:
        start, end = find(lines, pattern, printed)
        printed.update(range(start, end))
        margin = len(re.match(r" *", lines[start]).group(0))
        for line in lines[start:end]:
            print(wrapped(shorten(line[margin:])))


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(*sys.argv[1:])
