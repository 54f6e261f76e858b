"""Kernels of one PTX instruction each, with inputs that reach its corners: for
comparing the interpreter (tools/ptx) with hardware."""

import numpy as np

THREADS, BLOCKS = 128, 16
COUNT = THREADS * BLOCKS
FLOAT32, INT32, FLOAT16, FLOAT64, UINT32, UINT64, BFLOAT16 = 1, 6, 10, 11, 12, 13, 16
BITS = {1: 32, 6: 32, 10: 16, 11: 64, 12: 32, 13: 64, 16: 16}
UINT = {16: np.uint16, 32: np.uint32, 64: np.uint64}

# Bit patterns: zeros, ones, halves, the largest, smallest and denormal numbers,
# infinities and NaN.
CORNERS = {
    16: [0, 0x8000, 0x3C00, 0xBC00, 0x3800, 0x7BFF, 1, 0x400, 0x7C00, 0xFC00, 0x7E00],
    32: [0, 1 << 31, 0x3F800000, 0xBF800000, 0x3F000000, 0x7F7FFFFF, 1, 0x800000]
    + [0x7F800000, 0xFF800000, 0x7FC00000, 0x4B000001, 0xCB000001, 0x4F000000]
    + [0xFFFFFFFF, 0x7FFFFFFF, 31, 32, 33, 0x3FC00000, 0x40200000],
    64: [0, 1 << 63, 0x3FF0000000000000, 0xBFF0000000000000, 0x7FEFFFFFFFFFFFFF, 1]
    + [0x10000000000000, 0x7FF0000000000000, 0xFFF0000000000000, (1 << 64) - 1]
    + [0x7FF8000000000000, 0x43E0000000000000, 63, 64],
}

