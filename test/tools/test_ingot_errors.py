"""Bad use is answered by one line with a code, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import time

import numpy as np
import onnx
import pytest
import small_models
from onnx import helper

from support import tool

LINE = re.compile(r"ingot: error: \[IG\d{4}\] \S")


def check(finished, code, status, *words):
    """One error line with that code, status and those words in it."""
    assert finished.status == status, finished.stderr
    lines = finished.stderr.splitlines()
    assert len(lines) == 1, finished.stderr
    assert LINE.match(lines[0]) and f"[{code}]" in lines[0], lines[0]
    assert "loc(" not in lines[0] and "0x" not in lines[0]
    for word in words:
        assert word in lines[0], lines[0]
    assert finished.stdout == ""


@pytest.mark.parametrize(
    "words, code, expected",
    [
        ([], "IG6005", "no command given"),
        (["compil"], "IG6002", "did you mean 'compile'?"),
        (["frobnicate"], "IG6002", "ingot --help"),
        (["compile"], "IG6005", "no MODEL given"),
        (["compile", "MODEL", "other"], "IG6005", "'other'"),
        (["compile", "MODEL", "--targt=host"], "IG6003", "did you mean '--target'?"),
        (["compile", "MODEL", "--inputs=x"], "IG6003", "it is one of 'run', 'bench'"),
        (["compile", "MODEL", "-x"], "IG6003", "ingot compile --help"),
        (["compile", "MODEL", "--quiet=1"], "IG6004", "takes no value"),
        (["compile", "MODEL", "--target"], "IG6004", "needs a value"),
        (["compile", "MODEL", "--threads=many"], "IG6004", "not 'many'"),
        (["compile", "MODEL", "--threads=-1"], "IG6004", "from 0 to 512"),
        (["compile", "MODEL", "--emit=sso"], "IG6004", "did you mean 'so'?"),
        (["compile", "MODEL", "--target=aarch46"], "IG6001", "did you mean 'aarch64'?"),
        (["compile", "MODEL", "--target=x86-64-v9"], "IG6001", "x86-64-v4"),
        (["compile", "MODEL", "--target=aarch64+dotprid"], "IG6001", "dotprid"),
        (["compile", "MODEL", "--shape", "x:1xtwo"], "IG1706", "malformed shape 'x:1xtwo'"),
        (["compile", "MODEL", "--shape", "q:1x3x4"], "IG1703", "'x'"),
        (["compile", "MODEL", "--shape", "x:1x3"], "IG1704", "x"),
        (["compile", "MODEL", "--shape", "Q=3"], "IG1703", "'N'"),
        (["run", "MODEL", "--seed=x"], "IG6004", "not 'x'"),
        (["run", "MODEL", "--input", "x"], "IG6004", "NAME=FILE"),
        (["bench", "MODEL", "--seconds=long"], "IG6004", "seconds"),
        (["explain", "IG9999"], "IG6012", "IG9999"),
    ],
)
def test_wrong_command_line(ingot, shifted, tmp_path, words, code, expected):
    words = [shifted if word == "MODEL" else word for word in words]
    check(ingot(*words, cwd=tmp_path), code, 2, expected)
    assert not list(tmp_path.iterdir())


def test_no_model(ingot, tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("not a model at all\n" * 10)
    (tmp_path / "empty.onnx").touch()
    for command in ("compile", "run", "bench", "info", "explain"):
        check(ingot(command, tmp_path / "nothere.onnx"), "IG1001", 1, "nothere.onnx")
        check(ingot(command, tmp_path), "IG1002", 1, str(tmp_path))
        finished = ingot(command, text)
        assert finished.outcome() == "refused" and finished.status == 1
        check(ingot(command, tmp_path / "empty.onnx"), "IG1006", 1)
    assert len(list(tmp_path.iterdir())) == 2


def test_no_artifact(ingot, artifact, tmp_path):
    data = artifact.read_bytes()
    (tmp_path / "short.so").write_bytes(data[: len(data) // 2])
    finished = ingot("run", tmp_path / "short.so", "--random-inputs")
    check(finished, "IG7002", 1, "short.so")
    # A library, but none of ours.
    finished = ingot("run", tool_library(), "--random-inputs")
    check(finished, "IG7002", 1, "not a compiled model")


def tool_library():
    """The path of a shared library that every machine here has."""
    for line in open("/proc/self/maps"):
        if line.rstrip().endswith("libc.so.6"):
            return line.split()[-1]
    return "/lib/x86_64-linux-gnu/libc.so.6"


def test_all_unsupported_nodes_are_listed(ingot, tmp_path):
    model = small_models.unsupported(tmp_path)
    finished = ingot("compile", model, cwd=tmp_path)
    assert finished.status == 1
    assert "[IG1301]" in finished.stderr.splitlines()[0]
    for word in ("Frobnicate", "first", "my.own", "second"):
        assert word in finished.stderr
    assert not (tmp_path / "unsupported.so").exists()


def test_node_is_named_without_noise(ingot, tmp_path):
    node = helper.make_node("Concat", ["x", "x"], ["y"], name="joined", axis=7)
    value = small_models.value
    model = small_models.save(
        tmp_path, "axis", [node], [value("x", [2, 3])], [value("y", None)]
    )
    check(ingot("compile", model, cwd=tmp_path), "IG1208", 1, "Concat 'joined'", "7")


@pytest.mark.parametrize(
    "arrays, code, expected",
    [
        ({"q": np.ones((1, 3, 4), "f")}, "IG7006", "did you mean 'x'?"),
        ({"x": np.ones((1, 3, 4), "d")}, "IG7007", "double"),
        ({"x": np.ones((3, 4), "f")}, "IG7008", "'x'"),
        ({"x": np.ones((1, 3, 5), "f")}, "IG7009", "[1, 3, 5]"),
        ({"x": np.array(["a"])}, "IG6007", "<U1"),
        ({"x": np.array([None])}, "IG6007", "|O"),
        ({}, "IG7006", "x float[N,3,4]"),
    ],
)
def test_wrong_inputs(ingot, artifact, tmp_path, arrays, code, expected):
    np.savez(tmp_path / "in.npz", **arrays)
    out = tmp_path / "out.npz"
    words = ["run", artifact, "--inputs", tmp_path / "in.npz", "--outputs", out]
    check(ingot(*words), code, 1, expected)
    assert not out.exists()


def test_unreadable_inputs(ingot, artifact, tmp_path):
    words = ["run", artifact, "--inputs"]
    check(ingot(*words, tmp_path / "no.npz"), "IG6006", 1, "no.npz")
    check(ingot(*words, artifact), "IG6007", 1, "shifted.so")
    check(ingot(*words, tmp_path), "IG6006", 1, "input_0.pb")
    (tmp_path / "input_0.pb").write_bytes(b"\xff" * 40)
    check(ingot(*words, tmp_path), "IG6007", 1, "input_0.pb")
    array = np.ones((1, 3, 4), "f")
    proto = onnx.numpy_helper.from_list([array, array], "sequence")
    (tmp_path / "input_0.pb").write_bytes(proto.SerializeToString())
    check(ingot(*words, tmp_path), "IG6007", 1, "sequence")
    for i in range(2):
        proto = onnx.numpy_helper.from_array(array)
        (tmp_path / f"input_{i}.pb").write_bytes(proto.SerializeToString())
    check(ingot(*words, tmp_path), "IG7006", 1, "input_1.pb")
    np.save(tmp_path / "x.npy", array)
    data = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(data[:-3])
    check(ingot("run", artifact, "--input", f"x={tmp_path}/x.npy"), "IG6007", 1)
    check(ingot("run", artifact), "IG7006", 1, "--random-inputs")


def test_unwritable_outputs(ingot, artifact, shifted, tmp_path):
    (tmp_path / "file").touch()
    bad = [tmp_path / "no" / "x.so", tmp_path, tmp_path / "file" / "x.so", "/proc/x.so"]
    for path in bad:
        check(ingot("compile", shifted, "-o", path), "IG5001", 1, str(path))
    check(ingot("compile", shifted, "-o", shifted), "IG5001", 1, "overwrite")
    onnx.checker.check_model(str(shifted))
    run = ["run", artifact, "--random-inputs", "--outputs"]
    for path in (tmp_path / "no" / "x.npz", tmp_path / "file" / "x", "/proc/x"):
        check(ingot(*run, path), "IG5001", 1, str(path))
    check(ingot("check", shifted, "--json", "/proc/x.json", "-q"), "IG5001", 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def limited(words, kilobytes, cwd):
    """Runs the tool where no file may grow over a size, as on a full disk."""
    script = f'ulimit -f {kilobytes}; exec "$@"'
    return tool.run(["/bin/bash", "-c", script, "sh", tool.tool("ingot"), *words], cwd=cwd)


def test_full_disk(artifact, shifted, tmp_path):
    large = tmp_path / "in.npz"
    np.savez(large, x=np.ones((3000, 3, 4), "f"))
    for words in (
        ["compile", shifted, "-o", "x.so"],
        ["compile", shifted, "-o", "x.a"],
        ["compile", shifted, "-o", "x.ll"],
        ["run", artifact, "--inputs", large, "--outputs", "x.npz"],
        ["run", artifact, "--inputs", large, "--outputs", "."],
    ):
        finished = limited(words, 1, tmp_path)
        assert finished.outcome() == "refused", (words, finished.stderr)
        assert finished.status == 1
        assert len(finished.stderr.splitlines()) == 1
        assert [path.name for path in tmp_path.iterdir()] == ["in.npz"], words


@pytest.mark.parametrize("kilobytes", [8, 16, 28])
@pytest.mark.parametrize("name", ["x.so", "x.a", "x.o", "x.s"])
def test_full_file_system(shifted, tmp_path, name, kilobytes):
    """A disk that fills up at various moments: what is mapped and written then
    is a bus error, unlike an error of write()."""
    disk = tmp_path / "disk"
    disk.mkdir()
    script = (
        'mount -t tmpfs -o size=$1k tmpfs "$2" || exit 77; cd "$2"; shift 2\n'
        '"$@"; status=$?; ls -A >&2; exit $status'
    )
    words = ["unshare", "-rm", "/bin/sh", "-c", script, "sh", kilobytes, disk]
    words += [tool.tool("ingot"), "compile", shifted, "-o", name]
    finished = tool.run(words)
    if finished.status in (77, 127) or "unshare" in finished.stderr:
        pytest.skip("needs mounts of its own (user namespaces)")
    if finished.status == 0:
        assert name.endswith(".s")  # which is small
        return
    check(finished, "IG5001", 1, name, "No space left")


MODULES = {
    "IG4002": (
        "kernel computes nothing",
        """
