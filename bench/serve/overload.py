#!/usr/bin/env python3
"""usage: overload.py BANTAM [--seconds N] [--queue N] [-m MODEL]
Ten times as many requests as the server can answer: those that are admitted start about as soon as with as many clients
as it admits (that is its capacity: those that run and those that wait), the others hear at once that they cannot be, and
when to come back."""
import argparse
import asyncio
import json
import random
import time

from client import Client, Gone
from report import Report, percentile
from server import Server

PARALLEL = 16
TOKENS = 64  # of an answer, on average: when all end together, those behind them wait for a whole one
TIMES = 10


class Load:
    def __init__(self, server):
        self.server, self.model = server, server.model()
        self.rng = random.Random(1)
        self.key = server.create_key("load").secret
        self.admitted, self.rejected, self.broken = [], [], 0
        self.begun = time.monotonic()

    async def one(self, client):
        words = " ".join(self.rng.choice("abcdefghijklmnop") for _ in range(40))
        body = {"model": self.model, "prompt": words, "max_tokens": self.rng.randint(1, 2 * TOKENS), "stream": True,
                "temperature": 1, "seed": self.rng.randint(0, 1 << 30)}
        try:
            answer = await client.ask("/v1/completions", body)
        except (Gone, OSError):
            self.broken += 1
            return
        (self.admitted if answer.status == 200 else self.rejected).append(answer)

    async def closed(self, clients, seconds):
        """Each client asks again when it has its answer. Requests a second."""
        async def work():
            client = Client(self.server.port, self.key)
            while time.monotonic() - self.begun < seconds:
                await self.one(client)
            client.close()
        await asyncio.gather(*(work() for _ in range(clients)))
        return len(self.admitted) / (time.monotonic() - self.begun)

    async def open(self, rate, seconds):
        """Requests come at random moments, `rate` a second, whatever becomes of those before."""
        running, at = [], 0.0
        spare = []  # connections between requests, as a proxy or a client's pool keeps them

        async def once():
            client = spare.pop() if spare else Client(self.server.port, self.key)
            await self.one(client)
            spare.append(client)
        while at < seconds:
            at += self.rng.expovariate(rate)
            await asyncio.sleep(self.begun + at - time.monotonic())
            running.append(asyncio.create_task(once()))
        await asyncio.gather(*running)
        for client in spare:
            client.close()


def first_ms(answers):
    return [1000 * answer.times[0] for answer in answers if answer.times]


def logged_rejections_ms(server):
    """How long the server itself had them, by its log."""
    with open(server.log, encoding="utf-8") as lines:
        return [entry["ms"] for entry in (json.loads(line) for line in lines if line.startswith("{"))
                if entry["status"] == 503]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("bantam")
    options.add_argument("--seconds", type=float, default=20, help="of each of the two loads")
    options.add_argument("--queue", type=int, default=4, help="of the server: requests that may wait")
    options.add_argument("-m", "--model")
    options = options.parse_args()
    report = Report()
    arguments = ["--parallel", PARALLEL, "--queue", options.queue, "-c", 512, "--cache-tokens", 8192]
    with Server(options.bantam, *arguments, *(["-m", options.model] if options.model else [])) as server:
        asyncio.run(Load(server).closed(PARALLEL, 2))  # loads the model and finds out how long steps take
        usual = Load(server)
        rate = asyncio.run(usual.closed(PARALLEL + options.queue, options.seconds))
        over = Load(server)
        asyncio.run(over.open(TIMES * rate, options.seconds))
        at_capacity = percentile(first_ms(usual.admitted), 0.99)
        overloaded = percentile(first_ms(over.admitted), 0.99)
        rejected = [1000 * answer.seconds for answer in over.rejected]
        report.say("requests a second at capacity", f"{rate:.1f}")
        report.say("then offered a second", f"{TIMES * rate:.0f}")
        report.say("admitted, rejected", f"{len(over.admitted)}, {len(over.rejected)}")
        report.say("answered a second under it", f"{len(over.admitted) / options.seconds:.1f}")
        report.say("time to first token p50 ms: at capacity, over it",
                   f"{percentile(first_ms(usual.admitted), 0.5):.0f}, {percentile(first_ms(over.admitted), 0.5):.0f}")
        report.hold("time to first token p99 ms: at capacity, over it", f"{at_capacity:.0f}, {overloaded:.0f}",
                    "at most twice", overloaded <= 2 * at_capacity)
        report.hold("rejection ms in the server p50, p99", " ".join(
            f"{percentile(logged_rejections_ms(server), share):.2f}" for share in (0.5, 0.99)), "at most 10",
            percentile(logged_rejections_ms(server), 0.99) <= 10)
        report.hold("rejection ms at the client p50, p99", " ".join(
            f"{percentile(rejected, share):.1f}" for share in (0.5, 0.99)), "at most 10",
            percentile(rejected, 0.99) <= 10)
        told = [answer.status in (429, 503) and "retry-after" in answer.headers for answer in over.rejected]
        report.hold("rejections with Retry-After", f"{sum(told)} of {len(told)}", "all", all(told) and bool(told))
        report.hold("broken connections", usual.broken + over.broken, "0", usual.broken + over.broken == 0)
    report.finish()


if __name__ == "__main__":
    main()