# (name, body, types of the inputs, type of the output, relative tolerance).
# Inputs are %a, %b, %c, the output is %d.
SINGLE = [
    *[(op, f"{op} %d, %a;", [FLOAT32], FLOAT32, tolerance) for op, tolerance in [
        ("sqrt.rn.f32", 0), ("rcp.rn.f32", 0), ("abs.f32", 0), ("neg.f32", 0),
        ("cvt.rni.f32.f32", 0), ("cvt.rzi.f32.f32", 0), ("cvt.rmi.f32.f32", 0),
        ("cvt.rpi.f32.f32", 0), ("rsqrt.approx.f32", 4e-7), ("ex2.approx.f32", 4e-7),
        ("ex2.approx.ftz.f32", 4e-7), ("tanh.approx.f32", 1e-3), ("cvt.rna.tf32.f32", 0),
    ]],
    *[(op, f"{op} %d, %a, %b;", [FLOAT32] * 2, FLOAT32, 0) for op in [
        "add.rn.f32", "sub.rn.f32", "mul.rn.f32", "div.rn.f32", "min.f32", "max.f32",
        "min.NaN.f32", "max.NaN.f32", "add.rz.f32", "mul.rn.ftz.f32", "add.rn.sat.f32",
    ]],
    ("fma.rn.f32", "fma.rn.f32 %d, %a, %b, %c;", [FLOAT32] * 3, FLOAT32, 0),
    *[(op, f"{op} %d, %a, %b;", [FLOAT64] * 2, FLOAT64, 0) for op in [
        "add.rn.f64", "mul.rn.f64", "div.rn.f64", "min.f64", "max.f64",
    ]],
    ("fma.rn.f64", "fma.rn.f64 %d, %a, %b, %c;", [FLOAT64] * 3, FLOAT64, 0),
    ("sqrt.rn.f64", "sqrt.rn.f64 %d, %a;", [FLOAT64], FLOAT64, 0),
    *[(op, f"{op} %d, %a, %b;", [FLOAT16] * 2, FLOAT16, 0) for op in [
        "add.rn.f16", "mul.rn.f16", "min.f16", "max.f16",
    ]],
    ("fma.rn.f16", "fma.rn.f16 %d, %a, %b, %c;", [FLOAT16] * 3, FLOAT16, 0),
    ("fma.rn.bf16", "fma.rn.bf16 %d, %a, %b, %c;", [BFLOAT16] * 3, BFLOAT16, 0),
    *[(op, f"{op} %d, %a;", [source], to, 0) for op, source, to in [
        ("cvt.rn.f16.f32", FLOAT32, FLOAT16), ("cvt.rz.f16.f32", FLOAT32, FLOAT16),
        ("cvt.rn.bf16.f32", FLOAT32, BFLOAT16), ("cvt.f32.f16", FLOAT16, FLOAT32),
        ("cvt.rzi.s32.f32", FLOAT32, INT32), ("cvt.rni.s32.f32", FLOAT32, INT32),
        ("cvt.rzi.u32.f32", FLOAT32, UINT32), ("cvt.rzi.s64.f32", FLOAT32, UINT64),
        ("cvt.rn.f32.s32", INT32, FLOAT32), ("cvt.rn.f32.u64", UINT64, FLOAT32),
        ("cvt.rn.f32.f64", FLOAT64, FLOAT32), ("cvt.f64.f32", FLOAT32, FLOAT64),
        ("cvt.rzi.s32.f64", FLOAT64, INT32), ("cvt.rn.f64.s64", UINT64, FLOAT64),
    ]],
    ("cvt.rn.bf16x2.f32", "cvt.rn.bf16x2.f32 %d, %a, %b;", [FLOAT32] * 2, INT32, 0),
    *[(op, f"{op} %d, %a, %b;", [INT32] * 2, INT32, 0) for op in [
        "add.s32", "sub.s32", "mul.lo.s32", "mul.hi.s32", "mul.hi.u32", "min.s32",
        "max.u32", "and.b32", "or.b32", "xor.b32", "shl.b32", "shr.s32", "shr.u32",
    ]],
    # Divisors of 0 have no defined result.
    ("div.s32", "or.b32 %b, %b, 4; div.s32 %d, %a, %b;", [INT32] * 2, INT32, 0),
    ("rem.u32", "or.b32 %b, %b, 4; rem.u32 %d, %a, %b;", [INT32] * 2, INT32, 0),
    *[(op, f"{op} %d, %a, %b, %c;", [INT32] * 3, INT32, 0) for op in [
        "mad.lo.s32", "mad.hi.u32", "bfe.u32", "bfe.s32", "prmt.b32",
        "shf.l.wrap.b32", "shf.r.clamp.b32", "dp4a.s32.s32", "dp4a.u32.s32",
    ]],
    ("bfi.b32", "bfi.b32 %d, %a, %b, %c, 7;", [INT32] * 3, INT32, 0),
    ("lop3.b32", "lop3.b32 %d, %a, %b, %c, 0xCA;", [INT32] * 3, INT32, 0),
    *[(op, f"{op} %d, %a;", [INT32], INT32, 0) for op in [
        "popc.b32", "clz.b32", "brev.b32", "abs.s32", "neg.s32", "not.b32",
        "bfind.u32", "bfind.s32",
    ]],
    *[(op, f"{op} %d, %a, %b;", [UINT64] * 2, UINT64, 0) for op in [
        "add.s64", "mul.lo.s64", "mul.hi.u64", "mul.hi.s64", "min.s64", "max.u64",
    ]],
    ("mul.wide.s32", "mul.wide.s32 %d, %a, %b;", [INT32] * 2, UINT64, 0),
    *[(f"shfl.{mode}", f"shfl.sync.{mode}.b32 %d, %a, {lane}, {clamp}, -1;",
       [INT32], INT32, 0) for mode, lane, clamp in [
        ("bfly", 5, 31), ("idx", 7, 31), ("up", 3, 0), ("down", 9, 31),
        ("bfly", 1, 0x181F),
    ]],
    ("vote.ballot", "and.b32 %a, %a, 1; setp.ne.s32 %p, %a, 0; "
     "vote.sync.ballot.b32 %d, %p, -1;", [INT32], INT32, 0),
    ("redux.add", "redux.sync.add.s32 %d, %a, -1;", [INT32], INT32, 0),
    ("redux.max", "redux.sync.max.s32 %d, %a, -1;", [INT32], INT32, 0),
    ("setp.lt.f32", "setp.lt.f32 %p, %a, %b; selp.b32 %d, 1, 0, %p;",
     [FLOAT32] * 2, INT32, 0),
    ("setp.neu.f32", "setp.neu.f32 %p, %a, %b; selp.b32 %d, 1, 0, %p;",
     [FLOAT32] * 2, INT32, 0),
]  # fmt: skip

