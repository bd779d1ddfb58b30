"""The reader as src/model/forward.cpp computes it (families/reader.cpp), in PyTorch, for rows that hold several examples.

Weights of all layers lie in one tensor of each kind. `Reader.tensors()` gives them GGUF's names."""
import math

import torch
import torch.nn.functional as F
from torch import nn

EPS, ROPE_THETA, TOKEN_TYPES, CLASSES = 1e-5, 10000.0, 20, 2
LAYER_NAMES = {'attn_norm': 'attn_norm', 'wq': 'attn_q', 'wk': 'attn_k', 'wv': 'attn_v', 'wo': 'attn_output',
               'ffn_norm': 'ffn_norm', 'gate': 'ffn_gate', 'up': 'ffn_up', 'down': 'ffn_down'}


def rmsnorm(x, weight):
    wide = x.float()
    return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + EPS) * weight).to(x.dtype)


def rotate(x, cos, sin):  # x[rows, heads, T, head_dim], neighbouring pairs
    a, b = x[..., 0::2].float(), x[..., 1::2].float()
    return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2).to(x.dtype)


def make_block(heads, kv_heads, dropout):
    """One layer as a function of x[rows, T, dim] and its weights; all layers share what is compiled for it."""

    def block(x, w, cos, sin, bias):
        rows, T, dim = x.shape
        norm, wq, wk, wv, wo, ffn_norm, gate, up, down = w
        linear = lambda h, m: F.linear(h, m.to(h.dtype))
        split = lambda h, n: h.view(rows, T, n, -1).transpose(1, 2)
        h = rmsnorm(x, norm)
        q = rotate(split(linear(h, wq), heads), cos, sin)
        k = rotate(split(linear(h, wk), kv_heads), cos, sin).repeat_interleave(heads // kv_heads, 1)
        v = split(linear(h, wv), kv_heads).repeat_interleave(heads // kv_heads, 1)
        h = F.scaled_dot_product_attention(q, k, v, attn_mask=bias).transpose(1, 2).reshape(rows, T, dim)
        x = x + F.dropout(linear(h, wo), dropout, dropout > 0)
        h = rmsnorm(x, ffn_norm)
        return x + F.dropout(linear(F.silu(linear(h, gate)) * linear(h, up), down), dropout, dropout > 0)

    return block


class Reader(nn.Module):
    def __init__(self, vocab, dim, layers, heads, kv_heads, ffn):
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = heads, kv_heads, dim // heads
        kv_dim = kv_heads * self.head_dim

        def normal(*shape, deviation):
            return nn.Parameter(torch.randn(shape) * deviation)

        def stack(rows, cols, starts_at_zero=False):
            return normal(layers, rows, cols, deviation=0 if starts_at_zero else 1 / math.sqrt(cols))

        self.embed = normal(vocab, dim, deviation=0.02)
        self.types = normal(TOKEN_TYPES, dim, deviation=0.02)
        self.final_norm = nn.Parameter(torch.ones(dim))
        self.classes = normal(CLASSES, dim, deviation=0.02)
        self.mask_vector = normal(dim, deviation=0.02)  # stands for a masked token; left out of the file
        self.attn_norm = nn.Parameter(torch.ones(layers, dim))
        self.wq, self.wk, self.wv = stack(dim, dim), stack(kv_dim, dim), stack(kv_dim, dim)
        self.wo = stack(dim, dim, True)
        self.ffn_norm = nn.Parameter(torch.ones(layers, dim))
        self.gate, self.up, self.down = stack(ffn, dim), stack(ffn, dim), stack(dim, ffn, True)

    def matrices(self):
        return [self.wq, self.wk, self.wv, self.wo, self.gate, self.up, self.down]

    def rope(self, positions):  # positions[rows or 1, T] -> cos, sin [rows or 1, 1, T, head_dim / 2]
        half = self.head_dim // 2
        turn = ROPE_THETA ** (-torch.arange(half, device=positions.device, dtype=torch.float64) / half)
        angles = (positions[:, None, :, None].double() * turn).float()
        return angles.cos(), angles.sin()

    def forward(self, block, ids, positions, types=None, bias=None, masked=None, dtype=torch.float32, dropout=0.0):
        """States after the last norm [rows, T, dim]. bias[rows, 1, T, T]: what is added to the scores of attention."""
        x = F.embedding(ids, self.embed)
        if masked is not None:
            x = torch.where(masked[..., None], self.mask_vector, x)
        if types is not None:
            x = x + F.embedding(types, self.types)
        x = F.dropout(x.to(dtype), dropout, dropout > 0)
        cos, sin = self.rope(positions)
        for weights in zip(*(getattr(self, name).unbind(0) for name in LAYER_NAMES)):
            x = block(x, weights, cos, sin, bias)
        return rmsnorm(x, self.final_norm)

    def tensors(self):
        """GGUF name -> tensor, as src/model/weights.h lists them."""
        out = {'token_embd.weight': self.embed, 'token_types.weight': self.types, 'output_norm.weight': self.final_norm,
               'cls.output.weight': self.classes}
        for layer in range(self.wq.shape[0]):
            out |= {f'blk.{layer}.{name}.weight': getattr(self, mine)[layer] for mine, name in LAYER_NAMES.items()}
        return out


def attention_bias(segments, dtype):
    """0 between tokens of one segment, -infinity elsewhere: [rows, 1, T, T] of segments[rows, T]."""
    same = segments[:, None, :, None] == segments[:, None, None, :]
    return torch.zeros(same.shape, dtype=dtype, device=same.device).masked_fill_(~same, float('-inf'))


def span_loss(scores, segments, candidates, begins, ends, documents):
    """span_cross_entropy() of src/model/loss.cpp: scores[rows, T, 2]; segments number the documents, padding last."""
    total = scores.new_zeros(())
    where = segments.reshape(-1)
    for column, right in ((0, begins), (1, ends)):
        score = scores[..., column].reshape(-1).float().masked_fill(~candidates.reshape(-1), float('-inf'))
        most = torch.full((documents + 1,), float('-inf'), device=score.device)
        most = most.scatter_reduce(0, where, score.detach(), 'amax').clamp_min(-1e4)
        p = torch.exp(score - most[where])
        sums = torch.zeros(documents + 1, device=score.device)
        every, rights = sums.index_add(0, where, p), sums.index_add(0, where, p * right.reshape(-1))
        total = total + (torch.log(every[:-1]) - torch.log(rights[:-1].clamp_min(1e-12))).sum()
    return total / documents
