"""Runs a tool on a bad file in a child process with limits."""

import dataclasses
import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import threading

from support.tool import CODE, DEFECT, tool

# Above what rejecting any file takes (bad-inputs: 3 x file + 64 MiB).
EXTRA_BYTES = 64 << 20
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{5,}")


@dataclasses.dataclass
class Result:
    status: int  # negative: the signal that ended it
    text: str  # both streams
    seconds: float
    peak_bytes: int

    def codes(self):
        return set(CODE.findall(self.text))


SPAWNER = pathlib.Path(__file__).with_name("spawner.py")


@functools.cache
def spawner():
    """The process that starts all others, and a lock for its answers."""
    server = subprocess.Popen(
        [sys.executable, "-S", SPAWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return server, threading.Lock()


def run(command, seconds, address_bytes):
    """Runs with limits on address space and processor time."""
    server, lock = spawner()
    with lock:
        request = [[str(word) for word in command], seconds, address_bytes]
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        return Result(**json.loads(server.stdout.readline()))


def base_bytes():
    """What the tool takes without reading anything: its own libraries."""
    done = run([tool("ingot-import"), "/dev/null"], 10, 16 << 30)
    return done.peak_bytes


def check(case, path, output, base):
    """Runs a case; returns what is wrong with the tool's answer, or None."""
    before = set(os.listdir(output.parent))
    size = os.stat(path).st_size if os.path.isfile(path) else 0
    wanted = set(case.expect.split("|"))
    if "ok" in wanted or case.flags:
        command = [tool("ingot-import"), path, *case.flags]
    else:
        command = [tool("ingot"), "compile", path, "-o", output]
    done = run(command, case.seconds, (8 << 30) + 2 * size)
    problems = []
    if done.status < 0 or done.status >= 128:
        problems.append(f"ended by signal {-done.status}")
    if DEFECT.search(done.text):
        problems.append("printed what only a defect prints")
    if done.status == 0:
        if "ok" not in wanted:
            problems.append(f"accepted, expected {case.expect}")
        problems += [f"does not show {s!r}" for s in case.shows if s not in done.text]
    else:
        if not wanted & done.codes():
            problems.append(f"refused with {done.codes()}, expected {case.expect}")
        if ADDRESS.search(done.text):
            problems.append("the message has an address")
        problems += [f"does not name {s!r}" for s in case.says if s not in done.text]
        held = done.peak_bytes - base
        if held > (0 if case.sparse else 3 * size) + EXTRA_BYTES:
            problems.append(f"held {held >> 20} MiB for a file of {size >> 20} MiB")
    if case.sparse and done.peak_bytes - base > EXTRA_BYTES:
        problems.append(f"held {(done.peak_bytes - base) >> 20} MiB")
    if done.seconds > case.seconds:
        problems.append(f"took {done.seconds:.1f} s, at most {case.seconds} s")
    if set(os.listdir(output.parent)) != before:
        problems.append("left a file behind")
    return "; ".join(problems) + f"\n{done.text[:2000]}" if problems else None
