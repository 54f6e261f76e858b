#!/usr/bin/env python3
"""What NVIDIA's ptxas says of the kernels of models: registers, shared memory,
stack, spills and warnings, one line for each model and architecture; with
--families, one line for each kind of kernel in all of the models.

    scripts/ptxas-report.py MODEL.onnx [...] [--arch sm_80 ...] [--kernels]
    scripts/ptxas-report.py MODEL.onnx [...] --families
                             [--fp32-products tf32]

Fails if a kernel does not assemble, spills, or draws a warning on serialised
warpgroup instructions (C75xx).
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ARCHS = ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a", "sm_120"]
ENTRY = re.compile(r"Compiling entry function '([^']+)'")
STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes")
USED = re.compile(r"Used (\d+) registers")
SHARED = re.compile(r"(\d+) bytes smem")
SERIAL = re.compile(r"\(C75\d\d\)")


def kernels_of(log):
    """[(name, registers, shared, stack, spilled)] of `ptxas -v`."""
    found, name, stack, spilled = [], None, 0, 0
    for line in log.splitlines():
        if match := ENTRY.search(line):
            name, stack, spilled = match[1], 0, 0
        elif match := STACK.search(line):
            stack, spilled = int(match[1]), int(match[2]) + int(match[3])
        elif name and (match := USED.search(line)):
            shared = SHARED.search(line)
            found.append(
                (name, int(match[1]), int(shared[1]) if shared else 0, stack, spilled)
            )
            name = None
    return found


def families_of(ptx):
    """{kernel: its family}, by what its code does."""
    found = {}
    for text in ptx.split(".visible .entry ")[1:]:
        name = text[: text.index("(")]
        shared = f"{name}_shared" in text
        if re.search(r"Attention|MatMul\w*Softmax", name):
            family = "attention, " + ("tensor cores" if "mma" in text else "multiply-adds")
        elif "wgmma" in text:
            family = "warpgroups"
        elif "mma.sync" in text:
            family = "blocks, tensor cores"
        elif shared and text.count("fma.rn.f32") >= 64:
            family = "blocks and few rows, multiply-adds"
        else:
            family = "threads and teams"
        found[name] = family
    return found


class Families:
    """The greatest numbers of each family on each architecture."""

    def __init__(self):
        self.rows = {}

    def add(self, ptx, arch, kernels):
        families = families_of(ptx)
        for name, registers, shared, _, spilled in kernels:
            row = self.rows.setdefault(families[name], {})
            old = row.get(arch, (0, 0, 0, 0))
            most = (max(old[1], registers), max(old[2], shared))
            row[arch] = (old[0] + 1, *most, old[3] + spilled)

    def show(self, archs):
        print("| kernels | " + " | ".join(archs) + " |")
        print("|---" * (len(archs) + 1) + "|")
        for family, row in sorted(self.rows.items()):
            cells = []
            for arch in archs:
                if arch not in row:
                    cells.append("")
                    continue
                count, registers, shared, spilled = row[arch]
                cells.append(f"{count}: {registers}, {shared / 1024:.3g} KiB, {spilled}")
            print(f"| {family} | " + " | ".join(cells) + " |")


def report(ingot, ptxas, model, arch, folder, each, flags, families):
    """Prints the line of a model; True if nothing is wrong with it."""
    ptx = folder / "model.ptx"
    command = [ingot, "compile", model, f"--target={arch}", "--emit=ptx", "-q", *flags]
    done = subprocess.run([*command, "-o", ptx], capture_output=True, text=True)
    name = pathlib.Path(model).parent.name or pathlib.Path(model).stem
    if done.returncode:
        print(f"| {name} | {arch} | not compiled: {done.stderr.strip()[:200]} |")
        return False
    command = [ptxas, "-v", f"-arch={arch}", ptx, "-o", folder / "model.cubin"]
    done = subprocess.run(command, capture_output=True, text=True)
    kernels = kernels_of(done.stderr)
    if done.returncode or not kernels:
        print(f"| {name} | {arch} | refused: {done.stderr.strip()[:200]} |")
        return False
    serial = len(SERIAL.findall(done.stderr))
    most = [max(kernel[i] for kernel in kernels) for i in (1, 2, 3)]
    spilled = sum(kernel[4] for kernel in kernels)
    print(
        f"| {name} | {arch} | {len(kernels)} | {most[0]} | {most[1]} | {most[2]}"
        f" | {spilled} | {serial} | {ptx.stat().st_size >> 10} |"
    )
    if families:
        families.add(ptx.read_text(), arch, kernels)
    if each:
        for kernel in sorted(kernels, key=lambda k: -k[1]):
            print("    %-48s %4d registers, %6d shared, %6d stack, %d spilled" % kernel)
    return spilled == 0 and serial == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--arch", nargs="+", default=ARCHS)
    parser.add_argument("--kernels", action="store_true", help="list each kernel")
    parser.add_argument(
        "--families",
        action="store_true",
        help="end with a table of kinds of kernels: how many, the most registers of a "
        "thread, the most shared memory of a block, bytes spilled",
    )
    parser.add_argument("--fp32-products", default="exact", help="as ingot compile takes it")
    parser.add_argument("--ingot", default="build/bin/ingot")
    parser.add_argument("--ptxas", default=None)
    options = parser.parse_args()
    ptxas = options.ptxas or shutil.which("ptxas") or "/usr/local/cuda/bin/ptxas"
    if not pathlib.Path(ptxas).exists():
        sys.exit("ptxas-report: no ptxas on the PATH or below /usr/local/cuda")
    columns = "model, architecture, kernels, most registers, most shared (bytes), "
    columns += "most stack (bytes), spilled (bytes), C75xx, PTX (KB)"
    print("| " + columns.replace(", ", " | ") + " |")
    print("|---|---|---|---|---|---|---|---|---|")
    good = True
    families = Families() if options.families else None
    with tempfile.TemporaryDirectory(prefix="ingot-") as folder:
        for model in options.models:
            for arch in options.arch:
                good &= report(
                    options.ingot,
                    ptxas,
                    model,
                    arch,
                    pathlib.Path(folder),
                    options.kernels,
                    [f"--fp32-products={options.fp32_products}"],
                    families,
                )
                sys.stdout.flush()
    if families:
        print()
        families.show(options.arch)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
