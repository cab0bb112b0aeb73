"""Coding: of a task over bytes its best reference coder, its floor and the size of its data, as plain data for a file.

Who reads the data knows how many bytes a token stands for, so the conversion of the task's unit is told here too.
"""

import numpy as np

from sweeps.tasks.kind import Kind
from sweeps.tasks.mixture import Mixture

COUNTED = {'lzma': 'lzma after the training bytes', 'order_k': 'Kneser-Ney over the last {k} bytes'}
EXTRAPOLATED = {
    'last': 'the last value',
    'linear': 'linear extrapolation',
    'quadratic': 'quadratic extrapolation',
    'fitted': 'a linear product of earlier observations',
    'adapted': 'a linear product that adapts',
}
"""A coder of `reference` in words."""


def coding(task: Kind, bits: dict[str, float]) -> dict[str, float | int | str | None]:
    """What the plane of abstraction has to know of a task (`results.abstraction.coded.Coded`), by its coders (`reference`).

    Bits are per byte. `train_bytes` are those of the pool times the share of its examples that a replicate trains on; of a
    mixture they are summed over its domains. It reads the test split. Raises ValueError for a task whose score nobody can
    convert to bits per byte.
    """
    scale = task.bits_per_byte()
    if scale is None:
        raise ValueError(
            f"'{task.NAME}': how many bytes its score stands for is not known; allowed: a kind of task that gives bits_per_byte"
        )
    pool, test = task.pool(), task.test()
    train, _ = task.split(pool, 0)
    if isinstance(task, Mixture):
        domain = task.domains(pool)
        parts = task.components
        shares = np.bincount(domain[train], minlength=len(parts)) / np.bincount(domain, minlength=len(parts))
    else:
        parts, shares = [task], np.array([len(train) / len(pool.x)])
    known, asked = (np.array([_bytes(part, sealed) for part in parts]) for sealed in (False, True))
    return {
        'test': test.checksum,
        'bits_per_byte': scale,
        'best': bits['best'],
        'coder': 'the best coder of each domain' if isinstance(task, Mixture) else best_of(bits),
        'floor': bits.get('source'),
        'train_bytes': round(float(known @ shares)),
        'pool_bytes': int(known.sum()),
        'test_bytes': int(asked.sum()),
    }


def _bytes(task: Kind, sealed: bool) -> int:
    """How many bytes a model is asked for in all messages of a split."""
    messages = task.messages(sealed)
    return sum(map(len, messages)) - task.given() * len(messages)


def best_of(bits: dict[str, float]) -> str:
    """The best coder in words.

    >>> best_of({'lzma': 2.0, 'order_k': 1.5, 'k': 4, 'best': 1.5})
    'Kneser-Ney over the last 4 bytes'
    """
    best = next(words for name, words in {**COUNTED, **EXTRAPOLATED}.items() if bits.get(name) == bits['best'])
    return best.format(k=bits['k'])
