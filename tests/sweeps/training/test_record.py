"""Record: what a run leaves of each item of the test split, and of no other split."""

import dataclasses

import numpy as np
import pytest

from ablations.studies.quickstart import study
from ablations.trial import TEST, TUNING, Trial
from results.store.item_scores import unpacked
from sweeps.protocol.pack import Pack
from sweeps.tasks.arrays import Arrays
from sweeps.training.record import describe, failed, finished, lines

GROUP = np.array([5, 5, 1, 2, 3, 0])
ITEMS = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0], np.float32)


def record(
    held: str = TEST, items: np.ndarray = ITEMS, group: np.ndarray = GROUP, scale: float = 1.0, left: int = -1, **changes
) -> dict:
    """The record of a run with these scores of single examples."""
    program = dataclasses.replace(study.program(study.base, 'digits', 'adamw'), steps=4, evaluations=1)
    curve = {'loss': [2.0, 1.0], 'score': [0.1, items.mean()], 'score_se': [0.1, 0.1], 'train_loss': [2.0, 1.0], **changes}
    result = {'curve': {name: np.array(values) for name, values in curve.items()}, 'items': items, 'left_at': left}
    scored = Arrays(np.zeros((6, 2)), np.zeros(6), group, scale)
    turns = [('one', 0, 2), ('two', 2, 4)] if 'parts' in changes else []
    domains = tuple(name for name, _, _ in turns)
    return finished(Trial(program, 0, (('lr', 0.1),), 1, held, 'confirm'), result, scored, {}, {}, domains, turns)


@pytest.mark.parametrize('scale', [1.0, 2.0])
def test_a_test_record_keeps_the_score_of_each_item_in_its_unit(scale):
    told = record(scale=scale)
    items = unpacked(told['item_scores'])
    assert items.mean() == pytest.approx(told['score'], rel=1e-3)
    mean, share = scale * 4 / 6, 5 / 6
    pair = mean + share * (scale * 1 - 2 * mean)
    assert items == pytest.approx([mean + share * (scale * x - mean) for x in (1, 1, 1, 0)] + [pair], rel=1e-3)


def test_a_run_in_turns_is_held_against_the_untrained_model():
    """Another domain may be harder than the first, so that the training loss ends above where it began."""
    turned = {'parts': [[0.1, 0.2], [0.5, 0.3]], 'loss': [3.0, 1.0]}
    assert record(train_loss=[1.0, 2.0], **turned)['status'] == 'ok'
    assert record(train_loss=[1.0, 3.0], **turned)['status'] == 'diverged'
    told = record(scale=2.0, **turned)
    assert told['turns']['two'] == {'first': 2, 'end': 4, 'scores': [0.4, 0.6]} and told['parts'] == {'one': 1.0, 'two': 0.6}


def test_tuning_keeps_none_nor_does_a_run_that_diverged_or_a_split_of_one_item():
    assert 'item_scores' not in record(TUNING)
    diverged = record(train_loss=[1.0, 2.0])
    assert diverged['status'] == 'diverged' and 'item_scores' not in diverged
    assert 'item_scores' not in record(group=np.zeros(6, int))
    assert 'item_scores' not in record(items=1e6 * ITEMS)


@pytest.mark.parametrize(
    ('changes', 'left', 'status', 'at', 'reason'),
    [
        ({}, -1, 'ok', None, ''),
        ({'train_loss': [2.0, 2.0]}, -1, 'diverged', 4, 'the training loss did not fall'),
        ({'train_loss': [2.0, 1.99]}, -1, 'ok', None, ''),
        ({'train_loss': [np.nan, 1.0]}, -1, 'diverged', 4, 'the training loss did not fall'),
        ({'train_loss': [2.0, np.inf]}, -1, 'diverged', 4, 'the training loss did not fall'),
        ({'score': [0.1, np.nan]}, -1, 'diverged', 4, 'the training loss did not fall'),
        ({}, 0, 'diverged', 0, 'left the finite numbers'),
        ({}, 3, 'diverged', 3, 'left the finite numbers'),
        # What is scored may rise.
        ({'loss': [1.0, 2.0]}, -1, 'ok', None, ''),
    ],
)
def test_a_run_diverged_where_it_left_the_finite_numbers_or_learned_nothing(changes, left, status, at, reason):
    told = record(left=left, **changes)
    assert (told['status'], told['diverged_at'], told['reason']) == (status, at, reason)
    assert told['n_held'] == 6 and told['curve']['step'] == [0, 4]
    assert (
        told['initial_loss'] == changes.get('loss', [2.0, 1.0])[0] and told['final_loss'] == changes.get('loss', [2.0, 1.0])[1]
    )


