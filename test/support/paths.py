"""Where the sources, the build and the real models are."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("INGOT_BUILD_DIR", ROOT / "build")).resolve()
LLVM_BIN = pathlib.Path("/usr/lib/llvm-22/bin")


def folder_of_models(variable, beside):
    """The folder that an environment variable names, else one beside the
    checkout, else None."""
    for path in (os.environ.get(variable), ROOT.parent / beside):
        if path and pathlib.Path(path).is_dir():
            return pathlib.Path(path).resolve()
    return None


MODELS = folder_of_models("INGOT_MODELS_DIR", "shared/models")
ZOO = folder_of_models("INGOT_ZOO_DIR", "zoo")
