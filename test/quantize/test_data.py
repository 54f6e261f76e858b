"""Where samples come from, and what is wrong with some."""

import struct
import zlib

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import float_models as models
from quantizing import reference, samples


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return models.residual(tmp_path_factory.mktemp("model") / "m.onnx")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return samples(tmp_path_factory.mktemp("data") / "x.npz", 8, x=(3, 16, 16))


def chunk(kind, body):
    check = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


def write_png(path, image):
    height, width, channels = image.shape
    rows = b"".join(b"\0" + row.tobytes() for row in image)
    colour = {1: 0, 3: 2, 4: 6}[channels]
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
                     + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def write_ppm(path, image):
    height, width, _ = image.shape
    path.write_bytes(b"P6 %d %d 255\n" % (width, height) + image.tobytes())


def scales(result):
    return result.report["scales"]


def test_random_data_warns(quantize, model):
    result = quantize(model, "random", "--samples=4")
    assert "IG6112" in result.warnings
    assert "random data" in result.text


def test_forms_of_the_same_samples(quantize, model, data, tmp_path):
    """Stacked, one file each, test-data folders, positional names: the same
    scales."""
    x = np.load(data)["x"]
    many, folders = tmp_path / "many", tmp_path / "folders"
    many.mkdir()
    for i, each in enumerate(x):
        np.savez(many / f"{i}.npz", x=each[None])
        folder = folders / f"test_data_set_{i}"
        folder.mkdir(parents=True)
        tensor = numpy_helper.from_array(each[None], "x")
        (folder / "input_0.pb").write_bytes(tensor.SerializeToString())
    np.savez(tmp_path / "batched.npz", x[:, None])
    expected = scales(quantize(model, data))
    for other in (many, folders, tmp_path / "batched.npz"):
        assert scales(quantize(model, other)) == expected
    files = [many / f"{i}.npz" for i in range(8)]
    assert scales(quantize(model, files)) == expected


def test_fewer_samples(quantize, model, data):
    result = quantize(model, data, "--samples=3", "--eval-samples=2")
    assert result.report["calibration_samples"] == 3
    assert result.report["error"]["samples"] == 2


def test_images(quantize, model, tmp_path):
    """An image is what numpy makes of it."""
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (4, 16, 16, 3), np.uint8)
    folder = tmp_path / "images"
    folder.mkdir()
    for i, image in enumerate(images):
        (write_png if i % 2 else write_ppm)(folder / f"{i}.{'png' if i % 2 else 'ppm'}",
                                            image)
    mean, deviation = np.array([0.1, 0.2, 0.3]), np.array([0.5, 0.6, 0.7])
    normal = ((images / 255 - mean) / deviation).astype("f").transpose(0, 3, 1, 2)
    np.savez(tmp_path / "rgb.npz", x=normal)
    np.savez(tmp_path / "bgr.npz", x=normal[:, ::-1])
    np.savez(tmp_path / "raw.npz", x=images.transpose(0, 3, 1, 2).astype("f"))
    flags = ["--mean=0.1,0.2,0.3", "--std=0.5,0.6,0.7"]
    for words, same in (
        (flags, "rgb"),
        ([*flags, "--channel-order=BGR"], "bgr"),
        (["--divisor=1"], "raw"),
        (["--divisor=1", "--layout=nchw", "--image-size=16x16"], "raw"),
    ):
        found = scales(quantize(model, folder, *words))
        expected = scales(quantize(model, tmp_path / f"{same}.npz"))
        for name in expected:
            assert found[name]["scale"] == pytest.approx(expected[name]["scale"], 1e-5)


@pytest.mark.parametrize("fit", ["crop", "stretch", "letterbox"])
def test_fits(quantize, model, tmp_path, fit):
    image = np.ones((32, 64, 3), np.uint8)
    image[:, :8] = 200
    image[:, 56:] = 200
    write_png(tmp_path / "wide.png", image)
    result = quantize(model, tmp_path / "wide.png", "--image-fit", fit, "--divisor=1")
    range_of_x = scales(result)["x"]["scale"] * 255
    # The middle is dark, which is all that cropping leaves.
    assert {"crop": range_of_x < 2, "stretch": range_of_x > 190,
            "letterbox": range_of_x > 190}[fit]


