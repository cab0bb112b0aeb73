"""Calibration in small: on identical arms the lab does not claim, and an effect of five replicate deviations it finds.

Worlds with a known truth go through the same plan, selection and evidence as real runs do.
"""

import functools

import numpy as np
import pytest

from ablations.study import Study
from results.evidence import Finding, findings
from sweeps.simulate import World, simulate

STUDIES = 20
WORLDS = {
    'middle': World(),
    'low noise': World(noise=0.02),
    'high noise': World(noise=0.2),
    'low curvature': World(curvature=0.1),
    'high curvature': World(curvature=5.0),
    'optimum at the edge': World(optimum=(0.97, 0.4)),
    'optimum outside': World(optimum=(1.3, 0.4)),
    'optimum far below': World(optimum=(-0.2, 0.4)),
    'cliff close by': World(cliff=0.05),
}
"""The tests use the first and those outside; the others are for calibrating at length by hand, with `shares`."""


def _study(number: int) -> Study:
    """Five arms that do not differ, on two datasets, under the default protocol. The name draws points and seeds."""
    arms = dict.fromkeys(('base', 'planted', 'copy', 'twin', 'double'), ())
    return Study(
        name=f'calibration_{number}', question='Does the lab claim what is not so?', arms=arms, tasks=('digits', 'recall')
    )


def _found(number: int, world: World) -> tuple[list[Finding], object]:
    study = _study(number)
    schedule, records = simulate(study, world, seed=number)
    return findings(study, schedule, records, {}), (schedule, records)


def _claims(found: list[Finding]) -> bool:
    return any(finding.verdict in ('better', 'worse') for finding in found)


@functools.cache
def _null(number: int) -> tuple[list[Finding], object]:
    return _found(number, WORLDS['middle'])


def _deviation(schedule: object, records: dict, task: str = 'digits') -> float:
    """Standard deviation over replicates of an arm's confirmed value, pooled over arms."""
    values: dict[str, list[float]] = {}
    for (phase, arm, where, _), trials in schedule.asked.items():
        if (phase, where) == ('confirm', task):
            values.setdefault(arm, []).append(np.mean([records[trial.id]['score'] for trial in trials]))
    return float(np.sqrt(np.mean([np.var(sample, ddof=1) for sample in values.values()])))


def test_identical_arms_are_seldom_told_apart():
    claimed = [number for number in range(STUDIES) if _claims(_null(number)[0])]
    assert len(claimed) <= 3, f'studies {claimed} of {STUDIES} claim a difference between identical arms'


@pytest.mark.parametrize('name', ['optimum outside', 'optimum far below'])
def test_extending_ranges_makes_no_differences(name):
    claimed = [number for number in range(STUDIES) if _claims(_found(number, WORLDS[name])[0])]
    assert len(claimed) <= 3, f'studies {claimed} of {STUDIES} claim a difference between identical arms'


def test_a_loss_of_five_replicate_deviations_is_found():
    deviation = np.mean([_deviation(*_null(number)[1]) for number in range(STUDIES)])
    world = World(top={'planted': -5 * deviation})
    hits, false = 0, 0
    for number in range(100, 100 + STUDIES):
        found, _ = _found(number, world)
        hits += next(f.verdict for f in found if (f.arm, f.task) == ('planted', 'digits')) == 'worse'
        false += any(f.verdict in ('better', 'worse') for f in found if f.arm != 'planted')
    assert hits >= 18, f'{hits} of {STUDIES} found'
    assert false <= 3, f'{false} of {STUDIES} studies also claim something of the arms that do not differ'


@pytest.mark.parametrize('direction', [1, -1])
def test_the_found_effect_is_the_planted_one(direction):
    """Over studies the effects average to the truth: no side is favoured, neither is the base."""
    effects = []
    for number in range(8):
        found, _ = _found(number, World(top={'planted': direction * 0.3}))
        effects += [f.effect for f in found if f.arm == 'planted']
    assert abs(np.mean(effects) - direction * 0.3) < 4 * np.std(effects) / np.sqrt(len(effects))


def shares(world: World, studies: int) -> dict[str, float]:
    """Of many studies of identical arms: the share with a claim, and of arms on tasks that were extended or end censored."""
    claimed, extended, censored, blocked = [], [], [], []
    for number in range(studies):
        found, (schedule, _) = _found(number, world)
        claimed.append(_claims(found))
        blocked += [finding.verdict == 'not comparable' for finding in found]
        extended += [any(arm in wants for wants in rounds) for rounds in schedule.extended.values() for arm in _study(0).arms]
        censored += [bool(edges) for edges in schedule.censored.values()]
    named = {'claimed': claimed, 'arms extended': extended, 'arms censored': censored, 'not comparable': blocked}
    return {name: float(np.mean(values)) for name, values in named.items()}
