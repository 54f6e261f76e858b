"""Every test runs for each target."""

import pytest

from support import tool

TARGETS = ("host", "aarch64")


def pytest_generate_tests(metafunc):
    if "target" in metafunc.fixturenames:
        given = metafunc.config.getoption("target") or TARGETS
        metafunc.parametrize("target", given)


@pytest.fixture(autouse=True)
def emulated(request):
    if "target" in request.fixturenames:
        missing = tool.emulator_missing(request.getfixturevalue("target"))
        if missing:
            pytest.skip(missing)
