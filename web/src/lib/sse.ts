// Server-sent events as they arrive, cut anywhere: the data of each event, in order.
// https://html.spec.whatwg.org/multipage/server-sent-events.html, without ids and retry, which the API does not send.

export class SseDecoder {
  private readonly utf8 = new TextDecoder();
  private rest = '';
  private data: string[] = [];

  push(bytes: Uint8Array): string[] {
    this.rest += this.utf8.decode(bytes, { stream: true });
    // A CR at the very end may be half of CRLF: it waits for the next piece.
    const held = this.rest.endsWith('\r') ? '\r' : '';
    const lines = this.rest.slice(0, this.rest.length - held.length).split(/\r\n|\r|\n/);
    this.rest = (lines.pop() ?? '') + held;
    const events: string[] = [];
    for (const line of lines) this.line(line, events);
    return events;
  }

  private line(line: string, events: string[]) {
    if (line === '') {
      if (this.data.length) events.push(this.data.join('\n'));
      this.data = [];
      return;
    }
    if (!line.startsWith('data:')) return; // comments and other fields
    this.data.push(line.slice(line[5] === ' ' ? 6 : 5));
  }
}

// The pieces of a body that is sent a line at a time (Ollama's progress of a pull).
export class LineDecoder {
  private readonly utf8 = new TextDecoder();
  private rest = '';

  push(bytes: Uint8Array): string[] {
    const lines = (this.rest + this.utf8.decode(bytes, { stream: true })).split('\n');
    this.rest = lines.pop() ?? '';
    return lines.filter((line) => line.trim() !== '');
  }

  end(): string[] {
    return this.rest.trim() === '' ? [] : [this.rest];
  }
}

export async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body!.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
