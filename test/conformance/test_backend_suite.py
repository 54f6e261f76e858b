"""The official ONNX backend suite, case by case (see README.md)."""

import pytest

import cases
import expected

REASONS = expected.load()


def test_listed_cases_exist():
    assert not REASONS.keys() - {case.name for case in cases.load()}


def test_case(job, verdict):
    reason = REASONS.get(job.case.name)
    if verdict.outcome == "pass":
        assert reason is None, (
            f"{job.case.name} passes: take it out of expected-failures.txt "
            "(--shrink does)"
        )
        return
    if verdict.outcome == "refused" and reason is not None:
        pytest.xfail(reason)
    pytest.fail(
        f"{verdict.outcome}: {verdict.message}\n{verdict.command}", pytrace=False
    )
