"""A small HTTP client for many requests at once. Used by the scripts here."""
import asyncio
import json
import time


class Gone(Exception):
    """The server closed the connection before the answer's end."""


class Answer:
    """What came of one request; times are seconds since it was sent. Bytes are kept with the moment they came and
    understood when asked for, so that a client that only measures has little to do."""

    def __init__(self):
        self.status, self.headers, self.chunked = 0, {}, False
        self.came = []  # (seconds, bytes) of the body
        self.seconds = 0.0  # until the end

    def pieces(self):
        """(seconds, bytes) of the body's chunks that have come whole; of a body without chunks, as it came."""
        if not self.chunked:
            return self.came
        out, left = [], b""
        for seconds, data in self.came:
            left += data
            while (end := left.find(b"\r\n")) >= 0:
                size = int(left[:end], 16)
                if size == 0 or len(left) < end + size + 4:
                    break
                out.append((seconds, left[end + 2:end + 2 + size]))
                left = left[end + size + 4:]
        return out

    @property
    def raw(self):
        return b"".join(data for _, data in self.pieces())

    @property
    def times(self):
        """When each piece of a stream came; the first brings the first token."""
        return [seconds for seconds, _ in self.pieces()] if self.chunked else []

    def json(self):
        return json.loads(self.raw)

    def events(self):
        """Of a stream, those that have come; or the whole answer as one."""
        raw = self.raw
        if not raw.startswith(b"data: "):
            return [self.json()] if self.complete and self.status == 200 else []
        parts = (event.removeprefix(b"data: ") for event in raw.split(b"\n\n")[:-1])
        return [json.loads(part) for part in parts if part != b"[DONE]"]

    @property
    def complete(self):
        return self.raw.endswith(b"data: [DONE]\n\n") if self.chunked else self.seconds > 0

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


class Connection(asyncio.BufferedProtocol):
    """Puts what comes into an answer until it is whole."""

    def __init__(self):
        self.transport = self.answer = self.done = None
        self.buffer = bytearray(16 << 10)  # asyncio's own would be 256 KiB of new memory for each piece

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        self.transport = None
        if self.done and not self.done.done():
            self.done.set_exception(Gone(str(error)))

    def ask(self, request, answer):
        """A future of the answer's end."""
        self.answer, self.done = answer, asyncio.get_running_loop().create_future()
        self.head, self.left, self.tail = b"", None, b""
        self.begun = time.perf_counter()
        self.transport.write(request)
        return self.done

    def get_buffer(self, _):
        return self.buffer

    def buffer_updated(self, size):
        seconds = time.perf_counter() - self.begun
        data = bytes(memoryview(self.buffer)[:size])
        if self.left is None:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            data = self.head[end + 4:]
            self.read_head(self.head[:end].decode().split("\r\n"))
        if data:
            self.answer.came.append((seconds, data))
        self.left -= len(data)
        self.tail = (self.tail + data)[-7:]  # no JSON text has a line of the last chunk's form
        if self.left <= 0 and (not self.answer.chunked or self.tail in (b"0\r\n\r\n", b"\r\n0\r\n\r\n")):
            self.answer.seconds = seconds
            if not self.done.done():
                self.done.set_result(None)

    def read_head(self, lines):
        answer = self.answer
        answer.status = int(lines[0].split()[1])
        answer.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:] if line)}
        answer.chunked = answer.headers.get("transfer-encoding") == "chunked"
        self.left = 0 if answer.chunked else int(answer.headers.get("content-length", 0))


class Client:
    """One connection, kept open between requests."""

    def __init__(self, port, secret=""):
        self.port, self.secret = port, secret
        self.connection = None
        self.rested = 0  # times that the server had closed it

    async def open(self):
        loop = asyncio.get_running_loop()
        _, self.connection = await loop.create_connection(Connection, "127.0.0.1", self.port)

    def close(self):
        if self.connection and self.connection.transport:
            self.connection.transport.abort()
        self.connection = None

    async def ask(self, path, body, answer=None):
        """Sends a request and reads its answer, a stream or not. A given `answer` is filled as it comes in."""
        answer = answer or Answer()
        reused = self.connection is not None
        if reused and not self.connection.transport:
            reused = False
            self.rested += 1
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
            await self.connection.ask(self.request(path, body), answer)
        except Gone:
            self.close()
            raise
        if answer.headers.get("connection") == "close":
            self.close()

    def request(self, path, body):
        payload = b"" if body is None else json.dumps(body).encode()
        head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: localhost\r\n"
        key = f"Authorization: Bearer {self.secret}\r\n" if self.secret else ""
        length = "" if body is None else f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n"
        return (head + key + length + "\r\n").encode() + payload


def usage_counts(usage):
    """(prompt, completion) as the ledger counts them."""
    return usage["prompt_tokens"], usage.get("completion_tokens", 0)
