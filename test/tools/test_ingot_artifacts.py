"""What ingot compile writes: forms, determinism, use from C."""

import pathlib
import struct
import subprocess

import numpy as np
import pytest
import small_models

from support import tool
from support.paths import LLVM_BIN, ROOT

CLANG = LLVM_BIN / "clang"


def build(source, output, *words):
    """A C program, with the warnings that an application may have on."""
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    command = [CLANG, *flags, "-I", ROOT / "include", source, "-o", output, *words]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_same_bytes(done, shifted, tmp_path):
    made = []
    for name, threads in [("one.so", 1), ("two.so", 4), ("one.so", 0)]:
        done("compile", shifted, "-o", tmp_path / name, "--threads", threads)
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1] == made[2]


def artifact_hash(done, model, path):
    done("compile", model, "-o", path)
    (line,) = [s for s in done("info", path).splitlines() if s.startswith("hash")]
    return line.split()[1]


def test_hash_covers_the_weights(done, tmp_path, monkeypatch):
    hashes = []
    for scale in (1, 2, 1):
        monkeypatch.setattr(small_models, "W", small_models.W * scale)
        model = small_models.shifted(tmp_path)
        hashes.append(artifact_hash(done, model, tmp_path / "x.so"))
        monkeypatch.undo()
    assert hashes[0] == hashes[2] != hashes[1]


def test_needs_libc_alone(artifact):
    command = [LLVM_BIN / "llvm-readelf", "-d", "--dyn-syms", artifact]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    needed = [line.split("[")[1] for line in text.splitlines() if "(NEEDED)" in line]
    assert needed == ["libc.so.6]"]
    exported = [
        line.split()[-1]
        for line in text.splitlines()
        if " GLOBAL " in line and " UND " not in line
    ]
    assert exported == ["ingot_get_api_v1"]


