#!/usr/bin/env python3
"""Times Ingot beside ONNX Runtime and OpenVINO on whole models.

usage: bench/compare.py [MODEL.onnx|FOLDER ...] [--threads 1,2] [--rounds 7]
                        [--clock wall|cpu] [--json FILE]

A FOLDER holds NAME/model.onnx. Default: resnet50, vgg16, mobilenet_v2 and
bert_base of INGOT_ZOO_DIR. Each engine is ready in its own process; then rounds
alternate, one engine at a time, and the median over the rounds of each round's
median is printed, in milliseconds, with the ratio of the faster peer to Ingot:
above 1 Ingot is faster. The last line of each thread count is the geometric
mean of the ratios. Every engine computes in float32. With --clock cpu it is
processor time of all threads of the process, waiting ones too: for one thread
on a machine with other work, where time on the wall says more of that work.
"""

import argparse
import json
import math
import multiprocessing
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEFAULT_MODELS = ("resnet50", "vgg16", "mobilenet_v2", "bert_base")
PEERS = ("onnxruntime", "openvino")


def in_own_venv():
    """Runs this script again in a venv that has the peers, made at need."""
    venv = ROOT / "build" / "compare-venv"
    python = venv / "bin" / "python"
    wanted = ROOT / "bench" / "requirements.txt"
    done = venv / "requirements.txt"
    if not done.exists() or done.read_text() != wanted.read_text():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        install = ["-m", "pip", "install", "--quiet", "--no-input", "-r", wanted]
        subprocess.run([python, *install], check=True)
        done.write_text(wanted.read_text())
    os.execv(python, [python, *sys.argv])


def load_onnxruntime(path, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        path, options, providers=["CPUExecutionProvider"]
    )
    return lambda feeds: session.run(None, feeds)


def load_openvino(path, threads):
    import openvino

    model = openvino.Core().compile_model(
        path,
        "CPU",
        {
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
        },
    )
    request = model.create_infer_request()
    return lambda feeds: request.infer(feeds, share_inputs=True)


LOADERS = {"onnxruntime": load_onnxruntime, "openvino": load_openvino}


def peer_process(engine, path, threads, inputs, channel):
    """Loads once, then answers each number of seconds with a round's times."""
    import numpy

    try:
        start = time.perf_counter()
        run = LOADERS[engine](path, threads)
        loaded = time.perf_counter() - start
        feeds = dict(numpy.load(inputs))
        run(feeds)
        run(feeds)
        channel.send({"load_s": loaded})
        while True:
            seconds = channel.recv()
            if seconds is None:
                return
            channel.send(timed(lambda: run(feeds), seconds))
    except Exception as error:
        channel.send({"error": f"{type(error).__name__}: {error}".split("\n")[0][:200]})


def timed(run, seconds):
    """Milliseconds of each run, by both clocks."""
    times = {"wall": [], "cpu": []}
    end = time.perf_counter() + seconds
    while not times["wall"] or time.perf_counter() < end:
        start, cpu = time.perf_counter(), time.process_time()
        run()
        times["wall"].append((time.perf_counter() - start) * 1e3)
        times["cpu"].append((time.process_time() - cpu) * 1e3)
    return times


class Peer:
    def __init__(self, engine, path, threads, inputs):
        context = multiprocessing.get_context("spawn")
        self.channel, other = context.Pipe()
        self.process = context.Process(
            target=peer_process,
            args=(engine, str(path), threads, str(inputs), other),
            daemon=True,
        )
        self.process.start()
        other.close()
        self.facts = self.receive()

    def receive(self):
        try:
            return self.channel.recv()
        except EOFError:
            return {"error": "the process ended"}

    def round(self, seconds):
        if "error" in self.facts:
            return None
        self.channel.send(seconds)
        times = self.receive()
        if "error" in times:
            self.facts = times
            return None
        return {clock: statistics.median(each) for clock, each in times.items()}

    def close(self):
        if self.process.is_alive() and "error" not in self.facts:
            self.channel.send(None)
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()


