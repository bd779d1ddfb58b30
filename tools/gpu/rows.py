"""Rows of reading examples: sources, and batches in which several short examples share a row of tokens."""
import random
from dataclasses import dataclass

import numpy as np

WINDOW = 4096  # examples that are put together into rows at a time


class Rows:
    """Examples of one source, those longer than `context` left out."""

    def __init__(self, ids, tags, lengths, context):
        starts = np.concatenate([[0], np.cumsum(lengths.astype(np.int64))])[:-1]
        fits = lengths <= context
        self.ids, self.tags, self.starts, self.lengths = ids, tags, starts[fits], lengths[fits].astype(np.int64)

    def padded(self, documents):
        """(ids, tags, which are real), each [documents, longest]."""
        longest = int(self.lengths[documents].max())
        real = np.arange(longest)[None] < self.lengths[documents][:, None]
        place = np.where(real, self.starts[documents][:, None] + np.arange(longest)[None], 0)
        return np.where(real, self.ids[place], 0).astype(np.int32), np.where(real, self.tags[place], 0), real


@dataclass
class Batch:
    arrays: tuple   # place of each token among Packer.tokens(), or -1; number of its example; its position: [rows, T]
    documents: int  # padding has this number
    tokens: int
    filled: float


class Packer:
    def __init__(self, sources, context, rows, seed):
        self.sources, self.context, self.rows = sources, context, rows
        self.random = random.Random(seed)
        self.starts, self.lengths, self.left, begin, token = [], [], {}, 0, 0
        self.documents = {}
        for name, source in sources.items():
            self.starts.append(source.starts + token)
            self.lengths.append(source.lengths)
            self.documents[name] = range(begin, begin + len(source.lengths))
            self.left[name] = []
            begin += len(source.lengths)
            token += len(source.ids)
        self.starts, self.lengths = np.concatenate(self.starts), np.concatenate(self.lengths)
        self.ready = []

    def tokens(self):
        return (np.concatenate([s.ids for s in self.sources.values()]).astype(np.int32),
                np.concatenate([s.tags for s in self.sources.values()]))

    def take(self, name, count):
        """The next examples of a source in an endless order, each once an epoch."""
        taken = []
        while len(taken) < count:
            if not self.left[name]:
                self.left[name] = list(self.documents[name])
                self.random.shuffle(self.left[name])
            wanted = count - len(taken)
            taken += self.left[name][-wanted:]
            del self.left[name][-wanted:]
        return taken

    def fill(self, shares):
        """Puts a window of examples into rows: the longest left, then the shortest ones that still fit."""
        each = {name: share / self.lengths[list(self.documents[name])].mean() for name, share in shares.items()
                if name in self.documents}
        total = sum(each.values())
        window = [d for name in each for d in self.take(name, max(1, round(WINDOW * each[name] / total)))]
        window.sort(key=lambda d: -self.lengths[d])
        rows, first, last = [], 0, len(window) - 1
        while first <= last:
            row, room = [window[first]], self.context - self.lengths[window[first]]
            first += 1
            while first <= last and self.lengths[window[last]] <= room:
                row.append(window[last])
                room -= self.lengths[window[last]]
                last -= 1
            rows.append(row)
        self.random.shuffle(rows)
        self.ready += rows

    def next(self, shares):
        while len(self.ready) < self.rows:
            self.fill(shares)
        rows, self.ready = self.ready[:self.rows], self.ready[self.rows:]
        documents = np.array([d for row in rows for d in row])
        row_of = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        lengths = self.lengths[documents]
        ends = np.cumsum(lengths)
        begins = ends - lengths                     # in the batch's tokens
        row_begins = begins[np.searchsorted(row_of, np.arange(len(rows)))]
        within = np.arange(ends[-1])
        example = np.repeat(np.arange(len(documents)), lengths)
        position = within - begins[example]
        target = row_of[example] * self.context + within - row_begins[row_of[example]]
        arrays = [np.full(len(rows) * self.context, -1, np.int64),
                  np.full(len(rows) * self.context, len(documents), np.int64),
                  np.zeros(len(rows) * self.context, np.int64)]
        for array, values in zip(arrays, (self.starts[documents][example] + position, example, position)):
            array[target] = values
        return Batch(tuple(array.reshape(len(rows), self.context) for array in arrays), len(documents), int(ends[-1]),
                     ends[-1] / (len(rows) * self.context))
