#!/usr/bin/env python3
"""Adds up what the test runners of scripts/test.sh reported.

usage: summarize.py RESULTS_DIR

RESULTS_DIR holds NAME.log and NAME.status for each runner and, of those that
write one, the JUnit report NAME.xml. Prints each runner's closing lines, then
"N passed, N failed, N skipped". The exit status is 1 if anything failed, if a
runner ended badly, or if its report is missing.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

# The lines of a runner's output that close it.
CLOSING = {
    "lint": r"^lint: ",
    "ctest": r"tests passed|No tests were found|^Total Test time",
    "lit": r"^(Total Discovered Tests|Testing Time)|^ +[A-Z][A-Za-z ]+: +\d+ \(",
    "pytest": r"^=*.*\b(passed|failed|skipped|error|no tests ran)\b.* in [\d.]+s",
}


def closing_lines(name, log):
    lines = [line for line in log.splitlines() if line.strip()]
    found = [line for line in lines if re.search(CLOSING[name], line)]
    return found[-8:] if found else lines[-3:]


def counts(report):
    """(passed, failed, skipped) of a JUnit file."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None or case.get("status") in (
            "notrun",
            "disabled",
        ):
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main(results):
    total = [0, 0, 0]
    bad = []
    for name in CLOSING:
        log = results / f"{name}.log"
        if not log.exists():
            continue
        for line in closing_lines(name, log.read_text(errors="replace")):
            print(f"{name}: {line.removeprefix(name + ': ').strip()}")
        status = int((results / f"{name}.status").read_text())
        report = results / f"{name}.xml"
        if name == "lint":
            of_runner = (1, 0, 0) if status == 0 else (0, 1, 0)
        else:
            try:
                of_runner = counts(report)
            except (OSError, ElementTree.ParseError):
                of_runner = (0, 0, 0)
                bad.append(f"{name} left no report")
        if status != 0 and of_runner[1] == 0:
            bad.append(f"{name} ended with status {status}")
        total = [a + b for a, b in zip(total, of_runner)]
    for line in bad:
        print(f"summary: {line}")
    total[1] += len(bad)
    print("{} passed, {} failed, {} skipped".format(*total))
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
