#!/usr/bin/env python3
"""Trains a reader on one GPU: first to fill in masked tokens of Wikipedia, then to find answers. See README.md here.

usage: train_reader.py --data FOLDER --out FOLDER [--pretrain-seconds S] [--tune-seconds S] [--start FILE] [--keep FILE]

FOLDER holds what pack.py wrote: text-* and other files of reading rows, dev-en and dev-ko among them. OUT gets the
weights as model.f16.0, .1, ... (join.py makes a model of them), probe.npz with scores to compare, and numbers in log.
"""
import argparse, glob, json, math, os, time

import numpy as np
import torch
import torch.nn.functional as F

from files import load_packed
from model import Reader, attention_bias, make_block, span_loss
from rows import Packer, Rows

SHAPE = dict(dim=384, layers=8, heads=6, kv_heads=2, ffn=1024)
VOCAB, CONTEXT = 16384, 384
CANDIDATE, BEGIN, END = 1, 2, 4  # SpanLabel of src/model/ops.h
MOST_SPAN_TOKENS = 48            # as src/engine/reader.cpp
PART_BYTES = 15 << 20
# Shares of the rows' tokens while tuning, and in its last part.
SHARES = {'human-en': 0.40, 'human-ko': 0.05, 'made-en': 0.15, 'made-ko': 0.40}
LAST_SHARES = {'human-en': 0.60, 'human-ko': 0.08, 'made-en': 0.10, 'made-ko': 0.22}
LAST_PART = 0.15


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ('data', 'out'):
        parser.add_argument(f'--{name}', required=True)
    parser.add_argument('--pretrain-seconds', type=float, default=0)
    parser.add_argument('--tune-seconds', type=float, default=0)
    parser.add_argument('--start', help='weights that --keep kept')
    parser.add_argument('--keep', help='where to keep the weights between the stages')
    parser.add_argument('--pretrain-rows', type=int, default=336, help=f'of {CONTEXT} tokens, a step')
    parser.add_argument('--tune-rows', type=int, default=256)
    parser.add_argument('--lr', type=float, default=0.005, help='of the matrices (Muon)')
    parser.add_argument('--embed-lr', type=float, default=0.004, help='of the rest (AdamW)')
    parser.add_argument('--tune-lr', type=float, default=0.6, help='times the rates of pretraining')
    parser.add_argument('--dropout', type=float, default=0.1, help='while tuning')
    parser.add_argument('--seed', type=int, default=1)
    return parser.parse_args()


class Optimizer:
    """Muon for the matrices and AdamW for the rest, as src/train/optimizer.cpp."""

    def __init__(self, model, a):
        self.matrices = model.matrices()
        tables = [model.embed, model.types, model.classes]
        ours = {id(p) for p in self.matrices + tables}
        groups = [{'params': tables, 'weight_decay': 0.1},
                  {'params': [p for p in model.parameters() if id(p) not in ours], 'weight_decay': 0.0}]
        self.adamw = torch.optim.AdamW(groups, lr=a.embed_lr, betas=(0.9, 0.95), eps=1e-8,
                                       **({'fused': True} if model.embed.is_cuda else {}))
        self.momentum = [torch.zeros_like(m) for m in self.matrices]
        self.parameters, self.lr, self.embed_lr = list(model.parameters()), a.lr, a.embed_lr

    @torch.no_grad()
    def step(self, factor):
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for group in self.adamw.param_groups:
            group['lr'] = self.embed_lr * factor
        self.adamw.step()
        lr = self.lr * factor
        for weight, momentum in zip(self.matrices, self.momentum):
            momentum.lerp_(weight.grad, 0.05)
            update = orthogonal(torch.lerp(weight.grad, momentum, 0.95))
            weight.mul_(1 - 0.1 * lr).add_(update, alpha=-lr * 0.2 * math.sqrt(max(weight.shape[1:])))
        for p in self.parameters:
            p.grad = None


