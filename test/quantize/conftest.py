"""Runs `ingot quantize` and reads what it wrote."""

import json
import types

import onnx
import pytest

from support import tool


@pytest.fixture(scope="session")
def ingot():
    def run(*words, **options):
        return tool.run([tool.tool("ingot"), *words], **{"timeout": 300, **options})

    return run


@pytest.fixture
def quantize(ingot, tmp_path):
    """quantize(model, data, *flags): the model, the report and the text of a
    run that must succeed."""

    def run(model, data, *flags, name="q.onnx"):
        output, report = tmp_path / name, tmp_path / (name + ".json")
        words = ["quantize", model, "-o", output, "--json", report, *flags]
        for path in data if isinstance(data, list) else [data]:
            words += ["--data", path]
        finished = ingot(*words)
        assert finished.outcome() == "done", finished.stderr
        onnx.checker.check_model(str(output), full_check=True)
        return types.SimpleNamespace(
            path=output,
            model=onnx.load(output),
            report=json.loads(report.read_text()),
            text=finished.stdout,
            warnings=finished.stderr,
        )

    return run


@pytest.fixture
def refused(ingot, tmp_path):
    """refused(code, model, *flags): a run that must fail with that code, and
    leave no file; returns the message."""

    def run(code, model, *flags):
        output = tmp_path / "refused.onnx"
        finished = ingot("quantize", model, "-o", output, *flags)
        assert finished.outcome() == "refused", finished.stderr
        assert code in finished.stderr, finished.stderr
        assert not output.exists()
        return finished.stderr

    return run
