"""Tally: counts over the studies of a cell, plain data that is added to as more studies are run."""

from collections.abc import Iterable

from ablations.study import Study
from results.store.hashes import syntax_hash
from sweeps.protocol.cells import Cell
from sweeps.protocol.false_words import KINDS, false_words, held
from sweeps.protocol.world_studies import Conclusion

COUNTS = ('studies', 'false', *KINDS, 'usual', 'uncorrected', 'censored', 'extended', 'runs', 'replicates')
JUDGING = ('ablations/**/*.py', 'results/*.py', 'sweeps/protocol/**/*.py')
"""The files that plan and judge simulated studies."""


def new(cell: Cell) -> dict:
    """The tally of no studies.

    Counts of studies: `false` said any false word, beside those of each kind; `usual` and `uncorrected` are those in which the
    usual protocol claims a difference on the first task, with and without a correction for the number of arms; `censored` and
    `extended` ranges. `runs` and `replicates` are sums over studies. `held` {arm: [intervals that hold the truth, intervals]},
    `found` [planted effects claimed in their direction, planted effects] or, where nothing is planted, [comparisons called
    equivalent, comparisons], `regret` [sum of the lab's, sum of the best trials', points]. `sources` {hash of the code that
    planned and judged: its studies}.
    """
    about = {'world': cell.name, 'about': cell.world.about, 'promised': cell.promised, 'curved': cell.curved}
    return about | dict.fromkeys(COUNTS, 0) | {'held': {}, 'found': [0, 0], 'regret': [0.0, 0.0, 0], 'sources': {}}


def add(tally: dict, cell: Cell, study: Study, seen: Iterable[Conclusion]) -> None:
    """Add the conclusions of studies of a cell; `study` is one of them."""
    effects = {key: effect for key, effect in cell.effects(study).items() if effect}
    source = syntax_hash(JUDGING)
    for one in seen:
        tally['sources'][source] = tally['sources'].get(source, 0) + 1
        said = false_words(study, cell, one)
        own = {'studies': 1, 'false': bool(said), **{kind: kind in said for kind in KINDS}}
        own |= {'usual': bool(one.usual), 'uncorrected': bool(one.bare), 'censored': one.censored, 'extended': one.extended}
        for name, value in {**own, 'runs': one.trials, 'replicates': one.replicates}.items():
            tally[name] += value
        for arm, holds in held(study, cell, one).items():
            _count(tally['held'].setdefault(arm, [0, 0]), holds)
        for key, (verdict, _) in one.words.items():
            if key in effects:
                _count(tally['found'], verdict == ('better' if effects[key] > 0 else 'worse'))
            elif not effects:
                _count(tally['found'], verdict == 'equivalent')
        for lab, best in one.regrets:
            tally['regret'] = [tally['regret'][0] + lab, tally['regret'][1] + best, tally['regret'][2] + 1]


def _count(pair: list[int], hit: bool) -> None:
    pair[0] += bool(hit)
    pair[1] += 1