# Products of a warp: (name, instruction, bits of A, B and C elements' type,
# registers of A, B, C). Factors are small numbers, so that sums are exact.
PRODUCTS = [
    ("m16n8k16.f16", "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", "f16", 4, 2),
    ("m16n8k16.bf16", "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", "bf16", 4, 2),
    ("m16n8k8.tf32", "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32", "f32", 4, 2),
    ("m16n8k32.s8", "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32", "s8", 4, 2),
    ("m16n8k32.u8", "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32", "s8", 4, 2),
]  # fmt: skip

# Those of 8-bit floats need a later device.
FLOAT8_PRODUCTS = [
    ("m16n8k32.e4m3", "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32", "e4m3", 4, 2),
    ("m16n8k32.e5m2", "mma.sync.aligned.m16n8k32.row.col.f32.e5m2.e4m3.f32", "e4m3", 4, 2),
]  # fmt: skip

# Products of a warpgroup, 64 x 64: (name, types, type of the factors, depth, left
# factor, right factor). A factor in shared memory has rows or depths as rows of
# 128 bytes, swizzled; the left one may be in registers.
GROUP_PRODUCTS = [
    ("rows.rows.f16", "f32.f16.f16", "f16", 16, "rows", "rows"),
    ("rows.depths.f16", "f32.f16.f16", "f16", 16, "rows", "depths"),
    ("depths.depths.bf16", "f32.bf16.bf16", "bf16", 16, "depths", "depths"),
    ("registers.depths.bf16", "f32.bf16.bf16", "bf16", 16, "registers", "depths"),
    ("rows.rows.tf32", "f32.tf32.tf32", "f32", 8, "rows", "rows"),
    ("rows.rows.s8", "s32.s8.s8", "s8", 32, "rows", "rows"),
    ("rows.rows.u8", "s32.u8.s8", "s8", 32, "rows", "rows"),
    ("rows.rows.e4m3", "f32.e4m3.e4m3", "e4m3", 32, "rows", "rows"),
    ("rows.rows.e5m2", "f32.e5m2.e4m3", "e4m3", 32, "rows", "rows"),
]

HEAD = """.version 7.0
.target sm_80
.address_size 64
.visible .entry kernel({parameters})
{{
.reg .pred %p, %live;
.reg .b32 %t, %u, %v;
.reg .b64 %at, %off;
{registers}
mov.u32 %t, %tid.x; mov.u32 %u, %ctaid.x; mov.u32 %v, %ntid.x;
mad.lo.s32 %t, %u, %v, %t;
"""


def corners(bits, rng):
    """COUNT patterns: each corner several times beside others and random ones."""
    chosen = rng.choice(np.array(CORNERS[bits], UINT[bits]), COUNT)
    random = rng.integers(0, 1 << bits, COUNT, dtype=UINT[bits])
    if bits == 32:  # numbers of a usual size too
        usual = rng.uniform(-1000, 1000, COUNT).astype(np.float32).view(np.uint32)
        random = np.where(rng.random(COUNT) < 0.5, usual, random)
    return np.where(rng.random(COUNT) < 0.3, chosen, random)


