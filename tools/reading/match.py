"""Finds, in the Wikipedia text, the passages that questions without a passage were asked about.

Precision before recall: the passage must hold the answer, the rarest words of the question, most of their weight,
and clearly more of it than the next article's best passage."""
import array, collections, heapq, math, re

from .human import best_place, occurrences, trimmed
from .rows import LEAST_BYTES, WORD, bare, clean, row, sentences, stem, terms, utf8_length, window, zst_rows

MOST_POSTINGS = 4000  # of a term that proposes candidates
# file, least share of the question's terms in the answer's sentence and the one before it
SOURCES = [('squad_train_nopassage', 0.6), ('webquestions_train_val', 0.8), ('nq_efficientqa', 0.8)]
NUMBER_WORDS = frozenset('one two three four five six seven eight nine ten first second third'.split())


def paragraphs(path, least=120):
    """Yields (title, text) of the paragraphs of a Wikipedia file, headings and short lines left out."""
    for article in zst_rows(path):
        title = clean(article['title'])
        for line in article['text'].split('\n'):
            if len(line) >= least:
                yield title, line


class WikipediaIndex:
    """Postings of the questions' words over all paragraphs."""

    def __init__(self, path, vocabulary):
        self.titles, self.texts = [], []
        self.postings = {term: array.array('I') for term in vocabulary}
        for number, (title, text) in enumerate(paragraphs(path)):
            self.titles.append(title)
            self.texts.append(text)
            for term in {stem(word) for word in WORD.findall(f'{title} {text}'.lower())} & vocabulary:
                self.postings[term].append(number)
        count = len(self.texts)
        self.rarity = {term: math.log(count / len(found)) for term, found in self.postings.items() if found}

    def find(self, question, answers):
        """-> (paragraph number, coverage, margin over the best paragraph of another article), or None."""
        asked = sorted(term for term in set(terms(question)) if term in self.postings)
        known = {term: self.rarity.get(term, 14.0) for term in asked}  # 14: rarer than anything that occurs
        if len(known) < 3:
            return None
        total = sum(known.values())
        wanted = {stem(w) for w in WORD.findall(answers[0].lower())} & self.rarity.keys()
        scores = collections.Counter()
        proposers = sorted((t for t in wanted.union(asked) if t in self.rarity), key=lambda t: (len(self.postings[t]), t))[:7]
        for term in proposers:
            if len(self.postings[term]) <= MOST_POSTINGS:
                for number in self.postings[term]:
                    scores[number] += self.rarity[term]
        found = []
        for number in heapq.nlargest(40, scores, key=scores.get):
            text = self.texts[number]
            if not any(answer.lower() in text.lower() for answer in answers):
                continue
            here = {stem(word) for word in WORD.findall(f'{self.titles[number]} {text}'.lower())}
            found.append((sum(weight for term, weight in known.items() if term in here) / total, number, here))
        if not found:
            return None
        coverage, number, here = max(found)
        rarest = heapq.nlargest(2, known, key=known.get)
        if not all(term in here for term in rarest):
            return None
        other = max((f[0] for f in found if self.titles[f[1]] != self.titles[number]), default=0)
        return number, coverage, coverage - other


def sentence_overlap(text, at, question):
    """Share of the question's terms in the sentence of character `at` and the one before it."""
    asked = set(terms(question))
    parts = sentences(text)
    where = next((i for i, (a, b) in enumerate(parts) if a <= at < b), 0)
    near = text[parts[max(0, where - 1)][0]:parts[where][1]]
    return len(asked & set(terms(near))) / max(1, len(asked))


def spans_in(passage, answers, question):
    """Character spans of the best occurrence of the answers in the passage."""
    for answer in answers:
        places = occurrences(passage, answer)
        if places:
            at = best_place(passage, places, question, 0)
            return [(at, at + len(answer))]
    return []


def english(data, rng, counts):
    """Yields (title, passage, answers, row) of matched English questions."""
    records = []
    for name, least_near in SOURCES:
        for record in zst_rows(f'{data}/instruct/questions/{name}.jsonl.zst'):
            counts[f'{name}-matched', 'read'] += 1
            answers = [a for a in dict.fromkeys(trimmed(clean(a)) for a in record['answers']) if a]
            question = re.sub(r'\s+', ' ', re.sub(r'^\d+\. ', '', clean(record['question'])))
            weak = not answers or (answers[0].islower() and len(answers[0]) < 7) or len(bare(answers[0])) < 2 or answers[0].lower() in NUMBER_WORDS
            if not weak and bare(answers[0]) not in bare(question):
                records.append((f'{name}-matched', question, answers, least_near))
    vocabulary = {t for _, question, _, _ in records for t in terms(question)}
    vocabulary |= {stem(w) for _, _, answers, _ in records for w in WORD.findall(answers[0].lower())}
    index = WikipediaIndex(f'{data}/text/en-wiki-train.jsonl.zst', vocabulary)
    for name, question, answers, least_near in records:
        found = index.find(question, answers)
        if not found:
            counts[name, 'no candidate'] += 1
            continue
        number, coverage, margin = found
        title, passage = index.titles[number], clean(index.texts[number])
        spans = spans_in(passage, answers, question)
        near = spans and sentence_overlap(passage, spans[0][0], question)
        if not spans or bare(passage[slice(*spans[0])]) == bare(title) or coverage < 0.75 or near < least_near or (margin < 0.1 and coverage < 0.95):
            counts[name, 'too unsure'] += 1
            continue
        cut = window(passage, spans, rng)
        if cut and utf8_length(cut[0]) >= LEAST_BYTES:
            yield title, passage, answers, row(question, cut[0], cut[1], name, 'en', 0.5)


def korean(data, rng, counts):
    """Yields (title, passage, answers, row) of KorQuAD questions, matched within the article they name."""
    name = 'ko_korquad21-matched'
    by_title = collections.defaultdict(list)
    for record in zst_rows(f'{data}/instruct/questions/ko_korquad21_dev_nopassage_clean.jsonl.zst'):
        counts[name, 'read'] += 1
        by_title[bare(clean(record['title']))].append(record)
    for article in zst_rows(f'{data}/text/ko-wiki-train.jsonl.zst'):
        records = by_title.pop(bare(clean(article['title'])), ())
        texts = [clean(line) for line in article['text'].split('\n') if len(line) >= 30] if records else ()
        in_title = set(terms(article['title']))
        for record in records:
            question = re.sub(r'\s+', ' ', clean(record['question']))
            answer = trimmed(clean(record['answers'][0]))
            asked = set(terms(question)) - in_title
            scored = []
            for number, text in enumerate(texts):
                spans = spans_in(text, [answer], question) if answer and utf8_length(answer) < 120 else []
                if spans:
                    scored.append((sentence_overlap(text, spans[0][0], question), -number, spans))
            scored.sort(reverse=True)
            if not scored or len(asked) < 3:
                counts[name, 'no candidate'] += 1
                continue
            near, number, spans = scored[0]
            margin = near - (scored[1][0] if len(scored) > 1 else 0)
            cut = window(texts[-number], spans, rng)
            if near < 0.4 or margin < 0.1 or not cut or utf8_length(cut[0]) < LEAST_BYTES:
                counts[name, 'too unsure'] += 1
                continue
            yield clean(article['title']), texts[-number], [answer], row(question, cut[0], cut[1], name, 'ko', 0.5)
    counts[name, 'no article'] += sum(map(len, by_title.values()))
