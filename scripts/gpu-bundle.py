#!/usr/bin/env python3
"""Makes the folder that scripts/gpu-check.sh takes to a machine with a GPU.

    scripts/gpu-bundle.py OUT [--targets sm_80,sm_90a] [--max-mb 60] [--limit N]
                          [--benchmarks full|small|none]

Holds gpu-check, single instructions, benchmarks (scripts/gpu_benchmarks.py),
artifacts of conformance cases (one for each operator, and more as there is room)
and of models, with inputs and what the interpreter of PTX makes of them. Needs a
finished build (--build-dir) and the Python packages of the tests.
"""

import argparse
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Types that NumPy holds as the C interface passes them.
PLAIN = {1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13}
MODELS = ["mnist-8", "mnist-cnn-pytorch", "cct-2-32-opset20", "keypoint-mlp"]
MODELS += ["fastestdet", "super-resolution-10", "squeezenet10-fp16"]


class Bundle:
    def __init__(self, options):
        self.out = pathlib.Path(options.out).resolve()
        self.build = pathlib.Path(options.build_dir).resolve()
        self.options = options
        self.room = options.max_mb << 20
        self.capabilities = [capability_of(t) for t in options.targets.split(",")]
        self.lines, self.benchmarks, self.skipped = [], [], 0
        shutil.rmtree(self.out, ignore_errors=True)
        for folder in ("ptx", "so", "data"):
            (self.out / folder).mkdir(parents=True)
        self.add_file(self.build / "bin" / "gpu-check", "gpu-check")
        for name in ("gpu-check.sh", "gpu-peers.py"):
            self.add_file(ROOT / "scripts" / name, name)

    def add_file(self, source, name):
        shutil.copy(source, self.out / name)
        self.room -= (self.out / name).stat().st_size

    def add_data(self, kind, dtype, data, dims, name):
        path = self.out / "data" / name
        path.write_bytes(data)
        self.room -= len(data)
        shape = " ".join(map(str, [len(dims), *dims]))
        return f"{kind} {dtype} {len(data)} data/{name} {shape}"

    def run(self, *command):
        """Runs a tool on the interpreter; None if it fails."""
        env = {
            "LD_LIBRARY_PATH": str(self.build / "lib" / "fake-cuda"),
            "INGOT_FAKE_CUDA_ARCH": str(max(number for number, _ in self.capabilities)),
            "INGOT_FAKE_CUDA_UNINITIALISED": "0",
            "INGOT_CACHE_DIR": "off",
        }
        done = subprocess.run(
            [self.build / "bin" / command[0], *command[1:]],
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=600,
        )
        if done.returncode:
            self.skipped += 1
            print(f"left out: {done.stderr.strip()[:160]}", file=sys.stderr)
        return done.returncode == 0

    def instruction(self, name, text, inputs, made, tolerance):
        """One kernel of scripts/gpu_instructions.py."""
        needs = capability_of(re.search(r"\.target (\w+)", text)[1])
        if needs not in self.capabilities and (
            needs[1] or needs[0] > max(self.capabilities)[0]
        ):
            return
        path = self.out / "ptx" / f"{name}.ptx"
        path.write_text(text)
        lines = []
        from gpu_instructions import BLOCKS, THREADS

        arguments = []
        for i, (dtype, array) in enumerate(inputs):
            file = f"{name}.{i}"
            lines.append(self.add_data("in", dtype, array.tobytes(), array.shape, file))
            arguments.append(f"in:{self.out}/data/{file}")
        dtype, size = made
        with tempfile.TemporaryDirectory() as folder:
            arguments.append(f"out:{size}:{folder}/out")
            shape = [f"--grid={BLOCKS},1,1", f"--block={THREADS},1,1"]
            if not self.run("ptx-run", path, "kernel", *shape, *arguments):
                return
            data = pathlib.Path(folder, "out").read_bytes()
        lines.append(self.add_data("out", dtype, data, [size], f"{name}.out"))
        head = f"kernel {name} ptx/{name}.ptx {BLOCKS} {THREADS} {tolerance}"
        head += f" {needs[0]}{needs[1]}"
        self.lines += [head, *lines]

    def model(self, name, path, feeds, rtol, atol, runs):
        """An artifact with its inputs, in the order of the model's; False when
        it cannot be bundled."""
        so = f"so/{name}.so"
        flags = [f"--target={self.options.targets}", "--ptxas=off", "-q"]
        if not self.run("ingot", "compile", path, *flags, "-o", self.out / so):
            return False
        self.room -= (self.out / so).stat().st_size
        with tempfile.TemporaryDirectory() as folder:
            given, made = pathlib.Path(folder, "in"), pathlib.Path(folder, "out")
            given.mkdir()
            for i, (key, array) in enumerate(feeds.items()):
                tensor = numpy_helper.from_array(array, key)
                (given / f"input_{i}.pb").write_bytes(tensor.SerializeToString())
            paths = ["--inputs", given, "--outputs", made]
            if not self.run("ingot", "run", self.out / so, *paths, "-q"):
                (self.out / so).unlink()
                return False
            count = len(list(made.glob("output_*.pb")))
            outputs = [load(made / f"output_{i}.pb") for i in range(count)]
        lines = [f"case {name} {so} {rtol} {atol} {runs}"]
        for kind, arrays in (("in", feeds.values()), ("out", outputs)):
            for i, array in enumerate(arrays):
                dtype = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
                data = np.ascontiguousarray(array).tobytes()
                file = f"{name}.{kind}{i}"
                lines.append(self.add_data(kind, dtype, data, array.shape, file))
        self.lines += lines
        return True

    def benchmark(self, case):
        """An artifact, packed; inputs are made where it runs. What other targets
        compute is compared with the code for the first. Has machine code if there
        is ptxas, since compiling it there would take much of the time."""
        so = f"so/{case.name}.so"
        targets = self.options.targets.split(",")
        flags = [f"--target={self.options.targets}", "-q", *case.flags]
        with tempfile.TemporaryDirectory() as folder:
            path, made = pathlib.Path(folder, "m.onnx"), pathlib.Path(folder, "m.so")
            onnx.save(case.model, path)
            if not self.run("ingot", "compile", path, *flags, "-o", made):
                return
            packed = gzip.compress(made.read_bytes(), 6, mtime=0)
        (self.out / f"{so}.gz").write_bytes(packed)
        self.room -= len(packed)
        reference = targets[0] if len(targets) > 1 else "-"
        head = f"bench {case.name} {so} {case.rate} {reference}"
        self.benchmarks.append(f"{head} {case.flops} {case.bytes}")
        graph = case.model.graph
        for kind, values in (("in", graph.input), ("out", graph.output)):
            for value in values:
                tensor = value.type.tensor_type
                dims = [dim.dim_value for dim in tensor.shape.dim]
                size = bits_of(tensor.elem_type) * int(np.prod(dims)) // 8
                shape = " ".join(map(str, [len(dims), *dims]))
                line = f"{kind} {tensor.elem_type} {size} - {shape}"
                self.benchmarks.append(line)