class Ingot:
    """`ingot bench` on an artifact that is compiled once."""

    def __init__(self, tool, path, threads, inputs, folder):
        self.tool, self.threads, self.inputs = tool, threads, inputs
        self.artifact = folder / "model.so"
        self.report = folder / "report.json"
        self.facts = {}
        if not self.artifact.exists():
            start = time.perf_counter()
            if self.call("compile", path, "-o", self.artifact):
                self.facts["load_s"] = time.perf_counter() - start

    def call(self, *words):
        done = subprocess.run(
            [self.tool, *map(str, words)], capture_output=True, text=True
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            self.facts["error"] = lines[-1] if lines else "no message"
        return done.returncode == 0

    def round(self, _):
        if "error" in self.facts:
            return None
        options = ["--threads", self.threads, "--inputs", self.inputs]
        if not self.call("bench", self.artifact, *options, "--json", self.report):
            return None
        self.facts |= json.loads(self.report.read_text())
        return {"wall": self.facts["median_ms"], "cpu": self.facts["cpu_ms"]}

    def close(self):
        pass


def make_inputs(path, target):
    """Random inputs, dynamic sizes 1, integers small, as an .npz file."""
    import numpy
    import onnx

    model = onnx.load(path, load_external_data=False)
    given = {tensor.name for tensor in model.graph.initializer}
    rng = numpy.random.default_rng(0)
    arrays = {}
    for value in model.graph.input:
        if value.name in given:
            continue
        tensor = value.type.tensor_type
        shape = [d.dim_value or 1 for d in tensor.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        if dtype.kind == "f":
            arrays[value.name] = rng.normal(0, 1, shape).astype(dtype)
        else:
            arrays[value.name] = numpy.ones(shape, dtype)
    numpy.savez(target, **arrays)


def measure(path, threads, options):
    """{engine: {"ms": median or None, "rounds": [...], ...}}"""
    with tempfile.TemporaryDirectory(prefix="ingot-compare-") as folder:
        folder = pathlib.Path(folder)
        inputs = folder / "inputs.npz"
        make_inputs(path, inputs)
        runners = {}
        for engine in options.engines:
            if engine == "ingot":
                runners[engine] = Ingot(options.ingot, path, threads, inputs, folder)
            else:
                runners[engine] = Peer(engine, path, threads, inputs)
        rounds = {engine: [] for engine in runners}
        for number in range(options.rounds):
            # The order turns, so that no engine always follows the same one.
            order = list(runners)
            order = order[number % len(order) :] + order[: number % len(order)]
            for engine in order:
                time.sleep(0.05)  # threads of the one before go to sleep
                ms = runners[engine].round(options.seconds)
                if ms is not None:
                    rounds[engine].append(ms[options.clock])
        result = {}
        for engine, runner in runners.items():
            runner.close()
            times = rounds[engine]
            result[engine] = {
                **runner.facts,
                "rounds": times,
                "ms": statistics.median(times) if times else None,
            }
        return result


def ratio(result):
    """The faster peer's time over Ingot's, or None."""
    ours = result.get("ingot", {}).get("ms")
    theirs = [
        result[peer]["ms"] for peer in PEERS if result.get(peer, {}).get("ms")
    ]
    return min(theirs) / ours if ours and theirs else None


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values))) if values else None


def models_of(arguments):
    """(name, path) of each model that the command line asks for."""
    if not arguments:
        zoo = pathlib.Path(os.environ.get("INGOT_ZOO_DIR", ROOT.parent / "zoo"))
        arguments = [zoo / name for name in DEFAULT_MODELS]
    for argument in map(pathlib.Path, arguments):
        if argument.is_file():
            name = argument.stem if argument.stem != "model" else argument.parent.name
            yield name, argument
        elif (argument / "model.onnx").is_file():
            yield argument.name, argument / "model.onnx"
        else:
            found = sorted(argument.glob("*/model.onnx"))
            if not found:
                sys.exit(f"compare: no model at {argument} (INGOT_ZOO_DIR?)")
            yield from ((path.parent.name, path) for path in found)


def cell(result, engine):
    ms = result.get(engine, {}).get("ms")
    return f"{ms:.3f}" if ms else "-"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], epilog=__doc__.partition("]\n\n")[2]
    )
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--threads", default="1,2", help="counts, default 1,2")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1, help="of a peer's round")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--engines", default="ingot,onnxruntime,openvino")
    parser.add_argument("--ingot", default=str(ROOT / "build/bin/ingot"))
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    options = parser.parse_args()
    options.engines = options.engines.split(",")
    unknown = set(options.engines) - {"ingot", *PEERS}
    if unknown:
        parser.error(f"no engine {', '.join(sorted(unknown))}")
    try:
        __import__("onnx")
        for engine in options.engines:
            if engine != "ingot":
                __import__(engine)
    except ImportError:
        if pathlib.Path(sys.prefix) == ROOT / "build" / "compare-venv":
            raise
        in_own_venv()

    models = list(models_of(options.models))
    width = max(len("threads 1"), *(len(name) for name, _ in models))
    figures = []
    for threads in map(int, options.threads.split(",")):
        head = "".join(f"{engine:>13}" for engine in options.engines)
        print(f"{'threads ' + str(threads):{width}}{head}        ratio")
        ratios = []
        for name, path in models:
            result = measure(path, threads, options)
            figures.append({"model": name, "threads": threads, "engines": result})
            of_peers = ratio(result)
            cells = "".join(f"{cell(result, e):>13}" for e in options.engines)
            print(f"{name:{width}}{cells}{of_peers or math.nan:>13.3f}", flush=True)
            for engine, facts in result.items():
                if "error" in facts:
                    print(f"  {engine}: {facts['error']}")
            if of_peers:
                ratios.append(of_peers)
        if ratios:
            print(f"geometric mean of {len(ratios)} ratios: {geometric_mean(ratios):.3f}")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=1) + "\n")
    failed = any(f["engines"].get("ingot", {}).get("ms") is None for f in figures)
    return 1 if failed and "ingot" in options.engines else 0


if __name__ == "__main__":
    sys.exit(main())
