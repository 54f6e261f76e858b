#!/usr/bin/env python3
"""Measures on this machine's GPU what gpu_benchmarks.py measures of Ingot: PyTorch
(cuBLAS, its attention, compiled models) and, with its CUDA provider, ONNX Runtime.

    gpu-peers.py [--seconds 240]

Prints a line for each, in the report's words: median milliseconds on the device,
and operations or bytes a second. Leaves out what is not installed and says so."""

import argparse
import statistics
import sys
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=240)
    options = parser.parse_args()
    try:
        import torch
    except ImportError:
        print("peers: python3 has no torch")
        return
    if not torch.cuda.is_available():
        print("peers: torch finds no device")
        return
    peers = Peers(torch, time.monotonic() + options.seconds)
    peers.products()
    peers.attention()
    peers.memory()
    peers.models()
    peers.onnxruntime()


class Peers:
    def __init__(self, torch, end):
        self.torch, self.end = torch, end
        properties = torch.cuda.get_device_properties(0)
        print(f"peers on {properties.name}, torch {torch.__version__}", flush=True)

    def random(self, dtype, *shape):
        x = self.torch.rand(shape, device="cuda", dtype=self.torch.float32)
        return (x * 2 - 1).to(dtype)

    def measure(self, name, work, flops=0, moved=0):
        """Rounds of about a millisecond between events; says what failed."""
        torch = self.torch
        if time.monotonic() > self.end:
            print(f"peer {name}: left out, time is up")
            return
        try:
            for _ in range(3):
                work()
            times, each = [], 1
            start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin = time.monotonic()
            while len(times) < 50 and time.monotonic() - begin < 1.5:
                start.record()
                for _ in range(each):
                    work()
                stop.record()
                stop.synchronize()
                one = start.elapsed_time(stop) / each
                if each == 1 and one < 1 and not times:
                    each = min(100, int(1 / max(one, 0.01)))
                    continue
                times.append(one)
        except Exception as problem:  # a peer's failure is no failure of ours
            print(f"peer {name}: {type(problem).__name__}: {str(problem)[:120]}")
            return
        median = statistics.median(times)
        text = f"peer {name}: {median:.4f} ms"
        if flops:
            text += f"; {flops / median * 1e-9:.1f} T/s"
        if moved:
            text += f"; {moved / median * 1e-6:.0f} GB/s"
        print(text, flush=True)

    def products(self):
        torch = self.torch
        torch.backends.cuda.matmul.allow_tf32 = False
        sizes = [("bf16", torch.bfloat16, 8192, 8192, 8192)]
        for name in ("bfloat16", "float16", "float32"):
            short = name.replace("float", "f")
            sizes.append((short, getattr(torch, name), 4096, 4096, 4096))
        sizes.append(("bf16", torch.bfloat16, 1, 16384, 8192))
        sizes.append(("bf16", torch.bfloat16, 64, 4096, 16384))
        for short, dtype, m, n, k in sizes:
            a, b = self.random(dtype, m, k), self.random(dtype, k, n)
            name = f"matmul-{short}-{m}x{n}x{k} (cuBLAS)"
            self.measure(name, lambda: torch.matmul(a, b), 2 * m * n * k)
        torch.backends.cuda.matmul.allow_tf32 = True
        a, b = (self.random(torch.float32, 4096, 4096) for _ in range(2))
        name = "matmul-tf32-4096x4096x4096 (cuBLAS)"
        self.measure(name, lambda: torch.matmul(a, b), 2 * 4096**3)
        torch.backends.cuda.matmul.allow_tf32 = False

    def attention(self):
        torch = self.torch
        attend = torch.nn.functional.scaled_dot_product_attention
        cases = [("bf16", torch.bfloat16, 16, 8192, 128, False)]
        cases += [("bf16", torch.bfloat16, 16, 8192, 128, True)]
        cases += [("f16", torch.float16, 32, 4096, 64, False)]
        for short, dtype, heads, tokens, size, causal in cases:
            q, k, v = (self.random(dtype, 1, heads, tokens, size) for _ in range(3))
            flops = 4 * heads * tokens * tokens * size // (1 + causal)
            name = f"attention-{short}-{heads}x{tokens}x{size}" + "-causal" * causal
            self.measure(name, lambda: attend(q, k, v, is_causal=causal), flops)

    def memory(self):
        torch = self.torch
        shape = (65536, 1024)
        a, b = (self.random(torch.float32, *shape) for _ in range(2))
        h = self.random(torch.float16, *shape)
        one = torch.ones(1024, device="cuda", dtype=torch.float16)
        full, half = 4 * a.numel(), 2 * a.numel()
        functional = torch.nn.functional
        norm = lambda: functional.layer_norm(h, (1024,), one, one)
        turn = lambda: a.t().contiguous()
        for name, work, moved in (
            ("copy-f32", lambda: b.copy_(a), 2 * full),
            ("add-f32", lambda: torch.add(a, b), 3 * full),
            ("gelu-f16", lambda: functional.gelu(h), 2 * half),
            ("softmax-f16", lambda: torch.softmax(h, 1), 2 * half),
            ("layernorm-f16", norm, 2 * half),
            ("mean-of-rows-f32", lambda: a.mean(1), full),
            ("sum-of-all-f32", lambda: a.sum(), full),
            ("transpose-f32", turn, 2 * full),
        ):
            self.measure(name, work, 0, moved)

    def models(self):
        torch = self.torch
        for name, make in (("resnet50", self.resnet50), ("bert_base", self.bert)):
            try:
                model = make()
            except ImportError as missing:
                print(f"peer {name}: left out, {missing}")
                continue
            for short, dtype in (("f32", torch.float32), ("f16", torch.float16)):
                made = model[0].eval().to("cuda", dtype)
                compiled = torch.compile(made, mode="reduce-overhead")
                for batch in (1, 32):
                    x = model[1](batch, dtype)
                    with torch.inference_mode():
                        name_ = f"{name}-{short}-b{batch} (torch.compile)"
                        self.measure(name_, lambda: compiled(x))

    def resnet50(self):
        import timm

        images = lambda batch, dtype: self.random(dtype, batch, 3, 224, 224)
        return timm.create_model("resnet50"), images

    def bert(self):
        import transformers

        ids = lambda batch, _: self.torch.randint(0, 30000, (batch, 128), device="cuda")
        return transformers.BertModel(transformers.BertConfig()), ids

    def onnxruntime(self):
        try:
            import onnxruntime
        except ImportError:
            print("peers: python3 has no onnxruntime")
            return
        if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            print("peers: onnxruntime has no CUDA provider")
            return
        # The models that PyTorch writes, so that weights need not travel.
        import io

        import numpy as np

        torch = self.torch
        for name, make in (("resnet50", self.resnet50), ("bert_base", self.bert)):
            try:
                model = make()
                made = model[0].eval().to("cuda")
                for batch in (1, 32):
                    x, file = model[1](batch, torch.float32), io.BytesIO()
                    torch.onnx.export(made, (x,), file, dynamo=False)
                    session = onnxruntime.InferenceSession(
                        file.getvalue(), providers=["CUDAExecutionProvider"]
                    )
                    key = session.get_inputs()[0].name
                    feed = {key: np.ascontiguousarray(x.cpu().numpy())}
                    label = f"{name}-f32-b{batch} (ONNX Runtime, with copies)"
                    self.measure(label, lambda: session.run(None, feed))
            except Exception as problem:
                print(f"peer {name} (ONNX Runtime): {str(problem)[:120]}")


if __name__ == "__main__":
    sys.exit(main())
