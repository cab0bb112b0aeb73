"""Metrics that are no mean of single scores, from the compiled evaluation to the record."""

import dataclasses

import numpy as np
import pytest
from one_lane import train_one

from ablations.config import put
from ablations.study import Study
from ablations.tasks import TASKS, bases
from ablations.trial import TUNING, Trial
from results.store.item_scores import unpacked
from sweeps.metrics.measure import Scored
from sweeps.metrics.ratios import RootMeanRatio
from sweeps.protocol.pack import Pack
from sweeps.training.population import _of_lanes
from sweeps.training.preflight import preflight, task_of
from sweeps.training.splits import tuning_split
from sweeps.training.trainer import Trainer

TINY = dataclasses.replace(
    TASKS['friedman'],
    data={**TASKS['friedman'].data, 'train': 64, 'held': 31},
    base=bases.rows(outputs=1, width=4, depth=1),
    steps=2,
    batch=4,
    evaluations=1,
)


def trained(strategy: str) -> list[dict]:
    """Three tuning runs of two replicates, which are scored on sets of their own."""
    study = Study(name='tiny', question='?', arms={'base': ()}, tasks=(TINY,), replicates=2)
    program, knobs = study.program('base', TINY.name, 'adamw'), (('lr', 1e-2), ('weight_decay', 0.0))
    trials = [Trial(program, replicate, knobs, seed, TUNING, 'tune') for replicate, seed in ((0, 1), (1, 1), (1, 2))]
    return Trainer(strategy, None).train(Pack(tuple(trials)))


def test_every_lane_is_measured_on_its_own_examples_under_every_strategy(monkeypatch: pytest.MonkeyPatch):
    groups, scored = [], RootMeanRatio.scored

    def noted(self, statistics: np.ndarray, group: np.ndarray, resampled: bool) -> Scored:
        # 31 examples are scored in two programs of 16, the last filled up.
        assert statistics.shape == (31, 2)
        groups.append((group.tolist(), resampled))
        return scored(self, statistics, group, resampled)

    monkeypatch.setattr(RootMeanRatio, 'scored', noted)
    alone, together = trained('loop'), trained('vmap')
    task = task_of(TINY.data)
    own = [tuning_split(task, 'tiny', TINY.name, replicate, task.pool()).held.group.tolist() for replicate in (0, 1, 1)]
    lane_by_lane = [(group, resampled) for group in own for resampled in (False, True)]
    point_by_point = [(group, resampled) for resampled in (False, True) for group in own]
    assert groups == [*lane_by_lane, *point_by_point]
    for one, other in zip(alone, together, strict=True):
        assert one['status'] == other['status'] and 'item_scores' not in one and one['n_held'] == 31
        for name in ('score', 'score_se'):
            assert one['curve'][name] == pytest.approx(other['curve'][name], rel=1e-4), name
            assert one[name] == one['curve'][name][-1] > 0
    assert len({record['score'] for record in alone}) == 3


def test_a_test_record_keeps_items_whose_mean_is_the_score():
    record = train_one(TINY, lr=1e-2)
    items = unpacked(record['item_scores'])
    assert len(items) == record['n_held'] == 2048 and items.mean() == pytest.approx(record['score'], rel=1e-4)
    assert record['score_se'] == pytest.approx(items.std() / np.sqrt(2048), rel=0.2)
    # The deviation of the target is 5; errors are in its unit, whatever is learned.
    assert 3 < record['score'] < 12


SIZES = [
    (
        'friedman',
        put('head.outputs', 3),
        r"scores \[3\] for an example, and the targets of 'friedman' \(ValuesTarget\) need \[1\]",
    ),
    ('shapes', put('head.factor', 4), r'scores \[32, 32, 5\] .* need \[16, 16, 5\]; change head.outputs, the head, or how far'),
    ('identifiers', put('stem.vocabulary', 256), "the data have 257 tokens and 'stem.vocabulary' is 256"),
    ('shape_labels', put('head.outputs', 3), "the data have 4 labels and 'head.outputs' is 3"),
]


@pytest.mark.parametrize(('name', 'change', 'message'), SIZES, ids=[f'{name} {change}' for name, change, _ in SIZES])
def test_sizes_that_do_not_fit_are_refused_before_a_run(name: str, change: tuple, message: str):
    study = Study(name='sizes', question='?', arms={'base': (), 'other': change}, tasks=(name,))
    metrics = {name: [study.tasks[0].metric, study.tasks[0].direction]}
    with pytest.raises(ValueError, match=f"arm 'other' on task '{name}': .*{message}"):
        preflight([study.program('other', name, 'adamw')], {'other': {'adamw': {}}}, metrics, None)


def test_lanes_that_fill_up_a_program_are_measured_once():
    asked, statistics = [], np.arange(4 * 3 * 2.0).reshape(4, 3, 2)

    def measured(lane: int, own: np.ndarray, last: bool) -> Scored:
        asked.append(lane)
        assert last
        return Scored(own[0, 0], own[0, 1], own[:, 0])

    made = _of_lanes(measured, 'vmap', range(5, 8), statistics, True)
    assert asked == [5, 6, 7] and made['score'].tolist() == [0, 6, 12, 12] and made['items'].shape == (4, 3)
    alone = _of_lanes(measured, 'loop', range(2, 3), statistics[1], True)
    assert (
        asked[-1] == 2 and (float(alone['score']), float(alone['score_se'])) == (6, 7) and alone['items'].tolist() == [6, 8, 10]
    )
