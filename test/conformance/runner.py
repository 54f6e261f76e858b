"""Runs cases of the suite through `ingot run`, two at a time."""

import collections
import concurrent.futures
import dataclasses
import os
import pathlib
import tempfile

import onnx

import cases
import compare
import expected
from support import tool

OUTCOMES = ("pass", "refused", "wrong", "crash", "hang")
# A case is small: what takes longer hangs. Whole topologies take more, and
# more again in an emulator.
SECONDS = {"real": 300}
SECONDS_EACH = 60


@dataclasses.dataclass(frozen=True)
class Job:
    case: cases.Case
    target: str

    def __str__(self):
        return f"{self.target}-{self.case.name}"


@dataclasses.dataclass
class Verdict:
    outcome: str  # one of OUTCOMES
    message: str = ""
    command: str = ""


def run(job):
    """One case: compiled and run in child processes, outputs compared."""
    case = job.case
    model = onnx.load(case.model, load_external_data=False)
    for data_set in case.data_sets:
        with tempfile.TemporaryDirectory(prefix="ingot-") as out:
            finished = tool.run(
                [
                    tool.tool("ingot"),
                    "run",
                    case.model,
                    "--inputs",
                    data_set,
                    "--outputs",
                    out,
                    *tool.target_flags(job.target),
                ],
                timeout=SECONDS.get(case.kind, SECONDS_EACH),
                env=tool.target_environment(job.target),
            )
            command = " ".join(finished.command)
            outcome = finished.outcome()
            if outcome != "done":
                return Verdict(outcome, finished.message(), command)
            difference = compare.mismatch(case, model, pathlib.Path(out), data_set)
            if difference:
                return Verdict("wrong", difference, command)
    return Verdict("pass")


def one_per_operator(all_cases):
    """The smallest case of each operator, preferring cases that can pass."""
    listed = expected.load()
    best = {}
    for case in all_cases:
        for operator in case.operators:
            rank = (case.name in listed, case.nodes, len(case.operators), case.name)
            if operator not in best or rank < best[operator][0]:
                best[operator] = (rank, case)
    chosen = {case.name: case for _, case in best.values()}
    return sorted(chosen.values(), key=lambda case: case.name)


def spread(items, count):
    """At most `count` items, evenly spread."""
    if count is None or count >= len(items):
        return items
    return [items[i * len(items) // count] for i in range(count)]


def select(config):
    """The jobs of a session. Without --target: every case for the host and for a
    GPU, and one per operator for the other targets."""
    jobs = []
    all_cases = cases.load()
    targets = config.getoption("target") or ["host", "x86-64-v3", "aarch64", "sm_80"]
    for target in targets:
        chosen = all_cases
        whole = target == "host" or tool.is_gpu(target)
        if not whole and not config.getoption("every_case"):
            chosen = one_per_operator(all_cases)
        if config.getoption("quick"):
            chosen = chosen[::20]
        chosen = spread(chosen, config.getoption("limit"))
        jobs += [Job(case, target) for case in chosen]
    return jobs


class Pool:
    """Runs the jobs ahead of the tests that ask for their verdicts."""

    def __init__(self, jobs):
        self.executor = concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1)
        self.futures = {job: self.executor.submit(run, job) for job in jobs}
        self.verdicts = {}

    def verdict(self, job):
        self.verdicts[job] = self.futures[job].result()
        return self.verdicts[job]

    def close(self):
        self.executor.shutdown(cancel_futures=True)


def totals(verdicts):
    """{target: Counter of outcomes}"""
    counts = collections.defaultdict(collections.Counter)
    for job, verdict in verdicts.items():
        counts[job.target][verdict.outcome] += 1
    return counts


def table(verdicts):
    """Lines of the outcomes per operator and target."""
    counts = collections.defaultdict(collections.Counter)
    for job, verdict in verdicts.items():
        counts[job.case.operator, job.target][verdict.outcome] += 1
    width = max(len(operator) for operator, _ in counts)
    yield f"{'operator':{width}}  {'target':10} " + "".join(
        f"{outcome:>9}" for outcome in OUTCOMES
    )
    for (operator, target), count in sorted(counts.items()):
        yield f"{operator:{width}}  {target:10} " + "".join(
            f"{count[outcome] or '':>9}" for outcome in OUTCOMES
        )
