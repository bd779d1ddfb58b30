#!/usr/bin/env python3
"""Writes the training data of the extractive reader: questions, passages and the bytes that answer them.

usage: make_reading_data.py human DATA_DIR OUT.jsonl      (needs the zstdcat program)

    make_reading_data.py human ../shared/data runs/reading-human.jsonl

Each line is {"question", "passage", "answers": [[begin, end], ...], "src", "lang", "weight"}: spans in UTF-8 bytes of
the passage, no span where the passage does not answer the question. DATA_DIR/eval is read only to drop passages that
share text with it and questions that occur in it.

Sources and licences: SQuAD 1.1/2.0 train, Natural Questions (oracle passages, EfficientQA) and Wikipedia text: CC BY-SA;
SQuADShifts and WebQuestions: CC BY 4.0; QAMR: MIT; TyDi and MIRACL: Apache-2.0; KorQuAD 2.1: CC BY-ND 2.0 KR. Rows
made from KorQuAD may be trained on but never redistributed; the rest is shared under CC BY-SA 4.0.
"""
import collections, json, random, sys, time

from reading import human, negatives
from reading.rows import LEAST_BYTES, MeasuredPassages, utf8_length, window

NEGATIVE_SHARE = 0.3  # wrong passages per question that has an answer


def with_negatives(entries, share, seed):
    """entries: [(title, whole passage, listed answers, row)] -> rows, with wrong passages for `share` of them."""
    rng = random.Random(seed)
    out = [entry[3] for entry in entries]
    for lang in ('en', 'ko'):
        mine = [entry for entry in entries if entry[3]['lang'] == lang]
        pool = negatives.PassagePool([(title, passage) for title, passage, _, _ in mine], rng)
        for title, passage, answers, positive in mine:
            if not positive['answers'] or rng.random() >= share:
                continue
            wrong, kind = pool.wrong_passage(positive['question'], passage, answers, title)
            cut = wrong and window(wrong, [], rng)
            if cut and utf8_length(cut[0]) >= LEAST_BYTES:
                out.append(positive | {'passage': cut[0], 'answers': [], 'src': f"{positive['src']}/{kind}"})
    return out


def write(rows, path, measured, counts, seed):
    """Writes the rows shuffled, without those that share text with the measured passages or repeat another."""
    random.Random(seed).shuffle(rows)
    seen = set()
    with open(path, 'w', encoding='utf-8') as file:
        for row in rows:
            src = row['src']
            key = row['question'], row['passage']
            if measured.overlaps(row['passage']) or measured.asks(row['question']):
                counts[src, 'shares text with the measured'] += 1
            elif key in seen:
                counts[src, 'repeated'] += 1
            else:
                seen.add(key)
                counts[src, 'answered' if row['answers'] else 'not found'] += 1
                file.write(json.dumps(row, ensure_ascii=False) + '\n')


def print_table(counts):
    columns = list(dict.fromkeys(column for _, column in sorted(counts)))
    sources = sorted({src for src, _ in counts})
    print(f"{'source':42}" + ''.join(f'{c[:14]:>16}' for c in columns))
    for src in sources:
        print(f'{src:42}' + ''.join(f'{counts[src, c] or "":>16}' for c in columns))
    print(f"{'all':42}" + ''.join(f'{sum(counts[s, c] for s in sources):>16}' for c in columns))


def make_human(data, counts):
    rng = random.Random(1)
    entries = []
    for name, lang, searched, most in human.SOURCES:
        entries += human.read_source(f'{data}/instruct', name, lang, searched, most, rng, counts)
    return with_negatives(entries, NEGATIVE_SHARE, 2) + list(human.tydi_negatives(f'{data}/instruct', rng, counts))


MAKERS = {'human': make_human}


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in MAKERS:
        sys.exit(__doc__)
    kind, data, out = sys.argv[1:]
    started = time.monotonic()
    counts = collections.Counter()
    measured = MeasuredPassages([f'{data}/eval/xquad-en-open.json', f'{data}/eval/korquad-open.json'])
    write(MAKERS[kind](data, counts), out, measured, counts, 3)
    print_table(counts)
    print(f'{time.monotonic() - started:.0f} s')


if __name__ == '__main__':
    main()
