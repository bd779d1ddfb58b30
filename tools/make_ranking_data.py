#!/usr/bin/env python3
"""Writes collections of passages with questions, for choosing how sentences are ranked (bench/ranking_features).

usage: make_ranking_data.py DATA_DIR OUT_PREFIX      (needs the zstdcat program)

    nice -n 10 tools/make_ranking_data.py ../shared/data runs/ranking
    -> runs/ranking-ko-00.json ..., runs/ranking-en-00.json ..., runs/ranking-written-00.json

Each file has the form of SQuAD and the shape of what is measured: about 400 passages, up to six of an article. Korean:
KorQuAD 2.1's questions, all of them (the reader has seen most of them in training). English: the SQuAD training
questions that the reader's training leaves out. Written: bench/korean_questions.tsv (article, how the paragraph begins,
question, answer), 150 questions written for this, which no reader was trained on. Nothing of DATA_DIR/eval is in them. Rows made from KorQuAD may be
trained on but never redistributed (CC BY-ND 2.0 KR); the rest is Wikipedia's and SQuAD's, CC BY-SA.
"""
import collections, hashlib, json, pathlib, random, sys

from reading import human, match
from reading.rows import MeasuredPassages, answer_texts, clean, row, zst_rows

WRITTEN = pathlib.Path(__file__).parent.parent / 'bench/korean_questions.tsv'

PASSAGES = 400        # of a collection
PER_ARTICLE = 6
LEAST, MOST = 250, 900  # characters of a passage


def held_out(passage):
    """The rule by which models/bantam-reader.md keeps passages from training."""
    return int(hashlib.md5(passage.encode()).hexdigest(), 16) % 1000 < 12


def korean_questions(data):
    rng, counts = random.Random(1), collections.Counter()
    yield from human.read_source(f'{data}/instruct', 'ko_korquad21_dev_aligned_clean', 'ko', True, None, rng, counts)
    yield from match.korean(data, rng, counts)


def english_questions(data):
    rng, counts = random.Random(1), collections.Counter()
    for name in ('squad_train_aligned', 'squad_train_head_native', 'squad_train_last_native'):
        for entry in human.read_source(f'{data}/instruct', name, 'en', name.endswith('aligned'), None, rng, counts):
            if held_out(entry[3]['passage']):
                yield entry


def written_questions(data):
    by_title = collections.defaultdict(list)
    for line in WRITTEN.read_text(encoding='utf-8').splitlines():
        title, begins, question, answer = line.split('\t')
        by_title[title].append((begins, question, answer))
    for article in zst_rows(f'{data}/text/ko-wiki-train.jsonl.zst'):
        title = clean(article['title'])
        paragraphs = [clean(line) for line in article['text'].split('\n')] if title in by_title else []
        for begins, question, answer in by_title.get(title, ()):
            whole = next(p for p in paragraphs if p.startswith(begins) and answer in p)
            at = whole.index(answer)
            yield title, whole, [answer], row(question, whole, [(at, at + len(answer))], 'written', 'ko')


def joined(lines):
    """The lines of an article as passages of at least LEAST characters where they follow each other."""
    passages = []
    for line in lines:
        if passages and len(passages[-1]) < LEAST and len(passages[-1]) + len(line) < MOST:
            passages[-1] += '\n' + line
        else:
            passages.append(line)
    return passages


def article_of(title, lines, questions, rng):
    """One article in SQuAD's form; questions: [(whole passage, row)]."""
    asked = collections.defaultdict(list)
    passages = joined(lines)
    for whole, row in questions:
        place = next((i for i, p in enumerate(passages) if whole in p), None)
        if place is None:
            passages.insert(0, whole)
            asked = collections.defaultdict(list, {i + 1: qas for i, qas in asked.items()})
            place = 0
        asked[place].append({'question': row['question'], 'answers': [{'text': a} for a in answer_texts(row)]})
    others = [i for i, p in enumerate(passages) if i not in asked and len(p) >= LEAST / 2]
    chosen = sorted([*asked, *rng.sample(others, max(0, min(len(others), PER_ARTICLE - len(asked))))])
    return {'title': title, 'paragraphs': [{'context': passages[i], 'qas': asked.get(i, [])} for i in chosen]}


def collections_of(entries, wiki, measured, rng):
    """Yields lists of articles with about PASSAGES passages each."""
    by_title = collections.defaultdict(list)
    for title, whole, _, row in entries:
        if row['answers'] and not measured.overlaps(whole) and not measured.asks(row['question']):
            by_title[clean(title or whole[:20])].append((whole, row))
    lines = {}
    for article in zst_rows(wiki):
        title = clean(article['title'])
        if title in by_title:
            lines[title] = [clean(line) for line in article['text'].split('\n') if len(line) >= 60]
    articles = [article_of(title, lines.get(title, []), questions, rng) for title, questions in by_title.items()]
    rng.shuffle(articles)
    out, size = [], 0
    for article in articles:
        out.append(article)
        size += len(article['paragraphs'])
        if size >= PASSAGES:
            yield out
            out, size = [], 0
    if size >= PASSAGES / 4:
        yield out


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    data, prefix = sys.argv[1:]
    measured = MeasuredPassages([f'{data}/eval/xquad-en-open.json', f'{data}/eval/korquad-open.json'])
    for name, lang, questions in (('ko', 'ko', korean_questions), ('en', 'en', english_questions),
                                  ('written', 'ko', written_questions)):
        made = collections_of(questions(data), f'{data}/text/{lang}-wiki-train.jsonl.zst', measured, random.Random(4))
        for number, articles in enumerate(made):
            with open(f'{prefix}-{name}-{number:02}.json', 'w', encoding='utf-8') as file:
                json.dump({'data': articles}, file, ensure_ascii=False)
            passages = [p for a in articles for p in a['paragraphs']]
            print(name, number, len(articles), 'articles', len(passages), 'passages',
                  sum(len(p['qas']) for p in passages), 'questions')


if __name__ == '__main__':
    main()