kernel.func @k(%a: tensor<4xf32>) -> tensor<4xf32> {
  kernel.yield %a : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = kernel.launch @k(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
""",
    ),
    "IG4005": ("no function", "module {}"),
    "IG4006": (
        "code generation failed",
        """
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = onnx.Relu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @other(%m: memref<4xf32>) -> memref<4xf32> {
  return %m : memref<4xf32>
}
""",
    ),
    "IG4007": ("non-function type", "func.func @main( {"),
}


@pytest.mark.parametrize("code", MODULES)
def test_modules_that_are_no_models(ingot, tmp_path, code):
    """IR in text form may say anything; what passes never make is refused."""
    expected, text = MODULES[code]
    path = tmp_path / "module.mlir"
    path.write_text(text)
    finished = ingot("compile", path, "-o", tmp_path / "m.so")
    assert finished.status == 1
    (line,) = [s for s in finished.stderr.splitlines() if f"[{code}]" in s]
    assert LINE.match(line) and expected in line
    assert not (tmp_path / "m.so").exists()


def test_too_little_memory(tmp_path, artifact):
    """An input, or an intermediate value, larger than the memory there is."""
    value = small_models.value
    wide = small_models.save(
        tmp_path,
        "wide",
        [
            helper.make_node("Expand", ["x", "shape"], ["e"], name="expand"),
            helper.make_node("CumSum", ["e", "one"], ["c"], name="cumsum"),
            helper.make_node("ReduceSum", ["c"], ["y"], name="sum"),
        ],
        [value("x", ["N", 1])],
        [value("y", [1, 1])],
        [("shape", np.array([1, 1 << 20])), ("one", np.int64(1))],
    )

    def run(model, shape):
        words = ["run", model, "--random-inputs", "--shape", shape, "--threads=1"]
        return tool.run([tool.tool("ingot"), *words], memory_gib=2)

    check(run(artifact, f"x:{1 << 28}x3x4"), "IG6011", 1, "out of memory")
    check(run(wide, "x:4096x1"), "IG7011", 1, "arena")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_standard_output(shifted):
    command = [tool.tool("ingot"), "info", str(shifted)]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert "[IG5001]" in done.stderr and "standard output" in done.stderr


def test_old_artifact_survives_a_failure(ingot, tmp_path, artifact):
    target = tmp_path / "model.so"
    target.write_bytes(artifact.read_bytes())
    model = small_models.unsupported(tmp_path)
    assert ingot("compile", model, "-o", target).status == 1
    assert target.read_bytes() == artifact.read_bytes()


@pytest.mark.parametrize("moment", [0.02, 0.05, 0.1, 0.2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_leaves_nothing(tmp_path, shifted, number, moment):
    command = [tool.tool("ingot"), "compile", str(shifted), "-o", str(tmp_path / "m.so")]
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(moment)
    child.send_signal(number)
    child.wait(60)
    assert child.returncode in (0, -number)
    left = [path.name for path in tmp_path.iterdir()]
    assert left in ([], ["m.so"])
