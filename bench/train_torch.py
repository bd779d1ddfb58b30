# The model of train_bench.cpp in eager PyTorch: f32, AdamW, the same shapes, threads and count of operations.
#   python3 bench/train_torch.py --dim 256 --steps 4      prints one JSON line, as train_bench does
import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn


class RmsNorm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.weight


def rotate(x, cos, sin):  # x[B, heads, T, head_dim], neighbouring pairs
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2)


class Layer(nn.Module):
    def __init__(self, dim, heads, ffn):
        super().__init__()
        self.heads, self.head_dim = heads, dim // heads
        self.attn_norm, self.ffn_norm = RmsNorm(dim), RmsNorm(dim)
        self.q, self.k, self.v, self.o = (nn.Linear(dim, dim, bias=False) for _ in range(4))
        self.gate, self.up = nn.Linear(dim, ffn, bias=False), nn.Linear(dim, ffn, bias=False)
        self.down = nn.Linear(ffn, dim, bias=False)

    def forward(self, x, cos, sin, mask):
        B, T, dim = x.shape
        h = self.attn_norm(x)
        q, k, v = (w(h).view(B, T, self.heads, self.head_dim).transpose(1, 2) for w in (self.q, self.k, self.v))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        p = (q @ k.transpose(-1, -2) / self.head_dim**0.5 + mask).softmax(-1)
        x = x + self.o((p @ v).transpose(1, 2).reshape(B, T, dim))
        h = self.ffn_norm(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Model(nn.Module):
    def __init__(self, vocab, dim, layers, context):
        super().__init__()
        heads, ffn = dim // 64, (dim * 8 // 3 + 31) // 32 * 32
        self.embed = nn.Embedding(vocab, dim)
        nn.init.normal_(self.embed.weight, std=0.02)
        self.layers = nn.ModuleList(Layer(dim, heads, ffn) for _ in range(layers))
        self.norm = RmsNorm(dim)
        angles = torch.outer(torch.arange(context).float(), 10000 ** (-torch.arange(0, 64, 2).float() / 64))
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        self.register_buffer("mask", torch.full((context, context), float("-inf")).triu(1))

    def forward(self, tokens):
        x = self.embed(tokens)
        for layer in self.layers:
            x = layer(x, self.cos, self.sin, self.mask)
        return self.norm(x) @ self.embed.weight.T


def flops_of_step(model, dim, layers, rows, context):
    """6 per weight that multiplies and token, plus causal attention: see training_flops() in src/train/trainer.h."""
    weights = sum(p.numel() for p in model.parameters() if p.dim() == 2)
    return 6 * weights * rows * context + 12 * layers * dim * rows * context * (context + 1) / 2


def main():
    parser = argparse.ArgumentParser()
    for name, default in dict(vocab=8192, dim=256, layers=8, context=512, rows=8, steps=8, threads=2).items():
        parser.add_argument(f"--{name}", type=int, default=default)
    a = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(a.threads)
    model = Model(a.vocab, a.dim, a.layers, a.context)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    flops = flops_of_step(model, a.dim, a.layers, a.rows, a.context)
    seconds = []
    for step in range(a.steps + 2):
        tokens = torch.randint(a.vocab, (a.rows, a.context + 1))
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        logits = model(tokens[:, :-1])
        F.cross_entropy(logits.reshape(-1, a.vocab), tokens[:, 1:].reshape(-1)).backward()
        optimizer.step()
        if step >= 2:
            seconds.append(time.perf_counter() - start)
    print(json.dumps({
        "program": f"PyTorch {torch.__version__} eager", "dim": a.dim, "layers": a.layers,
        "parameters": sum(p.numel() for p in model.parameters()), "threads": a.threads, "matmul": "f32",
        "gflops": round(flops / statistics.median(seconds) / 1e9, 1), "gflops_min": round(flops / max(seconds) / 1e9, 1),
        "gflops_max": round(flops / min(seconds) / 1e9, 1),
        "tokens_per_s": round(a.rows * a.context / statistics.median(seconds))}))


main()
