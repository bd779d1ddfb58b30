// The server counts in bytes of UTF-8, a browser's strings in UTF-16 code units.

// The index of `text` that the byte offset falls on; inside a character, its start. Offsets outside are clamped.
export function indexOfByte(text: string, byte: number): number {
  let bytes = 0;
  let index = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    const size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes + size > byte) return index;
    bytes += size;
    index += character.length;
  }
  return index;
}

export interface Span {
  text: string;
  mark: '' | 'quote' | 'answer';
}

// `text`, which begins at byte `origin` of its document, cut so that the quote and the answer inside it can be marked.
export function markedSpans(text: string, origin: number, quote: [number, number], answer?: [number, number]): Span[] {
  const at = (byte: number) => indexOfByte(text, byte - origin);
  const [quoteBegin, quoteEnd] = [at(quote[0]), at(quote[1])];
  const inside = answer && answer[0] >= quote[0] && answer[1] <= quote[1];
  const [answerBegin, answerEnd] = inside ? [at(answer[0]), at(answer[1])] : [quoteEnd, quoteEnd];
  const spans: Span[] = [
    { text: text.slice(0, quoteBegin), mark: '' },
    { text: text.slice(quoteBegin, answerBegin), mark: 'quote' },
    { text: text.slice(answerBegin, answerEnd), mark: 'answer' },
    { text: text.slice(answerEnd, quoteEnd), mark: 'quote' },
    { text: text.slice(quoteEnd), mark: '' },
  ];
  return spans.filter((span) => span.text !== '');
}
