#!/usr/bin/env python3
"""Puts the weights that train_reader.py wrote into a model of the same shape, or compares scores.

usage: tools/gpu/join.py TEMPLATE.gguf FOLDER... OUT.gguf         FOLDERs: with model.f16.0, .1, ...; of several the mean
       tools/gpu/join.py --probe MODEL.gguf FOLDER BANTAM         FOLDER: with probe.npz; BANTAM: the program

TEMPLATE: what `bantam train --task reading --steps 1` makes of the same shape and vocabulary. The probe runs
`bantam logits` on the rows of probe.npz and fails where a score is more than 0.001 off. (Debian's python3-numpy)
"""
import glob, pathlib, subprocess, sys, tempfile

import numpy as np

from files import Gguf

MOST_OFF = 1e-3


def weights_of(folder):
    parts = sorted(glob.glob(f'{folder}/model.f16.*'), key=lambda path: int(path.rsplit('.', 1)[1]))
    return np.frombuffer(b''.join(pathlib.Path(part).read_bytes() for part in parts), '<f2').astype('<f4')


def join(template, folders, out):
    model = Gguf(template)
    wanted = sum(t.size for t in model.tensors.values())
    all_weights = [weights_of(folder) for folder in folders]
    for folder, weights in zip(folders, all_weights):
        if len(weights) != wanted:
            sys.exit(f'{folder}: holds {len(weights)} weights, but {template} has {wanted}')
    flat = sum(all_weights) / len(folders)
    tensors, at = {}, 0
    for name, old in model.tensors.items():
        tensors[name] = flat[at:at + old.size].reshape(old.shape)
        at += old.size
    model.write_with(tensors, out)


def probe(model, folder, bantam):
    kept, worst, rows, size = np.load(f'{folder}/probe.npz'), 0, 0, 0
    for name in ('dev-en', 'dev-ko'):
        ids, types, scores = (kept[f'{name}.{part}'] for part in ('ids', 'types', 'scores'))
        for row, length in enumerate(kept[f'{name}.lengths']):
            with tempfile.TemporaryDirectory() as temporary:
                numbers = [','.join(map(str, a[row, :length].tolist())) for a in (ids, types)]
                subprocess.run([bantam, 'logits', '-m', model, '--tokens', numbers[0], '--types', numbers[1], '-o',
                                f'{temporary}/scores'], check=True)
                ours = np.fromfile(f'{temporary}/scores', '<f4').reshape(length, -1)
            worst = max(worst, np.abs(ours - scores[row, :length]).max())
            size = max(size, np.abs(ours).max())
            rows += 1
    print(f'{rows} rows, scores up to {size:.2f}: at most {worst:.2e} apart')
    if not worst <= MOST_OFF:
        sys.exit(1)


def main():
    if sys.argv[1:2] == ['--probe'] and len(sys.argv) == 5:
        probe(*sys.argv[2:])
    elif len(sys.argv) >= 4 and sys.argv[1] != '--probe':
        join(sys.argv[1], sys.argv[2:-1], sys.argv[-1])
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main()
