"""Runs commands with limits for another process.

What the system calls the peak memory of a program is at least that of the process
that started it. The tests' own process holds as much as a tool may, so this small
one stands between them.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time


def run(command, seconds, address_bytes):
    """Runs with limits on address space and processor time."""

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (address_bytes, address_bytes))
        cpu = int(seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    with tempfile.TemporaryFile() as output:
        start = time.monotonic()
        child = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=limit,
            start_new_session=True,
        )
        deadline = start + 10 * seconds + 10
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                os.killpg(child.pid, signal.SIGKILL)
            time.sleep(0.002)
        child.returncode = os.waitstatus_to_exitcode(status)
        elapsed = time.monotonic() - start
        output.seek(0)
        text = output.read().decode(errors="replace")
    peak = usage.ru_maxrss << 10
    return {
        "status": child.returncode,
        "text": text,
        "seconds": elapsed,
        "peak_bytes": peak,
    }


def main():
    for line in sys.stdin:
        print(json.dumps(run(*json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
