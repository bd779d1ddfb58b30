#!/usr/bin/env python3
"""Writes the training data of the extractive reader: questions, passages and the bytes that answer them.

usage: make_reading_data.py human|made DATA_DIR OUT.jsonl [SHARE]      (needs the zstdcat program)

    nice -n 10 tools/make_reading_data.py human ../shared/data runs/reading-human.jsonl   # questions people asked
    nice -n 10 tools/make_reading_data.py made ../shared/data runs/reading-made.jsonl     # questions made from Wikipedia

SHARE (1 where it is not given) is the share of the Wikipedia's articles that `made` reads, for a quick look.

Each line is {"question", "passage", "answers": [[begin, end], ...], "src", "lang", "weight"}: spans in UTF-8 bytes of
the passage, no span where the passage does not answer the question. DATA_DIR/eval is read only to drop passages that
share text with it and questions that occur in it.

Sources and licences: SQuAD 1.1/2.0 train, Natural Questions (oracle passages, EfficientQA) and Wikipedia text: CC BY-SA;
SQuADShifts and WebQuestions: CC BY 4.0; QAMR: MIT; TyDi and MIRACL: Apache-2.0; KorQuAD 2.1: CC BY-ND 2.0 KR. Rows
made from KorQuAD may be trained on but never redistributed; the rest is shared under CC BY-SA 4.0.
"""
import collections, json, random, sys, time

from reading import english, human, korean, made, match, negatives
from reading.rows import LEAST_BYTES, MeasuredPassages, answer_texts, clean, utf8_length, window, zst_rows

NEGATIVE_SHARE = 0.3   # wrong passages per question of people that has an answer
MADE_NEGATIVES = 0.25  # share of the made rows
UNNAMED = ('person', 'thing', 'work', 'subject')  # "Who was an American actor?": other articles may answer it as well
POOL = 30_000          # passages that hard negatives are searched in


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


def make_human(data, _, counts):
    rng = random.Random(1)
    entries = []
    for name, lang, searched, most in human.SOURCES:
        entries += human.read_source(f'{data}/instruct', name, lang, searched, most, rng, counts)
    entries += match.english(data, rng, counts)
    entries += match.korean(data, rng, counts)
    return with_negatives(entries, NEGATIVE_SHARE, 2) + list(human.tydi_negatives(f'{data}/instruct', rng, counts))


def chosen(entries, wanted, rng):
    """`wanted` of the entries, as balanced over their kinds as their numbers allow."""
    kinds = collections.defaultdict(list)
    for entry in entries:
        kinds[entry[3]['src']].append(entry)
    out, left = [], len(kinds)
    for of_kind in sorted(kinds.values(), key=len):
        share = (wanted - len(out)) // left
        out += of_kind if len(of_kind) <= share else rng.sample(of_kind, share)
        left -= 1
    return out


def wrong_in_article(entry, rng):
    """Another paragraph of the same article without the answer, or None."""
    _, paragraphs, whole, row = entry
    answer = answer_texts(row)[0]
    others = [p for p in paragraphs if p != whole and answer not in p and p[:40] not in row['passage'] and len(p) > 80]
    return rng.choice(others) if others else None


def make_from_wikipedia(path, share, maker, lang, wanted, most_each, seed):
    """Rows of one language; entries on the way are (title, paragraphs, the answer's whole paragraph, row)."""
    rng = random.Random(seed)
    lexicon = maker.Lexicon(zst_rows(path), rng)
    wanted = round(wanted * share)
    entries = []
    for number, article in enumerate(zst_rows(path)):
        if int((number + 1) * share) == int(number * share):
            continue
        title, paragraphs = clean(article['title']), made.article_paragraphs(article)
        if paragraphs:
            questions = maker.questions(title, paragraphs, lexicon, rng)
            entries += ((title, paragraphs, whole, row)
                        for whole, row in made.article_rows(title, paragraphs, questions, lang, rng, most_each))
    entries = chosen(entries, round(wanted * (1 - MADE_NEGATIVES)), rng)
    sample = rng.sample(entries, min(len(entries), POOL))
    pool = negatives.PassagePool([(title, whole) for title, _, whole, _ in sample], rng)
    out = [entry[3] for entry in entries]
    wanted = round(len(out) / (1 - MADE_NEGATIVES))
    rng.shuffle(entries)
    for entry in entries:
        if len(out) >= wanted:
            break
        row = entry[3]
        wrong, kind = rng.random() < 0.6 and wrong_in_article(entry, rng), 'same-title'
        if not wrong and not row['src'].endswith(UNNAMED):
            wrong, kind = pool.wrong_passage(row['question'], entry[2], answer_texts(row))
        cut = wrong and window(wrong, [], rng)
        if cut and utf8_length(cut[0]) >= LEAST_BYTES:
            out.append(row | {'passage': cut[0], 'answers': [], 'src': f'{lang}-wiki/{kind}'})
    return out


def make_made(data, share, _):
    return (make_from_wikipedia(f'{data}/text/ko-wiki-train.jsonl.zst', share, korean, 'ko', 150_000,
                                {'definition': 1, 'fact': 3, 'cloze': 5, 'recurring': 5}, 5) +
            make_from_wikipedia(f'{data}/text/en-wiki-train.jsonl.zst', share, english, 'en', 60_000,
                                {'definition': 1, 'fact': 5, 'cloze': 10, 'recurring': 8}, 6))


MAKERS = {'human': make_human, 'made': make_made}


def main():
    if len(sys.argv) not in (4, 5) or sys.argv[1] not in MAKERS:
        sys.exit(__doc__)
    kind, data, out = sys.argv[1:4]
    share = float(sys.argv[4]) if len(sys.argv) == 5 else 1
    started = time.monotonic()
    counts = collections.Counter()
    measured = MeasuredPassages([f'{data}/eval/xquad-en-open.json', f'{data}/eval/korquad-open.json'])
    write(MAKERS[kind](data, share, counts), out, measured, counts, 3)
    print_table(counts)
    print(f'{time.monotonic() - started:.0f} s')


if __name__ == '__main__':
    main()
