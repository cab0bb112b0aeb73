"""Rules on what an output may see: of later positions, of other examples, of the order of positions."""

import numpy as np

from arch.contracts.leaks import example_leak, later_leak, order_leak, sees_nothing
from arch.contracts.numbers import TOLERANCE
from arch.contracts.programs import Programs
from arch.fits import fits
from arch.shape_lines import SIZES


def _inputs(programs: Programs) -> list[np.ndarray]:
    """Ids, or numbers of the usual size and ten times as large, because a dependence may be visible in one of them only."""
    x = programs.block.x()
    return [x, programs.block.x(5)] if programs.block.takes_ids else [x, 10 * programs.block.x(5)]


def _ids(programs: Programs) -> int | None:
    return SIZES['V'] if programs.block.takes_ids else None


def _mixes(programs: Programs) -> bool:
    return programs.block.cls.MIXES_BATCH


def causal(programs: Programs) -> str:
    """in a causal body token n sees tokens up to n, and some of them, training or not"""
    block = programs.block
    given, made = block.line.given, block.line.made
    if 'causal' not in fits(block.cls) or given[:2] != ('B', 'N') or made[0] != 'B' or made[1].partition('/')[0] != 'N':
        return ''
    # What mixes a batch takes statistics of later tokens too while training: it says so, and outside they are fixed.
    for mode, run in programs.modes(causal=True, mixes=_mixes(programs)):
        for x in _inputs(programs):
            leak = later_leak(run, x, list(range(1, x.shape[1])), _ids(programs))
            if leak:
                return f'{block.line}: {leak}, {mode}; mask what comes later where context.causal'
    if sees_nothing(run, block.x(), _ids(programs)):
        return f'{block.line}: the last token sees nothing; let it see itself'
    return ''


def equivariant(programs: Programs) -> str:
    """tokens in another order give the same outputs in that order: norms, channel blocks, activations, and who claims it"""
    block = programs.block
    if not block.cls.EQUIVARIANT or not block.line.given == block.line.made == ('B', 'N', 'C'):
        return ''
    for mode, run in programs.modes(causal=False, mixes=False):
        for x in _inputs(programs):
            if not np.array_equal(*(run(x, key) for key in programs.keys)):
                continue  # noise that is drawn for each position stays where it is
            leak = order_leak(run, x, TOLERANCE)
            if leak:
                return f'{block.line}: {leak}, {mode}; say EQUIVARIANT = False'
    return ''


def batch(programs: Programs) -> str:
    """no example sees another; while training it may where the class says MIXES_BATCH = True"""
    for mode, run in programs.modes(causal=False, mixes=_mixes(programs)):
        for x in _inputs(programs):
            leak = example_leak(run, x, _ids(programs))
            if leak:
                fix = (
                    'say MIXES_BATCH = True if they should'
                    if mode == 'training'
                    else 'statistics must be fixed outside training'
                )
                return f'{programs.block.line}: examples of a batch see each other, {mode}: {leak}; {fix}'
    return ''
