"""Korean questions made from an article of the Korean Wikipedia."""
from .korean_cloze import Asker, Sentence, readable, typed_spans, with_subject
from .korean_facts import attributes, definition_and_facts
from .korean_words import BAD_START, Lexicon  # the Lexicon is passed on: make_reading_data asks each maker for its own
from .rows import base_title, sentences


def statements(paragraphs, rng, most):
    """[(paragraph number, begin, end)] of sentences that may be asked about, shuffled."""
    tried = range(len(paragraphs)) if len(paragraphs) <= 6 else rng.sample(range(len(paragraphs)), 6)
    found = [(i, a, b) for i in tried for text in (paragraphs[i],) for a, b in sentences(text)
             if 20 < b - a < 170 and text[b - 2:b] == '다.' and not BAD_START.match(text[a:b])]
    rng.shuffle(found)
    return found[:most]


def questions(title, paragraphs, lexicon, rng, most=5):
    """Yields (question, paragraph number, begin, end of the answer, kind, sentence asked about)."""
    for question, begin, end, kind in definition_and_facts(title, paragraphs[0], lexicon, rng):
        yield question, 0, begin, end, kind, None
    for i in range(1, min(len(paragraphs), 6)):
        for question, begin, end, kind in attributes(base_title(title), paragraphs[i], rng):
            yield question, i, begin, end, kind, None
    whole = '\n'.join(paragraphs)
    for i, a, b in statements(paragraphs, rng, most if len(paragraphs) < 8 else 2 * most):
        text = readable(paragraphs[i][a:b])
        sentence = text and Sentence(with_subject(text, title, rng, lexicon), lexicon)
        if not sentence or not sentence.predicate:
            continue
        spans = typed_spans(sentence, lexicon)
        rng.shuffle(spans)
        spans.sort(key=lambda span: whole.count(sentence.text[span[0]:span[1]]) < 2)  # what is told twice first
        for span in spans[:2]:
            question = Asker(sentence, span, rng).question()
            answer = sentence.text[span[0]:span[1]]
            if question and paragraphs[i][a:b].count(answer) == 1:
                at = paragraphs[i].index(answer, a)
                yield question, i, at, at + len(answer), 'cloze ' + span[2], (a, b)
