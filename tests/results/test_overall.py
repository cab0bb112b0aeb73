"""Overall: an arm's verdict over tasks, and the mean of its effects over datasets."""

import numpy as np
import pytest
from told_study import study

from ablations.tasks import task
from results.evidence import Looked, _over_tasks
from results.family import PValues
from results.overall import OnTask, mean_over_datasets, verdict_over_tasks

TWICE = (task('digits'), task('digits', name='digits_again'))
THREE = ('digits', 'recall', 'stdlib_bytes')
SHORT = {
    'B': OnTask('better', not_worse=True),
    'b': OnTask('better', negligible=True, not_worse=True, not_better=True),
    'W': OnTask('worse', not_better=True),
    'E': OnTask('equivalent', not_worse=True, not_better=True),
    'U': OnTask('undecided'),
    'u': OnTask('undecided', not_worse=True),
    'N': OnTask('not comparable'),
    'S': OnTask('unstable', not_worse=True),
}


@pytest.mark.parametrize(
    ('tasks', 'concluded', 'overall', 'said'),
    [
        (THREE[:2], 'BB', 'better', 'better on 2 of 2 datasets'),
        (THREE[:2], 'WW', 'worse', 'worse on 2 of 2 datasets'),
        (THREE[:2], 'BW', 'undecided', 'better on 1, worse on 1 of 2 datasets'),
        (THREE[:2], 'BU', 'undecided', 'two or more'),
        (THREE[:2], 'BE', 'undecided', 'better on 1, equivalent on 1'),
        (THREE[:2], 'EE', 'equivalent', 'equivalent on all 2 datasets'),
        (THREE[:2], 'EU', 'undecided', 'two or more'),
        (THREE[:2], 'NB', 'undecided', 'not comparable on 1, better on 1'),
        (THREE[:2], 'Bb', 'undecided', 'better, negligible on 1'),
        # On every other dataset it has to be shown not to be worse by the margin; not knowing is not enough.
        (THREE, 'BBU', 'undecided', 'better on 2 of 3 datasets, but on stdlib_bytes not shown to be no worse'),
        (THREE, 'BBu', 'better', 'better on 2 of 3 datasets, elsewhere shown to be no worse by its margin'),
        (THREE, 'BBE', 'better', 'better on 2 of 3'),
        (THREE, 'BBb', 'better', 'better on 2 of 3'),
        (THREE, 'BBN', 'undecided', 'but on stdlib_bytes'),
        (THREE, 'BBS', 'undecided', 'but on stdlib_bytes'),
        (THREE, 'BBW', 'undecided', 'but on stdlib_bytes'),
        (THREE, 'EEB', 'undecided', ''),
        (THREE, 'WWE', 'worse', 'shown to be no better by its margin'),
        # One dataset, however many tasks: no claim.
        (('digits',), 'B', 'undecided', 'withheld: one dataset only'),
        (TWICE, 'BB', 'undecided', 'withheld: one dataset only'),
        ((*TWICE, 'recall'), 'BBu', 'undecided', 'better on 1, undecided on 1 of 2 datasets'),
        ((*TWICE, 'recall'), 'BuB', 'better', 'better on 2 of 2'),
        ((*TWICE, 'recall'), 'EUE', 'undecided', ''),
        ((*TWICE, 'recall'), 'BWB', 'undecided', 'but on digits_again'),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_arms_verdict_over_tasks(tasks, concluded, overall, said):
    asked = study(tasks=tasks)
    verdict, reason = verdict_over_tasks(
        asked, {item.name: SHORT[key] for item, key in zip(asked.tasks, concluded, strict=True)}
    )
    assert verdict == overall
    assert said in reason


def test_the_mean_of_like_effects_is_theirs_and_of_unlike_ones_unsure():
    mean, low, high = mean_over_datasets([2.0, 2.1, 1.9, 2.0], [0.1] * 4)
    assert mean == pytest.approx(2.0, abs=0.01)
    assert 1.6 < low < mean < high < 2.4
    unlike, low, high = mean_over_datasets([8.0, -4.0, 3.0, 1.0], [0.1] * 4)
    assert unlike == pytest.approx(2.0, abs=0.1)
    assert low < 0 < high


def test_what_was_measured_well_weighs_more():
    assert mean_over_datasets([1.0, 3.0], [0.1, 3.0])[0] < 1.6
    assert mean_over_datasets([1.0], [0.1]) is None
    assert mean_over_datasets([1.0, 2.0], [0.1, 0.0]) is None


@pytest.mark.parametrize('between', [0.0, 1.0, 3.0])
def test_its_interval_holds_the_mean_of_the_datasets_it_drew_from(between):
    generator, held, studies = np.random.default_rng(3), 0, 400
    for _ in range(studies):
        errors = generator.uniform(0.3, 1.0, 4)
        effects = 1.5 + generator.normal(0, 1, 4) * between + generator.normal(0, 1, 4) * errors
        _, low, high = mean_over_datasets(effects, errors)
        held += low <= 1.5 <= high
    assert held / studies >= 0.9


@pytest.mark.parametrize(('others', 'overall'), [(1, 'better'), (2, 'undecided')])
def test_that_an_arm_is_no_worse_is_corrected_for_the_arms_and_no_more(others, overall):
    """With p = 0.04 at 5 %: enough for a single arm, and not for one of two."""
    arms = {'base': (), **{f'arm_{number}': () for number in range(others)}}
    asked = study(tasks=THREE, arms=arms)
    facts = {
        ('arm_0', name): {'verdict': verdict} for name, verdict in zip(THREE, ('better', 'better', 'undecided'), strict=True)
    }
    seen = {key: Looked(PValues(), p_worse=0.04) for key in facts}
    assert _over_tasks(asked, facts, seen, {}, 0.05, 'arm_0')['overall'] == overall


def test_a_task_speaks_for_a_verdict_or_does_not_contradict_it():
    better, none = OnTask('better'), OnTask('not comparable', not_worse=True, not_better=True)
    assert better.counts_as('better') and not OnTask('better', negligible=True).counts_as('better')
    assert better.allows('better') and not better.allows('worse')
    assert OnTask('better', not_better=True).allows('worse') and OnTask('worse', not_worse=True).allows('better')
    assert not OnTask('undecided', not_worse=True).allows('worse') and not none.allows('better') and not none.allows('worse')


def test_the_mean_of_two_datasets_lies_between_them_and_turns_with_the_sign():
    mean, low, high = mean_over_datasets([1.0, 3.0], [0.5, 0.5])
    assert mean == pytest.approx(2.0, abs=1e-6) and high - mean == pytest.approx(mean - low, rel=1e-4)
    turned = mean_over_datasets([-1.0, -3.0], [0.5, 0.5])
    assert turned == pytest.approx((-mean, -high, -low), abs=1e-6)
    assert mean_over_datasets([], []) is None and mean_over_datasets([1.0, 2.0], [0.1, -0.1]) is None
