"""Reproduction: a study trained again compared with the published one, finding by finding and trial by trial."""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from results.finding import Finding
from results.rounding import plain
from results.runs import Runs
from results.statistics import welch
from results.store.reading import Reading

FAR = 3.0
"""Two findings that lie this many standard errors apart are not the same."""


@dataclasses.dataclass(frozen=True)
class Pair:
    """The same finding in both studies: the effects in the metric's good direction, and their distance.

    `distance` is their difference in units of its standard error, as of two independent measurements; None where noise cannot
    be measured. `holds` says that they are the same within noise.
    """

    arm: str
    task: str
    unit: str
    published: float | None
    now: float | None
    difference: float | None
    error: float | None
    distance: float | None
    published_verdict: str
    verdict: str
    holds: bool

    def to_dict(self) -> dict:
        """Plain data, numbers rounded to six significant digits."""
        return plain(self)

    def sentence(self) -> str:
        """The two findings and their distance, in one line."""
        if self.difference is None:
            told = f'published {_signed(self.published)}, now {_signed(self.now)}'
        else:
            far = 'noise not known' if self.distance is None else f'{self.distance:.2g} standard errors'
            told = f'published {_signed(self.published)}, now {_signed(self.now)} {self.unit}, {far} apart'
        verdict = self.verdict if self.verdict == self.published_verdict else f'{self.published_verdict}, now {self.verdict}'
        return f'{"same" if self.holds else "differs"}  {self.arm} on {self.task}: {told}; {verdict}'


def _signed(value: float | None) -> str:
    return 'none' if value is None else f'{value:+.4g}'


def _error(reading: Reading, one: Finding) -> float | None:
    """The standard error of an effect over replicates, None with fewer than two."""
    task = reading.study.task(one.task)
    both = [Runs(reading, arm, task).confirmed() for arm in (one.arm, one.base)]
    difference = None if any(values is None for values in both) else welch(*(values[np.isfinite(values)] for values in both))
    return None if difference is None else difference.error


def _distance(difference: float, error: float | None) -> float | None:
    if error is None:
        return None
    return abs(difference) / error if error else 0.0 if difference == 0 else math.inf


def pairs(published: Reading, now: Reading, published_findings: list[Finding], new_findings: list[Finding]) -> list[Pair]:
    """Every finding of either study, in the published order."""
    old, new = ({(one.arm, one.task): one for one in made} for made in (published_findings, new_findings))
    made = []
    for row in {**old, **new}:
        first, second = old.get(row), new.get(row)
        one = first or second
        effects = [None if finding is None else finding.effect for finding in (first, second)]
        known = None not in effects
        errors = [_error(published, first), _error(now, second)] if known else [None]
        error = None if None in errors else math.hypot(*errors)
        difference = effects[1] - effects[0] if known else None
        distance = _distance(difference, error) if known else None
        same = distance is None or distance <= FAR if known else effects[0] == effects[1] and first and second
        made.append(
            Pair(
                *(one.arm, one.task, one.unit, *effects, difference, error, distance),
                first.verdict if first else 'not published',
                second.verdict if second else 'not found',
                bool(same),
            )
        )
    return made


@dataclasses.dataclass(frozen=True)
class Trials:
    """The trials of both studies: how many ids they share, and how many are bitwise the `same` or `near`.

    `far` has a sentence on each other one. Trials are `judged` under a given tolerance, and if most are bitwise the same: then
    this machine computes as the other did, and any difference has another cause. Otherwise whole runs drift apart, and only
    findings can be compared. `missing` trials are planned now, and not recorded or failed.
    """

    shared: int
    same: int
    near: int
    far: tuple[str, ...]
    missing: int
    judged: bool

    @property
    def agree(self) -> bool:
        """Whether no trial is missing, and none that is judged is far from its first run."""
        return not self.missing and not (self.far and self.judged)

    def to_dict(self) -> dict:
        """Plain data."""
        return dataclasses.asdict(self)

    def sentences(self) -> list[str]:
        """The result of the comparison in sentences; each trial that falls short is named."""
        near = f', {self.near} within the tolerance' if self.near else ''
        said = [f'{self.shared} trials were trained by both: {self.same} gave the same bits{near}, {len(self.far)} did not']
        if self.judged:
            said += [f'differs  {one}' for one in self.far]
        elif self.far:
            said.append(
                'other processors and versions round differently, and whole runs then drift apart: findings are compared, '
                'single trials only by --tolerance'
            )
        return said + [f'missing  {self.missing} planned trials are not recorded or failed'] * bool(self.missing)


def _off(old: Mapping, new: Mapping) -> float:
    """The distance of two records of a trial: 0 if bitwise the same, infinite if they ended differently."""
    if all(old.get(name) == new.get(name) for name in ('status', 'diverged_at', 'score', 'curve')):
        return 0.0
    if old['status'] != new['status'] or None in (old['score'], new['score']):
        return math.inf
    # A curve that differs where the scores are equal is a difference too.
    return abs(old['score'] - new['score']) or math.ulp(0.0)


def trials(published: Reading, now: Reading, tolerance: float | None = None) -> Trials:
    """Compare the records with the same ids; `tolerance` is the allowed distance of scores, in the metric's unit."""
    shared = [trial for trial in now.schedule.trials if trial.id in published.records and trial.id in now.records]
    same, near, far = 0, 0, []
    for trial in shared:
        old, new = published.records.whole(trial.id), now.records.whole(trial.id)
        off = _off(old, new)
        same += off == 0
        if off and tolerance is not None and off <= tolerance:
            near += 1
        elif off:
            scores = ' and '.join(f'{one["status"]} {one["score"]}' for one in (old, new))
            far.append(f"trial {trial.id} of arm '{trial.arm}' on '{trial.task}' ({trial.phase}): {scores}")
    lost = sum(now.records.get(trial.id, {'status': 'failed'})['status'] == 'failed' for trial in now.schedule.trials)
    return Trials(len(shared), same, near, tuple(far), lost, tolerance is not None or 2 * same > len(shared))


def environment_differences(published: Reading, now: Reading) -> list[str]:
    """The differences between the environments of the two trainings: a sentence for each differing entry."""
    seen = []
    for reading in (published, now):
        entries: dict[str, list] = {}
        for record in reading.records.values():
            for name, value in (record.get('environment') or {}).items():
                flat = {f'{name}.{key}': item for key, item in value.items()} if isinstance(value, dict) else {name: value}
                for key, item in flat.items():
                    if item not in entries.setdefault(key, []):
                        entries[key].append(item)
        seen.append({key: ', '.join(sorted(map(str, values))) for key, values in entries.items()})
    old, new = seen
    names = sorted({**old, **new})
    return [f'{key}: published {old.get(key)}, now {new.get(key)}' for key in names if old.get(key) != new.get(key)]
