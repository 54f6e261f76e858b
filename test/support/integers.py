"""Models of one product or convolution of 8-bit integers, in MLIR, with what
NumPy computes for them; and running such a model."""

import numpy as np

from support import tool

MLIR_TYPES = {"u1": "ui8", "i1": "i8", "i4": "i32"}


def tensor_type(array, symbolic=None):
    """The type of an array; `symbolic` names its first dimension."""
    sizes = [str(size) for size in array.shape]
    encoding = ""
    if symbolic:
        names = ", ".join([f'"{symbolic}"', *sizes[1:]])
        encoding = f", #onnx.dims<[{names}]>"
        sizes[0] = "?"
    return f"tensor<{''.join(f'{size}x' for size in sizes)}{MLIR_TYPES[array.dtype.str[1:]]}{encoding}>"


def constant(name, array):
    kind = tensor_type(array)
    # A single value would be a splat.
    data = ", ".join(map(str, array.flat)) if array.size == 1 else f'"0x{array.tobytes().hex()}"'
    return f"  {name} = onnx.Constant {{value = dense<{data}> : {kind}}} : {kind}\n"


def integers(rng, shape, kind):
    """Random integers with many extremes: sums of those come near the limits."""
    limits = np.iinfo(kind)
    array = rng.integers(limits.min, limits.max + 1, shape)
    extreme = rng.choice([limits.min, limits.max], shape)
    return np.where(rng.random(shape) < 0.2, extreme, array).astype(kind)


def product(a, b, is_constant, symbolic=None):
    """(body, inputs, expected) of a matrix product."""
    y = a.astype("i4") @ b.astype("i4")
    op = (
        f"  %y = ingot.matmul %a, %b {{n = {b.shape[-1]} : i64}} : "
        f"({tensor_type(a, symbolic)}, {tensor_type(b)}) -> {tensor_type(y, symbolic)}\n"
    )
    inputs = {"a": a} if is_constant else {"a": a, "b": b}
    return (constant("%b", b) if is_constant else "") + op, inputs, y


def convolution(x, w, group, strides, dilations, begins, ends, pad, symbolic=None):
    """(body, inputs, expected) of a convolution of channels-last images, or None
    if the window does not fit."""
    kernel = w.shape[2:]
    around = [(0, 0), *zip(begins, ends), (0, 0)]
    padded = np.pad(x.astype("i4"), around, constant_values=pad)
    out = [
        (padded.shape[1 + i] - (kernel[i] - 1) * dilations[i] - 1) // strides[i] + 1
        for i in range(2)
    ]
    if min(out) <= 0:
        return None
    filters, of_group = w.shape[:2]
    y = np.zeros([len(x), *out, filters], "i4")
    per_group = filters // group
    for i, j in np.ndindex(*kernel):
        rows = slice(i * dilations[0], i * dilations[0] + (out[0] - 1) * strides[0] + 1, strides[0])
        columns = slice(
            j * dilations[1], j * dilations[1] + (out[1] - 1) * strides[1] + 1, strides[1]
        )
        for g in range(group):
            source = padded[:, rows, columns, g * of_group : (g + 1) * of_group]
            taps = w[g * per_group : (g + 1) * per_group, :, i, j].astype("i4")
            y[..., g * per_group : (g + 1) * per_group] += source @ taps.T
    lists = {"kernel": kernel, "strides": strides, "pads_begin": begins, "dilations": dilations}
    attributes = ", ".join(
        f"{name} = array<i64: {', '.join(map(str, values))}>" for name, values in lists.items()
    )
    op = (
        f"  %y = ingot.conv %a, %w {{{attributes}, group = {group} : i64,"
        f" filters = {filters} : i64, pad_value = {pad} : i64}} : "
        f"({tensor_type(x, symbolic)}, {tensor_type(w)}) -> {tensor_type(y, symbolic)}\n"
    )
    return constant("%w", w) + op, {"a": x}, y


def run(made, target, folder, threads, symbolic=None):
    """Runs (body, inputs, expected); returns the result and what was printed to
    stderr."""
    body, inputs, expected = made
    arguments = ", ".join(
        f"%{name}: {tensor_type(array, symbolic if name == 'a' else None)}"
        for name, array in inputs.items()
    )
    kind = tensor_type(expected, symbolic)
    model = folder / "model.mlir"
    model.write_text(
        f"func.func @main({arguments}) -> {kind} {{\n{body}  return %y : {kind}\n}}\n"
    )
    flags = []
    for position, (name, array) in enumerate(inputs.items()):
        np.save(folder / f"{name}.npy", array)
        flags.append(f"--input=input{position}={folder / name}.npy")
    result = folder / "result.npz"
    flags += [f"--outputs={result}", f"--target={target}", f"--threads={threads}", "-q"]
    finished = tool.run(
        [tool.tool("ingot"), "run", model, *flags], env=tool.emulation(target)
    )
    assert finished.outcome() == "done", finished.message()
    (actual,) = np.load(result).values()
    return actual, finished.stderr