def test_nhwc_images(quantize, tmp_path):
    b = models.Builder()
    b.node("Transpose", ["x"], "t", perm=[0, 3, 1, 2])
    b.conv("t", "y", 3, 8)
    model = b.save(tmp_path / "m.onnx", [("x", [1, 12, 20, 3])], [("y", [1, 8, 12, 20])])
    write_png(tmp_path / "i.png", np.full((12, 20, 3), 51, np.uint8))
    result = quantize(model, tmp_path / "i.png", "--ignore-speed")
    assert scales(result)["t"]["scale"] * 255 == pytest.approx(0.2, 1e-4)


def test_photographs(quantize, tmp_path):
    datasets = pytest.importorskip("sklearn.datasets", reason="needs scikit-learn")
    files = datasets.load_sample_images().filenames
    b = models.Builder()
    b.conv("x", "c", 3, 16)
    b.node("Relu", ["c"], "r")
    b.conv("r", "y", 16, 16)
    model = b.save(tmp_path / "m.onnx", [("x", [1, 3, 64, 96])], [("y", [1, 16, 64, 96])])
    result = quantize(model, list(files))
    assert result.report["error"]["sqnr_db"] > 25
    assert scales(result)["x"]["scale"] * 255 <= 1.001


def test_dynamic_batch(quantize, tmp_path):
    b = models.Builder()
    b.conv("x", "c", 3, 8)
    b.node("Relu", ["c"], "r")
    b.conv("r", "y", 8, 8)
    model = b.save(tmp_path / "m.onnx", [("x", ["N", 3, 16, 16])],
                   [("y", ["N", 8, 16, 16])])
    data = samples(tmp_path / "x.npz", 6, x=(3, 16, 16))
    result = quantize(model, data, "--samples=4")
    assert result.report["calibration_samples"] == 4
    x = np.load(data)["x"]
    assert reference(result.path, {"x": x})[0].shape == (6, 8, 16, 16)


def test_two_inputs(quantize, refused, tmp_path):
    b = models.Builder()
    b.node("Gather", ["table", "ids"], "rows", axis=0)
    b.normal("table", (20, 32))
    b.node("Add", ["rows", "shift"], "sum")
    b.node("MatMul", ["sum", b.normal("w", (32, 32), 0.2)], "y")
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        b.nodes, "g",
        [value("ids", TensorProto.INT64, [1, 8]), value("shift", TensorProto.FLOAT, [1, 8, 32])],
        [value("y", TensorProto.FLOAT, [1, 8, 32])], b.weights)
    model = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)],
                                ir_version=8), model)
    random = np.random.default_rng(0)
    ids = random.integers(0, 20, (5, 1, 8))
    shift = random.normal(size=(5, 1, 8, 32)).astype("f")
    np.savez(tmp_path / "x.npz", ids=ids, shift=shift)
    result = quantize(model, tmp_path / "x.npz", "--ignore-speed")
    assert result.report["error"]["sqnr_db"] > 25
    np.savez(tmp_path / "uneven.npz", ids=ids, shift=shift[:3])
    refused("IG6102", model, "--data", tmp_path / "uneven.npz")
    np.savez(tmp_path / "missing.npz", ids=ids)
    refused("IG6102", model, "--data", tmp_path / "missing.npz")


def test_wrong_data(refused, model, tmp_path):
    def archive(name, **arrays):
        np.savez(tmp_path / name, **arrays)
        return tmp_path / name

    good = np.ones((2, 3, 16, 16), "f")
    assert "float[1,3,16,16]" in refused(
        "IG6102", model, "--data", archive("a.npz", x=np.ones((2, 4, 16, 16), "f")))
    assert "double" in refused("IG6102", model, "--data",
                               archive("b.npz", x=good.astype("d")))
    assert "did you mean 'x'" in refused("IG6102", model, "--data",
                                         archive("c.npz", X=good))
    assert "empty" in refused("IG6101", model, "--data",
                              archive("d.npz", x=good[:0]))
    bad = good.copy()
    bad[1, 2, 3, 4] = np.nan
    assert "NaN" in refused("IG6103", model, "--data", archive("e.npz", x=bad))
    bad[1, 2, 3, 4] = np.inf
    assert "infinity" in refused("IG6103", model, "--data", archive("f.npz", x=bad))
    huge = np.full((1, 3, 16, 16), 3e38, "f")
    assert "overflows" in refused("IG6103", model, "--data", archive("g.npz", x=huge))
    (tmp_path / "h.npz").write_bytes(b"PK not a zip")
    refused("IG6007", model, "--data", tmp_path / "h.npz")
    (tmp_path / "nothing").mkdir()
    refused("IG6101", model, "--data", tmp_path / "nothing")
    refused("IG6101", model, "--data", tmp_path / "absent.npz")
    refused("IG6101", model)
    (tmp_path / "text.txt").write_text("no data")
    refused("IG6101", model, "--data", tmp_path / "text.txt")


