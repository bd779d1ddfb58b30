"""Questions made by program from an article of either Wikipedia: passages cut, repeated facts found, counts kept."""
import collections

from .rows import LEAST_BYTES, clean, row, sentences, terms, utf8_length, window

MOST_PARAGRAPHS = 80
LEAST_PARAGRAPH = 30  # characters; what is shorter is a heading


def article_paragraphs(article):
    lines = [line for line in article['text'].split('\n') if len(line) >= LEAST_PARAGRAPH]
    return [clean(line) for line in lines[:MOST_PARAGRAPHS]]


def passage_around(paragraphs, number, begin, end, rng):
    """(text, [span]) of the paragraph, with its neighbours where it is short, cut to a window; or None."""
    text, shift = paragraphs[number], 0
    if utf8_length(text) < 400 and rng.random() < 0.6:
        if number and rng.random() < 0.5:
            shift = len(paragraphs[number - 1]) + 1
            text = paragraphs[number - 1] + '\n' + text
        elif number + 1 < len(paragraphs):
            text = text + '\n' + paragraphs[number + 1]
    span = [(begin + shift, end + shift)]
    return window(text, span, rng, 250, rng.choice((600, 900, 1200, 1200))) or window(text, span, rng)


def told_again(paragraphs, question, answer, asked, title, least):
    """(paragraph, begin, end) of the answer in another sentence that shares terms with the question, or None.

    asked: (paragraph number, begin, end) of the sentence that the question was made from."""
    wanted = set(terms(question)) - set(terms(answer)) - set(terms(title))
    best, place = least - 1, None
    for number, text in enumerate(paragraphs[:25]):
        if answer not in text:
            continue
        for a, b in sentences(text):
            if (number == asked[0] and a <= asked[2] and asked[1] <= b) or text.count(answer, a, b) != 1:
                continue
            shared = len(wanted & set(terms(text[a:b])))
            if shared > best:
                at = text.index(answer, a)
                best, place = shared, (number, at, at + len(answer))
    return place


def article_rows(title, paragraphs, questions, lang, rng, most_each):
    """most_each: how many questions of a group (definition, fact, cloze, recurring) to make at most.

    Yields (whole paragraph, row) for the questions of one article; facts told twice are answered by the other telling."""
    made = collections.Counter()
    for question, number, begin, end, kind, asked in questions:
        answer = paragraphs[number][begin:end]
        group = kind.split()[0]
        if not answer.strip() or answer != answer.strip():
            continue
        weight = 0.7 if group in ('definition', 'fact') else 0.5
        source = None
        if asked and (lang == 'ko' or not answer.islower()):
            source = paragraphs[number][asked[0]:asked[1]]
            common = kind.split()[-1] in ('number', 'place')
            again = len(answer) > 2 and told_again(paragraphs, question, answer, (number, *asked), title,
                                                   (7 if common else 5) if lang == 'ko' else (4 if common else 3))
            if again:
                number, begin, end = again
                kind = group = 'recurring'
                weight = 1.0
        if made[group] >= most_each[group]:
            continue
        cut = passage_around(paragraphs, number, begin, end, rng)
        if not cut or not cut[1] or utf8_length(cut[0]) < LEAST_BYTES or (kind == 'recurring' and source in cut[0]):
            continue
        made[group] += 1
        src = f"{lang}-wiki/{kind}"
        yield paragraphs[number], row(question, cut[0], cut[1], src, lang, weight)
