import os
import shutil

import lit.formats

config.name = "ingot"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["CMakeLists.txt", "Inputs"]
root = os.path.dirname(os.path.dirname(__file__))
build = lit_config.params.get("build", os.path.join(root, "build"))
config.test_exec_root = os.path.join(build, "test")
config.substitutions.append(("%root", root))
config.substitutions.append(
    ("%plugin", os.path.join(build, "test", "bin", "TestPlugin.so"))
)
config.environment["PATH"] = os.pathsep.join(
    [os.path.join(build, "bin"), "/usr/lib/llvm-22/bin", os.environ["PATH"]]
)

# What this machine can run.
with open("/proc/cpuinfo") as cpuinfo:
    flags = set(cpuinfo.read().split())
if {"avx2", "fma"} <= flags:
    config.available_features.add("avx2")
if {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= flags:
    config.available_features.add("avx512")
if shutil.which("qemu-aarch64-static"):
    config.available_features.add("qemu-aarch64")
