"""Flagship part: a contested claim on the joint page: effects over its rungs, and what a reviewer asks."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from ablations.flagships import Flagship
from ablations.study import Study
from results.figures.ladder import rungs_figure
from results.figures.panels import Inapplicable
from results.figures.style import rendered
from results.finding import Finding
from results.report.inline_figures import inline
from results.report.scaling_grids import of_rungs, scaling_grids
from results.store.reading import Reading
from results.tables import difference_unit, number
from results.winners import winners

Rungs = Mapping[str, tuple[Reading, Sequence[Finding]]]
"""The study and the findings of each rung that has been run, by the name of the rung, from the smallest up."""
CLAIMS = ('better', 'worse')


@dataclasses.dataclass(frozen=True)
class FlagshipPart:
    """A claim, its papers, the rungs that are open, the effects over the others, how errors fall with size, and a reviewer's
    questions with answers."""

    name: str
    claim: str
    papers: tuple[str, ...]
    open: tuple[str, ...]
    figure: Markup
    scaling: tuple[dict, ...]
    review: tuple[tuple[str, str], ...]


def flagship_part(flagship: Flagship, rungs: Rungs) -> FlagshipPart:
    """The part of a flagship of which some rungs have been run."""
    left = tuple(f'{rung.name} ({rung.place})' for rung in flagship.rungs if rung.name not in rungs)
    try:
        label = f'Figure: the effects of {flagship.name} at every rung'
        figure = inline(rendered(rungs_figure(rungs), 'svg').decode(), f'{flagship.name}-rungs', label)
    except Inapplicable:
        figure = Markup('')
    grids = scaling_grids(of_rungs({rung: of[0] for rung, of in rungs.items()}))
    return FlagshipPart(flagship.name, flagship.claim, flagship.papers, left, figure, tuple(grids), review(rungs))


def review(rungs: Rungs) -> tuple[tuple[str, str], ...]:
    """What a reviewer asks of a claim, each question with the answer of the records."""
    study = next(iter(rungs.values()))[0].study
    return (
        ('Was each arm given its own best recipe?', _own_recipes(study)),
        ('On which data, with how large models?', ' '.join(_data(rung, *of) for rung, of in rungs.items())),
        ('How much noise is there?', ' '.join(_noise(rung, of[1]) for rung, of in rungs.items())),
        ('What would one recipe for all have said?', ' '.join(_one_recipe(rung, of[1]) for rung, of in rungs.items())),
        ('Which arm would have won?', ' '.join(_winners(rung, of[0]) for rung, of in rungs.items())),
        ('Does it hold at the next scale?', _at_the_next(rungs)),
    )


def _own_recipes(study: Study) -> str:
    tuned = '; '.join(f'{", ".join(space)} under {optimizer}' for optimizer, space in study.tune.items())
    own = ', '.join(f'{" and ".join(space)} of {arm}' for arm, space in study.own.items())
    each = ' with each of its optimizers' if any(len(study.optimizers_of(arm)) > 1 for arm in study.arms) else ''
    return (
        f'Yes: {study.trials} trials{each} of every arm on every task, in each of up to {study.replicates} replicates ({tuned}'
        f'{"; and " + own if own else ""}). Then {study.seeds} confirmation seeds a replicate.'
    )


def _data(rung: str, reading: Reading, findings: Sequence[Finding]) -> str:
    tested = {one.task: one.n_test for one in findings}
    costs = reading.manifest.get('costs', {}).get(reading.study.base, {})
    told = []
    for task in reading.study.tasks:
        params = costs.get(task.name, {}).get('params')
        size = f', {params:,} parameters' if params else ''
        test = f', {tested[task.name]:,} test examples' if tested.get(task.name) else ''
        told.append(f'{task.name} ({task.dataset}): {task.steps:,} steps of {task.batch}{size}{test}')
    return f'{rung}: {"; ".join(told)}.'


def _noise(rung: str, findings: Sequence[Finding]) -> str:
    told = []
    for task in dict.fromkeys(one.task for one in findings):
        own = [one for one in findings if one.task == task]
        known = sorted(one.detectable for one in own if one.detectable is not None)
        if known:
            margin = number(own[0].margin, own[0].metric)
            seen = number(known[len(known) // 2], own[0].metric)
            told.append(f'{task} {seen} {difference_unit(own[0])} (margin {margin})')
    if not told:
        return f'{rung}: not known yet.'
    return f'{rung}: the effect that a comparison finds in 80 % is, in the middle of the arms, {"; ".join(told)}.'


def _one_recipe(rung: str, findings: Sequence[Finding]) -> str:
    asked = [one for one in findings if one.shared_verdict and one.verdict != 'not comparable']
    other = [one for one in asked if one.shared_verdict != one.verdict]
    if not asked:
        return f'{rung}: not known.'
    told = f'{rung}: the same in {len(asked) - len(other)} of {len(asked)} comparisons'
    changed = '; '.join(
        f'{one.arm} on {one.task} {one.shared_verdict} where its own recipe says {one.verdict}' for one in other
    )
    return f'{told}; {changed}.' if changed else f'{told}.'


def _winners(rung: str, reading: Reading) -> str:
    told = []
    for one in winners(reading):
        shared = '' if one.shared is None else f", {one.shared} at the base's"
        others = f'another than {one.own} in {one.other_by_trial} of {one.tunings} tunings by their best trial'
        told.append(f'on {one.task} {one.own} at own recipes{shared}, {others}')
    return f'{rung}: {"; ".join(told)}.' if told else f'{rung}: not known yet.'


def _at_the_next(rungs: Rungs) -> str:
    told = []
    for (small, (_, before)), (large, (_, after)) in itertools.pairwise(rungs.items()):
        later = {(one.arm, one.task): one.verdict for one in after}
        claims = [one for one in before if one.verdict in CLAIMS]
        same = [one for one in claims if later.get((one.arm, one.task)) == one.verdict]
        turned = [one for one in claims if later.get((one.arm, one.task)) in CLAIMS and one not in same]
        faded = [one for one in claims if one not in same and one not in turned]
        words = [f'{len(same)} of {len(claims)} differences of {small} stand at {large}']
        words += [f'turned: {", ".join(f"{one.arm} on {one.task}" for one in turned)}'] if turned else []
        words += [f'no longer shown: {", ".join(f"{one.arm} on {one.task}" for one in faded)}'] if faded else []
        told.append('; '.join(words) + '.')
    return ' '.join(told) or f'Not known: only {next(iter(rungs))} has been run.'
