"""ingot bench, check, info and explain."""

import json

import numpy as np
import onnx
import pytest
import small_models
from onnx import helper


def load(path):
    return json.loads(path.read_text())


FIGURES = """compile_s compile_peak_rss_bytes load_ms first_ms median_ms p10 p90 cpu_ms
runs arena_bytes arena_lower_bound_bytes weight_bytes code_bytes peak_rss_bytes kernels
launches allocations_per_run""".split()


def test_bench_of_a_model(done, shifted, tmp_path):
    report = tmp_path / "report.json"
    words = ["--threads=2", "--seconds=0.05", "--shape=N=8", "--profile"]
    text = done("bench", shifted, *words, "--json", report)
    assert "median" in text and "add" in text
    figures = load(report)
    assert set(FIGURES) <= figures.keys()
    assert figures["compile_s"] > 0 and figures["load_ms"] > 0
    assert 0 < figures["p10"] <= figures["median_ms"] <= figures["p90"]
    assert figures["p10_ms"] == figures["p10"] and figures["p90_ms"] == figures["p90"]
    assert figures["cpu_ms"] > 0 and figures["runs"] >= 5
    assert figures["threads"] == 2
    assert figures["allocations_per_run"] == 0
    assert figures["arena_bytes"] >= figures["arena_lower_bound_bytes"]
    assert figures["weight_bytes"] >= small_models.W.nbytes
    assert 1000 < figures["code_bytes"] < 200_000
    # More than the tool's own libraries take, less than a leak.
    for key in ("peak_rss_bytes", "compile_peak_rss_bytes"):
        assert 10e6 < figures[key] < 1e9
    assert figures["kernels"] <= figures["launches"] == len(figures["profile"])
    for launch in figures["profile"]:
        assert launch["ms"] >= 0 and launch["nodes"]


def test_bench_with_symbols(done, ingot, tmp_path):
    value = small_models.value
    model = small_models.save(
        tmp_path,
        "chain",
        [
            helper.make_node("ReduceSum", ["x"], ["s"], name="sum", keepdims=0),
            helper.make_node("Exp", ["x"], ["e"], name="exp"),
            helper.make_node("CumSum", ["e", "one"], ["c"], name="cumsum"),
            helper.make_node("Mul", ["c", "s"], ["y"], name="scale"),
        ],
        [value("x", ["N", 100])],
        [value("y", ["N", 100])],
        [("one", np.int64(1))],
    )
    report, bounds = tmp_path / "report.json", []
    for n in (1, 7):
        done("bench", model, f"--shape=N={n}", "--runs=5", "--json", report, "-q")
        bounds.append(load(report)["arena_lower_bound_bytes"])
        assert load(report)["arena_bytes"] >= bounds[-1] > 0
        # The same by the inputs' shape.
        np.savez(tmp_path / "in.npz", x=np.ones((n, 100), "f"))
        words = ["--inputs", tmp_path / "in.npz", "--runs=5", "--json", report, "-q"]
        done("bench", model, *words)
        # Sizes are rounded apart for each symbol.
        bound, arena = (load(report)[f"arena{x}_bytes"] for x in ("_lower_bound", ""))
        assert bounds[-1] <= bound <= arena
    assert bounds[1] > 2 * bounds[0]
    finished = ingot("bench", model, "--inputs", tmp_path, "-q")
    assert finished.status == 1 and "[IG6006]" in finished.stderr
    done("compile", model, "-o", tmp_path / "m.so", "-q")
    done("bench", tmp_path / "m.so", "--runs=5", "--json", report, "-q")
    assert load(report)["arena_lower_bound_bytes"] is None
    done("compile", model, "-o", tmp_path / "m.so", "-q", "--json", report)
    assert "N" in json.dumps(load(report)["arena_lower_bound"])


def test_bench_of_an_artifact(done, artifact, tmp_path):
    report = tmp_path / "report.json"
    done("bench", artifact, "--runs=7", "--shape=x:3x3x4", "--json", report)
    figures = load(report)
    assert figures["runs"] == 7 and "compile_s" not in figures


