"""Packing: which trials of a schedule go into one pack. No jax."""

from collections.abc import Iterable, Mapping

from ablations.study import Study
from ablations.trial import TEST, Program, Trial
from results.budgets import program_flops
from sweeps.protocol.duration import estimated_seconds
from sweeps.protocol.pack import LANES, Pack

SECONDS = 4.0
"""Where lanes run one after the other, a pack has as many as take about so long: the last packs of a phase end together.
A run whose workers take long to start has longer ones."""


def pack(study: Study, trials: Iterable[Trial], manifest: Mapping) -> list[Pack]:
    """All packs of these trials, recorded or not, in their order; a run's manifest says how many lanes there are at most.

    Trials are packed by look, and where lanes run one after the other tuning trials by replicate: so more looks, or more
    replicates, add packs and change none.
    """
    groups: dict[tuple, list[Trial]] = {}
    together = manifest.get('strategy') == 'vmap' or _seconds(manifest) > SECONDS
    looks: dict[tuple[str, int], int] = {}
    for trial in trials:
        about = trial.arm, trial.replicate
        if about not in looks:
            looks[about] = sum(study.count(trial.arm, count) <= trial.replicate for count in study.looks)
        look = looks[about]
        stage = ('look', look) if together or trial.held == TEST else ('replicate', trial.replicate)
        groups.setdefault((trial.program.id, trial.phase, trial.until, stage), []).append(trial)
    packs = []
    for group in groups.values():
        lanes = lanes_of(group[0].program, manifest, group[0].until)
        packs += [Pack(tuple(group[start : start + lanes])) for start in range(0, len(group), lanes)]
    return packs


def lanes_of(program: Program, manifest: Mapping, until: int = 0) -> int:
    """The largest number of trials in a pack of a program, which stop at the step `until` or are trained to the end.

    By estimated and not by measured seconds, so that a second run makes the same packs.
    """
    strategy = manifest.get('strategy')
    most = manifest.get('lanes', LANES[strategy or 'loop'])
    if strategy != 'loop':
        return most
    flops = program_flops(manifest.get('costs', {}), program)
    return max(1, min(most, round(_seconds(manifest) / estimated_seconds(until or program.steps, flops))))


def _seconds(manifest: Mapping) -> float:
    return manifest.get('pack_seconds', SECONDS)
