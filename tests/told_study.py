"""A study whose records are told: what its arms confirm at is given, everything else is simulated."""

import dataclasses
import json

import numpy as np

from ablations.study import Study
from ablations.tasks import task
from results.evidence import VERDICTS, Finding, findings
from results.store.reading import Reading
from sweeps.protocol.simulate import World, simulate

DIGITS = task('digits', margin=0.01, chance=0.1)
NOISE = np.array([-1.2, -0.4, 0.1, 0.6, 0.9])
"""Replicates in deviations around their mean: small, skewed and the same in every test."""


def study(**fields: object) -> Study:
    """Two arms on the digits, at one look and two confirmation seeds, unless told otherwise."""
    given = {'name': 'told', 'question': 'Is it?', 'arms': {'base': (), 'arm': ()}, 'tasks': (DIGITS,)}
    given |= {'trials': 8, 'seeds': 2, 'share': True, 'looks': (fields.get('replicates', 5),)}
    return Study(**{**given, **fields})


def told(
    asked: Study,
    values: dict,
    /,
    world: World | None = None,
    manifest: dict | None = None,
    rewritten: bool = True,
    **changes: object,
):
    """The findings where arms confirm at `values[arm, task]`: one number a replicate, in the task's own metric.

    `changes` replaces parts of the schedule. Arms not named confirm at 0.5 with NOISE / 100. Runs that diverged get a score
    unless they are not `rewritten`.
    """
    planned, records = simulate(asked, world or World(), seed=0)
    for (phase, arm, where, replicate), trials in planned.asked.items():
        if phase != 'confirm':
            continue
        wanted = values.get((arm, where), 0.5 + NOISE / 100)[replicate]
        for trial, apart in zip(trials, (-0.01, 0.01), strict=False):
            if not rewritten and records[trial.id]['status'] == 'diverged':
                continue
            records[trial.id] = {**records[trial.id], 'score': float(wanted + (apart if len(trials) > 1 else 0.0))}
    made = findings(Reading(asked, dataclasses.replace(planned, **changes), records, manifest or {}))
    for finding in made:
        plain = finding.to_dict()
        json.dumps(plain, allow_nan=False)
        assert set(plain) == {field.name for field in dataclasses.fields(Finding)}
        assert finding.verdict in VERDICTS
        assert finding.overall in VERDICTS
        assert finding.reason
        assert finding.overall_reason
    return made


def one(*arguments, **named) -> Finding:
    (finding,) = told(*arguments, **named)
    return finding


def around(mean: float, deviation: float, turn: int = 0) -> np.ndarray:
    """Replicates around a mean; turned, so that those of two arms do not rise and fall together."""
    return mean + np.roll(NOISE, turn) / NOISE.std(ddof=1) * deviation


def several(tasks: tuple = ('digits', 'recall')) -> tuple[Study, dict]:
    """A study of four arms, and values of all of them with noise of their own."""
    asked = study(arms={'base': (), 'a': (), 'b': (), 'c': ()}, tasks=(DIGITS, task('recall', margin=0.02))[: len(tasks)])
    effects = {('a', 'digits'): 0.02, ('b', 'digits'): 0.01, ('c', 'digits'): 0.0, ('a', 'recall'): 0.005}
    rows = [(arm, name) for arm in asked.arms for name in tasks]
    chance = np.random.default_rng(5)
    return asked, {row: 0.5 + effects.get(row, 0.0) + chance.normal(0, 0.01, 5) for row in rows}