def test_scores_are_told_in_the_unit_of_the_task_and_losses_as_they_are():
    told = record(scale=2.0, score=[0.1, 0.5], score_se=[0.1, 0.25], score_average=[0.1, 0.75], loss_average=[3.0, 1.5])
    assert (told['score'], told['score_se'], told['final_loss']) == (1.0, 0.5, 1.0)
    assert told['curve']['score_average'] == [0.2, 1.5] and told['curve']['loss_average'] == [3.0, 1.5]


def test_only_records_that_no_other_file_has_are_written_each_with_its_lane():
    program = study.program(study.base, 'digits', 'adamw')
    pack = Pack(tuple(Trial(program, 0, (('lr', 0.1),), seed, TUNING, 'tune') for seed in range(3)))
    records = failed(pack, 'it burned')
    assert [(one['id'], one['status'], one['score'], one['reason']) for one in records] == [
        (trial.id, 'failed', None, 'it burned') for trial in pack.trials
    ]
    told = lines(records, pack, {pack.trials[1].id}, {'worker': 'here'})
    assert [(one['id'], one['pack']['lane']) for one in told] == [(pack.trials[0].id, 0), (pack.trials[2].id, 2)]
    assert all(one['pack']['records'] == 2 and one['pack']['id'] == pack.id and one['pack']['worker'] == 'here' for one in told)
    assert lines(records, pack, {trial.id for trial in pack.trials}, {}) == []


def test_what_is_told_of_a_trial_has_no_more_than_it_needs():
    trial = Trial(study.program(study.base, 'digits', 'adamw'), 2, (('lr', 0.1),), 5, TUNING, 'tune')
    plain = describe(trial)
    assert {'until', 'evaluations', 'declared'}.isdisjoint(plain) and plain['knobs'] == {'lr': 0.1} and plain['replicate'] == 2
    stopped = describe(dataclasses.replace(trial, until=7))
    assert (stopped['until'], stopped['evaluations'], stopped['steps']) == (7, trial.program.evaluations, plain['steps'])
    own = describe(dataclasses.replace(trial, program=dataclasses.replace(trial.program, declared='abc')))
    assert own['declared'] == 'abc' and 'until' not in own


def test_a_record_has_all_its_entries():
    program = study.program(study.base, 'digits', 'adamw')
    trial = Trial(program, 2, (('lr', 0.1),), 5, TUNING, 'tune')
    assert describe(trial) == {
        **{'id': trial.id, 'study': 'quickstart', 'arm': study.base, 'task': 'digits', 'dataset': 'digits', 'replicate': 2},
        **{'phase': 'tune', 'held': 'tuning', 'optimizer': 'adamw', 'knobs': {'lr': 0.1}, 'seed': 5, 'steps': program.steps},
        **{'batch': program.batch, 'data': program.data, 'model': program.model, 'blocks': ''},
    }
    (lost,) = failed(Pack((trial,)), 'it burned')
    about = {'status': 'failed', 'diverged_at': None, 'reason': 'it burned', 'score': None, 'environment': {}}
    assert lost == {**describe(trial), **about}
    assert set(record()) - set(describe(trial)) == {
        *('status', 'diverged_at', 'reason', 'score', 'score_se', 'n_held', 'initial_loss', 'final_loss', 'curve', 'cost'),
        *('checksum', 'environment', 'item_scores'),
    }
