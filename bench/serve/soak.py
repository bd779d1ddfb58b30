#!/usr/bin/env python3
"""usage: soak.py BANTAM [--requests N] [--clients N] [--seed N] [-m MODEL]
Mixed requests of 8 tenants with random disconnects and too few pages of keys and values: nobody's text reaches anybody
else, nothing stays behind, and the ledger is what the clients saw."""
import argparse
import asyncio
import collections
import random
import time

from client import Answer, Client, Gone, usage_counts
from report import Report
from server import Server
from traffic import foreign_canaries, tenants_of

TENANTS = 8
LEAVING = 0.4  # share of clients that mean to disconnect at a random moment; some of them are answered before
CALM = 3       # clients that go on when it is calm
LONG = 1000    # requests from which on memory is held
GROWTH = 1.05  # what resident memory may be at the end, of what it was after a tenth of the requests


class Soak:
    def __init__(self, server, options, model):
        self.server, self.model, self.requests = server, model, options.requests
        self.tenants = tenants_of(server, TENANTS, options.seed)
        self.rng = random.Random(options.seed)
        self.seen = collections.Counter()  # (key, prompt, completion) of answers whose end a client saw
        self.kinds, self.statuses, self.foreign = collections.Counter(), collections.Counter(), []
        self.left = self.rested = self.own = self.begun = self.ended = 0
        self.first_cached, self.probed, self.changed = {}, 0, 0
        self.usual = 0.5  # seconds until an answer's end, lately
        self.rss = []  # KiB after each tenth

    async def run(self, clients):
        await asyncio.gather(*(self.work(number) for number in range(clients)))

    async def work(self, number):
        connections = {}
        while self.begun < self.requests:
            # Guessed tokens are only tried while few requests run: of each 500 the last 50.
            if number >= CALM and self.begun % 500 >= 450:
                await asyncio.sleep(0.02)
                continue
            self.begun += 1
            tenant = self.rng.choice(self.tenants)
            client = connections.setdefault(tenant, Client(self.server.port, tenant.key.secret))
            await self.one(tenant, client)
            self.ended += 1
            if self.ended % (self.requests // 10) == 0:
                self.rss.append(self.server.rss_kib())
        for client in connections.values():
            client.close()
            self.rested += client.rested

    async def one(self, tenant, client):
        kind, path, body = tenant.request(self.model)
        self.kinds[kind if isinstance(kind, str) else kind[0]] += 1
        answer = Answer()
        # From before the server has read the request to about its end.
        seconds = self.rng.uniform(0, self.usual) if self.rng.random() < LEAVING else None
        try:
            await asyncio.wait_for(client.ask(path, body, answer), seconds)
            self.statuses[answer.status] += 1
            self.usual += 0.05 * (answer.seconds - self.usual)
        except asyncio.TimeoutError:
            client.close()
            self.left += 1
        except Gone:
            self.statuses["broken"] += 1
        self.foreign += [(kind, word) for word in foreign_canaries(self.tenants, tenant, answer)]
        self.own += tenant.canary in answer.text
        if answer.complete and answer.usage:
            self.seen[(tenant.key.id, *usage_counts(answer.usage))] += 1
            cached = answer.usage.get("prompt_tokens_details", {}).get("cached_tokens", 0)
            self.first_cached.setdefault(tenant, cached)
        if answer.complete and not isinstance(kind, str):
            self.probed += 1
            self.changed += not tenant.same_as_before(kind[1], answer)


def check_ledger(report, soak, metrics):
    rows = soak.server.ledger()
    complete = collections.Counter((r["key_id"], r["prompt"], r["completion"]) for r in rows if r["complete"])
    unseen = complete - soak.seen  # ended before the server knew that the client had left
    cut = sum(not r["complete"] for r in rows)
    missing = (soak.seen - complete).total()
    report.hold("answers whose usage differs from the ledger", f"{missing} of {soak.seen.total()}", "0", missing == 0)
    report.hold("rows of clients that left", f"{unseen.total()} whole, {cut} cut", f"at most {soak.left}",
                unseen.total() + cut <= soak.left)
    for column, label in (("prompt", "prompt"), ("completion", "completion"), ("cached", "cached")):
        total = sum(row[column] for row in rows)
        told = metrics[f'bantam_model_tokens_total{{model="{soak.model}",kind="{label}"}}']
        commanded = sum(row[f"{column}_tokens"] for row in soak.server.command("usage")["rows"])
        report.hold(f"{label} tokens: ledger, bantam usage, /metrics", f"{total} {commanded} {told:.0f}", "the same",
                    total == commanded == told)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("bantam")
    options.add_argument("--requests", type=int, default=10_000)
    options.add_argument("--clients", type=int, default=48)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("-m", "--model")
    options = options.parse_args()
    arguments = ["-c", 512, "--cache-tokens", 2048, *(["-m", options.model] if options.model else [])]
    report = Report()
    with Server(options.bantam, *arguments) as server:
        model = server.model()
        before = server.metrics()
        soak = Soak(server, options, model)
        begun = time.monotonic()
        asyncio.run(soak.run(options.clients))
        seconds = time.monotonic() - begun
        after = server.wait_until_idle()
        report.say("requests", f"{soak.begun} in {seconds:.0f} s: {dict(soak.kinds)}")
        report.say("clients left", f"{soak.left} ({soak.left / soak.begun:.0%})")
        report.say("resting connections that the server had closed", soak.rested)
        report.say("answers that repeat their own canary", soak.own)
        for name in ("prefix_hit_tokens", "drafted_tokens", "accepted_tokens", "clients_gone"):
            report.say(name, f"{after[f'bantam_{name}_total']:.0f}")
        bad = {status: n for status, n in soak.statuses.items() if status != 200}
        report.hold("answers other than 200", bad, "none", not bad)
        report.hold("foreign canaries", len(soak.foreign), "0", not soak.foreign)
        report.hold("probes answered differently than before", f"{soak.changed} of {soak.probed}", "0",
                    not soak.changed)
        report.hold("pages of keys and values in use, before and after",
                    f"{before['bantam_kv_pages_used']:.0f} {after['bantam_kv_pages_used']:.0f}", "the same",
                    before["bantam_kv_pages_used"] == after["bantam_kv_pages_used"])
        report.hold("running and waiting after", f"{after['bantam_requests_running']:.0f} "
                    f"{after['bantam_requests_waiting']:.0f}", "0 0",
                    after["bantam_requests_running"] + after["bantam_requests_waiting"] == 0)
        resident = " ".join(f"{kib / 1024:.1f}" for kib in soak.rss)
        if options.requests >= LONG:
            report.hold("resident MiB after each tenth", resident, f"the last at most {GROWTH} of the first",
                        soak.rss[-1] <= GROWTH * soak.rss[0])
        else:  # the first requests still fill caches
            report.say("resident MiB after each tenth", resident)
        check_ledger(report, soak, after)
    report.finish()


if __name__ == "__main__":
    main()
