"""The tool, and artifacts that several tests use."""

import pytest
import small_models

from support import tool


@pytest.fixture(scope="session")
def ingot():
    """Runs ingot with the words given: ingot("run", path, ...)."""

    def run(*words, **options):
        return tool.run([tool.tool("ingot"), *words], **options)

    return run


@pytest.fixture(scope="session")
def done(ingot):
    """The same, for what must succeed; returns standard output."""

    def run(*words, **options):
        finished = ingot(*words, **options)
        assert finished.outcome() == "done", finished.stderr
        return finished.stdout

    return run


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def shifted(folder):
    return small_models.shifted(folder)


@pytest.fixture(scope="session")
def product(folder):
    return small_models.product(folder)


@pytest.fixture(scope="session")
def artifact(folder, shifted, done):
    path = folder / "shifted.so"
    done("compile", shifted, "-o", path)
    return path
