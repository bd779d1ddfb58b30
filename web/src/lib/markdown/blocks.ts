// A text that grows, cut into blocks. Once a block has another after it, nothing to come can change it (CommonMark),
// so only the last one is parsed and drawn again: what stands on the page stays still.
import { blockStarts } from './parser';

function offsetOfLine(text: string, line: number): number {
  let offset = 0;
  for (; line > 0; line--) offset = text.indexOf('\n', offset) + 1;
  return offset;
}

export class BlockSplitter {
  private finished: string[] = [];
  private finishedLength = 0;
  private seen = '';

  // All blocks of `text`; the last one may still change.
  update(text: string): string[] {
    if (!text.startsWith(this.seen)) {
      this.finished = [];
      this.finishedLength = 0;
    }
    this.seen = text;
    const tail = text.slice(this.finishedLength);
    const starts = blockStarts(tail);
    if (starts.length < 2) return [...this.finished, tail];
    const offsets = starts.map((line) => offsetOfLine(tail, line));
    offsets[0] = 0;
    for (let i = 0; i + 1 < offsets.length; i++) this.finished.push(tail.slice(offsets[i], offsets[i + 1]));
    const last = tail.slice(offsets[offsets.length - 1]);
    this.finishedLength = text.length - last.length;
    return [...this.finished, last];
  }
}

// The last block with its open marks closed, so that **bold does not show its stars until the others come.
export function closeOpenMarks(block: string): string {
  if (/^\s*(```|~~~|\$\$|\\\[|\|)/.test(block) || /^( {4}|\t)/.test(block)) return block;
  let text = block.replace(/!?\[([^\][]*)\]\([^)\s]*$/, '$1').replace(/!?\[([^\][]*)$/, '$1');
  if ((text.match(/`/g)?.length ?? 0) % 2 === 1) return text.endsWith('`') ? text.slice(0, -1) : `${text}\``;
  const outsideCode = text.replace(/`[^`]*`/g, '');
  if ((outsideCode.match(/\*\*/g)?.length ?? 0) % 2 === 1) {
    text = /\*\*\s*$/.test(text) ? text.replace(/\*\*\s*$/, '') : `${text.trimEnd().replace(/\*$/, '')}**`;
  }
  return text;
}