def address(parameter, size):
    return (
        f"ld.param.u64 %at, [{parameter}]; cvta.to.global.u64 %at, %at;\n"
        f"mul.wide.u32 %off, %t, {size}; add.s64 %at, %at, %off;\n"
    )


def single(spec, rng):
    """(name, PTX, [(type, array)], (type, bytes), tolerance) of an instruction.
    PTX for `sm_90a` runs on capability 9.0 alone, other on its own and later."""
    name, body, sources, to, tolerance = spec
    names = "abc"[: len(sources)]
    parameters = ", ".join(f".param .u64 p{x}" for x in names + "d")
    registers = "\n".join(
        f".reg .b{BITS[t]} %{x};" for x, t in zip(names + "d", [*sources, to])
    )
    text = HEAD.format(parameters=parameters, registers=registers)
    for x, t in zip(names, sources):
        text += address(f"p{x}", BITS[t] // 8) + f"ld.global.b{BITS[t]} %{x}, [%at];\n"
    text += body + "\n" + address("pd", BITS[to] // 8)
    text += f"st.global.b{BITS[to]} [%at], %d;\nret;\n}}\n"
    inputs = [(t, corners(BITS[t], rng)) for t in sources]
    return name, text, inputs, (to, COUNT * BITS[to] // 8), tolerance


def small(kind, count, rng):
    """`count` 32-bit registers of small numbers of a type."""
    if kind == "s8":
        return rng.integers(-128, 128, 4 * count).astype(np.int8).view(np.uint32)
    if kind == "e4m3":  # 0 and powers of 2, as which e5m2 reads other ones
        patterns = np.array([0, 0x30, 0x38, 0x40, 0xB0, 0xB8, 0xC0], np.uint8)
        return rng.choice(patterns, 4 * count).view(np.uint32)
    values = rng.integers(-8, 9, 2 * count).astype(np.float32)
    if kind == "f32":
        return values[:count].view(np.uint32)
    if kind == "f16":
        return values.astype(np.float16).view(np.uint32)
    return (values.view(np.uint32) >> 16).astype(np.uint16).view(np.uint32)


def product(spec, rng):
    """The same for a product of matrices that the lanes of warps hold."""
    name, instruction, kind, regsA, regsB = spec
    regs = {"a": regsA, "b": regsB, "c": 4, "d": 4}
    parameters = ", ".join(f".param .u64 p{x}" for x in regs)
    registers = "\n".join(f".reg .b32 %{x}<{n}>;" for x, n in regs.items())
    text = HEAD.format(parameters=parameters, registers=registers)

    def group(x):
        return "{" + ", ".join(f"%{x}{i}" for i in range(regs[x])) + "}"

    for x in "abc":
        text += address(f"p{x}", 4 * regs[x])
        text += f"ld.global.v{regs[x]}.b32 {group(x)}, [%at];\n"
    text += f"{instruction} {group('d')}, {group('a')}, {group('b')}, {group('c')};\n"
    text += address("pd", 16) + f"st.global.v4.b32 [%at], {group('d')};\nret;\n}}\n"
    sums = INT32 if kind == "s8" else FLOAT32
    c = rng.integers(-9, 9, 4 * COUNT)
    c = c.astype(np.int32 if kind == "s8" else np.float32)
    inputs = [
        (UINT32, small(kind, regsA * COUNT, rng)),
        (UINT32, small(kind, regsB * COUNT, rng)),
        (sums, c),
    ]
    return "mma." + name, text, inputs, (sums, 16 * COUNT), 0


def float8_product(spec, rng):
    name, text, *rest = product(spec, rng)
    head = HEAD[: HEAD.index(".address_size")]
    return name, text.replace(head, ".version 8.4\n.target sm_89\n"), *rest


GROUP_HEAD = """.version 8.4
.target sm_90a
.address_size 64
.visible .entry kernel(.param .u64 pa, .param .u64 pb, .param .u64 pd)
{{
.reg .pred %never;
.reg .b32 %t, %u, %to, %k, %d<32>, %a<4>;
.reg .b64 %at, %off, %left, %right;
.shared .align 1024 .b8 tiles[16384];
mov.u32 %t, %tid.x; mov.u32 %u, %ctaid.x;
"""

# Threads bring 64 bytes of each factor.
GROUP_COPY = """ld.param.u64 %at, [{parameter}]; cvta.to.global.u64 %at, %at;
mad.lo.s32 %to, %u, 128, %t; mul.wide.u32 %off, %to, 64; add.s64 %at, %at, %off;
mov.u32 %to, tiles; mad.lo.s32 %to, %t, 64, %to;
"""


def group_product(spec, rng):
    """A product of the four warps of a block, whose number chooses one of four
    pieces of the depth."""
    name, types, kind, depth, left, right = spec
    text = GROUP_HEAD.format()
    for parameter, base in (("pa", 0), ("pb", 8192)):
        text += GROUP_COPY.format(parameter=parameter)
        for i in range(0, 64, 16):
            text += f"ld.global.v4.b32 {{%a0, %a1, %a2, %a3}}, [%at+{i}];\n"
            text += f"st.shared.v4.b32 [%to+{base + i}], {{%a0, %a1, %a2, %a3}};\n"
    text += "fence.proxy.async;\nbar.sync 0;\nand.b32 %k, %u, 3;\n"
    for factor, major, base in (("left", left, 0), ("right", right, 8192)):
        step = 2 * depth * 64 if major == "depths" else 32
        text += f"mov.u32 %to, tiles; mad.lo.s32 %to, %k, {step}, %to;\n"
        text += f"add.u32 %to, %to, {base}; shr.u32 %to, %to, 4;\n"
        text += f"cvt.u64.u32 %{factor}, %to;\n"
        rest = 1 << 62 | 1024 >> 4 << 32 | 8192 >> 4 << 16
        text += f"or.b64 %{factor}, %{factor}, {rest};\n"
    sums = ", ".join(f"%d{i}" for i in range(32))
    halves = kind in ("f16", "bf16")
    signs = "" if types.startswith("s32") else ", 1, 1"
    if halves and left != "registers":
        signs += f", {int(left == 'depths')}"
    if halves:
        signs += f", {int(right == 'depths')}"
    factor = "{%a0, %a1, %a2, %a3}" if left == "registers" else "%left"
    text += "setp.ne.u32 %never, %t, %t;\nwgmma.fence.sync.aligned;\n"
    text += f"wgmma.mma_async.sync.aligned.m64n64k{depth}.{types} {{{sums}}}, {factor},"
    text += f" %right, %never{signs};\nwgmma.commit_group.sync.aligned;\n"
    text += "wgmma.wait_group.sync.aligned 0;\n" + address("pd", 128).replace(
        "%off, %t,", "%off, %to,"
    ).replace("mul.wide", "mad.lo.s32 %to, %u, 128, %t;\nmul.wide")
    for i in range(0, 32, 4):
        four = ", ".join(f"%d{j}" for j in range(i, i + 4))
        text += f"st.global.v4.b32 [%at+{4 * i}], {{{four}}};\n"
    made = INT32 if types.startswith("s32") else FLOAT32
    inputs = [(UINT32, small(kind, 16 * COUNT, rng)) for _ in range(2)]
    return "wgmma." + name, text + "ret;\n}\n", inputs, (made, 128 * COUNT), 0


MAKERS = [(single, SINGLE), (product, PRODUCTS), (float8_product, FLOAT8_PRODUCTS)]
MAKERS += [(group_product, GROUP_PRODUCTS)]


def kernels():
    rng = np.random.default_rng(0)
    seen = {}
    for make, specs in MAKERS:
        for spec in specs:
            kernel = make(spec, rng)
            seen[kernel[0]] = seen.get(kernel[0], 0) + 1
            if seen[kernel[0]] > 1:
                kernel = (f"{kernel[0]}.{seen[kernel[0]]}", *kernel[1:])
            yield kernel
