#!/usr/bin/env python3
"""usage: crash.py BANTAM [--rounds N] [--clients N] [--seed N]
The server is killed at random moments while tenants ask and is started again: every request whose end a client saw is
in the ledger, once."""
import argparse
import asyncio
import collections
import random
import signal

from client import Answer, Client, Gone, usage_counts
from report import Report
from server import Server
from traffic import foreign_canaries, tenants_of

TENANTS = 8


class Crashes:
    def __init__(self, server, options):
        self.server, self.rng = server, random.Random(options.seed)
        self.tenants = tenants_of(server, TENANTS, options.seed)
        self.model = server.model()
        self.seen, self.foreign = collections.Counter(), []
        self.cut = 0  # requests whose end no client saw
        self.up = False

    async def round(self, clients):
        self.up = True
        asking = [asyncio.create_task(self.work()) for _ in range(clients)]
        await asyncio.sleep(self.rng.uniform(0.2, 3))
        self.up = False
        self.server.stop(signal.SIGKILL)
        await asyncio.gather(*asking)

    async def work(self):
        while self.up:
            tenant = self.rng.choice(self.tenants)
            client, answer = Client(self.server.port, tenant.key.secret), Answer()
            _, path, body = tenant.request(self.model)
            try:
                await client.ask(path, body, answer)
            except (Gone, OSError):
                pass
            client.close()
            self.foreign += foreign_canaries(self.tenants, tenant, answer)
            if answer.complete and answer.usage:
                self.seen[(tenant.key.id, *usage_counts(answer.usage))] += 1
            elif not answer.complete:
                self.cut += 1


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("bantam")
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--clients", type=int, default=16)
    options.add_argument("--seed", type=int, default=1)
    options = options.parse_args()
    report = Report()
    with Server(options.bantam, "-c", 512, "--cache-tokens", 2048) as server:
        crashes = Crashes(server, options)
        for _ in range(options.rounds):
            asyncio.run(crashes.round(options.clients))
            server.start()
        rows = server.ledger()
        written = collections.Counter((r["key_id"], r["prompt"], r["completion"]) for r in rows if r["complete"])
        missing, more = crashes.seen - written, len(rows) - crashes.seen.total()
        counted = sum(row["requests"] for row in server.command("usage")["rows"])
        report.say("kills", options.rounds)
        report.say("answers whose end a client saw", crashes.seen.total())
        report.hold("of these not in the ledger", missing.total(), "0", not missing)
        report.hold("rows beyond these", more, f"at most {crashes.cut}, the answers that were cut",
                    0 <= more <= crashes.cut)
        report.hold("requests that bantam usage counts", counted, f"{len(rows)}, as the ledger has",
                    counted == len(rows))
        report.hold("foreign canaries", len(crashes.foreign), "0", not crashes.foreign)
        report.hold("pages in use after the last start", f"{server.metrics()['bantam_kv_pages_used']:.0f}", "0",
                    server.metrics()["bantam_kv_pages_used"] == 0)
    report.finish()


if __name__ == "__main__":
    main()
