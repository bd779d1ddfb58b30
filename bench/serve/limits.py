#!/usr/bin/env python3
"""usage: limits.py BANTAM [--clients N] [--leaving N]
Many requests at once at the edge of a key's tokens per minute: those admitted never use more than it. And how fast the
pages of keys and values are free again when a client leaves."""
import argparse
import asyncio
import time

from client import Client
from report import Report, percentile
from server import Server

MOST_FREE_MS = 50
TOKENS = 30  # of each answer, at most


def ask_of(model, tokens=TOKENS):
    return {"model": model, "prompt": "count with me: one two three four five six seven", "max_tokens": tokens,
            "stream": True, "stream_options": {"include_usage": True}}


async def all_at_once(server, key, model, clients):
    async def one():
        client = Client(server.port, key.secret)
        await client.open()
        ready.append(client)
        await go.wait()
        answer = await client.ask("/v1/completions", ask_of(model))
        client.close()
        return answer
    go, ready = asyncio.Event(), []
    asking = [asyncio.create_task(one()) for _ in range(clients)]
    while len(ready) < clients:
        await asyncio.sleep(0.01)
    go.set()
    return await asyncio.gather(*asking)


def check_quota(report, server, model, clients):
    """The limit holds a third of the requests and half a request more."""
    prompt = server.command("usage")["rows"][0]["prompt_tokens"]
    limit = (prompt + TOKENS) * (clients // 3) + TOKENS // 2
    key = server.create_key("edge", "--tpm", limit)
    answers = asyncio.run(all_at_once(server, key, model, clients))
    admitted = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 429]
    used = sum(answer.usage["total_tokens"] for answer in admitted)
    written = sum(row["prompt"] + row["completion"] for row in server.ledger() if row["key_id"] == key.id)
    report.say("at once: admitted, refused, other", f"{len(admitted)}, {len(refused)}, "
               f"{clients - len(admitted) - len(refused)}")
    report.hold("tokens that they used, as the ledger says", f"{used} {written}", f"at most {limit}, the limit",
                used == written <= limit)
    told = sum("retry-after" in answer.headers for answer in refused)
    report.hold("admitted, or refused with Retry-After", len(admitted) + told, clients, len(admitted) + told == clients)
    report.hold("as many as fit whole", len(admitted), f"at least {clients // 3}", len(admitted) >= clients // 3)


async def free_ms(server, key, model):
    """Milliseconds from a client's leaving to when none of its pages is in use."""
    client = Client(server.port, key.secret)
    asking = asyncio.create_task(client.ask("/v1/completions", ask_of(model, 400)))
    # In this thread, as is the client: the answer has begun when pages are used.
    while server.metrics()["bantam_kv_pages_used"] == 0:
        if asking.done():
            return None
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.05)
    if asking.done():
        return None
    asking.cancel()
    client.close()
    await asyncio.sleep(0)  # closes it
    begun = time.perf_counter()
    while server.metrics()["bantam_kv_pages_used"] > 0:
        await asyncio.sleep(0)
    return 1000 * (time.perf_counter() - begun)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("bantam")
    options.add_argument("--clients", type=int, default=200)
    options.add_argument("--leaving", type=int, default=50)
    options.add_argument("-m", "--model")
    options = options.parse_args()
    report = Report()
    with Server(options.bantam, "-c", 512, *(["-m", options.model] if options.model else [])) as server:
        model = server.model()
        asyncio.run(all_at_once(server, server.admin, model, 1))
        check_quota(report, server, model, options.clients)
        times = [asyncio.run(free_ms(server, server.admin, model)) for _ in range(options.leaving)]
        times = [ms for ms in times if ms is not None]
        report.hold("clients that left amid an answer", len(times), f"most of {options.leaving}",
                    len(times) > options.leaving // 2)
        report.hold("ms until their pages are free p50, p99, most", " ".join(
            f"{ms:.1f}" for ms in (percentile(times, 0.5), percentile(times, 0.99), max(times))),
            f"at most {MOST_FREE_MS}", max(times) <= MOST_FREE_MS)
    report.finish()


if __name__ == "__main__":
    main()
