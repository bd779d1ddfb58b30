"""The questions that people asked, with the passages they were asked about."""
import collections, re

from .rows import clean, row, sentences, terms, unpenn, utf8_length, window, LEAST_BYTES, MOST_BYTES, zst_rows

FARTHEST = 100  # characters between the stated and the found place of an answer

# name, language, whether `start` was found by searching (then the best sentence is chosen anew), most per passage
SOURCES = [
    ('squad_train_aligned', 'en', True, None),
    ('squad_train_head_native', 'en', False, None),
    ('squad_train_last_native', 'en', False, None),
    ('squadshifts_new_wiki', 'en', False, None),
    ('qamr_dev_test', 'en', False, 4),
    ('nq_oracle', 'en', True, None),
    ('ko_korquad21_dev_aligned_clean', 'ko', True, None),
]
QUOTES = {'"': '"', '“': '”', '‘': '’', "'": "'", '「': '」', '『': '』', '《': '》', '〈': '〉', '(': ')'}


def trimmed(answer):
    """An answer without the quotes around it or the comma after it."""
    answer = answer.strip().rstrip(',;:').strip()
    while len(answer) > 2 and QUOTES.get(answer[0]) == answer[-1] and answer[-1] not in answer[1:-1]:
        answer = answer[1:-1].strip()
    if answer.endswith('.') and not re.search(r'\b\w\.$|\.\w+\.$|\b(?:Inc|Jr|Sr|Ltd|Co|Corp|etc|St)\.$', answer):
        answer = answer[:-1]
    return answer


def occurrences(text, answer):
    """Every place of `answer` in `text` that does not begin or end inside a word (Korean: does not begin inside)."""
    places, at = [], text.find(answer)
    while at >= 0:
        end = at + len(answer)
        before, after = text[at - 1:at], text[end:end + 1]
        inside = (before.isalnum() and answer[0].isalnum() and before.isascii() == answer[0].isascii()) or (
            after.isascii() and after.isalnum() and answer[-1].isascii() and answer[-1].isalnum())
        if not inside:
            places.append(at)
        at = text.find(answer, at + 1)
    return places


def best_place(text, places, question, stated):
    """The occurrence whose sentence shares most terms with the question; among equals the one nearest to `stated`."""
    asked = set(terms(question))
    parts = sentences(text)

    def score(at):
        inside = next((text[a:b] for a, b in parts if a <= at < b), '')
        return len(asked & set(terms(inside))), -abs(at - stated)
    return max(places, key=score)


def find_spans(text, record, stated, searched):
    """Character spans of the row's answers; the first is the main one. [] where the text does not hold it."""
    spans = []
    for answer in dict.fromkeys(trimmed(clean(a)) for a in record['answers']):
        if not answer:
            continue
        places = occurrences(text, answer)
        if not places:
            continue
        if searched and not spans:
            at = best_place(text, places, record['question'], stated)
        else:
            near = spans[0][0] if spans else stated
            at = min(places, key=lambda place: abs(place - near))
            if abs(at - near) > FARTHEST:
                continue
        spans.append((at, at + len(answer)))
    return sorted(set(spans), key=spans.index)


def read_source(folder, name, lang, searched, most, rng, counts):
    """Yields (title, whole passage, answers as listed, row) of one file, unanswerable rows included."""
    per_passage = collections.Counter()
    records = list(zst_rows(f'{folder}/reading/{name}.jsonl.zst'))
    if most:
        rng.shuffle(records)
    penn = name.startswith('qamr')
    for record in records:
        counts[name, 'read'] += 1
        tidy = unpenn if penn else clean
        passage, question = tidy(record['passage']), re.sub(r'\s+', ' ', tidy(record['question']))
        if most:
            if per_passage[passage] >= most or len(set(terms(question))) < 2:
                counts[name, 'over the cap or vague'] += 1
                continue
        if record.get('conf') == 'low' or len(question) < 6:
            counts[name, 'unsure'] += 1
            continue
        if record.get('unanswerable'):
            spans = []
        else:
            if penn:
                record['answers'] = [unpenn(a) for a in record['answers']]
            stated = len(tidy(record['passage'][:record['start']]))
            spans = find_spans(passage, record, stated, searched)
            if not spans:
                counts[name, 'answer not found'] += 1
                continue
        cut = window(passage, spans, rng)
        if not cut or utf8_length(cut[0]) < LEAST_BYTES:
            counts[name, 'passage too long or short'] += 1
            continue
        per_passage[passage] += 1
        yield record.get('title'), passage, record['answers'], row(question, cut[0], cut[1], name, lang)


def tydi_negatives(folder, rng, counts):
    """Korean search questions with paragraphs that people judged as not answering them."""
    for record in zst_rows(f'{folder}/reading/ko_tydi_retrieval.jsonl.zst'):
        counts['ko_tydi_negative', 'read'] += 1
        question = clean(record['question'])
        asked = set(terms(question))
        good = {p['passage'] for p in record['pos']}
        wrong = [clean(p['passage']) for p in record['neg'] if p['passage'] not in good]
        wrong = [p for p in wrong if utf8_length(p) >= 2 * LEAST_BYTES]
        wrong.sort(key=lambda p: -len(asked & set(terms(p))))
        for passage in wrong[:2]:
            text, _ = window(passage, [], rng) or (None, None)
            if text and utf8_length(text) <= MOST_BYTES:
                yield row(question, text, [], 'ko_tydi_negative', 'ko')
