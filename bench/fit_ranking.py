#!/usr/bin/python3
"""Fits what each clue counts when sentences are ranked (src/retrieval/clues.h), from what bench/ranking_features printed.

usage: fit_ranking.py CLUES.h KOREAN... -- ENGLISH...  > src/retrieval/clue_weights.h     (Debian's python3-numpy)

Maximises the probability of the sentences that hold an answer, with softmax(w . clues) over a question's sentences.
English: all of ENGLISH_CLUES together, on questions that the reader was not trained on. Korean: the clues without the
reader's, whose weights are KOREAN_READER: the reader was trained on nearly all Korean questions that people asked, so on
them its odds look better than they are; the two numbers were chosen on the 150 of
bench/korean_questions.tsv.
Prints to stderr hit@1 / hit@3 of each language's questions by weights fitted on other questions (five parts), beside
search's own order."""
import re, sys
import numpy as np

READER = ('kSpans', 'kSpansHere')
KOREAN_READER = {'kSpans': 0.1, 'kSpansHere': 0.05}
ENGLISH_CLUES = ('kSentenceScore', 'kPassageScore', 'kHeldBefore', 'kHeldHere', 'kWords') + READER
SHRINK = 0.001  # of the squared weights of clues scaled to a deviation of 1
STEPS = 300


def clue_names(header):
    listed = open(header, encoding='utf-8').read().split('enum Clue')[1].split('};')[0]
    return [name for name in re.findall(r'^ +(k\w+),', listed, re.M) if name != 'kClues']


class Questions:
    """Sentences of all files together: `number` of the question, whether `right`, `clues`; ordered by question."""

    def __init__(self, number, right, clues, count):
        self.number, self.right, self.clues, self.count = number, right, clues, count
        self.begins = np.searchsorted(number, np.arange(count))

    def part(self, kept):
        rows = kept[self.number]
        renamed = np.cumsum(kept) - 1
        return Questions(renamed[self.number[rows]], self.right[rows], self.clues[rows], int(kept.sum()))

    def answered(self):
        return self.part(np.bincount(self.number, self.right, self.count) > 0)


def read(paths):
    numbers, rows, count = [], [], 0
    for path in paths:
        table = np.loadtxt(path)
        number = np.unique(table[:, 0], return_inverse=True)[1] + count
        count = number.max() + 1
        numbers.append(number)
        rows.append(table)
    rows = np.concatenate(rows)
    return Questions(np.concatenate(numbers), rows[:, 1] > 0, rows[:, 2:], count)


def fit(questions, columns):
    q = questions.answered()
    scale = q.clues[:, columns].std(0) + 1e-9
    x = q.clues[:, columns] / scale
    x = x - x.mean(0)
    w, m, v = (np.zeros(len(columns)) for _ in range(3))
    for step in range(1, STEPS + 1):  # Adam (arXiv 1412.6980)
        z = x @ w
        e = np.exp(z - np.maximum.reduceat(z, q.begins)[q.number])
        all_of, right_of = (np.add.reduceat(a, q.begins)[q.number] for a in (e, e * q.right))
        g = x.T @ (e / all_of - e * q.right / right_of) / q.count + 2 * SHRINK * w
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        rate = 0.1 if step < STEPS / 2 else 0.03
        w = w - rate * (m / (1 - 0.9 ** step)) / (np.sqrt(v / (1 - 0.99 ** step)) + 1e-9)
    return w / scale


def hits(q, w, columns):
    z = q.clues[:, columns] @ w
    right = q.right[np.lexsort((-z, q.number))]
    ends = np.append(q.begins[1:], len(right))
    return np.array([[right[b], right[b:min(b + 3, e)].any()] for b, e in zip(q.begins, ends)])


def report(name, q, columns):
    parts = np.arange(q.count) * 5 // q.count
    fitted = np.concatenate([hits(q.part(parts == p), fit(q.part(parts != p), columns), columns) for p in range(5)])
    print(f'{name}: {q.count} questions, hit@1 / hit@3 {fitted.mean(0) * 100}, '
          f'search alone {hits(q, np.ones(1), [0]).mean(0) * 100}', file=sys.stderr)


def table(name, names, weights):
    lines = (f'    {weights.get(n, 0):.3g},  // {n}' for n in names)
    return f'inline constexpr Clues {name} = {{\n' + '\n'.join(lines) + '\n};\n'


def main():
    if sys.argv.count('--') != 1 or len(sys.argv) < 5:
        sys.exit(__doc__)
    names = clue_names(sys.argv[1])
    between = sys.argv.index('--')
    korean, english = read(sys.argv[2:between]), read(sys.argv[between + 1:])
    of_korean, of_english = [n for n in names if n not in READER], [n for n in names if n in ENGLISH_CLUES]
    weights = []
    for language, questions, used in (('Korean', korean, of_korean), ('English', english, of_english)):
        columns = [names.index(n) for n in used]
        report(language, questions, columns)
        weights.append(dict(zip(used, fit(questions, columns))))
    print('''// What each clue counts when sentences are ranked: made by bench/fit_ranking.py, which says on what.
#pragma once

#include "retrieval/clues.h"

namespace bantam {
''')
    print(table('kEnglishWeights', names, weights[1]))
    print(table('kKoreanWeights', names, weights[0] | KOREAN_READER))
    print('}  // namespace bantam')


if __name__ == '__main__':
    main()