def test_check(ingot, done, shifted, tmp_path):
    report = tmp_path / "report.json"
    assert "supported" in done("check", shifted, "--target=all", "--json", report)
    figures = load(report)
    assert figures["supported"] and figures["nodes"] == 2 and figures["opset"] == 21
    targets = {each["target"]: each["supported"] for each in figures["targets"]}
    assert {"x86-64-v3", "x86-64-v4", "aarch64", "sm_80", "sm_90a"} <= targets.keys()
    assert all(targets.values())
    model = small_models.unsupported(tmp_path)
    finished = ingot("check", model, "--json", report)
    assert finished.status == 1 and finished.stderr == ""
    assert "not supported for host" in finished.stdout
    assert "[IG1301] Frobnicate 'first'" in finished.stdout
    assert "(ai.onnx, opset 21); inputs: x float[2]" in finished.stdout
    assert "[IG1301] Foo 'second'" in finished.stdout
    assert "  IG1301: " in finished.stdout
    sites = load(report)["unsupported"]
    assert [site["op_type"] for site in sites] == ["Frobnicate", "Foo"]
    assert [site["node"] for site in sites] == ["first", "second"]
    assert sites[1]["domain"] == "my.own"
    (target,) = load(report)["targets"]
    assert [each["code"] for each in target["errors"]] == ["IG1301", "IG1301"]
    assert all(each["advice"] for each in target["errors"])


def test_check_says_why_an_op_has_no_lowering(ingot, tmp_path):
    value = small_models.value
    text = onnx.TensorProto.STRING
    model = small_models.save(
        tmp_path,
        "strings",
        [
            helper.make_node("Cast", ["s"], ["x"], name="parse", to=1),
            helper.make_node("Cast", ["x"], ["y"], name="print", to=text),
        ],
        [value("s", ["N"], text)],
        [value("y", ["N"], text)],
    )
    report = tmp_path / "report.json"
    finished = ingot("check", model, "--json", report)
    assert finished.status == 1 and finished.stderr == ""
    errors = load(report)["targets"][0]["errors"]
    assert [each["node"] for each in errors][:2] == ["Cast 'parse'", "Cast 'print'"]
    assert "onnx.string" in errors[0]["text"] and "[N]" in errors[0]["text"]


@pytest.mark.parametrize("name", ["folder", "text", "artifact", "nothing", "invalid"])
def test_check_of_no_model(ingot, artifact, tmp_path, name):
    (tmp_path / "text").write_text("no model\n" * 10)
    value = small_models.value
    wrong = [helper.make_node("Concat", ["x", "x"], ["y"], axis=7)]
    small_models.save(tmp_path, "axis", wrong, [value("x", [2])], [value("y", None)])
    path = {"folder": tmp_path, "artifact": artifact, "invalid": tmp_path / "axis.onnx"}
    finished = ingot("check", path.get(name, tmp_path / name))
    assert finished.status == 2
    assert "[IG1" in finished.stderr and len(finished.stderr.splitlines()) == 1


def test_info_of_a_model(done, tmp_path):
    value = small_models.value
    weights = small_models.W.reshape(2, 1, 2, 3)
    model = small_models.save(
        tmp_path,
        "conv",
        [
            helper.make_node("Conv", ["x", "w"], ["t"], name="c", kernel_shape=[2, 3]),
            helper.make_node("Relu", ["t"], ["y"], name="r"),
        ],
        [value("x", ["N", 1, 8, 8])],
        [value("y", ["N", 2, 7, 6])],
        [("w", weights)],
    )
    report = tmp_path / "report.json"
    text = done("info", model, "--json", report)
    assert "x float[N,1,8,8]" in text and "Conv 'c'" in text and "for N" in text
    figures = load(report)
    assert figures["parameters"] == 12 and figures["parameter_bytes"] == 48
    assert figures["op_counts"] == {"Conv": 1, "Relu": 1}
    assert figures["assumed_1"] == ["N"]
    conv, relu = figures["layers"]
    # Two operations for each of 6 weights at each of 2*7*6 places.
    assert conv["flops"] == 2 * 6 * 2 * 7 * 6 and conv["result_bytes"] == 4 * 2 * 7 * 6
    assert relu["flops"] == 2 * 7 * 6
    assert figures["flops"] == conv["flops"] + relu["flops"]
    compiled = figures["compiled"]
    assert compiled["supported"] and compiled["kernels"] >= 1
    assert compiled["arena_bytes"] >= compiled["arena_lower_bound_bytes"]
    assert compiled["weight_bytes"] >= 48
    processors = {"aarch64", "x86-64-v3", "x86-64-v4"}
    assert processors | {"sm_75", "sm_120"} <= set(figures["targets"])
    assert f"targets     {', '.join(figures['targets'])}" in text
    done("info", model, "--json", report, "--shape=N=3", "--target=aarch64")
    assert load(report)["layers"][0]["flops"] == 3 * conv["flops"]
    assert load(report)["compiled"]["target"] == "aarch64"


def test_info_of_a_model_that_cannot_be_compiled(done, tmp_path):
    value = small_models.value
    text = onnx.TensorProto.STRING
    node = helper.make_node("Cast", ["s"], ["x"], name="parse", to=1)
    io = [value("s", ["N"], text)], [value("x", ["N"])]
    model = small_models.save(tmp_path, "strings", [node], *io)
    report = tmp_path / "report.json"
    assert "'ingot check' says what" in done("info", model, "--json", report)
    assert not load(report)["compiled"]["supported"]