def test_wrong_images(refused, model, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 50)
    assert "broken.png" in refused("IG6104", model, "--data", tmp_path / "broken.png")
    write_png(tmp_path / "good.png", np.zeros((4, 4, 3), np.uint8))
    cut = (tmp_path / "good.png").read_bytes()[:40]
    (tmp_path / "cut.png").write_bytes(cut)
    refused("IG6104", model, "--data", tmp_path / "cut.png")
    refused("IG6104", model, "--data", tmp_path / "good.png", "--image-size=8x8")
    b = models.Builder()
    b.node("MatMul", ["x", b.normal("w", (4, 4))], "y")
    flat = b.save(tmp_path / "flat.onnx", [("x", [2, 4])], [("y", [2, 4])])
    refused("IG6104", flat, "--data", tmp_path / "good.png")


def test_wrong_models(refused, quantize, data, tmp_path, model):
    b = models.Builder()
    b.node("Relu", ["x"], "y")
    nothing = b.save(tmp_path / "n.onnx", [("x", [1, 3])], [("y", [1, 3])])
    assert "nothing to quantize" in refused("IG6106", nothing, "--data=random")
    done = quantize(model, data)
    assert "already" in refused("IG6105", done.path, "--data", data)
    (tmp_path / "text.onnx").write_text("not a model")
    refused("IG1004", tmp_path / "text.onnx", "--data", data)
    refused("IG1001", tmp_path / "absent.onnx", "--data", data)
    b = models.Builder()
    b.node("Conv", ["x", "w"], "y", pads=[1] * 4, kernel_shape=[3, 3])
    moving = b.save(tmp_path / "w.onnx", [("x", [1, 3, 8, 8]), ("w", [4, 3, 3, 3])],
                    [("y", [1, 4, 8, 8])])
    assert "computed at run time" in refused("IG6106", moving, "--data=random")


def test_wrong_options(ingot, refused, model, data, tmp_path):
    refused("IG6111", model, "--data", data, "--adaround", "--gptq")
    refused("IG6111", model, "--data", data, "--dynamic", "--weight-only=int4")
    for flag in ("--calibrate=best", "--max-error=psnr=3", "--prune=2", "--mean=a,b",
                 "--std=0", "--image-size=5", "--block-size=0", "--samples=0",
                 "--activation-type=int2", "--smooth-quant=2", "--layout=cwh"):
        refused("IG6004", model, "--data", data, flag)
    over = ingot("quantize", model, "--data", data, "-o", model)
    assert "overwrite" in over.stderr and over.status != 0
    named = ingot("quantize", model, "--data", data, "-o", tmp_path / "q.bin")
    assert "IG6111" in named.stderr


def test_resume(ingot, quantize, refused, model, data, tmp_path):
    """A second run goes on from the state, and another method can use it."""
    state = tmp_path / "state"
    once = quantize(model, data, "--samples=6")
    first = quantize(model, data, "--samples=4", "--state", state)
    assert first.report["resumed_samples"] == 0
    second = quantize(model, data, "--samples=6", "--state", state)
    assert second.report["resumed_samples"] == 4
    assert scales(second) == scales(once)
    third = quantize(model, data, "--samples=6", "--state", state, "--calibrate=mse")
    assert third.report["resumed_samples"] == 6
    assert scales(third) == scales(quantize(model, data, "--samples=6",
                                            "--calibrate=mse"))
    refused("IG6109", model, "--data", data, "--state", state, "--seed=5")
    refused("IG6109", model, "--data", "random", "--state", state)
    state.write_bytes(state.read_bytes()[:-20])
    refused("IG6109", model, "--data", data, "--state", state)