def orthogonal(x):
    """Five steps of Newton-Schulz with Jordan's quintic, on each matrix of x[layers, rows, cols]."""
    wide = x.shape[1] <= x.shape[2]
    y = x.to(torch.bfloat16) if wide else x.to(torch.bfloat16).transpose(1, 2)
    y = y / (y.float().norm(dim=(1, 2), keepdim=True) + 1e-7).to(y.dtype)
    for _ in range(5):
        gram = y @ y.transpose(1, 2)
        y = 3.4445 * y + (-4.7750 * gram + 2.0315 * gram @ gram) @ y
    return (y if wide else y.transpose(1, 2)).to(x.dtype)


def masked_spans(shape, rate, device):
    """About `rate` of the places, in runs of one to three."""
    start = torch.rand(shape, device=device) < rate / 1.9
    length = torch.randint(1, 4, shape, device=device)
    masked = start.clone()
    for more in (1, 2):
        masked[:, more:] |= (start & (length > more))[:, :-more]
    return masked


def corrupted(ids, masked):
    """(ids, where the mask's vector stands): of the masked places 80% that vector, 10% any token, 10% as they were."""
    dice = torch.rand(ids.shape, device=ids.device)
    other = torch.randint(0, VOCAB, ids.shape, device=ids.device, dtype=ids.dtype)
    return torch.where(masked & (dice > 0.9), other, ids), masked & (dice < 0.8)


def mask_loss(model, states, ids, masked, most):
    """Cross-entropy of the first `most` masked places, so that every step has one shape."""
    order = torch.argsort(masked.reshape(-1).to(torch.int8), descending=True, stable=True)[:most]
    counted = masked.reshape(-1)[order].float()
    logits = F.linear(states.reshape(-1, states.shape[-1])[order], model.embed.to(states.dtype))
    loss = F.cross_entropy(logits.float(), ids.reshape(-1)[order], reduction='none')
    return (loss * counted).sum() / counted.sum().clamp_min(1)


