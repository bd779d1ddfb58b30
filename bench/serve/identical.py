#!/usr/bin/env python3
"""usage: identical.py BANTAM [--runs N] [-m MODEL]
The same request with the same seed gives the same bytes alone and among 15 neighbours, whatever these are."""
import argparse
import asyncio
import random

from client import Client
from report import Report
from server import Server

NEIGHBOURS = 15
REQUESTS = 40  # different ones


def request(model, rng, seed):
    words = [rng.choice(("river", "stone", "seven", "light", "paper", "under")) for _ in range(rng.randint(2, 90))]
    return {"model": model, "prompt": " ".join(words), "max_tokens": rng.randint(8, 32), "temperature": rng.choice((0, 0.8, 1.2)),
            "top_p": rng.choice((1, 0.9)), "seed": seed, "stream": True, "stream_options": {"include_usage": True}}


def written(answer):
    """The events without what is of one request only: its id, its time, and how much of its prompt was cached."""
    out = []
    for event in answer.events():
        for name in ("id", "created"):
            event.pop(name, None)
        (event.get("usage") or {}).pop("prompt_tokens_details", None)
        out.append(event)
    return answer.status, answer.complete, answer.text, out[-1].get("usage")


async def compare(server, model, runs):
    rng = random.Random(1)
    fixed = [request(model, rng, i) for i in range(REQUESTS)]
    key = server.admin.secret
    alone = []
    client = Client(server.port, key)
    for body in fixed:
        alone.append(written(await client.ask("/v1/completions", body)))
    client.close()
    done = different = 0

    async def stream(number):
        """One of 16: what was asked alone, and as often something else."""
        nonlocal done, different
        rng = random.Random(100 + number)
        client = Client(server.port, key)
        while done < runs:
            await client.ask("/v1/completions", request(model, rng, rng.randint(0, 1 << 30)))
            number = rng.randrange(REQUESTS)
            different += written(await client.ask("/v1/completions", fixed[number])) != alone[number]
            done += 1
        client.close()
    await asyncio.gather(*(stream(i) for i in range(NEIGHBOURS + 1)))
    return alone, done, different


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("bantam")
    options.add_argument("--runs", type=int, default=1000)
    options.add_argument("-m", "--model")
    options = options.parse_args()
    report = Report()
    arguments = ["-c", 512, "--cache-tokens", 2048, *(["-m", options.model] if options.model else [])]
    with Server(options.bantam, *arguments) as server:
        alone, done, different = asyncio.run(compare(server, server.model(), options.runs))
        metrics = server.metrics()
        report.say("bytes written alone", sum(len(text) for _, _, text, _ in alone))
        report.say("tokens of prompts from the prefix cache", f"{metrics['bantam_prefix_hit_tokens_total']:.0f}")
        report.say("guessed tokens that were right", f"{metrics['bantam_accepted_tokens_total']:.0f}")
        good = all(status == 200 and complete for status, complete, _, _ in alone)
        report.hold("answered alone", good, "all", good)
        report.hold(f"runs among {NEIGHBOURS} neighbours that differ", f"{different} of {done}", "0",
                    different == 0 and done >= options.runs)
    report.finish()


if __name__ == "__main__":
    main()