def test_info_of_an_artifact(done, artifact, tmp_path):
    report = tmp_path / "report.json"
    text = done("info", artifact, "--json", report)
    assert "x float[N,3,4]" in text and "symbols   N" in text
    figures = load(report)
    assert figures["inputs"] == [{"name": "x", "type": "float", "shape": ["N", 3, 4]}]
    assert figures["symbols"] == ["N"] and len(figures["hash"]) == 32
    assert figures["launches"] and figures["code_bytes"] > 1000


def test_explain_a_model(done, shifted, tmp_path):
    report = tmp_path / "report.json"
    text = done("explain", shifted, "--json", report)
    assert "Add 'add': launch 0 of kernel_Add_Relu, with Relu 'relu'" in text
    assert "Relu 'relu': launch 0" in text
    add, relu = load(report)["nodes"]
    assert (add["op_type"], add["node"]) == ("Add", "add")
    # The elementwise chain is one kernel.
    assert add["launches"] == relu["launches"] != []


def test_every_node_has_an_answer(done, tmp_path):
    """No node vanishes without a word, and remarks say why not."""
    value, node = small_models.value, helper.make_node
    rng = np.random.default_rng(0)
    weights = [
        ("w", rng.random((8, 3, 3, 3), "f")),
        ("scale", np.full(8, 2, "f")),
        ("zero", np.zeros(8, "f")),
        ("one", np.ones(8, "f")),
        ("flat", np.array([0, -1])),
        ("two", np.float32(2)),
        ("three", np.float32(3)),
    ]
    model = small_models.save(
        tmp_path,
        "many",
        [
            node("Conv", ["x", "w"], ["c"], name="conv", kernel_shape=[3, 3]),
            node("BatchNormalization", ["c", "scale", "zero", "zero", "one"], ["b"], name="bn"),
            node("Identity", ["b"], ["i"], name="same"),
            node("Relu", ["i"], ["r"], name="relu"),
            node("Mul", ["two", "three"], ["six"], name="constant"),
            node("Mul", ["r", "six"], ["m"], name="scaled"),
            node("Exp", ["m"], ["e"], name="exp"),
            node("ReduceSum", ["e"], ["sum"], name="sum"),
            node("Reshape", ["e", "flat"], ["f"], name="reshape"),
            node("Sqrt", ["x"], ["dead"], name="dead"),
        ],
        [value("x", [1, 3, 8, 8])],
        [value("f", [1, 288]), value("sum", [1, 1, 1, 1])],
        weights,
    )
    report = tmp_path / "report.json"
    text = done("explain", model, "--json", report)
    nodes = {each["node"]: each for each in load(report)["nodes"]}

    def remarks(name, topic):
        return " ".join(
            each["text"] for each in nodes[name]["remarks"] if each["topic"] == topic
        )

    for each in nodes.values():
        assert each["remarks"], each
    assert "Conv 'conv', BatchNormalization 'bn'" in remarks("bn", "graph")
    assert "convolution emitter" in remarks("conv", "kernel")
    assert "in registers, with Relu 'relu', Mul 'scaled', Exp 'exp'" in remarks("conv", "fusion")
    assert "changes nothing" in remarks("same", "graph")
    assert "at compile time" in remarks("constant", "import")
    assert "nothing uses its result" in remarks("dead", "import")
    for name in ("same", "constant", "dead"):
        assert not nodes[name]["launches"]
        assert f"'{name}': no code" in text
    assert "a view" in remarks("reshape", "memory")
    assert "of the caller's" in remarks("exp", "memory")
    assert "several readers" in remarks("exp", "fusion")


def test_explain_a_code(done, tmp_path):
    done("explain", "IG1301", "--json", tmp_path / "page.json", "-q")
    page = load(tmp_path / "page.json")
    assert page["code"] == "IG1301" and page["name"] == "UnsupportedNodes"
    assert page["title"] and page["advice"]
    text = done("explain", "IG1301")
    assert text.startswith("IG1301") and "operators" in text
    assert done("explain", "1301") == text == done("explain", "ig1301")


def test_help(done):
    overview = done("--help")
    assert done("--version").startswith("ingot ")
    for command in ("compile", "run", "bench", "check", "info", "explain"):
        assert f"  {command} " in overview
        text = done(command, "--help")
        assert text.startswith(f"usage: ingot {command} ") and "flags:" in text
        assert max(map(len, text.splitlines())) <= 80
