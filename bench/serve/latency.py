#!/usr/bin/env python3
"""usage: latency.py BANTAM MODEL.gguf [--prompt N] [--long N] [--times N]
Time to first token of a long prompt that is in the prefix cache beside one that is not, and how much slower the
others' tokens come while somebody sends a longer one."""
import argparse
import asyncio
import random

from client import Client
from report import Report, percentile
from server import Server

OTHERS = 3
MOST_OF_COLD = 0.05
MOST_SLOWER = 3


def body(model, rng, prompt_tokens, tokens):
    return {"model": model, "prompt": [rng.randint(1000, 20000) for _ in range(prompt_tokens)], "max_tokens": tokens,
            "temperature": 0, "seed": 1, "stream": True,
            "stream_options": {"include_usage": True}}


async def first_tokens(server, model, options):
    """Seconds to the first token: [(cold, hit)]."""
    rng, client, out = random.Random(1), Client(server.port, server.admin.secret), []
    for _ in range(options.times):
        asked = body(model, rng, options.prompt, 4)
        cold = await client.ask("/v1/completions", asked)
        hits = [await client.ask("/v1/completions", asked) for _ in range(3)]
        out.append((cold.times[0], percentile([hit.times[0] for hit in hits], 0.5)))
    client.close()
    return out


def gaps(answer, begin, end):
    return [b - a for a, b in zip(answer.times, answer.times[1:]) if begin <= b <= end]


async def beside_a_long_one(server, model, options):
    """Seconds between tokens of others: alone, and while a long prompt is read."""
    rng = random.Random(2)
    loop = asyncio.get_running_loop()
    clients = [Client(server.port, server.admin.secret) for _ in range(OTHERS + 1)]
    begun = loop.time()
    others = [asyncio.create_task(c.ask("/v1/completions", body(model, rng, 30, options.tokens))) for c in clients[1:]]
    await asyncio.sleep(options.alone)
    sent = loop.time() - begun
    long = await clients[0].ask("/v1/completions", body(model, rng, options.long, 1))
    read = sent + long.times[0]
    answers = await asyncio.gather(*others)
    for client in clients:
        client.close()
    assert min(answer.times[-1] for answer in answers) > read, "the others ended too early: ask for more --tokens"
    alone = [gap for answer in answers for gap in gaps(answer, answer.times[0] + 0.5, sent)]
    beside = [gap for answer in answers for gap in gaps(answer, sent, read)]
    return alone, beside, long.times[0]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("bantam")
    options.add_argument("model")
    options.add_argument("--prompt", type=int, default=2000)
    options.add_argument("--long", type=int, default=4000)
    options.add_argument("--tokens", type=int, default=1500, help="of the others' answers")
    options.add_argument("--alone", type=float, default=4, help="seconds before the long prompt comes")
    options.add_argument("--times", type=int, default=3)
    options = options.parse_args()
    report = Report()
    with Server(options.bantam, "-m", options.model, "-c", options.long + 100, "--cache-tokens", 4 * options.long) as server:
        model = server.model()
        pairs = asyncio.run(first_tokens(server, model, options))
        alone, beside, seconds = asyncio.run(beside_a_long_one(server, model, options))
    worst = max(hit / cold for cold, hit in pairs)
    report.hold("time to first token ms: cold, in the cache", ", ".join(f"{1000 * c:.0f} {1000 * h:.1f}" for c, h in pairs),
                f"at most {MOST_OF_COLD:.0%} ({worst:.1%})", worst <= MOST_OF_COLD)
    slower = percentile(beside, 0.99) / percentile(alone, 0.99)
    report.say("the long prompt's first token", f"{seconds:.2f} s")
    report.say("between tokens p50 ms: alone, beside it",
               f"{1000 * percentile(alone, 0.5):.1f} {1000 * percentile(beside, 0.5):.1f}")
    report.hold("between tokens p99 ms: alone, beside it",
                f"{1000 * percentile(alone, 0.99):.1f} {1000 * percentile(beside, 0.99):.1f} ({slower:.2f}x)",
                f"at most {MOST_SLOWER}x", slower <= MOST_SLOWER)
    report.finish()


if __name__ == "__main__":
    main()
