"""Runs the tools in child processes with limits, and says how it went."""

import dataclasses
import os
import shutil
import pathlib
import re
import signal
import subprocess
import time

import pytest

from support.paths import BUILD

CODE = re.compile(r"\bIG\d{4}\b")
# What only a defect prints, whatever the exit status.
DEFECT = re.compile(
    r"AddressSanitizer|UndefinedBehaviorSanitizer|runtime error:|LLVM ERROR"
    r"|Stack dump:|PLEASE submit a bug report|Assertion .* failed|std::terminate"
)


@dataclasses.dataclass
class Finished:
    """A child process that ended or was stopped."""

    command: list
    status: int  # negative: the signal that ended it
    stdout: str
    stderr: str
    seconds: float
    timed_out: bool

    def outcome(self):
        """"done", "refused", "hang" or "crash"; an error without a code of
        ours counts as a crash, since no user could act on it."""
        if self.timed_out:
            return "hang"
        if self.status < 0 or self.status >= 128 or DEFECT.search(self.stderr):
            return "crash"
        if self.status == 0:
            return "done"
        return "refused" if CODE.search(self.stderr) else "crash"

    def message(self):
        """The line that says what went wrong."""
        lines = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        for line in lines:
            if CODE.search(line):
                return line
        if self.timed_out:
            return f"no answer after {self.seconds:.0f} s"
        if self.status < 0:
            name = signal.Signals(-self.status).name
            return " | ".join([f"ended by {name}", *lines[-2:]])
        return lines[-1] if lines else f"exit status {self.status}, no message"


FAKE_CUDA = BUILD / "lib" / "fake-cuda"


def tool(name):
    """The path of a built tool."""
    path = BUILD / "bin" / name
    if not path.exists():
        raise pytest.UsageError(f"{path} is not there: build first (ninja)")
    return str(path)


# With vfork, a child of a process with several threads now and then fails to
# start (EFAULT from execve) on some virtual machines.
subprocess._USE_VFORK = False


def run(command, timeout=60, memory_gib=8, cwd=None, env=None):
    """Runs a command with no input, at most `memory_gib` of address space and
    `timeout` seconds; stops all its processes when time is up."""
    limited = ["/bin/sh", "-c", f'ulimit -v {memory_gib << 20}; exec "$@"', "sh"]
    start = time.monotonic()
    child = subprocess.Popen(
        [*limited, *map(str, command)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env=None if env is None else {**os.environ, **env},
        start_new_session=True,
        text=True,
        errors="replace",
    )
    timed_out = False
    try:
        stdout, stderr = child.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
        os.killpg(child.pid, signal.SIGKILL)
        stdout, stderr = child.communicate()
    return Finished(
        [str(word) for word in command],
        child.returncode,
        stdout,
        stderr,
        time.monotonic() - start,
        timed_out,
    )


def is_gpu(target):
    return target.startswith("sm_")


def target_environment(target):
    """Variables under which artifacts of a target run: those for a GPU on the
    interpreter of PTX behind its own libcuda.so.1, as one of that capability,
    unless INGOT_GPU_TESTS=device asks for the machine's own."""
    if not is_gpu(target) or os.environ.get("INGOT_GPU_TESTS") == "device":
        return {}
    return {
        "LD_LIBRARY_PATH": str(FAKE_CUDA),
        "INGOT_FAKE_CUDA_ARCH": target.removeprefix("sm_").rstrip("a"),
        "INGOT_CACHE_DIR": "off",
        # Kernels load vectors past the end of a row, and results before they
        # select something else; such lanes must never be used.
        "INGOT_FAKE_CUDA_UNINITIALISED": "2",
    }


def emulator_missing(target):
    """Why artifacts of a target cannot run here, or None."""
    if is_gpu(target):
        there = target_environment(target) == {} or FAKE_CUDA.exists()
        return None if there else f"needs {FAKE_CUDA}/libcuda.so.1"
    if target == "host" or os.uname().machine == target.split("-")[0].split("+")[0]:
        return None
    if target.startswith("x86-64"):
        return None if os.uname().machine == "x86_64" else "needs an x86-64 machine"
    arch = target.split("+")[0]
    for folder in os.environ["PATH"].split(os.pathsep):
        for name in (f"qemu-{arch}-static", f"qemu-{arch}"):
            if os.access(os.path.join(folder, name), os.X_OK):
                return None
    return f"needs qemu-{arch}-static (package qemu-user-static)"


def processor_flags():
    """What this processor has, by its names in /proc/cpuinfo."""
    return pathlib.Path("/proc/cpuinfo").read_text().split()


def emulation(target):
    """What the environment of a process needs that runs artifacts of a target:
    tile registers, where the machine has none, come from an emulator."""
    if "+amx" not in target or "amx_int8" in processor_flags():
        return None
    return {
        "LD_PRELOAD": str(BUILD / "test/bin/libtile-emulator.so"),
        "INGOT_TILE_EMULATOR_REPORT": "1",
    }


def target_flags(target):
    """Without ptxas, which the interpreter has no use for."""
    if is_gpu(target):
        return [f"--target={target}", "--ptxas=off"]
    return [] if target == "host" else [f"--target={target}"]


# NVIDIA's assembler, or None.
PTXAS = shutil.which("ptxas", path=os.environ["PATH"] + ":/usr/local/cuda/bin")


def explain(model, target):
    """What `ingot explain` says of a model compiled for a target."""
    finished = run([tool("ingot"), "explain", model, f"--target={target}"])
    assert finished.outcome() == "done", finished.message()
    return finished.stdout
