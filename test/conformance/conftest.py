"""One pytest item per case and target; the runs go ahead in parallel."""

import dataclasses
import json

import pytest

import expected
import runner
from support import tool

verdicts = {}


def pytest_generate_tests(metafunc):
    if "job" in metafunc.fixturenames:
        tool.tool("ingot")
        metafunc.parametrize("job", runner.select(metafunc.config), ids=str)


@pytest.fixture(scope="session")
def pool(request):
    jobs = [
        item.callspec.params["job"]
        for item in request.session.items
        if "job" in getattr(getattr(item, "callspec", None), "params", {})
    ]
    jobs = [job for job in jobs if not tool.emulator_missing(job.target)]
    pool = runner.Pool(jobs)
    yield pool
    pool.close()
    verdicts.update(pool.verdicts)


@pytest.fixture
def verdict(job, pool):
    missing = tool.emulator_missing(job.target)
    if missing:
        pytest.skip(missing)
    return pool.verdict(job)


def pytest_terminal_summary(terminalreporter, config):
    if not verdicts:
        return
    write = terminalreporter.write_line
    if config.getoption("table"):
        for line in runner.table(verdicts):
            write(line)
    for target, count in runner.totals(verdicts).items():
        figures = ", ".join(f"{count[outcome]} {outcome}" for outcome in runner.OUTCOMES)
        write(f"conformance {target}: {figures} of {count.total()}")
    if config.getoption("report"):
        with open(config.getoption("report"), "w") as file:
            json.dump(
                [
                    {"case": job.case.name, "target": job.target}
                    | {"operator": job.case.operator}
                    | dataclasses.asdict(verdict)
                    for job, verdict in verdicts.items()
                ],
                file,
                indent=1,
            )
    if config.getoption("shrink"):
        good, bad = set(), set()
        for job, verdict in verdicts.items():
            (good if verdict.outcome == "pass" else bad).add(job.case.name)
        done = (good - bad) & expected.load().keys()
        expected.remove(done)
        write(f"took {len(done)} cases out of {expected.PATH.name}")
