#!/usr/bin/env python3
"""Packs what `bantam train` tokenised for the way to the machine with the GPU (tools/gpu/README.md).

usage: tools/gpu/pack.py text OUT EN.tokens KO.tokens BEGIN END    tokens [BEGIN, END) of each
       tools/gpu/pack.py reading OUT NAME=FILE.tokens...           (Debian's python3-numpy)
"""
import sys

import numpy as np

from files import read_tokens, save_packed


def pack_text(out, english, korean, begin, end):
    save_packed(out, {name: read_tokens(path)[0][int(begin):int(end)]
                      for name, path in (('en', english), ('ko', korean))})


def pack_reading(out, sources):
    """Rows in the order of their passages, so that the questions of one passage cost little."""
    arrays = {}
    for source in sources:
        name, path = source.split('=', 1)
        ids, tags, starts = read_tokens(path)
        rows = [slice(a, b - 1) for a, b in zip(starts, starts[1:])]  # without the end of text
        separator = max(int(ids[row].max()) for row in rows[:10])
        passages = [ids[row][np.argmax(ids[row] == separator):].tobytes() for row in rows]
        order = sorted(range(len(rows)), key=passages.__getitem__)
        arrays[name + '.ids'] = np.concatenate([ids[rows[i]] for i in order])
        arrays[name + '.tags'] = np.concatenate([tags[rows[i]] for i in order])
        arrays[name + '.lengths'] = np.array([rows[i].stop - rows[i].start for i in order], '<u2')
    save_packed(out, arrays)


def main():
    if len(sys.argv) == 7 and sys.argv[1] == 'text':
        pack_text(*sys.argv[2:])
    elif len(sys.argv) > 3 and sys.argv[1] == 'reading':
        pack_reading(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main()