class Training:
    def __init__(self, a):
        self.a, self.device = a, 'cuda' if torch.cuda.is_available() else 'cpu'
        self.dtype = torch.bfloat16 if self.device == 'cuda' else torch.float32
        torch.manual_seed(a.seed)
        self.model = Reader(VOCAB, **SHAPE).to(self.device)
        if a.start:
            self.model.load_state_dict(torch.load(a.start, map_location=self.device))
        compiled = torch.compile if self.device == 'cuda' else lambda f: f
        self.plain = make_block(SHAPE['heads'], SHAPE['kv_heads'], 0.0)
        self.block = compiled(self.plain)
        self.dropping = compiled(make_block(SHAPE['heads'], SHAPE['kv_heads'], a.dropout))
        os.makedirs(a.out, exist_ok=True)
        self.log_file = open(f'{a.out}/log', 'a')
        self.began = time.monotonic()

    def log(self, text):
        line = f'{time.monotonic() - self.began:6.1f} s  {text}'
        print(line, flush=True)
        print(line, file=self.log_file, flush=True)

    def load(self):
        self.text, self.rows = {}, {}
        for path in sorted(glob.glob(f'{self.a.data}/*')):
            arrays = load_packed(path)
            if os.path.basename(path).startswith('text-'):
                for lang, ids in arrays.items():
                    self.text.setdefault(lang, []).append(ids)
            else:
                for name in {key.split('.')[0] for key in arrays}:
                    self.rows[name] = Rows(*(arrays[f'{name}.{part}'] for part in ('ids', 'tags', 'lengths')), CONTEXT)
        self.text = {lang: torch.from_numpy(np.concatenate(parts).astype(np.int32)).to(self.device)
                     for lang, parts in self.text.items()}
        self.log(f'{ {lang: len(ids) for lang, ids in self.text.items()} } tokens of text, '
                 f'{ {name: len(rows.lengths) for name, rows in self.rows.items()} } rows')

    def pretrain(self, seconds):
        a, rows = self.a, self.a.pretrain_rows
        optimizer = Optimizer(self.model, a)
        within = torch.arange(CONTEXT, device=self.device)
        positions, started, tokens, step = within[None], None, 0, 0
        while True:
            ids = torch.cat([text[torch.randint(0, len(text) - CONTEXT, (rows // 2, 1), device=self.device) + within]
                             for text in self.text.values()]).long()
            masked = masked_spans(ids.shape, 0.22, self.device)
            given, blank = corrupted(ids, masked)
            states = self.model(self.block, given, positions, masked=blank, dtype=self.dtype)
            loss = mask_loss(self.model, states, ids, masked, int(0.2 * ids.numel()))
            loss.backward()
            gone = 0 if started is None else (time.monotonic() - started) / seconds
            optimizer.step(min(1, (step + 1) / 150, 1 - max(0, gone - 0.7) / 0.3 * (1 - a.tune_lr)))
            step += 1
            if started is None:  # compiled by now
                loss.item()
                started = time.monotonic()
                continue
            tokens += ids.numel()
            if step % 100 == 0:
                self.log(f'pretrain step {step}: loss {loss.item():.3f}, '
                         f'{tokens / (time.monotonic() - started) * 1e-3:.0f}k tokens/s')
            if time.monotonic() - started >= seconds:
                self.log(f'pretrained on {tokens * 1e-6:.1f}M tokens in {step} steps, loss {loss.item():.3f}')
                return

    def tune(self, seconds):
        a = self.a
        optimizer = Optimizer(self.model, a)
        sources = {name: rows for name, rows in self.rows.items() if name in SHARES}
        packer = Packer(sources, CONTEXT, a.tune_rows, a.seed)
        ids_all, tags_all = (torch.from_numpy(x).to(self.device) for x in packer.tokens())
        started, tokens, step, sums, last = None, 0, 0, [], False
        saved_at = time.monotonic()
        while True:
            gone = 0 if started is None else (time.monotonic() - started) / seconds
            batch = packer.next(LAST_SHARES if gone > 1 - LAST_PART else SHARES)
            place, segments, positions = (torch.from_numpy(x).to(self.device, non_blocking=True) for x in batch.arrays)
            real = place >= 0
            ids, tags = ids_all[place.clamp_min(0)].long(), tags_all[place.clamp_min(0)].int()
            types, labels = (tags & 31).long(), torch.where(real, tags >> 5, 0)
            hidden = torch.rand(batch.documents + 1, device=self.device)[segments] < 0.5
            masked = masked_spans(ids.shape, 0.12, self.device) & hidden & real & (ids < VOCAB - 3)
            given, blank = corrupted(ids, masked)
            states = self.model(self.dropping, given, positions, types, attention_bias(segments, self.dtype), blank,
                                self.dtype, a.dropout)
            scores = F.linear(states.float(), self.model.classes)
            found = span_loss(scores, segments, (labels & CANDIDATE) > 0, ((labels & BEGIN) > 0).float(),
                              ((labels & END) > 0).float(), batch.documents)
            (found + 0.2 * mask_loss(self.model, states, ids, masked, int(0.06 * ids.numel()))).backward()
            optimizer.step(min(1, (step + 1) / 50) * a.tune_lr * max(0.0, 1 - gone))
            step += 1
            if started is None:
                found.item()
                started = time.monotonic()
                continue
            tokens += batch.tokens
            sums.append(found.detach())
            if step % 100 == 0:
                mean = torch.stack(sums).mean().item()
                self.log(f'tune step {step}: loss {mean:.3f}, '
                         f'{tokens / (time.monotonic() - started) * 1e-3:.0f}k tokens/s, rows {batch.filled:.0%} full')
                sums = []
            if time.monotonic() - saved_at > 60:
                self.measure()
                self.save()
                saved_at = time.monotonic()
            if time.monotonic() - started >= seconds:
                self.log(f'tuned on {tokens * 1e-6:.1f}M tokens in {step} steps')
                return

    @torch.no_grad()
    def scores(self, rows, documents, dtype):
        """Scores [documents, T, 2] of single documents, and their labels, padded."""
        ids, tags, real = (torch.from_numpy(x).to(self.device) for x in rows.padded(documents))
        segments = torch.where(real, 0, 1)
        states = self.model(self.plain, ids.long(), torch.arange(ids.shape[1], device=self.device)[None],
                            (tags & 31).long(), attention_bias(segments, dtype), None, dtype)
        return F.linear(states.float(), self.model.classes), torch.where(real, tags.int() >> 5, 0)

    def measure(self):
        """Loss-free: the share of held-out rows whose best span begins and ends right, or is none where none is."""
        text = []
        for name in ('dev-en', 'dev-ko'):
            hits, rows = [], self.rows[name]
            for at in range(0, len(rows.lengths), 128):
                scores, labels = self.scores(rows, np.arange(at, min(at + 128, len(rows.lengths))), self.dtype)
                outside = torch.where((labels & CANDIDATE) > 0, 0.0, float('-inf'))
                begin, end = scores[..., 0] + outside, scores[..., 1] + outside
                spans = begin[:, :, None] + end[:, None, :]
                near = torch.ones(spans.shape[1:], device=self.device).triu().tril(MOST_SPAN_TOKENS - 1)
                near[0, 1:] = 0
                best = spans.masked_fill(near == 0, float('-inf')).flatten(1).argmax(1)
                first, last = best // spans.shape[2], best % spans.shape[2]
                number = torch.arange(len(best), device=self.device)
                right = ((labels[number, first] & BEGIN) > 0) & ((labels[number, last] & END) > 0)
                hits.append(torch.stack((right, (labels[:, 0] & BEGIN) > 0)))
            right, none = torch.cat(hits, 1)
            text.append(f'{name} exact {right.float().mean():.3f} (answered {right[~none].float().mean():.3f}, '
                        f'not {right[none].float().mean():.3f})')
        self.log('; '.join(text))

    @torch.no_grad()
    def save(self, probe=False):
        flat = torch.cat([t.reshape(-1) for t in self.model.tensors().values()]).half().cpu().numpy().tobytes()
        for part, at in enumerate(range(0, len(flat), PART_BYTES)):
            with open(f'{self.a.out}/model.f16.{part}', 'wb') as file:
                file.write(flat[at:at + PART_BYTES])
        if probe:  # scores of the weights as they were written
            for p in self.model.parameters():
                p.copy_(p.half().float())
            kept = {}
            for name in ('dev-en', 'dev-ko'):
                documents = np.arange(0, len(self.rows[name].lengths), len(self.rows[name].lengths) // 6)
                scores, _ = self.scores(self.rows[name], documents, torch.float32)
                ids, tags, _ = self.rows[name].padded(documents)
                kept |= {f'{name}.scores': scores.cpu().numpy(), f'{name}.ids': ids, f'{name}.types': tags & 31,
                         f'{name}.lengths': self.rows[name].lengths[documents]}
            np.savez_compressed(f'{self.a.out}/probe.npz', **kept)


def main():
    training = Training(arguments())
    a = training.a
    training.log(json.dumps({'device': torch.cuda.get_device_name() if training.device == 'cuda' else 'cpu',
                             'torch': torch.__version__, **SHAPE, **vars(a)}))
    training.load()
    if a.pretrain_seconds > 0:
        training.pretrain(a.pretrain_seconds)
        if a.keep:
            torch.save(training.model.state_dict(), a.keep)
    if a.tune_seconds > 0:
        training.tune(a.tune_seconds)
    training.measure()
    training.save(probe=True)
    training.log('saved')


if __name__ == '__main__':
    main()
