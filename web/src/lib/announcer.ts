// What a screen reader says of an answer that is being written: whole sentences, not each piece.

const kPauseMs = 1500;

export class Announcer {
  private said = 0; // characters
  private lastAt = 0;

  // The pause leaves time to say that an answer begins.
  start(nowMs: number) {
    this.said = 0;
    this.lastAt = nowMs;
  }

  // The next sentences to say, or '' while there are none or the last were said just now.
  next(text: string, done: boolean, nowMs: number): string {
    const fresh = text.slice(this.said);
    let end = fresh.length;
    if (!done) {
      if (nowMs - this.lastAt < kPauseMs) return '';
      end = Math.max(...['. ', '? ', '! ', '.\n', '?\n', '!\n', '\n\n'].map((mark) => fresh.lastIndexOf(mark))) + 1;
    }
    if (end <= 0) return '';
    this.said += end;
    this.lastAt = nowMs;
    return plain(fresh.slice(0, end));
  }
}

const plain = (markdown: string) =>
  markdown.replace(/```[^\n]*|[*_`#>|]+/g, ' ').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/\s+/g, ' ').trim();
