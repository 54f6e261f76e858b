#!/usr/bin/env python3
"""Counts the instructions that a kernel's hot loop spends per multiply-add.

usage: bench/instructions.py MODEL [--target aarch64] [--ingot TOOL]

MODEL is compiled to assembly, and the innermost loop with most vector
multiply-adds is found in each function. Printed for it: instructions, vector
multiply-adds, loads and stores of the stack (spills), and instructions per
single multiply-add. A vector of four makes 0.25 the least on NEON.
"""

import argparse
import dataclasses
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

LABEL = re.compile(r"^(\.?[\w$.]+):")
FUNCTION = re.compile(r"^\s*\.type\s+([\w$.]+),\s*[@%]function")
BRANCH = re.compile(r"^\s+(?:b\.\w+|cbn?z|tbn?z|j[a-z]+)\s+(?:.*,\s*)?(\.L\w+)\b")
MULTIPLY_ADD = re.compile(
    r"^\s+(?:(?P<neon>fml[as])\s+v\d+\.(?P<lanes>\d+)[sdh]|vfn?m(?:add|sub)\d+p(?P<type>[sd])"
    r"\b.*%(?P<register>[xyz])mm\d+)"
)
# Sums of products of 8-bit integers: products per instruction, or bits of a
# register for each.
INTEGER_NEON = {"sdot": 16, "smmla": 32, "smlal": 4, "smlal2": 4}
INTEGER_X86 = {"vpdpbusd": 8, "vpmaddubsw": 8, "vpmaddwd": 16}
# A product of tile registers: 64 depths of 16 x 16 results.
TILE_PRODUCT = re.compile(r"^tdp[bdsu]\w+$")
TILE_MULTIPLY_ADDS = 16 * 16 * 64
MNEMONIC = re.compile(r"^\s+(\w+)\s")
STACK = re.compile(r"\[(?:sp|x29)\b|\(%rsp\)")
SP_ONLY = re.compile(r"\[sp\b")
REGISTER_BITS = {"x": 128, "y": 256, "z": 512}


@dataclasses.dataclass(frozen=True)
class Loop:
    """The innermost loop of a function that multiplies and adds most."""

    function: str
    instructions: int
    vectors: int  # vector multiply-adds
    multiply_adds: int  # of single numbers
    spills: int

    def per_multiply_add(self):
        return self.instructions / self.multiply_adds


def lanes_of(line):
    """Multiply-adds of single numbers that an instruction does; 0 if none."""
    name = MNEMONIC.match(line)
    if name and name[1] in INTEGER_NEON and ".4s" in line:
        return INTEGER_NEON[name[1]]
    if name and name[1] in INTEGER_X86 and (registers := re.findall(r"%([xyz])mm\d+", line)):
        return REGISTER_BITS[registers[-1]] // INTEGER_X86[name[1]]
    if name and TILE_PRODUCT.match(name[1]):
        return TILE_MULTIPLY_ADDS
    match = MULTIPLY_ADD.match(line)
    if not match:
        return 0
    if match["neon"]:
        return int(match["lanes"])
    # AT&T syntax names the destination last.
    register = re.findall(r"%([xyz])mm\d+", line)[-1]
    return REGISTER_BITS[register] // (32 if match["type"] == "s" else 64)


def is_instruction(line):
    text = line.strip()
    return line[:1] in " \t" and bool(text) and text[0] not in ".#/"


def innermost_loops(lines):
    """The lines of each loop that has no loop inside: label to branch back."""
    found = []
    where = {}
    for number, line in enumerate(lines):
        if label := LABEL.match(line):
            where[label[1]] = number
        elif (branch := BRANCH.match(line)) and branch[1] in where:
            found.append((where[branch[1]], number))
    for begin, end in found:
        if not any(begin <= b and e <= end and (b, e) != (begin, end) for b, e in found):
            yield [line for line in lines[begin : end + 1] if is_instruction(line)]


def functions(assembly):
    """(name, lines) of each function."""
    name, lines = None, []
    for line in assembly.splitlines():
        if start := FUNCTION.match(line):
            if name:
                yield name, lines
            name, lines = start[1], []
        lines.append(line)
    if name:
        yield name, lines


def hot_loops(assembly):
    """The hottest Loop of each function that has one."""
    result = []
    for name, lines in functions(assembly):
        loops = []
        for loop in innermost_loops(lines):
            if any("vpmaddubsw" in line for line in loop):
                # Then vpmaddwd only sums what that has multiplied.
                lanes = [lanes_of(line) * ("vpmaddwd" not in line) for line in loop]
            else:
                lanes = [lanes_of(line) for line in loop]
            if any(lanes):
                # A frame pointer that moves is a pointer like any other.
                stack = SP_ONLY if any("\tx29, x29," in line for line in loop) else STACK
                spills = sum(bool(stack.search(line)) for line in loop)
                counts = (len(loop), sum(map(bool, lanes)), sum(lanes), spills)
                loops.append(Loop(name, *counts))
        if loops:
            result.append(max(loops, key=lambda loop: loop.multiply_adds))
    return result


def assembly_of(model, target, ingot):
    command = [ingot, "compile", model, "--emit=asm", f"--target={target}", "-q", "-o", "-"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], epilog=__doc__.partition("]\n\n")[2]
    )
    parser.add_argument("model")
    parser.add_argument("--target", default="aarch64")
    parser.add_argument("--ingot", default=str(ROOT / "build/bin/ingot"))
    options = parser.parse_args()
    loops = hot_loops(assembly_of(options.model, options.target, options.ingot))
    print(f"{'instructions':>12} {'vector':>7} {'spills':>7} {'per one':>8}  function")
    for loop in loops:
        print(
            f"{loop.instructions:12} {loop.vectors:7} {loop.spills:7}"
            f" {loop.per_multiply_add():8.3f}  {loop.function}"
        )
    return 0 if loops else 1


if __name__ == "__main__":
    sys.exit(main())
