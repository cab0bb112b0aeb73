"""Effects: main effects and interactions of a factorial study as lines of a table, each with a verdict."""

import dataclasses
from collections.abc import Mapping

from ablations.trial import Schedule
from results.evidence import claim_level
from results.factorial import Effect, Factorial, contrasts, factorials
from results.finding import Finding
from results.rounding import plain
from results.store.reading import Reading

KINDS = ('main effect', 'interaction')
VERDICTS = {'main effect': ('better', 'worse'), 'interaction': ('more together', 'less together')}
"""The verdicts on an effect above 0 and below 0."""


@dataclasses.dataclass(frozen=True)
class EffectLine:
    """One effect on one task, in the metric's good direction; with `verdict` '' it only says why there is no effect.

    `p_adjusted` is by Holm over the effects of all tasks of the study; this family has half of the error rate. `marks` names
    the doubts about all effects of the task.
    """

    task: str
    dataset: str
    metric: str
    unit: str
    direction: str
    name: str = ''
    kind: str = KINDS[0]
    effect: float | None = None
    effect_interval: tuple | None = None
    p: float | None = None
    p_adjusted: float | None = None
    verdict: str = ''
    reason: str = ''
    marks: tuple = ()

    def to_dict(self) -> dict:
        """Plain data, numbers rounded to six significant digits."""
        return plain(self)


def _withheld(task: Factorial, schedule: Schedule, own: list[Finding]) -> str:
    """Why no effect of a task can be claimed, or ''. Every arm enters a contrast, so one unfit arm spoils all effects."""
    if task.reason:
        return task.reason
    if not schedule.look:
        return 'unfinished: not all runs of the first look are recorded'
    unfit = [f for f in own if f.verdict == 'not comparable' and not f.reason.startswith('censored')]
    return f'not comparable: {unfit[0].reason}' if unfit else ''


def _censored(effect: Effect, weights: Mapping[str, float], edges: list[str]) -> str:
    """Why an optimum at an edge forbids this claim, or '': with a better recipe, an arm of opposite sign could undo it."""
    against = [arm for arm in edges if weights[arm] * effect.difference.effect < 0]
    return f'censored: a better recipe of {", ".join(against)} could undo it' if against else ''


def effect_lines(reading: Reading, findings: list[Finding]) -> list[EffectLine]:
    """The lines of a factorial study by task, main effects first; an empty list for other studies."""
    study = reading.study
    if not study.levels:
        return []
    made, level = factorials(reading, study.levels), claim_level(study, reading.manifest)
    weights = contrasts(study.levels)
    lines = []
    for task in made:
        item, own = study.task(task.task), [finding for finding in findings if finding.task == task.task]
        about = dict(task=item.name, dataset=item.dataset, metric=item.metric, unit=item.unit, direction=item.direction)
        edges = [arm for arm in study.arms if reading.schedule.censored.get((arm, task.task))]
        about['marks'] = (f'censored: {", ".join(edges)}',) if edges else ()
        why = _withheld(task, reading.schedule, own)
        if not task.effects:
            lines.append(EffectLine(**about, reason=why))
        for effect in task.effects:
            p = effect.p_adjusted
            kind = KINDS[len(effect.factors) - 1]
            told = VERDICTS[kind][effect.difference.effect < 0] if p is not None and p <= level else 'undecided'
            edge = _censored(effect, weights[tuple(zip(effect.factors, effect.levels, strict=True))], edges)
            told, edge = ('not comparable', edge) if edge and told != 'undecided' else (told, '')
            same = 'zero variance: no test is defined' if effect.p is None else ''
            lines.append(
                EffectLine(
                    **about,
                    name=effect.name,
                    kind=kind,
                    effect=effect.difference.effect,
                    effect_interval=effect.interval,
                    p=effect.p,
                    p_adjusted=p,
                    verdict='not comparable' if why.startswith('not comparable') else 'undecided' if why else told,
                    reason=why or same or (f'{effect.name} is {edge}' if edge else ''),
                )
            )
    return lines
