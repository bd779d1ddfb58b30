#!/usr/bin/env python3
"""usage: throughput.py BANTAM MODEL.gguf LLAMA_BATCHED_BENCH [--streams N] [--threads N] [--tokens N]
Tokens a second of many streams, over HTTP and in one process (`bantam bench --streams`), beside llama.cpp's batched
decoding of the same file in the same run."""
import argparse
import asyncio
import json
import random
import subprocess

from client import Client
from report import Report
from server import Server

PROMPT_TOKENS = 128
WANTED = 2.0


async def write_streams(server, model, streams, tokens):
    """Answers of streams begun together; each of another prompt, and as long as is asked."""
    rng = random.Random(1)

    async def one(seed):
        client = Client(server.port, server.admin.secret)
        prompt = [rng.randint(1000, 20000) for _ in range(PROMPT_TOKENS)]
        answer = await client.ask("/v1/completions", {
            "model": model, "prompt": prompt, "max_tokens": tokens, "temperature": 0, "seed": seed, "stream": True,
            "stream_options": {"include_usage": True}})
        client.close()
        return answer
    return await asyncio.gather(*(one(i) for i in range(streams)))


def decoding_rate(answers):
    """Tokens a second from when the last stream has begun until the first has ended."""
    begin = max(answer.times[0] for answer in answers)
    end = min(answer.times[-1] for answer in answers)
    tokens = 0.0
    for answer in answers:
        share = sum(begin < at <= end for at in answer.times) / len(answer.times)
        tokens += share * answer.usage["completion_tokens"]
    return tokens / (end - begin)


def whole_rate(answers):
    tokens = sum(answer.usage["completion_tokens"] for answer in answers)
    return tokens / max(answer.seconds for answer in answers)


def peer_rates(options):
    """(decoding, prompt and answer) tokens a second of llama.cpp; the second counts tokens of answers as ours."""
    room = options.streams * (PROMPT_TOKENS + options.tokens)
    out = subprocess.run([options.peer, "-m", options.model, "-c", str(room), "-npp", str(PROMPT_TOKENS), "-ntg",
                          str(options.tokens), "-npl", str(options.streams), "-t", str(options.threads), "-tb",
                          str(options.threads), "--output-format", "jsonl"], check=True, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True).stdout
    found = json.loads(next(line for line in out.splitlines() if line.startswith("{")))
    return found["speed_tg"], options.streams * options.tokens / found["t"]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("bantam")
    options.add_argument("model")
    options.add_argument("peer")
    options.add_argument("--streams", type=int, default=16)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--tokens", type=int, default=128)
    options = options.parse_args()
    report = Report()
    room = options.streams * (PROMPT_TOKENS + options.tokens + 64)
    with Server(options.bantam, "-m", options.model, "-t", options.threads, "--parallel", options.streams, "-c", 1024,
                "--cache-tokens", room) as server:
        model = server.model()
        asyncio.run(write_streams(server, model, options.streams, 4))
        before = server.cpu_seconds()
        answers = asyncio.run(write_streams(server, model, options.streams, options.tokens))
        used = server.cpu_seconds() - before
        report.say("CPU seconds of the server, of the clock", f"{used:.2f} {max(a.seconds for a in answers):.2f}")
    alone = json.loads(subprocess.run(
        [options.bantam, "bench", "-m", options.model, "-t", str(options.threads), "-r", "1", "--streams",
         str(options.streams), "--json"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout)
    alone = next(s["median"] for s in alone["speeds"] if s["name"].endswith("texts"))
    peer = peer_rates(options)
    ours = decoding_rate(answers), whole_rate(answers)
    report.say("tokens of answers", sum(answer.usage["completion_tokens"] for answer in answers))
    report.say("prompts and answers, answers' tokens/s: bantam, peer", f"{ours[1]:.1f} {peer[1]:.1f} ({ours[1] / peer[1]:.2f}x)")
    report.hold("decoding in one process each, tokens/s: bantam, peer", f"{alone:.1f} {peer[0]:.1f} ({alone / peer[0]:.2f}x)",
                f"at least {WANTED}x", alone >= WANTED * peer[0])
    report.hold("decoding over HTTP, tokens/s: bantam, peer", f"{ours[0]:.1f} {peer[0]:.1f} ({ours[0] / peer[0]:.2f}x)",
                f"at least {WANTED}x", ours[0] >= WANTED * peer[0])
    report.finish()


if __name__ == "__main__":
    main()
