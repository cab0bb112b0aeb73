"""Plans know neither direction nor unit: a metric to be lowered, in another unit, asks for the same trials, selects the same
points and ends in the same verdicts as the same scores do the right way up."""

import dataclasses
import functools

import pytest

from ablations.study import Study, task
from ablations.tasks import TASKS, Task
from results.evidence import findings
from results.finding import Finding
from results.store.reading import Reading
from sweeps.protocol.simulate import Hill, World, simulate

UNIT = 50.0
ASKED = task('digits', margin=0.04, chance=-1.0)
ARMS = {'base': (), 'good': (), 'bad': (), 'same': ()}
WORLDS = {
    'inside': dict(top={'good': 0.2, 'bad': -0.2}),
    'past an edge and near a cliff': dict(
        top={'bad': -0.1}, hills={'good': Hill(optimum=(1.2, 0.4), noise=0.03)}, cliff=0.2, noise=0.08
    ),
}


@dataclasses.dataclass(frozen=True)
class InUnit(World):
    """The same runs, with scores that are UNIT times as far below 1."""

    def scores(self, study, trials, seed):
        return [None if score is None else UNIT * (score - 1) for score in super().scores(study, trials, seed)]


def mirrored(name: str) -> Task:
    """ASKED by the metric, the direction and the unit of a task of the lab; its trials keep their ids."""
    one = TASKS[name]
    words = {'metric': one.metric, 'direction': one.direction, 'unit': one.unit}
    return dataclasses.replace(ASKED, **words, margin=UNIT * ASKED.margin, chance=UNIT * (1 - ASKED.chance))


@functools.cache
def concluded(world: str, name: str | None) -> tuple[Reading, dict[str, Finding]]:
    made = (World if name is None else InUnit)(**WORLDS[world])
    asked = Study(
        name='mirrored', question='?', arms=ARMS, tasks=(ASKED if name is None else mirrored(name),), replicates=3, looks=(3,)
    )
    planned, records = simulate(asked, made, seed=4)
    reading = Reading(asked, planned, records, {})
    return reading, {finding.arm: finding for finding in findings(reading)}


@pytest.mark.parametrize('name', ['friedman', 'adding', 'stdlib_bytes'])
@pytest.mark.parametrize('world', WORLDS)
def test_a_metric_to_be_lowered_ends_where_the_same_scores_to_be_raised_do(world: str, name: str):
    (one, said_one), (other, said_other) = concluded(world, None), concluded(world, name)
    assert mirrored(name).sign == -ASKED.sign
    assert [trial.id for trial in other.schedule.trials] == [trial.id for trial in one.schedule.trials]
    for row, point in one.schedule.selections.items():
        again = other.schedule.selections[row]
        assert dict(again.knobs) == pytest.approx(dict(point.knobs), rel=1e-6)
        assert again.score == pytest.approx(UNIT * (point.score - 1), rel=1e-6)
    assert other.schedule.censored == one.schedule.censored
    for arm, finding in said_one.items():
        again = said_other[arm]
        assert (again.verdict, again.overall) == (finding.verdict, finding.overall)
        assert again.p_adjusted == pytest.approx(finding.p_adjusted) and again.effect == pytest.approx(UNIT * finding.effect)
        assert again.effect_interval == pytest.approx([UNIT * end for end in finding.effect_interval])


def test_these_worlds_have_something_to_mistake():
    verdicts = {world: {arm: one.verdict for arm, one in concluded(world, None)[1].items()} for world in WORLDS}
    assert verdicts['inside']['good'] == 'better' and verdicts['inside']['bad'] == 'worse'
    reading = concluded('past an edge and near a cliff', None)[0]
    values = reading.study.tune['adamw']['lr']
    assert any(dict(trial.knobs)['lr'] > values.high for trial in reading.schedule.trials)