def capability_of(target):
    """sm_90a: (90, "a")."""
    number = target.removeprefix("sm_")
    return int(number.rstrip("a")), "a" if number.endswith("a") else ""


def bits_of(dtype):
    return 8 * onnx.helper.tensor_dtype_to_np_dtype(dtype).itemsize


def load(path):
    return numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes()))


def feeds_of(case):
    """The inputs of a conformance case; None if some are not plain tensors."""
    model = onnx.load(case.model, load_external_data=False)
    for info in [*model.graph.input, *model.graph.output]:
        if info.type.tensor_type.elem_type not in PLAIN:
            return None
    feeds = {}
    data = pathlib.Path(case.data_sets[0])
    for i in range(len(list(data.glob("input_*.pb")))):
        feeds[model.graph.input[i].name] = load(data / f"input_{i}.pb")
    return feeds


def add_conformance(bundle, limit):
    os.environ["INGOT_BUILD_DIR"] = str(bundle.build)
    sys.path[:0] = [str(ROOT / "test"), str(ROOT / "test" / "conformance")]
    import cases
    import expected
    import runner

    listed = expected.load()
    every = [case for case in cases.load() if case.name not in listed]
    first = runner.one_per_operator(every)
    chosen = {case.name for case in first}
    rest = [case for case in every if case.name not in chosen]
    added = 0
    for case in first + rest:
        if bundle.room < 1 << 20 or added == limit:
            break
        feeds = feeds_of(case) if case.kind == "node" else None
        if feeds is not None and not runner.compare.RANDOM.match(case.name):
            added += bundle.model(
                case.name, case.model, feeds, case.rtol, case.atol, 0
            )


def add_models(bundle, folder):
    for name in MODELS:
        path = pathlib.Path(folder, name, "model.onnx")
        if not path.exists():
            continue
        model = onnx.load(path, load_external_data=False)
        weights = {weight.name for weight in model.graph.initializer}
        rng, feeds = np.random.default_rng(0), {}
        for info in model.graph.input:
            if info.name in weights:
                continue
            dims = [d.dim_value or 1 for d in info.type.tensor_type.shape.dim]
            dtype = onnx.helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type)
            feeds[info.name] = rng.standard_normal(dims).astype(dtype)
        bundle.model(name, path, feeds, 1e-3, 1e-4, 100)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--targets", default="sm_80,sm_90a")
    parser.add_argument("--max-mb", type=int, default=60)
    parser.add_argument("--limit", type=int, help="at most so many conformance cases")
    parser.add_argument(
        "--benchmarks", choices=("full", "small", "none"), default="full"
    )
    parser.add_argument("--build-dir", default=ROOT / "build")
    parser.add_argument("--models", default=os.environ.get("INGOT_MODELS_DIR", ""))
    options = parser.parse_args()
    bundle = Bundle(options)
    sys.path.insert(0, str(ROOT / "scripts"))
    from gpu_benchmarks import benchmarks
    from gpu_instructions import kernels

    for kernel in kernels():
        bundle.instruction(*kernel)
    if options.benchmarks != "none":
        for case in benchmarks(options.benchmarks):
            bundle.benchmark(case)
    add_models(bundle, options.models or ".")
    add_conformance(bundle, options.limit)
    # What is right comes first, then how fast it is.
    bundle.lines += bundle.benchmarks
    (bundle.out / "cases.txt").write_text("\n".join(bundle.lines) + "\n")
    heads = [line.split()[0] for line in bundle.lines]
    size = (options.max_mb << 20) - bundle.room
    print(
        f"{bundle.out}: {heads.count('kernel')} instructions, {heads.count('case')}"
        f" artifacts, {heads.count('bench')} benchmarks, {size >> 20} MB, {bundle.skipped} left out"
    )


if __name__ == "__main__":
    main()
