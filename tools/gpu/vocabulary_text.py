#!/usr/bin/env python3
"""Writes Korean text for training a reader's vocabulary: particles on lines of their own, so that no token joins the
end of a noun with what follows it. An answer is a run of whole tokens; with particles joined, 30% of the answers people
marked in Korean cannot be pointed at.

usage: tools/gpu/vocabulary_text.py ko-wiki-train.jsonl.zst OUT.jsonl [EVERY=3]     (needs the zstdcat program)

EVERY: one article of so many.
"""
import functools, json, pathlib, re, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from reading.hangul import split_particle
from reading.rows import zst_rows

COPULAS = re.compile(r'^(.{2,}?)((?:이라는|라는|이라고|라고|이었다|였다|이다|이며|이고|이자|인)[.,]?)$')
WORD = re.compile(r'(\S*[가-힣])(?![가-힣])')


@functools.lru_cache(maxsize=1 << 18)
def apart(word):
    noun, particle = split_particle(word)
    if particle and len(noun) > 1:
        return f'{noun}\n{particle}'
    return COPULAS.sub(r'\1\n\2', word)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    every = int(sys.argv[3]) if len(sys.argv) == 4 else 3
    with open(sys.argv[2], 'w', encoding='utf-8') as out:
        for number, article in enumerate(zst_rows(sys.argv[1])):
            if number % every == 0:
                text = WORD.sub(lambda match: apart(match.group(1)), article['text'])
                out.write(json.dumps({'title': article['title'], 'text': text}, ensure_ascii=False) + '\n')


if __name__ == '__main__':
    main()