@pytest.mark.parametrize("target", ["x86-64-v3", "aarch64"])
def test_weights_are_a_segment_of_their_own(done, shifted, tmp_path, target):
    """Read-only, so that processes share them, and last, where loaders expect
    addresses to ascend."""
    path = tmp_path / "m.so"
    done("compile", shifted, "-o", path, f"--target={target}")
    data = path.read_bytes()
    (at,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    segments = [struct.unpack_from("<IIQQQQQQ", data, at + i * size) for i in range(count)]
    loaded = [segment for segment in segments if segment[0] == 1]
    assert [each[3] for each in loaded] == sorted(each[3] for each in loaded)
    _, flags, offset, address, _, in_file, in_memory, align = loaded[-1]
    assert flags == 4 and in_file == in_memory
    assert offset % align == address % align == 0 and align >= 4096
    weights = small_models.W.tobytes()
    assert data[offset : offset + in_file].startswith(weights)
    assert data.count(weights) == 1


@pytest.mark.parametrize(
    "form, ending, expected",
    [
        ("onnx", "mlir", "onnx.Add"),
        ("graph", "mlir", "func.func @main"),
        ("tensor", "mlir", "linalg.generic"),
        ("kernel", "mlir", "kernel.launch"),
        ("memory", "mlir", "kernel.launch"),
        ("loops", "mlir", "ingot_gen_run"),
        ("llvm", "ll", "define "),
        ("asm", "s", ".globl"),
    ],
)
def test_text_forms(done, shifted, tmp_path, form, ending, expected):
    text = done("compile", shifted, f"--emit={form}")
    assert expected in text
    path = tmp_path / f"model.{ending}"
    assert done("compile", shifted, f"--emit={form}", "-o", path) == ""
    assert path.read_text() == text


def test_module_can_be_compiled_on(done, shifted, tmp_path):
    path = tmp_path / "model.mlir"
    done("compile", shifted, "--emit=onnx", "-o", path)
    # Weights are not part of the text; this model's are small enough to be.
    assert done("run", path, "--random-inputs") == done("run", shifted, "--random-inputs")


PROGRAM = """
#include "MODEL_A.h"
#include "MODEL_B.h"
#include <stdio.h>

static int run(const ingot_api_v1 *api, ingot_tensor *in, int inputs,
               ingot_tensor *out, int outputs) {
  ingot_model *model;
  ingot_context *context;
  ingot_model_info info = {0};
  info.size = sizeof(info);
  if (ingot_model_open(api, &model) != INGOT_OK ||
      ingot_context_create(model, NULL, &context) != INGOT_OK ||
      ingot_run(context, in, inputs, out, outputs) != INGOT_OK ||
      ingot_model_describe(model, &info) != INGOT_OK)
    return printf("%s\\n", ingot_last_error()), 1;
  printf("%s %d\\n", info.name, info.code_bytes > 1000);
  return ingot_context_destroy(context) || ingot_model_close(model);
}

int main(void) {
  float a[10], b[5], c[10], d[10];
  int64_t wide[2] = {2, 5}, flat[1] = {5};
  int i;
  for (i = 0; i < 10; ++i)
    a[i] = (float)i;
  for (i = 0; i < 5; ++i)
    b[i] = 2;
  ingot_tensor in[2] = {{a, sizeof(a), INGOT_FLOAT32, 2, wide},
                        {b, sizeof(b), INGOT_FLOAT32, 1, flat}};
  ingot_tensor out[2] = {{c, sizeof(c), INGOT_FLOAT32, 2, wide},
                         {d, sizeof(d), INGOT_FLOAT32, 2, wide}};
  if (run(MODEL_A_get_api_v1(), in, 2, out, 2))
    return 1;
  float x[12] = {0}, y[12];
  int64_t dims[3] = {1, 3, 4};
  in[0] = (ingot_tensor){x, sizeof(x), INGOT_FLOAT32, 3, dims};
  out[0] = (ingot_tensor){y, sizeof(y), INGOT_FLOAT32, 3, dims};
  if (run(MODEL_B_get_api_v1(), in, 1, out, 1))
    return 1;
  printf("%g %g %g\\n", c[9], d[9], y[11]);
  return 0;
}
"""


def build_for_aarch64(source, output, *words):
    """The same without start files of a compiler, which are not needed for C."""
    libc = pathlib.Path("/usr/aarch64-linux-gnu")
    start = [libc / "lib" / name for name in ("crt1.o", "crti.o")]
    ends = ["libc.so.6", "libc_nonshared.a", "ld-linux-aarch64.so.1", "crtn.o"]
    flags = ["--target=aarch64-linux-gnu", "-nostdlibinc", "-isystem", libc / "include"]
    flags += ["-std=c99", "-mno-outline-atomics", "-nostdlib", "-fuse-ld=lld", "-no-pie"]
    flags += ["-Wl,--dynamic-linker=/lib/ld-linux-aarch64.so.1", "-I", ROOT / "include"]
    command = [CLANG, *flags, "-o", output, *start, source, *words]
    command += [libc / "lib" / name for name in ends]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return ["qemu-aarch64-static", "-L", libc, output]


@pytest.mark.parametrize("ending, target", [("a", "host"), ("o", "host"), ("a", "aarch64")])
def test_two_models_in_one_program(done, product, shifted, tmp_path, ending, target):
    if tool.emulator_missing(target):
        pytest.skip(tool.emulator_missing(target))
    first, second = tmp_path / f"my-product.{ending}", tmp_path / f"2nd.{ending}"
    done("compile", product, "-o", first, f"--target={target}")
    done("compile", shifted, "-o", second, f"--target={target}")
    source = tmp_path / "main.c"
    text = PROGRAM.replace("MODEL_A.h", "my-product.h").replace("MODEL_B.h", "2nd.h")
    text = text.replace("MODEL_A", "my_product").replace("MODEL_B", "model_2nd")
    source.write_text(text)
    program = tmp_path / "main"
    command = [program]
    if target == "host":
        build(source, program, "-I", tmp_path, first, second, "-lpthread")
    else:
        command = build_for_aarch64(source, program, "-I", tmp_path, first, second)
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert result.stdout == "product 1\nshifted 1\n18 7 11\n"
    assert result.returncode == 0


def test_only_the_entry_is_visible(done, product, tmp_path):
    done("compile", product, "-o", tmp_path / "m.o")
    command = [LLVM_BIN / "llvm-nm", "--extern-only", "--defined-only", tmp_path / "m.o"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = [line.split()[-1] for line in text.splitlines()]
    assert names == ["m_get_api_v1", "m_weights"]
    command = [LLVM_BIN / "llvm-readelf", "--symbols", tmp_path / "m.o"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in text.splitlines() if line.endswith(" m_weights")]
    assert "HIDDEN" in line


def test_example_in_c(done, artifact, tmp_path):
    source = ROOT / "examples" / "c" / "run_model.c"
    assert len(source.read_text().splitlines()) < 40
    build(source, tmp_path / "run_model")
    x = np.arange(12, dtype="f") - 6
    (tmp_path / "x.bin").write_bytes(x.tobytes())
    command = [tmp_path / "run_model", artifact, tmp_path / "x.bin"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    expected = np.maximum(x + small_models.W.ravel(), 0)
    np.testing.assert_array_equal(np.array(text.split(), "f"), expected)


def test_other_targets_are_refused_by_the_program(done, shifted, tmp_path):
    if tool.emulator_missing("x86-64-v3"):
        pytest.skip("needs an x86-64 machine")
    build(ROOT / "examples" / "c" / "run_model.c", tmp_path / "run_model")
    done("compile", shifted, "--target=aarch64", "-o", tmp_path / "m.so")
    command = [tmp_path / "run_model", tmp_path / "m.so"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1 and "another kind of processor" in result.stderr
