#!/usr/bin/python3
"""Fits how search and reader are weighed when sentences are ranked, from what bench/ranking_features printed.

usage: fit_ranking.py FEATURES...        (Debian's python3-numpy)
Maximises the probability of the sentences that hold an answer, with softmax(w . features) over a question's sentences;
prints the weights in units of the reader's log odds, and hit@1 / hit@3 of each file's questions by weights fitted on
other questions (five parts), beside the weights given in the program."""
import sys
import numpy as np

UNREAD = 2.0  # as kUnread in retrieval/answer.cpp: below the last span read


def read(path):
    rows = np.loadtxt(path)
    out = []
    for q in np.unique(rows[:, 0]):
        r = rows[rows[:, 0] == q]
        if r[:, 1].any():
            odds = r[:, 2:4].copy()
            for c in range(2):
                known = odds[:, c] > -99
                odds[~known, c] = (odds[known, c].min() if known.any() else -10) - UNREAD
            out.append((r[:, 1] > 0, np.column_stack([odds, r[:, 4:6]])))
    return out, len(np.unique(rows[:, 0]))


def fit(questions, columns, steps=400):
    w = np.zeros(len(columns))
    scale = np.mean([f[:, columns].std(0) for _, f in questions], 0) + 1e-9
    m = np.zeros_like(w)
    for step in range(steps):
        g = np.zeros_like(w)
        for right, f in questions:
            x = f[:, columns] / scale
            z = x @ w
            p = np.exp(z - z.max())
            p /= p.sum()
            t = np.where(right, p, 0)
            g += (t / t.sum() - p) @ x
        m = 0.9 * m + g / len(questions)
        w += 0.2 * m
    return w / scale


def hits(questions, w, columns):
    one = three = 0
    for right, f in questions:
        order = np.argsort(-(f[:, columns] @ w), kind='stable')
        one += right[order[0]]
        three += right[order[:3]].any()
    return np.array([one, three])


def main():
    sets = [(path, *read(path)) for path in sys.argv[1:]]
    for columns, name in (([0, 2, 3], 'best span'), ([1, 2, 3], 'all spans')):
        everything = [q for _, questions, _ in sets for q in questions]
        w = fit(everything, columns)
        print(f'{name}: sentence {w[1] / w[0]:.1f}, passage {w[2] / w[0]:.1f}')
        for path, questions, asked in sets:
            found = np.zeros(2)
            for part in range(5):
                rest = [q for p, qs, _ in sets for i, q in enumerate(qs) if p != path or i % 5 != part]
                found += hits(questions[part::5], fit(rest, columns), columns)
            given = hits(questions, np.array([1, 11, 18]), columns)
            print(f'  {path}: {found / asked * 100} fitted, {given / asked * 100} with 11 and 18')


if __name__ == '__main__':
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main()
