"""Place: where a task of a study stands on the plane of abstraction, the bits of its model beside those of the best coder."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from ablations.tasks import Task
from ablations.tasks.metrics import metric
from results.abstraction.coded import Coded, Key, key_of
from results.rounding import plain
from results.runs import Runs
from results.statistics import mean_interval
from results.store.reading import Reading

LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class Place:
    """One task of one study, in bits per byte of the sealed test text.

    arm            the best arm by what its tunings expect, so by tuning alone, of those with a sound run in all replicates;
                   `tuned` is what they expect on average
    bits           its mean over confirmed replicates at its own best recipe, with its 95 % `interval` (Student)
    base_bits      the same of the study's base
    over           `bits` less what the best coder needs of the same text, with `over_interval`: below 0 the model needs fewer
    replicates     how many there are
    coded          the coder
    """

    study: str
    task: str
    domain: str
    arm: str
    tuned: float
    bits: float
    interval: tuple[float, float] | None
    base: str
    base_bits: float | None
    replicates: int
    coded: Coded

    @property
    def over(self) -> float:
        return self.bits - self.coded.best

    @property
    def over_interval(self) -> tuple[float, float] | None:
        return self.interval and tuple(end - self.coded.best for end in self.interval)

    @property
    def floor_over(self) -> float | None:
        """What nobody goes below, less what the coder needs."""
        return None if self.coded.floor is None else self.coded.floor - self.coded.best

    def to_dict(self) -> dict:
        """Plain data, numbers rounded to six significant digits."""
        floor = {'floor_over': self.floor_over}
        return plain({**dataclasses.asdict(self), 'over': self.over, 'over_interval': self.over_interval, **floor})


def places(reading: Reading, coders: Mapping[Key, Coded]) -> tuple[list[Place], list[str]]:
    """The places of a study's tasks, and a sentence for each task that has none. `coders` are those of `coded.read`.

    Raises ValueError where a coder is of the same examples in another unit.
    """
    made, lacking = [], []
    for task in reading.study.tasks:
        one = _place(reading, task, coders)
        made += [one] if isinstance(one, Place) else []
        lacking += [f'{reading.study.name}, {task.name}: {one}'] if isinstance(one, str) else []
    return made, lacking


def _place(reading: Reading, task: Task, coders: Mapping[Key, Coded]) -> Place | str:
    """The place of a task, or why it has none."""
    if metric(task.metric) != metric('bits') or task.direction != 'lower':
        return f'{task.metric} is no number of bits'
    tests = sorted({str(record.get('checksum')) for record in reading.records.values() if _is_test(record, task)})
    if not tests:
        return 'nothing is confirmed yet'
    coded = coders.get(key_of(task.data, tests[0]))
    if len(tests) > 1 or coded is None:
        return f'no reference coder of its test examples ({", ".join(tests)}) is known'
    if coded.unit != task.unit:
        raise ValueError(
            f"study '{reading.study.name}', task '{task.name}': its scores are in {task.unit}, and the coder of its examples "
            f"was measured for task '{coded.task}' in {coded.unit}; measure it again: archlab data reference --study STUDY "
            '--out FILE'
        )
    tuned = {arm: _tuned(Runs(reading, arm, task)) for arm in reading.study.arms}
    values = {arm: _values(Runs(reading, arm, task), coded) for arm in reading.study.arms}
    ready = [arm for arm, value in values.items() if value is not None and tuned[arm] is not None]
    if not ready:
        return 'no arm is confirmed yet'
    best = min(ready, key=lambda arm: tuned[arm])
    base = values[reading.study.base]
    return Place(
        reading.study.name,
        task.name,
        task.domain,
        best,
        tuned[best] * coded.bits_per_byte,
        float(values[best].mean()),
        mean_interval(values[best], LEVEL),
        reading.study.base,
        None if base is None else float(base.mean()),
        len(values[best]),
        coded,
    )


def _is_test(record: Mapping, task: Task) -> bool:
    return record['task'] == task.name and record['held'] == 'test' and record['status'] == 'ok'


def _tuned(runs: Runs) -> float | None:
    """The score that the selected points of an arm are expected to have on tuning data, the mean over replicates."""
    points = [runs.selection(replicate) for replicate in runs.replicates]
    return None if not points or None in points else -float(np.mean([point.score for point in points]))


def _values(runs: Runs, coded: Coded) -> np.ndarray | None:
    """Bits per byte of the replicates of an arm; None where one is not recorded or has no run that did not diverge."""
    scores = runs.confirmed()
    if scores is None or not len(scores) or not np.isfinite(scores).all():
        return None
    return -scores * coded.bits_per_byte


def best_of_each(all_places: list[Place]) -> list[Place]:
    """Of places on the same data the one that its tuning expects most of, in the order of the bytes of training.

    Tuning data of two studies are drawn apart from one pool, so that their means compare.
    """
    best: dict[Key, Place] = {}
    for place in all_places:
        key = place.coded.data, place.coded.test
        if key not in best or place.tuned < best[key].tuned:
            best[key] = place
    return sorted(best.values(), key=lambda place: (place.coded.train_bytes, place.task))
