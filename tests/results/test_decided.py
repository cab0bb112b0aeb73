"""Decided: words at the very levels and margins, and what is said of a comparison that stays open."""

import dataclasses

import numpy as np
import pytest
from told_study import study

from results import evidence
from results.evidence import Comparison, Looked, _decided, _undecided
from results.family import Adjusted, PValues
from results.side import Side
from results.statistics import Difference, ItemError
from results.store.reading import Reading
from sweeps.protocol.simulate import World, simulate

ASKED = study()
READING = Reading(ASKED, *simulate(ASKED, World(cliff=2.0), seed=0))
PAIR = Comparison(*(Side(READING, arm, ASKED.tasks[0]) for arm in ('arm', 'base')))
LEVEL, MORE = 0.05, np.nextafter(0.05, 1)
DIFFERENCE = Difference(0.02, 0.01, 4.0)


@pytest.mark.parametrize(
    ('p', 'p_within', 'p_rates', 'verdict', 'reason'),
    [
        (LEVEL, MORE, MORE, 'better', '+0.02 share of images, adjusted p 0.05'),
        (LEVEL, LEVEL, MORE, 'better', '+0.02 share of images, adjusted p 0.05, negligible: within the margin'),
        (MORE, LEVEL, MORE, 'equivalent', '+0.02 share of images, within the margin, adjusted p 0.05'),
        (MORE, MORE, MORE, 'undecided', '+0.02 share of images, adjusted p 0.05'),
        (
            LEVEL,
            LEVEL,
            LEVEL,
            'unstable',
            '0 of 10 confirmation runs of arm against 0 of 10 confirmation runs of base diverged, adjusted p 0.05; '
            'of the runs that ended +0.02 share of images',
        ),
    ],
)
def test_a_p_value_of_just_the_level_is_enough(p, p_within, p_rates, verdict, reason):
    looked = Looked(PValues(p=0.01, p_within=0.02), above=True, look=5)
    made = _decided(ASKED, PAIR, DIFFERENCE, looked, Adjusted(p, p_within, p_rates), LEVEL, LEVEL)
    assert (made['verdict'], made['reason'], made['p_diverged']) == (verdict, reason, p_rates)
    if verdict == 'unstable':
        assert set(made) == {'verdict', 'reason', 'p_diverged'}
        return
    assert (made['p'], made['p_adjusted'], made['p_equivalent'], made['decided_at']) == (0.01, p, p_within, 5)
    assert made['detectable'] > 0 and made.get('negligible') == (p_within <= LEVEL if verdict == 'better' else None)


def test_what_has_no_difference_or_no_test_is_undecided():
    untested = Looked(PValues())
    none = _decided(ASKED, PAIR, None, untested, Adjusted(None, None, 1.0), LEVEL, LEVEL)
    said = '5 replicates: noise cannot be measured with fewer than two'
    assert none == {'p_diverged': 1.0, 'verdict': 'undecided', 'reason': said}
    early = _decided(ASKED, PAIR, DIFFERENCE, untested, Adjusted(None, None, 1.0), LEVEL, LEVEL)
    said = 'no declared look is complete, so nothing is tested'
    assert early == {'p_diverged': 1.0, 'verdict': 'undecided', 'reason': said}


MORE_NEEDED, FEW = 'more replicates would be needed', '5 cannot show equivalence within the margin at this noise'
THOUSAND, SIX = (
    'more than 1000 replicates would be needed at this effect',
    'about 6 replicates would likely decide it at this effect and noise',
)
SPLIT = (
    'no number of replicates would decide it at this effect: the test split has an error of 0.007 share of images of its own'
)
NONE = 'no number of them can show equivalence within the margin at this noise'


@pytest.mark.parametrize(
    ('need', 'alike', 'resolved', 'said'),
    [
        (4, 4, (), MORE_NEEDED),
        (5, 5, (), MORE_NEEDED),
        (5, 6, (), f'{MORE_NEEDED}; {FEW}'),
        (6, 5, (), SIX),
        (6, 6, (), f'{SIX}; {FEW}'),
        (6, None, (True,), f'{SIX}; {FEW}'),
        (6, None, (False,), f'{SIX}; {NONE}'),
        (None, 5, (True,), THOUSAND),
        (None, None, (True, True), f'{THOUSAND}; {FEW}'),
        (None, None, (False, False), f'{SPLIT}; {NONE}'),
        (None, None, (False, True), f'{SPLIT}; {FEW}'),
    ],
)
def test_what_would_decide_is_told_by_what_it_takes(monkeypatch, need, alike, resolved, said):
    difference = dataclasses.replace(DIFFERENCE, items=ItemError(0.007, 360))
    asked, answers = [], iter(resolved)

    def replicates(given: Difference, count: int, margin: float, level: float) -> int | None:
        asked.append(given.effect)
        assert (count, margin, level) == (5, 0.01, 0.025)
        return need if given.effect else alike

    monkeypatch.setattr(evidence, 'replicates_to_decide', replicates)
    monkeypatch.setattr(evidence, 'is_resolved', lambda *given: next(answers))
    made = _undecided(PAIR, difference, 0.3, 0.025)
    assert made == {
        'reason': f'+0.02 share of images, adjusted p 0.3; {said}',
        'needed': need,
        'resolved': need is not None or resolved[0],
    }
    assert asked == [0.02, 0.0] and next(answers, None) is None
