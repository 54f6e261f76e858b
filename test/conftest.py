"""Options of all Python tests."""


def pytest_addoption(parser):
    group = parser.getgroup("ingot")
    group.addoption(
        "--quick",
        action="store_true",
        help="a sample of the long suites: every 20th conformance case, no whole models",
    )
    group.addoption(
        "--target",
        action="append",
        metavar="TARGET",
        help="run for this target only (repeatable): host, x86-64-v3, aarch64, ...",
    )
    group.addoption(
        "--every-case",
        action="store_true",
        help="conformance: every case on every target, not one per operator",
    )
    group.addoption(
        "--limit",
        type=int,
        metavar="N",
        help="conformance: at most N cases per target, evenly spread",
    )
    group.addoption(
        "--table",
        action="store_true",
        help="conformance: print the outcomes per operator",
    )
    group.addoption(
        "--report",
        metavar="FILE",
        help="conformance: write every outcome to FILE as JSON",
    )
    group.addoption(
        "--shrink",
        action="store_true",
        help="conformance: take the cases that pass out of expected-failures.txt",
    )
    group.addoption(
        "--random-graphs",
        metavar="A:B",
        help="random graphs: run the seeds from A to B - 1",
    )
