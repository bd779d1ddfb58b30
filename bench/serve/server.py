"""Runs `bantam serve` in a folder of its own and looks at it from outside. Used by the scripts here."""
import collections
import json
import os
import signal
import sqlite3
import subprocess
import tempfile
import time
import urllib.request

Key = collections.namedtuple("Key", "id secret")


class Server:
    """A server on a free port with keys and ledger in a temporary folder, which outlives restarts."""

    def __init__(self, binary, *arguments):
        self.binary, self.arguments = os.path.abspath(binary), arguments
        self.folder = tempfile.TemporaryDirectory(prefix="bantam-serve-")
        self.database = os.path.join(self.folder.name, "server.db")
        self.log = os.path.join(self.folder.name, "log")
        self.environment = dict(os.environ, XDG_DATA_HOME=self.folder.name)
        self.process, self.port, self.admin = None, 0, None

    def __enter__(self):
        self.admin = self.create_key("admin")
        self.start()
        return self

    def __exit__(self, *_):
        if self.process:
            self.stop(signal.SIGKILL)
        self.folder.cleanup()

    def start(self):
        command = [self.binary, "serve", "--port", "0", "--keys", self.database, *map(str, self.arguments)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=self.environment, text=True)
        for line in self.process.stdout:
            if line.startswith("listening at "):
                self.port = int(line.rsplit(":", 1)[1])
                return
        raise SystemExit(f"the server does not start:\n{open(self.log, encoding='utf-8').read()}")

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait()
        self.process.stdout.close()
        self.process = None
        return code

    def command(self, *arguments):
        """The JSON that a command of the program prints."""
        out = subprocess.run([self.binary, *arguments, "--keys", self.database, "--json"], check=True,
                             stdout=subprocess.PIPE, env=self.environment)
        return json.loads(out.stdout)

    def create_key(self, name, *limits):
        made = self.command("keys", "create", name, *map(str, limits))
        return Key(made["id"], made["key"])

    def metrics(self):
        """Values by name; those with labels by name{labels}."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/metrics",
                                         headers={"api-key": self.admin.secret})
        with urllib.request.urlopen(request) as response:
            lines = response.read().decode().splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    def wait_until_idle(self, seconds=30):
        """The metrics when nothing runs and nobody is connected any more, or after that time."""
        until = time.monotonic() + seconds
        while True:
            found = self.metrics()
            busy = found["bantam_requests_running"] + found["bantam_requests_waiting"] + found["bantam_connections"] - 1
            if busy == 0 or time.monotonic() > until:
                return found
            time.sleep(0.05)

    def rss_kib(self):
        """Resident memory."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))

    def ledger(self):
        """All rows of the ledger, as the server wrote them."""
        connection = sqlite3.connect(self.database)
        connection.row_factory = sqlite3.Row
        try:
            return connection.execute("SELECT * FROM usage").fetchall()
        finally:
            connection.close()

    def model(self):
        """The name of its first model."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/models",
                                         headers={"api-key": self.admin.secret})
        with urllib.request.urlopen(request) as response:
            return json.load(response)["data"][0]["id"]

    def cpu_seconds(self):
        """Of all its threads, so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as line:
            fields = line.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
