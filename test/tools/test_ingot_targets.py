"""Several targets in one artifact, and the forms of code for GPUs."""

import os
import shutil
import subprocess

import numpy as np
import pytest
import small_models
from onnx import TensorProto, helper, numpy_helper

from support import tool

PROCESSOR = "aarch64" if os.uname().machine == "aarch64" else "x86-64-v3"
OTHER = "x86-64-v3" if PROCESSOR == "aarch64" else "aarch64"
X = np.linspace(-20, 20, 24, dtype="f").reshape(2, 3, 4)
Y = np.maximum(X + small_models.W, 0)


@pytest.mark.parametrize(
    "flags, text",
    [
        ([f"--target={PROCESSOR},{OTHER}"], "is another than"),
        (["--target=sm_80,sm_80"], "target 'sm_80' is listed twice"),
        (["--target=sm_80,sm_81"], "unknown target 'sm_81'"),
        (["--target=sm_80,sm_90a", "--emit=asm"], "only --emit=so, a and obj take"),
        (["--emit=ptx"], "ptx and cubin are the code of a GPU"),
        (["--target=sm_80", "--emit=cubin", "--ptxas=off"], "needs NVIDIA's ptxas"),
        (["--target=sm_80", "--ptxas=/bin/true"], "'/bin/true' is not NVIDIA's ptxas"),
        (["--target=sm_80", "--ptxas=/no/such"], "'/no/such' is not NVIDIA's ptxas"),
    ],
)
def test_refused(ingot, shifted, tmp_path, flags, text):
    path = tmp_path / "out"
    finished = ingot("compile", shifted, *flags, "-o", path)
    assert finished.outcome() == "refused"
    assert "[IG600" in finished.stderr and text in finished.stderr
    assert not path.exists()


def test_code_as_text(done, shifted):
    flags = ["--target=sm_80", "-q", "-o", "-"]
    ptx = done("compile", shifted, "--emit=ptx", *flags)
    assert ".target sm_80" in ptx and ".entry" in ptx
    assert done("compile", shifted, "--emit=asm", *flags) == ptx
    assert "nvptx64-nvidia-cuda" in done("compile", shifted, "--emit=llvm", *flags)
    assert "llvm.func ptx_kernelcc" in done("compile", shifted, "--emit=mlir", *flags)


def test_machine_code_where_ptxas_is(done, shifted, tmp_path):
    if not shutil.which("ptxas", path=f"{os.environ['PATH']}:/usr/local/cuda/bin"):
        pytest.skip("needs NVIDIA's ptxas")
    done("compile", shifted, "--target=sm_80", "-o", tmp_path / "m.cubin")
    assert (tmp_path / "m.cubin").read_bytes().startswith(b"\x7fELF")
    for ptxas in ("auto", "off"):
        flags = ["--target=sm_80", f"--ptxas={ptxas}"]
        done("compile", shifted, *flags, "-o", tmp_path / f"{ptxas}.so")
    sizes = [(tmp_path / f"{p}.so").stat().st_size for p in ("auto", "off")]
    assert sizes[0] > sizes[1]


def test_needs_nothing_of_cuda(done, shifted, tmp_path):
    done("compile", shifted, f"--target=sm_80,{PROCESSOR}", "-o", tmp_path / "m.so")
    for file in (tmp_path / "m.so", tool.tool("ingot")):
        needed = subprocess.run(["ldd", file], capture_output=True, text=True).stdout
        assert "libc.so.6" in needed
        assert "libcuda" not in needed and "libnv" not in needed


def test_weights_are_stored_once(done, tmp_path):
    weight = np.random.default_rng(0).standard_normal((256, 256)).astype("f")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [16, 256])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [16, 256])
    graph = helper.make_graph(nodes, "g", [x], [y], [numpy_helper.from_array(weight, "w")])
    opset = helper.make_opsetid("", 20)
    model = helper.make_model(graph, ir_version=9, opset_imports=[opset])
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    sizes = []
    for targets in ("sm_80", "sm_80,sm_86", "sm_80,sm_86,sm_89"):
        flags = [f"--target={targets}", "--ptxas=off", "-q"]
        done("compile", path, *flags, "-o", tmp_path / "m.so")
        sizes.append((tmp_path / "m.so").stat().st_size)
    assert sizes[2] - sizes[1] < weight.nbytes / 2
    assert sizes[1] - sizes[0] < weight.nbytes / 2


@pytest.mark.parametrize(
    "named, device, runs",
    [("", "80", "sm_80"), ("", "90", "sm_90a"), ("", "75", PROCESSOR)]
    + [(PROCESSOR, "90", PROCESSOR), ("sm_80", "90", "sm_80")],
)
def test_best_target_runs(ingot, done, shifted, tmp_path, named, device, runs):
    missing = tool.emulator_missing("sm_80")
    if missing:
        pytest.skip(missing)
    path = tmp_path / "m.so"
    targets = f"{PROCESSOR},sm_80,sm_90a"
    done("compile", shifted, f"--target={targets}", "--ptxas=off", "-o", path)
    env = tool.target_environment("sm_80") | {
        "INGOT_FAKE_CUDA_ARCH": device,
        "INGOT_FAKE_CUDA_TRACE": str(tmp_path / "trace"),
        "INGOT_TARGET": named,
    }
    np.savez(tmp_path / "in.npz", x=X)
    flags = ["--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz"]
    finished = ingot("run", path, *flags, env=env)
    assert finished.outcome() == "done", finished.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "out.npz")["y"], Y)
    trace = tmp_path / "trace"
    launched = trace.exists() and '"kernel"' in trace.read_text()
    assert launched == runs.startswith("sm_")
    told = ingot("info", path, env=env).stdout
    (line,) = [line for line in told.splitlines() if line.startswith("target")]
    assert line.split()[1] == runs


def test_other_processor_with_a_gpu(done, ingot, shifted, tmp_path):
    missing = tool.emulator_missing(OTHER)
    if missing:
        pytest.skip(missing)
    path = tmp_path / "m.so"
    done("compile", shifted, f"--target={OTHER},sm_87", "--ptxas=off", "-o", path)
    np.savez(tmp_path / "in.npz", x=X)
    flags = ["--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz"]
    finished = ingot("run", path, *flags)
    assert finished.outcome() == "done", finished.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "out.npz")["y"], Y)
