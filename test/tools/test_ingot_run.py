"""ingot run: inputs and outputs in every form."""

import json

import numpy as np
import onnx
import pytest
import small_models
from onnx import TensorProto, numpy_helper

from support import tool

X = np.linspace(-20, 20, 24, dtype="f").reshape(2, 3, 4)
Y = np.maximum(X + small_models.W, 0)


def outputs(path):
    return dict(np.load(path))


@pytest.mark.parametrize("form", ["savez", "savez_compressed"])
@pytest.mark.parametrize(
    "array",
    [X, np.asfortranarray(X), X.astype(">f4"), np.asfortranarray(X.astype(">f4"))],
    ids=["plain", "fortran", "big-endian", "fortran-big-endian"],
)
def test_npz_by_name(done, artifact, tmp_path, form, array):
    getattr(np, form)(tmp_path / "in.npz", x=array)
    out = tmp_path / "out.npz"
    done("run", artifact, "--inputs", tmp_path / "in.npz", "--outputs", out)
    assert outputs(out).keys() == {"y"}
    np.testing.assert_array_equal(outputs(out)["y"], Y)


def test_npz_by_position(done, product, tmp_path):
    a, b = X[0, :2, :].repeat(2, 1)[:, :5].copy(), np.arange(5, dtype="f")
    np.savez(tmp_path / "in.npz", a, b)
    out = tmp_path / "out.npz"
    done("run", product, "--inputs", tmp_path / "in.npz", "--outputs", out)
    np.testing.assert_array_equal(outputs(out)["c"], a * b)
    np.testing.assert_array_equal(outputs(out)["d"], a - b)


def test_folder_of_protos(done, product, tmp_path):
    a = np.arange(10, dtype="f").reshape(2, 5)
    b = np.arange(5, dtype="f") - 2
    for i, proto in enumerate(
        [
            numpy_helper.from_array(a),
            onnx.helper.make_tensor("b", TensorProto.FLOAT, [5], b.tolist()),
        ]
    ):
        (tmp_path / f"input_{i}.pb").write_bytes(proto.SerializeToString())
    done("run", product, "--inputs", tmp_path, "--outputs", tmp_path / "new" / "out")
    for i, (name, expected) in enumerate([("c", a * b), ("d", a - b)]):
        data = (tmp_path / "new" / "out" / f"output_{i}.pb").read_bytes()
        proto = onnx.TensorProto.FromString(data)
        assert proto.name == name
        np.testing.assert_array_equal(numpy_helper.to_array(proto), expected)


def test_inputs_one_by_one(done, product, tmp_path):
    a = np.ones((2, 5), "f")
    b = np.arange(5, dtype="f")
    np.save(tmp_path / "a.npy", a)
    (tmp_path / "b.pb").write_bytes(numpy_helper.from_array(b).SerializeToString())
    out = tmp_path / "out.npz"
    one = f"a={tmp_path}/a.npy"
    done("run", product, "--input", one, f"--input=b={tmp_path}/b.pb", "--outputs", out)
    np.testing.assert_array_equal(outputs(out)["c"], a * b)
    # The rest is random.
    done("run", product, "--input", one, "--random-inputs", "--outputs", out)
    assert np.isfinite(outputs(out)["c"]).all()


def test_types(done, tmp_path):
    model = small_models.casts(tmp_path)
    given = {
        "bool": np.array([True, False, True]),
        "int8": np.array([-128, 0, 127], "i1"),
        "half": np.array([1.5, -0.0, 65504], "e"),
        # As ml_dtypes saves bfloat16: bytes that NumPy has no name for.
        "bfloat": np.array([0x3FC0, 0x8000, 0x7F80], "<u2").view("V2"),
    }
    np.savez(tmp_path / "in.npz", **given)
    out = tmp_path / "out.npz"
    done("run", model, "--inputs", tmp_path / "in.npz", "--outputs", out)
    result = outputs(out)
    for name, array in given.items():
        assert result[f"{name}_out"].dtype == array.dtype
        assert result[f"{name}_out"].tobytes() == array.tobytes()


