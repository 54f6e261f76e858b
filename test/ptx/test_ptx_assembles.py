"""The kernels of the interpreter's tests are PTX that NVIDIA's assembler takes."""

import pathlib
import re
import shutil
import subprocess

import pytest

KERNELS = sorted((pathlib.Path(__file__).parent / "kernels").glob("*.ptx"))
PTXAS = shutil.which("ptxas") or shutil.which("ptxas", path="/usr/local/cuda/bin")


@pytest.mark.skipif(not PTXAS, reason="needs ptxas")
@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.stem)
def test_kernel_assembles(path, tmp_path):
    target = re.search(r"^\.target (\w+)", path.read_text(), re.MULTILINE).group(1)
    done = subprocess.run(
        [PTXAS, f"-arch={target}", path, "-o", tmp_path / "kernel.cubin"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
