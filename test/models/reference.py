"""The real models: where they are, inputs for them, and their right outputs."""

import dataclasses

import numpy as np
import onnxruntime

from support import png, tensors
from support.paths import MODELS, ZOO

TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}


@dataclasses.dataclass(frozen=True)
class Model:
    name: str
    folder: object = "models"  # or "zoo": exported architectures
    # Values of the dynamic batch; or of each dynamic dimension by name.
    batches: tuple = (None,)
    emulated: bool = True  # run for AArch64 too
    interpreted: bool = False  # run on the interpreter of PTX too
    integers: dict = dataclasses.field(default_factory=dict, hash=False)

    @property
    def path(self):
        root = {"models": MODELS, "zoo": ZOO}[self.folder]
        path = root and root / self.name / "model.onnx"
        return path if path and path.exists() else None


def paddle(*sizes):
    return {f"p2o.DynamicDimension.{i}": size for i, size in enumerate(sizes)}


ALL = [
    Model("mnist-8", interpreted=True),
    Model("mnist-cnn-pytorch", interpreted=True),
    Model("keypoint-mlp", batches=(1, 5), interpreted=True),
    Model("cct-2-32-opset20", interpreted=True),
    Model("squeezenet10-fp16", interpreted=True),
    Model("light-shufflenet", interpreted=True),
    Model("fastestdet", interpreted=True),
    Model("yolox-nano"),
    Model("retinaface-mnet025"),
    Model("deeplabv3-mobilenet"),
    Model("sed-unet", batches=(1, 3)),
    Model("super-resolution-10", batches=(1, 2), interpreted=True),
    Model(
        "yunet-n-dynamic",
        batches=(
            {"batch": 1, "height": 160, "width": 160},
            {"batch": 2, "height": 96, "width": 224},
        ),
    ),
    Model("ppocrv2-cls", batches=(paddle(1, 48, 192), paddle(3, 40, 100))),
    Model("ppocrv4-det", batches=(paddle(1, 96, 128), paddle(2, 64, 64))),
    Model("ppocrv4-rec", batches=(paddle(1, 160), paddle(2, 320))),
    Model("magika-standard-v3-3", batches=(1, 3), integers={"bytes": 255}),
    Model("dtln-1", interpreted=True),
    Model("gtcrn-stream-simple"),
    Model("light-resnet50"),
    Model("light-densenet121"),
    Model("road-seg-adas-0001"),
    Model("mobilenet_v2", "zoo", emulated=False),
    Model("mobilenet_v3_large", "zoo", emulated=False),
    Model("resnet50", "zoo", emulated=False),
    Model("vgg16", "zoo", emulated=False),
    Model("vit_b_16", "zoo", emulated=False),
    Model(
        "bert_base",
        "zoo",
        emulated=False,
        integers={"input_ids": 30000, "attention_mask": 1},
    ),
]


class Session:
    """ONNX Runtime on a model."""

    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        options.log_severity_level = 4
        self.session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )

    def random_inputs(self, model, batch, seed):
        rng = np.random.default_rng(seed)
        feeds = {}
        for given in self.session.get_inputs():
            sizes = batch if isinstance(batch, dict) else {}
            shape = [
                d if isinstance(d, int) else sizes.get(d, batch or 1)
                for d in given.shape
            ]
            dtype = TYPES[given.type]
            if np.issubdtype(dtype, np.integer):
                values = rng.integers(0, model.integers[given.name], shape, endpoint=True)
                # A mask that hides everything has no meaning.
                values.reshape(len(values), -1)[:, 0] = 1
            else:
                values = rng.normal(0, 1, shape)
            feeds[given.name] = values.astype(dtype)
        return feeds

    def outputs(self, feeds):
        names = [output.name for output in self.session.get_outputs()]
        return dict(zip(names, self.session.run(None, feeds)))


def samples(model, session, proto):
    """(title, feeds, outputs or None) for the data that came with a model."""
    folder = model.path.parent / "sample"
    inputs = tensors.inputs_of(proto)
    outputs = proto.graph.output
    for path in sorted(folder.glob("*_input_0.pb")):
        wanted = path.with_name(path.name.replace("input", "output"))
        yield path.stem, _protos([path], inputs), _protos([wanted], outputs)
    for path in sorted(folder.glob("light_*_output_0.pb")):
        # The suite's input: a ramp.
        shape = [d.dim_value for d in inputs[0].type.tensor_type.shape.dim]
        ramp = np.arange(np.prod(shape)).reshape(shape) / np.prod(shape)
        feeds = {inputs[0].name: ramp.astype("f")}
        yield "ramp", feeds, _protos([path], outputs)
    if (folder / "inputs.npz").exists():
        yield (
            "inputs.npz",
            _arrays(folder / "inputs.npz", inputs),
            _arrays(folder / "outputs.npz", outputs),
        )
    for path in sorted(folder.glob("*.png")):
        feeds = {session.session.get_inputs()[0].name: _image(path, session)}
        yield path.stem, feeds, None


def _protos(paths, infos):
    return {
        info.name: tensors.load(path, info.type) for path, info in zip(paths, infos)
    }


def _arrays(path, infos):
    stored = np.load(path)
    return {info.name: stored[key] for key, info in zip(stored.files, infos)}


def _image(path, session):
    given = session.session.get_inputs()[0]
    channels = given.shape[1]
    pixels = png.read(path)[:, :, :3].astype("f") / 255
    if channels == 1:
        pixels = pixels.mean(2, keepdims=True)
    return pixels.transpose(2, 0, 1)[None].astype(TYPES[given.type])