def test_random_inputs_repeat(done, artifact):
    words = ["run", artifact, "--random-inputs", "--shape", "x:5x3x4"]
    first = done(*words, "--seed", 7)
    assert first == done(*words, "--seed=7")
    assert first != done(*words, "--seed=8")
    assert "y float[5,3,4]" in first


def test_summary(done, artifact, tmp_path):
    np.savez(tmp_path / "in.npz", x=X)
    text = done("run", artifact, "--inputs", tmp_path / "in.npz")
    assert text.startswith("y float[2,3,4]  min 0  max 31  mean ")
    done("run", artifact, "--inputs", tmp_path / "in.npz", "--json", tmp_path / "j")
    (summary,) = json.loads((tmp_path / "j").read_text())["outputs"]
    assert summary["name"] == "y" and summary["shape"] == [2, 3, 4]
    assert summary["mean"] == pytest.approx(Y.mean(), rel=1e-6)
    bad = np.full((1, 3, 4), np.nan, "f")
    bad[0, 0, 0] = 1
    np.savez(tmp_path / "in.npz", x=bad)
    assert "not finite: 11" in done("run", artifact, "--inputs", tmp_path / "in.npz")


def test_fixed_shape(done, ingot, shifted, tmp_path):
    fixed = tmp_path / "fixed.so"
    done("compile", shifted, "-o", fixed, "--shape", "N=2")
    np.savez(tmp_path / "in.npz", x=X)
    np.savez(tmp_path / "more.npz", x=X[:1])
    done("run", fixed, "--inputs", tmp_path / "in.npz")
    assert "IG7009" in ingot("run", fixed, "--inputs", tmp_path / "more.npz").stderr


def test_threads_give_the_same(done, artifact, tmp_path):
    np.savez(tmp_path / "in.npz", x=np.tile(X, (500, 1, 1)))
    results = []
    for threads in (1, 2, 3):
        out = tmp_path / f"{threads}.npz"
        words = ["--inputs", tmp_path / "in.npz", "--outputs", out]
        done("run", artifact, *words, "--threads", threads)
        results.append(out.read_bytes())
    assert results[0] == results[1] == results[2]


class TestAarch64:
    @pytest.fixture(autouse=True)
    def emulator(self):
        missing = tool.emulator_missing("aarch64")
        if missing:
            pytest.skip(missing)

    def test_model(self, done, shifted, tmp_path):
        np.savez(tmp_path / "in.npz", x=X)
        out = tmp_path / "out.npz"
        words = ["--inputs", tmp_path / "in.npz", "--outputs", out]
        done("run", shifted, "--target=aarch64+dotprod", *words)
        np.testing.assert_array_equal(outputs(out)["y"], Y)

    def test_artifact(self, done, ingot, product, tmp_path):
        library = tmp_path / "product.so"
        done("compile", product, "--target=aarch64", "-o", library)
        text = done("run", library, "--random-inputs", "--qemu-cpu", "cortex-a53")
        assert text == done("run", product, "--random-inputs")
        np.savez(tmp_path / "bad.npz", a=np.ones((2, 5), "f"), b=np.ones(4, "f"))
        finished = ingot("run", library, "--inputs", tmp_path / "bad.npz")
        assert finished.status == 1 and "[IG7009]" in finished.stderr
        finished = ingot("run", library, "--random-inputs", "--qemu-cpu", "z80")
        assert finished.status == 1 and "[IG6009]" in finished.stderr
        assert "z80" in finished.stderr
        finished = ingot("bench", library)
        assert finished.status == 1 and "[IG6010]" in finished.stderr
        assert "target    aarch64" in done("info", library)

    def test_no_emulator(self, ingot, shifted, tmp_path):
        words = ["run", shifted, "--target=aarch64", "--random-inputs"]
        finished = ingot(*words, env={"PATH": str(tmp_path)})
        assert finished.status == 1
        assert "[IG6008]" in finished.stderr and "qemu-user-static" in finished.stderr
