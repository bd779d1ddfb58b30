"""Passages that look like an answer to a question and are none: same article, or many rare terms in common."""
import array, collections, heapq, math

from .rows import bare, terms


class PassagePool:
    """An inverted index over passages, built once and asked for hard wrong passages."""
    MOST_TERMS = 8       # of a question, the rarest
    MOST_POSTINGS = 400  # of a term; a longer list is sampled

    def __init__(self, passages, rng):
        """passages: [(title or None, text)]"""
        self.rng = rng
        self.texts = list(dict.fromkeys(passages))
        self.by_title = collections.defaultdict(list)
        self.postings = collections.defaultdict(lambda: array.array('I'))
        for number, (title, text) in enumerate(self.texts):
            if title:
                self.by_title[title].append(number)
            for term in set(terms(text)):
                self.postings[term].append(number)

    def _holds(self, number, answers):
        text = bare(self.texts[number][1])
        return any(answer in text for answer in answers)

    def same_title(self, title, passage, answers):
        numbers = [n for n in self.by_title.get(title, ()) if self.texts[n][1] != passage]
        self.rng.shuffle(numbers)
        return next((self.texts[n][1] for n in numbers[:6] if not self._holds(n, answers)), None)

    def alike(self, question, passage, answers):
        """A passage among the best by rarity-weighted overlap with the question."""
        scores = collections.Counter()
        known = sorted((term for term in set(terms(question)) if term in self.postings),
                       key=lambda term: (len(self.postings[term]), term))
        for term in known[:self.MOST_TERMS]:
            found = self.postings[term]
            rarity = math.log(len(self.texts) / len(found))
            for number in found if len(found) <= self.MOST_POSTINGS else self.rng.sample(found, self.MOST_POSTINGS):
                scores[number] += rarity
        best = heapq.nlargest(8, scores, key=scores.get)
        best = [n for n in best if self.texts[n][1] != passage and not self._holds(n, answers)]
        return self.texts[self.rng.choice(best[:4])][1] if best else None

    def any(self, passage, answers):
        for _ in range(8):
            number = self.rng.randrange(len(self.texts))
            if self.texts[number][1] != passage and not self._holds(number, answers):
                return self.texts[number][1]
        return None

    def wrong_passage(self, question, passage, answers, title=None):
        """-> (text, kind), kind one of same-title, alike, random; (None, None) where nothing was found."""
        answers = [b for b in map(bare, answers) if b] or ['\0']
        draw = self.rng.random()
        if draw < 0.55 and title:
            text = self.same_title(title, passage, answers)
            if text:
                return text, 'same-title'
        if draw < 0.9:
            text = self.alike(question, passage, answers)
            if text:
                return text, 'alike'
        return self.any(passage, answers), 'random'
