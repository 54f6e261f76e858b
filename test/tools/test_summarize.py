"""scripts/summarize.py must not lose a failure."""

import subprocess
import sys

import pytest

from support.paths import ROOT

GOOD = '<testsuite><testcase name="a"/><testcase name="b"><skipped/></testcase></testsuite>'
BAD = '<testsuite><testcase name="a"><failure/></testcase></testsuite>'


def summarize(folder, runners):
    for name, (status, log, report) in runners.items():
        (folder / f"{name}.status").write_text(f"{status}\n")
        (folder / f"{name}.log").write_text(log)
        if report is not None:
            (folder / f"{name}.xml").write_text(report)
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/summarize.py", folder],
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize(
    "runners, status, last",
    [
        (
            {"lint": (0, "lint: 3 files, 0 findings", None), "lit": (0, "", GOOD)},
            0,
            "2 passed, 0 failed, 1 skipped",
        ),
        ({"ctest": (0, "", GOOD), "lit": (1, "", BAD)}, 1, "1 passed, 1 failed, 1 skipped"),
        # A runner that died before its report, or after it.
        ({"pytest": (3, "", None)}, 1, "0 passed, 2 failed, 0 skipped"),
        ({"pytest": (3, "", GOOD)}, 1, "1 passed, 1 failed, 1 skipped"),
        ({"lit": (0, "", "<testsuite")}, 1, "0 passed, 1 failed, 0 skipped"),
        ({"lint": (1, "lint: 3 files, 1 findings", None)}, 1, "0 passed, 1 failed, 0 skipped"),
        ({}, 1, "0 passed, 0 failed, 0 skipped"),
    ],
)
def test_totals(tmp_path, runners, status, last):
    code, lines = summarize(tmp_path, runners)
    assert (code, lines[-1]) == (status, last)


def test_closing_lines_are_printed(tmp_path):
    log = "noise\n100% tests passed, 0 tests failed out of 2\n\nTotal Test time (real) = 1 sec\n"
    _, lines = summarize(tmp_path, {"ctest": (0, log, GOOD)})
    assert lines[0] == "ctest: 100% tests passed, 0 tests failed out of 2"
    assert len(lines) == 3
