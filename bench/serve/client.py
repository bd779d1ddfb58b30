"""A small HTTP client for many requests at once. Used by the scripts here."""
import asyncio
import json
import time


class Gone(Exception):
    """The server closed the connection before the answer's end."""


class Answer:
    """What came of one request; times are seconds since it was sent."""

    def __init__(self):
        self.status, self.headers, self.raw = 0, {}, bytearray()
        self.times = []  # when each piece of a stream came; the first brings the first token
        self.seconds = 0.0  # until the end

    # Read when asked for, so that a client that only measures has little to do.

    def json(self):
        return json.loads(self.raw)

    def events(self):
        """Of a stream, those that have come; or the whole answer as one."""
        if not self.raw.startswith(b"data: "):
            return [self.json()] if self.complete and self.status == 200 else []
        parts = (event.removeprefix(b"data: ") for event in self.raw.split(b"\n\n")[:-1])
        return [json.loads(part) for part in parts if part != b"[DONE]"]

    @property
    def complete(self):
        return self.raw.endswith(b"data: [DONE]\n\n") if self.times else self.seconds > 0

    @property
    def usage(self):
        return next((event["usage"] for event in reversed(self.events()) if event.get("usage")), None)

    @property
    def text(self):
        """What was written, and the calls of tools."""
        out = ""
        for choice in (choice for event in self.events() for choice in event.get("choices", [])):
            said = choice.get("delta") or choice.get("message") or {}
            out += choice.get("text") or said.get("content") or ""
            out += json.dumps(said["tool_calls"]) if said.get("tool_calls") else ""
        return out


class Client:
    """One connection, kept open between requests."""

    def __init__(self, port, secret=""):
        self.port, self.secret = port, secret
        self.reader = self.writer = None
        self.rested = 0  # times that the server had closed it

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 22)

    def close(self):
        if self.writer:
            self.writer.transport.abort()
        self.reader = self.writer = None

    async def ask(self, path, body, answer=None):
        """Sends a request and reads its answer, a stream or not. A given `answer` is filled as it comes in."""
        answer = answer or Answer()
        reused = self.writer is not None
        if not reused:
            await self.open()
        try:
            await self.exchange(path, body, answer)
        except Gone:
            if not reused or answer.status:
                raise
            # The server closes connections that rest for long; this one while the request was on its way.
            self.rested += 1
            await self.open()
            await self.exchange(path, body, answer)
        return answer

    async def exchange(self, path, body, answer):
        try:
            begun = time.perf_counter()
            self.writer.write(self.request(path, body))
            await self.read_head(answer)
            if answer.headers.get("transfer-encoding") == "chunked":
                await self.read_chunks(answer, begun)
            else:
                answer.raw += await self.reader.readexactly(int(answer.headers.get("content-length", 0)))
            answer.seconds = time.perf_counter() - begun
            if answer.headers.get("connection") == "close":
                self.close()
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            self.close()
            raise Gone(str(error)) from error

    def request(self, path, body):
        payload = b"" if body is None else json.dumps(body).encode()
        head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: localhost\r\n"
        key = f"Authorization: Bearer {self.secret}\r\n" if self.secret else ""
        length = "" if body is None else f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n"
        return (head + key + length + "\r\n").encode() + payload

    async def read_head(self, answer):
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        answer.status = int(lines[0].split()[1])
        answer.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:] if line)}

    async def read_chunks(self, answer, begun):
        while size := int(await self.reader.readuntil(b"\n"), 16):
            chunk = await self.reader.readexactly(size + 2)
            answer.times.append(time.perf_counter() - begun)
            answer.raw += chunk[:-2]
        await self.reader.readuntil(b"\n")


def usage_counts(usage):
    """(prompt, completion) as the ledger counts them."""
    return usage["prompt_tokens"], usage.get("completion_tokens", 0)
